"""Messages that more than one module needs. Must not know who sends or hears them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from lictui.config.settings import Settings
    from lictui.engine.board import Board, Filter


class BoardChanged(Message):
    """The monitor has a new board. Of several in the queue only the newest counts."""

    def __init__(self, board: Board, settings: Settings) -> None:
        super().__init__()
        self.board = board
        self.settings = settings

    def can_replace(self, message: Message) -> bool:
        """Whether this one makes `message` needless."""
        return isinstance(message, BoardChanged)


class FilterTyped(Message):
    """Another filter is wanted, as it was spelled."""

    def __init__(self, wanted: Filter, spelled: str) -> None:
        super().__init__()
        self.wanted = wanted
        self.spelled = spelled


class FilterClosed(Message):
    """Typing a filter has ended; the filter stays."""
