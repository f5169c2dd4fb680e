"""The facts next to and below the usage chart, and the values under its cursor, as text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from textwrap import wrap
from typing import TYPE_CHECKING, Final

from lictui.analysis.forecast import describe_forecast
from lictui.engine.entitlements import ExpiryKind
from lictui.tui.text import (
    LEVEL_TONES,
    Tone,
    format_coarse_age,
    format_count,
    format_percent,
    merge_fragments,
    strip_controls,
)
from lictui.tui.time_range import format_moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from zoneinfo import ZoneInfo

    from lictui.analysis.usage import UsageStats
    from lictui.engine.entitlements import Expiry
    from lictui.engine.product_history import ProductHistory, ProductOutlook, ProductSelection
    from lictui.model import Level, MonthlyUsage
    from lictui.tui.text import Fragment, Line
    from lictui.tui.theme import Symbols
    from lictui.tui.widgets.chart_view import ChartView
    from lictui.tui.widgets.dashboard_view import CurrentTime

Fact = tuple[str, "list[Fragment]"]  # label and text
_LABEL: Final = 12  # columns of the label
_DAY: Final = 86400
_EXPIRY_LABELS: Final = {ExpiryKind.LICENSES: "expires", ExpiryKind.SUBSCRIPTION: "SA ends"}


@dataclass(frozen=True, slots=True)
class FactsInput:
    """Everything the facts are made of."""

    selection: ProductSelection
    view: ChartView
    history: ProductHistory
    outlook: ProductOutlook | None
    expiries: Sequence[Expiry]
    time: CurrentTime


def facts(data: FactsInput, symbols: Symbols) -> Iterator[Fact]:
    """The facts in the order in which they are shown."""
    selection, outlook, now = data.selection, data.outlook, data.time.now
    yield "now", _current(selection, symbols)
    if data.view.buckets and data.history.stats:
        yield from _past(data, data.history.stats)
    if outlook and outlook.anomaly:
        yield "today", [(outlook.anomaly, Tone.ACCENT)]
    if outlook:
        forecast = outlook.forecast
        dated = bool(forecast.reaches.installed or forecast.shortfalls)
        text = describe_forecast(forecast, data.time.today)
        yield "forecast", [(text, Tone.WARN if dated else Tone.TEXT)]
    monthly = list(monthly_facts(data.history.monthly_usage, now))
    if outlook and outlook.assignments and not any(label == "this month" for label, _ in monthly):
        yield "this month", [(_assignments(*outlook.assignments), Tone.TEXT)]
    yield from monthly
    for expiry in data.expiries:
        if label := _EXPIRY_LABELS.get(expiry.kind):
            day = f"{expiry.day.day} {expiry.day:%b %Y}"
            count = f" ({format_count(expiry.count)} licenses)"
            yield label, [(day, Tone.TEXT), (count, Tone.QUIET)]
    yield "servers", _servers(selection)


def _current(selection: ProductSelection, symbols: Symbols) -> list[Fragment]:
    if not selection.reporting:
        return [("no current data", Tone.CRITICAL)]
    reading, level = selection.reading, selection.level
    verb = selection.model.verb
    fragments = [
        (
            f"{format_count(reading.in_use)} of {format_count(reading.installed)} {verb}",
            Tone.STRONG,
        ),
        (f"  {format_percent(reading.ratio)}{_glyph(level, symbols)}", LEVEL_TONES[level]),
        (f"  {format_count(reading.free)} free", Tone.TEXT),
    ]
    if reading.overdraft:
        fragments.append((f", overdraft {reading.overdraft:,}", Tone.QUIET))
    return fragments


def _glyph(level: Level, symbols: Symbols) -> str:
    return f" {symbols.level[level]}".rstrip()


def _past(data: FactsInput, stats: UsageStats) -> Iterator[Fact]:
    view, history = data.view, data.history
    average = [
        (f"{stats.average:,.0f}", Tone.TEXT),
        (f", {_coverage(view, stats, data.time.now)}", Tone.QUIET),
    ]
    if view.assigned:  # assignments persist: they have no concurrency peak
        top = max(view.buckets, key=view.value)
        value = round(view.value(top))
        free = "" if top.installed is None else f"  {top.installed - value:,} free"
        when = f"  {format_moment(top.start, view.tz)}{free}"
        yield "maximum", [(f"{value:,}", Tone.STRONG), (when, Tone.TEXT)]
        yield "average", average
    else:
        yield peak_fact(stats, view.tz, is_upper_bound=history.is_upper_bound)
        yield "average", average
        yield percentile_fact(stats, is_coarse=history.is_coarse)
    at_most = history.is_coarse or (history.is_upper_bound and not view.assigned)
    yield from threshold_facts(stats, view.tz, at_most=at_most)


def _coverage(view: ChartView, stats: UsageStats, now: float) -> str:
    """The share of the time shown that has readings, from the first reading on."""
    first = view.buckets[0].start
    until = min(max(view.end, view.buckets[-1].end), int(now) + 1)
    share = min(1.0, stats.seconds / max(1, until - first))
    since = "" if first <= view.start else f" since {format_moment(first, view.tz)}"
    return f"data coverage {format_percent(share)}{since}"


def peak_fact(stats: UsageStats, zone: ZoneInfo | None, *, is_upper_bound: bool = False) -> Fact:
    """The peak, when it was, and how much was free then."""
    peak, installed = round(stats.peak), stats.installed_at_peak
    at_least = "at least " if is_upper_bound else ""
    free = "" if installed is None else f"  {at_least}{installed - peak:,} of {installed:,} free"
    text = f"  {format_moment(stats.peak_at, zone)}{free}"
    at_most = [("at most ", Tone.TEXT)] if is_upper_bound else []
    return "peak", [*at_most, (f"{peak:,}", Tone.STRONG), (text, Tone.TEXT)]


def percentile_fact(stats: UsageStats, *, is_coarse: bool) -> Fact:
    """Percentiles over time. Daily maxima have no meaningful median, so `is_coarse` omits it."""
    median = "" if is_coarse else f" · median {stats.p50:,.0f}"
    return "percentiles", [
        ("95th ", Tone.TEXT),
        (f"{stats.p95:,.0f}", Tone.STRONG),
        (" · 99th ", Tone.TEXT),
        (f"{stats.p99:,.0f}", Tone.STRONG),
        (median, Tone.TEXT),
    ]


def threshold_facts(stats: UsageStats, zone: ZoneInfo | None, *, at_most: bool) -> Iterator[Fact]:
    """How long usage was at or above shares of installed, and the longest time at 100 %."""
    reached = [(share, seconds) for share, seconds in stats.seconds_above if seconds]
    if not reached:
        lowest = min(share for share, _ in stats.seconds_above)
        yield "time above", [(f"{lowest * 100:.0f} %: none", Tone.QUIET)]
        return
    up_to = "up to " if at_most else ""
    texts = (f"{share * 100:.0f} %: {up_to}{format_coarse_age(time)}" for share, time in reached)
    yield "time above", [(" · ".join(texts), Tone.WARN)]
    if period := stats.longest_saturation:
        length = format_coarse_age(period.seconds)
        text = f"longest {length}, from {format_moment(period.start, zone)}"
        yield "at 100 %", [(text, Tone.CRITICAL)]


def _assignments(assigned: int, released: int) -> str:
    if not assigned and not released:
        return "no changes detected"
    return f"at least {assigned:,} assigned, {released:,} released"


def monthly_facts(months: Sequence[MonthlyUsage], now: float) -> Iterator[Fact]:
    """What the source reports as assigned and released this month and last month."""
    current = _month_number(now)
    for label, number in (("this month", current), ("last month", current - 1)):
        month = next(
            (entry for entry in months if _month_number(entry.month_start) == number), None
        )
        if month is not None and (month.newly_assigned, month.released) != (None, None):
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
    reporting = {status.server.name for status, _ in selection.reporting}
    fragments: list[Fragment] = [(f"{len(reporting)} of {len(selection.servers)}: ", Tone.TEXT)]
    for index, name in enumerate(names or selection.servers):
        if index:
            fragments.append((", ", Tone.QUIET))
        tone = Tone.TEXT if name in reporting else Tone.CRITICAL
        fragments.append((strip_controls(name), tone))
    return fragments


def cursor_line(view: ChartView, symbols: Symbols) -> Line:
    """The values of the bucket under the cursor."""
    if view.cursor is None:
        return ()
    bucket = view.buckets[view.cursor]
    level, value = view.level(bucket), round(view.value(bucket))
    share = format_percent(value / bucket.installed) if bucket.installed else "?"
    when = f"{format_moment(bucket.start, view.tz)} to {format_moment(bucket.end, view.tz)[-5:]}"
    if bucket.end - bucket.start >= _DAY:
        until = format_moment(bucket.end, view.tz, year=True)
        when = f"{format_moment(bucket.start, view.tz, year=True)} to {until}"
    more = "" if bucket.installed is None else f", {bucket.installed - value:,} free"
    if view.previous:
        previous = view.previous_bucket()
        figure = "?" if previous is None else f"{round(view.value(previous)):,}"
        more = f" {symbols.dot} {view.previous_label} {figure}"
    verb = "assigned" if view.assigned else "in use"
    return (
        (f"{symbols.ascending} {when}  ", Tone.ACCENT),
        (f"{value:,} of {format_count(bucket.installed)} {verb}  {share}", Tone.STRONG),
        (_glyph(level, symbols), LEVEL_TONES[level]),
        (more, Tone.QUIET),
    )


def fact_lines(entries: Iterable[Fact], width: int) -> Iterator[Line]:
    """Facts as lines of at most so many columns, their labels in a column of their own."""
    for label, fragments in entries:
        head: Fragment = (f"{label:<{_LABEL}}", Tone.QUIET)
        for line in _wrapped(fragments, max(10, width - _LABEL)):
            yield (head, *line)
            head = (" " * _LABEL, Tone.QUIET)


def _wrapped(fragments: list[Fragment], width: int) -> Iterator[Line]:
    """Fragments broken between words, each keeping its tone."""
    text = "".join(part for part, _ in fragments)
    tones = [tone for part, tone in fragments for _ in part]
    start = 0
    for piece in wrap(text, width, drop_whitespace=False, break_on_hyphens=False):
        yield merge_fragments(zip(piece.rstrip(), tones[start:], strict=False))
        start += len(piece)
