"""Alerts of now and the journal as rows of one shape.

Owns their columns and cells. Must not know how a row is drawn, nor where an event is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from lictui.model import Level
from lictui.tui.ink import OF_LEVEL, Tone
from lictui.tui.span import stamp
from lictui.tui.text import clean
from lictui.tui.widgets.keyed_table import Column

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

    from lictui.engine.alerts import Shown
    from lictui.engine.board import Filter
    from lictui.model import Event, Identity
    from lictui.tui.export import Table
    from lictui.tui.ink import Run
    from lictui.tui.symbols import Symbols

_LEVEL: Final = Column("level", "Level", 11)
_WHEN: Final = Column("when", "Since", 12)
_SERVER: Final = Column("server", "Server", 14)
_STATE: Final = Column("state", "State", 18)
_WIDE: Final = 110
_NARROW: Final = 76  # columns below which the level is a glyph alone


@dataclass(frozen=True, slots=True)
class Entry:
    """One alert or one event: what its row shows, and where it leads."""

    at: float | None
    level: Level
    server: str
    product: str
    message: str
    who: Identity | None = None  # of an alert
    state: str = ""  # of an alert: what was answered, how far it has come
    loud: bool = True  # whether it still wants to be seen

    def cells(self, symbols: Symbols, tz: ZoneInfo | None) -> dict[str, Run]:
        """The row."""
        glyph = symbols.level[self.level]
        word = "" if self.level is Level.OK else self.level.value
        when = stamp(self.at, tz) if self.at is not None else ""
        return {
            "level": (
                f"{glyph} {word}".rstrip(),
                OF_LEVEL[self.level] if self.loud else Tone.QUIET,
            ),
            "when": (when, Tone.QUIET),
            "server": (clean(self.server), Tone.STRONG),
            "state": (clean(self.state), Tone.QUIET),
            "message": (clean(self.message), Tone.TEXT if self.loud else Tone.QUIET),
        }


def of_alerts(alerts: Iterable[Shown], tz: ZoneInfo | None) -> tuple[Entry, ...]:
    """Entries of what is wrong now."""
    return tuple(
        Entry(
            it.since,
            it.level,
            it.who.server,
            it.who.product,
            it.message,
            it.who,
            _state(it, tz),
            it.loud,
        )
        for it in alerts
    )


def _state(alert: Shown, tz: ZoneInfo | None) -> str:
    if not alert.raised:
        return f"in {alert.to_come} poll{'s' if alert.to_come != 1 else ''}"
    if alert.answer is None:
        return "clearing" if alert.clearing else ""
    if alert.answer.until is None:
        return f"known: {alert.answer.by}"
    return f"until {stamp(alert.answer.until, tz)}"


def head(alerts: Iterable[Entry]) -> str:
    """The line above the alerts: how many, and how many of them want nobody's eye."""
    entries = tuple(alerts)
    if not entries:
        return "Now: nothing is wrong"
    coming = sum(it.state.startswith("in ") for it in entries)
    silent = sum(not it.loud for it in entries) - coming
    more = [
        f"{count} {word}" for count, word in ((silent, "answered"), (coming, "to come")) if count
    ]
    return f"Now: {len(entries)}" + (f" ({', '.join(more)})" if more else "")


def of_events(events: Iterable[Event]) -> tuple[Entry, ...]:
    """Entries of the journal."""
    return tuple(Entry(it.at, it.level, it.server, it.product, it.message) for it in events)


def filtered(entries: Iterable[Entry], wanted: Filter) -> tuple[Entry, ...]:
    """The entries that the filter lets through."""
    return tuple(entry for entry in entries if wanted((entry.server, entry.product, entry.message)))


def columns(width: int, *, stated: bool = False) -> tuple[Column, ...]:
    """The columns there is room for; the message takes what is left over."""
    narrow = width < _NARROW
    fixed = [
        replace(_LEVEL, title="", width=1) if narrow else _LEVEL,
        _WHEN,
        _SERVER if width < _WIDE else replace(_SERVER, width=24),
    ]
    if stated and not narrow:
        fixed.append(_STATE)
    left = width - sum(column.width + 1 for column in fixed)
    return (*fixed, Column("message", "What", max(10, left - 1), sentence=True))


def keyed(entries: Iterable[Entry]) -> dict[str, Entry]:
    """The entries by a key that stays theirs as long as they are there."""
    found: dict[str, Entry] = {}
    for entry in entries:
        key = f"{entry.at}/{entry.server}/{entry.product}/{entry.message}"
        while key in found:
            key += "+"
        found[key] = entry
    return found


def table(now: Iterable[Entry], journal: Iterable[Entry]) -> Table:
    """Both lists, for a spreadsheet."""
    rows = [("now", entry) for entry in now]
    rows += [("journal", entry) for entry in journal]
    return (
        ("list", "at", "level", "server", "product", "message", "state"),
        *(
            (name, it.at, it.level, it.server, it.product, it.message, it.state)
            for name, it in rows
        ),
    )
