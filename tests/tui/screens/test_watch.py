"""The pages of `lictui watch`, and its big digits."""

from typing import Any

import pytest
from msgspec.structs import replace
from tests.support.clock import START, FakeClock
from tests.support.example_board import (
    TIMEOUT_FAILURE,
    down_status,
    example_board,
    pool,
    up_status,
    workday_series,
)
from tests.support.fake_engine import FakeEngine
from tests.support.goldens import screen_text
from tests.support.running_app import RunningApp, running_app

from lictui.engine.board import Board, GroupBy
from lictui.engine.merge import merge_board
from lictui.tui.app import WatchOptions
from lictui.tui.screens.watch import WatchScreen, big_digits, watch_pages
from lictui.tui.theme import CONSOLE_CHARACTERS, UNICODE_SYMBOLS

CODES = ("XDT_PLT_UD", "MPS_ADV_CCU", "PVS_STD_CCS")


def watch(board: Board | None = None, **options: Any) -> Any:
    return running_app(
        board=board,
        engine=FakeEngine(series_of=workday_series),
        clock=options.pop("clock", None),
        size=options.pop("size", (80, 24)),
        options={"watch": WatchOptions(**options)},
    )


def screen(run: RunningApp) -> WatchScreen:
    assert isinstance(run.app.screen, WatchScreen)
    return run.app.screen


async def test_pages_show_the_worst_first_and_start_again() -> None:
    async with watch() as run:
        first = screen_text(run.app)
        big = [line for line in first.splitlines() if " · " in line]
        assert [line.rpartition(" ")[2] for line in big] == [
            "ddc-us-01", "lic-emea-01", "lic-emea-01", "lic-apac-02",
        ]  # fmt: skip
        assert first.splitlines()[0].split()[3] == "1/2"
        screen(run).turn()
        await run.settle()
        assert "XenApp Advanced" in screen_text(run.app)
        screen(run).turn()
        await run.settle()
        assert screen_text(run.app) == first


def test_pages_of_a_large_estate_are_two() -> None:
    statuses = (
        up_status(f"lic-{n}", *(pool(code, 50 + 2 * n, 100) for code in CODES), group=f"site {n}")
        for n in range(12)
    )
    board = merge_board(Board(tuple(statuses)))
    totals = board.totals(GroupBy.GROUP)
    for size, most in (((120, 40), 2), ((200, 60), 2), ((80, 24), 4)):
        _, pages = watch_pages(totals, size, UNICODE_SYMBOLS)
        shown = [total for page in pages for total in (*page.big, *page.listed)]
        assert len(pages) <= most
        assert sorted(map(id, shown)) == sorted(map(id, totals))


async def test_page_compares_only_what_covers_the_same_servers() -> None:
    board = Board(
        (
            up_status("lic-a", pool("X_CCU", 310, 300), group="emea"),
            up_status("lic-b", pool("X_CCU", 300, None), group="emea"),
        )
    )
    async with watch(board, size=(120, 40)) as run:
        text = screen_text(run.app)
        assert "of ≥300" in text
        assert "installed unknown" in text
        assert " %" not in text.partition("installed unknown")[0]
        assert "free" not in text


async def test_ticker_goes_through_all_critical_alerts() -> None:
    clock = FakeClock()
    async with watch(clock=clock) as run:
        seen = set()
        for _ in range(3):
            seen.add(screen_text(run.app).splitlines()[-1].split()[2])
            await clock.advance(5)
            screen(run)._draw()
            await run.settle()
        assert seen == {"ddc-us-01:", "lic-emea-01:", "lic-apac-02:"}


async def test_page_on_a_linux_console_has_only_glyphs_of_its_fonts() -> None:
    options = {"watch": WatchOptions(), "console": True}
    async with running_app(engine=FakeEngine(workday_series), options=options) as run:
        text = screen_text(run.app)
        assert "█" in text
        assert set(text) - CONSOLE_CHARACTERS <= set(map(chr, range(127)))


async def test_page_shows_the_age_of_the_data() -> None:
    clock = FakeClock()
    async with watch(clock=clock) as run:
        assert "polled 12 s ago" in screen_text(run.app)
        await clock.advance(60)
        screen(run)._draw()
        await run.settle()
        assert "polled 1 min ago" in screen_text(run.app)


async def test_page_keeps_last_values_when_servers_are_down() -> None:
    days = 3 * 86400
    board = Board(
        tuple(
            down_status(status, TIMEOUT_FAILURE, ago=days) for status in example_board().servers[:2]
        )
    )
    async with watch(board) as run:
        text = screen_text(run.app)
        assert "last known, 3 d ago" in text
        assert "✖ lic-emea-01 down 3 d" in text
        assert "▄" in text  # the figures stay


async def test_page_without_servers_or_data() -> None:
    async with watch(Board()) as run:
        assert "No servers configured" in screen_text(run.app)
    async with watch(Board((example_board().servers[-1],))) as run:
        assert "no data yet" in screen_text(run.app)


async def test_beep_only_at_a_new_alert(monkeypatch: pytest.MonkeyPatch) -> None:
    board = example_board()
    async with watch(Board(board.servers[3:4]), beep=True) as run:
        rung: list[str] = []
        monkeypatch.setattr(run.app, "bell", lambda: rung.append("bell"))
        await run.publish(Board((replace(board.servers[3], polled_at=START),)))
        assert rung == []
        worse = Board((board.servers[3], board.servers[2]))
        await run.publish(worse)
        await run.publish(Board((replace(board.servers[3], polled_at=START), board.servers[2])))
        assert rung == ["bell"]


@pytest.mark.parametrize(
    ("level", "server", "code"),
    [
        ("warn", None, 1),
        ("critical", None, 1),
        ("critical", slice(4, 5), None),  # answers without an inventory: a warning
        (None, None, None),
    ],
)
async def test_exit_on_ends_at_an_alert_of_its_level(
    level: str | None, server: slice | None, code: int | None
) -> None:
    board = Board(example_board().servers[server]) if server else None
    async with watch(board, exit_on=level) as run:
        pass
    assert run.app.return_value == code


async def test_page_is_written_again_every_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody presses ctrl+l where nobody sits."""
    timers: list[tuple[float, object]] = []
    start_timer = WatchScreen.set_interval

    def record(page: WatchScreen, every: float, call: object, **options: Any) -> object:
        timers.append((every, call))
        return start_timer(page, every, call, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(WatchScreen, "set_interval", record)
    async with watch() as run:
        assert (60, run.app.action_repaint) in timers


async def test_page_shifts_against_burn_in() -> None:
    clock = FakeClock()
    async with watch(clock=clock) as run:
        places = set()
        for _ in range(4):
            rows = screen_text(run.app).splitlines()
            row = next(row for row in rows if "emea" in row)
            places.add((rows.index(row), row.index("emea")))
            await clock.advance(600)
            screen(run)._draw()
            await run.settle()
        assert len(places) == 4


def test_digits_differ_and_anything_else_is_a_question_mark() -> None:
    assert big_digits("20") == ("▄▄▄ ▄▄▄", "▄▄█ █ █", "█▄▄ █▄█")
    for ascii_only in (False, True):
        assert len({big_digits(char, ascii_only=ascii_only) for char in "0123456789,?-"}) == 13
    assert big_digits("x") == big_digits("?")
