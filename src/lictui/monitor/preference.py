"""Which of several ways to read one license server is believed first, figure by figure.

Owns that order. Pure: must not know how the figures are put together. Under LAS the WMI classes of
a license server may be empty or stale, so what the site or the licensing snap-in says comes first;
with license files it is WMI itself (the ranking of the protocol notes).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lictui.model import Mode, SourceName, State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lictui.model import Pool, Server
    from lictui.monitor.board import ServerStatus

_LAS: Final = ("cvad", "get-liclasinventory", "get-licinventory", "winrm", "wmi-json")
_FILE: Final = ("winrm", "wmi-json", "get-licinventory", "get-liclasinventory")
# What comes after: programs that list what is checked out, then the site, then lists of others.
_REST: Final = ("lictui", "lmstat", "udadmin", "cvad", "license-file", "citrix-cloud", "partner")
_HIDES_OVERDRAFT: Final = ("checkmk", "lmstat")  # their count is installed and overdraft in one
_LAST: Final = ("checkmk",)


def under_las(parts: Iterable[ServerStatus]) -> bool:
    """Whether the license server is licensed by LAS, as far as any way to read it tells."""
    return any(
        (part.snapshot is not None and part.snapshot.mode is Mode.LAS)
        or (part.server.source is SourceName.WINRM and part.state is State.NO_DATA)
        for part in parts
    )


def rank(server: Server, pool: Pool, *, las: bool) -> int:
    """The place of one reading of a pool; the lowest is believed first."""
    order = (*(_LAS if las else _FILE), *_REST, *_LAST)
    way = _way(server)
    if way == "cvad" and pool.reading.installed is None:
        return len(order)  # the site's own counters: of one site, not of the license server
    return order.index(way) if way in order else len(order) - 1


def hides_overdraft(server: Server) -> bool:
    """Whether what this way calls installed holds an overdraft that it does not tell apart."""
    return _way(server) in _HIDES_OVERDRAFT


def _way(server: Server) -> str:
    return server.format if server.source is SourceName.COMMAND else server.source.value
