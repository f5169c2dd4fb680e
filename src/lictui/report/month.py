"""The figures of one scope in one month: daily and monthly usage, percentiles, assignments.

Of concurrent licenses the peak counts, of assigned ones the number at the end of a day or month.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from lictui.analysis import assignments
from lictui.analysis.aligned import ServerSeries, aligned_sum
from lictui.analysis.peaks import PeakAccumulator, Window
from lictui.analysis.series import Bucket, Resolution, day_bounds, day_of
from lictui.analysis.usage import usage_stats
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
    from datetime import date, tzinfo


class ScopeMonth(NamedTuple):
    """The servers of one scope in one month, in buckets of `width` seconds."""

    month: MonthSpan
    parts: Sequence[ServerSeries]
    width: int
    zone: tzinfo | None

    def total(self) -> list[Bucket]:
        """Return the sum of all servers, in buckets in which each of them has data."""
        return aligned_sum(self.parts, self.width) if self.parts else []

    def days(self, buckets: Sequence[Bucket]) -> Iterator[tuple[int, Sequence[Bucket]]]:
        """Yield the start of every local day and the buckets that start in it."""
        for start, end in pairwise(day_bounds(self.month.start, self.month.end, self.zone)):
            first = bisect_left(buckets, start, key=_start)
            yield start, buckets[first : bisect_left(buckets, end, first, key=_start)]

    def at_day_ends(self, value: Callable[[Bucket], float | None]) -> dict[int, int]:
        """Return the sum of a value at the end of each day, by the start of the day.

        Only days on which every server that is expected at their end has a value.
        """
        bounds = list(pairwise(day_bounds(self.month.start, self.month.end, self.zone)))
        sums: dict[int, float] = {}
        unknown = set()
        for part in self.parts:
            for (start, end), (_, buckets) in zip(bounds, self.days(part.buckets), strict=True):
                if part.since >= end or (part.until is not None and part.until < end):
                    continue  # not expected at the end of the day
                last = value(buckets[-1]) if buckets else None
                if last is None:
                    unknown.add(start)
                else:
                    sums[start] = sums.get(start, 0.0) + last
        return {
            start: round(total) for start, total in sorted(sums.items()) if start not in unknown
        }

    def overdraft_at_day_ends(self) -> dict[int, int]:
        """Return the overdraft at the end of each day.

        An unknown overdraft counts as none where that of another server is known.
        """
        last_buckets = (bucket for part in self.parts for bucket in part.buckets[-1:])
        if all(bucket.overdraft is None for bucket in last_buckets):
            return {}
        return self.at_day_ends(lambda bucket: bucket.overdraft or 0)


def _start(bucket: Bucket) -> int:
    return bucket.start


# Concurrent licenses


def monthly_peak(scope: ScopeMonth, total: Sequence[Bucket]) -> MonthFigure:
    """Return the peak of the month."""
    month, parts, width, _ = scope
    if not total:
        return MonthFigure(month.first_day)
    ends = [part.until for part in parts]
    latest = max((end for end in ends if end is not None), default=month.end)
    end = month.end if None in ends else min(month.end, latest)
    first = min(part.since for part in parts)
    accumulator = PeakAccumulator((Window("month", month.start),), first, end - 1)
    accumulator.add(total, width)
    (peak,) = accumulator.peaks()
    return MonthFigure(
        month.first_day,
        peak.peak,
        peak.peak_at,
        peak.installed_at_peak,
        peak.average,
        peak.coverage,
        width,
        is_upper_bound=width >= Resolution.DAY and len(parts) > 1,
    )


def month_usage(total: Sequence[Bucket]) -> MonthUsage | None:
    """Return how many licenses were in use for how long; None without data."""
    stats = usage_stats(total)
    if stats is None:
        return None
    over_installed = [
        (bucket.high - bucket.installed, bucket.end - bucket.start)
        for bucket in total
        if bucket.installed is not None and bucket.high > bucket.installed
    ]
    return MonthUsage(
        stats.seconds,
        round(stats.p50),
        round(stats.p95),
        round(stats.p99),
        stats.seconds_above,
        stats.longest_saturation,
        round(max((excess for excess, _ in over_installed), default=0)),
        sum(seconds for _, seconds in over_installed),
    )


def daily_peaks(scope: ScopeMonth, total: Sequence[Bucket]) -> tuple[DayFigure, ...]:
    """Return every day of the month with its peak."""
    overdraft = scope.overdraft_at_day_ends()
    return tuple(
        _daily_peak(day_of(start, scope.zone), buckets, overdraft.get(start))
        for start, buckets in scope.days(total)
    )


def _daily_peak(day: date, buckets: Sequence[Bucket], overdraft: int | None) -> DayFigure:
    if not buckets:
        return DayFigure(day)
    highest = max(buckets, key=lambda bucket: bucket.high)
    seconds = sum(bucket.end - bucket.start for bucket in buckets)
    weighted = sum(bucket.average * (bucket.end - bucket.start) for bucket in buckets)
    return DayFigure(
        day,
        round(highest.high),
        highest.high_at,
        weighted / max(1, seconds),
        highest.installed,
        overdraft,
    )


def days_with_peak_above(
    scope: ScopeMonth, total: Sequence[Bucket], limits: tuple[float, float]
) -> DaysAbove:
    """Return on how many days warn, critical and installed were reached at any time."""
    days = [buckets for _, buckets in scope.days(total) if buckets]

    def count(ratio: float) -> int:
        return sum(any(_reaches(bucket, ratio) for bucket in buckets) for buckets in days)

    return DaysAbove(count(limits[0]), count(limits[1]), count(1.0), len(days))


def _reaches(bucket: Bucket, ratio: float) -> bool:
    return bool(bucket.installed) and bucket.high >= ratio * (bucket.installed or 0)


# Assigned licenses


def daily_assigned(scope: ScopeMonth) -> tuple[DayFigure, ...]:
    """Return every day of the month with the licenses assigned at its end."""
    assigned = scope.at_day_ends(lambda bucket: bucket.last)
    installed = scope.at_day_ends(lambda bucket: bucket.installed)
    overdraft = scope.overdraft_at_day_ends()
    return tuple(
        DayFigure(
            day_of(start, scope.zone),
            assigned.get(start),
            installed=installed.get(start),
            overdraft=overdraft.get(start),
        )
        for start, _ in scope.days(())
    )


def monthly_assigned(scope: ScopeMonth, days: Sequence[DayFigure], coverage: float) -> MonthFigure:
    """Return the licenses assigned at the end of the last day with data."""
    first_day = scope.month.first_day
    last = next((day for day in reversed(days) if day.figure is not None), None)
    if last is None:
        return MonthFigure(first_day, coverage=coverage)
    latest = max(part.buckets[-1].end for part in scope.parts)
    timestamp = min(latest, scope.month.end - 1)
    return MonthFigure(
        first_day, last.figure, timestamp, last.installed, None, coverage, scope.width
    )


def days_with_assigned_above(days: Iterable[DayFigure], limits: tuple[float, float]) -> DaysAbove:
    """Return on how many days warn, critical and installed were reached at the end."""
    known = [(day.figure, day.installed) for day in days if day.figure is not None]

    def count(ratio: float) -> int:
        return sum(bool(of) and figure >= ratio * (of or 0) for figure, of in known)

    return DaysAbove(count(limits[0]), count(limits[1]), count(1.0), len(known))


def observed_changes(
    buckets: Mapping[str, Sequence[Bucket]], before: Mapping[str, int], at_start: int | None
) -> AssignmentChanges:
    """Return the differences between readings: at least so many were assigned and released.

    `before` is what a server had at the end of the previous month.
    """
    if not buckets:
        return AssignmentChanges(at_start, None, None, exact=False)
    changes = [
        assignments.observed_changes(
            [*([before[server]] if server in before else []), *(bucket.last for bucket in readings)]
        )
        for server, readings in buckets.items()
    ]
    new, released = map(sum, zip(*changes, strict=True))
    return AssignmentChanges(at_start, new, released, exact=False)
