"""Two readings of Citrix Cloud's licensing API, written apart, over real sockets."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.clock import START, FakeClock

from lictui.config.settings import Limits
from lictui.model import (
    Failure,
    FailureKind,
    Level,
    Mode,
    Model,
    MonthlyUsage,
    Reading,
    Server,
    Snapshot,
    SourceName,
    Step,
)
from lictui.simulator.cloud_server import (
    AssignedCount,
    CloudAccount,
    CloudConcurrent,
    CloudMonth,
    CloudPeak,
    LicenseChange,
    MonthCount,
    serve_cloud,
)
from lictui.simulator.http import self_signed
from lictui.simulator.inventory import FaultMode
from lictui.sources.cloud.source import CloudSource
from lictui.sources.probe import probe
from lictui.sources.source import SourceError, ignore_steps

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    Stage = Callable[..., Any]

SECRET = "simulated+/ä="
DAY = 86400.0
ACCOUNT = CloudAccount(
    users=AssignedCount(412, 3),
    devices=AssignedCount(501),
    owned=500,
    next_expiry=LicenseChange(START + 167 * DAY, 500),
    months=(
        CloudMonth("2026-09", 500, MonthCount(390, 10, 1), MonthCount(480, 9)),
        CloudMonth("2026-10", 500, MonthCount(400, 12, 2), MonthCount(390, 5, 7)),
    ),
)
CONCURRENT = CloudConcurrent(60, 40, START, CloudPeak(55, START), CloudPeak(58, START), None)


@pytest.fixture
def stage(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A simulated customer and the server entry that names it."""
    monkeypatch.setenv("LICTUI_TEST", SECRET)

    @asynccontextmanager
    async def open_(
        account: CloudAccount | None = ACCOUNT, fault: FaultMode = FaultMode.NORMAL, **changes: Any
    ) -> AsyncIterator[Server]:
        certificate = self_signed("localhost", now=clock.now())
        listener = await serve_cloud(
            lambda: account,
            lambda: fault,
            clock,
            customer_id="acme",
            client_id="client-1",
            secret=SECRET,
            certificate=certificate,
            retry_after=600,
            tokens_a_minute=changes.pop("tokens_a_minute", 20),
        )
        fields: dict[str, Any] = {
            "url": f"https://127.0.0.1:{listener.port}",
            "verify": f"sha256:{certificate.fingerprint}",
            "username": "client-1",
            "secret": "env:LICTUI_TEST",
            "customer_id": "acme",
        }
        try:
            yield Server("cloud", SourceName.CITRIX_CLOUD, **(fields | changes))
        finally:
            await listener.aclose()

    return open_


async def outcome(
    server: Server, clock: FakeClock, limits: Limits | None = None
) -> Snapshot | Failure:
    source = CloudSource(server, limits or Limits(timeout=20.0), clock)
    try:
        return await source.fetch(ignore_steps)
    except SourceError as error:
        return error.failure
    finally:
        await source.aclose()


async def snapshot_of(server: Server, clock: FakeClock) -> Snapshot:
    found = await outcome(server, clock)
    assert isinstance(found, Snapshot), found
    return found


async def test_the_whole_account(stage: Stage, clock: FakeClock) -> None:
    async with stage() as server:
        snapshot = await snapshot_of(server, clock)
    (pool,) = snapshot.pools
    assert (pool.product, pool.model) == ("XenDesktop:XAXDFull", Model.USER_DEVICE)
    assert pool.reading == Reading(412, 500, None)
    assert pool.expires == date(2027, 5, 10)
    raw = dict(pool.raw_fields)
    assert raw["min(user, device)"] == "412, as totalUsageCount"
    assert raw["owned - used"] == "88, as remainingLicenseCount"
    assert (snapshot.mode, snapshot.notices) == (Mode.CLOUD, ())
    october = datetime(2026, 10, 1, tzinfo=UTC).timestamp()
    assert [told.in_use for told in snapshot.monthly_usage] == [390, 390]
    assert snapshot.monthly_usage[-1] == MonthlyUsage(pool.key, october, 390, 500, 5, 7)


async def test_more_used_than_owned(stage: Stage, clock: FakeClock) -> None:
    account = replace(ACCOUNT, users=AssignedCount(530), devices=AssignedCount(540))
    async with stage(account) as server:
        (pool,) = (await snapshot_of(server, clock)).pools
    assert (pool.reading.in_use, pool.reading.free) == (530, -30)


@pytest.mark.parametrize(("days", "level"), [(7, Level.WARN), (90, Level.WARN), (400, Level.OK)])
async def test_a_part_that_ends_and_one_that_begins(
    days: int, level: Level, stage: Stage, clock: FakeClock
) -> None:
    account = replace(
        ACCOUNT,
        next_expiry=LicenseChange(START + days * DAY, 100),
        next_activation=LicenseChange(START + 30 * DAY, 50),
    )
    async with stage(account) as server:
        snapshot = await snapshot_of(server, clock)
    ends, begins = snapshot.notices
    assert (snapshot.pools[0].expires, ends.level) == (None, level)
    assert ends.title.startswith("100 of 500 licenses expire on ")
    assert begins.title == "50 more licenses start on 2026-12-24"


