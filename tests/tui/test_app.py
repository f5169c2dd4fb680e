"""What every screen shares: themes, keymap, palette, notices, and notifications of alerts."""

import asyncio
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from time import time
from typing import Any

import pytest
from msgspec.structs import replace
from rich.segment import Segment
from tests.support.clock import START
from tests.support.example_board import example_board, workday_series
from tests.support.fake_engine import FakeEngine
from tests.support.goldens import screen_text
from tests.support.running_app import RunningApp, running_app
from textual.events import Key
from textual.widgets._toast import Toast
from textual.worker import WorkerState

from lictui.analysis.usage import PastSummary, TotalKey
from lictui.clock import PastClock
from lictui.config.settings import Action, Settings
from lictui.engine.board import Board, GroupBy, MergedBoard
from lictui.engine.merge import merge_board
from lictui.engine.product_history import ProductHistory, ProductQuery
from lictui.errors import LictuiError
from lictui.model import AlertKey, AlertKind, AlertState, AlertTransition, Level, moved
from lictui.tui.app import ShownTime
from lictui.tui.screens.dashboard import DashboardScreen


def notified(run: RunningApp) -> str:
    return "".join(notice.message for notice in run.app._notifications)


async def test_theme_key_shows_one_after_the_other() -> None:
    async with running_app(settings=Settings(theme="lictui-drak")) as run:
        assert run.app.theme == "lictui-dark"
        assert "did you mean lictui-dark?" in notified(run)
        names = set()
        for _ in range(4):
            await run.press("T")
            names.add(run.app.theme)
        assert len(names) == 4


async def test_theme_of_the_file_applies_when_the_file_changes_it() -> None:
    async with running_app(settings=Settings(theme="nord")) as run:
        await run.publish(example_board(), Settings(theme="lictui-light"))
        assert run.app.theme == "lictui-light"
        await run.publish(example_board(), Settings(theme="lictui-lihgt"))
        assert run.app.theme == "lictui-light"
        assert "did you mean lictui-light?" in notified(run)
        await run.press("T")
        chosen = run.app.theme
        await run.publish(example_board(), Settings(theme="lictui-lihgt", read_only=True))
        assert run.app.theme == chosen != "lictui-light"


async def test_keymap_applies_at_the_start_and_after_an_edit() -> None:
    async with running_app(settings=Settings(keymap={"pause": "f8"})) as run:
        await run.press("p")
        assert not run.app.paused
        await run.press("f8")
        assert run.app.paused
        await run.publish(example_board(), Settings(keymap={"pause": "f9", "help": "H"}))
        await run.press("f9")
        assert not run.app.paused
        assert " H help" in screen_text(run.app)
        await run.press("colon", *"pause the")
        assert "(f9)" in screen_text(run.app)


@pytest.mark.parametrize(
    ("keymap", "problem"),
    [({"pause": "M"}, "'maximise'"), ({"pauze": "z"}, "did you mean 'pause'?")],
)
async def test_keymap_that_is_invalid_is_reported_and_the_defaults_apply(
    keymap: dict[str, str], problem: str
) -> None:
    async with running_app(settings=Settings(keymap={"help": "H"})) as run:
        await run.publish(example_board(), Settings(keymap={"help": "H", **keymap}))
        assert problem in notified(run)
        assert " ? help" in screen_text(run.app)
        await run.press("p")
        assert run.app.paused


@pytest.mark.parametrize("view", ["dashboard", "products", "servers", "alerts"])
async def test_palette_offers_and_runs_commands(view: str) -> None:
    async with running_app(view) as run:
        await run.press("colon")
        await run.press(*"pause the display", "enter")
        assert run.app.paused


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("lic-lab", "lic-lab"),  # the detail of a server
        ("XenApp Adv", "Citrix XenApp Advanced"),  # the usage of a product
        ("apac", "group apac"),  # the dashboard of a group
        ("2026-11-10", "10 Nov"),  # the usage on a day
    ],
)
async def test_palette_goes_to_places_by_name(query: str, expected: str) -> None:
    async with running_app(size=(120, 30)) as run:
        await run.press("colon")
        await run.type(query)
        await run.press("enter")
        assert not run.app.screen.is_modal
        assert expected in screen_text(run.app)


