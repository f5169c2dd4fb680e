"""A server gets another name and keeps its history, even if the name had one before.

Owns how two histories of one name become one. Must not know the registry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lictui.history import alerts, blocks, pools, told
from lictui.history.retention import FOREVER, roll

if TYPE_CHECKING:
    import sqlite3

    from lictui.history.pools import KnownPool


def rename(db: sqlite3.Connection, old: str, new: str) -> None:
    """Call the server `old` by the name `new`, within the caller's transaction."""
    if old == new:
        return
    there = pools.of_server(db, new)
    for key, pool in pools.of_server(db, old).items():
        if key in there:
            _merge(db, there[key], pool)
    db.execute("UPDATE pool SET server = ? WHERE server = ?", (new, old))
    if db.execute("SELECT 1 FROM latest WHERE server = ?", (old,)).fetchone():
        db.execute("UPDATE OR REPLACE latest SET server = ? WHERE server = ?", (new, old))
    told.rename(db, old, new)
    alerts.rename(db, old, new)
    db.execute("UPDATE OR REPLACE increment SET server = ? WHERE server = ?", (new, old))
    db.execute("UPDATE event SET server = ? WHERE server = ?", (new, old))


def _merge(db: sqlite3.Connection, earlier: KnownPool, later: KnownPool) -> None:
    """Put what a name used to stand for before the history of who bears it now."""
    # Both in blocks entirely: one place to join them. What is read next starts a new row.
    roll(db, earlier, FOREVER)
    roll(db, later, FOREVER)
    blocks.hand_over(db, later.id, earlier.id)
    db.execute("UPDATE OR REPLACE terms SET pool = ? WHERE pool = ?", (earlier.id, later.id))
    db.execute("DELETE FROM pool WHERE id = ?", (later.id,))
    db.execute(
        "UPDATE pool SET model = ?, name = ?, since = ?, ended = ?, rolled = ? WHERE id = ?",
        (
            later.model,
            later.name,
            min(earlier.since, later.since),
            later.ended,
            later.rolled,
            earlier.id,
        ),
    )
