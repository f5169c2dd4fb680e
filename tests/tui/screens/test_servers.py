from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from tests.support.example_board import example_board
from tests.support.fake_engine import FakeEngine
from tests.support.goldens import screen_text
from tests.support.running_app import RunningApp, running_app
from textual.widgets import Input

from lictui.config.settings import Settings
from lictui.engine.board import Board, ServerStatus
from lictui.errors import LictuiError
from lictui.model import Certificate, Server, Snapshot, SourceName, State, Step, StepResult
from lictui.tui.screens.server_form import FormScreen
from lictui.tui.screens.servers import ServersScreen, server_details, supported_features
from lictui.tui.theme import UNICODE_SYMBOLS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


FINE = tuple(StepResult(step, ok=True, detail="fine", seconds=0.01) for step in Step)


def screen(run: RunningApp) -> ServersScreen:
    assert isinstance(run.app.screen, ServersScreen)
    return run.app.screen


async def test_the_panel_says_what_failed_and_what_to_do() -> None:
    async with running_app("servers") as run:
        await run.press("down", "down")
        text = screen_text(run.app)
        assert "✖ connect: no connection to 10.2.0.9:5986 in 10 s" in text
        assert "→ Check that the server runs" in text


async def test_j_and_k_move_and_the_cursor_stays_on_its_server_when_the_board_changes() -> None:
    async with running_app("servers") as run:
        await run.press("j", "j", "j", "k")
        assert screen(run).selected_server == "lic-apac-02"
        board = example_board()
        await run.publish(Board(board.servers[1:]))
        assert screen(run).selected_server == "lic-apac-02"
        await run.publish(Board(board.servers[:2]))
        assert screen(run).selected_server == "ddc-us-01"


async def test_a_change_of_state_shows() -> None:
    async with running_app("servers") as run:
        board = example_board()
        first = replace(board.servers[0], state=State.STALE)
        await run.publish(Board((first, *board.servers[1:])))
        assert "◐ stale" in screen_text(run.app)


async def test_a_test_shows_its_steps_until_one_goes_on() -> None:
    engine = FakeEngine(test_steps=FINE)
    async with running_app("servers", engine=engine) as run:
        await run.press("t")
        text = screen_text(run.app)
        assert "Test lic-emea-01" in text
        assert "✔ parse" in text
        await run.publish(example_board())
        assert "✔ parse" in screen_text(run.app)  # a poll does not take it away
        await run.press("down")
        assert "✔ parse" not in screen_text(run.app)
    assert [server.name for server in engine.tested] == ["lic-emea-01"]


async def test_a_test_that_goes_on_says_nothing_about_another_server() -> None:
    go_on = asyncio.Event()

    class Slow(FakeEngine):
        async def test(self, server: Server) -> AsyncIterator[StepResult]:
            yield StepResult(Step.RESOLVE, ok=True, detail=server.name, seconds=0.1)
            await go_on.wait()
            yield FINE[1]

    async with running_app("servers", engine=Slow()) as run:
        await run._pilot.press("t", "down")
        await run._pilot.pause()
        go_on.set()
        await run.settle()
        text = screen_text(run.app)
        assert "Test" not in text


async def test_removing_asks_first() -> None:
    engine = FakeEngine()
    async with running_app("servers", engine=engine) as run:
        await run.press("x")
        assert "Remove lic-emea-01?" in screen_text(run.app)
        await run.press("enter")  # no is what enter does
        assert engine.removed == []
        await run.press("x", "y")
        assert engine.removed == ["lic-emea-01"]


async def test_what_the_registry_refuses_is_said() -> None:
    engine = FakeEngine(error=LictuiError("servers.toml cannot be written"))
    async with running_app("servers", engine=engine) as run:
        await run.press("x", "y")
        said = [note.message for note in run.app._notifications]
        assert said == ["servers.toml cannot be written"]


async def test_e_opens_the_form_of_the_selected_server() -> None:
    async with running_app("servers") as run:
        await run.press("down", "e")
        assert isinstance(run.app.screen, FormScreen)
        assert run.app.screen.query_one("#field-name Input", Input).value == "ddc-us-01"


async def test_r_polls_the_selected_server() -> None:
    engine = FakeEngine()
    async with running_app("servers", engine=engine) as run:
        await run.press("down", "r")
    assert engine.polled == ["ddc-us-01"]


async def test_read_only_changes_nothing_whatever_is_pressed() -> None:
    engine = FakeEngine(test_steps=FINE)
    async with running_app("servers", engine=engine, settings=Settings(read_only=True)) as run:
        await run.press("x", "y", "e", "a")
        assert isinstance(run.app.screen, ServersScreen)
        assert "add" not in screen_text(run.app)
    assert (engine.removed, engine.saved) == ([], [])


async def test_enter_gives_the_whole_screen_to_the_details_and_escape_takes_it_back() -> None:
    async with running_app("servers") as run:
        await run.press("enter")
        assert "Server " not in screen_text(run.app)
        await run.press("escape")
        assert "Server " in screen_text(run.app)


async def test_without_a_server_it_says_how_to_add_one() -> None:
    async with running_app("servers", board=Board()) as run:
        assert "Press a to add one" in screen_text(run.app)


async def test_hostile_names_stay_names() -> None:
    name = "[/x] \x1b[31m \u202e" + "é" * 300
    server = Server(name, SourceName.WINRM, "https://[/bold]:1/wsman")
    board = Board((ServerStatus(server, State.WAITING),))
    async with running_app("servers", board=board) as run:
        text = screen_text(run.app)
        assert "[/x]" in text
        assert "\x1b" not in text
        assert "\u202e" not in text


def test_a_version_says_what_it_is_good_for() -> None:
    assert supported_features("11.17.2.54100") == "meets Usage Insights requirements, supports LAS"
    assert (
        supported_features("11.17.2.52000")
        == "meets Usage Insights requirements, supports LAS online only"
    )
    assert (
        supported_features("11.14.0.31000")
        == "version too old for Usage Insights, version too old for LAS"
    )
    assert supported_features("7.47") == ""
    assert supported_features("") == ""


def test_the_details_say_how_long_the_certificate_is_good() -> None:
    shown = Certificate("4f1b22c0" * 8, None, date(2027, 3, 12))
    told = Snapshot((), certificate=shown)
    status = ServerStatus(Server("a", SourceName.CVAD), State.UP, snapshot=told)
    lines = [
        "".join(text for text, _ in line)
        for line in server_details(status, 0.0, UNICODE_SYMBOLS, None)
    ]
    assert "certificate valid until 12 Mar 2027 · sha256:4f1b22c04f1b22c0…" in lines
