"""Six servers with six faults: the reason of each, and none delays another."""

import socket
from collections.abc import Iterator

import pytest
from tests.end_to_end.conftest import Program
from tests.support.simulators import Simulators

from lictui.simulator import FaultMode

# name -> state, kind, words that must be in the message or the hint
EXPECTED = {
    "well": ("up", None, ""),
    "refused": ("down", "refused", "connection refused"),
    "hangs": ("down", "timeout", "no "),
    "wrong": ("denied", "auth", "password"),
    "untrusted": ("untrusted", "tls", "sha256:"),
    "login-page": ("error", "parse", "login page"),
    "las-empty": ("no_data", "no_data", "License Activation Service"),
}


@pytest.fixture
def faulty(program: Program, simulators: Simulators) -> Iterator[Program]:
    """Register one healthy server and six faulty ones."""
    well, untrusted, denied = (simulators.winrm() for _ in range(3))
    hangs = simulators.winrm(fault=FaultMode.SILENT)
    empty = simulators.winrm(fault=FaultMode.EMPTY)
    page = simulators.cvad(fault=FaultMode.LOGIN_PAGE)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, never listening: connections are refused
        url = f"https://127.0.0.1:{closed.getsockname()[1]}/wsman"
        program.register(
            well.server("well", auth="ntlm"),
            well.server("refused", url=url, auth="ntlm"),
            hangs.server("hangs", auth="ntlm"),
            denied.server("wrong", auth="ntlm", secret="env:LANG"),
            untrusted.server("untrusted", auth="ntlm", verify=True),
            page.server("login-page"),
            empty.server("las-empty", auth="ntlm"),
        )
        yield program


def test_status_shows_the_reason_of_each_fault(faulty: Program) -> None:
    document = faulty.json("status", "--timeout", "2")
    servers = {server["name"]: server for server in document["servers"]}
    outcomes = {
        name: (server["state"], server["reason"] and server["reason"]["kind"])
        for name, server in servers.items()
    }
    assert outcomes == {name: (state, kind) for name, (state, kind, _) in EXPECTED.items()}
    for name, (_, kind, words) in EXPECTED.items():
        if kind:
            reason = servers[name]["reason"]
            assert words in f"{reason['message']} {reason['hint']}", reason
            assert reason["hint"]
    # The server that hangs took its two seconds, and delayed no other.
    assert servers["well"]["latency_ms"] < servers["hangs"]["latency_ms"]
    assert len(servers["well"]["pools"]) == 1


def test_status_exits_with_1_unless_every_server_is_up(faulty: Program) -> None:
    done = faulty.run("status", "--timeout", "2")
    assert done.returncode == 1
    assert all(name in done.stdout for name in EXPECTED)
    assert "Traceback" not in done.stdout + done.stderr
    assert faulty.run("status", "--server", "well").returncode == 0
