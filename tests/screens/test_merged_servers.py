"""A license server that is read over three interfaces: one pane, and why it says what it says."""

import pytest
from msgspec.structs import replace
from tests.support.clock import START
from tests.support.example_board import (
    NO_DATA_FAILURE,
    SA,
    down_status,
    pool,
    up_status,
    workday_series,
)
from tests.support.fake_engine import FakeEngine
from tests.support.goldens import assert_golden, screen_text
from tests.support.running_app import running_app

from lictui.config.entitlements import Entitlement
from lictui.config.settings import Settings
from lictui.engine.board import Board, ServerStatus
from lictui.model import LicenseServer, Mode, PoolKey, ReportingStatus, SourceName

HOW = (("in_use", "InUseCount"), ("installed", "Count - Overdraft"), ("overdraft", "Overdraft"))
RAW = (("Count", "1100"), ("InUseCount", "412"), ("Overdraft", "100"), ("PLD", "XDT_PLT_UD"))


def part(status: ServerStatus) -> ServerStatus:
    return replace(status, server=replace(status.server, same_as="lic-emea-01"))


def board() -> Board:
    site = replace(pool("XDT_PLT_UD", 412, 1000, 100), formulas=HOW, raw_fields=RAW)
    program = replace(pool("XDT_PLT_UD", 409, 500, subscription=SA), queued=3)
    entries = (
        LicenseServer(
            "LIC-EMEA-01", "lic-emea-01.corp.example", ReportingStatus.REPORTING, START - 90000
        ),
        LicenseServer("LIC-US-01", "lic-us-01", ReportingStatus.NOT_REPORTING, START - 5.5 * 86400),
    )
    matlab = replace(pool("MATLAB", 3, 3), vendor="MLM", queued=12)
    account = part(up_status("partner", source=SourceName.PARTNER))
    assert account.snapshot is not None
    return Board(
        (
            down_status(up_status("lic-emea-01", group="emea"), NO_DATA_FAILURE, known=False),
            up_status("lic-us-01", pool("XDT_PLT_CCS", 70, 100), matlab, group="us"),
            part(up_status("ddc-emea-01", site, source=SourceName.CVAD, mode=Mode.LAS, ago=30)),
            part(up_status("cmd-emea-01", program, source=SourceName.COMMAND, ago=600)),
            replace(account, snapshot=replace(account.snapshot, license_servers=entries)),
        )
    )


@pytest.mark.parametrize("size", [(80, 24), (60, 15), (120, 40)])
async def test_merged_pane(size: tuple[int, int]) -> None:
    async with running_app(size=size, board=board(), engine=FakeEngine(workday_series)) as run:
        assert_golden(f"merged_{size[0]}x{size[1]}", screen_text(run.app))


@pytest.mark.parametrize("size", [(80, 24), (60, 15), (120, 40)])
async def test_data_sources(size: tuple[int, int]) -> None:
    settings = Settings(timezone="UTC", entitlements=(Entitlement("XDT_PLT_UD", 500),))
    async with running_app(size=size, board=board(), settings=settings) as run:
        await run.press("w")
        assert_golden(f"data_sources_{size[0]}x{size[1]}", screen_text(run.app))
        await run.press("escape")
        assert "Data sources" not in screen_text(run.app)


async def test_data_sources_scroll_and_copy() -> None:
    async with running_app(size=(60, 15), board=board()) as run:
        await run.press("w", "pagedown", "pagedown", "pagedown")
        assert "raw fields available after the next poll" in screen_text(run.app)
        await run.press("Y")
        assert "installed    1,000 = Count 1100 - Overdraft 100" in run.app.clipboard
        assert "cmd-emea-01" in run.app.clipboard


async def test_data_sources_open_from_products_and_usage() -> None:
    async with running_app("products", board=board()) as run:
        await run.press("end", "w")  # what is assigned stands last
        assert "Count 1100 - Overdraft 100" in screen_text(run.app)
        await run.press("escape", "enter", "W")
        assert "Count 1100 - Overdraft 100" in screen_text(run.app)


async def test_history_is_that_of_the_member_that_reports_the_figure() -> None:
    engine = FakeEngine(workday_series, pool_keys=(("ddc-emea-01", PoolKey("XDT_PLT_UD")),
                        ("cmd-emea-01", PoolKey("XDT_PLT_UD", "2026-12-31"))))  # fmt: skip
    async with running_app(board=board(), engine=engine) as run:
        pools = [question.pools for question in engine.queries]
        assert (("ddc-emea-01", PoolKey("XDT_PLT_UD")),) in pools
        await run.press("2", "end", "enter")
        assert engine.queries[-1].pools == (("ddc-emea-01", PoolKey("XDT_PLT_UD")),)
        await run.press("r")
        assert {"lic-emea-01", "ddc-emea-01", "cmd-emea-01"} <= set(engine.polled)


async def test_products_count_merged_servers_once() -> None:
    async with running_app("products", size=(120, 40), board=board()) as run:
        line = next(line for line in screen_text(run.app).splitlines() if " u/d " in line)
        assert "412" in line
        assert "1,000" in line
        assert "1/1" in line
