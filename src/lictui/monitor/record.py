"""What a poll does: onto the board, into the history and, if it changed something, the journal.

Owns the board, and the polls that the history could not take yet. Must not know when to poll.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from lictui.errors import LictuiError
from lictui.model import Snapshot
from lictui.monitor import board as boards
from lictui.monitor.journal import changes
from lictui.monitor.recall import recalled
from lictui.monitor.together import Together, doubles

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lictui.config.settings import Alerts
    from lictui.history.store import History
    from lictui.model import Event, Poll, PoolKey, Server
    from lictui.monitor.board import Board

_log = logging.getLogger(__name__)
_KEEP: Final = 100_000  # polls kept in memory while the history cannot be written


class Recorder:
    """Applies polls to the board and writes them down; never raises."""

    def __init__(self, board: Board, history: History | None, alerts: Alerts) -> None:
        self.board = board
        self.alerts = alerts
        self._history = history
        self._together = Together()
        self._waiting: deque[tuple[Server, Poll, tuple[Event, ...]]] = deque(maxlen=_KEEP)
        self._trouble = ""

    def record(self, polls: Iterable[tuple[Server, Poll, float | None]]) -> None:
        """Take in polls that just ended, each with the time its server is due again."""
        for server, poll, due in polls:
            before = self.board.of(server.name)
            if before is None:
                continue  # removed while it was being polled
            if isinstance(poll.result, Snapshot):
                poll = replace(poll, result=recalled(server, before.snapshot, poll.result))  # noqa: PLW2901 - the poll as it is understood
            self.board = boards.apply(self.board, poll, due)
            after = self.board.of(server.name)
            apart = self._apart(server)
            events = changes(before, after, self.alerts, apart) if after else ()
            self._waiting.append((server, poll, events))
        self._write()

    def _apart(self, server: Server) -> frozenset[PoolKey]:
        """The pools of a server that another way to read it stands for; seldom any."""
        if not any(status.server.same_as for status in self.board.servers):
            return frozenset()
        return doubles(self._together.of(self.board), server.name)

    def note(self, notices: Sequence[str]) -> None:
        """Put lasting notices on the board, beside the recorder's own trouble."""
        mine = (self._trouble,) if self._trouble else ()
        self.board = replace(self.board, notices=(*notices, *mine))

    def _write(self) -> None:
        if self._history is None or not self._waiting:
            return
        others = [notice for notice in self.board.notices if notice != self._trouble]
        try:
            self._history.append_many(tuple(self._waiting))
        except LictuiError as error:
            if not self._trouble:
                _log.error("%s (%s)", error.message, error.hint)
            self._trouble = f"{error.message}; {len(self._waiting)} polls wait to be written"
        else:
            self._waiting.clear()
            self._trouble = ""
        self.note(others)
