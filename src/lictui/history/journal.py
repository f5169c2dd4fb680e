"""Tables `event`, `alert` and `acknowledgement`: the event log, and the state of alerts."""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import chain, islice
from math import inf, nextafter
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from msgspec.structs import replace

from lictui.history.database import HistoryFile
from lictui.history.errors import sqlite_errors
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

    from lictui.clock import Clock


class AlertChanges(Struct, frozen=True):
    """Changes of alerts, of which all are written or none."""

    updated: tuple[AlertState, ...] = ()
    removed: tuple[AlertKey, ...] = ()
    unacknowledged: tuple[AlertKey, ...] = ()  # whose acknowledgement is not valid any more
    events: tuple[Event, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.updated or self.removed or self.unacknowledged or self.events)


EVERYTHING: Final = JournalFilter()


class Journal(HistoryFile):
    """The event log and the state of alerts, as a part of the history."""

    _clock: Clock  # set by History

    def events(
        self,
        limit: int,
        before: float = inf,
        since: float = -inf,
        about: JournalFilter = EVERYTHING,
    ) -> tuple[Event, ...]:
        """Return the first `limit` events of `event_pages`."""
        pages = self.event_pages(limit, before, since, about)
        return tuple(islice(chain.from_iterable(pages), limit))

    def event_pages(
        self,
        size: int = 1000,
        before: float = inf,
        since: float = -inf,
        about: JournalFilter = EVERYTHING,
    ) -> Iterator[tuple[Event, ...]]:
        """Yield the events from [since, before), newest first, at most `size` at a time.

        Events in the future come last: a clock that was ahead must not hide what happened since.
        Others may write in between.
        """
        future = nextafter(self._clock.now(), inf)
        values = {
            "servers": json.dumps(about.servers),
            "product": about.product,
            "kinds": json.dumps([kind.value for kind in about.kinds]),
            "size": size,
        }
        with sqlite_errors(self.path):
            for start, end in ((since, min(before, future)), (max(since, future), before)):
                span = {"since": start, "time": end, "id": 0}
                while rows := self._db.execute(_EVENTS, values | span).fetchall():
                    yield tuple(_known_events(row[:-1] for row in rows))
                    span |= {"time": rows[-1][0], "id": rows[-1][-1]}

    def alert_states(self) -> tuple[AlertState, ...]:
        """Return the states of all alerts, raised or pending, as far as they are understood."""
        with self._reading() as db:
            rows = db.execute(f"SELECT {_ALERT}, body FROM alert ORDER BY 1, 2, 3, 4").fetchall()
        return tuple(
            replace(state, key=key)
            for key, (body,) in _known_alerts(rows)
            if (state := from_json(AlertState, body)) is not None
        )

    def acknowledgements(self) -> dict[AlertKey, Acknowledgement]:
        """Return the acknowledgements of alerts."""
        with self._reading() as db:
            rows = db.execute(f'SELECT {_ALERT}, "by", time, until FROM acknowledgement').fetchall()
        return {key: Acknowledgement(*values) for key, values in _known_alerts(rows)}

    def set_acknowledgement(
        self,
        key: AlertKey,
        acknowledgement: Acknowledgement | None,
        events: Iterable[Event] = (),
    ) -> None:
        """Record the acknowledgement of an alert and its events; None removes it."""
        with self._writing() as db:
            _delete(db, "acknowledgement", (key,))
            if acknowledgement is not None:
                values = (acknowledgement.by, acknowledgement.time, acknowledgement.until)
                db.execute(
                    "INSERT INTO acknowledgement VALUES(?, ?, ?, ?, ?, ?, ?)",
                    (*_columns(key), *values),
                )
            add_events(db, events)


_EVENT: Final = "time, kind, server, product, level, message"
_EVENTS: Final = (
    f"SELECT {_EVENT}, id FROM event WHERE (time, id) < (:time, :id) AND time >= :since"
    " AND (:servers = '[]' OR server IN (SELECT value FROM json_each(:servers)))"
    " AND (:product = '' OR product IN ('', :product))"
    " AND (:kinds = '[]' OR kind IN (SELECT value FROM json_each(:kinds)))"
    " ORDER BY time DESC, id DESC LIMIT :size"
)
_ALERT: Final = "server, kind, product, detail"


def add_events(db: sqlite3.Connection, events: Iterable[Event]) -> None:
    """Add events in the given order."""
    rows = [(e.time, e.kind.value, e.server, e.product, e.level.value, e.message) for e in events]
    db.executemany(f"INSERT INTO event({_EVENT}) VALUES(?, ?, ?, ?, ?, ?)", rows)


def write_alerts(db: sqlite3.Connection, changes: AlertChanges) -> None:
    """Write changes of alerts and their events."""
    add_events(db, changes.events)
    rows = [(*_columns(state.key), to_json(state)) for state in changes.updated]
    db.executemany("INSERT OR REPLACE INTO alert VALUES(?, ?, ?, ?, ?)", rows)
    _delete(db, "alert", changes.removed)
    _delete(db, "acknowledgement", changes.removed + changes.unacknowledged)


def _delete(db: sqlite3.Connection, table: str, keys: Iterable[AlertKey]) -> None:
    db.executemany(
        f"DELETE FROM {table} WHERE ({_ALERT}) = (?, ?, ?, ?)", [_columns(key) for key in keys]
    )


def _columns(key: AlertKey) -> tuple[str, str, str, str]:
    return key.server, key.kind.value, key.product, key.detail


def _known_events(rows: Iterable[tuple[float, str, str, str, str, str]]) -> Iterator[Event]:
    for time, kind, server, product, level, message in rows:
        with suppress(ValueError):  # a kind or level of a newer version
            yield Event(time, EventKind(kind), server, message, product, Level(level))


def _known_alerts(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[AlertKey, tuple[Any, ...]]]:
    for server, kind, product, detail, *values in rows:
        with suppress(ValueError):  # a kind of a newer version
            yield AlertKey(server, AlertKind(kind), product, detail), tuple(values)
