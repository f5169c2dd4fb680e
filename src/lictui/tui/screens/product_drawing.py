"""From a product's past to what its chart and its map of the week are given to draw.

Pure: answers in, views out. Must not know Textual, nor how a view is drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lictui.tui.screens import product_ahead, product_changes
from lictui.tui.widgets.chart_view import ChartView
from lictui.tui.widgets.heatmap import HeatView

if TYPE_CHECKING:
    from lictui.tui.export import Table
    from lictui.tui.screens.product_ahead import Outlook
    from lictui.tui.screens.product_past import Asked
    from lictui.tui.screens.product_reader import Answer
    from lictui.tui.screens.product_view import Subject
    from lictui.tui.widgets.chart_view import Ahead


def chart(
    about: Subject, asked: Asked, answer: Answer, outlook: Outlook | None, at: float | None
) -> ChartView:
    """The chart, with the cursor on the bucket of the moment `at`, if any."""
    end, marks = asked.end, answer.marks
    days: tuple[Ahead, ...] = ()
    if answer.buckets:
        end = product_ahead.axis_end(outlook, asked.span, asked.end, asked.zone)
        ends = product_changes.endings(about, asked.start, end, asked.zone)
        marks = (*marks, *ends)
    if outlook and end > asked.end:
        days = product_ahead.ahead(outlook, answer.buckets[-1].end, end, asked.zone)
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