async def test_concurrent_licenses(stage: Stage, clock: FakeClock) -> None:
    async with stage(replace(ACCOUNT, concurrent=CONCURRENT), experimental=True) as server:
        _, pool = (await snapshot_of(server, clock)).pools
    assert (pool.model, pool.reading) == (Model.CONCURRENT, Reading(40, 60))
    assert dict(pool.raw_fields)["last24HoursPeak.assignedLicenseCount"] == "55"


async def test_concurrent_licenses_that_are_none_or_secret(stage: Stage, clock: FakeClock) -> None:
    async with stage(experimental=True) as server:
        snapshot = await snapshot_of(server, clock)
        assert (len(snapshot.pools), snapshot.notices) == (1, ())
    unreadable = replace(ACCOUNT, concurrent=replace(CONCURRENT, readable=False))
    async with stage(unreadable, experimental=True) as server:
        snapshot = await snapshot_of(server, clock)
        assert len(snapshot.pools) == 1
        assert ["may not read" in notice.title for notice in snapshot.notices] == [True]


async def test_one_token_for_many_servers_and_another_after_an_hour(
    stage: Stage, clock: FakeClock
) -> None:
    async with stage(tokens_a_minute=1) as server:
        for _ in range(5):
            await snapshot_of(server, clock)
        await clock.advance(3700)
        await snapshot_of(server, clock)


@pytest.mark.parametrize(
    ("fault", "kind", "step"),
    [
        (FaultMode.SILENT, FailureKind.TIMEOUT, Step.AUTH),
        (FaultMode.LOGIN_PAGE, FailureKind.PARSE, None),
        (FaultMode.BUSY, FailureKind.UNAVAILABLE, None),
        (FaultMode.RATE_LIMITED, FailureKind.RATE_LIMITED, None),
        (FaultMode.DENIED, FailureKind.AUTH, Step.AUTH),
        (FaultMode.CREDENTIALS_EXPIRED, FailureKind.AUTH, Step.AUTH),
        (FaultMode.FORBIDDEN, FailureKind.FORBIDDEN, None),
        (FaultMode.TRUNCATED, FailureKind.PROTOCOL, None),
        (FaultMode.OVERSIZED, FailureKind.TOO_LARGE, None),
        (FaultMode.GARBAGE, FailureKind.PARSE, None),
        (FaultMode.EMPTY, FailureKind.NO_DATA, Step.INVENTORY),
        (FaultMode.UNKNOWN_CUSTOMER, FailureKind.NO_DATA, None),
    ],
)
async def test_every_fault_is_a_failure_of_its_kind(
    fault: FaultMode, kind: FailureKind, step: Step | None, stage: Stage, clock: FakeClock
) -> None:
    limits = Limits(timeout=0.6) if fault is FaultMode.SILENT else None
    async with stage(fault=fault) as server:
        found = await outcome(server, clock, limits)
    assert isinstance(found, Failure)
    assert found.kind is kind, found
    assert SECRET not in f"{found}"
    assert step in (None, found.step)
    assert found.hint


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"customer_id": "other"}, (FailureKind.NO_DATA, FailureKind.AUTH)),
        ({"username": "client-2"}, (FailureKind.AUTH,)),
        ({"secret": "env:LICTUI_OTHER"}, (FailureKind.AUTH,)),
    ],
)
async def test_what_the_user_may_have_mistaken(
    changes: dict[str, str],
    kind: tuple[FailureKind, ...],
    stage: Stage,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LICTUI_OTHER", "wrong")
    async with stage(**changes) as server:
        found = await outcome(server, clock)
    assert isinstance(found, Failure)
    assert found.kind in kind, found


async def test_nothing_recorded_yet(stage: Stage, clock: FakeClock) -> None:
    async with stage(None) as server:
        found = await outcome(server, clock)
    assert isinstance(found, Failure)
    assert (found.kind, found.step) == (FailureKind.NO_DATA, Step.INVENTORY)


async def test_the_test_of_the_server_passes_every_step(stage: Stage, clock: FakeClock) -> None:
    async with stage() as server:
        found = [finding async for finding in probe(server, Limits(timeout=20.0), clock)]
    assert [(finding.step, finding.ok) for finding in found] == [(step, True) for step in Step]
    assert "client-1 of acme" in found[3].detail


@pytest.mark.parametrize(
    ("fault", "step"),
    [(FaultMode.CREDENTIALS_EXPIRED, Step.AUTH), (FaultMode.FORBIDDEN, Step.INVENTORY)],
)
async def test_the_test_of_the_server_ends_where_it_fails(
    fault: FaultMode, step: Step, stage: Stage, clock: FakeClock
) -> None:
    async with stage(fault=fault) as server:
        found = [finding async for finding in probe(server, Limits(timeout=20.0), clock)]
    assert (found[-1].step, found[-1].ok) == (step, False)


async def test_the_snapshot_knows_the_certificate_that_was_shown(
    stage: Stage, clock: FakeClock
) -> None:
    async with stage() as server:
        source = CloudSource(server, Limits(timeout=5.0), clock)
        told = await source.fetch(ignore_steps)
        await source.aclose()
        assert told.certificate is not None
        assert server.verify == f"sha256:{told.certificate.sha256}"
