"""A question that is answered with yes or no before something is lost. Owns nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button

from lictui.tui import commands
from lictui.tui.ink import Tone
from lictui.tui.widgets.prose import Prose

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType


class ConfirmScreen(ModalScreen[bool]):
    """Asks, with what hangs on the answer below the question; no is what enter does."""

    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("confirm")]
    CSS = """
    ConfirmScreen {
        align: center middle;
        & Vertical {
            width: 52;
            max-width: 100%;
            height: auto;
            padding: 1 2;
            background: $panel;
            border: round $frame;
        }
        & Horizontal { height: 1; margin-top: 1; }
        & Button { margin-right: 2; }
    }
    """

    def __init__(self, question: str, consequence: str = "") -> None:
        super().__init__()
        self._question = question
        self._consequence = consequence

    def compose(self) -> ComposeResult:
        """The question and its two answers."""
        with Vertical():
            yield Prose(((self._question, Tone.STRONG),))
            if self._consequence:
                yield Prose(((self._consequence, Tone.QUIET),))
            with Horizontal():
                yield Button("No, esc", id="no", compact=True)
                yield Button("Yes, y", id="yes", compact=True, variant="error")

    def on_mount(self) -> None:
        """Let enter do no harm."""
        self.query_one("#no").focus()

    @on(Button.Pressed)
    def _press(self, event: Button.Pressed) -> None:
        self.action_answer(event.button.id == "yes")

    def action_answer(self, sure: bool) -> None:  # noqa: FBT001 - the answer, from a key
        """End with the answer."""
        self.dismiss(sure)
