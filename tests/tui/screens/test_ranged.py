"""Trends of a day, week, month or year on wall and estate, one question a row."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.clock import START
from tests.support.example_board import pool, up_status, workday_series
from tests.support.fake_engine import FakeEngine
from tests.support.goldens import screen_text
from tests.support.running_app import running_app

from lictui.engine.board import Board
from lictui.model import Reading
from lictui.tui.time_range import RangeLength
from lictui.tui.trend_cache import TrendCaches, trend_query
from lictui.tui.widgets.dashboard import PaneGrid
from lictui.tui.widgets.gauge import trend_bucket
from lictui.tui.widgets.products import ProductTable

DAY = 86400
MANY = Board(tuple(up_status(f"lic-{at:02}", pool("XDT_PLT_CCS", 50, 100)) for at in range(60)))


@given(st.integers(1, 200), st.sampled_from(RangeLength))
def test_buckets_cover_the_stretch_and_hardly_more(cells: int, length: RangeLength) -> None:
    bucket = trend_bucket(cells, length.value)
    assert length.value <= bucket * cells
    assert bucket < 2 * (length.value / cells) + 300
    asked = trend_query((), START, cells, length.value)
    assert asked.width <= DAY
    assert bucket % asked.width == 0 or bucket % DAY == 0


def test_the_tick_is_the_peak_of_the_day_whatever_is_shown() -> None:
    trends: TrendCaches[str] = TrendCaches()
    trends.set_length(RangeLength.YEAR.value)
    day, year = trends.due(("a",), START, 10)
    for (pasts, due), times in ((day, 1), (year, 2)):
        told = workday_series(trend_query((), START, 10, pasts.seconds))
        higher = tuple(each._replace(high=times * each.high) for each in told.buckets)
        pasts.store([(due[0], replace(told, buckets=higher))], START, 10)
    trends.add_readings([("a", START, Reading(7, 100))])
    known = trends.trends["a"]
    assert known.bucket == trend_bucket(10, RangeLength.YEAR.value)
    assert known.day is not None
    assert known.peak_of_day == known.day.peak != known.peak
    assert trends.trends is trends.trends
    assert trends.due(("a",), START, 10) == ()
    trends.set_length(RangeLength.DAY.value)
    assert trends.trends["a"].day is None


@pytest.mark.parametrize("view", ["dashboard", "products"])
async def test_brackets_change_the_stretch_and_it_is_said_and_remembered(view: str) -> None:
    engine = FakeEngine(series_of=workday_series)
    async with running_app(view, engine=engine, size=(190, 40)) as run:
        before = len(engine.queries)
        assert "Trend:" not in screen_text(run.app)
        await run.press("right_square_bracket")
        asked = engine.queries[before:]
        shown = [it.pools for it in engine.queries[:before]]
        assert 0 < len(asked) == len({it.pools for it in asked})  # once for each row in view
        assert {it.pools for it in asked} <= set(shown)
        assert all(it.end - it.start >= RangeLength.WEEK.value for it in asked)
        assert "Trend: week" in screen_text(run.app)
        assert run.app.saved_state["range"] == "week"
        await run.press("right_square_bracket", "right_square_bracket", "right_square_bracket")
        assert "Trend: year" in screen_text(run.app)
        await run.press(*["left_square_bracket"] * 3)
        assert "Trend:" not in screen_text(run.app)


async def test_another_view_and_the_next_start_take_it_up() -> None:
    async with running_app("dashboard", size=(190, 40)) as run:
        assert "Trend 24 h" not in screen_text(run.app)
        await run.press("right_square_bracket", "2")
        text = screen_text(run.app)
        assert "Trend week" in text
        assert "Trend: week" in text
        assert "Peak 24 h" in text
        await run.press("left_square_bracket", "1")
        assert "Trend:" not in screen_text(run.app)


@pytest.mark.parametrize("view", ["dashboard", "products"])
async def test_nothing_is_asked_for_rows_out_of_sight(view: str) -> None:
    engine = FakeEngine(series_of=workday_series)
    async with running_app(view, board=MANY, engine=engine, size=(190, 24)) as run:
        if view == "products":
            await run.press("g", "g")  # a row for each server
        engine.queries.clear()
        await run.press("right_square_bracket")
        assert 0 < len(engine.queries) < 45
        first = len(engine.queries)
        await run.press("end")
        assert len(engine.queries) > first
        kind = PaneGrid if view == "dashboard" else ProductTable
        assert run.app.screen.query_one(kind).scroll_offset.y > 0
