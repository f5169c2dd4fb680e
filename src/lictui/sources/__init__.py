"""Sources: one protocol each, from bytes to a Snapshot."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from lictui.model import Server, SourceName

if TYPE_CHECKING:
    from collections.abc import Callable

    from lictui.clock import Clock
    from lictui.config.settings import Limits
    from lictui.sources.source import Source

_SOURCES: Final = {  # module and class; only the one that is used is imported
    SourceName.WINRM: ("winrm.source", "WinrmSource"),
    SourceName.CVAD: ("cvad", "CvadSource"),
    SourceName.CITRIX_CLOUD: ("citrix_cloud", "CloudSource"),
    SourceName.PARTNER: ("partner", "PartnerSource"),
    SourceName.LMSTAT: ("flexnet.source", "LmstatSource"),
    SourceName.COMMAND: ("command.source", "CommandSource"),
}


def open_source(server: Server, limits: Limits, clock: Clock) -> Source:
    """Return the source that `server.source` names, not connected."""
    module, name = _SOURCES[server.source]
    source: Callable[[Server, Limits, Clock], Source]
    source = getattr(import_module(f"{__name__}.{module}"), name)
    return source(server, limits, clock)
