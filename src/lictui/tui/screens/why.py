"""Why: where each figure of the chosen row comes from, over the screen it was asked on.

Owns the dialog and its keys. Must not know what it says (`why_view`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, cast

from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from lictui.tui import commands
from lictui.tui.screens import why_view
from lictui.tui.span import time_zone
from lictui.tui.widgets.prose import Prose

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from lictui.tui.app import LictuiApp
    from lictui.tui.ink import Line

_WIDEST: Final = 100
_FRAME: Final = 5  # columns of frame, blanks and scroll bar


class WhyScreen(ModalScreen[None]):
    """Follows the board while it is open."""

    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("why")]
    CSS = """
    WhyScreen {
        align: center middle;
        VerticalScroll {
            width: 100;
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

    def __init__(self, servers: tuple[str, ...], product: str, day: str | None = None) -> None:
        super().__init__()
        self._asked = (servers, product, day)

    @property
    def lictui(self) -> LictuiApp:
        """The application, as what it is."""
        return cast("LictuiApp", self.app)

    def compose(self) -> ComposeResult:
        """One text that scrolls."""
        with VerticalScroll() as frame:
            frame.border_title = "Why"
            frame.border_subtitle = "esc closes · Y copies"
            yield Prose(*self._lines(self.app.size.width))

    def on_mount(self) -> None:
        """Say it again with every board."""
        self.watch(self.app, "board", self._tell, init=False)

    def on_resize(self) -> None:
        """Another width has other lines."""
        self.call_after_refresh(self._tell)

    def _tell(self) -> None:
        if self.size.width and not self.lictui.paused:
            self.query_one(Prose).say(*self._lines(self.size.width))

    def _lines(self, width: int) -> tuple[Line, ...]:
        app = self.lictui
        board = app.together.of(app.board)
        return why_view.lines(
            why_view.held(board, *self._asked),
            board,
            app.settings.contract,
            now=app.clock.now(),
            tz=time_zone(app.settings.timezone),
            width=min(width, _WIDEST) - _FRAME,
            symbols=app.symbols,
        )

    def action_roll(self, step: int) -> None:
        """Lines further or back."""
        self.query_one(VerticalScroll).scroll_relative(y=step, animate=False)

    def action_page(self, step: int) -> None:
        """A screen further or back."""
        frame = self.query_one(VerticalScroll)
        self.action_roll(step * max(1, frame.size.height - 2))

    def action_copy(self) -> None:
        """All of it, to the clipboard of the terminal."""
        self.app.copy_to_clipboard(self.query_one(Prose).said)
        self.notify("Copied", timeout=2, markup=False)
