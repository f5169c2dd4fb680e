"""How commands print: one list of columns for every output format, and where the output goes.

Tables and Markdown are for people: thousands separators, percentages, local times, `-` for an
empty value and `?` for an unknown one. JSON and CSV are data: plain numbers, ratios of four digits,
UTC times, and null or an empty cell for an unknown value.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, tzinfo
from enum import Enum, auto
from io import TextIOBase, TextIOWrapper
from operator import attrgetter
from pathlib import Path
from shutil import get_terminal_size
from textwrap import wrap
from typing import Any, BinaryIO, Final, TextIO, cast

import click
from msgspec import Struct, to_builtins
from msgspec.structs import replace
from rich.cells import cell_len, set_cell_size

from lictui.clock import iso
from lictui.csvfile import csv_line, csv_lines
from lictui.errors import UsageError
from lictui.model import Model, percent_text

Row = Mapping[str, Any]
_Cells = dict["Column", Sequence[str]]  # of a table; the first one is the title
_DATA_FORMATS: Final = ("json", "jsonl", "csv")
_GAP: Final = 2  # between two columns of a table
_PROSE_WIDTH: Final = 30  # of a sentence in a terminal that is too narrow for it


class Kind(Enum):
    """The kind of a column's values: decides how tables show them."""

    TEXT = auto()
    PROSE = auto()  # of a last column: continues on the next line where a terminal is too narrow
    MODEL = auto()  # user_device is shown as user/device
    NUMBER = auto()
    RATIO = auto()  # 0.824 is shown as 82 %
    TIME = auto()  # ISO 8601 in UTC; shown in the user's time zone


class Column(Struct, frozen=True):
    """One column of the output of a command."""

    name: str  # key of the value in a row, and head of the CSV column
    title: str = ""  # head in tables; a column without a title is in CSV only
    kind: Kind = Kind.TEXT
    text: Callable[[Row], str] | None = None  # cell of a table, where it is not the value itself
    missing: str = "?"  # what tables show for None: `-` where it means that there is no value
    # Where `record` takes the value from: an attribute such as `peak.average`, by default `name`
    source: str | Callable[[Any], object] = ""
    detail: int = 0  # where a terminal is too narrow, the highest are left out first; 0 never
    narrow: Callable[[Row], str] | None = None  # cell of a detail that is shortened, not left out


def record(value: object, columns: Iterable[Column]) -> dict[str, Any]:
    """Return what the columns show of `value`, as JSON and CSV have it."""
    return {column.name: _json_value(value, column) for column in columns}


def _json_value(value: object, column: Column) -> Any:
    read, source = column.source, column.source or column.name
    found: Any = read(value) if callable(read) else attrgetter(str(source))(value)
    if column.kind is Kind.TIME:
        return optional_time(found)
    if isinstance(found, float):
        return rounded(found, 4 if column.kind is Kind.RATIO else 3)
    return None if column.missing == "-" and found == "" else found


def emit(
    rows: Iterable[Row],
    columns: Sequence[Column],
    output_format: str,
    *,
    document: Mapping[str, Any],
    records: str = "",
    zone: tzinfo | None = None,
    empty: str = "",
    out: TextIO | None = None,
) -> None:
    """Print `rows` as a table, Markdown or CSV, or `document` as JSON.

    JSON Lines are the elements of `document[records]`, or the document in one line. If a table has
    no rows, the sentence `empty` goes to stderr instead.
    """
    is_data = output_format in _DATA_FORMATS or _is_terminal()
    out = out or (data_output() if is_data else sys.stdout)
    if output_format == "json":
        lists = {records: list(document[records])} if records else {}
        out.write(json_text({**document, **lists}))
    elif output_format == "jsonl":
        shared = {"at": document["at"]} if records and "at" in document else {}
        for record in document[records] if records else (document,):
            out.write(_json({**shared, **record}) + "\n")
    elif output_format == "csv":
        out.write(csv_line(column.name for column in columns))
        out.writelines(csv_lines([_csv_cell(row, column) for column in columns] for row in rows))
    else:
        rows, shown = list(rows), [column for column in columns if column.title]
        if empty and not rows:
            click.echo(empty, err=True)
        else:
            cells = {column: _table_cells(rows, column, zone) for column in shown}
            if output_format == "table" and _is_terminal():
                _fit_terminal(cells, rows, zone)
            lines = _markdown_lines if output_format == "markdown" else _table_lines
            out.writelines(f"{line}\n" for line in lines(cells))


