"""Reads one site: its token, its name, its inventory, in that order.

Owns which requests a poll makes. Must not know what the answers mean.
"""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote

from lictui.model import State, Step
from lictui.sources.answers import decoded
from lictui.sources.cvad import search, snapshot
from lictui.sources.cvad.answers import refusal
from lictui.sources.cvad.search import Search
from lictui.sources.cvad.session import Session
from lictui.sources.cvad.sites import find_site
from lictui.sources.http import Link
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from lictui.clock import Clock
    from lictui.config.settings import Limits
    from lictui.model import Server, Snapshot
    from lictui.sources.cvad.sites import Site
    from lictui.sources.http import Reply


class CvadSource:
    """A Citrix site, on-premises or in Citrix Cloud; keeps connection, token, site and paths."""

    def __init__(
        self,
        server: Server,
        limits: Limits,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._server = server
        self._link = Link(server, limits, transport)
        self._session = Session(server, self._link, clock)
        self._site: Site | None = None
        self._overview = Search(
            server.overview_paths or search.OVERVIEW, "includeInventory=true&async=false", clock
        )
        self._controllers = Search(search.CONTROLLERS, "", clock)

    async def fetch(self, found: Callable[[Step, str], None]) -> Snapshot:
        """Read the site once, within the time-out of a poll."""
        async with self._link.deadline():
            found(Step.AUTH, f"signed in as {await self._session.sign_in()}")
            site = await self._known_site()
            details = await self._details(site)
            overview = await self._overview.get(self._session, site)
            controllers = await self._activation(site)
        if details is None and overview is None:
            raise snapshot.nothing(site.name, Step.INVENTORY)
        where = self._overview.path or "site details alone, for no LicenseOverview was found"
        found(Step.INVENTORY, f"site {site.name} · {where}")
        result = snapshot.build(
            self._decoded(details),
            self._decoded(overview),
            controllers,
            name=site.name,
            cloud=bool(self._server.customer_id),
        )
        count = len(result.pools)
        found(Step.PARSE, f"{count} pool{'' if count == 1 else 's'}")
        return replace(result, certificate=self._link.certificate)

    async def aclose(self) -> None:
        """Close the connection; the token stays good for another."""
        await self._link.aclose()

    async def _known_site(self) -> Site:
        if self._site is None:
            customer = await self._session.customer()
            self._site = await find_site(self._session, self._server.site, customer)
            self._session.site = self._site.id
        return self._site

    async def _details(self, site: Site) -> Reply | None:
        """`Sites/{id}`; None if this release has none, or the site is gone."""
        path = f"{site.base}/Sites/{quote(site.id, safe='')}"
        reply = await self._session.get(path)
        if reply.status == HTTPStatus.OK:
            return reply
        if reply.status != HTTPStatus.NOT_FOUND:
            raise refusal(reply, self._session.where, path, Step.INVENTORY)
        self._site = None  # perhaps renamed or replaced: look again at the next poll
        return None

    async def _activation(self, site: Site) -> object:
        """The controllers, which alone know of activation; the poll goes on without them."""
        if self._server.customer_id:
            return None  # the controllers of a cloud site are not the customer's
        try:
            return self._decoded(await self._controllers.get(self._session, site))
        except SourceError as error:
            if error.failure.state is State.DENIED:
                self._controllers.rest()
            return None

    def _decoded(self, reply: Reply | None) -> object:
        return decoded(reply, self._session.where, Step.PARSE) if reply else None
