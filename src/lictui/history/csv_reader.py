"""Reading CSV files of any program: encoding, delimiter, header, numbers and times.

Also the values between reading a file and storing it: `ImportResult` and what it consists of.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from lictui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date, tzinfo

    from lictui.analysis.series import Resolution
    from lictui.model import Model, MonthlyUsage, PoolKey


_MAX_REASONS: Final = 5  # that are reported; an invalid file has as many as rows
_SHOWN_LENGTH: Final = 40  # characters of a cell in a message


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


@dataclass(slots=True)
class ImportedPool:
    """Everything in a file about one pool, in the order of its rows."""

    server: str
    key: PoolKey
    model: Model
    readings: list[ImportedReading] = field(default_factory=list)
    buckets: dict[Resolution, list[ImportedBucket]] = field(default_factory=dict)
    months: list[MonthlyUsage] = field(default_factory=list)  # reported by the source itself


@dataclass(slots=True)
class ImportResult:
    """The pools in a file, and how many rows were read, skipped and filtered out."""

    read: int = 0
    skipped: int = 0
    filtered_out: int = 0  # of other servers and products
    reasons: list[tuple[int, str]] = field(default_factory=list)  # the first: line, message
    pools: list[ImportedPool] = field(default_factory=list)

    def skip(self, line: int, reason: str) -> None:
        """Count a row that could not be read."""
        self.skipped += 1
        if len(self.reasons) < _MAX_REASONS:
            self.reasons.append((line, reason))


class RowError(ValueError):
    """A row that cannot be read; its text is the reason."""


# Bytes to rows of cells


NumberedRow = tuple[int, list[str]]  # the number of its last line from 1, and its cells
_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DELIMITERS: Final = (",", ";", "\t", "|")
_MAX_PREAMBLE: Final = 20  # rows among which the header is looked for
_SHOWN_COLUMNS: Final = 12
_NOT_ALPHANUMERIC: Final = re.compile(r"[^a-z0-9]+")
_COLUMNS_HINT: Final = (
    "use --columns 'time=…,in_use=…,installed=…' to name the columns (time and in_use are "
    "required); for a file exported by lictui, omit --server and --product"
)


def decode_text(data: bytes) -> str:
    """Decode by byte order mark, as UTF-16 where every other byte is 0, else as UTF-8.

    What is none of these is read as Windows-1252, in which every byte has a meaning.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    start = data[:200]
    if start[1::2].count(0) > len(start) // 3:
        return data.decode("utf-16-le", "replace")
    if start[::2].count(0) > len(start) // 3:
        return data.decode("utf-16-be", "replace")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def normalize_name(name: str) -> str:
    """Return a column's name in lower case without blanks, quotes and underscores."""
    return _NOT_ALPHANUMERIC.sub("", name.lower())


