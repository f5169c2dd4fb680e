"""The wall: a pane per server. Owns what its keys do. Must not know how a pane is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.widgets import Static

from lictui.tui import commands
from lictui.tui.screens.view import View

if TYPE_CHECKING:
    from textual.binding import BindingType
    from textual.widget import Widget


class WallScreen(View):
    """Home."""

    VIEW = "wall"
    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("wall")]

    def body(self) -> Widget:
        """The panes."""
        return Static("")
