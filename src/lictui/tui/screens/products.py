"""View 2, Products: usage per product over all servers, per group, or per server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual import on
from textual.containers import Container

from lictui.clock import iso
from lictui.engine.board import (
    GroupBy,
    MergedBoard,
    Total,
    pools_by_total,
    product_search_terms,
)
from lictui.products import Product
from lictui.time_range import RangeLength
from lictui.tui import text
from lictui.tui.screens.main_screen import TREND_LABELS, TableKeys, TrendScreen
from lictui.tui.text import Cell, Fragment, Table, Tone
from lictui.tui.widgets import products
from lictui.tui.widgets.products import ProductRow, ProductTable
from lictui.tui.widgets.styled_text import StyledLabel

if TYPE_CHECKING:
    from datetime import date
    from zoneinfo import ZoneInfo

    from textual.widget import Widget

    from lictui.analysis.usage import TotalKey
    from lictui.tui.widgets.gauge import Pools

_COLUMNS = (
    "scope", "product", "name", "model", "installed", "overdraft", "in_use", "free", "ratio",
    "level", "unknown", "servers_reporting", "servers_expected", "peak_24h", "peak_month",
    "peak_all", "peak_all_at", "installed_then", "at_most", "average_month", "coverage_all",
    "newly_month", "released_month", "net_month", "days_left", "upper_bounds",
)  # fmt: skip
_GROUPINGS: Final = {
    GroupBy.PRODUCT: "over all servers",
    GroupBy.GROUP: "by group",
    GroupBy.SERVER: "by server",
}
_RESERVED: Final = 6  # lines of header, titles and footer, and blank ones
_SUMMARY_REFRESH: Final = 60.0  # seconds between two requests; the engine answers from its cache


class ProductsScreen(TableKeys, TrendScreen["TotalKey"]):
    """The products view."""

    VIEW = "products"
    ROW_NOUN = "product"
    DEFAULT_TREND = RangeLength.MONTH
    AUTO_FOCUS = "ProductTable"
    CSS = """
    ProductsScreen {
        & #body { layout: vertical; }
        & ProductTable { height: 1fr; }
        & #description { height: auto; max-height: 60%; padding: 0 1; }
        &.-low #description { display: none; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._summaries_at: dict[GroupBy, float] = {}
        self._by = GroupBy.PRODUCT
        self._problems_only = False

    def body(self) -> Widget:
        return Container(ProductTable(self.lictui.symbols), StyledLabel(id="description"))

    @property
    def table(self) -> ProductTable:
        return self.query_one(ProductTable)

    def focus_body(self) -> None:
        self.table.focus()

    def board_changed(self, board: MergedBoard) -> None:
        time, zone, totals = self.current_time, self.zone, board.totals(self._by)
        rows = [self._row(total, time.today, zone) for total in totals if self._matches(total)]
        with self.app.batch_update():
            label, scope = TREND_LABELS[self.trend_length], self._by.value.title()
            self.table.trends = self.trends.trends
            shown = (row for row in rows if row.is_problem or not self._problems_only)
            self.table.show_products(shown, scope, label)
            self.show_status()
            self._describe()
        self.request_trends()
        if totals and abs(time.now - self._summaries_at.get(self._by, 0.0)) >= _SUMMARY_REFRESH:
            self._summaries_at[self._by] = time.now
            self.load_summaries(self._by)

    def _matches(self, total: Total) -> bool:
        terms = product_search_terms(total.product, total.name, total.model)
        return self.filter((*terms, total.scope))

    def _row(self, total: Total, today: date, zone: ZoneInfo | None) -> ProductRow:
        by = self._by
        return ProductRow(
            total,
            Product(total.product, total.name, total.model).short_name,
            self.summaries.get(by, {}).get(total.key, products.NO_SUMMARY),
            today,
            zone,
            total.scope or ("" if by is GroupBy.PRODUCT else "no group"),
        )

    @on(ProductTable.CursorMoved)
    def _describe(self) -> None:
        row, symbols = self.table.selected, self.lictui.symbols
        width = self.size.width - 2
        sentences = products.describe_row(row, symbols) if row else ()
        lines = tuple(line for sentence in sentences for line in text.hang((), sentence, width))
        room = self.size.height - len(self.table.rows) - len(lines) - _RESERVED
        if row and room > 0:
            board = self.lictui.board
            pools = pools_by_total(board, self._by).get(row.id, [])
            lines += products.server_lines(pools, board.alert_settings, symbols)[:room]
        self.query_one("#description", StyledLabel).show_lines(*lines)

    def row_count(self) -> int:
        return len(self.table.rows)

    def status_line(self) -> tuple[Fragment, ...]:
        if (line := super().status_line()) or self._problems_only:
            hint = (" " + self.key_hint("problems", "show all"), Tone.QUIET)
            return line or ((" problems only ", Tone.ACCENT), hint)
        if self.table.rows:
            return self.trend_status()
        return ((" No license data yet", Tone.TEXT),)

    # Trends

    def reload_history(self) -> None:
        self.summaries.clear()
        self._summaries_at.clear()
        super().reload_history()
        self.redraw()

    def trend_pools(self, rows: tuple[TotalKey, ...]) -> dict[TotalKey, Pools]:
        board = self.lictui.board
        return {row: board.total_pools(self._by, *row) for row in rows}

    @property
    def selected_servers(self) -> tuple[str, ...]:
        row = self.table.selected
        return row.total.servers_expected if row else ()

    # Copy and export

    def row_text(self) -> str:
        row = self.table.selected
        return products.describe_row(row, self.lictui.symbols)[0][0][0] if row else ""

    def export_table(self) -> Table:
        return (_COLUMNS, *map(_cells, self.table.shown_products))

    # Keys

    @on(ProductTable.Opened)
    def action_open(self) -> None:
        if row := self.table.selected:
            servers, product = row.total.servers_expected, row.total.product
            self.lictui.show_view("usage", servers=servers, product=product, by=self._by)

    def action_why(self) -> None:
        if row := self.table.selected:
            servers, product = row.total.servers_expected, row.total.product
            self.lictui.show_view("data_sources", servers=servers, product=product)

    def action_problems(self) -> None:
        self._problems_only = not self._problems_only
        self.rows_changed()

    def action_by_next(self) -> None:
        groupings = tuple(GroupBy)
        self._by = groupings[(groupings.index(self._by) + 1) % len(groupings)]
        self.rows_changed()
        self.notify(f"Usage per product {_GROUPINGS[self._by]}", timeout=2)


def _cells(row: ProductRow) -> tuple[Cell, ...]:
    total, past = row.total, row.summary
    peaks = (past.last_24h, past.month, past.all_time)
    day, month, all_time = (products.known_peak(peak) for peak in peaks)
    several = len(total.servers_expected) > 1 and past.all_time is not None
    changes = past.assignments
    named = {"peak_24h": day, "peak_month": month, "peak_all": all_time}
    bounds = " ".join(name for name, peak in named.items() if peak and peak.bound)
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
        *(row.net_change, row.days_left, bounds),
    )
