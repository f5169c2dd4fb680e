"""Two readings of License Usage Insights, written apart, over real sockets."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.clock import START, FakeClock

from lictui.config.settings import Limits
from lictui.model import (
    Failure,
    FailureKind,
    Reading,
    ReportingStatus,
    Server,
    Snapshot,
    SourceName,
    Step,
)
from lictui.simulator.http import self_signed
from lictui.simulator.inventory import FaultMode
from lictui.simulator.partner_server import (
    FeatureCount,
    PartnerAccount,
    PartnerFeature,
    PartnerServer,
    ServerUsage,
    Sku,
    TimestampStyle,
    serve_partner,
)
from lictui.sources.partner import PartnerSource
from lictui.sources.probe import probe
from lictui.sources.source import SourceError, ignore_steps

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    Stage = Callable[..., Any]

SECRET = "simulated+/ä="
DAY = 86400.0
FINE = START + 245 * DAY


def at(days: float) -> float:
    return START + days * DAY


SERVERS = (
    PartnerServer("FINE", "fine.test", at(-1), at(245), stamps=TimestampStyle(2.0, 7)),
    PartnerServer("SILENT", "silent.test", at(-5), at(245), stamps=TimestampStyle(-5.0)),
    PartnerServer("NEVER"),
    PartnerServer("OVER", "over.test", at(-1), at(-10)),
    PartnerServer("SOON", "soon.test", at(-1), at(20)),
    PartnerServer("LATER", "later.test", at(-1), at(60)),
    PartnerServer("STRAY", "stray.test", at(-1), at(245), in_back_office=False),
    PartnerServer("FOREIGN", "foreign.test", at(-1), at(245), non_csp=True),
    PartnerServer("CCU", "ccu.test", at(-1), at(245), ccu=(FeatureCount("MPS_PLT_CCU", 10),)),
    PartnerServer("OLD", "old.test", at(-1), at(245), stamps=TimestampStyle(digits=0)),
)
SKU = Sku(
    "sku-1",
    "CVAD for CSP",
    (
        PartnerFeature(
            "XDT_PLT_UD", "Premium", (ServerUsage("fine.test", 14), ServerUsage("b.test", 6))
        ),
        PartnerFeature("MPS_PLT_CCU", "Apps", (ServerUsage("ccu.test", 10, 2, at(-1)),)),
    ),
)


def of_month(*months: str) -> Callable[[str], PartnerAccount]:
    """An account whose usage is known in these months alone."""
    return lambda month: PartnerAccount("51000000", SERVERS, (SKU,) if month in months else ())


NOVEMBER = of_month("2026-11")


@pytest.fixture
def stage(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A simulated partner and the server entry that names it."""
    monkeypatch.setenv("LICTUI_TEST", SECRET)

    @asynccontextmanager
    async def open_(
        account: Callable[[str], PartnerAccount] = NOVEMBER,
        fault: FaultMode = FaultMode.NORMAL,
        **changes: Any,
    ) -> AsyncIterator[Server]:
        certificate = self_signed("localhost", now=clock.now())
        listener = await serve_partner(
            account,
            lambda: fault,
            clock,
            customer_id="partner-1",
            client_id="client-1",
            secret=SECRET,
            certificate=certificate,
            retry_after=600,
        )
        url = f"https://127.0.0.1:{listener.port}"
        fields: dict[str, Any] = {
            "url": url,
            "trust_url": url,
            "verify": f"sha256:{certificate.fingerprint}",
            "username": "client-1",
            "secret": "env:LICTUI_TEST",
            "customer_id": "partner-1",
        }
        try:
            yield Server("partner", SourceName.PARTNER, **(fields | changes))
        finally:
            await listener.aclose()

    return open_


async def outcome(
    server: Server, clock: FakeClock, limits: Limits | None = None
) -> Snapshot | Failure:
    source = PartnerSource(server, limits or Limits(timeout=20.0), clock)
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


async def test_the_license_servers(stage: Stage, clock: FakeClock) -> None:
    async with stage() as server:
        listed = (await snapshot_of(server, clock)).license_servers
    status = {each.host_id: each.status for each in listed}
    assert status.pop("SILENT") is ReportingStatus.NOT_REPORTING
    assert status.pop("NEVER") is ReportingStatus.NEVER_REPORTED
    assert status.pop("OVER") is ReportingStatus.EXPIRED
    assert set(status.values()) == {ReportingStatus.REPORTING}
    assert len(status) == 7
    by_id = {each.host_id: each for each in listed}
    yesterday = datetime(2026, 11, 23, 6, 0, tzinfo=UTC).timestamp()
    for name in ("FINE", "OLD"):
        assert by_id[name].last_reported == yesterday
        assert by_id[name].days_to_expire == 245
    assert by_id["SILENT"].last_reported == yesterday - 4 * DAY
    assert by_id["SOON"].expires == date(2026, 12, 14)
    never = by_id["NEVER"]
    assert (never.fqdn, never.last_reported, never.days_to_expire) == ("", None, None)


