"""Tables `pool` and `capacity`: every pool that was ever recorded, and its licenses over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lictui.analysis.series import ALIGNMENT
from lictui.model import PoolKey

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

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


_SELECT = f"SELECT {', '.join(KnownPool._fields)} FROM pool"


def find_pool(db: sqlite3.Connection, server: str, key: PoolKey) -> KnownPool | None:
    """Return the pool, if it was ever recorded."""
    row = db.execute(
        f"{_SELECT} WHERE server = ? AND product = ? AND subscription_date = ?",
        (server, key.product, key.subscription_date),
    ).fetchone()
    return KnownPool(*row) if row else None


def pools_of_server(db: sqlite3.Connection, server: str) -> dict[PoolKey, KnownPool]:
    """Return every recorded pool of `server`."""
    rows = db.execute(f"{_SELECT} WHERE server = ?", (server,))
    return {pool.key: pool for pool in map(KnownPool._make, rows)}


def all_pools(db: sqlite3.Connection) -> Iterator[KnownPool]:
    """Return all pools by server, product and subscription date."""
    rows = db.execute(f"{_SELECT} ORDER BY server, product, subscription_date")
    return map(KnownPool._make, rows)


def unpacked_before(db: sqlite3.Connection, time: int) -> list[KnownPool]:
    """Return the pools with readings before `time` that may not be in blocks yet."""
    rows = db.execute(f"{_SELECT} WHERE packed_until < ? ORDER BY packed_until", (time,))
    return list(map(KnownPool._make, rows))


def latest_packed(db: sqlite3.Connection, count: int) -> list[KnownPool]:
    """Return the pools with the newest readings in blocks."""
    rows = db.execute(f"{_SELECT} ORDER BY packed_until DESC LIMIT ?", (count,))
    return list(map(KnownPool._make, rows))


def set_packed_until(db: sqlite3.Connection, pool: KnownPool, time: int) -> KnownPool:
    """Record that the readings before `time` are in blocks."""
    db.execute("UPDATE pool SET packed_until = ? WHERE id = ?", (time, pool.id))
    return pool._replace(packed_until=time)


def create(
    db: sqlite3.Connection, server: str, key: PoolKey, model: Model, name: str, since: int
) -> KnownPool:
    """Add a pool that is read for the first time."""
    packed_until = since // ALIGNMENT * ALIGNMENT
    values = (
        *(server, key.product, key.subscription_date, model.value, name),
        *(since, None, packed_until),
    )
    cursor = db.execute(
        "INSERT INTO pool(server, product, subscription_date, model, name, since, ended,"
        " packed_until) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
        values,
    )
    return KnownPool(cursor.lastrowid or 0, *values)


def describe(db: sqlite3.Connection, pool: KnownPool, model: Model, name: str) -> None:
    """Record the pool's present model and name, and that its server lists it."""
    if (pool.model, pool.name, pool.ended) != (model.value, name, None):
        db.execute(
            "UPDATE pool SET model = ?, name = ?, ended = NULL WHERE id = ?",
            (model.value, name, pool.id),
        )


def set_subscription_date(db: sqlite3.Connection, pool: KnownPool, key: PoolKey) -> KnownPool:
    """Give a pool the subscription date that its source had not reported so far."""
    db.execute(
        "UPDATE pool SET subscription_date = ? WHERE id = ?", (key.subscription_date, pool.id)
    )
    return pool._replace(subscription_date=key.subscription_date)


def extend_start(db: sqlite3.Connection, pool: KnownPool, since: int) -> None:
    """Record that the pool exists from `since` on, if that is earlier than known."""
    db.execute("UPDATE pool SET since = min(since, ?) WHERE id = ?", (since, pool.id))


def merge(db: sqlite3.Connection, earlier: KnownPool, later: KnownPool) -> None:
    """Let `later` continue `earlier`, which keeps its row."""
    db.execute("UPDATE OR REPLACE capacity SET pool = ? WHERE pool = ?", (earlier.id, later.id))
    db.execute("DELETE FROM pool WHERE id = ?", (later.id,))
    since = min(earlier.since, later.since)
    db.execute(
        "UPDATE pool SET model = ?, name = ?, since = ?, ended = ?, packed_until = ? WHERE id = ?",
        (later.model, later.name, since, later.ended, earlier.packed_until, earlier.id),
    )


def close(db: sqlite3.Connection, pool: KnownPool, time: int) -> None:
    """Record that a poll did not list the pool any more."""
    if pool.ended is None:
        db.execute("UPDATE pool SET ended = ? WHERE id = ?", (time, pool.id))
        mark_gap(db, pool, time)


def close_at(db: sqlite3.Connection, pool: KnownPool, time: int) -> None:
    """Record that the pool, which no server lists, counts until `time` at least."""
    db.execute("UPDATE pool SET ended = max(coalesce(ended, 0), ?) WHERE id = ?", (time, pool.id))


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
