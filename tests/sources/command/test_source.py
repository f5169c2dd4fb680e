"""The source `command`: what counts as an answer, and failures of programs and of ssh."""

import json
import threading
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sources.command.conftest import Bench, outcome
from tests.support.clock import START, FakeClock
from tests.support.lmstat import CITRIX

from lictui.config.settings import Limits
from lictui.model import Failure, FailureKind, Server, Snapshot, SourceName, Step
from lictui.sources.command.formats import udadmin_license_users
from lictui.sources.command.source import CommandSource
from lictui.sources.flexnet.source import lmstat_license_users
from lictui.sources.program_errors import command_label, ssh_host

ROW = {
    "LicenseProductName": "XDT",
    "LicenseEdition": "PLT",
    "LicenseModel": "UD",
    "LicensesInUse": 412,
    "LicensesAvailable": 550,
    "LicenseOverdraft": 50,
}
INVENTORY = json.dumps([ROW]).encode()
PROGRESS = '#< CLIXML\n<Objs Version="1.1.0.1"><Obj S="progress"></Obj></Objs>'
STATUS: dict[str, Any] = {
    "schema": "lictui.status/1",
    "servers": [
        {"name": "a", "state": "up", "pools": [{"product": "XDT_PLT_UD", "in_use": 1}]},
        {"name": "b", "state": "down", "reason": {"kind": "timeout", "message": "no answer"}},
    ],
}
LMSTAT_ERROR = (
    b"lmutil - Copyright (c) 1989-2021 Flexera. All Rights Reserved.\n"
    b"Flexible License Manager status on Tue 11/24/2026 06:00\n\n"
    b'Error getting status: Cannot connect to license server system. (-15,570:111 "refused")\n'
)


async def test_command_output_is_the_snapshot(bench: Bench) -> None:
    for output in (INVENTORY.decode().encode("utf-16"), INVENTORY):
        result = await bench.fetch((bench.program(output),), "get-licinventory")
        assert isinstance(result, Snapshot)
        assert result.pools[0].product == "XDT_PLT_UD"
    assert bench.steps == [
        (Step.INVENTORY, f"exit code 0 in 0.0 s, {len(INVENTORY)} bytes"),
        (Step.PARSE, "1 pool"),
    ]


@pytest.mark.parametrize(
    ("stdout", "stderr", "code", "form", "kind", "message"),
    [
        # Half an answer cannot be trusted
        (
            INVENTORY,
            "first\nout of memory\n",
            3,
            "get-licinventory",
            FailureKind.COMMAND,
            "p exited with code 3: out of memory",
        ),
        (b"", "oops", 0, "checkmk", FailureKind.COMMAND, "p printed only an error: oops"),
        (b"", PROGRESS, 0, "get-licinventory", FailureKind.NO_DATA, "p succeeded without output"),
        (
            b"",
            '#< CLIXML\n<Objs><S S="Error">Get-LicInventory : UserNotAuthorized_x000D__x000A_</S>',
            1,
            "get-licinventory",
            FailureKind.FORBIDDEN,
            "p exited with code 1: Get-LicInventory : UserNotAuthorized",
        ),
        (LMSTAT_ERROR, "", 241, "lmstat", FailureKind.REFUSED, "lmstat reports an error for p"),
        (json.dumps(STATUS).encode(), "", 2, "lictui", FailureKind.COMMAND, "p exited with code 2"),
        (b"x", "", 0, "nonsense", FailureKind.CONFIG, "unknown output format for p"),
    ],
    ids=range(7),
)
async def test_command_without_a_complete_answer_fails(
    bench: Bench, stdout: bytes, stderr: str, code: int, form: str, kind: FailureKind, message: str
) -> None:
    result = await bench.fetch((bench.program(stdout, stderr=stderr, code=code),), form)
    assert isinstance(result, Failure)
    assert result.kind is kind
    assert result.message.startswith(message)
    assert result.hint
    assert bench.steps == [] or kind is FailureKind.CONFIG


