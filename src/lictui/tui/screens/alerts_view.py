"""Alerts of now and the journal as rows of one shape.

Owns their columns and cells. Must not know how a row is drawn, nor where an event is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from lictui.tui.ink import OF_LEVEL, Tone
from lictui.tui.span import stamp
from lictui.tui.text import clean
from lictui.tui.widgets.keyed_table import Column
from lictui.words import Level

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

    from lictui.model import Event
    from lictui.monitor.alerts import Alert
    from lictui.monitor.matching import Filter
    from lictui.tui.ink import Run
    from lictui.tui.symbols import Symbols

_LEVEL: Final = Column("level", "Level", 11)
_WHEN: Final = Column("when", "Since", 12)
_SERVER: Final = Column("server", "Server", 14)
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

    def cells(self, symbols: Symbols, tz: ZoneInfo | None) -> dict[str, Run]:
        """The row."""
        glyph = symbols.level[self.level]
        word = "" if self.level is Level.OK else self.level.value
        when = stamp(self.at, tz) if self.at is not None else ""
        return {
            "level": (f"{glyph} {word}".rstrip(), OF_LEVEL[self.level]),
            "when": (when, Tone.QUIET),
            "server": (clean(self.server), Tone.STRONG),
            "message": (clean(self.message), Tone.TEXT),
        }


def of_alerts(alerts: Iterable[Alert]) -> tuple[Entry, ...]:
    """Entries of what is wrong now."""
    return tuple(Entry(it.since, it.level, it.server, it.product, it.message) for it in alerts)


def of_events(events: Iterable[Event]) -> tuple[Entry, ...]:
    """Entries of the journal."""
    return tuple(Entry(it.at, it.level, it.server, it.product, it.message) for it in events)


def filtered(entries: Iterable[Entry], wanted: Filter) -> tuple[Entry, ...]:
    """The entries that the filter lets through."""
    return tuple(entry for entry in entries if wanted((entry.server, entry.product, entry.message)))


def columns(width: int) -> tuple[Column, ...]:
    """The columns there is room for; the message takes what is left over."""
    narrow = width < _NARROW
    fixed = [
        replace(_LEVEL, title="", width=1) if narrow else _LEVEL,
        _WHEN,
        _SERVER if width < _WIDE else replace(_SERVER, width=24),
    ]
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
