"""Reading CSV files of any program: encoding, delimiter, header, numbers and times.

Also the values between reading a file and storing it: `ImportResult` and what it consists of.
"""

from __future__ import annotations

import codecs
import csv
import gc
import io
import re
import unicodedata
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from lictui.errors import UsageError

if TYPE_CHECKING:
    from _csv import Reader
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import tzinfo
    from pathlib import Path

    from lictui.analysis.series import Resolution
    from lictui.model import Model, MonthlyUsage, PoolKey

IntArray = NDArray[np.signedinteger[Any]]

UNKNOWN: Final = -1  # in a column
INVALID: Final = -2
_MAX_REASONS: Final = 5  # that are reported; an invalid file has as many as rows
_SHOWN_LENGTH: Final = 40  # characters of a cell in a message


def optional(column: IntArray) -> list[int | None]:
    """Return the values of a column, None for an unknown one."""
    return [None if value < 0 else value for value in column.tolist()]


@dataclass(frozen=True, eq=False, slots=True)
class ReadingColumns:
    """Readings in order of time."""

    time: IntArray
    in_use: IntArray  # UNKNOWN or a count, as the following
    installed: IntArray
    overdraft: IntArray

    def __len__(self) -> int:
        return len(self.time)


@dataclass(frozen=True, eq=False, slots=True)
class BucketColumns:
    """Buckets of one width in order of time."""

    start: IntArray
    low: IntArray
    average: NDArray[np.float64]
    high: IntArray
    high_at: IntArray
    last: IntArray
    samples: IntArray
    installed: IntArray  # UNKNOWN or a count
    overdraft: IntArray

    def __len__(self) -> int:
        return len(self.start)


_NO_READINGS: Final = ReadingColumns(*(np.zeros(0, np.int64) for _ in range(4)))


@dataclass(slots=True)
class ImportedPool:
    """Figures of one pool in a file, in order of time."""

    server: str
    key: PoolKey
    model: Model
    readings: ReadingColumns = _NO_READINGS
    buckets: dict[Resolution, BucketColumns] = field(default_factory=dict)
    months: list[MonthlyUsage] = field(default_factory=list)  # reported by the source itself


@dataclass(slots=True)
class ImportResult:
    """The pools in a file, and how many rows were read, skipped and filtered out.

    The counts are complete when `pools` were consumed.
    """

    pools: Iterable[ImportedPool] = ()
    read: int = 0
    skipped: int = 0
    filtered_out: int = 0  # of other servers and products
    rounded: bool = False  # some figures had decimals
    reasons: list[tuple[int, str]] = field(default_factory=list)  # the first: line, message
    used: dict[str, str] = field(default_factory=dict)  # purpose -> column; of foreign files
    unused: list[str] = field(default_factory=list)  # columns

    def skip(self, rows: Sequence[int], explain: Callable[[int], tuple[int, str]]) -> None:
        """Count rows, in order, that could not be read; `explain` one by its line and reason."""
        self.skipped += len(rows)
        explained = map(explain, rows[:_MAX_REASONS])
        self.reasons = sorted([*self.reasons, *explained])[:_MAX_REASONS]


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the user specifies about a file."""

    servers: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    subscription_date: str = ""  # ISO; for files of other programs
    columns: Mapping[str, str] = field(default_factory=dict)
    where: tuple[tuple[str, str], ...] = ()  # column and value: other rows are left out
    date_format: str = ""  # strptime's
    zone: tzinfo | None = None  # of times without a zone; None: the system's
    until: float = 1 << 40  # UTC epoch seconds; later times are refused
    undated: Callable[[], str] = str  # returns the subscription date of rows that have none


class RowError(ValueError):
    """A row that cannot be read; its text is the reason."""


def require_readable(*names: str) -> None:
    """Raise RowError for a name with control characters, or with those that change direction."""
    for name in names:
        if any(unicodedata.category(character) in {"Cc", "Cf"} for character in name):
            raise RowError(f"name with control characters: {shorten(name)}")


def shorten(cell: str) -> str:
    """Return a cell for a message: quoted, and not longer than a line."""
    return repr(cell[:_SHOWN_LENGTH])


# Bytes to rows of cells


NumberedRow = tuple[int, list[str]]  # the number of its last line from 1, and its cells
_CHUNK: Final = 1 << 20  # bytes
_MAX_LINE: Final = 1 << 20  # bytes
_BATCH_ROWS: Final = 1_000  # few, so that they stay in the processor's cache
_BATCH_BYTES: Final = 16 << 20
_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DELIMITERS: Final = (",", ";", "\t", "|")
_MAX_PREAMBLE: Final = 20  # rows among which the header is looked for
_SHOWN_COLUMNS: Final = 12
_DIRECTIVE: Final = re.compile(r"\s*(#TYPE\b.*|sep=.)\s*", re.IGNORECASE)
_NOT_ALPHANUMERIC: Final = re.compile(r"[^a-z0-9]+")
_COLUMNS_HINT: Final = (
    "use --columns 'time=…,in_use=…,installed=…' to name the columns (time and in_use are "
    "required); for a file exported by lictui, omit --server and --product"
)


def decode_text(data: bytes) -> str:
    """Decode the text of a small file."""
    return data.decode(_encoding(data[:200], is_utf8=_is_utf8([data])), "replace")


def _encoding(start: bytes, *, is_utf8: bool) -> str:
    """Return the encoding by byte order mark, UTF-16 where every other byte is 0, else UTF-8.

    What is none of these is read as Windows-1252, in which every byte has a meaning.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if start.startswith(mark):
            return encoding
    if start[1::2].count(0) > len(start) // 3:
        return "utf-16-le"
    if start[::2].count(0) > len(start) // 3:
        return "utf-16-be"
    return "utf-8" if is_utf8 else "cp1252"


