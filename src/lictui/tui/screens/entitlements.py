"""Entitlements: purchased licenses compared with installed and used ones, and what expires."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.containers import Vertical

from lictui.engine.entitlements import (
    ContractLine,
    EntitlementOverview,
    ExpiryKind,
    compare_entitlements,
    groupings,
    summary,
    unused_costs,
)
from lictui.products import describe
from lictui.tui import text
from lictui.tui.screens.main_screen import TableScreen
from lictui.tui.text import Table, Tone
from lictui.tui.widgets.styled_text import StyledLabel
from lictui.tui.widgets.table import UNLIMITED, KeyedTable, Rows, TableColumn

if TYPE_CHECKING:
    from datetime import date

    from textual.widget import Widget

    from lictui.engine.board import GroupBy, MergedBoard
    from lictui.model import Model


# The two lists as rows


_CRITICAL_DAYS, _WARN_DAYS = 30, 90
_KINDS: Final = {
    ExpiryKind.RENEWAL: "renewal",
    ExpiryKind.LICENSES: "expires",
    ExpiryKind.SUBSCRIPTION: "SA ends",
    ExpiryKind.ACTIVATION: "LAS ends",
}
_EXPORT_COLUMNS: Final = (
    "list", "scope", "product", "name", "purchased", "installed", "peak_month", "peak_all",
    "gap", "idle", "cost", "idle_cost", "currency", "day", "what", "days_left",
)  # fmt: skip


_LINES: Final = (
    TableColumn("name", "Product", 16),
    TableColumn("scope", "Scope", 6, rank=1),
    *(
        TableColumn(key.lower(), key, 9, is_right=True)
        for key in ("Purchased", "Installed", "Peak")
    ),
    TableColumn("summary", "Summary", 26, most=UNLIMITED, cut_at_end=True),
)
_EXPIRIES: Final = (
    TableColumn("day", "Date", 11),
    TableColumn("left", "Left", 6, rank=2, is_right=True),
    TableColumn("kind", "Event", 8),
    TableColumn("count", "Licenses", 8, rank=1, is_right=True),
    TableColumn("server", "Server", 8),
    TableColumn("name", "Product", 24, most=UNLIMITED),
)


def line_rows(overview: EntitlementOverview) -> Rows[str]:
    """The entitlements."""
    return {
        f"{line.scope}/{line.entitlement.product}": {
            "name": (_product_name(line.entitlement.product, line.name, line.model), Tone.TEXT),
            "scope": (_scope_name(line.scope), Tone.QUIET),
            "purchased": (f"{line.entitlement.purchased:,}", Tone.TEXT),
            "installed": (text.format_count(line.installed), Tone.TEXT),
            "peak": ("<= " * line.is_bound + text.format_count(line.highest_peak), Tone.TEXT),
            "summary": (summary(line), _tone(line)),
        }
        for line in overview.lines
    }


def _scope_name(scope: str) -> str:
    return "all servers" if scope == "estate" else scope


def _product_name(code: str, name: str, model: Model) -> str:
    product = describe(code, name, model)
    return f"{product.short_name} {product.model.short}" if code else ""


def _tone(line: ContractLine) -> Tone:
    if line.shortfall:
        return Tone.CRITICAL
    return Tone.WARN if line.unused or line.installed_surplus else Tone.TEXT


def expiry_rows(overview: EntitlementOverview, today: date) -> Rows[str]:
    """The expirations, the soonest first."""
    rows: Rows[str] = {}
    for index, expiry in enumerate(overview.expiries):
        days = (expiry.day - today).days
        tone = Tone.WARN if days <= _WARN_DAYS else Tone.TEXT
        tone = Tone.CRITICAL if days <= _CRITICAL_DAYS else tone
        left = "today" if not days else f"{days:,} d" if days > 0 else f"{-days:,} d ago"
        name = _product_name(expiry.product, expiry.name, expiry.model)
        count = "" if expiry.count is None else f"{expiry.count:,}"
        rows[f"{index}/{expiry.day}/{expiry.kind}/{expiry.server}/{expiry.product}"] = {
            "day": (f"{expiry.day.day} {expiry.day:%b %Y}", Tone.TEXT, days),
            "left": (left, tone, days),
            "kind": (_KINDS[expiry.kind], Tone.TEXT),
            "count": (count, Tone.TEXT),
            "server": (_scope_name(expiry.server), Tone.TEXT),
            "name": (name, Tone.TEXT),
        }
    return rows


def overview_title(overview: EntitlementOverview) -> str:
    """All entitlements in one line, each currency for itself."""
    overused = sum(1 for line in overview.lines if line.shortfall)
    parts = [f"{overused} overused"] if overused else []
    parts += [f"{cost} per year unused" for cost in unused_costs(overview.lines)]
    return f"Entitlements: {len(overview.lines)}" + (f" ({', '.join(parts)})" if parts else "")


def overview_table(overview: EntitlementOverview, today: date) -> Table:
    """Both lists, for a spreadsheet."""
    none = (None,) * 3
    lines = (
        (
            *("entitlement", line.scope, line.entitlement.product, line.name),
            *(line.entitlement.purchased, line.installed, line.peak, line.highest_peak),
            *(summary(line), line.unused, line.cost, line.unused_cost),
            *(line.entitlement.currency, *none),
        )
        for line in overview.lines
    )
    expiries = (
        (
            *("expiration", expiry.server, expiry.product, expiry.name, expiry.count),
            *(*none, "", *none, ""),
            *(expiry.day.isoformat(), expiry.kind, (expiry.day - today).days),
        )
        for expiry in overview.expiries
    )
    return (_EXPORT_COLUMNS, *lines, *expiries)


_NONE: Final = "No entitlements configured. Create contract.toml"
_SEE_DOCS: Final = " (see docs/reports.md)."


class EntitlementsScreen(TableScreen):
    """The entitlements, opened over another view."""

    VIEW = "entitlements"
    AUTO_FOCUS = "#expiries"
    CSS = """
    EntitlementsScreen {
        & .title { height: 1; padding: 0 1; }
        & #lines { height: auto; max-height: 50%; }
        & #expiries { height: 1fr; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._requested: set[GroupBy] = set()
        self._overview = EntitlementOverview((), ())

    def body(self) -> Widget:
        symbols = self.lictui.symbols
        return Vertical(
            StyledLabel(id="lines-title", classes="title"),
            KeyedTable(symbols, id="lines"),
            StyledLabel(id="expiries-title", classes="title"),
            KeyedTable(symbols, id="expiries"),
        )

    def board_changed(self, board: MergedBoard) -> None:
        """Compare again; ask once for the peaks of each grouping."""
        for by in groupings(self.lictui.settings.entitlements):
            if by not in self._requested:
                self._requested.add(by)
                self.load_summaries(by)
        super().board_changed(board)

    def show_tables(self) -> None:
        width, today, settings = self.size.width - 2, self.current_time.today, self.lictui.settings
        overview = compare_entitlements(
            self.lictui.board, settings.entitlements, self.summaries, today
        )
        self._overview = overview
        none = _NONE + _SEE_DOCS if width >= len(_NONE + _SEE_DOCS) else _NONE
        title = overview_title(overview) if overview.lines else none
        self.query_one("#lines-title", StyledLabel).show_lines(((title, Tone.STRONG),))
        lines = self.query_one("#lines", KeyedTable)
        lines.display = bool(overview.lines)
        lines.show_rows(_LINES, line_rows(overview))
        title = "Expirations" if overview.expiries else "No expirations"
        title += " in the next 12 months"
        self.query_one("#expiries-title", StyledLabel).show_lines(((title, Tone.STRONG),))
        rows = expiry_rows(overview, today)
        self.query_one("#expiries", KeyedTable).show_rows(_EXPIRIES, rows)

    def export_table(self) -> Table:
        return overview_table(self._overview, self.current_time.today)
