"""View 4, Servers: every registered server, its state and details, and what can be done to it."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on, work
from textual.containers import Vertical, VerticalScroll
from textual.widgets import DataTable

from lictui.config import server_schema
from lictui.engine.entitlements import count_hints
from lictui.model import Level, LicenseServer, ReportingStatus, Server, Snapshot, SourceName, State
from lictui.tui import commands, text
from lictui.tui.screens import server_form
from lictui.tui.screens.dialogs import confirm
from lictui.tui.screens.main_screen import TableScreen
from lictui.tui.text import LEVEL_TONES, Fragment, Line, Table, Tone
from lictui.tui.time_range import format_moment
from lictui.tui.widgets.table import KeyedTable, TableColumn, widen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date
    from zoneinfo import ZoneInfo

    from textual.binding import BindingType
    from textual.widget import Widget

    from lictui.engine.board import ServerStatus
    from lictui.tui.theme import Symbols
    from lictui.tui.widgets.dashboard_view import CurrentTime


# One server as a row


_COLUMNS: Final = (
    TableColumn("name", "Server", 16),
    TableColumn("state", "State", 11),
    TableColumn("source", "Source", 12),
    TableColumn("address", "Address", 20),
    TableColumn("tls", "TLS", 7),
    TableColumn("last", "Last response", 13),
    TableColumn("mode", "Mode", 5),
    TableColumn("version", "Version", 15),
    TableColumn("interval", "Interval", 8),
)
_LAST_SHORT: Final = TableColumn("last", "Last", 6)
_NARROW: Final = ("name", "state", "address", "last")
_MEDIUM: Final = ("name", "state", "source", "address", "tls", "last")
_MEDIUM_WIDTH: Final = 78
_WIDE: Final = 110  # columns from which everything is shown

_STATE_TONES: Final = {
    State.UP: Tone.OK,
    State.WAITING: Tone.QUIET,
    State.DISABLED: Tone.QUIET,
    State.STALE: Tone.WARN,
    State.NO_DATA: Tone.WARN,
}


def server_columns(width: int) -> tuple[TableColumn, ...]:
    """The columns that fit; name and address take what is left."""
    columns = {column.key: column for column in _COLUMNS}
    if width < _WIDE:
        keys = _NARROW if width < _MEDIUM_WIDTH else _MEDIUM
        columns = {key: columns[key] for key in keys} | {"last": _LAST_SHORT}
    return widen(columns.values(), width, "name", "address")


def server_cells(status: ServerStatus, now: float, symbols: Symbols) -> dict[str, Fragment]:
    """Every cell of one row, by its column."""
    server, snapshot, state = status.server, status.snapshot, status.state
    last = status.last_success_at
    age = "" if last is None else text.format_coarse_age(now - last)
    return {
        "name": (server.name, Tone.STRONG),
        "state": _state_fragment(state, symbols),
        "source": (server.source, Tone.TEXT),
        "address": (_address(server), Tone.TEXT),
        "tls": _tls(server),
        "last": (age, Tone.TEXT if status.is_up else Tone.QUIET),
        "mode": ((snapshot.mode or "") if snapshot else "", Tone.TEXT),
        "version": (snapshot.version if snapshot else "", Tone.TEXT),
        "interval": (text.format_age(server.effective_interval), Tone.QUIET),
    }


def _state_fragment(state: State, symbols: Symbols) -> Fragment:
    tone = _STATE_TONES.get(state, Tone.CRITICAL)
    return f"{symbols.state[state]} {state.replace('_', ' ')}", tone


def _address(server: Server) -> str:
    """The host of a URL, FlexNet's PORT@HOST, or the command."""
    host = server.url.partition("://")[2].partition("/")[0] or server.url
    return host or server.address or shlex.join(server.command)


