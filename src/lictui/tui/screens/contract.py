"""The contract sheet: what was bought against what is needed, and what ends in the next year.

Owns the two lists and what their keys do. Must not know where the contract is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual import work
from textual.containers import Vertical

from lictui.engine.contract import Sheet, gap, money, sheet, wanted
from lictui.errors import LictuiError
from lictui.products import describe
from lictui.tui import commands, text
from lictui.tui.screens.main_screen import View
from lictui.tui.text import Table, Tone
from lictui.tui.widgets.pane import short_model
from lictui.tui.widgets.styled_text import Prose
from lictui.tui.widgets.table import Column, KeyedTable, Rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from textual.binding import BindingType
    from textual.widget import Widget

    from lictui.analysis.usage import Holding, Key, Retrospect
    from lictui.engine.board import Board, By


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


def bought(width: int) -> tuple[Column, ...]:
    """Columns of the contract's lines; the sentence takes what is left."""
    scope = 10 if width >= 100 else 0  # noqa: PLR2004 - columns
    name = min(40, max(16, width // 5))
    figures = (("purchased", "bought"), ("installed", "installed"), ("needed", "peak"))
    left = width - name - 1 - (scope + 1 if scope else 0) - 30 - 2
    return (
        Column("name", "product", name),
        *((Column("scope", "for", scope),) if scope else ()),
        *(Column(key, f"{title:>9}", 9) for key, title in figures),
        Column("gap", "in words", max(10, left), sentence=True),
    )


def ends_contract_view(width: int) -> tuple[Column, ...]:
    """Columns of the calendar; where there is little room the day says what is left, too."""
    wide = width >= 70  # noqa: PLR2004 - columns
    return (
        Column("day", "on", 11),
        *((Column("left", f"{'left':>8}", 8),) if wide else ()),
        Column("what", "what", 19),
        Column("count", "licenses", 8),
        Column("about", "of", max(10, width - (54 if wide else 45)), sentence=True),
    )


def holdings(sheet: Sheet) -> Rows:
    """The lines of the contract."""
    return {
        f"{each.scope}/{each.purchase.product}": {
            "name": (_name(each), Tone.TEXT),
            "scope": (text.clean(each.scope), Tone.QUIET),
            "purchased": (f"{each.purchase.purchased:>9,}", Tone.TEXT),
            "installed": (f"{text.figure(each.installed):>9}", Tone.TEXT),
            "needed": (f"{text.figure(each.needed):>9}", Tone.TEXT),
            "gap": (gap(each), _tone(each)),
        }
        for each in sheet.holdings
    }


def _name(holding: Holding) -> str:
    product = describe(holding.purchase.product)
    return text.clean(f"{product.short_name} {short_model(product.model)}")


def _tone(holding: Holding) -> Tone:
    if holding.beyond:
        return Tone.CRITICAL
    return Tone.WARN if holding.idle or holding.installed_beyond else Tone.TEXT


def endings(sheet: Sheet, today: date) -> Rows:
    """The days that matter, the soonest first."""
    found: Rows = {}
    for at, each in enumerate(sheet.endings):
        days = (each.day - today).days
        tone = Tone.CRITICAL if days <= _SOON[0] else Tone.WARN if days <= _SOON[1] else Tone.TEXT
        left = "today" if not days else f"{days:,} d" if days > 0 else f"{-days:,} d ago"
        name = describe(each.product).short_name if each.product else ""
        about = f"{each.scope}: {name}" if name else each.scope
        found[f"{at}/{each.day}/{each.what}/{each.scope}/{each.product}"] = {
            "day": (f"{each.day.day} {each.day:%b %Y}", Tone.TEXT),
            "left": (f"{left:>8}", tone),
            "what": (_WORDS[each.what], Tone.TEXT),
            "count": (f"{'' if each.count is None else format(each.count, ','):>8}", Tone.TEXT),
            "about": (text.clean(about), Tone.TEXT),
        }
    return found


def summary(sheet: Sheet) -> str:
    """What all lines come to, currencies apart."""
    over = sum(1 for each in sheet.holdings if each.beyond)
    idle: dict[str, float] = {}
    for each in sheet.holdings:
        if each.idle_cost:
            currency = each.purchase.currency
            idle[currency] = idle.get(currency, 0.0) + each.idle_cost
    said = [f"{over} over-used"] if over else []
    said += [f"{money(amount, currency)} a year idle" for currency, amount in idle.items()]
    lines = len(sheet.holdings)
    noun = "line" if lines == 1 else "lines"
    return f"Contract: {lines} {noun}" + (f": {', '.join(said)}" if said else "")


def table(sheet: Sheet, today: date) -> Table:
    """Both lists, for a spreadsheet."""
    nothing = (None,) * 3
    return (
        _HEAD,
        *(
            (
                *("bought", each.scope, each.purchase.product, each.name),
                *(each.purchase.purchased, each.installed, each.peak, each.needed, gap(each)),
                *(each.idle, each.cost, each.idle_cost, each.purchase.currency, *nothing),
            )
            for each in sheet.holdings
        ),
        *(
            (
                *("ends", each.scope, each.product, each.name, each.count),
                *(*nothing, "", *nothing, ""),
                *(each.day.isoformat(), each.what, (each.day - today).days),
            )
            for each in sheet.endings
        ),
    )


_NONE = "Nothing is known of what was bought: write contract.toml"
_HOW = ", as the README shows"


class ContractScreen(View):
    """The contract sheet."""

    VIEW = "contract"
    AUTO_FOCUS = "#ends"
    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("contract")]
    CSS = """
    ContractScreen {
        & .head { height: 1; padding: 0 1; }
        & #bought { height: auto; max-height: 50%; }
        & #ends { height: 1fr; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._pasts: dict[By, Mapping[Key, Retrospect]] = {}
        self._asked: set[By] = set()
        self._sheet = Sheet((), ())

    def body(self) -> Widget:
        """The two lists."""
        symbols = self.lictui.symbols
        return Vertical(
            Prose(id="bought-head", classes="head"),
            KeyedTable(symbols, id="bought"),
            Prose(id="ends-head", classes="head"),
            KeyedTable(symbols, id="ends"),
        )

    def board_changed(self, board: Board) -> None:
        """Compare again, and look back for what was not looked back at before."""
        del board
        for each in wanted(self.lictui.settings.contract):
            if each not in self._asked:
                self._asked.add(each)
                self._look_back(each)
        self._present()

    @work(group="contract")
    async def _look_back(self, by: By) -> None:
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
        width, today = self.size.width - 2, self.moment.today
        settings = self.lictui.settings
        found = sheet(self.merged, settings.contract, self._pasts, settings.alerts, today)
        self._sheet = found
        none = _NONE + _HOW if width >= len(_NONE + _HOW) else _NONE
        title = summary(found) if found.holdings else none
        self.query_one("#bought-head", Prose).say(((title, Tone.STRONG),))
        table = self.query_one("#bought", KeyedTable)
        table.display = bool(found.holdings)
        table.present(bought(width), holdings(found))
        ends = "In the next 12 months" if found.endings else "Nothing ends in the next 12 months"
        self.query_one("#ends-head", Prose).say(((ends, Tone.STRONG),))
        rows = endings(found, today)
        self.query_one("#ends", KeyedTable).present(ends_contract_view(width), rows)

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

    def exported(self) -> Table:
        """Both lists."""
        return table(self._sheet, self.moment.today)
