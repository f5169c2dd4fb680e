"""The sheets Expiries and Contract: what ends when, what was bought and what of it lies idle.

Owns their columns and formulas. Must not know files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lictui.report.xlsx.cells import PRODUCT, SUBTOTAL
from lictui.report.xlsx.sheet import Column, Formula, Sheet

if TYPE_CHECKING:
    from lictui.report.values import Report


def expiries(workbook: Any, report: Report) -> None:
    """What ends in the next twelve months."""
    columns = (
        *(Column("day", "Day", "date"), Column("left", "Days left", "int", 9)),
        *(Column("what", "What", width=20), *PRODUCT[:2], Column("where", "Where", width=18)),
        *(Column("licenses", "Licenses", "int"), Column("later", "A later one goes on", width=10)),
    )
    sheet = Sheet(workbook, "Expiries", columns)
    for end in report.ends:
        left = Formula("={day}{row}-TODAY()", (end.day - report.today).days)
        about = (end.what.value, end.name, end.product, end.server)
        sheet.add((end.day, left, *about, end.licenses, "yes" if end.covered else None))
    sheet.done()
    rows = (sheet.top + 1, 1, max(sheet.next - 1, sheet.top + 1), 1)
    for days, color in ((30, "#B3261E"), (90, "#8A5800")):
        look = workbook.add_format({"font_color": color, "bold": True})
        rule = {
            "type": "cell",
            "criteria": "<=",
            "value": days,
            "format": look,
            "stop_if_true": True,
        }
        sheet.sheet.conditional_format(*rows, rule)


def contract(workbook: Any, report: Report) -> None:
    """What was bought against what is installed and was needed; costs are of one year."""
    columns = (
        *(*PRODUCT[:2], Column("scope", "For", width=16), Column("bought", "Bought", "int")),
        *(Column("installed", "Installed", "int"), Column("month", "This month", "int")),
        *(
            Column("needed", "Most needed in 12 months", "int", 12),
            Column("missing", "Missing", "int"),
        ),
        *(Column("idle", "Idle", "int"), Column("beyond", "Installed less bought", "change")),
        *(Column("each", "Cost of one", "money"), Column("cost", "Cost", "money", 13)),
        *(Column("wasted", "Cost of idle", "money", 13), Column("currency", "Currency", width=9)),
        Column("renewal", "Renewal", "date"),
    )
    sheet = Sheet(workbook, "Contract", columns)
    for each in report.holdings:
        bought = each.purchase
        priced = "" if bought.cost is None else "{each}{row}*"
        sheet.add(
            (
                *(each.name, bought.product, each.scope, bought.purchased),
                *(each.installed, each.peak, each.needed),
                Formula('=IF({needed}{row}="","",MAX(0,{needed}{row}-{bought}{row}))', each.beyond),
                Formula('=IF({needed}{row}="","",MAX(0,{bought}{row}-{needed}{row}))', each.idle),
                Formula(
                    '=IF({installed}{row}="","",{installed}{row}-{bought}{row})',
                    each.installed_beyond,
                ),
                bought.cost,
                Formula(f"={priced}{{bought}}{{row}}", each.cost) if priced else None,
                Formula('=IF({idle}{row}="","",{each}{row}*{idle}{row})', each.idle_cost)
                if priced
                else None,
                *(bought.currency or None, bought.renewal),
            )
        )
    sheet.done()
    if len({each.purchase.currency for each in report.holdings if each.purchase.cost}) == 1:
        cost = sum(each.cost or 0 for each in report.holdings)
        idle = sum(each.idle_cost or 0 for each in report.holdings)
        totals = (
            Formula(SUBTOTAL.format("cost"), cost),
            Formula(SUBTOTAL.format("wasted"), idle),
        )
        sheet.add(("Total of what is shown", *[None] * 10, *totals, None, None), total=True)
