"""Which months a report is about: the one asked for, those before it, and their bounds in a zone.

Pure but for the system's own zone. Must not know histories.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from lictui.analysis.series import begins, day_of, month_of, next_month
from lictui.report.values import Month

if TYPE_CHECKING:
    from datetime import tzinfo


def last_complete(now: float, zone: tzinfo | None) -> date:
    """The first day of the last month that is over."""
    return before(month_of(day_of(now, zone)))


def before(first: date) -> date:
    """The first day of the month before the one that begins on `first`."""
    return month_of(first - timedelta(days=1))


def year_before(first: date) -> date:
    """The first day of the same month a year before."""
    return first.replace(year=first.year - 1)


def in_a_year(day: date) -> date:
    """The same day a year later; of 29 February the first of March."""
    try:
        return day.replace(year=day.year + 1)
    except ValueError:
        return date(day.year + 1, 3, 1)


def bounds(first: date, now: float, zone: tzinfo | None) -> Month:
    """The month that begins on `first`, as far as it has passed."""
    start, end = begins(first, zone), begins(next_month(first), zone)
    return Month(first, start, max(start, min(end, int(now))), over=end <= now)


def thirteen(first: date, now: float, zone: tzinfo | None) -> tuple[Month, ...]:
    """The same month a year before, and every month from it on to the one of `first`."""
    found = [first]
    while found[-1] > year_before(first):
        found.append(before(found[-1]))
    return tuple(bounds(each, now, zone) for each in reversed(found))


def zone_name(zone: tzinfo | None, at: int) -> str:
    """What the zone is called; the system's by its offset at that moment."""
    if zone is not None:
        return str(zone)
    return datetime.fromtimestamp(at, UTC).astimezone().tzname() or "local time"
