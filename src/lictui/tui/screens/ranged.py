"""A view whose rows have trends: over which stretch of time, as keys and state.toml have it.

Owns that choice and how it is said. Must not know what has a trend: a subclass asks and draws it
in `stretched`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lictui.tui.ink import Tone
from lictui.tui.screens.filtered import Filtered
from lictui.tui.span import Length, Span

if TYPE_CHECKING:
    from lictui.tui.ink import Run

WORDS: Final = {
    Length.DAY: "24 h",
    Length.WEEK: "week",
    Length.MONTH: "month",
    Length.YEAR: "year",
}


class Ranged(Filtered):
    """A filtered view with trends."""

    def __init__(self) -> None:
        super().__init__()
        self.length = Length.DAY

    def stretched(self) -> None:
        """Ask for trends of this length, and draw them."""

    def begin_range(self) -> None:
        """Take up the length that was left, here or in another view."""
        name = self.lictui.remembered.get("range", "").upper()
        self._become(Length[name] if name in Length.__members__ else Length.DAY)

    def on_screen_resume(self) -> None:
        """Another view may have chosen another length meanwhile."""
        self.begin_range()

    def action_shorter(self) -> None:
        """Trends of a shorter stretch of time."""
        self._chosen(Span(self.length).shorter().length)

    def action_longer(self) -> None:
        """Trends of a longer stretch of time."""
        self._chosen(Span(self.length).longer().length)

    def _chosen(self, length: Length) -> None:
        self.lictui.remember(range=length.name.lower())
        self._become(length)

    def _become(self, length: Length) -> None:
        if length is not self.length:
            self.length = length
            self.stretched()

    def range_said(self) -> tuple[Run, ...]:
        """The length, where it is not the day that everyone expects."""
        if self.length is Length.DAY:
            return ()
        return ((f" trends: {WORDS[self.length]} ", Tone.ACCENT), (" [ ] change it", Tone.QUIET))
