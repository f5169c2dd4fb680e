"""What the past says of one product and model in one scope, for who looks at its figures of now.

Owns that bundle. Pure: must not know who found it. Times are UTC epoch seconds.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import accumulate
from statistics import median
from typing import TYPE_CHECKING, Final

from lictui.analysis.series import Bucket, day_of, day_start
from lictui.analysis.trend import robust_sigma

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from lictui.analysis.forecast import Forecast
    from lictui.analysis.peaks import ScopedPeak
    from lictui.config.entitlements import Entitlement
    from lictui.model import Model


TotalKey = tuple[str, str, "Model"]  # group, server, or "" for all of them; product; model


@dataclass(frozen=True, slots=True)
class MonthAssignments:
    """What became of assignments since the month began; None where nobody can tell."""

    at_start: int | None = None  # assigned when it began
    newly_assigned: int | None = None  # as the source itself tells
    released: int | None = None


@dataclass(frozen=True, slots=True)
class PastSummary:
    """Peaks by window, the month of assignments, and where it leads."""

    last_24h: ScopedPeak | None = None
    month: ScopedPeak | None = None
    all_time: ScopedPeak | None = None
    assignments: MonthAssignments | None = None  # None: licenses of this model are not assigned
    forecast: Forecast | None = None


# How much was in use for how long: percentiles, time above shares of installed, saturation


USAGE_SHARES: Final = (0.8, 0.9, 1.0)  # of installed


@dataclass(frozen=True, slots=True)
class Period:
    """Some time without a break. UTC epoch seconds."""

    start: int
    end: int

    @property
    def seconds(self) -> int:
        """Its length."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class UsageStats:
    """What a series comes to, over the `seconds` that it has figures for."""

    seconds: int
    average: float
    p50: float
    p95: float  # licenses that covered 95 % of the time
    p99: float
    peak: float
    peak_at: int
    installed_at_peak: int | None
    seconds_above: tuple[tuple[float, int], ...]  # share of installed -> seconds at or above it
    longest_saturation: Period | None  # the longest time at or above installed


def usage_stats(buckets: Sequence[Bucket]) -> UsageStats | None:
    """The figures of a series in order of time; None when there is nothing."""
    if not buckets:
        return None
    by_height = sorted(buckets, key=lambda bucket: bucket.high)
    passed = list(accumulate(bucket.end - bucket.start for bucket in by_height))
    seconds = passed[-1]

    def covering(share: float) -> float:
        wanted = share * seconds
        return next(b.high for b, at in zip(by_height, passed, strict=True) if at >= wanted)

    top = max(buckets, key=lambda bucket: bucket.high)
    weighted = sum(bucket.average * (bucket.end - bucket.start) for bucket in buckets)
    return UsageStats(
        seconds,
        weighted / max(1, seconds),
        covering(0.5),
        covering(0.95),
        covering(0.99),
        top.high,
        top.high_at,
        top.installed,
        tuple(
            (share, sum(b.end - b.start for b in buckets if _at(b, share)))
            for share in USAGE_SHARES
        ),
        max(_saturated(buckets), key=lambda stretch: stretch.seconds, default=None),
    )


def _at(bucket: Bucket, share: float) -> bool:
    """Whether the bucket reached a share of what was installed then; never where that is 0."""
    return bool(bucket.installed) and bucket.high >= share * (bucket.installed or 0)


def _saturated(buckets: Sequence[Bucket]) -> Iterator[Period]:
    """Every run of buckets without a free license; a gap ends one."""
    start = end = None
    for bucket in buckets:
        full = _at(bucket, 1.0)
        if start is not None and end is not None and (not full or bucket.start != end):
            yield Period(start, end)
            start = None
        if full:
            start = bucket.start if start is None else start
            end = bucket.end
    if start is not None and end is not None:
        yield Period(start, end)


# The week as a map: how much was in use at each hour of each weekday


_CELLS: Final = 7 * 24


@dataclass(frozen=True, slots=True)
class HeatMatrix:
    """Rows are weekdays from Monday, columns hours from 0; None where nothing was read."""

    average: tuple[tuple[float | None, ...], ...]  # of the hours' maxima
    peak: tuple[tuple[float | None, ...], ...]
    weeks: int  # of the cell that has the most


def heat_matrix(buckets: Iterable[Bucket], zone: tzinfo | None) -> HeatMatrix:
    """The map of buckets of an hour or less, in `zone`; None for the system's."""
    highs: list[dict[int, float]] = [{} for _ in range(_CELLS)]  # by local hour since year 1
    for bucket in buckets:
        local = datetime.fromtimestamp(bucket.start, UTC).astimezone(zone)
        hours = highs[local.weekday() * 24 + local.hour]
        hour = local.toordinal()
        hours[hour] = max(hours.get(hour, bucket.high), bucket.high)
    average = [sum(cell.values()) / len(cell) if cell else None for cell in highs]
    peak = [max(cell.values(), default=None) for cell in highs]
    return HeatMatrix(_rows(average), _rows(peak), max(map(len, highs)))


def _rows(cells: list[float | None]) -> tuple[tuple[float | None, ...], ...]:
    return tuple(tuple(cells[at : at + 24]) for at in range(0, _CELLS, 24))


# What is unusual about today: far from what the same weekday was like in the last weeks


