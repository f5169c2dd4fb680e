"""The wall: a pane per server. Owns what its keys do. Must not know how a pane is drawn."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on, work

from lictui.engine.board import Filter, MergedBoard
from lictui.errors import LictuiError
from lictui.tui import commands, text
from lictui.tui.screens.dashboard_view import (
    SORTS,
    DashboardFilter,
    PaneBuilder,
    PaneView,
    RowId,
    RowView,
    select_panes,
)
from lictui.tui.screens.main_screen import TrendScreen
from lictui.tui.text import Fragment, Table, Tone
from lictui.tui.trend_cache import TrendCache, TrendCaches, trend_query
from lictui.tui.widgets.dashboard import PaneGrid

if TYPE_CHECKING:
    from textual.binding import BindingType

    from lictui.model import PoolKey

_AGES: float = 10  # seconds between two looks at whether an age reads differently
_COLUMNS = (
    "server", "state", "product", "name", "model", "subscription_date",
    "in_use", "installed", "overdraft", "free", "ratio", "level",
)  # fmt: skip


class DashboardScreen(TrendScreen):
    """Home."""

    VIEW = "wall"
    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("wall")]

    def __init__(self) -> None:
        super().__init__()
        self._panes = PaneBuilder()
        self._trends: TrendCaches[RowId] = TrendCaches()
        self._all: tuple[PaneView, ...] = ()
        self._wanted = DashboardFilter()
        self._in_view: tuple[tuple[RowId, ...], int] = ((), 0)  # rows, and cells of a trend

    def body(self) -> PaneGrid:
        """The panes."""
        return PaneGrid(self.lictui.symbols)

    def on_mount(self) -> None:
        """Begin as it was left."""
        app = self.lictui
        sort = app.saved_state.get("sort", "")
        self._wanted = DashboardFilter(
            group=app.group,
            sort=sort if sort in SORTS else SORTS[0],
            reverse=app.saved_state.get("reverse") == "yes",
        )
        self.filter, self.spelled = Filter.parse(app.pattern), app.pattern
        super().on_mount()
        self.watch(app, "pending_polls", self._again, init=False)
        self.set_interval(_AGES, self._again)

    @property
    def _wall(self) -> PaneGrid:
        return self.query_one(PaneGrid)

    def board_changed(self, board: MergedBoard) -> None:
        """Draw this board."""
        app = self.lictui
        self._all = self._panes.build(
            board, app.settings.alerts, self.current_time, app.pending_polls
        )
        self._trends.add_readings(
            ((status.server.name, pool.key), status.last_success_at, pool.reading)
            for status in board.servers
            if status.is_up and status.snapshot and status.last_success_at is not None
            for pool in status.snapshot.pools
            if pool.key not in status.stale_pools
        )
        self._want(self._wanted)

    def _again(self) -> None:
        if not self.lictui.paused:
            self.board_changed(self.merged)

    def _want(self, wanted: DashboardFilter) -> None:
        self._wanted = wanted = replace(wanted, filter=self.filter)
        with self.app.batch_update():
            self._wall.trends = self._trends.trends
            self._wall.empty_text = (
                "No server or product matches." if self._all else "No server is registered yet."
            )
            self._wall.panes = select_panes(self._all, wanted)
            self.set_status(self.status_line())
        self._ask_due()

    def filter_changed(self) -> None:
        """Show what the filter lets through."""
        self._want(self._wanted)

    def row_count(self) -> int:
        """The servers that are shown."""
        return len(self._wall.panes)

    def status_line(self) -> tuple[Fragment, ...]:
        """Paused, filtered, narrowed to a group or a pane, or nothing."""
        if said := super().status_line():
            return said
        wanted = self._wanted
        only = [f" group {wanted.group} "] if wanted.group else []
        only += [f" {wanted.maximized} alone "] if wanted.maximized else []
        words = tuple((text.strip_controls(word), Tone.ACCENT) for word in only)
        return (*words, (" esc shows all", Tone.QUIET)) if only else self.trend_status()

    # Trends

    @on(PaneGrid.VisibleRowsChanged)
    def _seen(self, event: PaneGrid.VisibleRowsChanged) -> None:
        self._in_view = (event.rows, event.cells)
        self._ask_due()

    def _ask_due(self) -> None:
        rows, cells = self._in_view
        now = self.current_time.now
        for pasts, due in self._trends.due(rows, now, cells):
            self._ask(pasts, due, now, cells)

    def trend_length_changed(self) -> None:
        """Ask for what is in view."""
        self._trends.set_length(self.trend_length.value)
        self._want(self._wanted)

    @work(group="trends")
    async def _ask(
        self, pasts: TrendCache[RowId], rows: tuple[RowId, ...], now: float, cells: int
    ) -> None:
        known = {status.server.name: status for status in self.merged.servers}
        asked = [
            (row, known[row[0]].history_key(row[1]))
            for row in rows
            if row[1] is not None and row[0] in known
        ]
        questions = tuple(trend_query((owner,), now, cells, pasts.seconds) for _, owner in asked)
        try:
            answers = await self.lictui.engine.many(questions)
        except LictuiError as error:
            self.notify(error.message, severity="error", markup=False)
            return
        pasts.store(zip((row for row, _ in asked), answers, strict=True), now, cells)
        self._wall.trends = self._trends.trends

    # What is chosen

    @property
    def selected_server(self) -> str:
        """The server whose pane the cursor is in."""
        return self._wall.cursor[0] if self._wall.cursor else ""

    def _row(self) -> RowView | None:
        pane = self._wall.selected
        rows = pane.rows if pane else ()
        return next((row for row in rows if row.id == self._wall.cursor), None)

    def row_text(self) -> str:
        """Server, product and figures."""
        row = self._row()
        if row is None:
            return self.selected_server
        figures = (
            f"{text.format_count(row.reading.in_use)} / {text.format_count(row.reading.installed)}"
        )
        return f"{row.server}  {row.name}  {figures}  {text.format_percent(row.reading.ratio)}"

    def export_table(self) -> Table:
        """The rows that are shown, a line each."""
        return (_COLUMNS, *(_cells(p, row) for p in self._wall.panes for row in p.rows))

    # Keys

    def action_open(self) -> None:
        """The chart of the chosen row."""
        self.action_product()

    def action_product(self) -> None:
        """The chart of the chosen row."""
        if row := self._row():
            self.lictui.open_usage((row.server,), row.key.product)
        else:
            self.notify("No license to show here", severity="warning", markup=False)

    def action_why(self) -> None:
        """Where the figures of the chosen row come from."""
        if row := self._row():
            key = row.key
            self.lictui.show_view(
                "why", servers=(row.server,), product=key.product, day=key.subscription_date
            )
        else:
            self.notify("No figures here", severity="warning", markup=False)

    def action_holders(self) -> None:
        """Who holds the licenses of the chosen row."""
        if row := self._row():
            product = row.key.product
            self.lictui.show_view("holders", servers=(row.server,), product=product, title=row.name)
        else:
            self.notify("No license here", severity="warning", markup=False)

    @on(PaneGrid.Opened)
    def _opened(self) -> None:
        self.action_product()

    def action_move(self, step: int) -> None:
        """A row down or up."""
        self._wall.move_cursor(step)

    def action_page(self, step: int) -> None:
        """A screen down or up."""
        self._wall.page(step)

    def action_edge(self, step: int) -> None:
        """The first or last row."""
        self._wall.to_edge(step)

    def action_pane(self, step: int) -> None:
        """The next or previous pane."""
        self._wall.step_pane(step)

    def action_sort_next(self) -> None:
        """Sort by the next column."""
        sort = SORTS[(SORTS.index(self._wanted.sort) + 1) % len(SORTS)]
        self._sorted(replace(self._wanted, sort=sort, reverse=False))

    def action_sort_reverse(self) -> None:
        """Turn the order around."""
        self._sorted(replace(self._wanted, reverse=not self._wanted.reverse))

    def _sorted(self, wanted: DashboardFilter) -> None:
        self._want(wanted)
        self.lictui.save_state(sort=wanted.sort, reverse="yes" if wanted.reverse else "no")
        turned = ", reversed" if wanted.reverse else ""
        self.notify(f"Sorted by {wanted.sort}{turned}", timeout=2, markup=False)

    def action_group_next(self) -> None:
        """The next group alone; after the last all again."""
        groups = ["", *sorted({pane.group for pane in self._all if pane.group})]
        at = groups.index(self._wanted.group) if self._wanted.group in groups else 0
        self._want(replace(self._wanted, group=groups[(at + 1) % len(groups)]))

    def action_maximise(self) -> None:
        """The chosen pane alone, or all again."""
        alone = "" if self._wanted.maximized else self.selected_server
        self._want(replace(self._wanted, maximized=alone))

    def action_back(self) -> None:
        """Undo the filter and what else narrows the wall."""
        self.clear_filter()
        self._want(replace(self._wanted, group="", maximized=""))


def _cells(pane: PaneView, row: RowView) -> tuple[str | int | float | None, ...]:
    key: PoolKey = row.key
    reading = row.reading
    return (
        row.server, pane.state.value, key.product, row.name, row.model.value,
        key.subscription_date, reading.in_use, reading.installed, reading.overdraft,
        reading.free, reading.ratio, row.level.value,
    )  # fmt: skip
