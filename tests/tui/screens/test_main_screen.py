"""What the main views share: filter, trend length, copy and export."""

from unittest.mock import Mock

import pytest
from msgspec.structs import replace
from tests.support.clock import START, FakeClock
from tests.support.example_board import pool, up_status, workday_series
from tests.support.fake_engine import FakeEngine
from tests.support.goldens import screen_text
from tests.support.running_app import RunningApp, running_app
from textual.events import Key
from textual.widgets import Input

from lictui.engine.board import Board
from lictui.time_range import RangeLength
from lictui.tui.screens.dashboard import DashboardScreen
from lictui.tui.screens.servers import ServersScreen
from lictui.tui.text import Table
from lictui.tui.widgets.dashboard import PaneGrid
from lictui.tui.widgets.products import ProductTable


def shown(run: RunningApp) -> list[str]:
    return [view.server for view in run.app.screen.query_one(PaneGrid).panes]


async def test_filter_applies_while_it_is_typed() -> None:
    async with running_app() as run:
        await run.press("slash", *"lab")
        assert shown(run) == ["lic-lab"]
        await run.press("enter")
        assert "/lab" in screen_text(run.app)
        await run.press("escape")
        assert len(shown(run)) == 6


async def test_filter_keeps_fast_typing() -> None:
    async with running_app() as run:
        for key, character in (("slash", "/"), ("q", "q"), ("R", "R"), ("slash", "/")):
            run.app.post_message(Key(key, character))
        await run.settle()
        assert isinstance(run.app.screen, DashboardScreen)
        assert run.app.screen.query_one(Input).value == "qR/"
        assert run.engine.polled == []


async def test_filter_that_is_invalid_or_inverted() -> None:
    async with running_app() as run:
        await run.press("slash", *"lab", "[")
        assert "invalid regular expression" in screen_text(run.app)
        assert shown(run) == ["lic-lab"]
        await run.press("ctrl+u", *"!lic", "enter")
        assert shown(run) == ["ddc-us-01"]


async def test_filter_option_applies_from_the_start() -> None:
    async with running_app(options={"filter": "las"}) as run:
        assert shown(run) == ["lic-las"]


async def test_copy_takes_the_selected_row() -> None:
    async with running_app() as run:
        await run.press("Y")
        assert run.app.clipboard == "lic-emea-01: CVAD Premium, 412 of 500 assigned (82 %)"
        # "Copied" would be a promise: no terminal confirms it, and some multiplexers drop it.
        (notice,) = run.app._notifications
        assert notice.message == f"Sent to the terminal's clipboard: {run.app.clipboard}"


async def test_export_writes_what_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Table] = []

    def write(table: Table, view: str, _now: float) -> str:
        written.append(table)
        return f"here/{view}.csv"

    monkeypatch.setattr("lictui.tui.text.export_csv", write)
    async with running_app() as run:
        await run.press("slash", *"PVS", "enter")
        await run.press("E")
        assert "here/dashboard.csv" in "".join(n.message for n in run.app._notifications)
    ((header, row),) = written
    assert dict(zip(header, row, strict=True)) == {
        "server": "lic-emea-01",
        "state": "up",
        "product": "PVS_STD_CCS",
        "name": "Provisioning Services",
        "model": "concurrent",
        "subscription_date": "",
        "in_use": 90,
        "installed": 80,
        "overdraft": 20,
        "free": -10,
        "ratio": 1.125,
        "level": "overdraft",
    }


async def test_export_shows_why_it_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    error = Mock(side_effect=PermissionError(13, "Permission denied"))
    monkeypatch.setattr("lictui.tui.text.export_csv", error)
    async with running_app() as run:
        await run.press("E")
        assert "Permission denied" in "".join(n.message for n in run.app._notifications)


MANY = Board(tuple(up_status(f"lic-{at:02}", pool("XDT_PLT_CCS", 50, 100)) for at in range(60)))


@pytest.mark.parametrize(
    ("view", "length", "label", "back"),
    [("dashboard", "week", "7 d", 3), ("products", "year", "1 year", 1)],
)
async def test_trend_length_changes_by_brackets_and_is_kept(
    view: str, length: str, label: str, back: int
) -> None:
    engine = FakeEngine(series_of=workday_series)
    async with running_app(view, engine=engine, size=(190, 40)) as run:
        before = len(engine.queries)
        assert "Trend:" not in screen_text(run.app)
        await run.press("right_square_bracket")
        queries = engine.queries[before:]
        shown = [query.pools for query in engine.queries[:before]]
        assert (
            0 < len(queries) == len({query.pools for query in queries})
        )  # once for each row in view
        assert {query.pools for query in queries} <= set(shown)
        assert all(query.end - query.start >= RangeLength.WEEK.value for query in queries)
        assert f"Trend: {label}" in screen_text(run.app)
        assert run.app.saved_state["range"] == length
        await run.press("right_square_bracket", "right_square_bracket", "right_square_bracket")
        assert "Trend: 1 year" in screen_text(run.app)
        await run.press(*["left_square_bracket"] * back)
        assert "Trend:" not in screen_text(run.app)


@pytest.mark.parametrize("view", ["dashboard", "products"])
async def test_trends_are_requested_once_for_visible_rows_and_bucket(view: str) -> None:
    engine, clock = FakeEngine(series_of=workday_series), FakeClock()
    async with running_app(view, board=MANY, engine=engine, clock=clock, size=(190, 24)) as run:
        if view == "products":
            await run.press("g", "g")  # a row for each server
        engine.queries.clear()
        await run.press("right_square_bracket")
        assert 0 < len(engine.queries) < 45
        assert {len(query.pools) for query in engine.queries} == {1}
        first = len(engine.queries)
        await run.publish(replace(MANY, notices=("another board",)))
        assert len(engine.queries) == first
        await clock.advance(3 * 3600)
        await run.publish(MANY)
        assert len(engine.queries) > first
        first = len(engine.queries)
        await run.press("end")
        assert len(engine.queries) > first
        kind = PaneGrid if view == "dashboard" else ProductTable
        assert run.app.screen.query_one(kind).scroll_offset.y > 0


async def test_read_only_says_that_nobody_polls_and_what_to_do() -> None:
    for age, is_shown in ((0.0, False), (2 * 86400.0, True)):
        async with running_app(clock=FakeClock(START + age), options={"read_only": True}) as run:
            assert ("Nobody polls" in screen_text(run.app)) is is_shown
            assert ("lictui collect" in screen_text(run.app)) is is_shown
    async with running_app(clock=FakeClock(START + age)) as run:
        assert "Nobody polls" not in screen_text(run.app)


@pytest.mark.parametrize(("last", "count"), [("enter", 2), ("escape", 6)])
async def test_filter_typed_quickly_is_the_one_that_was_confirmed(last: str, count: int) -> None:
    async with running_app("servers") as run:
        for key in ("slash", *"emea", last):
            run.app.post_message(Key(key, key if len(key) == 1 else None))
        await run.settle()
        assert isinstance(run.app.screen, ServersScreen)
        assert run.app.screen.row_count() == count
