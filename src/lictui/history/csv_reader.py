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
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

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

IntArray = NDArray[np.int64]

UNKNOWN: Final = -1  # in a column
INVALID: Final = -2
_MAX_REASONS: Final = 5  # that are reported; an invalid file has as many as rows
_SHOWN_LENGTH: Final = 40  # characters of a cell in a message


def optional(column: IntArray) -> list[int | None]:
    """Return the values of a column, None for an unknown one."""
    return [None if value < 0 else value for value in column.tolist()]


class ImportedReading(NamedTuple):
    """One reading in a file."""

    time: int  # UTC epoch seconds
    in_use: int | None  # None: unknown in lictui's own export
    installed: int | None = None
    overdraft: int | None = None


class ImportedBucket(NamedTuple):
    """One bucket in a file."""

    start: int  # UTC epoch seconds
    low: int
    average: float  # over time
    high: int
    high_at: int
    last: int
    samples: int
    installed: int | None = None
    overdraft: int | None = None


@dataclass(frozen=True, eq=False, slots=True)
class ReadingColumns:
    """Readings in order of time as columns; iterating yields rows."""

    time: IntArray
    in_use: IntArray  # UNKNOWN or a count, as the following
    installed: IntArray
    overdraft: IntArray

    @classmethod
    def of(cls, rows: Sequence[ImportedReading]) -> ReadingColumns:
        """Return rows as columns."""
        return cls(*_columns(rows, len(ImportedReading._fields)))

    def __len__(self) -> int:
        return len(self.time)

    def __iter__(self) -> Iterator[ImportedReading]:
        counts = map(optional, (self.in_use, self.installed, self.overdraft))
        return map(ImportedReading._make, zip(self.time.tolist(), *counts, strict=True))


@dataclass(frozen=True, eq=False, slots=True)
class BucketColumns:
    """Buckets of one width in order of time as columns; iterating yields rows."""

    start: IntArray
    low: IntArray
    average: NDArray[np.float64]
    high: IntArray
    high_at: IntArray
    last: IntArray
    samples: IntArray
    installed: IntArray  # UNKNOWN or a count
    overdraft: IntArray

    @classmethod
    def of(cls, rows: Sequence[ImportedBucket]) -> BucketColumns:
        """Return rows as columns."""
        averages = np.array([row.average for row in rows], np.float64)
        start, low, _, *others = _columns(rows, len(ImportedBucket._fields))
        return cls(start, low, averages, *others)

    def __len__(self) -> int:
        return len(self.start)

    def __iter__(self) -> Iterator[ImportedBucket]:
        figures = (
            column.tolist()
            for column in (self.start, self.low, self.average, self.high, self.high_at)
        )
        more = (self.last.tolist(), self.samples.tolist())
        counts = map(optional, (self.installed, self.overdraft))
        return map(ImportedBucket._make, zip(*figures, *more, *counts, strict=True))


def _columns(rows: Sequence[tuple[float | None, ...]], count: int) -> list[IntArray]:
    known = [[UNKNOWN if value is None else int(value) for value in row] for row in rows]
    return list(np.array(known, np.int64).reshape(-1, count).T)


@dataclass(slots=True)
class ImportedPool:
    """Figures of one pool in a file, in order of time."""

    server: str
    key: PoolKey
    model: Model
    readings: ReadingColumns = field(default_factory=lambda: ReadingColumns.of(()))
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

    def skip(self, line: int, reason: str) -> None:
        """Count a row that could not be read."""
        self.skipped += 1
        if len(self.reasons) < _MAX_REASONS or line < self.reasons[-1][0]:
            self.reasons = sorted([*self.reasons, (line, reason)])[:_MAX_REASONS]


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
        except RowError:
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


# Times as other programs write them, in the formats of all locales of Windows


