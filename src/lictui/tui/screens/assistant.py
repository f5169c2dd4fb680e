"""The Citrix Cloud assistant: what Usage Insights needs of one server, over the registry.

Owns the dialog and its keys. Must not know what it says (`assistant_view`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, cast

from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from lictui.tui import commands
from lictui.tui.ink import Tone
from lictui.tui.screens import assistant_view
from lictui.tui.span import time_zone
from lictui.tui.text import clean
from lictui.tui.widgets.prose import Prose

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from lictui.monitor.board import Board, ServerStatus
    from lictui.tui.app import LictuiApp

_WIDEST: Final = 84
_FRAME: Final = 5  # columns of frame, blanks and scroll bar


class AssistantScreen(ModalScreen[None]):
    """Follows the board while it is open."""

    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("assistant")]
    CSS = """
    AssistantScreen {
        align: center middle;
        VerticalScroll {
            width: 84;
            max-width: 100%;
            height: auto;
            max-height: 100%;
            background: $panel;
            border: round $frame;
            padding: 0 1;
            scrollbar-size: 0 1;
        }
    }
    """

    def __init__(self, server: str) -> None:
        super().__init__()
        self._server = server

    @property
    def lictui(self) -> LictuiApp:
        """The application, as what it is."""
        return cast("LictuiApp", self.app)

    def compose(self) -> ComposeResult:
        """One text that scrolls."""
        with VerticalScroll() as frame:
            frame.border_title = "Citrix Cloud: Usage Insights"
            frame.border_subtitle = "esc closes"
            yield Prose()

    def on_mount(self) -> None:
        """Say it again with every board."""
        self.watch(self.app, "board", self._tell)

    def on_resize(self) -> None:
        """Another width has other lines."""
        self.call_after_refresh(self._tell)

    def _tell(self) -> None:
        app = self.lictui
        board = app.together.of(app.board)
        status = _status(board, self._server)
        if status is None or app.paused:
            return
        width = min(self.app.size.width, _WIDEST) - _FRAME
        found = assistant_view.points(board, status, time_zone(app.settings.timezone))
        account = status.server.source in assistant_view.ACCOUNTS
        name = "a license server" if account else clean(status.server.name)
        head = (
            ("What ", Tone.TEXT),
            (name, Tone.STRONG),
            (" needs to be seen there", Tone.TEXT),
        )
        self.query_one(Prose).say(head, *assistant_view.lines(found, width, app.symbols))

    def action_roll(self, step: int) -> None:
        """Lines further or back."""
        self.query_one(VerticalScroll).scroll_relative(y=step, animate=False)


def _status(board: Board, name: str) -> ServerStatus | None:
    """The status that stands for the registered server `name`."""
    return next((status for status in board.servers if name in status.names), None)
