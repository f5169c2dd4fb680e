"""The two kinds of transaction: all of what is written or none of it, and one moment to read.

Owns BEGIN, COMMIT and ROLLBACK. Must not know tables.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator


@contextmanager
def writing(db: sqlite3.Connection) -> Iterator[None]:
    """Write all of it, or after an exception none of it; waits for other writers first."""
    db.execute("BEGIN IMMEDIATE")
    yield from _within(db)


@contextmanager
def reading(db: sqlite3.Connection) -> Iterator[None]:
    """See the file as it is at one moment, whatever other processes write meanwhile."""
    db.execute("BEGIN")
    yield from _within(db)


def _within(db: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
