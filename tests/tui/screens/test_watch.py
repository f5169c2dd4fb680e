from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.support.clock import START, FakeClock
from tests.support.example_board import TIMEOUT_FAILURE, down_status, example_board, workday_series
from tests.support.fake_engine import FakeEngine
from tests.support.goldens import screen_text
from tests.support.running_app import RunningApp, running_app

from lictui.engine.board import Board
from lictui.tui.app import WatchOptions
from lictui.tui.screens.watch import WatchScreen


def watch(board: Board | None = None, **options: Any) -> Any:
    return running_app(
        board=board,
        engine=FakeEngine(series_of=workday_series),
        clock=options.pop("clock", None),
        size=options.pop("size", (80, 24)),
        options={"watch": WatchOptions(**options)},
    )


def screen(run: RunningApp) -> WatchScreen:
    assert isinstance(run.app.screen, WatchScreen)
    return run.app.screen


async def test_a_page_has_the_products_of_one_group_in_big_figures() -> None:
    async with watch() as run:
        text = screen_text(run.app)
        assert "emea" in text.splitlines()[0]
        assert "█▄█" in text  # digits
        assert "of 500 assigned" in text
        assert "today's maximum" in text
        assert "ddc-us-01" not in text.splitlines()[0]


async def test_pages_turn_and_come_round() -> None:
    async with watch() as run:
        first = screen_text(run.app).splitlines()[0]
        seen = set()
        for _ in range(5):
            screen(run).turn()
            await run.settle()
            seen.add(screen_text(run.app).splitlines()[0].split()[0])
        assert {"us", "apac"} <= seen
        while screen_text(run.app).splitlines()[0] != first:
            screen(run).turn()
            await run.settle()


async def test_the_age_of_the_data_is_always_there_and_grows() -> None:
    clock = FakeClock()
    async with watch(clock=clock) as run:
        assert "polled 12 s ago" in screen_text(run.app)
        await clock.advance(60)
        screen(run)._draw()
        await run.settle()
        assert "polled 1 min ago" in screen_text(run.app)


async def test_it_goes_on_with_every_server_down_for_days() -> None:
    days = 3 * 86400
    board = Board(
        tuple(down_status(it, TIMEOUT_FAILURE, ago=days) for it in example_board().servers[:2])
    )
    async with watch(board) as run:
        text = screen_text(run.app)
        assert "last known value, 3 d ago" in text
        assert "✖ lic-emea-01 down 3 d" in text
        assert "▄" in text  # the figures stay


async def test_nothing_registered_and_nothing_read_yet_are_said() -> None:
    async with watch(Board()) as run:
        assert "No servers configured" in screen_text(run.app)
    async with watch(Board((example_board().servers[-1],))) as run:
        assert "no data yet" in screen_text(run.app)


async def test_it_beeps_at_a_new_alert_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    board = example_board()
    async with watch(Board(board.servers[3:4]), beep=True) as run:
        rung: list[str] = []
        monkeypatch.setattr(run.app, "bell", lambda: rung.append("bell"))
        await run.publish(Board((replace(board.servers[3], polled_at=START),)))
        assert rung == []
        worse = Board((board.servers[3], board.servers[2]))
        await run.publish(worse)
        await run.publish(Board((replace(board.servers[3], polled_at=START), board.servers[2])))
        assert rung == ["bell"]


@pytest.mark.parametrize(("level", "code"), [("warn", 1), ("critical", 1), (None, None)])
async def test_it_ends_with_1_at_an_alert_of_the_level_asked_for(
    level: str | None, code: int | None
) -> None:
    async with watch(exit_on=level) as run:
        pass
    assert run.app.return_value == code


async def test_a_warning_is_not_critical() -> None:
    las = Board(example_board().servers[4:5])  # answers without an inventory: a warning
    async with watch(las, exit_on="critical") as run:
        screen(run)
    assert run.app.return_value is None


async def test_it_shifts_a_cell_now_and_then() -> None:
    clock = FakeClock()
    async with watch(clock=clock) as run:
        places = set()
        for _ in range(4):
            rows = screen_text(run.app).splitlines()
            row = next(row for row in rows if "emea" in row)
            places.add((rows.index(row), row.index("emea")))
            await clock.advance(600)
            screen(run)._draw()
            await run.settle()
        assert len(places) == 4


async def test_a_resize_shows_other_pages() -> None:
    async with watch(size=(200, 60)) as run:
        assert "██████" in screen_text(run.app)
        await run.resize(60, 15)
        lines = screen_text(run.app).splitlines()
        assert len(lines) == 15
        assert "alerts" in lines[-1]


async def test_ascii_is_ascii() -> None:
    from lictui.config.settings import Settings  # noqa: PLC0415 - one test of many

    async with running_app(
        settings=Settings(ascii=True), options={"watch": WatchOptions()}, size=(80, 24)
    ) as run:
        assert screen_text(run.app).isascii()
