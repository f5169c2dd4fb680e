"""Styled text: maps tones to the colors of the theme."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from rich.segment import Segment
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from lictui.tui.text import Line, Tone

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.style import Style


_COLORS: Final = {
    Tone.TEXT: "$foreground",
    Tone.STRONG: "$foreground",
    Tone.QUIET: "$quiet",
    Tone.FRAME: "$frame",
    Tone.ACCENT: "$accent",
    Tone.OK: "$success",
    Tone.WARN: "$warning",
    Tone.CRITICAL: "$error",
    Tone.OVER: "$over",
}
TONES: Final = {f"tone--{tone}" for tone in Tone} | {"tone--selected"}
CSS: Final = (
    " ".join(f"& > .tone--{tone} {{ color: {color}; }}" for tone, color in _COLORS.items())
    + "& > .tone--strong { text-style: bold; } & > .tone--selected { background: $chosen; }"
)
SCROLL: Final = """
    scrollbar-gutter: stable;
    scrollbar-size: 0 1;
    scrollbar-color: $frame;
    scrollbar-color-hover: $quiet;
    scrollbar-color-active: $quiet;
    scrollbar-background: $background;
    scrollbar-background-hover: $background;
    scrollbar-background-active: $background;
"""
_ON_SELECTION: Final = {Tone.QUIET: Tone.TEXT, Tone.FRAME: Tone.TEXT}  # readable on any background


def segments(widget: Widget, line: Line, *, selected: bool = False) -> list[Segment]:
    """Return the line in the colors of the theme, on the cursor's background if selected."""
    if not selected:
        return [Segment(text, _style(widget, tone)) for text, tone in line]
    under = _style(widget, "selected")
    return [
        Segment(text, _style(widget, _ON_SELECTION.get(tone, tone)) + under) for text, tone in line
    ]


def strip(widget: Widget, line: Line, cells: int, *, selected: bool = False) -> Strip:
    """Return the line as one strip of `cells` cells."""
    return Strip(segments(widget, line, selected=selected)).adjust_cell_length(cells)


def _style(widget: Widget, tone: str) -> Style:
    return widget.get_component_rich_style(f"tone--{tone}", partial=tone == "selected")


# A block of styled lines


class StyledBlock(Widget):
    """Lines of styled text; only changed lines are repainted."""

    DEFAULT_CSS = "StyledBlock { height: 1fr; width: 1fr;" + CSS + "}"
    COMPONENT_CLASSES: ClassVar[set[str]] = set(TONES)

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[Line] = []

    def show_lines(self, rows: list[Line]) -> None:
        before, self._rows = self._rows, rows
        if len(before) != len(rows):
            self.refresh()
            return
        for y, (old, new) in enumerate(zip(before, rows, strict=True)):
            if old != new:
                self.refresh(Region(0, y, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        if y >= len(self._rows):
            return Strip.blank(self.size.width, self.rich_style)
        return strip(self, self._rows[y], self.size.width)


# Styled text that wraps


_STYLES: Final = {**_COLORS, Tone.TEXT: "", Tone.STRONG: "bold"}


def to_content(lines: Iterable[Line]) -> Content:
    """Return the lines as Textual content."""
    return Content("\n").join(
        Content.assemble(*((text, _STYLES[tone]) for text, tone in line)) for line in lines
    )


class StyledLabel(Static):
    """A wrapping label of styled lines; equal lines are not drawn again."""

    DEFAULT_CSS = "StyledLabel { height: auto; width: 1fr; }"

    def __init__(self, *lines: Line, **kwargs: Any) -> None:
        super().__init__(to_content(lines), markup=False, **kwargs)
        self._lines = lines

    def show_lines(self, *lines: Line) -> None:
        if lines != self._lines:
            self._lines = lines
            self.update(to_content(lines))

    @property
    def plain_text(self) -> str:
        return "\n".join("".join(text for text, _ in line) for line in self._lines)
