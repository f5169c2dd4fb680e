"""The alerts view: what is wrong now, and below it the journal of what changed.

Owns the two lists, their filter, which looks through the whole journal, and what their keys do.
Must not know what deserves an alert, nor who keeps the journal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on, work
from textual.containers import Vertical
from textual.widgets import DataTable

from lictui.engine.alerts import Shown, shown
from lictui.errors import LictuiError
from lictui.model import Answer, Event, Identity, Level
from lictui.paths import user_name
from lictui.tui import commands, text
from lictui.tui.screens.dialogs import SnoozeScreen
from lictui.tui.screens.main_screen import Filtered
from lictui.tui.text import OF_LEVEL, Run, Table, Tone, clean
from lictui.tui.time_range import stamp, time_zone
from lictui.tui.widgets.styled_text import Prose
from lictui.tui.widgets.table import Column, KeyedTable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

    from textual.binding import BindingType
    from textual.widget import Widget

    from lictui.engine.board import Board, Filter
    from lictui.tui.theme import Symbols


# Alerts of now and the journal as rows of one shape


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


_PATIENCE: Final = 5.0  # seconds between two looks into the journal
_EVENTS: Final = 500  # of the journal that are shown


class AlertsScreen(Filtered):
    """The alerts view."""

    VIEW = "alerts"
    ROWS = "line"
    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("alerts")]
    CSS = """
    AlertsScreen {
        & .head { height: 1; padding: 0 1; }
        & #now { height: auto; max-height: 45%; }
        & #journal { height: 1fr; }
        & #whole { height: 3; padding: 0 1; border-top: solid $frame; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._now: dict[str, Entry] = {}
        self._journal: dict[str, Entry] = {}
        self._events: tuple[Entry, ...] = ()
        self._whole: tuple[Entry, ...] | None = None  # of the journal, while it is written out
        self._asked_at: float | None = None

    def body(self) -> Widget:
        """The two lists, and all of the chosen line."""
        symbols = self.lictui.symbols
        return Vertical(
            Prose(id="now-head", classes="head"),
            KeyedTable(symbols, id="now", show_header=False),
            Prose(id="journal-head", classes="head"),
            KeyedTable(symbols, id="journal", show_header=False),
            Prose(id="whole"),
        )

    def on_mount(self) -> None:
        """Begin in the list that has something in it."""
        super().on_mount()
        self.focus_body()

    def board_changed(self, board: Board) -> None:
        """What is wrong now; and the journal, if the last look is old enough."""
        del board
        now = self.lictui.clock.now()
        if self._asked_at is None or now - self._asked_at >= _PATIENCE:
            self._asked_at = now
            self._read()
        self._present()

    def on_resize(self) -> None:
        """The message takes what room there is."""
        self._present()

    @work(group="alerts-journal")
    async def _read(self) -> None:
        wanted, engine = self.filter, self.lictui.engine
        try:
            if wanted.pattern is None:
                found = await engine.events(_EVENTS)
            else:
                found = await engine.search(wanted, _EVENTS)
        except LictuiError as error:
            self.notify(error.message, severity="error", markup=False)
            return
        if wanted == self.filter:  # else another look is under way
            self._events = of_events(found)
            self._present()

    def _present(self) -> None:
        if not self.size.width:
            return
        app, width, moment = self.lictui, self.size.width - 2, self.moment
        found = shown(self.merged, app.settings.alerts, moment.today, moment.now)
        tz = time_zone(app.settings.timezone)
        self._now = self._fill("#now", of_alerts(found, tz), width)
        self._journal = self._fill("#journal", self._events, width)
        title = head(self._now.values())
        self.query_one("#now-head", Prose).say(((title, Tone.STRONG),))
        journal = "Journal" if self._journal else "Journal: nothing yet"
        self.query_one("#journal-head", Prose).say(((journal, Tone.STRONG),))
        self._tell()

    def _fill(self, table: str, entries: tuple[Entry, ...], width: int) -> dict[str, Entry]:
        found = keyed(filtered(entries, self.filter))
        tz = time_zone(self.lictui.settings.timezone)
        self.query_one(table, KeyedTable).present(
            columns(width, stated=any(it.state for it in found.values())),
            {key: entry.cells(self.lictui.symbols, tz) for key, entry in found.items()},
        )
        return found

    @property
    def _table(self) -> KeyedTable:
        now = self.query_one("#now", KeyedTable)
        return now if now.has_focus else self.query_one("#journal", KeyedTable)

    @property
    def _chosen(self) -> Entry | None:
        table = self._table
        return (self._now if table.id == "now" else self._journal).get(table.chosen)

    @on(DataTable.RowHighlighted)
    def _moved(self) -> None:
        self._tell()

    def on_descendant_focus(self) -> None:
        """Say the line of the list that has the focus now."""
        self._tell()

    def _tell(self) -> None:
        entry = self._chosen
        said: tuple[Run, ...] = ()
        if entry is not None:
            product = f" ({text.clean(entry.product)})" if entry.product else ""
            state = f" [{text.clean(entry.state)}]" if entry.state else ""
            level = self.lictui.symbols.level[entry.level]
            said = (
                (f"{level} ", OF_LEVEL[entry.level]),
                (text.clean(entry.server), Tone.STRONG),
                (f"{product}: {text.clean(entry.message)}{state}", Tone.TEXT),
            )
        self.query_one("#whole", Prose).say(said)

    # What the keys do

    @property
    def chosen_server(self) -> str:
        """The server the chosen line is about."""
        return self._chosen.server if self._chosen else ""

    def action_move(self, by: int) -> None:
        """To the next or the previous line."""
        self._table.move_cursor(row=self._table.cursor_row + by)

    @on(DataTable.RowSelected)
    def action_open(self) -> None:
        """The chart of the product at that time; without a product, the registry."""
        entry = self._chosen
        if entry is None:
            return
        if entry.product:
            at = entry.at if self._table.id == "journal" else None
            self.lictui.show("product", servers=(entry.server,), product=entry.product, at=at)
        else:
            self.lictui.show("servers")

    def action_product(self) -> None:
        """The chart of the product."""
        self.action_open()

    def action_acknowledge(self) -> None:
        """Say that the chosen alert is known; or, if something was said, take it back."""
        entry = self._raised()
        if entry is not None:
            self._answer(entry, Answer(user_name(), self.moment.now) if entry.loud else None)

    def action_snooze(self) -> None:
        """Ask until when the chosen alert shall be silent."""
        entry = self._raised()
        if entry is None:
            return
        now, tz = self.moment.now, time_zone(self.lictui.settings.timezone)

        def chosen(until: float | None) -> None:
            if until is not None:
                self._answer(entry, Answer(user_name(), now, until))

        self.app.push_screen(SnoozeScreen(now, tz), chosen)

    def _raised(self) -> Entry | None:
        """The chosen alert, if it is one that can be answered."""
        entry = self._chosen
        if entry is None or entry.who is None or self._table.id != "now":
            said = "Choose an alert above: tab goes there"
        elif entry.state.startswith("in "):
            said = "It is not raised yet"
        else:
            return entry
        self.notify(said, severity="warning", markup=False)
        return None

    @work(group="alerts-answer")
    async def _answer(self, entry: Entry, answer: Answer | None) -> None:
        if entry.who is None:
            return
        try:
            await self.lictui.engine.answer(entry.who, answer)
        except LictuiError as error:
            self.notify(error.message, severity="error", markup=False)
        else:
            self._asked_at = None  # the journal has a line more

    def narrowed(self) -> None:
        """Show what the filter lets through, of the whole journal."""
        self._present()
        self._read()

    def found(self) -> int:
        """The lines that are shown."""
        return len(self._now) + len(self._journal)

    def focus_body(self) -> None:
        """Let the keys go to the list that has something in it."""
        self.query_one("#now" if self._now else "#journal").focus()

    # What others may have of it

    def copied(self) -> str:
        """All of the chosen line."""
        return self.query_one("#whole", Prose).said

    def action_export(self) -> None:
        """The alerts and the whole journal, as far as the filter lets it through."""
        self._export()

    @work(group="alerts-export")
    async def _export(self) -> None:
        try:
            self._whole = of_events(await self.lictui.engine.search(self.filter))
        except LictuiError as error:
            self.notify(error.message, severity="error", markup=False)
        else:
            super().action_export()
        finally:
            self._whole = None

    def exported(self) -> Table:
        """Both lists."""
        journal = self._journal.values() if self._whole is None else self._whole
        return table(self._now.values(), journal)
