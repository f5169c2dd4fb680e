"""What a terminal too small for anything else says. Owns the smallest size that is drawn at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.widget import Widget

if TYPE_CHECKING:
    from textual.geometry import Size

SMALLEST: Final = (40, 10)


def fits(size: Size) -> bool:
    """Whether a screen of this size can be drawn."""
    return size.width >= SMALLEST[0] and size.height >= SMALLEST[1]


class TooSmall(Widget):
    """Covers the whole screen and says what it needs."""

    DEFAULT_CSS = """
    TooSmall {
        width: 100%;
        height: 100%;
        background: $background;
        color: $foreground;
        content-align: center middle;
        text-align: center;
    }
    """

    def render(self) -> str:
        """The one sentence, with the size there is."""
        here = self.app.size
        return f"needs {SMALLEST[0]}x{SMALLEST[1]}\nthis is {here.width}x{here.height}"
