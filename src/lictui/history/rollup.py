"""Readings, and what remains of them in wider and wider buckets. Pure.

Owns the arithmetic: a tally of a stretch is the same whether it was made from its readings, from
the tallies of its parts, or a bit now and a bit later. Must not know where either is kept.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class Run(NamedTuple):
    """Readings in a row, evenly spaced, that all said the same."""

    at: int  # UTC epoch seconds of the first
    span: int  # seconds from the first to the last
    n: int
    in_use: int | None  # None: could not be read

    @property
    def end(self) -> int:
        """The time of the last reading."""
        return self.at + self.span

    def moment(self, index: int) -> int:
        """The time of the reading number `index`, from 0."""
        return self.at + (self.span * index // (self.n - 1) if index else 0)

    def before(self, edge: int) -> int:
        """How many of the readings were earlier than `edge`."""
        if edge <= self.at:
            return 0
        if edge > self.end:
            return self.n
        return -((self.at - edge) * (self.n - 1) // self.span)

    def cut(self, edge: int) -> tuple[Run | None, Run | None]:
        """The readings before `edge`, and those from it on."""
        first = self.before(edge)
        return self._part(0, first), self._part(first, self.n)

    def _part(self, start: int, stop: int) -> Run | None:
        if start == stop:
            return None
        at = self.moment(start)
        return Run(at, self.moment(stop - 1) - at, stop - start, self.in_use)


class Tally(NamedTuple):
    """What the readings in one stretch of time came to."""

    start: int
    low: int
    total: int  # sum of all readings: the average times `n`
    high: int
    high_at: int  # when `high` was read first
    last: int
    n: int  # readings


def tally(runs: Iterable[Run], width: int) -> list[Tally]:
    """The tallies of `runs` in buckets of `width` seconds; what could not be read counts not."""
    found: dict[int, Tally] = {}
    for run in runs:
        for one in _parts(run, width):
            found[one.start] = join(found[one.start], one) if one.start in found else one
    return [found[start] for start in sorted(found)]


def _parts(run: Run, width: int) -> Iterator[Tally]:
    value = run.in_use
    if value is None:
        return
    first = 0
    while first < run.n:
        at = run.moment(first)
        start = at // width * width
        stop = run.before(start + width)
        n = stop - first
        yield Tally(start, value, value * n, value, at, value, n)
        first = stop


def join(earlier: Tally, later: Tally) -> Tally:
    """Both as one, with the start of the earlier."""
    high, high_at = earlier.high, earlier.high_at
    if later.high > high:
        high, high_at = later.high, later.high_at
    return Tally(
        earlier.start,
        min(earlier.low, later.low),
        earlier.total + later.total,
        high,
        high_at,
        later.last,
        earlier.n + later.n,
    )


def richer(held: Tally, given: Tally) -> Tally:
    """Two tellings of the same stretch as one: the one of more readings, with the extremes of both.

    Of as many the one given. The same again changes nothing, as joining would.
    """
    stands, other = (given, held) if given.n >= held.n else (held, given)
    high, high_at = stands.high, stands.high_at
    if other.high > high:
        high, high_at = other.high, other.high_at
    low = min(stands.low, other.low)
    return Tally(stands.start, low, stands.total, high, high_at, stands.last, stands.n)


def merge(earlier: Sequence[Tally], later: Sequence[Tally]) -> list[Tally]:
    """Tallies of the same width in order of time; where both have a bucket, the two joined."""
    if not earlier or not later or earlier[-1].start < later[0].start:
        return [*earlier, *later]
    found = {each.start: each for each in earlier}
    for each in later:
        found[each.start] = join(found[each.start], each) if each.start in found else each
    return [found[start] for start in sorted(found)]


def coarsen(tallies: Iterable[Tally], width: int) -> list[Tally]:
    """The same in buckets of `width` seconds, a multiple of the width they have."""
    return [
        _all(start, group)
        for start, group in groupby(tallies, lambda each: each.start // width * width)
    ]


def _all(start: int, group: Iterable[Tally]) -> Tally:
    """All of `group`, which is in order of time, as one."""
    _, lows, totals, highs, moments, lasts, many = zip(*group, strict=True)
    high = max(highs)
    high_at = moments[highs.index(high)]
    return Tally(start, min(lows), sum(totals), high, high_at, lasts[-1], sum(many))
