"""The one writer of CSV files, and the one guard against spreadsheet formulas.

Every export of lictui goes through this module. It does not use the writer of the `csv` module:
before Python 3.13 that one leaves a lone carriage return unquoted when it does not end lines with
one itself, so that a text cell could start a new row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# A spreadsheet runs a cell that starts with one of these, after blanks or not, as a formula (OWASP,
# "CSV Injection"); the last four are the full-width forms of the first.
_FORMULA_STARTS: Final = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
_BLANKS: Final = " \v\f\xa0\u200b\u200c\u200d\u200e\u200f\u2060\u3000\ufeff"
_QUOTE_IF_PRESENT: Final = frozenset('",\r\n')


def escape_formula(text: str) -> str:
    """Return `text` with a `'` in front if a spreadsheet would run it as a formula.

    Text that already looks escaped gets one more `'`, so that `unescape_formula` returns exactly
    the original.
    """
    return f"'{text}" if _looks_like_formula(text) else text


def unescape_formula(text: str) -> str:
    """Return the text that `escape_formula` was given."""
    return text[1:] if text.startswith("'") and _looks_like_formula(text) else text


def csv_line(cells: Iterable[object]) -> str:
    """Return one row with its line end; text is escaped, None is an empty cell.

    Numbers have at most four decimals: no reader needs the noise of binary fractions.
    """
    fields = [_field(cell) for cell in cells]
    # A row of one empty cell would otherwise be a blank line, which readers skip.
    return ('""' if fields == [""] else ",".join(fields)) + "\n"


def csv_lines(rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Yield each row as a line of CSV."""
    return map(csv_line, rows)


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """Return all rows as the text of one CSV file."""
    return "".join(csv_lines(rows))


def _looks_like_formula(text: str) -> bool:
    bare = text.lstrip("'")
    return bare.startswith(_FORMULA_STARTS) or bare.lstrip(_BLANKS).startswith(_FORMULA_STARTS)


def _field(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return str(round(cell, 4))
    text = escape_formula(cell) if isinstance(cell, str) else str(cell)
    if _QUOTE_IF_PRESENT.isdisjoint(text):
        return text
    doubled = text.replace('"', '""')
    return f'"{doubled}"'
