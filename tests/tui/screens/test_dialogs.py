"""The first-run screen, and help."""

import pytest
from msgspec.structs import replace
from tests.support.example_board import example_board
from tests.support.goldens import screen_text
from tests.support.running_app import running_app

from lictui.config.settings import Settings
from lictui.engine.board import Board
from lictui.tui.screens.dialogs import START_DEMO, FirstRunScreen
from lictui.tui.screens.server_form import FormScreen


async def test_first_run_offers_three_choices() -> None:
    async with running_app(board=Board()) as run:
        text = screen_text(run.app)
        assert isinstance(run.app.screen, FirstRunScreen)
        assert all(choice in text for choice in ("Add a server", "Start demo", "Quit"))
        await run.press("enter")
        assert isinstance(run.app.screen, FormScreen)


@pytest.mark.parametrize(
    ("keys", "result"), [(("down", "enter"), START_DEMO), (("d",), START_DEMO), (("q",), None)]
)
async def test_first_run_keys_start_the_demo_and_quit(
    keys: tuple[str, ...], result: int | None
) -> None:
    async with running_app(board=Board()) as run:
        await run.press(*keys)
    assert run.app.return_value == result


async def test_first_run_closes_when_a_server_or_a_notice_appears() -> None:
    unreadable = replace(Board(), notices=("servers.toml:2: server[0].url: is missing",))
    for board in (example_board(), unreadable):
        async with running_app(board=Board()) as run:
            await run.publish(board)
            assert not isinstance(run.app.screen, FirstRunScreen)
    async with running_app(board=unreadable) as run:
        assert "servers.toml:2" in screen_text(run.app)


async def test_first_run_read_only_cannot_add() -> None:
    async with running_app(board=Board(), settings=Settings(read_only=True)) as run:
        assert "Add a server" not in screen_text(run.app)
        await run.press("a")
        assert isinstance(run.app.screen, FirstRunScreen)


# Help


async def test_help_starts_with_the_keys_of_the_screen_below() -> None:
    async with running_app("alerts", (120, 40), options={"read_only": True}) as run:
        await run.press("question_mark")
        lines = screen_text(run.app).splitlines()
        assert lines[2].startswith("│ Alerts")
        words = ("Open the selected item", "Everywhere", "command palette", "Signs")
        order = [next(n for n, line in enumerate(lines) if word in line) for word in words]
        assert order == sorted(order)
        assert "Acknowledge" not in "".join(lines)  # read-only
        assert max(len(line) for line in lines) == 120


async def test_help_has_command_ids_on_its_second_page() -> None:
    async with running_app() as run:
        await run.press("question_mark")
        assert "pane.next" not in screen_text(run.app)
        await run.press("tab", "space", "space")
        assert "pane.next" in screen_text(run.app)
        await run.press("tab")
        assert "pane.next" not in screen_text(run.app)


@pytest.mark.parametrize("key", ["question_mark", "W"])
async def test_dialog_is_closed_by_its_own_key_and_by_q(key: str) -> None:
    async with running_app() as run:
        for closing in (key, "q", "escape"):
            await run.press(key)
            assert run.app.screen.is_modal
            await run.press(closing)
            assert not run.app.screen.is_modal
