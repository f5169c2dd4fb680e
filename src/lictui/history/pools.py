"""Tables `pool`, `capacity` and `reading`: the pools, their licenses, and their last readings.

`compaction` moves readings into blocks after a few hours.
"""

from __future__ import annotations

from math import inf
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
    interval: float  # seconds between two polls; 0: the last poll had no figure; -1: see BY_GAPS


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
        """The key that distinguishes it from other pools of its server."""
        return PoolKey(self.product, self.subscription_date)

    @property
    def was_read(self) -> bool:
        """Whether it was ever read: what only license files list ends where it starts."""
        return self.ended is None or self.since < self.ended


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
    _keep_capacity_after(db, pool.id, time)
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


def latest_capacities(db: sqlite3.Connection, until: float = inf) -> dict[int, Capacity]:
    """Return the last capacity of every pool by then in which installed licenses are known."""
    rows = db.execute(  # the other columns are those of the row with the maximum
        "SELECT pool, max(valid_from), installed, overdraft, interval FROM capacity"
        " WHERE installed IS NOT NULL AND valid_from <= ? GROUP BY pool",
        (until,),
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
        _keep_capacity_after(db, pool, capacity.valid_from)
        db.execute("INSERT OR REPLACE INTO capacity VALUES(?, ?, ?, ?, ?)", (pool, *capacity))


def _keep_capacity_after(db: sqlite3.Connection, pool: int, time: int) -> None:
    """Keep the capacity of the next reading, if the clock was set back since it was recorded."""
    db.execute(
        "INSERT OR IGNORE INTO capacity SELECT pool, later.time, installed, overdraft, interval"
        " FROM capacity JOIN (SELECT min(time) AS time FROM reading"
        " WHERE pool = :pool AND time > :time) AS later"
        " WHERE pool = :pool AND valid_from <= later.time ORDER BY valid_from DESC LIMIT 1",
        {"pool": pool, "time": time},
    )


# Readings of the last hours


def add_reading(db: sqlite3.Connection, pool: int, time: int, in_use: int | None) -> None:
    """Add one reading; of two in one second the later counts, unless only it is unknown."""
    db.execute(
        "INSERT INTO reading VALUES(?, ?, ?)"
        " ON CONFLICT DO UPDATE SET in_use = ifnull(excluded.in_use, in_use)",
        (pool, time, in_use),
    )


def reset_pushed(db: sqlite3.Connection, server: str, time: int) -> None:
    """Let figures from `time` on be compared with long-term engines again: they changed."""
    statement = "UPDATE pushed SET until = :before WHERE server = :server AND until > :before"
    db.execute(statement, {"before": time - 1, "server": server})


def last_reading(db: sqlite3.Connection, pool: KnownPool) -> int:
    """Return when the pool was read last; without readings, until when it is packed."""
    row = db.execute("SELECT max(time) FROM reading WHERE pool = ?", (pool.id,)).fetchone()
    return pool.packed_until if row[0] is None else int(row[0])


def delete_before(db: sqlite3.Connection, pool: int, time: int) -> None:
    """Delete the readings before `time` except for the last three."""
    db.execute(
        "DELETE FROM reading WHERE pool = :pool AND time < (SELECT time FROM reading"
        " WHERE pool = :pool AND time < :time ORDER BY time DESC LIMIT 1 OFFSET 2)",
        {"pool": pool, "time": time},
    )
