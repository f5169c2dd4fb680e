"""What can be wrong with the history's file, in words a user can act on.

Owns the translation of SQLite's errors. Must not know what was being asked of the file.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from lictui.errors import LictuiError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class HistoryError(LictuiError):
    """The history cannot be read or written just now; what it holds is still there."""


class CorruptBlockError(Exception):
    """A block that SQLite hands out, but that does not unpack."""


_LOCKED: Final = (
    "is locked by another program",
    "close what else has it open: another lictui, a backup, a database browser",
)
_READ_ONLY: Final = (
    "cannot be written",
    "look at the owner and mode of file and folder, or set [history] path elsewhere",
)
_FULL: Final = (
    "cannot grow: the disk is full",
    "make room, or keep less with [history] keep_raw and keep_5m",
)
_DAMAGED: Final = (
    "is damaged",
    "`lictui history compact` sets it aside, never deleted, and begins a new one",
)
_UNREADABLE: Final = ("could not be read or written: the disk reports an error", "look at the disk")

# The primary result codes of https://sqlite.org/rescode.html
_WORDS: Final = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_PROTOCOL: _LOCKED,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: _READ_ONLY,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR: _UNREADABLE,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Turn whatever SQLite says of the file at `path` into a HistoryError."""
    try:
        yield
    except CorruptBlockError as error:
        what, hint = _DAMAGED
        raise HistoryError(f"the history {path} {what}", hint) from error
    except sqlite3.Error as error:
        what, hint = _WORDS.get(_code(error), (f"could not be used: {error}", ""))
        raise HistoryError(f"the history {path} {what}", hint) from error


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file itself is broken, rather than busy, full or forbidden."""
    return _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


# The two kinds of transaction: all of what is written or none of it, and one moment to read


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
