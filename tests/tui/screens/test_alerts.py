import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.support.clock import START
from tests.support.example_board import example_board, workday_series
from tests.support.fake_engine import FakeEngine
from tests.support.goldens import screen_text
from tests.support.running_app import RunningApp, running_app

from lictui.engine.board import Board
from lictui.model import Acknowledgement, AlertKey, AlertKind, AlertState, Event, EventKind, Level
from lictui.products import describe
from lictui.tui.screens.alerts import AlertsScreen
from lictui.tui.screens.server_detail import ServerScreen
from lictui.tui.screens.server_form import FormScreen
from lictui.tui.screens.usage import UsageScreen

JOURNAL = (
    Event(START - 60, EventKind.SERVER, "lic-apac-02", "lost: no answer", level=Level.CRITICAL),
    Event(START - 90000, EventKind.LEVEL, "ddc-us-01", "full", "XDT_PLT_UD", Level.EXHAUSTED),
    Event(START - 180000, EventKind.LICENSES, "lic-lab", "9 licenses of [/x] added", "ACME_X"),
)


def engine() -> FakeEngine:
    return FakeEngine(series_of=workday_series, journal=JOURNAL)


def is_alerts(run: RunningApp) -> bool:
    return isinstance(run.app.screen, AlertsScreen)


async def test_event_opens_the_chart_at_its_time() -> None:
    async with running_app("alerts", engine=engine()) as run:
        await run.press("tab", "down", "enter")
        assert isinstance(run.app.screen, UsageScreen)
        view = run.app.screen.chart.view
        assert view.cursor is not None
        bucket = view.buckets[view.cursor]
        assert bucket.start <= START - 90000 < bucket.end
        await run.press("escape", "escape")
        assert is_alerts(run)


async def test_event_of_a_server_opens_the_server() -> None:
    async with running_app("alerts", engine=engine()) as run:
        await run.press("tab", "enter")
        assert isinstance(run.app.screen, ServerScreen)
        assert run.app.screen.selected_server == "lic-apac-02"
        await run.press("escape", "e")
        assert isinstance(run.app.screen, FormScreen)


async def test_filter_applies_to_both_lists_until_escape() -> None:
    async with running_app("alerts", engine=engine()) as run:
        await run.press("slash")
        await run.type("!lic")
        text = screen_text(run.app)
        assert "lost: no answer" not in text
        assert "ddc-us-01" in text
        await run.press("ctrl+u")
        await run.type("nowhere")
        assert "no match" in screen_text(run.app)
        await run.press("enter", "escape")
        assert "lost: no answer" in screen_text(run.app)
        assert is_alerts(run)


async def test_alerts_say_when_there_are_none() -> None:
    async with running_app("alerts", board=Board()) as run:
        text = screen_text(run.app)
        assert "No active alerts" in text
        assert "Event log is empty" in text


LEVEL = AlertKey("ddc-us-01", AlertKind.USAGE, "XDT_PLT_UD")
RAISED = AlertState(
    LEVEL,
    Level.EXHAUSTED,
    "200 of 200",
    START - 900,
    polls_required=2,
    raised_at=START,
)
COMING = replace(RAISED, key=replace(LEVEL, server="lic-lab"), raised_at=None, polls=1)


def with_alerts(*alerts: AlertState, acknowledgement: Acknowledgement | None = None) -> Board:
    return replace(
        example_board(),
        alert_states=alerts,
        acknowledgements={LEVEL: acknowledgement} if acknowledgement else {},
    )


async def test_alert_is_acknowledged_and_unacknowledged() -> None:
    async with running_app("alerts", engine=engine(), board=with_alerts(RAISED, COMING)) as run:
        text = screen_text(run.app)
        assert "5 Alerts 1✖  " in text
        assert "Active alerts: 2 (1 pending)" in text
        assert "▌✖  200 of 200" in text
        assert "pending" in text.splitlines()[3]
        await run.press("A")
        ((who, answer),) = run.engine.acknowledged
        assert who == LEVEL
        assert answer is not None
        assert (answer.time, answer.until) == (START, None)
        await run.publish(
            with_alerts(RAISED, COMING, acknowledgement=Acknowledgement("alice", START))
        )
        text = screen_text(run.app)
        row = text.splitlines()[2]
        assert row.split() == ["▌✖", "200", "of", "200", "ddc-us-01", "05:45", "ack"]
        assert "acknowledged by alice" in text
        assert "5 Alerts  " in text
        await run.press("A")  # the cursor is still on it
        assert run.engine.acknowledged[-1] == (LEVEL, None)


async def test_times_and_states_are_in_full_as_soon_as_there_is_room() -> None:
    board = with_alerts(RAISED, acknowledgement=Acknowledgement("alice", START))
    async with running_app("alerts", engine=engine(), board=board) as run:
        for size, state, day in (((80, 24), "ack", "23 Nov"), ((130, 30), "by alice", "05:00")):
            await run.resize(*size)
            rows = screen_text(run.app).splitlines()
            assert rows[2].endswith(f" {state}")
            assert next(row for row in rows if " full " in row).endswith(day)


