"""Table `sum_peak`: daily maxima of sums, stored before the five minutes of their pools expire.

A sum is known by the pools that count on a day, so that it is found again whatever pools are added
or removed later. All pools of a product are one sum; others are stored once peaks of them were
asked for.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from lictui.analysis.series import ALIGNMENT
from lictui.clock import DAY
from lictui.history import blocks, pools
from lictui.history.query import StoredPool, sum_key, sum_pools

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from lictui.analysis.columns import Series
    from lictui.history.pools import KnownPool

_MONTH: Final = 32 * DAY
_STORED_UNTIL: Final = b""  # the key of the row that says up to when peaks are stored


def store_peaks(db: sqlite3.Connection, until: int, now: int) -> int:
    """Store the daily maxima of all sums before `until`, where five minutes are to be deleted.

    Returns up to when that is done: a month at a time, so that polls are not held up.
    """
    row = db.execute("SELECT high FROM sum_peak WHERE pools = ?", (_STORED_UNTIL,)).fetchone()
    if row and row[0] >= until:
        return until
    known = {pool.id: pool for pool in pools.all_pools(db)}
    firsts = [blocks.first_packed(db, pool, ALIGNMENT) for pool in known]
    start = min((first for first in firsts if first is not None), default=until)
    start = max(start, row[0] if row else 0) // DAY * DAY
    until = max(start, min(until, start + _MONTH))
    stored = {number: StoredPool(db, pool, now) for number, pool in known.items()}
    for ids in _sums(db, known, start, until) if start < until else ():
        parts = [stored[number] for number in ids]
        days = sum_pools(parts, start, until, {}).widened(DAY)
        _store(db, [part.pool for part in parts], days.select(~days.bound))
    db.execute(
        "INSERT OR REPLACE INTO sum_peak VALUES(?, 0, ?, 0, NULL, NULL)", (_STORED_UNTIL, until)
    )
    return until


def _sums(
    db: sqlite3.Connection, known: Mapping[int, KnownPool], start: int, until: int
) -> set[tuple[int, ...]]:
    """Return the IDs of the pools of every sum that is to be stored, as they counted then."""
    by_product: dict[tuple[str, str], list[int]] = defaultdict(list)
    for pool in known.values():
        by_product[pool.product, pool.model].append(pool.id)
    rows = (map(int, row.split()) for (row,) in db.execute("SELECT pools FROM summed"))
    counting = {
        pool.id
        for pool in known.values()
        if pool.since < until and (pool.ended is None or pool.ended > start)
    }
    sums = {tuple(sorted(counting.intersection(ids))) for ids in (*by_product.values(), *rows)}
    return {ids for ids in sums if len(ids) > 1}


def _store(db: sqlite3.Connection, parts: Sequence[KnownPool], days: Series) -> None:
    rows = []
    for day in days.buckets:
        key = sum_key(parts, day.start)
        rows.append((key, day.start, day.high, day.high_at, day.installed, day.overdraft))
    db.executemany("INSERT OR IGNORE INTO sum_peak VALUES(?, ?, ?, ?, ?, ?)", rows)
