"""The protocol of a source: it reads one server, and reports each step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from lictui.model import Failure, FailureKind, Server, Snapshot, SourceName, Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from lictui.clock import Clock
    from lictui.config.settings import Limits


class SourceError(Exception):
    """The failure that ends a poll; raised only inside sources."""

    def __init__(
        self, kind: FailureKind, message: str, hint: str = "", step: Step | None = None
    ) -> None:
        super().__init__(message)
        self.failure = Failure(kind, message, hint, step)


class Source(Protocol):
    """Reads one server. Keeps its connection and token between polls."""

    async def fetch(self, found: Callable[[Step, str], None]) -> Snapshot:
        """Read everything once; `found` is called as auth, inventory and parse end.

        Raises only SourceError, and cancellation.
        """
        ...

    async def aclose(self) -> None:
        """Close the connection. Safe to call twice; a later fetch opens another."""
        ...


def ignore_steps(_step: Step, _detail: str) -> None:
    """Ignore the steps: for polls, where only the result counts."""


def open_source(server: Server, limits: Limits, clock: Clock) -> Source:
    """The source that `server.source` names, not yet connected; imports only that protocol."""
    match server.source:
        case SourceName.WINRM:
            from lictui.sources.winrm.source import WinrmSource  # noqa: PLC0415 - one protocol only

            return WinrmSource(server, limits, clock)
        case SourceName.CVAD:
            from lictui.sources.cvad.source import CvadSource

            return CvadSource(server, limits, clock)
        case SourceName.CITRIX_CLOUD:
            from lictui.sources.cloud.source import CloudSource

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
