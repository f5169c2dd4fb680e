"""How figures, dates and levels are written, and the columns of tables: for every format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, tzinfo
from enum import StrEnum
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from lictui.engine.entitlements import format_money
from lictui.model import SEVERE_LEVELS, Level, percent_text
from lictui.time_range import to_local

if TYPE_CHECKING:
    from lictui.analysis.usage import Period
    from lictui.report.model import PeriodFigure


UNKNOWN: Final = "?"
NONE: Final = "\N{EN DASH}"
_RED: Final = "#b3261e"
LEVEL_COLORS: Final = {  # on white, for spreadsheets and pictures
    Level.OK: "#2c6e49",
    Level.WARN: "#8a5800",
    **dict.fromkeys(SEVERE_LEVELS, _RED),
    Level.UNKNOWN: "#5a6470",
}
_PERCENT: Final = "\N{NO-BREAK SPACE}%"
_ALIGNMENTS: Final = {300: "5 minutes", 3600: "1 hour", 86400: "1 day"}


def format_count(value: float | None) -> str:
    """Return `1,234`, or `?` for an unknown value."""
    return UNKNOWN if value is None else f"{value:,.0f}"


def format_percent(ratio: float | None, digits: int = 0, limits: Iterable[float] = ()) -> str:
    """Return `93 %`, never rounded to the other side of 0 %, of 100 % or of a limit."""
    return percent_text(ratio, limits, digits, _PERCENT)


def format_threshold(ratio: float) -> str:
    """Return a threshold such as `80 %` or `92.5 %`."""
    return f"{ratio * 100:g}{_PERCENT}"


def format_change(change: int | None) -> str:
    """Return a change with its sign, such as `+12` or `±0`; a dash if it is unknown."""
    if change is None:
        return NONE
    return f"{change:+,}".replace("-", "\N{MINUS SIGN}") if change else "±0"


def change(current: PeriodFigure, earlier: PeriodFigure) -> int | None:
    """Return the difference of two months; None if one is unknown or only an upper bound."""
    if current.figure is None or earlier.figure is None:
        return None
    if current.is_upper_bound or earlier.is_upper_bound:
        return None
    return current.figure - earlier.figure


def long_day(day: date) -> str:
    """Return `14 December 2026`."""
    return f"{day.day} {day:%B} {day.year}"


def short_day(day: date) -> str:
    """Return `14 Dec 2026`."""
    return f"{day.day} {day:%b} {day.year}"


def month_title(day: date) -> str:
    """Return `December 2026`."""
    return f"{day:%B} {day.year}"


def format_time(timestamp: float | None, zone: tzinfo | None) -> str:
    """Return `Tue 13 Oct, 10:35` in local time."""
    if timestamp is None:
        return NONE
    local = to_local(timestamp, zone)
    return f"{local:%a} {local.day} {local:%b}, {local:%H:%M}"


def format_duration(seconds: int) -> str:
    """Return `45 min`, `3 h 20 min` or `2 d 4 h`."""
    days, minutes = divmod(round(seconds / 60), 24 * 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((days, "d"), (hours, "h")) if days else ((hours, "h"), (minutes, "min"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 min"


def format_alignment(seconds: int) -> str:
    """Return the bucket width by which totals over servers are aligned, such as `5 minutes`."""
    return _ALIGNMENTS.get(seconds, format_duration(seconds))


def format_period(period: Period | None, zone: tzinfo | None) -> str:
    """Return `3 h 20 min from Tue 13 Oct, 9:10`, or `never`."""
    if period is None:
        return "never"
    return f"{format_duration(period.seconds)} from {format_time(period.start, zone)}"


# Values and columns of tables


class CellKind(StrEnum):
    """How the values of a column are formatted."""

    TEXT = "text"
    COUNT = "count"
    RATIO = "ratio"
    CHANGE = "change"
    TIME = "time"  # UTC epoch seconds
    DATE = "date"
    MONTH = "month"
    MONEY = "money"  # per year, in the row's "currency"
    SECONDS = "seconds"
    LEVEL = "level"
    METER = "meter"  # a ratio as a bar; only in HTML


AT_MOST: Final = "\N{LESS-THAN OR EQUAL TO}"
AT_LEAST: Final = "\N{GREATER-THAN OR EQUAL TO}"


class Bounded(Struct, frozen=True):
    """A number that may be only a bound: `sign` is AT_MOST, AT_LEAST or empty."""

    value: float | None
    sign: str = ""

    def __str__(self) -> str:
        return self.mark(format_count(self.value))

    @property
    def shown_sign(self) -> str:
        """The sign, unless the number is unknown or 0: at most 0 is 0, at least 0 says nothing."""
        return self.sign if self.value else ""

    def mark(self, formatted: str) -> str:
        """Put the sign in front of the text of the number."""
        return f"{self.shown_sign} {formatted}" if self.shown_sign else formatted


def cells(value: object, sources: str) -> dict[str, Cell]:
    """Return the cells that are attributes of a value: `installed` or `cost=entitlement.cost`."""
    pairs = (source.rpartition("=") for source in sources.split())
    return {key or source: attrgetter(source)(value) for key, _, source in pairs}


PlainCell = str | int | float | date | Level | None
Cell = PlainCell | Bounded
Row = Mapping[str, Cell]


class ReportColumn(Struct, frozen=True):
    """One column of a table; `key` is the key of its values in every row."""

    key: str
    title: str
    kind: CellKind = CellKind.TEXT

    @property
    def is_number(self) -> bool:
        """Whether its values are aligned to the right."""
        return self.kind not in _LEFT_ALIGNED

    @property
    def is_date(self) -> bool:
        """Whether its values are dates or times."""
        return self.kind in (CellKind.DATE, CellKind.MONTH, CellKind.TIME)


_LEFT_ALIGNED: Final = (
    CellKind.TEXT,
    CellKind.TIME,
    CellKind.DATE,
    CellKind.MONTH,
    CellKind.LEVEL,
    CellKind.METER,
)


# Columns: one title and one kind for each value, in every table and format

_TITLES: Final = {
    CellKind.TEXT: (
        "product=Product; code=Code; model=License model; scope_kind=Scope type; scope=Scope;"
        " server=Server; group=Group; runs_out=Runs out; forecast=Forecast;"
        " servers_with_data=Servers; is_upper_bound=Upper bound; event=Event; renewed=Renewed;"
        " currency=Currency; part_of=Part of; status=Status; basis=Licenses;"
        " users_per_license=Users per concurrent license at equal cost; servers=Servers;"
        " source=Source; version=Version"
    ),
    CellKind.DATE: "day=Day; renewal=Renewal",
    CellKind.MONTH: "month=Month",
    CellKind.TIME: "time=Time; usage_at=Time of peak; since=First figure; last_read=Last read",
    CellKind.COUNT: (
        "installed=Installed; overdraft=Overdraft; usage=Peak usage; installed_then=Installed"
        " at that time; average=Average; p95=95th percentile; p99=99th percentile;"
        " days_at_warn=Days at warning; days_at_critical=Days critical; days_at_installed=Days"
        " at 100 %; newly_assigned=New; released=Released; month_before=Previous month;"
        " year_before=Previous year; upper_bound=Sum of server peaks; days_left=Days left;"
        " licenses=Licenses; purchased=Purchased; month_peak=This month; highest_peak=12-month"
        " peak; shortfall=Shortfall; unused=Unused; in_use=Used now; p95_more=; p99_more=;"
        " peak_more=; proposed=Proposed; quantity=Quantity; assigned=Assigned at most;"
        " concurrent=Concurrent peak; at_same_time=Concurrent is cheaper if fewer work at"
        " once; users=User/device is cheaper for fewer users; days=Days of data"
    ),
    CellKind.METER: "meter=",
    CellKind.RATIO: "utilization=Utilization; coverage=Coverage; share=Share of the time",
    CellKind.CHANGE: (
        "free=Free; change=vs. previous month; year_change=vs. previous year;"
        " surplus=Installed minus purchased"
    ),
    CellKind.SECONDS: (
        "seconds_at_80_percent=Hours at 80 %; seconds_at_90_percent=Hours at 90 %;"
        " seconds_at_100_percent=Hours at 100 %; hours=Hours at or above"
    ),
    CellKind.LEVEL: "level=State",
    CellKind.MONEY: (
        "unit_cost=Unit cost; cost=Cost per year; unused_cost=Unused cost per year;"
        " cost_0=Price now; cost_50=+ 50 %; cost_100=+ 100 %; cost_200=+ 200 %;"
        " assigned_cost=Cost, user/device; concurrent_cost=Cost, concurrent"
    ),
}
COLUMNS: Final = {
    key: ReportColumn(key, title, kind)
    for kind, titles in _TITLES.items()
    for key, _, title in (item.partition("=") for item in titles.split("; "))
}


def _format_ratio(ratio: float | None, column: ReportColumn, row: Row) -> str:
    if column.key == "coverage":
        return format_percent(ratio, 1)
    limits = (row.get("warn"), row.get("critical"))
    return format_percent(ratio, 0, [limit for limit in limits if isinstance(limit, float)])


def format_cell(column: ReportColumn, row: Row, zone: tzinfo | None) -> str:
    """Return the value of a column as text, in the local time of `zone`."""
    value = row.get(column.key)
    if isinstance(value, Bounded):
        return value.mark(format_cell(column, {**row, column.key: value.value}, zone))
    if isinstance(value, Level):
        return value.value
    if isinstance(value, date):
        return short_day(value)
    if isinstance(value, str):
        return value or NONE
    formatted = NONE
    match column.kind:
        case CellKind.MONEY if row.get("unit_cost") is not None:
            formatted = format_money(value, str(row["currency"])) or UNKNOWN
        case CellKind.COUNT if value is not None or column.key != "licenses":
            formatted = format_count(value)
        case CellKind.RATIO:
            formatted = _format_ratio(value, column, row)
        case CellKind.CHANGE:
            formatted = format_change(None if value is None else round(value))
        case CellKind.TIME:
            formatted = format_time(value, zone)
    return formatted


# Notes below tables, and definitions

USAGE_NOTE: Final = (
    "Peak usage: highest number of concurrent licenses in use at the same time across all servers;"
    " for user/device licenses, the number assigned at the end of the month. Utilization: peak"
    " usage relative to the licenses installed at that time. The mark in the bar shows the"
    " installed quantity."
)
ENTITLEMENTS_NOTE: Final = (
    "Shortfall: 12-month peak minus purchased. Unused: purchased, but not used at any time in the"
    " recorded months."
)
SUBSCRIPTION_NOTE: Final = (
    "SA is the right to new versions: Customer Success Services, formerly Subscription Advantage."
    " The licenses stay valid when it expires."
)
COVERAGE_NOTE: Final = (
    "Failed polls count as missing data, not zero. A total over several servers counts only at"
    " times when all of them have data; servers without data in this month are excluded and listed."
)
DEFINITIONS: Final = (
    (
        "Installed: licenses purchased and installed, without the overdraft that Citrix allows on"
        " top. \N{GREATER-THAN OR EQUAL TO} means at least: changes between two polls may have been"
        " missed."
    ),
    "95th percentile: this many licenses would have been sufficient 95 % of the time.",
    (
        "\N{LESS-THAN OR EQUAL TO} means an upper bound: only daily values of each server are"
        " stored for that month, and the servers may have reached their maximum at different"
        " times. ? means unknown."
    ),
)
