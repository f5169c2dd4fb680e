from __future__ import annotations

from tests.support.goldens import screen_text
from tests.support.running_app import RunningApp, running_app
from textual.events import Key
from textual.widgets import Input

from lictui.tui.screens.dashboard import DashboardScreen
from lictui.tui.widgets.dashboard import PaneGrid


def shown(run: RunningApp) -> list[str]:
    return [view.server for view in run.app.screen.query_one(PaneGrid).panes]


async def test_the_filter_works_while_it_is_typed() -> None:
    async with running_app() as run:
        await run.press("slash", *"lab")
        assert shown(run) == ["lic-lab"]
        await run.press("enter")
        assert "/lab" in screen_text(run.app)
        await run.press("escape")
        assert len(shown(run)) == 6


async def test_a_filter_typed_faster_than_it_opens_is_not_lost() -> None:
    async with running_app() as run:
        for key, character in (("slash", "/"), ("l", "l"), ("a", "a"), ("slash", "/")):
            run.app.post_message(Key(key, character))
        await run.settle()
        assert isinstance(run.app.screen, DashboardScreen)
        assert run.app.screen.query_one(Input).value == "la/"


async def test_an_invalid_filter_is_said_at_once_and_changes_nothing() -> None:
    async with running_app() as run:
        await run.press("slash", *"lab", "[")
        assert "invalid regular expression" in screen_text(run.app)
        assert shown(run) == ["lic-lab"]


async def test_an_inverted_filter() -> None:
    async with running_app() as run:
        await run.press("slash", *"!lic", "enter")
        assert shown(run) == ["ddc-us-01"]


async def test_keys_typed_into_the_filter_are_no_commands() -> None:
    async with running_app() as run:
        await run.press("slash", *"qRp")
        assert run.engine.polled == []
        assert not run.app.paused
        assert run.app.is_running


async def test_an_option_filters_and_groups_from_the_start() -> None:
    async with running_app(options={"group": "emea", "filter": "las"}) as run:
        assert shown(run) == ["lic-las"]
