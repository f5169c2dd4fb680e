from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.support.clock import START, FakeClock
from tests.support.example_board import example_board, workday_series
from tests.support.fake_engine import FakeEngine
from tests.support.goldens import screen_text
from tests.support.running_app import RunningApp, running_app

from lictui.analysis.series import Series, SeriesQuery
from lictui.engine.board import Board
from lictui.errors import LictuiError
from lictui.model import MonthlyUsage, PoolKey
from lictui.tui.screens.usage import UsageScreen
from lictui.tui.time_range import RangeLength, TimeRange

ONE: dict[str, Any] = {"servers": ("ddc-us-01",), "product": "XDT_PLT_CCS"}
TWO: dict[str, Any] = {"servers": ("lic-emea-01", "ddc-us-01"), "product": "XDT_PLT_UD"}


def engine() -> FakeEngine:
    return FakeEngine(series_of=workday_series)


def charted(asked: FakeEngine) -> list[SeriesQuery]:
    """The questions about the pools of the chart, but for the year that forecasts rest on."""
    year = RangeLength.YEAR.value
    return [each for each in asked.queries if each.width <= 3600 and each.end - each.start < year]


def screen(run: RunningApp) -> UsageScreen:
    assert isinstance(run.app.screen, UsageScreen)
    return run.app.screen


async def test_the_pools_of_all_servers_are_asked_for_together() -> None:
    asked = engine()
    async with running_app("product", engine=asked, **TWO) as run:
        assert "2 servers" in screen_text(run.app)
        assert "612 of 700 assigned" in screen_text(run.app)
    assert asked.queries[-1].pools == (
        ("lic-emea-01", PoolKey("XDT_PLT_UD", "2026-12-31")),
        ("ddc-us-01", PoolKey("XDT_PLT_UD")),
    )


async def test_a_renewed_license_keeps_the_curve_of_its_old_subscription() -> None:
    renewed, other = PoolKey("XDT_PLT_UD", "2025-12-31"), PoolKey("MPS_ENT_CCU", "2025-12-31")
    asked = engine()
    asked.pool_keys = (
        ("lic-emea-01", PoolKey("XDT_PLT_UD", "2026-12-31")),
        *(("lic-emea-01", key) for key in (renewed, other)),
        ("lic-elsewhere", renewed),
    )
    async with running_app("product", engine=asked, **TWO):
        pass
    assert asked.queries[-1].pools == (
        ("lic-emea-01", PoolKey("XDT_PLT_UD", "2026-12-31")),
        ("ddc-us-01", PoolKey("XDT_PLT_UD")),
        ("lic-emea-01", renewed),
    )


async def test_what_is_no_longer_on_the_board_is_still_in_the_chart() -> None:
    asked = engine()
    asked.pool_keys = (("ddc-us-01", PoolKey("OLD")),)
    async with running_app("product", engine=asked, servers=("ddc-us-01",), product="OLD"):
        pass
    assert asked.queries[-1].pools == asked.pool_keys


@pytest.mark.parametrize(
    ("key", "length"),
    [
        ("d", RangeLength.DAY),
        ("w", RangeLength.WEEK),
        ("m", RangeLength.MONTH),
        ("y", RangeLength.YEAR),
    ],
)
async def test_a_key_for_each_range(key: str, length: RangeLength) -> None:
    asked = engine()
    async with running_app("product", engine=asked, **ONE) as run:
        await run.press("y", key)
        assert length.name.lower() + " to now" in screen_text(run.app)
        view = screen(run).chart.view
    bucket = view.buckets[0].end - view.buckets[0].start
    assert length.value - bucket < view.end - view.start <= length.value


async def test_brackets_change_the_range_and_angles_move_in_time() -> None:
    asked = engine()
    async with running_app("product", engine=asked, **ONE) as run:
        await run.press("right_square_bracket")
        assert "month to now" in screen_text(run.app)
        await run.press("left_square_bracket", "left_square_bracket")
        assert "day to now" in screen_text(run.app)
        now = charted(asked)[-1]
        await run.press("less_than_sign")
        assert "day to Mon 23 Nov" in screen_text(run.app)
        assert now.start - charted(asked)[-1].start == 86400
        await run.press("greater_than_sign", "greater_than_sign")
        assert "day to now" in screen_text(run.app)


async def test_the_cursor_reads_off_from_the_newest_on_and_escape_puts_it_away() -> None:
    async with running_app("product", engine=engine(), **ONE) as run:
        await run.press("d", "left")
        assert "Tue 24 Nov 06:00 to 06:10" in screen_text(run.app)
        assert "40 of 250 in use" in screen_text(run.app)
        await run.press("left", "left")
        assert "05:40 to 05:50" in screen_text(run.app)
        await run.press("right", "right", "right", "right")
        assert "06:00 to 06:10" in screen_text(run.app)
        await run.press("escape")
        assert "read off" in screen_text(run.app)
        await run.press("escape")
        assert not isinstance(run.app.screen, UsageScreen)


