"""What the main views share: header, footer, the board, filter, trend length, copy and export."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar, cast

from textual import events, on, work
from textual.screen import Screen
from textual.widgets import Input

from lictui.clock import time_zone
from lictui.engine.board import MATCH_ALL, Filter, GroupBy, MergedBoard, is_polled
from lictui.errors import LictuiError
from lictui.model import count_text
from lictui.time_range import RangeLength, to_local
from lictui.tui import commands, text
from lictui.tui.screens.guide import guide_line
from lictui.tui.text import Fragment, Table, Tone
from lictui.tui.widgets.bars import (
    MINIMUM_SIZE,
    FilterBar,
    FilterChanged,
    FilterClosed,
    FooterBar,
    HeaderBar,
    NoticePanel,
    SizeWarning,
    Tab,
)
from lictui.tui.widgets.dashboard_view import CurrentTime
from lictui.tui.widgets.gauge import Pools, TrendCache, trend_query
from lictui.tui.widgets.styled_text import LineView
from lictui.tui.widgets.table import KeyedTable

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from zoneinfo import ZoneInfo

    from textual.app import ComposeResult
    from textual.widget import Widget

    from lictui.analysis.usage import PastSummary, TotalKey
    from lictui.engine.answers import EngineAnswers
    from lictui.tui.app import LictuiApp

K = TypeVar("K")
_T = TypeVar("_T")
_NOBODY_POLLS: Final = "Nobody polls: to record, run lictui collect where the history is"
_ROW_ACTIONS: Final = ("open", "edit", "test", "poll_server", "cloud", "remove", "why", "holders",
                       "maximise")  # fmt: skip
WIDE, HIGH = 110, 18  # columns and rows from which there is room for more
_WIDTHS: Final = [(0, "-tiny"), (MINIMUM_SIZE[0], "-narrow"), (WIDE, "-wide")]
_HEIGHTS: Final = [(0, "-flat"), (MINIMUM_SIZE[1], "-low"), (HIGH, "-high")]
AGE_REFRESH: Final = 10.0  # seconds after which the ages shown are brought up to date


class AppScreen:
    """What every screen has: the application with its own type, the time, and the engine."""

    VIEW: ClassVar[str] = ""  # its name in the table of commands
    BINDINGS: ClassVar[list[Any]]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "VIEW" in cls.__dict__:
            cls.BINDINGS = [*commands.bindings(cls.VIEW)]

    @property
    def lictui(self) -> LictuiApp:
        return cast("LictuiApp", cast("Screen[Any]", self).app)

    @property
    def zone(self) -> ZoneInfo | None:
        return time_zone(self.lictui.settings.timezone)

    @property
    def current_time(self) -> CurrentTime:
        """The time now, and today's date in the user's time zone."""
        now = self.lictui.clock.now()
        return CurrentTime(now, to_local(now, self.zone).date())

    @property
    def last_poll(self) -> str:
        """How long ago any server was polled, in words."""
        times = [status.polled_at for status in self.lictui.board.servers if status.polled_at]
        if not times:
            return "not polled yet"
        return f"polled {text.format_age(self.lictui.clock.now() - max(times))} ago"

    def key_hint(self, name: str, effect: str) -> str:
        """What the key of a command does, such as `esc: show all`."""
        return f"{self.lictui.key_of(name)}: {effect}"

    async def ask(
        self,
        question: Callable[[EngineAnswers], Coroutine[Any, Any, _T]],
        on_error: Callable[[LictuiError], object] | None = None,
    ) -> _T | None:
        """Return the engine's answer; None, with the error shown, if there is none.

        An answer that arrives when the screen has gone, or shows another time, ends the worker
        that asked. The errors of a past that was left are only those of its closed history.
        """
        answer, app = None, self.lictui
        engine = app.engine
        try:
            answer = await engine.ask(question)
        except LictuiError as error:
            message = ". ".join(part for part in (error.message, error.hint) if part)
            if engine in (app.engine, app.present and app.present.engine):
                (on_error or (lambda _: app.notify(message, severity="error")))(error)
        screen = cast("Screen[Any]", self)
        is_removed = not (screen.is_attached and screen.display)
        if is_removed or engine is not app.engine:
            raise asyncio.CancelledError
        return answer

    async def fetch_trends(
        self,
        cache: TrendCache[K],
        period: int,
        pools: Mapping[K, Pools],
        now: float,
        cells: int,
        on_error: Callable[[LictuiError], object] | None = None,
    ) -> bool:
        """Store the trends of rows, each the sum of its pools; return whether they came."""
        queries = tuple(trend_query(row_pools, now, cells, period) for row_pools in pools.values())
        answers = await self.ask(lambda engine: engine.history.series_batch(queries), on_error)
        if answers is not None:
            cache.store(period, zip(pools, answers, strict=True), now, cells)
        return answers is not None


class MainScreen(Screen[None], AppScreen):
    """Base of the views: the frame around one body widget."""

    AUTO_FOCUS = "#body"
    DEFAULT_CSS = """
    MainScreen {
        overflow: hidden;
        SizeWarning { display: none; }
        &.-tiny > *, &.-flat > * { display: none; }
        &.-tiny > SizeWarning, &.-flat > SizeWarning { display: block; }
    }
    """
    HORIZONTAL_BREAKPOINTS = _WIDTHS
    VERTICAL_BREAKPOINTS = _HEIGHTS

    def compose(self) -> ComposeResult:
        app = self.lictui
        yield HeaderBar(lambda: f"{to_local(app.clock.now(), self.zone):%H:%M}", app.symbols)
        yield NoticePanel()
        body = self.body()
        body.id = "body"
        yield body
        yield FooterBar(self._role)
        yield SizeWarning()

    def body(self) -> Widget:
        """The one widget between header and footer."""
        raise NotImplementedError

    def on_mount(self) -> None:
        self.watch(self.app, "board", self._on_board)
        self.watch(self.app, "clock", self._on_clock, init=False)
        self.watch(self.app, "paused", self._on_pause, init=False)
        self.watch(self.app, "keymap", self._on_keymap)
        self.watch(self.app, "progress", self._on_progress, init=False)
        self.watch(self.app, "hint", self.show_status)

    def _on_board(self, board: MergedBoard) -> None:
        if not self.lictui.paused:
            self._show(board)

    def _on_progress(self, progress: float) -> None:
        self.show_status()
        if progress == 1:
            self.reload_history()

    def _on_clock(self) -> None:
        """Show another time; filter, order and cursor stay."""
        self._on_keymap()
        self.reload_history()
        self._show(self.lictui.board)

    def reload_history(self) -> None:
        """Ask the history again: the demo has written its past, or another time is shown."""

    def redraw(self) -> None:
        """Bring the ages up to date, unless the display is paused."""
        if not self.lictui.paused:
            self.board_changed(self.lictui.board)

    def _on_pause(self, paused: bool) -> None:
        self.show_status()
        if not paused:
            self._show(self.lictui.board)

    def _on_keymap(self) -> None:
        app = self.lictui
        self.query_one(FooterBar).offered = app.available_commands(self.VIEW)
        views = [c for c in commands.with_keymap(app.keymap) if c.id.startswith("view.")]
        current = "servers" if self.VIEW == "server" else self.VIEW
        self.query_one(HeaderBar).tabs = tuple(
            Tab(command, view == current)
            for view, command in zip(commands.TABS, views, strict=True)
        )

    def _role(self) -> tuple[str, ...]:
        """What this lictui does, and how old its figures are; the longest form first."""
        app = self.lictui
        if app.is_past:
            shown = f"as of {to_local(app.clock.now(), self.zone):%a %d %b %Y %H:%M}"
            to_now = f" {app.symbols.dot} {self.key_hint('past.open', 'now')}"
            return (shown + to_now * bool(app.present),)
        poller = app.board.poller
        role = "viewing" if poller else "polling"
        role = "demo" if app.demo else "read-only" if app.read_only else role
        dot = app.symbols.dot
        long = f"{role} {dot} {self.last_poll}"
        by = (f"{long} by {poller}",) if role == "viewing" else ()
        return *by, long, long.replace(f"{dot} polled", dot), role

    def _show(self, board: MergedBoard) -> None:
        app = self.lictui
        header = self.query_one(HeaderBar)
        header.show(board, self.current_time)
        notices = board.notices
        if app.read_only and not (app.is_past or is_polled(board, app.clock.now())):
            notices = (*notices, _NOBODY_POLLS)
        self.query_one(NoticePanel).show(notices, app.symbols)
        self.board_changed(board)
        self.refresh_bindings()

    def board_changed(self, board: MergedBoard) -> None:
        """Show a new merged board; also called once at the start."""

    def status_line(self) -> tuple[Fragment, ...]:
        """What the footer shows in place of the keys, if anything."""
        if not self.lictui.paused:
            return ()
        return (
            (" PAUSED ", Tone.WARN),
            ("Display paused, recording continues  ", Tone.TEXT),
            (self.key_hint("pause", "resume"), Tone.QUIET),
        )

    def show_status(self) -> None:
        """Show the status line, else the guide of the demo, else the keys."""
        self.query_one(FooterBar).message = self.status_line() or guide_line(self.lictui)

    async def on_event(self, event: events.Event) -> None:
        """Handle nothing while the screen is removed: its widgets may not even be made."""
        if self.display or isinstance(event, events.Unmount):
            await super().on_event(event)

    @property
    def selected_server(self) -> str:
        return ""

    @property
    def no_servers(self) -> str:
        """Why there is no server."""
        if self.lictui.board.notices:
            return "No server can be shown: see the notice above."
        if self.lictui.demo:
            return "Starting simulated license servers …"
        return f"No servers configured. {self.key_hint('server.add', 'add a server')}"

    @property
    def selected_servers(self) -> tuple[str, ...]:
        """The servers of the selected row."""
        return (self.selected_server,) if self.selected_server else ()

    @property
    def moment(self) -> float | None:
        """The time that is selected, if any."""
        return None

    def row_text(self) -> str:
        return ""

    def export_table(self) -> Table:
        return ()

    def action_open(self) -> None:
        """Open the selected row."""

    def action_product(self) -> None:
        self.action_open()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Refuse the filter key while a filter is typed, and without rows what needs one."""
        del parameters
        if action in _ROW_ACTIONS and not self.selected_servers:
            return False
        is_typing = self.focused and self.focused.check_consume_key("slash", "/")
        return not (action == "filter" and is_typing)

    def action_edit(self) -> None:
        if status := self.lictui.board.registered.find(self.selected_server):
            self.lictui.show_view("form", server=status.server)

    def action_test(self) -> None:
        self.lictui.show_view("server", server=self.selected_server, test=True)

    def action_poll_server(self) -> None:
        for server in self.selected_servers:
            status = self.lictui.board.find(server)
            for name in status.member_names if status else ():
                self.lictui.poll(name)

    def action_copy(self) -> None:
        if row := self.row_text():
            self.lictui.copy_to_clipboard(row, row)

    def action_export(self) -> None:
        self.write_csv(self.export_table())

    def write_csv(self, table: Table) -> None:
        if len(table) <= 1:
            self.notify("Nothing to export", severity="warning")
            return
        try:
            file = text.export_csv(table, self.VIEW, self.lictui.clock.now())
        except OSError as error:
            message = f"Cannot write the CSV file: {error.strerror or error}"
            self.notify(message, severity="error")
        else:
            self.notify(f"Exported {count_text(len(table) - 1, 'row')} to {file}")

    def action_back(self) -> None:
        """Close a screen that was opened from another; from a main view go to the dashboard."""
        if self.VIEW in ("usage", "server", "entitlements"):
            self.app.pop_screen()
        elif self.VIEW != "dashboard":
            self.lictui.show_view("dashboard")
        else:
            self.lictui.show_present()

    def action_past(self) -> None:
        """Show the whole monitor as it was, or return to the present."""
        app = self.lictui
        if app.present:
            app.show_present()
        elif not app.is_past:
            app.show_past(app.clock.now() - 300.0 if self.moment is None else self.moment)


