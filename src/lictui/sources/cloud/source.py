"""Reads one Citrix Cloud customer: its licenses now, and once a day what they were.

Owns which requests a poll makes, and what a poll can do without. Must not know what the answers
mean. Only `ud/current` makes or breaks a poll; what adds to it may fail.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from lictui.model import FailureKind, Mode, Reading, Snapshot, Step
from lictui.sources.answers import get
from lictui.sources.clean import text
from lictui.sources.cloud import concurrent, regions
from lictui.sources.cloud.current import notices_of_current, read_current
from lictui.sources.cloud.past import months, read_past
from lictui.sources.cloud.session import Session
from lictui.sources.cloud.sign_in import sign_in
from lictui.sources.http import Link
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from lictui.clock import Clock
    from lictui.config.settings import Limits
    from lictui.model import Notice, Pool, Server, Told

_BASE: Final = "/licensing/license/enterprise/cloud/cvad/ud"
_EXTRA: Final = 0.25  # of the time-out, for each answer that only adds to the pool
_DAY: Final = 86400.0  # seconds between two looks at the past, which changes monthly
_HOUR: Final = 3600.0  # the same, after a failure that may pass


class CloudSource:
    """The entitlements of one customer; keeps connection and token, and the past it was told."""

    def __init__(
        self,
        server: Server,
        limits: Limits,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._server, self._limits, self._clock = server, limits, clock
        self._link = Link(server, limits, transport)
        self._session: Session | None = None
        self._told: tuple[Told, ...] = ()
        self._past_due = 0.0  # UTC epoch seconds
        self._concurrent: Pool | None = None  # as last read

    async def fetch(self, found: Callable[[Step, str], None]) -> Snapshot:
        """Read everything once, within the time-out of a poll."""
        snapshot: Snapshot | None = None
        missing: SourceError | None = None
        try:
            async with self._link.deadline():
                session = self._begun()
                found(Step.AUTH, await session.sign_in())
                snapshot, missing = await self._current(session)
                if self._server.experimental:
                    snapshot = await self._with_concurrent(session, snapshot)
                if missing is None:
                    snapshot = await self._with_past(session, snapshot)
        except SourceError:
            if snapshot is None:  # else just what adds to it came too late
                raise
        if missing is not None and not snapshot.pools:
            raise missing
        found(Step.INVENTORY, f"customer {snapshot.reported_name or self._server.customer_id}")
        count = len(snapshot.told)
        past = f", {count} month{'' if count == 1 else 's'} of the past" if count else ""
        found(Step.PARSE, " · ".join(pool.product for pool in snapshot.pools) + past)
        return replace(snapshot, certificate=self._link.certificate)

    async def aclose(self) -> None:
        """Close the connection; the token stays good for another."""
        await self._link.aclose()

    def _begun(self) -> Session:
        if self._session is None:
            hints: dict[int, str] = {HTTPStatus.NOT_FOUND: regions.hint(self._server.url)}
            self._session = Session(self._server, self._link, self._clock, sign_in, hints)
        return self._session

    async def _current(self, session: Session) -> tuple[Snapshot, SourceError | None]:
        """The user/device licenses; or none, and why, where others may be there instead."""
        try:
            answer = await session.ask(f"{_BASE}/current")
            if answer is None:
                raise self._nothing()
            pool = read_current(answer, self._link.where)
        except SourceError as error:
            if error.failure.kind is FailureKind.NO_DATA and self._server.experimental:
                return Snapshot((), mode=Mode.CLOUD), error
            raise
        today = datetime.fromtimestamp(self._clock.now(), UTC).date()
        return (
            Snapshot(
                (pool,),
                reported_name=text(get(answer, "customerId"), 64),
                mode=Mode.CLOUD,
                notices=notices_of_current(answer, today),
                told=self._told,
            ),
            None,
        )

    async def _with_concurrent(self, session: Session, snapshot: Snapshot) -> Snapshot:
        """`snapshot` and the concurrent licenses, without figures where they did not come."""
        customer = self._server.customer_id
        url = regions.console(self._server.url) + concurrent.path(customer)
        taken = snapshot.pools[0].product if snapshot.pools else ""
        notices: tuple[Notice, ...] = ()
        try:
            answer = await self._extra(session, url)
            pool = None if answer is None else concurrent.read_concurrent(answer, taken)
        except SourceError as error:
            if error.failure.kind is FailureKind.NO_DATA:
                pool = None  # 404: not entitled
            else:
                known = self._concurrent
                pool = replace(known, reading=Reading(), raw=()) if known else None
                notices = (concurrent.unread(error.failure),)
        self._concurrent = pool
        return replace(
            snapshot,
            pools=(*snapshot.pools, pool) if pool else snapshot.pools,
            notices=(*snapshot.notices, *notices),
        )

    async def _with_past(self, session: Session, snapshot: Snapshot) -> Snapshot:
        """`snapshot` and the past, asked for if a day has gone by; the last known if that fails."""
        now = self._clock.now()
        if now >= self._past_due:
            first, last = months(now)
            self._past_due = now + _HOUR  # unless this answer is good for longer
            try:
                answer = await self._extra(
                    session, f"{_BASE}/historicalusage?startDate={first}&endDate={last}"
                )
                self._told = read_past(answer, snapshot.pools[0].product)
                self._past_due = now + _DAY
            except SourceError as error:
                if error.failure.kind in (FailureKind.FORBIDDEN, FailureKind.NO_DATA):
                    self._past_due = now + _DAY
        return replace(snapshot, told=self._told)

    async def _extra(self, session: Session, url: str) -> object:
        """An answer that the poll can do without; SourceError also when it takes too long."""
        try:
            async with asyncio.timeout(_EXTRA * self._limits.timeout):
                return await session.ask(url, renew=False)
        except TimeoutError as error:
            raise SourceError(
                FailureKind.TIMEOUT, "no answer in good time", "", Step.INVENTORY
            ) from error

    def _nothing(self) -> SourceError:
        return SourceError(
            FailureKind.NO_DATA,
            f"{self._link.where} knows of no user/device licenses of {self._server.customer_id}",
            "Concurrent licenses alone are read with experimental = true.",
            Step.INVENTORY,
        )
