"""Arithmetic of stored readings: roll-ups in buckets, and how long a reading is valid.

The maximum of a bucket is that of its readings; its average is over time, in which every reading is
valid until the next one, if that is in time, else for one interval.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from msgspec import Struct

from lictui.analysis.columns import TimeColumns, groups, highest, repeated, stacked
from lictui.clock import DAY

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lictui.analysis.columns import BoolArray, FloatArray, IntArray
    from lictui.history.pools import Capacity

FOREVER: Final = 1 << 40  # seconds; later than any reading
UNKNOWN: Final = -(1 << 40)  # a figure that could not be read
GAP_FACTOR: Final = 1.5  # intervals between two readings from which there is a gap between them
# In place of the interval of readings of a file: the gaps around each say how often it was read.
BY_GAPS: Final = -1.0
CONTEXT: Final = 2 * DAY  # readings so far away say nothing
_DEFAULT_INTERVAL: Final = 900.0  # seconds, where a file has a single reading


def sorted_unique(*times: IntArray) -> IntArray:
    """Return all times in order, each once; quicker than numpy where parts are in order.

    `np.unique` also loads the masked arrays of numpy, which takes longer than a chart.
    """
    joined = np.sort(np.concatenate(times), kind="stable")
    unique: IntArray = joined[np.append(np.diff(joined) > 0, np.ones(len(joined[:1]), np.bool_))]
    return unique


# Single readings


@dataclass(frozen=True, eq=False)
class Readings(TimeColumns):
    """Single readings of a pool in order of time, each second at most once."""

    time: IntArray  # UTC epoch seconds
    value: IntArray  # in use, or UNKNOWN

    @classmethod
    def of(cls, pairs: Iterable[tuple[int, int | None]]) -> Readings:
        """Return times and figures in any order; of two in one second the later counts."""
        by_time = dict(pairs)
        times = sorted(by_time)
        values = [UNKNOWN if (v := by_time[time]) is None else v for time in times]
        return cls(np.array(times, np.int64), np.array(values, np.int64))

    @classmethod
    def of_rollups(cls, rollups: Rollups) -> Readings:
        """Return the readings of a block: see `rollups`."""
        return cls(rollups.start, np.where(rollups.samples > 0, rollups.low, UNKNOWN))

    def rollups(self) -> Rollups:
        """Return each reading as a bucket; one without a figure has no sample."""
        known = self.value != UNKNOWN
        # An unknown one takes less space with the figure before it.
        index = np.maximum.accumulate(np.where(known, np.arange(len(known)), 0))
        value = np.where(known[index], self.value[index], 0)
        one = np.ones_like(value)
        samples = known.astype(np.int64)
        return Rollups(self.time, value, value, self.time, value, value, one, samples)

    def with_added(self, new: Readings) -> Readings:
        """Return both; of two readings in one second that of `new`, unless only it is unknown."""
        if not len(self):
            return new
        place = np.minimum(np.searchsorted(self.time, new.time), len(self) - 1)
        twin = self.time[place] == new.time
        value = self.value.copy()
        known = twin & (new.value != UNKNOWN)
        value[place[known]] = new.value[known]
        time = np.concatenate((self.time, new.time[~twin]))
        value = np.concatenate((value, new.value[~twin]))
        order = np.argsort(time, kind="stable")
        return Readings(time[order], value[order])

    def valid_until(self, capacities: Capacities) -> IntArray:
        """Return until when each reading is valid."""
        following = np.append(self.time[1:], FOREVER)
        longest, interval = self.intervals(capacities)
        in_time = following - self.time <= longest
        until = np.where(in_time, following, self.time + interval.astype(np.int64))
        gaps = np.append(capacities.gaps, FOREVER)
        until = np.minimum(until, gaps[np.searchsorted(capacities.gaps, self.time, "right")])
        whole: IntArray = until.astype(np.int64)
        return whole

    def intervals(self, capacities: Capacities) -> tuple[FloatArray, FloatArray]:
        """Return in which time after each reading the next one is in time, and its interval."""
        interval = capacities.interval[capacities.at(self.time)]
        by_gaps = interval == BY_GAPS
        if not by_gaps.any():
            return interval * GAP_FACTOR, interval
        gaps = np.diff(self.time).astype(np.float64)
        gaps[gaps > CONTEXT] = np.nan
        gap, before = np.append(gaps, np.nan), np.append(np.nan, gaps)
        after = np.append(gap[1:], np.nan)
        own = np.where(
            np.isnan(before), np.where(np.isnan(after), _DEFAULT_INTERVAL, after), before
        )
        nearby = np.fmax(before, after)
        alone = np.where(np.isnan(gap), own, gap)
        nearby = np.minimum(np.where(np.isnan(nearby), alone, nearby), DAY)
        own = np.minimum(own, DAY)
        longest = np.where(by_gaps, nearby, interval) * GAP_FACTOR
        return longest, np.where(by_gaps, own, interval)


class Capacities(Struct, frozen=True, eq=False):
    """The capacities of a pool over time as columns."""

    valid_from: IntArray
    installed: FloatArray  # NaN: unknown
    overdraft: FloatArray
    interval: FloatArray  # seconds between two polls, or BY_GAPS; 0: the poll had no figure

    @classmethod
    def of(cls, capacities: Sequence[Capacity]) -> Capacities:
        """Return capacities in order of time."""
        start, *columns = zip(*(capacities or ((0, None, None, 0.0),)), strict=True)
        return cls(np.array(start, np.int64), *np.array(columns, np.float64))

    @property
    def gaps(self) -> IntArray:
        """When polls brought no figure."""
        times: IntArray = self.valid_from[self.interval == 0]
        return times

    def licenses(self, times: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return what is installed, and the overdraft, at each time."""
        first, last = self.at(np.array((times.min(), times.max()))) if len(times) else (0, 0)
        within = slice(first, last + 1)
        at: IntArray | None = None
        columns = []
        for column in (self.installed, self.overdraft):
            part = column[within]
            if (part == part[0]).all() or np.isnan(part).all():
                columns.append(repeated(column[first], len(times)))
            else:
                at = self.at(times) if at is None else at
                columns.append(column[at])
        return columns[0], columns[1]

    def at(self, times: IntArray) -> IntArray:
        """Return the index of the capacity that is valid at each time; 0 before all of them."""
        index: IntArray = np.searchsorted(self.valid_from, times, side="right") - 1
        return np.maximum(index, 0)


