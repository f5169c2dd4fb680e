"""Gets a product's past together: what its chart, its figures and its map of the week are made of.

Owns the order of the questions to the engine, and the year that is asked for once an hour. Must
not know Textual, nor what is drawn of the answers. Raises LictuiError as the engine does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from lictui.analysis.series import Bucket, Series, SeriesQuery
from lictui.analysis.usage import HeatMatrix, UsageStats, heat_matrix, usage_stats
from lictui.tui.screens import usage_outlook, usage_query
from lictui.tui.screens.usage_outlook import Outlook, add_months, make_outlook
from lictui.tui.time_range import RangeLength, TimeRange
from lictui.tui.widgets.chart import HeatMapView
from lictui.tui.widgets.chart_view import ChartView, ForecastDay, Mark

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from lictui.model import MonthlyUsage
    from lictui.tui.engine import Engine
    from lictui.tui.screens.usage_query import ChartQuery, ProductSelection
    from lictui.tui.text import Table


_HOUR: Final = 3600
_LASTS: Final = 3600  # seconds that the answer about a year is good for


@dataclass(frozen=True, slots=True)
class ProductAnswer:
    """The past of one stretch of time."""

    buckets: tuple[Bucket, ...] = ()  # as they are drawn
    spread: UsageStats | None = None  # of the narrow ones, up to now
    before: tuple[Bucket, ...] = ()
    heat: HeatMatrix | None = None
    told: tuple[MonthlyUsage, ...] = ()
    marks: tuple[Mark, ...] = ()
    note: str = ""  # why there is nothing
    coarse: bool = False  # some of the buckets that the spread rests on are wider than an hour
    bound: bool = False  # maxima of pools were summed that need not be of one moment: at most so


class ProductReader:
    """Asks one engine about one product."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._year: tuple[SeriesQuery, int, Series] | None = None  # and the hour of the answer

    async def answer(
        self, about: ProductSelection, asked: ChartQuery, now: float, *, compare: bool, week: bool
    ) -> ProductAnswer:
        """The stretch `asked` for; with the period before to `compare`, and as a map of a week."""
        ever = await self._engine.pools(about.owners, about.product)

        def whole(question: SeriesQuery) -> SeriesQuery:
            return usage_query.with_earlier_pools(question, ever, about.stand_ins)

        question = whole(asked.question)
        if asked.span == TimeRange(RangeLength.YEAR):
            year = usage_query.daily_year(about, now, asked.zone)
            found = await self._last_year(whole(year.question), now)
            newer = (each for each in found.buckets if each.start >= asked.start)
            found = replace(found, buckets=tuple(newer))
        else:
            found = await self._series(question)
        before = await self._series(whole(asked.before)) if compare else None
        weeks = usage_query.heat_map_query(asked)
        hours = found if weeks == asked.question or not week else await self._series(whole(weeks))
        told = [await self._engine.told(*pool) for pool in question.pools] if about.assigned else []
        events = await self._engine.events(
            usage_outlook.MAX_EVENTS,
            since=asked.start,
            before=asked.end,
            about=usage_outlook.event_filter(about),
        )
        coarse = len(_narrow(found)) < len(found.buckets)
        return ProductAnswer(
            asked.drawn(found),
            usage_stats([each._replace(end=min(each.end, int(now) + 1)) for each in found.buckets]),
            asked.shifted(before) if before else (),
            heat_matrix(_narrow(hours), asked.zone) if week else None,
            add_months(about.product, told),
            usage_outlook.event_marks(events, alone=len(about.servers) == 1),
            coarse=coarse,
            bound=usage_query.is_upper_bound(asked.question, coarse=coarse),
        )

    async def outlook(self, about: ProductSelection, now: float, zone: ZoneInfo | None) -> Outlook:
        """What the last year lets expect."""
        asked = usage_query.daily_year(about, now, zone)
        ever = await self._engine.pools(about.owners, about.product)
        whole = usage_query.with_earlier_pools(asked.question, ever, about.stand_ins)
        found = await self._last_year(whole, now)
        return make_outlook(about, found.buckets, asked.drawn(found), now, zone)

    async def _last_year(self, question: SeriesQuery, now: float) -> Series:
        """A year is asked for once an hour, whatever it is for."""
        hour = int(now) // _LASTS
        if self._year is None or self._year[:2] != (question, hour):
            found = await self._series(question)
            if found.width > _HOUR:  # five minutes are not kept for so long
                found = await self._series(replace(question, width=_HOUR))
            self._year = (question, hour, found)
        return self._year[2]

    async def _series(self, question: SeriesQuery) -> Series:
        buckets: list[Bucket] = []
        width = question.width
        for part in usage_query.slices(question):
            found = await self._engine.series(part)
            buckets += found.buckets
            width = max(width, found.width)
        return Series(tuple(buckets), width)


def _narrow(found: Series) -> tuple[Bucket, ...]:
    return tuple(each for each in found.buckets if each.end - each.start <= _HOUR)


# From a product's past to what its chart and its map of the week are given to draw


def chart(
    about: ProductSelection,
    asked: ChartQuery,
    answer: ProductAnswer,
    outlook: Outlook | None,
    at: float | None,
) -> ChartView:
    """The chart, with the cursor on the bucket of the moment `at`, if any."""
    end, marks = asked.end, answer.marks
    days: tuple[ForecastDay, ...] = ()
    if answer.buckets:
        end = usage_outlook.axis_end(outlook, asked.span, asked.end, asked.zone)
        ends = usage_outlook.expiry_marks(about, asked.start, end, asked.zone)
        marks = (*marks, *ends)
    if outlook and end > asked.end:
        days = usage_outlook.forecast_days(outlook, answer.buckets[-1].end, end, asked.zone)
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
        monthly_usage=answer.told,
        previous=answer.before,
        previous_label=asked.compared,
        forecast=days,
        marks=marks,
    )


def week(
    about: ProductSelection, answer: ProductAnswer, cursor: tuple[int, int] | None
) -> HeatMapView:
    """The map of the week."""
    last = answer.buckets[-1].installed if answer.buckets else None
    limits = about.thresholds
    return HeatMapView(answer.heat, last, limits.warn, limits.critical, cursor, answer.note)


def _place(answer: ProductAnswer, at: float | None) -> int | None:
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
