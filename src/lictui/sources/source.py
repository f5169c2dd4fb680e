"""The protocol of a source: it reads one server, and reports each step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from lictui.model import Failure, FailureKind, Snapshot, Step

if TYPE_CHECKING:
    from collections.abc import Callable


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
