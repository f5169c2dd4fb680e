"""A choice of a few: on one line, or as a list for as long as it has the focus.

Owns the drawing and keys of a choice. Must not know what is chosen between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import events  # noqa: TC002 - Textual reads it at run time
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Input

from lictui.tui.text import Tone
from lictui.tui.theme import ASCII_SYMBOLS, Symbols
from lictui.tui.widgets.styled_text import StyledLabel

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from lictui.tui.screens.server_fields import FormField


_FEW: Final = 5  # choices that are found by going round; more are shown as a list


class SelectField(Widget, can_focus=True):
    """One of several values, each with a word on what it means."""

    DEFAULT_CSS = """
    SelectField {
        height: 1;
        width: 1fr;
        background: $surface;
        text-wrap: nowrap;
        text-overflow: ellipsis;
        &:focus { background: $chosen; }
        &.-list:focus { height: auto; background: $surface; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,up", "step(-1)", show=False),
        Binding("right,down", "step(1)", show=False),
        Binding("space,enter", "take", show=False),
    ]

    value: reactive[str] = reactive("", init=False)

    @dataclass
    class Changed(Message):
        """Something else was chosen."""

        choice: SelectField
        value: str

        @property
        def control(self) -> SelectField:
            """Where it was chosen."""
            return self.choice

    @dataclass
    class Confirmed(Message):
        """What is chosen in a list is meant."""

        choice: SelectField

        @property
        def control(self) -> SelectField:
            """Where it was chosen."""
            return self.choice

    def __init__(
        self,
        options: tuple[tuple[str, str], ...],
        value: str,
        *,
        ascii_only: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._says = dict(options)
        self._arrows = ("<", ">") if ascii_only else ("◂", "▸")
        self.set_class(len(options) > _FEW, "-list")
        self.set_reactive(SelectField.value, value)

    @property
    def expanded(self) -> bool:
        """Whether every choice is shown."""
        return self.has_focus and self.has_class("-list")

    def render(self) -> Content:
        """The chosen value between arrows, and what it means; or all of them, a line each."""
        left, right = self._arrows
        if not self.expanded:
            return Content.assemble(
                (f"{left} ", "$accent"),
                (self.value or "?", "bold"),
                (f" {right}", "$accent"),
                (f"  {self._says.get(self.value, '')}", "$quiet"),
            )
        width = max(map(len, self._says))
        return Content("\n").join(
            Content.assemble(
                (f"{right} " if value == self.value else "  ", "$accent"),
                (f"{value:<{width}}", "bold" if value == self.value else ""),
                (f"  {says}", "$quiet"),
            )
            for value, says in self._says.items()
        )

    def action_step(self, by: int) -> None:
        """The next or the previous value, round and round."""
        values = list(self._says)
        at = values.index(self.value) if self.value in self._says else 0
        self.value = values[(at + by) % len(values)]

    def action_take(self) -> None:
        """Go on from a list; without one, the next value."""
        if self.expanded:
            self.post_message(self.Confirmed(self))
        else:
            self.action_step(1)

    def on_click(self, event: events.Click) -> None:
        """Choose the line that was clicked."""
        values = list(self._says)
        if self.expanded and event.y < len(values):
            self.value = values[event.y]

    def on_focus(self) -> None:
        """Unfold."""
        self.refresh(layout=True)

    def on_blur(self) -> None:
        """Fold."""
        self.refresh(layout=True)

    def watch_value(self, value: str) -> None:
        """Tell who cares."""
        self.post_message(self.Changed(self, value))


# One line of a form: title, the field itself, and beside it an example or what is wrong


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

    def __init__(self, field: FormField, text: str, symbols: Symbols) -> None:
        super().__init__(id=f"field-{field.key}")
        self.key = field.key
        self.help = ""
        self.example = ""
        self._symbols = symbols
        self.entry: Input | SelectField
        if field.choices:
            self.entry = SelectField(
                field.choices, text or field.default, ascii_only=symbols is ASCII_SYMBOLS
            )
        else:
            self.entry = Input(text, compact=True)

    def compose(self) -> ComposeResult:
        """Title, field, and what stands beside."""
        yield StyledLabel(classes="title")
        yield self.entry
        yield StyledLabel(classes="beside")

    def show_field(self, field: FormField | None, problem: str) -> None:
        """Be this field, with a complaint if there is one; None hides the row."""
        self.display = field is not None
        if field is None:
            return
        self.help, self.example = field.help, field.example
        if isinstance(self.entry, Input):
            self.entry.placeholder = field.default
        title, beside = self.query(StyledLabel)
        title.show_lines(((field.title, Tone.CRITICAL if problem else Tone.TEXT),))
        beside.set_class(bool(problem), "-wrong")
        if problem:
            beside.show_lines(((f"{self._symbols.failed} {problem}", Tone.CRITICAL),))
        else:
            beside.show_lines(((field.example, Tone.QUIET),))
        beside.set_class(not (problem or field.example), "-empty")

    def set_value(self, text: str) -> None:
        """Put a text into the field without it counting as typed."""
        with self.prevent(Input.Changed, SelectField.Changed):
            self.entry.value = text
