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
from pathlib import Path
from typing import Final

from lictui.history import blocks
from lictui.history.errors import CorruptBlockError, HistoryError, is_damage, sqlite_errors, writing
from lictui.paths import FILE_MODE, make_folder

# The tables of the history, and the way from every older schema to the present one


APPLICATION_ID: Final = 0x6C696374  # "lict": whose file this is, for `file` and for us

_READINGS: Final = (
    # What was read of whom. `since`: its first reading; `ended`: the poll that no longer listed
    # it; `rolled`: readings before are in blocks, those from then on are rows of `reading`.
    """CREATE TABLE pool(
        id INTEGER PRIMARY KEY, server TEXT NOT NULL, product TEXT NOT NULL,
        subscription_date TEXT NOT NULL, model TEXT NOT NULL, name TEXT NOT NULL,
        since INTEGER NOT NULL, ended INTEGER, rolled INTEGER NOT NULL,
        UNIQUE(server, product, subscription_date))""",
    # `n` readings that said the same, the first at `at`, the last `span` seconds later.
    """CREATE TABLE reading(
        pool INTEGER NOT NULL, at INTEGER NOT NULL, span INTEGER NOT NULL, n INTEGER NOT NULL,
        in_use INTEGER, PRIMARY KEY(pool, at)) WITHOUT ROWID""",
    # What held of a pool from `at` on; `every`: seconds between its polls, 0 while they fail.
    """CREATE TABLE terms(
        pool INTEGER NOT NULL, at INTEGER NOT NULL, installed INTEGER, overdraft INTEGER,
        every REAL NOT NULL, PRIMARY KEY(pool, at)) WITHOUT ROWID""",
    # Older readings and their roll-ups; `place` is pool, width and time in one: see blocks.
    "CREATE TABLE block(place INTEGER PRIMARY KEY, body BLOB NOT NULL)",
    """CREATE TABLE latest(
        server TEXT PRIMARY KEY, polled_at REAL NOT NULL, latency REAL NOT NULL,
        state TEXT NOT NULL, since REAL NOT NULL, failure TEXT,
        answered_at REAL, snapshot TEXT) WITHOUT ROWID""",
    """CREATE TABLE event(
        id INTEGER PRIMARY KEY, at REAL NOT NULL, kind TEXT NOT NULL, server TEXT NOT NULL,
        product TEXT NOT NULL, level TEXT NOT NULL, message TEXT NOT NULL)""",
    "CREATE INDEX event_at ON event(at)",
)
_LEASE: Final = (
    # One row at most: who polls, since when it said so, and until when that holds.
    """CREATE TABLE lease(
        one INTEGER PRIMARY KEY CHECK(one = 1), holder TEXT NOT NULL,
        taken REAL NOT NULL, until REAL NOT NULL)""",
)
_TOLD: Final = (
    # What a source told of months of its own past, `at` their first moment: no reading of ours.
    """CREATE TABLE told(
        server TEXT NOT NULL, product TEXT NOT NULL, subscription_date TEXT NOT NULL,
        at INTEGER NOT NULL, in_use INTEGER, installed INTEGER, newly INTEGER, released INTEGER,
        PRIMARY KEY(server, product, subscription_date, at)) WITHOUT ROWID""",
    # Lines of license files: so many licenses from `start` to `expires`, None for ever.
    """CREATE TABLE increment(
        server TEXT NOT NULL, product TEXT NOT NULL, subscription_date TEXT NOT NULL,
        serial TEXT NOT NULL, start INTEGER NOT NULL, count INTEGER NOT NULL, expires INTEGER,
        PRIMARY KEY(server, product, subscription_date, serial, start, count)) WITHOUT ROWID""",
)
_ALERTS: Final = (
    # What is remembered of an alert from poll to poll, as JSON of `lictui.model`.
    """CREATE TABLE alert(
        server TEXT NOT NULL, kind TEXT NOT NULL, product TEXT NOT NULL, about TEXT NOT NULL,
        body TEXT NOT NULL, PRIMARY KEY(server, kind, product, about)) WITHOUT ROWID""",
    # What somebody said to an alert, in a table of its own: who decides on alerts writes the other
    # one, and anybody this one. `until`: of a snooze; NULL: acknowledged.
    """CREATE TABLE answer(
        server TEXT NOT NULL, kind TEXT NOT NULL, product TEXT NOT NULL, about TEXT NOT NULL,
        "by" TEXT NOT NULL, at REAL NOT NULL, until REAL,
        PRIMARY KEY(server, kind, product, about)) WITHOUT ROWID""",
)

