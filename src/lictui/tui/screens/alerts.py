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

from lictui.engine.alerts import AlertView, alert_views
from lictui.errors import LictuiError
from lictui.model import Acknowledgement, AlertKey, Event, Level
from lictui.paths import current_user
from lictui.tui import commands, text
from lictui.tui.screens.dialogs import SnoozeScreen
from lictui.tui.screens.main_screen import FilterableScreen
from lictui.tui.text import LEVEL_TONES, Fragment, Table, Tone, strip_controls
from lictui.tui.time_range import format_timestamp, time_zone
from lictui.tui.widgets.styled_text import StyledLabel
from lictui.tui.widgets.table import KeyedTable, TableColumn

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

    from textual.binding import BindingType
    from textual.widget import Widget

    from lictui.engine.board import Filter, MergedBoard
    from lictui.tui.theme import Symbols


# Alerts of now and the journal as rows of one shape


_LEVEL: Final = TableColumn("level", "Level", 11)
_WHEN: Final = TableColumn("when", "Since", 12)
_SERVER: Final = TableColumn("server", "Server", 14)
_STATE: Final = TableColumn("state", "State", 18)
_WIDE: Final = 110
_NARROW: Final = 76  # columns below which the level is a glyph alone


@dataclass(frozen=True, slots=True)
class ListEntry:
    """One alert or one event: what its row shows, and where it leads."""

    time: float | None
    level: Level
    server: str
    product: str
    message: str
    key: AlertKey | None = None  # of an alert
    status: str = ""  # of an alert: what was answered, how far it has come
    needs_attention: bool = True  # whether it still wants to be seen

    def cells(self, symbols: Symbols, tz: ZoneInfo | None) -> dict[str, Fragment]:
        """The row."""
        glyph = symbols.level[self.level]
        word = "" if self.level is Level.OK else self.level.value
        when = format_timestamp(self.time, tz) if self.time is not None else ""
        return {
            "level": (
                f"{glyph} {word}".rstrip(),
                LEVEL_TONES[self.level] if self.needs_attention else Tone.QUIET,
            ),
            "when": (when, Tone.QUIET),
            "server": (strip_controls(self.server), Tone.STRONG),
            "state": (strip_controls(self.status), Tone.QUIET),
            "message": (
                strip_controls(self.message),
                Tone.TEXT if self.needs_attention else Tone.QUIET,
            ),
        }


def of_alerts(alerts: Iterable[AlertView], tz: ZoneInfo | None) -> tuple[ListEntry, ...]:
    """Entries of what is wrong now."""
    return tuple(
        ListEntry(
            it.since,
            it.level,
            it.key.server,
            it.key.product,
            it.message,
            it.key,
            _state(it, tz),
            it.needs_attention,
        )
        for it in alerts
    )


def _state(alert: AlertView, tz: ZoneInfo | None) -> str:
    if not alert.is_raised:
        return f"in {alert.polls_until_raised} poll{'s' if alert.polls_until_raised != 1 else ''}"
    if alert.acknowledgement is None:
        return "clearing" if alert.is_clearing else ""
    if alert.acknowledgement.until is None:
        return f"known: {alert.acknowledgement.by}"
    return f"until {format_timestamp(alert.acknowledgement.until, tz)}"


def head(alerts: Iterable[ListEntry]) -> str:
    """The line above the alerts: how many, and how many of them want nobody's eye."""
    entries = tuple(alerts)
    if not entries:
        return "Now: nothing is wrong"
    coming = sum(it.status.startswith("in ") for it in entries)
    silent = sum(not it.needs_attention for it in entries) - coming
    more = [
        f"{count} {word}" for count, word in ((silent, "answered"), (coming, "to come")) if count
    ]
    return f"Now: {len(entries)}" + (f" ({', '.join(more)})" if more else "")


def of_events(events: Iterable[Event]) -> tuple[ListEntry, ...]:
    """Entries of the journal."""
    return tuple(ListEntry(it.time, it.level, it.server, it.product, it.message) for it in events)


def filtered(entries: Iterable[ListEntry], wanted: Filter) -> tuple[ListEntry, ...]:
    """The entries that the filter lets through."""
    return tuple(entry for entry in entries if wanted((entry.server, entry.product, entry.message)))


def columns(width: int, *, stated: bool = False) -> tuple[TableColumn, ...]:
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
    return (*fixed, TableColumn("message", "What", max(10, left - 1), cut_at_end=True))


def keyed(entries: Iterable[ListEntry]) -> dict[str, ListEntry]:
    """The entries by a key that stays theirs as long as they are there."""
    found: dict[str, ListEntry] = {}
    for entry in entries:
        key = f"{entry.time}/{entry.server}/{entry.product}/{entry.message}"
        while key in found:
            key += "+"
        found[key] = entry
    return found


def table(now: Iterable[ListEntry], journal: Iterable[ListEntry]) -> Table:
    """Both lists, for a spreadsheet."""
    rows = [("now", entry) for entry in now]
    rows += [("journal", entry) for entry in journal]
    return (
        ("list", "at", "level", "server", "product", "message", "state"),
        *(
            (name, it.time, it.level, it.server, it.product, it.message, it.status)
            for name, it in rows
        ),
    )


_PATIENCE: Final = 5.0  # seconds between two looks into the journal
_EVENTS: Final = 500  # of the journal that are shown


