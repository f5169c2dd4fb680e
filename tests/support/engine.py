"""An engine that answers from what it is given, and remembers what it was asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lictui.analysis.series import Question, Series
from lictui.model import About, Answer, Event, Finding, Identity, PoolKey, Server, Told

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from lictui.analysis.usage import Key, Retrospect
    from lictui.engine.board import By, Filter
    from lictui.engine.holders import Holders


def _nothing(question: Question) -> Series:
    return Series((), question.bucket)


@dataclass
class FakeEngine:
    """`lictui.tui.engine.Engine` without a thread; raises `refusal` from save and remove."""

    past: Callable[[Question], Series] = _nothing
    held: tuple[tuple[str, PoolKey], ...] = ()
    months: tuple[Told, ...] = ()
    journal: tuple[Event, ...] = ()
    findings: tuple[Finding, ...] = ()
    holdings: dict[str, Holders] = field(default_factory=dict)  # by server
    past_of: dict[Key, Retrospect] = field(default_factory=dict)  # by scope, product, model
    refusal: Exception | None = None
    polled: list[str | None] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    asked_holders: list[tuple[str, str]] = field(default_factory=list)
    looked_back: list[By] = field(default_factory=list)
    tested: list[Server] = field(default_factory=list)
    saved: list[tuple[Server, str | None]] = field(default_factory=list)
    searched: list[Filter] = field(default_factory=list)
    answered: list[tuple[Identity, Answer | None]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    def poll_now(self, name: str | None = None) -> None:
        self.polled.append(name)

    async def series(self, question: Question) -> Series:
        self.questions.append(question)
        return self.past(question)

    async def many(self, questions: tuple[Question, ...]) -> tuple[Series, ...]:
        return tuple([await self.series(question) for question in questions])

    async def pools(
        self, servers: tuple[str, ...], product: str
    ) -> tuple[tuple[str, PoolKey], ...]:
        return tuple(
            (name, key) for name, key in self.held if name in servers and key.product == product
        )

    async def retrospects(self, by: By) -> dict[Key, Retrospect]:
        self.looked_back.append(by)
        return self.past_of

    async def told(self, server: str, key: PoolKey) -> tuple[Told, ...]:
        del server
        return tuple(month for month in self.months if month.key == key)

    async def events(
        self,
        limit: int = 1000,
        *,
        since: float | None = None,
        before: float | None = None,
        about: About | None = None,
    ) -> tuple[Event, ...]:
        about = about or About()
        return tuple(
            each
            for each in self.journal
            if (since is None or each.at >= since)
            and (before is None or each.at < before)
            and (not about.servers or each.server in about.servers)
            and (not about.product or each.product in ("", about.product))
            and (not about.kinds or each.kind in about.kinds)
        )[:limit]

    async def search(self, wanted: Filter, limit: int | None = None) -> tuple[Event, ...]:
        self.searched.append(wanted)
        found = (it for it in self.journal if wanted((it.server, it.product, it.message)))
        return tuple(found)[:limit]

    async def answer(self, who: Identity, answer: Answer | None) -> None:
        if self.refusal:
            raise self.refusal
        self.answered.append((who, answer))

    async def holders(self, server: str, product: str) -> Holders:
        self.asked_holders.append((server, product))
        return self.holdings[server]

    async def test(self, server: Server) -> AsyncIterator[Finding]:
        self.tested.append(server)
        for finding in self.findings:
            yield finding

    async def save(self, server: Server, replacing: str | None = None) -> None:
        if self.refusal:
            raise self.refusal
        self.saved.append((server, replacing))

    async def remove(self, name: str) -> None:
        if self.refusal:
            raise self.refusal
        self.removed.append(name)
