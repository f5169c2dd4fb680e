"""Users of licenses, with names as they may be shown."""

import re
import stat
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.engine.conftest import EngineHarness
from tests.support.clock import START, FakeClock
from tests.support.lmstat import CITRIX
from tests.support.values import server

from lictui.config.settings import Settings
from lictui.engine import license_users
from lictui.engine.license_users import LicenseUsers, VisibleUser
from lictui.engine.queries import load_hash_key, query_license_users
from lictui.model import FailureKind, LicenseUser, Server, SourceName
from lictui.paths import Paths

DAY = 86400
ANN = LicenseUser("XDT_PLT_UD", "ann", since=START - 100 * DAY, assigned=True)
BOB = LicenseUser("XDT_PLT_CCS", "bob", "pc-7", START - 3600, 2)
CID = LicenseUser("XDT_PLT_UD", "cid", since=START - 5 * DAY, assigned=True)
PAD = LicenseUser("XDT_PLT_UD", device="pad", since=None, assigned=True)
USERS = (BOB, PAD, CID, ANN)


def visible(users: tuple[LicenseUser, ...] = USERS, **changes: Any) -> tuple[VisibleUser, ...]:
    defaults: dict[str, Any] = {
        "product": "",
        "privacy": "show",
        "key": b"k" * 32,
        "now": START,
        "idle_days": 90,
        "release_command": lambda user: f"release {user.user or user.device}",
    }
    return license_users.visible_users(users, **(defaults | changes))


def test_users_are_ordered_by_time_and_idle_ones_have_a_release_command() -> None:
    assert [(user.license_user, user.idle, user.release) for user in visible()] == [
        (ANN, True, "release ann"),
        *((user, False, "") for user in (CID, BOB, PAD)),
    ]
    assert [user.license_user for user in visible(product="XDT_PLT_CCS")] == [BOB]
    checked_out = LicenseUser("X", "eve", "pc-1", START - 200 * DAY)
    assert not visible((checked_out,))[0].idle
    assert visible((CID,), idle_days=4)[0].idle


def test_hidden_names_leave_counts_and_times_only() -> None:
    same_in_capitals = LicenseUser("XDT_PLT_CCS", "ANN", "PC-7", START)
    hidden = visible((*USERS, same_in_capitals), privacy="hide")
    assert [(user.license_user.user, user.license_user.device) for user in hidden] == [
        ("user 1", ""),
        ("user 2", ""),
        ("user 3", "host 1"),
        ("user 1", "host 1"),
        ("", "host 2"),
    ]
    assert [user.license_user.count for user in hidden] == [1, 1, 2, 1, 1]
    assert (hidden[0].license_user.since, hidden[0].idle) == (ANN.since, True)
    assert {user.release for user in hidden} == {""}


def test_hashed_names_depend_on_the_key() -> None:
    def names(key: bytes) -> list[str]:
        users = visible((*USERS, LicenseUser("X", "\ud800")), privacy="hash", key=key)
        assert {user.release for user in users} == {""}
        return [user.license_user.user for user in users if user.license_user.user]

    assert names(b"k" * 32) == names(b"k" * 32) != names(b"x" * 32)
    assert len(set(names(b"k" * 32))) == 4
    assert all(re.fullmatch("user [0-9a-f]{8}", name) for name in names(b"k" * 32))


WINRM = server("lic-01")


UDADMIN = """Usage data is 0 minutes old. Next update in 15 minutes.
Users:
 ann XDT_ENT_UD 2017.1201 (Thu Sep 14 13:41:07 2017)
Devices:
 device01 XDT_ENT_UD 2017.1201
"""


@pytest.fixture
def udadmin(tmp_path: Path) -> tuple[str, ...]:
    file = tmp_path / "printed"
    file.write_text(UDADMIN)
    return ("cat", str(file))


def udadmin_server(command: tuple[str, ...]) -> Server:
    source = {"source": SourceName.COMMAND, "url": "", "format": "udadmin"}
    return server("u", command=command, same_as="lic-01", **source)


