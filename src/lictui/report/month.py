"""The figures of one scope in one month: daily and monthly usage, percentiles, assignments.

Of concurrent licenses the peak counts, of assigned ones the number at the end of a day or month.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from lictui.analysis import assignments
from lictui.analysis.columns import Series, ServerSeries, aligned_sum
from lictui.analysis.peaks import PeakAccumulator, Window
from lictui.analysis.series import ALIGNMENT, day_bounds, day_of
from lictui.analysis.usage_stats import days_reaching, excess, usage_stats
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

    from lictui.analysis.series import Bucket


class ScopeMonth(NamedTuple):
    """The servers of one scope in one month."""

    month: MonthSpan
    parts: Sequence[ServerSeries]
    zone: tzinfo | None

    def total(self) -> Series:
        """Return the sum of all servers where each of them has data."""
        return aligned_sum(self.parts)

    @property
    def day_bounds(self) -> list[int]:
        """The midnights of the month, its end included."""
        return day_bounds(self.month.start, self.month.end, self.zone)

    def days(self, series: Series) -> Iterator[tuple[int, Series]]:
        """Yield the start of every local day and the entries that start in it."""
        for start, end in pairwise(self.day_bounds):
            yield start, series.between(start, end)

    def at_day_ends(self, value: Callable[[Bucket], float | None]) -> dict[int, int]:
        """Return the sum of a value at the end of each day, by the start of the day.

        Only days on which every server that is expected at their end has a value.
        """
        bounds = list(pairwise(self.day_bounds))
        sums: dict[int, float] = {}
        unknown = set()
        for part in self.parts:
            for (start, end), (_, day) in zip(bounds, self.days(part.series), strict=True):
                if part.since >= end or (part.until is not None and part.until < end):
                    continue  # not expected at the end of the day
                last = value(day.select(slice(-1, None)).buckets[0]) if len(day) else None
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
        last = (part.series.select(slice(-1, None)) for part in self.parts)
        if all(bucket.overdraft is None for series in last for bucket in series.buckets):
            return {}
        return self.at_day_ends(lambda bucket: bucket.overdraft or 0)


# Concurrent licenses


def monthly_peak(scope: ScopeMonth, total: Series) -> MonthFigure:
    """Return the peak of the month."""
    month, parts, _ = scope
    if not len(total):
        return MonthFigure(month.first_day)
    ends = [part.until for part in parts]
    latest = max((end for end in ends if end is not None), default=month.end)
    end = month.end if None in ends else min(month.end, latest)
    first = min(part.since for part in parts)
    accumulator = PeakAccumulator((Window("month", month.start),), first, end - 1)
    accumulator.add(total)
    (peak,) = accumulator.peaks()
    return MonthFigure(
        month.first_day,
        peak.peak,
        peak.peak_at,
        peak.installed_at_peak,
        peak.average,
        peak.coverage,
        peak.alignment,
        is_upper_bound=peak.bound,
    )


def month_usage(total: Series) -> MonthUsage | None:
    """Return how many licenses were in use for how long; None without data."""
    stats = usage_stats(total)
    if stats is None:
        return None
    return MonthUsage(
        stats.seconds,
        round(stats.p50),
        round(stats.p95),
        round(stats.p99),
        stats.seconds_above,
        stats.longest_saturation,
        *excess(total),
        is_upper_bound=stats.bound,
    )


def daily_peaks(scope: ScopeMonth, total: Series) -> tuple[DayFigure, ...]:
    """Return every day of the month with its peak."""
    overdraft = scope.overdraft_at_day_ends()
    return tuple(
        _daily_peak(day_of(start, scope.zone), series, overdraft.get(start))
        for start, series in scope.days(total)
    )


def _daily_peak(day: date, series: Series, overdraft: int | None) -> DayFigure:
    if not len(series):
        return DayFigure(day)
    (whole,) = series.joined((int(series.start[0]), int(series.end[-1]) + 1)).buckets
    return DayFigure(
        day, round(whole.high), whole.high_at, whole.average, whole.installed, overdraft
    )


def days_with_peak_above(
    scope: ScopeMonth, total: Series, limits: tuple[float, float]
) -> DaysAbove:
    """Return on how many days warn, critical and installed were reached at any time."""
    warn, critical, full = (
        days_reaching(total, scope.day_bounds, ratio) for ratio in (*limits, 1.0)
    )
    return DaysAbove(warn, critical, full, sum(len(day) > 0 for _, day in scope.days(total)))


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
        for start in scope.day_bounds[:-1]
    )


def monthly_assigned(scope: ScopeMonth, days: Sequence[DayFigure], coverage: float) -> MonthFigure:
    """Return the licenses assigned at the end of the last day with data."""
    first_day = scope.month.first_day
    last = next((day for day in reversed(days) if day.figure is not None), None)
    if last is None:
        return MonthFigure(first_day, coverage=coverage)
    latest = max(int(part.series.end[-1]) for part in scope.parts)
    timestamp = min(latest, scope.month.end - 1)
    return MonthFigure(
        first_day, last.figure, timestamp, last.installed, None, coverage, int(ALIGNMENT)
    )


def days_with_assigned_above(days: Iterable[DayFigure], limits: tuple[float, float]) -> DaysAbove:
    """Return on how many days warn, critical and installed were reached at the end."""
    known = [(day.figure, day.installed) for day in days if day.figure is not None]

    def count(ratio: float) -> int:
        return sum(bool(of) and figure >= ratio * (of or 0) for figure, of in known)

    return DaysAbove(count(limits[0]), count(limits[1]), count(1.0), len(known))


def observed_changes(
    series: Mapping[str, Series], before: Mapping[str, int], at_start: int | None
) -> AssignmentChanges:
    """Return the differences between readings: at least so many were assigned and released.

    `before` is what a server had at the end of the previous month.
    """
    if not series:
        return AssignmentChanges(at_start, None, None, exact=False)
    changes = [
        assignments.observed_changes(
            [*([before[server]] if server in before else []), *readings.last.tolist()]
        )
        for server, readings in series.items()
    ]
    new, released = map(sum, zip(*changes, strict=True))
    return AssignmentChanges(at_start, new, released, exact=False)
