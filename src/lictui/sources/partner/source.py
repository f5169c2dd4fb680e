"""Reads License Usage Insights for one partner: its license servers, and what they used.

Owns which requests a poll makes. Must not know what the answers mean.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from lictui.model import FailureKind, Level, Notice, Snapshot, Step
from lictui.sources.answers import get
from lictui.sources.clean import text
from lictui.sources.cloud.session import Session
from lictui.sources.cloud.sign_in import sign_in_to_trust
from lictui.sources.http import Link
from lictui.sources.partner.notices import notices
from lictui.sources.partner.servers import read_servers
from lictui.sources.partner.usage import months, read_usage
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from lictui.clock import Clock
    from lictui.config.settings import Limits
    from lictui.model import Pool, Server

_HINTS: Final[dict[int, str]] = {
    HTTPStatus.FORBIDDEN: (
        "The client must be the partner's own, with a right to License Usage Insights."
    ),
    HTTPStatus.NOT_FOUND: (
        "Is customer_id the partner's own, and does it use License Usage Insights?"
    ),
}
_FORBIDDEN: Final = Notice(
    "server",
    Level.OK,
    "The client may not read license usage",
    "licenseusagedata answers 403",
    "Give it the right, to see what each product used in a month.",
)


class PartnerSource:
    """The license servers of one partner; keeps connection and token."""

    def __init__(
        self,
        server: Server,
        limits: Limits,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._server, self._clock = server, clock
        self._link = Link(server, limits, transport)
        self._session = Session(server, self._link, clock, sign_in_to_trust, _HINTS)
        self._base = f"/{quote(server.customer_id, safe='')}"

    async def fetch(self, found: Callable[[Step, str], None]) -> Snapshot:
        """Read everything once, within the time-out of a poll."""
        async with self._link.deadline():
            found(Step.AUTH, await self._session.sign_in())
            answer = await self._session.ask(f"{self._base}/licenseservers")
            now, where = self._clock.now(), self._link.where
            listed = () if answer is None else read_servers(answer, where, now)
            count = f"{len(listed):,} license server" + ("" if len(listed) == 1 else "s")
            found(Step.INVENTORY, count)
            pools, refused = await self._usage()
        if not listed and not pools:
            raise SourceError(
                FailureKind.NO_DATA,
                f"{where} lists no license servers of {self._server.customer_id}",
                _HINTS[HTTPStatus.NOT_FOUND],
                Step.INVENTORY,
            )
        products = f"{len(pools)} product" + ("" if len(pools) == 1 else "s")
        found(Step.PARSE, f"{count} · {products}")
        return Snapshot(
            pools=pools,
            reported_name=text(get(answer, "customerId"), 64),
            notices=(*notices(listed, now), *refused),
            license_servers=tuple(each.server for each in listed),
            certificate=self._link.certificate,
        )

    async def aclose(self) -> None:
        """Close the connection; the token stays good for another."""
        await self._link.aclose()

    async def _usage(self) -> tuple[tuple[Pool, ...], tuple[Notice, ...]]:
        """What was used this month; last month as long as this one has no report."""
        for month in months(self._clock.now()):
            try:
                answer = await self._session.ask(f"{self._base}/licenseusagedata?date={month}")
            except SourceError as error:
                if error.failure.kind is FailureKind.FORBIDDEN:
                    return (), (_FORBIDDEN,)
                if error.failure.kind is not FailureKind.NO_DATA:
                    raise
                continue
            if pools := read_usage(answer, month, self._link.where):
                return pools, ()
        return (), ()
