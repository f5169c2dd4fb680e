"""Times in CSV files of other programs, in the formats of all locales of Windows."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from lictui.clock import DAY, HOUR
from lictui.errors import UsageError
from lictui.history.csv_reader import INVALID, RowError, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import tzinfo

    from lictui.history.csv_reader import IntArray

LOCAL: Final = 1 << 20  # in place of the seconds from UTC: local time
WHOLE_DAY: Final = -1  # in place of the width of a range of time: the row is about a day
NOT_A_CLOCK: Final = "?"  # text of a time that is not in the given format
_NOON: Final = 12
_YEAR_2000: Final = 2000
_YEARS: Final = range(1990, 2400)  # others are what programs write for "no date": 1601, 9999
_THAI_YEARS: Final = range(2500, 2700)  # the Thai calendar is 543 years ahead
_MAX_OFFSET: Final = 14 * 60  # minutes from UTC
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
# What the words of a date may be: numbers of four (Y) or fewer digits (d), and names of months (M)
_DATES: Final = {
    "Ydd": ("year", "month", "day"),
    "ddY": ("first", "second", "year"),
    "ddd": ("first", "second", "year"),
    "dMY": ("day", "month", "year"),
    "dMd": ("day", "month", "year"),
    "MdY": ("month", "day", "year"),
    "Yd": ("year", "month"),
    "dY": ("month", "year"),
    "MY": ("month", "year"),
}
_BETWEEN: Final = re.compile(r"(?:[\s\-/.,]+(?:de |\u0433\b)?)+")  # the words of a date
_COMPACT_DATE: Final = re.compile(r"(\d{4})\.?(\d{2})(\d{2})", re.ASCII)
_DATE_AND_CLOCK: Final = re.compile(
    r"(.*?\S)[T ,] ?((?:(?:[上下]午|오[전후]|午[前後]) )?\d{1,2}(?::|[.h]\d{2}\b| ?[AaPp][Mm]\b).*)"
)
_CLOCK: Final = re.compile(
    r"(?P<before>[^\W\d][^\d:]*?)?\s*(?P<hour>\d{1,2})(?:[:.h](?P<minute>\d{2})"
    r"(?:[:.](?P<second>\d{2})(?:[.,]\d+)?)?)?"
    r"\s*(?P<half>[^\W\d][^\d+]*?)??\s*(?P<zone>Z|z|UTC|GMT|[+-]\d{2}:?\d{2})?"
)
_RANGE: Final = re.compile(r"\s+[-\u2013\u2212]\s+")
_SERIAL: Final = re.compile(r"[2-7]\d{4}(?:\.\d+)?", re.ASCII)
_EPOCH: Final = re.compile(r"\d{9,10}(?:\.\d+)?|1\d{12}", re.ASCII)
# yyyymmddHHMM, perhaps with seconds, and WMI's fraction and minutes from UTC
_COMPACT: Final = re.compile(
    r"((?:19|20)\d{6})[T ]?(\d{2})(\d{2})(\d{2})?(?:\.[\d*]{6}([+-])(\d{3}|\*{3}))?", re.ASCII
)


class LocalDate(NamedTuple):
    """A date as written; if only their order distinguishes day and month, it is `ambiguous`."""

    year: int
    first: int  # the month, unless ambiguous
    second: int  # the day, unless ambiguous; 0: a month
    ambiguous: bool

    def iso(self, *, day_first: bool) -> str:
        """Return the day, or the first day of the month, in ISO form; it may not exist."""
        month, day = self.first, self.second or 1
        if self.ambiguous and day_first:
            month, day = day, month
        return f"{self.year}-{month:02}-{day:02}"


def epoch_day(iso_date: str) -> int:
    """Return the days from the epoch; INVALID where there is no such date."""
    try:
        return date.fromisoformat(iso_date).toordinal() - date(1970, 1, 1).toordinal()
    except ValueError:
        return INVALID


class TimeOfDay(NamedTuple):
    """A time of day, or a range of time, as written."""

    seconds: int  # of the day
    offset: int = LOCAL  # seconds east of UTC
    width: int = 0  # seconds of a range of time; 0: a moment; WHOLE_DAY


def split_time(text: str) -> tuple[str, str]:
    """Return the date and the clock in a time, or a range of time; "" for a day or a month."""
    text = _plain(text)
    if match := _DATE_AND_CLOCK.fullmatch(text):
        return match[1].rstrip(" ,"), match[2]
    if match := _COMPACT.fullmatch(text):
        clock = f"{match[2]}:{match[3]}:{match[4] or '00'}"
        if (match[6] or "*").isdigit():
            clock += f"{match[5]}{int(match[6]) // 60:02}{int(match[6]) % 60:02}"
        return match[1], clock
    number = text.replace(",", ".")
    if _SERIAL.fullmatch(number):
        moment = _SERIAL_DAY_0 + timedelta(seconds=round(float(number) * DAY))
        return f"{moment:%Y-%m-%d}", f"{moment:%H:%M:%S}" if "." in number else ""
    if _EPOCH.fullmatch(number):
        epoch = int(number.partition(".")[0])
        utc = datetime.fromtimestamp(epoch / 1000 if epoch >= _MILLISECONDS else epoch, UTC)
        return f"{utc:%Y-%m-%d}", f"{utc:%H:%M:%S}Z"
    return text, ""


def _plain(text: str) -> str:
    """Return a text with ASCII digits, without marks of direction, and 年, 月, 日 as hyphens."""
    if not text.isascii():
        text = re.sub("[\u200e\u200f日일]", "", text)
        text = re.sub("[年월月년]", "-", text)
        text = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
    return " ".join(text.split())


def split_formatted_time(text: str, date_format: str) -> tuple[str, str]:
    """Return the date and the clock in a time in `date_format` (strptime's), or NOT_A_CLOCK."""
    has_clock = re.search(r"%[HIcXTRs]", date_format) is not None
    clocks = ("",) if has_clock else ("", " %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p")
    for clock in clocks:
        try:
            parsed = datetime.strptime(text, date_format + clock)  # noqa: DTZ007 - the zone is the caller's
        except ValueError:
            continue
        return f"{parsed:%Y-%m-%d}", f"{parsed:%H:%M:%S%z}" if has_clock or clock else ""
    return text, NOT_A_CLOCK


def parse_date(text: str) -> LocalDate:
    """Return a date in any format. Raises RowError."""
    plain = _COMPACT_DATE.sub(r"\1-\2-\3", _plain(text), count=1)
    words = [_date_word(word) for word in _BETWEEN.split(plain.lower()) if word]
    shape = "".join(kind for kind, _ in words)
    if shape not in _DATES and shape[:1] in ("M", "?"):  # a weekday
        words, shape = words[1:], shape[1:]
    numbers = (number for _, number in words)
    parts = dict(zip(_DATES.get(shape, ()), numbers, strict=False))
    year = parts.get("year", 0)
    year += 0 if "Y" in shape else _YEAR_2000
    year -= 543 if year in _THAI_YEARS else 0
    if not parts or year not in _YEARS:
        raise RowError(f"invalid time: {shorten(text)}")
    if "first" in parts:
        return LocalDate(year, parts["first"], parts["second"], ambiguous=True)
    return LocalDate(year, parts["month"], parts.get("day", 0), ambiguous=False)


def _date_word(word: str) -> tuple[str, int]:
    """Return what a word of a date is, and its number."""
    if word.isdecimal():
        return {1: "d", 2: "d", 4: "Y"}.get(len(word), "?"), int(word)
    month = _MONTH_NAMES.get(word[:3]) or _MONTH_NAMES.get(word[:4]) if word.isalpha() else 0
    return ("M", month) if month else ("?", 0)


def parse_clock(text: str) -> TimeOfDay:
    """Return a time of day or a range of time in any format. Raises RowError."""
    text = _plain(text)
    if not text:
        return TimeOfDay(0, width=WHOLE_DAY)
    start, *ends = _RANGE.split(text)
    clock = _clock(start)
    if not ends:
        return clock
    end = _clock(split_time(ends[-1])[1] or ends[-1])
    return clock._replace(width=(end.seconds - clock.seconds) % DAY or DAY)


def _clock(text: str) -> TimeOfDay:
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        raise RowError(f"invalid time: {shorten(text)}")
    hour, zone = int(match["hour"]), match["zone"]
    half = re.sub(r"[.\s]", "", match["half"] or match["before"] or "").lower()
    is_valid = not half or (half in _MORNING | _AFTERNOON and 1 <= hour <= _NOON)
    if half:
        hour = hour % _NOON + (_NOON if half in _AFTERNOON else 0)
    minute, second = int(match["minute"] or 0), int(match["second"] or 0)
    offset = LOCAL
    if zone:
        minutes = int(zone[1:3]) * 60 + int(zone[-2:]) if zone[0] in "+-" else 0
        is_valid = is_valid and minutes <= _MAX_OFFSET
        offset = -minutes * 60 if zone[0] == "-" else minutes * 60
    if not is_valid or hour > 23 or minute > 59 or second > 59:  # noqa: PLR2004 - a clock
        raise RowError(f"invalid time: {shorten(text)}")
    return TimeOfDay(hour * HOUR + minute * 60 + second, offset)


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
            else "day and month are ambiguous"
        )
        raise UsageError(f"ambiguous date {sample}: {reason}", _DATE_FORMAT_HINT)
    return day_first


