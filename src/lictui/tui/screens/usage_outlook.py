"""What a product's last year lets expect: the forecast, how usual today is, and the month so far.

Pure: a year of hours in, days ahead and words out. Must not know Textual, nor how a trend is found.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from lictui.analysis.forecast import Forecast, ForecastInput, ForecastStatus, forecast
from lictui.analysis.forecast import describe_forecast as words_forecast
from lictui.analysis.series import Bucket, day_of, day_start
from lictui.analysis.usage import anomaly_today
from lictui.model import Event, EventKind, JournalFilter, Level, MonthlyUsage, PoolKey
from lictui.tui.text import Fragment, Line, Tone, format_count, shorten, strip_controls
from lictui.tui.time_range import RangeLength, TimeRange, format_timestamp
from lictui.tui.widgets.chart_view import ForecastDay, Mark, MarkKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from lictui.tui.screens.usage_query import ProductSelection
    from lictui.tui.theme import Symbols


_PART: Final = 4  # a chart reaches so little of its length into the future
_MOVES: Final = (ForecastStatus.GROWING, ForecastStatus.FALLING)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is said of the time ahead, of today and of this month."""

    found: Forecast
    leaving: Mapping[date, int]  # licenses that expire, by their last day
    installed: int | None
    unusual: str | None
    month: tuple[int, int] | None  # newly assigned and released since its first day, at least


def make_outlook(
    about: ProductSelection,
    hours: Sequence[Bucket],
    days: Sequence[Bucket],
    now: float,
    zone: ZoneInfo | None,
) -> Outlook:
    """What the year in `days` of the calendar, and in `hours`, lets expect."""

    def figure(bucket: Bucket) -> float:
        return bucket.last if about.assigned else bucket.high

    today, reading = day_of(now, zone), about.reading
    leaving: dict[date, int] = {}
    for _, pool in about.pools:
        if pool.expires is not None and not pool.permanent:
            leaving[pool.expires] = leaving.get(pool.expires, 0) + (pool.reading.installed or 0)
    figures = {day_of(each.start, zone): figure(each) for each in days}
    over = {day: most for day, most in figures.items() if day < today}
    limits = about.thresholds
    given = ForecastInput(
        "",
        about.product,
        about.model,
        over,
        reading.installed,
        leaving,
        limits.warn,
        limits.critical,
        {day_of(each.start, zone): each.installed for each in days if each.installed is not None},
    )
    return Outlook(
        forecast(given, today),
        leaving,
        reading.installed,
        anomaly_today(hours, now, zone, assigned=about.assigned, upper_bound=len(about.pools) > 1),
        _moves(figures, today) if about.assigned else None,
    )


def _moves(figures: Mapping[date, float], today: date) -> tuple[int, int] | None:
    """How many came and went this month, as far as the days' last figures tell."""
    first = today.replace(day=1)
    known = [figures[day] for day in sorted(figures) if day >= first - timedelta(days=1)]
    if len(known) < 2:  # noqa: PLR2004 - a difference is made of two
        return None
    steps = [after - before for before, after in pairwise(known)]
    came = sum(step for step in steps if step > 0)
    return round(came), round(came - sum(steps))


def axis_end(known: Outlook | None, span: TimeRange, end: int, zone: ZoneInfo | None) -> int:
    """Where the time axis ends: later than the newest bucket where there is something to expect."""
    if known is None or span.offset or span.length not in (RangeLength.MONTH, RangeLength.YEAR):
        return end
    found = known.found
    if found.status not in _MOVES or found.horizon is None:
        return end
    part: int = span.length.value // _PART
    return max(end, min(day_start(found.horizon + timedelta(days=1), zone), end + part))


def forecast_days(
    known: Outlook, start: int, end: int, zone: ZoneInfo | None
) -> tuple[ForecastDay, ...]:
    """The days from `start` to `end`, as far as they are forecast."""
    return tuple(_days(known, start, end, zone))


def _days(known: Outlook, start: int, end: int, zone: ZoneInfo | None) -> Iterator[ForecastDay]:
    found, day, installed = known.found, day_of(start, zone), known.installed
    while found.horizon is not None and day <= found.horizon and day_start(day, zone) < end:
        level, band = found.expected(day), found.interval(day)
        if installed is not None:
            installed = max(0, installed - known.leaving.get(day, 0))
        after = day_start(day + timedelta(days=1), zone)
        if level is not None and band is not None:
            yield ForecastDay(max(start, day_start(day, zone)), after, level, *band, installed)
        day += timedelta(days=1)


def forecast_facts(known: Outlook, today: date) -> Iterator[tuple[str, list[Fragment]]]:
    """The forecast in words, and today if it is not like its weekday."""
    if known.unusual:
        yield "today", [(known.unusual, Tone.ACCENT)]
    dated = any((known.found.reaches.installed, known.found.shortfalls))
    yield "ahead", [(words_forecast(known.found, today), Tone.WARN if dated else Tone.TEXT)]


