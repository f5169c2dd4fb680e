"""The times in a file of somebody else's: which form they have, and which moment they mean.

Owns the order of day and month, which one row of a file may settle for all of them, and the hours
that a clock shows twice or never. Pure: a time zone is handed in. Moments are UTC epoch seconds.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from lictui.errors import UsageError
from lictui.history.intake.given import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, tzinfo

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
_HINT: Final = "say which is meant: --date-format '%d/%m/%Y %H:%M', or '%m/%d/%Y %I:%M %p'"


class Written(NamedTuple):
    """A time as it is written; day and month not told apart where only their order would."""

    year: int
    one: int  # the month, unless `open`
    two: int  # the day, unless `open`
    clock: tuple[int, int, int] | None  # None: a day, without a time
    offset: int | None = None  # seconds east of UTC, where the row says so
    open: bool = False


class Moment(NamedTuple):
    """What a time means: a moment, or a calendar day as a whole."""

    at: int  # of a day: its noon
    day: date | None = None


def written(text: str, form: str = "") -> Written:
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
    raise Unreadable(f"no time can be read from {text[:40]!r}")


def _found(found: re.Match[str], text: str) -> Written:
    parts = found.groupdict()
    year = int(parts["year"])
    year += 2000 if year < _CENTURY else 0
    clock = offset = None
    if parts["hour"] is not None:
        hour, half = int(parts["hour"]), (parts["half"] or "").lower()[:1]
        if half:
            if not 1 <= hour <= _NOON:
                raise Unreadable(f"there is no such hour: {text[:40]!r}")
            hour = hour % _NOON + (_NOON if half == "p" else 0)
        clock = hour, int(parts["minute"]), int(parts["second"] or 0)
        offset = _offset(parts["zone"])
    if "one" in parts:
        return Written(year, int(parts["one"]), int(parts["two"]), clock, offset, open=True)
    if "name" in parts:
        name = parts["name"].lower()[:3]
        if name not in _MONTHS:
            raise Unreadable(f"there is no such month: {text[:40]!r}")
        return Written(year, _MONTHS.index(name) + 1, int(parts["day"]), clock, offset)
    return Written(year, int(parts["month"]), int(parts["day"]), clock, offset)


def _offset(zone: str | None) -> int | None:
    if zone is None:
        return None
    if zone[0] not in "+-":
        return 0
    seconds = int(zone[1:3]) * _HOUR + int(zone[-2:]) * 60
    return -seconds if zone[0] == "-" else seconds


def _formed(text: str, form: str) -> Written:
    timed = re.search(r"%[HIcXTRs]", form) is not None
    forms = [(form, timed), *((form + clock, True) for clock in _CLOCKS if not timed)]
    for each, clock in forms:
        try:
            found = datetime.strptime(text, each)  # noqa: DTZ007 - the zone is the caller's
        except ValueError:
            continue
        return _of(found) if clock else _of(found)._replace(clock=None)
    raise Unreadable(f"{text[:40]!r} is not of the form {form!r}")


def _of(found: datetime) -> Written:
    shift = found.utcoffset()
    return Written(
        found.year,
        found.month,
        found.day,
        (found.hour, found.minute, found.second),
        None if shift is None else int(shift.total_seconds()),
    )


def day_first(found: Iterable[Written]) -> bool:
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
        raise UsageError(f"is {sample} a day and a month, or a month and a day? {why}", _HINT)
    return day


def settled(each: Written, *, day_first: bool) -> datetime:
    """The wall clock's time; midnight for a day. Raises Unreadable where there is no such time."""
    month, day = (each.two, each.one) if each.open and day_first else (each.one, each.two)
    try:
        return datetime(each.year, month, day, *(each.clock or ()))  # noqa: DTZ001 - its zone comes next
    except ValueError as error:
        raise Unreadable(f"{error}: {each.year}-{month:02}-{day:02}") from error


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
            raise Unreadable(f"no such time: {local:%Y-%m-%d}") from error


def whole_days(found: Iterable[Written]) -> bool:
    """Whether every row stands at midnight, as a program writes days that it takes for moments."""
    several = list(found)
    return len(several) > 1 and all(
        each.clock is None or (each.clock == (0, 0, 0) and each.offset is None) for each in several
    )
