"""The tables of the history, and the way from every older schema to the present one.

Owns every CREATE. Must not know what is asked or written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lictui.history.transaction import writing
from lictui.history.trouble import HistoryError

if TYPE_CHECKING:
    import sqlite3

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
