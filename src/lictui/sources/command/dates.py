"""Days as PowerShell writes them: which calendar day was meant.

Owns the guess where a writing leaves the zone or the order of day and month open. Pure: must not
know which property a day stands in.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from lictui.sources.clean import day

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_LONGEST: Final = 50
_EPOCH: Final = re.compile(r"/Date\((?P<ms>-?\d{1,15})(?:[+-]\d{4})?\)/")
_ZONED: Final = re.compile(r"\d{4}-\d{2}-\d{2}T[\d:]{5,8}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:?\d{2})")
_FRACTION: Final = re.compile(r"\.\d+")
# 12/31/2027 7:00:00 PM, 31.12.2027 00:00:00, 31-12-2027: whatever time follows
_SHORT: Final = re.compile(
    r"(?P<a>\d{1,2})(?P<by>[/.-])(?P<b>\d{1,2})(?P=by)(?P<y>\d{4})(?: \d{1,2}[:.]\d.*)?"
)
_MONTHS: Final = 12
_EARLIEST: Final = 1980
_NOON: Final = timedelta(hours=12)


def days(values: Iterable[object]) -> Callable[[object], date | None]:
    """A reader of days for one document, whose days are `values`: a day, or None for what is none.

    - `/Date(ms)/` (ConvertTo-Json of Windows PowerShell) is local midnight of a zone nobody tells:
      the nearest calendar day in UTC is taken, right for every zone from -11:59 to +12:00.
    - ISO 8601 with an offset is the day as written; but where the clock there shows no midnight and
      UTC does, the day in UTC (a WMI date, which Get-CimInstance shifted into local time).
    - `12/31/2027 7:00:00 PM` is month first, as the invariant culture has it; unless some value of
      the document can only be day first, and none only month first. With dots it is day first.
    - Everything else as `sources.clean.day` reads it. A day before 1980 is none.
    """
    parts = [found for value in values if (found := _short(value)) and found["by"] == "/"]
    day_first = any(int(found["a"]) > _MONTHS for found in parts) and not any(
        int(found["b"]) > _MONTHS for found in parts
    )

    def read(value: object) -> date | None:
        try:
            found = _read(value, day_first=day_first)
        except (ValueError, OverflowError):
            return None
        return found if found and found.year >= _EARLIEST else None

    return read


def _short(value: object) -> re.Match[str] | None:
    return _SHORT.fullmatch(value.strip()[:_LONGEST]) if isinstance(value, str) else None


def _read(value: object, *, day_first: bool) -> date | None:
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    value = value.strip()
    if found := _EPOCH.fullmatch(value):
        moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(found["ms"]))
        return (moment + _NOON).date()
    if found := _short(value):
        first, second, year = int(found["a"]), int(found["b"]), int(found["y"])
        if day_first or found["by"] != "/":
            first, second = second, first
        return date(year, first, second)
    if _ZONED.fullmatch(value):
        return _zoned(value)
    return day(value)


def _zoned(value: str) -> date:
    there = datetime.fromisoformat(_FRACTION.sub("", value))
    utc = there.astimezone(UTC)
    shifted = _is_midnight(utc) and not _is_midnight(there)
    return (utc if shifted else there).date()


def _is_midnight(moment: datetime) -> bool:
    return (moment.hour, moment.minute, moment.second) == (0, 0, 0)
