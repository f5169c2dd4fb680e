"""The workbook as a whole, as bytes.

Owns its options and the order of its sheets. Must not know what stands in them.
"""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any, Final

from lictui.report import text as saying
from lictui.report.text import summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lictui.report.model import MonthlyReport, ProductReport, ScopeReport


# One sheet with one table: its head, its cells as what they are, its filter and its widths


FORMATS: Final[dict[str, dict[str, object]]] = {
    "text": {"indent": 1},
    "int": {"num_format": "#,##0"},
    "change": {"num_format": "+#,##0;-#,##0;0"},
    "share": {"num_format": "0.0%"},
    "hours": {"num_format": "#,##0.0"},
    "money": {"num_format": "#,##0.00"},
    "date": {"num_format": "yyyy-mm-dd", "align": "left"},
    "month": {"num_format": "mmm yyyy", "align": "left"},
    "time": {"num_format": "yyyy-mm-dd hh:mm"},
}
_HEAD: Final = {
    "bold": True,
    "text_wrap": True,
    "valign": "top",
    "bottom": 1,
    "bg_color": "#E8ECF0",
}
_HEAD_HEIGHT: Final = 42  # points: three lines
_TOTAL: Final = {"bold": True, "top": 1}


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula, and what it comes to, for readers that do not calculate.

    `{row}` is the number of its row; a letter in braces, `{needed}`, that of the column of a name.
    """

    text: str
    value: float | None


@dataclass(frozen=True, slots=True)
class WorksheetColumn:
    """One column: its head, what its cells look like, and its width in characters."""

    key: str  # that formulas name it by
    title: str
    form: str = "text"  # of FORMATS
    width: int = 11


Cell = str | float | date | datetime | Formula | None


class Worksheet:
    """A sheet of the workbook with its table."""

    def __init__(
        self, workbook: Any, name: str, columns: Sequence[WorksheetColumn], top: int = 0
    ) -> None:
        self.sheet = workbook.add_worksheet(name)
        self.name = name
        self.columns = columns
        self.top = top  # the row of the head, from 0
        self.next_row = top + 1
        self._formats = {key: workbook.add_format(form) for key, form in FORMATS.items()}
        self._totals = {
            key: workbook.add_format({**form, **_TOTAL}) for key, form in FORMATS.items()
        }
        text = workbook.add_format({**_HEAD, "indent": 1})
        dates = workbook.add_format(_HEAD)
        right = workbook.add_format({**_HEAD, "align": "right"})
        heads = {"text": text, "date": dates, "month": dates}
        for at, column in enumerate(columns):
            self.sheet.write_string(top, at, column.title, heads.get(column.form, right))
            self.sheet.set_column(at, at, column.width)
        self.sheet.set_row(top, _HEAD_HEIGHT)
        self.sheet.freeze_panes(top + 1, 1)
        self.sheet.set_landscape()
        self.sheet.set_paper(9)  # A4
        self.sheet.fit_to_pages(1, 0)
        self.sheet.repeat_rows(top)

    def add_row(self, cells: Sequence[Cell], *, total: bool = False) -> None:
        """One more row."""
        forms = self._totals if total else self._formats
        for at, (column, cell) in enumerate(zip(self.columns, cells, strict=True)):
            self._write(self.next_row, at, cell, forms[column.form])
        self.next_row += 1

    def _write(self, row: int, at: int, cell: Cell, form: Any) -> None:
        match cell:
            case None:
                self.sheet.write_blank(row, at, None, form)
            case Formula():
                value = "" if cell.value is None else cell.value
                self.sheet.write_formula(row, at, self.filled(cell.text, row), form, value)
            case str():
                self.sheet.write_string(row, at, cell, form)
            case date():
                self.sheet.write_datetime(row, at, cell, form)
            case _:
                self.sheet.write_number(row, at, cell, form)

    def filled(self, text: str, row: int) -> str:
        """A formula with the names of columns as their letters."""
        letters = {column.key: column_letter(at) for at, column in enumerate(self.columns)}
        return text.format(row=row + 1, first=self.top + 2, last=max(self.top + 2, row), **letters)

    def add_filter(self) -> None:
        """Let the rows written so far be filtered; what is added later is none of them."""
        last = max(self.next_row - 1, self.top + 1)
        self.sheet.autofilter(self.top, 0, last, len(self.columns) - 1)

    def column_index(self, key: str) -> int:
        """The number of a column, from 0."""
        return next(at for at, column in enumerate(self.columns) if column.key == key)


def column_letter(column: int) -> str:
    """What a spreadsheet calls a column, 0 being A."""
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


# What several sheets have in common: the columns that name a product, shares, totals


PRODUCT: Final = (
    WorksheetColumn("product", "Product", width=38),
    WorksheetColumn("code", "Code", width=16),
    WorksheetColumn("model", "Counted", width=12),
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


def named(product: ProductReport) -> tuple[Cell, ...]:
    """The cells of PRODUCT."""
    return product.name, product.code, saying.kind(product)


def when(at: int | None, report: MonthlyReport) -> datetime | None:
    """Where the user is; a spreadsheet knows no zones."""
    return None if at is None else saying.local(at, report.zone).replace(tzinfo=None)


# Native charts, beside the figures they are drawn from


_BAR: Final = "#4577A8"
_LINE: Final = "#1A1E24"
_HEIGHT: Final = 15  # rows of a chart, with the space below it
_MOST: Final = 40  # charts on one sheet


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one table that are one chart, from 0, the last one included."""

    title: str
    first: int
    last: int


