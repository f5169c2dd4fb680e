"""The requirements of Citrix Cloud's Usage Insights, over the servers view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lictui.engine.usage_insights import Requirement, requirements
from lictui.model import ACCOUNT_SOURCES
from lictui.time_range import format_moment
from lictui.tui.screens.dialogs import TextDialog
from lictui.tui.text import Line, Tone, hang

if TYPE_CHECKING:
    from collections.abc import Iterator


class CloudAssistantScreen(TextDialog):
    """The requirements of one server, over the servers view."""

    VIEW = "cloud_assistant"
    TITLE = "Citrix Cloud: Usage Insights"

    def __init__(self, server: str) -> None:
        super().__init__()
        self._server = server

    def lines(self, width: int) -> tuple[Line, ...]:
        """A title, then each requirement; nothing if the server was removed meanwhile."""
        board = self.lictui.board
        status = board.find(self._server)
        if status is None:
            return ()
        is_account = status.server.source in ACCOUNT_SOURCES
        name = "a license server" if is_account else status.server.name
        lines: list[Line] = [(("Requirements for ", Tone.TEXT), (name, Tone.STRONG))]
        for requirement in requirements(board, status):
            lines += self._requirement_lines(requirement, width)
        return tuple(lines)

    def _requirement_lines(self, entry: Requirement, width: int) -> Iterator[Line]:
        """A requirement with its sign, its detail, and what to do."""
        symbols = self.lictui.symbols
        signs = {
            True: (symbols.passed, Tone.OK),
            False: (symbols.failed, Tone.CRITICAL),
            None: ("?", Tone.QUIET),
        }
        sign, tone = signs[entry.met]
        yield from hang(((f"{sign} ", tone),), ((entry.title, Tone.STRONG),), width)
        detail_tone = Tone.TEXT if entry.met is not None else Tone.QUIET
        today = self.current_time.today
        last = f", last {format_moment(entry.last, self.zone, today)}" if entry.last else ""
        yield from hang((("  ", tone),), ((entry.detail + last, detail_tone),), width)
        if entry.action and not entry.met:
            arrow = (f"  {symbols.arrow} ", Tone.ACCENT)
            yield from hang((arrow,), ((entry.action, Tone.ACCENT),), width)
