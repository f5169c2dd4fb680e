"""The history's file: private, journalled as its file system allows, set aside when damaged.

Owns opening and closing. Must not know tables beyond that the schema brings them up to date.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Final

from lictui.history import blocks
from lictui.history.filesystem import is_network
from lictui.history.schema import migrate
from lictui.history.trouble import Damaged, HistoryError, is_damage, speaking
from lictui.paths import FILE_MODE, make_folder

if TYPE_CHECKING:
    from pathlib import Path

_PATIENCE: Final = 5.0  # seconds to wait for another writer
_CACHE: Final = -8_000  # KiB of pages kept in memory, negative as SQLite wants it
_LOG: Final = 4 * 1024 * 1024  # bytes a write-ahead log keeps after one that was longer
_COMPANIONS: Final = ("", "-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class Opened:
    """A connection, how it journals, and what the user must be told about it."""

    db: sqlite3.Connection
    journal: str  # "wal", or the rollback journal's "delete"
    notices: tuple[str, ...] = ()


def open_database(path: Path, now: float) -> Opened:
    """Open the history at `path`, creating it if need be; `now` stamps what is set aside.

    Raises HistoryError when it cannot be used; nothing is lost then.
    """
    _create(path)
    try:
        return _connect(path)
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            with speaking(path):
                raise
    aside = set_aside(path, now)
    _create(path)
    with speaking(path):
        opened = _connect(path)
    told = f"the history {path} was damaged: it is now {aside.name}, and a new one was begun"
    return Opened(opened.db, opened.journal, (told, *opened.notices))


def mend(path: Path, now: float) -> Path | None:
    """Read all of the file; if any of it is damaged, set it aside and return its new name."""
    db = sqlite3.connect(path, timeout=_PATIENCE)
    try:
        sound = db.execute("PRAGMA quick_check(1)").fetchall() == [("ok",)]
        blocks.check(db)
    except Damaged:
        sound = False
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            with speaking(path):
                raise
        sound = False
    finally:
        db.close()
    return None if sound else set_aside(path, now)


def set_aside(path: Path, now: float) -> Path:
    """Rename a damaged file, and what SQLite keeps beside it; returns the new name."""
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    names = (f"{path.name}.damaged-{stamp}{'-' * bool(n)}{n or ''}" for n in count())
    aside = next(each for each in map(path.with_name, names) if not each.exists())
    try:
        for companion in _COMPANIONS:
            with suppress(FileNotFoundError):
                path.with_name(path.name + companion).rename(
                    aside.with_name(aside.name + companion)
                )
    except OSError as error:
        raise HistoryError(
            f"the history {path} is damaged and could not be set aside: {error.strerror}",
            "move it away by hand, or set [history] path in config.toml to another file",
        ) from error
    return aside


def _create(path: Path) -> None:
    """Make the file private before SQLite does: what stands beside it inherits its mode."""
    try:
        make_folder(path.parent)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE))
    except OSError as error:
        raise HistoryError(
            f"the history {path} cannot be written: {error.strerror}",
            "look at the owner and mode of file and folder, or set [history] path elsewhere",
        ) from error


def _connect(path: Path) -> Opened:
    db = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        db.execute(f"PRAGMA cache_size = {_CACHE}")
        db.execute(f"PRAGMA journal_size_limit = {_LOG}")
        migrate(db)
        journal, notices = _journal(db, path)
        # Under WAL, NORMAL loses at most the last commits to a power cut, and nothing to a crash.
        db.execute(f"PRAGMA synchronous = {'NORMAL' if journal == 'wal' else 'FULL'}")
    except BaseException:
        db.close()
        raise
    return Opened(db, journal, notices)


def _journal(db: sqlite3.Connection, path: Path) -> tuple[str, tuple[str, ...]]:
    """Write-ahead where shared memory works, else the rollback journal (sqlite.org/wal.html)."""
    ((mode,),) = db.execute("PRAGMA journal_mode")
    wanted = "delete" if is_network(path) else "wal"
    if mode != wanted:
        # Another process that has the file open keeps it as it is: that is no error.
        with suppress(sqlite3.OperationalError):
            ((mode,),) = db.execute(f"PRAGMA journal_mode = {wanted}")
    if mode == "wal":
        return mode, ()
    told = (
        f"the history {path} is on a file system without shared memory: written with the slower "
        "rollback journal"
    )
    return mode, (told,)