def emit_values(values: Mapping[str, Any], output_format: str, document: Mapping[str, Any]) -> None:
    """Print single values as a table of names and values, or `document` as JSON."""
    rows = [{"name": name, "value": value} for name, value in values.items()]
    emit(rows, _VALUE_COLUMNS, output_format, document=document)


def json_text(document: Mapping[str, Any]) -> str:
    """Return a JSON document as commands print it."""
    return _json(document, indent=2) + "\n"


def _json(value: object, indent: int | None = None) -> str:
    return json.dumps(value, indent=indent, ensure_ascii=False, default=to_builtins)


# The values of JSON and CSV


def fields(value: object, names: str) -> dict[str, Any]:
    """Return attributes of `value`, by name; an empty one whose name ends with `?` is None."""
    values = {}
    for word in names.split():
        name = word.removesuffix("?")
        values[name] = getattr(value, name)
        if values[name] == "" and word != name:
            values[name] = None
    return values


def optional_time(timestamp: float | None) -> str | None:
    """Return UTC epoch seconds as ISO 8601."""
    return None if timestamp is None else iso(timestamp)


_EXACT_DIGITS: Final = 17  # after which no float is changed


def rounded(value: float | None, digits: int = 4, limits: Collection[float] = ()) -> float | None:
    """Return a number without the noise of binary fractions; a ratio has four digits.

    More of them where fewer would be on the other side of a limit.
    """
    if value is None:
        return None
    while digits < _EXACT_DIGITS and any(
        (round(value, digits) >= limit) != (value >= limit) for limit in limits
    ):
        digits += 1
    return round(value, digits)


def _csv_cell(row: Row, column: Column) -> object:
    value = row.get(column.name)
    return _yes_no(value) if isinstance(value, bool) else value


# Tables for people


def _single_value_text(row: Row) -> str:
    value = row["value"]
    return value or "-" if isinstance(value, str | None) else number_text(value)


_VALUE_COLUMNS: Final = (
    Column("name", "NAME", text=lambda row: row["name"].replace("_", " ")),
    Column("value", "VALUE", text=_single_value_text),
)


def number_text(value: Any) -> str:
    """Return a number with thousands separators, and one decimal if it is a float."""
    if value is None:
        return "?"
    return f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"


def _value_text(value: Any) -> str:
    if isinstance(value, bool):
        return _yes_no(value)
    return str(value) or "-"


def _yes_no(value: bool) -> str:
    return "yes" if value else "no"


_TEXTS: Final[Mapping[Kind, Callable[[Any], str]]] = {
    Kind.TEXT: _value_text,
    Kind.PROSE: _value_text,
    Kind.MODEL: lambda value: Model(value).label,
    Kind.NUMBER: number_text,
    Kind.RATIO: percent_text,
}


def _table_cell(row: Row, column: Column, zone: tzinfo | None) -> str:
    if column.name not in row:  # the row is about something that has no such value
        return ""
    if column.text:
        return column.text(row)
    value = row[column.name]
    if value is None:
        return column.missing
    if column.kind is Kind.TIME:
        return f"{datetime.fromisoformat(value).astimezone(zone):%Y-%m-%d %H:%M}"
    return _TEXTS[column.kind](value)


def _is_right_aligned(column: Column) -> bool:
    return column.kind in (Kind.NUMBER, Kind.RATIO)


def _table_cells(rows: Sequence[Row], column: Column, zone: tzinfo | None) -> Sequence[str]:
    return [column.title, *(_table_cell(row, column, zone) for row in rows)]


