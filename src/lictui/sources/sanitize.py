"""Clean and parse values that come from servers: text, counts, dates, times, JSON.

Everything from outside is hostile until it has passed through here. A value that cannot be read
becomes "" or None, never an exception (`parse_json` apart) and never a zero.
"""

from __future__ import annotations

import json
import re
import unicodedata
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

MAX_CODE: Final = 64  # characters of a product code
MAX_COUNT: Final = 10**9  # licenses; no pool is larger
NEVER_YEAR: Final = 9999  # the year .NET and Citrix write for "never expires"
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})  # control, format, surrogate, unassigned
_COUNT: Final = re.compile(r"\d{1,10}(?:\.0{1,9})?", re.ASCII)
_MAX_JSON_DIGITS: Final = 18  # longer integers are not read
_MIN_JSON_SIZE: Final = 8  # bytes of an object or list, on average: each takes far more memory
_FEW_OBJECTS: Final = 10_000  # that may be smaller


def sanitize(value: object, limit: int = 200) -> str:
    """Return `value` as one line of at most `limit` visible characters; "" if it is not text.

    Control, bidirectional and zero-width characters are removed.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float | BaseException):
        return ""
    raw = str(value)[: 8 * limit]
    if not (raw.isascii() and raw.isprintable()):
        raw = "".join(" " if c.isspace() else c for c in raw if _is_visible(c))
    line = " ".join(raw.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def first_line(text: str) -> str:
    """Return the start of the first line of `text` that is not empty, for error messages."""
    return next(filter(None, (sanitize(line, 80) for line in text[:4000].splitlines())), "")


def _is_visible(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) not in _HIDDEN


def parse_count(value: object) -> int | None:
    """Return `value` as a count from 0 to MAX_COUNT: an int, an integral float, or their text."""
    match value:
        case bool():
            return None
        case int():
            number = value
        case float() if value.is_integer():
            number = int(value)
        case str() if _COUNT.fullmatch(value.strip()):
            number = int(value.strip().partition(".")[0])
        case _:
            return None
    return number if 0 <= number <= MAX_COUNT else None


_MAX_DATE_LENGTH: Final = 50
_FIRST_YEAR: Final = 1980  # .NET's year 1 means "no date"
_DATES: Final = (
    # ISO 8601, with or without a time, 0 to 9 fraction digits, any offset
    re.compile(r"(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})(?:[T ][\d:.,]+ ?(?:Z|[+-][\d:]+)?)?"),
    # 2026.1201, a version of a Citrix feature
    re.compile(r"(?P<y>\d{4})\.(?P<m>\d{2})(?P<d>\d{2})"),
    # CIM datetime (DMTF DSP0004), or its date alone
    re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?:\d{6}(?:\.[\d*]{6}[+-][\d*]{3})?)?"),
    # 31-mar-2027, in a license file
    re.compile(r"(?P<d>\d{1,2})-(?P<m>[A-Za-z]{3})-(?P<y>\d{4})"),
)
# 12/31/2027 7:00:00 PM, 31.12.2027 00:00:00, 31-12-2027
_NUMERIC: Final = re.compile(
    r"(?P<first>\d{1,2})(?P<separator>[/.-])(?P<second>\d{1,2})(?P=separator)(?P<y>\d{4})"
    r"(?: \d{1,2}[:.]\d.*)?"
)
_EPOCH: Final = re.compile(r"/Date\((?P<ms>-?\d{1,15})(?:[+-]\d{4})?\)/")
_WITH_OFFSET: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}T[\d:]{5,8}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:?\d{2})"
)
_FRACTION: Final = re.compile(r"\.\d+")
MONTHS: Final = tuple("jan feb mar apr may jun jul aug sep oct nov dec".split())


def parse_date(value: object, *, day_first: bool | None = None) -> date | None:
    """Return `value` as a calendar date, in any form Citrix and its tools write.

    - A time and an offset after the date do not matter: licenses expire on calendar days. One
      exception: where the local time is not midnight but the same moment in UTC is, the date is the
      one in UTC (a WMI date that Get-CimInstance shifted into local time).
    - `/Date(ms)/` (ConvertTo-Json of Windows PowerShell) is a local midnight in an unknown time
      zone: the nearest calendar day in UTC is right for every zone from -11:59 to +12:00.
    - Numeric dates as `12/31/2027` are ambiguous. They are read only if the caller knows the order:
      `day_first` applies to slashes; with dots or hyphens the day is always first.
    - Years before 1980 mean "no date".
    """
    if not isinstance(value, str) or len(text := value.strip()) > _MAX_DATE_LENGTH:
        return None
    try:
        parsed = _parse_date(text, day_first=day_first)
    except (ValueError, OverflowError):
        return None
    return parsed if parsed and parsed.year >= _FIRST_YEAR else None


def _parse_date(value: str, *, day_first: bool | None) -> date | None:
    if match := _EPOCH.fullmatch(value):
        midnight = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(match["ms"]))
        return (midnight + timedelta(hours=12)).date()
    if _WITH_OFFSET.fullmatch(value):
        with suppress(ValueError, OverflowError):  # out of datetime's range: the date as written
            return _utc_midnight_or_local(datetime.fromisoformat(_FRACTION.sub("", value)))
    for pattern in _DATES:
        if match := pattern.fullmatch(value):
            month = match["m"].lower()
            number = int(month) if month.isdecimal() else MONTHS.index(month) + 1
            return date(int(match["y"]), number, int(match["d"]))
    if day_first is not None and (match := _NUMERIC.fullmatch(value)):
        day, month_number = int(match["first"]), int(match["second"])
        if match["separator"] == "/" and not day_first:
            day, month_number = month_number, day
        return date(int(match["y"]), month_number, day)
    return None


def _utc_midnight_or_local(local: datetime) -> date:
    utc = local.astimezone(UTC)
    is_shifted = utc.time() == datetime.min.time() != local.time()
    return (utc if is_shifted else local).date()


def term_of(expires: date | None) -> tuple[date | None, bool | None]:
    """Return when a license ends, and whether it is permanent: both None if that is not known."""
    is_permanent = None if expires is None else expires.year >= NEVER_YEAR
    return None if is_permanent else expires, is_permanent


def date_parser(values: Iterable[object]) -> Callable[[object], date | None]:
    """Return a parser for the dates of one document, given all of them: `values`.

    Dates with slashes start with the month (.NET's invariant culture), unless some value can only
    be day first and none can only be month first.
    """
    matches = [
        match
        for value in values
        if isinstance(value, str)
        and (match := _NUMERIC.fullmatch(value.strip()[:_MAX_DATE_LENGTH]))
        if match["separator"] == "/"
    ]
    months = len(MONTHS)
    day_first = any(int(match["first"]) > months for match in matches) and not any(
        int(match["second"]) > months for match in matches
    )
    return partial(parse_date, day_first=day_first)


_AMERICAN_TIME: Final = re.compile(
    r"(?P<m>\d{1,2})/(?P<d>\d{1,2})/(?P<y>\d{4})(?: (?P<t>\d{1,2}:\d{2}:\d{2}))?"
)


def parse_time(value: object) -> float | None:
    """Return `value`, ISO 8601 or `12/30/2015 12:21:15`, as UTC epoch seconds; None for never."""
    if not isinstance(value, str) or len(value) > _MAX_DATE_LENGTH:
        return None
    text = value.strip()
    if match := _AMERICAN_TIME.fullmatch(text):
        time_of_day = match["t"] or "00:00:00"
        text = f"{match['y']}-{match['m']:0>2}-{match['d']:0>2}T{time_of_day:0>8}"
    try:
        time = datetime.fromisoformat(text)
        if not _FIRST_YEAR <= time.year < NEVER_YEAR:
            return None
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def local_timestamp(*moment: int) -> float | None:
    """Return the UTC epoch seconds of a moment in this machine's zone, as tools print it."""
    with suppress(ValueError, OverflowError, OSError):
        local = datetime(*moment)  # type: ignore[arg-type]  # noqa: DTZ001 - as printed
        return local.astimezone().timestamp()
    return None


# JSON


def parse_json(body: bytes) -> object:
    """Return the JSON value in `body`; ValueError with the reason if it is not valid JSON."""
    if body.count(b"{") + body.count(b"[") > _FEW_OBJECTS + len(body) // _MIN_JSON_SIZE:
        raise ValueError("too many objects and lists")
    try:
        value: object = json.loads(
            body, parse_int=parse_bounded_int, parse_constant=_refuse_constant
        )
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return value


def parse_bounded_int(digits: str) -> int | None:
    """Return `digits` as an integer; None beyond the size of any real figure."""
    return int(digits) if len(digits) <= _MAX_JSON_DIGITS else None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a valid number in JSON")


MAX_RECORDS: Final = 1000  # of a list, unless the caller sets another limit
MAX_RAW_FIELDS: Final = 40  # of an object, that are kept as the server sent them
_MAX_RAW_TEXT: Final = 100  # characters


class Record:
    """A JSON object of which nothing is trusted; anything else in its place has no fields."""

    __slots__ = ("fields",)

    def __init__(self, value: object) -> None:
        self.fields: dict[str, object] = value if isinstance(value, dict) else {}

    def get(self, name: str) -> object:
        """Return a field as it was sent; `a.b` is field b of the object a. None if missing."""
        value: object = self.fields
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return value

    def text(self, name: str, limit: int = 200) -> str:
        """Return a field as one line of text; "" if it is none."""
        return sanitize(self.get(name), limit)

    def count(self, name: str) -> int | None:
        """Return a field as a count."""
        return parse_count(self.get(name))

    def days_left(self, name: str) -> int | None:
        """Return a field as whole days until a date, negative after it."""
        value = self.get(name)
        if isinstance(value, int) and value < 0:
            past = parse_count(-value)
            return None if past is None else -past
        return parse_count(value)

    def day(self, name: str) -> date | None:
        """Return a field as a calendar date."""
        return parse_date(self.get(name))

    def time(self, name: str) -> float | None:
        """Return a field as UTC epoch seconds."""
        return parse_time(self.get(name))

    def flag(self, name: str) -> bool | None:
        """Return a field that is true or false; None for anything else."""
        value = self.get(name)
        return value if isinstance(value, bool) else None

    def records(self, name: str, limit: int = MAX_RECORDS) -> list[Record]:
        """Return the objects among the first `limit` items of a list."""
        return records(self.get(name), limit)

    def raw_fields(self, *names: str) -> tuple[tuple[str, str], ...]:
        """Return these fields as sent, or all texts and numbers, also of the objects within."""
        shown = names or tuple(islice(self._names(), MAX_RAW_FIELDS))
        pairs = [(name, self.get(name)) for name in shown]
        texts = ((sanitize(name, 64), sanitize(value, _MAX_RAW_TEXT)) for name, value in pairs)
        return tuple((name, text) for name, text in texts if name and text)

    def _names(self) -> Iterator[str]:
        for name, value in self.fields.items():
            if isinstance(value, dict):
                yield from (f"{name}.{part}" for part in value)
            else:
                yield name


class CaselessRecord(Record):
    """An object of PowerShell or WMI, which write names in any case."""

    __slots__ = ()

    def __init__(self, value: Mapping[str, object]) -> None:
        super().__init__({name.lower(): field for name, field in value.items()})

    def get(self, name: str) -> object:
        """Return a field as it was sent; None if missing."""
        return self.fields.get(name.lower())


def records(value: object, limit: int = MAX_RECORDS) -> list[Record]:
    """Return the objects among the first `limit` items of a list; [] for anything else."""
    items = value if isinstance(value, list) else []
    return [Record(item) for item in items[:limit] if isinstance(item, dict)]
