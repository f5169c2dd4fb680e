"""What a file gave: readings and buckets by pool, and what of it could not be read.

Owns the values between reading a file and writing them down. Pure: must not know files or SQL.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from lictui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from lictui.analysis.series import Resolution
    from lictui.history.rollup import Rollup
    from lictui.model import Model, MonthlyUsage, PoolKey


_REASONS: Final = 5  # that are told; a file of nothing but rubbish has as many as rows


class ImportedReading(NamedTuple):
    """One reading as a file has it."""

    at: int  # UTC epoch seconds
    in_use: int | None  # None: lictui's own file says it could not be read
    installed: int | None = None
    overdraft: int | None = None


class ImportedBucket(NamedTuple):
    """One bucket as a file has it."""

    tally: Rollup
    installed: int | None = None
    overdraft: int | None = None


@dataclass(slots=True)
class ImportedPool:
    """Everything that a file tells of one pool, in the order of its rows."""

    server: str
    key: PoolKey
    model: Model
    readings: list[ImportedReading] = field(default_factory=list)
    buckets: dict[Resolution, list[ImportedBucket]] = field(default_factory=dict)
    months: list[MonthlyUsage] = field(default_factory=list)  # as the source told of its own past


@dataclass(slots=True)
class ImportResult:
    """How many rows a file had, and what became of those that were no use."""

    read: int = 0
    skipped: int = 0
    filtered_out: int = 0  # of servers and products that were not asked for
    reasons: list[tuple[int, str]] = field(default_factory=list)  # line, why; the first ones
    pools: list[ImportedPool] = field(default_factory=list)

    def skip(self, line: int, why: str) -> None:
        """Note a row that could not be taken, and why."""
        self.skipped += 1
        if len(self.reasons) < _REASONS:
            self.reasons.append((line, why))


class RowError(ValueError):
    """A row that cannot be taken; its text says why."""


# A file's bytes as rows of cells: whatever encoding and delimiter a program or a person chose


Row = tuple[int, list[str]]  # the number of its last line from 1, and its cells
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DELIMITERS: Final = (",", ";", "\t", "|")
_PREAMBLE: Final = 20  # rows among which a header is looked for
_PLAIN: Final = re.compile(r"[^a-z0-9]+")


def decode_text(data: bytes) -> str:
    """The bytes as text: by their mark, as UTF-16 where every other byte is 0, else as UTF-8.

    What is none of these is Windows' Western code page, in which no byte is without a meaning.
    """
    for mark, encoding in _MARKS:
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


def plain(name: str) -> str:
    """A column's name without case, blanks, quotes and underscores."""
    return _PLAIN.sub("", name.lower())


def rows(whole: str, delimiter: str, *, exact: bool = False) -> Iterator[Row]:
    """Every row that has a cell with something in it. Raises UsageError for what is no CSV.

    Blanks after a delimiter belong to no cell, unless the file is `exact`.
    """
    source = io.StringIO(whole, newline="")
    found = csv.reader(source, delimiter=delimiter, skipinitialspace=not exact)
    try:
        for cells in found:
            if any(cells):
                yield found.line_num, cells
    except csv.Error as error:
        raise UsageError(
            f"line {found.line_num + 1} is no CSV: {error}", "is it a text file at all?"
        ) from error


def exact(whole: str, known: Callable[[list[str]], bool]) -> tuple[list[str], Iterator[Row]] | None:
    """The first row, if it is `known`, and the rows below it; None if it is not."""
    for delimiter in _DELIMITERS:
        below = rows(whole, delimiter, exact=True)
        for _, header in below:
            if known(header):
                return header, below
            break
    return None


def headed(whole: str, known: Callable[[list[str]], int]) -> tuple[list[str], Iterator[Row]]:
    """The first row that looks like a header, and the rows below it.

    `known` says how many columns of a row it recognises, 0 when too few to go by. Raises
    UsageError with the columns that are there when no row is a header.
    """
    best: tuple[int, str, int] | None = None
    for delimiter in _DELIMITERS:
        for place, (_, cells) in enumerate(islice(rows(whole, delimiter), _PREAMBLE)):
            score = known(cells)
            if score and (best is None or score > best[0]):
                best = score, delimiter, place
    if best is None:
        raise UsageError(f"no row is a header that can be gone by{_seen(whole)}", _HINT)
    _, delimiter, place = best
    below = rows(whole, delimiter)
    header = next(islice(below, place, None))[1]
    return header, below