def month_facts(known: Outlook) -> Iterator[tuple[str, list[Fragment]]]:
    """What came and went this month where no source tells it."""
    if known.month is not None:
        newly, released = known.month
        said = f"at least {newly:,} newly assigned, {released:,} released"
        if not newly and not released:
            said = "none seen newly assigned or released"
        yield "month", [(said, Tone.TEXT)]


# The months a source tells of its own past, beside what was read: summed, and in words


def add_months(product: str, pools: Iterable[tuple[MonthlyUsage, ...]]) -> tuple[MonthlyUsage, ...]:
    """The months of several pools as one; a figure that one of them lacks is not known."""
    found: dict[float, list[MonthlyUsage]] = defaultdict(list)
    for months in pools:
        for month in months:
            found[month.month_start].append(month)
    return tuple(_sum(PoolKey(product), at, found[at]) for at in sorted(found))


def _sum(key: PoolKey, at: float, some: list[MonthlyUsage]) -> MonthlyUsage:
    return MonthlyUsage(
        key,
        at,
        _known(month.in_use for month in some),
        _known(month.installed for month in some),
        _known(month.newly_assigned for month in some),
        _known(month.released for month in some),
    )


def _known(figures: Iterable[int | None]) -> int | None:
    found = list(figures)
    known = [each for each in found if each is not None]
    return sum(known) if len(known) == len(found) else None


def source_month_facts(
    months: tuple[MonthlyUsage, ...], now: float
) -> Iterator[tuple[str, list[Fragment]]]:
    """How many licenses were assigned and released this month and last."""
    today = datetime.fromtimestamp(now, UTC)
    this = today.year * 12 + today.month
    for word, number in (("month", this), ("before", this - 1)):
        month = next((each for each in months if _number(each) == number), None)
        if month is not None and (month.newly_assigned, month.released) != (None, None):
            assigned = format_count(month.newly_assigned)
            said = f"{assigned} newly assigned, {format_count(month.released)} released"
            yield word, [(said, Tone.TEXT)]
    if months:
        first = datetime.fromtimestamp(months[0].month_start, UTC)
        yield "told", [(f"monthly, as the source tells, since {first:%b %Y}", Tone.QUIET)]


def _number(month: MonthlyUsage) -> int:
    at = datetime.fromtimestamp(month.month_start, UTC)
    return at.year * 12 + at.month


# What changed about a product, as marks on the time axis of its chart and in words


MAX_EVENTS: Final = 500  # lines of the journal that are asked for a chart; the newest
_KINDS: Final = tuple(
    kind for kind in EventKind if kind is not EventKind.LEVEL
)  # the curve says it
_SIGNS: Final = {
    EventKind.VERSION: MarkKind.VERSION,
    EventKind.CERTIFICATE: MarkKind.CERTIFICATE,
    EventKind.ACTIVATION: MarkKind.ACTIVATION,
}


def event_filter(subject: ProductSelection) -> JournalFilter:
    """Which lines of the journal a chart wants."""
    names = {
        name for status, _ in subject.pools for name in (*status.member_names, status.server.name)
    }
    return JournalFilter(tuple(sorted({*names, *subject.owners})), subject.product, _KINDS)


def event_marks(events: Iterable[Event], *, alone: bool) -> tuple[Mark, ...]:
    """A mark for each line; a chart of one server `alone` need not say whose they are."""
    return tuple(
        Mark(
            event.time,
            _sign(event),
            strip_controls(event.message if alone else f"{event.server}: {event.message}"),
        )
        for event in events
    )


def _sign(event: Event) -> MarkKind:
    bad = event.level is not Level.OK
    match event.kind:
        case EventKind.LICENSES:
            return MarkKind.REMOVED if bad else MarkKind.LICENSES
        case EventKind.SERVER:
            return MarkKind.SERVER_DOWN if bad else MarkKind.SERVER_UP
    return _SIGNS.get(event.kind, MarkKind.NOTICE)


def expiry_marks(
    subject: ProductSelection, start: int, end: int, zone: ZoneInfo | None
) -> Iterator[Mark]:
    """The days within [start, end) on which licenses expire."""
    for _, pool in subject.pools:
        if pool.expires is not None and not pool.permanent:
            at = day_start(pool.expires, zone)
            if start <= at < end:
                many = pool.reading.installed
                yield Mark(
                    at, MarkKind.EXPIRY, f"{many if many is not None else '?'} licenses expire"
                )


def mark_line(near: tuple[Mark, ...], zone: ZoneInfo | None, width: int, symbols: Symbols) -> Line:
    """The marks near the cursor, in one line; nothing where there are none."""
    if not near:
        return ()
    first = near[0]
    more = f"  and {len(near) - 1} more" if len(near) > 1 else ""
    when = f"{symbols.dot} {format_timestamp(first.time, zone).strip()}  "
    tone = (
        Tone.WARN
        if first.kind in (MarkKind.REMOVED, MarkKind.EXPIRY, MarkKind.SERVER_DOWN)
        else Tone.TEXT
    )
    said = shorten(first.text, max(8, width - len(when) - len(more)), symbols.ellipsis)
    return ((when, Tone.ACCENT), (said, tone), (more, Tone.QUIET))
