"""The registry: every server, what is the matter with it, and what can be done to it.

Owns the table, the panel below it and what the keys do. Must not know what the cells say
(`registry_view`), nor how a server is tested or removed (the engine).
"""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on, work
from textual.containers import Vertical, VerticalScroll
from textual.widgets import DataTable

from lictui.config import server_schema
from lictui.engine.entitlements import divisor_hints
from lictui.errors import LictuiError
from lictui.model import (
    Level,
    LicenseServer,
    ReportingStatus,
    Server,
    Snapshot,
    SourceName,
    State,
    StepResult,
)
from lictui.tui import commands
from lictui.tui.screens import server_form
from lictui.tui.screens.dialogs import ConfirmScreen
from lictui.tui.screens.main_screen import MainScreen
from lictui.tui.text import (
    LEVEL_TONES,
    Fragment,
    Line,
    Table,
    Tone,
    format_age,
    format_coarse_age,
    strip_controls,
)
from lictui.tui.time_range import format_moment, time_zone
from lictui.tui.widgets.styled_text import StyledLabel
from lictui.tui.widgets.table import KeyedTable, TableColumn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from zoneinfo import ZoneInfo

    from textual.binding import BindingType
    from textual.widget import Widget

    from lictui.engine.board import MergedBoard, ServerStatus
    from lictui.tui.theme import Symbols


# The license servers that a partner's account lists, as lines: the worst first, and not too many


_MOST: Final = 8  # license servers that are named; all are counted
_FAR: Final = 9_999  # days, where no end is told

_LEVELS: Final = {  # worst first
    ReportingStatus.EXPIRED: Level.CRITICAL,
    ReportingStatus.NOT_REPORTING: Level.CRITICAL,
    ReportingStatus.NEVER_REPORTED: Level.WARN,
    ReportingStatus.REPORTING: Level.OK,
}
_ORDER: Final = tuple(_LEVELS)


def license_server_lines(
    listed: Sequence[LicenseServer], symbols: Symbols, tz: ZoneInfo | None
) -> Iterator[Line]:
    """How many are in which state, then the worst by name; nothing where none are listed."""
    if not listed:
        return
    counts = Counter(server.status for server in listed)
    said = (f"{counts[status]:,} {_word_reporting(status)}" for status in _ORDER if counts[status])
    many = "" if len(listed) == 1 else "s"
    states = f" {symbols.dot} ".join(said)
    yield ((f"{len(listed):,} license server{many}: {states}", Tone.TEXT),)
    for server in sorted(listed, key=_badness)[:_MOST]:
        level = _LEVELS[server.status]
        facts = f" {symbols.dot} ".join(strip_controls(fact) for fact in _facts(server, tz))
        yield (
            (
                f"{symbols.level[level]} {strip_controls(server.fqdn or server.host_id)}  ",
                LEVEL_TONES[level],
            ),
            (facts, Tone.QUIET),
        )
    if (more := len(listed) - _MOST) > 0:
        yield ((f"and {more:,} more", Tone.QUIET),)


def _badness(server: LicenseServer) -> tuple[int, int, str, str]:
    days = _FAR if server.days_to_expire is None else server.days_to_expire
    return (_ORDER.index(server.status), days, server.fqdn, server.host_id)


def _facts(server: LicenseServer, tz: ZoneInfo | None) -> Iterator[str]:
    yield _word_reporting(server.status)
    if server.last_reported is not None:
        yield f"last {format_moment(server.last_reported, tz)}"
    if server.expires is not None:
        verb = "expired" if server.status is ReportingStatus.EXPIRED else "expires"
        yield f"{verb} {server.expires.day} {server.expires:%b %Y}"


def _word_reporting(status: ReportingStatus) -> str:
    return status.replace("_", " ")


# The registry as rows and words: one server's cells, and what is said of the chosen one


_COLUMNS: Final = (
    TableColumn("name", "Server", 16),
    TableColumn("state", "State", 11),
    TableColumn("source", "Source", 12),
    TableColumn("address", "Address", 20),
    TableColumn("tls", "TLS", 7),
    TableColumn("last", "Answer", 6),
    TableColumn("mode", "Mode", 5),
    TableColumn("version", "Version", 15),
    TableColumn("interval", "Every", 7),
)
TITLES: Final = {column.key: column.title for column in _COLUMNS}
_NARROW: Final = ("name", "state", "address", "last")
_MEDIUM: Final = ("name", "state", "source", "address", "tls", "last")
_WIDE: Final = 110  # columns from which everything is shown
_GAP: Final = 1

