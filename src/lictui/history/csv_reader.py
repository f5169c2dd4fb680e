"""Reading CSV files of any program: encoding, delimiter, header, and columns of cells.

Also the values between reading a file and storing it: rows of figures, `ImportedPool`,
`ImportResult`.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
import weakref
from itertools import chain, compress, islice
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeVar

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from lictui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import tzinfo
    from pathlib import Path

    from lictui.model import Model, PoolKey

IntArray = NDArray[np.signedinteger[Any]]
Rows = NDArray[np.void]  # with named columns

UNKNOWN: Final = -1  # in a column
INVALID: Final = -2
MONTH: Final = -1  # in place of a width: a month that the source reports itself
_MAX_REASONS: Final = 5  # that are reported; an invalid file has as many as rows
_SHOWN_LENGTH: Final = 40  # characters of a cell in a message
_MAX_NAME: Final = 80  # of the name of a column


# Figures of a file


# A row per reading, bucket or month; `width` is 0, the seconds of the bucket, or MONTH. A count is
# UNKNOWN where the file does not have it; a bucket without samples has a single figure.
ROW: Final = np.dtype(
    [
        *((name, np.int32) for name in ("line", "pool", "license_type", "width")),
        *(("time", np.int64), ("high_at", np.int64), ("average", np.float64)),
        *((name, np.int32) for name in ("low", "in_use", "last", "installed", "overdraft")),
        *((name, np.int32) for name in ("samples", "newly", "released")),
    ]
)


def imported_rows(count: int, **columns: Any) -> Rows:
    """Return rows with these columns; the others are UNKNOWN."""
    rows = np.empty(count, ROW)
    for name in ROW.names or ():
        rows[name] = columns.get(name, UNKNOWN)
    return rows


class ImportedPool(Struct, frozen=True, eq=False):
    """Figures of one pool in a file, in order of width and time."""

    server: str
    key: PoolKey
    model: Model
    rows: Rows

    def of_width(self, width: int) -> Rows:
        """Return the readings, the buckets of a width, or the months."""
        chosen = self.rows["width"] == width
        return self.rows if chosen.all() else self.rows.compress(chosen)


class ImportResult(Struct):
    """The pools in a file, and how many rows were read, skipped and filtered out."""

    pools: Iterable[ImportedPool] = ()
    read: int = 0
    skipped: int = 0
    filtered_out: int = 0  # of other servers and products
    rounded: bool = False  # some figures had decimals
    reasons: list[tuple[int, str]] = field(default_factory=list)  # the first: line, message
    used: dict[str, str] = field(default_factory=dict)  # purpose -> column; of foreign files
    unused: list[str] = field(default_factory=list)  # columns

    def skip(self, lines: IntArray, reason: str = "") -> None:
        """Count lines that could not be read; `CsvFile.explain` completes the reason."""
        self.skipped += len(lines)
        new = [(line, reason) for line in lines[:_MAX_REASONS].tolist()]
        self.reasons = sorted([*self.reasons, *new])[:_MAX_REASONS]


class ImportOptions(Struct, frozen=True):
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
        if any(unicodedata.category(character) in _INVISIBLE for character in name):
            raise RowError(f"name with control characters: {shorten(name)}")


_INVISIBLE: Final = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))


def shorten(cell: str) -> str:
    """Return a cell for a message: quoted, and not longer than a line."""
    return repr(cell[:_SHOWN_LENGTH])


def visible(text: str) -> str:
    """Return a name for a message: without control characters, and not longer than a line."""
    return "".join(c if c.isprintable() else " " for c in text[:_MAX_NAME]).strip()


_CHUNK_ROWS: Final = 250_000


class RowFile:
    """Rows that do not fit into memory, in a temporary file."""

    def __init__(self, dtype: np.dtype[np.void]) -> None:
        self.dtype = dtype
        self._count = 0
        self._file = TemporaryFile()  # noqa: SIM115 - closed with the object
        weakref.finalize(self, self._file.close)

    def add(self, rows: Rows) -> None:
        """Add rows at the end."""
        self._count += len(rows)
        rows.tofile(self._file)

    def rows(self) -> Rows:
        """Return all rows; they are read from the file when they are used."""
        if not self._count:
            return np.zeros(0, self.dtype)
        return np.memmap(self._file, self.dtype, "r", shape=(self._count,))

    def chunks(self) -> Iterator[Rows]:
        """Yield all rows in parts that fit into memory."""
        rows = self.rows()
        for start in range(0, self._count, _CHUNK_ROWS):
            yield rows[start : start + _CHUNK_ROWS]


# Bytes to columns of cells


_CHUNK: Final = 1 << 20  # bytes
_MAX_LINE: Final = 1 << 20  # bytes
_BLOCK: Final = 1 << 14  # characters of lines that are read together: they stay in the cache
_MAX_ROWS_AHEAD: Final = 200  # that may follow these lines: each may have a megabyte
_START: Final = 200  # bytes that show the encoding
_BYTE_ORDER_MARKS: Final = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_OR_WINDOWS: Final = "lictui-or-windows-1252"  # for bytes that are not of the encoding
_DELIMITERS: Final = (",", ";", "\t", "|")
_MAX_PREAMBLE: Final = 20  # rows among which the header is looked for
_MAX_COLUMNS: Final = 1_000  # of a header
_SHOWN_COLUMNS: Final = 12
_DIRECTIVE: Final = re.compile(r"\s*(#TYPE\b.*|sep=.)\s*", re.IGNORECASE)
_LINE_END: Final = re.compile(r"\r\n?|\n")
_NOT_ALPHANUMERIC: Final = re.compile(r"[^a-z0-9]+")
_COLUMNS_HINT: Final = (
    "use --columns 'time=…,in_use=…,installed=…' to name the columns (time and in_use are "
    "required); for a file exported by lictui, omit --server and --product"
)


def bounded_chunks(source: BinaryIO) -> Iterator[bytes]:
    """Yield the chunks of a file. Raises UsageError if it is empty, or has endless lines."""
    length = chunk_count = 0
    while chunk := source.read(_CHUNK):
        newline = b"\n" if b"\n" in chunk else b"\r"
        first, *others = map(len, chunk.split(newline))
        if max(length + first, *others, 0) > _MAX_LINE:
            raise UsageError(
                "a line is longer than 1 MB: not CSV", "not a text file? export the data as CSV"
            )
        length = others[-1] if others else length + first
        chunk_count += 1
        yield chunk
    if not chunk_count:
        raise UsageError("the file is empty", "check the program that wrote it")


def decode_text(data: bytes) -> str:
    """Decode the text of a small file."""
    return data.decode(_encoding(data[:_START]), _OR_WINDOWS)


def _encoding(start: bytes) -> str:
    """Return the encoding by byte order mark, UTF-16 where every other byte is 0, else UTF-8."""
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if start.startswith(mark):
            return encoding
    for first, encoding in enumerate(("utf-16-be", "utf-16-le")):
        if start[first::2].count(0) > len(start) // 3:
            return encoding
    return "utf-8"


def _from_windows(error: UnicodeError) -> tuple[str, int]:
    """Decode bytes that are not UTF-8 as Windows-1252, in which nearly every byte has a meaning."""
    assert isinstance(error, UnicodeDecodeError)  # noqa: S101 - nothing is encoded
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error(_OR_WINDOWS, _from_windows)


class CsvFile:
    """A CSV file that is read in batches, as often as needed, in bounded memory.

    `on_progress` gets the position in bytes and the number of the line. Raises UsageError.
    """

    def __init__(
        self, path: Path, on_progress: Callable[[int, int], None] = lambda *_: None
    ) -> None:
        self.header: list[str] = []
        self.keep_blanks = False  # after a delimiter; of other programs they are not of the cell
        self._path = path
        self._on_progress = on_progress
        self._delimiter = ""
        self._header_line = 0
        with path.open("rb") as source:
            self._encoding = _encoding(source.read(_START))
            source.seek(0)
            for _ in bounded_chunks(source):
                pass

    def find_header(self, score: Callable[[list[str]], int]) -> int:
        """Find the delimiter and the row that looks most like a header; return its score.

        `score` is higher the more columns it recognizes, and 0 where required columns are missing.
        """
        best, first = 0, list[str]()
        found = ("", 0, first)
        for delimiter in _DELIMITERS:
            self._delimiter, self._header_line = delimiter, 0
            lines, rows = next(self._batches(), (np.zeros(0, np.int64), []))
            while rows and _DIRECTIVE.fullmatch(delimiter.join(rows[0])):
                lines, rows = lines[1:], rows[1:]
            for line, cells in zip(lines[:_MAX_PREAMBLE].tolist(), rows, strict=False):
                if len(cells) <= _MAX_COLUMNS and score(cells) > best:
                    best, found = score(cells), (delimiter, line, cells)
            if not first and rows and len(rows[0]) > 1:
                first = rows[0]
        self._delimiter, self._header_line, header = found if best else ("", 0, first)
        self.header = [visible(cell) for cell in header]
        return best

    def no_header(self) -> UsageError:
        """Return the error that no row is a header, with the columns of the first row."""
        columns = ", ".join(self.header[:_SHOWN_COLUMNS])
        columns = f"; the first row has the columns {columns}" if columns else ""
        return UsageError(f"no usable header row{columns}", _COLUMNS_HINT)

    def tables(
        self, result: ImportResult, *, fill: bool
    ) -> Iterator[tuple[IntArray, list[Sequence[str]]]]:
        """Yield the line numbers and the columns of the rows below the header, in batches.

        Rows of another length than the header are filled up or cut, or else skipped.
        """
        width = len(self.header)
        for numbers, batch in self._batches():
            lines, rows = numbers, batch
            result.read += len(rows)
            if set(map(len, rows)) - {width}:
                if fill:
                    rows = [[*row, *[""] * width][:width] for row in rows]
                else:
                    is_whole = np.array([len(row) == width for row in rows])
                    result.skip(lines[~is_whole])
                    lines, rows = lines[is_whole], list(compress(rows, is_whole))
            yield lines, list(zip(*rows, strict=True)) or [()] * width

    def rows_at(self, lines: Collection[int]) -> Iterator[tuple[int, list[str]]]:
        """Yield the rows with these line numbers."""
        last = max(lines, default=0)
        for numbers, rows in self._batches() if lines else ():
            pairs = zip(numbers.tolist(), rows, strict=True)
            yield from (pair for pair in pairs if pair[0] in lines)
            if len(numbers) and numbers[-1] >= last:
                break

    def _batches(self) -> Iterator[tuple[IntArray, list[list[str]]]]:
        """Yield the numbers of the last lines of rows below the header, and the rows.

        Blank rows are left out.
        """
        before = 0  # lines of the batches before
        with (
            self._path.open("rb") as source,
            io.TextIOWrapper(source, self._encoding, _OR_WINDOWS, newline="") as text,
        ):
            while lines := text.readlines(_BLOCK):
                # A cell with quotes in which these lines end continues after them.
                reader = csv.reader(
                    chain(lines, text),
                    delimiter=self._delimiter,
                    skipinitialspace=not self.keep_blanks,
                )
                rows: list[list[str]] = []
                try:
                    while (more := len(lines) - reader.line_num) > 0:
                        rows += islice(reader, min(more, _MAX_ROWS_AHEAD))
                except csv.Error as error:
                    raise UsageError(
                        f"line {before + reader.line_num + 1}: invalid CSV: {error}",
                        "not a text file? export the data as CSV",
                    ) from error
                numbers = np.arange(1, len(rows) + 1)
                if reader.line_num > len(rows):  # some cells have several lines
                    numbers += np.cumsum([len(_LINE_END.findall("|".join(row))) for row in rows])
                numbers, before = numbers + before, before + reader.line_num
                is_row = np.fromiter(map(any, rows), np.bool_, len(rows))
                is_row &= numbers > self._header_line
                yield numbers[is_row], rows if is_row.all() else list(compress(rows, is_row))
                self._on_progress(source.tell(), before)


def normalize_name(name: str) -> str:
    """Return a column's name in lower case without blanks, quotes and underscores."""
    return _NOT_ALPHANUMERIC.sub("", name.lower())


