from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lictui.config.settings import Limits
from lictui.model import Failure, FailureKind, Snapshot, Step

if TYPE_CHECKING:
    from tests.sources.command.conftest import Bench

ROW = {
    "LicenseProductName": "XDT",
    "LicenseEdition": "PLT",
    "LicenseModel": "UD",
    "LicensesInUse": 412,
    "LicensesAvailable": 550,
    "LicenseOverdraft": 50,
}
WHOLE = json.dumps([ROW]).encode()


async def test_what_a_command_prints_is_the_snapshot(bench: Bench) -> None:
    found = await bench.fetch((bench.program(WHOLE),), "get-licinventory")
    assert isinstance(found, Snapshot)
    assert found.pools[0].product == "XDT_PLT_UD"
    assert bench.steps == [
        (Step.INVENTORY, f"exit code 0 in 0.0 s, {len(WHOLE)} bytes"),
        (Step.PARSE, "1 pool"),
    ]


async def test_utf_16_is_read_too(bench: Bench) -> None:
    said = WHOLE.decode().encode("utf-16")
    assert isinstance(await bench.fetch((bench.program(said),), "get-licinventory"), Snapshot)


async def test_half_an_answer_is_none(bench: Bench) -> None:
    program = bench.program(WHOLE, stderr="first\nout of memory\n", code=3)
    found = await bench.fetch((program,), "get-licinventory")
    assert isinstance(found, Failure)
    assert (found.kind, found.step) == (FailureKind.COMMAND, Step.INVENTORY)
    assert found.message == "p exited with code 3: out of memory"
    assert bench.steps == []


async def test_words_on_stderr_alone_are_a_failure(bench: Bench) -> None:
    found = await bench.fetch((bench.program(b"", stderr="oops"),), "checkmk")
    assert isinstance(found, Failure)
    assert (found.kind, found.message) == (FailureKind.COMMAND, "p printed only an error: oops")


async def test_progress_on_stderr_is_no_word(bench: Bench) -> None:
    progress = '#< CLIXML\n<Objs Version="1.1.0.1"><Obj S="progress"></Obj></Objs>'
    found = await bench.fetch((bench.program(b"", stderr=progress),), "get-licinventory")
    assert isinstance(found, Failure)
    assert found.kind is FailureKind.NO_DATA


async def test_nothing_at_all_is_no_data(bench: Bench) -> None:
    found = await bench.fetch((bench.program(b" \r\n"),), "get-licinventory")
    assert isinstance(found, Failure)
    assert (found.kind, found.step) == (FailureKind.NO_DATA, Step.INVENTORY)
    assert found.hint


@pytest.mark.parametrize(
    ("words", "kind", "step"),
    [
        ("u@lic01: Permission denied (publickey).", FailureKind.AUTH, Step.AUTH),
        ("Host key verification failed.", FailureKind.TLS, Step.TLS),
        ("ssh: Could not resolve hostname lic01: x", FailureKind.DNS, Step.RESOLVE),
        ("ssh: connect to host lic01 port 22: Connection refused", FailureKind.REFUSED, None),
        ("ssh: connect to host lic01 port 22: No route to host", FailureKind.REFUSED, None),
        ("ssh: connect to host l port 22: Connection timed out", FailureKind.TIMEOUT, None),
        ("Connection closed by 10.0.0.9 port 22", FailureKind.PROTOCOL, None),
        ("something new", FailureKind.COMMAND, Step.INVENTORY),
    ],
)
async def test_what_ssh_says_is_understood(
    bench: Bench, words: str, kind: FailureKind, step: Step | None
) -> None:
    ssh = bench.program(b"", stderr=f"banner\r\n{words}\r\n", code=255, name="ssh")
    command = (ssh, "-o", "BatchMode=yes", "-p22", "--", "u@lic01", "powershell")
    found = await bench.fetch(command, "get-licinventory")
    assert isinstance(found, Failure)
    assert (found.kind, found.step) == (kind, step or Step.CONNECT)
    assert found.message == f"ssh lic01 exited with code 255: {words}"
    assert found.hint


