"""Reading a license server through a real OpenSSH server."""

import os
import shlex
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.end_to_end.conftest import Program
from tests.support.clock import START
from tests.support.simulators import licenses
from tests.support.sshd import SSHD, Sshd

from lictui.config.server_schema import COMMAND_FORMATS
from lictui.model import Server, SourceName
from lictui.simulator.commands import Machine
from lictui.simulator.flexnet import FlexServer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(SSHD).exists(), reason=f"OpenSSH server required: {SSHD}"),
]

_LICENSES = (
    licenses(412),
    licenses(33, "XDT_ENT_CCS", "Citrix XenDesktop Enterprise|Concurrent"),
)
_LICENSE_FILE = "SERVER this_host HOSTNAME=LIC01\nVENDOR CITRIX\n" + "".join(
    f"INCREMENT {product} CITRIX 2027.1201 31-mar-2028 500 VENDOR_STRING=;LT=Retail SN=LA-1:1\n"
    for product in ("XDT_PLT_UD", "XDT_ENT_CCS")
)
# format -> the program that prints it, and the figures that it contains
_FORMATS: dict[str, tuple[tuple[str, ...], tuple[int | None, int | None]]] = {
    "get-licinventory": (("powershell", "Get-LicInventory"), (500, 50)),
    "get-liclasinventory": (("powershell", "Get-LicLasInventory"), (500, 50)),
    "wmi-json": (("powershell", "Citrix_GT_License_Pool"), (500, 50)),
    "checkmk": (("check_mk_agent",), (550, None)),
    "lmstat": (("lmutil", "lmstat", "-a", "-c", "@lic01"), (550, None)),
    "udadmin": (("udadmin", "-list", "-times"), (None, None)),
    "lictui": (("lictui", "status", "--json"), (500, 50)),
    "license-file": ((), (500, None)),
}


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    folder = tmp_path / "ssh"
    folder.mkdir()
    with Sshd(folder) as running:
        yield running


def _server(
    command: tuple[str, ...], name: str = "lic01", command_format: str = "checkmk"
) -> Server:
    available = {"get-licinventory": "total", "get-liclasinventory": "free"}.get(command_format, "")
    return Server(
        name,
        SourceName.COMMAND,
        command=command,
        format=command_format,
        licenses_available=available,
    )


def _output(folder: Path, command_format: str) -> str:
    """Return the command that shows the output of the program of a format."""
    file = folder / f"{command_format}.txt"
    if program := _FORMATS[command_format][0]:
        printed = Machine(FlexServer("lic01")).run(program, _LICENSES, START)
        assert printed.status == 0
        file.write_bytes(printed.stdout)
    else:
        file.write_text(_LICENSE_FILE)
    return f"cat {shlex.quote(str(file))}"


def _ask(program: Program, command: tuple[str, ...], seconds: float = 10) -> dict[str, Any]:
    program.register(_server(command))
    (server,) = program.json("status", "--timeout", str(seconds))["servers"]
    listed: dict[str, Any] = server
    return listed


def test_every_format_is_read(program: Program, sshd: Sshd) -> None:
    program.register(
        *(
            _server(
                sshd.command(_output(sshd.folder, command_format)), command_format, command_format
            )
            for command_format in _FORMATS
        )
    )
    answer = program.json("status", "--timeout", "20")
    assert set(_FORMATS) == set(COMMAND_FORMATS)
    for server in answer["servers"]:
        assert server["state"] == "up", server["reason"]
        installed, overdraft = _FORMATS[server["name"]][1]
        figures = {
            pool["product"]: (pool["in_use"], pool["installed"], pool["overdraft"])
            for pool in server["pools"]
        }
        user_device, concurrent = (None, None) if server["name"] == "license-file" else (412, 33)
        assert figures == {
            "XDT_PLT_UD": (user_device, installed, overdraft),
            "XDT_ENT_CCS": (concurrent, installed, overdraft),
        }, server["name"]
    assert sshd.clients() == []


def test_ssh_failures_have_their_reason(program: Program, sshd: Sshd) -> None:
    ran = sshd.folder / "ran"
    (sshd.folder / "nobody").touch()
    command = f"touch {shlex.quote(str(ran))}; {_output(sshd.folder, 'checkmk')}"
    stopped = Sshd(sshd.folder.parent / "stopped")
    stopped.folder.mkdir()
    with stopped:
        refused = stopped.command("true")
    cases = {
        "other key": (sshd.command(command, known_hosts="other_known_hosts"), "untrusted", "tls"),
        "unknown": (sshd.command(command, known_hosts="nobody"), "untrusted", "tls"),
        "wrong user": (sshd.command(command, key="other_user_key"), "denied", "auth"),
        "no program": (sshd.command("no-such-program"), "error", "command"),
        "stopped": (refused, "down", "refused"),
    }
    program.register(*(_server(command, name) for name, (command, *_) in cases.items()))
    servers = {s["name"]: s for s in program.json("status", "--timeout", "10")["servers"]}
    for name, (_, state, kind) in cases.items():
        reason = servers[name]["reason"]
        assert (servers[name]["state"], reason["kind"], servers[name]["pools"]) == (state, kind, [])
        assert reason["hint"]
    assert "no-such-program" in servers["no program"]["reason"]["message"]
    assert not ran.exists()


@pytest.fixture
def endless(sshd: Sshd) -> Iterator[str]:
    """Return a command that prints a little on the server, and then hangs."""
    fifo = sshd.folder / "endless"
    os.mkfifo(fifo)
    yield f"echo '<<<citrix_licenses>>>'; cat {shlex.quote(str(fifo))}"
    with suppress(OSError):  # nobody reads any more
        os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))


def test_hanging_command_times_out_and_leaves_no_process(
    program: Program, sshd: Sshd, endless: str
) -> None:
    began = time.monotonic()
    server = _ask(program, sshd.command(endless), seconds=2)
    assert time.monotonic() - began < 12
    assert (server["state"], server["reason"]["kind"]) == ("down", "timeout")
    assert server["pools"] == []
    assert sshd.clients() == []


def test_exit_ends_running_commands(program: Program, sshd: Sshd, endless: str) -> None:
    program.register(_server(sshd.command(endless)))
    process = program.start("collect")
    try:
        until = time.monotonic() + 30
        while not sshd.clients():
            assert time.monotonic() < until
            with suppress(subprocess.TimeoutExpired):
                assert process.wait(0.1) is None, "it exited by itself"
        process.terminate()
        process.communicate(timeout=20)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0
    assert sshd.clients() == []