# Cells to whole numbers, a column at a time


_MAX_REMEMBERED: Final = 100_000
_MAX_NUMBERS: Final = 1_000_000
_T = TypeVar("_T")


class Numbers(dict[_T, int]):
    """Numbers different values from 0 on, so that a column of them is one of whole numbers."""

    def __missing__(self, value: _T) -> int:
        if len(self) >= _MAX_NUMBERS:
            raise RowError("too many different values")
        self[value] = number = len(self)
        return number


class CellReader(dict[Any, int]):
    """Reads the cells of a column, each different one once: columns repeat themselves."""

    def __init__(self, parse: Callable[[Any], int]) -> None:
        super().__init__()
        self.parse = parse  # raises RowError or ValueError

    def __missing__(self, cell: object) -> int:
        try:
            value = self.parse(cell)
        except (ValueError, OverflowError):
            value = INVALID
        if len(self) < _MAX_REMEMBERED:
            self[cell] = value
        return value


class RowReader:
    """Reads the rows of a file as rows of numbers, a column at a time.

    `parsers` have the index of a column and turn its cells into numbers; they raise RowError or
    ValueError, and the number is INVALID. `derive` returns more columns, made from the others.
    """

    def __init__(
        self,
        file: CsvFile,
        parsers: Mapping[str, tuple[int, Callable[[Any], int]]],
        derive: Callable[[list[Sequence[str]]], Sequence[Sequence[object]]],
        number: type[np.signedinteger[Any]] = np.int64,
        *,
        fill: bool,
    ) -> None:
        self.dtype = np.dtype([("line", np.int32), *((name, number) for name in parsers)])
        self._file = file
        self._cells = {name: (index, CellReader(parse)) for name, (index, parse) in parsers.items()}
        self._derive = derive
        self._fill = fill  # rows of another length than the header, else skip them

    def read(self, result: ImportResult) -> Iterator[Rows]:
        """Yield rows in the order of the file."""
        for lines, cells in self._file.tables(result, fill=self._fill):
            columns: list[Any] = [*cells, *self._derive(cells)]
            table = np.empty(len(lines), self.dtype)
            table["line"] = lines
            for name, (index, reader) in self._cells.items():
                values = map(reader.__getitem__, columns[index])
                table[name] = np.fromiter(values, np.int64, len(lines))  # quicker than int32
            yield table

    def explain(self, result: ImportResult, explain: Callable[[list[str], str, str], str]) -> None:
        """Complete the reasons for which rows were skipped.

        `explain` gets the cells, the column that could not be read, and the reason so far.
        """
        reasons, width = dict(result.reasons), len(self._file.header)
        result.reasons = []
        for line, cells in self._file.rows_at(reasons):
            if len(cells) != width and not self._fill:
                reason = f"has {len(cells)} cells where the header has {width}"
            else:
                filled = [*cells, *[""] * width][:width]
                reason = explain(filled, *self._reason(filled, reasons[line]))
            result.reasons.append((line, reason))

    def _reason(self, cells: list[str], reason: str) -> tuple[str, str]:
        columns: list[Any] = [[cell] for cell in cells]
        columns += self._derive(columns)
        for name, (index, reader) in self._cells.items():
            try:
                reader.parse(columns[index][0])
            except RowError as error:
                return name, str(error)
            except (ValueError, OverflowError):
                return name, f"invalid {name}: {shorten(columns[index][0])}"
        return "", reason
