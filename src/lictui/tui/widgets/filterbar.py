"""The line behind `/`: a regex as it is typed, and at once what is wrong with it.

Owns the typing. Must not know what is filtered: it tells its screen every filter that is right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.containers import Horizontal
from textual.widgets import Input, Label

from lictui.engine.board import Filter
from lictui.errors import UsageError
from lictui.tui.messages import FilterClosed, FilterTyped

if TYPE_CHECKING:
    from textual.app import ComposeResult


class FilterBar(Horizontal):
    """Hidden until it is opened."""

    DEFAULT_CSS = """
    FilterBar {
        dock: bottom;
        height: 1;
        background: $panel;
        display: none;
        Label { color: $accent; padding: 0 1; }
        Input { width: 1fr; border: none; height: 1; padding: 0; background: $panel; }
        #wrong { color: $error; }
    }
    """

    def compose(self) -> ComposeResult:
        """A slash, the field, and room for a word about it."""
        yield Label("/")
        yield Input(placeholder="regex over servers and products, ! inverts", compact=True)
        yield Label("", id="wrong", markup=False)

    def open(self, spelled: str) -> None:
        """Show it with this text and begin to type: the very next key belongs to it."""
        self.display = True
        field = self.query_one(Input)
        field.value = spelled
        self.screen.set_focus(field)

    def close(self) -> None:
        """Hide it; the filter stays."""
        self.display = False
        self.post_message(FilterClosed())

    def word(self, said: str) -> None:
        """Say something about what is typed."""
        self.query_one("#wrong", Label).update(said)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        try:
            wanted = Filter.parse(event.value)
        except UsageError as error:
            self.word(error.message)
            return
        self.word("")
        self.post_message(FilterTyped(wanted, event.value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.close()
