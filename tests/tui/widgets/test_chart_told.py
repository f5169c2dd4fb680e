"""Months that a source tells of: points before the first reading, named as what they are."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.support.goldens import screen_text
from tests.tui.widgets.test_chart import ChartApp

from lictui.analysis.series import Bucket
from lictui.model import MonthlyUsage, PoolKey
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


async def test_a_legend_ends_where_there_is_no_more_room() -> None:
    chart = Chart()
    chart.set_reactive(Chart.view, ChartView(warn=0.8, critical=0.9))
    whole = "".join(text for text, _ in chart.legend(200))
    for width in range(12, 60):
        said = "".join(text for text, _ in chart.legend(width))
        assert whole.startswith(said)
        assert len(said) <= width
    assert whole.endswith("installed  ┈ 80 and 90 %  arrow keys: inspect values")