@pytest.mark.parametrize(
    ("words", "code", "kind"),
    [
        ("    + FullyQualifiedErrorId : Citrix.UserNotAuthorized,X", 1, FailureKind.FORBIDDEN),
        ("+ FullyQualifiedErrorId : CertificateVerificationFailed", 1, FailureKind.TLS),
        ("+ FullyQualifiedErrorId : CommunicationError", 1, FailureKind.UNAVAILABLE),
        ("+ FullyQualifiedErrorId : NoInventory", 0, FailureKind.NO_DATA),
        ("+ FullyQualifiedErrorId : AddPSSnapInRead", 1, FailureKind.COMMAND),
        ("sh: 1: lmutil: not found", 127, FailureKind.COMMAND),
        ("sh: 1: lmutil: Permission denied", 126, FailureKind.COMMAND),
        ("'lmutil' is not recognized as an internal or external command,", 1, FailureKind.COMMAND),
    ],
)
async def test_what_a_remote_shell_says_is_understood(
    bench: Bench, words: str, code: int, kind: FailureKind
) -> None:
    ssh = bench.program(b"", stderr=words, code=code, name="ssh")
    found = await bench.fetch((ssh, "lic01", "x"), "get-licinventory")
    assert isinstance(found, Failure)
    assert found.kind is kind
    assert found.hint


async def test_an_error_that_powershell_serialised_is_read(bench: Bench) -> None:
    words = '#< CLIXML\n<Objs><S S="Error">Get-LicInventory : UserNotAuthorized_x000D__x000A_</S>'
    found = await bench.fetch((bench.program(b"", stderr=words, code=1),), "get-licinventory")
    assert isinstance(found, Failure)
    assert found.kind is FailureKind.FORBIDDEN
    assert found.message == "p exited with code 1: Get-LicInventory : UserNotAuthorized"


async def test_another_lictui_may_end_with_1_after_a_whole_answer(bench: Bench) -> None:
    pool = {"product": "XDT_PLT_UD", "in_use": 1, "installed": 2, "overdraft": None}
    said = {
        "schema": "lictui.status/1",
        "servers": [
            {"name": "a", "state": "up", "pools": [pool]},
            {"name": "b", "state": "down", "reason": {"kind": "timeout", "message": "no answer"}},
        ],
    }
    found = await bench.fetch((bench.program(json.dumps(said).encode(), code=1),), "lictui")
    assert isinstance(found, Snapshot)
    assert [(n.title, n.detail) for n in found.notices] == [("b is down", "no answer")]
    refused = await bench.fetch((bench.program(b"", stderr="lictui: no", code=1),), "lictui")
    assert isinstance(refused, Failure)
    assert (refused.kind, refused.message) == (
        FailureKind.COMMAND,
        "p exited with code 1: lictui: no",
    )
    worse = await bench.fetch((bench.program(json.dumps(said).encode(), code=2),), "lictui")
    assert isinstance(worse, Failure)


async def test_lmstat_says_itself_what_went_wrong(bench: Bench) -> None:
    said = (
        b"lmutil - Copyright (c) 1989-2021 Flexera. All Rights Reserved.\n"
        b"Flexible License Manager status on Tue 11/24/2026 06:00\n\n"
        b'Error getting status: Cannot connect to license server system. (-15,570:111 "Connection'
        b' refused")\n'
    )
    found = await bench.fetch((bench.program(said, code=241), "lmstat"), "lmstat")
    assert isinstance(found, Failure)
    assert found.kind is FailureKind.REFUSED


async def test_what_is_too_large_is_bounded(bench: Bench) -> None:
    said = b'[{"LicenseProductName": "' + b"x" * 10_000_000 + b'"}]'
    found = await bench.fetch((bench.program(said),), "get-licinventory", Limits())
    assert isinstance(found, Failure)
    assert found.kind is FailureKind.TOO_LARGE


async def test_no_secret_of_the_command_line_is_told(bench: Bench) -> None:
    program = bench.program(b"", stderr="no", code=1, name="sshpass")
    found = await bench.fetch((program, "-p", "hunter2", "ssh", "lic01"), "lmstat")
    assert isinstance(found, Failure)
    assert "hunter2" not in found.message + found.hint


async def test_a_format_that_is_not_known_is_said(bench: Bench) -> None:
    found = await bench.fetch((bench.program(b"x"),), "nonsense")
    assert isinstance(found, Failure)
    assert found.kind is FailureKind.CONFIG
