"""The monthly report as values: frozen, and the same for every format.

Timestamps are UTC epoch seconds, days are those of the report's time zone, None is unknown.
"""

from __future__ import annotations

from datetime import date, timedelta, tzinfo
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from lictui.analysis.forecast import Forecast, describe_forecast, direction_text
from lictui.analysis.series import day_bounds, day_of, day_start, next_month
from lictui.engine.alerts import severity_rank
from lictui.model import SEVERE_LEVELS, Event, Level, Model
from lictui.time_range import to_local

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lictui.analysis.usage import UsageStats
    from lictui.engine.entitlements import ContractLine, Expiry


class MonthSpan(Struct, frozen=True):
    """A calendar month of a time zone, or the part of it that has passed."""

    first_day: date
    start: int
    end: int  # exclusive; now, while the month is not complete
    complete: bool
    day_bounds: Sequence[int]  # one more than days

    @property
    def days(self) -> Iterator[tuple[date, int]]:
        """Every day with its start."""
        for index, start in enumerate(self.day_bounds[:-1]):
            yield self.first_day + timedelta(days=index), start


class ScopeKind(StrEnum):
    """What a scope is a sum of; "estate" is all servers."""

    ESTATE = "estate"
    GROUP = "group"
    SERVER = "server"


class PeriodFigure(Struct, frozen=True):
    """A month or day as one figure: the peak, or the licenses assigned at its end."""

    first_day: date
    figure: int | None = None
    timestamp: int | None = None
    installed: int | None = None  # at that time
    average: float | None = None  # None for assigned licenses
    is_upper_bound: bool = False  # maxima of several servers at different times were added up
    overdraft: int | None = None  # only of a day
    coverage: float = 0.0  # 0 to 1, of the time; only of a month, as all that follows
    alignment: int | None = None  # seconds; None: reported by the source, or unknown
    highest: int | None = None  # at any time
    highest_is_bound: bool = False

    @property
    def ratio(self) -> float | None:
        """The figure relative to what was installed at that time."""
        return None if self.figure is None or not self.installed else self.figure / self.installed


class AssignmentChanges(Struct, frozen=True):
    """Licenses assigned and released in the month."""

    at_start: int | None
    new: int | None
    released: int | None
    exact: bool  # reported by the source; otherwise differences between polls: at least so many


class DaysAbove(Struct, frozen=True):
    """On how many days a threshold was reached."""

    warn: int | None  # None, as the next two: what was installed is not known of any day
    critical: int | None
    full: int | None  # all that was installed
    with_data: int
    compared: int  # days with data on which it is known what was installed
    is_partial: bool  # it is unknown at times: there was no comparison then


class ScopeReport(Struct, frozen=True):
    """One product and model in the month: of all servers, of a group or of a server."""

    kind: ScopeKind
    name: str  # of the group or server; "estate"
    group: str  # of a group or server
    month: PeriodFigure
    previous_month: PeriodFigure
    previous_year: PeriodFigure  # the same month of the previous year
    months: tuple[PeriodFigure, ...]  # the last twelve; this one is the last
    days: tuple[PeriodFigure, ...]
    days_above: DaysAbove
    installed: int | None  # at the end of the month
    overdraft: int | None
    level: Level  # at the peak
    sum_of_server_peaks: int | None = None  # None for a single server
    usage: UsageStats | None = None  # of concurrent licenses
    excess: tuple[int, int] = (0, 0)  # most licenses over installed, and for how many seconds
    assignments: AssignmentChanges | None = None  # of assigned licenses
    servers: tuple[str, ...] = ()  # with data in this month
    silent_servers: tuple[str, ...] = ()  # that have the product, but no data in this month


def urgency_rank(level: Level) -> tuple[bool, int]:
    """Sorts levels, the most severe first; unknown ones come last."""
    return level is Level.UNKNOWN, severity_rank(level)


