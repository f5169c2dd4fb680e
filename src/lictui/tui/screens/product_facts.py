"""What stands beside and below a product's chart: figures of now and of the stretch shown.

Pure: a subject and a chart's view in, lines of text out. Must not know Textual.
"""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Final

from lictui.monitor.totals import answered
from lictui.tui.ink import OF_LEVEL, Tone, merge
from lictui.tui.screens import product_months
from lictui.tui.span import moment
from lictui.tui.text import clean, figure, percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lictui.insights.series import Bucket
    from lictui.model import Pool
    from lictui.tui.ink import Line, Run
    from lictui.tui.screens.product_view import Subject
    from lictui.tui.symbols import Symbols
    from lictui.tui.widgets.chart_view import ChartView
    from lictui.words import Level

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
    return (
        (f"{symbols.ascending} {at}  ", Tone.ACCENT),
        (f"{value:,} of {figure(bucket.installed)} {verb}  {share}", Tone.STRONG),
        (_mark(level, symbols), OF_LEVEL[level]),
        (free, Tone.QUIET),
    )


def _mark(level: Level, symbols: Symbols) -> str:
    return f" {symbols.level[level]}".rstrip()


def facts(about: Subject, view: ChartView, now: float, symbols: Symbols) -> Iterator[Fact]:
    """What stands beside the chart: a word, and what there is to say."""
    yield "now", _now(about, symbols)
    if view.buckets:
        yield from _past(view, now)
    yield from product_months.facts(view.told, now)
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


def _past(view: ChartView, now: float) -> Iterator[Fact]:
    top = max(view.buckets, key=view.figure)
    most = round(view.figure(top))
    at = top.start if view.assigned else top.high_at
    free = "" if top.installed is None else f"  {top.installed - most:,} free"
    yield (
        "most" if view.assigned else "peak",
        [(f"{most:,}", Tone.STRONG), (f"  {moment(at, view.tz)}{free}", Tone.TEXT)],
    )
    average = (f"{_average(view.buckets):,.0f}", Tone.TEXT)
    yield "average", [average, (f"  {_coverage(view, now)}", Tone.QUIET)]


def _average(buckets: tuple[Bucket, ...]) -> float:
    seconds = sum(bucket.end - bucket.start for bucket in buckets)
    return sum(it.average * (it.end - it.start) for it in buckets) / max(1, seconds)


def _coverage(view: ChartView, now: float) -> str:
    """How much of the time shown was recorded, from the first reading on."""
    first = view.buckets[0]
    until = min(view.end, int(now))
    covered = sum(min(bucket.end, until) - bucket.start for bucket in view.buckets)
    share = min(1.0, covered / max(1, until - first.start))
    since = "" if first.start <= view.start else f" since {moment(first.start, view.tz)}"
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