ANOMALY_WEEKS: Final = 12  # that are looked back
MIN_COMPARABLE_DAYS: Final = 5  # same weekdays among them, to know what is usual
_SIGMA: Final = 4.0  # from the median
_RELATIVE: Final = 0.15  # of the median; a dozen days that happened to be alike prove little
_ABSOLUTE: Final = 5.0  # licenses: a handful of people is no news
_USUAL: Final = 2.0  # sigma that are called usual
_MOVED: Final = 0.02  # of what is assigned: fewer that come or go in a day are no news
_HOUR: Final = 3600
_GAP: Final = 3 * _HOUR  # from the last figure of a day to the first of the next, at most
_FEW: Final = 10  # of so many hours of today, one may be missing on a day before
_WEEKDAYS: Final = (
    *("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
)


def describe_anomaly(
    figures: Mapping[date, float],
    today: date,
    figure: float,
    until: time | None = None,
    *,
    moved: bool = False,
    bound: bool = False,
) -> str | None:
    """A sentence if `figure` is not what this weekday usually brings, None if it is or who knows.

    `figures` of past days must be comparable: each the most until the same hour as `until`, the
    local time it is now, or of the whole day where that is None. With `moved` they are not what
    was in use, but how many more were assigned than the day before.
    """
    days = (today - timedelta(weeks=week) for week in range(1, ANOMALY_WEEKS + 1))
    before = [figures[day] for day in days if day in figures]
    if len(before) < MIN_COMPARABLE_DAYS:
        return None
    middle = median(before)
    spread = robust_sigma([each - middle for each in before])
    if abs(figure - middle) <= max(_SIGMA * spread, _RELATIVE * middle, _ABSOLUTE):
        return None
    low = max(min(before), middle - _USUAL * spread)
    high = min(max(before), middle + _USUAL * spread)
    usual = f"{low:,.0f}" if round(low) == round(high) else f"{low:,.0f} to {high:,.0f}"
    by = f" by {until:%H:%M}" if until else ""
    most = "up to " if bound else ""
    shown = f"{figure:+,.0f} assigned" if moved else f"{most}{figure:,.0f}"
    return f"unusual for a {_WEEKDAYS[today.weekday()]}: {shown}{by}, usually {usual}"


def anomaly_today(
    hours: Iterable[Bucket],
    now: float,
    zone: tzinfo | None,
    *,
    assigned: bool = False,
    bound: bool = False,
) -> str | None:
    """The same, of the hours of the last weeks in order of time; `now` in UTC epoch seconds.

    Only hours that are over count: in the morning a part of one says little. What was not read
    today is not asked of the days before, and a day that lacks what was read today says nothing.
    Of what is `assigned` the change since midnight counts, not how many there are by now. The most
    of an hour is but a `bound` where it is the sum of several pools' own.
    """
    today = day_of(now, zone)
    days, before = _by_day(hours, today, now, zone)
    mine = days.pop(today, {})
    if not mine:
        return None
    figures = {}
    for day, known in ((today, mine), *days.items()):
        same = mine.keys() & known.keys()
        if not same or (len(mine) - len(same)) * _FEW > len(mine):
            continue
        if not assigned:
            figures[day] = max(known[hour].high for hour in same)
        elif day in before:
            figures[day] = known[max(same)].last - before[day]
    shown = figures.pop(today, None)
    if shown is None or (assigned and abs(shown) < _MOVED * mine[max(mine)].last):
        return None
    return describe_anomaly(figures, today, shown, time(max(mine) + 1), moved=assigned, bound=bound)


def _by_day(
    hours: Iterable[Bucket], today: date, now: float, zone: tzinfo | None
) -> tuple[dict[date, dict[int, Bucket]], dict[date, float]]:
    """The full hours of this weekday by its hours of the wall clock, and the last figure before."""
    wanted = {today - timedelta(weeks=week) for week in range(ANOMALY_WEEKS + 1)}
    first = day_start(min(wanted), zone) - _GAP
    days: dict[date, dict[int, Bucket]] = defaultdict(dict)
    before: dict[date, float] = {}
    last: Bucket | None = None
    for each in hours:
        if each.start < first or each.end - each.start > _HOUR or each.end > now:
            continue
        here = datetime.fromtimestamp(each.start, UTC).astimezone(zone)
        day = here.date()
        if day in wanted:
            if day not in days and last is not None and each.start - last.end <= _GAP:
                before[day] = last.last
            same = days[day].get(here.hour)  # twice an hour, when clocks go back
            days[day][here.hour] = each if same is None or each.high >= same.high else same
        last = each
    return days, before


# What was bought against what is installed and what was needed: gaps, idle licenses, their cost


@dataclass(frozen=True, slots=True)
class ContractLine:
    """One line of the contract, held against the figures of its scope; None is unknown."""

    entitlement: Entitlement
    name: str  # of the product
    installed: int | None
    peak: int | None  # of the month; of user/device licenses what is assigned
    highest_peak: int | None  # the highest of the months that are known
    months_known: int  # that `needed` rests on

    @property
    def scope(self) -> str:
        """The server or group that the line is for, else "estate"."""
        return self.entitlement.server or self.entitlement.group or "estate"

    @property
    def shortfall(self) -> int | None:
        """Licenses that were in use without having been bought: the compliance gap."""
        return (
            None
            if self.highest_peak is None
            else max(0, self.highest_peak - self.entitlement.purchased)
        )

    @property
    def installed_surplus(self) -> int | None:
        """Installed less bought: above 0 more is installed than was paid for, below 0 less."""
        return None if self.installed is None else self.installed - self.entitlement.purchased

    @property
    def unused(self) -> int | None:
        """Licenses that were bought and never needed in the months that are known."""
        return (
            None
            if self.highest_peak is None
            else max(0, self.entitlement.purchased - self.highest_peak)
        )

    @property
    def cost(self) -> float | None:
        """What all that was bought costs in a year."""
        each = self.entitlement.cost
        return None if each is None else each * self.entitlement.purchased

    @property
    def unused_cost(self) -> float | None:
        """What the idle ones cost in a year."""
        each, idle = self.entitlement.cost, self.unused
        return None if each is None or idle is None else each * idle
