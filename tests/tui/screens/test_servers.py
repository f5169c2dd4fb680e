"""The servers view, its details, and the license servers of a partner."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from tests.support.clock import START
from tests.support.example_board import example_board, pool, up_status
from tests.support.fake_engine import FakeEngine
from tests.support.goldens import screen_text
from tests.support.running_app import RunningApp, running_app
from textual.widgets import Input

from lictui.engine.board import Board, ServerStatus
from lictui.errors import LictuiError
from lictui.model import (
    Certificate,
    Failure,
    FailureKind,
    LicenseServer,
    ReportingStatus,
    Server,
    Snapshot,
    SourceName,
    State,
    Step,
    StepResult,
    Steps,
)
from lictui.tui.screens.server_detail import (
    ServerScreen,
    fact_line,
    license_server_facts,
    server_facts,
)
from lictui.tui.screens.server_form import FormScreen
from lictui.tui.screens.servers import ServersScreen
from lictui.tui.screens.usage import UsageScreen
from lictui.tui.theme import UNICODE_SYMBOLS
from lictui.tui.widgets.dashboard_view import CurrentTime

NOW = CurrentTime(START, date(2026, 11, 24))
FINE = tuple(StepResult(step, ok=True, detail="fine", seconds=0.01) for step in Step)


def screen(run: RunningApp) -> ServersScreen:
    assert isinstance(run.app.screen, ServersScreen)
    return run.app.screen


async def test_cursor_stays_on_its_server_when_the_board_changes() -> None:
    async with running_app("servers") as run:
        await run.press("j", "j", "j", "k")
        assert screen(run).selected_server == "lic-apac-02"
        board = example_board()
        stale = replace(board.servers[1], state=State.STALE)
        await run.publish(Board((stale, *board.servers[2:])))
        assert "◐ stale" in screen_text(run.app)
        assert screen(run).selected_server == "lic-apac-02"
        await run.publish(Board(board.servers[:2]))
        assert screen(run).selected_server == "ddc-us-01"


async def test_test_steps_are_shown_until_another_row() -> None:
    engine = FakeEngine(test_steps=FINE)
    async with running_app("servers", engine=engine) as run:
        await run.press("t")
        text = screen_text(run.app)
        assert "Test lic-emea-01" in text
        assert "✔ parse" in text
        await run.publish(example_board())
        assert "✔ parse" in screen_text(run.app)  # a poll does not take it away
        await run.press("down")
        assert "✔ parse" not in screen_text(run.app)
    assert [server.name for server in engine.tested] == ["lic-emea-01"]


async def test_test_of_another_server_is_not_shown() -> None:
    go_on = asyncio.Event()

    class Slow(FakeEngine):
        async def test(self, server: Server) -> AsyncIterator[StepResult]:
            yield StepResult(Step.RESOLVE, ok=True, detail=server.name, seconds=0.1)
            await go_on.wait()
            yield FINE[1]

    async with running_app("servers", engine=Slow()) as run:
        await run._pilot.press("t", "down")
        await run._pilot.pause()
        go_on.set()
        await run.settle()
        text = screen_text(run.app)
        assert "Test" not in text


async def test_remove_asks_first() -> None:
    engine = FakeEngine()
    async with running_app("servers", engine=engine) as run:
        await run.press("x")
        assert "Remove lic-emea-01?" in screen_text(run.app)
        await run.press("enter")  # no is what enter does
        assert engine.removed == []
        await run.press("x", "y")
        assert engine.removed == ["lic-emea-01"]


async def test_remove_shows_why_it_failed() -> None:
    engine = FakeEngine(error=LictuiError("servers.toml cannot be written"))
    async with running_app("servers", engine=engine) as run:
        await run.press("x", "y")
        notices = [notice.message for notice in run.app._notifications]
        assert notices == ["servers.toml cannot be written"]


async def test_edit_and_poll_are_of_the_selected_server() -> None:
    async with running_app("servers") as run:
        await run.press("down", "r", "e")
        assert isinstance(run.app.screen, FormScreen)
        assert run.app.screen.query_one("#field-name Input", Input).value == "ddc-us-01"
    assert run.engine.polled == ["ddc-us-01"]


async def test_command_source_has_the_name_of_its_program_and_never_responded() -> None:
    command = ("/opt/company/scripts/read-licenses", "--site", "hq")
    board = Board((ServerStatus(Server("a", SourceName.COMMAND, command=command)),))
    async with running_app("servers", board=board) as run:
        row = screen_text(run.app).splitlines()[2]
        assert row.split()[-5:] == ["read-licenses", "--site", "hq", "-", "never"]


@pytest.mark.parametrize("view", ["dashboard", "products", "servers"])
async def test_footer_offers_nothing_that_needs_a_row_where_there_is_none(view: str) -> None:
    unreadable = replace(Board(), notices=("servers.toml:2: server[0].url: is missing",))
    async with running_app(view, board=unreadable) as run:
        footer = screen_text(run.app).splitlines()[-1]
        assert ": commands" in footer
        assert not {"open", "poll", "edit", "test", "users"} & {*footer.split()}
        await run.press("e", "t", "r", "x")
        assert type(run.app.screen).__name__.lower() == f"{view}screen"


async def test_products_view_polls_the_servers_of_the_selected_product() -> None:
    async with running_app("products") as run:
        await run.press("r")
        assert run.engine.polled == ["lic-emea-01"]


async def test_enter_maximizes_the_details() -> None:
    async with running_app("servers") as run:
        await run.press("enter")
        assert "Server " not in screen_text(run.app)
        await run.press("escape")
        assert "Server " in screen_text(run.app)


def test_details_show_the_certificate_validity() -> None:
    shown = Certificate("4f1b22c0" * 8, None, date(2027, 3, 12))
    reported = Snapshot((), certificate=shown)
    status = ServerStatus(Server("a", SourceName.CVAD), State.UP, snapshot=reported)
    lines = [
        "".join(text for text, _ in line)
        for fact in server_facts(status, NOW, UNICODE_SYMBOLS, None)
        for line in fact_line(fact, 80)
    ]
    assert "Certificate valid until 12 Mar 2027 · sha256:4f1b22c04f1b22c0…" in lines


STEPS = ((Step.AUTH, 0.198), (Step.INVENTORY, 0.093))
PASSED = "✔ auth 198 ms  ✔ inventory 93 ms"
CUT_OFF = Failure(FailureKind.TIMEOUT, "no answer", step=Step.PARSE)
REFUSED = Failure(FailureKind.REFUSED, "refused", step=Step.CONNECT)


@pytest.mark.parametrize(
    ("steps", "failure", "shown"),
    [
        (STEPS, None, f"now  {PASSED}"),
        (STEPS, CUT_OFF, f"now  ✔ resolve  ✔ connect  ✔ tls  {PASSED}  ✖ parse 4,000 ms"),
        ((), REFUSED, "now  ✔ resolve  ✖ connect 4,291 ms"),
        ((), None, "now 4,291 ms"),  # read from the history: only the whole time is known
    ],
)
def test_details_show_the_time_of_each_step_of_the_last_poll(
    steps: Steps, failure: Failure | None, shown: str
) -> None:
    server = Server("a", SourceName.WINRM, "https://a:5986/wsman")
    status = ServerStatus(server, State.UP, START, failure, polled_at=START)
    status = replace(status, latency=4.291, steps=steps)
    facts = server_facts(status, NOW, UNICODE_SYMBOLS, None)
    fact = next(fact for fact in facts if fact[0][0] == "Last poll")
    for width in (200, 50):  # a step and its time stay together
        lines = ["".join(text for text, _ in line)[12:] for line in fact_line(fact, width)]
        assert "  ".join(lines) == shown


def lines(*listed: LicenseServer) -> list[str]:
    drawn = license_server_facts(listed, UNICODE_SYMBOLS, ZoneInfo("UTC"), NOW.today)
    return ["".join(text for text, _ in line) for _, line in drawn]


def test_license_server_lines_list_the_worst_first() -> None:
    fine = LicenseServer(
        "A", "a.test", ReportingStatus.REPORTING, START - 3600, date(2027, 7, 27), 245
    )
    soon = LicenseServer(
        "B", "b.test", ReportingStatus.REPORTING, START - 3600, date(2026, 12, 1), 7
    )
    silent = LicenseServer("C", "c.test", ReportingStatus.NOT_REPORTING, START - 5 * 86400)
    never = LicenseServer("NEW[/x]")
    over = LicenseServer("E", "e.test", ReportingStatus.EXPIRED, START, date(2026, 11, 1), -23)
    head, *named = lines(fine, soon, silent, never, over)
    assert head == (
        "5 license servers: 1 expired · 1 not reporting · 1 never reported · 2 reporting"
    )
    order = ("e.test", "c.test", "NEW[/x]", "b.test", "a.test")
    assert all(name in line for name, line in zip(order, named, strict=True))
    assert "expired 1 Nov 2026" in named[0]
    assert "expires 27 Jul 2027" in named[4]


def test_license_server_lines_count_all_and_name_a_few() -> None:
    assert not lines()
    many = [LicenseServer(f"L{n:03}", status=ReportingStatus.NOT_REPORTING) for n in range(300)]
    summary, *named = lines(*many)
    assert len(named) == 9
    assert named[-1] == "and 292 more"
    assert summary == "300 license servers: 300 not reporting"


async def test_detail_shows_the_failed_step_licenses_and_history() -> None:
    engine = FakeEngine(since={"lic-apac-02": START - 300 * 86400}, test_steps=FINE)
    async with running_app("servers", engine=engine) as run:
        await run.press("j", "j", "enter")
        assert isinstance(run.app.screen, ServerScreen)
        text = screen_text(run.app)
        assert "✔ resolve  ✖ connect" in text
        assert "→ Check that the server runs" in text
        assert "History     since Wed 28 Jan 2026 (300 days)" in text
        assert "CVAD Premium u/d 214 300 86 71 %" in " ".join(text.split())
        await run.press("r", "t")
        assert "✔ parse" in screen_text(run.app)
        await run.press("escape", "enter")
        assert isinstance(run.app.screen, UsageScreen)
        await run.press("escape", "e")
        assert isinstance(run.app.screen, FormScreen)
        await run.press("escape")
        assert isinstance(run.app.screen, ServerScreen)
        await run.publish(Board(example_board().servers[:2]))  # the server was removed
        assert isinstance(run.app.screen, ServersScreen)
    assert engine.polled == ["lic-apac-02"]


async def test_detail_has_the_level_of_each_license_and_names_that_differ() -> None:
    days = (date(2027, 1, 7), date(2028, 1, 7))
    pools = (pool("XDT_PLT_UD", 90 + n, 100, subscription=day) for n, day in enumerate(days))
    board = Board((up_status("a", *pools, pool("PVS_STD_CCS", 9, 8)),))
    async with running_app("server", (60, 15), board=board, server="a") as run:
        rows = [" ".join(row.split()) for row in screen_text(run.app).splitlines()[-5:-2]]
    assert rows == [
        "▌CVAD Premi…27-01 u/d 90 100 10 90 % ‼",
        "CVAD Premi…28-01 u/d 91 100 9 91 % ‼",
        "Provisioni…vices ccu 9 8 -1 112 % ✖",
    ]


async def test_dashboard_opens_a_server_without_licenses_and_edits_and_tests_any() -> None:
    board = replace(example_board(), servers=example_board().servers[-1:])
    async with running_app(board=board, engine=FakeEngine(test_steps=FINE)) as run:
        await run.press("enter")
        assert isinstance(run.app.screen, ServerScreen)
        await run.press("escape", "t")
        assert "Test lic-new" in screen_text(run.app)
        await run.press("escape", "escape", "e")
        assert isinstance(run.app.screen, FormScreen)


async def test_servers_are_filtered_and_exported_as_data(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running_app("servers") as run:
        await run.press("slash")
        await run.type("apac")
        await run.press("enter", "E")
    (written,) = await asyncio.to_thread(lambda: [file.read_text() for file in tmp_path.iterdir()])
    head, row = written.splitlines()
    assert head.startswith("server,state,group,source,address")
    assert row.startswith("lic-apac-02,down,apac,winrm,lic-apac-02.corp.example,11.17.2.54100,file")
    assert ",2026-11-24T05:55:40Z,2026-11-24T06:14:48Z,no connection" in row
