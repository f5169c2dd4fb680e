"""CSV export of the history: single readings, buckets, or the months that sources report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from lictui import products
from lictui.analysis.series import Resolution
from lictui.clock import iso
from lictui.history import polls, pools, readings
from lictui.history.errors import read_transaction
from lictui.history.rollup import CapacityTimeline

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Iterator

    from lictui.history.pools import KnownPool
    from lictui.model import MonthlyUsage, PoolKey

Row = tuple[object, ...]

_POOL: Final = ("server", "product", "model", "subscription_date")
RAW_HEADER: Final = ("at", *_POOL, "in_use", "installed", "overdraft")
# fmt: off
HEADER: Final = (
    "from", "to", *_POOL, "in_use_min", "in_use_avg", "in_use_max", "max_at",
    "installed", "overdraft", "samples",
)
# fmt: on
MONTH_HEADER: Final = ("month", *_POOL, "in_use", "installed", "newly", "released")
_CHUNK_DAYS: Final = 32  # of buckets that are read at once


@dataclass(frozen=True, slots=True)
class ExportQuery:
    """What to export; an empty field means everything."""

    resolution: Resolution = Resolution.RAW
    servers: Collection[str] = ()
    products: Collection[str] = ()
    since: int = 0  # UTC epoch seconds
    until: int | None = None  # exclusive
    months: bool = False  # the months that sources report, in place of readings

    def includes(self, server: str, product: str) -> bool:
        """Whether a server's product is exported."""
        return (not self.servers or server in self.servers) and (
            not self.products or product in self.products
        )


def export_rows(db: sqlite3.Connection, query: ExportQuery) -> Iterator[Row]:
    """Yield the header, then a row per reading or bucket, by pool and in order of time.

    Single readings are preceded by the months that the source reports from before the first.
    """
    if query.months:
        yield MONTH_HEADER
        yield from _month_rows(db, query)
        return
    is_raw = query.resolution is Resolution.RAW
    yield RAW_HEADER if is_raw else HEADER
    for pool in list(pools.all_pools(db)):
        if not query.includes(pool.server, pool.product):
            continue
        if is_raw:
            yield from _earlier_months(db, pool, query)
            yield from _reading_rows(db, pool, query)
        else:
            yield from _bucket_rows(db, pool, query)


def _month_rows(db: sqlite3.Connection, query: ExportQuery) -> Iterator[Row]:
    for server, key in list(polls.pools_with_months(db)):
        if not query.includes(server, key.product):
            continue
        cells = _pool_cells(server, key, _model(db, server, key))
        for month in _queried_months(polls.monthly_usage(db, server, key), query):
            first = datetime.fromtimestamp(month.month_start, UTC)
            figures = month.in_use, month.installed, month.newly_assigned, month.released
            yield (f"{first:%Y-%m}", *cells, *figures)


def _earlier_months(db: sqlite3.Connection, pool: KnownPool, query: ExportQuery) -> Iterator[Row]:
    """Yield the months before the first reading of a pool as rows of readings."""
    cells = _pool_cells(pool.server, pool.key, pool.model)
    for month in _queried_months(polls.monthly_usage(db, pool.server, pool.key), query):
        if month.month_start < pool.since:
            yield (iso(month.month_start), *cells, month.in_use, month.installed, None)


def _queried_months(months: Iterable[MonthlyUsage], query: ExportQuery) -> Iterator[MonthlyUsage]:
    for month in months:
        if query.since <= month.month_start and (
            query.until is None or month.month_start < query.until
        ):
            yield month


def _model(db: sqlite3.Connection, server: str, key: PoolKey) -> str:
    pool = pools.find_pool(db, server, key)
    return pool.model if pool else products.describe(key.product).model.value


def _reading_rows(db: sqlite3.Connection, pool: KnownPool, query: ExportQuery) -> Iterator[Row]:
    cells = _pool_cells(pool.server, pool.key, pool.model)
    timeline = CapacityTimeline(pools.capacities(db, pool.id))
    for start, end in _chunks(db, pool, query):
        with read_transaction(db):
            runs = readings.read_runs(db, pool, start, end)
        for run in runs:
            for index in range(run.samples):
                time = run.time_of(index)
                capacity = timeline.valid_before(time + 1)
                yield (iso(time), *cells, run.in_use, capacity.installed, capacity.overdraft)


def _bucket_rows(db: sqlite3.Connection, pool: KnownPool, query: ExportQuery) -> Iterator[Row]:
    cells = _pool_cells(pool.server, pool.key, pool.model)
    width = query.resolution
    timeline = CapacityTimeline(pools.capacities(db, pool.id))
    for start, end in _chunks(db, pool, query):
        with read_transaction(db):
            rollups = readings.read_rollups(db, pool, width, start, end)
        for rollup in rollups:
            capacity = timeline.valid_before(rollup.start + width)
            average = round(rollup.total / rollup.samples, 3)
            yield (
                iso(rollup.start),
                iso(rollup.start + width),
                *cells,
                rollup.low,
                int(average) if average.is_integer() else average,
                rollup.high,
                iso(rollup.high_at),
                capacity.installed,
                capacity.overdraft,
                rollup.samples,
            )


def _chunks(
    db: sqlite3.Connection, pool: KnownPool, query: ExportQuery
) -> Iterator[tuple[int, int]]:
    """Split the queried time, as far as there are readings, into chunks that fit into memory."""
    last = readings.last_reading_time(db, pool)
    start = max(query.since, pool.since // Resolution.DAY * Resolution.DAY)
    end = last + 1 if query.until is None else min(query.until, last + 1)
    days = 1 if query.resolution is Resolution.RAW else _CHUNK_DAYS
    seconds = days * Resolution.DAY
    while start < end:
        stop = min(start // seconds * seconds + seconds, end)
        yield start, stop
        start = stop


def _pool_cells(server: str, key: PoolKey, model: str) -> tuple[str, ...]:
    return server, key.product, model, key.subscription_date