async def test_alerts_of_a_narrow_screen_start_with_the_short_name_of_the_product() -> None:
    products = {"XDT_PLT_UD": "CVAD Premium", "XDT_ENT_UD": "CVAD Advanced"}
    alerts = (
        replace(RAISED, key=replace(LEVEL, product=code), message=f"{describe(code).name}: full")
        for code in products
    )
    board = with_alerts(*alerts)
    async with running_app("alerts", (60, 15), engine=engine(), board=board) as run:
        rows = screen_text(run.app).splitlines()[2:4]
        assert {row[4:].partition(":")[0] for row in rows} == set(products.values())
        name = "Citrix Virtual Apps and Desktops"
        assert name in screen_text(run.app)  # in full, below the lists


async def test_alert_is_snoozed() -> None:
    async with running_app("alerts", engine=engine(), board=with_alerts(RAISED)) as run:
        await run.press("z", "escape")
        assert run.engine.acknowledged == []
        await run.press("z", "4")
        answer = run.engine.acknowledged[0][1]
        assert answer is not None
        assert answer.until == START + 4 * 3600
        await run.press("z", "t")
        tomorrow = run.engine.acknowledged[1][1]
        assert tomorrow is not None
        assert tomorrow.until is not None
        assert START + 3600 < tomorrow.until < START + 48 * 3600
        await run.press("z", "c", *"3x", "enter", "backspace", "d", "enter")
        custom = run.engine.acknowledged[2][1]
        assert custom is not None
        assert custom.until == START + 3 * 86400
        silent = Acknowledgement("alice", START, START + 9e4)
        await run.publish(with_alerts(RAISED, acknowledgement=silent))
        assert "[snoozed until 25 Nov 07:00]" in screen_text(run.app)
        assert "(1 snoozed)" in screen_text(run.app)


FIVE = tuple(
    replace(RAISED, key=replace(LEVEL, server=status.server.name))
    for status in example_board().servers[:5]
)


async def test_five_alerts_are_acknowledged_with_seven_keys() -> None:
    keys = ("5", *["space"] * 5, "A")
    assert len(keys) <= 8
    async with running_app(engine=engine(), board=with_alerts(*FIVE, COMING)) as run:
        await run.press(*keys[:-1])
        assert "(1 pending, 5 marked)" in screen_text(run.app)
        await run.press(keys[-1])
        assert {key for key, answer in run.engine.acknowledged if answer} == {a.key for a in FIVE}
        assert "marked" not in screen_text(run.app)


async def test_acknowledged_alert_keeps_its_place_and_the_cursor() -> None:
    second = FIVE[1]
    async with running_app("alerts", engine=engine(), board=with_alerts(*FIVE)) as run:
        before = [row.split()[4] for row in screen_text(run.app).splitlines()[2:7]]
        assert before == [alert.key.server for alert in FIVE]
        await run.press("j", "A")
        known = {second.key: Acknowledgement("alice", START)}
        board = replace(with_alerts(*FIVE), acknowledgements=known)
        await run.publish(board)
        rows = screen_text(run.app).splitlines()
        assert [row.split()[4] for row in rows[2:7]] == before
        assert "5 Alerts 4✖  " in rows[0]
        await run.press("A")
        assert run.engine.acknowledged[-1] == (second.key, None)


async def test_lists_are_sorted_by_level_and_time_until_a_title_is_clicked() -> None:
    mild = replace(RAISED, key=replace(LEVEL, product="Z"), level=Level.WARN)
    async with running_app("alerts", engine=engine(), board=with_alerts(mild, RAISED)) as run:
        head, *rows = screen_text(run.app).splitlines()[1:4]
        assert head.startswith(" ▼  Active alerts: 2")
        assert [row[1] for row in rows] == ["✖", "!"]
        await run.click(1, 1)
        assert [row[1] for row in screen_text(run.app).splitlines()[2:4]] == ["!", "✖"]


async def test_acknowledging_needs_a_raised_alert() -> None:
    async with running_app("alerts", engine=engine(), board=with_alerts(COMING)) as run:
        await run.press("A", "z", "tab", "A")
        assert run.engine.acknowledged == []
        assert is_alerts(run)


async def test_filter_and_export_search_the_whole_event_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    old = [Event(START - 9e5 - at, EventKind.VERSION, "old", f"line {at}") for at in range(600)]
    whole_log = FakeEngine(series_of=workday_series, journal=(*JOURNAL, *old))
    async with running_app("alerts", engine=whole_log) as run:
        assert "line 599" not in screen_text(run.app)
        await run.press("slash")
        await run.type("line 599")
        assert "line 599" in screen_text(run.app).split("Event log")[1]
        await run.press("enter", "escape", "E")
    (written,) = await asyncio.to_thread(lambda: [file.read_text() for file in tmp_path.iterdir()])
    assert "line 599" in written
    assert "event,2026-11-13T19:50:01Z,ok,old," in written
