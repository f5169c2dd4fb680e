"""An engine with prepared answers that records every query."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from tests.support.clock import FakeClock

from lictui.analysis.columns import Series
from lictui.analysis.series import SeriesQuery
from lictui.analysis.usage import PastSummary, TotalKey
from lictui.clock import Clock
from lictui.config.settings import Settings
from lictui.engine.board import Filter, GroupBy, MergedBoard
from lictui.engine.license_users import LicenseUsers
from lictui.engine.product_history import ProductHistory, ProductOutlook, ProductQuery
from lictui.engine.product_reader import ProductHistoryReader
from lictui.history.pools import KnownPool
from lictui.history.store import History
from lictui.model import (
    Acknowledgement,
    AlertKey,
    Event,
    JournalFilter,
    Model,
    MonthlyUsage,
    PoolKey,
    Server,
    StepResult,
)

_T = TypeVar("_T")


def _nothing(question: SeriesQuery) -> Series:
    return Series.of((), question.width)


@dataclass
class FakeHistory:
    """What `ProductHistoryReader` reads of a `History`, and nothing else of it."""

    series: Callable[[SeriesQuery], Series] = _nothing
    pool_keys: tuple[tuple[str, PoolKey], ...] = ()
    months: tuple[MonthlyUsage, ...] = ()
    journal: tuple[Event, ...] = ()

    def reader(self, clock: Clock) -> ProductHistoryReader:
        return ProductHistoryReader(cast("History", self), clock)

    def pools(self) -> tuple[KnownPool, ...]:
        return tuple(
            KnownPool(
                index, server, key.product, key.subscription_date, Model.OTHER.value, "", 0, None, 0
            )
            for index, (server, key) in enumerate(self.pool_keys)
        )

    def series_batch(self, queries: Iterable[SeriesQuery]) -> tuple[Series, ...]:
        return tuple(map(self.series, queries))

    def monthly_usage(self, server: str, key: PoolKey) -> tuple[MonthlyUsage, ...]:
        del server
        return tuple(month for month in self.months if month.key == key)

    def events(
        self,
        limit: int,
        before: float | None = None,
        since: float | None = None,
        wanted: JournalFilter | None = None,
    ) -> tuple[Event, ...]:
        """The events in [since, before) that match."""
        wanted = wanted or JournalFilter()
        return tuple(
            event
            for event in self.journal
            if (since is None or event.time >= since)
            and (before is None or event.time < before)
            and (not wanted.servers or event.server in wanted.servers)
            and (not wanted.product or event.product in ("", wanted.product))
            and (not wanted.kinds or event.kind in wanted.kinds)
        )[:limit]


@dataclass
class FakeEngine:
    """`lictui.tui.app.EngineClient` without a thread; raises `error` from save and remove."""

    series_of: Callable[[SeriesQuery], Series] = _nothing
    pool_keys: tuple[tuple[str, PoolKey], ...] = ()
    months: tuple[MonthlyUsage, ...] = ()
    journal: tuple[Event, ...] = ()
    test_steps: tuple[StepResult, ...] = ()
    license_users: dict[str, LicenseUsers] = field(default_factory=dict)  # by server
    past_summaries: dict[TotalKey, PastSummary] = field(default_factory=dict)
    since: dict[str, float] = field(default_factory=dict)  # by server
    error: Exception | None = None
    polled: list[str | None] = field(default_factory=list)
    queries: list[SeriesQuery] = field(default_factory=list)
    product_queries: list[ProductQuery] = field(default_factory=list)
    outlook_queries: list[tuple[tuple[str, ...], str, GroupBy | None]] = field(default_factory=list)
    holder_queries: list[tuple[str, str]] = field(default_factory=list)
    summary_queries: list[GroupBy] = field(default_factory=list)
    tested: list[Server] = field(default_factory=list)
    saved: list[tuple[Server, str | None]] = field(default_factory=list)
    stored: dict[str, str] = field(default_factory=dict)
    acknowledged: list[tuple[AlertKey, Acknowledgement | None]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    board: Callable[[], MergedBoard] = MergedBoard  # set by `running_app`
    settings: Callable[[], Settings] = Settings
    clock: Clock = field(default_factory=FakeClock)

    @property
    def history(self) -> FakeEngine:
        return self

    async def ask(self, question: Callable[[Any], Coroutine[Any, Any, _T]]) -> _T:
        return await question(self)

    def poll_now(self, name: str | None = None) -> None:
        self.polled.append(name)

    async def series_batch(self, queries: tuple[SeriesQuery, ...]) -> tuple[Series, ...]:
        return tuple(self._series(query) for query in queries)

    def _series(self, query: SeriesQuery) -> Series:
        self.queries.append(query)
        return self.series_of(query)

    async def product_history(self, query: ProductQuery) -> ProductHistory:
        self.product_queries.append(query)
        return await self._reader().history(self.board(), query, self.settings())

    async def product_outlook(
        self, servers: tuple[str, ...], product: str, by: GroupBy | None = None
    ) -> ProductOutlook | None:
        self.outlook_queries.append((servers, product, by))
        return await self._reader().outlook(self.board(), servers, product, self.settings(), by)

    def _reader(self) -> ProductHistoryReader:
        history = FakeHistory(self._series, self.pool_keys, self.months, self.journal)
        return history.reader(self.clock)

    async def summaries(self, by: GroupBy) -> dict[TotalKey, PastSummary]:
        self.summary_queries.append(by)
        return self.past_summaries

    async def recorded_since(self, server: str) -> float | None:
        return self.since.get(server)

    async def events(self, limit: int) -> tuple[Event, ...]:
        return self.journal[:limit]

    async def search(self, pattern: Filter, limit: int | None = None) -> tuple[Event, ...]:
        return tuple(
            event for event in self.journal if pattern((event.server, event.product, event.message))
        )[:limit]

    async def acknowledge(self, key: AlertKey, acknowledgement: Acknowledgement | None) -> None:
        if self.error:
            raise self.error
        self.acknowledged.append((key, acknowledgement))

    async def query_license_users(self, server: str, product: str) -> LicenseUsers:
        self.holder_queries.append((server, product))
        return self.license_users[server]

    async def test(self, server: Server) -> AsyncIterator[StepResult]:
        self.tested.append(server)
        for finding in self.test_steps:
            yield finding

    async def save(self, server: Server, replacing: Server | None = None) -> None:
        if self.error:
            raise self.error
        self.saved.append((server, replacing.name if replacing else None))

    async def store_secret(self, name: str, secret: str) -> str:
        self.stored[name] = secret
        return f"file:/secrets/{name}"

    async def remove(self, name: str) -> None:
        if self.error:
            raise self.error
        self.removed.append(name)
