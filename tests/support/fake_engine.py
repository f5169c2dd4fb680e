"""An engine that answers from what it is given, and remembers what it was asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lictui.analysis.series import Series, SeriesQuery
from lictui.model import (
    Acknowledgement,
    AlertKey,
    Event,
    JournalFilter,
    MonthlyUsage,
    PoolKey,
    Server,
    StepResult,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from lictui.analysis.usage import PastSummary, TotalKey
    from lictui.engine.board import Filter, GroupBy
    from lictui.engine.license_users import LicenseUsers


def _nothing(question: SeriesQuery) -> Series:
    return Series((), question.width)


@dataclass
class FakeEngine:
    """`lictui.tui.engine.Engine` without a thread; raises `refusal` from save and remove."""

    series_of: Callable[[SeriesQuery], Series] = _nothing
    pool_keys: tuple[tuple[str, PoolKey], ...] = ()
    months: tuple[MonthlyUsage, ...] = ()
    journal: tuple[Event, ...] = ()
    test_steps: tuple[StepResult, ...] = ()
    license_users: dict[str, LicenseUsers] = field(default_factory=dict)  # by server
    past_summaries: dict[TotalKey, PastSummary] = field(
        default_factory=dict
    )  # by scope, product, model
    error: Exception | None = None
    polled: list[str | None] = field(default_factory=list)
    queries: list[SeriesQuery] = field(default_factory=list)
    holder_queries: list[tuple[str, str]] = field(default_factory=list)
    summary_queries: list[GroupBy] = field(default_factory=list)
    tested: list[Server] = field(default_factory=list)
    saved: list[tuple[Server, str | None]] = field(default_factory=list)
    searches: list[Filter] = field(default_factory=list)
    acknowledged: list[tuple[AlertKey, Acknowledgement | None]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    def poll_now(self, name: str | None = None) -> None:
        self.polled.append(name)

    async def series(self, question: SeriesQuery) -> Series:
        self.queries.append(question)
        return self.series_of(question)

    async def many(self, questions: tuple[SeriesQuery, ...]) -> tuple[Series, ...]:
        return tuple([await self.series(question) for question in questions])

    async def pools(
        self, servers: tuple[str, ...], product: str
    ) -> tuple[tuple[str, PoolKey], ...]:
        return tuple(
            (name, key)
            for name, key in self.pool_keys
            if name in servers and key.product == product
        )

    async def retrospects(self, by: GroupBy) -> dict[TotalKey, PastSummary]:
        self.summary_queries.append(by)
        return self.past_summaries

    async def told(self, server: str, key: PoolKey) -> tuple[MonthlyUsage, ...]:
        del server
        return tuple(month for month in self.months if month.key == key)

    async def events(
        self,
        limit: int = 1000,
        *,
        since: float | None = None,
        before: float | None = None,
        about: JournalFilter | None = None,
    ) -> tuple[Event, ...]:
        about = about or JournalFilter()
        return tuple(
            each
            for each in self.journal
            if (since is None or each.time >= since)
            and (before is None or each.time < before)
            and (not about.servers or each.server in about.servers)
            and (not about.product or each.product in ("", about.product))
            and (not about.kinds or each.kind in about.kinds)
        )[:limit]

    async def search(self, wanted: Filter, limit: int | None = None) -> tuple[Event, ...]:
        self.searches.append(wanted)
        found = (it for it in self.journal if wanted((it.server, it.product, it.message)))
        return tuple(found)[:limit]

    async def answer(self, who: AlertKey, answer: Acknowledgement | None) -> None:
        if self.error:
            raise self.error
        self.acknowledged.append((who, answer))

    async def holders(self, server: str, product: str) -> LicenseUsers:
        self.holder_queries.append((server, product))
        return self.license_users[server]

    async def test(self, server: Server) -> AsyncIterator[StepResult]:
        self.tested.append(server)
        for finding in self.test_steps:
            yield finding

    async def save(self, server: Server, replacing: str | None = None) -> None:
        if self.error:
            raise self.error
        self.saved.append((server, replacing))

    async def remove(self, name: str) -> None:
        if self.error:
            raise self.error
        self.removed.append(name)
