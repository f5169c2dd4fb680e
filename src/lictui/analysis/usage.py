"""What is known of usage: statistics, heat map, anomalies, entitlements.

`PastSummary` bundles what the history says about one total. Times are UTC epoch seconds.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, time
from statistics import median
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from lictui.analysis.series import day_of
from lictui.clock import HOUR

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import tzinfo

    from lictui.analysis.assignments import MonthAssignments
    from lictui.analysis.forecast import Forecast
    from lictui.analysis.peaks import ScopedPeak
    from lictui.analysis.series import Bucket
    from lictui.model import Model


TotalKey = tuple[str, str, "Model"]  # group, server, or "" for all servers; product; model


class PastSummary(Struct, frozen=True):
    """Peaks by window, the assignments of the month, and the forecast of one total."""

    last_24h: ScopedPeak | None = None
    month: ScopedPeak | None = None
    all_time: ScopedPeak | None = None
    assignments: MonthAssignments | None = None  # None: licenses of this model are not assigned
    forecast: Forecast | None = None


# Percentiles, time above shares of installed, saturation


USAGE_SHARES: Final = (0.8, 0.9, 1.0)  # of installed


class Period(Struct, frozen=True):
    """A period without an interruption."""

    start: int
    end: int

    @property
    def seconds(self) -> int:
        """Length of the period."""
        return self.end - self.start


class UsageStats(Struct, frozen=True):
    """Statistics of a series over the `seconds` that it has figures for."""

    seconds: int
    average: float
    p50: float  # so many licenses were enough for 50 % of the time
    p95: float
    p99: float
    peak: float
    peak_at: int
    installed_at_peak: int | None
    # Share of installed -> seconds at or above it; None: installed is unknown.
    seconds_above: tuple[tuple[float, int | None], ...]
    longest_saturation: Period | None  # the longest time at or above installed
    bound: bool = False  # all but seconds, average and peak are upper bounds
    peak_is_bound: bool = False
    start: int = 0  # of the first figure
    is_partial: bool = False  # installed is unknown at times: there was no comparison then


class HeatMatrix(Struct, frozen=True):
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
_MAX_GAP: Final = 3 * HOUR  # from the last figure of a day to the first of the next
_HOURS_PER_MISSING: Final = 10  # of so many hours of today, an earlier day may lack one


def anomaly_today(
    hours: Iterable[Bucket], now: float, zone: tzinfo | None, *, assigned: bool = False
) -> str | None:
    """Return a message if today is far from what this weekday usually brings, else None.

    `hours` are those of the last weeks in order of time. Only complete hours count: in the morning
    a part of an hour says little. Hours without figures today are left out on earlier days, too,
    and a day that lacks hours of today is left out. Of `assigned` licenses the change since
    midnight counts, not their number. An anomaly lies more than 4 robust sigma from the median.
    """
    days, last_before = _same_weekdays(hours, now, zone)
    today = days.pop(0, {})
    figures = {}
    for weeks, day in ((0, today), *days.items()):
        common = today.keys() & day.keys()
        if (len(today) - len(common)) * _HOURS_PER_MISSING > len(today) or not common:
            continue
        if not assigned:
            figures[weeks] = max(day[hour].high for hour in common)
        elif weeks in last_before:
            figures[weeks] = day[max(common)].last - last_before[weeks]
    figure, past = figures.pop(0, None), list(figures.values())
    if figure is None or len(past) < MIN_COMPARABLE_DAYS:
        return None
    typical = median(past)
    spread = _SIGMA_OVER_MAD * median(abs(past_figure - typical) for past_figure in past)
    least_change = _MIN_ASSIGNED_SHARE * today[max(today)].last if assigned else 0.0
    distance = max(_MIN_SIGMA * spread, _MIN_RELATIVE * typical, _MIN_ABSOLUTE)
    if abs(figure - typical) <= distance or abs(figure) < least_change:
        return None
    low = max(min(past), typical - _TYPICAL_SIGMA * spread)
    high = min(max(past), typical + _TYPICAL_SIGMA * spread)
    if assigned:
        usual, separator = [f"{low:+,.0f}", f"{high:+,.0f}"], " to "
        subject = f"change of assignments: {figure:+,.0f}"
    else:
        usual, separator = [f"{low:,.0f}", f"{high:,.0f}"], "-"
        bound = "up to " * any(bucket.bound for bucket in today.values())
        subject = f"usage: {bound}{figure:,.0f}"
    typically = f"typical {day_of(now, zone):%A}: {separator.join(dict.fromkeys(usual))}"
    return f"unusual {subject} by {time(max(today) + 1):%H:%M} ({typically})"


def _same_weekdays(
    hours: Iterable[Bucket], now: float, zone: tzinfo | None
) -> tuple[dict[int, dict[int, Bucket]], dict[int, float]]:
    """Return complete hours by weeks ago and local hour, and the last figure before each day."""
    today = day_of(now, zone)
    days: dict[int, dict[int, Bucket]] = defaultdict(dict)
    last_before: dict[int, float] = {}
    previous: Bucket | None = None
    for bucket in hours:
        if bucket.end - bucket.start > HOUR or bucket.end > now:
            continue
        local = datetime.fromtimestamp(bucket.start, UTC).astimezone(zone)
        weeks, other_day = divmod((today - local.date()).days, 7)
        if not other_day and weeks <= ANOMALY_WEEKS:
            day = days[weeks]
            if not day and previous is not None and bucket.start - previous.end <= _MAX_GAP:
                last_before[weeks] = previous.last
            twin = day.get(local.hour)  # an hour comes twice when clocks go back
            day[local.hour] = bucket if twin is None or bucket.high >= twin.high else twin
        previous = bucket
    return days, last_before
