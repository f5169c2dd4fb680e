from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.support.clock import FakeClock
from tests.support.lmstat import CITRIX
from tests.support.polls import failure_from
from tests.support.programs import program

from lictui.config.settings import Limits
from lictui.model import FailureKind, LicenseUser, Server, SourceName
from lictui.sources.license_users import read_license_users, release_command

LIMITS = Limits(timeout=20.0)
UDADMIN = "Users:\r\n böb XDT_ENT_UD 2026.1201\r\n"
UNSAFE = ['a" & del "', "%PATH%", "-events", "a\nb", "$(calc)", "$env:X", "`a`", "a”;b", "\u2013a"]
COMMAND = Server("lic01", SourceName.COMMAND, format="udadmin")


async def test_license_users_are_read_from_lmstat(tmp_path: Path) -> None:
    lmutil = program(tmp_path / "lmutil", CITRIX.encode())
    server = Server("lic01", SourceName.LMSTAT, address="27000@lic01", lmutil=lmutil)
    users = (await read_license_users(server, LIMITS, FakeClock())).users
    assert {"anna", "Bernd von Stein"} <= {user.user for user in users}
    assert all(user.since and user.since <= FakeClock().now() for user in users)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
async def test_license_users_are_read_from_udadmin_in_any_encoding(
    encoding: str, tmp_path: Path
) -> None:
    udadmin = program(tmp_path / "udadmin", UDADMIN.encode(encoding))
    server = replace(COMMAND, command=(udadmin,))
    (user,) = (await read_license_users(server, LIMITS, FakeClock())).users
    assert (user.user, user.assigned) == ("böb", True)


async def test_license_users_are_read_from_a_command_that_prints_lmstat(tmp_path: Path) -> None:
    lmstat = program(tmp_path / "lmstat", CITRIX.encode())
    server = replace(COMMAND, command=(lmstat,), format="lmstat")
    answer = await read_license_users(server, LIMITS, FakeClock())
    assert len(answer.users) == 5
    assert sum(reservation.count for reservation in answer.reservations) == 6


async def test_license_users_fail_as_a_poll_of_the_command_does(tmp_path: Path) -> None:
    ssh = program(tmp_path / "ssh", stderr="Permission denied (publickey).", then="exit 255")
    server = replace(COMMAND, command=(ssh, "lic01"))
    failure = await failure_from(read_license_users(server, LIMITS, FakeClock()))
    assert failure.kind is FailureKind.AUTH
    assert failure.message.startswith("ssh lic01 exited with code 255: Permission denied")


@pytest.mark.parametrize(
    "server",
    [
        Server("x", SourceName.WINRM, url="https://lic01"),
        replace(COMMAND, format="checkmk", command=("/no/such/program",)),
    ],
)
async def test_license_users_of_other_sources_have_no_data(server: Server) -> None:
    failure = await failure_from(read_license_users(server, LIMITS, FakeClock()))
    assert failure.kind is FailureKind.NO_DATA
    assert "cannot report license users; lmstat and udadmin can" in failure.message
    assert failure.hint


@pytest.mark.parametrize(
    ("holder", "line"),
    [
        (LicenseUser("X_UD", "anna", assigned=True), "udadmin -f X_UD -user anna -delete"),
        (
            LicenseUser("X_UD", device="PC-1$", assigned=True),
            "udadmin -f X_UD -device PC-1$ -delete",
        ),
        (LicenseUser("X_UD", "a&del *", assigned=True), 'udadmin -f X_UD -user "a&del *" -delete'),
        (LicenseUser("X_UD", "a b\\", assigned=True), 'udadmin -f X_UD -user "a b\\\\" -delete'),
        (LicenseUser("X_UD", "@a", assigned=True), 'udadmin -f X_UD -user "@a" -delete'),
        *((LicenseUser("X_UD", name, assigned=True), "") for name in UNSAFE),
        (LicenseUser("X_UD", assigned=True), ""),
        (LicenseUser("X_UD", "anna", "pc01"), ""),
    ],
)
def test_release_command_is_safe_to_run(holder: LicenseUser, line: str) -> None:
    assert release_command(holder) == line
