"""The journal: what changed, one line each.

Owns the table `event`. Must not know what is worth a line.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date
from enum import Enum
from functools import cache
from math import inf
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_args, get_origin, get_type_hints

from lictui.model import (
    Acknowledgement,
    AlertKey,
    AlertKind,
    AlertState,
    Event,
    EventKind,
    Failure,
    FailureKind,
    JournalFilter,
    Level,
    Model,
    MonthlyUsage,
    Poll,
    PoolKey,
    Snapshot,
    State,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator


def add(db: sqlite3.Connection, events: Iterable[Event]) -> None:
    """Write lines down, in the order given."""
    db.executemany(
        "INSERT INTO event(at, kind, server, product, level, message) VALUES(?, ?, ?, ?, ?, ?)",
        [
            (each.time, each.kind.value, each.server, each.product, each.level.value, each.message)
            for each in events
        ],
    )


def newest(
    db: sqlite3.Connection,
    limit: int,
    before: float | None = None,
    since: float | None = None,
    about: JournalFilter | None = None,
) -> tuple[Event, ...]:
    """At most `limit` lines, the newest first; of the times [since, before), if given."""
    wanted = about or JournalFilter()
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


# Who polls, when two lictui share one history: a claim that runs out unless it is renewed


_SKEW: Final = 300.0  # seconds the clocks of two machines may differ


def claim(db: sqlite3.Connection, holder: str, until: float, now: float) -> bool:
    """Take or renew the lease until `until`; False while another one holds it.

    A claim from the future is void: it was made by a clock that has been set right since.
    """
    row = db.execute("SELECT holder, taken, until FROM lease").fetchone()
    if row and row[0] != holder and row[1] - _SKEW <= now < row[2]:
        return False
    db.execute("INSERT OR REPLACE INTO lease VALUES(1, ?, ?, ?)", (holder, now, until))
    return True


def holder(db: sqlite3.Connection) -> str:
    """Who holds the lease, or held it last; "" if nobody does."""
    row = db.execute("SELECT holder FROM lease").fetchone()
    return str(row[0]) if row else ""


def release(db: sqlite3.Connection, holder: str) -> None:
    """Let go of the lease, if `holder` has it."""
    db.execute("DELETE FROM lease WHERE holder = ?", (holder,))


# The months a source tells of its own past, beside what was read here and never among it


_LARGEST = 2**31  # no license server counts further


def put_told(db: sqlite3.Connection, server: str, months: Iterable[MonthlyUsage]) -> int:
    """Note what is told of months; what was told of them before gives way. How many are news."""
    news = 0
    for month in months:
        figures = map(
            _figure, (month.in_use, month.installed, month.newly_assigned, month.released)
        )
        key = month.key
        news += db.execute(
            "INSERT INTO told VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " in_use = excluded.in_use, installed = excluded.installed, newly = excluded.newly,"
            " released = excluded.released WHERE (in_use, installed, newly, released)"
            " IS NOT (excluded.in_use, excluded.installed, excluded.newly, excluded.released)",
            (server, key.product, key.subscription_date, int(month.month_start), *figures),
        ).rowcount
    return news


def of(db: sqlite3.Connection, server: str, key: PoolKey) -> tuple[MonthlyUsage, ...]:
    """Every month that was told of a pool, in order of time."""
    rows = db.execute(
        "SELECT at, in_use, installed, newly, released FROM told"
        " WHERE server = ? AND product = ? AND subscription_date = ? ORDER BY at",
        (server, key.product, key.subscription_date),
    )
    return tuple(MonthlyUsage(key, *row) for row in rows)


def keys(db: sqlite3.Connection) -> Iterator[tuple[str, PoolKey]]:
    """Every pool of which months were told, by server, product and subscription date."""
    rows = db.execute(
        "SELECT DISTINCT server, product, subscription_date FROM told"
        " ORDER BY server, product, subscription_date"
    )
    for server, product, day in rows:
        yield server, PoolKey(product, day)


def rename_told(db: sqlite3.Connection, old: str, new: str) -> None:
    """Let what was told of the server `old` be of `new`, which tells of a month itself at most."""
    db.execute("UPDATE OR REPLACE told SET server = ? WHERE server = ?", (new, old))


def _figure(value: int | None) -> int | None:
    return value if value is not None and abs(value) < _LARGEST else None


# The model's values as JSON, and back from whatever version of lictui wrote them


_T = TypeVar("_T")
_LEFT_OUT: Final = frozenset({"raw"})  # explains a figure of now; of the past it is only weight
_UNKNOWN: Final[dict[type, Enum]] = {
    Model: Model.OTHER,
    Level: Level.UNKNOWN,
    FailureKind: FailureKind.PROTOCOL,
}
_NONSENSE: Final = (TypeError, ValueError, KeyError, AttributeError)


def to_json(value: object) -> str:
    """A frozen value of the model, without what is at its default."""
    return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"))


def from_json(kind: type[_T], text: str | None) -> _T | None:
    """The value that was dumped, as far as it is understood; None when nothing of it is."""
    if text is None:
        return None
    anything: Any = kind
    try:
        value: _T = _reader(anything)(json.loads(text))
    except _NONSENSE:
        return None
    return value


def _plain(value: Any) -> Any:
    kind: Any = type(value)
    if is_dataclass(value):
        return {
            name: _plain(found)
            for name, default in _defaults(kind)
            if (found := getattr(value, name)) != default
        }
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value


@cache
def _defaults(kind: type) -> tuple[tuple[str, Any], ...]:
    found: Any = fields(kind)
    return tuple((each.name, each.default) for each in found if each.name not in _LEFT_OUT)


@cache
def _reader(kind: Any) -> Callable[[Any], Any]:
    if get_origin(kind) is tuple:
        return _tuple(*get_args(kind))
    if NoneType in get_args(kind):
        (inner,) = (_reader(each) for each in get_args(kind) if each is not NoneType)
        return lambda value: None if value is None else inner(value)
    if is_dataclass(kind):
        return _dataclass(kind)
    if issubclass(kind, Enum):
        return _enum(kind)
    if issubclass(kind, date):
        return date.fromisoformat
    return _plainly((int, float) if kind is float else kind)


def _plainly(kind: Any) -> Callable[[Any], Any]:
    if kind is str:
        return sys.intern  # the same few words come back thousands of times: one of each is kept

    def read(value: Any) -> Any:
        if isinstance(value, kind):
            return value
        raise TypeError(value)

    return read


def _enum(kind: type[Enum]) -> Callable[[Any], Any]:
    known = {each.value: each for each in kind}
    fallback = _UNKNOWN.get(kind)

    def read(value: Any) -> Any:
        return known[value] if fallback is None else known.get(value, fallback)

    return read


def _tuple(*kinds: Any) -> Callable[[Any], Any]:
    if kinds[-1] is not Ellipsis:
        readers = [_reader(each) for each in kinds]
        return lambda value: tuple(read(each) for read, each in zip(readers, value, strict=True))
    one = _reader(kinds[0])

    def read(value: Any) -> Any:
        found = []
        for each in value:
            try:
                found.append(one(each))
            except _NONSENSE:
                continue  # one pool that makes no sense does not cost the others
        return tuple(found)

    return read


def _dataclass(kind: Any) -> Callable[[Any], Any]:
    hints = get_type_hints(kind, localns={"date": date})
    readers = {name: _reader(hint) for name, hint in hints.items()}

    def read(value: Any) -> Any:
        found = {}
        for name, each in value.items():
            if name in readers:
                try:
                    found[name] = readers[name](each)
                except _NONSENSE:
                    continue
        return kind(**found)

    return read


# What is remembered of alerts, so that a restart changes nothing, and what people said to them


_TABLES: Final = ("alert", "answer")


@dataclass(frozen=True, slots=True)
class AlertChanges:
    """What changed of alerts: all of it goes into the file, or none."""

    updated: tuple[AlertState, ...] = ()
    removed: tuple[AlertKey, ...] = ()
    unacknowledged: tuple[AlertKey, ...] = ()  # what was said to them no longer counts
    events: tuple[Event, ...] = ()  # for the journal

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.updated or self.removed or self.unacknowledged or self.events)


def put(db: sqlite3.Connection, decided: AlertChanges) -> None:
    """Write down what was decided."""
    add(db, decided.events)
    db.executemany(
        "INSERT OR REPLACE INTO alert VALUES(?, ?, ?, ?, ?)",
        [(*_key(each.key), to_json(each)) for each in decided.updated],
    )
    for table, whose in (
        ("alert", decided.removed),
        ("answer", decided.removed + decided.unacknowledged),
    ):
        db.executemany(
            f"DELETE FROM {table} WHERE server = ? AND kind = ? AND product = ? AND about = ?",  # noqa: S608 - one of two words
            list(map(_key, whose)),
        )


def everything(db: sqlite3.Connection) -> tuple[AlertState, ...]:
    """All that is remembered, as far as this lictui understands it."""
    rows = db.execute("SELECT server, kind, product, about, body FROM alert ORDER BY 1, 2, 3, 4")
    return tuple(
        replace(found, key=who)
        for who, (body,) in _known_alerts(rows)
        if (found := from_json(AlertState, body)) is not None
    )


def answers(db: sqlite3.Connection) -> dict[AlertKey, Acknowledgement]:
    """What people said, by alert."""
    rows = db.execute('SELECT server, kind, product, about, "by", at, until FROM answer')
    return {who: Acknowledgement(*rest) for who, rest in _known_alerts(rows)}


def answer(db: sqlite3.Connection, who: AlertKey, said: Acknowledgement | None) -> None:
    """Note what somebody says, in place of what was said before; None takes it back."""
    if said is None:
        put(db, AlertChanges(unacknowledged=(who,)))
        return
    db.execute(
        "INSERT OR REPLACE INTO answer VALUES(?, ?, ?, ?, ?, ?, ?)",
        (*_key(who), said.by, said.time, said.until),
    )


def rename(db: sqlite3.Connection, old: str, new: str) -> None:
    """Let what is remembered of the server `old` be of `new`, and drop what that had."""
    for table in _TABLES:
        if db.execute(f"SELECT 1 FROM {table} WHERE server = ?", (old,)).fetchone():  # noqa: S608 - one of two words
            db.execute(f"DELETE FROM {table} WHERE server = ?", (new,))  # noqa: S608 - as above
            db.execute(f"UPDATE {table} SET server = ? WHERE server = ?", (new, old))  # noqa: S608 - as above


def _key(who: AlertKey) -> tuple[str, str, str, str]:
    return who.server, who.kind.value, who.product, who.detail


def _known_alerts(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[AlertKey, tuple[Any, ...]]]:
    for server, kind, product, about, *rest in rows:
        with suppress(ValueError):  # a kind of a newer lictui
            yield AlertKey(server, AlertKind(kind), product, about), tuple(rest)


# The last poll of every server, and the last that told something: the board after a restart


@dataclass(frozen=True, slots=True)
class LastPoll:
    """What was last heard of one server. Times are UTC epoch seconds."""

    polled_at: float
    latency: float  # seconds
    state_since: float  # when the state that the last poll found was entered
    failure: Failure | None  # of the last poll, if it failed
    answered_at: float | None  # of `snapshot`
    snapshot: Snapshot | None  # of the last poll that succeeded, without the pools' raw fields


def put_latest(db: sqlite3.Connection, poll: Poll) -> int | None:
    """Note a poll; returns when the one before it was, in whole seconds, if that succeeded."""
    row = db.execute(
        "SELECT polled_at, state, since FROM latest WHERE server = ?", (poll.server,)
    ).fetchone()
    polled_at, state_before, since = row or (poll.time, None, poll.time)
    failure = poll.result if isinstance(poll.result, Failure) else None
    state = failure.state if failure else State.UP
    if state != state_before:
        since = poll.time
    common = (poll.server, poll.time, poll.latency, state.value, since)
    if failure:
        db.execute(
            "INSERT INTO latest(server, polled_at, latency, state, since, failure)"
            " VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET polled_at = excluded.polled_at,"
            " latency = excluded.latency, state = excluded.state, since = excluded.since,"
            " failure = excluded.failure",
            (*common, to_json(failure)),
        )
    else:
        db.execute(
            "INSERT OR REPLACE INTO latest(server, polled_at, latency, state, since, failure,"
            " answered_at, snapshot) VALUES(?, ?, ?, ?, ?, NULL, ?, ?)",
            (*common, poll.time, to_json(poll.result)),
        )
    return int(polled_at) if state_before == State.UP else None


def everything_latest(db: sqlite3.Connection) -> dict[str, LastPoll]:
    """What was last heard of every server that was ever polled, by its name."""
    rows = db.execute(
        "SELECT server, polled_at, latency, since, failure, answered_at, snapshot FROM latest"
    )
    return {
        server: LastPoll(
            polled_at,
            latency,
            since,
            from_json(Failure, failure),
            answered_at,
            from_json(Snapshot, snapshot),
        )
        for server, polled_at, latency, since, failure, answered_at, snapshot in rows
    }
