"""Tables `pool` and `capacity`: every pool that was ever recorded, and its licenses over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from lictui.analysis.series import ALIGNMENT
from lictui.model import PoolKey

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from lictui.model import Model


class Capacity(NamedTuple):
    """Licenses of a pool, and how often it is read, from a time on."""

    valid_from: int
    installed: int | None
    overdraft: int | None
    interval: float  # seconds between two polls; 0: the last poll brought no figure


class KnownPool(NamedTuple):
    """A pool as the history knows it. Times are UTC epoch seconds."""

    id: int
    server: str
    product: str
    subscription_date: str
    model: str
    name: str
    since: int  # its first reading
    ended: int | None  # the first poll that did not list it any more
    packed_until: int  # readings before are in blocks; on full five minutes

    @property
    def key(self) -> PoolKey:
        """The key that tells it from other pools of its server."""
        return PoolKey(self.product, self.subscription_date)


def select(db: sqlite3.Connection, condition: str, *values: object) -> list[KnownPool]:
    """Return the pools that meet an SQL condition."""
    rows = db.execute(f"SELECT {', '.join(KnownPool._fields)} FROM pool {condition}", values)
    return list(map(KnownPool._make, rows))


def find_pool(db: sqlite3.Connection, server: str, key: PoolKey) -> KnownPool | None:
    """Return the pool, if it was ever recorded."""
    condition = "WHERE server = ? AND product = ? AND subscription_date = ?"
    found = select(db, condition, server, key.product, key.subscription_date)
    return found[0] if found else None


def pools_of_server(db: sqlite3.Connection, server: str) -> dict[PoolKey, KnownPool]:
    """Return every recorded pool of `server`."""
    return {pool.key: pool for pool in select(db, "WHERE server = ?", server)}


def all_pools(db: sqlite3.Connection) -> list[KnownPool]:
    """Return all pools by server, product and subscription date."""
    return select(db, "ORDER BY server, product, subscription_date")


def create(
    db: sqlite3.Connection, server: str, key: PoolKey, model: Model, name: str, since: int
) -> KnownPool:
    """Add a pool that is read for the first time."""
    packed_until = since // ALIGNMENT * ALIGNMENT
    names = (server, key.product, key.subscription_date, model.value, name)
    pool = KnownPool(0, *names, since, None, packed_until)
    cursor = db.execute(
        f"INSERT INTO pool({', '.join(KnownPool._fields[1:])}) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
        pool[1:],
    )
    return pool._replace(id=cursor.lastrowid or 0)


def change(db: sqlite3.Connection, pool: KnownPool, **values: Any) -> KnownPool:
    """Store new values of some columns of a pool; the same ones write nothing."""
    changed = pool._replace(**values)
    if changed != pool:
        columns = ", ".join(f"{name} = ?" for name in values)
        db.execute(f"UPDATE pool SET {columns} WHERE id = ?", (*values.values(), pool.id))
    return changed


def mark_gap(db: sqlite3.Connection, pool: KnownPool, time: int) -> None:
    """Record that a poll brought no figure of the pool: its last reading is not valid any more."""
    db.execute(
        "INSERT OR REPLACE INTO capacity SELECT pool, ?, installed, overdraft, 0 FROM capacity"
        " WHERE pool = ? AND valid_from <= ? ORDER BY valid_from DESC LIMIT 1",
        (time, pool.id, time),
    )


def capacities(db: sqlite3.Connection, pool: int) -> list[Capacity]:
    """Return the capacities of a pool in order of time."""
    rows = db.execute(
        "SELECT valid_from, installed, overdraft, interval FROM capacity WHERE pool = ?"
        " ORDER BY valid_from",
        (pool,),
    )
    return list(map(Capacity._make, rows))


def latest_capacities(db: sqlite3.Connection) -> dict[int, Capacity]:
    """Return the last capacity of every pool in which the installed licenses are known."""
    rows = db.execute(  # the other columns are those of the row with the maximum
        "SELECT pool, max(valid_from), installed, overdraft, interval FROM capacity"
        " WHERE installed IS NOT NULL GROUP BY pool"
    )
    return {pool: Capacity(*capacity) for pool, *capacity in rows}


def insert_capacities(db: sqlite3.Connection, pool: int, new: Iterable[Capacity]) -> None:
    """Add capacities where there are none."""
    rows = [(pool, *capacity) for capacity in new]
    db.executemany("INSERT INTO capacity VALUES(?, ?, ?, ?, ?)", rows)


def record_capacity(db: sqlite3.Connection, pool: int, capacity: Capacity) -> None:
    """Record a capacity unless it is the same as the previous one."""
    previous = db.execute(
        "SELECT installed, overdraft, interval FROM capacity WHERE pool = ? AND valid_from <= ?"
        " ORDER BY valid_from DESC LIMIT 1",
        (pool, capacity.valid_from),
    ).fetchone()
    if previous != capacity[1:]:
        db.execute("INSERT OR REPLACE INTO capacity VALUES(?, ?, ?, ?, ?)", (pool, *capacity))