_HINT: Final = (
    "name the columns: --columns 'time=…,in_use=…,installed=…' (time and in_use are needed); "
    "or leave --server and --product out for a file that lictui itself exported"
)


def _seen(whole: str) -> str:
    for delimiter in _DELIMITERS:
        for _, cells in rows(whole, delimiter):
            if len(cells) > 1:
                return f"; the first row has {', '.join(cell.strip() for cell in cells[:12])}"
            break
    return ""


# Whole numbers as spreadsheets and scripts write them


_MOST: Final = 2**31
_GROUPED: Final = re.compile(r"\d{1,3}([.,' \u00a0\u202f])\d{3}(?:\1\d{3})*", re.ASCII)
_WHOLE: Final = re.compile(r"(\d{1,10})(?:[.,]0+)?", re.ASCII)
_NONE: Final = frozenset({"", "-", "n/a", "na", "null", "none", "unlimited", "uncounted", "?"})


def whole(cell: str, what: str) -> int:
    """The number in a cell; raises Unreadable when there is none, or part of one."""
    text = cell.strip()
    if not text:
        raise RowError(f"{what} is empty")
    if _GROUPED.fullmatch(text):
        text = re.sub(r"\D", "", text)
    found = _WHOLE.fullmatch(text)
    if not found or int(found[1]) >= _MOST:
        raise RowError(f"{what} is no whole number: {text[:40]!r}")
    return int(found[1])


def known(cell: str, what: str) -> int | None:
    """The same, but None where a cell says that nothing is known, or that there is no limit."""
    return None if cell.strip().lower() in _NONE else whole(cell, what)


# The times in a file of somebody else's: which form they have, and which moment they mean


