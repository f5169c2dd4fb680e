from __future__ import annotations

from tests.support.example_board import example_board
from tests.support.goldens import screen_text
from tests.support.running_app import running_app

from lictui.config.settings import Settings
from lictui.engine.board import Board
from lictui.tui.screens.dialogs import START_DEMO, FirstRunScreen
from lictui.tui.screens.server_form import FormScreen


async def test_without_a_server_there_are_three_ways_on() -> None:
    async with running_app(board=Board()) as run:
        text = screen_text(run.app)
        assert isinstance(run.app.screen, FirstRunScreen)
        assert all(way in text for way in ("Add a server", "Start demo", "Quit"))


async def test_enter_takes_the_first_way() -> None:
    async with running_app(board=Board()) as run:
        await run.press("enter")
        assert isinstance(run.app.screen, FormScreen)


async def test_arrows_and_enter_lead_to_the_demo() -> None:
    async with running_app(board=Board()) as run:
        await run.press("down", "enter")
    assert run.app.return_value == START_DEMO


async def test_a_key_for_the_demo_and_one_for_the_end() -> None:
    async with running_app(board=Board()) as run:
        await run.press("d")
    assert run.app.return_value == START_DEMO
    async with running_app(board=Board()) as run:
        await run.press("q")
    assert run.app.return_value != START_DEMO


async def test_it_makes_way_for_the_first_server() -> None:
    async with running_app(board=Board()) as run:
        await run.publish(example_board())
        assert not isinstance(run.app.screen, FirstRunScreen)


async def test_a_server_saved_in_the_form_leads_to_the_wall() -> None:
    async with running_app(board=Board()) as run:
        await run.press("a")
        await run.publish(example_board())
        await run.press("escape")
        assert "lic-emea-01" in screen_text(run.app)


async def test_read_only_offers_no_server_to_add() -> None:
    async with running_app(board=Board(), settings=Settings(read_only=True)) as run:
        assert "Add a server" not in screen_text(run.app)
        await run.press("a")
        assert isinstance(run.app.screen, FirstRunScreen)
