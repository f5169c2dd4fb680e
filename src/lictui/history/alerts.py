"""What is remembered of alerts, so that a restart changes nothing, and what people said to them.

Owns the tables `alert` and `answer`. Must not know when an alert is raised or silent.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from lictui.history import journal
from lictui.history.codec import dump, load
from lictui.model import AlertKind, Answer, Identity, Standing

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

    from lictui.model import Event

_TABLES: Final = ("alert", "answer")


@dataclass(frozen=True, slots=True)
class Decided:
    """What changed of alerts: all of it goes into the file, or none."""

    stands: tuple[Standing, ...] = ()
    gone: tuple[Identity, ...] = ()
    unanswered: tuple[Identity, ...] = ()  # what was said to them no longer counts
    events: tuple[Event, ...] = ()  # for the journal

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.stands or self.gone or self.unanswered or self.events)


def put(db: sqlite3.Connection, decided: Decided) -> None:
    """Write down what was decided."""
    journal.add(db, decided.events)
    db.executemany(
        "INSERT OR REPLACE INTO alert VALUES(?, ?, ?, ?, ?)",
        [(*_key(each.who), dump(each)) for each in decided.stands],
    )
    for table, whose in (("alert", decided.gone), ("answer", decided.gone + decided.unanswered)):
        db.executemany(
            f"DELETE FROM {table} WHERE server = ? AND kind = ? AND product = ? AND about = ?",  # noqa: S608 - one of two words
            list(map(_key, whose)),
        )


def everything(db: sqlite3.Connection) -> tuple[Standing, ...]:
    """All that is remembered, as far as this lictui understands it."""
    rows = db.execute("SELECT server, kind, product, about, body FROM alert ORDER BY 1, 2, 3, 4")
    return tuple(
        replace(found, who=who)
        for who, (body,) in _known(rows)
        if (found := load(Standing, body)) is not None
    )


def answers(db: sqlite3.Connection) -> dict[Identity, Answer]:
    """What people said, by alert."""
    rows = db.execute('SELECT server, kind, product, about, "by", at, until FROM answer')
    return {who: Answer(*rest) for who, rest in _known(rows)}


def answer(db: sqlite3.Connection, who: Identity, said: Answer | None) -> None:
    """Note what somebody says, in place of what was said before; None takes it back."""
    if said is None:
        put(db, Decided(unanswered=(who,)))
        return
    db.execute(
        "INSERT OR REPLACE INTO answer VALUES(?, ?, ?, ?, ?, ?, ?)",
        (*_key(who), said.by, said.at, said.until),
    )


def rename(db: sqlite3.Connection, old: str, new: str) -> None:
    """Let what is remembered of the server `old` be of `new`, and drop what that had."""
    for table in _TABLES:
        if db.execute(f"SELECT 1 FROM {table} WHERE server = ?", (old,)).fetchone():  # noqa: S608 - one of two words
            db.execute(f"DELETE FROM {table} WHERE server = ?", (new,))  # noqa: S608 - as above
            db.execute(f"UPDATE {table} SET server = ? WHERE server = ?", (new, old))  # noqa: S608 - as above


def _key(who: Identity) -> tuple[str, str, str, str]:
    return who.server, who.kind.value, who.product, who.about


def _known(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Identity, tuple[Any, ...]]]:
    for server, kind, product, about, *rest in rows:
        with suppress(ValueError):  # a kind of a newer lictui
            yield Identity(server, AlertKind(kind), product, about), tuple(rest)
