"""The report as an Excel workbook: numbers, dates, formulas, filters and native charts."""

from __future__ import annotations

import io
from collections import Counter
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any, Final

from xlsxwriter import Workbook
from xlsxwriter.utility import xl_col_to_name

from lictui.model import Level
from lictui.report import text
from lictui.report.sections import build_tree
from lictui.report.text import COLUMNS, Bounded, CellKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from lictui.report.model import MonthlyReport
    from lictui.report.sections import ReportTree
    from lictui.report.text import Cell, PlainCell, Row


# Text from a license server is never a formula, a link or a number.
_OPTIONS: Final = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


def render_xlsx(report: MonthlyReport) -> bytes:
    """Return the whole file; the same figures on the same day give the same bytes."""
    out = io.BytesIO()
    workbook = Workbook(out, _OPTIONS)
    tree = build_tree(report)
    created = datetime.combine(report.today, time(), UTC).replace(tzinfo=None)
    workbook.set_properties({"title": tree.title, "created": created})
    writer = _WorkbookWriter(workbook, report, tree)
    writer.write_summary()
    writer.write_series("Daily", "days", _DAY_KEYS, "d")
    writer.write_series("Monthly", "months", _MONTH_KEYS, "mmm yy")
    writer.write_servers()
    writer.write_expiries()
    writer.write_entitlements()
    workbook.close()
    return out.getvalue()


# One worksheet with one table

_NUMBER_FORMATS: Final[dict[CellKind, dict[str, object]]] = {
    CellKind.TEXT: {"indent": 1},
    CellKind.LEVEL: {"indent": 1},
    CellKind.COUNT: {"num_format": "#,##0"},
    CellKind.CHANGE: {"num_format": "+#,##0;-#,##0;0"},
    CellKind.RATIO: {"num_format": "0.0%"},
    CellKind.SECONDS: {"num_format": "#,##0.0"},  # written as hours
    CellKind.MONEY: {"num_format": "#,##0.00"},
    CellKind.DATE: {"num_format": "yyyy-mm-dd", "align": "left"},
    CellKind.MONTH: {"num_format": "mmm yyyy", "align": "left"},
    CellKind.TIME: {"num_format": "yyyy-mm-dd hh:mm"},
}
_HEAD_FORMAT: Final = {
    "bold": True,
    "text_wrap": True,
    "valign": "top",
    "bottom": 1,
    "bg_color": "#E8ECF0",
}
_HEAD_HEIGHT: Final = 42  # points: three lines
_TOTAL_FORMAT: Final = {"bold": True, "top": 1}
_HOUR: Final = 3600  # seconds
# fmt: off
_WIDTHS: Final = {  # in characters
    "product": 38, "code": 16, "model": 12, "scope": 18, "server": 20, "event": 30,
    "usage_at": 17, "forecast": 30, "level": 14, "servers_with_data": 9, "days_left": 9,
    "upper_bound": 13, "cost": 13, "unused_cost": 13, "currency": 9,
}
# fmt: on
_DEFAULT_WIDTH: Final = 11

_RATIO: Final = '=IF(OR({usage}{row}="",N({of}{row})=0),"",{usage}{row}/{of}{row})'
_DIFFERENCE: Final = '=IF(OR({a}{row}="",{b}{row}=""),"",{a}{row}-{b}{row})'


def _difference(minuend: str, subtrahend: str) -> str:
    return _DIFFERENCE.replace("{a}", f"{{{minuend}}}").replace("{b}", f"{{{subtrahend}}}")