def _is_utf8(chunks: Iterable[bytes]) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for chunk in chunks:
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _next_rows(reader: Reader, count: int) -> list[NumberedRow]:
    # Rows have no reference cycles: to look for them would take half of the time.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return [(reader.line_num, cells) for cells in islice(reader, count)]
    finally:
        if was_enabled:
            gc.enable()


class CsvFile:
    """A CSV file that is read in batches, as often as needed, in bounded memory.

    `on_progress` gets the position in bytes and the number of the line. Raises UsageError.
    """

    def __init__(
        self, path: Path, on_progress: Callable[[int, int], None] = lambda *_: None
    ) -> None:
        self.path = path
        self._on_progress = on_progress
        self._longest = 1
        with path.open("rb") as source:
            start = source.read(200)
            source.seek(0)
            is_utf8 = _is_utf8(self._measured(iter(lambda: source.read(_CHUNK), b"")))
        self._encoding = _encoding(start, is_utf8=is_utf8)
        if not start.strip():
            raise UsageError("the file is empty", "check the program that wrote it")

    def _measured(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the chunks, and measure the longest line in them."""
        length = 0
        for chunk in chunks:
            newline = b"\n" if b"\n" in chunk else b"\r"
            first, *others = map(len, chunk.split(newline))
            self._longest = max(self._longest, length + first, *others)
            length = others[-1] if others else length + first
            if self._longest > _MAX_LINE:
                raise UsageError(
                    "a line is longer than 1 MB: not CSV",
                    "not a text file? export the data as CSV",
                )
            yield chunk

    def head(self, delimiter: str, *, keep_blanks: bool = False) -> list[NumberedRow]:
        """Return the first rows."""
        rows = self._rows(delimiter, keep_blanks=keep_blanks)
        return next(rows, [])[:_MAX_PREAMBLE]

    def batches(
        self, delimiter: str, header_line: int, *, keep_blanks: bool = False
    ) -> Iterator[list[NumberedRow]]:
        """Yield all rows below the header."""
        for batch in self._rows(delimiter, keep_blanks=keep_blanks):
            rows = batch if batch[0][0] > header_line else [r for r in batch if r[0] > header_line]
            if rows:
                yield rows

    def _rows(self, delimiter: str, *, keep_blanks: bool) -> Iterator[list[NumberedRow]]:
        """Yield every row with a non-empty cell, except the directives of other programs.

        Blanks after a delimiter do not belong to the cell, unless `keep_blanks`.
        """
        count = max(1, min(_BATCH_ROWS, _BATCH_BYTES // self._longest))
        with (
            self.path.open("rb") as source,
            io.TextIOWrapper(source, self._encoding, "replace", newline="") as text,
        ):
            reader = csv.reader(text, delimiter=delimiter, skipinitialspace=not keep_blanks)
            try:
                while batch := _next_rows(reader, count):
                    rows = [row for row in batch if any(row[1])]
                    while rows and _DIRECTIVE.fullmatch(delimiter.join(rows[0][1])):
                        del rows[0]
                    if rows:
                        yield rows
                    self._on_progress(source.tell(), reader.line_num)
            except csv.Error as error:
                raise UsageError(
                    f"line {reader.line_num + 1}: invalid CSV: {error}",
                    "not a text file? export the data as CSV",
                ) from error

    def find_exact_header(
        self, is_header: Callable[[list[str]], bool]
    ) -> tuple[str, NumberedRow] | None:
        """Return the delimiter and the first row, if it is a known header; else None."""
        for delimiter in _DELIMITERS:
            rows = self.head(delimiter, keep_blanks=True)
            if rows and is_header(rows[0][1]):
                return delimiter, rows[0]
        return None

    def find_header(self, score: Callable[[list[str]], int]) -> tuple[str, NumberedRow]:
        """Return the delimiter and the row that looks most like a header.

        `score` is higher the more columns it recognizes, and 0 where required columns are
        missing. Raises UsageError with the columns of the file when no row is a header.
        """
        heads = {delimiter: self.head(delimiter) for delimiter in _DELIMITERS}
        found = [
            (score(row[1]), delimiter, row) for delimiter, rows in heads.items() for row in rows
        ]
        best = max(found, key=lambda item: item[0], default=None)
        if best is not None and best[0]:
            return best[1:]
        first = next((rows[0][1] for rows in heads.values() if rows and len(rows[0][1]) > 1), [])
        columns = ", ".join(cell.strip() for cell in first[:_SHOWN_COLUMNS])
        columns = f"; the first row has the columns {columns}" if first else ""
        raise UsageError(f"no usable header row{columns}", _COLUMNS_HINT)


def normalize_name(name: str) -> str:
    """Return a column's name in lower case without blanks, quotes and underscores."""
    return _NOT_ALPHANUMERIC.sub("", name.lower())


# Cells to whole numbers, a column at a time


_MAX_REMEMBERED: Final = 100_000


class CellReader(dict[str, int]):
    """Reads the cells of a column, each different text once: columns repeat themselves."""

    def __init__(self, parse: Callable[[str], int]) -> None:
        super().__init__()
        self._parse = parse

    def __missing__(self, cell: str) -> int:
        try:
            value = self._parse(cell)
        except (ValueError, OverflowError):
            value = INVALID
        if len(self) < _MAX_REMEMBERED:
            self[cell] = value
        return value

    def check(self, cell: str) -> None:
        """Raise RowError if a cell cannot be read."""
        self._parse(cell)

    def column(self, cells: Sequence[str]) -> IntArray:
        """Return the values of cells; INVALID for those that cannot be read."""
        return np.fromiter(map(self.__getitem__, cells), np.int64, len(cells))


_COUNT_LIMIT: Final = 2**31
_GROUPED: Final = re.compile(r"\d{1,3}([.,' \u00a0\u202f\u2019])\d{3}(?:\1\d{3})*", re.ASCII)
_NUMBER: Final = re.compile(r"(\d{1,10})(?:[.,](\d+))?", re.ASCII)
_UNIT: Final = re.compile(r"\s*(#|lic\w*|lizenz\w*|users?|sessions?|benutzer)$", re.IGNORECASE)
_NO_FIGURE: Final = frozenset({"", "-", "n/a", "na", "null", "none", "unlimited", "uncounted", "?"})


def parse_count(cell: str, column: str, *, is_raw: bool = False) -> tuple[int, bool]:
    """Return the number in a cell, and whether it had to be rounded; RowError if there is none.

    A raw number has no thousands separators.
    """
    text = _UNIT.sub("", cell.strip())
    if not text:
        raise RowError(f"{column} is empty")
    if not is_raw and _GROUPED.fullmatch(text):
        text = re.sub(r"\D", "", text)
    match = _NUMBER.fullmatch(text)
    if not match or int(match[1]) >= _COUNT_LIMIT:
        raise RowError(f"{column} is not a number: {shorten(text)}")
    decimals = match[2] or ""
    return int(match[1]) + (decimals[:1] >= "5"), bool(decimals.strip("0"))


def has_no_figure(cell: str) -> bool:
    """Whether a cell says that the figure is unknown or unlimited."""
    return cell.strip().lower() in _NO_FIGURE
