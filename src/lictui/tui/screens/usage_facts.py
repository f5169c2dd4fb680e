"""What stands beside and below a product's chart: figures of now and of the stretch shown.

Pure: a subject and a chart's view in, lines of text out. Must not know Textual.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Final

from lictui.engine.board import is_reporting
from lictui.tui.screens import usage_outlook
from lictui.tui.text import (
    LEVEL_TONES,
    Fragment,
    Line,
    Tone,
    format_coarse_age,
    format_count,
    format_percent,
    merge_fragments,
    strip_controls,
)
from lictui.tui.time_range import format_moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from zoneinfo import ZoneInfo

    from lictui.analysis.usage import UsageStats
    from lictui.model import Level, Pool
    from lictui.tui.screens.dashboard_view import CurrentTime
    from lictui.tui.screens.usage_data import ProductAnswer
    from lictui.tui.screens.usage_outlook import Outlook
    from lictui.tui.screens.usage_query import ProductSelection
    from lictui.tui.theme import Symbols
    from lictui.tui.widgets.chart_view import ChartView


# How much was needed for how long, beside the chart: peak, percentiles, time above thresholds


def peak_facts(
    found: UsageStats, zone: ZoneInfo | None, *, bound: bool = False
) -> Iterator[tuple[str, list[Fragment]]]:
    """The highest of all, when it was, and what was free of what was installed then.

    Where it is but a `bound` it is said to be one.
    """
    most = round(found.peak)
    then = found.installed_at_peak
    least = "at least " if bound else ""
    free = "" if then is None else f"  {least}{then - most:,} free of {format_count(then)}"
    said = f"  {format_moment(found.peak_at, zone)}{free}"
    at_most = [("at most ", Tone.TEXT)] if bound else []
    yield "peak", [*at_most, (f"{most:,}", Tone.STRONG), (said, Tone.TEXT)]


def percentile_facts(found: UsageStats, *, coarse: bool) -> Iterator[tuple[str, list[Fragment]]]:
    """How many licenses would have covered how much of the time.

    Of `coarse` buckets only the top is told: by their peaks, whole days say nothing of a half.
    """
    half = "" if coarse else f", {found.p50:,.0f} for half"
    yield (
        "needed",
        [
            (f"{found.p95:,.0f}", Tone.STRONG),
            (" to cover 95 % of the time, ", Tone.TEXT),
            (f"{found.p99:,.0f}", Tone.STRONG),
            (f" for 99 %{half}", Tone.TEXT),
        ],
    )


def threshold_facts(
    found: UsageStats, zone: ZoneInfo | None, *, coarse: bool
) -> Iterator[tuple[str, list[Fragment]]]:
    """How long shares of what is installed were reached, and for how long without a break.

    Where only `coarse` buckets are kept, a day counts whole: no longer than that, then.
    """
    reached = [(share, seconds) for share, seconds in found.seconds_above if seconds]
    if not reached:
        lowest = min(share for share, _ in found.seconds_above)
        yield "above", [(f"never at {lowest * 100:.0f} % of installed", Tone.QUIET)]
        return
    most = "up to " if coarse else ""
    each = (f"{share * 100:.0f} % for {most}{format_coarse_age(secs)}" for share, secs in reached)
    said = ", ".join(each)
    yield "above", [(said, Tone.WARN)]
    if found.longest_saturation is not None:
        stretch = found.longest_saturation
        since = format_moment(stretch.start, zone)
        said = f"for {format_coarse_age(stretch.seconds)} at most, from {since}"
        yield "full", [(said, Tone.CRITICAL)]


Fact = tuple[str, "list[Fragment]"]  # a word, and what there is to say
_LABEL: Final = 9  # columns of the word
_DAY: Final = 86400


def read_off(view: ChartView, symbols: Symbols) -> Line:
    """The figures under the cursor."""
    if view.cursor is None:
        return ()
    bucket = view.buckets[view.cursor]
    level, value = view.level(bucket), round(view.value(bucket))
    verb = "assigned" if view.assigned else "in use"
    share = format_percent(value / bucket.installed) if bucket.installed else "?"
    at = f"{format_moment(bucket.start, view.tz)} to {format_moment(bucket.end, view.tz)[-5:]}"
    if bucket.end - bucket.start >= _DAY:
        until = format_moment(bucket.end, view.tz, year=True)
        at = f"{format_moment(bucket.start, view.tz, year=True)} to {until}"
    free = "" if bucket.installed is None else f", {bucket.installed - value:,} free"
    if view.previous:
        earlier = view.previous_bucket()
        then = "?" if earlier is None else f"{round(view.value(earlier)):,}"
        free = f" {symbols.dot} {view.previous_label} {then}"
    return (
        (f"{symbols.ascending} {at}  ", Tone.ACCENT),
        (f"{value:,} of {format_count(bucket.installed)} {verb}  {share}", Tone.STRONG),
        (_mark(level, symbols), LEVEL_TONES[level]),
        (free, Tone.QUIET),
    )


def _mark(level: Level, symbols: Symbols) -> str:
    return f" {symbols.level[level]}".rstrip()


@dataclass(frozen=True, slots=True)
class FactsInput:
    """Everything there is to say something about."""

    about: ProductSelection
    view: ChartView
    answer: ProductAnswer
    outlook: Outlook | None
    moment: CurrentTime


def facts(told: FactsInput, symbols: Symbols) -> Iterator[Fact]:
    """What stands beside the chart: a word, and what there is to say."""
    about, view, now = told.about, told.view, told.moment.now
    yield "now", _now(about, symbols)
    if view.buckets and told.answer.spread:
        yield from _past(told, told.answer.spread)
    if told.outlook:
        yield from usage_outlook.forecast_facts(told.outlook, told.moment.today)
    monthly = list(usage_outlook.source_month_facts(view.monthly_usage, now))
    if told.outlook and not any(word == "month" for word, _ in monthly):
        yield from usage_outlook.month_facts(told.outlook)
    yield from monthly
    for pool in sorted((pool for _, pool in about.pools), key=lambda pool: pool.key):
        if pool.subscription_date or pool.expires:
            yield "until", _dates(pool)
    yield "servers", _servers(about)


def _now(about: ProductSelection, symbols: Symbols) -> list[Fragment]:
    reading, level = about.reading, about.level
    if not about.live:
        return [("no figures of now", Tone.CRITICAL)]
    verb = "assigned" if about.assigned else "in use"
    tone = LEVEL_TONES[level]
    runs = [
        (
            f"{format_count(reading.in_use)} of {format_count(reading.installed)} {verb}",
            Tone.STRONG,
        ),
        (f"  {format_percent(reading.ratio)}{_mark(level, symbols)}", tone),
        (f"  {format_count(reading.free)} free", Tone.TEXT),
    ]
    if reading.overdraft:
        runs.append((f", overdraft {reading.overdraft:,}", Tone.QUIET))
    return runs


def _past(told: FactsInput, found: UsageStats) -> Iterator[Fact]:
    view = told.view
    average = (f"{found.average:,.0f}", Tone.TEXT)
    coverage = (f"  {_coverage(view, found, told.moment.now)}", Tone.QUIET)
    if view.assigned:  # people keep what they were assigned: no concurrency, so no peak of it
        top = max(view.buckets, key=view.value)
        most = round(view.value(top))
        free = "" if top.installed is None else f"  {top.installed - most:,} free"
        said = f"  {format_moment(top.start, view.tz)}{free}"
        yield "most", [(f"{most:,}", Tone.STRONG), (said, Tone.TEXT)]
        yield "average", [average, coverage]
    else:
        yield from peak_facts(found, view.tz, bound=told.answer.bound)
        yield "average", [average, coverage]
        yield from percentile_facts(found, coarse=told.answer.coarse)
    most = told.answer.coarse or (told.answer.bound and not view.assigned)
    yield from threshold_facts(found, view.tz, coarse=most)


def _coverage(view: ChartView, found: UsageStats, now: float) -> str:
    """How much of the time shown was recorded, from the first reading on."""
    first = view.buckets[0].start
    until = min(max(view.end, view.buckets[-1].end), int(now) + 1)
    share = min(1.0, found.seconds / max(1, until - first))
    since = "" if first <= view.start else f" since {format_moment(first, view.tz)}"
    return f"{format_percent(share)} recorded{since}"


def _dates(pool: Pool) -> list[Fragment]:
    runs: list[Fragment] = []
    if pool.subscription_date is not None:
        day = pool.subscription_date
        runs.append((f"{day.day} {day:%b %Y} ", Tone.TEXT))
    runs.append((f"{format_count(pool.reading.installed)} licenses", Tone.QUIET))
    if pool.expires is not None and not pool.permanent:
        day = pool.expires
        runs.append((f", expire {day.day} {day:%b %Y}", Tone.QUIET))
    return runs


def _servers(about: ProductSelection) -> list[Fragment]:
    live = [status for status, pool in about.pools if is_reporting(status, pool)]
    names = dict.fromkeys(status.server.name for status, _ in about.pools)
    known = dict.fromkeys(status.server.name for status in live)
    runs: list[Fragment] = [(f"{len(known)} of {len(about.servers)}: ", Tone.TEXT)]
    for count, name in enumerate(names or about.servers):
        if count:
            runs.append((", ", Tone.QUIET))
        runs.append((strip_controls(name), Tone.TEXT if name in known else Tone.CRITICAL))
    return runs


def lines(found: Iterable[Fact], width: int) -> Iterator[Line]:
    """Facts as lines of at most so many columns, their words in a column of their own."""
    for word, runs in found:
        head: Fragment = (f"{word:<{_LABEL}}", Tone.QUIET)
        for line in _broken(runs, max(10, width - _LABEL)):
            yield (head, *line)
            head = (" " * _LABEL, Tone.QUIET)


def _broken(runs: list[Fragment], width: int) -> Iterator[Line]:
    """Runs broken between words, each keeping its tone."""
    whole = "".join(text for text, _ in runs)
    tones = [tone for text, tone in runs for _ in text]
    at = 0
    for part in wrap(whole, width, drop_whitespace=False, break_on_hyphens=False):
        yield merge_fragments(zip(part.rstrip(), tones[at:], strict=False))
        at += len(part)
