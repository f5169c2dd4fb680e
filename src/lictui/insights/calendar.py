"""Buckets by the calendar: days and months as they begin and end where the user is.

Owns the bounds of days and months in a zone, daylight saving included, and the joining of narrower
buckets. Pure: must not know where buckets come from. Times are UTC epoch seconds.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime, time, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import date, tzinfo

    from lictui.insights.series import Bucket


def begins(day: date, zone: tzinfo | None) -> int:
    """The first moment of `day` in `zone`, None for the system's: midnight, or what follows it."""
    midnight = datetime.combine(day, time())
    # Where midnight is skipped (daylight saving at 0:00), the zone's rules give the moment after.
    return int((midnight.replace(tzinfo=zone) if zone else midnight.astimezone()).timestamp())


def day_of(at: float, zone: tzinfo | None) -> date:
    """The calendar day at the moment `at`."""
    return datetime.fromtimestamp(at, UTC).astimezone(zone).date()


def month_of(day: date) -> date:
    """The first day of the month that `day` is in."""
    return day.replace(day=1)


def next_month(day: date) -> date:
    """The first day of the month after the one that `day` is in."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def days(start: float, end: float, zone: tzinfo | None) -> list[int]:
    """The bounds of every calendar day that [start, end) touches, one more than there are days."""
    return list(_bounds(start, end, zone, lambda day: day, lambda day: day + timedelta(days=1)))


def months(start: float, end: float, zone: tzinfo | None) -> list[int]:
    """The bounds of every calendar month that [start, end) touches."""
    return list(_bounds(start, end, zone, month_of, next_month))


def _bounds(
    start: float,
    end: float,
    zone: tzinfo | None,
    first: Callable[[date], date],
    after: Callable[[date], date],
) -> Iterator[int]:
    day = first(day_of(start, zone))
    while True:
        at = begins(day, zone)
        yield at
        if at >= end:
            return
        day = after(day)


def joined(buckets: Iterable[Bucket], bounds: Sequence[int]) -> tuple[Bucket, ...]:
    """Narrow buckets, in order of time, as one for each stretch between two bounds.

    A bucket belongs where it begins; those outside all bounds are left out. The average is
    weighted by length, `last`, installed and overdraft are those of the last bucket.
    """

    def place(bucket: Bucket) -> int:
        return bisect_right(bounds, bucket.start)

    return tuple(
        _one(tuple(found), bounds[at - 1], bounds[at])
        for at, found in groupby(buckets, place)
        if 0 < at < len(bounds)
    )


def _one(parts: tuple[Bucket, ...], start: int, end: int) -> Bucket:
    peak = max(parts, key=lambda part: part.high)
    length = sum(part.end - part.start for part in parts)
    return parts[-1]._replace(
        start=start,
        end=end,
        low=min(part.low for part in parts),
        average=sum(part.average * (part.end - part.start) for part in parts) / max(1, length),
        high=peak.high,
        high_at=peak.high_at,
        samples=sum(part.samples for part in parts),
    )
