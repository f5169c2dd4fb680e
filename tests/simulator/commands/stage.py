"""A simulated machine that listens, and the programs that reach it, as tests see them."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from lictui.simulator.inventory import FaultMode, License

if TYPE_CHECKING:
    from lictui.simulator.commands import ProgramPaths

HELD = (
    License(
        "XDT_ENT_CCS",
        "Citrix XenDesktop Enterprise|Concurrent",
        "RetailS",
        date(2026, 12, 1),
        date(2027, 3, 31),
        100,
        10,
        42,
    ),
    License("CITRIX", "Citrix Start-up License|Server", "SYS", date(2030, 1, 1), None, 10, 0, 1),
)


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
    inventory: tuple[License, ...] = HELD

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


async def start(*argv: str) -> asyncio.subprocess.Process:
    """A program in a process group of its own."""
    return await asyncio.create_subprocess_exec(
        *argv,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )


async def run(*argv: str) -> Ended:
    """A program run to its end."""
    process = await start(*argv)
    try:
        stdout, stderr = await asyncio.wait_for(process.communicate(), 20)
    except TimeoutError:
        os.killpg(process.pid, signal.SIGKILL)
        await process.communicate()
        raise
    return Ended(process.returncode or 0, stdout, stderr.decode())
