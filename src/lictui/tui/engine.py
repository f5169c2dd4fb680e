"""What the screens may ask of the engine, as a protocol: the monitor fulfils it, tests fake it.

Owns the list of questions and commands. Must not know threads, sockets or SQL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from lictui.analysis.series import Series, SeriesQuery
    from lictui.analysis.usage import PastSummary, TotalKey
    from lictui.engine.board import Filter, GroupBy
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


class Engine(Protocol):
    """Everything a screen can want that is not on the board. Awaitables of the caller's loop."""

    def poll_now(self, name: str | None = None) -> None:
        """Poll one server, or all enabled ones, without waiting for their turn."""
        ...

    async def many(self, questions: tuple[SeriesQuery, ...]) -> tuple[Series, ...]:
        """The same for several questions, answered in their order."""
        ...

    async def product_history(self, query: ProductQuery) -> ProductHistory:
        """The recorded past of one product in a time range."""
        ...

    async def product_outlook(
        self, servers: tuple[str, ...], product: str
    ) -> ProductOutlook | None:
        """What is expected of one product; None if no server holds it now."""
        ...

    async def retrospects(self, by: GroupBy) -> Mapping[TotalKey, PastSummary]:
        """What the past says of every total, as of a few minutes ago; takes a while at first."""
        ...

    async def events(
        self,
        limit: int = 1000,
        *,
        since: float | None = None,
        before: float | None = None,
        about: JournalFilter | None = None,
    ) -> tuple[Event, ...]:
        """The journal, newest first; of the times [since, before) if given."""
        ...

    async def search(self, journal_filter: Filter, limit: int | None = None) -> tuple[Event, ...]:
        """What of the whole journal the filter lets through, newest first; at most `limit`."""
        ...

    async def answer(self, who: AlertKey, answer: Acknowledgement | None) -> None:
        """Note what somebody says to an alert; None takes it back.

        Raises LictuiError when the history cannot be written.
        """
        ...

    async def holders(self, server: str, product: str) -> LicenseUsers:
        """Who holds `product` of a server now, with names as `[privacy] users` has them.

        Asks the server itself, so it may take as long as a poll; never raises.
        """
        ...

    def test(self, server: Server) -> AsyncIterator[StepResult]:
        """Try `server` step by step, saved or not; each finding as its step ends."""
        ...

    async def save(self, server: Server, replacing: str | None = None) -> None:
        """Write `server` to the registry, in place of `replacing` if given (its history stays).

        Raises LictuiError when the name is taken or the registry cannot be written.
        """
        ...

    async def remove(self, name: str) -> None:
        """Take a server out of the registry; its history stays.

        Raises LictuiError when the registry cannot be written.
        """
        ...
