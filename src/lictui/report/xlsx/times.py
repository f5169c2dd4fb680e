"""The sheets Daily and Monthly, with a chart a product beside the figures.

Owns their columns. Must not know files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lictui.report import saying
from lictui.report.xlsx.cells import PRODUCT, RATIO, named, when
from lictui.report.xlsx.charts import Rows, beside
from lictui.report.xlsx.sheet import Column, Formula, Sheet

if TYPE_CHECKING:
    from lictui.report.values import Report

_SCOPE: Final = (Column("kind", "Scope", width=9), Column("scope", "Whose", width=18))


def daily(workbook: Any, report: Report) -> None:
    """A row a day, of the estate, every group and every server."""
    columns = (
        *(Column("day", "Day", "date"), *PRODUCT, *_SCOPE),
        *(Column("needed", "Peak or assigned", "int", 10), Column("at", "When", "time", 17)),
        *(Column("average", "Average", "hours", 10), Column("installed", "Installed", "int")),
        *(Column("overdraft", "Overdraft", "int"), Column("share", "Share", "share", 9)),
    )
    sheet = Sheet(workbook, "Daily", columns)
    charts = []
    for product in report.products:
        first = sheet.next
        for line in product.lines:
            for day in line.days:
                ratio = (
                    day.figure / day.installed if day.figure is not None and day.installed else None
                )
                sheet.add(
                    (
                        *(day.day, *named(product), line.kind.value, line.name),
                        *(day.figure, when(day.at, report), day.average, day.installed),
                        *(day.overdraft, Formula(RATIO, ratio)),
                    )
                )
        title = f"{product.name} ({saying.kind(product)}), {saying.month(report.month.first)}"
        charts.append(Rows(title, first, first + len(product.estate.days) - 1))
    sheet.done()
    beside(workbook, sheet, charts, ("day", "needed", "installed"), "d")


def monthly(workbook: Any, report: Report) -> None:
    """A row a month of the last twelve."""
    columns = (
        *(Column("month", "Month", "month"), *PRODUCT, *_SCOPE),
        *(Column("needed", "Peak or assigned", "int", 10), Column("at", "When", "time", 17)),
        *(Column("average", "Average", "hours", 10), Column("installed", "Installed", "int")),
        *(Column("share", "Share", "share", 9), Column("recorded", "Recorded", "share", 10)),
        Column("bound", "Only an upper bound", width=11),
    )
    sheet = Sheet(workbook, "Monthly", columns)
    charts = []
    for product in report.products:
        first = sheet.next
        for line in product.lines:
            for month in line.months:
                sheet.add(
                    (
                        *(month.first, *named(product), line.kind.value, line.name),
                        *(month.figure, when(month.at, report), month.average, month.installed),
                        *(Formula(RATIO, month.ratio), month.coverage),
                        "yes" if month.at_most else None,
                    )
                )
        title = f"{product.name} ({saying.kind(product)}), twelve months"
        charts.append(Rows(title, first, first + len(product.estate.months) - 1))
    sheet.done()
    beside(workbook, sheet, charts, ("month", "needed", "installed"), "mmm yy")
