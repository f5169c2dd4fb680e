"""The contract sheet: what was bought against what is needed, and what ends in the next year.

Owns the two lists and what their keys do. Must not know where the contract is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual import work
from textual.containers import Vertical

from lictui.engine.entitlements import (
    EntitlementOverview,
    compare_entitlements,
    format_money,
    groupings,
    summary,
)
from lictui.errors import LictuiError
from lictui.products import describe
from lictui.tui import commands, text
from lictui.tui.screens.main_screen import MainScreen
from lictui.tui.text import Table, Tone
from lictui.tui.widgets.styled_text import StyledLabel
from lictui.tui.widgets.table import KeyedTable, Rows, TableColumn

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from textual.binding import BindingType
    from textual.widget import Widget

    from lictui.analysis.usage import ContractLine, PastSummary, TotalKey
    from lictui.engine.board import GroupBy, MergedBoard


# The contract sheet as rows of two tables: what was bought, and what ends when


_SOON: Final = (30, 90)  # days: critical, warning
_WORDS: Final = {
    "renewal": "contract renewal",
    "expiry": "licenses expire",
    "subscription": "subscription ends",
    "activation": "LAS activation ends",
}
_HEAD: Final = (
    *("list", "scope", "product", "name", "purchased", "installed", "peak_month", "peak_all"),
    *("gap", "idle", "cost", "idle_cost", "currency", "day", "what", "days_left"),
)


def bought(width: int) -> tuple[TableColumn, ...]:
    """Columns of the contract's lines; the sentence takes what is left."""
    scope = 10 if width >= 100 else 0  # noqa: PLR2004 - columns
    name = min(40, max(16, width // 5))
    figures = (("purchased", "bought"), ("installed", "installed"), ("needed", "peak"))
    left = width - name - 1 - (scope + 1 if scope else 0) - 30 - 2
    return (
        TableColumn("name", "product", name),
        *((TableColumn("scope", "for", scope),) if scope else ()),
        *(TableColumn(key, f"{title:>9}", 9) for key, title in figures),
        TableColumn("gap", "in words", max(10, left), cut_at_end=True),
    )


def ends_contract_view(width: int) -> tuple[TableColumn, ...]:
    """Columns of the calendar; where there is little room the day says what is left, too."""
    wide = width >= 70  # noqa: PLR2004 - columns
    return (
        TableColumn("day", "on", 11),
        *((TableColumn("left", f"{'left':>8}", 8),) if wide else ()),
        TableColumn("what", "what", 19),
        TableColumn("count", "licenses", 8),
        TableColumn("about", "of", max(10, width - (54 if wide else 45)), cut_at_end=True),
    )


def holdings(sheet: EntitlementOverview) -> Rows:
    """The lines of the contract."""
    return {
        f"{each.scope}/{each.entitlement.product}": {
            "name": (_name(each), Tone.TEXT),
            "scope": (text.strip_controls(each.scope), Tone.QUIET),
            "purchased": (f"{each.entitlement.purchased:>9,}", Tone.TEXT),
            "installed": (f"{text.format_count(each.installed):>9}", Tone.TEXT),
            "needed": (f"{text.format_count(each.highest_peak):>9}", Tone.TEXT),
            "gap": (summary(each), _tone(each)),
        }
        for each in sheet.lines
    }


def _name(holding: ContractLine) -> str:
    product = describe(holding.entitlement.product)
    return text.strip_controls(f"{product.short_name} {product.model.short}")


def _tone(holding: ContractLine) -> Tone:
    if holding.shortfall:
        return Tone.CRITICAL
    return Tone.WARN if holding.unused or holding.installed_surplus else Tone.TEXT


def endings(sheet: EntitlementOverview, today: date) -> Rows:
    """The days that matter, the soonest first."""
    found: Rows = {}
    for at, each in enumerate(sheet.expiries):
        days = (each.day - today).days
        tone = Tone.CRITICAL if days <= _SOON[0] else Tone.WARN if days <= _SOON[1] else Tone.TEXT
        left = "today" if not days else f"{days:,} d" if days > 0 else f"{-days:,} d ago"
        name = describe(each.product).short_name if each.product else ""
        about = f"{each.server}: {name}" if name else each.server
        found[f"{at}/{each.day}/{each.kind}/{each.server}/{each.product}"] = {
            "day": (f"{each.day.day} {each.day:%b %Y}", Tone.TEXT),
            "left": (f"{left:>8}", tone),
            "what": (_WORDS[each.kind], Tone.TEXT),
            "count": (f"{'' if each.count is None else format(each.count, ','):>8}", Tone.TEXT),
            "about": (text.strip_controls(about), Tone.TEXT),
        }
    return found


def sheet_title(sheet: EntitlementOverview) -> str:
    """What all lines come to, currencies apart."""
    over = sum(1 for each in sheet.lines if each.shortfall)
    idle: dict[str, float] = {}
    for each in sheet.lines:
        if each.unused_cost:
            currency = each.entitlement.currency
            idle[currency] = idle.get(currency, 0.0) + each.unused_cost
    said = [f"{over} over-used"] if over else []
    said += [f"{format_money(amount, currency)} a year idle" for currency, amount in idle.items()]
    lines = len(sheet.lines)
    noun = "line" if lines == 1 else "lines"
    return f"Contract: {lines} {noun}" + (f": {', '.join(said)}" if said else "")


def table(sheet: EntitlementOverview, today: date) -> Table:
    """Both lists, for a spreadsheet."""
    nothing = (None,) * 3
    return (
        _HEAD,
        *(
            (
                *("bought", each.scope, each.entitlement.product, each.name),
                *(
                    each.entitlement.purchased,
                    each.installed,
                    each.peak,
                    each.highest_peak,
                    summary(each),
                ),
                *(each.unused, each.cost, each.unused_cost, each.entitlement.currency, *nothing),
            )
            for each in sheet.lines
        ),
        *(
            (
                *("ends", each.server, each.product, each.name, each.count),
                *(*nothing, "", *nothing, ""),
                *(each.day.isoformat(), each.kind, (each.day - today).days),
            )
            for each in sheet.expiries
        ),
    )


_NONE = "Nothing is known of what was bought: write contract.toml"
_HOW = ", as the README shows"


class EntitlementsScreen(MainScreen):
    """The contract sheet."""

    VIEW = "contract"
    AUTO_FOCUS = "#ends"
    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("contract")]
    CSS = """
    EntitlementsScreen {
        & .head { height: 1; padding: 0 1; }
        & #bought { height: auto; max-height: 50%; }
        & #ends { height: 1fr; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._pasts: dict[GroupBy, Mapping[TotalKey, PastSummary]] = {}
        self._asked: set[GroupBy] = set()
        self._sheet = EntitlementOverview((), ())

    def body(self) -> Widget:
        """The two lists."""
        symbols = self.lictui.symbols
        return Vertical(
            StyledLabel(id="bought-head", classes="head"),
            KeyedTable(symbols, id="bought"),
            StyledLabel(id="ends-head", classes="head"),
            KeyedTable(symbols, id="ends"),
        )

    def board_changed(self, board: MergedBoard) -> None:
        """Compare again, and look back for what was not looked back at before."""
        del board
        for each in groupings(self.lictui.settings.entitlements):
            if each not in self._asked:
                self._asked.add(each)
                self._look_back(each)
        self._present()

    @work(group="contract")
    async def _look_back(self, by: GroupBy) -> None:
        try:
            self._pasts[by] = await self.lictui.engine.retrospects(by)
        except LictuiError as error:
            self.notify(error.message, severity="error", markup=False)
            return
        self._present()

    def on_resize(self) -> None:
        """The sentences take what room there is."""
        self._present()

    def _present(self) -> None:
        if not self.size.width:
            return
        width, today = self.size.width - 2, self.current_time.today
        settings = self.lictui.settings
        found = compare_entitlements(self.merged, settings.entitlements, self._pasts, today)
        self._sheet = found
        none = _NONE + _HOW if width >= len(_NONE + _HOW) else _NONE
        title = sheet_title(found) if found.lines else none
        self.query_one("#bought-head", StyledLabel).show_lines(((title, Tone.STRONG),))
        table = self.query_one("#bought", KeyedTable)
        table.display = bool(found.lines)
        table.show_rows(bought(width), holdings(found))
        ends = "In the next 12 months" if found.expiries else "Nothing ends in the next 12 months"
        self.query_one("#ends-head", StyledLabel).show_lines(((ends, Tone.STRONG),))
        rows = endings(found, today)
        self.query_one("#ends", KeyedTable).show_rows(ends_contract_view(width), rows)

    @property
    def _chosen(self) -> KeyedTable:
        bought = self.query_one("#bought", KeyedTable)
        return bought if bought.has_focus else self.query_one("#ends", KeyedTable)

    def action_move(self, by: int) -> None:
        """To the next or the previous line."""
        self._chosen.move_cursor(row=self._chosen.cursor_row + by)

    def action_back(self) -> None:
        """Back to the view this was opened from."""
        self.app.pop_screen()

    def export_table(self) -> Table:
        """Both lists."""
        return table(self._sheet, self.current_time.today)
