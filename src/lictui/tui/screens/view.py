"""What the five views have in common: head line, status line, the board, copy and export.

Owns that frame. Must not know what stands between the two lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.screen import Screen
from textual.widgets import Footer

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.widget import Widget

    from lictui.monitor.board import Board
    from lictui.tui.app import LictuiApp

Table = tuple[tuple[str, ...], ...]  # the first row names the columns


class View(Screen[None]):
    """One of the views behind the keys 1 to 5. A subclass says what it is called and its body."""

    VIEW: ClassVar[str] = ""

    @property
    def lictui(self) -> LictuiApp:
        """The application, as what it is."""
        return cast("LictuiApp", self.app)

    def compose(self) -> ComposeResult:
        """The frame, with the body inside."""
        yield self.body()
        yield Footer()

    def body(self) -> Widget:
        """The one widget between head line and status line."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Follow the board."""
        self.watch(self.app, "board", self.board_changed)

    def board_changed(self, board: Board) -> None:
        """A new board; also called once at the start."""

    @property
    def chosen_server(self) -> str:
        """The server the cursor is on, or nothing."""
        return ""

    def copied(self) -> str:
        """The chosen row as text."""
        return ""

    def exported(self) -> Table:
        """Everything shown, as a table."""
        return ()

    def action_poll_server(self) -> None:
        """Ask the chosen server now."""
        if name := self.chosen_server:
            self.lictui.engine.poll_now(name)
            self.notify(f"Polling {name}", markup=False)

    def action_back(self) -> None:
        """Leave a screen that was opened from another."""
        if self.VIEW == "product":
            self.app.pop_screen()
        elif self.VIEW != "wall":
            self.lictui.show("wall")
