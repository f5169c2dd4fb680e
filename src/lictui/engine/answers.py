"""What the screens may ask of the engine, without its sources and its database; tests fake it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lictui.analysis.columns import Series
    from lictui.analysis.series import SeriesQuery
    from lictui.analysis.usage import PastSummary, TotalKey
    from lictui.engine.board import Filter, GroupBy
    from lictui.engine.license_users import LicenseUsers
    from lictui.engine.product_history import ProductHistory, ProductOutlook, ProductQuery
    from lictui.model import Acknowledgement, AlertKey, Event, Server


class HistoryAnswers(Protocol):
    """Answers from the history; `queries.HistoryQueries` describes them."""

    async def series_batch(self, queries: tuple[SeriesQuery, ...]) -> tuple[Series, ...]:
        """Return one aligned series per query."""

    async def product_history(self, query: ProductQuery) -> ProductHistory:
        """Return what was recorded of a product in a time range."""

    async def product_outlook(
        self, servers: tuple[str, ...], product: str, by: GroupBy | None = None
    ) -> ProductOutlook | None:
        """Return what is expected of a product; None if no server has it."""

    async def summaries(self, by: GroupBy) -> Mapping[TotalKey, PastSummary]:
        """Return peaks and forecast of every total."""

    async def recorded_since(self, server: str) -> float | None:
        """Return the time of the first reading of a server."""

    async def events(self, limit: int) -> tuple[Event, ...]:
        """Return the newest events."""

    async def search(self, pattern: Filter, limit: int | None = None) -> tuple[Event, ...]:
        """Return the newest events that match."""


class EngineAnswers(Protocol):
    """What a question to the engine may use; `engine.Engine` describes it."""

    @property
    def history(self) -> HistoryAnswers:
        """What was recorded."""

    async def acknowledge(self, key: AlertKey, acknowledgement: Acknowledgement | None) -> None:
        """Acknowledge or snooze an alert; None takes it back."""

    async def query_license_users(self, server: str, product: str) -> LicenseUsers:
        """Query who uses licenses; never raises."""

    async def save(self, server: Server, replacing: Server | None = None) -> None:
        """Add a server, or change one. Raises LictuiError."""

    async def store_secret(self, name: str, secret: str) -> str:
        """Store a password; return its reference. Raises LictuiError."""

    async def remove(self, name: str) -> None:
        """Remove a server; its history is kept. Raises LictuiError."""
