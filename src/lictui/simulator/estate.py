"""The simulated estate: every license server's inventory and mood at any moment.

A pure function of the seed and the time, so that its past can be written down without waiting for
it. Must not know a protocol. Times are UTC epoch seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lictui.simulator.company import company, large_company

if TYPE_CHECKING:
    from lictui.simulator.inventory import License, Mood
    from lictui.simulator.stock import LicenseServer


class Estate:
    """The company of `seed`, as somebody who begins to look at `start` finds it."""

    def __init__(self, seed: int, start: float, *, scale: int = 0) -> None:
        self.seed = seed
        self.start = start
        servers = large_company(seed, start, scale) if scale else company(seed, start)
        self._servers = {server.name: server for server in servers}

    @property
    def servers(self) -> tuple[LicenseServer, ...]:
        """Every license server and site, in the order of the registry."""
        return tuple(self._servers.values())

    def inventory_at(self, server: str, at: float) -> tuple[License, ...]:
        """What `server` holds; KeyError for a stranger."""
        pools = (pool.at(at) for pool in self._servers[server].pools)
        return tuple(license_ for license_ in pools if license_ is not None)

    def mood_at(self, server: str, at: float) -> Mood:
        """How `server` behaves; KeyError for a stranger."""
        return self._servers[server].mood_at(at)
