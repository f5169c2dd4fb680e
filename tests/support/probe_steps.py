"""All results of a step-by-step test of a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lictui.clock import SystemClock
from lictui.config.settings import Limits
from lictui.sources.probe import probe

if TYPE_CHECKING:
    from lictui.model import Server, StepResult

LONG = Limits(timeout=20.0, connect_timeout=10.0)


async def probe_steps(server: Server, limits: Limits = LONG) -> list[StepResult]:
    return [finding async for finding in probe(server, limits, SystemClock())]


def outcomes(found: list[StepResult]) -> list[tuple[str, bool]]:
    return [(finding.step.value, finding.ok) for finding in found]