def beside(
    workbook: Any, sheet: Worksheet, rows: list[Rows], keys: tuple[str, str, str], form: str
) -> None:
    """One chart for each of `rows`, to the right of the table: bars against a line.

    `form` is how the categories are written. The three keys are the columns of the
    categories, of the bars and of the line.
    """
    for place, each in enumerate(rows[:_MOST]):
        chart = _chart(workbook, sheet, each, keys)
        chart.set_x_axis({"text_axis": True, "num_format": form, "num_font": {"size": 8}})
        position = (sheet.top + 1 + place * _HEIGHT, len(sheet.columns) + 1)
        # Filtered rows neither squeeze a chart nor leave it.
        sheet.sheet.insert_chart(*position, chart, {"object_position": 3})


def _chart(workbook: Any, sheet: Worksheet, rows: Rows, keys: tuple[str, str, str]) -> Any:
    chart = workbook.add_chart({"type": "column"})
    line = workbook.add_chart({"type": "line"})
    categories, bars, installed = (
        [sheet.name, rows.first, sheet.column_index(key), rows.last, sheet.column_index(key)]
        for key in keys
    )
    names = [[sheet.name, sheet.top, sheet.column_index(key)] for key in keys]
    chart.add_series(
        {
            "name": names[1],
            "categories": categories,
            "values": bars,
            "fill": {"color": _BAR},
            "gap": 40,
        }
    )
    line.add_series(
        {
            "name": names[2],
            "categories": categories,
            "values": installed,
            "line": {"color": _LINE, "width": 1.75},
        }
    )
    chart.combine(line)
    chart.set_title({"name": rows.title, "overlay": False, "name_font": {"size": 11}})
    chart.set_legend({"position": "bottom"})
    chart.set_y_axis(
        {
            "min": 0,
            "num_format": "#,##0",
            "major_gridlines": {"visible": True, "line": {"color": "#D8DDE3"}},
        }
    )
    chart.set_size({"width": 620, "height": 280})
    chart.show_hidden_data()
    chart.show_blanks_as("gap")
    return chart


# The sheets Summary and Servers: a row a product, and a row a product and server


_SHARE: Final = RATIO.replace("installed", "then")
_FREE: Final = '=IF(OR({needed}{row}="",{then}{row}=""),"",{then}{row}-{needed}{row})'
_CHANGE: Final = '=IF(OR({needed}{row}="",{before}{row}=""),"",{needed}{row}-{before}{row})'
_FIGURES: Final = (
    WorksheetColumn("installed", "Installed", "int"),
    WorksheetColumn("needed", "Needed", "int"),
    WorksheetColumn("at", "When", "time", 17),
    WorksheetColumn("then", "Installed then", "int"),
    WorksheetColumn("share", "Share", "share", 9),
    WorksheetColumn("free", "Free", "int", 9),
    WorksheetColumn("before", "Month before", "int", 10),
    WorksheetColumn("change", "Change", "change", 9),
    WorksheetColumn("year", "Year before", "int", 10),
    WorksheetColumn("critical", "Days at critical", "int", 9),
    WorksheetColumn("p95", "Enough for 95 %", "int"),
    WorksheetColumn("recorded", "Recorded", "share", 10),
    WorksheetColumn("state", "State", width=14),
)
_DETAILS: Final = (
    WorksheetColumn("overdraft", "Overdraft", "int"),
    WorksheetColumn("average", "Average", "hours", 10),
    WorksheetColumn("p99", "Enough for 99 %", "int"),
    WorksheetColumn("warn", "Days at warning", "int", 9),
    WorksheetColumn("full", "Days at installed", "int", 9),
    WorksheetColumn("h80", "Hours at 80 %", "hours", 9),
    WorksheetColumn("h90", "Hours at 90 %", "hours", 9),
    WorksheetColumn("h100", "Hours at 100 %", "hours", 9),
    WorksheetColumn("newly", "Newly assigned", "int", 10),
    WorksheetColumn("released", "Released", "int", 10),
)
_HOUR: Final = 3600  # seconds