class ProductReport(Struct, frozen=True):
    """One product and model; concurrent and assigned licenses are never added up."""

    code: str
    name: str
    model: Model
    warn: float  # ratio
    critical: float  # ratio
    estate: ScopeReport
    groups: tuple[ScopeReport, ...]  # empty if there is only one
    servers: tuple[ScopeReport, ...]  # empty if there is only one
    forecast: Forecast | None = None  # over all servers

    def forecast_text(self, today: date) -> str:
        """Return the forecast in words; "" without one."""
        return describe_forecast(self.forecast, today) if self.forecast else ""

    def runs_out(self, today: date) -> date | str | None:
        """Return the day on which licenses run short, or the direction; None if unknown."""
        if self.forecast is None:
            return None
        return self.forecast.runs_out or direction_text(self.forecast, today)

    @property
    def is_assigned(self) -> bool:
        """Whether its figures are assigned licenses, not concurrent use."""
        return self.model.is_assigned

    @property
    def critical_servers(self) -> tuple[ScopeReport, ...]:
        """The servers that are critical or worse although all servers together are not."""
        if self.estate.level in SEVERE_LEVELS:
            return ()
        return tuple(scope for scope in self.servers if scope.level in SEVERE_LEVELS)

    @property
    def urgency(self) -> tuple[tuple[bool, int], date, float, str, str]:
        """Sorts products: level (if unknown, of the worst server), then what runs out first."""
        level = self.estate.level
        if level is Level.UNKNOWN:
            levels = (scope.level for scope in self.critical_servers)
            level = min(levels, key=urgency_rank, default=level)
        day = self.forecast.runs_out if self.forecast else None
        ratio = self.estate.month.ratio or 0.0
        return urgency_rank(level), day or date.max, -ratio, self.name, self.model

    @property
    def scopes(self) -> tuple[ScopeReport, ...]:
        """All servers together, then groups, then servers."""
        return (self.estate, *self.groups, *self.servers)

    @property
    def server_scopes(self) -> tuple[tuple[str, ScopeReport], ...]:
        """Every server with its scope, also where there is only one."""
        only = self.estate.servers or self.estate.silent_servers
        alone = tuple((name, self.estate) for name in only)
        return tuple((scope.name, scope) for scope in self.servers) or alone

    @property
    def breakdown(self) -> tuple[ScopeReport, ...]:
        """Every group followed by its servers; a group of one server is left out."""
        scopes: list[ScopeReport] = []
        for group in sorted({scope.group for scope in self.servers}):
            servers = [scope for scope in self.servers if scope.group == group]
            if len(servers) > 1:
                scopes += [scope for scope in self.groups if scope.name == group]
            scopes += servers
        return tuple(scopes)


class ServerCoverage(Struct, frozen=True):
    """How much of the month is known of one server."""

    server: str
    group: str
    coverage: float  # 0 to 1; 0: no data
    removed: bool = False  # from the registry since
    reason: str = ""  # why it has no data now


class MonthlyReport(Struct, frozen=True):
    """One month of all servers, or of some groups."""

    month: MonthSpan
    today: date  # installed licenses, expirations and forecasts are as of this day
    zone: tzinfo | None  # None: the system's
    zone_name: str
    groups: tuple[str, ...]  # empty: all servers
    products: tuple[ProductReport, ...]
    expiries: tuple[Expiry, ...]  # in the next twelve months
    events: tuple[Event, ...]  # oldest first
    omitted_events: int
    contract_lines: tuple[ContractLine, ...]
    servers: tuple[ServerCoverage, ...]

    @property
    def reporting_servers(self) -> int:
        """How many servers have data in the month."""
        return sum(server.coverage > 0 for server in self.servers)

    @property
    def coverage(self) -> float:
        """The share of all servers' time that has data."""
        return sum(server.coverage for server in self.servers) / max(1, len(self.servers))


# Months


def last_complete(now: float, zone: tzinfo | None) -> date:
    """Return the first day of the last complete month."""
    return months_before(day_of(now, zone), 1)


def months_before(day: date, count: int) -> date:
    """Return the first day of the month that is so many before that of `day`."""
    year, month = divmod(day.year * 12 + day.month - 1 - count, 12)
    return date(year, month + 1, 1)


def one_year_later(day: date) -> date:
    """Return the same day of the next year; 1 March for 29 February."""
    try:
        return day.replace(year=day.year + 1)
    except ValueError:
        return date(day.year + 1, 3, 1)


def thirteen_months(first_day: date, now: float, zone: tzinfo | None) -> tuple[MonthSpan, ...]:
    """Return the same month of the previous year and all months up to this one.

    Of a month that is not complete, the part that has passed, with what was read this second.
    """
    spans, last = [], int(now) + 1
    for first in (months_before(first_day, count) for count in range(12, -1, -1)):
        start, end = day_start(first, zone), day_start(next_month(first), zone)
        stop = max(start, min(end, last))
        spans.append(MonthSpan(first, start, stop, end <= now, day_bounds(start, stop, zone)))
    return tuple(spans)


def zone_name(zone: tzinfo | None, timestamp: int) -> str:
    """Return the name of a zone; of the system's zone its abbreviation at that time."""
    if zone is not None:
        return str(zone)
    return to_local(timestamp, None).tzname() or "local time"
