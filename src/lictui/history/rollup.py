"""Arithmetic of stored readings: roll-ups in buckets, and how long a reading is valid.

The maximum of a bucket is that of its readings; its average is over time, in which every reading is
valid until the next one, if that is in time, else for one interval.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from lictui.analysis.columns import picked, repeated, stacked

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lictui.analysis.columns import BoolArray, FloatArray, IntArray
    from lictui.history.pools import Capacity

FOREVER: Final = 1 << 40  # seconds; later than any reading
UNKNOWN: Final = -(1 << 40)  # a figure that could not be read
GAP_FACTOR: Final = 1.5  # intervals between two readings from which there is a gap between them


def sorted_unique(*times: IntArray) -> IntArray:
    """Return all times in order, each once; quicker than numpy where parts are in order."""
    joined = np.sort(np.concatenate(times), kind="stable")
    unique: IntArray = joined[np.append(np.diff(joined) > 0, np.ones(len(joined[:1]), np.bool_))]
    return unique


# Single readings


@dataclass(frozen=True, eq=False, slots=True)
class Readings:
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

    def __len__(self) -> int:
        return len(self.time)

    def select(self, chosen: BoolArray | slice) -> Readings:
        """Return some of the readings."""
        return Readings(self.time[chosen], self.value[chosen])

    def between(self, start: int, stop: int) -> Readings:
        """Return the readings in [start, stop)."""
        first, last = np.searchsorted(self.time, (start, stop))
        return self.select(slice(int(first), int(last)))

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
        interval = capacities.interval[capacities.at(self.time)]
        following = np.append(self.time[1:], FOREVER)
        in_time = following - self.time <= interval * GAP_FACTOR
        until = np.where(in_time, following, self.time + interval.astype(np.int64))
        gaps = np.append(capacities.gaps, FOREVER)
        until = np.minimum(until, gaps[np.searchsorted(capacities.gaps, self.time, "right")])
        whole: IntArray = until.astype(np.int64)
        return whole


@dataclass(frozen=True, eq=False, slots=True)
class Capacities:
    """The capacities of a pool over time as columns."""

    valid_from: IntArray
    installed: FloatArray  # NaN: unknown
    overdraft: FloatArray
    interval: FloatArray  # seconds between two polls
    gaps: IntArray  # when polls brought no figure

    @classmethod
    def of(cls, capacities: Sequence[Capacity]) -> Capacities:
        """Return capacities in order of time."""
        rows = capacities or ((0, None, None, 0.0),)
        start, installed, overdraft, interval = zip(*rows, strict=True)
        valid_from = np.array(start, np.int64)
        seconds = np.array(interval, np.float64)
        gaps = valid_from[seconds == 0] if capacities else valid_from[:0]
        counts = [np.array(column, np.float64) for column in (installed, overdraft)]
        return cls(valid_from, counts[0], counts[1], seconds, gaps)

    def licenses(self, times: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return what is installed, and the overdraft, at each time."""
        first, last = self.at(np.array((times.min(), times.max()))) if len(times) else (0, 0)
        within = slice(first, last + 1)
        at: IntArray | None = None
        columns = []
        for column in (self.installed, self.overdraft):
            if first == last or len(np.unique(column[within])) == 1:  # of unknown ones, too
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


class Rollups:
    """Buckets of one width in order of time: a column for each of their figures."""

    def __init__(self, columns: Sequence[IntArray] | IntArray) -> None:
        self.columns = list(columns)
        self.start = self.columns[0]  # UTC epoch seconds
        self.low = self.columns[1]  # the lowest reading; without any, the one that is still valid
        self.high = self.columns[2]
        self.high_at = self.columns[3]  # when the highest was read first; the start without any
        self.last = self.columns[4]
        self.total = self.columns[5]  # the sum of the figures, each times the seconds it was valid
        self.seconds = self.columns[6]  # for how long there is a figure, in whole five minutes
        self.samples = self.columns[7]  # number of readings; 0: filled from the previous one

    @classmethod
    def of(cls, rows: Iterable[Sequence[int]]) -> Rollups:
        """Return buckets that are given by all their figures, in this order."""
        matrix = np.array([tuple(row) for row in rows], np.int64)
        return cls(np.ascontiguousarray(matrix.reshape(-1, _COLUMNS).T))

    def __len__(self) -> int:
        return len(self.start)

    def select(self, chosen: BoolArray | IntArray | slice) -> Rollups:
        """Return some of the buckets."""
        return Rollups(picked(self.columns, chosen))

    def between(self, start: int, stop: int) -> Rollups:
        """Return the buckets that start in [start, stop)."""
        first, last = np.searchsorted(self.start, (start, stop)).tolist()
        return self if (first, last) == (0, len(self)) else self.select(slice(first, last))


_COLUMNS: Final = 8
EMPTY: Final = Rollups(np.empty((_COLUMNS, 0), np.int64))


def join(parts: Sequence[Rollups]) -> Rollups:
    """Return successive buckets as one value."""
    parts = [part for part in parts if len(part)]
    return Rollups(stacked([part.columns for part in parts])) if parts else EMPTY


def roll_up(readings: Readings, capacities: Capacities, width: int, now: int = FOREVER) -> Rollups:
    """Return the buckets of `width` seconds that have a figure; none that starts after `now`."""
    known = readings.value != UNKNOWN
    if not known.any():
        return EMPTY
    until = readings.valid_until(capacities)[known]
    time, value = readings.time[known], readings.value[known]
    filled = _filled(time, value, until, width, now)
    return _in_order(join((_of_readings(time, value, until, width), filled)))