def _figures(line: ScopeReport, report: MonthlyReport) -> tuple[Cell, ...]:
    month, usage = line.month, line.usage
    free = change = None
    if month.figure is not None:
        free = None if month.installed is None else month.installed - month.figure
        change = (
            None
            if line.previous_month.figure is None
            else month.figure - line.previous_month.figure
        )
    return (
        *(line.installed, month.figure, when(month.timestamp, report), month.installed),
        *(Formula(_SHARE, month.ratio), Formula(_FREE, free)),
        *(line.previous_month.figure, Formula(_CHANGE, change), line.previous_year.figure),
        *(line.days_above.critical, usage.p95 if usage else None),
        *(month.coverage, saying.LEVELS[line.level]),
    )


def _details(line: ScopeReport) -> tuple[Cell, ...]:
    usage, moves, days = line.usage, line.assignments, line.days_above
    hours = [seconds / _HOUR for _, seconds in usage.seconds_above] if usage else [None] * 3
    return (
        *(line.overdraft, line.month.average, usage.p99 if usage else None),
        *(days.warn, days.full, *hours),
        *(moves.new if moves else None, moves.released if moves else None),
    )


def summary_sheet(workbook: Any, report: MonthlyReport) -> None:
    """A line a product over all servers; below it, the month in sentences."""
    columns = (
        *(*PRODUCT, WorksheetColumn("servers", "Servers", width=9), *_FIGURES),
        *(WorksheetColumn("outlook", "Outlook", width=30), *_DETAILS),
        WorksheetColumn("bound", "Sum of the servers' own peaks", "int", 13),
    )
    sheet = Worksheet(workbook, "Summary", columns, top=3)
    heading = workbook.add_format({"bold": True, "font_size": 16})
    sheet.sheet.write_string(0, 0, saying.title(report), heading)
    sheet.sheet.write_string(1, 0, saying.subtitle(report))
    for product in report.products:
        line = product.estate
        servers = f"{len(line.servers)} of {len(line.servers) + len(line.silent_servers)}"
        outlook = line.outlook.words if line.outlook else None
        figures = *_figures(line, report), outlook, *_details(line), line.sum_of_server_peaks
        sheet.add_row((*named(product), servers, *figures))
    sheet.add_filter()
    row = sheet.next_row + 1
    bold = workbook.add_format({"bold": True})
    sheet.sheet.write_string(row, 0, "In short", bold)
    for row, point in enumerate(summary(report), row + 1):  # noqa: B020 - on from there
        sheet.sheet.write_string(row, 0, f"{point.label}: {point.text}")
    row += 2
    for row, text in enumerate((saying.NEEDED, saying.RECORD, *saying.WORDS), row):  # noqa: B020 - as above
        sheet.sheet.write_string(row, 0, text)
    last = row + 2
    if report.products:
        last += _overview(workbook, sheet, row + 2)
    sheet.sheet.print_area(0, 0, last, sheet.column_index("outlook"))


def _overview(workbook: Any, sheet: Worksheet, row: int) -> int:
    """Needed beside installed, product by product; returns how many rows that covers."""
    chart = workbook.add_chart({"type": "bar"})
    first, last = sheet.top + 1, sheet.next_row - 1
    for key, color in (("installed", "#C3CCD6"), ("needed", "#4577A8")):
        column = sheet.column_index(key)
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


