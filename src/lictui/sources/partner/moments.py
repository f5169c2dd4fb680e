"""The times that License Usage Insights writes, in each of its forms.

Owns the forms seen in public scripts and mock answers: ISO 8601 with 0 to 7 fraction digits and any
offset, and `12/30/2015 12:21:15`. Pure. .NET's year 1 means "none".
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from lictui.sources.clean import day

if TYPE_CHECKING:
    from datetime import date

_AMERICAN: Final = re.compile(
    r"(?P<m>\d{1,2})/(?P<d>\d{1,2})/(?P<y>\d{4})(?: (?P<t>\d{1,2}:\d{2}:\d{2}))?"
)
_FIRST_YEAR: Final = 1980
_NEVER: Final = 9999  # the year .NET writes for "never"


def moment(value: object) -> float | None:
    """UTC epoch seconds; a time without an offset is taken as UTC. None for what is no time."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(_iso(value))
        if not _FIRST_YEAR <= found.year < _NEVER:
            return None
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def calendar_day(value: object) -> date | None:
    """The day as written, whatever the offset; None for what is no day, or no end."""
    found = day(_iso(value)) if isinstance(value, str) else None
    return found if found and found.year < _NEVER else None


def _iso(value: str) -> str:
    """`value` with a date in American order turned round; anything else as it stands."""
    value = value.strip()
    if not (found := _AMERICAN.fullmatch(value)):
        return value
    turned = f"{found['y']}-{found['m']:0>2}-{found['d']:0>2}"
    return f"{turned}T{found['t']:0>8}" if found["t"] else turned
