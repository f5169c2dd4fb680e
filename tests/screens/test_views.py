"""Registry, form, product, alerts, console and first run as they look: read in review."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.support.clock import START
from tests.support.example_board import (
    growing_series,
    past_summaries,
    pool,
    up_status,
    workday_series,
)
from tests.support.fake_engine import FakeEngine
from tests.support.goldens import assert_golden, screen_text
from tests.support.running_app import RunningApp, running_app
from tests.support.values import server

from lictui.analysis.columns import Series
from lictui.analysis.series import SeriesQuery
from lictui.config.settings import Settings
from lictui.engine.board import Board, ServerStatus
from lictui.model import Event, EventKind, Level, Server, SourceName, Step, StepResult
from lictui.paths import Paths
from lictui.simulator.estate import company
from lictui.tui.app import WatchOptions
from lictui.tui.widgets.dashboard import PaneGrid
from lictui.tui.widgets.products import ProductTable

SIZES = ((80, 24), (60, 15), (120, 40))
PRODUCT: dict[str, Any] = {"servers": ("lic-emea-01", "ddc-us-01"), "product": "XDT_PLT_UD"}
CONCURRENT: dict[str, Any] = {"servers": ("ddc-us-01",), "product": "XDT_PLT_CCS"}
PIN = "4f1b" * 16
PATHS = Paths(Path("/home/ann/.config/lictui"), Path("/home/ann/.local/share/lictui"))
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


@dataclass(frozen=True)
class Picture:
    """A screen, the sizes in which it is compared, and the keys that lead to it."""

    screen: str = "dashboard"
    sizes: tuple[tuple[int, int], ...] = SIZES
    keys: tuple[str, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    series: Callable[[SeriesQuery], Series] = workday_series
    journal: tuple[Event, ...] = JOURNAL

    def open(
        self, size: tuple[int, int] = (80, 24), settings: Settings | None = None
    ) -> AbstractAsyncContextManager[RunningApp]:
        engine = FakeEngine(
            series_of=self.series,
            journal=self.journal,
            test_steps=FOUND,
            past_summaries=past_summaries() if self.screen == "products" else {},
        )
        return running_app(self.screen, size, engine=engine, settings=settings, **self.kwargs)


def trends(*keys: str) -> Picture:
    """Concurrent licenses that grow, with some changes on the way."""
    return Picture("usage", SIZES, keys, CONCURRENT, growing_series, CHANGES)


ONE, MORE, WIDE = ((80, 24),), (*SIZES, (200, 60)), ((190, 30),)
BRACKET = "right_square_bracket"
WATCH = {"options": {"watch": WatchOptions()}}
OTHER_SOURCES = [source for source in SourceName if source is not SourceName.WINRM]
PICTURES = {
    "dashboard": Picture(sizes=(*MORE, (40, 10))),
    "dashboard_month": Picture(sizes=WIDE, keys=(BRACKET, BRACKET)),
    "dashboard_filtered": Picture(sizes=ONE, keys=("slash", *"XenApp", "enter")),
    "dashboard_no_match": Picture(sizes=ONE, keys=("slash", *"nothing", "enter")),
    "help": Picture(sizes=ONE, keys=("question_mark",)),
    "products": Picture("products", MORE),
    "products_month": Picture("products", WIDE, (BRACKET, BRACKET)),
    "servers": Picture("servers", keys=("down", "down")),
    "server": Picture("server", kwargs={"server": "lic-apac-02"}),
    "confirm": Picture("servers", ONE, ("x",)),
    "snooze": Picture("alerts", ONE, ("z",)),
    "form": Picture("form"),
    "form_sources": Picture("form", keys=("shift+tab", *["down"] * 4)),
    "form_tested": Picture("form", keys=("ctrl+t",), kwargs={"server": LAB}),
    "form_refused": Picture("form", ONE, (*"lic01", *["tab"] * 4, *"hunter2", "ctrl+s")),
    **{
        f"form_{source}": Picture("form", SIZES[:2], ("shift+tab", *["down"] * index, "enter"))
        for index, source in enumerate(OTHER_SOURCES, 1)
    },
    "usage": Picture("usage", MORE, kwargs=PRODUCT),
    "usage_year": trends("y"),
    "usage_compared": trends("m", "c", *["left"] * 9),
    "heat_map": trends("m", "h", "down", "right", "right"),
    "usage_day_read_off": Picture("usage", ONE, ("d", *["left"] * 30), CONCURRENT),
    "alerts": Picture("alerts"),
    "watch": Picture(sizes=MORE, kwargs=WATCH),
    "first_run": Picture(kwargs={"board": Board(), "options": {"paths": PATHS}}),
}
IN_ASCII = (
    "dashboard", "servers", "form", "usage", "usage_year", "usage_compared", "heat_map", "alerts",
    "watch",
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "size"), [(name, size) for name, picture in PICTURES.items() for size in picture.sizes]
)
async def test_screen_looks_like_its_golden_text(name: str, size: tuple[int, int]) -> None:
    picture = PICTURES[name]
    async with picture.open(size) as run:
        await run.press(*picture.keys)
        assert_golden(f"{name}_{size[0]}x{size[1]}", screen_text(run.app))


@pytest.mark.parametrize("name", IN_ASCII)
async def test_screen_can_be_drawn_in_ascii(name: str) -> None:
    picture = PICTURES[name]
    async with picture.open(settings=Settings(ascii=True)) as run:
        await run.press(*picture.keys)
        text = screen_text(run.app)
        assert text.isascii()
        assert_golden(f"{name}_ascii", text)


@pytest.mark.parametrize("view", ["dashboard", "servers", "form", "usage", "alerts"])
async def test_screen_can_be_drawn_at_any_size(view: str) -> None:
    async with PICTURES[view].open() as run:
        for size in ((20, 5), (40, 10), (75, 20), (111, 19), (300, 100), (80, 24)):
            await run.resize(*size)
            assert len(screen_text(run.app).splitlines()) == size[1]


async def test_every_product_of_the_demo_has_its_whole_name() -> None:
    """On a screen of 80 columns that is high enough for all rows."""
    statuses = []
    for simulated in company(1, START):
        pools = [
            pool(p.product, 1, p.installed_at(START), subscription=p.subscription_date)
            for p in simulated.pools
        ]
        vendor = [replace(p, vendor=simulated.vendor.lower()) for p in pools]
        statuses.append(up_status(simulated.name, *vendor))
    async with running_app("products", (80, 120), board=Board(tuple(statuses))) as run:
        names = {row.name for row in run.app.screen.query_one(ProductTable).shown_products}
        assert not {name for name in names if f" {name} " not in screen_text(run.app)}
        await run.press("1")
        panes = run.app.screen.query_one(PaneGrid).panes
        rows = [row for pane in panes for row in pane.rows]
        assert len({(row.server, row.name, row.model) for row in rows}) == len(rows)
        assert not {row.name for row in rows if f" {row.name} " not in screen_text(run.app)}


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
