"""View 2, Products: usage per product over all servers, per group, or per server."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual import on, work
from textual.containers import Container

from lictui.clock import iso
from lictui.engine.board import GroupBy, MergedBoard
from lictui.errors import LictuiError
from lictui.tui import commands, text
from lictui.tui.screens.main_screen import TREND_LABELS, TrendScreen
from lictui.tui.text import Cell, Fragment, Table, Tone
from lictui.tui.time_range import time_zone
from lictui.tui.trend_cache import TrendCache, TrendCaches, trend_query
from lictui.tui.widgets import products_view
from lictui.tui.widgets.products import ProductTable
from lictui.tui.widgets.products_view import SORTS, ProductRow
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
_SCOPE_TITLES: Final = {GroupBy.PRODUCT: "", GroupBy.GROUP: "group", GroupBy.SERVER: "server"}
_GROUPINGS: Final = {
    GroupBy.PRODUCT: "over all servers",
    GroupBy.GROUP: "by group",
    GroupBy.SERVER: "by server",
}
_LOW: Final = 18  # rows below which the selected product is not described
_SUMMARY_REFRESH: Final = 60.0  # seconds between two requests; the engine answers from its cache


class ProductsScreen(TrendScreen):
    """The products view."""

    VIEW = "products"
    ROW_NOUN = "product"
    AUTO_FOCUS = "ProductTable"
    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("products")]
    CSS = """
    ProductsScreen {
        & #body { layout: vertical; }
        & ProductTable { height: 1fr; }
        & #description { height: auto; max-height: 3; padding: 0 1; }
        &.-low #description { display: none; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._trends: TrendCaches[TotalKey] = TrendCaches()
        self._summaries: dict[GroupBy, Mapping[TotalKey, PastSummary]] = {}
        self._summaries_at: dict[GroupBy, float] = {}
        self._by = GroupBy.PRODUCT
        self._sort_key = SORTS[0]
        self._reverse = False

    def body(self) -> Widget:
        return Container(ProductTable(self.lictui.symbols), StyledLabel(id="description"))

    @property
    def _table(self) -> ProductTable:
        return self.query_one(ProductTable)

    def focus_body(self) -> None:
        self._table.focus()

    def on_resize(self) -> None:
        self.set_class(self.size.height < _LOW, "-low")

    def board_changed(self, board: MergedBoard) -> None:
        alerts, time = self.lictui.settings.alerts, self.current_time
        totals = board.totals(self._by)
        self._trends.add_readings(
            ((total.scope, total.product, total.model), time.now, total.reading)
            for total in totals
            if total.servers_reporting == total.servers_expected and not total.unknown_pools
        )
        zone = time_zone(self.lictui.settings.timezone)
        context = products_view.ProductsContext(alerts, self.filter, time.today, zone, self._by)
        summaries = self._summaries.get(self._by, {})
        with self.app.batch_update():
            table = self._table
            table.scope_title = _SCOPE_TITLES[self._by]
            table.trends = self._trends.trends
            table.trend_label = TREND_LABELS[self.trend_length]
            rows = products_view.product_rows(totals, summaries, context)
            table.rows = products_view.sort_rows(rows, self._sort_key, reverse=self._reverse)
            self.set_status(self.status_line())
        if totals and time.now - self._summaries_at.get(self._by, 0.0) >= _SUMMARY_REFRESH:
            self._summaries_at[self._by] = time.now
            self._load_summaries(self._by)

    @work(group="past-summaries")
    async def _load_summaries(self, by: GroupBy) -> None:
        """Ask for peaks and forecasts; the first answer takes the engine a while."""
        try:
            self._summaries[by] = await self.lictui.engine.ask(
                lambda engine: engine.history.summaries(by)
            )
        except LictuiError as error:
            self.notify(error.message, severity="error", markup=False)
            return
        if not self.lictui.paused:
            self.board_changed(self.lictui.board)

    @on(ProductTable.CursorMoved)
    def _describe(self) -> None:
        row = self._table.selected
        lines = products_view.describe_row(row, self.lictui.symbols) if row else ()
        self.query_one("#description", StyledLabel).show_lines(*lines)

    def filter_changed(self) -> None:
        self.board_changed(self.lictui.board)

    def row_count(self) -> int:
        return len(self._table.rows)

    def status_line(self) -> tuple[Fragment, ...]:
        """Paused, filtered, the trend length, or that there is nothing to show."""
        if (line := super().status_line()) or self._table.rows:
            return line or self.trend_status()
        return ((" No license data yet", Tone.TEXT),)

    # Trends

    @on(ProductTable.TrendLayoutChanged)
    def _request_trends(self, event: ProductTable.TrendLayoutChanged) -> None:
        now = self.current_time.now
        for cache, due in self._trends.due(self._table.visible_rows, now, event.cells):
            self._load_trends(cache, due, now, event.cells)

    def trend_length_changed(self) -> None:
        self._trends.set_length(self.trend_length.value)
        self.board_changed(self.lictui.board)
        self._table.post_trend_layout()

    @work(group="trends")
    async def _load_trends(
        self, cache: TrendCache[TotalKey], due: tuple[TotalKey, ...], now: float, cells: int
    ) -> None:
        board, by = self.lictui.board, self._by
        queries = tuple(
            trend_query(board.total_pools(by, *key), now, cells, cache.seconds) for key in due
        )
        try:
            answers = await self.lictui.engine.ask(
                lambda engine: engine.history.series_batch(queries)
            )
        except LictuiError as error:
            self.notify(error.message, severity="error", markup=False)
            return
        cache.store(zip(due, answers, strict=True), now, cells)
        self._table.trends = self._trends.trends

    # Copy and export

    def row_text(self) -> str:
        row = self._table.selected
        if row is None:
            return ""
        reading = row.total.reading
        in_use, installed = text.format_count(reading.in_use), text.format_count(reading.installed)
        return f"{row.name}  {in_use} / {installed}  {text.format_percent(row.total.ratio)}"

    def export_table(self) -> Table:
        return (_COLUMNS, *map(_cells, self._table.rows))

    # Keys

    def action_open(self) -> None:
        self.action_product()

    @on(ProductTable.Opened)
    def action_product(self) -> None:
        if row := self._table.selected:
            self.lictui.open_usage(row.total.servers_expected, row.total.product)

    def action_why(self) -> None:
        if row := self._table.selected:
            total = row.total
            self.lictui.show_view(
                "data_sources", servers=total.servers_expected, product=total.product
            )

    def action_by_next(self) -> None:
        groupings = tuple(GroupBy)
        self._by = groupings[(groupings.index(self._by) + 1) % len(groupings)]
        self.board_changed(self.lictui.board)
        self.notify(f"Usage per product {_GROUPINGS[self._by]}", timeout=2, markup=False)

    def action_move(self, step: int) -> None:
        self._table.move_cursor(step)

    def action_page(self, step: int) -> None:
        self._table.move_cursor(step * max(1, self._table.size.height - 2))

    def action_edge(self, step: int) -> None:
        self._table.move_cursor(step * len(self._table.rows))

    def action_sort_next(self) -> None:
        index = SORTS.index(self._sort_key)
        self._sort(SORTS[(index + 1) % len(SORTS)], reverse=False)

    def action_sort_reverse(self) -> None:
        self._sort(self._sort_key, reverse=not self._reverse)

    def _sort(self, key: str, *, reverse: bool) -> None:
        self._sort_key, self._reverse = key, reverse
        self.board_changed(self.lictui.board)
        order = ", reversed" if reverse else ""
        self.notify(f"Sorted by {key}{order}", timeout=2, markup=False)


def _cells(row: ProductRow) -> tuple[Cell, ...]:
    total, past = row.total, row.summary
    peaks = (past.last_24h, past.month, past.all_time)
    day, month, all_time = (products_view.known_peak(peak) for peak in peaks)
    several = len(total.servers_expected) > 1 and past.all_time is not None
    changes = past.assignments
    return (
        *(total.scope, total.product, total.name, total.model.value),
        *(total.reading.installed, total.reading.overdraft, total.reading.in_use),
        *(total.free, total.ratio, total.level.value, total.unknown_pools),
        *(len(total.servers_reporting), len(total.servers_expected)),
        *(peak.peak if peak else None for peak in (day, month, all_time)),
        iso(all_time.peak_at) if all_time and all_time.peak_at is not None else None,
        all_time.installed_at_peak if all_time else None,
        past.all_time.upper_bound if several and past.all_time else None,
        month.average if month else None,
        all_time.coverage if all_time else None,
        *((changes.newly_assigned, changes.released) if changes else (None, None)),
        *(row.net_change, row.days_left),
    )
