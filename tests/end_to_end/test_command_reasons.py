"""Programs that go wrong in every way: each says what it is, and nothing half is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.support.simulated import Simulators, licenses

from lictui.model import Server, SourceName
from lictui.simulator.commands import Programs, install
from lictui.simulator.estate import Mood

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
_EXPECTED: dict[Mood, tuple[tuple[str, str | None], tuple[str, str | None]]] = {
    Mood.NORMAL: (_UP, _UP),
    Mood.SILENT: (("down", "timeout"), ("down", "timeout")),
    Mood.DENIED: (("denied", "auth"), _REFUSED),
    Mood.EXPIRED: (_ERROR, _REFUSED),
    Mood.FORBIDDEN: (_ERROR, _REFUSED),
    Mood.BUSY: (_ERROR, _REFUSED),
    Mood.LIMITED: (_ERROR, _REFUSED),
    Mood.ELSEWHERE: (_ERROR, _REFUSED),
    Mood.EMPTY: (("no_data", "no_data"), ("no_data", "no_data")),
    Mood.HUGE: (("error", "too_large"), ("error", "too_large")),
    Mood.GARBAGE: (("error", "parse"), ("error", "parse")),
    Mood.LOGIN_PAGE: (("error", "parse"), ("error", "parse")),
}


def _commands(programs: Programs, port: int, mood: Mood) -> list[Server]:
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
    programs = install(program.paths.config_dir / "simulated")
    servers: list[Server] = []
    expected: dict[str, tuple[str, str | None]] = {}
    for mood, (over_ssh, over_here) in _EXPECTED.items():
        port = simulators.machine(*_HELD, mood=mood).listener.port
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
    programs = install(program.paths.config_dir / "simulated")
    port = simulators.machine(*_HELD, mood=Mood.HALF).listener.port
    here = Server(
        "here", SourceName.LMSTAT, address=f"{port}@127.0.0.1", lmutil=str(programs.lmutil)
    )
    program.register(*_commands(programs, port, Mood.HALF), here)
    for server in program.json("status", "--timeout", "15")["servers"]:
        assert server["state"] == "error", (server["name"], server["pools"])
        assert server["pools"] == []
