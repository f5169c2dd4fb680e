"""What a file gave is written down: all of it in the caller's transaction, and only once.

Owns the order of things: the pool, its terms, its readings and buckets, until when it counts. Must
not know files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lictui import products
from lictui.analysis.series import Resolution
from lictui.history import latest, pools, told
from lictui.history.intake import conditions, readings
from lictui.history.retention import kept, roll
from lictui.history.retention import rows as rows_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from lictui.config.settings import Retention
    from lictui.history.intake.given import Given
    from lictui.model import PoolKey


class Taken(NamedTuple):
    """What became of the rows of a file: those that brought news, and those that did not."""

    wrote: int
    known: int


def take(db: sqlite3.Connection, found: Iterable[Given], now: float, retention: Retention) -> Taken:
    """Take in everything given."""
    since = kept(now, retention)
    listed = _listed(db)
    wrote = rows = 0
    for given in found:
        rows += len(given.points) + len(given.months) + sum(map(len, given.stretches.values()))
        wrote += told.put(db, given.server, given.months)
        if given.points or given.stretches:
            wrote += _take(db, given, since, counts=(given.server, given.key) in listed)
    return Taken(wrote, rows - wrote)


def _listed(db: sqlite3.Connection) -> set[tuple[str, PoolKey]]:
    """The pools that servers listed when last read: these still count."""
    return {
        (server, pool.key)
        for server, last in latest.everything(db).items()
        if last.snapshot
        for pool in last.snapshot.pools
    }


def _take(
    db: sqlite3.Connection, given: Given, since: Mapping[Resolution, int], *, counts: bool
) -> int:
    starts, last, ends = _bounds(given)
    pool = pools.find(db, given.server, given.key)
    created = pool is None
    if pool is None:
        name = products.describe(given.key.product).name
        pool = pools.create(db, given.server, given.key, given.model, name, starts)
    pools.begin(db, pool, starts)
    # Readings that were polled here go into blocks first: then there is one place to put more.
    roll(db, pool, 1 + max((last, *(run.end for run in rows_of(db, pool.id)))))
    conditions.put(db, pool.id, given)
    wrote = readings.add(db, pool.id, given.points, since)
    for width, some in given.stretches.items():
        wrote += readings.add_buckets(db, pool.id, width, [each.tally for each in some], since)
    if not counts and (created or pool.ended is not None):
        # No server lists it: sums of later times do without it, rather than miss it for ever.
        pools.end_after(db, pool, ends)
    return wrote


def _bounds(given: Given) -> tuple[int, int, int]:
    """When the first of it begins, a moment no reading is later than, and when the last ends."""
    hour = Resolution.HOUR
    starts = [point.at for point in given.points]
    moments = list(starts)
    ends = [at // hour * hour + hour for at in starts]
    for width, some in given.stretches.items():
        starts += [each.tally.start for each in some]
        moments += [each.tally.high_at for each in some]
        ends += [-(-(each.tally.start + width) // hour) * hour for each in some]
    return min(starts), max(moments), max(ends)
