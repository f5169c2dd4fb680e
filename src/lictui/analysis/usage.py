"""What is known of usage: statistics, heat map, anomalies, entitlements.

`PastSummary` bundles what the history says about one total. Times are UTC epoch seconds.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from statistics import median
from typing import TYPE_CHECKING, Final

from lictui.analysis.series import day_of, day_start

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, tzinfo

    from lictui.analysis.assignments import MonthAssignments
    from lictui.analysis.forecast import Forecast
    from lictui.analysis.peaks import ScopedPeak
    from lictui.analysis.series import Bucket
    from lictui.model import Model


TotalKey = tuple[str, str, "Model"]  # group, server, or "" for all servers; product; model


@dataclass(frozen=True, slots=True)
class PastSummary:
    """Peaks by window, the assignments of the month, and the forecast of one total."""

    last_24h: ScopedPeak | None = None
    month: ScopedPeak | None = None
    all_time: ScopedPeak | None = None
    assignments: MonthAssignments | None = None  # None: licenses of this model are not assigned
    forecast: Forecast | None = None


# Percentiles, time above shares of installed, saturation


USAGE_SHARES: Final = (0.8, 0.9, 1.0)  # of installed


@dataclass(frozen=True, slots=True)
class Period:
    """A period without an interruption."""

    start: int
    end: int

    @property
    def seconds(self) -> int:
        """Length of the period."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class UsageStats:
    """Statistics of a series over the `seconds` that it has figures for."""

    seconds: int
    average: float
    p50: float  # so many licenses were enough for 50 % of the time
    p95: float
    p99: float
    peak: float
    peak_at: int
    installed_at_peak: int | None
    seconds_above: tuple[tuple[float, int], ...]  # share of installed -> seconds at or above it
    longest_saturation: Period | None  # the longest time at or above installed
    bound: bool = False  # all but seconds, average and peak are upper bounds
    peak_is_bound: bool = False


@dataclass(frozen=True, slots=True)
class HeatMatrix:
    """Usage by weekday from Monday (rows) and hour from 0 (columns); None without figures."""

    average: tuple[tuple[float | None, ...], ...]  # of the hours' maxima
    peak: tuple[tuple[float | None, ...], ...]
    weeks: tuple[tuple[int, ...], ...]  # with figures


# Anomalies: today against the same weekday of the last weeks


ANOMALY_WEEKS: Final = 12  # compared with
MIN_COMPARABLE_DAYS: Final = 5  # among them that have figures
_MIN_SIGMA: Final = 4.0  # distance from the median
_SIGMA_OVER_MAD: Final = 1.4826  # of a normal distribution
_MIN_RELATIVE: Final = 0.15  # of the median: a dozen days that happened to be alike prove little
_MIN_ABSOLUTE: Final = 5.0  # licenses: fewer are not worth an alert
_TYPICAL_SIGMA: Final = 2.0  # the range that the message calls typical
_MIN_ASSIGNED_SHARE: Final = 0.02  # of all assignments that must change in a day
_HOUR: Final = 3600
_MAX_GAP: Final = 3 * _HOUR  # from the last figure of a day to the first of the next
_HOURS_PER_MISSING: Final = 10  # of so many hours of today, an earlier day may lack one
_WEEKDAYS: Final = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


