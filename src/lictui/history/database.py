"""The SQLite file of the history: schema, opening, and moving a corrupt file away."""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lictui.history.errors import (
    UNREADABLE,
    HistoryError,
    is_corruption,
    sqlite_errors,
    transaction,
)
from lictui.paths import FILE_MODE, make_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

APPLICATION_ID: Final = 0x6C696374  # "lict", shown by `file`: the database is lictui's
VERSION: Final = 1

# Times are UTC epoch seconds.
SCHEMA: Final = (
    # The pools that were ever recorded (KnownPool). `since`: the first reading; `ended`: the first
    # poll that did not list the pool any more; readings before `packed_until` are in `block`,
    # later ones in `reading`.
    """CREATE TABLE pool(
        id INTEGER PRIMARY KEY, server TEXT NOT NULL, product TEXT NOT NULL,
        subscription_date TEXT NOT NULL, model TEXT NOT NULL, name TEXT NOT NULL,
        since INTEGER NOT NULL, ended INTEGER, packed_until INTEGER NOT NULL,
        UNIQUE(server, product, subscription_date))""",
    # The readings of the last hours, and the last three that are in blocks. `in_use` is NULL where
    # the figure could not be read.
    """CREATE TABLE reading(
        pool INTEGER NOT NULL, time INTEGER NOT NULL, in_use INTEGER,
        PRIMARY KEY(pool, time)) WITHOUT ROWID""",
    # Installed licenses of a pool from a time on (Capacity). `interval`: seconds between two
    # polls; 0: the last poll brought no figure, so that the reading before is not valid any more.
    """CREATE TABLE capacity(
        pool INTEGER NOT NULL, valid_from INTEGER NOT NULL, installed INTEGER, overdraft INTEGER,
        interval REAL NOT NULL, PRIMARY KEY(pool, valid_from)) WITHOUT ROWID""",
    # Older readings, and roll-ups of five minutes, hours and days, compressed: see blocks.py.
    # `position` consists of pool, resolution and time.
    "CREATE TABLE block(position INTEGER PRIMARY KEY, body BLOB NOT NULL)",
    # Daily maxima of sums whose five minutes expired (sums.py). `pools`: a key of the pools.
    """CREATE TABLE sum_peak(
        pools BLOB NOT NULL, day INTEGER NOT NULL, high INTEGER NOT NULL, high_at INTEGER NOT NULL,
        installed INTEGER, overdraft INTEGER, PRIMARY KEY(pools, day)) WITHOUT ROWID""",
    # Sums, besides those of products, whose daily maxima are stored: the IDs of their pools.
    "CREATE TABLE summed(pools TEXT PRIMARY KEY) WITHOUT ROWID",
    # The last poll of every server, and its last snapshot (LastPoll). `failure` and `snapshot`
    # are JSON of the classes of lictui.model.
    """CREATE TABLE last_poll(
        server TEXT PRIMARY KEY, polled_at REAL NOT NULL, latency REAL NOT NULL,
        state TEXT NOT NULL, state_since REAL NOT NULL, failure TEXT,
        last_success_at REAL, snapshot TEXT) WITHOUT ROWID""",
    # The event log (Event).
    """CREATE TABLE event(
        id INTEGER PRIMARY KEY, time REAL NOT NULL, kind TEXT NOT NULL, server TEXT NOT NULL,
        product TEXT NOT NULL, level TEXT NOT NULL, message TEXT NOT NULL)""",
    "CREATE INDEX event_time ON event(time)",
    # At most one row: the lictui that polls, and when it renewed the lease.
    """CREATE TABLE lease(
        id INTEGER PRIMARY KEY CHECK(id = 1), holder TEXT NOT NULL, renewed_at REAL NOT NULL)""",
    # Months of the past as the source itself reports them (MonthlyUsage); not lictui's readings.
    """CREATE TABLE monthly_usage(
        server TEXT NOT NULL, product TEXT NOT NULL, subscription_date TEXT NOT NULL,
        month_start INTEGER NOT NULL, in_use INTEGER, installed INTEGER, newly_assigned INTEGER,
        released INTEGER,
        PRIMARY KEY(server, product, subscription_date, month_start)) WITHOUT ROWID""",
    # Licenses from license files (LicenseGrant); `expires` is NULL for permanent ones.
    """CREATE TABLE license_grant(
        server TEXT NOT NULL, product TEXT NOT NULL, subscription_date TEXT NOT NULL,
        serial TEXT NOT NULL, start INTEGER NOT NULL, count INTEGER NOT NULL, expires INTEGER,
        PRIMARY KEY(server, product, subscription_date, serial, start, count)) WITHOUT ROWID""",
    # The state of every alert between two polls, as JSON of AlertState.
    """CREATE TABLE alert(
        server TEXT NOT NULL, kind TEXT NOT NULL, product TEXT NOT NULL, detail TEXT NOT NULL,
        body TEXT NOT NULL, PRIMARY KEY(server, kind, product, detail)) WITHOUT ROWID""",
    # Acknowledgements of alerts (Acknowledgement), in a table of their own: only the lictui that
    # polls writes `alert`, but every one writes this table. `until`: the end of a snooze.
    """CREATE TABLE acknowledgement(
        server TEXT NOT NULL, kind TEXT NOT NULL, product TEXT NOT NULL, detail TEXT NOT NULL,
        "by" TEXT NOT NULL, time REAL NOT NULL, until REAL,
        PRIMARY KEY(server, kind, product, detail)) WITHOUT ROWID""",
    # Up to when figures are in a long-term engine, and may be there. `target`: its URL.
    """CREATE TABLE IF NOT EXISTS pushed(
        target TEXT NOT NULL, server TEXT NOT NULL, until INTEGER NOT NULL,
        tried INTEGER NOT NULL, PRIMARY KEY(server, target)) WITHOUT ROWID""",
)


