"""The months that sources told of their own past, as CSV rows.

Owns which of them stand before a pool's own readings. Must not know files or printing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lictui import products
from lictui.clock import iso
from lictui.history import pools, told
from lictui.history.columns import cells

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from lictui.history.pools import KnownPool
    from lictui.history.transfer import Wanted
    from lictui.model import PoolKey, Told


def rows(db: sqlite3.Connection, wanted: Wanted) -> Iterator[tuple[object, ...]]:
    """A row a month, by pool and in order of time."""
    for server, key in list(told.keys(db)):
        if not wanted.of(server, key.product):
            continue
        known = cells(server, key.product, _model(db, server, key), key.subscription_date)
        for month in _wanted(told.of(db, server, key), wanted):
            at = datetime.fromtimestamp(month.at, UTC)
            figures = month.in_use, month.installed, month.newly, month.released
            yield (f"{at:%Y-%m}", *known, *figures)


def before_readings(
    db: sqlite3.Connection, pool: KnownPool, wanted: Wanted
) -> Iterator[tuple[object, ...]]:
    """The months before the first reading of a pool, as rows of the same form as its readings."""
    known = cells(pool.server, pool.product, pool.model, pool.subscription_date)
    for month in _wanted(told.of(db, pool.server, pool.key), wanted):
        if month.at < pool.since:
            yield (iso(month.at), *known, month.in_use, month.installed, None)


def _wanted(months: tuple[Told, ...], wanted: Wanted) -> Iterator[Told]:
    for month in months:
        if wanted.since <= month.at and (wanted.until is None or month.at < wanted.until):
            yield month


def _model(db: sqlite3.Connection, server: str, key: PoolKey) -> str:
    pool = pools.find(db, server, key)
    return pool.model if pool else products.describe(key.product).model.value