_MONTHS: Final = (
    *("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
)
_CLOCK: Final = (
    r"(?:(?:[T,]|\s)\s*(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?P<zone>Z|z|UTC|GMT|[+-]\d{2}:?\d{2})?)?"
)
_CLOCKS: Final = (" %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p")  # beside a date's own form
_WEEKDAY: Final = r"(?:[A-Za-z]{3,9},?\s+)?"
_DAYS: Final = (
    re.compile(r"(?P<year>\d{4})([-/.])(?P<month>\d{1,2})\2(?P<day>\d{1,2})" + _CLOCK),
    re.compile(
        _WEEKDAY + r"(?P<one>\d{1,2})([-/.])(?P<two>\d{1,2})\2(?P<year>\d{4}|\d{2})" + _CLOCK
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
_MILLISECONDS: Final = 11  # digits from which an epoch is one of milliseconds
_NOON: Final = 12
_HOUR: Final = 3600
_CENTURY: Final = 100
_HINT_MOMENTS: Final = "say which is meant: --date-format '%d/%m/%Y %H:%M', or '%m/%d/%Y %I:%M %p'"


class ParsedTime(NamedTuple):
    """A time as it is written; day and month not told apart where only their order would."""

    year: int
    one: int  # the month, unless `open`
    two: int  # the day, unless `open`
    clock: tuple[int, int, int] | None  # None: a day, without a time
    offset: int | None = None  # seconds east of UTC, where the row says so
    open: bool = False


class ResolvedTime(NamedTuple):
    """What a time means: a moment, or a calendar day as a whole."""

    at: int  # of a day: its noon
    day: date | None = None


def written(text: str, form: str = "") -> ParsedTime:
    """A time in any form that is common, or in `form` (strptime's). Raises Unreadable."""
    text = " ".join(text.split())
    if form:
        return _formed(text, form)
    for pattern in _DAYS:
        if found := pattern.fullmatch(text):
            return _found(found, text)
    if _EPOCH.fullmatch(text):
        whole = int(text.partition(".")[0])
        return _of(
            datetime.fromtimestamp(whole / 1000 if whole >= 10**_MILLISECONDS else whole, UTC)
        )
    raise RowError(f"no time can be read from {text[:40]!r}")


def _found(found: re.Match[str], text: str) -> ParsedTime:
    parts = found.groupdict()
    year = int(parts["year"])
    year += 2000 if year < _CENTURY else 0
    clock = offset = None
    if parts["hour"] is not None:
        hour, half = int(parts["hour"]), (parts["half"] or "").lower()[:1]
        if half:
            if not 1 <= hour <= _NOON:
                raise RowError(f"there is no such hour: {text[:40]!r}")
            hour = hour % _NOON + (_NOON if half == "p" else 0)
        clock = hour, int(parts["minute"]), int(parts["second"] or 0)
        offset = _offset(parts["zone"])
    if "one" in parts:
        return ParsedTime(year, int(parts["one"]), int(parts["two"]), clock, offset, open=True)
    if "name" in parts:
        name = parts["name"].lower()[:3]
        if name not in _MONTHS:
            raise RowError(f"there is no such month: {text[:40]!r}")
        return ParsedTime(year, _MONTHS.index(name) + 1, int(parts["day"]), clock, offset)
    return ParsedTime(year, int(parts["month"]), int(parts["day"]), clock, offset)


def _offset(zone: str | None) -> int | None:
    if zone is None:
        return None
    if zone[0] not in "+-":
        return 0
    seconds = int(zone[1:3]) * _HOUR + int(zone[-2:]) * 60
    return -seconds if zone[0] == "-" else seconds


def _formed(text: str, form: str) -> ParsedTime:
    timed = re.search(r"%[HIcXTRs]", form) is not None
    forms = [(form, timed), *((form + clock, True) for clock in _CLOCKS if not timed)]
    for each, clock in forms:
        try:
            found = datetime.strptime(text, each)  # noqa: DTZ007 - the zone is the caller's
        except ValueError:
            continue
        return _of(found) if clock else _of(found)._replace(clock=None)
    raise RowError(f"{text[:40]!r} is not of the form {form!r}")


def _of(found: datetime) -> ParsedTime:
    shift = found.utcoffset()
    return ParsedTime(
        found.year,
        found.month,
        found.day,
        (found.hour, found.minute, found.second),
        None if shift is None else int(shift.total_seconds()),
    )


def day_first(found: Iterable[ParsedTime]) -> bool:
    """Whether the day stands before the month, by the rows that leave no doubt.

    Raises UsageError where no row does, or where they contradict each other.
    """
    unclear = [each for each in found if each.open]
    if not unclear:
        return False
    day = any(each.one > len(_MONTHS) for each in unclear)
    month = any(each.two > len(_MONTHS) for each in unclear)
    sample = f"{unclear[0].one:02}/{unclear[0].two:02}/{unclear[0].year}"
    if day == month:
        why = "some rows have the day first, others the month" if day else "no row tells"
        raise UsageError(
            f"is {sample} a day and a month, or a month and a day? {why}", _HINT_MOMENTS
        )
    return day


def settled(each: ParsedTime, *, day_first: bool) -> datetime:
    """The wall clock's time; midnight for a day. Raises Unreadable where there is no such time."""
    month, day = (each.two, each.one) if each.open and day_first else (each.one, each.two)
    try:
        return datetime(each.year, month, day, *(each.clock or ()))  # noqa: DTZ001 - its zone comes next
    except ValueError as error:
        raise RowError(f"{error}: {each.year}-{month:02}-{day:02}") from error


class Zoned:
    """Turns a wall clock's times, in the order of their rows, into moments."""

    def __init__(self, zone: tzinfo | None) -> None:
        self._zone = zone  # None: the system's
        self._last: int | None = None

    def moment(self, local: datetime, offset: int | None = None) -> int:
        """The moment; of an hour that the clock shows twice the first, unless rows are past it."""
        if offset is not None:
            return int(local.replace(tzinfo=UTC).timestamp()) - offset
        first = self._stamp(local)
        second = self._stamp(local.replace(fold=1))
        at = first
        if second > first and self._last is not None and first <= self._last < second:
            at = second
        self._last = at
        return at

    def day(self, day: date) -> int:
        """The noon of a day, which in nearly every zone lies on the same day of UTC; else near."""
        start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
        noon = self._stamp(datetime(day.year, day.month, day.day, _NOON))  # noqa: DTZ001 - as above
        return min(max(noon, start), start + 24 * _HOUR - 1)

    def _stamp(self, local: datetime) -> int:
        try:
            aware = local if self._zone is None else local.replace(tzinfo=self._zone)
            return int(aware.timestamp())
        except (OverflowError, OSError, ValueError) as error:
            raise RowError(f"no such time: {local:%Y-%m-%d}") from error


def whole_days(found: Iterable[ParsedTime]) -> bool:
    """Whether every row stands at midnight, as a program writes days that it takes for moments."""
    several = list(found)
    return len(several) > 1 and all(
        each.clock is None or (each.clock == (0, 0, 0) and each.offset is None) for each in several
    )
