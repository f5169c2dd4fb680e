"""How long a reading holds: to the next one if that is in time, else for one interval.

Owns the terms that go with a bucket, and the buckets that a slow server leaves empty. Pure.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import zip_longest
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from lictui.history.pools import Terms
from lictui.history.rollup import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

IN_TIME: Final = 1.5  # intervals between two readings with no gap between them
UNKNOWN: Final = Terms(0, None, None, 0.0)
_start = attrgetter("start")


class Timeline:
    """The terms of a pool, asked for times that never go back."""

    def __init__(self, terms: Sequence[Terms]) -> None:
        self._terms = terms or (UNKNOWN,)
        self._index = 0

    def before(self, edge: int) -> Terms:
        """The terms that held last before `edge`; the first ones before all of them."""
        while self._index + 1 < len(self._terms) and self._terms[self._index + 1].at < edge:
            self._index += 1
        return self._terms[self._index]


def reach(terms: Sequence[Terms], width: int) -> int:
    """Seconds around a stretch of time whose readings may fill a bucket of it, in whole buckets."""
    return -int(-max((each.every for each in terms), default=0) * IN_TIME // width) * width


def held(
    tallies: Sequence[Tally],
    terms: Sequence[Terms],
    width: int,
    within: tuple[int, int],
    now: int,
) -> Iterator[tuple[Sequence[Tally], Terms]]:
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
    tallies: Sequence[Tally], terms: Sequence[Terms], width: int, end: int
) -> Sequence[Tally]:
    if not tallies:
        return tallies
    whole = tallies[-1].start - tallies[0].start == (len(tallies) - 1) * width
    first = len(tallies) - 1 if whole else 0  # most often there is nothing to fill but at the end
    found = list(tallies[:first])
    timeline = Timeline(terms)
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
            Tally(start, last, 0, last, start, last, 0) for start in range(stop, until, width)
        ]
    return found


def _until(each: Tally, following: Tally | None, every: float, width: int, end: int) -> int:
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
