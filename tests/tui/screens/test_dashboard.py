"""The dashboard: cursor, order, polling, trends."""

import pytest
from tests.support.clock import START
from tests.support.example_board import example_board, pool, up_status
from tests.support.fake_engine import FakeEngine
from tests.support.goldens import screen_text
from tests.support.running_app import RunningApp, running_app

from lictui.engine.board import Board, UsageTotal, apply_poll
from lictui.model import Level, Poll, Snapshot
from lictui.tui.commands import COMMANDS
from lictui.tui.screens.dashboard import DashboardScreen
from lictui.tui.screens.usage import UsageScreen
from lictui.tui.text import Tone
from lictui.tui.theme import UNICODE_SYMBOLS
from lictui.tui.widgets.bars import FooterBar, HeaderView, Tab, draw_header
from lictui.tui.widgets.dashboard import PaneGrid


def grid(run: RunningApp) -> PaneGrid:
    return run.app.screen.query_one(PaneGrid)


def shown(run: RunningApp) -> list[str]:
    return [view.server for view in grid(run).panes]


def cursor(run: RunningApp) -> tuple[str, str]:
    at = grid(run).cursor
    assert at is not None
    return at[0], at[1].product if at[1] else ""


async def test_cursor_moves_over_rows_and_panes() -> None:
    async with running_app() as run:
        assert cursor(run) == ("lic-emea-01", "XDT_PLT_UD")
        await run.press("j")
        assert cursor(run) == ("lic-emea-01", "MPS_ADV_CCU")
        await run.press("down", "j")
        assert cursor(run) == ("lic-las", "")
        await run.press("k")
        assert cursor(run) == ("lic-emea-01", "PVS_STD_CCS")
        await run.press("tab", "tab")
        assert cursor(run) == ("ddc-us-01", "XDT_PLT_CCS")
        await run.press("shift+tab")
        assert cursor(run) == ("lic-las", "")
        await run.press("end")
        assert cursor(run) == ("lic-lab", "ACME_X")
        assert "ACME_X" in screen_text(run.app)
        await run.press("home", "up")
        assert cursor(run) == ("lic-emea-01", "XDT_PLT_UD")
        assert screen_text(run.app).splitlines()[1].startswith("── emea")


async def test_cursor_moves_by_pages_and_across_columns() -> None:
    board = Board(tuple(up_status(f"s{n:03}", pool("XDT_PLT_UD", n, 300)) for n in range(200)))
    async with running_app(board=board) as run:
        await run.press("pagedown")
        server = cursor(run)[0]
        assert server > "s003"
        assert server in screen_text(run.app)
        await run.press("pageup")
        assert cursor(run)[0] < server
    async with running_app(size=(140, 40), board=Board(board.servers[:5])) as run:
        servers = []
        for key in ("j", "tab", "k", "j", "j"):
            await run.press(key)
            servers.append(cursor(run)[0])
        assert servers == ["s002", "s003", "s001", "s003", "s004"]


async def test_enter_opens_usage_and_escape_returns() -> None:
    async with running_app() as run:
        await run.press("j", "enter")
        assert isinstance(run.app.screen, UsageScreen)
        await run.press("escape")
        assert isinstance(run.app.screen, DashboardScreen)
        assert cursor(run) == ("lic-emea-01", "MPS_ADV_CCU")


async def test_header_marks_each_sum_for_itself_and_counts_alerts_by_level() -> None:
    board = Board(
        (up_status("a", pool("XDT_PLT_CCS", 90, 200)), up_status("b", pool("XDT_PLT_CCS", 5, None)))
    )
    async with running_app(size=(200, 30), board=board) as run:
        assert "2/2 servers up   95 in use ?   06:00" in screen_text(run.app)
    async with running_app(size=(120, 30)) as run:
        head = screen_text(run.app).splitlines()[0]
        assert " 5 Alerts 1✖ 1⚑ 1‼ 6!  3/6 up  41 % in use  ≈ 87 % assigned  06:00" in head


@pytest.mark.parametrize("cells", range(40, 200, 8))
async def test_header_fits_and_keeps_what_counts(cells: int) -> None:
    total = UsageTotal("in use", 4641, 15158, 0.31, frozenset({"in_use", "ratio"}))
    alerts = ((Level.EXHAUSTED, 2), (Level.OVERDRAFT, 1), (Level.CRITICAL, 5), (Level.WARN, 12))
    views = [command for command in COMMANDS if command.id.startswith("view.")]
    tabs = [Tab(command) for command in views]
    view = HeaderView(20, 22, is_failing=True, totals=(total,), alerts=alerts)
    line = draw_header(view, tabs, "10:30", cells, UNICODE_SYMBOLS)
    shown = "".join(text for part, _ in line for text, _ in part)
    assert len(shown) == cells
    assert "2✖ 1⚑ 5‼ 12! " in shown
    assert ("20/22 up" in shown) or ("20/22 servers up" in shown)
    assert ("in use" in shown) == (cells >= 56)
    assert ("Dash" in shown) == (cells >= 80)


