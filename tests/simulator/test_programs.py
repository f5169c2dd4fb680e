"""The simulated lmutil and ssh, run as programs: what they print, and how they end."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from tests.simulator.test_machine import POOLS
from tests.support.simulators import RunningSimulator, Simulators

from lictui.simulator import FaultMode
from lictui.simulator.commands import ProgramPaths, install_programs

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the programs are POSIX's")

_COUNTS: Final = "(Total of 110 licenses issued;  Total of 42 licenses in use)"
_AGENT: Final = ("check_mk_agent",)


class Programs:
    """The programs, and a machine that listens for them."""

    def __init__(self, paths: ProgramPaths, machine: RunningSimulator) -> None:
        self.paths = paths
        self.machine = machine
        self.port = machine.listener.port

    def lmutil(self, *options: str, address: str = "") -> subprocess.CompletedProcess[str]:
        place = address or f"{self.port}@127.0.0.1"
        return run(str(self.paths.lmutil), "lmstat", *(options or ("-a",)), "-c", place)

    def ssh(self, *words: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        port = ("-p", str(self.port), "svc-lictui@127.0.0.1")
        return run(str(self.paths.ssh), *options, *port, *words)


def run(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, encoding="utf-8", timeout=20, check=False)


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    with Simulators() as simulators:
        yield Programs(
            install_programs(tmp_path / "with a blank"), simulators.command_target(*POOLS)
        )


def test_lmutil_prints_features_only_with_a(programs: Programs) -> None:
    ended = programs.lmutil("-a", "-t", "5")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "Users of XDT_ENT_CCS:  " + _COUNTS in ended.stdout
    ended = programs.lmutil("-t", "5")
    assert ended.returncode == 0
    assert "CITRIX: UP" in ended.stdout
    assert "Users of" not in ended.stdout


def test_lmutil_has_the_error_of_flexnet_for_a_closed_port(programs: Programs) -> None:
    ended = programs.lmutil(address="1@127.0.0.1")
    assert ended.returncode == 1
    said = 'Cannot connect to license server (-15,570:111 "Connection refused")'
    assert said in ended.stdout


def test_ssh_needs_quotes_around_a_pipe_of_powershell(programs: Programs) -> None:
    script = "Get-LicInventory | ConvertTo-Json"
    ended = programs.ssh("powershell", "-Command", f'"{script}"')
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "LicenseProductName" in ended.stdout
    ended = programs.ssh("powershell", "-Command", script)
    assert (ended.returncode, ended.stdout) == (127, "")
    assert "ConvertTo-Json: command not found" in ended.stderr


def test_truncated_output_ends_with_a_lost_connection(programs: Programs) -> None:
    whole = programs.ssh(*_AGENT).stdout
    programs.machine.fault = FaultMode.TRUNCATED
    ended = programs.ssh(*_AGENT)
    assert ended.returncode == 255
    assert ended.stdout == whole[: len(whole) // 2]
    assert "closed by remote host" in ended.stderr
