from __future__ import annotations

from tests.support.running import Running, running
from tests.support.screen import screen_text
from textual.events import Key
from textual.widgets import Input

from lictui.tui.screens.wall import WallScreen
from lictui.tui.widgets.wall import Wall


def shown(run: Running) -> list[str]:
    return [view.server for view in run.app.screen.query_one(Wall).panes]


async def test_the_filter_works_while_it_is_typed() -> None:
    async with running() as run:
        await run.press("slash", *"lab")
        assert shown(run) == ["lic-lab"]
        await run.press("enter")
        assert "/lab" in screen_text(run.app)
        await run.press("escape")
        assert len(shown(run)) == 6


async def test_a_filter_typed_faster_than_it_opens_is_not_lost() -> None:
    async with running() as run:
        for key, character in (("slash", "/"), ("l", "l"), ("a", "a"), ("slash", "/")):
            run.app.post_message(Key(key, character))
        await run.settle()
        assert isinstance(run.app.screen, WallScreen)
        assert run.app.screen.query_one(Input).value == "la/"


async def test_an_invalid_filter_is_said_at_once_and_changes_nothing() -> None:
    async with running() as run:
        await run.press("slash", *"lab", "[")
        assert "not a regex" in screen_text(run.app)
        assert shown(run) == ["lic-lab"]


async def test_an_inverted_filter() -> None:
    async with running() as run:
        await run.press("slash", *"!lic", "enter")
        assert shown(run) == ["ddc-us-01"]


async def test_keys_typed_into_the_filter_are_no_commands() -> None:
    async with running() as run:
        await run.press("slash", *"qRp")
        assert run.engine.polled == []
        assert not run.app.paused
        assert run.app.is_running


async def test_an_option_filters_and_groups_from_the_start() -> None:
    async with running(options={"group": "emea", "filter": "las"}) as run:
        assert shown(run) == ["lic-las"]