async def query(
    paths: Paths, command: tuple[str, ...], privacy: str, name: str = "lic-01"
) -> LicenseUsers:
    return await query_license_users(
        (WINRM, *([udadmin_server(command)] if command else ())),
        name,
        "XDT_ENT_UD",
        settings=Settings(user_privacy=privacy),
        paths=paths,
        clock=FakeClock(),
    )


async def test_users_come_from_the_source_that_reports_them(
    tmp_path: Path, udadmin: tuple[str, ...]
) -> None:
    answer = await query(Paths(tmp_path, tmp_path), udadmin, "show")
    assert (answer.server, answer.sources, answer.failures) == ("lic-01", ("u",), ())
    first, second = answer.users
    assert (first.license_user.user, second.license_user.device) == ("ann", "device01")
    assert first.idle
    assert "udadmin" in first.release
    answer = await query(Paths(tmp_path, tmp_path / "data"), udadmin, Settings().user_privacy)
    assert (answer.privacy, answer.users[0].license_user.user) == ("hide", "user 1")
    assert not (tmp_path / "data").exists()


async def test_reservations_explain_licenses_without_a_user(tmp_path: Path) -> None:
    file = tmp_path / "printed"
    file.write_text(CITRIX)
    command = server("l", source=SourceName.COMMAND, url="", format="lmstat")
    command = replace(command, command=("cat", str(file)), same_as="lic-01")

    async def texts(privacy: str) -> list[str]:
        answer = await query_license_users(
            (WINRM, command),
            "lic-01",
            "XDT_ENT_UD",
            settings=Settings(user_privacy=privacy),
            paths=Paths(tmp_path, tmp_path),
            clock=FakeClock(),
        )
        return list(map(license_users.reservation_text, answer.reservations))

    group, user = await texts("show")
    assert group == (
        "5 licenses of XDT_ENT_UD are reserved for group night:"
        " counted as in use, but nobody uses them"
    )
    assert user.startswith("1 license of XDT_ENT_UD is reserved for user bob")
    assert "reserved for a user:" in (await texts("hide"))[1]


async def test_hashed_names_stay_the_same_in_one_data_dir(
    tmp_path: Path, udadmin: tuple[str, ...]
) -> None:
    async def user(data: str) -> str:
        answer = await query(Paths(tmp_path, tmp_path / data), udadmin, "hash")
        return answer.users[0].license_user.user

    assert await user("a") == await user("a") != await user("b")
    assert stat.S_IMODE((tmp_path / "a" / "privacy.key").stat().st_mode) == 0o600


async def test_failure_says_why_there_are_no_users(tmp_path: Path) -> None:
    paths = Paths(tmp_path, tmp_path)
    answer = await query(paths, ("no-such-program",), "show")
    ((name, failure),) = answer.failures
    assert (name, failure.kind, answer.users) == ("u", FailureKind.COMMAND, ())
    answer = await query(paths, (), "hide")
    assert "winrm cannot report license users" in answer.failures[0][1].message
    answer = await query(paths, ("cat",), "show", "none")
    assert answer.failures[0][1].message == "unknown server none"
    settings, off = Settings(), (replace(WINRM, enabled=False),)
    answer = await query_license_users(
        off, "lic-01", "", settings=settings, paths=paths, clock=FakeClock()
    )
    assert answer.failures[0][1].message == "lic-01 is disabled"


async def test_engine_stores_no_license_users(
    harness: EngineHarness, udadmin: tuple[str, ...]
) -> None:
    harness.register(udadmin_server(udadmin), WINRM)
    harness.paths.config.write_text('[privacy]\nusers = "show"\n[holders]\nidle_days = 36500\n')
    engine = await harness.engine()
    users = (await engine.query_license_users("lic-01", "XDT_ENT_UD")).users
    names = [user.license_user.user or user.license_user.device for user in users]
    assert (names, users[0].idle) == (["ann", "device01"], False)
    await harness.close(engine)
    files = [file.read_bytes() for file in harness.paths.data_dir.iterdir()]
    assert files
    assert all(b"device01" not in content for content in files)


def test_invalid_hash_key_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "d" / "privacy.key"
    key = load_hash_key(file)
    assert load_hash_key(file) == key
    file.write_bytes(b"short")
    assert len(load_hash_key(file)) == 32
    assert [file.name for file in file.parent.iterdir()] == ["privacy.key"]
