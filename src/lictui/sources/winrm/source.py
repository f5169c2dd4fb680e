"""A license server on premises, read over WinRM.

Owns which classes are asked for and what each is worth: the pools are the poll, licenses and
services only add to it. Must not know how questions travel.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from lictui.model import Step
from lictui.sources.http import Link
from lictui.sources.source import SourceError
from lictui.sources.winrm.endpoint import Endpoint
from lictui.sources.winrm.enumeration import Enumeration
from lictui.sources.winrm.inventory import Instances, snapshot
from lictui.sources.winrm.login import open_login
from lictui.sources.winrm.notices import SERVICES

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from lictui.clock import Clock
    from lictui.config.settings import Limits
    from lictui.model import Server, Snapshot
    from lictui.sources.winrm.login import Login
    from lictui.sources.winrm.reply import Item

_LICENSING: Final = "root/CitrixLicensing"
_WINDOWS: Final = "root/cimv2"
_POOLS: Final = "SELECT * FROM Citrix_GT_License_Pool"
_LICENSES: Final = "SELECT * FROM Citrix_GT_License"
_ANY: Final = " OR ".join(f"Name='{name}'" for name in SERVICES)
_SERVICES: Final = f"SELECT Name,State FROM Win32_Service WHERE {_ANY}"  # noqa: S608 - WQL, of our own
_EXTRA: Final = 0.25  # of the time-out, for what only adds to the pools


class WinrmSource:
    """`lictui.sources.source.Source` for WS-Management; keeps its connection and its login."""

    def __init__(
        self,
        server: Server,
        limits: Limits,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._server, self._limits, self._clock = server, limits, clock
        self._link = Link(server, limits, transport)
        self._opened: tuple[Endpoint, Login] | None = None

    async def fetch(self, found: Callable[[Step, str], None]) -> Snapshot:
        """Read everything once, within the time-out; see `Source.fetch`."""
        pools: list[Item] | None = None
        licenses = services = None
        try:
            async with self._link.deadline():
                asking = self._begin(found)
                pools = await asking.instances(_LICENSING, _POOLS)
                licenses = await self._extra(asking, _LICENSING, _LICENSES)
                services = await self._extra(asking, _WINDOWS, _SERVICES)
        except SourceError:
            if pools is None:  # else just what adds to them came too late
                raise
        told = self._told(Instances(pools, licenses, services), found)
        return replace(told, certificate=self._link.certificate)

    async def aclose(self) -> None:
        """Let go of connection and login. Safe to call twice."""
        self._opened = None
        await self._link.aclose()

    def _begin(self, found: Callable[[Step, str], None]) -> Enumeration:
        if self._opened is None:
            endpoint = Endpoint(self._server.url, self._link, self._clock)
            self._opened = endpoint, open_login(self._server, endpoint)
        return Enumeration(*self._opened, self._limits, lambda who: found(Step.AUTH, who))

    def _told(self, instances: Instances, found: Callable[[Step, str], None]) -> Snapshot:
        if instances.pools:
            found(Step.INVENTORY, str(instances))
        today = datetime.fromtimestamp(self._clock.now(), UTC).date()
        result = snapshot(instances, self._link.where, today)
        products = len({pool.product for pool in result.pools if pool.counted})
        found(Step.PARSE, f"{products} product" + ("" if products == 1 else "s"))
        return result

    async def _extra(self, asking: Enumeration, namespace: str, wql: str) -> list[Item] | None:
        """Instances that are nice to have: None when they do not come in good time."""
        try:
            async with asyncio.timeout(_EXTRA / 2 * self._limits.timeout):
                return await asking.instances(namespace, wql)
        except (SourceError, TimeoutError):
            return None
