"""Users of licenses, with names as they may be shown."""

from __future__ import annotations

import stat
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.clock import START, FakeClock
from tests.support.values import server

from lictui.config.settings import Settings
from lictui.engine import license_users
from lictui.engine.queries import load_hash_key, query_license_users
from lictui.model import Failure, FailureKind, LicenseUser, SourceName
from lictui.paths import Paths

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine.conftest import EngineHarness

    from lictui.engine.license_users import LicenseUsers, VisibleUser


DAY = 86400
ANN = LicenseUser("XDT_PLT_UD", "ann", since=START - 100 * DAY, assigned=True)
BOB = LicenseUser("XDT_PLT_CCS", "bob", "pc-7", START - 3600, 2)
CID = LicenseUser("XDT_PLT_UD", "cid", since=START - 5 * DAY, assigned=True)
PAD = LicenseUser("XDT_PLT_UD", device="pad", since=None, assigned=True)
FOUND = (BOB, PAD, CID, ANN)


def seen(found: tuple[LicenseUser, ...] = FOUND, **changes: Any) -> tuple[VisibleUser, ...]:
    asked: dict[str, Any] = {
        "product": "",
        "privacy": "show",
        "key": b"k" * 32,
        "now": START,
        "idle_days": 90,
        "release_command": lambda user: f"release {user.user or user.device}",
    }
    return license_users.visible_users(found, **(asked | changes))


def test_users_are_ordered_by_time_of_assignment() -> None:
    assert [each.license_user for each in seen()] == [ANN, CID, BOB, PAD]
    assert [each.license_user for each in seen(product="XDT_PLT_CCS")] == [BOB]


def test_idle_assignment_has_a_release_command() -> None:
    ann, cid, bob, pad = seen()
    assert (ann.idle, ann.release) == (True, "release ann")
    assert [each.idle for each in (cid, bob, pad)] == [False] * 3
    assert (cid.release, bob.release, pad.release) == ("", "", "")
    old = LicenseUser("X", "eve", "pc-1", START - 200 * DAY)
    assert not seen((old,))[0].idle  # checked out, not assigned
    assert seen((CID,), idle_days=4)[0].idle


def test_hidden_names_leave_counts_and_times_only() -> None:
    hidden = seen((*FOUND, LicenseUser("XDT_PLT_CCS", "ANN", "PC-7", START)), privacy="hide")
    names = [(each.license_user.user, each.license_user.device) for each in hidden]
    assert names == [
        ("user 1", ""),
        ("user 2", ""),
        ("user 3", "host 1"),
        ("user 1", "host 1"),  # case does not count
        ("", "host 2"),
    ]
    assert [each.license_user.count for each in hidden] == [1, 1, 2, 1, 1]
    assert hidden[0].license_user.since == ANN.since
    assert hidden[0].idle
    assert all(each.release == "" for each in hidden)
    text = repr(hidden)
    for name in ("ann", "ANN", "bob", "cid", "pad", "pc-7"):
        assert f"'{name}'" not in text


def test_hashed_names_depend_on_the_key() -> None:
    one, again = seen(privacy="hash"), seen(privacy="hash")
    other = seen(privacy="hash", key=b"x" * 32)
    assert one == again
    assert one[0].license_user.user != other[0].license_user.user
    assert one[0].license_user.user.startswith("user ")
    assert len(one[0].license_user.user) == len("user ") + 8
    assert len({each.license_user.user for each in one if each.license_user.user}) == 3
    assert all(each.release == "" for each in one)


def test_hashed_names_accept_any_text() -> None:
    assert seen((LicenseUser("X", "\ud800"),), privacy="hash")[0].license_user.user.startswith(
        "user "
    )


WINRM = server("lic-01")
LMSTAT = server("flex", source=SourceName.LMSTAT, url="", address="@lic01", same_as="lic-01")
OTHER = server("other", source=SourceName.LMSTAT, url="", address="@lic02")


def test_all_data_sources_of_a_server_are_asked() -> None:
    everyone = (WINRM, LMSTAT, OTHER)
    assert license_users.data_sources(everyone, "lic-01") == (WINRM, LMSTAT)
    assert license_users.data_sources(everyone, "flex") == (LMSTAT, WINRM)
    assert license_users.data_sources(everyone, "other") == (OTHER,)
    assert license_users.data_sources(everyone, "none") == ()


