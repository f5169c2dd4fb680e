"""One sheet with one table: its head, its cells as what they are, its filter and its widths.

Owns how a value becomes a cell: text is text whatever it begins with, numbers and dates are
numbers and dates. The only module that writes cells. Must not know reports.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

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
class Column:
    """One column: its head, what its cells look like, and its width in characters."""

    key: str  # that formulas name it by
    title: str
    form: str = "text"  # of FORMATS
    width: int = 11


Cell = str | float | date | datetime | Formula | None


class Sheet:
    """A sheet of the workbook with its table."""

    def __init__(self, workbook: Any, name: str, columns: Sequence[Column], top: int = 0) -> None:
        self.sheet = workbook.add_worksheet(name)
        self.name = name
        self.columns = columns
        self.top = top  # the row of the head, from 0
        self.next = top + 1
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

    def add(self, cells: Sequence[Cell], *, total: bool = False) -> None:
        """One more row."""
        forms = self._totals if total else self._formats
        for at, (column, cell) in enumerate(zip(self.columns, cells, strict=True)):
            self._write(self.next, at, cell, forms[column.form])
        self.next += 1

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
        letters = {column.key: letter(at) for at, column in enumerate(self.columns)}
        return text.format(row=row + 1, first=self.top + 2, last=max(self.top + 2, row), **letters)

    def done(self) -> None:
        """Let the rows written so far be filtered; what is added later is none of them."""
        last = max(self.next - 1, self.top + 1)
        self.sheet.autofilter(self.top, 0, last, len(self.columns) - 1)

    def at(self, key: str) -> int:
        """The number of a column, from 0."""
        return next(at for at, column in enumerate(self.columns) if column.key == key)


def letter(column: int) -> str:
    """What a spreadsheet calls a column, 0 being A."""
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(ord("A") + rest) + name
    return name
