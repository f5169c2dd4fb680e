"""The report as an Excel workbook: numbers, dates, formulas, filters and native charts."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, time
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

from xlsxwriter import Workbook
from xlsxwriter.utility import xl_col_to_name

from lictui.clock import HOUR
from lictui.model import Level
from lictui.report import text
from lictui.report.renewal import INCREASES
from lictui.report.sections import columns
from lictui.report.text import LEVEL_COLORS, Bounded, CellKind, format_cell
from lictui.time_range import to_local

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lictui.report.sections import ReportTree
    from lictui.report.text import Cell, PlainCell, ReportColumn, Row


# Text from a license server is never a formula, a link or a number.
_OPTIONS: Final = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


class Book:
    """A workbook of a report, and the formats that its worksheets share."""

    def __init__(self, tree: ReportTree) -> None:
        self.tree = tree
        self._out = io.BytesIO()
        self.workbook = Workbook(self._out, _OPTIONS)
        created = datetime.combine(tree.created, time(), UTC).replace(tzinfo=None)
        self.workbook.set_properties({"title": tree.title, "created": created})
        self._formats: dict[tuple[tuple[str, object], ...], Any] = {}
        self._sheets: list[Worksheet] = []

    def add(
        self,
        name: str,
        shown: Sequence[ReportColumn],
        tables: Iterable[Iterable[Row]],
        formulas: Mapping[str, str],
    ) -> Worksheet:
        """Add a worksheet with the rows of these tables."""
        sheet = Worksheet(self, name, shown, formulas)
        for rows in tables:
            sheet.add_rows(rows)
        self._sheets.append(sheet)
        return sheet

    def format(self, **properties: object) -> Any:
        """Return a format with these properties; equal ones are one format."""
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self.workbook.add_format(properties)
        return self._formats[key]

    def close(self) -> bytes:
        """Return the whole file; the same figures on the same day give the same bytes."""
        for sheet in self._sheets:
            sheet.finish()
        self.workbook.close()
        return self._out.getvalue()


# One worksheet with one table

_LEFT: Final = {"align": "left", "indent": 1}
_RIGHT: Final = {"align": "right", "indent": 1}
_CELL_FORMATS: Final[dict[CellKind, dict[str, object]]] = {
    CellKind.TEXT: _LEFT,
    CellKind.LEVEL: {**_LEFT, "bold": True},
    CellKind.COUNT: {**_RIGHT, "num_format": "#,##0"},
    CellKind.CHANGE: {**_RIGHT, "num_format": "+#,##0;-#,##0;0"},
    CellKind.RATIO: {**_RIGHT, "num_format": "0.0%"},
    CellKind.SECONDS: {**_RIGHT, "num_format": "#,##0.0"},  # written as hours
    CellKind.MONEY: {**_RIGHT, "num_format": "#,##0.00"},
    CellKind.DATE: {**_LEFT, "num_format": "yyyy-mm-dd"},
    CellKind.MONTH: {**_LEFT, "num_format": "mmm yyyy"},
    CellKind.TIME: {**_LEFT, "num_format": "yyyy-mm-dd hh:mm"},
}
_HEAD: Final = {"bold": True, "text_wrap": True, "valign": "top", "bottom": 1}
_LEVEL_FILLS: Final = {
    LEVEL_COLORS[Level.OK]: "#E6F2EB",
    LEVEL_COLORS[Level.WARN]: "#FBF0DA",
    LEVEL_COLORS[Level.CRITICAL]: "#FBE9E7",
}
_TOTAL_FORMAT: Final = {"bold": True, "top": 1}
_LINE_POINTS: Final = 15  # height of a line
_MIN_WIDTH: Final = 9  # of a column, in characters
_MAX_WIDTH: Final = 60
_PRINTED_COLUMNS: Final = 13  # more would be too small on paper

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
        book: Book,
        name: str,
        columns: Sequence[ReportColumn],
        formulas: Mapping[str, str],
        head_row: int = 0,
    ) -> None:
        self.sheet = book.workbook.add_worksheet(name)
        self.name = name
        self.columns = columns
        self.head_row = head_row  # from 0
        self.next_row = head_row + 1
        self._book = book
        self._zone = book.tree.zone
        self._formulas = formulas
        self._letters = {c.key: xl_col_to_name(index) for index, c in enumerate(self.columns)}
        self._titles = [column.title for column in columns]
        self._widths = [_MIN_WIDTH, *(max(map(len, t.split())) + 3 for t in self._titles[1:])]
        for index, (column, title) in enumerate(zip(self.columns, self._titles, strict=True)):
            alignment = _RIGHT if column.is_number else _LEFT
            head_format = book.format(**_HEAD, **alignment, bg_color="#E8ECF0")
            self.sheet.write_string(head_row, index, title, head_format)
        self.sheet.set_landscape()
        self.sheet.set_paper(9)  # A4
        self.sheet.fit_to_pages(1, 0)

    def set_widths(self) -> None:
        """Set the widths of the columns and the height of the head."""
        lines = 2  # room for the buttons of the filter
        for index, (title, width) in enumerate(zip(self._titles, self._widths, strict=True)):
            self.sheet.set_column(index, index, min(width, _MAX_WIDTH) + 2)
            lines = max(lines, len(wrap(title, width)))
        self.sheet.set_row(self.head_row, lines * _LINE_POINTS + 3)

    def finish(self) -> None:
        """Set the widths, and keep the head in view."""
        self.set_widths()
        self.sheet.freeze_panes(1, 1)
        self.sheet.repeat_rows(0)
        last = min(len(self.columns), _PRINTED_COLUMNS) - 1
        self.sheet.print_area(0, 0, self.next_row, last)

    def _format(self, column: ReportColumn, value: PlainCell, sign: str = "") -> Any:
        """Return a format; with a sign, it is shown in front of the number, which stays one."""
        kind = CellKind.DATE if isinstance(value, date) and not column.is_date else column.kind
        properties = dict(_CELL_FORMATS[kind])
        if sign:
            properties["num_format"] = f'"{sign} "{properties["num_format"]}'
        if isinstance(value, Level):
            color = properties["font_color"] = LEVEL_COLORS[value]
            properties["bg_color"] = _LEVEL_FILLS.get(color, "#F1F3F5")
        return self._book.format(**properties)

    def add_rows(self, rows: Iterable[Row]) -> None:
        """Write rows that can be filtered."""
        for row in rows:
            self.add_row(row)
        last = max(self.next_row - 1, self.head_row + 1)
        self.sheet.autofilter(self.head_row, 0, last, len(self.columns) - 1)

    def add_row(self, row: Row) -> None:
        """Write a row; a value with a formula becomes the formula and its result."""
        for index, column in enumerate(self.columns):
            value = row.get(column.key)
            sign, formula = "", self._formulas.get(column.key)
            if isinstance(value, Bounded):
                sign = value.shown_sign
                if value.sign and value.value != 0:
                    formula = None  # it would conclude too much from a bound
                value = value.value
            shown = format_cell(column, row, self._zone)
            self._widths[index] = max(self._widths[index], len(shown))
            cell_format = self._format(column, value, sign)
            if formula and not (column.kind is CellKind.MONEY and row.get("unit_cost") is None):
                self._write_formula(index, formula, value, cell_format)
            else:
                self._write_value(index, value, column.kind, cell_format)
        self.next_row += 1

    def add_totals(self, label: str, formulas: Mapping[str, tuple[str, float]]) -> None:
        """Write a row below the table: a label, and formulas with their results."""
        for index, column in enumerate(self.columns):
            cell_format = self._book.format(**_CELL_FORMATS[column.kind] | _TOTAL_FORMAT)
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
                self.sheet.write_string(*position, value.value, cell_format)
            case str():
                self.sheet.write_string(*position, value, cell_format)
            case date():
                self.sheet.write_datetime(*position, value, cell_format)
            case _ if kind is CellKind.TIME:
                # A spreadsheet knows no time zones: local time.
                local = to_local(value, self._zone).replace(tzinfo=None)
                self.sheet.write_datetime(*position, local, cell_format)
            case _:
                number = value / HOUR if kind is CellKind.SECONDS else value
                self.sheet.write_number(*position, number, cell_format)

    def column_index(self, key: str) -> int:
        """Return the index of a column, from 0."""
        return next(index for index, column in enumerate(self.columns) if column.key == key)

    def chart(self, title: str, first: int, last: int, bars: str, **axis: object) -> Any:
        """Return a chart of rows, with one column as bars and the installed licenses as a line."""
        workbook = self._book.workbook
        shown = (bars, "installed") if any(c.key == "installed" for c in self.columns) else (bars,)
        charts = [workbook.add_chart({"type": kind}) for kind in ("column", "line")[: len(shown)]]
        style = {"fill": {"color": _BAR_COLOR}, "gap": 40}
        categories = self.column_index(str(axis.pop("categories", self.columns[0].key)))
        for chart, key in zip(charts, shown, strict=True):
            column = self.column_index(key)
            chart.add_series(
                {
                    "name": [self.name, self.head_row, column],
                    "categories": [self.name, first, categories, last, categories],
                    "values": [self.name, first, column, last, column],
                    **style,
                }
            )
            style = {"line": {"color": "#1A1E24", "width": 1.75}}
        for line in charts[1:]:
            charts[0].combine(line)
        # A title such as "X!A1" would be taken for a formula.
        name = {"name": title.replace("!", "! "), "overlay": False, "name_font": {"size": 11}}
        charts[0].set_title(name)
        charts[0].set_legend({"position": "bottom"})
        number_format = "0%" if bars == "share" else "#,##0"
        charts[0].set_y_axis({"min": 0, "num_format": number_format, "major_gridlines": _GRID})
        charts[0].set_x_axis({"text_axis": True, "num_font": {"size": 8}, **axis})
        charts[0].show_hidden_data()  # a filter hides no chart
        charts[0].show_blanks_as("gap")
        return charts[0]


_TEXT_WIDTH: Final = 95  # characters
_NOTE_WIDTH: Final = 130
_MAX_ON_PAGE: Final = 75  # rows above the chart that fit on one page with it
_MAX_CHARTS: Final = 40  # on one sheet
_CHART_ROWS: Final = 15  # with the space below a chart
_ROW_PIXELS: Final = 20
_BAR_COLOR: Final = "#4577A8"
_GRID: Final = {"visible": True, "line": {"color": "#D8DDE3"}}


def _write_front(book: Book, shown: Sequence[ReportColumn], rows: Sequence[Row]) -> Worksheet:
    """Write the first sheet: title, key figures, statements, and a table of the products."""
    tree, summary = book.tree, book.tree.summary
    statements = [(s, wrap(s.text, _TEXT_WIDTH)) for s in summary.statements]
    head_row = len(summary.key_figures) + sum(len(lines) for _, lines in statements) + 5
    front = Worksheet(book, "Summary", shown, {}, head_row)
    write, left = front.sheet.write_string, book.format(**_LEFT)
    write(0, 0, tree.title, book.format(bold=True, font_size=16))
    write(1, 0, tree.subtitle)
    for line, figure in enumerate(summary.key_figures, 3):
        write(line, 0, figure.label, left)
        write(line, 1, figure.value, book.format(**_LEFT, bold=True, font_size=12))
        write(line, 3, figure.remark, book.format(font_color="#5A6470"))
    line = len(summary.key_figures) + 4
    for statement, lines in statements:
        color = LEVEL_COLORS[statement.level]
        write(line, 0, statement.label, book.format(**_LEFT, bold=True, font_color=color))
        for part in lines:
            write(line, 1, part, left)
            line += 1
    for row in rows:
        front.add_row(row)
    front.set_widths()
    return front


def _write_notes(front: Worksheet, line: int, notes: Iterable[str]) -> None:
    """Write notes from a row on, and fit the first sheet to a page."""
    lines = [part for note in notes for part in wrap(note, _NOTE_WIDTH)]
    for place, part in enumerate(lines, line):
        front.sheet.write_string(place, 0, part)
    front.sheet.print_area(0, 0, line + len(lines), len(front.columns) + 1)
    front.sheet.set_portrait()
    front.sheet.fit_to_pages(1, int(front.next_row < _MAX_ON_PAGE))


# The renewal pack

_COST_FORMULAS: Final = {
    f"cost_{more}": f"={{quantity}}{{row}}*{{unit_cost}}{{row}}*{1 + more / 100:g}"
    for more in INCREASES
}


def render_renewal(tree: ReportTree) -> bytes:
    """Return the workbook of a renewal pack: a summary, and a sheet for each kind of table."""
    book = Book(tree)
    keys = "product model purchased installed usage proposed change unused_cost"
    shown = columns(keys, usage="Peak usage or assigned", change="vs. purchased")
    front = _write_front(book, shown, *tree.rows("position"))
    _write_notes(front, front.next_row + 1, (n for section in tree.sections for n in section.notes))
    tables = [t for section in tree.sections for t in (*section.tables, *section.data)]
    for key in dict.fromkeys(table.key for table in tables):
        same = [table for table in tables if table.key == key]
        name = key.replace("_", "-").capitalize()
        sheet = book.add(name, same[0].columns, (t.rows for t in same), _COST_FORMULAS)
        first = sheet.head_row + 1
        for place, rows in enumerate(t.rows for t in same[:_MAX_CHARTS] if key == "curve"):
            title, last = f"{rows[0]['product']}, {rows[0]['code']}", first + len(rows) - 1
            chart = sheet.chart(title, first, last, "share", categories="quantity")
            sheet.sheet.insert_chart(place * _CHART_ROWS, len(sheet.columns) + 1, chart)
            first = last + 1
    return book.close()


# The monthly report

_NOTES: Final = (text.USAGE_NOTE, text.COVERAGE_NOTE, *text.DEFINITIONS)
_PRODUCT_KEYS: Final = "product code model"
_FIGURE_KEYS: Final = (
    "installed usage utilization level free usage_at installed_then month_before change year_before"
    " days_at_critical p95 coverage"
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
_ALL_KEYS: Final = (
    f"{_PRODUCT_KEYS} servers_with_data {_FIGURE_KEYS} runs_out {_DETAIL_KEYS} upper_bound forecast"
)
_EXPIRY_KEYS: Final = "day days_left event product code server licenses renewed"
_ENTITLEMENT_KEYS: Final = (
    "product code scope purchased installed month_peak highest_peak shortfall unused surplus"
    " unit_cost cost unused_cost currency renewal part_of"
)


def render_xlsx(tree: ReportTree) -> bytes:
    """Return the workbook of a monthly report."""
    book = Book(tree)
    _write_summary(book)
    book.add("Products", columns(_ALL_KEYS), tree.rows("products"), _FIGURE_FORMULAS)
    charts = book.workbook.add_worksheet("Charts") if tree.products else None
    _write_servers(book)
    _write_series(book, "Daily", "days", _DAY_KEYS, charts, 0)
    _write_series(book, "Monthly", "months", _MONTH_KEYS, charts, 1)
    _write_expiries(book)
    for rows in tree.rows("entitlements"):
        _write_entitlements(book, rows)
    return book.close()


def _write_summary(book: Book) -> None:
    """Write the key figures, and one row per product over all servers with a chart."""
    rows = [
        {**row, "product": f"{row['product']} ({row['model']})"}
        for rows in book.tree.rows("products")
        for row in rows
    ]
    shown = columns("product installed usage utilization level runs_out")
    front = _write_front(book, shown, rows)
    line = front.next_row + 1
    if rows:
        chart, height = _overview_chart(book, front, rows), 90 + 24 * len(rows)
        chart.set_size({"width": 900, "height": height})
        front.sheet.insert_chart(line, 0, chart, {"object_position": 3})
        line += height // _ROW_PIXELS + 2
    _write_notes(front, line, _NOTES)


def _overview_chart(book: Book, front: Worksheet, rows: Sequence[Row]) -> Any:
    """Return a chart of the utilization of all products in the colors of their levels."""
    chart = book.workbook.add_chart({"type": "bar"})
    first, last = front.head_row + 1, front.head_row + len(rows)
    column = front.column_index("utilization")
    chart.add_series(
        {
            "name": [front.name, front.head_row, column],
            "categories": [front.name, first, 0, last, 0],
            "values": [front.name, first, column, last, column],
            "points": [{"fill": {"color": _point_color(row)}} for row in rows],
            "data_labels": {"value": True, "num_format": "0%"},
            "gap": 40,
        }
    )
    chart.set_title({"name": "Utilization at the peak", "name_font": {"size": 11}})
    chart.set_legend({"none": True})
    chart.set_y_axis({"reverse": True, "num_font": {"size": 8}})
    highest = max(1.0, *(_number(row["utilization"]) for row in rows))
    axis = {"num_format": "0%", "min": 0, "max": highest, "major_unit": 0.2}
    chart.set_x_axis({**axis, "major_gridlines": _GRID})
    return chart


def _write_series(
    book: Book, name: str, table_key: str, keys: str, charts: Any, column: int
) -> None:
    """Write one row per day or month of every scope, and a chart of each product."""
    shown = columns(keys, usage="Peak usage or assigned")
    sheet = book.add(name, shown, (), _SERIES_FORMULAS)
    for place, rows in enumerate(book.tree.rows(table_key)):
        first, of_all = sheet.next_row, rows[0]
        sheet.add_rows(rows)
        if place < _MAX_CHARTS:
            last = first - 1 + sum(row["scope_id"] == of_all["scope_id"] for row in rows)
            title = f"{of_all['product']} ({of_all['model']})"
            axis_format = "mmm" if column else "d"
            chart = sheet.chart(title, first, last, "usage", num_format=axis_format)
            chart.set_size({"width": 420 if column else 620, "height": 280})
            charts.insert_chart(place * _CHART_ROWS, column * 10, chart)
            charts.set_landscape()
            charts.set_paper(9)  # A4
            charts.fit_to_pages(1, 0)


def _write_servers(book: Book) -> None:
    """Write one row per server and product; below, the total of the rows that are shown."""
    # Where there is only one server, the row of all servers is its row.
    rows = [
        {**row, "server": row["scope"]}
        for rows in book.tree.rows("figures")
        for row in ([row for row in rows if row["kind"] == "server"] or rows)
    ]
    keys = f"server group {_PRODUCT_KEYS} {_FIGURE_KEYS} {_DETAIL_KEYS}"
    sheet = book.add("Servers", columns(keys), (rows,), _FIGURE_FORMULAS)
    for model in dict.fromkeys(row["model"] for row in rows):
        formula = _filtered_total("installed", "model", str(model))
        total = sum(_number(row["installed"]) for row in rows if row["model"] == model)
        sheet.add_totals(f"Filtered total, {model}", {"installed": (formula, total)})


def _write_expiries(book: Book) -> None:
    """Write what expires in the next 12 months; what is near is highlighted."""
    tables = book.tree.rows("server_expiries")
    rows = [{**row, "event": row["single_event"]} for table in tables for row in table]
    sheet = book.add("Expiries", columns(_EXPIRY_KEYS), (rows,), _EXPIRY_FORMULAS)
    for days, level in ((30, Level.CRITICAL), (90, Level.WARN)):
        style = {"font_color": LEVEL_COLORS[level], "bold": True}
        rule = {"type": "cell", "criteria": "<=", "value": days, "stop_if_true": True}
        rule["format"] = book.workbook.add_format(style)
        sheet.sheet.conditional_format(1, 1, max(1, len(rows)), 1, rule)


def _write_entitlements(book: Book, rows: Sequence[Row]) -> None:
    """Write what was purchased against what is installed and used; costs are per year."""
    shown = columns(_ENTITLEMENT_KEYS, scope="For")
    sheet = book.add("Entitlements", shown, (rows,), _ENTITLEMENT_FORMULAS)
    if len({row["currency"] for row in rows if row["unit_cost"]}) == 1:
        outer = [row for row in rows if not row["part_of"]]  # each license counts once
        totals = {
            key: (_filtered_total(key, "part_of", ""), sum(_number(row[key]) for row in outer))
            for key in ("cost", "unused_cost")
        }
        sheet.add_totals("Filtered total", totals)


def _number(cell: Cell) -> float:
    value = cell.value if isinstance(cell, Bounded) else cell
    return value if isinstance(value, int | float) else 0.0


def _point_color(row: Row) -> str:
    """Return the color of a bar; what is not close to full has the color of all charts."""
    level = row["level"]
    if isinstance(level, Level) and level is not Level.OK:
        return LEVEL_COLORS[level]
    return _BAR_COLOR
