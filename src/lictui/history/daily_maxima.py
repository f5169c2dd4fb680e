"""Maxima of days without gaps, and upper bounds of sums, from packed blocks.

Peaks over the whole history would unpack every block; these figures need only some columns of
them. A bucket without a reading is bounded by the previous one, which a reading fills.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, repeat
from operator import add, attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from lictui.analysis.series import Resolution
from lictui.history import blocks, pools
from lictui.history.query import pool_buckets
from lictui.history.rollup import GAP_FACTOR

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from lictui.history.pools import Capacity, KnownPool

_FIVE_MINUTES: Final = Resolution.FIVE_MINUTES
_DAY: Final = int(Resolution.DAY)
_ALL_POSITIONS: Final = [0, *repeat(1, blocks.BLOCK_BUCKETS - 1)]
_UNBOUNDED: Final = float("inf")


def upper_bounds(
    db: sqlite3.Connection, pool_ids: Iterable[int], width: Resolution, base: int
) -> list[float]:
    """Return for every bucket of the block at `base` what the sum of the pools cannot exceed."""
    # Of pools with all buckets of the block: low steps, and high less low.
    low_sum = high_sum = [0] * blocks.BLOCK_BUCKETS
    others: list[float] = [0.0] * blocks.BLOCK_BUCKETS
    for pool_id in pool_ids:
        body = blocks.read_block(db, pool_id, width, base)
        if body is None:
            return [_UNBOUNDED] * blocks.BLOCK_BUCKETS
        positions, low, high = blocks.decode_maxima(body)
        if positions == _ALL_POSITIONS:
            low_sum = list(map(add, low_sum, low))
            high_sum = list(map(add, high_sum, high))
        else:
            maxima = map(add, accumulate(low), high)
            others = list(map(add, others, _fill_forward(positions, maxima)))
    return list(map(add, map(add, accumulate(low_sum), high_sum), others))


def _fill_forward(steps: list[int], maxima: Iterable[int]) -> Iterator[float]:
    """Yield a figure for every bucket: its own, or that of the last one before."""
    yield from repeat(_UNBOUNDED, steps[0])
    lengths = [*steps[1:], blocks.BLOCK_BUCKETS - sum(steps)]
    for maximum, length in zip(maxima, lengths, strict=True):
        yield from repeat(maximum, length)


# Days that have a figure in every five minutes


_NEVER: Final = 0  # steps between buckets are at least 1
_valid_from = attrgetter("valid_from")


class _Filled(NamedTuple):
    """Which buckets of a day have readings: the first, the last, and the widest step between."""

    first: int
    last: int
    max_step: int


def days_without_gaps(
    db: sqlite3.Connection,
    pool: KnownPool,
    capacities: Sequence[Capacity],
    within: tuple[int, int],
) -> set[int]:
    """Return the starts of the UTC days that start `within` and have every figure."""
    start, end = within
    filled = {
        base: _filled(blocks.decode_positions(body))
        for base, body in blocks.read_blocks(db, pool.id, _FIVE_MINUTES, start - _DAY, end + _DAY)
    }
    gaps = [capacity.valid_from for capacity in capacities if not capacity.interval]
    days = set()
    for day, present in filled.items():
        if not start <= day < end or day + _DAY > pool.packed_until:
            continue
        previous, following = filled.get(day - _DAY), filled.get(day + _DAY)
        max_step = _max_step(capacities, day)
        filled_at_start = present.first == 0 or (
            previous is not None
            and present.first + blocks.BLOCK_BUCKETS - previous.last <= max_step
        )
        filled_at_end = present.last == blocks.BLOCK_BUCKETS - 1 or (
            following is not None
            and following.first + blocks.BLOCK_BUCKETS - present.last <= max_step
        )
        since = day - (max_step + 1) * _FIVE_MINUTES
        no_gap = bisect_left(gaps, since) == bisect_left(gaps, day + _DAY)
        if filled_at_start and filled_at_end and no_gap and present.max_step <= max_step:
            days.add(day)
    return days


def _max_step(capacities: Sequence[Capacity], day: int) -> int:
    """Return how far apart buckets with readings may be while each reading fills to the next."""
    first = max(0, bisect_right(capacities, day - _DAY, key=_valid_from) - 1)
    last = bisect_left(capacities, day + _DAY, key=_valid_from)
    intervals = {capacity.interval for capacity in capacities[first:last] if capacity.interval}
    if len(intervals) > 1:
        return _NEVER  # the mean of such a day's readings is not that of its time
    # Two readings whose buckets are `step` apart are less than `step + 1` buckets apart.
    interval = max(intervals, default=0.0)
    return max(1, int((GAP_FACTOR * interval + 1) // _FIVE_MINUTES) - 1)


@lru_cache(maxsize=4096)
def _filled(positions: bytes) -> _Filled:
    """Return which buckets have readings, from the steps of their positions as stored."""
    steps = list(map(int, positions.split(b",")))
    return _Filled(steps[0], sum(steps), max(steps[1:], default=0))


# The maximum and average of these days


CompleteDays = dict[int, tuple[float, float]]  # start of a day -> maximum (or a bound), average


@dataclass(frozen=True, slots=True)
class CountedDays:
    """One part of a sum: the period in which it counts, and its complete days."""

    since: int
    until: int | None  # None: it still counts
    days: Mapping[int, tuple[float, float]]

    def counts_all_day(self, day: int) -> bool:
        """Whether the part counts from the start to the end of a day."""
        return self.since <= day and (self.until is None or self.until >= day + _DAY)


def complete_days(
    db: sqlite3.Connection, pool: KnownPool, within: tuple[int, int], now: int
) -> CompleteDays:
    """Return the days of one pool that start `within` and have every figure; maxima are exact."""
    capacities = pools.capacities(db, pool.id)
    days = days_without_gaps(db, pool, capacities, within)
    buckets = pool_buckets(db, pool, capacities, _DAY, within, now) if days else []
    return {
        bucket.start: (bucket.high, bucket.average) for bucket in buckets if bucket.start in days
    }


def sum_complete_days(parts: Sequence[CountedDays]) -> CompleteDays:
    """Return the days that are complete for all parts that count then, and on which none changes.

    The maximum of such a day is the sum of the parts' maxima: an upper bound.
    """
    if len(parts) == 1:
        (part,) = parts
        return {day: figures for day, figures in part.days.items() if part.counts_all_day(day)}
    counts: dict[int, int] = {}
    maxima: dict[int, float] = {}
    averages: dict[int, float] = {}
    for part in parts:
        for day, (maximum, average) in part.days.items():
            if part.counts_all_day(day):
                counts[day] = counts.get(day, 0) + 1
                maxima[day] = maxima.get(day, 0) + maximum
                averages[day] = averages.get(day, 0) + average
    starts = sorted(part.since for part in parts)
    ends = sorted(part.until for part in parts if part.until is not None)
    return {
        day: (maxima[day], averages[day])
        for day, count in counts.items()
        if count
        == bisect_right(starts, day) - bisect_left(ends, day + _DAY)
        == bisect_left(starts, day + _DAY) - bisect_right(ends, day)
    }
