"""From toned text to coloured strips: the one place where tones meet the theme.

Owns the component classes that every drawn widget shares. Must not know what is drawn.
"""

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


TONES: Final = {f"ink--{tone.value}" for tone in Tone} | {"ink--chosen"}
CSS: Final = """
    & > .ink--text { color: $foreground; }
    & > .ink--strong { color: $foreground; text-style: bold; }
    & > .ink--quiet { color: $quiet; }
    & > .ink--frame { color: $frame; }
    & > .ink--accent { color: $accent; }
    & > .ink--ok { color: $success; }
    & > .ink--warn { color: $warning; }
    & > .ink--critical { color: $error; }
    & > .ink--over { color: $over; }
    & > .ink--chosen { background: $chosen; }
"""
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
_ON_CHOSEN: Final = {Tone.QUIET: Tone.TEXT, Tone.FRAME: Tone.TEXT}  # readable on any background


def segments(widget: Widget, line: Line, *, selected: bool = False) -> list[Segment]:
    """The line in the colours of the theme; on the background of the cursor if chosen."""
    if not selected:
        return [Segment(text, _style(widget, tone)) for text, tone in line]
    under = _style(widget, "chosen")
    return [
        Segment(text, _style(widget, _ON_CHOSEN.get(tone, tone)) + under) for text, tone in line
    ]


def strip(widget: Widget, line: Line, cells: int, *, selected: bool = False) -> Strip:
    """The line as one strip of `cells` cells."""
    return Strip(segments(widget, line, selected=selected)).adjust_cell_length(cells)


def _style(widget: Widget, tone: str) -> Style:
    return widget.get_component_rich_style(f"ink--{tone}", partial=tone == "chosen")


# A block of toned rows that change now and then: what did not change is not written


class StyledBlock(Widget):
    """Rows of toned text, as many as there is room for."""

    DEFAULT_CSS = "StyledBlock { height: 1fr; width: 1fr;" + CSS + "}"
    COMPONENT_CLASSES: ClassVar[set[str]] = set(TONES)

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[Line] = []

    def show_lines(self, rows: list[Line]) -> None:
        """Show these rows in place of the ones before."""
        before, self._rows = self._rows, rows
        if len(before) != len(rows):
            self.refresh()
            return
        for y, (old, new) in enumerate(zip(before, rows, strict=True)):
            if old != new:
                self.refresh(Region(0, y, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        """One row."""
        if y >= len(self._rows):
            return Strip.blank(self.size.width, self.rich_style)
        return strip(self, self._rows[y], self.size.width)


# Toned text that wraps: for panels, where rows are few and words are many


_STYLE: Final = {
    Tone.TEXT: "",
    Tone.STRONG: "bold",
    Tone.QUIET: "$quiet",
    Tone.FRAME: "$frame",
    Tone.ACCENT: "$accent",
    Tone.OK: "$success",
    Tone.WARN: "$warning",
    Tone.CRITICAL: "$error",
    Tone.OVER: "$over",
}


def to_content(lines: Iterable[Line]) -> Content:
    """Lines of toned text as Textual draws them."""
    return Content("\n").join(
        Content.assemble(*((text, _STYLE[tone]) for text, tone in line)) for line in lines
    )


class StyledLabel(Static):
    """A Static that is given lines of toned text; the same lines again cost nothing."""

    DEFAULT_CSS = "StyledLabel { height: auto; width: 1fr; }"

    def __init__(self, *lines: Line, **kwargs: Any) -> None:
        super().__init__(to_content(lines), markup=False, **kwargs)
        self._said = lines

    def show_lines(self, *lines: Line) -> None:
        """Show these lines in place of what was shown."""
        if lines != self._said:
            self._said = lines
            self.update(to_content(lines))

    @property
    def plain_text(self) -> str:
        """What is shown, as plain text."""
        return "\n".join("".join(text for text, _ in line) for line in self._said)