# Buckets


@dataclass(frozen=True, eq=False)
class Rollups(TimeColumns):
    """Buckets of one width in order of time."""

    start: IntArray  # UTC epoch seconds
    low: IntArray  # the lowest reading; without any, the reading that is still valid
    high: IntArray
    high_at: IntArray  # when the highest was read first; without readings the start
    last: IntArray
    total: IntArray  # the sum of the figures, each times the seconds that it was valid
    seconds: IntArray  # for how long there is a figure, in whole five minutes
    samples: IntArray  # number of readings; 0: filled from the previous one


EMPTY: Final = Rollups(*np.empty((8, 0), np.int64))


def join(parts: Sequence[Rollups]) -> Rollups:
    """Return successive buckets as one value."""
    parts = [part for part in parts if len(part)]
    return Rollups(*stacked([part.columns for part in parts])) if parts else EMPTY


def roll_up(readings: Readings, capacities: Capacities, width: int, now: int = FOREVER) -> Rollups:
    """Return the buckets of `width` seconds that have a figure; none that starts after `now`.

    A bucket without readings has one if that before is valid to its end.
    """
    known = readings.value != UNKNOWN
    if not known.any():
        return EMPTY
    until = readings.valid_until(capacities)[known]
    time, value = readings.time[known], readings.value[known]
    until = np.where(until > now, np.maximum(until, (now // width + 1) * width), until)
    # A reading has a part in its own bucket and in all that it is valid in.
    count = np.maximum((until - 1) // width - time // width, 0) + 1
    own = np.cumsum(count) - count
    index = np.arange(count.sum()) - np.repeat(own, count)
    bucket = (np.repeat(time // width, count) + index) * width
    start, end = bucket.copy(), np.minimum(bucket + width, np.repeat(until, count))
    start[own] = time
    # In its own bucket it counts up to the next one, or to the end.
    end[own] = np.minimum(bucket[own] + width, np.append(time[1:], FOREVER))
    value, seconds = np.repeat(value, count), end - start
    samples = (index == 0).astype(np.int64)
    parts = Rollups(start, value, value, start, value, value * seconds, seconds, samples)
    result = coarsen(parts, width)
    whole = (result.seconds == width) & (result.start <= now)
    result = result.select(whole | (result.samples > 0))
    # Of a bucket that is covered in part the average counts for the whole.
    scaled = np.rint(result.total * (width / result.seconds)).astype(np.int64)
    total = np.where(result.seconds == width, result.total, scaled)
    return replace(result, total=total, seconds=np.full(len(result), width))


def coarsen(rollups: Rollups, width: int) -> Rollups:
    """Return the same in buckets of `width` seconds; successive parts of one bucket are joined."""
    if not len(rollups):
        return rollups
    first, count = groups(rollups.start // width)
    samples = np.add.reduceat(rollups.samples, first)
    # What is filled counts for the extremes only where there is no reading.
    counts = (rollups.samples > 0) | np.repeat(samples == 0, count)
    at = highest(np.where(counts, rollups.high, UNKNOWN), first, count)
    return Rollups(
        rollups.start[first] // width * width,
        np.minimum.reduceat(np.where(counts, rollups.low, FOREVER), first),
        rollups.high[at],
        rollups.high_at[at],
        rollups.last[first + count - 1],
        np.add.reduceat(rollups.total, first),
        np.add.reduceat(rollups.seconds, first),
        samples,
    )


# Buckets that are stored, and what changes in them


def reconcile(stored: Rollups, before: Rollups, after: Rollups) -> tuple[Rollups, IntArray]:
    """Return the stored buckets where what is known of them changed from `before` to `after`.

    A stored bucket with more readings than `before` has some that are not known any more: it stays,
    unless `after` has as many, and takes over higher and lower figures. Also returns the starts of
    the buckets that are new or changed.
    """
    if not len(stored) and not len(before):
        return after, after.start
    start = sorted_unique(stored.start, before.start, after.start)
    (old, has_old), (known, has_known), (new, has_new) = (
        _spread(rollups, start) for rollups in (stored, before, after)
    )
    more = has_old & (~has_known | (old.samples > known.samples))
    both = more & has_new & (new.samples > 0) & (old.samples > 0)
    use_new = has_new & (~more | ((new.samples > 0) & (new.samples >= old.samples)))
    use_new_high = np.where(both & (old.high != new.high), new.high > old.high, use_new)
    pairs = zip(new.columns, old.columns, strict=True)
    result = Rollups(*(np.where(use_new, *pair) for pair in pairs))
    result = replace(
        result,
        low=np.where(both, np.minimum(old.low, new.low), result.low),
        high=np.where(use_new_high, new.high, old.high),
        high_at=np.where(use_new_high, new.high_at, old.high_at),
    )
    kept = more | has_new
    differs = (np.array(result.columns) != np.array(old.columns)).any(axis=0)
    return result.select(kept), start[kept & (differs | ~has_old)]


def _spread(rollups: Rollups, start: IntArray) -> tuple[Rollups, BoolArray]:
    """Return buckets at all of these starts, and which there are."""
    place = np.searchsorted(start, rollups.start)
    columns = np.zeros((len(rollups.columns), len(start)), np.int64)
    columns[:, place] = rollups.columns
    present = np.zeros(len(start), np.bool_)
    present[place] = True
    return Rollups(*columns), present


def contained(stored: Rollups, rollups: Rollups) -> BoolArray:
    """Return which of `rollups` the stored buckets may well contain."""
    start = sorted_unique(stored.start, rollups.start)
    (old, has_old), (new, _) = _spread(stored, start), _spread(rollups, start)
    inside = has_old & (old.samples >= new.samples) & (old.low <= new.low) & (new.high <= old.high)
    chosen: BoolArray = inside[np.searchsorted(start, rollups.start)]
    return chosen
