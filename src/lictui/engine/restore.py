"""Boards from the history: as the last run left them, or as another lictui keeps them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lictui.engine.board import Board, MergedBoard, ServerStatus, with_servers
from lictui.engine.merge import merge_board
from lictui.history.store import History
from lictui.model import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from lictui.clock import Clock
    from lictui.config.settings import AlertSettings, Settings
    from lictui.history.polls import LastPoll
    from lictui.model import Server
    from lictui.paths import Paths


def history_path(paths: Paths, settings: Settings) -> Path:
    """Return the path of the history database, which the settings may place elsewhere."""
    return settings.retention.path or paths.history


def open_history(paths: Paths, settings: Settings, clock: Clock) -> History:
    """Open the history where the settings place it. Raises LictuiError when that fails."""
    return History.open(history_path(paths, settings), settings.retention, clock)


def load_board(servers: Iterable[Server], history: History, settings: AlertSettings) -> MergedBoard:
    """The servers as last recorded, each license server once. Raises HistoryError."""
    board = with_last_polls(with_servers(Board(), servers), history.last_polls())
    return merge_board(board, settings)


def with_last_polls(board: Board, last_polls: Mapping[str, LastPoll]) -> Board:
    """The board with the last recorded poll of every server, where that is newer."""
    return replace(
        board,
        servers=tuple(
            _with_last_poll(status, last_polls.get(status.server.name)) for status in board.servers
        ),
    )


def _with_last_poll(status: ServerStatus, last: LastPoll | None) -> ServerStatus:
    if last is None or not status.server.enabled:
        return status
    if status.polled_at is not None and last.polled_at <= status.polled_at:
        return status
    state = last.failure.state if last.failure else State.UP
    return replace(
        status,
        state=state,
        since=status.since if state is status.state else last.state_since,
        failure=last.failure,
        snapshot=last.snapshot,
        polled_at=last.polled_at,
        last_success_at=last.last_success_at,
        latency=last.latency,
    )
