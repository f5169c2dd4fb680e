"""SQLite's errors as messages for users, and transactions."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from lictui.errors import LictuiError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class HistoryError(LictuiError):
    """The history cannot be read or written now; its contents are still there."""


class CorruptBlockError(Exception):
    """A block that SQLite returns, but that cannot be unpacked; `sqlite_errors` translates it."""


_LOCKED: Final = (
    "is locked by another program",
    "close other programs that use it: another lictui, a backup, a database browser",
)
_READ_ONLY: Final = (
    "cannot be written",
    "check file permissions, or set [history] path in config.toml",
)
_FULL: Final = (
    "cannot grow: disk full",
    "free disk space, or reduce [history] keep_raw and keep_5m in config.toml",
)
_CORRUPT: Final = (
    "is corrupt",
    "`lictui history compact` moves it away (kept) and creates a new one",
)
_UNREADABLE: Final = ("could not be read or written: disk error", "check the disk")

# The primary result codes of https://sqlite.org/rescode.html
_MESSAGES: Final = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_PROTOCOL: _LOCKED,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: _READ_ONLY,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR: _UNREADABLE,
    sqlite3.SQLITE_CORRUPT: _CORRUPT,
    sqlite3.SQLITE_NOTADB: _CORRUPT,
}


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Turn errors of SQLite, and corrupt blocks, into a HistoryError about the file at `path`."""
    try:
        yield
    except CorruptBlockError as error:
        message, hint = _CORRUPT
        raise HistoryError(f"the history {path} {message}", hint) from error
    except sqlite3.Error as error:
        message, hint = _MESSAGES.get(_result_code(error), (f"could not be used: {error}", ""))
        raise HistoryError(f"the history {path} {message}", hint) from error


def is_corruption(error: sqlite3.Error) -> bool:
    """Whether the file itself is broken, rather than busy, full or forbidden."""
    return _result_code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _result_code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


# Transactions


@contextmanager
def write_transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Write all, or after an exception nothing; waits for other writers first."""
    db.execute("BEGIN IMMEDIATE")
    yield from _transaction(db)


@contextmanager
def read_transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Read a consistent state of the file, whatever other processes write meanwhile."""
    db.execute("BEGIN")
    yield from _transaction(db)


def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
