"""The workbook as a whole, as bytes.

Owns its options and the order of its sheets. Must not know what stands in them.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Final

from lictui.report import saying
from lictui.report.xlsx import dates, products, times

if TYPE_CHECKING:
    from lictui.report.values import Report

# What a server says is text, never a formula, a link or a number in disguise.
_OPTIONS: Final = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


def book(report: Report) -> bytes:
    """The whole file; the same figures on the same day are the same bytes."""
    from xlsxwriter import Workbook  # noqa: PLC0415 - an extra

    out = io.BytesIO()
    workbook = Workbook(out, _OPTIONS)
    made = datetime.combine(report.today, time(), UTC).replace(tzinfo=None)
    workbook.set_properties({"title": saying.title(report), "created": made})
    products.summary(workbook, report)
    times.daily(workbook, report)
    times.monthly(workbook, report)
    products.servers(workbook, report)
    dates.expiries(workbook, report)
    if report.holdings:
        dates.contract(workbook, report)
    workbook.close()
    return out.getvalue()
