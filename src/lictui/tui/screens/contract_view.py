"""The contract sheet as rows of two tables: what was bought, and what ends when.

Pure: a sheet in, toned cells out. Must not know Textual.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lictui.engine.contract import gap, money
from lictui.products import describe
from lictui.tui import text
from lictui.tui.ink import Tone
from lictui.tui.widgets.keyed_table import Column
from lictui.tui.widgets.pane import short_model

if TYPE_CHECKING:
    from datetime import date

    from lictui.analysis.usage import Holding
    from lictui.engine.contract import Sheet
    from lictui.tui.export import Table
    from lictui.tui.widgets.keyed_table import Rows

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


def ends(width: int) -> tuple[Column, ...]:
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