def _tls(server: Server) -> Fragment:
    if not server.url:
        return ("-", Tone.QUIET)
    if server.url.startswith("http://"):
        return ("none", Tone.WARN if server.source is SourceName.WINRM else Tone.CRITICAL)
    match server.verify:
        case True:
            return ("CA", Tone.TEXT)
        case False:
            return ("off!", Tone.CRITICAL)
        case pin if pin.startswith("sha256:"):
            return ("pinned", Tone.TEXT)
        case _:
            return ("CA file", Tone.TEXT)


# The details of the selected server


USAGE_INSIGHTS_VERSION: Final = (11, 15)  # docs.citrix.com, "On-premises license usage"
_LAS_ONLINE: Final = 51000  # builds; docs.citrix.com, "License Activation Service"
_LAS_OFFLINE: Final = 53100
_BUILD_INDEX: Final = 3  # 11.17.2.54100


def server_details(
    status: ServerStatus, time: CurrentTime, symbols: Symbols, zone: ZoneInfo | None
) -> Iterator[Line]:
    """State and failure, what the server reports, how it is read, and warnings."""
    server, dot = status.server, f" {symbols.dot} "
    timing = dot.join(_timing(status, time, zone))
    yield (_state_fragment(status.state, symbols), (f"  {timing}", Tone.QUIET))
    if status.failure is not None:
        step = f"{status.failure.step}: " if status.failure.step else ""
        message = f"{step}{status.failure.message}"
        yield ((f"{symbols.failed} {message}", Tone.CRITICAL),)
        if status.failure.hint:
            yield ((f"{symbols.arrow} {status.failure.hint}", Tone.ACCENT),)
    if status.snapshot is not None:
        yield from _snapshot_lines(status.snapshot, server, symbols)
        yield from license_server_lines(status.snapshot.license_servers, symbols, zone, time.today)
    yield ((dot.join(_connection(server)), Tone.QUIET),)
    for warning in server_schema.server_warnings(server):
        yield ((f"{symbols.level[Level.WARN]} {warning}", Tone.WARN),)


def _timing(status: ServerStatus, time: CurrentTime, zone: ZoneInfo | None) -> Iterator[str]:
    now, today = time.now, time.today
    if status.since is not None:
        yield f"since {format_moment(status.since, zone, today)}"
    if status.last_success_at is not None:
        age = text.format_coarse_age(now - status.last_success_at)
        yield "last response: now" if age == "now" else f"last response {age} ago"
    if status.latency is not None and status.is_up:
        yield f"{status.latency * 1000:,.0f} ms"
    if status.due is not None:
        interval = text.format_age(status.server.effective_interval)
        yield f"interval {interval}, next poll {format_moment(status.due, zone)[-5:]}"


def _snapshot_lines(snapshot: Snapshot, server: Server, symbols: Symbols) -> Iterator[Line]:
    parts = [
        snapshot.reported_name,
        f"mode {snapshot.mode}" if snapshot.mode else "",
        f"version {snapshot.version}" if snapshot.version else "",
        supported_features(snapshot.version) if server.source is SourceName.WINRM else "",
    ]
    if snapshot.activation is not None:
        day = snapshot.activation.expires
        until = f" until {day.day} {day:%b %Y}" if day else ""
        parts.append(f"LAS {snapshot.activation.status.replace('_', ' ')}{until}")
    if line := f" {symbols.dot} ".join(part for part in parts if part):
        yield ((line, Tone.TEXT),)
    if snapshot.certificate is not None:
        day = snapshot.certificate.expires
        validity = f"valid until {day.day} {day:%b %Y}" if day else "with unknown expiry"
        fingerprint = f"sha256:{snapshot.certificate.sha256[:16]}{symbols.ellipsis}"
        yield ((f"certificate {validity} {symbols.dot} {fingerprint}", Tone.TEXT),)
    for notice in snapshot.notices:
        parts = [part for part in (notice.title, notice.detail, notice.action) if part]
        line = f"{symbols.level[notice.level]} {': '.join(parts)}"
        yield ((line, LEVEL_TONES[notice.level]),)


