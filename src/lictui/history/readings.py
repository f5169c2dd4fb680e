"""Table `reading`: single readings, which `compaction` moves into blocks after a few hours.

The last one that is in a block is in the table, too: for how long it is valid depends on what
follows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

    from lictui.history.pools import KnownPool


def add_reading(db: sqlite3.Connection, pool: int, time: int, in_use: int | None) -> None:
    """Add one reading; of two in one second the later counts, unless only it is unknown."""
    db.execute(
        "INSERT INTO reading VALUES(?, ?, ?)"
        " ON CONFLICT DO UPDATE SET in_use = ifnull(excluded.in_use, in_use)",
        (pool, time, in_use),
    )


def reset_pushed(db: sqlite3.Connection, server: str, time: int) -> None:
    """Let figures from `time` on be compared with long-term engines again: they changed."""
    statement = "UPDATE pushed SET until = ?1 - 1 WHERE server = ?2 AND until >= ?1"
    db.execute(statement, (time, server))


def last_reading(db: sqlite3.Connection, pool: KnownPool) -> int:
    """Return when the pool was read last; without readings, until when it is packed."""
    row = db.execute("SELECT max(time) FROM reading WHERE pool = ?", (pool.id,)).fetchone()
    return pool.packed_until if row[0] is None else int(row[0])


def delete_before(db: sqlite3.Connection, pool: int, time: int) -> None:
    """Delete the readings before `time` except for the last."""
    db.execute(
        "DELETE FROM reading WHERE pool = ?1 AND time <"
        " (SELECT max(time) FROM reading WHERE pool = ?1 AND time < ?2)",
        (pool, time),
    )
