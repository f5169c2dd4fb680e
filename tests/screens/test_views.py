"""Registry, form, product, alerts, console and first run as they look: read in review."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.support.clock import START
from tests.support.example_board import growing_series, pool, up_status, workday_series
from tests.support.fake_engine import FakeEngine
from tests.support.goldens import assert_golden, screen_text
from tests.support.running_app import RunningApp, running_app
from tests.support.values import server

from lictui.config.settings import Settings
from lictui.engine.board import Board, ServerStatus
from lictui.model import Event, EventKind, Level, Server, SourceName, Step, StepResult
from lictui.tui.app import WatchOptions

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager


SIZES = [(80, 24), (60, 15), (120, 40)]
PRODUCT: dict[str, Any] = {"servers": ("lic-emea-01", "ddc-us-01"), "product": "XDT_PLT_UD"}
CONCURRENT: dict[str, Any] = {"servers": ("ddc-us-01",), "product": "XDT_PLT_CCS"}
PIN = "4f1b" * 16
FOUND = (
    StepResult(Step.RESOLVE, ok=True, detail="10.1.0.7", seconds=0.002),
    StepResult(Step.CONNECT, ok=True, detail="10.1.0.7:5986", seconds=0.011),
    StepResult(
        Step.TLS,
        ok=False,
        detail="the certificate is self-signed: CN=LIC01, until 12 Mar 2027",
        seconds=0.031,
        hint="compare the fingerprint with the server's own, then pin it",
        fingerprint=PIN,
    ),
)
JOURNAL = (
    Event(START - 200, EventKind.SERVER, "lic-apac-02", "lost: no answer", level=Level.CRITICAL),
    Event(START - 90000, EventKind.LEVEL, "ddc-us-01", "200 of 200", "XDT_PLT_UD", Level.EXHAUSTED),
    Event(START - 180000, EventKind.VERSION, "lic-lab", "version 11.17.2.53100 -> 11.17.2.54100"),
)
CHANGES = (
    Event(
        START - 8 * 86400, EventKind.LICENSES, "ddc-us-01", "installed 200 -> 250", "XDT_PLT_CCS"
    ),
    Event(START - 12 * 86400, EventKind.SERVER, "ddc-us-01", "down: x", level=Level.CRITICAL),
    Event(START - 90 * 86400, EventKind.VERSION, "ddc-us-01", "version 2402 -> 2507"),
)
LAB = Server(
    "lic-lab",
    SourceName.WINRM,
    "https://lic-lab.corp.example:5986/wsman",
    r"CORP\svc-lictui",
    "env:LICTUI_LAB",
    "negotiate",
    group="lab",
)


def shown(
    screen: str, size: tuple[int, int] = (80, 24), **kwargs: Any
) -> AbstractAsyncContextManager[RunningApp]:
    engine = FakeEngine(series_of=workday_series, journal=JOURNAL, test_steps=FOUND)
    return running_app(screen, size, engine=engine, **kwargs)


def name(view: str, size: tuple[int, int]) -> str:
    return f"{view}_{size[0]}x{size[1]}"


@pytest.mark.parametrize("view", ["dashboard", "products"])
async def test_trend_month(view: str) -> None:
    async with shown(view, (190, 30)) as run:
        await run.press("right_square_bracket", "right_square_bracket")
        assert_golden(name(f"{view}_month", (190, 30)), screen_text(run.app))


@pytest.mark.parametrize("size", SIZES)
async def test_servers(size: tuple[int, int]) -> None:
    async with shown("servers", size) as run:
        await run.press("down", "down")
        assert_golden(name("servers", size), screen_text(run.app))


@pytest.mark.parametrize("size", SIZES)
async def test_form(size: tuple[int, int]) -> None:
    async with shown("form", size) as run:
        assert_golden(name("form", size), screen_text(run.app))


@pytest.mark.parametrize("source", [it for it in SourceName if it is not SourceName.WINRM])
@pytest.mark.parametrize("size", SIZES[:2])
async def test_form_by_source(source: SourceName, size: tuple[int, int]) -> None:
    async with shown("form", size) as run:
        await run.press("shift+tab", *["down"] * tuple(SourceName).index(source), "enter")
        assert_golden(name(f"form_{source}", size), screen_text(run.app))


@pytest.mark.parametrize("size", SIZES)
async def test_form_source_list(size: tuple[int, int]) -> None:
    async with shown("form", size) as run:
        await run.press("shift+tab", *["down"] * 4)
        assert_golden(name("form_sources", size), screen_text(run.app))


@pytest.mark.parametrize("size", SIZES)
async def test_form_failed_test(size: tuple[int, int]) -> None:
    async with shown("form", size, server=LAB) as run:
        await run.press("ctrl+t")
        assert_golden(name("form_tested", size), screen_text(run.app))


async def test_form_errors() -> None:
    async with shown("form") as run:
        await run.type("lic01")
        await run.press("tab", "tab", "tab", "tab")
        await run.type("hunter2")
        await run.press("ctrl+s")
        assert_golden("form_refused", screen_text(run.app))


@pytest.mark.parametrize("size", [*SIZES, (200, 60)])
async def test_usage(size: tuple[int, int]) -> None:
    async with shown("usage", size, **PRODUCT) as run:
        assert_golden(name("usage", size), screen_text(run.app))


def trends(
    size: tuple[int, int] = (80, 24), **kwargs: Any
) -> AbstractAsyncContextManager[RunningApp]:
    """Concurrent licenses that grow, with some changes on the way."""
    engine = FakeEngine(series_of=growing_series, journal=CHANGES)
    return running_app("usage", size, engine=engine, **CONCURRENT, **kwargs)


@pytest.mark.parametrize("size", SIZES)
async def test_usage_forecast(size: tuple[int, int]) -> None:
    async with trends(size) as run:
        await run.press("y")
        assert_golden(name("usage_year", size), screen_text(run.app))


@pytest.mark.parametrize("size", SIZES)
async def test_usage_comparison(size: tuple[int, int]) -> None:
    async with trends(size) as run:
        await run.press("m", "c", *["left"] * 9)
        assert_golden(name("usage_compared", size), screen_text(run.app))


@pytest.mark.parametrize("size", SIZES)
async def test_heat_map(size: tuple[int, int]) -> None:
    async with trends(size) as run:
        await run.press("m", "h", "down", "right", "right")
        assert_golden(name("heat_map", size), screen_text(run.app))


@pytest.mark.parametrize(("keys", "called"), [("yc", "usage_year"), ("mh", "heat_map")])
async def test_usage_in_ascii(keys: str, called: str) -> None:
    async with trends(settings=Settings(ascii=True)) as run:
        await run.press(*keys)
        text = screen_text(run.app)
        assert text.isascii()
        assert_golden(f"{called}_ascii", text)


async def test_usage_cursor() -> None:
    async with shown("usage", servers=("ddc-us-01",), product="XDT_PLT_CCS") as run:
        await run.press("d", *["left"] * 30)
        assert_golden("usage_day_read_off", screen_text(run.app))


@pytest.mark.parametrize("size", SIZES)
async def test_alerts(size: tuple[int, int]) -> None:
    async with shown("alerts", size) as run:
        assert_golden(name("alerts", size), screen_text(run.app))


@pytest.mark.parametrize("size", [*SIZES, (200, 60)])
async def test_watch(size: tuple[int, int]) -> None:
    async with shown("dashboard", size, options={"watch": WatchOptions()}) as run:
        assert_golden(name("watch", size), screen_text(run.app))


@pytest.mark.parametrize("size", SIZES)
async def test_first_run(size: tuple[int, int]) -> None:
    async with shown("dashboard", size, board=Board()) as run:
        assert_golden(name("first_run", size), screen_text(run.app))


async def test_confirmation() -> None:
    async with shown("servers") as run:
        await run.press("x")
        assert_golden("confirm", screen_text(run.app))


VIEWS: dict[str, dict[str, Any]] = {
    "servers": {},
    "form": {},
    "usage": PRODUCT,
    "alerts": {},
}


@pytest.mark.parametrize("view", VIEWS)
async def test_ascii_is_seven_bit(view: str) -> None:
    async with shown(view, settings=Settings(ascii=True), **VIEWS[view]) as run:
        text = screen_text(run.app)
        assert text.isascii()
        assert_golden(f"{view}_ascii", text)


async def test_ascii_console() -> None:
    options = {"watch": WatchOptions()}
    async with shown("dashboard", settings=Settings(ascii=True), options=options) as run:
        text = screen_text(run.app)
        assert text.isascii()
        assert_golden("watch_ascii", text)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("theme", ["lictui-ansi", "lictui-light", "lictui-colour-blind"])
async def test_themes_draw_the_same_text(view: str, theme: str) -> None:
    async with shown(view, settings=Settings(theme=theme), **VIEWS[view]) as run:
        before = screen_text(run.app)
    async with shown(view, **VIEWS[view]) as run:
        assert screen_text(run.app) == before


@pytest.mark.parametrize("view", VIEWS)
async def test_any_size_can_be_drawn(view: str) -> None:
    async with shown(view, **VIEWS[view]) as run:
        for size in ((20, 5), (40, 10), (75, 20), (111, 19), (300, 100), (80, 24)):
            await run.resize(*size)
            assert len(screen_text(run.app).splitlines()) == size[1]


async def test_first_frame_expects_a_server_that_was_never_read() -> None:
    provisioning = pool("PVS_STD_CCS", 100, 150)
    recorded = (pool("PVS_STD_CCS", None, 150),)
    board = Board(
        (
            *(up_status(f"lic-0{number}", provisioning) for number in (1, 2, 3)),
            ServerStatus(server("lic-04"), recorded_pools=recorded),
        )
    )
    async with running_app(size=(80, 24), board=board) as run:
        await run.press("2")
        assert_golden("products_never_read", screen_text(run.app))
