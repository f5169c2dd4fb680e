"""What the history still knows: a board as the last run left it, or as another lictui keeps it.

Owns the way from stored polls back to a board. Must not know when that is wanted.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lictui.history.store import History
from lictui.model import State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lictui.clock import Clock
    from lictui.config.settings import Settings
    from lictui.history.journal import Latest
    from lictui.monitor.board import Board, ServerStatus
    from lictui.paths import Paths


def open_history(paths: Paths, settings: Settings, clock: Clock) -> History:
    """The history where the settings say it is; raises LictuiError when it cannot be used."""
    return History.open(settings.retention.path or paths.history, settings.retention, clock)


def restored(board: Board, latest: Mapping[str, Latest]) -> Board:
    """The board, with every server as its last stored poll left it if that is newer."""
    return replace(
        board,
        servers=tuple(
            _restored(status, latest.get(status.server.name)) for status in board.servers
        ),
    )


def _restored(status: ServerStatus, latest: Latest | None) -> ServerStatus:
    if latest is None or not status.server.enabled:
        return status
    if status.polled_at is not None and latest.polled_at <= status.polled_at:
        return status
    state = latest.failure.state if latest.failure else State.UP
    return replace(
        status,
        state=state,
        since=status.since if state is status.state else latest.since,
        failure=latest.failure,
        snapshot=latest.snapshot,
        polled_at=latest.polled_at,
        answered_at=latest.answered_at,
        latency=latest.latency,
    )
