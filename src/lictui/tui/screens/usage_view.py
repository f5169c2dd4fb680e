"""The usage view without Textual: what it asks for, and the chart, lines and facts it shows."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from lictui.analysis.forecast import ForecastStatus, describe_forecast
from lictui.analysis.series import day_of, day_start
from lictui.clock import DAY, HOUR, iso
from lictui.engine.board import FIGURES
from lictui.engine.entitlements import ExpiryKind
from lictui.engine.product_history import ProductQuery
from lictui.model import EventKind, Level, percent_text, sum_all_known
from lictui.time_range import RangeLength, bucket_seconds, format_moment, to_local
from lictui.tui.text import (
    LEVEL_TONES,
    NO_BREAK,
    Tone,
    format_coarse_age,
    format_count,
    format_date,
    format_share,
    format_sum,
    hang,
    shorten,
)
from lictui.tui.widgets.chart import ChartView, ForecastDay, Mark, MarkKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date
    from zoneinfo import ZoneInfo

    from lictui.analysis.usage import UsageStats
    from lictui.engine.entitlements import Expiry
    from lictui.engine.product_history import ProductHistory, ProductOutlook, ProductSelection
    from lictui.model import Event, MonthlyUsage
    from lictui.time_range import TimeRange
    from lictui.tui.text import Fragment, Line, Table
    from lictui.tui.theme import Symbols
    from lictui.tui.widgets.dashboard_view import CurrentTime

_FUTURE_SHARE: Final = 4  # the forecast takes at most a quarter of the range's length
_SHORT: Final = (RangeLength.HOURS, RangeLength.DAY)
_TRENDS: Final = (ForecastStatus.GROWING, ForecastStatus.FALLING)
_PREVIOUS: Final = {  # days back, on the same weekdays where the range has weeks
    RangeLength.HOURS: (1, "previous day"),
    RangeLength.DAY: (1, "previous day"),
    RangeLength.WEEK: (7, "previous week"),
    RangeLength.MONTH: (28, "4 weeks earlier"),
    RangeLength.YEAR: (364, "previous year"),
}
_MARKS: Final = {  # of good and of bad news
    EventKind.LICENSES: (MarkKind.LICENSES, MarkKind.REMOVED),
    EventKind.SERVER: (MarkKind.SERVER_UP, MarkKind.SERVER_DOWN),
    EventKind.VERSION: (MarkKind.VERSION, MarkKind.VERSION),
    EventKind.CERTIFICATE: (MarkKind.CERTIFICATE, MarkKind.CERTIFICATE),
    EventKind.ACTIVATION: (MarkKind.ACTIVATION, MarkKind.ACTIVATION),
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
    bounds = time_range.bounds(now, width, zone)
    back = _PREVIOUS[length][0] if compare else 0
    return ProductQuery(selection.servers, selection.product, bounds, width, back, heat_map)


class UsageData(Struct, frozen=True):
    """Everything that is shown of a product in a time range."""

    selection: ProductSelection
    query: ProductQuery
    time_range: TimeRange
    history: ProductHistory
    outlook: ProductOutlook | None
    expiries: Sequence[Expiry]
    time: CurrentTime
    zone: ZoneInfo | None


def chart_view(data: UsageData, cursor_at: float | None, note: str = "") -> ChartView:
    """The chart, with the cursor on the bucket of the time `cursor_at`, if any."""
    selection, query, zone, history = data.selection, data.query, data.zone, data.history
    end, marks = query.end, event_marks(history.events, selection)
    days: tuple[ForecastDay, ...] = ()
    if history.buckets:
        end = axis_end(data.outlook, data.time_range, data.time.now, zone)
        marks += tuple(expiry_marks(data.expiries, query.start, end, zone))
        if data.outlook and end > data.time.now and data.time_range.length not in _SHORT:
            days = tuple(forecast_days(data.outlook, history.buckets[-1].end, end, zone))
    return ChartView(
        buckets=history.buckets,
        start=query.start,
        end=end,
        length=data.time_range.length,
        tz=zone,
        assigned=selection.total.model.is_assigned,
        limits=selection.total.limits,
        cursor=_bucket_at(history, cursor_at),
        note=note,
        monthly_usage=history.monthly_usage,
        previous=history.previous,
        previous_label=_PREVIOUS[data.time_range.length][1],
        forecast=days,
        marks=marks,
    )


def _bucket_at(history: ProductHistory, time: float | None) -> int | None:
    if time is None or not history.buckets:
        return None
    later = (index for index, bucket in enumerate(history.buckets) if bucket.end > time)
    return next(later, len(history.buckets) - 1)


def axis_end(
    outlook: ProductOutlook | None, time_range: TimeRange, now: float, zone: ZoneInfo | None
) -> int:
    """Where the time axis ends: further after now than the period where a trend is forecast."""
    _, end = time_range.period(now, zone)
    is_long = time_range.length in (RangeLength.MONTH, RangeLength.YEAR)
    if outlook is None or not is_long or not time_range.is_current(now, zone):
        return end
    forecast = outlook.forecast
    if forecast.status not in _TRENDS or forecast.horizon is None:
        return end
    future = int(now) + time_range.length.value // _FUTURE_SHARE
    return max(end, min(day_start(forecast.horizon + timedelta(days=1), zone), future))


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
    marks = []
    for event in events:
        good_and_bad = _MARKS.get(event.kind, (MarkKind.NOTICE, MarkKind.NOTICE))
        message = event.message if single else f"{event.server}: {event.message}"
        kind = good_and_bad[event.level is not Level.OK]
        marks.append(Mark(event.time, kind, message))
    return tuple(marks)


def expiry_marks(
    expiries: Iterable[Expiry], start: int, end: int, zone: ZoneInfo | None
) -> Iterator[Mark]:
    """The days within [start, end) on which licenses expire."""
    for expiry in expiries:
        time = day_start(expiry.day, zone)
        if expiry.kind is ExpiryKind.LICENSES and start <= time < end:
            yield Mark(time, MarkKind.EXPIRY, f"{format_count(expiry.count)} licenses expire")


def mark_line(
    marks: tuple[Mark, ...], zone: ZoneInfo | None, today: date, width: int, symbols: Symbols
) -> Line:
    """The marks at the cursor in one line; empty where there are none."""
    if not marks:
        return ()
    first = marks[0]
    more = f"  and {len(marks) - 1} more" if len(marks) > 1 else ""
    when = f"{symbols.dot} {format_moment(first.time, zone, today)}  "
    tone = Tone.WARN if first.kind in _BAD_NEWS else Tone.TEXT
    text = shorten(first.text, max(8, width - len(when) - len(more)), symbols.ellipsis, tail=0)
    return ((when, Tone.ACCENT), (text, tone), (more, Tone.QUIET))


# The two lines above the chart, and the export


def title_line(selection: ProductSelection, width: int, symbols: Symbols) -> Line:
    """Product, model and servers in at most so many columns."""
    dot = f" {symbols.dot} "
    name, code = selection.total.name, selection.product
    count = len(selection.servers)
    where = selection.servers[0] if count == 1 else f"{count} servers"
    facts = f"{dot}{selection.total.model.label}{dot}"
    facts += shorten(where, max(8, width // 4), symbols.ellipsis)
    if name != code and len(name + facts + dot + code) <= width:
        facts += dot + code
    name = shorten(name, max(8, width - len(facts)), symbols.ellipsis)
    return ((name, Tone.STRONG), (facts, Tone.QUIET))


def range_line(data: UsageData, *, loading: bool = False) -> Line:
    """Which time is shown, and what a bucket of it shows."""
    figure = "last value" if data.selection.total.model.is_assigned else "peak"
    what = f", {figure} per {_width_text(data.query.width)}"
    what = " by hour and weekday" if data.query.heat_map else what
    what = ": loading history …" if loading else what
    return ((range_name(data.time_range, data.time.now, data.zone) + what, Tone.QUIET),)


def range_name(time_range: TimeRange, now: float, zone: ZoneInfo | None) -> str:
    """The period in words: `today, Mon 30 Nov`, `week 48, 23 to 29 Nov`, `November 2026`."""
    first, after = time_range.days(now, zone)
    last, today = after - timedelta(days=1), day_of(now, zone)
    day = f"{first:%a} {format_date(first, today)}"
    match time_range.length:
        case RangeLength.HOURS:
            hours = (to_local(at, zone) for at in time_range.period(now, zone))
            return f"{day} " + " to ".join(f"{hour:%H:%M}" for hour in hours)
        case RangeLength.DAY:
            return f"today, {day}" if first == today else day
        case RangeLength.WEEK:
            days = days_text(first, last, today)
            return "last 7 days" if time_range.recent else f"week {first:%V}, {days}"
        case RangeLength.MONTH:
            return f"{first:%B %Y}"
    return f"{first:%Y}"


def days_text(first: date, last: date, today: date) -> str:
    """Some days: `23 to 29 Nov`, `30 Nov to 6 Dec`, with the year if it is another one."""
    same_month = (first.year, first.month) == (last.year, last.month)
    start = f"{first.day}" if same_month else format_date(first, last)
    return f"{start} to {format_date(last, today)}"


def _width_text(seconds: int) -> str:
    units = ((7 * DAY, "week"), (DAY, "day"), (HOUR, "hour"), (60, "minute"))
    unit, name = next((unit, name) for unit, name in units if seconds % unit == 0)
    count = seconds // unit
    return name if count == 1 else f"{count} {name}s"


def export_table(view: ChartView) -> Table:
    """The buckets that are drawn."""
    head = ("from", "to", "in_use_min", "in_use_avg", "in_use_max", "installed", "overdraft")
    rows = (
        (iso(b.start), iso(b.end), b.low, b.average, b.high, b.installed, b.overdraft)
        for b in view.buckets
    )
    return (head, *rows)


# The facts next to and below the chart, and the values under its cursor


Fact = tuple[str, "list[Fragment]"]  # label and text
_LABEL: Final = 12  # columns of the label
_IN_GROUPS: Final = ("now", "peak", "maximum")
_GROUP: Final = re.compile(r"\S+(?: \S+)+")  # words with a single blank between them
_EXPIRY_LABELS: Final = {ExpiryKind.LICENSES: "expires", ExpiryKind.SUBSCRIPTION: "SA ends"}


def facts(data: UsageData, view: ChartView, symbols: Symbols) -> Iterator[Fact]:
    """The facts in the order in which they are shown."""
    outlook, now = data.outlook, data.time.now
    yield "now", _current(data.selection, symbols)
    if view.buckets and data.history.stats:
        yield from _past(data, view, data.history.stats)
    if outlook and outlook.anomaly:
        yield "today", [(outlook.anomaly, Tone.ACCENT)]
    if outlook:
        full = outlook.forecast.installed
        dated = bool((full and full.firm_day) or outlook.forecast.shortfalls)
        text = describe_forecast(outlook.forecast, data.time.today)
        yield "forecast", [(text, Tone.WARN if dated else Tone.TEXT)]
    yield from expiry_facts(data.expiries)
    monthly = list(monthly_facts(data.history.monthly_usage, now))
    if outlook and outlook.assignments and not any(label == "this month" for label, _ in monthly):
        assigned, released = outlook.assignments
        text = f"at least {assigned:,} assigned, {released:,} released"
        text = text if assigned or released else "no changes detected"
        yield "this month", [(text, Tone.TEXT)]
    yield from monthly
    yield "servers", _servers(data.selection)
    if outlook and (basis := outlook.forecast.shown_basis):
        yield "basis", [(f"forecast {basis}", Tone.QUIET)]


def expiry_facts(expiries: Iterable[Expiry]) -> Iterator[Fact]:
    """What ends when, `18 Jun 2027 (450)`; licenses that end on one day are added up."""
    ends: dict[str, dict[date, list[int | None]]] = {}
    for expiry in expiries:
        if label := _EXPIRY_LABELS.get(expiry.kind):
            ends.setdefault(label, {}).setdefault(expiry.day, []).append(expiry.count)
    for label, days in ends.items():
        counts = {day: format_count(sum_all_known(found)) for day, found in days.items()}
        texts = (f"{day.day} {day:%b %Y} ({count})" for day, count in counts.items())
        yield label, [(_grouped(texts), Tone.TEXT)]


def _grouped(texts: Iterable[str]) -> str:
    """Texts of which a line holds some or none, but never a part."""
    return ", ".join(text.replace(" ", NO_BREAK) for text in texts)


def _current(selection: ProductSelection, symbols: Symbols) -> list[Fragment]:
    total = selection.total
    if not total.servers_reporting:
        return [("no current data", Tone.CRITICAL)]
    counts = " of ".join(format_sum(total, figure, symbols.at_least) for figure in FIGURES)
    fragments = [(f"{counts} {total.model.verb}", Tone.STRONG)]
    if total.unknown_pools:
        fragments.append(("  some figures unknown", LEVEL_TONES[total.worst_level]))
    else:
        ratios, level = total.limits.ratios, total.level
        share = format_share(total.ratio, ratios, level, symbols).rstrip()
        fragments.append((f"  {share}", LEVEL_TONES[level]))
        fragments.append((f"  {format_count(total.free)} free", Tone.TEXT))
    if overdraft := total.reading.overdraft:
        fragments.append((f", overdraft {overdraft:,}", Tone.QUIET))
    return fragments


def _past(data: UsageData, view: ChartView, stats: UsageStats) -> Iterator[Fact]:
    is_coarse, today = data.history.is_coarse, data.time.today
    at_most = is_coarse or stats.bound
    label = "maximum" if view.assigned else "peak"
    yield peak_fact(stats, view.tz, today, label)
    coverage = f", {_coverage(view, stats, data.time)}"
    yield "average", [(f"{stats.average:,.0f}", Tone.TEXT), (coverage, Tone.QUIET)]
    if not view.assigned:  # assignments persist: percentiles of them say little
        yield percentile_fact(stats, is_coarse=is_coarse, at_most=at_most)
    yield from threshold_facts(stats, view.tz, today, at_most=at_most)


def _coverage(view: ChartView, stats: UsageStats, time: CurrentTime) -> str:
    """The share of the time shown that has readings, from the first reading on."""
    first = max(view.buckets[0].start, stats.start)  # a bucket may start before its first figure
    until = min(max(view.end, view.buckets[-1].end), int(time.now) + 1)
    share = min(1.0, stats.seconds / max(1, until - first))
    since = "" if first <= view.start else f" since {format_moment(first, view.tz, time.today)}"
    return f"data coverage {percent_text(share)}{since}"


def peak_fact(
    stats: UsageStats,
    zone: ZoneInfo | None,
    today: date,
    label: str = "peak",
) -> Fact:
    """The peak, when it was, and how much was free then."""
    peak, installed = round(stats.peak), stats.installed_at_peak
    at_least = "at least " if stats.peak_is_bound else ""
    free = "" if installed is None else f"  {at_least}{installed - peak:,} of {installed:,} free"
    text = f"  {format_moment(stats.peak_at, zone, today)}{free}"
    at_most = [("at most ", Tone.TEXT)] if stats.peak_is_bound else []
    return label, [*at_most, (f"{peak:,}", Tone.STRONG), (text, Tone.TEXT)]


def percentile_fact(stats: UsageStats, *, is_coarse: bool, at_most: bool) -> Fact:
    """Percentiles over time. Wide buckets have no meaningful median, so `is_coarse` omits it."""
    up_to = "at most " if at_most else ""
    figures = {"95th": stats.p95, "99th": stats.p99, "median": stats.p50}
    if is_coarse:
        del figures["median"]
    texts = (f"{name} {up_to}{figure:,.0f}" for name, figure in figures.items())
    return "percentiles", [(_grouped(texts), Tone.TEXT)]


def threshold_facts(
    stats: UsageStats, zone: ZoneInfo | None, today: date, *, at_most: bool
) -> Iterator[Fact]:
    """How long usage was at or above shares of installed, and the longest time at 100 %."""
    reached = [(share, seconds) for share, seconds in stats.seconds_above if seconds]
    if not reached:
        lowest, seconds = stats.seconds_above[0]
        text = "unknown, because the number of installed licenses is"
        if seconds is not None:
            text = f"{lowest * 100:g} %: none{' while installed was known' * stats.is_partial}"
        yield "time above", [(text, Tone.QUIET)]
        return
    up_to = "at least " if stats.is_partial else ""
    up_to = "up to " if at_most else up_to
    texts = (f"{share * 100:g} %: {up_to}{format_coarse_age(time)}" for share, time in reached)
    yield "time above", [(_grouped(texts), Tone.WARN)]
    if period := stats.longest_saturation:
        length = format_coarse_age(period.seconds)
        text = f"longest {up_to}{length}, from {format_moment(period.start, zone, today)}"
        yield "at 100 %", [(text, Tone.CRITICAL)]


def monthly_facts(months: Sequence[MonthlyUsage], now: float) -> Iterator[Fact]:
    """What the source reports as assigned and released this month and last month."""
    current = _month_number(now)
    for label, number in (("this month", current), ("last month", current - 1)):
        entries = (entry for entry in months if _month_number(entry.month_start) == number)
        month = next(entries, None)
        if month and (month.newly_assigned, month.released) != (None, None):
            assigned, released = format_count(month.newly_assigned), format_count(month.released)
            yield label, [(f"{assigned} assigned, {released} released", Tone.TEXT)]
    if months:
        first = datetime.fromtimestamp(months[0].month_start, UTC)
        yield "monthly", [(f"values from the source since {first:%b %Y}", Tone.QUIET)]


def _month_number(time: float) -> int:
    month = datetime.fromtimestamp(time, UTC)
    return month.year * 12 + month.month


def _servers(selection: ProductSelection) -> list[Fragment]:
    names = dict.fromkeys(status.server.name for status, _ in selection.pools)
    reporting = selection.total.servers_reporting
    fragments: list[Fragment] = []
    for name in names or selection.servers:
        tone = Tone.TEXT if name in reporting else Tone.CRITICAL
        fragments += [(", ", Tone.QUIET), (name, tone)]
    return [(f"{len(reporting)} of {len(selection.servers)}: ", Tone.TEXT), *fragments[1:]]


def cursor_line(view: ChartView, today: date, symbols: Symbols, width: int) -> Line:
    """The values of the bucket under the cursor, without what does not fit."""
    if view.cursor is None:
        return ()
    bucket = view.buckets[view.cursor]
    value = round(view.value(bucket))
    ratio, level = value / bucket.installed if bucket.installed else None, view.level(bucket)
    share = format_share(ratio, view.limits.ratios, level, symbols).rstrip()
    start = format_moment(bucket.start, view.tz, today)
    until = f" to {format_moment(bucket.end, view.tz)[-5:]}"
    if bucket.end - bucket.start >= 23 * HOUR:  # a day, maybe one on which clocks change
        first, last = (day_of(at, view.tz) for at in (bucket.start, bucket.end - 1))
        day = f"{first:%a} {format_date(first, today)}"
        start, until = day if first == last else days_text(first, last, today), ""
    more = [] if bucket.installed is None else [f", {bucket.installed - value:,} free"]
    if view.previous:
        previous = view.previous_bucket(bucket)
        figure = "?" if previous is None else f"{round(view.value(previous)):,}"
        more = [f" {symbols.dot} {view.previous_label} {figure}"]
    verb = "assigned" if view.assigned else "in use"
    more.append(f", average {bucket.average:,.0f}")
    values = f"{value:,} of {format_count(bucket.installed)} {verb}  "
    choices = ((until, 2), (until, 1), ("", 1), ("", 0))
    lines = [(f"{symbols.ascending} {start}{end}  ", "".join(more[:n])) for end, n in choices]
    room = width - len(values + share)
    when, rest = next((line for line in lines if len("".join(line)) <= room), lines[-1])
    parts = ((values, Tone.STRONG), (share, LEVEL_TONES[level]), (rest, Tone.QUIET))
    return ((when, Tone.ACCENT), *parts)


def fact_lines(entries: Iterable[Fact], width: int) -> Iterator[Line]:
    """Facts as lines of at most so many columns, their labels in a column of their own."""

    def glued(group: re.Match[str]) -> str:
        return group[0].replace(" ", NO_BREAK) if len(group[0]) <= width - _LABEL else group[0]

    for label, fragments in entries:
        parts = fragments
        if label in _IN_GROUPS:  # words are broken only between two groups of them
            whole = iter(_GROUP.sub(glued, "".join(text for text, _ in fragments)))
            parts = [("".join(islice(whole, len(text))), tone) for text, tone in fragments]
        yield from hang(((f"{label:<{_LABEL}}", Tone.QUIET),), parts, width)
