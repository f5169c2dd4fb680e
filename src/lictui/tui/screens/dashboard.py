"""View 1, Dashboard: one pane per server, one row per license type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace
from textual import on

from lictui.engine.board import Filter, MergedBoard
from lictui.model import percent_text
from lictui.tui import text
from lictui.tui.screens.main_screen import AGE_REFRESH, TrendScreen
from lictui.tui.text import Fragment, Table, Tone
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
    from lictui.tui.widgets.gauge import Pools

_COLUMNS = (
    "server", "state", "product", "name", "model", "subscription_date",
    "in_use", "installed", "overdraft", "free", "ratio", "level",
)  # fmt: skip


class DashboardScreen(TrendScreen[RowId]):
    """The first view."""

    VIEW = "dashboard"

    def __init__(self) -> None:
        super().__init__()
        self._builder = PaneBuilder()
        self._all_panes: tuple[PaneView, ...] = ()
        self._view = DashboardFilter()

    def body(self) -> PaneGrid:
        return PaneGrid(self.lictui.symbols)

    def on_mount(self) -> None:
        app = self.lictui
        sort, reverse = app.saved_state.get("sort", ""), app.saved_state.get("reverse") == "yes"
        self._view = DashboardFilter(sort=sort if sort in SORTS else SORTS[0], reverse=reverse)
        self.filter, self.filter_text = Filter.parse(app.pattern), app.pattern
        super().on_mount()
        self.watch(app, "pending_polls", self.redraw, init=False)
        self.set_interval(AGE_REFRESH, self.redraw)

    @property
    def rows_widget(self) -> PaneGrid:
        return self.query_one(PaneGrid)

    def board_changed(self, board: MergedBoard) -> None:
        app = self.lictui
        self._all_panes = self._builder.build(
            board, app.settings.alerts, self.current_time, app.pending_polls
        )
        self._apply(self._view)

    def _apply(self, view: DashboardFilter) -> None:
        self._view = replace(view, filter=self.filter)
        with self.app.batch_update():
            self.rows_widget.trends = self.trends.trends
            no_match = "No server or product matches."
            self.rows_widget.empty_text = no_match if self._all_panes else self.no_servers
            self.rows_widget.panes = select_panes(self._all_panes, self._view)
            self.show_status()
        self.request_trends()

    def rows_changed(self) -> None:
        self._apply(self._view)
        self.lictui.save_state(sort=self._view.sort, reverse="yes" if self._view.reverse else "no")

    def row_count(self) -> int:
        return len(self.rows_widget.panes)

    def status_line(self) -> tuple[Fragment, ...]:
        if line := super().status_line():
            return line
        view = self._view
        only = [f" group {view.group} "] if view.group else []
        only += [f" {view.maximized} maximized "] if view.maximized else []
        only += [" problems only "] if view.problems_only else []
        if not only:
            return self.trend_status()
        hint = (" " + self.key_hint("back", "show all"), Tone.QUIET)
        return (*((label, Tone.ACCENT) for label in only), hint)

    # Trends

    def trend_pools(self, rows: tuple[RowId, ...]) -> dict[RowId, Pools]:
        statuses = {status.server.name: status for status in self.lictui.board.servers}
        return {
            row: (statuses[row[0]].history_key(row[1]),)
            for row in rows
            if row[1] is not None and row[0] in statuses
        }

    # The selected row

    @property
    def selected_server(self) -> str:
        return self.rows_widget.cursor[0] if self.rows_widget.cursor else ""

    @property
    def _selected_row(self) -> RowView | None:
        pane = self.rows_widget.selected
        rows = pane.rows if pane else ()
        return next((row for row in rows if row.id == self.rows_widget.cursor), None)

    def row_text(self) -> str:
        row = self._selected_row
        if row is None:
            return self.selected_server
        in_use, installed = row.reading.in_use, row.reading.installed
        figures = f"{text.format_count(in_use)} of {text.format_count(installed)} {row.model.verb}"
        percent = percent_text(row.reading.ratio, row.limits.ratios)
        return f"{row.server}: {row.name}, {figures} ({percent})"

    def export_table(self) -> Table:
        panes = self.rows_widget.panes
        rows = (_cells(pane, row) for pane in panes for row in (*pane.rows, *pane.uncounted))
        return (_COLUMNS, *rows)

    # Keys

    @on(PaneGrid.Opened)
    def action_open(self) -> None:
        self._show_row("usage")

    def action_why(self) -> None:
        row = self._selected_row
        self._show_row("data_sources", day=row.key.subscription_date if row else None)

    def action_holders(self) -> None:
        row = self._selected_row
        self._show_row("license_users", title=row.name if row else "")

    def _show_row(self, view: str, **more: str | None) -> None:
        if row := self._selected_row:
            self.lictui.show_view(view, servers=(row.server,), product=row.key.product, **more)
        elif self.selected_server:
            self.lictui.show_view("server", server=self.selected_server)

    def action_pane(self, step: int) -> None:
        self.rows_widget.step_pane(step)

    def action_group_next(self) -> None:
        groups = ["", *sorted({pane.group for pane in self._all_panes if pane.group})]
        index = groups.index(self._view.group) if self._view.group in groups else 0
        self.show_group(groups[(index + 1) % len(groups)])

    def show_group(self, group: str) -> None:
        """Show the servers of one group, or of all for ""."""
        self._apply(replace(self._view, group=group))

    def action_sort_next(self) -> None:
        following = (SORTS.index(self._view.sort) + 1) % len(SORTS)
        self._sort(SORTS[following], reverse=False)

    def action_sort_reverse(self) -> None:
        self._sort(self._view.sort, reverse=not self._view.reverse)

    def _sort(self, key: str, *, reverse: bool) -> None:
        self._view = replace(self._view, sort=key, reverse=reverse)
        self.rows_changed()
        self.notify(f"Sorted by {key}{', reversed' * reverse}", timeout=2)  # panes have no titles

    def action_problems(self) -> None:
        self._apply(replace(self._view, problems_only=not self._view.problems_only))

    def action_maximise(self) -> None:
        server = "" if self._view.maximized else self.selected_server
        self._apply(replace(self._view, maximized=server))

    def action_back(self) -> None:
        everything = replace(self._view, group="", maximized="", problems_only=False)
        if not self.clear_filter() and everything == self._view:
            super().action_back()
        self._apply(everything)


def _cells(pane: PaneView, row: RowView) -> tuple[str | int | float | None, ...]:
    key, reading = row.key, row.reading
    return (
        row.server, pane.state.value, key.product, row.name, row.model.value,
        key.subscription_date, reading.in_use, reading.installed, reading.overdraft,
        reading.free, reading.ratio, row.level.value,
    )  # fmt: skip