def _of_readings(time: IntArray, value: IntArray, until: IntArray, width: int) -> Rollups:
    number = time // width
    first = np.flatnonzero(np.diff(number, prepend=number[0] - 1))
    count = np.diff(first, append=len(time))
    start = number[first] * width
    high = np.maximum.reduceat(value, first)
    highest = np.flatnonzero(value == np.repeat(high, count))
    high_at = time[highest[np.searchsorted(highest, first)]]
    # In its bucket a reading counts up to the next one, or to the end.
    following = np.append(time[1:], FOREVER)
    total = np.add.reduceat(
        value * (np.minimum(following, np.repeat(start + width, count)) - time), first
    )
    covered = start + width - time[first]
    # The reading before, where it is valid in the bucket.
    before = np.maximum(np.concatenate(([0], until))[first] - start, 0)
    before[first == 0] = 0
    total += value[first - 1] * before
    covered += before
    last = value[first + count - 1]
    # Of a bucket that is covered in part the average counts for the whole.
    scaled = np.rint(total * (width / covered)).astype(np.int64)
    total = np.where(covered == width, total, scaled)
    low = np.minimum.reduceat(value, first)
    seconds = np.full(len(first), width)
    return Rollups(np.array((start, low, high, high_at, last, total, seconds, count)))


def _filled(time: IntArray, value: IntArray, until: IntArray, width: int, now: int) -> Rollups:
    """Return the whole buckets without readings in which the one before is valid."""
    number = time // width + 1
    stop = np.where(until > now, now // width + 1, until // width)
    count = np.maximum(stop - number, 0)
    if not count.any():
        return EMPTY
    index = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    start = (np.repeat(number, count) + index) * width
    held = np.repeat(value, count)
    seconds = np.full(len(start), width)
    columns = (start, held, held, start, held, held * width, seconds, np.zeros_like(start))
    return Rollups(np.array(columns))


def _in_order(rollups: Rollups) -> Rollups:
    if (np.diff(rollups.start) > 0).all():
        return rollups
    return rollups.select(np.argsort(rollups.start, kind="stable"))


def coarsen(rollups: Rollups, width: int) -> Rollups:
    """Return the same in buckets of `width` seconds; successive parts of one bucket are joined."""
    if not len(rollups):
        return rollups
    rollups = _in_order(rollups)
    number = rollups.start // width
    first = np.flatnonzero(np.diff(number, prepend=number[0] - 1))
    count = np.diff(first, append=len(rollups))
    samples = np.add.reduceat(rollups.samples, first)
    # What is filled counts for the extremes only where there is no reading.
    counts = (rollups.samples > 0) | np.repeat(samples == 0, count)
    low = np.minimum.reduceat(np.where(counts, rollups.low, FOREVER), first)
    highs = np.where(counts, rollups.high, UNKNOWN)
    high = np.maximum.reduceat(highs, first)
    highest = np.flatnonzero(highs == np.repeat(high, count))
    high_at = rollups.high_at[highest[np.searchsorted(highest, first)]]
    total, seconds = (np.add.reduceat(c, first) for c in (rollups.total, rollups.seconds))
    last = rollups.last[first + count - 1]
    start = number[first] * width
    return Rollups(np.array((start, low, high, high_at, last, total, seconds, samples)))


# Buckets that are stored, and what changes in them


def reconcile(stored: Rollups, before: Rollups, after: Rollups) -> Rollups:
    """Return the stored buckets where what is known of them changed from `before` to `after`.

    A stored bucket with more readings than `before` has some that are not known any more: it stays,
    unless `after` has as many, and takes over higher and lower figures.
    """
    start = sorted_unique(stored.start, before.start, after.start)
    (old, has_old), (known, has_known), (new, has_new) = (
        _spread(rollups, start) for rollups in (stored, before, after)
    )
    more = has_old & (~has_known | (old[7] > known[7]))
    both = more & has_new & (new[7] > 0) & (old[7] > 0)
    use_new = has_new & (~more | ((new[7] > 0) & (old[7] == 0)))
    columns = np.where(use_new, new, old)
    columns[:, both] = _more_complete(old[:, both], new[:, both])
    return Rollups(columns[:, more | has_new])


def _spread(rollups: Rollups, start: IntArray) -> tuple[IntArray, BoolArray]:
    place = np.searchsorted(start, rollups.start)
    columns = np.zeros((_COLUMNS, len(start)), np.int64)
    columns[:, place] = rollups.columns
    present = np.zeros(len(start), np.bool_)
    present[place] = True
    return columns, present


def _more_complete(old: IntArray, new: IntArray) -> IntArray:
    """Return of each two buckets the one with more readings, with the extremes of both."""
    is_new = new[7] >= old[7]
    larger, smaller = np.where(is_new, new, old), np.where(is_new, old, new)
    higher = smaller[2] > larger[2]
    larger[2:4] = np.where(higher, smaller[2:4], larger[2:4])
    larger[1] = np.minimum(larger[1], smaller[1])
    return larger


def contained(stored: Rollups, rollups: Rollups) -> BoolArray:
    """Return which of `rollups` the stored buckets may well contain."""
    start = sorted_unique(stored.start, rollups.start)
    (old, has_old), (new, _) = _spread(stored, start), _spread(rollups, start)
    inside = has_old & (old[7] >= new[7]) & (old[1] <= new[1]) & (new[2] <= old[2])
    chosen: BoolArray = inside[np.searchsorted(start, rollups.start)]
    return chosen


def changed(stored: Rollups, result: Rollups) -> IntArray:
    """Return the starts of the buckets of `result` that are new, or not what was stored."""
    start = sorted_unique(stored.start, result.start)
    (old, has_old), (new, has_new) = _spread(stored, start), _spread(result, start)
    different: IntArray = start[has_new & (~has_old | (old != new).any(axis=0))]
    return different