def describe_anomaly(
    figures: Mapping[date, float],
    today: date,
    figure: float,
    until: time | None = None,
    *,
    assigned: bool = False,
    upper_bound: bool = False,
) -> str | None:
    """Return a message if `figure` is far from what this weekday usually brings, else None.

    An anomaly lies more than 4 robust sigma from the median of the same weekday. `figures` of past
    days must be comparable with `figure`: each the maximum up to the local time `until`, or of the
    whole day where that is None. With `assigned`, figures are changes of the assignments.
    """
    days = (today - timedelta(weeks=week) for week in range(1, ANOMALY_WEEKS + 1))
    past = [figures[day] for day in days if day in figures]
    if len(past) < MIN_COMPARABLE_DAYS:
        return None
    typical = median(past)
    spread = _SIGMA_OVER_MAD * median(abs(past_figure - typical) for past_figure in past)
    distance = max(_MIN_SIGMA * spread, _MIN_RELATIVE * typical, _MIN_ABSOLUTE)
    if abs(figure - typical) <= distance:
        return None
    low = max(min(past), typical - _TYPICAL_SIGMA * spread)
    high = min(max(past), typical + _TYPICAL_SIGMA * spread)
    if assigned:
        low_text, high_text = f"{low:+,.0f}", f"{high:+,.0f}"
        subject, shown, separator = "change of assignments", f"{figure:+,.0f}", " to "
    else:
        low_text, high_text = f"{low:,.0f}", f"{high:,.0f}"
        subject, separator = "usage", "-"
        shown = f"{'up to ' if upper_bound else ''}{figure:,.0f}"
    usual = low_text if low_text == high_text else f"{low_text}{separator}{high_text}"
    by = f" by {until:%H:%M}" if until else ""
    return f"unusual {subject}: {shown}{by} (typical {_WEEKDAYS[today.weekday()]}: {usual})"


def anomaly_today(
    hours: Iterable[Bucket],
    now: float,
    zone: tzinfo | None,
    *,
    assigned: bool = False,
    upper_bound: bool = False,
) -> str | None:
    """Return the anomaly of today, from hourly buckets of the last weeks in order of time.

    Only complete hours count: in the morning a part of an hour says little. Hours without figures
    today are left out on earlier days, too, and a day that lacks hours of today is left out. Of
    `assigned` licenses the change since midnight counts, not their number. The maximum of an hour
    is an `upper_bound` where it is the sum of the maxima of several pools.
    """
    today = day_of(now, zone)
    days, last_before = _comparable_days(hours, today, now, zone)
    hours_today = days.pop(today, {})
    if not hours_today:
        return None
    figures = {}
    for day, day_hours in ((today, hours_today), *days.items()):
        common = hours_today.keys() & day_hours.keys()
        if not common or (len(hours_today) - len(common)) * _HOURS_PER_MISSING > len(hours_today):
            continue
        if not assigned:
            figures[day] = max(day_hours[hour].high for hour in common)
        elif day in last_before:
            figures[day] = day_hours[max(common)].last - last_before[day]
    figure = figures.pop(today, None)
    last_hour = max(hours_today)
    if figure is None or (
        assigned and abs(figure) < _MIN_ASSIGNED_SHARE * hours_today[last_hour].last
    ):
        return None
    until = time(last_hour + 1)
    return describe_anomaly(
        figures, today, figure, until, assigned=assigned, upper_bound=upper_bound
    )


def _comparable_days(
    hours: Iterable[Bucket], today: date, now: float, zone: tzinfo | None
) -> tuple[dict[date, dict[int, Bucket]], dict[date, float]]:
    """Return the complete hours of the same weekdays by local hour, and the last figure before."""
    weekdays = {today - timedelta(weeks=week) for week in range(ANOMALY_WEEKS + 1)}
    first = day_start(min(weekdays), zone) - _MAX_GAP
    days: dict[date, dict[int, Bucket]] = defaultdict(dict)
    last_before: dict[date, float] = {}
    previous: Bucket | None = None
    for bucket in hours:
        if bucket.start < first or bucket.end - bucket.start > _HOUR or bucket.end > now:
            continue
        local = datetime.fromtimestamp(bucket.start, UTC).astimezone(zone)
        day = local.date()
        if day in weekdays:
            if day not in days and previous is not None and bucket.start - previous.end <= _MAX_GAP:
                last_before[day] = previous.last
            twin = days[day].get(local.hour)  # an hour comes twice when clocks go back
            days[day][local.hour] = bucket if twin is None or bucket.high >= twin.high else twin
        previous = bucket
    return days, last_before


# Entitlements against installed and used licenses