def _has_tables(db: sqlite3.Connection) -> bool:
    """Whether the file has the tables yet; raises HistoryError if it is of something else."""
    ((tables,),) = db.execute("SELECT count(*) FROM sqlite_master")
    ((application,),) = db.execute("PRAGMA application_id")
    ((version,),) = db.execute("PRAGMA user_version")
    if not tables and version <= VERSION:
        return False
    if application != APPLICATION_ID:
        raise HistoryError(
            "the history file is not a lictui database (left unchanged)",
            "choose another path: set [history] path in config.toml",
        )
    if version != VERSION:
        raise HistoryError(
            f"the history was written by a newer version of lictui: it has schema {version}, "
            f"this version supports schema {VERSION} (left unchanged)",
            "update lictui, or set [history] path in config.toml to another file",
        )
    return True


# Bytes; most blocks have 2 or 3 KB, and leave a large part of the usual 4 KB empty.
_PAGE_SIZE: Final = 1024


def _create_tables(db: sqlite3.Connection) -> None:
    db.execute(f"PRAGMA page_size = {_PAGE_SIZE}")  # unless the file has pages already
    with transaction(db, "IMMEDIATE"):
        if not _has_tables(db):  # else another process was faster
            for statement in SCHEMA:
                db.execute(statement)
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {VERSION}")


# Network file systems, where SQLite's write-ahead log must not be used


_MOUNTS: Final = Path("/proc/self/mounts")
# fmt: off
_NETWORK_TYPES: Final = frozenset((
    "9p", "afs", "beegfs", "ceph", "cifs", "davfs", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs",
    "fuse.sshfs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "orangefs", "panfs",
    "prl_fs", "smb3", "smbfs", "vboxsf", "vmhgfs",
))
# fmt: on


def is_network_path(path: Path, mounts: Path = _MOUNTS) -> bool:
    """Whether `path` is on a network file system, as far as the system reports it.

    Linux lists mounts in /proc; on Windows a UNC path is recognized. Elsewhere SQLite finds out.
    """
    absolute = path.resolve()
    if absolute.drive.startswith("\\\\"):
        return True
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    mount_point, type_name = Path("/"), ""
    for line in lines:
        _device, folder, file_system, *_ = line.split()
        mounted = Path(folder.replace("\\040", " "))
        # Of two mounts at one place, the later hides the earlier.
        if absolute.is_relative_to(mounted) and len(mounted.parts) >= len(mount_point.parts):
            mount_point, type_name = mounted, file_system
    return type_name in _NETWORK_TYPES


