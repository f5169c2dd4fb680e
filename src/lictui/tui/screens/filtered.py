"""A view that `/` narrows: the filter as it is typed, kept, said and undone.

Owns that. Must not know what is filtered: a subclass draws it in `narrowed`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on

from lictui.engine.board import ALL
from lictui.tui import text
from lictui.tui.ink import Tone
from lictui.tui.messages import FilterClosed, FilterTyped
from lictui.tui.screens.view import View

if TYPE_CHECKING:
    from lictui.engine.board import Filter
    from lictui.tui.ink import Run
    from lictui.tui.widgets.filterbar import FilterBar


class Filtered(View):
    """A view with a filter."""

    ROWS: ClassVar[str] = "server"  # what one of those is called that are counted

    def __init__(self) -> None:
        super().__init__()
        self.filter = ALL
        self.spelled = ""
        self._bar: FilterBar | None = None  # made when first wanted: few starts need it

    def narrowed(self) -> None:
        """Draw what the filter lets through."""

    def found(self) -> int:
        """How much of it there is."""
        return 0

    def standing(self) -> tuple[Run, ...]:
        """Paused, filtered, or nothing."""
        if (said := super().standing()) or self.filter.pattern is None:
            return said
        found = self.found()
        rows = self.ROWS if found == 1 else f"{self.ROWS}s"
        return (
            (f" /{text.clean(self.spelled)} ", Tone.ACCENT),
            (f" {found} {rows} ", Tone.TEXT) if found else (" no match ", Tone.WARN),
            (" esc shows all", Tone.QUIET),
        )

    async def action_filter(self) -> None:
        """Type a filter."""
        if self._bar is None:
            from lictui.tui.widgets.filterbar import FilterBar  # noqa: PLC0415 - not for first frames

            self._bar = FilterBar()
            await self.mount(self._bar)
        self._bar.open(self.spelled)

    def action_back(self) -> None:
        """Undo the filter; without one, leave."""
        if not self.unfilter():
            super().action_back()

    def unfilter(self) -> bool:
        """Show all again; False if there was nothing to undo."""
        typing = self._bar is not None and self._bar.display
        if self._bar is not None and typing:
            self._bar.close()
        undone = typing or self.filter.pattern is not None
        self._narrow(ALL, "")
        return undone

    def _narrow(self, wanted: Filter, spelled: str) -> None:
        self.filter, self.spelled = wanted, spelled
        self.narrowed()
        self.say(self.standing())

    @on(FilterTyped)
    def _typed(self, event: FilterTyped) -> None:
        if self._bar is not None and self._bar.display:
            self._narrow(event.wanted, event.spelled)
            self._bar.word("" if self.found() else "no match")

    @on(FilterClosed)
    def focus_body(self) -> None:
        """Let the keys go to what was filtered."""
        self.query_one("#body").focus()