class FilterableScreen(MainScreen):
    """A view that `/` filters."""

    ROW_NOUN: ClassVar[str] = "server"  # the rows that the status line counts

    def __init__(self) -> None:
        super().__init__()
        self.summaries: dict[GroupBy, Mapping[TotalKey, PastSummary]] = {}  # as far as asked for
        self.filter = MATCH_ALL
        self.filter_text = ""
        self._filter_bar: FilterBar | None = None  # made when first needed: few sessions filter

    @work(group="past-summaries")
    async def load_summaries(self, by: GroupBy) -> None:
        """Ask for peaks and forecasts; the first answer takes the engine a while."""
        summaries = await self.ask(lambda engine: engine.history.summaries(by))
        if summaries is not None:
            self.summaries[by] = summaries
            self.redraw()

    def rows_changed(self) -> None:
        """Show the rows of the new filter, order or length of trends."""
        self.board_changed(self.lictui.board)

    def row_count(self) -> int:
        return 0

    def status_line(self) -> tuple[Fragment, ...]:
        if (line := super().status_line()) or self.filter.pattern is None:
            return line
        count = self.row_count()
        noun = self.ROW_NOUN if count == 1 else f"{self.ROW_NOUN}s"
        return (
            (f" /{self.filter_text} ", Tone.ACCENT),
            (f" {count} {noun} ", Tone.TEXT) if count else (" no match ", Tone.WARN),
            (" " + self.key_hint("back", "show all"), Tone.QUIET),
        )

    async def action_filter(self) -> None:
        if self._filter_bar is None:
            self._filter_bar = FilterBar()
            await self.mount(self._filter_bar)
        self._filter_bar.open(self.filter_text)

    def action_back(self) -> None:
        if not self.clear_filter():
            super().action_back()

    def clear_filter(self) -> bool:
        """Show all rows again; False if there was no filter."""
        typing = self._filter_bar is not None and self._filter_bar.display
        if self._filter_bar is not None and typing:
            self._filter_bar.open("")  # what was typed last may not have been handled yet
            self._filter_bar.close()
        cleared = typing or self.filter.pattern is not None
        if cleared:  # else the rows may not be there yet
            self._set_filter(MATCH_ALL, "")
        return cleared

    def _set_filter(self, new_filter: Filter, filter_text: str) -> None:
        self.filter, self.filter_text = new_filter, filter_text
        self.rows_changed()
        self.show_status()

    @on(FilterChanged)
    def _on_filter_changed(self, event: FilterChanged) -> None:
        if self._filter_bar is not None and event.text == self._filter_bar.query_one(Input).value:
            self._set_filter(event.filter, event.text)
            self._filter_bar.set_error("" if self.row_count() else "no match")

    @on(FilterClosed)
    def focus_body(self) -> None:
        self.query_one("#body").focus()