# Opening


_BUSY_TIMEOUT: Final = 5.0  # seconds to wait for another writer, by default
_MAX_LOG_SIZE: Final = 4 * 1024 * 1024  # bytes that a write-ahead log keeps after a longer one
_WITH_LOG: Final = b"\2"  # in the header of a file (sqlite.org/fileformat2.html)
_SUFFIXES: Final = ("", "-wal", "-shm", "-journal")  # of the file, and of SQLite's next to it


def _create(path: Path) -> str:
    """Create the file with private permissions, which SQLite's files next to it inherit.

    Returns why that is impossible; "" if the file is there.
    """
    try:
        make_folder(path.parent)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE))
    except OSError as error:
        return f"the history {path} cannot be written: {error.strerror}"
    if not os.access(path.parent, os.W_OK):
        return f"the history {path} cannot be written: no permission to write in its folder"
    return ""


def _set_journal_mode(db: sqlite3.Connection, path: Path) -> None:
    """Use the write-ahead log where shared memory works (sqlite.org/wal.html), else a rollback."""
    ((mode,),) = db.execute("PRAGMA journal_mode")
    preferred = "delete" if is_network_path(path) else "wal"
    if mode != preferred:
        # Another process that has the file open keeps it as it is: that is not an error.
        with suppress(sqlite3.OperationalError):
            ((mode,),) = db.execute(f"PRAGMA journal_mode = {preferred}")
    # Under WAL, NORMAL loses at most the last commits to a power cut, and nothing to a crash.
    db.execute(f"PRAGMA synchronous = {'NORMAL' if mode == 'wal' else 'FULL'}")


