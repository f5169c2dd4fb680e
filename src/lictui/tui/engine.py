"""What screens may ask of the engine: `EngineThread` implements it, tests fake it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Mapping

    from lictui.analysis.series import Series, SeriesQuery
    from lictui.analysis.usage import PastSummary, TotalKey
    from lictui.engine.board import Filter, GroupBy
    from lictui.engine.license_users import LicenseUsers
    from lictui.engine.product_history import ProductHistory, ProductOutlook, ProductQuery
    from lictui.model import Acknowledgement, AlertKey, Event, Server, StepResult

_T = TypeVar("_T")


class HistoryAnswers(Protocol):
    """Answers from the history; `lictui.engine.queries.HistoryQueries` describes them."""

    async def series_batch(self, queries: tuple[SeriesQuery, ...]) -> tuple[Series, ...]: ...

    async def product_history(self, query: ProductQuery) -> ProductHistory: ...

    async def product_outlook(
        self, servers: tuple[str, ...], product: str
    ) -> ProductOutlook | None: ...

    async def summaries(self, by: GroupBy) -> Mapping[TotalKey, PastSummary]: ...

    async def events(self, limit: int) -> tuple[Event, ...]: ...

    async def search(self, pattern: Filter, limit: int | None = None) -> tuple[Event, ...]: ...


class EngineAnswers(Protocol):
    """What a question to the engine may use; `lictui.engine.engine.Engine` describes it."""

    @property
    def history(self) -> HistoryAnswers: ...

    async def acknowledge(self, key: AlertKey, acknowledgement: Acknowledgement | None) -> None: ...

    async def query_license_users(self, server: str, product: str) -> LicenseUsers: ...

    async def save(self, server: Server, replacing: str | None = None) -> None: ...

    async def remove(self, name: str) -> None: ...


class EngineClient(Protocol):
    """The engine, as seen from another thread."""

    def poll_now(self, name: str | None = None) -> None:
        """Poll one server, or all enabled ones, without waiting for their turn."""
        ...

    async def ask(self, question: Callable[[EngineAnswers], Coroutine[Any, Any, _T]]) -> _T:
        """Run a question in the thread of the engine: one hop, whatever it combines."""
        ...

    def test(self, server: Server) -> AsyncIterator[StepResult]:
        """Test the connection to a server, saved or not; yield each step as it ends."""
        ...
