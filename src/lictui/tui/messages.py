"""Messages that several modules of the screen post or handle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from lictui.config.settings import Settings
    from lictui.engine.board import Filter, MergedBoard


class BoardChanged(Message):
    """The engine published a new board. Of several in the queue only the newest is handled."""

    def __init__(self, board: MergedBoard, settings: Settings) -> None:
        super().__init__()
        self.board = board
        self.settings = settings

    def can_replace(self, message: Message) -> bool:
        """Return whether this message replaces `message` in the queue."""
        return isinstance(message, BoardChanged)


class FilterChanged(Message):
    """The filter was edited."""

    def __init__(self, new_filter: Filter, text: str) -> None:
        super().__init__()
        self.filter = new_filter
        self.text = text


class FilterClosed(Message):
    """The filter bar was closed; the filter stays active."""
