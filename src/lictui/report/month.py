"""Concurrent licenses in one month: the peak of the sum, what was needed for how long, its days.

Owns the figures of one scope. The arithmetic of peaks and spreads is that of `insights`. Pure.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, date, datetime, tzinfo
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from lictui.analysis.aligned import ServerSeries, aligned_sum
from lictui.analysis.peaks import PeakAccumulator, Window
from lictui.analysis.series import Bucket, Resolution, day_bounds, day_of
from lictui.analysis.usage import usage_stats
from lictui.model import Model, MonthlyUsage
from lictui.report.model import (
    AssignmentChanges,
    DayFigure,
    DaysAbove,
    MonthFigure,
    MonthSpan,
    MonthUsage,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence


# A month day by day, as days begin and end where the user is, daylight saving included. Pure


def day(start: int, zone: tzinfo | None) -> date:
    """The day that begins at `start`."""
    return day_of(start, zone)


def by_day(
    month: MonthSpan, buckets: Sequence[Bucket], zone: tzinfo | None
) -> Iterator[tuple[int, Sequence[Bucket]]]:
    """Every day of the month by its first moment, and the buckets that begin in it."""
    for start, end in pairwise(day_bounds(month.start, month.end, zone)):
        first = bisect_left(buckets, start, key=_start)
        yield start, buckets[first : bisect_left(buckets, end, first, key=_start)]


def _start(bucket: Bucket) -> int:
    return bucket.start


def at_ends(
    month: MonthSpan,
    parts: Sequence[ServerSeries],
    zone: tzinfo | None,
    figure: Callable[[Bucket], float | None],
) -> dict[int, int]:
    """What the servers came to at the end of each day, by its first moment.

    Only days on which every server that is expected then has a figure.
    """
    bounds = list(pairwise(day_bounds(month.start, month.end, zone)))
    sums = dict.fromkeys((start for start, _ in bounds), 0.0)
    for part in parts:
        for (start, end), (_, found) in zip(bounds, by_day(month, part.buckets, zone), strict=True):
            if part.since >= end or (part.until is not None and part.until < end):
                continue  # what was gone at the day's end counts no longer
            value = figure(found[-1]) if found else None
            if value is None:
                sums.pop(start, None)
            elif start in sums:
                sums[start] += value
    expected = [(part.since, part.until) for part in parts]
    return {
        start: round(sums[start])
        for start, end in bounds
        if start in sums
        and any(since < end and (until is None or until >= end) for since, until in expected)
    }


def overdrafts(
    month: MonthSpan, parts: Sequence[ServerSeries], zone: tzinfo | None
) -> dict[int, int]:
    """The overdraft at the end of each day; an unknown one counts as none where another is."""
    if not any(bucket.overdraft is not None for part in parts for bucket in part.buckets[-1:]):
        return {}
    return at_ends(month, parts, zone, lambda bucket: bucket.overdraft or 0)


class Scoped(NamedTuple):
    """The servers of one scope in one month."""

    month: MonthSpan
    parts: Sequence[ServerSeries]
    width: int  # seconds


def summed(scope: Scoped) -> list[Bucket]:
    """The sum at each moment at which every server has a figure."""
    return aligned_sum(scope.parts, scope.width) if scope.parts else []


def monthly(scope: Scoped, sums: Sequence[Bucket]) -> MonthFigure:
    """The month in one figure: its peak."""
    month, parts, width = scope
    if not sums:
        return MonthFigure(month.first_day)
    ends = [part.until for part in parts]
    until = max((end for end in ends if end is not None), default=month.end)
    end = month.end if None in ends else min(month.end, until)
    first = min(part.since for part in parts)
    gauge = PeakAccumulator((Window("month", month.start),), first, end - 1)
    gauge.add(sums, width)
    (peak,) = gauge.peaks()
    return MonthFigure(
        *(
            month.first_day,
            peak.peak,
            peak.peak_at,
            peak.installed_at_peak,
            peak.average,
            peak.coverage,
            width,
        ),
        is_upper_bound=width >= Resolution.DAY and len(parts) > 1,
    )


def usage(sums: Sequence[Bucket]) -> MonthUsage | None:
    """How much was needed for how long."""
    found = usage_stats(sums)
    if found is None:
        return None
    beyond = [
        (bucket.high - bucket.installed, bucket.end - bucket.start)
        for bucket in sums
        if bucket.installed is not None and bucket.high > bucket.installed
    ]
    return MonthUsage(
        found.seconds,
        round(found.p50),
        round(found.p95),
        round(found.p99),
        found.seconds_above,
        found.longest_saturation,
        round(max((over for over, _ in beyond), default=0)),
        sum(seconds for _, seconds in beyond),
    )


def daily(scope: Scoped, sums: Sequence[Bucket], zone: tzinfo | None) -> tuple[DayFigure, ...]:
    """Every day of the month, with its peak where there is one."""
    month = scope.month
    granted = overdrafts(month, scope.parts, zone)
    return tuple(
        _day(found, zone, start, granted.get(start)) for start, found in by_day(month, sums, zone)
    )


def _day(
    found: Sequence[Bucket], zone: tzinfo | None, start: int, overdraft: int | None
) -> DayFigure:
    if not found:
        return DayFigure(day(start, zone))
    top = max(found, key=lambda bucket: bucket.high)
    seconds = sum(bucket.end - bucket.start for bucket in found)
    weighted = sum(bucket.average * (bucket.end - bucket.start) for bucket in found)
    return DayFigure(
        day(start, zone),
        round(top.high),
        top.high_at,
        weighted / max(1, seconds),
        top.installed,
        overdraft,
    )


def days_above(
    month: MonthSpan,
    sums: Sequence[Bucket],
    zone: tzinfo | None,
    shares: tuple[float, float],
) -> DaysAbove:
    """On how many days warn, critical and all that was installed were reached at any moment."""
    days = [found for _, found in by_day(month, sums, zone) if found]

    def reached(share: float) -> int:
        return sum(any(_at(bucket, share) for bucket in found) for found in days)

    return DaysAbove(reached(shares[0]), reached(shares[1]), reached(1.0), len(days))


def _at(bucket: Bucket, share: float) -> bool:
    return bool(bucket.installed) and bucket.high >= share * (bucket.installed or 0)


# Assignments in one month: how many at its end, how many came and went. Never a concurrency peak


ASSIGNED: Final = (Model.USER_DEVICE, Model.NAMED_USER)


def daily_assigned(scope: Scoped, zone: tzinfo | None) -> tuple[DayFigure, ...]:
    """Every day of the month, with what was assigned at its end where that is known."""
    month, parts, _ = scope
    figures = at_ends(month, parts, zone, lambda bucket: bucket.last)
    installed = at_ends(month, parts, zone, lambda bucket: bucket.installed)
    granted = overdrafts(month, parts, zone)
    return tuple(
        DayFigure(
            day(start, zone),
            figures.get(start),
            None,
            None,
            installed.get(start),
            granted.get(start),
        )
        for start, _ in by_day(month, (), zone)
    )


def monthly_assigned(scope: Scoped, days: Sequence[DayFigure], coverage: float) -> MonthFigure:
    """The month in one figure: what was assigned at the end of the last day that is known."""
    first = scope.month.first_day
    last = next((each for each in reversed(days) if each.figure is not None), None)
    if last is None:
        return MonthFigure(first, coverage=coverage)
    ended = [part.buckets[-1].end for part in scope.parts]
    at = min(max(ended), scope.month.end - 1)
    return MonthFigure(first, last.figure, at, last.installed, None, coverage, scope.width)


def days_above_assigned(days: Iterable[DayFigure], shares: tuple[float, float]) -> DaysAbove:
    """On how many days warn, critical and all that was installed were assigned at the end."""
    known = [each for each in days if each.figure is not None]

    def reached(share: float) -> int:
        return sum(bool(d.installed) and d.figure >= share * d.installed for d in known)  # type: ignore[operator]

    return DaysAbove(reached(shares[0]), reached(shares[1]), reached(1.0), len(known))


def moves(
    buckets: Mapping[str, Sequence[Bucket]], before: Mapping[str, int], at_start: int | None
) -> AssignmentChanges:
    """What came and went, from the differences between readings: at least so many of each.

    `before` is what a server had at the end of the month before.
    """
    newly = released = 0
    for server, found in buckets.items():
        values = [round(bucket.last) for bucket in found]
        values[:0] = [before[server]] if server in before else []
        for earlier, later in pairwise(values):
            newly += max(0, later - earlier)
            released += max(0, earlier - later)
    return AssignmentChanges(
        at_start, newly if buckets else None, released if buckets else None, exact=False
    )


def told_of(months: Iterable[Sequence[MonthlyUsage]], first: date) -> MonthlyUsage | None:
    """What the source told of all these pools in that month, added up; None unless of every one."""
    found = [next((each for each in pool if _month(each) == first), None) for pool in months]
    known = [each for each in found if each is not None]
    if not known or len(known) < len(found):
        return None

    def total(figures: Iterable[int | None]) -> int | None:
        values = list(figures)
        there = [value for value in values if value is not None]
        return sum(there) if len(there) == len(values) else None

    return type(known[0])(
        known[0].key,
        known[0].month_start,
        total(each.in_use for each in known),
        total(each.installed for each in known),
        total(each.newly_assigned for each in known),
        total(each.released for each in known),
    )


def _month(told: MonthlyUsage) -> date:
    return datetime.fromtimestamp(told.month_start, UTC).date().replace(day=1)
