"""The estate as a table: its rows and their order.

Owns what a row knows and what it can be sorted by. Concurrent licenses, whose peaks are of use, and
assigned ones, which have none, are never mixed: they stand apart. Pure: totals and what the past
says of them in, views out. Must not know columns (`ledger_columns`) or Textual.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rich.cells import cell_len

from lictui.analysis.forecast import Status
from lictui.analysis.usage import Key, Retrospect
from lictui.engine.board import By, Filter, Total, product_words, thresholds
from lictui.model import Level, Model
from lictui.products import Product
from lictui.tui import text
from lictui.tui.text import OF_LEVEL, Line, Run, Tone
from lictui.tui.time_range import local
from lictui.tui.widgets.gauge import Past, trend
from lictui.tui.widgets.pane import model_word, short_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date
    from zoneinfo import ZoneInfo

    from lictui.analysis.peaks import Found, Peak
    from lictui.config.settings import Alerts, Thresholds
    from lictui.tui.theme import Symbols


ASSIGNED: Final = (Model.USER_DEVICE, Model.NAMED_USER)
_WORSE: Final = (Level.UNKNOWN, Level.OK, Level.WARN, Level.CRITICAL, Level.OVERDRAFT)
_NEVER: Final = 1 << 30
_UNTOLD: Final = Retrospect()


@dataclass(frozen=True, slots=True)
class Around:
    """What rows are made with, besides the figures of now."""

    alerts: Alerts
    wanted: Filter
    today: date
    zone: ZoneInfo | None = None
    by: By = By.PRODUCT


@dataclass(frozen=True, slots=True)
class TotalView:
    """One product and model of one scope."""

    total: Total
    name: str
    limits: Thresholds
    past: Retrospect
    today: date
    zone: ZoneInfo | None
    scope: str = ""  # as it is said

    @property
    def id(self) -> Key:
        """What the cursor remembers."""
        return self.total.scope, self.total.product, self.total.model

    @property
    def assigned(self) -> bool:
        """Whether its licenses are assigned, not checked out."""
        return self.total.model in ASSIGNED

    @property
    def full_in(self) -> int | None:
        """Days until licenses run short, if a forecast dares to say; 0 where they are short now."""
        if (self.total.ratio or 0.0) >= 1:
            return 0
        ahead = self.past.ahead
        if ahead is None:
            return None
        days = [ahead.reaches.installed, *(each.date for each in ahead.shortfalls)]
        return min(((day - self.today).days for day in days if day is not None), default=None)

    @property
    def outlook(self) -> str:
        """The same for a cell: days, or where it leads without a date."""
        days, ahead = self.full_in, self.past.ahead
        if days is not None:
            return "now" if days <= 0 else f"{days:,} d"
        if ahead is None:
            return ""
        return {Status.FLAT: "flat", Status.FALLING: "falls", Status.GROWING: "later"}.get(
            ahead.status, "?"
        )

    @property
    def net(self) -> int | None:
        """By how much assignments have grown since the month began."""
        month, now = self.past.assigned, self.total.reading.in_use
        if month is None or month.began is None or now is None:
            return None
        return now - month.began


def views(
    found: Sequence[Total], pasts: Mapping[Key, Retrospect], around: Around
) -> tuple[TotalView, ...]:
    """The rows that the filter lets through."""
    return tuple(
        TotalView(
            total,
            text.clean(Product(total.product, total.name, total.model).short_name),
            thresholds(around.alerts, total.scope, total.product, around.by),
            pasts.get((total.scope, total.product, total.model), _UNTOLD),
            around.today,
            around.zone,
            _said(total.scope, around.by),
        )
        for total in found
        if around.wanted((*product_words(total.product, total.name, total.model), total.scope))
    )


def _said(scope: str, by: By) -> str:
    return text.clean(scope) or ("" if by is By.PRODUCT else "no group")


def ordered(rows: Iterable[TotalView], sort: str, *, reverse: bool) -> tuple[TotalView, ...]:
    """The rows in the order that is wanted, what is assigned below the rest."""
    found = list(rows)
    met = {scope: at for at, scope in enumerate(dict.fromkeys(view.scope for view in found))}
    found.sort(key=_SORT_KEYS.get(sort) or (lambda view: met[view.scope]))
    if reverse:
        found.reverse()
    return tuple(sorted(found, key=lambda view: view.assigned))


def _most(figure: float | None) -> float:
    return _NEVER if figure is None else -figure


def peak(found: Found | None) -> Peak | None:
    """The peak of a window, if there is one."""
    return found.peak if found and found.peak.peak is not None else None


def _peak(found: Found | None) -> float:
    known = peak(found)
    return _most(known.peak if known else None)


_SORT_KEYS: Final[dict[str, Callable[[TotalView], Any]]] = {
    "name": lambda view: (view.name.casefold(), view.scope.casefold()),
    "ratio": lambda view: _most(view.total.ratio),
    "free": lambda view: view.total.free if view.total.free is not None else _NEVER,
    "level": lambda view: -_WORSE.index(view.total.level) if view.total.level in _WORSE else -9,
    "days left": lambda view: _NEVER if view.full_in is None else view.full_in,
    "in use": lambda view: _most(view.total.reading.in_use),
    "installed": lambda view: _most(view.total.reading.installed),
    "overdraft": lambda view: _most(view.total.reading.overdraft),
    "servers missing": lambda view: len(view.total.reporting) - len(view.total.expected),
    "peak 24 h": lambda view: _peak(view.past.day),
    "peak of the month": lambda view: _most(view.net) if view.assigned else _peak(view.past.month),
    "peak of all time": lambda view: _peak(view.past.ever),
    "average": lambda view: _most(known.average if (known := peak(view.past.month)) else None),
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
class Column:
    """A column of figures; titles for what is in use and for what is assigned."""

    in_use: str
    assigned: str
    width: int  # the blank before it included
    cell: Callable[[TotalView, Symbols], Run]


def _figure(value: int | None) -> str:
    return text.figure(value)


def _tone(view: TotalView) -> Tone:
    return Tone.TEXT if view.total.level is Level.OK else OF_LEVEL[view.total.level]


def _ratio(view: TotalView, symbols: Symbols) -> Run:
    mark = " " if view.total.ratio is None else symbols.level[view.total.level]
    return f"{text.percent(view.total.ratio)}{mark}", _tone(view)


def _servers(view: TotalView, symbols: Symbols) -> Run:
    del symbols
    there, all_of_them = len(view.total.reporting), len(view.total.expected)
    return f"{there}/{all_of_them}", Tone.QUIET if there == all_of_them else Tone.WARN


def _day(view: TotalView, symbols: Symbols) -> Run:
    del symbols
    if view.assigned:
        month = view.past.assigned
        return _told(month.newly if month else None), Tone.QUIET
    return _most_ledger_columns(view.past.day), Tone.TEXT


def _month(view: TotalView, symbols: Symbols) -> Run:
    del symbols
    if view.assigned:
        month = view.past.assigned
        return _told(month.released if month else None), Tone.QUIET
    return _most_ledger_columns(view.past.month), Tone.TEXT


def _ever(view: TotalView, symbols: Symbols) -> Run:
    del symbols
    if view.assigned:
        return "" if view.net is None else f"{view.net:+,}", Tone.QUIET
    return _most_ledger_columns(view.past.ever), Tone.TEXT


def _on(view: TotalView, symbols: Symbols) -> Run:
    del symbols
    known = None if view.assigned else peak(view.past.ever)
    return _date(known.at if known else None, view.zone), Tone.QUIET


def _of(view: TotalView, symbols: Symbols) -> Run:
    del symbols
    known = None if view.assigned else peak(view.past.ever)
    return "" if known is None else _figure(known.installed_then), Tone.QUIET


def _average(view: TotalView, symbols: Symbols) -> Run:
    del symbols
    known = None if view.assigned else peak(view.past.month)
    return "" if known is None or known.average is None else f"{known.average:,.0f}", Tone.QUIET


def _bound(view: TotalView, symbols: Symbols) -> Run:
    del symbols
    found = None if view.assigned else view.past.ever
    several = len(view.total.expected) > 1
    known = found.upper_bound if found and several else None
    return "" if known is None else f"<= {known:,}", Tone.QUIET


def _left(view: TotalView, symbols: Symbols) -> Run:
    del symbols
    days = view.full_in
    soon = days is not None and days <= 30  # noqa: PLR2004 - a month, in which little can be bought
    return view.outlook, Tone.CRITICAL if soon else Tone.WARN if days is not None else Tone.QUIET


def _told(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _most_ledger_columns(found: Found | None) -> str:
    known = peak(found)
    return "" if known is None else _figure(known.peak)


def _date(at: int | None, zone: ZoneInfo | None) -> str:
    if at is None:
        return ""
    day = local(at, zone).date()
    return f"{day.day} {day:%b %y}"


_USED = Column("in use", "assigned", 10, lambda v, _: (_figure(v.total.reading.in_use), _tone(v)))
_INSTALLED = Column(
    "installed", "installed", 10, lambda v, _: (_figure(v.total.reading.installed), Tone.TEXT)
)
_RATIO = Column("% ", "% ", 8, _ratio)
_SERVERS = Column("servers", "servers", 8, _servers)
_LEFT = Column("full in", "full in", 8, _left)
_FREE = Column("free", "free", 8, lambda v, _: (_figure(v.total.free), _tone(v)))
_DAY = Column("peak 24 h", "new, month", 11, _day)
_MONTH = Column("month", "released", 9, _month)
_EVER = Column("all time", "net, month", 11, _ever)
_ON = Column("on", "", 11, _on)
_OF = Column("of", "", 9, _of)
_AVERAGE = Column("average", "", 9, _average)
_OVERDRAFT = Column(
    "overdraft", "overdraft", 10, lambda v, _: (_figure(v.total.reading.overdraft), Tone.QUIET)
)
_BOUND = Column("at most", "", 11, _bound)
_ORDER: Final = (
    *(_USED, _INSTALLED, _OVERDRAFT, _RATIO, _FREE, _SERVERS),
    *(_DAY, _MONTH, _EVER, _ON, _OF, _BOUND, _AVERAGE, _LEFT),
)
_IMPORTANCE: Final = (
    *(_USED, _INSTALLED, _RATIO, _SERVERS, _LEFT, _DAY, _FREE, _MONTH, _EVER, _ON),
    *(_OVERDRAFT, _AVERAGE, _OF, _BOUND),
)


@dataclass(frozen=True, slots=True)
class Shape:
    """What is shown, and how wide; 0 leaves a column out."""

    scope: int
    name: int
    model: int
    columns: tuple[Column, ...]
    trend: int


def shape(cells: int, rows: Sequence[TotalView]) -> Shape:
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
    return Shape(
        scope,
        name + more,
        model,
        tuple(column for column in _ORDER if column in chosen),
        wide if wide >= SMALLEST_TREND else 0,
    )


def header(columns: Shape, *, assigned: bool, scope: str = "", stretch: str = "24 h") -> Line:
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


def row(view: TotalView, past: Past, columns: Shape, symbols: Symbols) -> Line:
    """One product and model."""
    runs: list[Run] = [(" ", Tone.TEXT)]
    if columns.scope:
        said = text.pad(view.scope, columns.scope - 1, ellipsis=symbols.ellipsis)
        runs.append((f"{said} ", Tone.TEXT))
    runs.append((text.pad(view.name, columns.name, ellipsis=symbols.ellipsis), Tone.TEXT))
    if columns.model:
        short = columns.model < _LONG
        word = short_model(view.total.model) if short else model_word(view.total.model)
        runs.append((f" {text.pad(word, columns.model)}", Tone.QUIET))
    for column in columns.columns:
        said, tone = column.cell(view, symbols)
        runs.append((f"{said:>{column.width}}", tone))
    if columns.trend:
        runs.append(("  ", Tone.TEXT))
        installed = view.total.reading.installed
        runs += trend(past, installed, view.limits, columns.trend, symbols)
    return tuple(runs)


def about(view: TotalView, symbols: Symbols) -> tuple[Line, Line]:
    """The chosen row in words: its peak and what it covers, and where it leads."""
    from lictui.analysis.forecast import words  # noqa: PLC0415 - not for the first frame

    ahead = view.past.ahead
    lead = "" if ahead is None else f"forecast: {words(ahead, view.today)}"
    return ((_past(view, symbols), Tone.TEXT),), ((lead, Tone.QUIET),)


def _past(view: TotalView, symbols: Symbols) -> str:
    found = view.past.ever
    known = peak(found)
    if found is None or known is None or known.at is None:
        return "what the past says is being looked up"
    here = local(known.at, view.zone)
    when = f"{here.day} {here:%b %Y %H:%M}"
    if view.assigned:
        return f"most assigned ever {_figure(known.peak)} on {when}" + _since(view)
    of = f" of {_figure(known.installed_then)} installed then"
    bound = found.upper_bound
    several = len(view.total.expected) > 1 and bound is not None
    most = f" (each server's own peak summed: at most {bound:,})" if several else ""
    average = "" if known.average is None else f", average {known.average:,.0f}"
    covered = f"{text.percent(known.coverage)} of the time covered"
    said = f"most in use ever {_figure(known.peak)} on {when}{of}{most}{average}"
    return f"{said} {symbols.dot} {covered}"


def _since(view: TotalView) -> str:
    month = view.past.assigned
    if month is None or view.net is None:
        return ""
    newly = "" if month.newly is None else f", {month.newly:,} newly assigned"
    released = "" if month.released is None else f", {month.released:,} released"
    return f"; this month {view.net:+,} in all{newly}{released}"