# Formulas instead of values; `{row}` is the number of the row, `{usage}` the letter of a column.
_FIGURE_FORMULAS: Final = {
    "utilization": _RATIO.replace("{of}", "{installed_then}"),
    "free": _difference("installed_then", "usage"),
    "change": _difference("usage", "month_before"),
}
_SERIES_FORMULAS: Final = {"utilization": _RATIO.replace("{of}", "{installed}")}
_EXPIRY_FORMULAS: Final = {"days_left": "={day}{row}-TODAY()"}
_ENTITLEMENT_FORMULAS: Final = {
    "shortfall": '=IF({highest_peak}{row}="","",MAX(0,{highest_peak}{row}-{purchased}{row}))',
    "unused": '=IF({highest_peak}{row}="","",MAX(0,{purchased}{row}-{highest_peak}{row}))',
    "surplus": '=IF({installed}{row}="","",{installed}{row}-{purchased}{row})',
    "cost": "={unit_cost}{row}*{purchased}{row}",
    "unused_cost": '=IF({unused}{row}="","",{unit_cost}{row}*{unused}{row})',
}


def _filtered_total(summed: str, compared: str, value: str) -> str:
    """Return the sum of a column over the rows that a filter shows and that have a value."""
    column, condition = f"{{{summed}}}", f"{{{compared}}}"
    cells = f"{column}{{first}}:{column}{{last}}"
    return (
        f"=SUMPRODUCT(SUBTOTAL(109,OFFSET({column}{{first}},ROW({cells})-ROW({column}{{first}}),0))"
        f'*({condition}{{first}}:{condition}{{last}}="{value}"))'
    )


class Worksheet:
    """A worksheet with its table: head, cells, filter and column widths."""

    def __init__(
        self,
        workbook: Any,
        report: MonthlyReport,
        name: str,
        keys: str,
        formulas: Mapping[str, str],
        head_row: int = 0,
        **titles: str,
    ) -> None:
        self.sheet = workbook.add_worksheet(name)
        self.name = name
        self.columns = [COLUMNS[key] for key in keys.split()]
        self.head_row = head_row  # from 0
        self.next_row = head_row + 1
        self._zone = report.zone
        self._workbook = workbook
        self._cell_formats: dict[tuple[CellKind, str, bool], Any] = {}
        self._formulas = formulas
        self._letters = {c.key: xl_col_to_name(index) for index, c in enumerate(self.columns)}
        self._write_head(titles)

    def _format(self, kind: CellKind, sign: str = "", *, is_total: bool = False) -> Any:
        """Return a format; with a sign, it is shown in front of the number, which stays one."""
        key = kind, sign, is_total
        if key not in self._cell_formats:
            properties = {**_NUMBER_FORMATS[kind], **(_TOTAL_FORMAT if is_total else {})}
            if sign:
                properties["num_format"] = f'"{sign} "{properties["num_format"]}'
            self._cell_formats[key] = self._workbook.add_format(properties)
        return self._cell_formats[key]

    def _write_head(self, titles: Mapping[str, str]) -> None:
        add_format = self._workbook.add_format
        texts = add_format({**_HEAD_FORMAT, "indent": 1})
        dates = add_format(_HEAD_FORMAT)
        numbers = add_format({**_HEAD_FORMAT, "align": "right"})
        formats = {CellKind.TEXT: texts, CellKind.LEVEL: texts}
        formats |= {CellKind.DATE: dates, CellKind.MONTH: dates}
        for index, column in enumerate(self.columns):
            title = titles.get(column.key, column.title)
            head_format = formats.get(column.kind, numbers)
            self.sheet.write_string(self.head_row, index, title, head_format)
            self.sheet.set_column(index, index, _WIDTHS.get(column.key, _DEFAULT_WIDTH))
        self.sheet.set_row(self.head_row, _HEAD_HEIGHT)
        self.sheet.freeze_panes(self.head_row + 1, 1)
        self.sheet.set_landscape()
        self.sheet.set_paper(9)  # A4
        self.sheet.fit_to_pages(1, 0)
        self.sheet.repeat_rows(self.head_row)

    def add_rows(self, *tables: Iterable[Row]) -> None:
        """Write rows that can be filtered."""
        for rows in tables:
            for row in rows:
                self._add_row(row)
        last = max(self.next_row - 1, self.head_row + 1)
        self.sheet.autofilter(self.head_row, 0, last, len(self.columns) - 1)

    def _add_row(self, row: Row) -> None:
        """Write a row; a value with a formula becomes the formula and its result."""
        for index, column in enumerate(self.columns):
            value = row.get(column.key)
            sign, formula = "", self._formulas.get(column.key)
            if isinstance(value, Bounded):
                sign = value.shown_sign
                if value.sign and value.value != 0:
                    formula = None  # it would conclude too much from a bound
                value = value.value
            cell_format = self._format(column.kind, sign)
            if formula and not (column.kind is CellKind.MONEY and row["unit_cost"] is None):
                self._write_formula(index, formula, value, cell_format)
            else:
                self._write_value(index, value, column.kind, cell_format)
        self.next_row += 1

    def add_totals(self, label: str, formulas: Mapping[str, tuple[str, float]]) -> None:
        """Write a row below the table: a label, and formulas with their results."""
        for index, column in enumerate(self.columns):
            cell_format = self._format(column.kind, is_total=True)
            if column.key in formulas:
                formula, value = formulas[column.key]
                self._write_formula(index, formula, value, cell_format)
            else:
                text_cell = label if index == 0 else None
                self._write_value(index, text_cell, CellKind.TEXT, cell_format)
        self.next_row += 1

    def _write_formula(self, index: int, formula: str, value: PlainCell, cell_format: Any) -> None:
        """Write a formula; `value` is its result, for readers that do not calculate."""
        filled = formula.format(
            row=self.next_row + 1,
            first=self.head_row + 2,
            last=max(self.head_row + 2, self.next_row),
            **self._letters,
        )
        result = "" if value is None else value
        self.sheet.write_formula(self.next_row, index, filled, cell_format, result)

    def _write_value(self, index: int, value: PlainCell, kind: CellKind, cell_format: Any) -> None:
        position = self.next_row, index
        match value:
            case None | "":
                self.sheet.write_blank(*position, None, cell_format)
            case Level():
                self.sheet.write_string(*position, text.LEVELS[value], cell_format)
            case str():
                self.sheet.write_string(*position, value, cell_format)
            case date():
                self.sheet.write_datetime(*position, value, cell_format)
            case _ if kind is CellKind.TIME:
                # A spreadsheet knows no time zones: local time.
                local = text.local_time(value, self._zone).replace(tzinfo=None)
                self.sheet.write_datetime(*position, local, cell_format)
            case _:
                number = value / _HOUR if kind is CellKind.SECONDS else value
                self.sheet.write_number(*position, number, cell_format)

    def column_index(self, key: str) -> int:
        """Return the index of a column, from 0."""
        return next(index for index, column in enumerate(self.columns) if column.key == key)


