"""View 5, Alerts: the active alerts, and below them the event log."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Final

from rich.cells import cell_len
from textual import on, work
from textual.containers import Vertical
from textual.widgets import DataTable

from lictui.clock import iso
from lictui.engine.alerts import alert_views
from lictui.model import Acknowledgement, AlertKey, Event, Level
from lictui.paths import current_user
from lictui.tui import commands
from lictui.tui.screens.dialogs import SnoozeScreen, snooze_end
from lictui.tui.screens.main_screen import TableScreen
from lictui.tui.text import LEVEL_TONES, Cell, Fragment, Table, Tone
from lictui.tui.time_range import format_timestamp
from lictui.tui.widgets.styled_text import StyledLabel
from lictui.tui.widgets.table import KeyedTable, TableColumn

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date
    from zoneinfo import ZoneInfo

    from textual.binding import BindingType
    from textual.widget import Widget

    from lictui.engine.board import Filter, MergedBoard
    from lictui.model import AlertState
    from lictui.tui.theme import Symbols


# Alerts and events as rows of one shape


_LEVEL: Final = TableColumn("level", "Level", 11)
_TIME: Final = TableColumn("time", "Since", 12)
_SERVER: Final = TableColumn("server", "Server", 14)
_WIDE: Final = 110
_NARROW: Final = 76  # columns below which the level is a glyph only
_PENDING: Final = "pending"


@dataclass(frozen=True, slots=True)
class ListEntry:
    """One alert or one event: what its row shows, and where it leads."""

    time: float | None
    level: Level
    server: str
    product: str
    message: str
    key: AlertKey | None = None  # of an alert
    status: str = ""  # of an alert: pending, acknowledged, snoozed, clearing
    needs_attention: bool = True

    @property
    def exported(self) -> tuple[Cell, ...]:
        time = None if self.time is None else iso(self.time)
        return time, self.level, self.server, self.product, self.message, self.status

    @property
    def word(self) -> str:
        """Next to the glyph of the level: that it needs no attention, else the level."""
        level = "" if self.level is Level.OK else self.level.value
        return self.status.partition(" ")[0] or level

    def cells(self, symbols: Symbols, zone: ZoneInfo | None, today: date) -> dict[str, Fragment]:
        level = f"{symbols.level[self.level]} {self.word}".rstrip()
        time = format_timestamp(self.time, zone, today) if self.time is not None else ""
        bright = self.needs_attention
        return {
            "level": (level, LEVEL_TONES[self.level] if bright else Tone.QUIET),
            "time": (time, Tone.QUIET),
            "server": (self.server, Tone.STRONG),
            "status": (self.status, Tone.QUIET),
            "message": (self.message, Tone.TEXT if bright else Tone.QUIET),
        }


def alert_entries(
    alerts: Iterable[AlertState], zone: ZoneInfo | None, today: date
) -> tuple[ListEntry, ...]:
    """Entries of the active alerts."""
    return tuple(
        ListEntry(
            alert.since,
            alert.level,
            alert.key.server,
            alert.key.product,
            alert.message,
            alert.key,
            _status_text(alert, zone, today),
            alert.needs_attention,
        )
        for alert in alerts
    )


def _status_text(alert: AlertState, zone: ZoneInfo | None, today: date) -> str:
    if not alert.is_raised:
        polls = alert.polls_required - alert.polls_seen
        return f"{_PENDING} ({polls} poll{'' if polls == 1 else 's'})"
    if alert.acknowledgement is None:
        return "clearing" if alert.polls_clear else ""
    if alert.acknowledgement.until is None:
        return f"acknowledged by {alert.acknowledgement.by}"
    return f"snoozed until {format_timestamp(alert.acknowledgement.until, zone, today).strip()}"


def event_entries(events: Iterable[Event]) -> tuple[ListEntry, ...]:
    """Entries of the event log."""
    return tuple(
        ListEntry(event.time, event.level, event.server, event.product, event.message)
        for event in events
    )


def alerts_title(entries: Iterable[ListEntry]) -> str:
    """The line above the alerts: how many, and how many of them need no attention."""
    entries = tuple(entries)
    if not entries:
        return "No active alerts"
    pending = sum(entry.status.startswith(_PENDING) for entry in entries)
    acknowledged = sum(not entry.needs_attention for entry in entries) - pending
    counts = ((acknowledged, "acknowledged"), (pending, "pending"))
    parts = [f"{count} {word}" for count, word in counts if count]
    return f"Active alerts: {len(entries)}" + (f" ({', '.join(parts)})" if parts else "")


def matching_entries(entries: Iterable[ListEntry], pattern: Filter) -> dict[str, ListEntry]:
    """The entries that match the filter, by a key that lasts as long as they do."""
    matches: dict[str, ListEntry] = {}
    for entry in entries:
        if pattern((entry.server, entry.product, entry.message)):
            key = f"{entry.time}/{entry.server}/{entry.product}/{entry.message}"
            while key in matches:
                key += "+"
            matches[key] = entry
    return matches


def list_columns(width: int, entries: Sequence[ListEntry]) -> tuple[TableColumn, ...]:
    """The columns that fit; in narrow tables the level shows the status, too."""
    words = [len(entry.word) for entry in entries]
    fixed = [replace(_LEVEL, width=max([_LEVEL.width - 2, *words]) + 2), _TIME, _SERVER]
    if width < _NARROW:
        fixed[0] = replace(_LEVEL, title="", width=1)
    elif width >= _WIDE:
        fixed[2] = replace(_SERVER, width=24)
        status = max((cell_len(entry.status) for entry in entries), default=0)
        fixed += [TableColumn("status", "Status", min(status, 24))] if status else []
    left = width - sum(column.width + 1 for column in fixed)
    return (*fixed, TableColumn("message", "Message", max(10, left - 1), cut_at_end=True))


_LOG_REFRESH: Final = 5.0  # seconds between two reads of the event log
_MAX_EVENTS: Final = 500  # that are shown


class AlertsScreen(TableScreen):
    """The alerts view. Its filter searches the whole event log."""

    VIEW = "alerts"
    ROW_NOUN = "row"
    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("alerts")]
    CSS = """
    AlertsScreen {
        & .title { height: 1; padding: 0 1; }
        & #alerts { height: auto; max-height: 45%; }
        & #events { height: 1fr; }
        & #message { height: 3; padding: 0 1; border-top: solid $frame; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._alerts: dict[str, ListEntry] = {}
        self._events: dict[str, ListEntry] = {}
        self._log: tuple[ListEntry, ...] = ()
        self._whole_log: tuple[ListEntry, ...] | None = None  # while it is exported
        self._log_read_at: float | None = None

    def body(self) -> Widget:
        symbols = self.lictui.symbols
        return Vertical(
            StyledLabel(id="alerts-title", classes="title"),
            KeyedTable(symbols, id="alerts", show_header=False),
            StyledLabel(id="events-title", classes="title"),
            KeyedTable(symbols, id="events", show_header=False),
            StyledLabel(id="message"),
        )

    def on_mount(self) -> None:
        super().on_mount()
        self.focus_body()

    def board_changed(self, board: MergedBoard) -> None:
        """Show the alerts, and the event log if it was read some time ago."""
        now = self.lictui.clock.now()
        if self._log_read_at is None or now - self._log_read_at >= _LOG_REFRESH:
            self._log_read_at = now
            self._load_log()
        super().board_changed(board)

    @work(group="event-log")
    async def _load_log(self) -> None:
        pattern = self.filter
        if pattern.pattern is None:
            events = await self.ask(lambda engine: engine.history.events(_MAX_EVENTS))
        else:
            events = await self.ask(lambda engine: engine.history.search(pattern, _MAX_EVENTS))
        if events is not None and pattern == self.filter:  # else another read is under way
            self._log = event_entries(events)
            self.fill_tables()

    def show_tables(self) -> None:
        app, time = self.lictui, self.current_time
        views = alert_views(app.board, time.today, time.now)
        zone = self.zone
        self._alerts = self._fill("#alerts", alert_entries(views, zone, time.today))
        self._events = self._fill("#events", self._log)
        self.set_title("#alerts-title", alerts_title(self._alerts.values()))
        self.set_title("#events-title", "Event log" if self._events else "Event log is empty")
        self._show_message()

    def _fill(self, table: str, entries: tuple[ListEntry, ...]) -> dict[str, ListEntry]:
        matches = matching_entries(entries, self.filter)
        zone, symbols, today = self.zone, self.lictui.symbols, self.current_time.today
        self.query_one(table, KeyedTable).show_rows(
            list_columns(self.size.width - 2, tuple(matches.values())),
            {key: entry.cells(symbols, zone, today) for key, entry in matches.items()},
        )
        return matches

    @property
    def _selected(self) -> ListEntry | None:
        entries = self._alerts if self.table.id == "alerts" else self._events
        return entries.get(self.table.selected_key)

    @on(DataTable.RowHighlighted)
    def _on_cursor(self) -> None:
        self._show_message()

    def on_descendant_focus(self) -> None:
        self._show_message()

    def _show_message(self) -> None:
        entry = self._selected
        line: tuple[Fragment, ...] = ()
        if entry is not None:
            product = f" ({entry.product})" if entry.product else ""
            status = f" [{entry.status}]" if entry.status else ""
            glyph = self.lictui.symbols.level[entry.level]
            line = (
                (f"{glyph} ", LEVEL_TONES[entry.level]),
                (entry.server, Tone.STRONG),
                (f"{product}: {entry.message}{status}", Tone.TEXT),
            )
        self.query_one("#message", StyledLabel).show_lines(line)

    # Keys

    @property
    def selected_server(self) -> str:
        return self._selected.server if self._selected else ""

    @on(DataTable.RowSelected)
    def action_open(self) -> None:
        """Open the chart of the product at the time of the event; without a product, Servers."""
        entry = self._selected
        if entry is None:
            return
        if entry.product:
            time = entry.time if self.table.id == "events" else None
            self.lictui.show_view("usage", servers=(entry.server,), product=entry.product, at=time)
        else:
            self.lictui.show_view("servers")

    def action_acknowledge(self) -> None:
        entry = self._raised_alert()
        if entry is not None:
            acknowledgement = Acknowledgement(current_user(), self.current_time.now)
            self._acknowledge(entry, acknowledgement if entry.needs_attention else None)

    def action_snooze(self) -> None:
        entry = self._raised_alert()
        if entry is None:
            return
        now, zone = self.current_time.now, self.zone

        def snooze(answer: str | None) -> None:
            until = snooze_end(answer or "", now, zone)
            if until is not None:
                self._acknowledge(entry, Acknowledgement(current_user(), now, until))

        self.app.push_screen(SnoozeScreen(), snooze)

    def _raised_alert(self) -> ListEntry | None:
        """The selected alert, if it can be acknowledged."""
        entry = self._selected
        if entry is None or entry.key is None or self.table.id != "alerts":
            problem = "Select an alert in the upper list (Tab)"
        elif entry.status.startswith(_PENDING):
            problem = "This alert is still pending"
        else:
            return entry
        self.notify(problem, severity="warning")
        return None

    @work(group="acknowledge")
    async def _acknowledge(self, entry: ListEntry, acknowledgement: Acknowledgement | None) -> None:
        key = entry.key
        if key is None:
            return
        await self.ask(lambda engine: engine.acknowledge(key, acknowledgement))
        self._log_read_at = None  # the event log has a new line

    def rows_changed(self) -> None:
        self.fill_tables()
        self._load_log()

    def row_count(self) -> int:
        return len(self._alerts) + len(self._events)

    def focus_body(self) -> None:
        self.query_one("#alerts" if self._alerts else "#events").focus()

    # Copy and export

    def row_text(self) -> str:
        return self.query_one("#message", StyledLabel).plain_text

    def action_export(self) -> None:
        """Export the alerts and the whole event log, as far as the filter matches."""
        self._export()

    @work(group="export-alerts")
    async def _export(self) -> None:
        events = await self.ask(lambda engine: engine.history.search(self.filter))
        if events is not None:
            self._whole_log = event_entries(events)
            super().action_export()
            self._whole_log = None

    def export_table(self) -> Table:
        events = self._events.values() if self._whole_log is None else self._whole_log
        return (
            ("list", "at", "level", "server", "product", "message", "state"),
            *(("alert", *entry.exported) for entry in self._alerts.values()),
            *(("event", *entry.exported) for entry in events),
        )