def _fit_terminal(cells: _Cells, rows: Sequence[Row], zone: tzinfo | None) -> None:
    """Shorten and leave out details, and break sentences, until the terminal is wide enough."""
    room = get_terminal_size().columns
    columns = list(cells)
    for column in sorted(columns, key=attrgetter("detail"), reverse=True):
        if not column.detail or _table_width(cells) <= room:
            break
        if column.narrow:
            cells[column] = _table_cells(rows, replace(column, text=column.narrow), zone)
        else:
            del cells[column]
    if omitted := [column.title for column in columns if column not in cells]:
        click.echo(f"lictui: no room for {', '.join(omitted)}", err=True)
    last = columns[-1]
    if last.kind is Kind.PROSE:
        indent = sum(_width(texts) + _GAP for column, texts in cells.items() if column != last)
        width = max(room - indent, _PROSE_WIDTH)
        cells[last] = [
            f"\n{' ' * indent}".join(wrap(text, width, break_on_hyphens=False))
            for text in cells[last]
        ]


def _table_width(cells: _Cells) -> int:
    widths = {column: _width(texts) for column, texts in cells.items()}
    shown = (
        min(width, _PROSE_WIDTH) if column.kind is Kind.PROSE else width
        for column, width in widths.items()
    )
    return sum(shown) + _GAP * (len(widths) - 1)


def _width(texts: Iterable[str]) -> int:
    return max(map(cell_len, texts))


def _table_lines(cells: _Cells) -> Iterator[str]:
    padded = []
    for column, texts in cells.items():
        width = _width(texts)
        if _is_right_aligned(column):
            padded.append([" " * (width - cell_len(text)) + text for text in texts])
        else:
            padded.append([set_cell_size(text, width) for text in texts])
    for line in zip(*padded, strict=True):
        yield (" " * _GAP).join(line).rstrip()


def _markdown_lines(cells: _Cells) -> Iterator[str]:
    rules = ["---:" if _is_right_aligned(column) else "---" for column in cells]
    titles, *rows = zip(*cells.values(), strict=True)
    for row in (map(str.capitalize, titles), rules, *rows):
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


# Where the output goes: the option -o FILE


@contextmanager
def open_binary(output: str | None) -> Iterator[BinaryIO]:
    """Open stdout, or a file that appears when it is complete; a device is written directly.

    The file is new and private: neither another file of a similar name nor the target of a link is
    changed. On a terminal a line on stderr reports it. Raises UsageError if it cannot be written.
    """
    if output in (None, "-"):
        sys.stdout.flush()
        yield sys.stdout.buffer
        return
    file = Path(str(output)).expanduser()
    try:
        if _is_device(file):
            with file.open("wb") as device:
                yield device
            return
        handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # mode 0600
        try:
            with os.fdopen(handle, "wb") as out:
                yield out
                size = out.tell()
            Path(name).replace(file)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror or error}") from error
    if sys.stderr.isatty():
        click.echo(f"lictui: wrote {file}, {size:,} bytes", err=True)


def _is_device(file: Path) -> bool:
    """Whether a file is written as it is: a pipe, a terminal, or one like /dev/stdout."""
    return (file.exists() and not file.is_file()) or file.parts[:2] in _SYSTEM_FOLDERS


_SYSTEM_FOLDERS: Final = (("/", "dev"), ("/", "proc"))


@contextmanager
def open_text(output: str | None) -> Iterator[TextIO]:
    """Open stdout or a file for text in UTF-8."""
    if output in (None, "-"):
        yield data_output()
        return
    with open_binary(output) as binary:
        wrapper = TextIOWrapper(binary, encoding="utf-8", newline="")
        try:
            yield wrapper
        finally:
            wrapper.detach()  # flushes, and leaves closing to open_binary


def data_output() -> TextIO:
    """Return stdout for data: in UTF-8; a terminal shows escapes in place of control characters."""
    if _is_terminal():
        terminal: Any = _Terminal()
        return cast("TextIO", terminal)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    return sys.stdout


def _is_terminal() -> bool:
    return sys.stdout.isatty()


_CONTROLS: Final = {
    code: chr(code).encode("unicode_escape").decode()
    for codes in (range(0x20), range(0x7F, 0xA0), range(0x2028, 0x202F), range(0x2066, 0x206A))
    for code in codes
    if code != ord("\n")
}


class _Terminal(TextIOBase):
    """Standard output on which data cannot run escape sequences."""

    def write(self, text: str, /) -> int:
        return sys.stdout.write(text.translate(_CONTROLS))
