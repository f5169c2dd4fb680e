"""The entitlements on the screen."""

from datetime import date

import pytest
from tests.support.example_board import past_summaries
from tests.support.fake_engine import FakeEngine
from tests.support.goldens import assert_golden, screen_text
from tests.support.running_app import running_app

from lictui.config.entitlements import Entitlement
from lictui.config.settings import Settings
from lictui.engine.board import GroupBy
from lictui.tui.screens.entitlements import EntitlementsScreen
from lictui.tui.screens.products import ProductsScreen

BOUGHT = (
    Entitlement("XDT_PLT_CCS", 3000, 120.0, "EUR", date(2027, 3, 31)),
    Entitlement("XDT_PLT_UD", 600, 95.0, "EUR", date(2026, 12, 31)),
    Entitlement("MPS_ADV_CCU", 290, group="emea"),
)


SETTINGS = Settings(entitlements=BOUGHT)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_entitlements_as_they_look(size: tuple[int, int]) -> None:
    engine = FakeEngine(past_summaries=past_summaries())
    async with running_app("entitlements", size, engine=engine, settings=SETTINGS) as run:
        assert_golden(f"entitlements_{size[0]}x{size[1]}", screen_text(run.app))
        assert engine.summary_queries == [GroupBy.PRODUCT, GroupBy.GROUP]


async def test_entitlements_open_and_close() -> None:
    async with running_app("products", settings=SETTINGS) as run:
        await run.press("C")
        assert isinstance(run.app.screen, EntitlementsScreen)
        await run.press("tab", "j", "k", "escape")
        assert isinstance(run.app.screen, ProductsScreen)


async def test_entitlements_without_a_file_show_a_hint_and_expirations() -> None:
    async with running_app("entitlements") as run:
        text = screen_text(run.app)
        assert "Create contract.toml" in text
        assert "LAS ends" in text


@pytest.mark.parametrize("size", [(60, 15), (80, 24)])
async def test_expirations_fit_a_small_terminal_with_the_whole_name(size: tuple[int, int]) -> None:
    async with running_app("entitlements", size) as run:
        lines = [line.rstrip() for line in screen_text(run.app).splitlines()]
        assert "Create contract.toml" in lines[1]
        assert any(line.endswith("ddc-us-01") for line in lines)
        names = [line for line in lines if line.endswith((" u/d", " ccu"))]
        assert names
        assert "…" not in "".join(names)


async def test_entitlements_export_both_lists() -> None:
    engine = FakeEngine(past_summaries=past_summaries())
    async with running_app("entitlements", engine=engine, settings=SETTINGS) as run:
        assert isinstance(run.app.screen, EntitlementsScreen)
        kinds = {row[0] for row in run.app.screen.export_table()}
        assert kinds == {"list", "entitlement", "expiration"}
        assert {len(row) for row in run.app.screen.export_table()} == {16}
