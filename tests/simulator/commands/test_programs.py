"""The simulated lmutil and ssh, run as programs: what they print, and how they end."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
from contextlib import suppress

import pytest
from tests.simulator.commands.stage import HELD, Stage, run, start

from lictui.simulator.inventory import FaultMode

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the programs are POSIX's")

_COUNTS = b"(Total of 110 licenses issued;  Total of 42 licenses in use)"
_AGENT = ("check_mk_agent",)


async def test_they_are_the_users_alone_and_may_be_run(stage: Stage) -> None:
    for program in (stage.programs.lmutil, stage.programs.ssh):
        assert stat.filemode(program.stat().st_mode) == "-rwx------"


async def test_lmutil_asks_the_port_it_is_given(stage: Stage) -> None:
    ended = await stage.lmutil("-a", "-t", "5")
    assert (ended.status, ended.stderr) == (0, "")
    assert b"Users of XDT_ENT_CCS:  " + _COUNTS in ended.stdout


async def test_without_a_it_says_nothing_of_features(stage: Stage) -> None:
    ended = await stage.lmutil("-t", "5")
    assert ended.status == 0
    assert b"CITRIX: UP" in ended.stdout
    assert b"Users of" not in ended.stdout


@pytest.mark.parametrize("options", [("-z",), ("-a", "-b", "x"), ("status",)])
async def test_lmutil_refuses_options_it_does_not_know(
    stage: Stage, options: tuple[str, ...]
) -> None:
    ended = await stage.lmutil(*options)
    assert ended.status == 1
    assert ended.stdout.startswith(b"usage:")


async def test_the_first_of_three_that_answers_is_taken(stage: Stage) -> None:
    ended = await stage.lmutil(address=f"1@127.0.0.1,{stage.port}@127.0.0.1,2@127.0.0.1")
    assert _COUNTS in ended.stdout


async def test_nobody_there_is_flexnets_own_error(stage: Stage) -> None:
    ended = await stage.lmutil(address="1@127.0.0.1")
    assert ended.status == 1
    said = b'Cannot connect to license server (-15,570:111 "Connection refused")'
    assert said in ended.stdout


async def test_a_command_line_arrives_as_it_is_and_a_shell_takes_it_apart(stage: Stage) -> None:
    ended = await stage.ssh("'no such/program&x=1", "ü%'", "--option")
    assert ended.status == 127
    assert ended.stderr == "bash: line 1: no such/program&x=1 ü%: command not found\n"


async def test_a_pipe_of_powershells_needs_quotes(stage: Stage) -> None:
    script = "Get-LicInventory | ConvertTo-Json"
    ended = await stage.ssh("powershell", "-Command", f'"{script}"')
    assert (ended.status, ended.stderr) == (0, "")
    assert b"LicenseProductName" in ended.stdout
    ended = await stage.ssh("powershell", "-Command", script)
    assert (ended.status, ended.stdout) == (127, b"")
    assert "ConvertTo-Json: command not found" in ended.stderr


async def test_options_of_sshs_are_taken(stage: Stage) -> None:
    words = list(stage.command(*_AGENT))
    words[1:1] = ["-T", "-o", "BatchMode=yes", "-i", "key"]
    assert (await run(*words)).stdout.startswith(b"<<<check_mk>>>")


async def test_nobody_there_is_sshs_own_error(stage: Stage) -> None:
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
async def test_a_refusal_has_its_status_and_prints_nothing(
    stage: Stage, fault: FaultMode, status: int, words: str
) -> None:
    stage.fault = fault
    ended = await stage.ssh(*_AGENT)
    assert (ended.status, ended.stdout) == (status, b"")
    assert words in ended.stderr
    assert bool(ended.stderr) == bool(words)


async def test_half_is_cut_off_and_lost(stage: Stage) -> None:
    whole = (await stage.ssh(*_AGENT)).stdout
    stage.fault = FaultMode.TRUNCATED
    ended = await stage.ssh(*_AGENT)
    assert ended.status == 255
    assert ended.stdout == whole[: len(whole) // 2]
    assert "closed by remote host" in ended.stderr


async def test_half_of_lmutil_is_a_program_that_was_killed(stage: Stage) -> None:
    whole = (await stage.lmutil()).stdout
    stage.fault = FaultMode.TRUNCATED
    ended = await stage.lmutil()
    assert (ended.status, ended.stderr) == (137, "")
    assert ended.stdout == whole[: len(whole) // 2]


async def test_huge_garbage_and_a_page(stage: Stage) -> None:
    stage.fault = FaultMode.OVERSIZED
    assert len((await stage.ssh(*_AGENT)).stdout) > 10_000_000
    stage.fault = FaultMode.GARBAGE
    assert bytes(range(256)) in (await stage.lmutil()).stdout
    stage.fault = FaultMode.LOGIN_PAGE
    assert (await stage.ssh(*_AGENT)).stdout.startswith(b"<!DOCTYPE html>")


@pytest.mark.parametrize("fault", [FaultMode.DENIED, FaultMode.BUSY])
async def test_flexnet_knows_no_refusal_but_not_to_answer(stage: Stage, fault: FaultMode) -> None:
    stage.fault = fault
    ended = await stage.lmutil()
    assert b"Error getting status: Cannot connect" in ended.stdout
    assert b"Users of" not in ended.stdout


async def test_an_empty_flexnet_server_runs_and_has_no_feature(stage: Stage) -> None:
    stage.fault = FaultMode.EMPTY
    ended = await stage.lmutil()
    assert ended.status == 0
    assert b"license server UP" in ended.stdout
    assert b"Users of" not in ended.stdout


async def test_silence_hangs_until_the_group_is_killed(stage: Stage) -> None:
    stage.fault = FaultMode.SILENT
    process = await start(*stage.command(*_AGENT))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(process.wait()), 0.3)
    os.killpg(process.pid, signal.SIGTERM)
    try:
        assert await asyncio.wait_for(process.wait(), 10) == -signal.SIGTERM
    finally:
        with suppress(ProcessLookupError):
            process.kill()
    stdout, stderr = await process.communicate()
    assert (stdout, stderr) == (b"", b"")


async def test_the_figures_are_those_of_the_moment(stage: Stage) -> None:
    stage.inventory = HELD[:1]
    before = (await stage.ssh(*_AGENT)).stdout
    stage.inventory = HELD[1:]
    assert b"XDT_ENT_CCS\t110\t42" in before
    assert b"XDT_ENT_CCS" not in (await stage.ssh(*_AGENT)).stdout
