"""Who polls, when two lictui share one history: a claim that runs out unless it is renewed.

Owns the table `lease`. Must not know what the holder does with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import sqlite3

_SKEW: Final = 300.0  # seconds the clocks of two machines may differ


def claim(db: sqlite3.Connection, holder: str, until: float, now: float) -> bool:
    """Take or renew the lease until `until`; False while another one holds it.

    A claim from the future is void: it was made by a clock that has been set right since.
    """
    row = db.execute("SELECT holder, taken, until FROM lease").fetchone()
    if row and row[0] != holder and row[1] - _SKEW <= now < row[2]:
        return False
    db.execute("INSERT OR REPLACE INTO lease VALUES(1, ?, ?, ?)", (holder, now, until))
    return True


def holder(db: sqlite3.Connection) -> str:
    """Who holds the lease, or held it last; "" if nobody does."""
    row = db.execute("SELECT holder FROM lease").fetchone()
    return str(row[0]) if row else ""


def release(db: sqlite3.Connection, holder: str) -> None:
    """Let go of the lease, if `holder` has it."""
    db.execute("DELETE FROM lease WHERE holder = ?", (holder,))