class HistoryFile:
    """An open history, and whether it is still the file at its path."""

    def __init__(
        self, path: Path, now: float, *, read_only: bool = False, patience: float | None = None
    ) -> None:
        """Open the history at `path`, mode 0600 in a 0700 folder; create it if necessary.

        A corrupt file is moved away, never deleted: `now` is part of its new name. A file of
        another program, or of another schema version, is refused and left unchanged. With
        `read_only` nothing at all is written; a file that may not be written is opened like that,
        too, with a notice. Raises HistoryError. `patience`: seconds to wait, each time, for another
        program that locks the file.
        """
        self.path = path
        self._patience = _BUSY_TIMEOUT if patience is None else patience
        self.journal_mode = ""  # "wal", or the rollback journal's "delete"
        self.notices: tuple[str, ...] = ()  # for the user
        self._is_unchanging = False  # opened as a file that nobody writes
        denied = "" if read_only else _create(path)
        if read_only or denied:
            self._db = self._open_read_only(denied)
        else:
            self._db = self._open(now)
        self._file_ids = _file_ids(path)

    def _open(self, now: float) -> sqlite3.Connection:
        try:
            return self._connect("rw")
        except UNREADABLE as error:
            if not is_corruption(error):
                with sqlite_errors(self.path):
                    raise
        moved = move_aside(self.path, now)
        self.notices = (f"database {self.path} was corrupt; moved to {moved.name} and recreated",)
        _create(self.path)
        with sqlite_errors(self.path):
            return self._connect("rw")

    def _open_read_only(self, denied: str) -> sqlite3.Connection:
        self.notices = (denied,) if denied else ()
        try:
            with self.path.open("rb") as file:
                header = file.read(20)
        except OSError as error:
            message = denied or f"the history {self.path} cannot be read: {error.strerror}"
            hint = "check file permissions, or set [history] path in config.toml"
            raise HistoryError(message, hint) from error
        # To read a file with write-ahead log, SQLite creates files next to it, unless it is sure
        # that nobody writes: nobody has the file open while there is no log.
        has_log = self.path.with_name(self.path.name + "-wal").exists()
        self._is_unchanging = header[18:19] == _WITH_LOG and not has_log
        with sqlite_errors(self.path):
            db = self._connect("ro&immutable=1" if self._is_unchanging else "ro")
        self.journal_mode = "wal" if self._is_unchanging else self.journal_mode
        return db

    def _connect(self, access: str) -> sqlite3.Connection:
        db = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode={access}",
            timeout=self._patience,
            isolation_level=None,
            uri=True,
        )
        try:
            has_tables = _has_tables(db)
            if access == "rw":
                db.execute(f"PRAGMA journal_size_limit = {_MAX_LOG_SIZE}")
                if not has_tables:
                    _create_tables(db)
                db.execute(SCHEMA[-1])  # of a file that is older than this table
                _set_journal_mode(db, self.path)
            ((self.journal_mode,),) = db.execute("PRAGMA journal_mode")
            db.execute("PRAGMA user_version").fetchone()  # creates the log
            if access == "rw" and self.journal_mode != "wal":
                notice = f"the history {self.path} is on a file system without shared memory"
                self.notices += (f"{notice}: using the slower rollback journal",)
        except BaseException:
            db.close()
            raise
        return db

    def is_replaced(self) -> bool:
        """Whether to open the history again.

        The open file was deleted or moved, or another one is at its path; or it was opened as one
        that nobody writes, and now somebody does.
        """
        now, opened = _file_ids(self.path), self._file_ids
        return now[0] != opened[0] or (self._is_unchanging and now[1] != opened[1])

    def close(self) -> None:
        """Close the file. May be called twice."""
        now, opened = _file_ids(self.path), self._file_ids
        is_other = now[0] != opened[0]
        if is_other:  # SQLite would leave the log, and apply it to the file that is there now
            with suppress(sqlite3.Error):
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        with sqlite_errors(self.path):
            self._db.close()
        for suffix, before, after in zip(_SUFFIXES, opened, now, strict=True):
            if is_other and before and before == after:
                with suppress(OSError):
                    self.path.with_name(self.path.name + suffix).unlink()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with sqlite_errors(self.path), transaction(self._db, "IMMEDIATE"):
            yield self._db

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with sqlite_errors(self.path), transaction(self._db):
            yield self._db


def _file_ids(path: Path) -> list[tuple[int, int] | None]:
    """Return what identifies the file and those next to it, whatever their names; None: no file."""
    ids: list[tuple[int, int] | None] = []
    for suffix in _SUFFIXES:
        try:
            status = path.with_name(path.name + suffix).stat()
            ids.append((status.st_dev, status.st_ino))
        except OSError:
            ids.append(None)
    return ids


# Corrupt files


def check_and_set_aside(path: Path, now: float) -> Path | None:
    """Read the whole file; if any of it is corrupt, move it away and return its new name."""
    from lictui.history import blocks

    db = sqlite3.connect(path, timeout=_BUSY_TIMEOUT)
    try:
        intact = db.execute("PRAGMA quick_check(1)").fetchall() == [("ok",)]
        blocks.check_blocks(db)
    except UNREADABLE as error:
        if not is_corruption(error):
            with sqlite_errors(path):
                raise
        intact = False
    finally:
        db.close()
    return None if intact else move_aside(path, now)


def move_aside(path: Path, now: float) -> Path:
    """Rename a corrupt file and SQLite's files next to it; returns the new name."""
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    names = (f"{path.name}.damaged-{stamp}{'-' * bool(n)}{n or ''}" for n in count())
    target = next(name for name in map(path.with_name, names) if not name.exists())
    try:
        for suffix in _SUFFIXES:
            with suppress(FileNotFoundError):
                path.with_name(path.name + suffix).rename(target.with_name(target.name + suffix))
    except OSError as error:
        raise HistoryError(
            f"the history {path} is corrupt and could not be moved: {error.strerror}",
            "move it away yourself, or set [history] path in config.toml to another file",
        ) from error
    return target
