"""Looking back for those who watch: each look at the past is taken once, and anew when it is old.

Owns how old a look may be, and that two who ask meanwhile share one. Must not know what is looked
for (`retrospects`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lictui.history.peaks import Memory
from lictui.monitor.together import Together

if TYPE_CHECKING:
    from lictui.analysis.usage import Key, Retrospect
    from lictui.clock import Clock
    from lictui.config.settings import Settings
    from lictui.history.store import History
    from lictui.monitor.board import Board
    from lictui.monitor.totals import By

_FRESH: Final = 300.0  # seconds for which a look is good
_REST: Final = 10  # times as long as a look took, before the next: a large estate's takes a while


@dataclass(slots=True)
class _Look:
    began: float
    board: Board
    task: asyncio.Task[dict[Key, Retrospect]]
    took: float = 0.0


class Back:
    """Looks back, and remembers what it saw."""

    def __init__(self, history: History, clock: Clock) -> None:
        self._history = history
        self._clock = clock
        self._memory = Memory()
        self._together = Together()
        self._looks: dict[By, _Look] = {}

    async def look(self, board: Board, by: By, settings: Settings) -> dict[Key, Retrospect]:
        """What the past says of the totals of `board`, as of a few minutes ago at most.

        Raises LictuiError.
        """
        board, now = self._together.of(board), self._clock.monotonic()
        known = self._looks.get(by)
        if known is None or self._old(known, board, now):
            task = asyncio.create_task(self._look(board, by, settings), name="look back")
            known = self._looks[by] = _Look(now, board, task)
        try:
            return await asyncio.shield(known.task)
        except Exception:
            self._looks.pop(by, None)
            raise

    def _old(self, known: _Look, board: Board, now: float) -> bool:
        if not known.task.done():
            return False
        names = [[status.server for status in each.servers] for each in (known.board, board)]
        return names[0] != names[1] or now - known.began >= max(_FRESH, _REST * known.took)

    async def _look(self, board: Board, by: By, settings: Settings) -> dict[Key, Retrospect]:
        from zoneinfo import ZoneInfo  # noqa: PLC0415 - as above

        from lictui.monitor.retrospects import Look, retrospects  # noqa: PLC0415 - as above

        began = self._clock.monotonic()
        zone = ZoneInfo(settings.timezone) if settings.timezone else None
        look = Look(self._clock.now(), zone, settings.alerts)
        found = await retrospects(self._history, self._memory, board, by, look, self._clock)
        self._looks[by].took = self._clock.monotonic() - began
        return found

    async def close(self) -> None:
        """Look no further."""
        tasks = [known.task for known in self._looks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