def servers(workbook: Any, report: MonthlyReport) -> None:
    """A row a server and product; below, what of them is shown comes to."""
    groups = {each.server: each.group for each in report.servers}
    whose = (WorksheetColumn("server", "Server", width=20), WorksheetColumn("group", "Group"))
    sheet = Worksheet(workbook, "Servers", (*whose, *PRODUCT, *_FIGURES, *_DETAILS))
    installed: Counter[str] = Counter()
    for product in report.products:
        for name, line in product.server_scopes:
            installed[saying.kind(product)] += line.installed or 0
            figures = *_figures(line, report), *_details(line)
            sheet.add_row((name, groups.get(name, ""), *named(product), *figures))
    sheet.add_filter()
    blank = [None] * (len(sheet.columns) - 6)
    for kind, many in installed.items():
        total = Formula(SUBTOTAL_OF.format("installed", kind), many)
        sheet.add_row((f"Shown, {kind}", *[None] * 4, total, *blank), total=True)


# The sheets Expiries and Contract: what ends when, what was bought and what of it lies idle


def expiries(workbook: Any, report: MonthlyReport) -> None:
    """What ends in the next twelve months."""
    columns = (
        *(WorksheetColumn("day", "Day", "date"), WorksheetColumn("left", "Days left", "int", 9)),
        *(
            WorksheetColumn("what", "What", width=20),
            *PRODUCT[:2],
            WorksheetColumn("where", "Where", width=18),
        ),
        *(
            WorksheetColumn("licenses", "Licenses", "int"),
            WorksheetColumn("later", "A later one goes on", width=10),
        ),
    )
    sheet = Worksheet(workbook, "Expiries", columns)
    for end in report.expiries:
        left = Formula("={day}{row}-TODAY()", (end.day - report.today).days)
        about = (end.what.value, end.name, end.product, end.server)
        sheet.add_row((end.day, left, *about, end.licenses, "yes" if end.covered else None))
    sheet.add_filter()
    rows = (sheet.top + 1, 1, max(sheet.next_row - 1, sheet.top + 1), 1)
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


def contract(workbook: Any, report: MonthlyReport) -> None:
    """What was bought against what is installed and was needed; costs are of one year."""
    columns = (
        *(
            *PRODUCT[:2],
            WorksheetColumn("scope", "For", width=16),
            WorksheetColumn("bought", "Bought", "int"),
        ),
        *(
            WorksheetColumn("installed", "Installed", "int"),
            WorksheetColumn("month", "This month", "int"),
        ),
        *(
            WorksheetColumn("needed", "Most needed in 12 months", "int", 12),
            WorksheetColumn("missing", "Missing", "int"),
        ),
        *(
            WorksheetColumn("idle", "Idle", "int"),
            WorksheetColumn("beyond", "Installed less bought", "change"),
        ),
        *(
            WorksheetColumn("each", "Cost of one", "money"),
            WorksheetColumn("cost", "Cost", "money", 13),
        ),
        *(
            WorksheetColumn("wasted", "Cost of idle", "money", 13),
            WorksheetColumn("currency", "Currency", width=9),
        ),
        WorksheetColumn("renewal", "Renewal", "date"),
    )
    sheet = Worksheet(workbook, "Contract", columns)
    for each in report.contract_lines:
        bought = each.entitlement
        priced = "" if bought.cost is None else "{each}{row}*"
        sheet.add_row(
            (
                *(each.name, bought.product, each.scope, bought.purchased),
                *(each.installed, each.peak, each.highest_peak),
                Formula(
                    '=IF({needed}{row}="","",MAX(0,{needed}{row}-{bought}{row}))', each.shortfall
                ),
                Formula('=IF({needed}{row}="","",MAX(0,{bought}{row}-{needed}{row}))', each.unused),
                Formula(
                    '=IF({installed}{row}="","",{installed}{row}-{bought}{row})',
                    each.installed_surplus,
                ),
                bought.cost,
                Formula(f"={priced}{{bought}}{{row}}", each.cost) if priced else None,
                Formula('=IF({idle}{row}="","",{each}{row}*{idle}{row})', each.unused_cost)
                if priced
                else None,
                *(bought.currency or None, bought.renewal),
            )
        )
    sheet.add_filter()
    if (
        len({each.entitlement.currency for each in report.contract_lines if each.entitlement.cost})
        == 1
    ):
        cost = sum(each.cost or 0 for each in report.contract_lines)
        idle = sum(each.unused_cost or 0 for each in report.contract_lines)
        totals = (
            Formula(SUBTOTAL.format("cost"), cost),
            Formula(SUBTOTAL.format("wasted"), idle),
        )
        sheet.add_row(("Total of what is shown", *[None] * 10, *totals, None, None), total=True)


