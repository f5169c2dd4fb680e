"""The rows and columns of the products view, without Textual.

Concurrent licenses have peaks and assigned ones have not, so the two are listed apart, each with
columns of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rich.cells import cell_len

from lictui.analysis.forecast import ForecastStatus, describe_forecast
from lictui.analysis.usage import PastSummary, TotalKey
from lictui.engine.board import Filter, GroupBy, Total, product_search_terms, total_thresholds
from lictui.model import Level
from lictui.products import Product
from lictui.tui import text
from lictui.tui.text import LEVEL_TONES, Fragment, Line, Tone
from lictui.tui.time_range import to_local
from lictui.tui.widgets.gauge import TrendData, draw_trend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date
    from zoneinfo import ZoneInfo

    from lictui.analysis.peaks import Peak, ScopedPeak
    from lictui.config.settings import AlertSettings, Thresholds
    from lictui.tui.theme import Symbols

_LEVELS: Final = (Level.UNKNOWN, Level.OK, Level.WARN, Level.CRITICAL, Level.OVERDRAFT)
_LAST: Final = 1 << 30  # sorts an unknown figure to the end
_NO_SUMMARY: Final = PastSummary()
_SOON: Final = 30  # days in which little can be purchased
_YEAR: Final = 365


@dataclass(frozen=True, slots=True)
class ProductsContext:
    """What rows are made with, apart from totals and summaries."""

    alerts: AlertSettings
    filter: Filter
    today: date
    zone: ZoneInfo | None = None
    by: GroupBy = GroupBy.PRODUCT


@dataclass(frozen=True, slots=True)
class ProductRow:
    """One product and model of one scope."""

    total: Total
    name: str
    limits: Thresholds
    summary: PastSummary
    today: date
    zone: ZoneInfo | None
    scope: str = ""  # as shown

    @property
    def id(self) -> TotalKey:
        """What the cursor remembers."""
        return self.total.scope, self.total.product, self.total.model

    @property
    def assigned(self) -> bool:
        """Whether its licenses are assigned, not checked out."""
        return self.total.model.is_assigned

    @property
    def days_left(self) -> int | None:
        """Days until licenses run short, if the forecast has a date; 0 if they are short now."""
        if (self.total.ratio or 0.0) >= 1:
            return 0
        forecast = self.summary.forecast
        if forecast is None:
            return None
        dates = [forecast.reaches.installed, *(shortfall.date for shortfall in forecast.shortfalls)]
        return min(((day - self.today).days for day in dates if day is not None), default=None)

    @property
    def runs_out(self) -> str:
        """The same for a cell: the date, or the direction if there is none."""
        days, forecast = self.days_left, self.summary.forecast
        if days is not None:
            day = self.today.fromordinal(self.today.toordinal() + days)
            return text.format_date(day, self.today) if days > 0 else "exhausted"
        if forecast is None:
            return ""
        if forecast.status is ForecastStatus.GROWING:
            horizon = (forecast.horizon - self.today).days if forecast.horizon else 0
            return "> 1 year" if horizon >= _YEAR else f"> {horizon} d" if horizon else "growing"
        directions = {ForecastStatus.FLAT: "stable", ForecastStatus.FALLING: "declining"}
        return directions.get(forecast.status, "?")

    @property
    def net_change(self) -> int | None:
        """By how many assignments changed since the month started."""
        month, in_use = self.summary.assignments, self.total.reading.in_use
        if month is None or month.at_start is None or in_use is None:
            return None
        return in_use - month.at_start


def product_rows(
    totals: Sequence[Total], summaries: Mapping[TotalKey, PastSummary], context: ProductsContext
) -> tuple[ProductRow, ...]:
    """The rows that the filter matches."""
    return tuple(
        ProductRow(
            total,
            text.strip_controls(Product(total.product, total.name, total.model).short_name),
            total_thresholds(context.alerts, total.scope, total.product, context.by),
            summaries.get((total.scope, total.product, total.model), _NO_SUMMARY),
            context.today,
            context.zone,
            _scope_text(total.scope, context.by),
        )
        for total in totals
        if context.filter(
            (*product_search_terms(total.product, total.name, total.model), total.scope)
        )
    )


def _scope_text(scope: str, by: GroupBy) -> str:
    return text.strip_controls(scope) or ("" if by is GroupBy.PRODUCT else "no group")


# Order


def sort_rows(rows: Iterable[ProductRow], sort: str, *, reverse: bool) -> tuple[ProductRow, ...]:
    """The rows by the key `sort`, assigned licenses below the others."""
    ordered = list(rows)
    scopes = {name: index for index, name in enumerate(dict.fromkeys(row.scope for row in ordered))}
    ordered.sort(key=_SORT_KEYS.get(sort) or (lambda row: scopes[row.scope]))
    if reverse:
        ordered.reverse()
    return tuple(sorted(ordered, key=lambda row: row.assigned))


def known_peak(scoped: ScopedPeak | None) -> Peak | None:
    """The peak of a window, if there is one."""
    return scoped.peak if scoped and scoped.peak.peak is not None else None


def _descending(figure: float | None) -> float:
    return _LAST if figure is None else -figure


def _by_peak(scoped: ScopedPeak | None) -> float:
    peak = known_peak(scoped)
    return _descending(peak.peak if peak else None)


def _by_average(row: ProductRow) -> float:
    peak = known_peak(row.summary.month)
    return _descending(peak.average if peak else None)


def _by_level(row: ProductRow) -> int:
    level = row.total.level
    return -_LEVELS.index(level) if level in _LEVELS else -len(_LEVELS)


_SORT_KEYS: Final[dict[str, Callable[[ProductRow], Any]]] = {
    "name": lambda row: (row.name.casefold(), row.scope.casefold()),
    "ratio": lambda row: _descending(row.total.ratio),
    "free": lambda row: row.total.free if row.total.free is not None else _LAST,
    "level": _by_level,
    "days left": lambda row: _LAST if row.days_left is None else row.days_left,
    "in use": lambda row: _descending(row.total.reading.in_use),
    "installed": lambda row: _descending(row.total.reading.installed),
    "overdraft": lambda row: _descending(row.total.reading.overdraft),
    "servers missing": lambda row: (
        len(row.total.servers_reporting) - len(row.total.servers_expected)
    ),
    "peak 24 h": lambda row: _by_peak(row.summary.last_24h),
    "peak of the month": lambda row: (
        _descending(row.net_change) if row.assigned else _by_peak(row.summary.month)
    ),
    "peak of all time": lambda row: _by_peak(row.summary.all_time),
    "average": _by_average,
    "model": lambda row: row.total.model,
    "scope": lambda row: row.scope.casefold(),
}
SORTS: Final = ("registry", *_SORT_KEYS)


# Columns


@dataclass(frozen=True, slots=True)
class FigureColumn:
    """A column of figures, with its titles for concurrent and for assigned licenses."""

    title: str
    assigned_title: str
    width: int  # the blank before it included
    cell: Callable[[ProductRow, Symbols], Fragment]


def _tone(row: ProductRow) -> Tone:
    return Tone.TEXT if row.total.level is Level.OK else LEVEL_TONES[row.total.level]


def _in_use(row: ProductRow, _symbols: Symbols) -> Fragment:
    return text.format_count(row.total.reading.in_use), _tone(row)


def _installed(row: ProductRow, _symbols: Symbols) -> Fragment:
    return text.format_count(row.total.reading.installed), Tone.TEXT


def _overdraft(row: ProductRow, _symbols: Symbols) -> Fragment:
    return text.format_count(row.total.reading.overdraft), Tone.QUIET


def _ratio(row: ProductRow, symbols: Symbols) -> Fragment:
    glyph = " " if row.total.ratio is None else symbols.level[row.total.level]
    return f"{text.format_percent(row.total.ratio)}{glyph}", _tone(row)


def _free(row: ProductRow, _symbols: Symbols) -> Fragment:
    return text.format_count(row.total.free), _tone(row)


def _servers(row: ProductRow, _symbols: Symbols) -> Fragment:
    reporting, expected = len(row.total.servers_reporting), len(row.total.servers_expected)
    return f"{reporting}/{expected}", Tone.QUIET if reporting == expected else Tone.WARN


def _runs_out(row: ProductRow, _symbols: Symbols) -> Fragment:
    days = row.days_left
    if days is None:
        return row.runs_out, Tone.QUIET
    return row.runs_out, Tone.CRITICAL if days <= _SOON else Tone.WARN


def _day(row: ProductRow, _symbols: Symbols) -> Fragment:
    if row.assigned:
        month = row.summary.assignments
        return _count(month.newly_assigned if month else None), Tone.QUIET
    return _peak_text(row.summary.last_24h), Tone.TEXT


def _month(row: ProductRow, _symbols: Symbols) -> Fragment:
    if row.assigned:
        month = row.summary.assignments
        return _count(month.released if month else None), Tone.QUIET
    return _peak_text(row.summary.month), Tone.TEXT


def _all_time(row: ProductRow, _symbols: Symbols) -> Fragment:
    if row.assigned:
        return "" if row.net_change is None else f"{row.net_change:+,}", Tone.QUIET
    return _peak_text(row.summary.all_time), Tone.TEXT


def _peak_date(row: ProductRow, _symbols: Symbols) -> Fragment:
    peak = None if row.assigned else known_peak(row.summary.all_time)
    if peak is None or peak.peak_at is None:
        return "", Tone.QUIET
    day = to_local(peak.peak_at, row.zone)
    return f"{day.day} {day:%b %y}", Tone.QUIET


def _installed_then(row: ProductRow, _symbols: Symbols) -> Fragment:
    peak = None if row.assigned else known_peak(row.summary.all_time)
    return "" if peak is None else text.format_count(peak.installed_at_peak), Tone.QUIET


def _average(row: ProductRow, _symbols: Symbols) -> Fragment:
    peak = None if row.assigned else known_peak(row.summary.month)
    average = peak.average if peak else None
    return "" if average is None else f"{average:,.0f}", Tone.QUIET


def _upper_bound(row: ProductRow, _symbols: Symbols) -> Fragment:
    scoped = None if row.assigned else row.summary.all_time
    several = len(row.total.servers_expected) > 1
    bound = scoped.upper_bound if scoped and several else None
    return "" if bound is None else f"<= {bound:,}", Tone.QUIET


def _count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _peak_text(scoped: ScopedPeak | None) -> str:
    peak = known_peak(scoped)
    return "" if peak is None else text.format_count(peak.peak)


_USED = FigureColumn("In use", "Assigned", 10, _in_use)
_INSTALLED = FigureColumn("Installed", "Installed", 10, _installed)
_OVERDRAFT = FigureColumn("Overdraft", "Overdraft", 11, _overdraft)
_RATIO = FigureColumn("Use ", "Use ", 8, _ratio)
_FREE = FigureColumn("Free", "Free", 8, _free)
_SERVERS = FigureColumn("Servers", "Servers", 8, _servers)
_DAY = FigureColumn("Peak 24 h", "New (month)", 13, _day)
_MONTH = FigureColumn("Month", "Released", 9, _month)
_ALL_TIME = FigureColumn("All time", "Net (month)", 13, _all_time)
_PEAK_DATE = FigureColumn("Peak date", "", 11, _peak_date)
_INSTALLED_THEN = FigureColumn("Installed then", "", 16, _installed_then)
_UPPER_BOUND = FigureColumn("Upper bound", "", 13, _upper_bound)
_AVERAGE = FigureColumn("Average", "", 9, _average)
_RUNS_OUT = FigureColumn("Runs out", "Runs out", 11, _runs_out)
# fmt: off
_ORDER: Final = (
    _USED, _INSTALLED, _OVERDRAFT, _RATIO, _FREE, _SERVERS, _DAY, _MONTH, _ALL_TIME, _PEAK_DATE,
    _INSTALLED_THEN, _UPPER_BOUND, _AVERAGE, _RUNS_OUT,
)
_IMPORTANCE: Final = (  # which columns are shown where there is not room for all
    _USED, _INSTALLED, _RATIO, _SERVERS, _RUNS_OUT, _DAY, _FREE, _MONTH, _ALL_TIME, _PEAK_DATE,
    _OVERDRAFT, _AVERAGE, _INSTALLED_THEN, _UPPER_BOUND,
)
# fmt: on
_LESS_THAN_TREND: Final = (_OVERDRAFT, _AVERAGE, _INSTALLED_THEN, _UPPER_BOUND)


# Layout and drawing


MINIMUM_TREND: Final = 6  # cells
_USEFUL_TREND: Final = 24
_MAXIMUM_TREND: Final = 48
_MINIMUM_NAME, _MAXIMUM_NAME = 15, 24
_SHORT_MODEL, _LONG_MODEL = 3, 11
_MARGIN: Final = 3  # the cursor's column, and the scroll bar


@dataclass(frozen=True, slots=True)
class TableLayout:
    """The columns shown, and their widths; 0 leaves one out."""

    scope: int
    name: int
    model: int
    columns: tuple[FigureColumn, ...]
    trend: int


def fit_columns(cells: int, rows: Sequence[ProductRow]) -> TableLayout:
    """The columns for this width: names first, then figures by importance, then the trend."""
    longest = max([_MINIMUM_NAME - 3, *(cell_len(row.name) for row in rows)])
    name = min(longest, max(_MINIMUM_NAME, min(_MAXIMUM_NAME, cells // 4 + 2)))
    scope = max((cell_len(row.scope) for row in rows), default=0)
    scope = min(max(scope, len("Server")), max(8, cells // 8)) + 1 if scope else 0
    left = cells - _MARGIN - scope - name - 1 - _SHORT_MODEL
    chosen = set()
    for column in _IMPORTANCE:
        reserved = _USEFUL_TREND + 2 if column in _LESS_THAN_TREND else 0
        if column.width > left - reserved:
            break
        chosen.add(column)
        left -= column.width
    if left < 0:
        name = max(4, name + left)
    model = _SHORT_MODEL if left >= 0 else 0
    left = max(left, 0)
    if left >= _LONG_MODEL - _SHORT_MODEL:
        model, left = _LONG_MODEL, left - (_LONG_MODEL - _SHORT_MODEL)
    longer = min(longest - name, max(0, left - MINIMUM_TREND - 2)) if left else 0
    trend = min(left - longer - 2, _MAXIMUM_TREND)
    return TableLayout(
        scope,
        name + longer,
        model,
        tuple(column for column in _ORDER if column in chosen),
        trend if trend >= MINIMUM_TREND else 0,
    )


def header_line(
    layout: TableLayout, *, assigned: bool, scope: str = "", trend_label: str = "24 h"
) -> Line:
    """The titles of the columns."""
    parts = [" "]
    if layout.scope:
        parts.append(f"{scope[: layout.scope - 1]:<{layout.scope}}")
    parts.append(text.pad("Product", layout.name))
    if layout.model:
        title = "Model" if layout.model == _LONG_MODEL else ""
        parts.append(f" {title:<{layout.model}}")
    parts.extend(
        f"{column.assigned_title if assigned else column.title:>{column.width}}"
        for column in layout.columns
    )
    if layout.trend:
        parts.append(f"  Trend {trend_label}"[: layout.trend + 2])
    return (("".join(parts), Tone.QUIET),)


def row_line(row: ProductRow, data: TrendData, layout: TableLayout, symbols: Symbols) -> Line:
    """One product and model."""
    line: list[Fragment] = [(" ", Tone.TEXT)]
    if layout.scope:
        scope = text.pad(row.scope, layout.scope - 1, ellipsis=symbols.ellipsis)
        line.append((f"{scope} ", Tone.TEXT))
    line.append((text.pad(row.name, layout.name, ellipsis=symbols.ellipsis), Tone.TEXT))
    if layout.model:
        model = row.total.model
        label = model.label if layout.model == _LONG_MODEL else model.short
        line.append((f" {text.pad(label, layout.model)}", Tone.QUIET))
    for column in layout.columns:
        cell, tone = column.cell(row, symbols)
        line.append((f"{cell:>{column.width}}", tone))
    if layout.trend:
        line.append(("  ", Tone.TEXT))
        installed = row.total.reading.installed
        line += draw_trend(data, installed, row.limits, layout.trend, symbols)
    return tuple(line)


# The selected row as a sentence


def describe_row(row: ProductRow, symbols: Symbols) -> tuple[Line, Line]:
    """Its peak and coverage, and its forecast."""
    forecast = row.summary.forecast
    lead = "" if forecast is None else f"forecast: {describe_forecast(forecast, row.today)}"
    return ((_past_text(row, symbols), Tone.TEXT),), ((lead, Tone.QUIET),)


def _past_text(row: ProductRow, symbols: Symbols) -> str:
    scoped = row.summary.all_time
    peak = known_peak(scoped)
    if scoped is None or peak is None or peak.peak_at is None:
        return f"loading history {symbols.ellipsis}"
    local = to_local(peak.peak_at, row.zone)
    when = f"({local.day} {local:%b %Y %H:%M})"
    count = text.format_count(peak.peak)
    if row.assigned:
        return f"all-time maximum: {count} assigned {when}{_changes_text(row)}"
    parts = [f"all-time peak: {count} of {text.format_count(peak.installed_at_peak)} {when}"]
    if len(row.total.servers_expected) > 1 and scoped.upper_bound is not None:
        parts.append(f"sum of server peaks: {scoped.upper_bound:,}")
    if peak.average is not None:
        parts.append(f"average {peak.average:,.0f}")
    parts.append(f"data coverage {text.format_percent(peak.coverage)}")
    return f" {symbols.dot} ".join(parts)


def _changes_text(row: ProductRow) -> str:
    month = row.summary.assignments
    if month is None or row.net_change is None:
        return ""
    assigned = "" if month.newly_assigned is None else f", {month.newly_assigned:,} assigned"
    released = "" if month.released is None else f", {month.released:,} released"
    return f"; net change this month {row.net_change:+,}{assigned}{released}"
