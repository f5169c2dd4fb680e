"""Tables `event`, `alert` and `acknowledgement`: the event log, and the state of alerts."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, Any

from lictui.history.json_codec import from_json, to_json
from lictui.model import (
    Acknowledgement,
    AlertKey,
    AlertKind,
    AlertState,
    Event,
    EventKind,
    JournalFilter,
    Level,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator


def add_events(db: sqlite3.Connection, events: Iterable[Event]) -> None:
    """Add events in the given order."""
    db.executemany(
        "INSERT INTO event(time, kind, server, product, level, message) VALUES(?, ?, ?, ?, ?, ?)",
        [
            (
                event.time,
                event.kind.value,
                event.server,
                event.product,
                event.level.value,
                event.message,
            )
            for event in events
        ],
    )


def newest_events(
    db: sqlite3.Connection,
    limit: int,
    before: float | None = None,
    since: float | None = None,
    journal_filter: JournalFilter | None = None,
) -> tuple[Event, ...]:
    """Return at most `limit` events, newest first, from [since, before) if given."""
    selection = journal_filter or JournalFilter()
    servers = json.dumps(selection.servers)
    kinds = json.dumps([kind.value for kind in selection.kinds])
    rows = db.execute(
        "SELECT time, kind, server, product, level, message FROM event"
        " WHERE time < ifnull(:before, 9e99) AND time >= ifnull(:since, -9e99)"
        " AND (:servers = '[]' OR server IN (SELECT value FROM json_each(:servers)))"
        " AND (:product = '' OR product IN ('', :product))"
        " AND (:kinds = '[]' OR kind IN (SELECT value FROM json_each(:kinds)))"
        " ORDER BY time DESC, id DESC LIMIT :limit",
        {
            "before": before,
            "since": since,
            "servers": servers,
            "product": selection.product,
            "kinds": kinds,
            "limit": limit,
        },
    )
    return tuple(_known_events(rows))


def event_pages(db: sqlite3.Connection, size: int) -> Iterator[tuple[Event, ...]]:
    """Yield all events, newest first, at most `size` at a time; others may write in between."""
    last: tuple[float, int] = (inf, 0)
    while rows := db.execute(
        "SELECT time, kind, server, product, level, message, id FROM event"
        " WHERE (time, id) < (?, ?) ORDER BY time DESC, id DESC LIMIT ?",
        (*last, size),
    ).fetchall():
        yield tuple(_known_events(row[:6] for row in rows))
        last = (rows[-1][0], rows[-1][6])


def delete_events_before(db: sqlite3.Connection, time: float) -> None:
    """Delete the events before `time`."""
    db.execute("DELETE FROM event WHERE time < ?", (time,))


def _known_events(rows: Iterable[tuple[float, str, str, str, str, str]]) -> Iterator[Event]:
    for time, kind, server, product, level, message in rows:
        with suppress(ValueError):  # a kind or level of a newer version
            yield Event(time, EventKind(kind), server, message, product, Level(level))


# Alerts


_TABLES = ("alert", "acknowledgement")


@dataclass(frozen=True, slots=True)
class AlertChanges:
    """Changes of alerts, of which all are written or none."""

    updated: tuple[AlertState, ...] = ()
    removed: tuple[AlertKey, ...] = ()
    unacknowledged: tuple[AlertKey, ...] = ()  # whose acknowledgement is not valid any more
    events: tuple[Event, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.updated or self.removed or self.unacknowledged or self.events)


def write_alerts(db: sqlite3.Connection, changes: AlertChanges) -> None:
    """Write changes of alerts and their events."""
    add_events(db, changes.events)
    db.executemany(
        "INSERT OR REPLACE INTO alert VALUES(?, ?, ?, ?, ?)",
        [(*_columns(state.key), to_json(state)) for state in changes.updated],
    )
    deleted = (
        ("alert", changes.removed),
        (
            "acknowledgement",
            changes.removed + changes.unacknowledged,
        ),
    )
    for table, keys in deleted:
        db.executemany(
            f"DELETE FROM {table} WHERE server = ? AND kind = ? AND product = ? AND detail = ?",
            list(map(_columns, keys)),
        )


def alert_states(db: sqlite3.Connection) -> tuple[AlertState, ...]:
    """Return the states of all alerts, as far as this version understands them."""
    rows = db.execute("SELECT server, kind, product, detail, body FROM alert ORDER BY 1, 2, 3, 4")
    return tuple(
        replace(state, key=key)
        for key, (body,) in _known_alerts(rows)
        if (state := from_json(AlertState, body)) is not None
    )


def acknowledgements(db: sqlite3.Connection) -> dict[AlertKey, Acknowledgement]:
    """Return the acknowledgements by alert."""
    rows = db.execute(
        'SELECT server, kind, product, detail, "by", time, until FROM acknowledgement'
    )
    return {key: Acknowledgement(*values) for key, values in _known_alerts(rows)}


def set_acknowledgement(
    db: sqlite3.Connection, key: AlertKey, acknowledgement: Acknowledgement | None
) -> None:
    """Record an acknowledgement in place of the previous one; None removes it."""
    if acknowledgement is None:
        write_alerts(db, AlertChanges(unacknowledged=(key,)))
        return
    db.execute(
        "INSERT OR REPLACE INTO acknowledgement VALUES(?, ?, ?, ?, ?, ?, ?)",
        (*_columns(key), acknowledgement.by, acknowledgement.time, acknowledgement.until),
    )


def rename_server(db: sqlite3.Connection, old: str, new: str) -> None:
    """Move events and alerts of server `old` to `new`, in place of the alerts that had."""
    db.execute("UPDATE event SET server = ? WHERE server = ?", (new, old))
    for table in _TABLES:
        if db.execute(f"SELECT 1 FROM {table} WHERE server = ?", (old,)).fetchone():
            db.execute(f"DELETE FROM {table} WHERE server = ?", (new,))
            db.execute(f"UPDATE {table} SET server = ? WHERE server = ?", (new, old))


def _columns(key: AlertKey) -> tuple[str, str, str, str]:
    return key.server, key.kind.value, key.product, key.detail


def _known_alerts(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[AlertKey, tuple[Any, ...]]]:
    for server, kind, product, detail, *values in rows:
        with suppress(ValueError):  # a kind of a newer version
            yield AlertKey(server, AlertKind(kind), product, detail), tuple(values)
