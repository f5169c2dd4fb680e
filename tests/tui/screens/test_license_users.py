"""The dialog of license users."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace
from tests.support.clock import START
from tests.support.fake_engine import FakeEngine
from tests.support.goldens import assert_golden, screen_text
from tests.support.running_app import running_app

from lictui.config.settings import Settings
from lictui.engine.license_users import LicenseUsers, VisibleUser
from lictui.model import Failure, FailureKind, LicenseUser, Reservation
from lictui.tui.screens.license_users import LicenseUsersScreen

DAY = 86400


COMMAND = "udadmin -f XDT_PLT_UD -user ann -delete"
ANN = LicenseUser("XDT_PLT_UD", "ann", since=START - 400 * DAY, assigned=True)
BOB = LicenseUser("XDT_PLT_UD", "CORP\\bob", "pc-0071", START - 3 * DAY, 2)
PAD = LicenseUser("XDT_PLT_UD", "", "pad-01", None, assigned=True)


def answer(*users: VisibleUser, privacy: str = "show") -> LicenseUsers:
    return LicenseUsers("lic-emea-01", privacy, START, ("lmstat-01",), users)


SHOWN = answer(VisibleUser(ANN, idle=True, release=COMMAND), VisibleUser(BOB), VisibleUser(PAD))
HIDDEN = answer(VisibleUser(replace(ANN, user="user 1"), idle=True), privacy="hide")
FAILURE = Failure(
    FailureKind.NO_DATA,
    "winrm cannot report license users; lmstat and udadmin can",
    "register it as lmstat, too",
)
SILENT = LicenseUsers("lic-emea-01", "hide", START, failures=(("lic-emea-01", FAILURE),))


def engine(users: LicenseUsers) -> FakeEngine:
    return FakeEngine(license_users={"lic-emea-01": users, "ddc-us-01": SILENT})


def is_open(run: Any) -> bool:
    return isinstance(run.app.screen, LicenseUsersScreen)


async def test_license_users_open_from_a_row() -> None:
    fake = engine(SHOWN)
    async with running_app(engine=fake) as run:
        await run.press("u")
        text = screen_text(run.app)
        assert "4 licenses, 3 users · 1 idle  source: lmstat-01" in text
        assert text.index("ann") < text.index("bob") < text.index("pad-01")
        assert COMMAND in text
        await run.press("j")
        assert COMMAND not in screen_text(run.app)
        await run.press("r")
        await run.press("escape")
        assert not is_open(run)
    assert fake.holder_queries == [("lic-emea-01", "XDT_PLT_UD")] * 2


async def test_license_users_are_sorted_by_each_column_and_back() -> None:
    async with running_app(engine=engine(SHOWN)) as run:

        async def order(key: str) -> list[str]:
            await run.press(key)
            text = screen_text(run.app).replace("▌", "")
            words = [row.split() for row in text.splitlines()]
            return [name for _, name, *_ in words if name in ("ann", r"CORP\bob", "pad-01")]

        await run.press("u")
        assert await order("s") == ["ann", r"CORP\bob", "pad-01"]  # by user; no user is last
        assert await order("S") == [r"CORP\bob", "ann", "pad-01"]


async def test_copy_takes_the_release_commands_unless_names_are_hidden() -> None:
    async with running_app(engine=engine(SHOWN)) as run:
        await run.press("u", "Y")
        assert run.app.clipboard == f"{COMMAND}\n"
    async with running_app(engine=engine(HIDDEN)) as run:
        await run.press("u")
        text = screen_text(run.app)
        assert "user 1" in text
        assert 'set users = "show" in [privacy]' in text
        await run.press("Y")
        assert run.app.clipboard == ""
        (message,) = [notice.message for notice in run.app._notifications]
        assert message == "Not available while names are hidden"


async def test_reserved_licenses_are_shown_with_the_license_users() -> None:
    reserved = (Reservation("XDT_PLT_UD", 10, "group", "Finance"),)
    async with running_app(engine=engine(replace(SHOWN, reservations=reserved))) as run:
        await run.press("u")
        text = screen_text(run.app)
        assert "4 licenses, 3 users · 1 idle · 10 reserved" in text
        assert "10 licenses of XDT_PLT_UD are reserved for group Finance" in text


async def test_usage_asks_every_server_of_the_product() -> None:
    fake = engine(SHOWN)
    about: dict[str, Any] = {"servers": ("lic-emea-01", "ddc-us-01"), "product": "XDT_PLT_UD"}
    async with running_app("usage", engine=fake, **about) as run:
        await run.press("u")
        text = screen_text(run.app)
        assert "Server" in text
        assert "lic-emea-01" in text
        assert "lmstat and udadmin" in text
        await run.press("u")
        assert not is_open(run)
    assert [server for server, _ in fake.holder_queries] == ["lic-emea-01", "ddc-us-01"]


async def test_query_names_the_servers_runs_once_and_ends_with_the_dialog() -> None:
    class Slow(FakeEngine):
        ended = 0

        async def query_license_users(self, server: str, product: str) -> LicenseUsers:
            self.holder_queries.append((server, product))
            try:
                await answers.wait()
            finally:
                self.ended += 1
            return SHOWN

    answers, slow = asyncio.Event(), Slow()
    async with running_app(engine=slow) as run:
        await run._pilot.press("u", "r", "r")
        await run._pilot.pause()
        assert "Querying lic-emea-01" in screen_text(run.app)
        answers.set()
        await run.settle()
        assert "source: lmstat-01" in screen_text(run.app)
        assert len(slow.holder_queries) == slow.ended == 1
        answers.clear()
        await run._pilot.press("r")
        await run._pilot.pause()
        await run._pilot.press("escape")
        await run.settle()
        assert slow.ended == 2


async def test_rows_are_limited_to_the_longest_use() -> None:
    many = tuple(VisibleUser(LicenseUser("X", f"u{at:04}", since=START - at)) for at in range(1500))
    async with running_app(engine=engine(answer(*many))) as run:
        await run.press("u")
        text = screen_text(run.app)
        assert "1,500 licenses, 1,500 users, first 1,000 shown" in text
        assert "u1499" in text


@pytest.mark.parametrize(
    ("name", "size"), [("80x24", (80, 24)), ("60x15", (60, 15)), ("ascii", (80, 24))]
)
async def test_license_users_as_they_look(name: str, size: tuple[int, int]) -> None:
    settings = Settings(ascii=name == "ascii")
    async with running_app(size=size, engine=engine(SHOWN), settings=settings) as run:
        await run.press("u")
        assert_golden(f"license_users_{name}", screen_text(run.app))
