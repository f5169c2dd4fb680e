"""CSV export of the history: single readings, buckets, or the months that sources report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from lictui import products
from lictui.analysis.series import Resolution
from lictui.clock import iso
from lictui.history import polls, pools
from lictui.history.compaction import with_unpacked
from lictui.history.errors import transaction
from lictui.history.query import StoredPool
from lictui.history.rollup import FOREVER, UNKNOWN, Capacities

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator

    from lictui.history.pools import KnownPool

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
_CHUNK_DAYS: Final = 32  # of buckets that are read together


class ExportQuery(Struct, frozen=True):
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

    def contains(self, time: float) -> bool:
        """Whether a time is in the exported span."""
        return self.since <= time and (self.until is None or time < self.until)


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
    known = {(pool.server, pool.key): pool.model for pool in pools.all_pools(db)}
    for server, month in list(polls.all_months(db)):
        key = month.key
        if query.includes(server, key.product) and query.contains(month.month_start):
            model = known.get((server, key)) or products.describe(key.product).model.value
            cells = server, key.product, model, key.subscription_date
            figures = month.in_use, month.installed, month.newly_assigned, month.released
            yield (iso(month.month_start)[:7], *cells, *figures)


def _earlier_months(db: sqlite3.Connection, pool: KnownPool, query: ExportQuery) -> Iterator[Row]:
    """Yield the months before the first reading of a pool as rows of readings."""
    for month in polls.monthly_usage(db, pool.server, pool.key):
        if month.month_start < pool.since and query.contains(month.month_start):
            yield (iso(month.month_start), *_cells(pool), month.in_use, month.installed, None)


def _reading_rows(db: sqlite3.Connection, pool: KnownPool, query: ExportQuery) -> Iterator[Row]:
    cells = _cells(pool)
    capacities = pools.capacities(db, pool.id)
    timeline = Capacities.of(capacities)
    for start, end in _chunks(db, pool, query):
        with transaction(db):
            found = with_unpacked(db, pool, start, end)
        at = timeline.at(found.time).tolist()
        for time, value, index in zip(found.time.tolist(), found.value.tolist(), at, strict=True):
            capacity = capacities[index] if capacities else None
            counts = capacity[1:3] if capacity else (None, None)
            yield (iso(time), *cells, None if value == UNKNOWN else value, *counts)


def _bucket_rows(db: sqlite3.Connection, pool: KnownPool, query: ExportQuery) -> Iterator[Row]:
    cells = _cells(pool)
    width = query.resolution
    for start, end in _chunks(db, pool, query):
        with transaction(db):
            series = StoredPool(db, pool, FOREVER).stored_series(width, start, end)
        for bucket in series.buckets:
            if not bucket.samples:  # filled from the reading before
                continue
            # The reading before may be valid in the first minutes, and lie outside.
            average = round(min(max(bucket.average, bucket.low), bucket.high), 3)
            yield (
                *(iso(bucket.start), iso(bucket.end), *cells, bucket.low),
                int(average) if float(average).is_integer() else average,
                *(bucket.high, iso(bucket.high_at), bucket.installed, bucket.overdraft),
                bucket.samples,
            )


def _chunks(
    db: sqlite3.Connection, pool: KnownPool, query: ExportQuery
) -> Iterator[tuple[int, int]]:
    """Split the queried time, as far as there are readings, into chunks that fit into memory."""
    last = max(pool.packed_until, pools.last_reading(db, pool))
    start = max(query.since, pool.since // Resolution.DAY * Resolution.DAY)
    end = last + 1 if query.until is None else min(query.until, last + 1)
    days = 1 if query.resolution is Resolution.RAW else _CHUNK_DAYS
    seconds = days * Resolution.DAY
    while start < end:
        stop = min(start // seconds * seconds + seconds, end)
        yield start, stop
        start = stop


def _cells(pool: KnownPool) -> tuple[str, ...]:
    return pool.server, pool.product, pool.model, pool.subscription_date
