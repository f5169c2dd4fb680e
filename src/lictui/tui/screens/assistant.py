"""The Citrix Cloud assistant: what Usage Insights needs of one server, over the registry.

Owns which server is meant. Must not know what is said of it (`assistant_view`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from lictui.tui import commands
from lictui.tui.ink import Tone
from lictui.tui.screens import assistant_view
from lictui.tui.screens.paper import Paper
from lictui.tui.span import time_zone
from lictui.tui.text import clean

if TYPE_CHECKING:
    from textual.binding import BindingType

    from lictui.engine.board import Board, ServerStatus
    from lictui.tui.ink import Line


class AssistantScreen(Paper):
    """What one server needs to be seen in Citrix Cloud."""

    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("assistant")]
    TITLE = "Citrix Cloud: Usage Insights"

    def __init__(self, server: str) -> None:
        super().__init__()
        self._server = server

    def lines(self, width: int) -> tuple[Line, ...]:
        """A head, then each point with its tick; nothing of a server that is gone."""
        app = self.lictui
        board = app.together.of(app.board)
        status = _status(board, self._server)
        if status is None:
            return ()
        found = assistant_view.points(board, status, time_zone(app.settings.timezone))
        account = status.server.source in assistant_view.ACCOUNTS
        name = "a license server" if account else clean(status.server.name)
        head = (
            ("What ", Tone.TEXT),
            (name, Tone.STRONG),
            (" needs to be seen there", Tone.TEXT),
        )
        return (head, *assistant_view.lines(found, width, app.symbols))


def _status(board: Board, name: str) -> ServerStatus | None:
    """The status that stands for the registered server `name`."""
    return next((status for status in board.servers if name in status.names), None)
