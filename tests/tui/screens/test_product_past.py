"""What a chart asks of the past, and the days and periods it makes of the answer."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from tests.support.example_board import pool, up_status

from lictui.analysis.series import Bucket, Series, SeriesQuery
from lictui.config.settings import Settings
from lictui.engine.board import Board
from lictui.engine.merge import merge_board
from lictui.model import PoolKey
from lictui.tui.screens import usage_query
from lictui.tui.screens.usage_query import ProductSelection, select_product
from lictui.tui.time_range import RangeLength, TimeRange

BERLIN, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")
HOUR, DAY = 3600, 86400


def about(servers: int = 1) -> ProductSelection:
    names = tuple(f"lic-{number}" for number in range(servers))
    board = Board(tuple(up_status(name, pool("XDT_PLT_CCS", 9, 100)) for name in names))
    return select_product(merge_board(board), names, "XDT_PLT_CCS", Settings())


def hours(question: SeriesQuery) -> Series:
    step = question.width
    return Series(
        tuple(
            Bucket(at, at + step, 0, 1, at % 97, at, at % 89, 100, None, 1)
            for at in range(question.start, question.end, step)
        ),
        step,
    )


def at(*when: int, zone: ZoneInfo = BERLIN) -> int:
    return int(datetime(*when, tzinfo=zone).timestamp())  # type: ignore[arg-type, misc]


def test_days_of_a_year_are_those_of_the_zone_and_two_are_of_another_length() -> None:
    now = at(2026, 11, 24, 10)
    asked = usage_query.chart_query(about(), TimeRange(RangeLength.YEAR), 200, now, BERLIN)
    drawn = asked.drawn(hours(asked.question))
    assert (asked.bucket, asked.question.width) == (DAY, HOUR)
    assert len(drawn) == 365
    assert drawn[-1].start == at(2026, 11, 24)
    odd = {each.start: (each.end - each.start) // HOUR for each in drawn}
    assert {start: length for start, length in odd.items() if length != 24} == {
        at(2026, 3, 29): 23,
        at(2026, 10, 25): 25,
    }


def test_a_day_has_the_peak_and_the_last_figure_of_its_own_hours() -> None:
    asked = usage_query.chart_query(
        about(), TimeRange(RangeLength.YEAR), 200, at(2026, 11, 24, 10), BERLIN
    )
    found = hours(asked.question)
    day = next(each for each in asked.drawn(found) if each.start == at(2026, 10, 25))
    own = [each for each in found.buckets if day.start <= each.start < day.end]
    assert len(own) == 25
    assert (day.high, day.last) == (max(each.high for each in own), own[-1].last)


def test_weeks_begin_on_mondays_where_there_is_no_room_for_days() -> None:
    asked = usage_query.chart_query(
        about(), TimeRange(RangeLength.YEAR), 40, at(2026, 11, 24, 10), BERLIN
    )
    assert asked.bucket == 7 * DAY
    starts = [datetime.fromtimestamp(each, BERLIN) for each in asked.bounds]
    assert {each.weekday() for each in starts} == {0}
    assert {each.hour for each in starts} == {0}
    assert asked.end > at(2026, 11, 24, 10)


def test_half_hour_zones_are_asked_for_by_five_minutes_while_that_is_quick() -> None:
    now = at(2026, 11, 24, 10, zone=KOLKATA)
    one = usage_query.chart_query(about(), TimeRange(RangeLength.YEAR), 200, now, KOLKATA)
    assert one.question.width == 300
    assert datetime.fromtimestamp(one.bounds[0], KOLKATA).hour == 0
    many = usage_query.chart_query(about(9), TimeRange(RangeLength.YEAR), 200, now, KOLKATA)
    assert many.question.width == HOUR


@pytest.mark.parametrize("length", RangeLength)
@pytest.mark.parametrize("columns", [30, 70, 200])
def test_figures_rest_on_hours_or_less(length: RangeLength, columns: int) -> None:
    asked = usage_query.chart_query(
        about(), TimeRange(length), columns, at(2026, 11, 24, 10), BERLIN
    )
    assert asked.question.width <= HOUR
    assert asked.bucket % asked.question.width == 0
    assert asked.drawn(hours(asked.question))[-1].end == asked.end


def test_what_is_kept_in_wider_buckets_is_drawn_in_those() -> None:
    asked = usage_query.chart_query(
        about(), TimeRange(RangeLength.MONTH), 200, at(2026, 11, 24, 10), BERLIN
    )
    days = hours(SeriesQuery((), asked.start // DAY * DAY, asked.end, DAY))
    assert asked.drawn(days) == days.buckets


@pytest.mark.parametrize(
    ("length", "days"),
    [(RangeLength.DAY, 1), (RangeLength.WEEK, 7), (RangeLength.MONTH, 28), (RangeLength.YEAR, 364)],
)
def test_the_period_before_stands_on_the_same_wall_clock(length: RangeLength, days: int) -> None:
    now = at(2026, 10, 28, 10)  # three days after the clocks went back
    asked = usage_query.chart_query(about(), TimeRange(length), 70, now, BERLIN)
    assert asked.before.end - asked.before.start == asked.end - asked.start + 2 * HOUR
    noon = [at(2026, 10, 27, 12) - days * DAY + change for change in (-HOUR, 0, HOUR)]
    then = next(
        each for each in noon if datetime.fromtimestamp(each, BERLIN).hour == 12
    )  # noon of that day, whatever the clocks did
    spike = Bucket(then, then + 300, 1, 1, 77, then, 77, 100, None, 1)
    (moved,) = asked.shifted(Series((spike,), 300))
    assert moved.start <= at(2026, 10, 27, 12) < moved.end
    assert moved.high == 77


def test_a_year_of_many_pools_is_asked_in_parts_that_leave_nothing_out() -> None:
    asked = usage_query.daily_year(about(12), at(2026, 11, 24, 10), BERLIN).question
    parts = usage_query.slices(asked)
    assert len(parts) > 10
    assert (parts[0].start, parts[-1].end) == (asked.start, asked.end)
    assert [each.end for each in parts[:-1]] == [each.start for each in parts[1:]]
    assert usage_query.slices(hours_of_a_week := SeriesQuery(asked.pools, 0, 7 * DAY, HOUR)) == (
        hours_of_a_week,
    )


def test_a_forecast_rests_on_a_year_of_whole_days() -> None:
    asked = usage_query.daily_year(about(), at(2026, 11, 24, 10), BERLIN)
    assert (asked.bucket, len(asked.bounds)) == (DAY, 366)
    assert asked.end == at(2026, 11, 25)


def test_the_map_of_the_week_has_a_week_at_least() -> None:
    asked = usage_query.chart_query(about(), TimeRange(), 70, at(2026, 11, 24, 10), BERLIN)
    day = usage_query.chart_query(
        about(), TimeRange(RangeLength.DAY), 70, at(2026, 11, 24, 10), BERLIN
    )
    assert usage_query.heat_map_query(asked) == asked.question
    weeks = usage_query.heat_map_query(day)
    assert (weeks.end - weeks.start, weeks.width) == (7 * DAY, HOUR)
    india = usage_query.chart_query(about(), TimeRange(), 70, at(2026, 11, 24, 10), KOLKATA)
    assert usage_query.heat_map_query(india).width == 300


def test_pools_of_old_go_with_the_new_but_for_those_that_stand_in() -> None:
    asked = SeriesQuery((("a", PoolKey("X")),), 0, 1, 300)
    ever = (("a", PoolKey("X")), ("a", PoolKey("X", "2025-12-31")), ("b", PoolKey("X")))
    whole = usage_query.with_earlier_pools(asked, ever, frozenset({("b", PoolKey("X"))}))
    assert whole.pools == ever[:2]


def test_a_long_sum_of_several_servers_is_a_bound_and_so_is_one_of_days() -> None:
    now = at(2026, 11, 24, 10)

    def bound(servers: int, length: RangeLength, *, coarse: bool = False) -> bool:
        asked = usage_query.chart_query(about(servers), TimeRange(length), 80, now, BERLIN)
        return usage_query.is_upper_bound(asked.question, coarse=coarse)

    assert bound(2, RangeLength.YEAR)
    assert not bound(1, RangeLength.YEAR)
    assert not bound(2, RangeLength.MONTH)
    assert bound(2, RangeLength.MONTH, coarse=True)
    assert not bound(1, RangeLength.MONTH, coarse=True)