async def test_tab_in_the_header_and_key_in_the_footer_can_be_clicked() -> None:
    async with running_app() as run:
        await run.click(screen_text(run.app).index("4 Serv"), 0)
        assert run.app.screen.query_one("HeaderBar").tabs[3].is_current  # type: ignore[attr-defined]
        await run.click(screen_text(run.app).splitlines()[-1].index("? help"), 23)
        assert "Help" in screen_text(run.app)


async def test_footer_offers_the_keys_of_the_view_first() -> None:
    async with running_app("alerts") as run:
        footer = screen_text(run.app).splitlines()[-1]
        assert footer.startswith(" enter open  A acknowledge  z snooze  : commands  ? help ")
        assert footer.endswith("polling · 12 s ago")


async def test_hint_that_does_not_fit_gives_way_to_the_keys() -> None:
    async with running_app() as run:
        footer = run.app.screen.query_one(FooterBar)
        for hint, start in (("9  a short hint", "9  a short hint"), ("x" * 70, " enter open")):
            footer.message = ((hint, Tone.TEXT),)
            await run.press("j")
            assert screen_text(run.app).splitlines()[-1].startswith(start)


async def test_click_selects_and_a_second_opens() -> None:
    async with running_app() as run:
        await run.app.run_action("noop")
        await run.click(10, 4)
        assert cursor(run) == ("lic-emea-01", "MPS_ADV_CCU")
        await run.click(10, 4)
        assert isinstance(run.app.screen, UsageScreen)


async def test_sort_is_shown_and_remembered() -> None:
    async with running_app() as run:
        await run.press("s", "s")
        assert "Sorted by ratio" in [notice.message for notice in run.app._notifications]
        assert run.app.saved_state["sort"] == "ratio"
        assert shown(run)[:2] == ["lic-emea-01", "lic-las"]
        await run.press("S")
        assert run.app.saved_state["reverse"] == "yes"
    async with running_app(options={"state": run.app.saved_state}) as run:
        assert shown(run)[:2] == ["lic-las", "lic-emea-01"]


async def test_group_key_shows_one_group_at_a_time() -> None:
    async with running_app() as run:
        await run.press("g")
        assert shown(run) == ["lic-apac-02"]
        await run.press("g", "g")
        assert shown(run) == ["ddc-us-01", "lic-new"]
        await run.press("g")
        assert len(shown(run)) == 6


async def test_problem_key_shows_panes_with_problems_until_escape() -> None:
    async with running_app() as run:
        await run.press("!")
        assert shown(run) == ["lic-emea-01", "lic-las", "ddc-us-01", "lic-apac-02"]
        assert "problems only" in screen_text(run.app).splitlines()[-1]
        await run.press("escape")
        assert len(shown(run)) == 6


async def test_maximize_shows_one_pane_with_all_its_rows() -> None:
    async with running_app() as run:
        await run.press("M")
        assert "Start-up License" in screen_text(run.app)
        await run.press("M")
        assert "Start-up License" not in screen_text(run.app)
        await run.press("tab", "tab", "M")
        assert shown(run) == ["ddc-us-01"]
        await run.press("M")
        assert len(shown(run)) == 6
        assert cursor(run)[0] == "ddc-us-01"


async def test_poll_is_shown_until_it_returns() -> None:
    async with running_app() as run:
        await run.press("r")
        assert run.engine.polled == ["lic-emea-01"]
        assert "polling" in screen_text(run.app)
        await run.publish(
            apply_poll(example_board(), Poll("lic-emea-01", START, 0.1, Snapshot(())))
        )
        assert run.app.pending_polls == frozenset()
        await run.press("R")
        await run.press("f5")
        assert run.engine.polled[1:] == [None, None]


async def test_pause_keeps_the_screen_until_resumed() -> None:
    async with running_app() as run:
        await run.press("p")
        assert "PAUSED" in screen_text(run.app)
        await run.publish(Board((up_status("another", pool("XDT_PLT_UD", 1, 2)),)))
        assert "another" not in screen_text(run.app)
        await run.press("p")
        assert "PAUSED" not in screen_text(run.app)
        assert shown(run) == ["another"]


async def test_cursor_survives_a_board_without_its_row() -> None:
    async with running_app() as run:
        await run.press("tab", "tab", "tab")
        board = example_board()
        await run.publish(Board(board.servers[:2]))
        assert cursor(run)[0] == "lic-emea-01"
        await run.publish(Board())
        assert grid(run).cursor is None


async def test_trends_are_asked_for_after_the_first_frame() -> None:
    engine = FakeEngine()
    asked_before: list[int] = []
    options = {"on_shown": lambda: asked_before.append(len(engine.queries))}
    async with running_app(engine=engine, options=options) as run:
        await run.press("j")
    assert asked_before == [0]
    assert engine.queries