class AlertsScreen(FilterableScreen):
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
        self._now: dict[str, ListEntry] = {}
        self._journal: dict[str, ListEntry] = {}
        self._events: tuple[ListEntry, ...] = ()
        self._whole: tuple[ListEntry, ...] | None = None  # of the journal, while it is written out
        self._asked_at: float | None = None

    def body(self) -> Widget:
        """The two lists, and all of the chosen line."""
        symbols = self.lictui.symbols
        return Vertical(
            StyledLabel(id="now-head", classes="head"),
            KeyedTable(symbols, id="now", show_header=False),
            StyledLabel(id="journal-head", classes="head"),
            KeyedTable(symbols, id="journal", show_header=False),
            StyledLabel(id="whole"),
        )

    def on_mount(self) -> None:
        """Begin in the list that has something in it."""
        super().on_mount()
        self.focus_body()

    def board_changed(self, board: MergedBoard) -> None:
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
        app, width, moment = self.lictui, self.size.width - 2, self.current_time
        found = alert_views(self.merged, moment.today, moment.now)
        tz = time_zone(app.settings.timezone)
        self._now = self._fill("#now", of_alerts(found, tz), width)
        self._journal = self._fill("#journal", self._events, width)
        title = head(self._now.values())
        self.query_one("#now-head", StyledLabel).show_lines(((title, Tone.STRONG),))
        journal = "Journal" if self._journal else "Journal: nothing yet"
        self.query_one("#journal-head", StyledLabel).show_lines(((journal, Tone.STRONG),))
        self._tell()

    def _fill(self, table: str, entries: tuple[ListEntry, ...], width: int) -> dict[str, ListEntry]:
        found = keyed(filtered(entries, self.filter))
        tz = time_zone(self.lictui.settings.timezone)
        self.query_one(table, KeyedTable).show_rows(
            columns(width, stated=any(it.status for it in found.values())),
            {key: entry.cells(self.lictui.symbols, tz) for key, entry in found.items()},
        )
        return found

    @property
    def _table(self) -> KeyedTable:
        now = self.query_one("#now", KeyedTable)
        return now if now.has_focus else self.query_one("#journal", KeyedTable)

    @property
    def _chosen(self) -> ListEntry | None:
        table = self._table
        return (self._now if table.id == "now" else self._journal).get(table.selected_key)

    @on(DataTable.RowHighlighted)
    def _moved(self) -> None:
        self._tell()

    def on_descendant_focus(self) -> None:
        """Say the line of the list that has the focus now."""
        self._tell()

    def _tell(self) -> None:
        entry = self._chosen
        said: tuple[Fragment, ...] = ()
        if entry is not None:
            product = f" ({text.strip_controls(entry.product)})" if entry.product else ""
            state = f" [{text.strip_controls(entry.status)}]" if entry.status else ""
            level = self.lictui.symbols.level[entry.level]
            said = (
                (f"{level} ", LEVEL_TONES[entry.level]),
                (text.strip_controls(entry.server), Tone.STRONG),
                (f"{product}: {text.strip_controls(entry.message)}{state}", Tone.TEXT),
            )
        self.query_one("#whole", StyledLabel).show_lines(said)

    # What the keys do

    @property
    def selected_server(self) -> str:
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
            at = entry.time if self._table.id == "journal" else None
            self.lictui.show_view("product", servers=(entry.server,), product=entry.product, at=at)
        else:
            self.lictui.show_view("servers")

    def action_product(self) -> None:
        """The chart of the product."""
        self.action_open()

    def action_acknowledge(self) -> None:
        """Say that the chosen alert is known; or, if something was said, take it back."""
        entry = self._raised()
        if entry is not None:
            self._answer(
                entry,
                Acknowledgement(current_user(), self.current_time.now)
                if entry.needs_attention
                else None,
            )

    def action_snooze(self) -> None:
        """Ask until when the chosen alert shall be silent."""
        entry = self._raised()
        if entry is None:
            return
        now, tz = self.current_time.now, time_zone(self.lictui.settings.timezone)

        def chosen(until: float | None) -> None:
            if until is not None:
                self._answer(entry, Acknowledgement(current_user(), now, until))

        self.app.push_screen(SnoozeScreen(now, tz), chosen)

    def _raised(self) -> ListEntry | None:
        """The chosen alert, if it is one that can be answered."""
        entry = self._chosen
        if entry is None or entry.key is None or self._table.id != "now":
            said = "Choose an alert above: tab goes there"
        elif entry.status.startswith("in "):
            said = "It is not raised yet"
        else:
            return entry
        self.notify(said, severity="warning", markup=False)
        return None

    @work(group="alerts-answer")
    async def _answer(self, entry: ListEntry, answer: Acknowledgement | None) -> None:
        if entry.key is None:
            return
        try:
            await self.lictui.engine.answer(entry.key, answer)
        except LictuiError as error:
            self.notify(error.message, severity="error", markup=False)
        else:
            self._asked_at = None  # the journal has a line more

    def filter_changed(self) -> None:
        """Show what the filter lets through, of the whole journal."""
        self._present()
        self._read()

    def row_count(self) -> int:
        """The lines that are shown."""
        return len(self._now) + len(self._journal)

    def focus_body(self) -> None:
        """Let the keys go to the list that has something in it."""
        self.query_one("#now" if self._now else "#journal").focus()

    # What others may have of it

    def row_text(self) -> str:
        """All of the chosen line."""
        return self.query_one("#whole", StyledLabel).plain_text

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

    def export_table(self) -> Table:
        """Both lists."""
        journal = self._journal.values() if self._whole is None else self._whole
        return table(self._now.values(), journal)
