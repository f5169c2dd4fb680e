"""Programs that fail in every way: state and reason of listed, and no partial data."""

import pytest
from tests.end_to_end.conftest import Program
from tests.support.simulators import Simulators, licenses

from lictui.model import Server, SourceName
from lictui.simulator import FaultMode
from lictui.simulator.commands import ProgramPaths, install_programs

pytestmark = pytest.mark.slow

_LICENSES = (
    licenses(412),
    licenses(33, "XDT_ENT_CCS", "Citrix XenDesktop Enterprise|Concurrent"),
)
_COMMANDS = {"get-licinventory": 'powershell -Command "Get-LicInventory | ConvertTo-Json"'}
_COMMANDS |= {
    "checkmk": "check_mk_agent",
    "udadmin": "udadmin -list",
    "lictui": "lictui status --json",
}
# fault -> state and kind over ssh, and of a local lmutil
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
    FaultMode.TRUNCATED: (("error", None), ("error", None)),  # whatever was cut
}


def _commands(programs: ProgramPaths, port: int, fault: FaultMode) -> list[Server]:
    ssh = (str(programs.ssh), "-p", str(port), "svc-lictui@127.0.0.1")
    return [
        Server(
            f"{command_format} {fault}",
            SourceName.COMMAND,
            command=(*ssh, line),
            format=command_format,
            licenses_available="total" if command_format == "get-licinventory" else "",
        )
        for command_format, line in _COMMANDS.items()
    ]


def test_every_fault_has_its_state_and_reason(program: Program, simulators: Simulators) -> None:
    programs = install_programs(program.paths.config_dir / "simulated")
    servers: list[Server] = []
    expected: dict[str, tuple[str, str | None]] = {}
    for fault, (over_ssh, local) in _EXPECTED.items():
        port = simulators.command_target(*_LICENSES, fault=fault).listener.port
        commands = _commands(programs, port, fault)
        address, lmutil = f"{port}@127.0.0.1", str(programs.lmutil)
        lmstat = Server(f"lmstat {fault}", SourceName.LMSTAT, address=address, lmutil=lmutil)
        servers += (*commands, lmstat)
        expected |= dict.fromkeys((server.name for server in commands), over_ssh)
        expected[lmstat.name] = local
    program.register(*servers)
    document = program.json("status", "--timeout", "15")
    for listed in document["servers"]:
        state, kind = expected[listed["name"]]
        assert listed["state"] == state, listed["name"]
        assert kind in (None, listed["reason"] and listed["reason"]["kind"]), listed["name"]
        assert bool(listed["pools"]) == (listed["state"] == "up")
        if listed["reason"]:
            assert listed["reason"]["message"]
            assert listed["reason"]["hint"], listed["name"]
