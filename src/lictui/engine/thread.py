"""The one background thread: it polls, records and publishes, whatever the terminal does.

Owns the thread and its loop, and carries questions of other threads into it. Must not know that
there is a screen: it is handed a function to publish to.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Mapping

    from lictui.analysis.series import Series, SeriesQuery
    from lictui.analysis.usage import PastSummary, TotalKey
    from lictui.config.settings import Settings
    from lictui.engine.board import Filter, GroupBy, MergedBoard
    from lictui.engine.engine import Engine
    from lictui.engine.license_users import LicenseUsers
    from lictui.engine.product_history import ProductHistory, ProductOutlook, ProductQuery
    from lictui.model import (
        Acknowledgement,
        AlertKey,
        Event,
        JournalFilter,
        Server,
        StepResult,
    )
from lictui.sources import resolver

_T = TypeVar("_T")


class EngineThread:
    """Runs an engine in its own thread. `start`, then `go` once polling may begin."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._loop = resolver.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="monitor", daemon=True)

    def start(self) -> None:
        """Open everything; returns when the board of the last run is restored.

        Raises what opening raised.
        """
        self._thread.start()
        self._call(self.engine.open())

    def start_polling(self, publish: Callable[[MergedBoard, Settings], None]) -> None:
        """Begin to poll; `publish` is called in the monitor thread with every new board.

        Does not wait: the caller may have a frame to draw.
        """
        asyncio.run_coroutine_threadsafe(self.engine.start(publish), self._loop)

    def stop(self) -> None:
        """End polling, close everything, end the thread. Safe to call twice."""
        if not self._thread.is_alive():
            return
        self._call(self.engine.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def board(self) -> MergedBoard:
        """The newest board."""
        return self.engine.board

    def poll_now(self, name: str | None = None) -> None:
        """Poll one server, or all enabled ones, without waiting for their turn."""
        self._loop.call_soon_threadsafe(self.engine.poll_now, name)

    async def many(self, questions: tuple[SeriesQuery, ...]) -> tuple[Series, ...]:
        """Several questions about the past in one go."""
        return await self._ask(self.engine.queries.many(questions))

    async def product_history(self, query: ProductQuery) -> ProductHistory:
        """The recorded past of one product in a time range."""
        queries, settings = self.engine.queries, self.engine.settings
        return await self._ask(queries.product_history(self.board, query, settings))

    async def product_outlook(
        self, servers: tuple[str, ...], product: str
    ) -> ProductOutlook | None:
        """What is expected of one product; None if no server holds it now."""
        queries, settings = self.engine.queries, self.engine.settings
        return await self._ask(queries.product_outlook(self.board, servers, product, settings))

    async def retrospects(self, by: GroupBy) -> Mapping[TotalKey, PastSummary]:
        """What the past says of every total, as of a few minutes ago; takes a while at first."""
        return await self._ask(
            self.engine.queries.retrospects(self.board, by, self.engine.settings)
        )

    async def events(
        self,
        limit: int = 1000,
        *,
        since: float | None = None,
        before: float | None = None,
        about: JournalFilter | None = None,
    ) -> tuple[Event, ...]:
        """The journal, newest first; of the times [since, before) if given."""
        found = self.engine.queries.events(limit, since=since, before=before, about=about)
        return await self._ask(found)

    async def search(self, wanted: Filter, limit: int | None = None) -> tuple[Event, ...]:
        """What of the whole journal the filter lets through, newest first."""
        return await self._ask(self.engine.queries.search(wanted, limit))

    async def answer(self, who: AlertKey, answer: Acknowledgement | None) -> None:
        """Note what somebody says to an alert; None takes it back. Raises LictuiError."""
        await self._ask(self.engine.acknowledge(who, answer))

    async def holders(self, server: str, product: str) -> LicenseUsers:
        """Who holds `product` of a server now, as far as one may know; never raises."""
        return await self._ask(self.engine.license_users(server, product))

    async def save(self, server: Server, replacing: str | None = None) -> None:
        """Write `server` to the registry, in place of `replacing` if given; raises LictuiError."""
        await self._ask(self.engine.save(server, replacing))

    async def remove(self, name: str) -> None:
        """Take a server out of the registry; raises LictuiError."""
        await self._ask(self.engine.remove(name))

    async def test(self, server: Server) -> AsyncIterator[StepResult]:
        """Try `server` step by step; each finding as its step ends."""
        here = asyncio.get_running_loop()
        findings: asyncio.Queue[StepResult | None] = asyncio.Queue()

        async def run() -> None:
            try:
                async for finding in self.engine.test(server):
                    here.call_soon_threadsafe(findings.put_nowait, finding)
            finally:
                here.call_soon_threadsafe(findings.put_nowait, None)

        running = asyncio.run_coroutine_threadsafe(run(), self._loop)
        try:
            while (finding := await findings.get()) is not None:
                yield finding
        finally:
            running.cancel()

    async def _ask(self, question: Coroutine[Any, Any, _T]) -> _T:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(question, self._loop))

    def _call(self, command: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(command, self._loop).result()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
