"""Usage over time in buckets, and the calendar days and months that buckets are joined to."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct

if TYPE_CHECKING:
    from datetime import date, tzinfo

    from lictui.model import PoolKey


class Resolution(IntEnum):
    """The stored widths of a bucket in seconds; RAW is one bucket per reading."""

    RAW = 0
    FIVE_MINUTES = 300
    HOUR = 3600
    DAY = 86400


WIDTHS: Final = tuple(width for width in Resolution if width)  # of buckets
ALIGNMENT: Final = Resolution.FIVE_MINUTES  # of sums; the finest width


class Bucket(NamedTuple):
    """One entry of a series: the readings of one period, summed over the queried pools."""

    start: int  # UTC epoch seconds
    end: int  # exclusive; with RAW the last time that the figure was read
    low: float  # in use: minimum
    average: float
    high: float  # in use: maximum
    high_at: int  # when the maximum was read first
    last: float
    installed: int | None
    overdraft: int | None
    samples: int  # readings in the bucket; 0: filled from the previous reading
    bound: bool = False  # `high` is an upper bound only


class SeriesQuery(Struct, frozen=True):
    """A query for usage over time; several pools are answered with their aligned sum."""

    pools: tuple[tuple[str, PoolKey], ...]  # (server, key)
    start: int
    end: int
    width: int  # seconds of a bucket; wider where figures so fine are not stored any more
    # (server, entitlement): their licenses count once for each subscription date
    entitlements: tuple[tuple[str, str], ...] = ()


# Calendar days and months in the user's time zone


def day_start(day: date, zone: tzinfo | None) -> int:
    """Return when `day` starts in `zone` (None: the system's): midnight, or what follows it."""
    midnight = datetime.combine(day, time())
    # Where midnight is skipped (daylight saving at 0:00), the zone's rules give the time after it.
    try:
        local = midnight.replace(tzinfo=zone) if zone else midnight.astimezone()
    except ValueError:  # the system's zone is unknown on the first and the last day of the calendar
        local = midnight.replace(tzinfo=UTC)
    return int(local.timestamp())


def day_of(timestamp: float, zone: tzinfo | None) -> date:
    """Return the calendar day of a time."""
    return datetime.fromtimestamp(timestamp, UTC).astimezone(zone).date()


def first_of_month(day: date) -> date:
    """Return the first day of the month of `day`."""
    return day.replace(day=1)


def next_month(day: date) -> date:
    """Return the first day of the month after the month of `day`."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def day_bounds(start: float, end: float, zone: tzinfo | None) -> list[int]:
    """Return the bounds of all calendar days that [start, end) touches: one more than days."""
    day = day_of(start, zone)
    bounds = [day_start(day, zone)]
    while bounds[-1] < end:
        day += timedelta(days=1)
        bounds.append(day_start(day, zone))
    return bounds
