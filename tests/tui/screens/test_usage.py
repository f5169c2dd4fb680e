import asyncio
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.support.clock import START, FakeClock
from tests.support.example_board import example_board, growing_series, workday_series
from tests.support.fake_engine import FakeEngine
from tests.support.goldens import screen_text
from tests.support.running_app import RunningApp, running_app
from textual.events import Key

from lictui.analysis.columns import Series
from lictui.analysis.series import SeriesQuery
from lictui.config.settings import Settings
from lictui.engine.board import Board
from lictui.engine.product_history import ProductHistory, ProductQuery
from lictui.errors import LictuiError
from lictui.model import Event, EventKind, Level, MonthlyUsage, PoolKey
from lictui.time_range import RangeLength, TimeRange
from lictui.tui.screens.usage import UsageScreen

RANGES = {
    "d": (RangeLength.DAY, "today, Tue 24 Nov"),
    "w": (RangeLength.WEEK, "week 48, 23 to 29 Nov"),
    "m": (RangeLength.MONTH, "November 2026"),
    "y": (RangeLength.YEAR, "2026, peak per week"),
}
ONE: dict[str, Any] = {"servers": ("ddc-us-01",), "product": "XDT_PLT_CCS"}
TWO: dict[str, Any] = {"servers": ("lic-emea-01", "ddc-us-01"), "product": "XDT_PLT_UD"}


UTC_ZONE = Settings(timezone="UTC")


def engine() -> FakeEngine:
    return FakeEngine(series_of=workday_series)


def charted(fake: FakeEngine) -> list[SeriesQuery]:
    """The questions about the pools of the chart, but for the year that forecasts rest on."""
    year = RangeLength.YEAR.value
    return [
        query for query in fake.queries if query.width <= 3600 and query.end - query.start < year
    ]


def screen(run: RunningApp) -> UsageScreen:
    assert isinstance(run.app.screen, UsageScreen)
    return run.app.screen


async def test_usage_sums_the_pools_of_all_servers() -> None:
    fake = engine()
    async with running_app("usage", engine=fake, **TWO) as run:
        assert "2 servers" in screen_text(run.app)
        assert "612 of 700 assigned" in screen_text(run.app)
    both = (
        ("lic-emea-01", PoolKey("XDT_PLT_UD", "2026-12-31")),
        ("ddc-us-01", PoolKey("XDT_PLT_UD")),
    )
    assert both in [query.pools for query in fake.queries]


async def test_usage_of_a_removed_product_asks_for_its_history() -> None:
    fake = FakeEngine(pool_keys=(("lic-lab", PoolKey("[/gone]")),))
    async with running_app("usage", engine=fake, servers=("lic-lab",), product="[/gone]") as run:
        assert "[/gone]" in screen_text(run.app)
        assert "no current data" in screen_text(run.app)
        assert screen(run).chart.view.buckets == ()
        await run.press("left")  # nothing to read off, and nothing happens
    assert fake.queries[-1].pools == fake.pool_keys


@pytest.mark.parametrize("key", RANGES)
async def test_usage_keys_select_a_calendar_period(key: str) -> None:
    length, name = RANGES[key]
    async with running_app("usage", engine=engine(), settings=UTC_ZONE, **ONE) as run:
        assert "last 7 days" in screen_text(run.app)
        await run.press("y", key)
        assert name in screen_text(run.app)
        view = screen(run).chart.view
    assert view.start == TimeRange(length).period(START, ZoneInfo("UTC"))[0]
    assert view.buckets[0].start == view.start


async def test_usage_brackets_and_angles_change_the_range() -> None:
    fake = engine()
    async with running_app("usage", engine=fake, settings=UTC_ZONE, **ONE) as run:
        await run.press("right_square_bracket")
        assert "November 2026" in screen_text(run.app)
        await run.press("left_square_bracket", "left_square_bracket")
        assert "today, Tue 24 Nov" in screen_text(run.app)
        now = charted(fake)[-1]
        await run.press("less_than_sign")
        assert "Mon 23 Nov" in screen_text(run.app)
        assert now.start - charted(fake)[-1].start == 86400
        await run.press("greater_than_sign", "greater_than_sign")
        assert "today, Tue 24 Nov" in screen_text(run.app)


