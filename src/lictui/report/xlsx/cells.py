"""What several sheets have in common: the columns that name a product, shares, totals.

Must not know which sheet it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lictui.report import saying
from lictui.report.xlsx.sheet import Column

if TYPE_CHECKING:
    from datetime import datetime

    from lictui.report.values import Product, Report
    from lictui.report.xlsx.sheet import Cell

PRODUCT: Final = (
    Column("product", "Product", width=38),
    Column("code", "Code", width=16),
    Column("model", "Counted", width=12),
)
RATIO: Final = '=IF(OR({needed}{row}="",N({installed}{row})=0),"",{needed}{row}/{installed}{row})'
# Of the rows that a filter shows.
SUBTOTAL: Final = "=SUBTOTAL(109,{{{0}}}{{first}}:{{{0}}}{{last}})"
# The same, of the rows alone that are counted in this way: no sum mixes two of them.
SUBTOTAL_OF: Final = (
    "=SUMPRODUCT(SUBTOTAL(109,OFFSET({{{0}}}{{first}},"
    "ROW({{{0}}}{{first}}:{{{0}}}{{last}})-ROW({{{0}}}{{first}}),0))"
    '*({{model}}{{first}}:{{model}}{{last}}="{1}"))'
)


def named(product: Product) -> tuple[Cell, ...]:
    """The cells of PRODUCT."""
    return product.name, product.code, saying.kind(product)


def when(at: int | None, report: Report) -> datetime | None:
    """Where the user is; a spreadsheet knows no zones."""
    return None if at is None else saying.local(at, report.zone).replace(tzinfo=None)
