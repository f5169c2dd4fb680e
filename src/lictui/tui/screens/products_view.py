"""The estate as a table: its rows and their order.

Owns what a row knows and what it can be sorted by. Concurrent licenses, whose peaks are of use, and
assigned ones, which have none, are never mixed: they stand apart. Pure: totals and what the past
says of them in, views out. Must not know columns (`ledger_columns`) or Textual.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rich.cells import cell_len

from lictui.analysis.forecast import ForecastStatus
from lictui.analysis.usage import PastSummary, TotalKey
from lictui.engine.board import Filter, GroupBy, Total, product_search_terms, total_thresholds
from lictui.model import Level, Model
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


ASSIGNED: Final = (Model.USER_DEVICE, Model.NAMED_USER)
_WORSE: Final = (Level.UNKNOWN, Level.OK, Level.WARN, Level.CRITICAL, Level.OVERDRAFT)
_NEVER: Final = 1 << 30
_UNTOLD: Final = PastSummary()


@dataclass(frozen=True, slots=True)
class ProductsContext:
    """What rows are made with, besides the figures of now."""

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
    scope: str = ""  # as it is said

    @property
    def id(self) -> TotalKey:
        """What the cursor remembers."""
        return self.total.scope, self.total.product, self.total.model

    @property
    def assigned(self) -> bool:
        """Whether its licenses are assigned, not checked out."""
        return self.total.model in ASSIGNED

    @property
    def days_left(self) -> int | None:
        """Days until licenses run short, if a forecast dares to say; 0 where they are short now."""
        if (self.total.ratio or 0.0) >= 1:
            return 0
        ahead = self.summary.forecast
        if ahead is None:
            return None
        days = [ahead.reaches.installed, *(each.date for each in ahead.shortfalls)]
        return min(((day - self.today).days for day in days if day is not None), default=None)

    @property
    def runs_out(self) -> str:
        """The same for a cell: days, or where it leads without a date."""
        days, ahead = self.days_left, self.summary.forecast
        if days is not None:
            return "now" if days <= 0 else f"{days:,} d"
        if ahead is None:
            return ""
        return {
            ForecastStatus.FLAT: "flat",
            ForecastStatus.FALLING: "falls",
            ForecastStatus.GROWING: "later",
        }.get(ahead.status, "?")

    @property
    def net_change(self) -> int | None:
        """By how much assignments have grown since the month began."""
        month, now = self.summary.assignments, self.total.reading.in_use
        if month is None or month.at_start is None or now is None:
            return None
        return now - month.at_start


def product_rows(
    found: Sequence[Total], pasts: Mapping[TotalKey, PastSummary], around: ProductsContext
) -> tuple[ProductRow, ...]:
    """The rows that the filter lets through."""
    return tuple(
        ProductRow(
            total,
            text.strip_controls(Product(total.product, total.name, total.model).short_name),
            total_thresholds(around.alerts, total.scope, total.product, around.by),
            pasts.get((total.scope, total.product, total.model), _UNTOLD),
            around.today,
            around.zone,
            _said(total.scope, around.by),
        )
        for total in found
        if around.filter(
            (*product_search_terms(total.product, total.name, total.model), total.scope)
        )
    )


def _said(scope: str, by: GroupBy) -> str:
    return text.strip_controls(scope) or ("" if by is GroupBy.PRODUCT else "no group")


def sort_rows(rows: Iterable[ProductRow], sort: str, *, reverse: bool) -> tuple[ProductRow, ...]:
    """The rows in the order that is wanted, what is assigned below the rest."""
    found = list(rows)
    met = {scope: at for at, scope in enumerate(dict.fromkeys(view.scope for view in found))}
    found.sort(key=_SORT_KEYS.get(sort) or (lambda view: met[view.scope]))
    if reverse:
        found.reverse()
    return tuple(sorted(found, key=lambda view: view.assigned))


def _most(figure: float | None) -> float:
    return _NEVER if figure is None else -figure


def known_peak(found: ScopedPeak | None) -> Peak | None:
    """The peak of a window, if there is one."""
    return found.peak if found and found.peak.peak is not None else None


def _peak(found: ScopedPeak | None) -> float:
    known = known_peak(found)
    return _most(known.peak if known else None)


_SORT_KEYS: Final[dict[str, Callable[[ProductRow], Any]]] = {
    "name": lambda view: (view.name.casefold(), view.scope.casefold()),
    "ratio": lambda view: _most(view.total.ratio),
    "free": lambda view: view.total.free if view.total.free is not None else _NEVER,
    "level": lambda view: -_WORSE.index(view.total.level) if view.total.level in _WORSE else -9,
    "days left": lambda view: _NEVER if view.days_left is None else view.days_left,
    "in use": lambda view: _most(view.total.reading.in_use),
    "installed": lambda view: _most(view.total.reading.installed),
    "overdraft": lambda view: _most(view.total.reading.overdraft),
    "servers missing": lambda view: (
        len(view.total.servers_reporting) - len(view.total.servers_expected)
    ),
    "peak 24 h": lambda view: _peak(view.summary.last_24h),
    "peak of the month": lambda view: (
        _most(view.net_change) if view.assigned else _peak(view.summary.month)
    ),
    "peak of all time": lambda view: _peak(view.summary.all_time),
    "average": lambda view: _most(
        known.average if (known := known_peak(view.summary.month)) else None
    ),
    "model": lambda view: view.total.model,
    "scope": lambda view: view.scope.casefold(),
}
SORTS: Final = ("registry", *_SORT_KEYS)


# The columns of the estate: which there is room for, their titles, and a row drawn in them


SMALLEST_TREND: Final = 6  # cells
_LARGEST_TREND: Final = 48
_NAME: Final = 12  # cells, at least
_SHORT, _LONG = 3, 11  # cells of a model
_MARGIN: Final = 3  # the cursor's column, and the bar beside the table


@dataclass(frozen=True, slots=True)
class FigureColumn:
    """A column of figures; titles for what is in use and for what is assigned."""

    in_use: str
    assigned: str
    width: int  # the blank before it included
    cell: Callable[[ProductRow, Symbols], Fragment]


def _figure(value: int | None) -> str:
    return text.format_count(value)


def _tone(view: ProductRow) -> Tone:
    return Tone.TEXT if view.total.level is Level.OK else LEVEL_TONES[view.total.level]


def _ratio(view: ProductRow, symbols: Symbols) -> Fragment:
    mark = " " if view.total.ratio is None else symbols.level[view.total.level]
    return f"{text.format_percent(view.total.ratio)}{mark}", _tone(view)


def _servers(view: ProductRow, symbols: Symbols) -> Fragment:
    del symbols
    there, all_of_them = len(view.total.servers_reporting), len(view.total.servers_expected)
    return f"{there}/{all_of_them}", Tone.QUIET if there == all_of_them else Tone.WARN


def _day(view: ProductRow, symbols: Symbols) -> Fragment:
    del symbols
    if view.assigned:
        month = view.summary.assignments
        return _told(month.newly_assigned if month else None), Tone.QUIET
    return _most_ledger_columns(view.summary.last_24h), Tone.TEXT


def _month(view: ProductRow, symbols: Symbols) -> Fragment:
    del symbols
    if view.assigned:
        month = view.summary.assignments
        return _told(month.released if month else None), Tone.QUIET
    return _most_ledger_columns(view.summary.month), Tone.TEXT


def _ever(view: ProductRow, symbols: Symbols) -> Fragment:
    del symbols
    if view.assigned:
        return "" if view.net_change is None else f"{view.net_change:+,}", Tone.QUIET
    return _most_ledger_columns(view.summary.all_time), Tone.TEXT


def _on(view: ProductRow, symbols: Symbols) -> Fragment:
    del symbols
    known = None if view.assigned else known_peak(view.summary.all_time)
    return _date(known.peak_at if known else None, view.zone), Tone.QUIET


def _of(view: ProductRow, symbols: Symbols) -> Fragment:
    del symbols
    known = None if view.assigned else known_peak(view.summary.all_time)
    return "" if known is None else _figure(known.installed_at_peak), Tone.QUIET


def _average(view: ProductRow, symbols: Symbols) -> Fragment:
    del symbols
    known = None if view.assigned else known_peak(view.summary.month)
    return "" if known is None or known.average is None else f"{known.average:,.0f}", Tone.QUIET


def _bound(view: ProductRow, symbols: Symbols) -> Fragment:
    del symbols
    found = None if view.assigned else view.summary.all_time
    several = len(view.total.servers_expected) > 1
    known = found.upper_bound if found and several else None
    return "" if known is None else f"<= {known:,}", Tone.QUIET


def _left(view: ProductRow, symbols: Symbols) -> Fragment:
    del symbols
    days = view.days_left
    soon = days is not None and days <= 30  # noqa: PLR2004 - a month, in which little can be bought
    return view.runs_out, Tone.CRITICAL if soon else Tone.WARN if days is not None else Tone.QUIET


def _told(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _most_ledger_columns(found: ScopedPeak | None) -> str:
    known = known_peak(found)
    return "" if known is None else _figure(known.peak)


def _date(at: int | None, zone: ZoneInfo | None) -> str:
    if at is None:
        return ""
    day = to_local(at, zone).date()
    return f"{day.day} {day:%b %y}"


_USED = FigureColumn(
    "in use", "assigned", 10, lambda v, _: (_figure(v.total.reading.in_use), _tone(v))
)
_INSTALLED = FigureColumn(
    "installed", "installed", 10, lambda v, _: (_figure(v.total.reading.installed), Tone.TEXT)
)
_RATIO = FigureColumn("% ", "% ", 8, _ratio)
_SERVERS = FigureColumn("servers", "servers", 8, _servers)
_LEFT = FigureColumn("full in", "full in", 8, _left)
_FREE = FigureColumn("free", "free", 8, lambda v, _: (_figure(v.total.free), _tone(v)))
_DAY = FigureColumn("peak 24 h", "new, month", 11, _day)
_MONTH = FigureColumn("month", "released", 9, _month)
_EVER = FigureColumn("all time", "net, month", 11, _ever)
_ON = FigureColumn("on", "", 11, _on)
_OF = FigureColumn("of", "", 9, _of)
_AVERAGE = FigureColumn("average", "", 9, _average)
_OVERDRAFT = FigureColumn(
    "overdraft", "overdraft", 10, lambda v, _: (_figure(v.total.reading.overdraft), Tone.QUIET)
)
_BOUND = FigureColumn("at most", "", 11, _bound)
_ORDER: Final = (
    *(_USED, _INSTALLED, _OVERDRAFT, _RATIO, _FREE, _SERVERS),
    *(_DAY, _MONTH, _EVER, _ON, _OF, _BOUND, _AVERAGE, _LEFT),
)
_IMPORTANCE: Final = (
    *(_USED, _INSTALLED, _RATIO, _SERVERS, _LEFT, _DAY, _FREE, _MONTH, _EVER, _ON),
    *(_OVERDRAFT, _AVERAGE, _OF, _BOUND),
)


@dataclass(frozen=True, slots=True)
class TableLayout:
    """What is shown, and how wide; 0 leaves a column out."""

    scope: int
    name: int
    model: int
    columns: tuple[FigureColumn, ...]
    trend: int


def fit_columns(cells: int, rows: Sequence[ProductRow]) -> TableLayout:
    """Columns for this width: names and figures first, then what there is room for."""
    longest = max([_NAME, *(cell_len(view.name) for view in rows)])
    scope = max((cell_len(view.scope) for view in rows), default=0)
    scope = min(max(scope, len("server")), max(8, cells // 8)) + 1 if scope else 0
    left = cells - _MARGIN - scope - min(_NAME + 3, longest) - 1 - _SHORT
    chosen = set()
    for column in _IMPORTANCE:
        if column.width > left:
            break
        chosen.add(column)
        left -= column.width
    name = min(_NAME + 3, longest)
    if left < 0:
        name = max(4, name + left)
    model = _SHORT if left >= 0 else 0
    left = max(left, 0)
    if left >= _LONG - _SHORT:
        model, left = _LONG, left - (_LONG - _SHORT)
    more = min(longest - name, max(0, left - SMALLEST_TREND - 2)) if left else 0
    left -= more
    wide = min(left - 2, _LARGEST_TREND)
    return TableLayout(
        scope,
        name + more,
        model,
        tuple(column for column in _ORDER if column in chosen),
        wide if wide >= SMALLEST_TREND else 0,
    )


def header_line(
    columns: TableLayout, *, assigned: bool, scope: str = "", stretch: str = "24 h"
) -> Line:
    """The titles of the columns."""
    said = [" "]
    if columns.scope:
        said.append(f"{scope[: columns.scope - 1]:<{columns.scope}}")
    said.append(text.pad("product", columns.name))
    if columns.model:
        said.append(f" {'model'[: columns.model]:<{columns.model}}")
    said.extend(
        f"{column.assigned if assigned else column.in_use:>{column.width}}"
        for column in columns.columns
    )
    if columns.trend:
        said.append(f"  last {stretch}"[: columns.trend + 2])
    return (("".join(said), Tone.QUIET),)


def row_line(view: ProductRow, past: TrendData, columns: TableLayout, symbols: Symbols) -> Line:
    """One product and model."""
    runs: list[Fragment] = [(" ", Tone.TEXT)]
    if columns.scope:
        said = text.pad(view.scope, columns.scope - 1, ellipsis=symbols.ellipsis)
        runs.append((f"{said} ", Tone.TEXT))
    runs.append((text.pad(view.name, columns.name, ellipsis=symbols.ellipsis), Tone.TEXT))
    if columns.model:
        short = columns.model < _LONG
        word = view.total.model.short if short else view.total.model.label
        runs.append((f" {text.pad(word, columns.model)}", Tone.QUIET))
    for column in columns.columns:
        said, tone = column.cell(view, symbols)
        runs.append((f"{said:>{column.width}}", tone))
    if columns.trend:
        runs.append(("  ", Tone.TEXT))
        installed = view.total.reading.installed
        runs += draw_trend(past, installed, view.limits, columns.trend, symbols)
    return tuple(runs)


def describe_row(view: ProductRow, symbols: Symbols) -> tuple[Line, Line]:
    """The chosen row in words: its peak and what it covers, and where it leads."""
    from lictui.analysis.forecast import describe_forecast  # noqa: PLC0415 - not for the first frame

    ahead = view.summary.forecast
    lead = "" if ahead is None else f"forecast: {describe_forecast(ahead, view.today)}"
    return ((_past(view, symbols), Tone.TEXT),), ((lead, Tone.QUIET),)


def _past(view: ProductRow, symbols: Symbols) -> str:
    found = view.summary.all_time
    known = known_peak(found)
    if found is None or known is None or known.peak_at is None:
        return "what the past says is being looked up"
    here = to_local(known.peak_at, view.zone)
    when = f"{here.day} {here:%b %Y %H:%M}"
    if view.assigned:
        return f"most assigned ever {_figure(known.peak)} on {when}" + _since(view)
    of = f" of {_figure(known.installed_at_peak)} installed then"
    bound = found.upper_bound
    several = len(view.total.servers_expected) > 1 and bound is not None
    most = f" (each server's own peak summed: at most {bound:,})" if several else ""
    average = "" if known.average is None else f", average {known.average:,.0f}"
    covered = f"{text.format_percent(known.coverage)} of the time covered"
    said = f"most in use ever {_figure(known.peak)} on {when}{of}{most}{average}"
    return f"{said} {symbols.dot} {covered}"


def _since(view: ProductRow) -> str:
    month = view.summary.assignments
    if month is None or view.net_change is None:
        return ""
    newly = "" if month.newly_assigned is None else f", {month.newly_assigned:,} newly assigned"
    released = "" if month.released is None else f", {month.released:,} released"
    return f"; this month {view.net_change:+,} in all{newly}{released}"
