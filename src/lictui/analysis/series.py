"""A series: what was in use over time, in buckets.

Owns the shape that charts and trends are drawn from. Must not know where it was kept.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import IntEnum
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from lictui.model import Model, PoolKey


class Resolution(IntEnum):
    """The widths a bucket can have, in seconds; RAW is one bucket a reading."""

    RAW = 0
    FIVE_MINUTES = 300
    HOUR = 3600
    DAY = 86400


class Bucket(NamedTuple):
    """The readings of one stretch of time, summed over the pools asked for; no bucket is a gap.

    A named tuple: a year of a thousand pools is made of 365,000, several times faster so.
    """

    start: int  # UTC epoch seconds
    end: int  # exclusive; with RAW the last moment the figure was seen to hold
    low: float  # min of in use
    average: float
    high: float  # exact max, and when it was seen first
    high_at: int
    last: float
    installed: int | None
    overdraft: int | None
    samples: int  # readings in the bucket


@dataclass(frozen=True, slots=True)
class SeriesQuery:
    """One question about the past.

    More than one pool is answered with the time-aligned sum.
    """

    pools: tuple[tuple[str, PoolKey], ...]
    start: int
    end: int
    width: int  # seconds wanted; the store picks the finest resolution that still has them


@dataclass(frozen=True, slots=True)
class Series:
    """The answer: buckets in order of time, gaps left out."""

    buckets: tuple[Bucket, ...]
    width: int  # seconds each was made of


@dataclass(frozen=True, slots=True)
class BackfillRow:
    """One bucket of one pool that was not polled here, for a history to take in as it stands."""

    server: str
    key: PoolKey
    model: Model
    resolution: Resolution
    bucket: Bucket


# Buckets by the calendar: days and months as they begin and end where the user is


def day_start(day: date, zone: tzinfo | None) -> int:
    """The first moment of `day` in `zone`, None for the system's: midnight, or what follows it."""
    midnight = datetime.combine(day, time())
    # Where midnight is skipped (daylight saving at 0:00), the zone's rules give the moment after.
    return int((midnight.replace(tzinfo=zone) if zone else midnight.astimezone()).timestamp())


def day_of(at: float, zone: tzinfo | None) -> date:
    """The calendar day at the moment `at`."""
    return datetime.fromtimestamp(at, UTC).astimezone(zone).date()


def first_of_month(day: date) -> date:
    """The first day of the month that `day` is in."""
    return day.replace(day=1)


def next_month(day: date) -> date:
    """The first day of the month after the one that `day` is in."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def day_bounds(start: float, end: float, zone: tzinfo | None) -> list[int]:
    """The bounds of every calendar day that [start, end) touches, one more than there are days."""
    return list(_bounds(start, end, zone, lambda day: day, lambda day: day + timedelta(days=1)))


def month_bounds(start: float, end: float, zone: tzinfo | None) -> list[int]:
    """The bounds of every calendar month that [start, end) touches."""
    return list(_bounds(start, end, zone, first_of_month, next_month))


def _bounds(
    start: float,
    end: float,
    zone: tzinfo | None,
    first: Callable[[date], date],
    after: Callable[[date], date],
) -> Iterator[int]:
    day = first(day_of(start, zone))
    while True:
        at = day_start(day, zone)
        yield at
        if at >= end:
            return
        day = after(day)


def rebucket(buckets: Iterable[Bucket], bounds: Sequence[int]) -> tuple[Bucket, ...]:
    """Narrow buckets, in order of time, as one for each stretch between two bounds.

    A bucket belongs where its middle is, so that a day of UTC is that of the zone for most of the
    world; those outside all bounds are left out. The average is weighted by length, `last`,
    installed and overdraft are those of the last bucket.
    """

    def place(bucket: Bucket) -> int:
        return bisect_right(bounds, (bucket.start + bucket.end) // 2)

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
