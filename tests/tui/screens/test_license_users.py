"""The dialog of license users."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from tests.support.clock import START
from tests.support.fake_engine import FakeEngine
from tests.support.goldens import assert_golden, screen_text
from tests.support.running_app import running_app

from lictui.config.settings import Settings
from lictui.engine.license_users import LicenseUsers, VisibleUser
from lictui.model import Failure, FailureKind, LicenseUser, Reservation
from lictui.tui.screens.license_users import LicenseUsersScreen

DAY = 86400


LINE = "udadmin -f XDT_PLT_UD -user ann -delete"


ANN = VisibleUser(
    LicenseUser("XDT_PLT_UD", "ann", since=START - 400 * DAY, assigned=True),
    True,  # noqa: FBT003
    LINE,
)


BOB = VisibleUser(LicenseUser("XDT_PLT_UD", "CORP\\bob", "pc-0071", START - 3 * DAY, 2))


PAD = VisibleUser(LicenseUser("XDT_PLT_UD", "", "pad-01", None, assigned=True))


TOLD = LicenseUsers("lic-emea-01", "show", START, ("lmstat-01",), (ANN, BOB, PAD))


HIDDEN = LicenseUsers(
    "lic-emea-01",
    "hide",
    START,
    ("lmstat-01",),
    (
        VisibleUser(
            LicenseUser("XDT_PLT_UD", "user 1", since=START - 400 * DAY, assigned=True), idle=True
        ),
    ),
)


SILENT = LicenseUsers(
    "lic-emea-01",
    "hide",
    START,
    failures=(
        (
            "lic-emea-01",
            Failure(
                FailureKind.NO_DATA,
                "winrm cannot report license users; lmstat and udadmin can",
                "register it as lmstat, too",
            ),
        ),
    ),
)


def engine(answer: LicenseUsers) -> FakeEngine:
    return FakeEngine(license_users={"lic-emea-01": answer, "ddc-us-01": SILENT})


def is_open(run: Any) -> bool:
    return isinstance(run.app.screen, LicenseUsersScreen)


async def test_license_users_open_from_a_row() -> None:
    asked = engine(TOLD)
    async with running_app(engine=asked) as run:
        await run.press("u")
        text = screen_text(run.app)
        assert "4 licenses, 3 users · 1 idle  source: lmstat-01" in text
        assert text.index("ann") < text.index("bob") < text.index("pad-01")
        assert LINE in text
        await run.press("j")
        assert LINE not in screen_text(run.app)
        await run.press("r")
        await run.press("escape")
        assert not is_open(run)
    assert asked.holder_queries == [("lic-emea-01", "XDT_PLT_UD")] * 2


async def test_copy_takes_the_release_commands() -> None:
    async with running_app(engine=engine(TOLD)) as run:
        await run.press("u", "Y")
        assert run.app.clipboard == f"{LINE}\n"


async def test_hidden_names_cannot_be_copied() -> None:
    async with running_app(engine=engine(HIDDEN)) as run:
        await run.press("u")
        text = screen_text(run.app)
        assert "user 1" in text
        assert 'set users = "show" in [privacy]' in text
        await run.press("Y")
        assert run.app.clipboard == ""
        (said,) = [notice.message for notice in run.app._notifications]
        assert said == "Not available while names are hidden"


async def test_reserved_licenses_are_shown_with_the_license_users() -> None:
    reserved = (Reservation("XDT_PLT_UD", 10, "group", "Finance"),)
    async with running_app(engine=engine(replace(TOLD, reservations=reserved))) as run:
        await run.press("u")
        text = screen_text(run.app)
        assert "4 licenses, 3 users · 1 idle · 10 reserved" in text
        assert "10 licenses of XDT_PLT_UD are reserved for group Finance" in text


async def test_source_without_license_users_shows_its_hint() -> None:
    async with running_app(engine=engine(SILENT)) as run:
        await run.press("u")
        text = screen_text(run.app)
        assert "No source can report license users." in text
        assert "lmstat and udadmin" in text
        assert "→ register it as lmstat" in text


async def test_usage_asks_every_server_of_the_product() -> None:
    asked = engine(TOLD)
    about: dict[str, Any] = {"servers": ("lic-emea-01", "ddc-us-01"), "product": "XDT_PLT_UD"}
    async with running_app("usage", engine=asked, **about) as run:
        await run.press("u")
        text = screen_text(run.app)
        assert "Server" in text
        assert "lic-emea-01" in text
        assert "lmstat and udadmin" in text
        await run.press("u")
        assert not is_open(run)
    assert [server for server, _ in asked.holder_queries] == ["lic-emea-01", "ddc-us-01"]


async def test_loading_names_the_servers_and_runs_once() -> None:
    class Slow(FakeEngine):
        async def query_license_users(self, server: str, product: str) -> LicenseUsers:
            self.holder_queries.append((server, product))
            await answers.wait()
            return TOLD

    answers = asyncio.Event()
    slow = Slow()
    async with running_app(engine=slow) as run:
        await run._pilot.press("u", "r", "r")
        await run._pilot.pause()
        assert "Querying lic-emea-01" in screen_text(run.app)
        answers.set()
        await run.settle()
        assert "source: lmstat-01" in screen_text(run.app)
    assert len(slow.holder_queries) == 1


async def test_closing_cancels_the_query() -> None:
    class Slow(FakeEngine):
        ended = False

        async def query_license_users(self, server: str, product: str) -> LicenseUsers:
            del server, product
            try:
                await asyncio.Event().wait()
            finally:
                self.ended = True
            return TOLD

    slow = Slow()
    async with running_app(engine=slow) as run:
        await run._pilot.press("u")
        await run._pilot.pause()
        await run._pilot.press("escape")
        await run.settle()
        assert slow.ended


async def test_rows_are_limited_to_the_longest_use() -> None:
    many = tuple(VisibleUser(LicenseUser("X", f"u{at:04}", since=START - at)) for at in range(1500))
    answer = LicenseUsers("lic-emea-01", "show", START, ("l",), many)
    async with running_app(engine=engine(answer)) as run:
        await run.press("u")
        text = screen_text(run.app)
        assert "1,500 licenses, 1,500 users, first 1,000 shown" in text
        assert "u1499" in text


async def test_hostile_names_are_drawn_as_text() -> None:
    hostile = VisibleUser(LicenseUser("X", "[/x]\x1b[31m\u202e", "é" * 300, START))
    async with running_app(
        engine=engine(LicenseUsers("l", "show", START, ("l",), (hostile,)))
    ) as run:
        await run.press("u")
        text = screen_text(run.app)
        assert "[/x]" in text
        assert "\x1b" not in text
        assert "\u202e" not in text


SIZES = [(80, 24), (60, 15)]


@pytest.mark.parametrize("size", SIZES)
async def test_license_users_as_they_look(size: tuple[int, int]) -> None:
    async with running_app(size=size, engine=engine(TOLD)) as run:
        await run.press("u")
        assert_golden(f"license_users_{size[0]}x{size[1]}", screen_text(run.app))


async def test_license_users_in_ascii() -> None:
    async with running_app(engine=engine(TOLD), settings=Settings(ascii=True)) as run:
        await run.press("u")
        text = screen_text(run.app)
        assert text.isascii()
        assert_golden("license_users_ascii", text)
