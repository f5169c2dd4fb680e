"""A choice of a few, on one line, made with left and right.

Owns the drawing and keys of a choice. Must not know what is chosen between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

if TYPE_CHECKING:
    from textual.binding import BindingType


class Choice(Widget, can_focus=True):
    """One of several values, each with a word on what it means."""

    DEFAULT_CSS = """
    Choice {
        height: 1;
        width: 1fr;
        background: $surface;
        &:focus { background: $chosen; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", show=False),
        Binding("right,space,enter", "step(1)", show=False),
    ]

    value: reactive[str] = reactive("", init=False)

    @dataclass
    class Changed(Message):
        """Something else was chosen."""

        choice: Choice
        value: str

        @property
        def control(self) -> Choice:
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
        self.set_reactive(Choice.value, value)

    def render(self) -> Content:
        """The chosen value between arrows, and what it means."""
        left, right = self._arrows
        return Content.assemble(
            (f"{left} ", "$accent"),
            (self.value, "bold"),
            (f" {right}", "$accent"),
            (f"  {self._says.get(self.value, '')}", "$quiet"),
        )

    def action_step(self, by: int) -> None:
        """The next or the previous value, round and round."""
        values = list(self._says)
        at = values.index(self.value) if self.value in self._says else 0
        self.value = values[(at + by) % len(values)]

    def watch_value(self, value: str) -> None:
        """Tell who cares."""
        self.post_message(self.Changed(self, value))