class RowKeys(AppScreen):
    """The keys of a screen of rows."""

    @property
    def rows_widget(self) -> LineView[Any]:
        raise NotImplementedError

    def action_move(self, step: int) -> None:
        self.rows_widget.move_cursor(step)

    def action_page(self, pages: float) -> None:
        self.rows_widget.page(pages)

    def action_edge(self, step: int) -> None:
        self.rows_widget.to_edge(step)


class TableKeys(RowKeys):
    """The keys of a screen whose rows are in tables."""

    @property
    def table(self) -> KeyedTable[Any]:
        """The table with the focus, else the last one."""
        *tables, last = cast("Screen[Any]", self).query(KeyedTable)
        return next((table for table in tables if table.has_focus), last)

    @property
    def rows_widget(self) -> KeyedTable[Any]:
        return self.table

    def action_sort_next(self) -> None:
        self.table.sort_next()

    def action_sort_reverse(self) -> None:
        self.table.sort_reverse()


class TableScreen(TableKeys, FilterableScreen):
    """A view of tables that are filled again with every board and in every size."""

    def show_tables(self) -> None:
        raise NotImplementedError

    def board_changed(self, board: MergedBoard) -> None:
        del board
        self.fill_tables()

    def on_resize(self) -> None:
        self.fill_tables()

    def fill_tables(self) -> None:
        if self.size.width:
            self.show_tables()


