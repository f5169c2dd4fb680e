"""Reads License Usage Insights.

Owns which requests a poll makes. Must not know what the answers mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lictui.sources.source import SourceError
from lictui.words import FailureKind, Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from lictui.clock import Clock
    from lictui.config.settings import Limits
    from lictui.model import Server, Snapshot


class PartnerSource:
    """Not yet."""

    def __init__(self, server: Server, limits: Limits, clock: Clock) -> None:
        self._server = server
        self._limits = limits
        self._clock = clock

    async def fetch(self, found: Callable[[Step, str], None]) -> Snapshot:
        """Read everything once."""
        del found
        raise SourceError(FailureKind.CONFIG, "this source cannot be read yet", "", Step.INVENTORY)

    async def aclose(self) -> None:
        """Nothing is kept."""
