"""The last line: the keys that matter here, and which view this is.

Owns that line, and what stands in its place when the screen is paused or filtered. Must not know
what a command does: a click runs it by its action.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from lictui.tui import commands
from lictui.tui.ink import Tone, width
from lictui.tui.widgets import paint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lictui.tui.commands import Command
    from lictui.tui.ink import Run

_NAMES: Final = {
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "escape": "esc",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "less_than_sign": "<",
    "greater_than_sign": ">",
}


def shown_key(command: Command) -> str:
    """The first key of a command as people write it."""
    key = command.each_key[0] if command.each_key else ""
    return _NAMES.get(key, key)


class Statusline(Widget):
    """One line of keys and views."""

    COMPONENT_CLASSES: ClassVar[set[str]] = paint.TONES
    DEFAULT_CSS = "Statusline { dock: bottom; height: 1; background: $panel;" + paint.CSS + "}"

    said: reactive[tuple[Run, ...]] = reactive(())  # in place of the keys

    def __init__(self, view: str, offered: Sequence[Command]) -> None:
        super().__init__()
        self._view = view
        self.offer(offered)

    def offer(self, offered: Sequence[Command]) -> None:
        """Show these commands with their keys."""
        self._keys = [command for command in offered if command.footer]
        self._views = [c for c in offered if c.id.startswith("view.")]
        self.refresh()

    def render_line(self, y: int) -> Strip:  # noqa: ARG002 - there is one line
        """Keys to the left, views to the right, as many as there is room for."""
        cells = self.size.width
        views = self._tabs()
        if sum(segment.cell_length for segment in views) > cells // 2:
            views = paint.segments(self, ((f" {self._view} ", Tone.ACCENT),))
        room = cells - sum(segment.cell_length for segment in views)
        left = paint.segments(self, self.said) if self.said else self._offered(room)
        blank = max(room - sum(segment.cell_length for segment in left), 0)
        fitted = Strip(left).adjust_cell_length(min(room, room - blank))
        gap = paint.segments(self, ((" " * blank, Tone.QUIET),))
        return Strip([*fitted, *gap, *views]).adjust_cell_length(cells)

    def _offered(self, room: int) -> list[Segment]:
        found: list[Segment] = []
        for command in self._keys:
            runs: tuple[Run, ...] = (
                (f" {shown_key(command)}", Tone.ACCENT),
                (f" {command.title.lower()} ", Tone.QUIET),
            )
            if width(runs) > room:
                break
            room -= width(runs)
            found += self._clickable(runs, command)
        return found

    def _tabs(self) -> list[Segment]:
        found: list[Segment] = []
        for command in self._views:
            here = command.id == f"view.{self._view}"
            runs = (
                (f" {shown_key(command)} ", Tone.ACCENT if here else Tone.FRAME),
                (f"{command.title.lower()} ", Tone.STRONG if here else Tone.QUIET),
            )
            found += self._clickable(runs, command)
        return found

    def _clickable(self, runs: tuple[Run, ...], command: Command) -> list[Segment]:
        action = command.action
        target = action if action.startswith("app.") else f"screen.{action}"
        meta = Style.from_meta({"@click": target})
        return [
            Segment(segment.text, (segment.style or Style()) + meta)
            for segment in paint.segments(self, runs)
        ]


def offered(screen: str, keymap: dict[str, str], *, read_only: bool) -> tuple[Command, ...]:
    """The commands of a screen as they are bound, without those that write if it is read only."""
    return tuple(
        command
        for command in commands.mapped(keymap)
        if (not command.screens or screen in command.screens) and not (command.writes and read_only)
    )
