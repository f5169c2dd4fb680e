"""Toned text that wraps: for panels, where rows are few and words are many.

Owns the way from tones to the theme's colours in a Static. Must not know what is said. The text
is never read as markup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from textual.content import Content
from textual.widgets import Static

from lictui.tui.ink import Tone

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lictui.tui.ink import Line

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


def content(lines: Iterable[Line]) -> Content:
    """Lines of toned text as Textual draws them."""
    return Content("\n").join(
        Content.assemble(*((text, _STYLE[tone]) for text, tone in line)) for line in lines
    )


class Prose(Static):
    """A Static that is given lines of toned text; the same lines again cost nothing."""

    DEFAULT_CSS = "Prose { height: auto; width: 1fr; }"

    def __init__(self, *lines: Line, **kwargs: Any) -> None:
        super().__init__(content(lines), markup=False, **kwargs)
        self._said = lines

    def say(self, *lines: Line) -> None:
        """Show these lines in place of what was shown."""
        if lines != self._said:
            self._said = lines
            self.update(content(lines))

    @property
    def said(self) -> str:
        """What is shown, as plain text."""
        return "\n".join("".join(text for text, _ in line) for line in self._said)