async def test_palette_offers_themes_and_leaves_out_what_does_not_apply() -> None:
    async with running_app("servers", options={"read_only": True}) as run:
        await run.press("colon")
        await run.type("light")
        await run.press("enter")
        assert run.app.theme == "lictui-light"
        await run.press("colon")
        await run.type("remove")
        assert "Remove the selected server" not in screen_text(run.app)


@pytest.mark.parametrize("view", ["servers", "alerts", "dashboard"])
async def test_theme_switch_redraws_everything(view: str) -> None:
    def cells(run: RunningApp) -> list[Segment]:
        lines = run.app.screen._compositor.render_strips(run.app.size)[:-1]
        return [segment for strip in lines for segment in strip.simplify()]

    async with running_app(view, settings=Settings(theme="lictui-light")) as run:
        expected = cells(run)
    async with running_app(view) as run:
        run.app.theme = "lictui-light"
        await run.settle()
        assert cells(run) == expected


@pytest.mark.parametrize(
    ("mode", "view", "keys"),
    [
        ("Read only", "dashboard", "EturRea"),
        ("Read only", "servers", "xeat"),
        ("Read only", "alerts", "Az"),
        ("This is the past", "dashboard", "rt"),
    ],
)
async def test_nothing_is_written_polled_or_tested_read_only_and_in_the_past(
    mode: str, view: str, keys: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    read_only, clock = mode == "Read only", PastClock(START - 600, START - 3600, START)
    options = {"read_only": read_only}
    async with running_app(view, clock=None if read_only else clock, options=options) as run:
        footer = screen_text(run.app).splitlines()[-1]
        assert ("read-only" if read_only else "as of Tue 24 Nov 2026 05:50") in footer
        assert not {"add", "edit", "test", "remove", "acknowledge"} & {*footer.split()}
        for key in keys:
            run.app.clear_notifications()
            await run.press(key)
            assert notified(run).startswith(f"{mode}: nothing is written"), key
            assert getattr(run.app.screen, "VIEW", "") == view
        await run.press("E")  # what is shown of the past may be exported
        assert (run.engine.polled, run.engine.removed, run.engine.acknowledged) == ([], [], [])
    exported = await asyncio.to_thread(lambda: list(tmp_path.iterdir()))
    assert len(exported) == (not read_only)


async def test_another_time_is_shown_step_by_step() -> None:
    clock = PastClock(START - 600, START - 3600, START)
    async with running_app(clock=clock, options={"read_only": True}) as run:
        assert "as of Tue 24 Nov 2026 05:50" in screen_text(run.app)
        assert "( 5 min back" in screen_text(run.app)
        await run.press("(", ")", ")", ")", ")")
        assert clock.now() == START
        assert len(run.engine.polled) == 4  # the last step led nowhere
        await run.press("{", "{")
        assert clock.now() == START - 3600
        await run.press("P")
        assert clock.now() == START - 3300


async def test_live_monitor_offers_no_other_time() -> None:
    async with running_app() as run:
        assert "5 min back" not in screen_text(run.app)
        await run.press("(")
        assert run.engine.polled == []


def past_opener(then: MergedBoard, calls: list[tuple[str, float]]) -> Callable[[float], ShownTime]:
    """Return what opens another time, with this board, and records that it did."""

    def open_past(at: float) -> ShownTime:
        calls.append(("open", at))
        clock = PastClock(at, 0, START)
        past = FakeEngine(workday_series, board=lambda: then, clock=clock)
        start, stop = (partial(calls.append, (name, at)) for name in ("start", "stop"))
        return ShownTime(past, clock, then, start, stop)

    return open_past


async def test_whole_monitor_as_it_was_is_opened_from_the_chart_and_left_again() -> None:
    calls: list[tuple[str, float]] = []
    statuses = example_board().servers
    then, later = (merge_board(Board(statuses[at : at + 1])) for at in (0, 2))

    chart: dict[str, Any] = {"servers": ("ddc-us-01",), "product": "XDT_PLT_UD"}
    options = {"open_past": past_opener(then, calls)}
    async with running_app(
        "usage", engine=FakeEngine(workday_series), options=options, **chart
    ) as run:
        await run.press("d", "less_than_sign", "left", "V")
        at = calls[0][1]
        assert (calls, START - 2 * 86400 < at < START) == ([("open", at), ("start", at)], True)
        assert isinstance(run.app.screen, DashboardScreen)
        await run.press("a", "5", "1", "{")
        run.app.publish(later, engine=run.engine)  # what happens now is shown later
        await run.settle()
        text = screen_text(run.app)
        assert (run.app.clock.now(), run.engine.polled) == (at - 3600, [])
        assert "as of Mon 23 Nov 2026" in text
        assert (statuses[0].server.name in text, statuses[2].server.name in text) == (True, False)
        await run.press("escape")
        text = screen_text(run.app)
        assert calls[2:] == [("stop", at)]
        assert (statuses[0].server.name in text, statuses[2].server.name in text) == (False, True)
        assert "as of" not in text
        await run.press("V")
        assert "as of Tue 24 Nov 2026 05:55" in screen_text(run.app)
        await run.press(")", ")")  # beyond the last moment is now
        assert not run.app.is_past


async def test_question_about_a_past_that_was_left_may_fail_unseen() -> None:
    closed = asyncio.Event()

    class Closing(FakeEngine):
        async def summaries(self, by: GroupBy) -> dict[TotalKey, PastSummary]:
            await closed.wait()
            raise LictuiError(f"the history is closed ({by})")

    def open_past(at: float) -> ShownTime:
        return ShownTime(Closing(), PastClock(at, 0, START), merge_board(example_board()))

    async with running_app("products", options={"open_past": open_past}) as run:
        await run._pilot.press("V", "V")
        await run._pilot.pause()
        closed.set()
        await run.settle()
        assert not run.app.is_past
        assert "closed" not in notified(run)


@pytest.mark.parametrize("view", ["1", "2", "4"])
async def test_filter_order_and_cursor_survive_a_look_at_the_past(view: str) -> None:
    board = merge_board(example_board())
    settings = Settings(keymap={"past.open": "v"})
    async with running_app(options={"open_past": past_opener(board, [])}, settings=settings) as run:
        await run.press(view, "s", "slash", *"lic|cvad", "enter", "j")
        before = screen_text(run.app).splitlines()[1:-1]
        await run.press("v")
        assert "as of Tue 24 Nov 2026 05:55" in screen_text(run.app)
        assert "/lic|cvad" in screen_text(run.app)
        assert "v: now" in screen_text(run.app)
        await run.press("v")
        assert not run.app.is_past
        assert screen_text(run.app).splitlines()[1:-1] == before


@pytest.mark.parametrize("view", ["1", "2", "4", "5"])
async def test_notices_are_below_the_header_while_they_last(view: str) -> None:
    async with running_app() as run:
        await run.press(view)
        head = screen_text(run.app).splitlines()[:2]
        notices = ("config.toml:2: alerts.wran: no such key [/x]", "the history was set aside")
        await run.publish(replace(example_board(), notices=notices))
        lines = screen_text(run.app).splitlines()
        assert "config.toml:2: alerts.wran: no such key [/x]" in lines[1]
        assert "1 more" in "".join(lines[1:4])
        await run.publish(replace(example_board(), notices=()))
        assert screen_text(run.app).splitlines()[:2] == head


async def test_answer_that_arrives_after_its_screen_ends_the_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    go_on = asyncio.Event()

    class Slow(FakeEngine):
        async def product_history(self, query: ProductQuery) -> ProductHistory:
            await go_on.wait()
            return await super().product_history(query)

    async with running_app(engine=Slow()) as run:
        monkeypatch.setattr(run.app.workers, "cancel_node", lambda _: [])
        run.app.show_view("usage", servers=("ddc-us-01",), product="XDT_PLT_CCS")
        await run._pilot.pause()
        await run._pilot.press("escape")
        (worker,) = (w for w in run.app.workers if w.group == "usage-history")
        go_on.set()
        await run.settle()
        assert worker.state is WorkerState.CANCELLED


# Bell and desktop notifications


ALERT = AlertState(
    AlertKey("lic-emea-01", AlertKind.USAGE, "PVS_STD_CCS"),
    Level.WARN,
    "90 of 80\x1b]0;owned\x07",
    raised_at=START,
    notified_at=START,
)
BELL = Settings(actions=(Action("here", level="critical", bell=True, osc9=True),))


def signals(run: RunningApp, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Bells and notifications, from now on."""
    sent: list[str] = []
    monkeypatch.setattr(run.app, "bell", lambda: sent.append("bell"))
    assert run.app._driver is not None
    monkeypatch.setattr(
        run.app._driver, "write", lambda text: sent.append(text) if "\x1b]9;" in text else None
    )
    return sent


async def test_bell_rings_once_when_an_alert_gets_worse(monkeypatch: pytest.MonkeyPatch) -> None:
    quiet = replace(example_board(), alert_states=())
    async with running_app(board=quiet, settings=BELL) as run:
        sent = signals(run, monkeypatch)
        await run.publish(replace(quiet, alert_states=(ALERT,)))
        assert sent == []
        worse = replace(ALERT, level=Level.CRITICAL, notified_at=START + 60)
        await run.publish(replace(quiet, alert_states=(worse,)))
        assert sent == ["bell", "\x1b]9;lictui: critical lic-emea-01: 90 of 80 ]0;owned \x07"]
        await run.publish(
            replace(quiet, alert_states=(replace(worse, change=AlertTransition.CLEARED),))
        )
        await run.publish(
            replace(quiet, alert_states=(moved(worse, -3600.0),))
        )  # the clock was set
        await run.publish(quiet)
        assert len(sent) == 2


async def test_bell_ignores_alerts_from_before_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    worst = replace(ALERT, level=Level.EXHAUSTED)
    async with running_app(board=example_board(), settings=BELL) as run:
        sent = signals(run, monkeypatch)
        await run.publish(replace(example_board(), alert_states=(worst,)))
        assert sent == []


async def test_unexpected_error_shows_no_local_variables(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(password: str) -> None:
        message = "\x1b[31mred"
        raise RuntimeError(message * len(password))

    async def run_and_fail() -> None:
        async with running_app() as run:
            run.app.call_later(fail, "correct horse")
            await run.settle()

    with pytest.raises(RuntimeError):
        await run_and_fail()
    shown = capsys.readouterr().err
    assert "unexpected error (RuntimeError)" in shown
    assert "horse" not in shown
    assert "\x1b[31m" not in shown
    assert "the screen failed" in caplog.text


@pytest.mark.parametrize(
    ("view", "key", "remaining"),
    [("server", "escape", "dashboard"), ("usage", "at", "usage"), ("form", "escape", "dashboard")],
)
async def test_key_finds_the_widgets_of_a_screen_that_another_task_opened(
    view: str, key: str, remaining: str
) -> None:
    options: dict[str, dict[str, Any]] = {
        "server": {"server": "lic-emea-01"},
        "usage": {"servers": ("lic-emea-01",), "product": "XDT_ENT_CCS"},
    }
    async with running_app() as run:
        run.app.post_message(Key(key, None))  # waits already when the screen opens
        run.app.show_view(view, **options.get(view, {}))
        await run.settle()
        assert getattr(run.app.screen, "VIEW", "") == remaining


async def test_screen_that_is_removed_before_it_is_made_draws_nothing() -> None:
    async with running_app() as run:
        for name in ("products", "dashboard"):
            run.app.show_view(name)
            run.app.show_view("server", server="lic-emea-01")
            run.app.pop_screen()
            await run.settle()
        assert isinstance(run.app.screen, DashboardScreen)


async def test_toast_that_expires_while_it_is_made_has_time_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    intervals: list[float] = []
    monkeypatch.setattr(Toast, "set_timer", lambda _, interval, __: intervals.append(interval))
    async with running_app(toasts=True) as run:
        for hours in range(6):  # one of the messages ends between two looks at the clock
            run.app.clear_notifications()
            run.app.notify(f"Message {hours}", timeout=hours * 3600 + 1800)
            looks = count(time(), 3600)
            monkeypatch.setattr("textual.notifications.time", partial(next, looks))
            await run.settle()
    assert intervals
    assert min(intervals) > 0


async def test_toasts_are_two_and_an_equal_message_replaces_the_one_before() -> None:
    async with running_app(toasts=True) as run:
        for message in ("first", "second", "third", "second"):
            run.app.notify(message)
            await run.settle()
        assert [notice.message for notice in run.app._notifications] == ["third", "second"]
        assert len(run.app.screen.query(Toast)) == 2
