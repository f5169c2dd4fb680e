"""Comparing, the map of the week, marks and forecasts in the product view."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.support.clock import START
from tests.support.example_board import workday_series
from tests.support.fake_engine import FakeEngine
from tests.support.goldens import screen_text
from tests.support.growing_series import growing_series
from tests.support.running_app import RunningApp, running_app

from lictui.config.settings import Settings
from lictui.model import Event, EventKind, Level
from lictui.tui.screens.usage import UsageScreen

if TYPE_CHECKING:
    from lictui.analysis.series import Series, SeriesQuery

ONE: dict[str, Any] = {"servers": ("ddc-us-01",), "product": "XDT_PLT_CCS"}
TWO: dict[str, Any] = {"servers": ("lic-emea-01", "ddc-us-01"), "product": "XDT_PLT_UD"}
HOUR, DAY = 3600, 86400
ADDED = Event(
    START - 2 * DAY, EventKind.LICENSES, "ddc-us-01", "installed 200 -> 250", "XDT_PLT_CCS"
)
OTHER = Event(START - 2 * DAY, EventKind.LICENSES, "ddc-us-01", "elsewhere", "XDT_PLT_UD")
FOREIGN = Event(START - 2 * DAY, EventKind.VERSION, "lic-lab", "version 1 -> 2")
OLD = Event(START - 9 * DAY, EventKind.SERVER, "ddc-us-01", "down: x", "", Level.CRITICAL)


def screen(run: RunningApp) -> UsageScreen:
    assert isinstance(run.app.screen, UsageScreen)
    return run.app.screen


def busier_each_week(question: SeriesQuery) -> Series:
    """A day of work, ten fewer in use in the week before."""
    found = workday_series(question)
    middle = (question.start + question.end) / 2
    less = 10 if START - middle > 6 * DAY else 0
    buckets = tuple(each._replace(high=each.high - less) for each in found.buckets)
    return type(found)(buckets, found.width)


async def test_the_period_before_comes_and_goes_with_one_key() -> None:
    async with running_app("product", engine=FakeEngine(series_of=busier_each_week), **ONE) as run:
        assert "before" not in screen_text(run.app)
        await run.press("c")
        assert "◦ week before" in screen_text(run.app)
        before = screen(run).chart.view.previous
        assert before[0].start >= screen(run).chart.view.start
        await run.press("left", "left", "left", "left")
        view = screen(run).chart.view
        assert view.cursor is not None
        now = round(view.value(view.buckets[view.cursor]))
        assert f"{now} of 250 in use" in screen_text(run.app)
        assert f"· week before {now - 10}" in screen_text(run.app)
        await run.press("y")
        assert "year before" in screen_text(run.app)
        await run.press("c")
        assert "before" not in screen_text(run.app)
        assert screen(run).chart.view.previous == ()


async def test_the_map_of_the_week_takes_the_place_of_the_chart_and_gives_it_back() -> None:
    asked = FakeEngine(series_of=workday_series)
    async with running_app("product", engine=asked, **ONE) as run:
        await run.press("d", "h")
        assert "week to now, each hour of the week" in screen_text(run.app)
        assert " Sun " in screen_text(run.app)
        weeks = asked.queries[-1]
        assert (weeks.end - weeks.start, weeks.width) == (7 * DAY, HOUR)
        await run.press("right", "down", "right")
        assert "Tue 09:00  153 (61 %) on average, 153 at most" in screen_text(run.app)
        await run.press("escape", "escape")
        assert "day to now" in screen_text(run.app)
        assert " Sun " not in screen_text(run.app)


async def test_hours_of_the_map_are_those_of_the_users_zone() -> None:
    for zone, hour in (("UTC", "12:00"), ("Asia/Kolkata", "17:00")):
        settings = Settings(timezone=zone)
        engine = FakeEngine(series_of=workday_series)
        async with running_app("product", engine=engine, settings=settings, **ONE) as run:
            await run.press("h")
            found = screen(run).map.view.heat
            assert found is not None
            busiest = max(range(24), key=lambda at: found.average[0][at] or 0)
            assert f"{busiest:02}:00" == hour


async def test_changes_are_marked_and_said_under_the_cursor() -> None:
    engine = FakeEngine(series_of=workday_series, journal=(ADDED, OTHER, FOREIGN, OLD))
    async with running_app("product", engine=engine, **ONE) as run:
        marks = screen(run).chart.view.marks
        assert [mark.text for mark in marks] == ["installed 200 -> 250"]
        axis = next(row for row in screen_text(run.app).splitlines() if "└" in row)
        assert axis.count("◆") == 1
        assert "◆ changes" in screen_text(run.app)
        await run.press("left")
        assert "installed 200" not in screen_text(run.app)
        await run.press(*["left"] * 22)
        assert "· 22 Nov 06:00  installed 200 -> 250" in screen_text(run.app)


async def test_what_grows_goes_on_beyond_now_in_dashes() -> None:
    async with running_app("product", engine=FakeEngine(series_of=growing_series), **ONE) as run:
        assert "ahead    +" in screen_text(run.app)
        assert screen(run).chart.view.forecast == ()
        await run.press("y")
        view = screen(run).chart.view
        assert view.forecast
        assert view.end > START + 60 * DAY
        assert "╌ forecast" in screen_text(run.app)
        await run.press("less_than_sign")
        assert screen(run).chart.view.forecast == ()
        assert "forecast" not in screen_text(run.app)


async def test_the_figures_say_what_was_needed_for_how_long() -> None:
    async with running_app(
        "product", (80, 40), engine=FakeEngine(series_of=workday_series), **ONE
    ) as run:
        text = screen_text(run.app)
        assert "needed   195 to cover 95 % of the time, 200 for 99 %, 81 for half" in text
        assert "above    80 % for 7 h" in text
    async with running_app(
        "product", (80, 40), engine=FakeEngine(series_of=workday_series), **TWO
    ) as run:
        text = screen_text(run.app)
        assert "needed" not in text
        assert "newly assigned" in text


async def test_a_year_is_asked_for_once_an_hour() -> None:
    engine = FakeEngine(series_of=workday_series)
    async with running_app("product", engine=engine, **ONE) as run:
        await run.press("d", "m", "y", "w", "y")
        years = [each for each in engine.queries if each.end - each.start > 360 * DAY]
        assert len(years) == 1
        assert datetime.fromtimestamp(years[0].end, UTC).hour == 0
