"""The pools that were ever read: their numbers, and what held of them when.

Owns the tables `pool` and `terms`. Must not know readings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lictui.model import Model, PoolKey

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator


class Capacity(NamedTuple):
    """What holds of a pool from `at` on."""

    at: int
    installed: int | None
    overdraft: int | None
    every: float  # seconds between two polls; 0: the last one brought no figure


class KnownPool(NamedTuple):
    """A pool as the history knows it."""

    id: int
    server: str
    product: str
    subscription_date: str
    model: str
    name: str
    since: int  # its first reading
    ended: int | None  # the first poll that no longer listed it
    rolled: int  # readings before are in blocks

    @property
    def key(self) -> PoolKey:
        """What tells it from the others of its server."""
        return PoolKey(self.product, self.subscription_date)


_COLUMNS = ", ".join(KnownPool._fields)


def find(db: sqlite3.Connection, server: str, key: PoolKey) -> KnownPool | None:
    """The pool, if it was ever read."""
    row = db.execute(
        f"SELECT {_COLUMNS} FROM pool WHERE server = ? AND product = ? AND subscription_date = ?",  # noqa: S608 - our own column names
        (server, key.product, key.subscription_date),
    ).fetchone()
    return KnownPool(*row) if row else None


def of_server(db: sqlite3.Connection, server: str) -> dict[PoolKey, KnownPool]:
    """Every pool that was ever read of `server`."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM pool WHERE server = ?", (server,))  # noqa: S608 - our own column names
    return {pool.key: pool for pool in map(KnownPool._make, rows)}


def every_one(db: sqlite3.Connection) -> Iterator[KnownPool]:
    """All pools, by server, product and subscription date."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM pool ORDER BY server, product, subscription_date")  # noqa: S608 - our own column names
    return map(KnownPool._make, rows)


def rolled_before(db: sqlite3.Connection, edge: int, limit: int) -> list[KnownPool]:
    """At most `limit` pools with readings before `edge` that may not be in blocks yet."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM pool WHERE rolled < ? LIMIT ?", (edge, limit))  # noqa: S608 - our own column names
    return list(map(KnownPool._make, rows))


def create(
    db: sqlite3.Connection, server: str, key: PoolKey, model: Model, name: str, since: int
) -> KnownPool:
    """A pool that is read for the first time."""
    values = (server, key.product, key.subscription_date, model.value, name, since, None, since)
    row = db.execute(
        "INSERT INTO pool(server, product, subscription_date, model, name, since, ended, rolled)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
        values,
    )
    return KnownPool(row.lastrowid or 0, *values)


def describe(db: sqlite3.Connection, pool: KnownPool, model: Model, name: str) -> None:
    """Note what the source calls a pool now, and that it is there."""
    if (pool.model, pool.name, pool.ended) != (model.value, name, None):
        db.execute(
            "UPDATE pool SET model = ?, name = ?, ended = NULL WHERE id = ?",
            (model.value, name, pool.id),
        )


def date(db: sqlite3.Connection, pool: KnownPool, key: PoolKey) -> KnownPool:
    """Give a pool the subscription date that nobody told before."""
    db.execute(
        "UPDATE pool SET subscription_date = ? WHERE id = ?", (key.subscription_date, pool.id)
    )
    return pool._replace(subscription_date=key.subscription_date)


def begin(db: sqlite3.Connection, pool: KnownPool, since: int) -> None:
    """Note that the pool is known from `since` on, if that is earlier than was known."""
    db.execute("UPDATE pool SET since = min(since, ?) WHERE id = ?", (since, pool.id))


def end(db: sqlite3.Connection, pool: KnownPool, at: int) -> None:
    """Note that a poll no longer listed the pool."""
    if pool.ended is None:
        db.execute("UPDATE pool SET ended = ? WHERE id = ?", (at, pool.id))
        fall_silent(db, pool, at)


def end_after(db: sqlite3.Connection, pool: KnownPool, at: int) -> None:
    """Note that the pool, which no server lists, counts until `at` at least."""
    db.execute("UPDATE pool SET ended = max(coalesce(ended, 0), ?) WHERE id = ?", (at, pool.id))


def fall_silent(db: sqlite3.Connection, pool: KnownPool, at: int) -> None:
    """Note that a poll brought no figure of the pool: what was read last holds no longer."""
    db.execute(
        "INSERT OR REPLACE INTO terms SELECT pool, ?, installed, overdraft, 0 FROM terms"
        " WHERE pool = ? AND at <= ? ORDER BY at DESC LIMIT 1",
        (at, pool.id, at),
    )


def terms(db: sqlite3.Connection, pool: int) -> list[Capacity]:
    """Everything that ever held of a pool, in order of time."""
    rows = db.execute(
        "SELECT at, installed, overdraft, every FROM terms WHERE pool = ? ORDER BY at", (pool,)
    )
    return list(map(Capacity._make, rows))


def set_terms(db: sqlite3.Connection, pool: int, wanted: Capacity) -> None:
    """Note what holds from `wanted.at` on, unless it did already."""
    held = db.execute(
        "SELECT installed, overdraft, every FROM terms WHERE pool = ? AND at <= ?"
        " ORDER BY at DESC LIMIT 1",
        (pool, wanted.at),
    ).fetchone()
    if held != wanted[1:]:
        db.execute("INSERT OR REPLACE INTO terms VALUES(?, ?, ?, ?, ?)", (pool, *wanted))
