"""What every screen shares: themes, keymap, palette, pause."""

from __future__ import annotations

import pytest
from tests.support.running import running
from tests.support.screen import screen_text

from lictui.config.settings import Settings
from lictui.tui.screens.wall import WallScreen


async def test_themes_cycle_and_an_unknown_one_is_said() -> None:
    async with running(settings=Settings(theme="lictui-drak")) as run:
        assert run.app.theme == "lictui-dark"
        assert "lictui-dark" in "".join(n.message for n in run.app._notifications)
        seen = set()
        for _ in range(4):
            await run.press("T")
            seen.add(run.app.theme)
        assert len(seen) == 4


async def test_a_remapped_key() -> None:
    async with running(settings=Settings(keymap={"pause": "z"})) as run:
        await run.press("p")
        assert not run.app.paused
        await run.press("z")
        assert run.app.paused


async def test_two_commands_on_one_key_are_both_named_and_the_defaults_hold() -> None:
    async with running(settings=Settings(keymap={"pause": "M"})) as run:
        said = "".join(n.message for n in run.app._notifications)
        assert "pause" in said
        assert "maximise" in said
        await run.press("p")
        assert run.app.paused


@pytest.mark.parametrize("view", ["wall", "estate", "servers", "alerts"])
async def test_the_palette_offers_and_runs_commands(view: str) -> None:
    async with running(view) as run:
        await run.press("colon")
        await run.press(*"hold the screen", "enter")
        assert run.app.paused


async def test_read_only_offers_nothing_that_writes() -> None:
    async with running(options={"read_only": True}) as run:
        assert "add a server" not in screen_text(run.app)
        assert "read only" in screen_text(run.app)
        await run.press("a")
        assert isinstance(run.app.screen, WallScreen)