NO_CLOCK: Final = -1  # in place of a clock: the row is about a whole day
_MINUTES: Final = 1 << 12  # more than the minutes from UTC, with their sign
_LOCAL: Final = _MINUTES - 1  # in place of the minutes: local time
_WIDTHS: Final = 1 << 20  # more than the seconds of a range
_NOON: Final = 12
_HOUR: Final = 3600
_DAY: Final = 86400
_CENTURY: Final = 100
_FIRST_YEAR: Final = 1970
_BUDDHIST: Final = 2400  # later years are of the Thai calendar, which is 543 years ahead
_SERIAL_DAY_0: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - spreadsheets have no zones
_MILLISECONDS: Final = 10**11  # a larger epoch counts milliseconds
_DATE_FORMAT_HINT: Final = "use --date-format '%d/%m/%Y %H:%M' or --date-format '%m/%d/%Y %I:%M %p'"
# The first letters of the months in Dutch, English, French, German, Italian, Portuguese, Spanish.
_MONTH_NAMES: Final = {
    letters: number
    for number, names in enumerate(
        "jan ene gen|feb fév fev|mar mär mrz mrt|apr avr abr|mai may mei mag|jun juin giu|"
        "jul juil lug|aug aoû ago|sep set|oct okt ott out|nov|dec dez déc dic".split("|"),
        start=1,
    )
    for letters in names.split()
}
_MORNING: Final = frozenset({"am", "πμ", "上午", "오전", "午前", "sa", "de", "dop"})
_AFTERNOON: Final = frozenset({"pm", "μμ", "下午", "오후", "午後", "ch", "du", "odp"})
_HALVES_BEFORE: Final = ("上午", "下午", "오전", "오후", "午前", "午後")  # the clock
_WEEKDAY: Final = r"(?:[^\W\d]{2,}\.?,?\s+)?"
_NAME: Final = r"(?P<name>[^\W\d]{3,})\.?,?"
_DATES: Final = tuple(
    map(
        re.compile,
        (
            r"(?P<year>\d{4})\s*([-/.])\s*(?P<month>\d{1,2})\s*\2\s*(?P<day>\d{1,2})\.?",
            r"(?P<year>\d{4})\.?(?P<month>\d{2})(?P<day>\d{2})",
            _WEEKDAY + r"(?P<first>\d{1,2})\s*([-/.])\s*(?P<second>\d{1,2})\s*\2\s*"
            r"(?P<year>\d{4}|\d{2})\.?(?:\s*\u0433\.?)?",
            _WEEKDAY + r"(?P<day>\d{1,2})\.?[- ]\s*(?:de )?" + _NAME + r"[- ]\s*(?:de )?"
            r"(?P<year>\d{4}|\d{2})",
            _WEEKDAY + _NAME + r"\s+(?P<day>\d{1,2}),?\s+(?P<year>\d{4})",
            r"(?P<year>\d{4})\s*[-/.]\s*(?P<month>\d{1,2})\.?",
            r"(?P<month>\d{1,2})\s*[-/.]\s*(?P<year>\d{4})\.?",
            _NAME + r"[- ](?P<year>\d{4})",
        ),
    )
)
_CLOCK: Final = re.compile(
    r"(?P<before>[^\W\d][^\d:]*?)?\s*(?P<hour>\d{1,2})[:.](?P<minute>\d{2})"
    r"(?:[:.](?P<second>\d{2})(?:[.,]\d+)?)?"
    r"\s*(?P<half>[^\W\d][^\d+]*?)??\s*(?P<zone>Z|z|UTC|GMT|[+-]\d{2}:?\d{2})?"
)
_DOTTED_CLOCK: Final = re.compile(r"(.*\S)\s+(\d{1,2}\.\d{2}(?:\.\d{2})?)")
_RANGE: Final = re.compile(r"\s+[-\u2013\u2212]\s+")
_SERIAL: Final = re.compile(r"[2-7]\d{4}(?:\.\d+)?", re.ASCII)
_EPOCH: Final = re.compile(r"\d{9,10}(?:\.\d+)?|1\d{12}", re.ASCII)
_COMPACT: Final = re.compile(r"((?:19|20)\d{6})[T ]?(\d{2})(\d{2})(\d{2})?", re.ASCII)


