"""What stands beside and below a product's chart: figures of now and of the stretch shown.

Pure: a subject and a chart's view in, lines of text out. Must not know Textual.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Final

from lictui.engine.board import answered
from lictui.tui.screens import product_outlook
from lictui.tui.text import OF_LEVEL, Line, Run, Tone, clean, coarse_age, figure, merge, percent
from lictui.tui.time_range import moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from zoneinfo import ZoneInfo

    from lictui.analysis.usage import Spread
    from lictui.model import Level, Pool
    from lictui.tui.screens.product_data import Answer
    from lictui.tui.screens.product_model import Subject
    from lictui.tui.screens.product_outlook import Outlook
    from lictui.tui.screens.wall_view import Moment
    from lictui.tui.theme import Symbols
    from lictui.tui.widgets.chart_view import ChartView


# How much was needed for how long, beside the chart: peak, percentiles, time above thresholds


def peak(
    found: Spread, zone: ZoneInfo | None, *, bound: bool = False
) -> Iterator[tuple[str, list[Run]]]:
    """The highest of all, when it was, and what was free of what was installed then.

    Where it is but a `bound` it is said to be one.
    """
    most = round(found.peak)
    then = found.installed_then
    least = "at least " if bound else ""
    free = "" if then is None else f"  {least}{then - most:,} free of {figure(then)}"
    said = f"  {moment(found.peak_at, zone)}{free}"
    at_most = [("at most ", Tone.TEXT)] if bound else []
    yield "peak", [*at_most, (f"{most:,}", Tone.STRONG), (said, Tone.TEXT)]


def needed(found: Spread, *, coarse: bool) -> Iterator[tuple[str, list[Run]]]:
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


def above(found: Spread, zone: ZoneInfo | None, *, coarse: bool) -> Iterator[tuple[str, list[Run]]]:
    """How long shares of what is installed were reached, and for how long without a break.

    Where only `coarse` buckets are kept, a day counts whole: no longer than that, then.
    """
    reached = [(share, seconds) for share, seconds in found.above if seconds]
    if not reached:
        lowest = min(share for share, _ in found.above)
        yield "above", [(f"never at {lowest * 100:.0f} % of installed", Tone.QUIET)]
        return
    most = "up to " if coarse else ""
    each = (f"{share * 100:.0f} % for {most}{coarse_age(secs)}" for share, secs in reached)
    said = ", ".join(each)
    yield "above", [(said, Tone.WARN)]
    if found.saturated is not None:
        stretch = found.saturated
        said = f"for {coarse_age(stretch.seconds)} at most, from {moment(stretch.start, zone)}"
        yield "full", [(said, Tone.CRITICAL)]


Fact = tuple[str, "list[Run]"]  # a word, and what there is to say
_LABEL: Final = 9  # columns of the word
_DAY: Final = 86400


def read_off(view: ChartView, symbols: Symbols) -> Line:
    """The figures under the cursor."""
    if view.cursor is None:
        return ()
    bucket = view.buckets[view.cursor]
    level, value = view.level(bucket), round(view.figure(bucket))
    verb = "assigned" if view.assigned else "in use"
    share = percent(value / bucket.installed) if bucket.installed else "?"
    at = f"{moment(bucket.start, view.tz)} to {moment(bucket.end, view.tz)[-5:]}"
    if bucket.end - bucket.start >= _DAY:
        until = moment(bucket.end, view.tz, year=True)
        at = f"{moment(bucket.start, view.tz, year=True)} to {until}"
    free = "" if bucket.installed is None else f", {bucket.installed - value:,} free"
    if view.before:
        earlier = view.earlier()
        then = "?" if earlier is None else f"{round(view.figure(earlier)):,}"
        free = f" {symbols.dot} {view.compared} {then}"
    return (
        (f"{symbols.ascending} {at}  ", Tone.ACCENT),
        (f"{value:,} of {figure(bucket.installed)} {verb}  {share}", Tone.STRONG),
        (_mark(level, symbols), OF_LEVEL[level]),
        (free, Tone.QUIET),
    )


def _mark(level: Level, symbols: Symbols) -> str:
    return f" {symbols.level[level]}".rstrip()


@dataclass(frozen=True, slots=True)
class Told:
    """Everything there is to say something about."""

    about: Subject
    view: ChartView
    answer: Answer
    outlook: Outlook | None
    moment: Moment


def facts(told: Told, symbols: Symbols) -> Iterator[Fact]:
    """What stands beside the chart: a word, and what there is to say."""
    about, view, now = told.about, told.view, told.moment.now
    yield "now", _now(about, symbols)
    if view.buckets and told.answer.spread:
        yield from _past(told, told.answer.spread)
    if told.outlook:
        yield from product_outlook.facts(told.outlook, told.moment.today)
    monthly = list(product_outlook.facts_product_months(view.told, now))
    if told.outlook and not any(word == "month" for word, _ in monthly):
        yield from product_outlook.month(told.outlook)
    yield from monthly
    for pool in sorted((pool for _, pool in about.pools), key=lambda pool: pool.key):
        if pool.subscription_date or pool.expires:
            yield "until", _dates(pool)
    yield "servers", _servers(about)


def _now(about: Subject, symbols: Symbols) -> list[Run]:
    reading, level = about.reading, about.level
    if not about.live:
        return [("no figures of now", Tone.CRITICAL)]
    verb = "assigned" if about.assigned else "in use"
    tone = OF_LEVEL[level]
    runs = [
        (f"{figure(reading.in_use)} of {figure(reading.installed)} {verb}", Tone.STRONG),
        (f"  {percent(reading.ratio)}{_mark(level, symbols)}", tone),
        (f"  {figure(reading.free)} free", Tone.TEXT),
    ]
    if reading.overdraft:
        runs.append((f", overdraft {reading.overdraft:,}", Tone.QUIET))
    return runs


def _past(told: Told, found: Spread) -> Iterator[Fact]:
    view = told.view
    average = (f"{found.average:,.0f}", Tone.TEXT)
    coverage = (f"  {_coverage(view, found, told.moment.now)}", Tone.QUIET)
    if view.assigned:  # people keep what they were assigned: no concurrency, so no peak of it
        top = max(view.buckets, key=view.figure)
        most = round(view.figure(top))
        free = "" if top.installed is None else f"  {top.installed - most:,} free"
        said = f"  {moment(top.start, view.tz)}{free}"
        yield "most", [(f"{most:,}", Tone.STRONG), (said, Tone.TEXT)]
        yield "average", [average, coverage]
    else:
        yield from peak(found, view.tz, bound=told.answer.bound)
        yield "average", [average, coverage]
        yield from needed(found, coarse=told.answer.coarse)
    most = told.answer.coarse or (told.answer.bound and not view.assigned)
    yield from above(found, view.tz, coarse=most)


def _coverage(view: ChartView, found: Spread, now: float) -> str:
    """How much of the time shown was recorded, from the first reading on."""
    first = view.buckets[0].start
    until = min(max(view.end, view.buckets[-1].end), int(now) + 1)
    share = min(1.0, found.seconds / max(1, until - first))
    since = "" if first <= view.start else f" since {moment(first, view.tz)}"
    return f"{percent(share)} recorded{since}"


def _dates(pool: Pool) -> list[Run]:
    runs: list[Run] = []
    if pool.subscription_date is not None:
        day = pool.subscription_date
        runs.append((f"{day.day} {day:%b %Y} ", Tone.TEXT))
    runs.append((f"{figure(pool.reading.installed)} licenses", Tone.QUIET))
    if pool.expires is not None and not pool.permanent:
        day = pool.expires
        runs.append((f", expire {day.day} {day:%b %Y}", Tone.QUIET))
    return runs


def _servers(about: Subject) -> list[Run]:
    live = [status for status, pool in about.pools if answered(status, pool)]
    names = dict.fromkeys(status.server.name for status, _ in about.pools)
    known = dict.fromkeys(status.server.name for status in live)
    runs: list[Run] = [(f"{len(known)} of {len(about.servers)}: ", Tone.TEXT)]
    for count, name in enumerate(names or about.servers):
        if count:
            runs.append((", ", Tone.QUIET))
        runs.append((clean(name), Tone.TEXT if name in known else Tone.CRITICAL))
    return runs


def lines(found: Iterable[Fact], width: int) -> Iterator[Line]:
    """Facts as lines of at most so many columns, their words in a column of their own."""
    for word, runs in found:
        head: Run = (f"{word:<{_LABEL}}", Tone.QUIET)
        for line in _broken(runs, max(10, width - _LABEL)):
            yield (head, *line)
            head = (" " * _LABEL, Tone.QUIET)


def _broken(runs: list[Run], width: int) -> Iterator[Line]:
    """Runs broken between words, each keeping its tone."""
    whole = "".join(text for text, _ in runs)
    tones = [tone for text, tone in runs for _ in text]
    at = 0
    for part in wrap(whole, width, drop_whitespace=False, break_on_hyphens=False):
        yield merge(zip(part.rstrip(), tones[at:], strict=False))
        at += len(part)
