"""View 1, Dashboard: one pane per server, one row per license type."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on, work

from lictui.engine.board import Filter, MergedBoard
from lictui.errors import LictuiError
from lictui.tui import commands, text
from lictui.tui.screens.main_screen import TrendScreen
from lictui.tui.text import Fragment, Table, Tone
from lictui.tui.trend_cache import TrendCache, TrendCaches, trend_query
from lictui.tui.widgets.dashboard import PaneGrid
from lictui.tui.widgets.dashboard_view import (
    SORTS,
    DashboardFilter,
    PaneBuilder,
    PaneView,
    RowId,
    RowView,
    select_panes,
)

if TYPE_CHECKING:
    from textual.binding import BindingType

_AGE_REFRESH: Final = 10.0  # seconds after which the ages shown are brought up to date
_COLUMNS = (
    "server", "state", "product", "name", "model", "subscription_date",
    "in_use", "installed", "overdraft", "free", "ratio", "level",
)  # fmt: skip


class DashboardScreen(TrendScreen):
    """The first view."""

    VIEW = "dashboard"
    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("dashboard")]

    def __init__(self) -> None:
        super().__init__()
        self._builder = PaneBuilder()
        self._trends: TrendCaches[RowId] = TrendCaches()
        self._all_panes: tuple[PaneView, ...] = ()
        self._view = DashboardFilter()
        self._visible: tuple[tuple[RowId, ...], int] = ((), 0)  # rows, and cells of a trend

    def body(self) -> PaneGrid:
        return PaneGrid(self.lictui.symbols)

    def on_mount(self) -> None:
        app = self.lictui
        sort = app.saved_state.get("sort", "")
        self._view = DashboardFilter(
            group=app.group,
            sort=sort if sort in SORTS else SORTS[0],
            reverse=app.saved_state.get("reverse") == "yes",
        )
        self.filter, self.filter_text = Filter.parse(app.pattern), app.pattern
        super().on_mount()
        self.watch(app, "pending_polls", self._redraw, init=False)
        self.set_interval(_AGE_REFRESH, self._redraw)

    @property
    def _grid(self) -> PaneGrid:
        return self.query_one(PaneGrid)

    def board_changed(self, board: MergedBoard) -> None:
        app = self.lictui
        self._all_panes = self._builder.build(
            board, app.settings.alerts, self.current_time, app.pending_polls
        )
        self._trends.add_readings(
            ((status.server.name, pool.key), status.last_success_at, pool.reading)
            for status in board.servers
            if status.is_up and status.snapshot and status.last_success_at is not None
            for pool in status.snapshot.pools
            if pool.key not in status.stale_pools
        )
        self._apply(self._view)

    def _redraw(self) -> None:
        if not self.lictui.paused:
            self.board_changed(self.lictui.board)

    def _apply(self, view: DashboardFilter) -> None:
        """Show the panes that `view` and the filter select."""
        self._view = replace(view, filter=self.filter)
        with self.app.batch_update():
            self._grid.trends = self._trends.trends
            self._grid.empty_text = (
                "No server or product matches." if self._all_panes else "No servers configured yet."
            )
            self._grid.panes = select_panes(self._all_panes, self._view)
            self.set_status(self.status_line())
        self._request_trends()

    def filter_changed(self) -> None:
        self._apply(self._view)

    def row_count(self) -> int:
        return len(self._grid.panes)

    def status_line(self) -> tuple[Fragment, ...]:
        """Paused, filtered, one group or pane only, or the trend length."""
        if line := super().status_line():
            return line
        view = self._view
        only = [f" group {view.group} "] if view.group else []
        only += [f" {view.maximized} maximized "] if view.maximized else []
        labels = tuple((text.strip_controls(label), Tone.ACCENT) for label in only)
        return (*labels, (" esc: show all", Tone.QUIET)) if only else self.trend_status()

    # Trends

    @on(PaneGrid.VisibleRowsChanged)
    def _on_visible_rows(self, event: PaneGrid.VisibleRowsChanged) -> None:
        self._visible = (event.rows, event.cells)
        self._request_trends()

    def _request_trends(self) -> None:
        rows, cells = self._visible
        now = self.current_time.now
        for cache, due in self._trends.due(rows, now, cells):
            self._load_trends(cache, due, now, cells)

    def trend_length_changed(self) -> None:
        self._trends.set_length(self.trend_length.value)
        self._apply(self._view)

    @work(group="trends")
    async def _load_trends(
        self, cache: TrendCache[RowId], rows: tuple[RowId, ...], now: float, cells: int
    ) -> None:
        statuses = {status.server.name: status for status in self.lictui.board.servers}
        pools = [
            (row, statuses[row[0]].history_key(row[1]))
            for row in rows
            if row[1] is not None and row[0] in statuses
        ]
        queries = tuple(trend_query((pool,), now, cells, cache.seconds) for _, pool in pools)
        try:
            answers = await self.lictui.engine.ask(
                lambda engine: engine.history.series_batch(queries)
            )
        except LictuiError as error:
            self.notify(error.message, severity="error", markup=False)
            return
        cache.store(zip((row for row, _ in pools), answers, strict=True), now, cells)
        self._grid.trends = self._trends.trends

    # The selected row

    @property
    def selected_server(self) -> str:
        return self._grid.cursor[0] if self._grid.cursor else ""

    @property
    def _selected_row(self) -> RowView | None:
        pane = self._grid.selected
        rows = pane.rows if pane else ()
        return next((row for row in rows if row.id == self._grid.cursor), None)

    def row_text(self) -> str:
        row = self._selected_row
        if row is None:
            return self.selected_server
        in_use, installed = row.reading.in_use, row.reading.installed
        figures = f"{text.format_count(in_use)} / {text.format_count(installed)}"
        return f"{row.server}  {row.name}  {figures}  {text.format_percent(row.reading.ratio)}"

    def export_table(self) -> Table:
        rows = ((pane, row) for pane in self._grid.panes for row in pane.rows)
        return (_COLUMNS, *(_cells(pane, row) for pane, row in rows))

    # Keys

    def action_open(self) -> None:
        self.action_product()

    @on(PaneGrid.Opened)
    def action_product(self) -> None:
        if row := self._selected_row:
            self.lictui.open_usage((row.server,), row.key.product)
        else:
            self._warn_no_license()

    def action_why(self) -> None:
        if row := self._selected_row:
            product, day = row.key.product, row.key.subscription_date
            self.lictui.show_view("data_sources", servers=(row.server,), product=product, day=day)
        else:
            self._warn_no_license()

    def action_holders(self) -> None:
        if row := self._selected_row:
            product = row.key.product
            self.lictui.show_view(
                "license_users", servers=(row.server,), product=product, title=row.name
            )
        else:
            self._warn_no_license()

    def _warn_no_license(self) -> None:
        self.notify("No license in this pane", severity="warning", markup=False)

    def action_move(self, step: int) -> None:
        self._grid.move_cursor(step)

    def action_page(self, step: int) -> None:
        self._grid.page(step)

    def action_edge(self, step: int) -> None:
        self._grid.to_edge(step)

    def action_pane(self, step: int) -> None:
        self._grid.step_pane(step)

    def action_sort_next(self) -> None:
        sort = SORTS[(SORTS.index(self._view.sort) + 1) % len(SORTS)]
        self._sort(replace(self._view, sort=sort, reverse=False))

    def action_sort_reverse(self) -> None:
        self._sort(replace(self._view, reverse=not self._view.reverse))

    def _sort(self, view: DashboardFilter) -> None:
        self._apply(view)
        self.lictui.save_state(sort=view.sort, reverse="yes" if view.reverse else "no")
        order = ", reversed" if view.reverse else ""
        self.notify(f"Sorted by {view.sort}{order}", timeout=2, markup=False)

    def action_group_next(self) -> None:
        """Show the next group only; after the last one all groups again."""
        groups = ["", *sorted({pane.group for pane in self._all_panes if pane.group})]
        index = groups.index(self._view.group) if self._view.group in groups else 0
        self._apply(replace(self._view, group=groups[(index + 1) % len(groups)]))

    def action_maximise(self) -> None:
        server = "" if self._view.maximized else self.selected_server
        self._apply(replace(self._view, maximized=server))

    def action_back(self) -> None:
        """Show all panes again: no filter, group or maximized pane."""
        self.clear_filter()
        self._apply(replace(self._view, group="", maximized=""))


def _cells(pane: PaneView, row: RowView) -> tuple[str | int | float | None, ...]:
    key, reading = row.key, row.reading
    return (
        row.server, pane.state.value, key.product, row.name, row.model.value,
        key.subscription_date, reading.in_use, reading.installed, reading.overdraft,
        reading.free, reading.ratio, row.level.value,
    )  # fmt: skip
