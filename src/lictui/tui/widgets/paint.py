"""From toned text to coloured strips: the one place where tones meet the theme.

Owns the component classes that every drawn widget shares. Must not know what is drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.segment import Segment
from textual.strip import Strip

from lictui.tui.ink import Tone

if TYPE_CHECKING:
    from rich.style import Style
    from textual.widget import Widget

    from lictui.tui.ink import Line

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


def segments(widget: Widget, line: Line, *, chosen: bool = False) -> list[Segment]:
    """The line in the colours of the theme; on the background of the cursor if chosen."""
    if not chosen:
        return [Segment(text, _style(widget, tone)) for text, tone in line]
    under = _style(widget, "chosen")
    return [
        Segment(text, _style(widget, _ON_CHOSEN.get(tone, tone)) + under) for text, tone in line
    ]


def strip(widget: Widget, line: Line, cells: int, *, chosen: bool = False) -> Strip:
    """The line as one strip of `cells` cells."""
    return Strip(segments(widget, line, chosen=chosen)).adjust_cell_length(cells)


def _style(widget: Widget, tone: str) -> Style:
    return widget.get_component_rich_style(f"ink--{tone}", partial=tone == "chosen")
