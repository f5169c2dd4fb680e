"""What servers say, made harmless and plain: text, whole numbers, days, JSON.

Owns the rule that what comes from outside is hostile until it has passed here. Pure: must not know
any protocol. What cannot be read is "" or None, never an exception and never a zero.
"""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import UTC, date, datetime, timedelta
from typing import Final

MAX_COUNT: Final = 10**9  # licenses; no pool is larger
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})  # control, format, surrogate, unassigned
_WHOLE: Final = re.compile(r"\d{1,10}(?:\.0{1,9})?", re.ASCII)
_DIGITS: Final = 18  # of the longest integer in JSON that is read as one


def sanitize(value: object, limit: int = 200) -> str:
    """`value` as one line of at most `limit` visible characters, "" for what is no text.

    Control, bidirectional and zero-width characters leave, every run of white space is one space.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float | BaseException):
        return ""
    raw = str(value)[: 8 * limit]
    if not (raw.isascii() and raw.isprintable()):
        raw = "".join(" " if c.isspace() else c for c in raw if _shows(c))
    line = " ".join(raw.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _shows(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) not in _HIDDEN


def parse_count(value: object) -> int | None:
    """`value` as a count from 0 to MOST: an int, an integral float, or either as digits."""
    match value:
        case bool():
            return None
        case int():
            number = value
        case float() if value.is_integer():
            number = int(value)
        case str() if _WHOLE.fullmatch(value.strip()):
            number = int(value.strip().partition(".")[0])
        case _:
            return None
    return number if 0 <= number <= MAX_COUNT else None


# The day as written is meant, whatever the offset behind it: licenses end on calendar days.
_DAYS: Final = (
    # ISO 8601, with or without a time, 0 to 9 fraction digits, any offset; 2026.1201 of FlexNet
    re.compile(r"(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})(?:[T ][\d:.,]+ ?(?:Z|[+-][\d:]+)?)?"),
    re.compile(r"(?P<y>\d{4})\.(?P<m>\d{2})(?P<d>\d{2})"),
    # CIM datetime (DMTF DSP0004), whole or the day alone
    re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?:\d{6}(?:\.[\d*]{6}[+-][\d*]{3})?)?"),
    # 31-mar-2027 of a license file
    re.compile(r"(?P<d>\d{1,2})-(?P<m>[A-Za-z]{3})-(?P<y>\d{4})"),
)
_EPOCH: Final = re.compile(r"/Date\((?P<ms>-?\d{1,15})(?:[+-]\d{4})?\)/")
_MONTHS: Final = (
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
)


def parse_date(value: object) -> date | None:
    """`value` as a calendar day, in any form the notes know; None for years before 1980."""
    if not isinstance(value, str):
        return None
    value = value.strip()
    found = _written(value) if len(value) <= 50 else None  # noqa: PLR2004 - longer than any form
    return found if found and found.year >= 1980 else None  # noqa: PLR2004 - .NET's year 1 is "none"


def _written(value: str) -> date | None:
    try:
        if found := _EPOCH.fullmatch(value):
            moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(found["ms"]))
            return moment.date()
        for form in _DAYS:
            if found := form.fullmatch(value):
                month = found["m"].lower()
                number = int(month) if month.isdecimal() else _MONTHS.index(month) + 1
                return date(int(found["y"]), number, int(found["d"]))
    except (ValueError, OverflowError):
        return None
    return None


def parse_json(body: bytes) -> object:
    """The JSON in `body`; raises ValueError saying why it is none.

    Refuses NaN and Infinity, and nesting deeper than any answer; an absurdly long integer is None.
    """
    try:
        value: object = json.loads(body, parse_int=_bounded, parse_constant=_refused)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return value


def _bounded(digits: str) -> int | None:
    return int(digits) if len(digits) <= _DIGITS else None


def _refused(name: str) -> None:
    raise ValueError(f"{name} is no number in JSON")
