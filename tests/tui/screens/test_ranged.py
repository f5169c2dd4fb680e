"""Trends of a day, week, month or year on wall and estate, one question a row."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.clock import START
from tests.support.engine import FakeEngine
from tests.support.estate import day_of_work, pool, up
from tests.support.running import running
from tests.support.screen import screen_text

from lictui.engine.board import Board
from lictui.model import Reading
from lictui.tui.time_range import Length
from lictui.tui.trend_cache import Trends, question
from lictui.tui.widgets.estate import Estate
from lictui.tui.widgets.gauge import bucket_for
from lictui.tui.widgets.wall import Wall

DAY = 86400
MANY = Board(tuple(up(f"lic-{at:02}", pool("XDT_PLT_CCS", 50, 100)) for at in range(60)))


@given(st.integers(1, 200), st.sampled_from(Length))
def test_buckets_cover_the_stretch_and_hardly_more(cells: int, length: Length) -> None:
    bucket = bucket_for(cells, length.value)
    assert length.value <= bucket * cells
    assert bucket < 2 * (length.value / cells) + 300
    asked = question((), START, cells, length.value)
    assert asked.bucket <= DAY
    assert bucket % asked.bucket == 0 or bucket % DAY == 0


def test_the_tick_is_the_peak_of_the_day_whatever_is_shown() -> None:
    trends: Trends[str] = Trends()
    trends.stretch(Length.YEAR.value)
    day, year = trends.due(("a",), START, 10)
    for (pasts, due), times in ((day, 1), (year, 2)):
        told = day_of_work(question((), START, 10, pasts.stretch))
        higher = tuple(each._replace(high=times * each.high) for each in told.buckets)
        pasts.take([(due[0], replace(told, buckets=higher))], START, 10)
    trends.read([("a", START, Reading(7, 100))])
    known = trends.known["a"]
    assert known.bucket == bucket_for(10, Length.YEAR.value)
    assert known.day is not None
    assert known.peak_of_day == known.day.peak != known.peak
    assert trends.known is trends.known
    assert trends.due(("a",), START, 10) == ()
    trends.stretch(Length.DAY.value)
    assert trends.known["a"].day is None


@pytest.mark.parametrize("view", ["wall", "estate"])
async def test_brackets_change_the_stretch_and_it_is_said_and_remembered(view: str) -> None:
    engine = FakeEngine(past=day_of_work)
    async with running(view, engine=engine, size=(190, 40)) as run:
        before = len(engine.questions)
        assert "trends:" not in screen_text(run.app)
        await run.press("right_square_bracket")
        asked = engine.questions[before:]
        shown = [it.pools for it in engine.questions[:before]]
        assert 0 < len(asked) == len({it.pools for it in asked})  # once for each row in view
        assert {it.pools for it in asked} <= set(shown)
        assert all(it.end - it.start >= Length.WEEK.value for it in asked)
        assert "trends: week" in screen_text(run.app)
        assert run.app.remembered["range"] == "week"
        await run.press("right_square_bracket", "right_square_bracket", "right_square_bracket")
        assert "trends: year" in screen_text(run.app)
        await run.press(*["left_square_bracket"] * 3)
        assert "trends:" not in screen_text(run.app)


async def test_another_view_and_the_next_start_take_it_up() -> None:
    async with running("wall", size=(190, 40)) as run:
        assert "last 24 h" not in screen_text(run.app)
        await run.press("right_square_bracket", "2")
        text = screen_text(run.app)
        assert "last week" in text
        assert "trends: week" in text
        assert "peak 24 h" in text
        await run.press("left_square_bracket", "1")
        assert "trends:" not in screen_text(run.app)


@pytest.mark.parametrize("view", ["wall", "estate"])
async def test_nothing_is_asked_for_rows_out_of_sight(view: str) -> None:
    engine = FakeEngine(past=day_of_work)
    async with running(view, board=MANY, engine=engine, size=(190, 24)) as run:
        if view == "estate":
            await run.press("g", "g")  # a row for each server
        engine.questions.clear()
        await run.press("right_square_bracket")
        assert 0 < len(engine.questions) < 45
        first = len(engine.questions)
        await run.press("end")
        assert len(engine.questions) > first
        kind = Wall if view == "wall" else Estate
        assert run.app.screen.query_one(kind).scroll_offset.y > 0
