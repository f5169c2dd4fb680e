"""The pages of `lictui watch`, and its big digits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.clock import START, FakeClock
from tests.support.example_board import TIMEOUT_FAILURE, down_status, example_board, workday_series
from tests.support.fake_engine import FakeEngine
from tests.support.goldens import screen_text
from tests.support.running_app import RunningApp, running_app

from lictui.engine.board import Board
from lictui.tui.app import WatchOptions
from lictui.tui.screens.watch import WatchScreen, big_digits, digits_height


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


async def test_page_has_the_products_of_one_group() -> None:
    async with watch() as run:
        text = screen_text(run.app)
        assert "emea" in text.splitlines()[0]
        assert "█▄█" in text  # digits
        assert "of 500 assigned" in text
        assert "today's maximum" in text
        assert "ddc-us-01" not in text.splitlines()[0]


async def test_pages_turn_and_start_again() -> None:
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


async def test_page_shows_the_age_of_the_data() -> None:
    clock = FakeClock()
    async with watch(clock=clock) as run:
        assert "polled 12 s ago" in screen_text(run.app)
        await clock.advance(60)
        screen(run)._draw()
        await run.settle()
        assert "polled 1 min ago" in screen_text(run.app)


async def test_page_keeps_last_values_when_servers_are_down() -> None:
    days = 3 * 86400
    board = Board(
        tuple(down_status(it, TIMEOUT_FAILURE, ago=days) for it in example_board().servers[:2])
    )
    async with watch(board) as run:
        text = screen_text(run.app)
        assert "last known value, 3 d ago" in text
        assert "✖ lic-emea-01 down 3 d" in text
        assert "▄" in text  # the figures stay


async def test_page_without_servers_or_data() -> None:
    async with watch(Board()) as run:
        assert "No servers configured" in screen_text(run.app)
    async with watch(Board((example_board().servers[-1],))) as run:
        assert "no data yet" in screen_text(run.app)


async def test_beep_only_at_a_new_alert(monkeypatch: pytest.MonkeyPatch) -> None:
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
async def test_exit_on_ends_at_an_alert_of_its_level(level: str | None, code: int | None) -> None:
    async with watch(exit_on=level) as run:
        pass
    assert run.app.return_value == code


async def test_exit_on_critical_ignores_a_warning() -> None:
    las = Board(example_board().servers[4:5])  # answers without an inventory: a warning
    async with watch(las, exit_on="critical") as run:
        screen(run)
    assert run.app.return_value is None


async def test_page_shifts_against_burn_in() -> None:
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


async def test_resize_changes_the_pages() -> None:
    async with watch(size=(200, 60)) as run:
        assert "██████" in screen_text(run.app)
        await run.resize(60, 15)
        lines = screen_text(run.app).splitlines()
        assert len(lines) == 15
        assert "alerts" in lines[-1]


async def test_watch_in_ascii() -> None:
    from lictui.config.settings import Settings  # noqa: PLC0415 - one test of many

    async with running_app(
        settings=Settings(ascii=True), options={"watch": WatchOptions()}, size=(80, 24)
    ) as run:
        assert screen_text(run.app).isascii()


FIGURES = st.text("0123456789,?-", min_size=1, max_size=8)


@given(FIGURES, st.booleans(), st.sampled_from([1, 2]))
def test_rows_are_of_one_width_and_as_many_as_was_said(
    text: str,
    ascii_only: bool,  # noqa: FBT001 - drawn by hypothesis
    scale: int,
) -> None:
    rows = big_digits(text, ascii_only=ascii_only, scale=scale)
    assert len(rows) == digits_height(ascii_only=ascii_only, scale=scale)
    assert len({len(row) for row in rows}) == 1
    assert not ascii_only or "".join(rows).isascii()


def test_digits_look_like_digits() -> None:
    assert big_digits("20") == ("▄▄▄ ▄▄▄", "▄▄█ █ █", "█▄▄ █▄█")


@pytest.mark.parametrize("ascii_only", [False, True])
def test_no_two_characters_look_the_same(ascii_only: bool) -> None:  # noqa: FBT001 - a case
    assert len({big_digits(char, ascii_only=ascii_only) for char in "0123456789,?-"}) == 13


def test_what_has_no_shape_is_a_question_mark() -> None:
    assert big_digits("x") == big_digits("?")
