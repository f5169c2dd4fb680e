"""The simulated lmutil and ssh, run as programs: what they print, and how they end."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from tests.simulator.test_machine import POOLS
from tests.support.clock import FakeClock

from lictui.simulator.commands import Machine, ProgramPaths, install_programs, serve_commands
from lictui.simulator.inventory import FaultMode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from lictui.simulator.inventory import License

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the programs are POSIX's")

_COUNTS = b"(Total of 110 licenses issued;  Total of 42 licenses in use)"
_AGENT = ("check_mk_agent",)


@dataclass
class Ended:
    """What a program left behind."""

    status: int
    stdout: bytes
    stderr: str


@dataclass
class Stage:
    """A machine that listens, and a fault that may change."""

    programs: ProgramPaths
    port: int = 0
    fault: FaultMode = FaultMode.NORMAL
    inventory: tuple[License, ...] = POOLS

    async def lmutil(self, *options: str, address: str = "") -> Ended:
        """`lmutil lmstat …`, as the lmstat source calls it."""
        place = address or f"{self.port}@127.0.0.1"
        return await run(str(self.programs.lmutil), "lmstat", *(options or ("-a",)), "-c", place)

    async def ssh(self, *words: str) -> Ended:
        """A command over there."""
        return await run(*self.command(*words))

    def command(self, *words: str) -> tuple[str, ...]:
        """What runs it."""
        return (str(self.programs.ssh), "-p", str(self.port), "svc-lictui@127.0.0.1", *words)


async def run(*argv: str) -> Ended:
    """Run a program to its end."""
    done = await asyncio.to_thread(subprocess.run, argv, capture_output=True, timeout=20)
    return Ended(done.returncode, done.stdout, done.stderr.decode())


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    stage = Stage(install_programs(tmp_path / "with a blank"))
    listener = await serve_commands(
        Machine("lic01"), lambda: stage.inventory, lambda: stage.fault, FakeClock()
    )
    stage.port = listener.port
    yield stage
    await listener.aclose()


async def test_programs_are_executable_by_the_user_alone(stage: Stage) -> None:
    for program in (stage.programs.lmutil, stage.programs.ssh):
        assert stat.filemode(program.stat().st_mode) == "-rwx------"


async def test_lmutil_prints_features_only_with_a(stage: Stage) -> None:
    ended = await stage.lmutil("-a", "-t", "5")
    assert (ended.status, ended.stderr) == (0, "")
    assert b"Users of XDT_ENT_CCS:  " + _COUNTS in ended.stdout
    ended = await stage.lmutil("-t", "5")
    assert ended.status == 0
    assert b"CITRIX: UP" in ended.stdout
    assert b"Users of" not in ended.stdout


@pytest.mark.parametrize("options", [("-z",), ("-a", "-b", "x"), ("status",)])
async def test_lmutil_rejects_unknown_options(stage: Stage, options: tuple[str, ...]) -> None:
    ended = await stage.lmutil(*options)
    assert ended.status == 1
    assert ended.stdout.startswith(b"usage:")


async def test_lmutil_takes_the_first_of_three_that_answers(stage: Stage) -> None:
    ended = await stage.lmutil(address=f"1@127.0.0.1,{stage.port}@127.0.0.1,2@127.0.0.1")
    assert _COUNTS in ended.stdout


async def test_lmutil_has_the_error_of_flexnet_for_a_closed_port(stage: Stage) -> None:
    ended = await stage.lmutil(address="1@127.0.0.1")
    assert ended.status == 1
    said = b'Cannot connect to license server (-15,570:111 "Connection refused")'
    assert said in ended.stdout


async def test_ssh_passes_the_command_line_to_a_shell(stage: Stage) -> None:
    ended = await stage.ssh("'no such/program&x=1", "ü%'", "--option")
    assert ended.status == 127
    assert ended.stderr == "bash: line 1: no such/program&x=1 ü%: command not found\n"


async def test_ssh_needs_quotes_around_a_pipe_of_powershell(stage: Stage) -> None:
    script = "Get-LicInventory | ConvertTo-Json"
    ended = await stage.ssh("powershell", "-Command", f'"{script}"')
    assert (ended.status, ended.stderr) == (0, "")
    assert b"LicenseProductName" in ended.stdout
    ended = await stage.ssh("powershell", "-Command", script)
    assert (ended.status, ended.stdout) == (127, b"")
    assert "ConvertTo-Json: command not found" in ended.stderr


async def test_ssh_accepts_its_options(stage: Stage) -> None:
    words = list(stage.command(*_AGENT))
    words[1:1] = ["-T", "-o", "BatchMode=yes", "-i", "key"]
    assert (await run(*words)).stdout.startswith(b"<<<check_mk>>>")


async def test_ssh_has_its_own_error_for_a_closed_port(stage: Stage) -> None:
    stage.port = 1
    ended = await stage.ssh(*_AGENT)
    assert (ended.status, ended.stdout) == (255, b"")
    assert ended.stderr == "ssh: connect to host 127.0.0.1 port 1: Connection refused\n"


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        (FaultMode.DENIED, 255, "svc-lictui@lic01: Permission denied (publickey"),
        (FaultMode.CREDENTIALS_EXPIRED, 255, "expired"),
        (FaultMode.FORBIDDEN, 255, "exec request failed"),
        (FaultMode.RATE_LIMITED, 3, "too many"),
        (FaultMode.BUSY, 3, "busy"),
        (FaultMode.UNKNOWN_CUSTOMER, 127, "not found"),
        (FaultMode.EMPTY, 0, ""),
    ],
)
async def test_ssh_refusal_has_its_status_and_no_output(
    stage: Stage, fault: FaultMode, status: int, words: str
) -> None:
    stage.fault = fault
    ended = await stage.ssh(*_AGENT)
    assert (ended.status, ended.stdout) == (status, b"")
    assert words in ended.stderr
    assert bool(ended.stderr) == bool(words)


async def test_truncated_output_ends_with_a_lost_connection(stage: Stage) -> None:
    whole = (await stage.ssh(*_AGENT)).stdout
    stage.fault = FaultMode.TRUNCATED
    ended = await stage.ssh(*_AGENT)
    assert ended.status == 255
    assert ended.stdout == whole[: len(whole) // 2]
    assert "closed by remote host" in ended.stderr


async def test_truncated_lmutil_was_killed(stage: Stage) -> None:
    whole = (await stage.lmutil()).stdout
    stage.fault = FaultMode.TRUNCATED
    ended = await stage.lmutil()
    assert (ended.status, ended.stderr) == (137, "")
    assert ended.stdout == whole[: len(whole) // 2]


async def test_output_follows_the_inventory(stage: Stage) -> None:
    stage.inventory = POOLS[:1]
    before = (await stage.ssh(*_AGENT)).stdout
    stage.inventory = POOLS[1:]
    assert b"XDT_ENT_CCS\t110\t42" in before
    assert b"XDT_ENT_CCS" not in (await stage.ssh(*_AGENT)).stdout