class LocalDate(NamedTuple):
    """A date as written; where only their order tells day from month, it is `ambiguous`."""

    year: int
    first: int  # the month, unless ambiguous
    second: int  # the day, unless ambiguous; 0: a month
    ambiguous: bool

    def pack(self) -> int:
        """Return the date as one number."""
        return ((self.year * 100 + self.first) * 100 + self.second) * 2 + self.ambiguous

    @classmethod
    def unpack(cls, value: int) -> LocalDate:
        """Return the date of a number."""
        digits, ambiguous = divmod(value, 2)
        return cls(digits // 10000, digits // 100 % 100, digits % 100, bool(ambiguous))

    def day(self, *, day_first: bool) -> date:
        """Return the day, or the first day of the month. Raises RowError if invalid."""
        month, day = self.first, self.second or 1
        if self.ambiguous and day_first:
            month, day = day, month
        try:
            if self.year >= _FIRST_YEAR:
                return date(self.year, month, day)
        except ValueError:
            pass
        raise RowError(f"invalid time: {self.year}-{month:02}-{day:02}")


def split_time(text: str) -> tuple[str, str]:
    """Return the date and the clock in a time, or a range of time; "" for a day or a month."""
    if text[10:11] in "T " and text[12:13].isdigit() and text[4:5] == "-":  # ISO
        return text[:10], text[11:]
    date_text, _, clock = text.partition(" ")
    if ":" not in date_text and ":" in clock[:3] and text.isascii():
        return date_text, clock
    text = " ".join(text.split())
    if not text.isascii():
        text = _ascii_digits(text)
        for word in _HALVES_BEFORE:
            if f" {word} " in text:
                start = text.index(word)
                return text[:start].strip(), text[start:]
    colon = text.find(":")
    if colon > 0:
        start = max(text.rfind(blank, 0, colon) for blank in " T,")
        return text[: max(start, 0)].rstrip(" ,"), text[start + 1 :]
    return _split_digits(text)


def _split_digits(text: str) -> tuple[str, str]:
    """Return the parts of a time without colons: a date, or a number."""
    if match := _DOTTED_CLOCK.fullmatch(text):
        return match[1], match[2]
    if match := _COMPACT.fullmatch(text):
        return match[1], f"{match[2]}:{match[3]}:{match[4] or '00'}"
    number = text.replace(",", ".")
    if _SERIAL.fullmatch(number):
        moment = _SERIAL_DAY_0 + timedelta(seconds=round(float(number) * _DAY))
        return f"{moment:%Y-%m-%d}", f"{moment:%H:%M:%S}" if "." in number else ""
    if _EPOCH.fullmatch(number):
        epoch = int(number.partition(".")[0])
        utc = datetime.fromtimestamp(epoch / 1000 if epoch >= _MILLISECONDS else epoch, UTC)
        return f"{utc:%Y-%m-%d}", f"{utc:%H:%M:%S}Z"
    return text, ""


def _ascii_digits(text: str) -> str:
    """Return a text with ASCII digits and without marks of direction; 年, 月, 日 as hyphens."""
    text = re.sub("[\u200e\u200f]|[日일]", "", text)
    text = re.sub("[年월月년]", "-", text)
    digits = (str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
    return " ".join("".join(digits).split())


def split_formatted_time(text: str, date_format: str) -> tuple[str, str]:
    """Return the date and the clock in a time in `date_format` (strptime's). Raises RowError."""
    has_clock = re.search(r"%[HIcXTRs]", date_format) is not None
    clocks = ("",) if has_clock else ("", " %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p")
    for clock in clocks:
        try:
            parsed = datetime.strptime(text, date_format + clock)  # noqa: DTZ007 - the zone is the caller's
        except ValueError:
            continue
        return f"{parsed:%Y-%m-%d}", f"{parsed:%H:%M:%S%z}" if has_clock or clock else ""
    raise RowError(f"{shorten(text)} does not match the format {date_format!r}")


def parse_date(text: str) -> int:
    """Return a packed LocalDate. Raises RowError."""
    text = " ".join((text if text.isascii() else _ascii_digits(text)).split())
    match = next((m for pattern in _DATES if (m := pattern.fullmatch(text))), None)
    if match is None:
        raise RowError(f"invalid time: {shorten(text)}")
    parts = match.groupdict()
    year = int(parts["year"])
    year += 2000 if year < _CENTURY else 0
    year -= 543 if year > _BUDDHIST else 0
    if "first" in parts:
        return LocalDate(year, int(parts["first"]), int(parts["second"]), ambiguous=True).pack()
    if "name" in parts:
        name = parts["name"].lower()
        month = _MONTH_NAMES.get(name[:3]) or _MONTH_NAMES.get(name[:4])
        if month is None:
            raise RowError(f"invalid month: {shorten(text)}")
    else:
        month = int(parts["month"])
    return LocalDate(year, month, int(parts.get("day") or 0), ambiguous=False).pack()


def parse_clock(text: str) -> int:
    """Return the packed seconds of a day, minutes from UTC and seconds of a range. RowError."""
    text = (text if text.isascii() else _ascii_digits(text)).strip()
    if not text:
        return NO_CLOCK
    start, *ends = _RANGE.split(text)
    seconds, minutes = _clock(start)
    width = 0
    if ends:
        width = (_clock(split_time(ends[-1])[1])[0] - seconds) % _DAY or _DAY
    return (seconds * _MINUTES + minutes) * _WIDTHS + width


def _clock(text: str) -> tuple[int, int]:
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        raise RowError(f"invalid time: {shorten(text)}")
    hour, zone = int(match["hour"]), match["zone"]
    half = re.sub(r"[.\s]", "", match["half"] or match["before"] or "").lower()
    if half:
        if half not in _MORNING | _AFTERNOON or not 1 <= hour <= _NOON:
            raise RowError(f"invalid time: {shorten(text)}")
        hour = hour % _NOON + (_NOON if half in _AFTERNOON else 0)
    minute, second = int(match["minute"]), int(match["second"] or 0)
    if hour > 23 or minute > 59 or second > 59:  # noqa: PLR2004 - a clock
        raise RowError(f"invalid time: {shorten(text)}")
    minutes = _LOCAL
    if zone:
        minutes = int(zone[1:3]) * 60 + int(zone[-2:]) if zone[0] in "+-" else 0
        minutes = (-minutes if zone[0] == "-" else minutes) + _MINUTES // 2
    return hour * _HOUR + minute * 60 + second, minutes


class Clocks(NamedTuple):
    """Columns of packed clocks."""

    seconds: IntArray  # of the day; 0 for a day without a clock
    offset: IntArray  # seconds east of UTC, where the row says so
    is_local: NDArray[np.bool_]  # it does not
    width: IntArray  # seconds of a range of time; 0: a moment

    @classmethod
    def unpack(cls, packed: IntArray) -> Clocks:
        """Return the parts of packed clocks."""
        packed = np.where(packed < 0, _LOCAL * _WIDTHS, packed)
        clock, width = packed // _WIDTHS, packed % _WIDTHS
        minutes = clock % _MINUTES
        offset = (minutes - _MINUTES // 2) * 60
        return cls(clock // _MINUTES, offset, minutes == _LOCAL, width)


def is_day_first(dates: Iterable[LocalDate]) -> bool:
    """Whether the day precedes the month, by the dates that are not ambiguous.

    Raises UsageError where all dates are ambiguous, or where they contradict each other.
    """
    unclear = [date for date in dates if date.ambiguous]
    if not unclear:
        return False
    day_first = any(date.first > _NOON for date in unclear)
    month_first = any(date.second > _NOON for date in unclear)
    if day_first == month_first:
        sample = f"{unclear[0].first:02}/{unclear[0].second:02}/{unclear[0].year}"
        reason = (
            "some rows have the day first, others the month"
            if day_first
            else "day and month cannot be told apart"
        )
        raise UsageError(f"ambiguous date {sample}: {reason}", _DATE_FORMAT_HINT)
    return day_first


def utc_times(
    days: IntArray, seconds: IntArray, zone: tzinfo | None, *, newest_first: bool
) -> IntArray:
    """Return UTC epoch seconds of local times, given as days from the epoch and seconds of the day.

    Of an hour that comes twice, a row is in the second one if the rows before it are. A time in
    an hour that a clock change leaves out is INVALID.
    """
    distinct, place = np.unique(days, return_inverse=True)
    at_start = np.array([_utc_offset(int(day), zone) for day in distinct], np.int64)
    at_end = np.array([_utc_offset(int(day) + 1, zone) for day in distinct], np.int64)
    times: IntArray = days * _DAY + seconds - at_start[place]
    changing = np.flatnonzero((at_start != at_end)[place])
    used: set[int] = set()
    last = 0
    for row in changing[::-1] if newest_first else changing:
        local = _EPOCH_DAY + timedelta(days=int(days[row]), seconds=int(seconds[row]))
        first, second = (_timestamp(local.replace(fold=fold), zone) for fold in (0, 1))
        is_second = second > first and (first <= last < second or first in used)
        last = second if is_second and second not in used else first
        used.add(last)
        times[row] = INVALID if second < first else last
    return times


_EPOCH_DAY: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - local days are counted from it


def _utc_offset(day: int, zone: tzinfo | None) -> int:
    return day * _DAY - _timestamp(_EPOCH_DAY + timedelta(days=day), zone)


def _timestamp(local: datetime, zone: tzinfo | None) -> int:
    try:
        return int((local if zone is None else local.replace(tzinfo=zone)).timestamp())
    except (OverflowError, OSError, ValueError) as error:
        raise UsageError(f"invalid time: {local:%Y-%m-%d}", _DATE_FORMAT_HINT) from error