async def test_what_is_said_of_them(stage: Stage, clock: FakeClock) -> None:
    async with stage() as server:
        said = {
            notice.detail: notice.title for notice in (await snapshot_of(server, clock)).notices
        }
    about = {
        "silent.test (5 days, since 2026-11-19)": "A license server has not reported for more than",
        "over.test (2026-11-14)": "A license server has licenses that have expired",
        "NEVER": "A license server has never reported",
        "soon.test (2026-12-14)": "A license server has licenses that expire within 30 days",
        "later.test (2027-01-23)": "A license server has licenses that expire within 90 days",
        "stray.test": "A license server is not found in the Citrix back office",
        "foreign.test": "A license server has a license that is not for service providers",
        "MPS_PLT_CCU 10 in use, on ccu.test": "A license server has concurrent licenses",
    }
    assert said.keys() == about.keys()
    assert all(said[detail].startswith(title) for detail, title in about.items())


@pytest.mark.parametrize("month", ["2026-11", "2026-10"])
async def test_usage_of_this_month_else_the_last(
    month: str, stage: Stage, clock: FakeClock
) -> None:
    async with stage(of_month(month)) as server:
        pools = (await snapshot_of(server, clock)).pools
    assert {pool.product: pool.reading for pool in pools} == {
        "XDT_PLT_UD": Reading(20),
        "MPS_PLT_CCU": Reading(10),
    }
    assert {dict(pool.raw_fields)["month"] for pool in pools} == {month}
    assert not any(pool.counted for pool in pools)


async def test_no_usage_in_months(stage: Stage, clock: FakeClock) -> None:
    async with stage(of_month()) as server:
        snapshot = await snapshot_of(server, clock)
    assert (snapshot.pools, len(snapshot.license_servers)) == ((), len(SERVERS))


async def test_a_token_that_ends_is_renewed(stage: Stage, clock: FakeClock) -> None:
    async with stage() as server:
        source = PartnerSource(server, Limits(timeout=20.0), clock)
        first = await source.fetch(ignore_steps)
        await clock.advance(3700)
        assert len((await source.fetch(ignore_steps)).pools) == len(first.pools)
        await source.aclose()


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (FaultMode.SILENT, FailureKind.TIMEOUT),
        (FaultMode.LOGIN_PAGE, FailureKind.PARSE),
        (FaultMode.BUSY, FailureKind.UNAVAILABLE),
        (FaultMode.RATE_LIMITED, FailureKind.RATE_LIMITED),
        (FaultMode.DENIED, FailureKind.AUTH),
        (FaultMode.CREDENTIALS_EXPIRED, FailureKind.AUTH),
        (FaultMode.FORBIDDEN, FailureKind.FORBIDDEN),
        (FaultMode.TRUNCATED, FailureKind.PROTOCOL),
        (FaultMode.OVERSIZED, FailureKind.TOO_LARGE),
        (FaultMode.GARBAGE, FailureKind.PARSE),
        (FaultMode.EMPTY, FailureKind.NO_DATA),
        (FaultMode.UNKNOWN_CUSTOMER, FailureKind.NO_DATA),
    ],
)
async def test_every_fault_is_a_failure_of_its_kind(
    fault: FaultMode, kind: FailureKind, stage: Stage, clock: FakeClock
) -> None:
    limits = Limits(timeout=0.6) if fault is FaultMode.SILENT else None
    async with stage(fault=fault) as server:
        found = await outcome(server, clock, limits)
    assert isinstance(found, Failure)
    assert found.kind is kind, found
    assert SECRET not in f"{found}"
    assert found.hint


async def test_the_test_of_the_server_passes_every_step(stage: Stage, clock: FakeClock) -> None:
    async with stage() as server:
        found = [finding async for finding in probe(server, Limits(timeout=20.0), clock)]
    assert [(finding.step, finding.ok) for finding in found] == [(step, True) for step in Step]


async def test_the_test_of_the_server_names_the_token_as_what_failed(
    stage: Stage, clock: FakeClock
) -> None:
    async with stage(trust_url="https://127.0.0.1:1") as server:
        found = [finding async for finding in probe(server, Limits(timeout=20.0), clock)]
    assert (found[-1].step, found[-1].ok) == (Step.AUTH, False)
    assert "127.0.0.1:1" in found[-1].detail


async def test_the_snapshot_knows_the_certificate_that_was_shown(
    stage: Stage, clock: FakeClock
) -> None:
    async with stage() as server:
        source = PartnerSource(server, Limits(timeout=5.0), clock)
        told = await source.fetch(ignore_steps)
        await source.aclose()
        assert told.certificate is not None
        assert server.verify == f"sha256:{told.certificate.sha256}"
