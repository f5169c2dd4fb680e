"""What every screen shares: themes, keymap, palette, pause."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.example_board import example_board
from tests.support.goldens import screen_text
from tests.support.running_app import RunningApp, running_app

from lictui.config.settings import Settings
from lictui.tui.screens.dashboard import DashboardScreen


def said(run: RunningApp) -> str:
    return "".join(notice.message for notice in run.app._notifications)


async def test_themes_cycle_and_an_unknown_one_is_said() -> None:
    async with running_app(settings=Settings(theme="lictui-drak")) as run:
        assert run.app.theme == "lictui-dark"
        assert "did you mean lictui-dark?" in said(run)
        seen = set()
        for _ in range(4):
            await run.press("T")
            seen.add(run.app.theme)
        assert len(seen) == 4


async def test_a_remapped_key() -> None:
    async with running_app(settings=Settings(keymap={"pause": "f9"})) as run:
        await run.press("p")
        assert not run.app.paused
        await run.press("f9")
        assert run.app.paused


async def test_two_commands_on_one_key_are_both_named_and_the_defaults_hold() -> None:
    async with running_app(settings=Settings(keymap={"pause": "M"})) as run:
        assert "'pause'" in said(run)
        assert "'maximise'" in said(run)
        await run.press("p")
        assert run.app.paused


async def test_a_theme_that_the_file_has_changed_is_worn_at_once() -> None:
    async with running_app(settings=Settings(theme="nord")) as run:
        await run.publish(example_board(), Settings(theme="lictui-light"))
        assert run.app.theme == "lictui-light"
        await run.publish(example_board(), Settings(theme="lictui-lihgt"))
        assert run.app.theme == "lictui-light"
        assert "did you mean lictui-light?" in said(run)


async def test_an_edit_of_something_else_leaves_the_theme_that_a_key_chose() -> None:
    async with running_app() as run:
        await run.press("T")
        chosen = run.app.theme
        await run.publish(example_board(), Settings(read_only=True))
        assert run.app.theme == chosen != Settings().theme


async def test_keys_that_the_file_has_changed_are_bound_and_shown_at_once() -> None:
    async with running_app() as run:
        await run.publish(example_board(), Settings(keymap={"pause": "f9", "help": "H"}))
        assert " H help" in screen_text(run.app)
        await run.press("p")
        assert not run.app.paused
        await run.press("f9")
        assert run.app.paused


async def test_keys_that_cannot_be_are_said_and_the_defaults_hold() -> None:
    async with running_app(settings=Settings(keymap={"help": "H"})) as run:
        await run.publish(example_board(), Settings(keymap={"help": "H", "pauze": "z"}))
        assert "did you mean 'pause'?" in said(run)
        assert " ? help" in screen_text(run.app)


@pytest.mark.parametrize("view", ["dashboard", "products", "servers", "alerts"])
async def test_the_palette_offers_and_runs_commands(view: str) -> None:
    async with running_app(view) as run:
        await run.press("colon")
        await run.press(*"pause the display", "enter")
        assert run.app.paused


async def test_read_only_offers_nothing_that_writes() -> None:
    async with running_app(options={"read_only": True}) as run:
        assert "add a server" not in screen_text(run.app)
        assert "read only" in screen_text(run.app)
        await run.press("a")
        assert isinstance(run.app.screen, DashboardScreen)


@pytest.mark.parametrize("view", ["1", "2", "4", "5"])
async def test_what_is_wrong_with_lictui_itself_stands_under_the_head_line(view: str) -> None:
    async with running_app() as run:
        await run.press(view)
        head = screen_text(run.app).splitlines()[:2]
        notices = ("config.toml:2: alerts.wran: no such key [/x]", "the history was set aside")
        await run.publish(replace(example_board(), notices=notices))
        lines = screen_text(run.app).splitlines()
        assert "config.toml:2: alerts.wran: no such key [/x]" in lines[1]
        assert "1 more" in "".join(lines[1:4])
        await run.publish(replace(example_board(), notices=()))
        assert screen_text(run.app).splitlines()[:2] == head
