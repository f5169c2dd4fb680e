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


# By the primary result codes of https://sqlite.org/rescode.html: message and hint
_CORRUPT: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_MESSAGES: Final = (
    (
        (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL),
        "is locked by another program",
        "close other programs that use it: another lictui, a backup, a database browser",
    ),
    (
        (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN),
        "cannot be written",
        "check file permissions, or set [history] path in config.toml",
    ),
    (
        (sqlite3.SQLITE_FULL,),
        "cannot grow: disk full",
        "free disk space, or reduce [history] keep_raw and keep_5m in config.toml",
    ),
    (
        _CORRUPT,
        "is corrupt",
        "`lictui history compact` moves it away (kept) and creates a new one",
    ),
    (
        (sqlite3.SQLITE_IOERR,),
        "could not be read or written: disk error",
        "check the disk",
    ),
)


# SQLite's message about a corrupt file may quote bytes of it, which Python then cannot decode.
UNREADABLE: Final = (CorruptBlockError, UnicodeDecodeError, sqlite3.Error)


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Turn errors of SQLite, and corrupt blocks, into a HistoryError about the file at `path`."""
    try:
        yield
    except UNREADABLE as error:
        code = _result_code(error)
        for codes, message, hint in _MESSAGES:
            if code in codes:
                raise HistoryError(f"the history {path} {message}", hint) from error
        raise HistoryError(f"the history {path} could not be used: {error}", "") from error


def is_corruption(error: Exception) -> bool:
    """Whether the file itself is broken, rather than busy, full or forbidden."""
    return _result_code(error) in _CORRUPT


def _result_code(error: Exception) -> int:
    if not isinstance(error, sqlite3.Error):
        return _CORRUPT[0]
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


@contextmanager
def transaction(db: sqlite3.Connection, kind: str = "DEFERRED") -> Iterator[None]:
    """Read a consistent state of the file, whatever other processes write meanwhile.

    With `kind` IMMEDIATE: wait for other writers; write all, or after an exception nothing.
    """
    db.execute(f"BEGIN {kind}")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
