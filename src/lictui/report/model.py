"""What a report says: frozen values, the same for every format.

Owns the shapes. Must not know how they are found, nor how they are written. Times are UTC epoch
seconds, days are those of the report's zone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import TYPE_CHECKING

from lictui.analysis.series import day_of, day_start, first_of_month, next_month
from lictui.model import Event, Level, Model

if TYPE_CHECKING:
    from lictui.analysis.usage import ContractLine, Period


@dataclass(frozen=True, slots=True)
class MonthSpan:
    """A calendar month of a zone, or what has passed of it."""

    first_day: date
    start: int
    end: int  # exclusive; now, while the month is not over
    complete: bool = True


class ScopeKind(StrEnum):
    """What a line is of."""

    ESTATE = "estate"
    GROUP = "group"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class MonthFigure:
    """One month in one figure: the peak, or of assignments what was assigned at its end."""

    first_day: date
    figure: int | None = None  # None: nothing is known
    timestamp: int | None = None
    installed: int | None = None  # at that moment
    average: float | None = None  # None of assignments
    coverage: float = 0.0  # 0 to 1, of the time
    alignment: int | None = None  # seconds; None: told by the source, or nothing known
    is_upper_bound: bool = False  # daily maxima of several servers were summed: an upper bound

    @property
    def ratio(self) -> float | None:
        """The figure as a share of what was installed then."""
        if self.figure is None or not self.installed:
            return None
        return self.figure / self.installed


@dataclass(frozen=True, slots=True)
class DayFigure:
    """One day: its peak, or what was assigned at its end; None where nothing was read."""

    day: date
    figure: int | None = None
    timestamp: int | None = None
    average: float | None = None
    installed: int | None = None  # at that moment
    overdraft: int | None = None


@dataclass(frozen=True, slots=True)
class MonthUsage:
    """How much of concurrent licenses was needed for how long."""

    seconds: int  # that there are figures of
    p50: int
    p95: int  # licenses needed to cover 95 % of the time
    p99: int
    seconds_above: tuple[tuple[float, int], ...]  # share of installed -> seconds at or above it
    longest_saturation: Period | None  # the longest time without a free license
    max_over_installed: int  # the most in use above installed: overdraft; 0 if never
    seconds_over_installed: int


@dataclass(frozen=True, slots=True)
class AssignmentChanges:
    """What became of assignments in the month; None where nothing is known."""

    at_start: int | None
    new: int | None
    released: int | None
    exact: bool  # by the source; else from differences between readings: at least so many


@dataclass(frozen=True, slots=True)
class DaysAbove:
    """On how many days at least so much was in use."""

    warn: int
    critical: int
    full: int  # all that was installed
    with_data: int  # days that anything is known of


@dataclass(frozen=True, slots=True)
class Short:
    """A day on which licenses leave, and more are expected in use than stay."""

    day: date
    installed: int
    expected: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is expected, in words and dates; None: no date that is sure enough."""

    words: str
    warn: date | None = None
    critical: date | None = None
    full: date | None = None
    shortfalls: tuple[Short, ...] = ()


@dataclass(frozen=True, slots=True)
class ScopeReport:
    """One product and model of one scope in the month."""

    kind: ScopeKind
    name: str  # of the group or server; "estate"
    group: str  # of a group or server
    month: MonthFigure
    previous_month: MonthFigure
    previous_year: MonthFigure
    months: tuple[MonthFigure, ...]  # the last twelve, this one at the end
    days: tuple[DayFigure, ...]
    days_above: DaysAbove
    installed: int | None  # at the end of the month
    overdraft: int | None
    level: Level  # at the peak
    sum_of_server_peaks: int | None = None  # sum of the servers' own peaks, where there are several
    usage: MonthUsage | None = None  # of concurrent ones
    assignments: AssignmentChanges | None = None  # of the others
    servers: tuple[str, ...] = ()  # whose figures these are
    silent_servers: tuple[str, ...] = ()  # that hold the product, and told nothing in this month
    outlook: Outlook | None = None


