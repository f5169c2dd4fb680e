"""The usage view without Textual: which history it asks for, and what it draws of the answer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from lictui.analysis.forecast import ForecastStatus
from lictui.analysis.series import day_of, day_start
from lictui.engine.entitlements import ExpiryKind
from lictui.engine.product_history import ProductQuery
from lictui.model import EventKind, Level
from lictui.tui.text import Tone, format_count, shorten, strip_controls
from lictui.tui.time_range import RangeLength, bucket_seconds, format_moment, format_timestamp
from lictui.tui.widgets.chart import HeatMapView
from lictui.tui.widgets.chart_view import ChartView, ForecastDay, Mark, MarkKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from zoneinfo import ZoneInfo

    from lictui.engine.entitlements import Expiry
    from lictui.engine.product_history import ProductHistory, ProductOutlook, ProductSelection
    from lictui.model import Event
    from lictui.tui.text import Line, Table
    from lictui.tui.theme import Symbols
    from lictui.tui.time_range import TimeRange

_DAY: Final = 86400
_FUTURE_SHARE: Final = 4  # the forecast takes at most a quarter of the range's length
_TRENDS: Final = (ForecastStatus.GROWING, ForecastStatus.FALLING)
_RANGES: Final = {
    RangeLength.DAY: "24 hours",
    RangeLength.WEEK: "7 days",
    RangeLength.MONTH: "30 days",
    RangeLength.YEAR: "12 months",
}
_PREVIOUS: Final = {  # days back, on the same weekdays where the range has weeks
    RangeLength.DAY: (1, "previous day"),
    RangeLength.WEEK: (7, "previous week"),
    RangeLength.MONTH: (28, "4 weeks earlier"),
    RangeLength.YEAR: (364, "previous year"),
}
_UNITS: Final = ((7 * _DAY, "weekly"), (_DAY, "daily"), (3600, "hourly"))
_MARKS: Final = {
    EventKind.VERSION: MarkKind.VERSION,
    EventKind.CERTIFICATE: MarkKind.CERTIFICATE,
    EventKind.ACTIVATION: MarkKind.ACTIVATION,
}
_BAD_NEWS: Final = (MarkKind.REMOVED, MarkKind.EXPIRY, MarkKind.SERVER_DOWN)


def chart_query(
    selection: ProductSelection,
    time_range: TimeRange,
    columns: int,
    now: float,
    zone: ZoneInfo | None,
    *,
    compare: bool = False,
    heat_map: bool = False,
) -> ProductQuery:
    """The history to ask for where the chart has so many columns."""
    length = time_range.length
    width = bucket_seconds(length, columns, selection.interval)
    if width >= _DAY:
        bounds = time_range.days(now, width // _DAY, zone)
    else:
        start, end = time_range.bounds(now, width)
        bounds = tuple(range(start, end + 1, width))
    back = _PREVIOUS[length][0] if compare else 0
    return ProductQuery(selection.servers, selection.product, bounds, width, back, heat_map)


def chart_view(  # noqa: PLR0913 - everything that is drawn, each of another origin
    selection: ProductSelection,
    query: ProductQuery,
    time_range: TimeRange,
    history: ProductHistory,
    outlook: ProductOutlook | None,
    expiries: Iterable[Expiry],
    zone: ZoneInfo | None,
    *,
    cursor_at: float | None = None,
    note: str = "",
) -> ChartView:
    """The chart, with the cursor on the bucket of the time `cursor_at`, if any."""
    end, marks = query.end, event_marks(history.events, selection)
    days: tuple[ForecastDay, ...] = ()
    if history.buckets:
        end = axis_end(outlook, time_range, query.end, zone)
        marks += tuple(expiry_marks(expiries, query.start, end, zone))
    if outlook and end > query.end:
        days = tuple(forecast_days(outlook, history.buckets[-1].end, end, zone))
    return ChartView(
        buckets=history.buckets,
        start=query.start,
        end=end,
        length=time_range.length,
        tz=zone,
        assigned=selection.is_assigned,
        warn=selection.thresholds.warn,
        critical=selection.thresholds.critical,
        cursor=_bucket_at(history, cursor_at),
        note=note,
        monthly_usage=history.monthly_usage,
        previous=history.previous,
        previous_label=_PREVIOUS[time_range.length][1],
        forecast=days,
        marks=marks,
    )


def heat_map_view(
    selection: ProductSelection,
    history: ProductHistory,
    cursor: tuple[int, int] | None,
    note: str = "",
) -> HeatMapView:
    """The heat map of hours and weekdays."""
    installed = history.buckets[-1].installed if history.buckets else None
    limits = selection.thresholds
    return HeatMapView(history.heat_map, installed, limits.warn, limits.critical, cursor, note)


def _bucket_at(history: ProductHistory, time: float | None) -> int | None:
    if time is None or not history.buckets:
        return None
    later = (index for index, bucket in enumerate(history.buckets) if bucket.end > time)
    return next(later, len(history.buckets) - 1)


def axis_end(
    outlook: ProductOutlook | None, time_range: TimeRange, end: int, zone: ZoneInfo | None
) -> int:
    """Where the time axis ends: after now where a trend is forecast."""
    long = time_range.length in (RangeLength.MONTH, RangeLength.YEAR)
    if outlook is None or time_range.offset or not long:
        return end
    forecast = outlook.forecast
    if forecast.status not in _TRENDS or forecast.horizon is None:
        return end
    future: int = time_range.length.value // _FUTURE_SHARE
    return max(end, min(day_start(forecast.horizon + timedelta(days=1), zone), end + future))


def forecast_days(
    outlook: ProductOutlook, start: int, end: int, zone: ZoneInfo | None
) -> Iterator[ForecastDay]:
    """The days from `start` to `end`, as far as they are forecast."""
    forecast, day = outlook.forecast, day_of(start, zone)
    while forecast.horizon and day <= forecast.horizon and day_start(day, zone) < end:
        next_day = day + timedelta(days=1)
        level, interval = forecast.expected(day), forecast.interval(day)
        if level is not None and interval is not None:
            yield ForecastDay(
                max(start, day_start(day, zone)),
                day_start(next_day, zone),
                level,
                *interval,
                outlook.installed_on(day),
            )
        day = next_day


# Marks on the time axis


def event_marks(events: Iterable[Event], selection: ProductSelection) -> tuple[Mark, ...]:
    """A mark for each event; with several servers its text names the server."""
    single = len(selection.servers) == 1
    return tuple(
        Mark(
            event.time,
            _mark_kind(event),
            strip_controls(event.message if single else f"{event.server}: {event.message}"),
        )
        for event in events
    )


def _mark_kind(event: Event) -> MarkKind:
    bad = event.level is not Level.OK
    match event.kind:
        case EventKind.LICENSES:
            return MarkKind.REMOVED if bad else MarkKind.LICENSES
        case EventKind.SERVER:
            return MarkKind.SERVER_DOWN if bad else MarkKind.SERVER_UP
    return _MARKS.get(event.kind, MarkKind.NOTICE)


def expiry_marks(
    expiries: Iterable[Expiry], start: int, end: int, zone: ZoneInfo | None
) -> Iterator[Mark]:
    """The days within [start, end) on which licenses expire."""
    for expiry in expiries:
        time = day_start(expiry.day, zone)
        if expiry.kind is ExpiryKind.LICENSES and start <= time < end:
            yield Mark(time, MarkKind.EXPIRY, f"{format_count(expiry.count)} licenses expire")


def mark_line(marks: tuple[Mark, ...], zone: ZoneInfo | None, width: int, symbols: Symbols) -> Line:
    """The marks at the cursor in one line; empty where there are none."""
    if not marks:
        return ()
    first = marks[0]
    more = f"  and {len(marks) - 1} more" if len(marks) > 1 else ""
    when = f"{symbols.dot} {format_timestamp(first.time, zone).strip()}  "
    tone = Tone.WARN if first.kind in _BAD_NEWS else Tone.TEXT
    text = shorten(first.text, max(8, width - len(when) - len(more)), symbols.ellipsis)
    return ((when, Tone.ACCENT), (text, tone), (more, Tone.QUIET))


# The two lines above the chart, and the export


def title_line(selection: ProductSelection, width: int, symbols: Symbols) -> Line:
    """Product, model and servers in at most so many columns."""
    dot = f" {symbols.dot} "
    name, code = strip_controls(selection.name), strip_controls(selection.product)
    count = len(selection.servers)
    where = strip_controls(selection.servers[0]) if count == 1 else f"{count} servers"
    facts = f"{dot}{selection.model.label}{dot}"
    facts += shorten(where, max(8, width // 4), symbols.ellipsis)
    if name != code and len(name + facts + dot + code) <= width:
        facts += dot + code
    name = shorten(name, max(8, width - len(facts)), symbols.ellipsis)
    return ((name, Tone.STRONG), (facts, Tone.QUIET))


def range_line(
    query: ProductQuery, time_range: TimeRange, zone: ZoneInfo | None, *, assigned: bool
) -> Line:
    """Which time is shown, and what a bucket of it shows."""
    what = "closing values" if assigned else "peaks"
    text = f"{_range_text(query, time_range, zone)}, {_width_text(query.width)} {what}"
    return ((text, Tone.QUIET),)


def heat_map_line(query: ProductQuery, time_range: TimeRange, zone: ZoneInfo | None) -> Line:
    """Which time the heat map covers: a week at least."""
    if time_range.length is RangeLength.DAY:
        time_range = type(time_range)(RangeLength.WEEK, time_range.offset)
    return ((f"{_range_text(query, time_range, zone)} by hour and weekday", Tone.QUIET),)


def _range_text(query: ProductQuery, time_range: TimeRange, zone: ZoneInfo | None) -> str:
    length = _RANGES[time_range.length]
    if not time_range.offset:
        return f"last {length}"
    year = time_range.length is RangeLength.YEAR
    return f"{length} to {format_moment(query.end - year, zone, year=year)}"


def _width_text(seconds: int) -> str:
    for unit, word in _UNITS:
        if seconds == unit:
            return word
    if seconds % _DAY == 0:
        return f"{seconds // _DAY}-day"
    return f"{seconds // 3600}-hour" if seconds % 3600 == 0 else f"{seconds // 60}-minute"


def export_table(view: ChartView) -> Table:
    """The buckets that are drawn."""
    head = ("from", "to", "in_use_min", "in_use_avg", "in_use_max", "installed", "overdraft")
    rows = (
        (
            *(bucket.start, bucket.end, bucket.low, bucket.average, bucket.high),
            *(bucket.installed, bucket.overdraft),
        )
        for bucket in view.buckets
    )
    return (head, *rows)
