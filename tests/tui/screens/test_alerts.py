from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.clock import START
from tests.support.engine import FakeEngine
from tests.support.estate import day_of_work
from tests.support.running import running
from tests.support.screen import screen_text

from lictui.model import Event
from lictui.monitor.board import Board
from lictui.tui.screens.alerts import AlertsScreen
from lictui.tui.screens.product import ProductScreen
from lictui.tui.screens.servers import ServersScreen
from lictui.words import EventKind, Level

if TYPE_CHECKING:
    from tests.support.running import Running

JOURNAL = (
    Event(START - 60, EventKind.SERVER, "lic-apac-02", "lost: no answer", level=Level.CRITICAL),
    Event(START - 90000, EventKind.LEVEL, "ddc-us-01", "full", "XDT_PLT_UD", Level.EXHAUSTED),
    Event(START - 180000, EventKind.LICENSES, "lic-lab", "9 licenses of [/x] added", "ACME_X"),
)


def engine() -> FakeEngine:
    return FakeEngine(past=day_of_work, journal=JOURNAL)


def is_alerts(run: Running) -> bool:
    return isinstance(run.app.screen, AlertsScreen)


async def test_what_is_wrong_stands_above_what_happened() -> None:
    async with running("alerts", engine=engine()) as run:
        text = screen_text(run.app)
        assert "Now: 9" in text
        assert text.index("exhausted") < text.index("Journal") < text.index("9 licenses of [/x]")


async def test_the_whole_of_the_chosen_line_is_said_below() -> None:
    async with running("alerts", engine=engine()) as run:
        said = " ".join(screen_text(run.app).split())
        assert "ddc-us-01 (XDT_PLT_UD)" in said
        assert "none left" in said
        await run.press("down")
        assert "into the overdraft of 20" in " ".join(screen_text(run.app).split())


async def test_enter_leads_to_the_chart_at_that_time() -> None:
    async with running("alerts", engine=engine()) as run:
        await run.press("tab", "down", "enter")
        assert isinstance(run.app.screen, ProductScreen)
        view = run.app.screen.chart.view
        assert view.cursor is not None
        bucket = view.buckets[view.cursor]
        assert bucket.start <= START - 90000 < bucket.end
        await run.press("escape", "escape")
        assert is_alerts(run)


async def test_enter_on_a_line_about_a_server_leads_to_the_registry() -> None:
    async with running("alerts", engine=engine()) as run:
        await run.press("tab", "enter")
        assert isinstance(run.app.screen, ServersScreen)


async def test_the_filter_takes_lines_out_of_both_lists_until_escape() -> None:
    async with running("alerts", engine=engine()) as run:
        await run.press("slash")
        await run.type("lic-lab")
        text = screen_text(run.app)
        assert "lost: no answer" not in text
        assert "[/x] added" in text
        await run.press("enter", "escape")
        assert "lost: no answer" in screen_text(run.app)
        assert is_alerts(run)


async def test_a_turned_filter_and_one_without_a_match() -> None:
    async with running("alerts", engine=engine()) as run:
        await run.press("slash")
        await run.type("!lic")
        text = screen_text(run.app)
        assert "lost: no answer" not in text
        assert "ddc-us-01" in text
        await run.press("ctrl+u")
        await run.type("nowhere")
        assert "no match" in screen_text(run.app)


async def test_when_nothing_is_wrong_it_says_so() -> None:
    async with running("alerts", board=Board()) as run:
        text = screen_text(run.app)
        assert "Now: nothing is wrong" in text
        assert "Journal: nothing yet" in text
