"""One server: its state, last poll, licenses and history, and what can be done to it."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import TYPE_CHECKING, Final

from textual import on, work
from textual.containers import Vertical, VerticalScroll

from lictui.clock import DAY
from lictui.config import server_schema
from lictui.engine.entitlements import count_hints
from lictui.engine.las import las_health
from lictui.engine.usage_insights import REPORTING_LEVELS, by_urgency, supported_features
from lictui.model import (
    Level,
    LicenseServer,
    ReportingStatus,
    Server,
    Snapshot,
    SourceName,
    State,
    Step,
    count_text,
)
from lictui.time_range import format_moment
from lictui.tui import text
from lictui.tui.screens import server_form
from lictui.tui.screens.dialogs import confirm
from lictui.tui.screens.main_screen import AGE_REFRESH, TableScreen
from lictui.tui.text import (
    FIGURE_TONES,
    LEVEL_TONES,
    NO_BREAK,
    STATE_TONES,
    Fragment,
    Line,
    Tone,
)
from lictui.tui.widgets.dashboard_view import pool_name
from lictui.tui.widgets.table import UNLIMITED, KeyedTable, Rows, TableColumn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date
    from zoneinfo import ZoneInfo

    from textual.widget import Widget

    from lictui.config.settings import AlertSettings
    from lictui.engine.board import ServerStatus
    from lictui.tui.theme import Symbols
    from lictui.tui.widgets.dashboard_view import CurrentTime

# Facts of a server, each with its label


ServerFact = tuple[Fragment, Line]
_LABEL: Final = 12  # cells


def fact_line(fact: ServerFact, width: int) -> Iterator[Line]:
    """The fact next to its label, broken between words."""
    (label, tone), line = fact
    yield from text.hang(((text.pad(label, _LABEL), tone),), line, width)


def state_fragment(state: State, symbols: Symbols) -> Fragment:
    """The glyph and the word of a state."""
    return f"{symbols.state[state]} {state.replace('_', ' ')}", STATE_TONES[state]


def server_facts(
    status: ServerStatus,
    time: CurrentTime,
    symbols: Symbols,
    zone: ZoneInfo | None,
    poller: str = "",
) -> Iterator[ServerFact]:
    """State, last poll, what the server reports, how and by whom it is read, and warnings."""
    server, snapshot, dot = status.server, status.snapshot, f" {symbols.dot} "
    since = dot.join(_since(status, time, zone))
    yield state_fragment(status.state, symbols), ((since, Tone.QUIET),)
    if status.polled_at is not None:
        yield ("Last poll", Tone.QUIET), tuple(_last_poll(status, time, symbols))
    if failure := status.failure:
        yield _NO_LABEL, ((f"{symbols.failed} {failure.message}", Tone.CRITICAL),)
        if failure.hint:
            yield _NO_LABEL, ((f"{symbols.arrow} {failure.hint}", Tone.ACCENT),)
    when = poller or (format_moment(status.due, zone)[-5:] if status.due is not None else "")
    if when:  # another lictui has no time of its next poll
        label = "Polled by" if poller else "Next poll"
        when += f", every {text.format_age(server.effective_interval)}"
        yield (label, Tone.QUIET), ((when, Tone.QUIET),)
    if snapshot is not None:
        if las := dot.join(las_health(status, time.today)):
            yield ("Activation", Tone.QUIET), ((las, Tone.TEXT),)
        yield from _reported_facts(snapshot, server, symbols)
        yield from license_server_facts(snapshot.license_servers, symbols, zone, time.today)
    yield ("Read from", Tone.QUIET), ((dot.join(_connection(server)), Tone.QUIET),)
    for warning in server_schema.server_warnings(server):
        yield _sign(Level.WARN, symbols), ((warning, Tone.WARN),)


_NO_LABEL: Final = ("", Tone.QUIET)


def _sign(level: Level, symbols: Symbols) -> Fragment:
    return f"{symbols.level[level]} {level}", LEVEL_TONES[level]


def _since(status: ServerStatus, time: CurrentTime, zone: ZoneInfo | None) -> Iterator[str]:
    if status.since is not None:
        yield f"since {format_moment(status.since, zone, time.today)}"
    if status.last_success_at not in (None, status.polled_at):
        yield f"last response {_ago(time.now, status.last_success_at)}"


def _ago(now: float, moment: float | None) -> str:
    age = text.format_coarse_age(now - (moment or now))
    return "now" if age == "now" else f"{age} ago"


def _last_poll(status: ServerStatus, time: CurrentTime, symbols: Symbols) -> Iterator[Fragment]:
    """When it was, and its steps with their times; those without a time only if one failed."""
    yield _ago(time.now, status.polled_at), Tone.TEXT
    times, latency = dict(status.steps), status.latency or 0.0
    failed = status.failure.step if status.failure else None
    for step in Step:
        if step is failed:
            took = latency - sum(times.values())
            yield f"  {symbols.failed}{NO_BREAK}{step}{_milliseconds(took)}", Tone.CRITICAL
            return
        is_https = status.server.url.startswith("https:")
        applies = bool(failed and status.server.url) and (is_https or step is not Step.TLS)
        if step in times or applies:
            yield f"  {symbols.passed}{NO_BREAK}{step}", Tone.OK
            yield _milliseconds(times.get(step)), Tone.QUIET
    if not times:
        yield _milliseconds(status.latency), Tone.QUIET


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{NO_BREAK}{seconds * 1000:,.0f} ms"


def _reported_facts(snapshot: Snapshot, server: Server, symbols: Symbols) -> Iterator[ServerFact]:
    dot = f" {symbols.dot} "
    parts = (
        snapshot.reported_name,
        f"mode {snapshot.mode}" if snapshot.mode else "",
        f"version {snapshot.version}" if snapshot.version else "",
        supported_features(snapshot.version) if server.source is SourceName.WINRM else "",
    )
    if reported := dot.join(filter(None, parts)):
        yield ("Reports", Tone.QUIET), ((reported, Tone.TEXT),)
    if certificate := snapshot.certificate:
        day, sha256 = certificate.expires, certificate.sha256[:16] + symbols.ellipsis
        validity = f"valid until {day.day} {day:%b %Y}" if day else "with unknown expiry"
        yield ("Certificate", Tone.QUIET), ((f"{validity}{dot}sha256:{sha256}", Tone.TEXT),)
    for notice in snapshot.notices:
        line = ": ".join(filter(None, (notice.title, notice.detail, notice.action)))
        yield _sign(notice.level, symbols), ((line, LEVEL_TONES[notice.level]),)


def _connection(server: Server) -> Iterator[str]:
    parts = (
        server.url,
        server.address,
        server.lmutil,
        shlex.join(server.command),
        server.format,
        server.customer_id and f"customer {server.customer_id}",
        server.username and f"user {server.username}",
        server.auth,
        server.secret,
        server.same_as and f"same server as {server.same_as}",
        f"counts divided by {server.quantity_divisor}" if server.quantity_divisor > 1 else "",
    )
    return filter(None, parts)


# The license servers that a partner account lists


_MAX_LISTED: Final = 8  # license servers that are named; all are counted


def license_server_facts(
    listed: Sequence[LicenseServer], symbols: Symbols, zone: ZoneInfo | None, today: date
) -> Iterator[ServerFact]:
    """How many are in which state, then the worst by name; nothing where none are listed."""
    if not listed:
        return
    dot = f" {symbols.dot} "
    counts = Counter(server.status for server in listed)
    states = (f"{counts[s]:,} {s.replace('_', ' ')}" for s in REPORTING_LEVELS if counts[s])
    summary = f"{count_text(len(listed), 'license server')}: {dot.join(states)}"
    yield ("Lists", Tone.QUIET), ((summary, Tone.TEXT),)
    for server in by_urgency(listed)[:_MAX_LISTED]:
        level = REPORTING_LEVELS[server.status]
        name = server.fqdn or server.host_id
        facts = dot.join(_reporting_facts(server, zone, today))
        named = (f"{symbols.level[level]} {name}  ", LEVEL_TONES[level])
        yield _NO_LABEL, (named, (facts, Tone.QUIET))
    if (more := len(listed) - _MAX_LISTED) > 0:
        yield _NO_LABEL, ((f"and {more:,} more", Tone.QUIET),)


def _reporting_facts(server: LicenseServer, zone: ZoneInfo | None, today: date) -> Iterator[str]:
    yield server.status.replace("_", " ")
    if server.last_reported is not None:
        yield f"last {format_moment(server.last_reported, zone, today)}"
    if server.expires is not None:
        verb = "expired" if server.status is ReportingStatus.EXPIRED else "expires"
        yield f"{verb} {server.expires.day} {server.expires:%b %Y}"


class ServerActions(TableScreen):
    """What a view with the details of one registered server does to it."""

    _testing = ""  # the server whose test is shown in place of its details

    def details(self) -> VerticalScroll:
        self._details = server_form.ConnectionTest(self.lictui.symbols)
        return VerticalScroll(self._details, id="details", can_focus=False)

    def on_mount(self) -> None:
        super().on_mount()
        self.query(KeyedTable).focus()  # none if the screen is closed already
        self.set_interval(AGE_REFRESH, self.redraw)

    @property
    def selected(self) -> ServerStatus | None:
        return self.lictui.board.registered.find(self.selected_server)

    def show_details(self, head: tuple[Line, ...] = (), *more: ServerFact) -> None:
        status, app = self.selected, self.lictui
        if status is None:
            text_of = "No server matches." if app.board.registered.servers else self.no_servers
            self._details.show_lines(((text_of, Tone.QUIET),))
        elif status.server.name != self._testing:
            self._end_test()
            poller, width = app.board.poller, self.size.width - 3
            facts = [*server_facts(status, self.current_time, app.symbols, self.zone, poller)]
            for (server, _), message in count_hints(app.board, app.settings.entitlements).items():
                if server == status.server.name:  # licenses are reported twice
                    facts.append((_sign(Level.WARN, app.symbols), ((message, Tone.WARN),)))
            lines = (line for fact in (*facts, *more) for line in fact_line(fact, width))
            self._details.show_lines(*head, *lines)

    def action_back(self) -> None:
        if self._testing:
            self._end_test()
            self.fill_tables()
        else:
            super().action_back()

    def action_cloud(self) -> None:
        self.lictui.show_view("cloud_assistant", server=self.selected_server)

    def action_remove(self) -> None:
        name, consequence = (
            self.selected_server,
            "It will no longer be polled. Its history is kept.",
        )
        confirm(self.app, f"Remove {name}?", consequence, lambda: self._remove(name))

    @work(group="servers-remove")
    async def _remove(self, name: str) -> None:
        await self.ask(lambda engine: engine.remove(name))

    def action_test(self) -> None:
        if (status := self.selected) and self._testing != status.server.name:
            self._testing = status.server.name
            self._test(status.server)

    @work(group="servers-test")
    async def _test(self, server: Server) -> None:
        self._details.title = (((f"Test {server.name}", Tone.STRONG),),)
        await self._details.run(self.lictui.engine, server)

    def _end_test(self) -> None:
        self._testing = ""
        self.workers.cancel_group(self, "servers-test")

    def row_text(self) -> str:
        return self._details.plain_text


# One server on the whole screen


_POOL_COLUMNS: Final = (
    TableColumn("name", "License", 20, most=UNLIMITED),
    *(
        TableColumn(title, title, width, is_right=True, descending=True)
        for title, width in {"In use": 8, "Installed": 10, "Free": 7, "Use  ": 9}.items()
    ),
    TableColumn("ends", "Ends", 8, rank=1),
)


def pool_rows(
    status: ServerStatus, alerts: AlertSettings, today: date, symbols: Symbols
) -> Rows[str]:
    """The licenses of one server."""
    rows: Rows[str] = {}
    for pool in status.pools:
        name, reading = pool_name(pool, status.pools), pool.reading
        ratios = alerts.thresholds_of(status.server, pool.product).ratios
        level = reading.level(*ratios)
        share = text.format_share(reading.ratio, ratios, level, symbols)
        counts = {"In use": reading.in_use, "Installed": reading.installed, "Free": reading.free}
        days = (("SA ends", pool.subscription_date), ("expires", pool.expires))
        ends = ", ".join(f"{verb} {text.format_date(day, today)}" for verb, day in days if day)
        rows[str(pool.key)] = {
            "name": (f"{name} {pool.model.short}", Tone.TEXT),
            **{key: (text.format_count(n), Tone.TEXT, n) for key, n in counts.items()},
            "Use  ": (share, FIGURE_TONES[level], reading.ratio),
            "ends": (ends, Tone.QUIET),
        }
    return rows


class ServerScreen(ServerActions):
    """The details of one server, and its licenses."""

    VIEW = "server"
    CSS = """
    ServerScreen {
        & #details { height: auto; max-height: 60%; padding: 0 1; scrollbar-size-vertical: 1; }
        & KeyedTable { margin-top: 1; }
    }
    """

    def __init__(self, server: str, *, test: bool = False) -> None:
        super().__init__()
        self._server, self._test_on_open = server, test
        self._recorded_since: float | None = None

    def body(self) -> Widget:
        return Vertical(self.details(), KeyedTable(self.lictui.symbols))

    def on_mount(self) -> None:
        super().on_mount()
        self._load_history()
        if self._test_on_open:
            self.action_test()

    @work(group="server-history")
    async def _load_history(self) -> None:
        name = self._server
        self._recorded_since = await self.ask(lambda engine: engine.history.recorded_since(name))
        self.fill_tables()

    @property
    def selected_server(self) -> str:
        return self._server

    def on_screen_resume(self) -> None:
        self.fill_tables()  # the form may have renamed the server

    def show_tables(self) -> None:
        if self.selected is None:  # removed or renamed
            if self.is_current:
                self.app.pop_screen()
            return
        history = "none yet"
        if self._recorded_since is not None:
            since = format_moment(self._recorded_since, self.zone, year=True)
            days = (self.current_time.now - self._recorded_since) / DAY
            history = f"since {since} ({days:,.0f} days)"
        head: Line = ((self._server, Tone.STRONG), (f"  {self.selected.server.group}", Tone.QUIET))
        self.show_details((head,), (("History", Tone.QUIET), ((history, Tone.QUIET),)))
        alerts, today = self.lictui.settings.alerts, self.current_time.today
        rows = pool_rows(self.selected, alerts, today, self.lictui.symbols)
        self.table.show_rows(_POOL_COLUMNS, rows)

    @on(KeyedTable.Opened)
    def action_open(self) -> None:
        """Open the usage of the selected license."""
        status, pools = self.lictui.board.find(self._server), getattr(self.selected, "pools", ())
        product = next((pool.product for pool in pools if str(pool.key) == self.table.cursor), None)
        if status and product:
            self.lictui.show_view("usage", servers=(status.server.name,), product=product)