@pytest.mark.parametrize(("form", "told"), [("lmstat", False), ("get-licinventory", True)])
async def test_command_without_output_explains_json_only_where_it_is_expected(
    bench: Bench,
    form: str,
    told: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    result = await bench.fetch((bench.program(b""),), form)
    assert isinstance(result, Failure)
    assert ("ConvertTo-Json" in result.hint) is told


async def test_command_large_output_is_parsed_in_a_thread(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []

    def parse(_source: CommandSource, _text: str) -> Snapshot:
        threads.append(threading.current_thread().name.partition(" ")[0])
        return Snapshot(())

    monkeypatch.setattr(CommandSource, "_parse", parse)
    for size in (10, 100_000):
        await bench.fetch((bench.program(b"x" * size),), "lmstat")
    assert threads == [threading.main_thread().name, "parse"]


async def test_command_lictui_may_exit_with_1_after_a_complete_answer(bench: Bench) -> None:
    result = await bench.fetch((bench.program(json.dumps(STATUS).encode(), code=1),), "lictui")
    assert isinstance(result, Snapshot)
    assert [(notice.title, notice.detail) for notice in result.notices] == [
        ("b is down", "no answer")
    ]


async def test_command_lmstat_may_exit_with_any_code_after_a_complete_answer(
    bench: Bench,
) -> None:
    """Except for 255, with which ssh reports that the connection broke off."""
    for name, code, kind in (("p", 240, Snapshot), ("ssh", 255, Failure)):
        lmstat = bench.program(CITRIX.encode(), code=code, name=name)
        assert isinstance(await bench.fetch((lmstat, "lic01"), "lmstat"), kind)


@pytest.mark.parametrize(
    ("line", "code", "kind", "step", "hint"),
    [
        # ssh itself
        ("u@lic01: Permission denied (publickey).", 255, "auth", "auth", "a key"),
        ("Host key verification failed.", 255, "tls", "tls", "accept it"),
        ("ssh: Could not resolve hostname lic01: x", 255, "dns", "resolve", "DNS"),
        ("ssh: connect to lic01: Connection refused", 255, "refused", "connect", "OpenSSH"),
        ("ssh: connect to lic01: Connection timed out", 255, "timeout", "connect", "firewall"),
        ("Connection closed by 10.0.0.9 port 22", 255, "protocol", "connect", "ssh -v"),
        ("something new", 255, "command", "inventory", "Run it"),
        # the remote side
        ("+ Id : Citrix.UserNotAuthorized,X", 1, "forbidden", "inventory", "administrator"),
        ("+ Id : CommunicationError", 1, "unavailable", "inventory", "8083"),
        ("sh: 1: lmutil: not found", 127, "command", "inventory", "full path"),
        ("'lmutil' is not recognized as a command,", 1, "command", "inventory", "full path"),
    ],
)
async def test_command_errors_have_their_kind(
    bench: Bench, line: str, code: int, kind: str, step: str, hint: str
) -> None:
    ssh = bench.program(b"", stderr=f"banner\r\n  {line}\r\n", code=code, name="ssh")
    command = (ssh, "-o", "BatchMode=yes", "-p22", "--", "u@lic01", "powershell")
    result = await bench.fetch(command, "get-licinventory")
    assert isinstance(result, Failure)
    assert (result.kind, result.step) == (kind, step)
    assert result.message == f"ssh lic01 exited with code {code}: {line}"
    assert hint in result.hint


async def test_command_output_is_bounded(bench: Bench) -> None:
    output = b'[{"LicenseProductName": "' + b"x" * 10_000_000 + b'"}]'
    result = await bench.fetch((bench.program(output),), "get-licinventory", Limits())
    assert isinstance(result, Failure)
    assert result.kind is FailureKind.TOO_LARGE


@pytest.mark.parametrize(
    ("command", "host"),
    [
        ("ssh -p22 lic01 x", "lic01"),
        ("/usr/bin/ssh -p 2222 -i key -v -- adm@lic01 x -p y", "adm@lic01"),
        ("C:\\Windows\\ssh.exe lic01", "lic01"),
        ("ssh -p", ""),
        ("cat lic01", ""),
    ],
)
def test_command_host_is_the_destination_of_ssh(command: str, host: str) -> None:
    assert ssh_host(command.split()) == host


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("ssh -p 22 adm@lic01 powershell", "ssh lic01"),
        ("sshpass -p hunter2 ssh lic01", "sshpass"),
        ("curl https://u:hunter2@lic01/", "curl"),
        ("/opt/bin/lmutil lmstat -a", "lmutil lmstat"),
        ("", "the command"),
    ],
)
def test_command_label_has_no_secret(command: str, name: str) -> None:
    assert command_label(command.split()) == name


