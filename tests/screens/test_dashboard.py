"""The wall as it looks: text that is read in review."""

from collections.abc import Callable

import pytest
from tests.support.clock import FakeClock
from tests.support.example_board import (
    down_status,
    example_board,
    pool,
    up_status,
    workday_series,
)
from tests.support.fake_engine import FakeEngine
from tests.support.goldens import assert_golden, screen_text
from tests.support.running_app import running_app
from textual.pilot import Pilot

from lictui.config.settings import Settings
from lictui.engine.board import Board
from lictui.engine.merge import merge_board
from lictui.model import Failure, FailureKind
from lictui.tui import theme_names
from lictui.tui.app import LictuiApp


async def test_size_warning() -> None:
    async with running_app(size=(39, 9)) as run:
        assert_golden("dashboard_too_small", screen_text(run.app))
        await run.resize(80, 24)
        assert "lic-emea-01" in screen_text(run.app)


async def test_failure_panes() -> None:
    failures = [
        Failure(FailureKind.REFUSED, "10.0.0.1:5986 refuses the connection", "Is WinRM on?"),
        Failure(FailureKind.AUTH, "user CORP\\svc is refused", "Check the password."),
        Failure(FailureKind.TLS, "the certificate of lic-3 is self-signed", "Pin it with t."),
        Failure(
            FailureKind.NO_DATA,
            "lic-3.corp.example:5986 answers, but has no namespace ROOT\\CitrixLicensing, "
            "where a license server keeps its figures",
            "if it is a delivery controller, register its site with source cvad instead; if it is "
            "a license server, restart its service Citrix_GTLicensingProv",
        ),
    ]
    board = Board(
        tuple(
            down_status(
                up_status(f"lic-{at}", pool("XDT_PLT_UD", 5, 9)), failure, known=at % 2 == 0
            )
            for at, failure in enumerate(failures)
        )
    )
    async with running_app(size=(80, 30), board=board) as run:
        assert_golden("dashboard_failures", screen_text(run.app))


async def test_dashboard_without_servers() -> None:
    async with running_app("dashboard", board=Board()) as run:
        run.app.show_view("dashboard")
        await run.settle()
        assert_golden("dashboard_empty", screen_text(run.app))


@pytest.mark.parametrize("theme", theme_names.THEME_NAMES)
def test_picture_of_each_theme(theme: str, snap_compare: Callable[..., bool]) -> None:
    app = LictuiApp(
        FakeEngine(workday_series),
        FakeClock(),
        Settings(theme=theme),
        board=merge_board(example_board()),
    )
    assert snap_compare(app, terminal_size=(80, 24), run_before=_settle)


async def _settle(pilot: Pilot[int]) -> None:
    await pilot.pause()
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()
