"""Why: where each figure of the chosen row comes from, over the screen it was asked on.

Owns which row is meant. Must not know what is said of it (`why_view`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from lictui.tui import commands
from lictui.tui.screens import why_view
from lictui.tui.screens.paper import Paper
from lictui.tui.span import time_zone

if TYPE_CHECKING:
    from textual.binding import BindingType

    from lictui.tui.ink import Line


class WhyScreen(Paper):
    """The figures of one product on some servers, of one subscription date if given."""

    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("why")]
    TITLE = "Why"
    FOOT = "esc closes · Y copies"

    def __init__(self, servers: tuple[str, ...], product: str, day: str | None = None) -> None:
        super().__init__()
        self._asked = (servers, product, day)

    def lines(self, width: int) -> tuple[Line, ...]:
        """Value, formula, source and age of each figure, then the raw fields."""
        app = self.lictui
        board = app.together.of(app.board)
        return why_view.lines(
            why_view.held(board, *self._asked),
            board,
            app.settings.contract,
            now=app.clock.now(),
            tz=time_zone(app.settings.timezone),
            width=width,
            symbols=app.symbols,
        )
