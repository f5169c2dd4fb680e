"""One text over the screen it was asked on: it scrolls, follows the board, and can be copied.

Owns the frame and the keys of such a dialog. Must not know what it says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, cast

from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from lictui.tui.widgets.prose import Prose

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from lictui.tui.app import LictuiApp
    from lictui.tui.ink import Line

_WIDEST: Final = 100
_FRAME: Final = 5  # columns of frame, blanks and scroll bar


class Paper(ModalScreen[None]):
    """Says `lines` again with every board and every width."""

    TITLE = ""
    FOOT: ClassVar = "esc closes"
    DEFAULT_CSS = """
    Paper {
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

    @property
    def lictui(self) -> LictuiApp:
        """The application, as what it is."""
        return cast("LictuiApp", self.app)

    def lines(self, width: int) -> tuple[Line, ...]:
        """What is said in so many columns."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """One text that scrolls."""
        with VerticalScroll() as frame:
            frame.border_title = self.TITLE
            frame.border_subtitle = self.FOOT
            yield Prose(*self._lines())

    def on_mount(self) -> None:
        """Say it again with every board."""
        self.watch(self.app, "board", self._tell, init=False)

    def on_resize(self) -> None:
        """Another width has other lines."""
        self.call_after_refresh(self._tell)

    def _tell(self) -> None:
        if self.is_attached and not self.lictui.paused:
            self.query_one(Prose).say(*self._lines())

    def _lines(self) -> tuple[Line, ...]:
        return self.lines(min(self.app.size.width, _WIDEST) - _FRAME)

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