def supported_features(version: str) -> str:
    """What a license server of this version supports; "" if the version does not show it."""
    numbers = [int(part) for part in version.split(".") if part.isdigit()]
    if len(numbers) <= _BUILD_INDEX:
        return ""
    insights = "meets Usage Insights requirements"
    if tuple(numbers[:2]) < USAGE_INSIGHTS_VERSION:
        insights = "version too old for Usage Insights"
    las = "supports LAS"
    if numbers[_BUILD_INDEX] < _LAS_OFFLINE:
        las = "supports LAS online only"
    if numbers[_BUILD_INDEX] < _LAS_ONLINE:
        las = "version too old for LAS"
    return f"{insights}, {las}"


def _connection(server: Server) -> Iterator[str]:
    parts = (
        server.url,
        server.address,
        server.lmutil,
        shlex.join(server.command),
        server.format,
        server.customer_id and f"customer {server.customer_id}",
        server.username and f"user {server.username}",
        server.secret,
        server.auth,
        server.same_as and f"same server as {server.same_as}",
        f"counts divided by {server.quantity_divisor}" if server.quantity_divisor > 1 else "",
    )
    yield from (part for part in parts if part)


# The license servers that a partner account lists


_MAX_LISTED: Final = 8  # license servers that are named; all are counted
_NO_EXPIRY: Final = 9_999  # days

_REPORTING_LEVELS: Final = {  # worst first
    ReportingStatus.EXPIRED: Level.CRITICAL,
    ReportingStatus.NOT_REPORTING: Level.CRITICAL,
    ReportingStatus.NEVER_REPORTED: Level.WARN,
    ReportingStatus.REPORTING: Level.OK,
}
_REPORTING_ORDER: Final = tuple(_REPORTING_LEVELS)


def license_server_lines(
    listed: Sequence[LicenseServer], symbols: Symbols, zone: ZoneInfo | None, today: date
) -> Iterator[Line]:
    """How many are in which state, then the worst by name; nothing where none are listed."""
    if not listed:
        return
    dot = f" {symbols.dot} "
    counts = Counter(server.status for server in listed)
    states = (
        f"{counts[status]:,} {_status_text(status)}"
        for status in _REPORTING_ORDER
        if counts[status]
    )
    plural = "" if len(listed) == 1 else "s"
    yield ((f"{len(listed):,} license server{plural}: {dot.join(states)}", Tone.TEXT),)
    for server in sorted(listed, key=_severity)[:_MAX_LISTED]:
        level = _REPORTING_LEVELS[server.status]
        name = server.fqdn or server.host_id
        facts = dot.join(fact for fact in _reporting_facts(server, zone, today))
        yield ((f"{symbols.level[level]} {name}  ", LEVEL_TONES[level]), (facts, Tone.QUIET))
    if (more := len(listed) - _MAX_LISTED) > 0:
        yield ((f"and {more:,} more", Tone.QUIET),)


def _severity(server: LicenseServer) -> tuple[int, int, str, str]:
    days = _NO_EXPIRY if server.days_to_expire is None else server.days_to_expire
    return (_REPORTING_ORDER.index(server.status), days, server.fqdn, server.host_id)


def _reporting_facts(server: LicenseServer, zone: ZoneInfo | None, today: date) -> Iterator[str]:
    yield _status_text(server.status)
    if server.last_reported is not None:
        yield f"last {format_moment(server.last_reported, zone, today)}"
    if server.expires is not None:
        verb = "expired" if server.status is ReportingStatus.EXPIRED else "expires"
        yield f"{verb} {server.expires.day} {server.expires:%b %Y}"


def _status_text(status: ReportingStatus) -> str:
    return status.replace("_", " ")


_AGE_REFRESH: Final = 10.0  # seconds after which the ages shown are brought up to date