async def test_usage_cursor_keeps_its_time_in_another_range() -> None:
    growing = FakeEngine(series_of=growing_series)
    async with running_app("usage", engine=growing, settings=UTC_ZONE, **ONE) as run:
        await run.press("m", *["left"] * 5, "w")
        at = screen(run)._cursor_at or 0.0
        for key, shown in (("d", "Mon 23 Nov,"), ("left_square_bracket", "Mon 23 Nov 06:00 to"),
                           ("y", "2026"), ("w", "week 48")):  # fmt: skip
            await run.press(key)
            assert shown in screen_text(run.app)
            view = screen(run).chart.view
            assert view.cursor is not None
            assert view.buckets[view.cursor].start <= at < view.buckets[view.cursor].end
        await run.press("less_than_sign")  # the cursor moves on, to the same time of a week before
        assert screen(run)._cursor_at == at - 7 * DAY


async def test_usage_zooms_into_the_bucket_under_the_cursor_and_out() -> None:
    names = [
        "2026, peak per week",
        "week 47, 16 to 22 Nov",
        "Mon 16 Nov,",
        "Mon 16 Nov 00:00 to 06:00",
    ]
    async with running_app("usage", engine=engine(), settings=UTC_ZONE, **ONE) as run:
        await run.press("y", *["left"] * 7)
        for name in names:
            assert name in screen_text(run.app)
            await run.press("enter")
        for name in reversed(names):
            assert name in screen_text(run.app)
            assert screen(run).chart.view.cursor is not None
            await run.press("escape")
        assert screen(run).chart.view.cursor is None


TASKS = {
    "last Tuesday afternoon": ("3@tue\n\n", "Tue 17 Nov 12:00 to 18:00", "peak        200  Tue 17"),
    "a year ago": ("3@-1y\nd", "Sun 23 Nov 2025", "peak        200  Sun 23 Nov 2025 12:00"),
}


@pytest.mark.parametrize("task", TASKS)
async def test_usage_answers_about_the_past_within_eight_keys(task: str) -> None:
    keys, name, peak = TASKS[task]
    assert len(keys) <= 8
    names = {"\n": "enter", "@": "at", "-": "minus"}
    monday = FakeClock(START - DAY)
    async with running_app(engine=engine(), settings=UTC_ZONE, clock=monday) as run:
        await run.press("tab", "down")  # any product
        await run._pilot.press(*(names.get(key, key) for key in keys))  # at once, as fast as typed
        await run.settle()
        assert name in screen_text(run.app)
        assert peak in screen_text(run.app)


async def test_usage_takes_a_date_before_the_keys_behind_it() -> None:
    async with running_app("usage", engine=engine(), settings=UTC_ZONE, **ONE) as run:
        await run.press("at")
        for key, character in (("minus", "-"), *("11", "yy"), ("enter", None), *("dd",)):
            run.app.post_message(Key(key, character))  # in one burst, as over a slow line
        await run.settle()
        assert " Mon 24 Nov 2025, peak per" in screen_text(run.app)
        assert run.app.focused is None


async def test_usage_date_is_read_back_and_refused_while_it_is_typed() -> None:
    async with running_app("usage", engine=engine(), settings=UTC_ZONE, **ONE) as run:
        await run.press("at", *"mon 14:00")
        assert "Mon 23 Nov 12:00 to 18:00" in screen_text(run.app)
        await run.press("x", "enter")
        assert "invalid time" in screen_text(run.app)
        assert "last 7 days" in screen_text(run.app)
        await run.press("escape")
        assert "no date" not in screen_text(run.app)
        assert run.app.focused is None


async def test_usage_cursor_shows_values_until_escape() -> None:
    async with running_app("usage", engine=engine(), **ONE) as run:
        await run.press("d", "left")
        assert "Tue 24 Nov 23:50 to 00:00" in screen_text(run.app)
        assert "40 of 250 in use" in screen_text(run.app)
        await run.press("left", "left")
        assert "23:30 to 23:40" in screen_text(run.app)
        await run.press("right", "right", "right", "right")
        assert "23:50 to 00:00" in screen_text(run.app)
        await run.press("escape")
        assert screen(run).chart.view.cursor is None
        await run.press("escape")
        assert not isinstance(run.app.screen, UsageScreen)


async def test_usage_has_a_peak_only_for_concurrent_licenses() -> None:
    async with running_app("usage", engine=engine(), settings=UTC_ZONE, **ONE) as run:
        await run.press("d", "less_than_sign")
        assert "peak        200  Mon 23 Nov 12:00" in screen_text(run.app)
        assert ", peak per 10 minutes" in screen_text(run.app)
        assert "data coverage 88 %" in screen_text(run.app)  # three hours of a day are missing
    async with running_app("usage", engine=engine(), **TWO) as run:
        await run.press("d", "less_than_sign")
        assert "peak" not in screen_text(run.app)
        assert "maximum     200" in screen_text(run.app)


