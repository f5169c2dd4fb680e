"""Questions about the past, for those who watch: series, pools, months, the journal.

Owns what is answered where there is no history: nothing. Must not know what is true now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lictui.analysis.series import Series
from lictui.monitor.search import look_through

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lictui.analysis.series import Question
    from lictui.analysis.usage import Key, Retrospect
    from lictui.clock import Clock
    from lictui.config.settings import Settings
    from lictui.history.store import History
    from lictui.model import About, Event, PoolKey, Told
    from lictui.monitor.back import Back
    from lictui.monitor.board import Board
    from lictui.monitor.matching import Filter
    from lictui.monitor.totals import By


class Past:
    """What the history answers; all of it in the loop it is asked in. Raises LictuiError."""

    def __init__(self, history: History | None, clock: Clock) -> None:
        self._history = history
        self._clock = clock
        self._back: Back | None = None

    async def aclose(self) -> None:
        """End what is being looked for."""
        if self._back:
            await self._back.close()

    async def many(self, questions: tuple[Question, ...]) -> tuple[Series, ...]:
        """Series; without a history every one is empty."""
        if self._history is None:
            return tuple(Series((), question.bucket) for question in questions)
        return self._history.many(questions)

    async def pools(
        self, servers: tuple[str, ...], product: str
    ) -> tuple[tuple[str, PoolKey], ...]:
        """Every pool of `product` that was ever read of these servers, as a question names it."""
        if self._history is None:
            return ()
        return tuple(
            (pool.server, pool.key)
            for pool in self._history.pools()
            if pool.product == product and pool.server in servers
        )

    async def retrospects(
        self, board: Board, by: By, settings: Settings
    ) -> Mapping[Key, Retrospect]:
        """What the past says of every total, as of a few minutes ago; takes a while at first."""
        if self._history is None:
            return {}
        if self._back is None:
            from lictui.monitor.back import Back  # noqa: PLC0415 - start-up looks at no past

            self._back = Back(self._history, self._clock)
        return await self._back.look(board, by, settings)

    async def told(self, server: str, key: PoolKey) -> tuple[Told, ...]:
        """The months the source told of a pool's past."""
        return self._history.told(server, key) if self._history else ()

    async def events(
        self,
        limit: int = 1000,
        *,
        since: float | None = None,
        before: float | None = None,
        about: About | None = None,
    ) -> tuple[Event, ...]:
        """The journal, newest first; of the times [since, before) if given."""
        return self._history.events(limit, before, since, about) if self._history else ()

    async def search(self, wanted: Filter, limit: int | None = None) -> tuple[Event, ...]:
        """What of the whole journal the filter lets through, newest first; at most `limit`."""
        if self._history is None:
            return ()
        return await look_through(self._history, wanted, limit, self._clock)
