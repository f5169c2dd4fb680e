"""The rows and columns of the products view, and the table that draws them."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace
from rich.cells import cell_len

from lictui.analysis.forecast import describe_forecast, direction_text
from lictui.analysis.usage import PastSummary, TotalKey
from lictui.engine.board import (
    Total,
    is_reporting,
)
from lictui.model import Level, count_text, percent_text
from lictui.time_range import to_local
from lictui.tui import text
from lictui.tui.text import FIGURE_TONES, Fragment, Line, Tone
from lictui.tui.widgets.gauge import NO_TREND, draw_trend
from lictui.tui.widgets.table import FittedColumn, KeyedTable, Rows, TableCell, TableColumn

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date
    from zoneinfo import ZoneInfo

    from lictui.analysis.peaks import Peak, ScopedPeak
    from lictui.config.settings import AlertSettings
    from lictui.engine.board import ServerStatus
    from lictui.model import Pool
    from lictui.tui.theme import Symbols

NO_SUMMARY: Final = PastSummary()
_SOON: Final = 30  # days in which little can be purchased
_NEAR: Final = 90
_YEAR: Final = 365


class ProductRow(Struct, frozen=True):
    """One product and model of one scope."""

    total: Total
    name: str
    summary: PastSummary
    today: date
    zone: ZoneInfo | None
    scope: str = ""  # as shown

    @property
    def id(self) -> TotalKey:
        return self.total.key

    @property
    def days_left(self) -> int | None:
        """Days until the next threshold or shortfall, if it has a date; 0 without licenses now."""
        if (self.total.ratio or 0.0) >= 1:
            return 0
        shortage = self.summary.forecast and self.summary.forecast.next_shortage
        return (shortage[0] - self.today).days if shortage else None

    @property
    def is_problem(self) -> bool:
        """Whether it is above a threshold, incomplete, or runs out soon."""
        days = self.days_left
        return self.total.level is not Level.OK or (days is not None and days <= _SOON)

    @property
    def runs_out(self) -> Fragment:
        """The next date as a cell, red if it is near; the direction if there is no date."""
        forecast, days = self.summary.forecast, self.days_left
        if (self.total.ratio or 0.0) >= 1:
            return "exhausted", Tone.CRITICAL
        if forecast is None:
            return "loading" if self.summary is NO_SUMMARY else "", Tone.QUIET
        if days is not None and forecast.next_shortage:
            day, cause = forecast.next_shortage
            mark = cause and f" ({cause})"
            shown = f"{day.day} {day:%b}" if days < _YEAR - _SOON else f"{day.day} {day:%b %Y}"
            is_near = days <= _SOON and not cause.endswith("%")
            near = Tone.WARN if days <= _NEAR else Tone.TEXT
            return f"{shown if days > 0 else 'today'}{mark}", Tone.CRITICAL if is_near else near
        return direction_text(forecast, self.today), Tone.QUIET

    @property
    def net_change(self) -> int | None:
        """By how many assignments changed since the month started."""
        month, in_use = self.summary.assignments, self.total.reading.in_use
        if month is None or month.at_start is None or in_use is None:
            return None
        return in_use - month.at_start


def known_peak(scoped: ScopedPeak | None) -> Peak | None:
    """The peak of a window, if there is one."""
    return scoped.peak if scoped and scoped.peak.peak is not None else None


# Columns and cells


COLUMNS: Final = (
    TableColumn("scope", "Scope", 7, rank=1),
    TableColumn("name", "Product", 14, is_short=True),
    TableColumn("model", "Type", 5),
    TableColumn("in_use", "In use", 7, rank=1, is_right=True, descending=True),
    TableColumn("installed", "Installed", 10, rank=4, is_right=True, descending=True),
    TableColumn("overdraft", "Overdraft", 10, rank=11, is_right=True, descending=True),
    TableColumn("ratio", "Use  ", 8, rank=2, is_right=True, descending=True),
    TableColumn("free", "Free", 6, rank=6, is_right=True),
    TableColumn("servers", "Servers", 8, rank=5, is_right=True),
    TableColumn("last_24h", "Peak 24 h", 10, rank=7, is_right=True, descending=True),
    TableColumn("month", "Month", 8, rank=9, is_right=True, descending=True),
    TableColumn("all_time", "All time", 17, rank=10, is_right=True, descending=True),
    TableColumn("runs_out", "Runs out", 13, rank=3, is_right=True),
    TableColumn("trend", "Trend", 11, rank=8, most=48, is_drawn=True),
)
_PEAKS: Final = ("last_24h", "month", "all_time")


def product_cells(row: ProductRow, symbols: Symbols) -> dict[str, TableCell]:
    """Every cell of a row, by its column."""
    total, reading, level = row.total, row.total.reading, row.total.worst_level
    tone = FIGURE_TONES[level]
    reporting, expected = len(total.servers_reporting), len(total.servers_expected)
    in_use, installed, overdraft = (
        text.format_sum(total, figure, symbols.at_least)
        for figure in ("in_use", "installed", "overdraft")
    )
    return {
        "scope": (row.scope, Tone.TEXT),
        "name": (row.name, Tone.TEXT),
        "model": (total.model.short, Tone.QUIET),
        "in_use": (in_use, tone, reading.in_use),
        "installed": (installed, Tone.TEXT, reading.installed),
        "overdraft": (overdraft, Tone.QUIET, reading.overdraft),
        # An unknown share may be above the thresholds: it comes before those that are below.
        "ratio": (
            text.format_share(total.ratio, row.total.limits.ratios, level, symbols),
            tone,
            row.total.limits.warn if total.ratio is None else total.ratio,
        ),
        "free": (text.format_count(total.free), tone, total.free),
        "servers": (
            f"{reporting}/{expected}",
            Tone.QUIET if reporting == expected else Tone.WARN,
            (reporting - expected, -expected),
        ),
        **{window: _peak_cell(row, window, symbols) for window in _PEAKS},
        "runs_out": (*row.runs_out, row.days_left),
    }


def _peak_cell(row: ProductRow, window: str, symbols: Symbols) -> TableCell:
    """The highest count of a window. Upper bounds are marked, and assigned counts are dim."""
    peak = known_peak(getattr(row.summary, window))
    if peak is None:
        return symbols.ellipsis if row.summary is NO_SUMMARY else "", Tone.QUIET, None
    # The history is asked once in a while: what is in use now may be the highest count.
    at, now, before = peak.peak_at, row.total.reading.in_use or 0, peak.peak or 0
    when, is_now = "", now > before
    if window == "all_time":
        day = row.today if is_now or at is None else to_local(at, row.zone).date()
        old = (row.today - day).days >= _YEAR - _SOON
        when = f" {f'{day.day} {day:%b %y}' if old else f'{day.day} {day:%b}':>9}"
    figure = f"{'<= ' * (peak.bound and not is_now)}{max(now, before):,}"
    return figure + when, Tone.QUIET if row.total.model.is_assigned else Tone.TEXT, before


# The selected row as sentences


def describe_row(row: ProductRow, symbols: Symbols) -> tuple[Line, ...]:
    """What is in use now, what was the most, and what the forecast expects."""
    total, summary = row.total, row.summary
    count = len(total.servers_expected)
    missing = count - len(total.servers_reporting)
    figures = text.format_sum(total, "in_use", "at least ")
    if not total.unknown_pools:
        figures += f" of {text.format_count(total.reading.installed)}"
    share = "some figures unknown" if total.ratio is None else percent_text(total.ratio)
    free = "" if total.free is None else f", {total.free:,} free"
    now = (
        f"{row.name} ({total.model.label}): {figures} {total.model.verb} ({share}){free} on "
        f"{count_text(count, 'server')}{f', {missing} of them missing' * bool(missing)}."
    )
    forecast = summary.forecast and f"Forecast: {describe_forecast(summary.forecast, row.today)}."
    lines = (
        (now, FIGURE_TONES[total.worst_level]),
        (_past_text(row, symbols), Tone.TEXT),
        (forecast or "", Tone.QUIET),
    )
    return tuple((line,) for line in lines if line[0])


def server_lines(
    pools: Sequence[tuple[ServerStatus, Pool]], alerts: AlertSettings, symbols: Symbols
) -> tuple[Line, ...]:
    """Below a blank line the pools of a product, the fullest first, as judged on their servers."""
    names = [
        f"{status.server.name} {pool.subscription_date or ''}".strip() for status, pool in pools
    ]
    longest = max(map(cell_len, names), default=0)
    lines: list[tuple[float, Line]] = []
    for name, (status, pool) in zip(names, pools, strict=True):
        ratios = alerts.thresholds_of(status.server, pool.product).ratios
        reading, level = pool.reading, pool.reading.level(*ratios)
        in_use, installed = text.format_count(reading.in_use), text.format_count(reading.installed)
        share = text.format_share(reading.ratio, ratios, level, symbols)
        figures = f"  {in_use:>7} of {installed:>7} {share:>9}"
        state, is_current = status.state.replace("_", " "), is_reporting(status, pool)
        shown = (
            (figures, FIGURE_TONES[level])
            if is_current
            else (f"{figures}  not counted: {state}", Tone.QUIET)
        )
        lines.append((-(reading.ratio or 0.0), ((text.pad(name, longest), Tone.TEXT), shown)))
    return (((" ", Tone.TEXT),), *(line for _, line in sorted(lines, key=itemgetter(0))))


def _past_text(row: ProductRow, symbols: Symbols) -> str:
    scoped = row.summary.all_time
    peak = known_peak(scoped)
    if scoped is None or peak is None or peak.peak_at is None:
        return "" if row.summary.forecast else f"Loading history {symbols.ellipsis}"
    local = to_local(peak.peak_at, row.zone)
    when = f"({local.day} {local:%b %Y %H:%M})"
    count = "at most " * peak.bound + text.format_count(peak.peak)
    if row.total.model.is_assigned:
        return f"All-time maximum: {count} assigned {when}{_changes_text(row)}."
    parts = [f"All-time peak: {count} of {text.format_count(peak.installed_at_peak)} {when}"]
    if len(row.total.servers_expected) > 1 and scoped.upper_bound is not None:
        parts.append(f"sum of server peaks: {scoped.upper_bound:,}")
    if peak.average is not None:
        parts.append(f"average {peak.average:,.0f}")
    parts.append(f"data coverage {percent_text(peak.coverage)}")
    return f" {symbols.dot} ".join(parts)


def _changes_text(row: ProductRow) -> str:
    month = row.summary.assignments
    if month is None or row.net_change is None:
        return ""
    assigned = "" if month.newly_assigned is None else f", {month.newly_assigned:,} assigned"
    released = "" if month.released is None else f", {month.released:,} released"
    return f"; net change this month {row.net_change:+,}{assigned}{released}"


# The table


class ProductTable(KeyedTable[TotalKey], inherit_bindings=False):
    """All products, with their trends."""

    def __init__(self, symbols: Symbols) -> None:
        super().__init__(symbols, sort="ratio")
        self.products: dict[TotalKey, ProductRow] = {}

    @property
    def shown_products(self) -> tuple[ProductRow, ...]:
        """The products in the order of the table."""
        return tuple(self.products[key] for key in self.rows)

    @property
    def selected(self) -> ProductRow | None:
        return self.products.get(self.cursor)

    def show_products(self, products: Iterable[ProductRow], scope: str, trend: str) -> None:
        """Show the products, equal ones by name, with the titles of scope and trend."""
        ordered = sorted(products, key=lambda row: (row.name.casefold(), row.scope.casefold()))
        self.products = {row.id: row for row in ordered}
        titles = {"scope": scope, "trend": f" Trend {trend}"}
        columns = (replace(c, title=titles.get(c.key, c.title)) for c in COLUMNS)
        cells: Rows[TotalKey] = {row.id: product_cells(row, self._symbols) for row in ordered}
        self.show_rows(tuple(columns), cells)

    def draw_cell(self, key: TotalKey, fitted: FittedColumn) -> Line:
        if not fitted.column.is_drawn:
            return super().draw_cell(key, fitted)
        row, trend = self.products[key], self.trends.get(key, NO_TREND)
        installed, cells = row.total.reading.installed, fitted.width - 1
        drawn = draw_trend(trend, installed, row.total.limits, cells, self._symbols)
        return (("  ", Tone.TEXT), *drawn)
