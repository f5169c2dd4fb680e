"""Series of one pool, or the aligned sum of several, from the widest figures that are exact."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Final

from lictui.analysis.columns import Series, SumBuilder, concatenate
from lictui.analysis.series import ALIGNMENT, Bucket, Resolution
from lictui.history import blocks, pools, readings
from lictui.history.rollup import CapacityTimeline, coarsen, fill_gaps, lookback

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

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
        return Series.empty(query.width)
    if len(known) > 1 or _is_long(query):
        return _sum_pools(db, known, query, int(now))
    source = _best_resolution(db, known[0], query)
    if source is Resolution.RAW and query.width <= 0:
        return Series.of(_readings(db, known[0], query), Resolution.RAW)
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
    return Series.of(pool_buckets(db, pool, capacities, width, within, now, step), width)


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
        repeat(object=False),
    )
    return map(Bucket._make, zip(*columns, strict=False))  # a repeated value has no length


# The sum of several pools


_CHUNK: Final = 32 * int(Resolution.DAY)  # of the sum that is in memory at once


def _sum_pools(
    db: sqlite3.Connection, known: Sequence[KnownPool], query: SeriesQuery, now: int
) -> Series:
    """Return the sum by five minutes, joined to the queried width."""
    width = -(-max(query.width, ALIGNMENT) // ALIGNMENT) * ALIGNMENT
    start = query.start // width * width
    stop = min(-(-query.end // width) * width, now + 1)
    chunks = []
    entitlements = dict(query.entitlements)
    for base in range(start // _CHUNK * _CHUNK, max(stop, start + 1), _CHUNK):
        within = max(start, base), min(base + _CHUNK, stop)
        total = SumBuilder(*within)
        for pool in known:
            if pool.since < within[1] and (pool.ended is None or pool.ended >= within[0]):
                entitlement = entitlements.get(pool.server, "")
                shared = f"{entitlement}/{pool.product}/{pool.subscription_date}"
                series = _finest(db, pool, within, now)
                total.add(series, pool.since, pool.ended, shared if entitlement else "")
        chunks.append(total.series())
    return concatenate(chunks, ALIGNMENT).widened(width)


def _finest(db: sqlite3.Connection, pool: KnownPool, within: tuple[int, int], now: int) -> Series:
    """Return the series of a pool by five minutes, or what is stored in their place."""
    start, end = within
    capacities = pools.capacities(db, pool.id)
    parts = []
    for width in blocks.WIDTHS:
        day = int(Resolution.DAY)
        since = -(-readings.available_since(db, pool, width) // day) * day
        if since < end and (width is Resolution.DAY or since < end):
            first = start if width is Resolution.DAY else max(start, since)
            part = pool_buckets(db, pool, capacities, width, (first, end), now)
            parts.append(Series.of(part, ALIGNMENT))
            end = first
        if end <= start:
            break
    return concatenate(parts[::-1], ALIGNMENT)
