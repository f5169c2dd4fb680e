"""The rows and columns of the products view, and the table that draws them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rich.cells import cell_len
from textual import on
from textual.events import Click, Resize
from textual.geometry import Size
from textual.message import Message
from textual.reactive import var

from lictui.analysis.forecast import describe_forecast, direction_text
from lictui.analysis.usage import PastSummary, TotalKey
from lictui.engine.board import (
    FIGURES,
    Filter,
    GroupBy,
    Total,
    is_reporting,
    product_search_terms,
    total_thresholds,
)
from lictui.model import Level, percent_text
from lictui.products import Product
from lictui.time_range import to_local
from lictui.tui import text
from lictui.tui.text import LEVEL_TONES, Fragment, Line, Tone, fit_line
from lictui.tui.theme import UNICODE_SYMBOLS, Symbols
from lictui.tui.widgets.gauge import NO_TREND, TrendData, draw_trend
from lictui.tui.widgets.styled_text import LineView, Piece

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date
    from zoneinfo import ZoneInfo

    from lictui.analysis.peaks import Peak, ScopedPeak
    from lictui.config.settings import AlertSettings, Thresholds
    from lictui.engine.board import ServerStatus
    from lictui.model import Pool

MINIMUM_TREND: Final = 8  # cells
_USEFUL_TREND: Final = 24
_LAST: Final = 1 << 30  # sorts an unknown figure to the end
_NO_SUMMARY: Final = PastSummary()
_SOON: Final = 30  # days in which little can be purchased
_NEAR: Final = 90
_YEAR: Final = 365


@dataclass(frozen=True, slots=True)
class ProductsContext:
    """What rows are made with, apart from totals and summaries."""

    alerts: AlertSettings
    filter: Filter
    today: date
    zone: ZoneInfo | None = None
    by: GroupBy = GroupBy.PRODUCT
    problems_only: bool = False


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
            return "…" if self.summary is _NO_SUMMARY else "", Tone.QUIET
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


def product_rows(
    totals: Sequence[Total], summaries: Mapping[TotalKey, PastSummary], context: ProductsContext
) -> tuple[ProductRow, ...]:
    """The rows that the filter matches."""
    no_scope = "" if context.by is GroupBy.PRODUCT else "no group"
    rows = (
        ProductRow(
            total,
            Product(total.product, total.name, total.model).short_name,
            total_thresholds(context.alerts, total.scope, total.product, context.by),
            summaries.get(total.key, _NO_SUMMARY),
            context.today,
            context.zone,
            total.scope or no_scope,
        )
        for total in totals
        if context.filter(
            (*product_search_terms(total.product, total.name, total.model), total.scope)
        )
    )
    return tuple(row for row in rows if row.is_problem or not context.problems_only)


def sort_rows(rows: Iterable[ProductRow], sort: str, *, reverse: bool) -> tuple[ProductRow, ...]:
    """The rows by the column with this title; equal ones by name."""
    by_name = sorted(rows, key=_COLUMNS_BY_TITLE["Product"].order)
    return tuple(sorted(by_name, key=_COLUMNS_BY_TITLE[sort].order, reverse=reverse))


def known_peak(scoped: ScopedPeak | None) -> Peak | None:
    """The peak of a window, if there is one."""
    return scoped.peak if scoped and scoped.peak.peak is not None else None


# Columns


@dataclass(frozen=True, slots=True)
class ProductColumn:
    """A column, and the order of its rows: what needs attention first."""

    title: str
    rank: int  # the importance, 1 is the highest: where there is not room for all columns
    cell: Callable[[ProductRow, Symbols], Fragment]
    order: Callable[[ProductRow], Any]
    cells: int = 0  # of its content without the count
    has_count: bool = True
    reserve: int = 0  # cells that it leaves for the trend


def _tone(row: ProductRow) -> Tone:
    level = row.total.worst_level
    return Tone.TEXT if level is Level.OK else LEVEL_TONES[level]


def _count(
    title: str, rank: int, figure: str, tone: Tone | None = None, reserve: int = 0
) -> ProductColumn:
    """A sum, in the tone of its level if no other is given; a partial one is a lower bound."""

    def cell(row: ProductRow, symbols: Symbols) -> Fragment:
        return text.format_sum(row.total, figure, symbols.at_least), tone or _tone(row)

    def order(row: ProductRow) -> float:
        return _descending(getattr(row.total.reading, figure))

    return ProductColumn(title, rank, cell, order, reserve=reserve)


def _descending(figure: float | None) -> float:
    return _LAST if figure is None else -figure


def _ratio(row: ProductRow, symbols: Symbols) -> Fragment:
    level = row.total.worst_level
    glyph = " " if level is Level.UNKNOWN else symbols.level[level]
    return f"{percent_text(row.total.ratio, row.limits.ratios)} {glyph}", _tone(row)


def _by_ratio(row: ProductRow) -> float:
    """An unknown share may be above the thresholds: it comes before those that are below."""
    return -(row.limits.warn if row.total.ratio is None else row.total.ratio)


def _servers(row: ProductRow, _: Symbols) -> Fragment:
    reporting, expected = len(row.total.servers_reporting), len(row.total.servers_expected)
    return f"{reporting}/{expected}", Tone.QUIET if reporting == expected else Tone.WARN


def _peak(
    title: str, rank: int, window: str, reserve: int = 0, *, dated: bool = False
) -> ProductColumn:
    """The highest count of a window. Upper bounds are marked, and assigned counts are dim."""

    def cell(row: ProductRow, symbols: Symbols) -> Fragment:
        peak = known_peak(getattr(row.summary, window))
        if peak is None:
            return symbols.ellipsis if row.summary is _NO_SUMMARY else "", Tone.QUIET
        # The history is asked once in a while: what is in use now may be the highest count.
        at, now = peak.peak_at, row.total.reading.in_use or 0
        is_now = now > (peak.peak or 0)
        day = row.today if is_now or at is None else to_local(at, row.zone).date()
        old = (row.today - day).days >= _YEAR - _SOON
        when = f" {f'{day.day} {day:%b %y}' if old else f'{day.day} {day:%b}':>9}" if dated else ""
        figure = f"{'<= ' * (peak.bound and not is_now)}{max(now, peak.peak or 0):,}"
        return figure + when, Tone.QUIET if row.total.model.is_assigned else Tone.TEXT

    def order(row: ProductRow) -> float:
        peak = known_peak(getattr(row.summary, window))
        return _descending(peak.peak if peak else None)

    return ProductColumn(title, rank, cell, order, 3 + 10 * dated, reserve=reserve)


def _by_name(row: ProductRow) -> tuple[str, str]:
    return row.name.casefold(), row.scope.casefold()


_SCOPE: Final = ProductColumn("Scope", 0, lambda row, _: (row.scope, Tone.TEXT),
                              lambda row: row.scope.casefold())  # fmt: skip
_NAME: Final = ProductColumn("Product", 0, lambda row, _: (row.name, Tone.TEXT), _by_name)
_TYPE: Final = ProductColumn(
    "Type", 0, lambda row, _: (row.total.model.short, Tone.QUIET), lambda row: row.total.model
)
_FIGURES: Final = (
    _count("In use", 1, "in_use"),
    _count("Installed", 4, "installed", Tone.TEXT),
    _count("Overdraft", 10, "overdraft", Tone.QUIET, _USEFUL_TREND),
    ProductColumn("Use", 2, _ratio, _by_ratio, 8, has_count=False),
    ProductColumn("Free", 6, lambda row, _: (text.format_count(row.total.free), _tone(row)),
                  lambda row: _LAST if row.total.free is None else row.total.free),
    ProductColumn("Servers", 5, _servers, lambda row: (
        len(row.total.servers_reporting) - len(row.total.servers_expected),
        -len(row.total.servers_expected)), has_count=False),
    _peak("Peak 24 h", 7, "last_24h"),
    _peak("Month", 8, "month", MINIMUM_TREND),
    _peak("All time", 9, "all_time", MINIMUM_TREND, dated=True),
    ProductColumn("Runs out", 3, lambda row, _: row.runs_out,
                  lambda row: _LAST if row.days_left is None else row.days_left, 13,
                  has_count=False),
)  # fmt: skip
_COLUMNS_BY_TITLE: Final = {column.title: column for column in (_SCOPE, _NAME, _TYPE, *_FIGURES)}
SORTS: Final = ("Use", *(title for title in _COLUMNS_BY_TITLE if title != "Use"))
_LEFT: Final = (_SCOPE, _NAME, _TYPE)
_ASCENDING: Final = ("Scope", "Product", "Type", "Free", "Servers", "Runs out")
_ALWAYS: Final = 4  # the rank of columns for which names are shortened, and that stay if empty


# Layout and drawing


_MAXIMUM_TREND: Final = 48
_MINIMUM_NAME: Final = 14
_TYPE_CELLS: Final = 5  # its title with an arrow


@dataclass(frozen=True, slots=True)
class TableLayout:
    """The columns shown with their widths, the blank before each included."""

    columns: tuple[tuple[ProductColumn, int], ...]
    trend: int = 0  # cells; 0 leaves it out
    names: Mapping[str, str] = field(default_factory=dict)  # as they fit, no two alike


def fit_columns(
    cells: int, rows: Sequence[ProductRow], symbols: Symbols = UNICODE_SYMBOLS
) -> TableLayout:
    """The columns for this width: what is most useful first, whole names, then the trend."""
    names = tuple(dict.fromkeys(row.name for row in rows))
    longest = max(_MINIMUM_NAME, *map(cell_len, names), 0)
    peaks = [peak.peak for row in rows if (peak := known_peak(row.summary.all_time))]
    readings = [row.total.reading for row in rows]
    counts = [count for reading in readings for count in (reading.in_use, reading.installed)]
    largest = max((count or 0 for count in (*counts, *peaks)), default=0)
    mark = len(symbols.at_least) * any(row.total.is_partial(f) for row in rows for f in FIGURES)
    count = mark + len(text.format_count(largest))
    scope = max((cell_len(row.scope) for row in rows), default=0)
    scope = min(max(scope, len("Scope")), max(8, cells // 8)) + 1 if scope else 0
    left = cells - scope - (longest + 1) - (_TYPE_CELLS + 1)
    widths: dict[ProductColumn, int] = {}
    for column in sorted(_FIGURES, key=lambda column: column.rank):
        if column.rank > _ALWAYS and not any(
            column.cell(row, symbols)[0] not in ("", "?") for row in rows
        ):
            continue
        width = max(len(column.title) + 2, column.cells + count * column.has_count + 1)
        shortened = longest - _MINIMUM_NAME if column.rank <= _ALWAYS else 0
        if width + column.reserve <= left + shortened:
            widths[column] = width
            left -= width
    name = longest + min(left, 0)
    trend = min(max(left, 0) - 2, _MAXIMUM_TREND)
    columns = [(_SCOPE, scope)] * bool(scope) + [(_NAME, name + 1), (_TYPE, _TYPE_CELLS + 1)]
    return TableLayout(
        (*columns, *((column, widths[column]) for column in _FIGURES if column in widths)),
        trend if trend >= MINIMUM_TREND else 0,
        text.shorten_apart(names, name, symbols.ellipsis),
    )


class Titles(NamedTuple):
    """What the line of titles shows besides the columns."""

    sort: str = ""
    reverse: bool = False
    scope: str = ""
    trend: str = "24 h"


def header_line(layout: TableLayout, titles: Titles, symbols: Symbols = UNICODE_SYMBOLS) -> Line:
    """The titles of the columns; the sorted one has an arrow."""
    line: list[Fragment] = []
    is_ascending = (titles.sort in _ASCENDING) != titles.reverse
    for column, width in layout.columns:
        title = (titles.scope if column is _SCOPE else column.title)[: width - 1]
        is_sorted = column.title == titles.sort
        mark = (symbols.ascending if is_ascending else symbols.descending) * is_sorted
        if column in _LEFT:
            title = f" {title}{mark}"[:width].ljust(width)
        else:
            title = f"{mark}{title}{'  ' * (column.title == 'Use')}".rjust(width)
        line.append((title, Tone.ACCENT if is_sorted else Tone.QUIET))
    trend = f"  Trend {titles.trend}"[: layout.trend + 2] if layout.trend else ""
    return (*line, (trend, Tone.QUIET))


def row_line(row: ProductRow, data: TrendData, layout: TableLayout, symbols: Symbols) -> Line:
    """One product and model."""
    line: list[Fragment] = []
    for column, width in layout.columns:
        cell, tone = column.cell(row, symbols)
        if column in _LEFT:
            cell = layout.names.get(cell, cell) if column is _NAME else cell
            line.append((f" {text.pad(cell, width - 1, ellipsis=symbols.ellipsis)}", tone))
        else:
            line.append((f"{cell:>{width}}", tone))
    if layout.trend:
        line.append(("  ", Tone.TEXT))
        installed = row.total.reading.installed
        line += draw_trend(data, installed, row.limits, layout.trend, symbols)
    return tuple(line)


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
        f"{row.name} ({total.model.label}): {figures} {total.model.verb} ({share}){free} on {count}"
        f" server{'s' * (count != 1)}{f', {missing} of them missing' * bool(missing)}."
    )
    forecast = summary.forecast and f"Forecast: {describe_forecast(summary.forecast, row.today)}."
    lines = (now, _tone(row)), (_past_text(row, symbols), Tone.TEXT), (forecast or "", Tone.QUIET)
    return tuple((line,) for line in lines if line[0])


def server_lines(
    row: ProductRow, pools: Sequence[tuple[ServerStatus, Pool]], symbols: Symbols
) -> tuple[Line, ...]:
    """The pools of the product, the fullest first, below a blank line."""
    names = [
        f"{status.server.name} {pool.subscription_date or ''}".strip() for status, pool in pools
    ]
    longest = max(map(cell_len, names), default=0)
    lines: list[tuple[float, Line]] = []
    for name, (status, pool) in zip(names, pools, strict=True):
        reading, level = pool.reading, pool.reading.level(*row.limits.ratios)
        in_use, installed = text.format_count(reading.in_use), text.format_count(reading.installed)
        percent = percent_text(reading.ratio, row.limits.ratios)
        glyph = " " if level is Level.UNKNOWN else symbols.level[level]
        figures = f"  {in_use:>7} of {installed:>7} {percent:>7} {glyph}"
        tone = Tone.TEXT if level is Level.OK else LEVEL_TONES[level]
        state, is_current = status.state.replace("_", " "), is_reporting(status, pool)
        shown = (figures, tone) if is_current else (f"{figures}  not counted: {state}", Tone.QUIET)
        lines.append((_descending(reading.ratio), ((text.pad(name, longest), Tone.TEXT), shown)))
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


class ProductTable(LineView[TotalKey], inherit_bindings=False):
    """All products below a line of titles. Set `rows`; equal values repaint nothing."""

    rows: var[tuple[ProductRow, ...]] = var(())
    titles: var[Titles] = var(Titles)

    class TitleClicked(Message):
        """The title of a column was clicked."""

        def __init__(self, title: str) -> None:
            super().__init__()
            self.title = title

    def __init__(self, symbols: Symbols = UNICODE_SYMBOLS) -> None:
        super().__init__(symbols)
        self._table_layout = TableLayout(())

    @property
    def row_ids(self) -> tuple[TotalKey, ...]:
        return tuple(row.id for row in self.rows)

    @property
    def selected(self) -> ProductRow | None:
        return next((row for row in self.rows if row.id == self.cursor), None)

    @property
    def sorts(self) -> tuple[str, ...]:
        """The titles of the columns shown."""
        return tuple(column.title for column, _ in self._table_layout.columns)

    def watch_rows(self, before: tuple[ProductRow, ...], after: tuple[ProductRow, ...]) -> None:
        ids = [row.id for row in before]
        if self.selected is None:
            at = ids.index(self.cursor) if self.cursor in ids else 0
            nearest = after[min(at, len(after) - 1)].id if after else None
            self.set_reactive(ProductTable.cursor, nearest)
        self._place()
        if ids != [row.id for row in after]:
            self.watch_cursor()  # the row may have moved off the screen

    @on(Resize)
    def _place(self) -> None:
        width = self.scrollable_content_region.width
        self._table_layout = fit_columns(width, self.rows, self._symbols)
        self.virtual_size = Size(width, len(self.rows) + 1)
        self.post_message(self.CursorMoved())
        self.repaint()

    def watch_titles(self) -> None:
        self.repaint()

    def visible_rows(self) -> tuple[tuple[TotalKey, ...], int]:
        first = self.scroll_offset.y
        rows = self.rows[first : first + max(1, self.size.height - 1)]
        return tuple(row.id for row in rows), self._table_layout.trend

    def _row_on(self, y: int) -> ProductRow | None:
        """Return the row on a line of the screen; None for the titles and below the last row."""
        at = y - 1 + self.scroll_offset.y
        return self.rows[at] if y > 0 and at < len(self.rows) else None

    def row_at(self, x: int, y: int) -> tuple[TotalKey | None, bool]:
        del x
        row = self._row_on(y)
        return (row.id if row else None), row is not None

    def row_lines(self, row: TotalKey) -> tuple[int, int]:
        line = self.row_ids.index(row)
        return line, line + 2

    @on(Click)
    def _sort(self, event: Click) -> None:
        ends = accumulate(width for _, width in self._table_layout.columns)
        clicked = (title for title, end in zip(self.sorts, ends, strict=True) if event.x < end)
        if not event.y and (title := next(clicked, "")):
            self.post_message(self.TitleClicked(title))

    def pieces(self, y: int) -> tuple[Piece, ...]:
        """The titles at the top, then the visible rows."""
        row = self._row_on(y)
        line: Line = ()
        if row:
            trend = self.trends.get(row.id, NO_TREND)
            line = row_line(row, trend, self._table_layout, self._symbols)
        elif not y:
            line = header_line(self._table_layout, self.titles, self._symbols)
        return ((fit_line(line, self.size.width), row is not None and row.id == self.cursor),)