async def test_concurrent_use_has_a_peak_with_its_time_and_assignments_have_none() -> None:
    async with running_app("product", engine=engine(), **ONE) as run:
        await run.press("d")
        assert "peak     200  Mon 23 Nov 11:50" in screen_text(run.app)
        assert "peak of each" in screen_text(run.app)
    async with running_app("product", engine=engine(), **TWO) as run:
        await run.press("d")
        assert "peak" not in screen_text(run.app)
        assert "most     200" in screen_text(run.app)


async def test_a_gap_counts_against_the_coverage() -> None:
    async with running_app("product", engine=engine(), **ONE) as run:
        await run.press("d")
        assert "87 % recorded" in screen_text(run.app)  # three hours of a day are missing


async def test_reading_the_history_never_holds_up_the_keys_and_late_answers_are_dropped() -> None:
    answers: list[asyncio.Future[Series]] = []

    def year(question: SeriesQuery) -> bool:
        return question.end - question.start > RangeLength.MONTH.value

    class Slow(FakeEngine):
        async def series(self, question: SeriesQuery) -> Series:
            if not year(question):
                answers.append(asyncio.get_running_loop().create_future())
                await answers[-1]
            return workday_series(question)

        async def many(self, questions: tuple[SeriesQuery, ...]) -> tuple[Series, ...]:
            return tuple(workday_series(question) for question in questions)

    async with running_app(engine=Slow()) as run:
        run.app.show_view("product", **ONE)
        await run._pilot.pause()
        assert "reading the history" in screen_text(run.app)
        await run._pilot.press("d")
        await run._pilot.pause()
        assert "day to now" in screen_text(run.app)
        for answer in reversed(answers):
            answer.set_result(Series((), 300))
        await run.settle()
        assert screen(run).chart.view.length is RangeLength.DAY
        assert (
            screen(run).chart.view.buckets[0].end - screen(run).chart.view.buckets[0].start == 600
        )


async def test_a_history_that_cannot_be_read_is_said() -> None:
    class Broken(FakeEngine):
        many = FakeEngine(series_of=workday_series).many

        async def series(self, question: SeriesQuery) -> Series:
            raise LictuiError(f"the history is damaged ({question.width})")

    async with running_app("product", engine=Broken(), **ONE) as run:
        assert "the history is damaged" in screen_text(run.app)


async def test_no_reading_at_all_is_said() -> None:
    async with running_app("product", engine=FakeEngine(), **ONE) as run:
        assert "no data" in screen_text(run.app)
        await run.press("left")  # nothing to read off, and nothing happens


async def test_boards_ask_the_past_again_only_after_a_while() -> None:
    asked, clock = engine(), FakeClock()
    async with running_app("product", engine=asked, clock=clock, **ONE) as run:
        before = len(charted(asked))
        await run.publish(example_board())
        assert len(charted(asked)) == before
        await clock.advance(3600)
        await run.publish(Board(example_board().servers[:3]))
        assert len(charted(asked)) == before + 1


async def test_the_chart_follows_the_present_without_going_blank_and_keeps_its_cursor() -> None:
    clock = FakeClock()
    async with running_app("product", engine=engine(), clock=clock, **ONE) as run:
        await run.press("d", "left", "left")
        view = screen(run).chart.view
        assert view.cursor is not None
        at = view.buckets[view.cursor].start
        await clock.advance(3600)
        seen: list[str] = []
        run.app.watch(screen(run).chart, "view", lambda view: seen.append(view.note), init=False)
        await run.publish(Board(example_board().servers[:3]))
        after = screen(run).chart.view
        assert after.end == view.end + 3600
        assert after.cursor is not None
        assert after.buckets[after.cursor].start == at
        assert set(seen) == {""}


async def test_it_can_be_opened_at_a_moment_of_the_past() -> None:
    at = START - 3 * 86400
    async with running_app("product", engine=engine(), at=at, **ONE) as run:
        view = screen(run).chart.view
        assert view.cursor is not None
        assert view.buckets[view.cursor].start <= at < view.buckets[view.cursor].end
        assert screen(run).time_range == TimeRange(RangeLength.DAY, 3)


async def test_another_width_has_other_buckets() -> None:
    asked = engine()
    async with running_app("product", engine=asked, **ONE) as run:
        narrow = screen(run).chart.view.buckets[0]
        await run.resize(200, 60)
        wide = screen(run).chart.view.buckets[0]
        assert wide.end - wide.start < narrow.end - narrow.start


async def test_a_product_that_nobody_has_any_more_is_shown_by_its_code() -> None:
    async with running_app("product", servers=("lic-lab",), product="[/gone]") as run:
        assert "[/gone]" in screen_text(run.app)
        assert "no figures of now" in screen_text(run.app)


async def test_months_that_the_source_tells_of_are_in_the_facts_and_in_the_year() -> None:
    key = PoolKey("XDT_PLT_UD")
    began = datetime.fromtimestamp(START, UTC).replace(day=1, hour=0).timestamp()
    asked = FakeEngine(months=(MonthlyUsage(key, began, 500, 700, 12, 3),))
    async with running_app("product", engine=asked, **TWO) as run:
        assert "12 newly assigned, 3 released" in screen_text(run.app)
        await run.press("y")
        assert screen(run).chart.view.monthly_points() != ()
        assert "monthly values of the source" in screen_text(run.app)
