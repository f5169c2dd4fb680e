"""Arithmetic of stored readings: runs of equal readings, roll-ups, and how long a reading is valid.

A roll-up of a period is the same whether it is made from its readings, from the roll-ups of its
parts, or a part now and a part later.
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
    """Successive, evenly spaced readings with the same figure."""

    start: int  # UTC epoch seconds of the first reading
    duration: int  # seconds from the first to the last
    samples: int  # number of readings
    in_use: int | None  # None: the figure could not be read

    @property
    def end(self) -> int:
        """The time of the last reading."""
        return self.start + self.duration

    def time_of(self, index: int) -> int:
        """Return the time of a reading, counted from 0."""
        return self.start + (self.duration * index // (self.samples - 1) if index else 0)

    def count_before(self, time: int) -> int:
        """Return how many readings are earlier than `time`."""
        if time <= self.start:
            return 0
        if time > self.end:
            return self.samples
        return -((self.start - time) * (self.samples - 1) // self.duration)

    def split(self, time: int) -> tuple[ReadingRun | None, ReadingRun | None]:
        """Return the readings before `time`, and those from `time` on."""
        count = self.count_before(time)
        return self._part(0, count), self._part(count, self.samples)

    def _part(self, first: int, stop: int) -> ReadingRun | None:
        if first == stop:
            return None
        start = self.time_of(first)
        return ReadingRun(start, self.time_of(stop - 1) - start, stop - first, self.in_use)


class Rollup(NamedTuple):
    """The readings of one bucket of time."""

    start: int
    low: int
    total: int  # sum of all readings: the average times `samples`
    high: int
    high_at: int  # when `high` was read first
    last: int
    samples: int  # number of readings


def roll_up(runs: Iterable[ReadingRun], width: int) -> list[Rollup]:
    """Return the roll-ups of `runs` in buckets of `width` seconds; unknown figures do not count."""
    by_start: dict[int, Rollup] = {}
    for run in runs:
        for rollup in _split_into_buckets(run, width):
            earlier = by_start.get(rollup.start)
            by_start[rollup.start] = merge(earlier, rollup) if earlier else rollup
    return [by_start[start] for start in sorted(by_start)]


def _split_into_buckets(run: ReadingRun, width: int) -> Iterator[Rollup]:
    value = run.in_use
    if value is None:
        return
    first = 0
    while first < run.samples:
        time = run.time_of(first)
        start = time // width * width
        stop = run.count_before(start + width)
        samples = stop - first
        yield Rollup(start, value, value * samples, value, time, value, samples)
        first = stop


def merge(earlier: Rollup, later: Rollup) -> Rollup:
    """Return two roll-ups of successive readings as one, with the start of the earlier."""
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
        earlier.samples + later.samples,
    )


def more_complete(stored: Rollup, imported: Rollup) -> Rollup:
    """Return two roll-ups of the same readings as one: the larger, with the extremes of both.

    Of two that are equally large, `imported`. Unlike with `merge`, the same again changes nothing.
    """
    larger, smaller = (
        (imported, stored) if imported.samples >= stored.samples else (stored, imported)
    )
    high, high_at = larger.high, larger.high_at
    if smaller.high > high:
        high, high_at = smaller.high, smaller.high_at
    return larger._replace(low=min(larger.low, smaller.low), high=high, high_at=high_at)


def merge_lists(earlier: Sequence[Rollup], later: Sequence[Rollup]) -> list[Rollup]:
    """Return roll-ups of the same width in order of time, merged where both have a bucket."""
    if not earlier or not later or earlier[-1].start < later[0].start:
        return [*earlier, *later]
    by_start = {rollup.start: rollup for rollup in earlier}
    for rollup in later:
        known = by_start.get(rollup.start)
        by_start[rollup.start] = merge(known, rollup) if known else rollup
    return [by_start[start] for start in sorted(by_start)]


def coarsen(rollups: Iterable[Rollup], width: int) -> list[Rollup]:
    """Return the same in buckets of `width` seconds, a multiple of their present width."""
    return [
        _merge_all(start, parts)
        for start, parts in groupby(rollups, lambda rollup: rollup.start // width * width)
    ]


def _merge_all(start: int, parts: Iterable[Rollup]) -> Rollup:
    _, lows, totals, highs, high_ats, lasts, samples = zip(*parts, strict=True)
    high = max(highs)
    high_at = high_ats[highs.index(high)]
    return Rollup(start, min(lows), sum(totals), high, high_at, lasts[-1], sum(samples))


# How long a reading is valid: to the next one if that is in time, else for one interval


GAP_FACTOR: Final = 1.5  # intervals between two readings from which there is a gap between them
UNKNOWN_CAPACITY: Final = Capacity(0, None, None, 0.0)
_start = attrgetter("start")


class CapacityTimeline:
    """The capacity of a pool over time, queried for times that never go back."""

    def __init__(self, capacities: Sequence[Capacity]) -> None:
        self._capacities = capacities or (UNKNOWN_CAPACITY,)
        self._index = 0

    def valid_before(self, time: int) -> Capacity:
        """Return the last capacity that began before `time`; the first one before all of them."""
        while (
            self._index + 1 < len(self._capacities)
            and self._capacities[self._index + 1].valid_from < time
        ):
            self._index += 1
        return self._capacities[self._index]


def lookback(capacities: Sequence[Capacity], width: int) -> int:
    """Return the seconds around a range whose readings may fill its buckets, in whole buckets."""
    longest = max((capacity.interval for capacity in capacities), default=0)
    return -int(-longest * GAP_FACTOR // width) * width


def fill_gaps(
    rollups: Sequence[Rollup],
    capacities: Sequence[Capacity],
    width: int,
    within: tuple[int, int],
    now: int,
) -> Iterator[tuple[Sequence[Rollup], Capacity]]:
    """Yield the buckets that start `within` [start, end), by the capacity at their ends.

    `rollups` start `lookback` before that range and end as much later. A bucket that the previous
    reading fills has `samples` = 0; none that starts after `now` is filled.
    """
    start, end = within
    filled = _filled(rollups, capacities, width, min(end, now + 1))
    first = bisect_left(filled, start, key=_start)
    stop = bisect_left(filled, end, first, key=_start)
    for capacity, following in zip_longest(capacities or (UNKNOWN_CAPACITY,), capacities[1:]):
        last = stop
        if following:
            last = bisect_right(filled, following.valid_from - width, first, stop, key=_start)
        if first < last:
            yield filled[first:last], capacity
            first = last


def _filled(
    rollups: Sequence[Rollup], capacities: Sequence[Capacity], width: int, end: int
) -> Sequence[Rollup]:
    if not rollups:
        return rollups
    # Usually there is nothing to fill but after the last bucket.
    gap_free = rollups[-1].start - rollups[0].start == (len(rollups) - 1) * width
    first = len(rollups) - 1 if gap_free else 0
    filled = list(rollups[:first])
    timeline = CapacityTimeline(capacities)
    gaps = [capacity.valid_from for capacity in capacities if not capacity.interval]
    for rollup, following in zip_longest(rollups[first:], rollups[first + 1 :]):
        filled.append(rollup)
        stop = rollup.start + width
        if following is not None and following.start == stop:
            continue
        until = _filled_until(rollup, following, timeline.valid_before(stop).interval, width, end)
        next_gap = bisect_left(gaps, stop)
        if next_gap < len(gaps):
            until = min(until, gaps[next_gap] // width * width)
        last = rollup.last
        filled += [
            Rollup(start, last, 0, last, start, last, 0) for start in range(stop, until, width)
        ]
    return filled


def _filled_until(
    rollup: Rollup, following: Rollup | None, interval: float, width: int, end: int
) -> int:
    """Return where the buckets end that the last reading of `rollup` fills.

    The only known time of a reading is that of the maximum. Where polls are so slow that buckets
    between two of them are empty, it is the only reading of its bucket.
    """
    if following is not None:
        end = min(end, following.start)
        if following.high_at - rollup.high_at <= interval * GAP_FACTOR:
            return end
    until = int(rollup.high_at + interval)
    return end if until >= end else until // width * width
