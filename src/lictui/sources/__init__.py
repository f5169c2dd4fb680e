"""Sources: one protocol each, from bytes to a Snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lictui.model import Server, SourceName

if TYPE_CHECKING:
    from lictui.clock import Clock
    from lictui.config.settings import Limits
    from lictui.sources.source import Source


def open_source(server: Server, limits: Limits, clock: Clock) -> Source:
    """Return the source that `server.source` names, not connected; imports that protocol only."""
    match server.source:
        case SourceName.WINRM:
            from lictui.sources.winrm.source import WinrmSource  # noqa: PLC0415 - one protocol only

            return WinrmSource(server, limits, clock)
        case SourceName.CVAD:
            from lictui.sources.cvad import CvadSource

            return CvadSource(server, limits, clock)
        case SourceName.CITRIX_CLOUD:
            from lictui.sources.citrix_cloud import CloudSource

            return CloudSource(server, limits, clock)
        case SourceName.PARTNER:
            from lictui.sources.partner import PartnerSource

            return PartnerSource(server, limits, clock)
        case SourceName.LMSTAT:
            from lictui.sources.flexnet.source import (  # noqa: PLC0415 - one protocol only
                LmstatSource,
            )

            return LmstatSource(server, limits, clock)
        case SourceName.COMMAND:
            from lictui.sources.command.source import (  # noqa: PLC0415 - one protocol only
                CommandSource,
            )

            return CommandSource(server, limits, clock)
