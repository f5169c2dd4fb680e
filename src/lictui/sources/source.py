"""What every source is, and how a source reports that it could not read a server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from lictui.model import Failure, FailureKind, Snapshot, Step

OnStep = Callable[[Step, str], None]  # called with each step that succeeded, and a detail


class SourceError(Exception):
    """The failure that ends a poll. The engine turns it into a `Failure`, never a traceback."""

    def __init__(
        self, kind: FailureKind, message: str, hint: str = "", step: Step | None = None
    ) -> None:
        super().__init__(message)
        self.failure = Failure(kind, message, hint, step)


class Source(Protocol):
    """Reads one server. Keeps its connection and token between polls."""

    async def fetch(self, on_step: OnStep) -> Snapshot:
        """Read everything once; `on_step` is called when auth, inventory and parse succeeded.

        Raises SourceError, and nothing else but cancellation.
        """
        ...

    async def aclose(self) -> None:
        """Close the connection. Safe to call twice; a later fetch opens a new one."""
        ...


def ignore_steps(_step: Step, _detail: str) -> None:
    """An `OnStep` for polls, where only the result counts."""
