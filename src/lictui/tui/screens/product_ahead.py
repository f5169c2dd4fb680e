"""What a product's last year lets expect: the forecast, how usual today is, and the month so far.

Pure: a year of hours in, days ahead and words out. Must not know Textual, nor how a trend is found.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from lictui.analysis.forecast import Given, Status, forecast, words
from lictui.analysis.series import begins, day_of
from lictui.analysis.usage import unusual_today
from lictui.tui.ink import Tone
from lictui.tui.span import Length
from lictui.tui.widgets.chart_view import Ahead

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date
    from zoneinfo import ZoneInfo

    from lictui.analysis.forecast import Forecast
    from lictui.analysis.series import Bucket
    from lictui.tui.ink import Run
    from lictui.tui.screens.product_view import Subject
    from lictui.tui.span import Span

_PART: Final = 4  # a chart reaches so little of its length into the future
_MOVES: Final = (Status.GROWING, Status.FALLING)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is said of the time ahead, of today and of this month."""

    found: Forecast
    leaving: Mapping[date, int]  # licenses that expire, by their last day
    installed: int | None
    unusual: str | None
    month: tuple[int, int] | None  # newly assigned and released since its first day, at least


def outlook(
    about: Subject,
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
    given = Given(
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
        unusual_today(hours, now, zone, assigned=about.assigned, bound=len(about.pools) > 1),
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


def axis_end(known: Outlook | None, span: Span, end: int, zone: ZoneInfo | None) -> int:
    """Where the time axis ends: later than the newest bucket where there is something to expect."""
    if known is None or span.back or span.length not in (Length.MONTH, Length.YEAR):
        return end
    found = known.found
    if found.status not in _MOVES or found.until is None:
        return end
    part: int = span.length.value // _PART
    return max(end, min(begins(found.until + timedelta(days=1), zone), end + part))


def ahead(known: Outlook, start: int, end: int, zone: ZoneInfo | None) -> tuple[Ahead, ...]:
    """The days from `start` to `end`, as far as they are forecast."""
    return tuple(_days(known, start, end, zone))


def _days(known: Outlook, start: int, end: int, zone: ZoneInfo | None) -> Iterator[Ahead]:
    found, day, installed = known.found, day_of(start, zone), known.installed
    while found.until is not None and day <= found.until and begins(day, zone) < end:
        level, band = found.expected(day), found.between(day)
        if installed is not None:
            installed = max(0, installed - known.leaving.get(day, 0))
        after = begins(day + timedelta(days=1), zone)
        if level is not None and band is not None:
            yield Ahead(max(start, begins(day, zone)), after, level, *band, installed)
        day += timedelta(days=1)


def facts(known: Outlook, today: date) -> Iterator[tuple[str, list[Run]]]:
    """The forecast in words, and today if it is not like its weekday."""
    if known.unusual:
        yield "today", [(known.unusual, Tone.ACCENT)]
    dated = any((known.found.reaches.installed, known.found.shortfalls))
    yield "ahead", [(words(known.found, today), Tone.WARN if dated else Tone.TEXT)]


def month(known: Outlook) -> Iterator[tuple[str, list[Run]]]:
    """What came and went this month where no source tells it."""
    if known.month is not None:
        newly, released = known.month
        said = f"at least {newly:,} newly assigned, {released:,} released"
        if not newly and not released:
            said = "none seen newly assigned or released"
        yield "month", [(said, Tone.TEXT)]
