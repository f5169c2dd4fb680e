"""The sheets Summary and Servers: a row a product, and a row a product and server.

Owns their columns and formulas. Must not know files.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from lictui.report import saying, words
from lictui.report.short import in_short
from lictui.report.xlsx.cells import PRODUCT, RATIO, SUBTOTAL_OF, named, when
from lictui.report.xlsx.sheet import Column, Formula, Sheet

if TYPE_CHECKING:
    from lictui.report.values import Line, Report
    from lictui.report.xlsx.sheet import Cell

_SHARE: Final = RATIO.replace("installed", "then")
_FREE: Final = '=IF(OR({needed}{row}="",{then}{row}=""),"",{then}{row}-{needed}{row})'
_CHANGE: Final = '=IF(OR({needed}{row}="",{before}{row}=""),"",{needed}{row}-{before}{row})'
_FIGURES: Final = (
    Column("installed", "Installed", "int"),
    Column("needed", "Needed", "int"),
    Column("at", "When", "time", 17),
    Column("then", "Installed then", "int"),
    Column("share", "Share", "share", 9),
    Column("free", "Free", "int", 9),
    Column("before", "Month before", "int", 10),
    Column("change", "Change", "change", 9),
    Column("year", "Year before", "int", 10),
    Column("critical", "Days at critical", "int", 9),
    Column("p95", "Enough for 95 %", "int"),
    Column("recorded", "Recorded", "share", 10),
    Column("state", "State", width=14),
)
_DETAILS: Final = (
    Column("overdraft", "Overdraft", "int"),
    Column("average", "Average", "hours", 10),
    Column("p99", "Enough for 99 %", "int"),
    Column("warn", "Days at warning", "int", 9),
    Column("full", "Days at installed", "int", 9),
    Column("h80", "Hours at 80 %", "hours", 9),
    Column("h90", "Hours at 90 %", "hours", 9),
    Column("h100", "Hours at 100 %", "hours", 9),
    Column("newly", "Newly assigned", "int", 10),
    Column("released", "Released", "int", 10),
)
_HOUR: Final = 3600  # seconds


def _figures(line: Line, report: Report) -> tuple[Cell, ...]:
    month, usage = line.month, line.usage
    free = change = None
    if month.figure is not None:
        free = None if month.installed is None else month.installed - month.figure
        change = None if line.before.figure is None else month.figure - line.before.figure
    return (
        *(line.installed, month.figure, when(month.at, report), month.installed),
        *(Formula(_SHARE, month.ratio), Formula(_FREE, free)),
        *(line.before.figure, Formula(_CHANGE, change), line.year_before.figure),
        *(line.days_above.critical, usage.p95 if usage else None),
        *(month.coverage, saying.LEVELS[line.level]),
    )


def _details(line: Line) -> tuple[Cell, ...]:
    usage, moves, days = line.usage, line.assigned, line.days_above
    hours = [seconds / _HOUR for _, seconds in usage.above] if usage else [None] * 3
    return (
        *(line.overdraft, line.month.average, usage.p99 if usage else None),
        *(days.warn, days.full, *hours),
        *(moves.newly if moves else None, moves.released if moves else None),
    )


def summary(workbook: Any, report: Report) -> None:
    """A line a product over all servers; below it, the month in sentences."""
    columns = (
        *(*PRODUCT, Column("servers", "Servers", width=9), *_FIGURES),
        *(Column("outlook", "Outlook", width=30), *_DETAILS),
        Column("bound", "Sum of the servers' own peaks", "int", 13),
    )
    sheet = Sheet(workbook, "Summary", columns, top=3)
    heading = workbook.add_format({"bold": True, "font_size": 16})
    sheet.sheet.write_string(0, 0, saying.title(report), heading)
    sheet.sheet.write_string(1, 0, saying.subtitle(report))
    for product in report.products:
        line = product.estate
        servers = f"{len(line.servers)} of {len(line.servers) + len(line.silent)}"
        outlook = line.outlook.words if line.outlook else None
        figures = *_figures(line, report), outlook, *_details(line), line.upper_bound
        sheet.add((*named(product), servers, *figures))
    sheet.done()
    row = sheet.next + 1
    bold = workbook.add_format({"bold": True})
    sheet.sheet.write_string(row, 0, "In short", bold)
    for row, point in enumerate(in_short(report), row + 1):  # noqa: B020 - on from there
        sheet.sheet.write_string(row, 0, f"{point.about}: {point.text}")
    row += 2
    for row, text in enumerate((words.NEEDED, words.RECORD, *words.WORDS), row):  # noqa: B020 - as above
        sheet.sheet.write_string(row, 0, text)
    last = row + 2
    if report.products:
        last += _overview(workbook, sheet, row + 2)
    sheet.sheet.print_area(0, 0, last, sheet.at("outlook"))


def _overview(workbook: Any, sheet: Sheet, row: int) -> int:
    """Needed beside installed, product by product; returns how many rows that covers."""
    chart = workbook.add_chart({"type": "bar"})
    first, last = sheet.top + 1, sheet.next - 1
    for key, color in (("installed", "#C3CCD6"), ("needed", "#4577A8")):
        column = sheet.at(key)
        series = {"name": [sheet.name, sheet.top, column], "fill": {"color": color}, "gap": 60}
        series |= {"categories": [sheet.name, first, 1, last, 1]}
        chart.add_series(series | {"values": [sheet.name, first, column, last, column]})
    chart.set_title({"name": "Installed and needed", "name_font": {"size": 11}})
    chart.set_legend({"position": "bottom"})
    chart.set_y_axis({"reverse": True, "num_font": {"size": 8}})
    chart.set_x_axis(
        {"num_format": "#,##0", "major_gridlines": {"visible": True, "line": {"color": "#D8DDE3"}}}
    )
    height = 140 + 34 * (last - first + 1)
    chart.set_size({"width": 900, "height": height})
    sheet.sheet.insert_chart(row, 0, chart, {"object_position": 3})
    return height // _ROW + 1


_ROW: Final = 20  # pixels of a row


def servers(workbook: Any, report: Report) -> None:
    """A row a server and product; below, what of them is shown comes to."""
    groups = {each.server: each.group for each in report.servers}
    whose = (Column("server", "Server", width=20), Column("group", "Group"))
    sheet = Sheet(workbook, "Servers", (*whose, *PRODUCT, *_FIGURES, *_DETAILS))
    installed: Counter[str] = Counter()
    for product in report.products:
        for name, line in product.by_server:
            installed[saying.kind(product)] += line.installed or 0
            figures = *_figures(line, report), *_details(line)
            sheet.add((name, groups.get(name, ""), *named(product), *figures))
    sheet.done()
    blank = [None] * (len(sheet.columns) - 6)
    for kind, many in installed.items():
        total = Formula(SUBTOTAL_OF.format("installed", kind), many)
        sheet.add((f"Shown, {kind}", *[None] * 4, total, *blank), total=True)