@dataclass(frozen=True, slots=True)
class ProductReport:
    """One product and model everywhere; concurrent and assigned ones are never added up."""

    code: str
    name: str
    model: Model
    warn: float  # ratios
    critical: float
    estate: ScopeReport
    groups: tuple[ScopeReport, ...]  # none where there is only one
    servers: tuple[ScopeReport, ...]  # none where there is only one

    @property
    def is_assigned(self) -> bool:
        """Whether its figures are assignments, not what was in use at one moment."""
        return self.estate.assignments is not None

    @property
    def critical_servers(self) -> tuple[ScopeReport, ...]:
        """The servers that are critical or worse, where all together are not."""
        grave = (Level.CRITICAL, Level.OVERDRAFT, Level.EXHAUSTED)
        if self.estate.level in grave:
            return ()
        return tuple(line for line in self.servers if line.level in grave)

    @property
    def scopes(self) -> tuple[ScopeReport, ...]:
        """The estate, then groups, then servers."""
        return (self.estate, *self.groups, *self.servers)

    @property
    def server_scopes(self) -> tuple[tuple[str, ScopeReport], ...]:
        """A line for each server, by its name, where it is the only one too."""
        line = self.estate
        alone = [(name, line) for name in (line.servers or line.silent_servers)]
        return tuple((each.name, each) for each in self.servers) or tuple(alone)

    @property
    def breakdown(self) -> tuple[ScopeReport, ...]:
        """Every group followed by its servers; the group alone where it is one server."""
        found: list[ScopeReport] = []
        for name in sorted({line.group for line in self.servers}):
            mine = [line for line in self.servers if line.group == name]
            if len(mine) > 1:
                found += [line for line in self.groups if line.name == name]
            found += mine
        return tuple(found)


class What(StrEnum):
    """What ends, or is due."""

    LICENSES = "licenses expire"
    SUBSCRIPTION = "subscription ends"
    ACTIVATION = "activation expires"
    RENEWAL = "contract renewal"


@dataclass(frozen=True, slots=True)
class End:
    """Something that ends on a day."""

    day: date
    what: What
    server: str  # or the group, or "estate", that a contract is for
    product: str  # "" of an activation
    name: str
    licenses: int | None
    covered: bool = False  # a later subscription of the same server goes on


@dataclass(frozen=True, slots=True)
class ServerCoverage:
    """How much of the month is known of one server."""

    server: str
    group: str
    coverage: float  # 0 to 1; 0: it reported nothing
    removed: bool = False  # from the registry since
    reason: str = ""  # why it is silent now, if it is


@dataclass(frozen=True, slots=True)
class MonthlyReport:
    """One month of everything that was asked for."""

    month: MonthSpan
    made_at: int  # what was installed, what ends and what is expected is as of then
    today: date
    zone: tzinfo | None  # None: the system's
    zone_name: str
    groups: tuple[str, ...]  # that it is narrowed to; none: everything
    products: tuple[ProductReport, ...]
    expiries: tuple[End, ...]  # in the next twelve months
    events: tuple[Event, ...]  # oldest first
    omitted_events: int  # that were left out
    contract_lines: tuple[ContractLine, ...]  # what the contract comes to
    servers: tuple[ServerCoverage, ...]

    @property
    def reporting_servers(self) -> int:
        """Servers that reported anything in the month."""
        return sum(each.coverage > 0 for each in self.servers)

    @property
    def coverage(self) -> float:
        """The share of all servers' time that is on record."""
        return sum(each.coverage for each in self.servers) / max(1, len(self.servers))


# Which months a report is about: the one asked for, those before it, and their bounds in a zone


def last_complete(now: float, zone: tzinfo | None) -> date:
    """The first day of the last month that is over."""
    return month_before(first_of_month(day_of(now, zone)))


def month_before(first: date) -> date:
    """The first day of the month before the one that begins on `first`."""
    return first_of_month(first - timedelta(days=1))


def same_month_last_year(first: date) -> date:
    """The first day of the same month a year before."""
    return first.replace(year=first.year - 1)


def one_year_later(day: date) -> date:
    """The same day a year later; of 29 February the first of March."""
    try:
        return day.replace(year=day.year + 1)
    except ValueError:
        return date(day.year + 1, 3, 1)


def month_span(first: date, now: float, zone: tzinfo | None) -> MonthSpan:
    """The month that begins on `first`, as far as it has passed."""
    start, end = day_start(first, zone), day_start(next_month(first), zone)
    return MonthSpan(first, start, max(start, min(end, int(now))), complete=end <= now)


def thirteen_months(first: date, now: float, zone: tzinfo | None) -> tuple[MonthSpan, ...]:
    """The same month a year before, and every month from it on to the one of `first`."""
    found = [first]
    while found[-1] > same_month_last_year(first):
        found.append(month_before(found[-1]))
    return tuple(month_span(each, now, zone) for each in reversed(found))


def zone_name(zone: tzinfo | None, at: int) -> str:
    """What the zone is called; the system's by its offset at that moment."""
    if zone is not None:
        return str(zone)
    return datetime.fromtimestamp(at, UTC).astimezone().tzname() or "local time"