async def test_usage_keys_work_while_the_history_is_read_and_late_answers_are_dropped() -> None:
    answers: list[asyncio.Future[ProductHistory]] = []

    class Slow(FakeEngine):
        async def product_history(self, query: ProductQuery) -> ProductHistory:
            history = await super().product_history(query)
            answers.append(asyncio.get_running_loop().create_future())
            await asyncio.shield(answers[-1])
            return history

    async with running_app(engine=Slow(series_of=workday_series)) as run:
        run.app.show_view("usage", **ONE)
        await run._pilot.pause()
        assert "loading history" in screen_text(run.app)
        await run._pilot.press("d")
        await run._pilot.pause()
        assert "today, Tue 24 Nov: loading history" in screen_text(run.app)
        for answer in reversed(answers):
            answer.set_result(ProductHistory())
        await run.settle()
        assert screen(run).chart.view.length is RangeLength.DAY
        assert "loading" not in screen_text(run.app)


async def test_usage_keeps_the_old_chart_while_the_next_is_read() -> None:
    async with running_app("usage", engine=engine(), settings=UTC_ZONE, **ONE) as run:
        before = screen_text(run.app).splitlines()
        shown: list[list[str]] = []

        async def answer(query: ProductQuery) -> ProductHistory:
            del query
            shown.append(screen_text(run.app).splitlines())
            return ProductHistory()

        run.engine.product_history = answer  # type: ignore[method-assign]
        await run.press("y")
    (during,) = shown
    changed = [row for row in range(24) if before[row] != during[row]]
    assert changed == [2]
    assert "2026: loading history" in during[2]


async def test_usage_shows_that_the_history_cannot_be_read() -> None:
    class Broken(FakeEngine):
        async def product_history(self, query: ProductQuery) -> ProductHistory:
            raise LictuiError(f"the history is damaged ({query.product})")

    async with running_app("usage", engine=Broken(), **ONE) as run:
        assert "the history is damaged" in screen_text(run.app)


async def test_usage_follows_the_present_and_keeps_its_cursor() -> None:
    fake, clock = engine(), FakeClock()
    async with running_app("usage", engine=fake, clock=clock, **ONE) as run:
        await run.press("d", "left", "left")
        before = len(fake.product_queries)
        await run.publish(example_board())
        assert len(fake.product_queries) == before
        view = screen(run).chart.view
        assert view.cursor is not None
        at = view.buckets[view.cursor].start
        await clock.advance(3600)
        seen: list[str] = []
        run.app.watch(screen(run).chart, "view", lambda view: seen.append(view.note), init=False)
        await run.publish(Board(example_board().servers[:3]))
        after = screen(run).chart.view
        assert after.end == view.end  # of the calendar day
        assert after.cursor is not None
        assert after.buckets[after.cursor].start == at
        assert len(fake.product_queries) > before
        assert set(seen) <= {""}


async def test_usage_shows_the_months_of_the_source() -> None:
    key = PoolKey("XDT_PLT_UD")
    began = datetime.fromtimestamp(START, UTC).replace(day=1, hour=0).timestamp()
    fake = FakeEngine(months=(MonthlyUsage(key, began, 500, 700, 12, 3),))
    async with running_app("usage", engine=fake, **TWO) as run:
        assert "12 assigned, 3 released" in screen_text(run.app)
        await run.press("y")
        assert screen(run).chart.view.monthly_points() != ()
        assert "values from the source" in screen_text(run.app)


# Comparison, heat map, marks and forecast


HOUR, DAY = 3600, 86400
ADDED = Event(
    START - 2 * DAY, EventKind.LICENSES, "ddc-us-01", "installed 200 -> 250", "XDT_PLT_CCS"
)
OTHER = Event(START - 2 * DAY, EventKind.LICENSES, "ddc-us-01", "elsewhere", "XDT_PLT_UD")
FOREIGN = Event(START - 2 * DAY, EventKind.VERSION, "lic-lab", "version 1 -> 2")
OLD = Event(START - 9 * DAY, EventKind.SERVER, "ddc-us-01", "down: x", "", Level.CRITICAL)


def busier_each_week(question: SeriesQuery) -> Series:
    """A day of work, ten fewer in use in the week before."""
    series = workday_series(question)
    if START - (question.start + question.end) / 2 <= 6 * DAY:
        return series
    buckets = tuple(bucket._replace(high=bucket.high - 10) for bucket in series.buckets)
    return Series.of(buckets, series.width)


