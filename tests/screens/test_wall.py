"""The wall as it looks: text that is read in review."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.support.clock import FakeClock
from tests.support.engine import FakeEngine
from tests.support.estate import day_of_work, down, estate, pool, up
from tests.support.looked import looked_back
from tests.support.running import running
from tests.support.screen import golden, screen_text

from lictui.config.settings import Settings
from lictui.engine.board import Board
from lictui.model import Failure, FailureKind
from lictui.tui import theme_names
from lictui.tui.app import LictuiApp

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from textual.pilot import Pilot

HOSTILE = "[/x] \x1b[31mred\x07\n\u202eevil\u2066 " + "long ライセンス " * 30


@pytest.mark.parametrize("size", [(80, 24), (60, 15), (120, 40), (200, 60), (40, 10)])
async def test_sizes(size: tuple[int, int]) -> None:
    async with running(size=size, engine=FakeEngine(day_of_work)) as run:
        golden(f"wall_{size[0]}x{size[1]}", screen_text(run.app))


async def test_too_small() -> None:
    async with running(size=(39, 9)) as run:
        golden("wall_too_small", screen_text(run.app))
        await run.resize(80, 24)
        assert "lic-emea-01" in screen_text(run.app)


async def test_ascii_is_seven_bit() -> None:
    settings = Settings(ascii=True)
    async with running(settings=settings, engine=FakeEngine(day_of_work)) as run:
        text = screen_text(run.app)
        assert text.isascii()
        golden("wall_ascii", text)


async def test_ansi_theme_draws_the_same_text() -> None:
    settings = Settings(theme="lictui-ansi")
    async with running(settings=settings, engine=FakeEngine(day_of_work)) as run:
        golden("wall_80x24", screen_text(run.app))


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
            down(up(f"lic-{at}", pool("XDT_PLT_UD", 5, 9)), each, known=at % 2 == 0)
            for at, each in enumerate(failures)
        )
    )
    async with running(size=(80, 30), board=board) as run:
        golden("wall_failures", screen_text(run.app))


async def test_no_match() -> None:
    async with running() as run:
        await run.press("slash", *"nothing", "enter")
        golden("wall_no_match", screen_text(run.app))


async def test_filtered() -> None:
    async with running() as run:
        await run.press("slash", *"XenApp", "enter")
        golden("wall_filtered", screen_text(run.app))


async def test_hostile_strings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # where the export goes
    told = replace(pool("ACME_X", 3, 4), name=HOSTILE)
    status = up(HOSTILE, told, group=HOSTILE, reported_name=HOSTILE)
    failed = down(up("b" + HOSTILE, told), Failure(FailureKind.PARSE, HOSTILE, HOSTILE))
    async with running(board=Board((status, failed))) as run:
        text = screen_text(run.app)
        assert not set(text) & set("\x1b\x07\u202e\u2066")
        golden("wall_hostile", text)
        await run.press("r", "Y", "E", "2", "3")


async def test_estate() -> None:
    for size in ((80, 24), (60, 15), (120, 40), (200, 60)):
        engine = FakeEngine(day_of_work, past_of=looked_back())
        async with running("estate", size=size, engine=engine) as run:
            golden(f"estate_{size[0]}x{size[1]}", screen_text(run.app))


async def test_help() -> None:
    async with running() as run:
        await run.press("question_mark")
        golden("help", screen_text(run.app))


async def test_empty_estate() -> None:
    async with running("wall", board=Board()) as run:
        run.app.show("wall")
        await run.settle()
        golden("wall_empty", screen_text(run.app))


@pytest.mark.parametrize("theme", theme_names.NAMES)
def test_a_picture_of_each_theme(theme: str, snap_compare: Callable[..., bool]) -> None:
    app = LictuiApp(FakeEngine(day_of_work), FakeClock(), Settings(theme=theme), board=estate())
    assert snap_compare(app, terminal_size=(80, 24), run_before=_settle)


async def _settle(pilot: Pilot[int]) -> None:
    await pilot.pause()
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()