def test_source_without_users_is_reported_only_if_all_are() -> None:
    silent = ("lic-01", Failure(FailureKind.NO_DATA, "winrm does not tell"))
    down = ("flex", Failure(FailureKind.COMMAND, "no lmutil"))
    assert license_users.relevant_failures((silent,), any_success=True) == ()
    assert license_users.relevant_failures((silent, silent), any_success=False) == (silent,)
    assert license_users.relevant_failures((silent, down), any_success=False) == (down,)
    assert license_users.relevant_failures((silent, down), any_success=True) == (down,)


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


async def asked(
    clock: FakeClock, paths: Paths, command: tuple[str, ...], users: str, name: str = "lic-01"
) -> LicenseUsers:
    told = server(
        "u", source=SourceName.COMMAND, url="", command=command, format="udadmin", same_as="lic-01"
    )
    return await query_license_users(
        (WINRM, told, OTHER),
        name,
        "XDT_ENT_UD",
        settings=Settings(user_privacy=users),
        paths=paths,
        clock=clock,
    )


async def test_users_come_from_the_source_that_reports_them(
    clock: FakeClock, tmp_path: Path, udadmin: tuple[str, ...]
) -> None:
    answer = await asked(clock, Paths(tmp_path, tmp_path), udadmin, "show")
    assert (answer.server, answer.sources, answer.failures) == ("lic-01", ("u",), ())
    first, second = answer.users
    assert (first.license_user.user, second.license_user.device) == ("ann", "device01")
    assert first.idle
    assert "udadmin" in first.release


async def test_hidden_names_are_the_default_and_need_no_key(
    clock: FakeClock, tmp_path: Path, udadmin: tuple[str, ...]
) -> None:
    answer = await asked(
        clock, Paths(tmp_path, tmp_path / "data"), udadmin, Settings().user_privacy
    )
    assert answer.privacy == "hide"
    assert answer.users[0].license_user.user == "user 1"
    assert "ann" not in repr(answer)
    assert not (tmp_path / "data").exists()


async def test_hashed_names_stay_the_same_in_one_data_dir(
    clock: FakeClock, tmp_path: Path, udadmin: tuple[str, ...]
) -> None:
    async def user(data: str) -> str:
        answer = await asked(clock, Paths(tmp_path, tmp_path / data), udadmin, "hash")
        return answer.users[0].license_user.user

    assert await user("a") == await user("a") != await user("b")
    assert stat.S_IMODE((tmp_path / "a" / "privacy.key").stat().st_mode) == 0o600


async def test_failure_says_why_there_are_no_users(clock: FakeClock, tmp_path: Path) -> None:
    paths = Paths(tmp_path, tmp_path)
    answer = await asked(clock, paths, ("no-such-program",), "show")
    ((name, failure),) = answer.failures
    assert (name, failure.kind, answer.users) == ("u", FailureKind.COMMAND, ())
    answer = await query_license_users(
        (WINRM,), "lic-01", "X", settings=Settings(), paths=paths, clock=clock
    )
    assert "winrm cannot report license users" in answer.failures[0][1].message
    answer = await asked(clock, paths, ("cat",), "show", "none")
    assert answer.failures[0][1].message == "unknown server none"


async def test_engine_stores_no_license_users(
    harness: EngineHarness, udadmin: tuple[str, ...]
) -> None:
    told = server("u", source=SourceName.COMMAND, url="", command=udadmin, format="udadmin")
    harness.register(replace(told, same_as="lic-01"), WINRM)
    harness.paths.config.write_text('[privacy]\nusers = "show"\n[holders]\nidle_days = 36500\n')
    engine = await harness.engine()
    answer = await engine.query_license_users("lic-01", "XDT_ENT_UD")
    assert [each.license_user.user or each.license_user.device for each in answer.users] == [
        "ann",
        "device01",
    ]
    assert not answer.users[0].idle
    await harness.close(engine)
    kept = [file.read_bytes() for file in harness.paths.data_dir.iterdir()]
    assert kept
    assert all(b"device01" not in content for content in kept)


def test_invalid_hash_key_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "d" / "privacy.key"
    key = load_hash_key(file)
    assert load_hash_key(file) == key
    file.write_bytes(b"short")
    assert len(load_hash_key(file)) == 32
    assert [each.name for each in file.parent.iterdir()] == ["privacy.key"]
