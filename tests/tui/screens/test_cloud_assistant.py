"""The dialog of the requirements of Usage Insights."""

import pytest
from msgspec.structs import replace
from tests.support.example_board import example_board
from tests.support.goldens import assert_golden, screen_text
from tests.support.running_app import running_app
from tests.support.values import server

from lictui.engine.board import Board, ServerStatus
from lictui.model import SourceName, State


@pytest.mark.parametrize("size", [(80, 24), (60, 15)])
async def test_assistant_opens_from_servers(size: tuple[int, int]) -> None:
    async with running_app("servers", size) as run:
        await run.press("c")
        assert_golden(f"cloud_assistant_{size[0]}x{size[1]}", screen_text(run.app))
        await run.press("j", "k", "escape")
        assert "Usage Insights ─" not in screen_text(run.app)


async def test_assistant_follows_the_board() -> None:
    async with running_app("servers", (80, 40)) as run:
        await run.press("c")
        first = example_board().servers[0]
        assert first.snapshot is not None
        old = replace(first, snapshot=replace(first.snapshot, version="11.14.0.31000"))
        await run.publish(Board((old, *example_board().servers[1:])))
        assert "update the license server" in screen_text(run.app)


async def test_assistant_of_an_account_asks_for_a_license_server() -> None:
    account = ServerStatus(server("csp", source=SourceName.PARTNER), State.UP)
    async with running_app("servers", (80, 40), board=Board((account,))) as run:
        await run.press("c")
        assert "select a license server" in screen_text(run.app)
