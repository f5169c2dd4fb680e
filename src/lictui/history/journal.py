"""The journal: what changed, one line each.

Owns the table `event`. Must not know what is worth a line.
"""

from __future__ import annotations

import json
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING

from lictui.model import About, Event, EventKind, Level

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator


def add(db: sqlite3.Connection, events: Iterable[Event]) -> None:
    """Write lines down, in the order given."""
    db.executemany(
        "INSERT INTO event(at, kind, server, product, level, message) VALUES(?, ?, ?, ?, ?, ?)",
        [
            (each.at, each.kind.value, each.server, each.product, each.level.value, each.message)
            for each in events
        ],
    )


def newest(
    db: sqlite3.Connection,
    limit: int,
    before: float | None = None,
    since: float | None = None,
    about: About | None = None,
) -> tuple[Event, ...]:
    """At most `limit` lines, the newest first; of the times [since, before), if given."""
    wanted = about or About()
    servers = json.dumps(wanted.servers)
    kinds = json.dumps([kind.value for kind in wanted.kinds])
    rows = db.execute(
        "SELECT at, kind, server, product, level, message FROM event"
        " WHERE at < ifnull(?, 9e99) AND at >= ifnull(?, -9e99)"
        " AND (? = '[]' OR server IN (SELECT value FROM json_each(?)))"
        " AND (? = '' OR product IN ('', ?))"
        " AND (? = '[]' OR kind IN (SELECT value FROM json_each(?)))"
        " ORDER BY at DESC, id DESC LIMIT ?",
        (
            *(before, since, servers, servers),
            *(wanted.product, wanted.product, kinds, kinds, limit),
        ),
    )
    return tuple(_known(rows))


def pages(db: sqlite3.Connection, most: int) -> Iterator[tuple[Event, ...]]:
    """Every line there is, newest first, at most `most` at a time; others may write in between."""
    where: tuple[float, int] = (inf, 0)
    while rows := db.execute(
        "SELECT at, kind, server, product, level, message, id FROM event"
        " WHERE (at, id) < (?, ?) ORDER BY at DESC, id DESC LIMIT ?",
        (*where, most),
    ).fetchall():
        yield tuple(_known(row[:6] for row in rows))
        where = (rows[-1][0], rows[-1][6])


def forget(db: sqlite3.Connection, before: float) -> None:
    """Drop the lines before the time `before`."""
    db.execute("DELETE FROM event WHERE at < ?", (before,))


def _known(rows: Iterable[tuple[float, str, str, str, str, str]]) -> Iterator[Event]:
    for at, kind, server, product, level, message in rows:
        # A newer lictui may have written kinds and levels that this one has no words for.
        with suppress(ValueError):
            yield Event(at, EventKind(kind), server, message, product, Level(level))
