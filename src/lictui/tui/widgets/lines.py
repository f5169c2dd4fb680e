"""A block of toned rows that change now and then: what did not change is not written.

Owns that economy. Must not know what the rows say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from lictui.tui.widgets import paint

if TYPE_CHECKING:
    from lictui.tui.ink import Line


class Lines(Widget):
    """Rows of toned text, as many as there is room for."""

    DEFAULT_CSS = "Lines { height: 1fr; width: 1fr;" + paint.CSS + "}"
    COMPONENT_CLASSES: ClassVar[set[str]] = set(paint.TONES)

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[Line] = []

    def show(self, rows: list[Line]) -> None:
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
        return paint.strip(self, self._rows[y], self.size.width)