class LocalTimes:
    """Turns local times, in the order of a file or the reverse, into UTC epoch seconds.

    Of an hour that comes twice, a row is in the second one if the rows of its series before it are.
    """

    def __init__(self, zone: tzinfo | None, *, newest_first: bool) -> None:
        self._zone = zone  # None: the system's
        self._step = -1 if newest_first else 1
        self._used: set[tuple[int, int]] = set()
        self._last: dict[int, int] = defaultdict(int)  # by series

    def utc(self, days: IntArray, seconds: IntArray, series: IntArray) -> IntArray:
        """Return the times of days from the epoch and seconds of the day.

        A time in an hour that a clock change leaves out is INVALID. Rows of different `series`,
        such as license types, may have the same time.
        """
        distinct, place = np.unique(days, return_inverse=True)
        edges = [(self._offset(day), self._offset(day + 1)) for day in distinct.tolist()]
        offsets = np.array(edges, np.int64).reshape(-1, 2)
        times: IntArray = days * DAY + seconds - offsets[place, 0]
        changing = np.flatnonzero((offsets[:, 0] != offsets[:, 1])[place])
        for row in changing[:: self._step]:
            local = _EPOCH_DAY + timedelta(days=int(days[row]), seconds=int(seconds[row]))
            times[row] = self._in_order(local, int(series[row]))
        return times

    def noon(self, days: IntArray) -> IntArray:
        """Return the local noon of days, within the same day in UTC."""
        noon = self.utc(days, np.full(len(days), _NOON * HOUR), np.zeros_like(days))
        return np.clip(noon, days * DAY, days * DAY + DAY - 1)

    def _offset(self, day: int) -> int:
        """Return the seconds east of UTC at the start of a day."""
        return day * DAY - _timestamp(_EPOCH_DAY + timedelta(days=day), self._zone)

    def _in_order(self, local: datetime, series: int) -> int:
        first, second = (_timestamp(local.replace(fold=fold), self._zone) for fold in (0, 1))
        if second < first:
            return INVALID
        is_repeated = first <= self._last[series] < second or (series, first) in self._used
        is_second = second > first and is_repeated and (series, second) not in self._used
        self._last[series] = time = second if is_second else first
        self._used.add((series, time))
        return time


_EPOCH_DAY: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - local days are counted from it


def _timestamp(local: datetime, zone: tzinfo | None) -> int:
    return int(local.replace(tzinfo=zone).timestamp())
