"""A simulated machine that listens, and the programs that reach it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.simulator.commands.stage import Stage
from tests.support.clock import FakeClock

from lictui.simulator.commands import Machine, install_programs, serve_commands

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    stage = Stage(install_programs(tmp_path / "with a blank"))
    listener = await serve_commands(
        Machine("lic01"), lambda: stage.inventory, lambda: stage.fault, FakeClock()
    )
    stage.port = listener.port
    yield stage
    await listener.aclose()
