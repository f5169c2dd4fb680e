"""Months that a source tells of: points before the first reading, named as what they are."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.support.goldens import screen_text
from tests.tui.widgets.test_chart import ChartApp

from lictui.analysis.series import Bucket
from lictui.model import MonthlyUsage, PoolKey
from lictui.tui.screens.usage_outlook import add_months, source_month_facts
from lictui.tui.time_range import RangeLength
from lictui.tui.widgets.chart import Chart
from lictui.tui.widgets.chart_view import ChartView

DAY = 86400
KEY = PoolKey("CVAD:Premium")


def at(year: int, month: int, day: int = 1) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp())


NOW = at(2026, 11, 24)
START = NOW - 365 * DAY
TOLD = tuple(
    MonthlyUsage(KEY, at(2026, month), 100 + month, 500, month, 1) for month in range(1, 12)
)
READ = tuple(
    Bucket(day, day + DAY, 120, 120, 120, day, 120, 500, None, 96)
    for day in range(at(2026, 11, 10), NOW, DAY)
)


def view(buckets: tuple[Bucket, ...] = READ, length: RangeLength = RangeLength.YEAR) -> ChartView:
    return ChartView(buckets, START, NOW, length, assigned=True, monthly_usage=TOLD)


def test_points_stand_before_the_first_reading_and_nowhere_else() -> None:
    points = view().monthly_points()
    assert [figure for _, figure in points] == [100 + month for month in range(1, 12)]
    assert all(when < READ[0].start for when, _ in points)
    assert view(length=RangeLength.MONTH).monthly_points() == ()
    early = (READ[0]._replace(start=at(2026, 3, 5)), *READ)
    assert [figure for _, figure in view(early).monthly_points()] == [101, 102, 103]


@pytest.mark.parametrize(("ascii_only", "mark"), [(False, "●"), (True, "o")])
async def test_they_are_drawn_and_named_even_before_anything_was_read(
    *, ascii_only: bool, mark: str
) -> None:
    for shown in (view(), view(())):
        app = ChartApp(shown, ascii_only=ascii_only)
        async with app.run_test(size=(80, 16)) as pilot:
            await pilot.pause()
            legend = "".join(text for text, _ in app.query_one(Chart).legend(120))
            assert screen_text(app).count(mark) >= 8
            assert f"{mark} monthly values of the source" in legend


def test_months_of_several_pools_add_up_and_what_one_lacks_is_not_known() -> None:
    other = (
        MonthlyUsage(KEY, TOLD[0].month_start, 50, None, 5, 2),
        MonthlyUsage(KEY, TOLD[1].month_start, None, 500),
    )
    first, second, *rest = add_months("P", [TOLD, other])
    assert (first.in_use, first.installed, first.newly_assigned, first.released) == (
        151,
        None,
        6,
        3,
    )
    assert (second.in_use, second.installed) == (None, 1000)
    assert [month.in_use for month in rest] == [month.in_use for month in TOLD[2:]]


def test_the_facts_say_what_was_assigned_and_released_this_month_and_last() -> None:
    said = {word: "".join(text for text, _ in runs) for word, runs in source_month_facts(TOLD, NOW)}
    assert said["month"] == "11 newly assigned, 1 released"
    assert said["before"] == "10 newly assigned, 1 released"
    assert said["told"] == "monthly, as the source tells, since Jan 2026"
    assert dict(source_month_facts((), NOW)) == {}


async def test_a_legend_ends_where_there_is_no_more_room() -> None:
    chart = Chart()
    chart.set_reactive(Chart.view, ChartView(warn=0.8, critical=0.9))
    whole = "".join(text for text, _ in chart.legend(200))
    for width in range(12, 60):
        said = "".join(text for text, _ in chart.legend(width))
        assert whole.startswith(said)
        assert len(said) <= width
    assert whole.endswith("installed  ┈ 80 and 90 %  arrow keys: inspect values")