STEPS: Final = (
    _READINGS,
    _LEASE,
    _TOLD,
    _ALERTS,
)  # step i leads from version i to i + 1; never edit an old one
VERSION: Final = len(STEPS)


def migrate(db: sqlite3.Connection) -> None:
    """Bring the file to the present schema, in one transaction.

    Raises HistoryError for a file that is not a history, or was written by a newer lictui; such a
    file is not touched.
    """
    if _version(db) == VERSION:
        return
    with writing(db):
        version = _version(db)  # another process may have been faster
        for step in STEPS[version:]:
            for statement in step:
                db.execute(statement)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {VERSION}")


def _version(db: sqlite3.Connection) -> int:
    ((version,),) = db.execute("PRAGMA user_version")
    ((application,),) = db.execute("PRAGMA application_id")
    ((tables,),) = db.execute("SELECT count(*) FROM sqlite_master")
    if tables and application != APPLICATION_ID:
        raise HistoryError(
            "the history's file is a database of another program; it was not touched",
            "set [history] path in config.toml to a file of lictui's own",
        )
    if version > VERSION:
        raise HistoryError(
            f"the history was written by a newer lictui (schema {version}, this one knows "
            f"{VERSION}); it was not touched",
            "update lictui, or set [history] path in config.toml to another file",
        )
    return int(version)


# Whether a file lies on another machine, where SQLite's write-ahead log must not be used


_MOUNTS: Final = Path("/proc/self/mounts")
_NETWORK: Final = frozenset(
    (
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "davfs",
        "fuse.glusterfs",
        "fuse.rclone",
        "fuse.s3fs",
        "fuse.sshfs",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "orangefs",
        "panfs",
        "prl_fs",
        "smb3",
        "smbfs",
        "vboxsf",
        "vmhgfs",
    )
)


def is_network(path: Path, mounts: Path = _MOUNTS) -> bool:
    """Whether `path` is on a network file system, as far as the system tells.

    Linux tells in /proc; of Windows a UNC path is known. Elsewhere SQLite finds out by itself.
    """
    whole = path.resolve()
    if whole.drive.startswith("\\\\"):
        return True
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    found = Path("/"), ""
    for line in lines:
        _device, folder, kind, *_ = line.split()
        mounted = Path(folder.replace("\\040", " "))
        if whole.is_relative_to(mounted) and len(mounted.parts) >= len(found[0].parts):
            found = mounted, kind  # of two on one place, the later hides the earlier
    return found[1] in _NETWORK


_PATIENCE: Final = 5.0  # seconds to wait for another writer
_CACHE: Final = -8_000  # KiB of pages kept in memory, negative as SQLite wants it
_LOG: Final = 4 * 1024 * 1024  # bytes a write-ahead log keeps after one that was longer
_COMPANIONS: Final = ("", "-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class OpenedDatabase:
    """A connection, how it journals, and what the user must be told about it."""

    db: sqlite3.Connection
    journal: str  # "wal", or the rollback journal's "delete"
    notices: tuple[str, ...] = ()


def open_database(path: Path, now: float) -> OpenedDatabase:
    """Open the history at `path`, creating it if need be; `now` stamps what is set aside.

    Raises HistoryError when it cannot be used; nothing is lost then.
    """
    _create(path)
    try:
        return _connect(path)
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            with sqlite_errors(path):
                raise
    aside = set_aside(path, now)
    _create(path)
    with sqlite_errors(path):
        opened = _connect(path)
    told = f"the history {path} was damaged: it is now {aside.name}, and a new one was begun"
    return OpenedDatabase(opened.db, opened.journal, (told, *opened.notices))


def check_and_set_aside(path: Path, now: float) -> Path | None:
    """Read all of the file; if any of it is damaged, set it aside and return its new name."""
    db = sqlite3.connect(path, timeout=_PATIENCE)
    try:
        sound = db.execute("PRAGMA quick_check(1)").fetchall() == [("ok",)]
        blocks.check(db)
    except CorruptBlockError:
        sound = False
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            with sqlite_errors(path):
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


def _connect(path: Path) -> OpenedDatabase:
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
    return OpenedDatabase(db, journal, notices)


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
