"""Fields of a form: a select field, and a row with title, field and example or error."""

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


_MAX_INLINE_OPTIONS: Final = 5  # with more options the select field opens as a list


@dataclass(frozen=True, slots=True)
class FormField:
    """One field. The example is next to it, the help below the form while it has the focus."""

    key: str  # as servers.toml has it
    title: str
    example: str
    help: str
    default: str = ""  # what an empty field means
    choices: tuple[tuple[str, str], ...] = ()  # (value, meaning)


class SelectField(Widget, can_focus=True):
    """One of several values, each with its meaning."""

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
        """Another value was selected."""

        choice: SelectField
        value: str

        @property
        def control(self) -> SelectField:
            """The field that changed."""
            return self.choice

    @dataclass
    class Confirmed(Message):
        """The selected value of an open list was confirmed."""

        choice: SelectField

        @property
        def control(self) -> SelectField:
            """The field that was confirmed."""
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
        self._meanings = dict(options)
        self._arrows = ("<", ">") if ascii_only else ("◂", "▸")
        self.set_class(len(options) > _MAX_INLINE_OPTIONS, "-list")
        self.set_reactive(SelectField.value, value)

    @property
    def expanded(self) -> bool:
        """Whether all options are shown."""
        return self.has_focus and self.has_class("-list")

    def render(self) -> Content:
        """Return the value between arrows with its meaning, or all options, one per line."""
        left, right = self._arrows
        if not self.expanded:
            return Content.assemble(
                (f"{left} ", "$accent"),
                (self.value or "?", "bold"),
                (f" {right}", "$accent"),
                (f"  {self._meanings.get(self.value, '')}", "$quiet"),
            )
        width = max(map(len, self._meanings))
        return Content("\n").join(
            Content.assemble(
                (f"{right} " if value == self.value else "  ", "$accent"),
                (f"{value:<{width}}", "bold" if value == self.value else ""),
                (f"  {says}", "$quiet"),
            )
            for value, says in self._meanings.items()
        )

    def action_step(self, by: int) -> None:
        """Select the next or the previous value, wrapping around."""
        values = list(self._meanings)
        at = values.index(self.value) if self.value in self._meanings else 0
        self.value = values[(at + by) % len(values)]

    def action_take(self) -> None:
        """Confirm the value of an open list; otherwise select the next value."""
        if self.expanded:
            self.post_message(self.Confirmed(self))
        else:
            self.action_step(1)

    def on_click(self, event: events.Click) -> None:
        """Select the clicked line."""
        values = list(self._meanings)
        if self.expanded and event.y < len(values):
            self.value = values[event.y]

    def on_focus(self) -> None:
        self.refresh(layout=True)

    def on_blur(self) -> None:
        self.refresh(layout=True)

    def watch_value(self, value: str) -> None:
        self.post_message(self.Changed(self, value))


# A row of the form


class FieldRow(Horizontal):
    """A field of the form, hidden until `show_field` is called."""

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
        yield StyledLabel(classes="title")
        yield self.entry
        yield StyledLabel(classes="beside")

    def show_field(self, field: FormField | None, problem: str) -> None:
        """Show this field with its error, if any; None hides the row."""
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
        """Set the text without posting a change."""
        with self.prevent(Input.Changed, SelectField.Changed):
            self.entry.value = text
