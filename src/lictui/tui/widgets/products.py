"""The rows and columns of the products view, and the table that draws them.

Concurrent licenses have peaks and assigned ones have not, so the two are listed apart, each with
columns of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from rich.cells import cell_len
from textual import on
from textual.events import Resize
from textual.geometry import Size
from textual.reactive import var

from lictui.analysis.forecast import describe_forecast, direction_text
from lictui.analysis.usage import PastSummary, TotalKey
from lictui.engine.board import Filter, GroupBy, Total, product_search_terms, total_thresholds
from lictui.model import Level, percent_text
from lictui.products import Product
from lictui.tui import text
from lictui.tui.text import LEVEL_TONES, Fragment, Line, Tone, fit_line
from lictui.tui.theme import UNICODE_SYMBOLS, Symbols
from lictui.tui.time_range import to_local
from lictui.tui.widgets.gauge import TrendData, draw_trend
from lictui.tui.widgets.styled_text import LineView, Piece

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date
    from zoneinfo import ZoneInfo

    from lictui.analysis.peaks import Peak, ScopedPeak
    from lictui.config.settings import AlertSettings, Thresholds

_LEVELS: Final = (
    Level.UNKNOWN, Level.OK, Level.WARN, Level.CRITICAL, Level.OVERDRAFT, Level.EXHAUSTED
)  # fmt: skip
_LAST: Final = 1 << 30  # sorts an unknown figure to the end
_NO_SUMMARY: Final = PastSummary()
_SOON: Final = 30  # days in which little can be purchased


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
        return self.total.scope, self.total.product, self.total.model

    @property
    def assigned(self) -> bool:
        return self.total.model.is_assigned

    @property
    def days_left(self) -> int | None:
        """Days until licenses run short, if the forecast has a date; 0 if they are short now."""
        if (self.total.ratio or 0.0) >= 1:
            return 0
        forecast = self.summary.forecast
        day = forecast.runs_out if forecast else None
        return None if day is None else (day - self.today).days

    @property
    def runs_out(self) -> str:
        """The same for a cell: the date, or the direction if there is none."""
        days, forecast = self.days_left, self.summary.forecast
        if days is not None:
            day = self.today.fromordinal(self.today.toordinal() + days)
            if days > 0:
                return text.format_date(day, self.today)
            return "exhausted" if (self.total.ratio or 0.0) >= 1 else "today"
        return direction_text(forecast, self.today) if forecast else ""

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
    no_scope = "" if context.by is GroupBy.PRODUCT else "no group"
    return tuple(
        ProductRow(
            total,
            Product(total.product, total.name, total.model).short_name,
            total_thresholds(context.alerts, total.scope, total.product, context.by),
            summaries.get((total.scope, total.product, total.model), _NO_SUMMARY),
            context.today,
            context.zone,
            total.scope or no_scope,
        )
        for total in totals
        if context.filter(
            (*product_search_terms(total.product, total.name, total.model), total.scope)
        )
    )


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


def _by_peak(scoped: ScopedPeak | None, figure: str = "peak") -> float:
    return _descending(getattr(known_peak(scoped), figure, None))


_SORT_KEYS: Final[dict[str, Callable[[ProductRow], Any]]] = {
    "name": lambda row: (row.name.casefold(), row.scope.casefold()),
    "ratio": lambda row: _descending(row.total.ratio),
    "free": lambda row: row.total.free if row.total.free is not None else _LAST,
    "level": lambda row: -_LEVELS.index(row.total.level),
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
    "average": lambda row: _by_peak(row.summary.month, "average"),
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
    rank: int  # the importance, 1 is the highest: where there is not room for all columns
    cell: Callable[[ProductRow, Symbols], Fragment]


def _tone(row: ProductRow) -> Tone:
    return Tone.TEXT if row.total.level is Level.OK else LEVEL_TONES[row.total.level]


def _free(row: ProductRow, _: Symbols) -> Fragment:
    return text.format_count(row.total.free), _tone(row)


def _count(figure: str, tone: Tone | None = None) -> Callable[[ProductRow, Symbols], Fragment]:
    """A sum, in the tone of its level if no other is given; a partial one is a lower bound."""
    value = attrgetter(figure)

    def cell(row: ProductRow, symbols: Symbols) -> Fragment:
        count = value(row.total)
        mark = symbols.at_least * (row.total.is_partial and count is not None)
        return f"{mark}{text.format_count(count)}", tone or _tone(row)

    return cell


def _ratio(row: ProductRow, symbols: Symbols) -> Fragment:
    glyph = " " if row.total.ratio is None else symbols.level[row.total.level]
    return f"{percent_text(row.total.ratio, row.limits.ratios)}{glyph}", _tone(row)


def _servers(row: ProductRow, _: Symbols) -> Fragment:
    reporting, expected = len(row.total.servers_reporting), len(row.total.servers_expected)
    return f"{reporting}/{expected}", Tone.QUIET if reporting == expected else Tone.WARN


def _runs_out(row: ProductRow, _: Symbols) -> Fragment:
    days = row.days_left
    if days is None:
        return row.runs_out, Tone.QUIET
    return row.runs_out, Tone.CRITICAL if days <= _SOON else Tone.WARN


def _peak(window: str, change: str) -> Callable[[ProductRow, Symbols], Fragment]:
    """The peak of a window; in a row of assigned licenses, a change of this month instead."""

    def cell(row: ProductRow, _: Symbols) -> Fragment:
        if row.assigned:
            return _figure(getattr(row.summary.assignments, change, None)), Tone.QUIET
        peak = known_peak(getattr(row.summary, window))
        return "" if peak is None else _peak_text(peak), Tone.TEXT

    return cell


def _peak_text(peak: Peak) -> str:
    """The figure; an upper bound is marked, without a blank where the columns would touch."""
    figure = text.format_count(peak.peak)
    if not peak.bound:
        return figure
    return f"<= {figure}" if len(figure) < len("10,000") else f"<={figure}"


def _all_time(row: ProductRow, symbols: Symbols) -> Fragment:
    if row.assigned:
        return "" if row.net_change is None else f"{row.net_change:+,}", Tone.QUIET
    return _peak("all_time", "")(row, symbols)


def _peak_date(row: ProductRow, _: Symbols) -> Fragment:
    peak = None if row.assigned else known_peak(row.summary.all_time)
    if peak is None or peak.peak_at is None:
        return "", Tone.QUIET
    day = to_local(peak.peak_at, row.zone)
    return f"{day.day} {day:%b %y}", Tone.QUIET


def _installed_then(row: ProductRow, _: Symbols) -> Fragment:
    peak = None if row.assigned else known_peak(row.summary.all_time)
    return "" if peak is None else text.format_count(peak.installed_at_peak), Tone.QUIET


def _average(row: ProductRow, _: Symbols) -> Fragment:
    peak = None if row.assigned else known_peak(row.summary.month)
    return _figure(peak.average if peak else None), Tone.QUIET


def _upper_bound(row: ProductRow, _: Symbols) -> Fragment:
    several = len(row.total.servers_expected) > 1 and not row.assigned
    scoped = row.summary.all_time if several else None
    bound = _figure(scoped.upper_bound if scoped else None)
    return bound and f"<= {bound}", Tone.QUIET


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


_COLUMNS: Final = (
    FigureColumn("In use", "Assigned", 10, 1, _count("reading.in_use")),
    FigureColumn("Installed", "Installed", 10, 2, _count("reading.installed", Tone.TEXT)),
    FigureColumn("Overdraft", "Overdraft", 11, 11, _count("reading.overdraft", Tone.QUIET)),
    FigureColumn("Use ", "Use ", 8, 3, _ratio),
    FigureColumn("Free", "Free", 8, 7, _free),
    FigureColumn("Servers", "Servers", 8, 4, _servers),
    FigureColumn("Peak 24 h", "New (month)", 13, 6, _peak("last_24h", "newly_assigned")),
    FigureColumn("Month", "Released", 9, 8, _peak("month", "released")),
    FigureColumn("All time", "Net (month)", 13, 9, _all_time),
    FigureColumn("Peak date", "", 11, 10, _peak_date),
    FigureColumn("Installed then", "", 16, 13, _installed_then),
    FigureColumn("Upper bound", "", 13, 14, _upper_bound),
    FigureColumn("Average", "", 9, 12, _average),
    FigureColumn("Runs out", "Runs out", 12, 5, _runs_out),
)
_LESS_THAN_TREND: Final = 11  # the rank from which columns leave room for the trend first


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
    for column in sorted(_COLUMNS, key=lambda column: column.rank):
        reserved = _USEFUL_TREND + 2 if column.rank >= _LESS_THAN_TREND else 0
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
        tuple(column for column in _COLUMNS if column in chosen),
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
    count = "at most " * peak.bound + text.format_count(peak.peak)
    if row.assigned:
        return f"all-time maximum: {count} assigned {when}{_changes_text(row)}"
    parts = [f"all-time peak: {count} of {text.format_count(peak.installed_at_peak)} {when}"]
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


_NO_TREND: Final = TrendData()


class ProductTable(LineView[TotalKey], inherit_bindings=False):
    """All products below a line of titles. Set `rows`; equal values repaint nothing."""

    rows: var[tuple[ProductRow, ...]] = var(())
    scope_title: var[str] = var("")  # title of the first column, if there is one
    trend_label: var[str] = var("24 h")  # period of the trends in words

    def __init__(self, symbols: Symbols = UNICODE_SYMBOLS) -> None:
        super().__init__(symbols)
        self._table_layout = fit_columns(80, ())
        self._concurrent_rows = 0  # rows above the assigned ones, if there are both kinds

    @property
    def row_ids(self) -> tuple[TotalKey, ...]:
        return tuple(row.id for row in self.rows)

    @property
    def selected(self) -> ProductRow | None:
        return next((row for row in self.rows if row.id == self.cursor), None)

    def watch_rows(self, before: tuple[ProductRow, ...], after: tuple[ProductRow, ...]) -> None:
        if self.selected is None:
            ids = [row.id for row in before]
            at = ids.index(self.cursor) if self.cursor in ids else 0
            nearest = after[min(at, len(after) - 1)].id if after else None
            self.set_reactive(ProductTable.cursor, nearest)
        self._place()

    @on(Resize)
    def _place(self) -> None:
        width = self.scrollable_content_region.width
        self._table_layout = fit_columns(width, self.rows)
        below = sum(not view.assigned for view in self.rows)
        self._concurrent_rows = below if 0 < below < len(self.rows) else 0
        self.virtual_size = Size(width, len(self.rows) + 1 + 2 * bool(self._concurrent_rows))
        self.post_message(self.CursorMoved())
        self.repaint()

    def watch_trend_label(self) -> None:
        self.repaint()

    def visible_rows(self) -> tuple[tuple[TotalKey, ...], int]:
        visible = (self._index_at(y) for y in range(1, max(2, self.size.height)))
        rows = tuple(self.rows[at].id for at in visible if at is not None)
        return rows, self._table_layout.trend

    def _index_at(self, y: int) -> int | None:
        """Return the row on a line of the screen; None for a title and below the last row."""
        at = y - 1 + self.scroll_offset.y
        if self._concurrent_rows and at >= self._concurrent_rows:
            at -= 2  # a blank line and the titles of the assigned licenses
            if at < self._concurrent_rows:
                return None
        return at if y > 0 and 0 <= at < len(self.rows) else None

    def row_at(self, x: int, y: int) -> tuple[TotalKey | None, bool]:
        del x
        at = self._index_at(y)
        return (None, False) if at is None else (self.rows[at].id, True)

    def row_lines(self, row: TotalKey) -> tuple[int, int]:
        line = self.row_ids.index(row)
        line += 2 if self._concurrent_rows and line >= self._concurrent_rows else 0
        return line, line + 2

    def _titles(self, y: int) -> Line:
        """Return the titles; those at the top belong to the rows below them."""
        first = y - 1 + self.scroll_offset.y
        if y == 0:
            assigned = bool(self.rows) and self.rows[0].assigned
            past = self._concurrent_rows and self.scroll_offset.y > self._concurrent_rows
            assigned = assigned or bool(past)
        elif self._concurrent_rows and first == self._concurrent_rows + 1:
            assigned = True
        else:
            return ()
        return header_line(
            self._table_layout,
            assigned=assigned,
            scope=self.scope_title,
            trend_label=self.trend_label,
        )

    def pieces(self, y: int) -> tuple[Piece, ...]:
        """The titles at the top, then the visible rows."""
        at = self._index_at(y)
        if at is None:
            line = self._titles(y)
        else:
            row = self.rows[at]
            trend = self.trends.get(row.id, _NO_TREND)
            line = row_line(row, trend, self._table_layout, self._symbols)
        selected = at is not None and self.rows[at].id == self.cursor
        return ((fit_line(line, self.size.width), selected),)
