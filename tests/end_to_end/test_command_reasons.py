"""Programs that go wrong in every way: each says what it is, and nothing half is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.support.simulators import Simulators, licenses

from lictui.model import Server, SourceName
from lictui.simulator.commands import ProgramPaths, install_programs
from lictui.simulator.estate import FaultMode

if TYPE_CHECKING:
    from tests.end_to_end.conftest import Program


pytestmark = pytest.mark.slow

_HELD = (
    licenses(412),
    licenses(33, "XDT_ENT_CCS", "Citrix XenDesktop Enterprise|Concurrent"),
)
_AT = {"get-licinventory": 'powershell -Command "Get-LicInventory | ConvertTo-Json"'}
_AT |= {"checkmk": "check_mk_agent", "udadmin": "udadmin -list", "lictui": "lictui status --json"}
# mood -> state and kind over ssh, and of lmutil over here
_UP = ("up", None)
_ERROR = ("error", "command")
_REFUSED = ("down", "refused")
_EXPECTED: dict[FaultMode, tuple[tuple[str, str | None], tuple[str, str | None]]] = {
    FaultMode.NORMAL: (_UP, _UP),
    FaultMode.SILENT: (("down", "timeout"), ("down", "timeout")),
    FaultMode.DENIED: (("denied", "auth"), _REFUSED),
    FaultMode.CREDENTIALS_EXPIRED: (_ERROR, _REFUSED),
    FaultMode.FORBIDDEN: (_ERROR, _REFUSED),
    FaultMode.BUSY: (_ERROR, _REFUSED),
    FaultMode.RATE_LIMITED: (_ERROR, _REFUSED),
    FaultMode.UNKNOWN_CUSTOMER: (_ERROR, _REFUSED),
    FaultMode.EMPTY: (("no_data", "no_data"), ("no_data", "no_data")),
    FaultMode.OVERSIZED: (("error", "too_large"), ("error", "too_large")),
    FaultMode.GARBAGE: (("error", "parse"), ("error", "parse")),
    FaultMode.LOGIN_PAGE: (("error", "parse"), ("error", "parse")),
}


def _commands(programs: ProgramPaths, port: int, mood: FaultMode) -> list[Server]:
    ssh = (str(programs.ssh), "-p", str(port), "svc-lictui@127.0.0.1")
    return [
        Server(
            f"{said} {mood}",
            SourceName.COMMAND,
            command=(*ssh, line),
            format=said,
            licenses_available="total" if said == "get-licinventory" else "",
        )
        for said, line in _AT.items()
    ]


def test_each_mood_is_said_as_what_it_is(program: Program, simulators: Simulators) -> None:
    programs = install_programs(program.paths.config_dir / "simulated")
    servers: list[Server] = []
    expected: dict[str, tuple[str, str | None]] = {}
    for mood, (over_ssh, over_here) in _EXPECTED.items():
        port = simulators.command_target(*_HELD, mood=mood).listener.port
        commands = _commands(programs, port, mood)
        address, lmutil = f"{port}@127.0.0.1", str(programs.lmutil)
        lmstat = Server(f"lmstat {mood}", SourceName.LMSTAT, address=address, lmutil=lmutil)
        servers += (*commands, lmstat)
        expected |= dict.fromkeys((each.name for each in commands), over_ssh)
        expected[lmstat.name] = over_here
    program.register(*servers)
    answer = program.json("status", "--timeout", "15")
    found = {
        each["name"]: (each["state"], each["reason"] and each["reason"]["kind"])
        for each in answer["servers"]
    }
    assert found == expected
    for each in answer["servers"]:
        assert bool(each["pools"]) == (each["state"] == "up")
        if each["reason"]:
            assert each["reason"]["message"]
            assert each["reason"]["hint"], each["name"]


def test_half_an_answer_is_no_answer(program: Program, simulators: Simulators) -> None:
    programs = install_programs(program.paths.config_dir / "simulated")
    port = simulators.command_target(*_HELD, mood=FaultMode.TRUNCATED).listener.port
    here = Server(
        "here", SourceName.LMSTAT, address=f"{port}@127.0.0.1", lmutil=str(programs.lmutil)
    )
    program.register(*_commands(programs, port, FaultMode.TRUNCATED), here)
    for server in program.json("status", "--timeout", "15")["servers"]:
        assert server["state"] == "error", (server["name"], server["pools"])
        assert server["pools"] == []