# The sheets Daily and Monthly, with a chart a product beside the figures


_SCOPE: Final = (
    WorksheetColumn("kind", "Scope", width=9),
    WorksheetColumn("scope", "Whose", width=18),
)


def daily(workbook: Any, report: MonthlyReport) -> None:
    """A row a day, of the estate, every group and every server."""
    columns = (
        *(WorksheetColumn("day", "Day", "date"), *PRODUCT, *_SCOPE),
        *(
            WorksheetColumn("needed", "Peak or assigned", "int", 10),
            WorksheetColumn("at", "When", "time", 17),
        ),
        *(
            WorksheetColumn("average", "Average", "hours", 10),
            WorksheetColumn("installed", "Installed", "int"),
        ),
        *(
            WorksheetColumn("overdraft", "Overdraft", "int"),
            WorksheetColumn("share", "Share", "share", 9),
        ),
    )
    sheet = Worksheet(workbook, "Daily", columns)
    charts = []
    for product in report.products:
        first = sheet.next_row
        for line in product.scopes:
            for day in line.days:
                ratio = (
                    day.figure / day.installed if day.figure is not None and day.installed else None
                )
                sheet.add_row(
                    (
                        *(day.day, *named(product), line.kind.value, line.name),
                        *(day.figure, when(day.timestamp, report), day.average, day.installed),
                        *(day.overdraft, Formula(RATIO, ratio)),
                    )
                )
        title = f"{product.name} ({saying.kind(product)}), {saying.month(report.month.first_day)}"
        charts.append(Rows(title, first, first + len(product.estate.days) - 1))
    sheet.add_filter()
    beside(workbook, sheet, charts, ("day", "needed", "installed"), "d")


def monthly(workbook: Any, report: MonthlyReport) -> None:
    """A row a month of the last twelve."""
    columns = (
        *(WorksheetColumn("month", "Month", "month"), *PRODUCT, *_SCOPE),
        *(
            WorksheetColumn("needed", "Peak or assigned", "int", 10),
            WorksheetColumn("at", "When", "time", 17),
        ),
        *(
            WorksheetColumn("average", "Average", "hours", 10),
            WorksheetColumn("installed", "Installed", "int"),
        ),
        *(
            WorksheetColumn("share", "Share", "share", 9),
            WorksheetColumn("recorded", "Recorded", "share", 10),
        ),
        WorksheetColumn("bound", "Only an upper bound", width=11),
    )
    sheet = Worksheet(workbook, "Monthly", columns)
    charts = []
    for product in report.products:
        first = sheet.next_row
        for line in product.scopes:
            for month in line.months:
                sheet.add_row(
                    (
                        *(month.first_day, *named(product), line.kind.value, line.name),
                        *(
                            month.figure,
                            when(month.timestamp, report),
                            month.average,
                            month.installed,
                        ),
                        *(Formula(RATIO, month.ratio), month.coverage),
                        "yes" if month.is_upper_bound else None,
                    )
                )
        title = f"{product.name} ({saying.kind(product)}), twelve months"
        charts.append(Rows(title, first, first + len(product.estate.months) - 1))
    sheet.add_filter()
    beside(workbook, sheet, charts, ("month", "needed", "installed"), "mmm yy")


# What a server says is text, never a formula, a link or a number in disguise.
_OPTIONS: Final = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


def render_xlsx(report: MonthlyReport) -> bytes:
    """The whole file; the same figures on the same day are the same bytes."""
    from xlsxwriter import Workbook  # noqa: PLC0415 - an extra

    out = io.BytesIO()
    workbook = Workbook(out, _OPTIONS)
    made = datetime.combine(report.today, time(), UTC).replace(tzinfo=None)
    workbook.set_properties({"title": saying.title(report), "created": made})
    summary_sheet(workbook, report)
    daily(workbook, report)
    monthly(workbook, report)
    servers(workbook, report)
    expiries(workbook, report)
    if report.contract_lines:
        contract(workbook, report)
    workbook.close()
    return out.getvalue()
