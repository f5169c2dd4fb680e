"""Usage over time in buckets, and the calendar days and months that buckets are joined to."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import IntEnum
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import date, tzinfo

    from lictui.model import Model, PoolKey


class Resolution(IntEnum):
    """The stored widths of a bucket in seconds; RAW is one bucket per reading."""

    RAW = 0
    FIVE_MINUTES = 300
    HOUR = 3600
    DAY = 86400


class Bucket(NamedTuple):
    """The readings of one period, summed over the queried pools; a gap has no bucket.

    A named tuple, because a year of a thousand pools is 365,000 buckets and a named tuple is
    created several times faster than a dataclass.
    """

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


# Creates a bucket from a sequence of its fields without a Python function call per bucket.
new_bucket: Final = partial(tuple.__new__, Bucket)


@dataclass(frozen=True, slots=True)
class SeriesQuery:
    """A query for usage over time; several pools are answered with their aligned sum."""

    pools: tuple[tuple[str, PoolKey], ...]  # (server, key)
    start: int
    end: int
    width: int  # seconds of a bucket; wider where figures so fine are not stored any more


@dataclass(frozen=True, slots=True)
class Series:
    """The answer to a query: buckets in order of time, gaps left out."""

    buckets: tuple[Bucket, ...]
    width: int  # seconds of a bucket
    exact: bool = True  # False: maxima of pools were added that may be of different moments


@dataclass(frozen=True, slots=True)
class BackfillRow:
    """One bucket of one pool from another place, which the history stores unchanged."""

    server: str
    key: PoolKey
    model: Model
    resolution: Resolution
    bucket: Bucket


# Calendar days and months in the user's time zone


def day_start(day: date, zone: tzinfo | None) -> int:
    """Return when `day` starts in `zone` (None: the system's): midnight, or what follows it."""
    midnight = datetime.combine(day, time())
    # Where midnight is skipped (daylight saving at 0:00), the zone's rules give the time after it.
    return int((midnight.replace(tzinfo=zone) if zone else midnight.astimezone()).timestamp())


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
    return list(_bounds(start, end, zone, lambda day: day, lambda day: day + timedelta(days=1)))


def month_bounds(start: float, end: float, zone: tzinfo | None) -> list[int]:
    """Return the bounds of all calendar months that [start, end) touches."""
    return list(_bounds(start, end, zone, first_of_month, next_month))


def _bounds(
    start: float,
    end: float,
    zone: tzinfo | None,
    first_day: Callable[[date], date],
    next_day: Callable[[date], date],
) -> Iterator[int]:
    day = first_day(day_of(start, zone))
    while True:
        bound = day_start(day, zone)
        yield bound
        if bound >= end:
            return
        day = next_day(day)


def rebucket(buckets: Iterable[Bucket], bounds: Sequence[int]) -> tuple[Bucket, ...]:
    """Join narrow buckets, in order of time, to one bucket between each two bounds.

    A bucket belongs where its middle is, so that a UTC day is the local day in most zones; buckets
    outside all bounds are left out. The average is weighted by length; `last`, `installed` and
    `overdraft` are those of the last bucket.
    """

    def position(bucket: Bucket) -> int:
        return bisect_right(bounds, (bucket.start + bucket.end) // 2)

    return tuple(
        _join(tuple(parts), bounds[index - 1], bounds[index])
        for index, parts in groupby(buckets, position)
        if 0 < index < len(bounds)
    )


def _join(parts: tuple[Bucket, ...], start: int, end: int) -> Bucket:
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