async def test_usage_compares_with_the_previous_period() -> None:
    async with running_app("usage", engine=FakeEngine(series_of=busier_each_week), **ONE) as run:
        assert "previous" not in screen_text(run.app)
        await run.press("c")
        assert "◦ previous week" in screen_text(run.app)
        before = screen(run).chart.view.previous
        assert before[0].start >= screen(run).chart.view.start
        await run.press("left", "left", "left", "left")
        view = screen(run).chart.view
        assert view.cursor is not None
        now = round(view.value(view.buckets[view.cursor]))
        assert f"{now} of 250 in use" in screen_text(run.app)
        assert f"· previous week {now - 10}" in screen_text(run.app)
        await run.press("y")
        assert "previous year" in screen_text(run.app)
        await run.press("c")
        assert "previous" not in screen_text(run.app)
        assert screen(run).chart.view.previous == ()


async def test_usage_heat_map_replaces_the_chart() -> None:
    fake = FakeEngine(series_of=workday_series)
    async with running_app("usage", engine=fake, **ONE) as run:
        await run.press("d", "h")
        assert screen(run).time_range.length is RangeLength.WEEK
        assert "last 7 days by hour and weekday" in screen_text(run.app)
        assert " Sun " in screen_text(run.app)
        weeks = fake.queries[-1]
        assert (weeks.end - weeks.start, weeks.width) == (7 * DAY, 300)
        await run.press("right", "down", "right")
        assert "Tue 09:00  153 (61 %) on average, max 153" in screen_text(run.app)
        await run.press("escape", "escape")
        assert "today, Tue 24 Nov" in screen_text(run.app)
        assert " Sun " not in screen_text(run.app)


async def test_usage_heat_map_opens_the_hour_under_the_cursor_in_the_chart() -> None:
    fake = FakeEngine(series_of=workday_series)
    async with running_app("usage", engine=fake, settings=UTC_ZONE, **ONE) as run:
        await run.press("m", "h", "enter")  # without a cursor there is nothing to open
        assert " Sun " in screen_text(run.app)
        await run.press("right", "down", "right", "enter")  # Tuesday 9:00, which is to come today
        assert "Tue 17 Nov, peak per 10 minutes" in screen_text(run.app)
        assert "Tue 17 Nov 09:00" in screen_text(run.app)
        await run.press("escape")
        assert "November 2026" in screen_text(run.app)


async def test_usage_heat_map_is_in_the_users_zone() -> None:
    for zone, hour in (("UTC", 12), ("Asia/Kolkata", 17)):
        settings = Settings(timezone=zone)
        async with running_app("usage", engine=engine(), settings=settings, **ONE) as run:
            await run.press("h")
            heat = screen(run).heat_map.view.heat
            assert heat is not None
            assert max(range(24), key=lambda at: heat.average[0][at] or 0) == hour


async def test_usage_marks_events_and_shows_them_at_the_cursor() -> None:
    engine = FakeEngine(series_of=workday_series, journal=(ADDED, OTHER, FOREIGN, OLD))
    async with running_app("usage", engine=engine, **ONE) as run:
        marks = screen(run).chart.view.marks
        assert [mark.text for mark in marks] == ["installed 200 -> 250"]
        axis = next(row for row in screen_text(run.app).splitlines() if "└" in row)
        assert axis.count("◆") == 1
        await run.press("left")
        assert "installed 200" not in screen_text(run.app)
        await run.press(*["left"] * 30)
        assert "· Sun 22 Nov 06:00  installed 200 -> 250" in screen_text(run.app)


async def test_usage_facts_that_do_not_fit_are_scrolled_by_keys() -> None:
    async with running_app("usage", (60, 15), engine=engine(), **TWO) as run:
        assert " servers " not in screen_text(run.app)
        await run.press(*["pagedown"] * 4)
        assert " servers " in screen_text(run.app)
        await run.press(*["pageup"] * 4)
        assert " now " in screen_text(run.app)


async def test_usage_asks_for_the_outlook_once_an_hour() -> None:
    engine, clock = FakeEngine(series_of=workday_series), FakeClock()
    async with running_app("usage", engine=engine, clock=clock, **ONE) as run:
        await run.press("d", "m", "y", "w", "y")
        assert engine.outlook_queries == [(("ddc-us-01",), "XDT_PLT_CCS", None)]
        await clock.advance(3600)
        await run.press("d")
        assert len(engine.outlook_queries) == 2
