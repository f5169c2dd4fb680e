"""Gets a product's past together: what its chart, its figures and its map of the week are made of.

Owns the order of the questions to the engine, and the year that is asked for once an hour. Must
not know Textual, nor what is drawn of the answers. Raises LictuiError as the engine does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from lictui.analysis.series import Bucket, Question, Series
from lictui.analysis.usage import Heat, Spread, heat, spread
from lictui.tui.screens import product_model, product_outlook
from lictui.tui.screens.product_outlook import Outlook, outlook, together
from lictui.tui.time_range import Length, Span
from lictui.tui.widgets.chart import HeatView
from lictui.tui.widgets.chart_view import Ahead, ChartView, Mark

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from lictui.model import Told
    from lictui.tui.engine import Engine
    from lictui.tui.screens.product_model import Asked, Subject
    from lictui.tui.text import Table


_HOUR: Final = 3600
_LASTS: Final = 3600  # seconds that the answer about a year is good for


@dataclass(frozen=True, slots=True)
class Answer:
    """The past of one stretch of time."""

    buckets: tuple[Bucket, ...] = ()  # as they are drawn
    spread: Spread | None = None  # of the narrow ones, up to now
    before: tuple[Bucket, ...] = ()
    heat: Heat | None = None
    told: tuple[Told, ...] = ()
    marks: tuple[Mark, ...] = ()
    note: str = ""  # why there is nothing
    coarse: bool = False  # some of the buckets that the spread rests on are wider than an hour
    bound: bool = False  # maxima of pools were summed that need not be of one moment: at most so


class Reader:
    """Asks one engine about one product."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._year: tuple[Question, int, Series] | None = None  # and the hour of the answer

    async def answer(
        self, about: Subject, asked: Asked, now: float, *, compare: bool, week: bool
    ) -> Answer:
        """The stretch `asked` for; with the period before to `compare`, and as a map of a week."""
        ever = await self._engine.pools(about.owners, about.product)

        def whole(question: Question) -> Question:
            return product_model.reaching_back(question, ever, about.stand_ins)

        question = whole(asked.question)
        if asked.span == Span(Length.YEAR):
            year = product_model.year_of_days(about, now, asked.zone)
            found = await self._last_year(whole(year.question), now)
            newer = (each for each in found.buckets if each.start >= asked.start)
            found = replace(found, buckets=tuple(newer))
        else:
            found = await self._series(question)
        before = await self._series(whole(asked.before)) if compare else None
        weeks = product_model.weeks_of(asked)
        hours = found if weeks == asked.question or not week else await self._series(whole(weeks))
        told = [await self._engine.told(*pool) for pool in question.pools] if about.assigned else []
        events = await self._engine.events(
            product_outlook.MOST,
            since=asked.start,
            before=asked.end,
            about=product_outlook.about(about),
        )
        coarse = len(_narrow(found)) < len(found.buckets)
        return Answer(
            asked.drawn(found),
            spread([each._replace(end=min(each.end, int(now) + 1)) for each in found.buckets]),
            asked.shifted(before) if before else (),
            heat(_narrow(hours), asked.zone) if week else None,
            together(about.product, told),
            product_outlook.marks(events, alone=len(about.servers) == 1),
            coarse=coarse,
            bound=product_model.bound(asked.question, coarse=coarse),
        )

    async def outlook(self, about: Subject, now: float, zone: ZoneInfo | None) -> Outlook:
        """What the last year lets expect."""
        asked = product_model.year_of_days(about, now, zone)
        ever = await self._engine.pools(about.owners, about.product)
        whole = product_model.reaching_back(asked.question, ever, about.stand_ins)
        found = await self._last_year(whole, now)
        return outlook(about, found.buckets, asked.drawn(found), now, zone)

    async def _last_year(self, question: Question, now: float) -> Series:
        """A year is asked for once an hour, whatever it is for."""
        hour = int(now) // _LASTS
        if self._year is None or self._year[:2] != (question, hour):
            found = await self._series(question)
            if found.bucket > _HOUR:  # five minutes are not kept for so long
                found = await self._series(replace(question, bucket=_HOUR))
            self._year = (question, hour, found)
        return self._year[2]

    async def _series(self, question: Question) -> Series:
        buckets: list[Bucket] = []
        width = question.bucket
        for part in product_model.sliced(question):
            found = await self._engine.series(part)
            buckets += found.buckets
            width = max(width, found.bucket)
        return Series(tuple(buckets), width)


def _narrow(found: Series) -> tuple[Bucket, ...]:
    return tuple(each for each in found.buckets if each.end - each.start <= _HOUR)


# From a product's past to what its chart and its map of the week are given to draw


def chart(
    about: Subject, asked: Asked, answer: Answer, outlook: Outlook | None, at: float | None
) -> ChartView:
    """The chart, with the cursor on the bucket of the moment `at`, if any."""
    end, marks = asked.end, answer.marks
    days: tuple[Ahead, ...] = ()
    if answer.buckets:
        end = product_outlook.axis_end(outlook, asked.span, asked.end, asked.zone)
        ends = product_outlook.endings(about, asked.start, end, asked.zone)
        marks = (*marks, *ends)
    if outlook and end > asked.end:
        days = product_outlook.ahead(outlook, answer.buckets[-1].end, end, asked.zone)
    return ChartView(
        buckets=answer.buckets,
        start=asked.start,
        end=end,
        length=asked.span.length,
        tz=asked.zone,
        assigned=about.assigned,
        warn=about.thresholds.warn,
        critical=about.thresholds.critical,
        cursor=_place(answer, at),
        note=answer.note,
        told=answer.told,
        before=answer.before,
        compared=asked.compared,
        ahead=days,
        marks=marks,
    )


def week(about: Subject, answer: Answer, cursor: tuple[int, int] | None) -> HeatView:
    """The map of the week."""
    last = answer.buckets[-1].installed if answer.buckets else None
    limits = about.thresholds
    return HeatView(answer.heat, last, limits.warn, limits.critical, cursor, answer.note)


def _place(answer: Answer, at: float | None) -> int | None:
    """The bucket of a moment, which the cursor shall be on."""
    if at is None or not answer.buckets:
        return None
    found = (i for i, bucket in enumerate(answer.buckets) if bucket.end > at)
    return next(found, len(answer.buckets) - 1)


def table(view: ChartView) -> Table:
    """The buckets that are drawn."""
    head = ("from", "to", "in_use_min", "in_use_avg", "in_use_max", "installed", "overdraft")
    return (
        head,
        *(
            (it.start, it.end, it.low, it.average, it.high, it.installed, it.overdraft)
            for it in view.buckets
        ),
    )
