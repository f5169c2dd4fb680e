"""Readings, and what remains of them in wider and wider buckets. Pure.

Owns the arithmetic: a tally of a stretch is the same whether it was made from its readings, from
the tallies of its parts, or a bit now and a bit later. Must not know where either is kept.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import groupby, zip_longest
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from lictui.history.pools import Capacity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class ReadingRun(NamedTuple):
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

    def cut(self, edge: int) -> tuple[ReadingRun | None, ReadingRun | None]:
        """The readings before `edge`, and those from it on."""
        first = self.before(edge)
        return self._part(0, first), self._part(first, self.n)

    def _part(self, start: int, stop: int) -> ReadingRun | None:
        if start == stop:
            return None
        at = self.moment(start)
        return ReadingRun(at, self.moment(stop - 1) - at, stop - start, self.in_use)


class Rollup(NamedTuple):
    """What the readings in one stretch of time came to."""

    start: int
    low: int
    total: int  # sum of all readings: the average times `n`
    high: int
    high_at: int  # when `high` was read first
    last: int
    n: int  # readings


def roll_up(runs: Iterable[ReadingRun], width: int) -> list[Rollup]:
    """The tallies of `runs` in buckets of `width` seconds; what could not be read counts not."""
    found: dict[int, Rollup] = {}
    for run in runs:
        for one in _parts(run, width):
            found[one.start] = join(found[one.start], one) if one.start in found else one
    return [found[start] for start in sorted(found)]


def _parts(run: ReadingRun, width: int) -> Iterator[Rollup]:
    value = run.in_use
    if value is None:
        return
    first = 0
    while first < run.n:
        at = run.moment(first)
        start = at // width * width
        stop = run.before(start + width)
        n = stop - first
        yield Rollup(start, value, value * n, value, at, value, n)
        first = stop


def join(earlier: Rollup, later: Rollup) -> Rollup:
    """Both as one, with the start of the earlier."""
    high, high_at = earlier.high, earlier.high_at
    if later.high > high:
        high, high_at = later.high, later.high_at
    return Rollup(
        earlier.start,
        min(earlier.low, later.low),
        earlier.total + later.total,
        high,
        high_at,
        later.last,
        earlier.n + later.n,
    )


def richer(held: Rollup, given: Rollup) -> Rollup:
    """Two tellings of the same stretch as one: the one of more readings, with the extremes of both.

    Of as many the one given. The same again changes nothing, as joining would.
    """
    stands, other = (given, held) if given.n >= held.n else (held, given)
    high, high_at = stands.high, stands.high_at
    if other.high > high:
        high, high_at = other.high, other.high_at
    low = min(stands.low, other.low)
    return Rollup(stands.start, low, stands.total, high, high_at, stands.last, stands.n)


def merge(earlier: Sequence[Rollup], later: Sequence[Rollup]) -> list[Rollup]:
    """Tallies of the same width in order of time; where both have a bucket, the two joined."""
    if not earlier or not later or earlier[-1].start < later[0].start:
        return [*earlier, *later]
    found = {each.start: each for each in earlier}
    for each in later:
        found[each.start] = join(found[each.start], each) if each.start in found else each
    return [found[start] for start in sorted(found)]


def coarsen(tallies: Iterable[Rollup], width: int) -> list[Rollup]:
    """The same in buckets of `width` seconds, a multiple of the width they have."""
    return [
        _all(start, group)
        for start, group in groupby(tallies, lambda each: each.start // width * width)
    ]


def _all(start: int, group: Iterable[Rollup]) -> Rollup:
    """All of `group`, which is in order of time, as one."""
    _, lows, totals, highs, moments, lasts, many = zip(*group, strict=True)
    high = max(highs)
    high_at = moments[highs.index(high)]
    return Rollup(start, min(lows), sum(totals), high, high_at, lasts[-1], sum(many))


# How long a reading holds: to the next one if that is in time, else for one interval


IN_TIME: Final = 1.5  # intervals between two readings with no gap between them
UNKNOWN: Final = Capacity(0, None, None, 0.0)
_start = attrgetter("start")


class CapacityTimeline:
    """The terms of a pool, asked for times that never go back."""

    def __init__(self, terms: Sequence[Capacity]) -> None:
        self._terms = terms or (UNKNOWN,)
        self._index = 0

    def before(self, edge: int) -> Capacity:
        """The terms that held last before `edge`; the first ones before all of them."""
        while self._index + 1 < len(self._terms) and self._terms[self._index + 1].at < edge:
            self._index += 1
        return self._terms[self._index]


def reach(terms: Sequence[Capacity], width: int) -> int:
    """Seconds around a stretch of time whose readings may fill a bucket of it, in whole buckets."""
    return -int(-max((each.every for each in terms), default=0) * IN_TIME // width) * width


def held(
    tallies: Sequence[Rollup],
    terms: Sequence[Capacity],
    width: int,
    within: tuple[int, int],
    now: int,
) -> Iterator[tuple[Sequence[Rollup], Capacity]]:
    """The buckets that begin `within` [start, end), by the terms that held at their ends.

    `tallies` reach around that stretch. Buckets that a reading holds through have `n` = 0; none
    that begins after `now` is made up.
    """
    start, end = within
    every = _filled(tallies, terms, width, min(end, now + 1))
    first = bisect_left(every, start, key=_start)
    stop = bisect_left(every, end, first, key=_start)
    for held_then, later in zip_longest(terms or (UNKNOWN,), terms[1:]):
        last = bisect_right(every, later.at - width, first, stop, key=_start) if later else stop
        if first < last:
            yield every[first:last], held_then
            first = last


def _filled(
    tallies: Sequence[Rollup], terms: Sequence[Capacity], width: int, end: int
) -> Sequence[Rollup]:
    if not tallies:
        return tallies
    whole = tallies[-1].start - tallies[0].start == (len(tallies) - 1) * width
    first = len(tallies) - 1 if whole else 0  # most often there is nothing to fill but at the end
    found = list(tallies[:first])
    timeline = CapacityTimeline(terms)
    silences = [each.at for each in terms if not each.every]
    for each, following in zip_longest(tallies[first:], tallies[first + 1 :]):
        found.append(each)
        stop = each.start + width
        if following is not None and following.start == stop:
            continue
        until = _until(each, following, timeline.before(stop).every, width, end)
        after = bisect_left(silences, stop)
        if after < len(silences):
            until = min(until, silences[after] // width * width)
        last = each.last
        found += [
            Rollup(start, last, 0, last, start, last, 0) for start in range(stop, until, width)
        ]
    return found


def _until(each: Rollup, following: Rollup | None, every: float, width: int, end: int) -> int:
    """Where the buckets end that the last reading of `each` fills.

    A bucket knows one moment of a reading, that of its peak. Where polls are so slow that buckets
    between two of them are empty, it is the only reading of its bucket.
    """
    if following is not None:
        end = min(end, following.start)
        if following.high_at - each.high_at <= every * IN_TIME:
            return end
    until = int(each.high_at + every)
    return end if until >= end else until // width * width