def read_rows(text: str, delimiter: str, *, keep_blanks: bool = False) -> Iterator[NumberedRow]:
    """Yield every row with a non-empty cell; raises UsageError for what is not CSV.

    Blanks after a delimiter do not belong to the cell, unless `keep_blanks`.
    """
    source = io.StringIO(text, newline="")
    reader = csv.reader(source, delimiter=delimiter, skipinitialspace=not keep_blanks)
    try:
        for cells in reader:
            if any(cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise UsageError(
            f"line {reader.line_num + 1}: invalid CSV: {error}",
            "not a text file? export the data as CSV",
        ) from error


def find_exact_header(
    text: str, is_header: Callable[[list[str]], bool]
) -> tuple[list[str], Iterator[NumberedRow]] | None:
    """Return the first row, if it is a known header, and the rows below it; else None."""
    for delimiter in _DELIMITERS:
        rows = read_rows(text, delimiter, keep_blanks=True)
        for _, header in rows:
            if is_header(header):
                return header, rows
            break
    return None


def find_header(
    text: str, score: Callable[[list[str]], int]
) -> tuple[list[str], Iterator[NumberedRow]]:
    """Return the row that looks most like a header, and the rows below it.

    `score` is higher the more columns it recognizes, and 0 where required columns are missing.
    Raises UsageError with the columns of the file when no row is a header.
    """
    best: tuple[int, str, int] | None = None
    for delimiter in _DELIMITERS:
        for index, (_, cells) in enumerate(islice(read_rows(text, delimiter), _MAX_PREAMBLE)):
            row_score = score(cells)
            if row_score and (best is None or row_score > best[0]):
                best = row_score, delimiter, index
    if best is None:
        raise UsageError(f"no usable header row{_first_columns(text)}", _COLUMNS_HINT)
    _, delimiter, index = best
    rows = read_rows(text, delimiter)
    header = next(islice(rows, index, None))[1]
    return header, rows


def _first_columns(text: str) -> str:
    for delimiter in _DELIMITERS:
        for _, cells in read_rows(text, delimiter):
            if len(cells) > 1:
                columns = ", ".join(cell.strip() for cell in cells[:_SHOWN_COLUMNS])
                return f"; the first row has the columns {columns}"
            break
    return ""


# Whole numbers as spreadsheets and scripts write them


_COUNT_LIMIT: Final = 2**31
_GROUPED: Final = re.compile(r"\d{1,3}([.,' \u00a0\u202f])\d{3}(?:\1\d{3})*", re.ASCII)
_WHOLE: Final = re.compile(r"(\d{1,10})(?:[.,]0+)?", re.ASCII)
_NO_FIGURE: Final = frozenset({"", "-", "n/a", "na", "null", "none", "unlimited", "uncounted", "?"})


def parse_count(cell: str, column: str) -> int:
    """Return the number in a cell; raises RowError when there is none, or a fraction."""
    text = cell.strip()
    if not text:
        raise RowError(f"{column} is empty")
    if _GROUPED.fullmatch(text):
        text = re.sub(r"\D", "", text)
    match = _WHOLE.fullmatch(text)
    if not match or int(match[1]) >= _COUNT_LIMIT:
        raise RowError(f"{column} is not a whole number: {shorten(text)}")
    return int(match[1])


def parse_optional_count(cell: str, column: str) -> int | None:
    """Return the same, but None where the cell says that the figure is unknown or unlimited."""
    return None if cell.strip().lower() in _NO_FIGURE else parse_count(cell, column)


def shorten(cell: str) -> str:
    """Return a cell for a message: quoted, and not longer than a line."""
    return repr(cell[:_SHOWN_LENGTH])


# Times as other programs write them


# fmt: off
_MONTHS: Final = (
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
)
# fmt: on
_CLOCK: Final = (
    r"(?:(?:[T,]|\s)\s*(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?P<zone>Z|z|UTC|GMT|[+-]\d{2}:?\d{2})?)?"
)
_CLOCK_FORMATS: Final = (" %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p")  # after a date format
_WEEKDAY: Final = r"(?:[A-Za-z]{3,9},?\s+)?"
_TIME_PATTERNS: Final = (
    re.compile(r"(?P<year>\d{4})([-/.])(?P<month>\d{1,2})\2(?P<day>\d{1,2})" + _CLOCK),
    re.compile(
        _WEEKDAY
        + r"(?P<first>\d{1,2})([-/.])(?P<second_part>\d{1,2})\2(?P<year>\d{4}|\d{2})"
        + _CLOCK
    ),
    re.compile(
        _WEEKDAY + r"(?P<day>\d{1,2})[-. ]\s*(?P<name>[A-Za-z]{3,9})\.?,?[-. ]\s*"
        r"(?P<year>\d{4}|\d{2})" + _CLOCK
    ),
    re.compile(
        _WEEKDAY + r"(?P<name>[A-Za-z]{3,9})\.?\s+(?P<day>\d{1,2}),?\s+(?P<year>\d{4})" + _CLOCK
    ),
)
_EPOCH: Final = re.compile(r"\d{9,10}(?:\.\d+)?|\d{12,13}")
_MILLISECONDS: Final = 10**11  # a larger epoch counts milliseconds
_NOON: Final = 12
_HOUR: Final = 3600
_CENTURY: Final = 100
_DATE_FORMAT_HINT: Final = "use --date-format '%d/%m/%Y %H:%M' or --date-format '%m/%d/%Y %I:%M %p'"


class ParsedTime(NamedTuple):
    """A time as written; where only their order tells day from month, it is `ambiguous`."""

    year: int
    first: int  # the month, unless ambiguous
    second: int  # the day, unless ambiguous
    clock: tuple[int, int, int] | None  # None: a day without a time
    offset: int | None = None  # seconds east of UTC, where the row says so
    ambiguous: bool = False


def parse_time(text: str, date_format: str = "") -> ParsedTime:
    """Parse a time in any common form, or in `date_format` (strptime's). Raises RowError."""
    text = " ".join(text.split())
    if date_format:
        return _parse_with_format(text, date_format)
    for pattern in _TIME_PATTERNS:
        if match := pattern.fullmatch(text):
            return _from_match(match, text)
    if _EPOCH.fullmatch(text):
        epoch = int(text.partition(".")[0])
        seconds = epoch / 1000 if epoch >= _MILLISECONDS else epoch
        return _from_datetime(datetime.fromtimestamp(seconds, UTC))
    raise RowError(f"invalid time: {shorten(text)}")


def _from_match(match: re.Match[str], text: str) -> ParsedTime:
    parts = match.groupdict()
    year = int(parts["year"])
    year += 2000 if year < _CENTURY else 0
    clock = offset = None
    if parts["hour"] is not None:
        hour, half = int(parts["hour"]), (parts["half"] or "").lower()[:1]
        if half:
            if not 1 <= hour <= _NOON:
                raise RowError(f"invalid time: {shorten(text)}")
            hour = hour % _NOON + (_NOON if half == "p" else 0)
        clock = hour, int(parts["minute"]), int(parts["second"] or 0)
        offset = _offset(parts["zone"])
    if "first" in parts:
        first, second = int(parts["first"]), int(parts["second_part"])
        return ParsedTime(year, first, second, clock, offset, ambiguous=True)
    if "name" in parts:
        name = parts["name"].lower()[:3]
        if name not in _MONTHS:
            raise RowError(f"invalid month: {shorten(text)}")
        return ParsedTime(year, _MONTHS.index(name) + 1, int(parts["day"]), clock, offset)
    return ParsedTime(year, int(parts["month"]), int(parts["day"]), clock, offset)


def _offset(zone: str | None) -> int | None:
    if zone is None:
        return None
    if zone[0] not in "+-":
        return 0
    seconds = int(zone[1:3]) * _HOUR + int(zone[-2:]) * 60
    return -seconds if zone[0] == "-" else seconds


def _parse_with_format(text: str, date_format: str) -> ParsedTime:
    has_clock = re.search(r"%[HIcXTRs]", date_format) is not None
    formats = [(date_format, has_clock)]
    if not has_clock:
        formats += [(date_format + clock, True) for clock in _CLOCK_FORMATS]
    for candidate, with_clock in formats:
        try:
            parsed = datetime.strptime(text, candidate)  # noqa: DTZ007 - the zone is the caller's
        except ValueError:
            continue
        time = _from_datetime(parsed)
        return time if with_clock else time._replace(clock=None)
    raise RowError(f"{shorten(text)} does not match the format {date_format!r}")


def _from_datetime(parsed: datetime) -> ParsedTime:
    shift = parsed.utcoffset()
    return ParsedTime(
        parsed.year,
        parsed.month,
        parsed.day,
        (parsed.hour, parsed.minute, parsed.second),
        None if shift is None else int(shift.total_seconds()),
    )


def is_day_first(times: Iterable[ParsedTime]) -> bool:
    """Whether the day precedes the month, by the rows that are not ambiguous.

    Raises UsageError where all rows are ambiguous, or where they contradict each other.
    """
    unclear = [time for time in times if time.ambiguous]
    if not unclear:
        return False
    day_first = any(time.first > len(_MONTHS) for time in unclear)
    month_first = any(time.second > len(_MONTHS) for time in unclear)
    if day_first == month_first:
        sample = f"{unclear[0].first:02}/{unclear[0].second:02}/{unclear[0].year}"
        reason = (
            "some rows have the day first, others the month"
            if day_first
            else "day and month cannot be told apart"
        )
        raise UsageError(f"ambiguous date {sample}: {reason}", _DATE_FORMAT_HINT)
    return day_first


def local_time(time: ParsedTime, *, day_first: bool) -> datetime:
    """Return the local time without a zone; midnight for a day. Raises RowError if invalid."""
    month, day = time.first, time.second
    if time.ambiguous and day_first:
        month, day = day, month
    try:
        return datetime(time.year, month, day, *(time.clock or ()))  # noqa: DTZ001 - its zone comes next
    except ValueError as error:
        raise RowError(f"invalid time: {time.year}-{month:02}-{day:02}: {error}") from error


class LocalClock:
    """Turns local times, in the order of their rows, into timestamps."""

    def __init__(self, zone: tzinfo | None) -> None:
        self._zone = zone  # None: the system's
        self._last: int | None = None

    def timestamp(self, local: datetime, offset: int | None = None) -> int:
        """Return UTC epoch seconds; of an hour that comes twice the first, unless rows passed."""
        if offset is not None:
            return int(local.replace(tzinfo=UTC).timestamp()) - offset
        first = self._timestamp(local)
        second = self._timestamp(local.replace(fold=1))
        timestamp = first
        if second > first and self._last is not None and first <= self._last < second:
            timestamp = second
        self._last = timestamp
        return timestamp

    def day_timestamp(self, day: date) -> int:
        """Return noon of a day, within the same UTC day."""
        start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
        noon = self._timestamp(datetime(day.year, day.month, day.day, _NOON))  # noqa: DTZ001 - as above
        return min(max(noon, start), start + 24 * _HOUR - 1)

    def _timestamp(self, local: datetime) -> int:
        try:
            aware = local if self._zone is None else local.replace(tzinfo=self._zone)
            return int(aware.timestamp())
        except (OverflowError, OSError, ValueError) as error:
            raise RowError(f"invalid time: {local:%Y-%m-%d}") from error


def are_whole_days(times: Iterable[ParsedTime]) -> bool:
    """Whether all rows are at midnight, as programs write days that they take for times."""
    all_times = list(times)
    return len(all_times) > 1 and all(
        time.clock is None or (time.clock == (0, 0, 0) and time.offset is None)
        for time in all_times
    )
