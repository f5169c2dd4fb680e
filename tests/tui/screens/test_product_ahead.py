"""What is expected, how usual today is, what came and went this month: from a year of hours."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tests.support.clock import START
from tests.support.example_board import pool, up_status

from lictui.analysis.forecast import ForecastStatus
from lictui.analysis.series import Bucket, Series
from lictui.config.settings import Settings
from lictui.engine.board import Board
from lictui.engine.merge import merge_board
from lictui.tui.screens.usage_outlook import (
    Outlook,
    axis_end,
    forecast_days,
    forecast_facts,
    make_outlook,
    month_facts,
)
from lictui.tui.screens.usage_query import ProductSelection, daily_year, select_product
from lictui.tui.time_range import RangeLength, TimeRange

if TYPE_CHECKING:
    from collections.abc import Callable


ZONE = ZoneInfo("UTC")
HOUR, DAY = 3600, 86400
TODAY = datetime.fromtimestamp(START, UTC).date()


def about(code: str = "XDT_PLT_CCS", expires: date | None = None) -> ProductSelection:
    board = Board((up_status("lic-01", pool(code, 300, 500, expires=expires)),))
    return select_product(merge_board(board), ("lic-01",), code, Settings())


def looked(figure: Callable[[int], float], what: ProductSelection | None = None) -> Outlook:
    """The outlook of a year whose figure is a function of days ago."""
    subject = what or about()
    asked = daily_year(subject, START, ZONE)
    hours = []
    for at in range(asked.start, int(START), HOUR):
        ago = (int(START) // DAY * DAY - at // DAY * DAY) // DAY
        busy = 6 <= at % DAY // HOUR < 18
        high = figure(ago) if busy else figure(ago) / 2
        hours.append(Bucket(at, at + HOUR, high, high, high, at, figure(ago), 500, None, 4))
    return make_outlook(subject, hours, asked.drawn(Series(tuple(hours), HOUR)), START, ZONE)


def growing(ago: int) -> float:
    return 400 - ago * 0.5 + ago % 3


def test_what_grows_is_drawn_ahead_for_a_part_of_the_range_and_no_further_than_it_is_sure() -> None:
    known = looked(growing)
    assert known.found.status is ForecastStatus.GROWING
    end = int(START) // HOUR * HOUR + HOUR
    year = axis_end(known, TimeRange(RangeLength.YEAR), end, ZONE)
    assert end + 80 * DAY < year <= end + RangeLength.YEAR.value // 4
    days = forecast_days(known, end, year, ZONE)
    assert days[0].start == end
    assert all(one.end == two.start for one, two in pairwise(days))
    assert days[-1].expected > days[0].expected > 350
    assert all(each.low <= each.expected <= each.high for each in days)
    until = known.found.horizon
    assert until is not None
    assert datetime.fromtimestamp(days[-1].start, UTC).date() <= until


def test_the_past_a_day_and_a_week_have_nothing_ahead_nor_has_what_is_flat() -> None:
    known, end = looked(growing), int(START)
    for span in (
        TimeRange(RangeLength.YEAR, 1),
        TimeRange(RangeLength.DAY),
        TimeRange(RangeLength.WEEK),
    ):
        assert axis_end(known, span, end, ZONE) == end
    flat = looked(lambda ago: 300 + ago % 3)
    assert axis_end(flat, TimeRange(RangeLength.YEAR), end, ZONE) == end
    assert axis_end(None, TimeRange(RangeLength.YEAR), end, ZONE) == end


def test_licenses_that_expire_leave_the_line_of_what_is_installed() -> None:
    leaves = date.fromordinal(TODAY.toordinal() + 10)
    known = looked(growing, about(expires=leaves))
    days = {
        datetime.fromtimestamp(each.start, UTC).date(): each.installed
        for each in forecast_days(known, int(START), int(START) + 20 * DAY, ZONE)
    }
    assert days[date.fromordinal(leaves.toordinal() - 1)] == 500
    assert days[leaves] == 0
    assert days[date.fromordinal(leaves.toordinal() + 1)] == 0


def test_the_forecast_is_said_in_words() -> None:
    ((word, runs),) = forecast_facts(looked(growing), TODAY)
    assert word == "ahead"
    assert "+3.5 per week" in runs[0][0]


def test_a_day_unlike_its_weekday_has_a_line_of_its_own() -> None:
    assert looked(lambda ago: 300 + ago % 3).unusual is None
    said = looked(lambda ago: 900 if ago == 0 else 300 + ago % 3)
    assert said.unusual is not None
    (word, runs), _ = forecast_facts(said, TODAY)
    assert (word, runs[0][0]) == ("today", said.unusual)
    assert "450 by 06:00" in said.unusual


def test_assignments_come_and_go_from_day_to_day_of_this_month() -> None:
    day = TODAY.day

    def figure(ago: int) -> float:
        return 200 + (10 if ago <= day - 3 else 0) - (4 if ago <= day - 9 else 0)

    known = looked(figure, about("XDT_PLT_UD"))
    assert known.month == (10, 4)
    ((_, runs),) = month_facts(known)
    assert runs[0][0] == "at least 10 newly assigned, 4 released"
    assert looked(figure).month is None
    assert list(month_facts(replace(known, month=None))) == []
