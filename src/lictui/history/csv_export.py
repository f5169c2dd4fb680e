"""The history as CSV rows, one pool after another, as the contract has them.

Owns the order of the rows. Must not know files or printing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from lictui import products
from lictui.analysis.series import Resolution
from lictui.clock import iso
from lictui.history import journal, pools, readings
from lictui.history.errors import reading
from lictui.history.rollup import CapacityTimeline

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Iterator

    from lictui.history.pools import KnownPool
    from lictui.model import MonthlyUsage, PoolKey


# The columns of lictui's own CSV files, and the guard that keeps a spreadsheet from running one


_POOL: Final = ("server", "product", "model", "subscription_date")
RAW_HEADER: Final = ("at", *_POOL, "in_use", "installed", "overdraft")
HEADER: Final = (
    *("from", "to", *_POOL, "in_use_min", "in_use_avg", "in_use_max", "max_at"),
    *("installed", "overdraft", "samples"),
)
MONTH_HEADER: Final = ("month", *_POOL, "in_use", "installed", "newly", "released")
_RUNS: Final = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would take for a formula


def guarded(cell: str) -> str:
    """The cell, with a `'` before what would be run; and before what looks so guarded already."""
    return f"'{cell}" if cell.lstrip("'").startswith(_RUNS) else cell


def unguarded(cell: str) -> str:
    """The cell as it was before it was guarded."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_RUNS) else cell


def cells(server: str, product: str, model: str, subscription_date: str) -> tuple[str, ...]:
    """The cells that say whose figures a row has."""
    return tuple(map(guarded, (server, product, model, subscription_date)))


# The months that sources told of their own past, as CSV rows


def rows_months(db: sqlite3.Connection, wanted: ExportQuery) -> Iterator[tuple[object, ...]]:
    """A row a month, by pool and in order of time."""
    for server, key in list(journal.keys(db)):
        if not wanted.includes(server, key.product):
            continue
        known = cells(server, key.product, _model(db, server, key), key.subscription_date)
        for month in _wanted(journal.of(db, server, key), wanted):
            at = datetime.fromtimestamp(month.month_start, UTC)
            figures = month.in_use, month.installed, month.newly_assigned, month.released
            yield (f"{at:%Y-%m}", *known, *figures)


def before_readings(
    db: sqlite3.Connection, pool: KnownPool, wanted: ExportQuery
) -> Iterator[tuple[object, ...]]:
    """The months before the first reading of a pool, as rows of the same form as its readings."""
    known = cells(pool.server, pool.product, pool.model, pool.subscription_date)
    for month in _wanted(journal.of(db, pool.server, pool.key), wanted):
        if month.month_start < pool.since:
            yield (iso(month.month_start), *known, month.in_use, month.installed, None)


def _wanted(months: tuple[MonthlyUsage, ...], wanted: ExportQuery) -> Iterator[MonthlyUsage]:
    for month in months:
        if wanted.since <= month.month_start and (
            wanted.until is None or month.month_start < wanted.until
        ):
            yield month


def _model(db: sqlite3.Connection, server: str, key: PoolKey) -> str:
    pool = pools.find(db, server, key)
    return pool.model if pool else products.describe(key.product).model.value


_QUOTED: Final = frozenset('",\r\n')
_MONTH: Final = 32 * Resolution.DAY


@dataclass(frozen=True, slots=True)
class ExportQuery:
    """What to export; nothing said means everything."""

    resolution: Resolution = Resolution.RAW
    servers: Collection[str] = ()
    products: Collection[str] = ()
    since: int = 0  # UTC epoch seconds
    until: int | None = None  # exclusive
    months: bool = False  # those that a source told of its own past, in place of what was read

    def includes(self, server: str, product: str) -> bool:
        """Whether this server and product are wanted."""
        return (not self.servers or server in self.servers) and (
            not self.products or product in self.products
        )


def export_rows(db: sqlite3.Connection, wanted: ExportQuery) -> Iterator[tuple[object, ...]]:
    """The header, then a row a reading or bucket, by pool and in order of time.

    Single readings are preceded by the months that the source told of before the first of them.
    """
    raw = wanted.resolution is Resolution.RAW
    if wanted.months:
        yield MONTH_HEADER
        yield from rows_months(db, wanted)
        return
    yield RAW_HEADER if raw else HEADER
    for pool in list(pools.every_one(db)):
        if not wanted.includes(pool.server, pool.product):
            continue
        if raw:
            yield from before_readings(db, pool, wanted)
        yield from _readings(db, pool, wanted) if raw else _buckets(db, pool, wanted)


def csv_lines(found: Iterable[tuple[object, ...]]) -> Iterator[str]:
    """Rows as lines of CSV.

    The csv module quotes a carriage return only where it ends lines itself (Python 3.11, 3.12), so
    that a cell could begin a row of its own.
    """
    return (",".join(map(_quoted, row)) + "\n" for row in found)


def _quoted(cell: object) -> str:
    text = "" if cell is None else str(cell)
    if _QUOTED.isdisjoint(text):
        return text
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def _readings(
    db: sqlite3.Connection, pool: KnownPool, wanted: ExportQuery
) -> Iterator[tuple[object, ...]]:
    named = cells(pool.server, pool.product, pool.model, pool.subscription_date)
    timeline = CapacityTimeline(pools.terms(db, pool.id))
    for start, end in _stretches(db, pool, wanted):
        with reading(db):
            found = readings.runs(db, pool, start, end)
        for run in found:
            for index in range(run.n):
                at = run.moment(index)
                now = timeline.before(at + 1)
                yield (iso(at), *named, run.in_use, now.installed, now.overdraft)


def _buckets(
    db: sqlite3.Connection, pool: KnownPool, wanted: ExportQuery
) -> Iterator[tuple[object, ...]]:
    named = cells(pool.server, pool.product, pool.model, pool.subscription_date)
    width = wanted.resolution
    timeline = CapacityTimeline(pools.terms(db, pool.id))
    for start, end in _stretches(db, pool, wanted):
        with reading(db):
            found = readings.tallies(db, pool, width, start, end)
        for each in found:
            now = timeline.before(each.start + width)
            yield (
                iso(each.start),
                iso(each.start + width),
                *named,
                each.low,
                _average(each.total, each.n),
                each.high,
                iso(each.high_at),
                now.installed,
                now.overdraft,
                each.n,
            )


def _stretches(
    db: sqlite3.Connection, pool: KnownPool, wanted: ExportQuery
) -> Iterator[tuple[int, int]]:
    """[since, until) in parts small enough for the memory, as far as there is anything."""
    last = readings.last_moment(db, pool)
    start = max(wanted.since, pool.since // Resolution.DAY * Resolution.DAY)
    end = last + 1 if wanted.until is None else min(wanted.until, last + 1)
    length = Resolution.DAY if wanted.resolution is Resolution.RAW else _MONTH
    while start < end:
        stop = min(start // length * length + length, end)
        yield start, stop
        start = stop


def _average(total: int, n: int) -> str:
    return f"{total / n:.3f}".rstrip("0").rstrip(".")
