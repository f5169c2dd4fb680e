"""Reads a time as users type it: `2025-11-25`, `last tuesday`, `25 Nov 14:00`, `-7d`, `6h`.

`@` of the usage view, the palette and every option that takes a time understand the same.
"""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from itertools import product
from typing import TYPE_CHECKING, Final

from lictui.analysis.series import day_of
from lictui.errors import UsageError
from lictui.time_range import RangeLength, TimeRange, from_local

if TYPE_CHECKING:
    from datetime import tzinfo

EXAMPLES: Final = "2025-11-25, 25 Nov, last tuesday, tue 14:00, nov 2025, 6h, -7d, -1y"
_DISTANCE: Final = re.compile(
    r"-?(\d{1,5}) ?(mo|[mhdwy])(?:nths?|in|inutes?|ours?|ays?|eeks?|ears?)?( ago)?"
)
_ISO_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT")
_SECONDS: Final = {"m": 60, "h": 3600}
_LENGTHS: Final = {
    "m": RangeLength.HOURS, "h": RangeLength.HOURS, "d": RangeLength.DAY,
    "w": RangeLength.WEEK, "mo": RangeLength.MONTH, "y": RangeLength.YEAR,
}  # fmt: skip
_DISTANCES: Final = {
    "": "0d", "now": "0d", "today": "0d", "yesterday": "1d",
    "this week": "0w", "this month": "0mo", "this year": "0y",
    "last week": "1w", "last month": "1mo", "last year": "1y",
}  # fmt: skip
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DATES: Final = (
    *((form, RangeLength.DAY) for form in ("%Y-%m-%d", "%d %b %Y", "%d %B %Y", "%b %d %Y")),
    *((form, RangeLength.DAY) for form in ("%B %d %Y", "%d.%m.%Y", "%d.%m. %Y", "%d.%m %Y")),
    *((form, RangeLength.MONTH) for form in ("%Y-%m", "%b %Y", "%B %Y")),
    ("%Y", RangeLength.YEAR),
)
_TIMES: Final = ("%H:%M", "%I%p", "%I:%M%p")
_PARTS: Final = {"night": 3, "morning": 9, "am": 9, "noon": 12, "afternoon": 15, "pm": 15,
                 "evening": 21}  # fmt: skip


def parse_time_range(text: str, now: float, tz: tzinfo | None) -> TimeRange:
    """Return the period that a text names, as long as the text is precise. Raises UsageError."""
    try:
        if _ISO_TIME.match(text) and (at := _iso_time(text, tz)) is not None:
            found = TimeRange(RangeLength.HOURS, at)
        else:
            found = _named_period(text, now, tz)
        is_future = found.at is not None and found.period(now, tz)[0] > now
    except (ValueError, OverflowError) as error:  # a year that Python or the system does not know
        raise UsageError(f"{text} is out of range") from error
    if is_future:
        raise UsageError(f"{text} is in the future")
    return found


def parse_moment(text: str, now: float, tz: tzinfo | None) -> int:
    """Return UTC epoch seconds of the moment that a text names. Raises UsageError.

    That is the start of a period (`yesterday`, `2025-11`), unless the text has a time of day or a
    distance from now.
    """
    if (moment := _iso_time(text, tz)) is not None:
        return int(moment)
    found, name = parse_time_range(text, now, tz), text.lower().strip()
    at = now if found.at is None else found.at
    is_exact = found.length is RangeLength.HOURS or name == "now" or _DISTANCE.fullmatch(name)
    return int(at) if is_exact else found.period(now, tz)[0]


def _iso_time(text: str, tz: tzinfo | None) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
        return moment.timestamp() if moment.tzinfo else from_local(moment, tz)
    except (ValueError, OverflowError):
        return None


def _named_period(text: str, now: float, tz: tzinfo | None) -> TimeRange:
    words = text.lower().replace(",", " ").split()
    clock = _time_of_day(words[-1]) if words else None
    name = " ".join(words[:-1] if clock else words)
    found = _distance(name, now, tz) or _named_day(name, now, tz)
    if clock and found.length is RangeLength.DAY:
        day = day_of(now if found.at is None else found.at, tz)
        at = from_local(datetime.combine(day, clock), tz)
        if at > now and not name:
            at = from_local(datetime.combine(day - timedelta(days=1), clock), tz)
        found = TimeRange(RangeLength.HOURS, at)
    return found


def _time_of_day(word: str) -> time | None:
    if word in _PARTS:
        return time(_PARTS[word])
    return next((moment.time() for form in _TIMES if (moment := _parsed(word, form))), None)


def _distance(name: str, now: float, tz: tzinfo | None) -> TimeRange | None:
    distance = _DISTANCE.fullmatch(re.sub(r"^an? ", "1 ", _DISTANCES.get(name, name)))
    if distance is None:
        return None
    count, length = int(distance[1]), _LENGTHS[distance[2]]
    if length is RangeLength.HOURS:
        return TimeRange(length, now - count * _SECONDS[distance[2]])
    return TimeRange(length).moved(-count, now, tz)


def _named_day(name: str, now: float, tz: tzinfo | None) -> TimeRange:
    """A weekday or a date; without a year it is the latest one that is not in the future."""
    today = day_of(now, tz)
    is_last, _, weekday = name.rpartition("last ")
    for number, full in enumerate(_WEEKDAYS):
        if len(weekday) > 1 and full.startswith(weekday):
            ago = (today.weekday() - number) % 7 or 7 * bool(is_last or weekday != name)
            noon = datetime.combine(today - timedelta(days=ago), time(12))
            return TimeRange(RangeLength.DAY, from_local(noon, tz))
    years = ("", *(f" {today.year - ago}" for ago in range(5)))
    for year, (form, length) in product(years, _DATES):
        moment = _parsed(name + year, form)
        if moment and moment.date() <= today:
            noon = datetime.combine(moment.date(), time(12))
            return TimeRange(length, max(0.0, from_local(noon, tz)))
        if moment and not year:
            raise UsageError(f"{name} is in the future")
    raise UsageError(f"invalid time {name!r}", f"examples: {EXAMPLES}")


def _parsed(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007 - the caller adds the user's zone
    except ValueError:
        return None