# Any output, in every format

UDADMIN = (
    "Usage data is 7 minutes old.\nUsers:\n u XDT_ENT_UD 2026.1201 (Mon Nov 23 13:41:07 2026)\n"
)
LICENSE_FILE = 'INCREMENT X_Y_UD CITRIX 2026.1201 31-mar-2027 100 NOTICE="a" SN=1 SIGN="0"\n'
CHECKMK = "<<<citrix_licenses:sep(9)>>>\nPVS_STD_CCS\t80\t90\n<<<df>>>\n"
SERVER_UP = STATUS["servers"][0]
WORDS = ["up", "XDT", "12/31/2027", "/Date(1)/", "550", "Retail"]
NAMES = [*ROW, *SERVER_UP, "product", "in_use", "expires", "reason", "kind", "value", "Count"]
NAMES += ["PLD", "InUseCount", "Overdraft", "ExpirationDate", "Citrix_GT_License_Pool"]
JSON_VALUES = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.sampled_from(WORDS)
)
OBJECTS = st.recursive(
    JSON_VALUES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner),
    max_leaves=20,
)
STATUSES = st.lists(st.dictionaries(st.sampled_from(NAMES), OBJECTS).map(lambda d: SERVER_UP | d))
LINES = (CITRIX + UDADMIN + LICENSE_FILE + CHECKMK).splitlines()


@st.composite
def outputs(draw: st.DrawFn) -> str:
    """Lines of all formats, damaged, or JSON of the names and values that they know."""
    if draw(st.booleans()):
        servers = {"schema": "lictui.status/1", "servers": draw(STATUSES)}
        return json.dumps(draw(st.just(servers) | OBJECTS))
    lines = (
        st.sampled_from(LINES) | st.text(max_size=60) | st.text('<>[]{}:,"\\=;\t 1aE', max_size=60)
    )
    text = "\n".join(draw(st.lists(lines, max_size=30)))
    start = draw(st.integers(0, len(text)))
    return text[:start] + draw(st.text(max_size=9)) + text[start + draw(st.integers(0, 30)) :]


@given(outputs())
def test_command_any_output_is_a_snapshot_or_a_failure(text: str) -> None:
    for form in ("lictui checkmk lmstat udadmin license-file wmi-json get-licinventory").split():
        source = CommandSource(Server("x", SourceName.COMMAND, format=form), Limits(), FakeClock())
        result = outcome(partial(source._parse, text))
        if isinstance(result, Failure):
            assert result.message
            continue
        assert len({pool.key for pool in result.pools}) >= (form != "udadmin" and 1)
        for pool in result.pools:
            figures = (pool.reading.in_use, pool.reading.installed, pool.queued)
            assert all(figure is None or figure >= 0 for figure in figures)
            assert pool.product.isprintable()
            assert pool.name
    users = outcome(partial(udadmin_license_users, text, "x"))
    lmstat_users = outcome(partial(lmstat_license_users, text, "x", START))
    for answer in (users, lmstat_users):
        if not isinstance(answer, Failure):
            assert all((user.user + user.device).isprintable() for user in answer.users)
