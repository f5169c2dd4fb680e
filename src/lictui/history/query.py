"""Series of one pool, or the aligned sum of several, from the widest figures that are exact."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate, groupby, repeat
from operator import add, truediv
from typing import TYPE_CHECKING, Final

from lictui.analysis.aligned import ServerSeries, aligned_sum
from lictui.analysis.series import Bucket, Resolution, Series, new_bucket
from lictui.history import blocks, pools, readings
from lictui.history.rollup import CapacityTimeline, coarsen, fill_gaps, lookback
from lictui.model import sum_all_known, sum_known

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

    from lictui.analysis.series import SeriesQuery
    from lictui.history.pools import Capacity, KnownPool
    from lictui.history.rollup import Rollup

# Seconds from which a query for hours is made from hours, or from days where hours are not kept.
_LONG: Final = 62 * int(Resolution.DAY)


def query_series(db: sqlite3.Connection, query: SeriesQuery, now: float) -> Series:
    """Return the queried series up to `now`, within one read transaction."""
    known = [
        pool
        for server, key in dict.fromkeys(query.pools)
        if (pool := pools.find_pool(db, server, key))
    ]
    if not known:
        return Series((), query.width)
    if len(known) > 1 or _is_long(query):
        return _sum_pools(db, known, query, int(now))
    source = _best_resolution(db, known[0], query)
    if source is Resolution.RAW and query.width <= 0:
        return Series(tuple(_readings(db, known[0], query)), Resolution.RAW)
    return _single_pool(db, known[0], query, source, int(now))


def _is_long(query: SeriesQuery) -> bool:
    by_hour = Resolution.HOUR <= query.width < Resolution.DAY
    return by_hour and query.end - query.start > _LONG


# One pool


def _best_resolution(db: sqlite3.Connection, pool: KnownPool, query: SeriesQuery) -> Resolution:
    """Return the widest stored resolution that gives the buckets exactly, else the finest."""
    fitting = [width for width in blocks.WIDTHS if query.width >= width]
    exact = [width for width in fitting if query.width % width == 0]
    preferred = [*reversed(exact), *fitting] or [Resolution.RAW]
    wider = (width for width in blocks.WIDTHS if width > preferred[-1])
    for width in (*preferred, *wider):
        if width is Resolution.DAY or readings.is_complete_since(db, pool, width, query.start):
            return width
    return Resolution.DAY


def _single_pool(
    db: sqlite3.Connection, pool: KnownPool, query: SeriesQuery, source: Resolution, now: int
) -> Series:
    step = source or query.width
    width = -(-query.width // step) * step or step
    within = query.start // width * width, -(-query.end // width) * width
    capacities = pools.capacities(db, pool.id)
    return Series(tuple(pool_buckets(db, pool, capacities, width, within, now, step)), width)


def _readings(db: sqlite3.Connection, pool: KnownPool, query: SeriesQuery) -> Iterator[Bucket]:
    timeline = CapacityTimeline(pools.capacities(db, pool.id))
    for run in readings.read_runs(db, pool, query.start, query.end):
        value = run.in_use
        if value is not None:
            capacity = timeline.valid_before(run.start + 1)
            yield Bucket(
                run.start,
                run.end,
                value,
                value,
                value,
                run.start,
                value,
                capacity.installed,
                capacity.overdraft,
                run.samples,
            )


def pool_buckets(
    db: sqlite3.Connection,
    pool: KnownPool,
    capacities: Sequence[Capacity],
    width: int,
    within: tuple[int, int],
    now: int,
    step: int = 0,
) -> list[Bucket]:
    """Return the buckets of `width` seconds that start `within` [start, end), gaps left out.

    They are made from roll-ups of `step` seconds, by default of `width`.
    """
    start, end = within
    around = lookback(capacities, width)
    rollups = readings.read_rollups(db, pool, step or width, start - around, end + around)
    if step not in (0, width):
        rollups = coarsen(rollups, width)
    buckets: list[Bucket] = []
    for part, capacity in fill_gaps(rollups, capacities, width, within, now):
        buckets += _to_buckets(part, capacity, width)
    return buckets


def _to_buckets(rollups: Sequence[Rollup], capacity: Capacity, width: int) -> Iterator[Bucket]:
    start, low, total, high, high_at, last, samples = zip(*rollups, strict=True)
    columns = (
        start,
        [time + width for time in start],
        low,
        [
            bucket_total / count if count else value
            for bucket_total, count, value in zip(total, samples, last, strict=True)
        ],
        high,
        high_at,
        last,
        repeat(capacity.installed),
        repeat(capacity.overdraft),
        samples,
    )
    return map(new_bucket, zip(*columns, strict=False))  # a repeated value has no length


# The sum of several pools


def _sum_pools(
    db: sqlite3.Connection, known: Sequence[KnownPool], query: SeriesQuery, now: int
) -> Series:
    alignment = _alignment(db, known, query)
    unit = Resolution.DAY if query.width >= Resolution.DAY else alignment
    width = -(-max(query.width, unit) // unit) * unit
    start = query.start // width * width
    stop = min(-(-query.end // width) * width, now + 1)
    hours_start = start
    if alignment is Resolution.HOUR:
        available = max(readings.available_since(db, pool, alignment) for pool in known)
        hours_start = max(start, -(-available // Resolution.DAY) * Resolution.DAY)
    sums = [
        *_aligned_buckets(db, known, Resolution.DAY, start, min(hours_start, stop), now),
        *_aligned_buckets(db, known, alignment, hours_start, stop, now),
    ]
    exact = len(known) == 1 or alignment is Resolution.FIVE_MINUTES
    return Series(tuple(_coarsen_buckets(sums, width)), width, exact)


def _alignment(
    db: sqlite3.Connection, known: Sequence[KnownPool], query: SeriesQuery
) -> Resolution:
    if query.width >= Resolution.DAY or _is_long(query):
        return Resolution.HOUR
    for width in (Resolution.FIVE_MINUTES, Resolution.HOUR):
        if all(readings.is_complete_since(db, pool, width, query.start) for pool in known):
            return width
    return Resolution.DAY


def _aligned_buckets(
    db: sqlite3.Connection,
    known: Sequence[KnownPool],
    width: Resolution,
    start: int,
    stop: int,
    now: int,
) -> Iterator[Bucket]:
    """Yield the sum in buckets of `width` seconds in which every expected pool has a figure."""
    capacities = [pools.capacities(db, pool.id) for pool in known]
    seconds = blocks.block_seconds(width)
    # A block at a time: a year of a thousand pools does not fit into memory.
    for base in range(start // seconds * seconds, stop, seconds):
        within = max(start, base), min(base + seconds, stop)
        packed = PackedSum(width, base)
        parts = [
            ServerSeries(
                pool.since,
                pool.ended,
                pool_buckets(db, pool, pool_capacities, width, within, now),
            )
            for pool, pool_capacities in zip(known, capacities, strict=True)
            if not packed.try_add(db, pool, pool_capacities)
        ]
        if packed.pools:
            parts.append(ServerSeries(base, None, packed.buckets(*within)))
        yield from aligned_sum(parts, width)


def _coarsen_buckets(sums: Iterable[Bucket], width: int) -> Iterator[Bucket]:
    for start, group in groupby(sums, lambda bucket: bucket.start // width * width):
        parts = list(group)
        peak = max(parts, key=lambda bucket: bucket.high)
        yield parts[-1]._replace(
            start=start,
            end=max(start + width, parts[-1].end),  # a day stays one where hours are not kept
            low=min(bucket.low for bucket in parts),
            average=sum(bucket.average for bucket in parts) / len(parts),
            high=peak.high,
            high_at=peak.high_at,
            samples=sum(bucket.samples for bucket in parts),
        )


@dataclass(slots=True)
class PackedSum:
    """Sum of the pools that have all buckets of a block, without unpacking any of them."""

    width: Resolution
    base: int  # where the block starts
    pools: int = 0
    _columns: list[list[int]] = field(default_factory=list)  # low steps, high - low, last - low, n
    _averages: list[float] = field(default_factory=list)  # less low
    _high_at: list[int] = field(default_factory=list)  # of the latest maximum, less start
    _installed: int | None = 0
    _overdraft: int | None = None

    @property
    def end(self) -> int:
        """Where the block ends."""
        return self.base + blocks.block_seconds(self.width)

    def try_add(
        self, db: sqlite3.Connection, pool: KnownPool, capacities: Sequence[Capacity]
    ) -> bool:
        """Add a pool if it has all buckets of the block and one capacity throughout."""
        expected = pool.since <= self.base and (pool.ended is None or pool.ended >= self.end)
        if not expected or pool.packed_until < self.end or not capacities:
            return False
        timeline = CapacityTimeline(capacities)
        capacity = timeline.valid_before(self.base + self.width)
        if timeline.valid_before(self.end) is not capacity:
            return False
        body = blocks.read_block(db, pool.id, self.width, self.base)
        columns = blocks.decode_columns(body) if body else None
        if columns is None or columns[0] != _ALL_POSITIONS:
            return False
        self._add(columns)
        self.pools += 1
        self._installed = sum_all_known((self._installed, capacity.installed))
        self._overdraft = sum_known((self._overdraft, capacity.overdraft))
        return True

    def _add(self, decoded: list[list[int]]) -> None:
        _, low, high, high_at, last, total, samples = decoded
        averages = list(map(truediv, total, samples))
        columns = [low, high, last, samples]
        if not self.pools:
            self._columns, self._averages, self._high_at = columns, averages, high_at
            return
        pairs = zip(self._columns, columns, strict=True)
        self._columns = [list(map(add, summed, column)) for summed, column in pairs]
        self._averages = list(map(add, self._averages, averages))
        self._high_at = list(map(max, self._high_at, high_at))

    def buckets(self, start: int, stop: int) -> list[Bucket]:
        """Return the sum of the added pools in the buckets that start in [start, stop)."""
        if not self.pools:
            return []
        low_steps, high, last, samples = self._columns
        low = list(accumulate(low_steps))
        starts = range(self.base, self.end, self.width)
        rows = zip(
            starts,
            range(self.base + self.width, self.end + self.width, self.width),
            low,
            map(add, low, self._averages),
            map(add, low, high),
            map(add, starts, self._high_at),
            map(add, low, last),
            repeat(self._installed, len(starts)),
            repeat(self._overdraft, len(starts)),
            samples,
            strict=True,
        )
        return [bucket for bucket in map(new_bucket, rows) if start <= bucket.start < stop]


_ALL_POSITIONS: Final = [0, *repeat(1, blocks.BLOCK_BUCKETS - 1)]
