"""Six servers with six faults: the reason of each, and none delays another."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from tests.end_to_end.conftest import Program
from tests.support.simulators import USER, Simulators

from lictui.model import Server, SourceName
from lictui.simulator import FaultMode

SECRET = "env:LICENSE_PASSWORD"
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


def _server(name: str, url: str, verify: str = "", **fields: Any) -> Server:
    return Server(
        name,
        SourceName(fields.pop("source", "winrm")),
        url=url,
        username=USER,
        secret=fields.pop("secret", SECRET),
        verify=verify or True,
        auth=fields.pop("auth", "ntlm"),
        **fields,
    )


@pytest.fixture
def faulty(program: Program, simulators: Simulators) -> Iterator[Program]:
    """Register one healthy server and six faulty ones."""
    well, untrusted = simulators.winrm(), simulators.winrm()
    denied, hangs = simulators.winrm(), simulators.winrm(fault=FaultMode.SILENT)
    empty = simulators.winrm(fault=FaultMode.EMPTY)
    page = simulators.cvad(fault=FaultMode.LOGIN_PAGE)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, never listening: connections are refused
        program.register(
            _server("well", f"{well.listener.url}/wsman", well.pin),
            _server("refused", f"https://127.0.0.1:{closed.getsockname()[1]}/wsman"),
            _server("hangs", f"{hangs.listener.url}/wsman", hangs.pin),
            _server("wrong", f"{denied.listener.url}/wsman", denied.pin, secret="env:LANG"),
            _server("untrusted", f"{untrusted.listener.url}/wsman"),
            _server("login-page", page.listener.url, page.pin, source="cvad", auth=""),
            _server("las-empty", f"{empty.listener.url}/wsman", empty.pin),
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
