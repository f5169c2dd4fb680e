"""The estate: the same products over all servers. Owns what its keys do."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.containers import Container

from lictui.analysis.series import Series, SeriesQuery
from lictui.clock import iso
from lictui.engine.board import GroupBy, MergedBoard, scope_name
from lictui.errors import LictuiError
from lictui.tui import commands, text
from lictui.tui.screens import products_view
from lictui.tui.screens.main_screen import TREND_LABELS, TrendScreen
from lictui.tui.screens.products_view import SORTS, ProductRow
from lictui.tui.screens.usage_query import slices
from lictui.tui.text import Cell, Fragment, Table, Tone
from lictui.tui.time_range import RangeLength, time_zone
from lictui.tui.trend_cache import Pools, TrendCache, TrendCaches, trend_query
from lictui.tui.widgets.products import ProductTable
from lictui.tui.widgets.styled_text import StyledLabel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.binding import BindingType
    from textual.widget import Widget

    from lictui.analysis.usage import PastSummary, TotalKey

_COLUMNS = (
    "scope", "product", "name", "model", "installed", "overdraft", "in_use", "free", "ratio",
    "level", "unknown", "servers_reporting", "servers_expected", "peak_24h", "peak_month",
    "peak_all", "peak_all_at", "installed_then", "at_most", "average_month", "coverage_all",
    "newly_month", "released_month", "net_month", "days_left",
)  # fmt: skip
_SCOPES = {GroupBy.PRODUCT: "", GroupBy.GROUP: "group", GroupBy.SERVER: "server"}
_LOW = 18  # lines, below which the chosen row is not said in words
_PATIENCE = 60.0  # seconds between two questions; the monitor answers from what it knows


class ProductsScreen(TrendScreen):
    """How the estate is doing on licenses."""

    VIEW = "estate"
    ROWS = "product"
    AUTO_FOCUS = "ProductTable"
    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("estate")]
    CSS = """
    ProductsScreen {
        & #body { layout: vertical; }
        & ProductTable { height: 1fr; }
        & #about { height: auto; max-height: 3; padding: 0 1; }
        &.-low #about { display: none; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._trends: TrendCaches[TotalKey] = TrendCaches()
        self._back: dict[GroupBy, Mapping[TotalKey, PastSummary]] = {}
        self._asked: dict[GroupBy, float] = {}
        self._by = GroupBy.PRODUCT
        self._sort = SORTS[0]
        self._reverse = False
        self._table: ProductTable | None = None

    def body(self) -> Widget:
        """The table, and the chosen row in words."""
        self._table = ProductTable(self.lictui.symbols)
        return Container(self._table, StyledLabel(id="about"))

    @property
    def _estate(self) -> ProductTable:
        if self._table is None:
            raise RuntimeError("asked for the table before there is one")
        return self._table

    def focus_body(self) -> None:
        """Let the keys go to the table."""
        self._estate.focus()

    def on_resize(self) -> None:
        """In few lines the table has them all."""
        self.set_class(self.size.height < _LOW, "-low")

    def board_changed(self, board: MergedBoard) -> None:
        """Sum this board."""
        alerts, moment = self.lictui.settings.alerts, self.current_time
        found = board.totals(self._by)
        self._trends.add_readings(
            ((total.scope, total.product, total.model), moment.now, total.reading)
            for total in found
            if total.servers_reporting == total.servers_expected and not total.unknown_pools
        )
        zone = time_zone(self.lictui.settings.timezone)
        around = products_view.ProductsContext(alerts, self.filter, moment.today, zone, self._by)
        with self.app.batch_update():
            self._estate.scope_title = _SCOPES[self._by]
            self._estate.trends = self._trends.trends
            self._estate.trend_label = TREND_LABELS[self.trend_length]
            rows = products_view.product_rows(found, self._back.get(self._by, {}), around)
            self._estate.rows = products_view.sort_rows(rows, self._sort, reverse=self._reverse)
            self.set_status(self.status_line())
        if found and moment.now - self._asked.get(self._by, 0.0) >= _PATIENCE:
            self._asked[self._by] = moment.now
            self._look_back(self._by)

    @work(group="look-back")
    async def _look_back(self, by: GroupBy) -> None:
        """Ask what the past says; at first that takes the monitor a while."""
        try:
            self._back[by] = await self.lictui.engine.retrospects(by)
        except LictuiError as error:
            self.notify(error.message, severity="error", markup=False)
            return
        if not self.lictui.paused:
            self.board_changed(self.merged)

    @on(ProductTable.CursorMoved)
    def _tell(self) -> None:
        view = self._estate.selected
        said = products_view.describe_row(view, self.lictui.symbols) if view else ()
        self.query_one("#about", StyledLabel).show_lines(*said)

    def filter_changed(self) -> None:
        """Sum again."""
        self.board_changed(self.merged)

    def row_count(self) -> int:
        """The products that are shown."""
        return len(self._estate.rows)

    def status_line(self) -> tuple[Fragment, ...]:
        """Paused, filtered, or why there is nothing."""
        if (said := super().status_line()) or self._estate.rows:
            return said or self.trend_status()
        return ((" no server has told of licenses yet", Tone.TEXT),)

    @on(ProductTable.TrendLayoutChanged)
    def _shaped(self, event: ProductTable.TrendLayoutChanged) -> None:
        now = self.current_time.now
        for pasts, due in self._trends.due(self._estate.visible_rows, now, event.cells):
            self._ask(pasts, due, now, event.cells)

    def trend_length_changed(self) -> None:
        """Sum again; the table says what it needs."""
        self._trends.set_length(self.trend_length.value)
        self.board_changed(self.merged)
        self._estate.post_trend_layout()

    @work(group="trends")
    async def _ask(
        self, pasts: TrendCache[TotalKey], due: tuple[TotalKey, ...], now: float, cells: int
    ) -> None:
        board, by = self.merged, self._by
        asked = [trend_query(_pools(board, by, key), now, cells, pasts.seconds) for key in due]
        try:
            if pasts.seconds <= RangeLength.WEEK.value:
                answers = await self.lictui.engine.many(tuple(asked))
            else:  # a sum of many pools takes its time, and whoever answers has polls to write
                answers = tuple([await self._long(each) for each in asked])
        except LictuiError as error:
            self.notify(error.message, severity="error", markup=False)
            return
        pasts.store(zip(due, answers, strict=True), now, cells)
        self._estate.trends = self._trends.trends

    async def _long(self, asked: SeriesQuery) -> Series:
        parts = [(await self.lictui.engine.many((part,)))[0] for part in slices(asked)]
        return Series(tuple(one for part in parts for one in part.buckets), parts[0].width)

    def row_text(self) -> str:
        """Product and figures."""
        view = self._estate.selected
        if view is None:
            return ""
        reading = view.total.reading
        figures = f"{text.format_count(reading.in_use)} / {text.format_count(reading.installed)}"
        return f"{view.name}  {figures}  {text.format_percent(view.total.ratio)}"

    def export_table(self) -> Table:
        """The rows as they are shown."""
        return (_COLUMNS, *map(_cells, self._estate.rows))

    def action_open(self) -> None:
        """The chart of the chosen product over its servers."""
        self.action_product()

    def action_product(self) -> None:
        """The chart of the chosen product over its servers."""
        if view := self._estate.selected:
            self.lictui.open_usage(view.total.servers_expected, view.total.product)

    def action_why(self) -> None:
        """Where the figures of the chosen product come from, server by server."""
        if view := self._estate.selected:
            self.lictui.show_view(
                "why", servers=view.total.servers_expected, product=view.total.product
            )

    def action_by_next(self) -> None:
        """By product, then each group and product, then each server and product."""
        by = tuple(GroupBy)
        self._by = by[(by.index(self._by) + 1) % len(by)]
        self.board_changed(self.merged)
        said = {
            GroupBy.PRODUCT: "all servers",
            GroupBy.GROUP: "by group",
            GroupBy.SERVER: "by server",
        }
        self.notify(f"Products of {said[self._by]}", timeout=2, markup=False)

    @on(ProductTable.Opened)
    def _opened(self) -> None:
        self.action_product()

    def action_move(self, step: int) -> None:
        """A row down or up."""
        self._estate.move_cursor(step)

    def action_page(self, step: int) -> None:
        """A screen down or up."""
        self._estate.move_cursor(step * max(1, self._estate.size.height - 2))

    def action_edge(self, step: int) -> None:
        """The first or last row."""
        self._estate.move_cursor(step * len(self._estate.rows))

    def action_sort_next(self) -> None:
        """Sort by the next column."""
        self._sort, self._reverse = SORTS[(SORTS.index(self._sort) + 1) % len(SORTS)], False
        self._sorted()

    def action_sort_reverse(self) -> None:
        """Turn the order around."""
        self._reverse = not self._reverse
        self._sorted()

    def _sorted(self) -> None:
        self.board_changed(self.merged)
        turned = ", reversed" if self._reverse else ""
        self.notify(f"Sorted by {self._sort}{turned}", timeout=2, markup=False)


def _pools(board: MergedBoard, by: GroupBy, key: TotalKey) -> Pools:
    scope, product, model = key
    return tuple(
        status.history_key(pool.key)
        for status in board.servers
        if status.snapshot is not None and status.server.enabled
        if scope_name(status, by) == scope
        for pool in status.snapshot.pools
        if pool.counted and pool.product == product and pool.model == model
    )


def _cells(view: ProductRow) -> tuple[Cell, ...]:
    total, past = view.total, view.summary
    day, month, ever = (
        products_view.known_peak(each) for each in (past.last_24h, past.month, past.all_time)
    )
    assigned = past.assignments
    several = len(total.servers_expected) > 1 and past.all_time is not None
    return (
        *(total.scope, total.product, total.name, total.model.value),
        *(total.reading.installed, total.reading.overdraft, total.reading.in_use),
        *(total.free, total.ratio, total.level.value, total.unknown_pools),
        *(len(total.servers_reporting), len(total.servers_expected)),
        *(known.peak if known else None for known in (day, month, ever)),
        iso(ever.peak_at) if ever and ever.peak_at is not None else None,
        ever.installed_at_peak if ever else None,
        past.all_time.upper_bound if several and past.all_time else None,
        month.average if month else None,
        ever.coverage if ever else None,
        *((assigned.newly_assigned, assigned.released) if assigned else (None, None)),
        *(view.net_change, view.days_left),
    )
