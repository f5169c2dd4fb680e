"""View 5, Alerts: the active alerts, and below them the event log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace
from textual import on, work
from textual.containers import Vertical
from textual.events import DescendantFocus

from lictui.clock import iso
from lictui.engine.alerts import alert_views, severity_rank
from lictui.model import Acknowledgement, AlertState, AlertTransition, Event, Level, count_text
from lictui.paths import current_user
from lictui.products import abbreviated
from lictui.time_range import format_timestamp, to_local
from lictui.tui.screens.dialogs import SnoozeScreen, snooze_end
from lictui.tui.screens.main_screen import WIDE, TableScreen
from lictui.tui.text import LEVEL_TONES, Cell, Fragment, Tone, hang
from lictui.tui.widgets.styled_text import StyledLabel
from lictui.tui.widgets.table import UNLIMITED, KeyedTable, Rows, TableCell, TableColumn

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from textual.widget import Widget

    from lictui.engine.answers import EngineAnswers
    from lictui.engine.board import Filter, MergedBoard


# Alerts and events as rows of one shape


_COLUMNS: Final = (
    TableColumn("level", "", 2, descending=True),
    TableColumn("message", "", 30, most=UNLIMITED, cut_at_end=True),
    TableColumn("server", "Server", 8, rank=1),
    TableColumn("time", "Since", 6, rank=2, descending=True),
    TableColumn("status", "Status", 7, rank=3),
)
_PENDING: Final = "pending"
_SHORT_STATUS: Final = {"acknowledged": "ack"}


class ListEntry(NamedTuple):
    """One alert or one event: what its row shows, and where it leads."""

    time: float | None
    level: Level
    server: str
    product: str
    message: str
    status: str = ""  # of an alert: pending, acknowledged, snoozed, clearing
    alert: AlertState | None = None

    @property
    def is_pending(self) -> bool:
        return self.status.startswith(_PENDING)

    @property
    def needs_attention(self) -> bool:
        return self.alert is None or self.alert.needs_attention

    def cells(self, glyph: str, time: str, *, wide: bool) -> dict[str, TableCell]:
        """The cells of the row; one that needs no attention is dimmed."""
        tone = Tone.TEXT if self.needs_attention else Tone.QUIET
        rank = (not self.is_pending, -severity_rank(self.level))
        word = self.status.partition(" ")[0]
        status = self.status if wide else _SHORT_STATUS.get(word, word)
        return {
            "level": (glyph, LEVEL_TONES[self.level] if self.needs_attention else tone, rank),
            "message": (abbreviated(self.message, self.product), tone),
            "server": (self.server, Tone.STRONG if self.needs_attention else tone),
            "time": (time, Tone.QUIET, self.time),
            "status": (status, Tone.QUIET),
        }


def event_entries(events: Iterable[Event]) -> tuple[ListEntry, ...]:
    """Rows of the event log."""
    return tuple(ListEntry(e.time, e.level, e.server, e.product, e.message) for e in events)


def alerts_title(entries: Collection[ListEntry], marked: int) -> str:
    """The title of the alerts: how many, how many of them need no attention, and the marked."""
    if not entries:
        return "No active alerts"
    pending = sum(entry.is_pending for entry in entries)
    snoozed = sum(entry.status.startswith("snoozed") for entry in entries)
    counts = {
        "acknowledged": sum(not entry.needs_attention for entry in entries) - pending - snoozed,
        "snoozed": snoozed,
        "pending": pending,
        "marked": marked,
    }
    parts = [f"{count} {word}" for word, count in counts.items() if count]
    return f"Active alerts: {len(entries)}" + (f" ({', '.join(parts)})" if parts else "")


def matching_entries(entries: Iterable[ListEntry], pattern: Filter) -> dict[str, ListEntry]:
    """The entries that match the filter, by a key that lasts as long as they do."""
    matches: dict[str, ListEntry] = {}
    for entry in entries:
        if pattern((entry.server, entry.product, entry.message)):
            key = str(entry.alert.key if entry.alert else entry[:5])
            while key in matches:
                key += "+"
            matches[key] = entry
    return matches


_LOG_REFRESH: Final = 5.0  # seconds between two reads of the event log
_MAX_EVENTS: Final = 500  # that are shown


class AlertsScreen(TableScreen):
    """The alerts view. Its filter searches the whole event log."""

    VIEW = "alerts"
    ROW_NOUN = "row"
    CSS = """
    AlertsScreen {
        & #alerts { height: auto; max-height: 45%; }
        & #events { height: 1fr; margin-top: 1; }
        & #message { height: 3; padding: 0 1; border-top: solid $frame; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._alerts: dict[str, ListEntry] = {}
        self._events: dict[str, ListEntry] = {}
        self._marked: set[str] = set()  # keys of alerts
        self._log: tuple[ListEntry, ...] = ()
        self._log_read_at: float | None = None

    def body(self) -> Widget:
        symbols = self.lictui.symbols
        return Vertical(
            KeyedTable(symbols, sort="level", id="alerts"),
            KeyedTable(symbols, sort="time", id="events"),
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

    def reload_history(self) -> None:
        self._log_read_at = None

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
        time = self.current_time
        views = alert_views(self.lictui.board, time.today, time.now)
        self._alerts = matching_entries(map(self._alert_entry, views), self.filter)
        self._events = matching_entries(self._log, self.filter)
        self._marked &= set(self._alerts)
        title = alerts_title(self._alerts.values(), len(self._marked))
        self._fill("#alerts", self._alerts, {"message": title})
        title = "Event log" if self._events else "Event log is empty"
        self._fill("#events", self._events, {"message": title, "time": "Time"})
        self._show_message()

    def _alert_entry(self, alert: AlertState) -> ListEntry:
        acknowledgement, status = alert.acknowledgement, ""
        if not alert.is_raised:
            polls = alert.polls_required - alert.polls
            status = f"{_PENDING} ({count_text(polls, 'poll')})"
        elif acknowledgement is None:
            status = "clearing" if alert.change is AlertTransition.CLEARED else ""
        elif acknowledgement.until is None:
            status = f"acknowledged by {acknowledgement.by}"
        else:
            today = self.current_time.today
            end = format_timestamp(acknowledgement.until, self.zone, today).strip()
            status = f"snoozed until {end}"
        server, product = alert.key.server, alert.key.product
        return ListEntry(alert.since, alert.level, server, product, alert.message, status, alert)

    def _fill(self, table: str, entries: dict[str, ListEntry], titles: dict[str, str]) -> None:
        symbols, wide = self.lictui.symbols, self.size.width >= WIDE
        rows: Rows[str] = {}
        for key, entry in entries.items():
            glyph = symbols.level[entry.level] + symbols.passed * (key in self._marked)
            rows[key] = entry.cells(glyph, self._time(entry.time), wide=wide)
        titled = (replace(c, title=titles.get(c.key, c.title)) for c in _COLUMNS)
        self.query_one(table, KeyedTable).show_rows(tuple(titled), rows)

    def _time(self, time: float | None) -> str:
        """The time of today, or the day; with its time in wide tables."""
        if time is None:
            return ""
        today = self.current_time.today
        day = format_timestamp(time, self.zone, today)
        if to_local(time, self.zone).date() == today:
            return day[-5:]
        return day if self.size.width >= WIDE else day[:6]

    @property
    def _selected(self) -> ListEntry | None:
        entries = self._alerts if self.table.id == "alerts" else self._events
        return entries.get(self.table.cursor)

    @on(KeyedTable.CursorMoved)
    @on(DescendantFocus)
    def _show_message(self) -> None:
        entry = self._selected
        line: tuple[Fragment, ...] = ()
        if entry is not None:
            product = f" ({entry.product})" if entry.product else ""
            status = f" [{entry.status}]" if entry.status else ""
            line = ((entry.server, Tone.STRONG), (f"{product}: {entry.message}{status}", Tone.TEXT))
        label = self.query_one("#message", StyledLabel)
        label.show_lines(*hang((), line, self.size.width - 2))

    # Keys

    @property
    def selected_server(self) -> str:
        return self._selected.server if self._selected else ""

    @on(KeyedTable.Opened)
    def action_open(self) -> None:
        """Open the chart of the product at the time of the event; without a product, the server."""
        entry = self._selected
        if entry is None:
            return
        if entry.product:
            time = entry.time if self.table.id == "events" else None
            self.lictui.show_view("usage", servers=(entry.server,), product=entry.product, at=time)
        else:
            self.lictui.show_view("server", server=entry.server)

    def action_mark(self) -> None:
        if self._selected is not None and self.table.id == "alerts":
            self._marked ^= {self.table.cursor}
            self.table.move_cursor(1)
            self.fill_tables()

    def action_acknowledge(self) -> None:
        if entries := self._raised_alerts():
            acknowledgement = Acknowledgement(current_user(), self.current_time.now)
            is_open = any(entry.needs_attention for entry in entries)
            self._acknowledge(entries, acknowledgement if is_open else None)

    def action_snooze(self) -> None:
        entries = self._raised_alerts()
        now, zone = self.current_time.now, self.zone

        def snooze(answer: str | None) -> None:
            until = snooze_end(answer or "", now, zone)
            if until is not None:
                self._acknowledge(entries, Acknowledgement(current_user(), now, until))

        if entries:
            self.app.push_screen(SnoozeScreen((("Snooze for", Tone.STRONG),)), snooze)

    def _raised_alerts(self) -> list[ListEntry]:
        """The marked alerts, else the selected one, as far as they can be acknowledged."""
        selected = self._selected if self.table.id == "alerts" else None
        entries = [self._alerts[key] for key in self._marked] or ([selected] if selected else [])
        raised = [entry for entry in entries if not entry.is_pending]
        if not raised:
            pending = "This alert is still pending"
            problem = pending if entries else "Select an alert in the upper list (Tab)"
            self.notify(problem, severity="warning")
        return raised

    @work(group="acknowledge")
    async def _acknowledge(
        self, entries: list[ListEntry], acknowledgement: Acknowledgement | None
    ) -> None:
        async def acknowledge(engine: EngineAnswers) -> None:
            for entry in entries:
                if entry.alert:
                    await engine.acknowledge(entry.alert.key, acknowledgement)

        await self.ask(acknowledge)
        self._marked.clear()
        self._log_read_at = None  # the event log has new lines
        self.fill_tables()

    def rows_changed(self) -> None:
        self.fill_tables()
        self._load_log()

    def row_count(self) -> int:
        return len(self._alerts) + len(self._events)

    def focus_body(self) -> None:
        self.query_one("#alerts" if self._alerts else "#events").focus()

    # Copy and export

    def row_text(self) -> str:
        return self.query_one("#message", StyledLabel).plain_text.replace("\n", " ")

    def action_export(self) -> None:
        """Export the alerts and the whole event log, as far as the filter matches."""
        self._export()

    @work(group="export-alerts")
    async def _export(self) -> None:
        events = await self.ask(lambda engine: engine.history.search(self.filter))
        if events is not None:
            entries = [("alert", entry) for entry in self._alerts.values()]
            entries += [("event", entry) for entry in event_entries(events)]
            header = ("list", "at", "level", "server", "product", "message", "state")
            self.write_csv((header, *((name, *_exported(entry)) for name, entry in entries)))


def _exported(entry: ListEntry) -> tuple[Cell, ...]:
    return (None if entry.time is None else iso(entry.time), *entry[1:6])