TONE_OF_STATE: Final = {
    State.UP: Tone.OK,
    State.WAITING: Tone.QUIET,
    State.DISABLED: Tone.QUIET,
    State.STALE: Tone.WARN,
    State.NO_DATA: Tone.WARN,
}

USAGE_INSIGHTS_VERSION: Final = (11, 15)  # docs.citrix.com, "On-premises license usage"
LAS_ONLINE: Final = 51000  # builds; docs.citrix.com, "License Activation Service"
LAS_OFFLINE: Final = 53100
_BUILD_AT: Final = 3  # 11.17.2.54100


def columns(width: int) -> tuple[TableColumn, ...]:
    """The columns there is room for; name and address take what is left over."""
    if width < 78:  # noqa: PLR2004 - the medium set needs so much
        chosen = tuple(column for column in _COLUMNS if column.key in _NARROW)
    elif width < _WIDE:
        chosen = tuple(column for column in _COLUMNS if column.key in _MEDIUM)
    else:
        chosen = _COLUMNS
    spare = max(0, width - sum(column.width + _GAP for column in chosen))
    extra = {"name": spare // 2, "address": spare - spare // 2}
    return tuple(replace(it, width=it.width + extra.get(it.key, 0)) for it in chosen)


def server_cells(status: ServerStatus, now: float, symbols: Symbols) -> dict[str, Fragment]:
    """Every cell of one row, by its column."""
    server, snapshot = status.server, status.snapshot
    state = status.state
    last = "" if status.last_success_at is None else format_coarse_age(now - status.last_success_at)
    return {
        "name": (strip_controls(server.name), Tone.STRONG),
        "state": (
            f"{symbols.state[state]} {_word(state)}",
            TONE_OF_STATE.get(state, Tone.CRITICAL),
        ),
        "source": (server.source, Tone.TEXT),
        "address": (_address(server), Tone.TEXT),
        "tls": _tls(server),
        "last": (last, Tone.TEXT if status.is_up else Tone.QUIET),
        "mode": ((snapshot.mode or "") if snapshot else "", Tone.TEXT),
        "version": (strip_controls(snapshot.version) if snapshot else "", Tone.TEXT),
        "interval": (format_age(server.effective_interval), Tone.QUIET),
    }


def _word(state: State) -> str:
    return state.replace("_", " ")


def _address(server: Server) -> str:
    """The host of a URL, FlexNet's PORT@HOST, or the command."""
    host = server.url.partition("://")[2].partition("/")[0] or server.url
    return strip_controls(host or server.address or shlex.join(server.command))


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


def server_details(
    status: ServerStatus, now: float, symbols: Symbols, tz: ZoneInfo | None
) -> Iterator[Line]:
    """What there is to know of one server, the most pressing first."""
    server, dot = status.server, f" {symbols.dot} "
    tone = TONE_OF_STATE.get(status.state, Tone.CRITICAL)
    facts = dot.join(_timing(status, now, tz))
    yield (
        (f"{symbols.state[status.state]} {_word(status.state)}", tone),
        (f"  {facts}", Tone.QUIET),
    )
    if status.failure is not None:
        step = f"{status.failure.step}: " if status.failure.step else ""
        yield ((f"{symbols.failed} {step}{strip_controls(status.failure.message)}", Tone.CRITICAL),)
        if status.failure.hint:
            yield ((f"{symbols.arrow} {strip_controls(status.failure.hint)}", Tone.ACCENT),)
    if status.snapshot is not None:
        yield from _snapshot(status.snapshot, server, symbols)
        yield from license_server_lines(status.snapshot.license_servers, symbols, tz)
    yield ((strip_controls(dot.join(_way_in(server))), Tone.QUIET),)
    for warning in server_schema.server_warnings(server):
        yield ((f"{symbols.level[Level.WARN]} {strip_controls(warning)}", Tone.WARN),)


def _way_in(server: Server) -> Iterator[str]:
    """How it is asked, as whom, and what else was registered of it."""
    told = (
        server.url,
        server.address,
        server.lmutil,
        shlex.join(server.command),
        server.format,
        server.customer_id and f"customer {server.customer_id}",
        server.username and f"user {server.username}",
        server.secret,
        server.auth,
        server.same_as and f"same as {server.same_as}",
        f"divided by {server.quantity_divisor}" if server.quantity_divisor > 1 else "",
    )
    yield from (part for part in told if part)


def _timing(status: ServerStatus, now: float, tz: ZoneInfo | None) -> Iterator[str]:
    if status.since is not None:
        yield f"since {format_moment(status.since, tz)}"
    if status.last_success_at is not None:
        ago = format_coarse_age(now - status.last_success_at)
        yield "answered just now" if ago == "now" else f"answered {ago} ago"
    if status.latency is not None and status.is_up:
        yield f"{status.latency * 1000:,.0f} ms"
    if status.due is not None:
        every = format_age(status.server.effective_interval)
        yield f"polled every {every}, again at {format_moment(status.due, tz)[-5:]}"


def _snapshot(snapshot: Snapshot, server: Server, symbols: Symbols) -> Iterator[Line]:
    told = [
        snapshot.reported_name,
        f"mode {snapshot.mode}" if snapshot.mode else "",
        f"version {snapshot.version}" if snapshot.version else "",
        supported_features(snapshot.version) if server.source is SourceName.WINRM else "",
    ]
    if snapshot.activation is not None:
        ends = snapshot.activation.expires
        until = f" until {ends.day} {ends:%b %Y}" if ends else ""
        told.append(f"LAS {snapshot.activation.status.replace('_', ' ')}{until}")
    if said := f" {symbols.dot} ".join(strip_controls(part) for part in told if part):
        yield ((said, Tone.TEXT),)
    if snapshot.certificate is not None:
        ends = snapshot.certificate.expires
        until = f"to {ends.day} {ends:%b %Y}" if ends else "of unknown end"
        print_ = f"sha256:{snapshot.certificate.sha256[:16]}{symbols.ellipsis}"
        yield ((f"certificate {until} {symbols.dot} {print_}", Tone.TEXT),)
    for notice in snapshot.notices:
        text = ": ".join(part for part in (notice.title, notice.detail, notice.action) if part)
        yield (
            (f"{symbols.level[notice.level]} {strip_controls(text)}", LEVEL_TONES[notice.level]),
        )


def supported_features(version: str) -> str:
    """What a license server of this version can take part in; "" if the version tells nothing."""
    numbers = [int(part) for part in version.split(".") if part.isdigit()]
    if len(numbers) <= _BUILD_AT:
        return ""
    insights = tuple(numbers[:2]) >= USAGE_INSIGHTS_VERSION
    build = numbers[_BUILD_AT]
    las = ("LAS", "LAS online only", "too old for LAS")[
        (build < LAS_OFFLINE) + (build < LAS_ONLINE)
    ]
    return f"good for Usage Insights, {las}" if insights else f"too old for Usage Insights, {las}"


_AGES: Final = 10.0  # seconds between two looks at how old the answers are


class ServersScreen(MainScreen):
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
        self._table: KeyedTable | None = None
        self._details = StyledLabel()
        self._testing = ""  # the server whose test is shown in place of its details

    def body(self) -> Widget:
        """The table, and below it all about the server under the cursor."""
        self._table = KeyedTable(self.lictui.symbols)
        return Vertical(self._table, VerticalScroll(self._details, id="details", can_focus=False))

    def on_mount(self) -> None:
        """Follow the board; the cells that tell an age have a timer of their own."""
        super().on_mount()
        self.table.focus()
        self.set_interval(_AGES, self._grow_older)

    @property
    def table(self) -> KeyedTable:
        """The table of servers."""
        if self._table is None:
            raise RuntimeError("asked for the table before there is one")
        return self._table

    def board_changed(self, board: MergedBoard) -> None:
        """Show what is true now."""
        del board
        self._refresh()

    def on_resize(self) -> None:
        """Show the columns there is room for."""
        self._refresh()

    def _grow_older(self) -> None:
        if not self.lictui.paused:
            self._refresh()

    def _refresh(self) -> None:
        if not self.size.width:
            return
        now, symbols = self.lictui.clock.now(), self.lictui.symbols
        self.table.show_rows(
            columns(self.size.width - 2),
            {
                status.server.name: server_cells(status, now, symbols)
                for status in self.lictui.board.registered.servers
            },
        )
        self._describe()

    def _describe(self) -> None:
        status = self._chosen
        if status is None:
            self._details.show_lines((("No server yet: press a to add one.", Tone.QUIET),))
        elif status.server.name != self._testing:
            self._testing = ""
            tz = time_zone(self.lictui.settings.timezone)
            now = self.lictui.clock.now()
            symbols = self.lictui.symbols
            said = server_details(status, now, symbols, tz)
            self._details.show_lines(*said, *self._hints(status.server.name))

    def _hints(self, name: str) -> Iterator[Line]:
        """That the server seems to report twice what there is."""
        for hint in divisor_hints(self.lictui.board, self.lictui.settings.entitlements):
            if hint.server == name:
                yield ((f"{self.lictui.symbols.arrow} {strip_controls(hint.message)}", Tone.WARN),)

    @on(DataTable.RowHighlighted)
    def _moved(self) -> None:
        self._describe()

    @property
    def _chosen(self) -> ServerStatus | None:
        return self.lictui.board.registered.find(self.selected_server)

    @property
    def selected_server(self) -> str:
        """The server the cursor is on, or nothing."""
        return self.table.selected_key

    # What the keys do

    def action_move(self, by: int) -> None:
        """To the next or the previous server."""
        self.table.move_cursor(row=self.table.cursor_row + by)

    @on(DataTable.RowSelected)
    def action_open(self) -> None:
        """All about the server on the whole screen, and back."""
        self.toggle_class("-full")

    def action_back(self) -> None:
        """Leave the test, then the details, then the view."""
        if self._testing:
            self._testing = ""
            self._describe()
        elif self.has_class("-full"):
            self.remove_class("-full")
        else:
            super().action_back()

    def action_edit(self) -> None:
        """Change the chosen server in the form."""
        if status := self._chosen:
            self.lictui.show_view("form", server=status.server)

    def action_cloud(self) -> None:
        """What Citrix Cloud's Usage Insights needs of the chosen server."""
        if name := self.selected_server:
            self.lictui.show_view("assistant", server=name)

    def action_remove(self) -> None:
        """Take the chosen server out of the registry, after a question."""
        if name := self.selected_server:
            question = ConfirmScreen(f"Remove {name}?", "It is polled no more; its history stays.")

            def answered(sure: bool | None) -> None:  # noqa: FBT001 - the answer
                if sure:
                    self._remove(name)

            self.app.push_screen(question, answered)

    @work(group="servers-remove")
    async def _remove(self, name: str) -> None:
        try:
            await self.lictui.engine.remove(name)
        except LictuiError as error:
            said = ". ".join(part for part in (error.message, error.hint) if part)
            self.notify(said, severity="error", markup=False)

    def action_test(self) -> None:
        """Try the chosen server step by step."""
        if (status := self._chosen) and self._testing != status.server.name:
            self._test(status)

    @work(group="servers-test")
    async def _test(self, status: ServerStatus) -> None:
        name = self._testing = status.server.name
        findings: list[StepResult] = []
        self._show_steps(name, findings, running=True)
        try:
            async for finding in self.lictui.engine.test(status.server):
                findings.append(finding)
                self._show_steps(name, findings, running=finding.ok)
        except LictuiError as error:
            self.notify(error.message, severity="error", markup=False)
        self._show_steps(name, findings, running=False)

    def _show_steps(self, name: str, findings: list[StepResult], *, running: bool) -> None:
        if self._testing != name:
            return  # the user has gone on to another server
        width = max(20, self.size.width - 3)
        head = ((f"Test {name}", Tone.STRONG),)
        lines = server_form.step_lines(findings, width, self.lictui.symbols, running=running)
        self._details.show_lines(head, *lines)

    # What others may have of it

    def row_text(self) -> str:
        """All about the chosen server, as text."""
        return self._details.plain_text

    def export_table(self) -> Table:
        """The registry as it is shown, every column."""
        now, symbols = self.lictui.clock.now(), self.lictui.symbols
        rows = [server_cells(it, now, symbols) for it in self.lictui.board.registered.servers]
        titles = tuple(TITLES)
        return (
            tuple(TITLES.values()),
            *(tuple(row[key][0] for key in titles) for row in rows),
        )
