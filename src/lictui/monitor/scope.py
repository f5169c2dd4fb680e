"""Which servers a run is about, and how often they are asked.

Owns what the command line may narrow. Must not know a registry beyond its servers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lictui.model import DEFAULT_INTERVAL

if TYPE_CHECKING:
    from lictui.model import Server


@dataclass(frozen=True, slots=True)
class Scope:
    """Which servers this run is about, and how often; "" and None leave things as they are."""

    group: str = ""
    interval: float | None = None  # seconds, over whatever the registry says

    def of(self, servers: tuple[Server, ...]) -> tuple[Server, ...]:
        """The servers in scope."""
        return tuple(server for server in servers if self.group in ("", server.group))

    def hurry(self, servers: tuple[Server, ...]) -> tuple[str, ...]:
        """A warning, if what was asked for is more than a source's own default."""
        usual = max((DEFAULT_INTERVAL[server.source] for server in servers), default=0.0)
        if self.interval is None or self.interval >= usual:
            return ()
        return (f"polling every {self.interval:g} s, where {usual:g} s is the shortest advised",)

    def paced(self, server: Server, default: float | None) -> Server:
        """The same server, at the pace it is to be polled with."""
        return replace(server, interval=self.interval or server.interval or default)
