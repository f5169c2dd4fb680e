"""The history as CSV rows, one pool after another, as the contract has them.

Owns the order of the rows. Must not know files or printing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lictui.analysis.series import Resolution
from lictui.clock import iso
from lictui.history import months, pools, read
from lictui.history.columns import HEADER, MONTH_HEADER, RAW_HEADER, cells
from lictui.history.hold import Timeline
from lictui.history.transaction import reading

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Iterator

    from lictui.history.pools import KnownPool

_QUOTED: Final = frozenset('",\r\n')
_MONTH: Final = 32 * Resolution.DAY


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to export; nothing said means everything."""

    resolution: Resolution = Resolution.RAW
    servers: Collection[str] = ()
    products: Collection[str] = ()
    since: int = 0  # UTC epoch seconds
    until: int | None = None  # exclusive
    months: bool = False  # those that a source told of its own past, in place of what was read

    def of(self, server: str, product: str) -> bool:
        """Whether this server and product are wanted."""
        return (not self.servers or server in self.servers) and (
            not self.products or product in self.products
        )


def rows(db: sqlite3.Connection, wanted: Wanted) -> Iterator[tuple[object, ...]]:
    """The header, then a row a reading or bucket, by pool and in order of time.

    Single readings are preceded by the months that the source told of before the first of them.
    """
    raw = wanted.resolution is Resolution.RAW
    if wanted.months:
        yield MONTH_HEADER
        yield from months.rows(db, wanted)
        return
    yield RAW_HEADER if raw else HEADER
    for pool in list(pools.every_one(db)):
        if not wanted.of(pool.server, pool.product):
            continue
        if raw:
            yield from months.before_readings(db, pool, wanted)
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
    db: sqlite3.Connection, pool: KnownPool, wanted: Wanted
) -> Iterator[tuple[object, ...]]:
    named = cells(pool.server, pool.product, pool.model, pool.subscription_date)
    timeline = Timeline(pools.terms(db, pool.id))
    for start, end in _stretches(db, pool, wanted):
        with reading(db):
            found = read.runs(db, pool, start, end)
        for run in found:
            for index in range(run.n):
                at = run.moment(index)
                now = timeline.before(at + 1)
                yield (iso(at), *named, run.in_use, now.installed, now.overdraft)


def _buckets(
    db: sqlite3.Connection, pool: KnownPool, wanted: Wanted
) -> Iterator[tuple[object, ...]]:
    named = cells(pool.server, pool.product, pool.model, pool.subscription_date)
    width = wanted.resolution
    timeline = Timeline(pools.terms(db, pool.id))
    for start, end in _stretches(db, pool, wanted):
        with reading(db):
            found = read.tallies(db, pool, width, start, end)
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
    db: sqlite3.Connection, pool: KnownPool, wanted: Wanted
) -> Iterator[tuple[int, int]]:
    """[since, until) in parts small enough for the memory, as far as there is anything."""
    last = read.last_moment(db, pool)
    start = max(wanted.since, pool.since // Resolution.DAY * Resolution.DAY)
    end = last + 1 if wanted.until is None else min(wanted.until, last + 1)
    length = Resolution.DAY if wanted.resolution is Resolution.RAW else _MONTH
    while start < end:
        stop = min(start // length * length + length, end)
        yield start, stop
        start = stop


def _average(total: int, n: int) -> str:
    return f"{total / n:.3f}".rstrip("0").rstrip(".")
