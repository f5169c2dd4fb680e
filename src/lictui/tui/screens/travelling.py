"""A view of a stretch of time: longer and shorter, back and forth.

Owns the stretch and the keys that change it. Must not know what is shown of it.
"""

from __future__ import annotations

from lictui.tui.screens.view import View
from lictui.tui.span import Length, Span


class Travelling(View):
    """A view with a stretch of time; a subclass says what to do when it changed."""

    def __init__(self) -> None:
        super().__init__()
        self.span = Span()

    def travelled(self) -> None:
        """The stretch is another one now."""
        raise NotImplementedError

    def _go(self, span: Span) -> None:
        if span != self.span:
            self.span = span
            self.travelled()

    def action_range(self, length: str) -> None:
        """So much time, up to now."""
        self._go(Span(Length[length.upper()]))

    def action_longer(self) -> None:
        """More time."""
        self._go(self.span.longer())

    def action_shorter(self) -> None:
        """Less time."""
        self._go(self.span.shorter())

    def action_earlier(self) -> None:
        """Back in time."""
        self._go(self.span.earlier())

    def action_later(self) -> None:
        """Forward in time."""
        self._go(self.span.later())
