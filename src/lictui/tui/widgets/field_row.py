"""One line of a form: title, the field itself, and beside it an example or what is wrong.

Owns the drawing of a field. Must not know which fields there are, nor when one is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Horizontal
from textual.widgets import Input

from lictui.tui.ink import Tone
from lictui.tui.symbols import ASCII
from lictui.tui.widgets.choice import Choice
from lictui.tui.widgets.prose import Prose

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from lictui.tui.screens.fields import Field
    from lictui.tui.symbols import Symbols


class FieldRow(Horizontal):
    """A field of the form, unseen until `present` gives it a meaning."""

    DEFAULT_CSS = """
    FieldRow {
        height: auto;
        max-width: 100;
        & .title { width: 12; }
        & .beside { width: 35; padding-left: 2; }
        & .beside.-empty { display: none; }
        & Input { width: 1fr; }
        & Input:focus { background: $chosen; }
    }
    """

    def __init__(self, field: Field, text: str, symbols: Symbols) -> None:
        super().__init__(id=f"field-{field.key}")
        self.key = field.key
        self.help = ""
        self.example = ""
        self._symbols = symbols
        self.entry: Input | Choice
        if field.choices:
            self.entry = Choice(field.choices, text or field.default, ascii_only=symbols is ASCII)
        else:
            self.entry = Input(text, compact=True)

    def compose(self) -> ComposeResult:
        """Title, field, and what stands beside."""
        yield Prose(classes="title")
        yield self.entry
        yield Prose(classes="beside")

    def present(self, field: Field | None, problem: str) -> None:
        """Be this field, with a complaint if there is one; None hides the row."""
        self.display = field is not None
        if field is None:
            return
        self.help, self.example = field.help, field.example
        if isinstance(self.entry, Input):
            self.entry.placeholder = field.default
        title, beside = self.query(Prose)
        title.say(((field.title, Tone.CRITICAL if problem else Tone.TEXT),))
        beside.set_class(bool(problem), "-wrong")
        if problem:
            beside.say(((f"{self._symbols.failed} {problem}", Tone.CRITICAL),))
        else:
            beside.say(((field.example, Tone.QUIET),))
        beside.set_class(not (problem or field.example), "-empty")

    def fill(self, text: str) -> None:
        """Put a text into the field without it counting as typed."""
        with self.prevent(Input.Changed, Choice.Changed):
            self.entry.value = text