# The worksheets

_NOTES: Final = (text.USAGE_NOTE, text.COVERAGE_NOTE, *text.DEFINITIONS)
_PRODUCT_KEYS: Final = "product code model"
_FIGURE_KEYS: Final = (
    "installed usage usage_at installed_then utilization free month_before change year_before"
    " days_at_critical p95 coverage level"
)
_DETAIL_KEYS: Final = (
    "overdraft average p99 days_at_warn days_at_installed seconds_at_80_percent"
    " seconds_at_90_percent seconds_at_100_percent newly_assigned released"
)
_DAY_KEYS: Final = (
    f"day {_PRODUCT_KEYS} scope_kind scope usage usage_at average installed overdraft utilization"
)
_MONTH_KEYS: Final = (
    f"month {_PRODUCT_KEYS} scope_kind scope usage usage_at average installed utilization coverage"
    " is_upper_bound"
)
_MAX_CHARTS: Final = 40  # on one sheet
_CHART_ROWS: Final = 15  # with the space below a chart
_ROW_PIXELS: Final = 20
_BAR_COLOR: Final = "#4577A8"
_LINE_COLOR: Final = "#1A1E24"
_GRID: Final = {"visible": True, "line": {"color": "#D8DDE3"}}


class _WorkbookWriter:
    def __init__(self, workbook: Any, report: MonthlyReport, tree: ReportTree) -> None:
        self._workbook = workbook
        self._report = report
        self._tree = tree

    def _worksheet(
        self, name: str, keys: str, formulas: Mapping[str, str], head_row: int = 0, **titles: str
    ) -> Worksheet:
        return Worksheet(self._workbook, self._report, name, keys, formulas, head_row, **titles)

    def _tables(self, key: str) -> Iterator[Sequence[Row]]:
        """Yield the rows of every table with this key."""
        for section in self._tree.sections:
            yield from (t.rows for t in (*section.tables, *section.data) if t.key == key)

    def write_summary(self) -> None:
        """Write one row per product over all servers; below it, the summary and definitions."""
        keys = (
            f"{_PRODUCT_KEYS} servers_with_data {_FIGURE_KEYS} forecast {_DETAIL_KEYS} upper_bound"
        )
        sheet = self._worksheet("Summary", keys, _FIGURE_FORMULAS, head_row=3)
        heading = self._workbook.add_format({"bold": True, "font_size": 16})
        sheet.sheet.write_string(0, 0, self._tree.title, heading)
        sheet.sheet.write_string(1, 0, self._tree.subtitle)
        sheet.add_rows(*self._tables("products"))
        row_number = sheet.next_row + 1
        bold = self._workbook.add_format({"bold": True})
        sheet.sheet.write_string(row_number, 0, self._tree.summary.title, bold)
        statements = [f"{s.label}: {s.text}" for s in self._tree.summary.statements]
        for line in (*statements, "", *_NOTES):
            row_number += 1
            sheet.sheet.write_string(row_number, 0, line)
        last_row = row_number + 2
        if self._tree.products:
            last_row += self._add_overview_chart(sheet, row_number + 2)
        sheet.sheet.print_area(0, 0, last_row, sheet.column_index("forecast"))

    def _add_overview_chart(self, sheet: Worksheet, row_number: int) -> int:
        """Insert a chart of installed and used licenses; return how many rows it covers."""
        chart = self._workbook.add_chart({"type": "bar"})
        first, last = sheet.head_row + 1, sheet.next_row - 1
        for key, color in (("installed", "#C3CCD6"), ("usage", _BAR_COLOR)):
            column = sheet.column_index(key)
            chart.add_series(
                {
                    "name": [sheet.name, sheet.head_row, column],
                    "categories": [sheet.name, first, 1, last, 1],
                    "values": [sheet.name, first, column, last, column],
                    "fill": {"color": color},
                    "gap": 60,
                }
            )
        chart.set_title({"name": "Installed and peak usage", "name_font": {"size": 11}})
        chart.set_legend({"position": "bottom"})
        chart.set_y_axis({"reverse": True, "num_font": {"size": 8}})
        chart.set_x_axis({"num_format": "#,##0", "major_gridlines": _GRID})
        height = 140 + 34 * (last - first + 1)
        chart.set_size({"width": 900, "height": height})
        sheet.sheet.insert_chart(row_number, 0, chart, {"object_position": 3})
        return height // _ROW_PIXELS + 1

    def write_series(self, name: str, table_key: str, keys: str, axis_format: str) -> None:
        """Write one row per day or month of every scope, with a chart per product."""
        sheet = self._worksheet(name, keys, _SERIES_FORMULAS, usage="Peak usage or assigned")
        month = text.month_title(self._report.month.first_day)
        for place, rows in enumerate(self._tables(table_key)):
            first, first_row = sheet.next_row, rows[0]
            sheet.add_rows(rows)
            if place >= _MAX_CHARTS:
                continue
            count = sum(row["scope_id"] == first_row["scope_id"] for row in rows)
            period = month if table_key == "days" else "12 months"
            # A title such as "X!A1" would be taken for a formula.
            title = f"{first_row['product']} ({first_row['model']}), {period}".replace("!", "! ")
            chart = self._series_chart(sheet, title, first, first + count - 1)
            chart.set_x_axis(
                {"text_axis": True, "num_format": axis_format, "num_font": {"size": 8}}
            )
            position = (sheet.head_row + 1 + place * _CHART_ROWS, len(sheet.columns) + 1)
            # A filter neither shrinks nor hides the charts.
            sheet.sheet.insert_chart(*position, chart, {"object_position": 3})

    def _series_chart(self, sheet: Worksheet, title: str, first: int, last: int) -> Any:
        """Return a chart of usage as bars and installed licenses as a line."""
        indexes = [0, sheet.column_index("usage"), sheet.column_index("installed")]
        categories, bars, installed = ([sheet.name, first, index, last, index] for index in indexes)
        names = [[sheet.name, sheet.head_row, index] for index in indexes]
        chart = self._workbook.add_chart({"type": "column"})
        line = self._workbook.add_chart({"type": "line"})
        bar_series = {"fill": {"color": _BAR_COLOR}, "gap": 40}
        chart.add_series({"name": names[1], "categories": categories, "values": bars, **bar_series})
        line_series = {"line": {"color": _LINE_COLOR, "width": 1.75}}
        line.add_series(
            {"name": names[2], "categories": categories, "values": installed, **line_series}
        )
        chart.combine(line)
        chart.set_title({"name": title, "overlay": False, "name_font": {"size": 11}})
        chart.set_legend({"position": "bottom"})
        chart.set_y_axis({"min": 0, "num_format": "#,##0", "major_gridlines": _GRID})
        chart.set_size({"width": 620, "height": 280})
        chart.show_hidden_data()
        chart.show_blanks_as("gap")
        return chart

    def write_servers(self) -> None:
        """Write one row per server and product; below, the total of the rows that are shown."""
        keys = f"server group {_PRODUCT_KEYS} {_FIGURE_KEYS} {_DETAIL_KEYS}"
        sheet = self._worksheet("Servers", keys, _FIGURE_FORMULAS)
        groups: dict[Cell, str] = {server.server: server.group for server in self._report.servers}
        installed: Counter[str] = Counter()
        for rows in self._tables("figures"):
            # Where there is only one server, the row of all servers is its row.
            of_servers = [row for row in rows if row["kind"] == "server"] or rows
            sheet.add_rows(
                {**row, "server": row["scope"], "group": groups.get(row["scope"], "")}
                for row in of_servers
            )
            for row in of_servers:
                count = row["installed"]
                installed[str(row["model"])] += count if isinstance(count, int) else 0
        for model, total in installed.items():
            formula = _filtered_total("installed", "model", model)
            sheet.add_totals(f"Filtered total, {model}", {"installed": (formula, total)})

    def write_expiries(self) -> None:
        """Write what expires in the next 12 months; what is near is highlighted."""
        keys = "day days_left event product code server licenses renewed"
        sheet = self._worksheet("Expiries", keys, _EXPIRY_FORMULAS)
        for rows in self._tables("server_expiries"):
            sheet.add_rows([{**row, "event": row["single_event"]} for row in rows])
        place = (sheet.head_row + 1, 1, max(sheet.next_row - 1, sheet.head_row + 1), 1)
        for days, color in ((30, "#B3261E"), (90, "#8A5800")):
            highlight = self._workbook.add_format({"font_color": color, "bold": True})
            rule = {"type": "cell", "criteria": "<=", "value": days, "format": highlight}
            sheet.sheet.conditional_format(*place, {**rule, "stop_if_true": True})

    def write_entitlements(self) -> None:
        """Write what was purchased against what is installed and used; costs are per year."""
        lines = self._report.contract_lines
        if not lines:
            return
        keys = (
            "product code scope purchased installed month_peak highest_peak shortfall unused"
            " surplus unit_cost cost unused_cost currency renewal part_of"
        )
        sheet = self._worksheet("Entitlements", keys, _ENTITLEMENT_FORMULAS, scope="For")
        sheet.add_rows(*self._tables("entitlements"))
        currencies = {line.entitlement.currency for line in lines if line.entitlement.cost}
        if len(currencies) == 1:
            outer = [line for line in lines if not line.container]  # each license counts once
            sums = {
                "cost": sum(line.cost or 0 for line in outer),
                "unused_cost": sum(line.unused_cost or 0 for line in outer),
            }
            totals = {key: (_filtered_total(key, "part_of", ""), sums[key]) for key in sums}
            sheet.add_totals("Filtered total", totals)