class ServersScreen(TableScreen):
    """The servers view."""

    VIEW = "servers"
    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("servers")]
    CSS = """
    ServersScreen {
        & #details {
            height: auto;
            max-height: 50%;
            padding: 0 1;
            border-top: solid $frame;
            scrollbar-size-vertical: 1;
        }
        &.-full #details { height: 1fr; max-height: 100%; border-top: none; }
        &.-full KeyedTable { display: none; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._testing = ""  # the server whose test is shown in place of its details

    def body(self) -> Widget:
        self._details = server_form.ConnectionTest(self.lictui.symbols)
        details = VerticalScroll(self._details, id="details", can_focus=False)
        return Vertical(KeyedTable(self.lictui.symbols), details)

    def on_mount(self) -> None:
        super().on_mount()
        self.table.focus()
        self.set_interval(_AGE_REFRESH, self.redraw)

    def show_tables(self) -> None:
        now, symbols = self.lictui.clock.now(), self.lictui.symbols
        self.table.show_rows(
            server_columns(self.size.width - 2),
            {
                status.server.name: server_cells(status, now, symbols)
                for status in self.lictui.board.registered.servers
            },
        )
        self._show_details()

    @on(DataTable.RowHighlighted)
    def _show_details(self) -> None:
        status, app = self._selected, self.lictui
        if status is None:
            hint = "No servers configured. Press a to add one."
            self._details.show_lines(((hint, Tone.QUIET),))
        elif status.server.name != self._testing:
            self._end_test()
            zone = self.zone
            details = server_details(status, self.current_time, app.symbols, zone)
            self._details.show_lines(*details, *self._count_hints(status.server.name))

    def _count_hints(self, name: str) -> Iterator[Line]:
        """That the server seems to report every license twice."""
        hints = count_hints(self.lictui.board, self.lictui.settings.entitlements)
        for (server, _), message in hints.items():
            if server == name:
                yield ((f"{self.lictui.symbols.arrow} {message}", Tone.WARN),)

    @property
    def _selected(self) -> ServerStatus | None:
        return self.lictui.board.registered.find(self.selected_server)

    @property
    def selected_server(self) -> str:
        return self.table.selected_key

    # Keys

    @on(DataTable.RowSelected)
    def action_open(self) -> None:
        self.toggle_class("-full")

    def action_back(self) -> None:
        if self._testing:
            self._end_test()
            self._show_details()
        elif self.has_class("-full"):
            self.remove_class("-full")
        else:
            super().action_back()

    def action_edit(self) -> None:
        if status := self._selected:
            self.lictui.show_view("form", server=status.server)

    def action_cloud(self) -> None:
        if name := self.selected_server:
            self.lictui.show_view("cloud_assistant", server=name)

    def action_remove(self) -> None:
        if name := self.selected_server:
            consequence = "It will no longer be polled. Its history is kept."
            confirm(self.app, f"Remove {name}?", consequence, lambda: self._remove(name))

    @work(group="servers-remove")
    async def _remove(self, name: str) -> None:
        await self.ask(lambda engine: engine.remove(name))

    def action_test(self) -> None:
        if (status := self._selected) and self._testing != status.server.name:
            self._test(status.server)

    @work(group="servers-test")
    async def _test(self, server: Server) -> None:
        self._testing = server.name
        self._details.title = (((f"Test {server.name}", Tone.STRONG),),)
        await self._details.run(self.lictui.engine, server)

    def _end_test(self) -> None:
        self._testing = ""
        self.workers.cancel_group(self, "servers-test")

    # Copy and export

    def row_text(self) -> str:
        return self._details.plain_text

    def export_table(self) -> Table:
        now, symbols = self.lictui.clock.now(), self.lictui.symbols
        rows = (
            server_cells(status, now, symbols) for status in self.lictui.board.registered.servers
        )
        titles = tuple(column.title for column in _COLUMNS)
        return (titles, *(tuple(row[column.key][0] for column in _COLUMNS) for row in rows))