TREND_LABELS: Final = {
    RangeLength.DAY: "24 h",
    RangeLength.WEEK: "7 d",
    RangeLength.MONTH: "30 d",
    RangeLength.YEAR: "1 year",
}


class TrendScreen(RowKeys, FilterableScreen, Generic[K]):
    """A view of rows with trends, whose length is kept in state.toml."""

    DEFAULT_TREND: ClassVar[RangeLength] = RangeLength.DAY

    def __init__(self) -> None:
        super().__init__()
        self.trends: TrendCache[K] = TrendCache()

    @property
    def trend_length(self) -> RangeLength:
        return RangeLength(self.trends.seconds)

    def trend_pools(self, rows: tuple[K, ...]) -> dict[K, Pools]:
        """The pools whose sum is the trend of each row."""
        raise NotImplementedError

    # Trends

    @on(LineView.VisibleRowsChanged)
    def request_trends(self) -> None:
        self.trends.own_scale = self.lictui.settings.trend_scale == "auto"
        rows, cells = self.rows_widget.visible_rows()
        now = self.current_time.now
        for period, due in self.trends.due(rows, now, cells):
            # The first frame does not wait for them: numpy takes longer to load than it to draw.
            self.call_after_refresh(self._load_trends, period, due, now, cells)

    @work(group="trends")
    async def _load_trends(self, period: int, rows: tuple[K, ...], now: float, cells: int) -> None:
        pools = self.trend_pools(rows)
        if await self.fetch_trends(self.trends, period, pools, now, cells):
            self.rows_widget.trends = self.trends.trends

    def reload_history(self) -> None:
        self.trends.forget()
        self.request_trends()

    def on_screen_resume(self) -> None:
        """Take the length that was chosen last, in this or another view."""
        name = self.lictui.saved_state.get("range", "").upper()
        is_length = name in RangeLength.__members__
        self._set_trend_length(RangeLength[name] if is_length else self.DEFAULT_TREND)

    def action_trend(self, step: int) -> None:
        length = self.trend_length.longer(step)
        if length in TREND_LABELS:
            self.lictui.save_state(range=length.name.lower())
            self._set_trend_length(length)

    def _set_trend_length(self, length: RangeLength) -> None:
        if length is not self.trend_length:
            self.trends.seconds = length.value
            self.rows_changed()
            self.request_trends()

    def trend_status(self) -> tuple[Fragment, ...]:
        if self.trend_length is self.DEFAULT_TREND:
            return ()
        label = TREND_LABELS[self.trend_length]
        keys = (self.lictui.key_of(f"trend.{name}") for name in ("shorter", "longer"))
        return ((f" Trend: {label} ", Tone.ACCENT), (f" {' / '.join(keys)} to change", Tone.QUIET))
