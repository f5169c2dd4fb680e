"""Sources against the simulated servers: two implementations of each protocol, over real sockets.

What holds for every source is one test with the source as a parameter; below are the inventories.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.sources.winrm.ntlm_server import users
from tests.support.clock import START, FakeClock
from tests.support.polls import failure_of, snapshot_of

from lictui.config.settings import Limits
from lictui.engine.las import LastRenewal, last_renewal
from lictui.model import (
    Failure,
    FailureKind,
    Mode,
    Model,
    MonthlyUsage,
    Reading,
    ReportingStatus,
    Server,
    Snapshot,
    SourceName,
    Step,
    StepResult,
)
from lictui.simulator import FaultMode, License
from lictui.simulator.cloud_server import LicensingApi
from lictui.simulator.cvad_server import SiteApi
from lictui.simulator.estate import PoolFactory, ReportedServer, ServerKind, SimulatedServer
from lictui.simulator.http import (
    ApiClient,
    Handler,
    HttpListener,
    JsonApi,
    ServerCertificate,
    self_signed,
)
from lictui.simulator.partner_server import PartnerApi
from lictui.simulator.usage import EMEA
from lictui.simulator.winrm_auth import WindowsAccount
from lictui.simulator.winrm_server import SoapService, WinrmServer
from lictui.sources import open_source
from lictui.sources.probe import probe
from lictui.sources.source import Source

Simulate = Callable[..., Any]

USER = r"CORP\svc"
PASSWORD = "correct horse"  # of the one account in NTLM_USER_FILE
DAY = 86400.0
LIMITS = Limits(timeout=300.0, connect_timeout=30.0)
HOSTILE = "Big [/x] \x1b[31m\x07\u202eeman\nsecond line & <b> " + "x" * 300
DECEMBER = date(2026, 12, 1)
PREMIUM = "Citrix XenDesktop Platinum|User/Device"
PLATINUM = License("XDT_PLT_UD", PREMIUM, "Retail", DECEMBER, date(2027, 3, 31), 500, 50, 520)
LATER = License("XDT_PLT_UD", PREMIUM, "Retail", date(2027, 12, 1), None, 100, 0, 0)
UNKNOWN = License("NEW_[/x]_CCU", HOSTILE, "Eval", DECEMBER, None, 10, 1, 3)
STARTUP = License("CITRIX", "Start-up License|Server", "SYS", DECEMBER, None, 10_000, 0, 0)
LICENSES = (PLATINUM, LATER, UNKNOWN, STARTUP)
BUYER = PoolFactory(1, START)
CUSTOMER = replace(
    BUYER.constant("XenDesktop:XAXDFull", 500, in_use=412), expires=date(2027, 5, 10)
)
SITE = SimulatedServer("ddc-prod", EMEA, ServerKind.SITE, ())
ASSIGNED = (BUYER.constant("XDT_PLT_UD", 500, in_use=20),)
SOME_DAY = date(2027, 7, 27)
PARTNER = SimulatedServer(
    "csp",
    EMEA,
    ServerKind.PARTNER,
    ASSIGNED,
    reported_servers=(
        ReportedServer("fine", ASSIGNED, expires=SOME_DAY),
        ReportedServer("silent", last_upload=START - 5 * DAY, expires=SOME_DAY),
        ReportedServer("never", has_reported=False),
        ReportedServer("over", expires=date(2026, 11, 14)),
        ReportedServer("soon", expires=date(2026, 12, 14)),
        ReportedServer("stray", expires=SOME_DAY, in_back_office=False),
        ReportedServer("ccu", concurrent=(BUYER.constant("MPS_PLT_CCU", 20),), expires=SOME_DAY),
    ),
)


@dataclass
class Simulation:
    """A simulated server and the entry that names it; `fault` may change while it serves."""

    server: Server
    fault: FaultMode
    clock: FakeClock

    @asynccontextmanager
    async def source(self) -> AsyncIterator[Source]:
        source = open_source(self.server, LIMITS, self.clock)
        try:
            yield source
        finally:
            await source.aclose()

    async def snapshot(self) -> Snapshot:
        async with self.source() as source:
            return await snapshot_of(source)

    async def failure(self) -> Failure:
        async with self.source() as source:
            return await failure_of(source)

    async def probe(self) -> list[StepResult]:
        return [result async for result in probe(self.server, LIMITS, self.clock)]


@pytest.fixture
def simulate(clock: FakeClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Simulate:
    monkeypatch.setenv("NTLM_USER_FILE", users(tmp_path))
    monkeypatch.setenv("LICTUI_TEST", PASSWORD)
    monkeypatch.setenv("LICTUI_WRONG", "hunter2")

    @asynccontextmanager
    async def start(
        name: SourceName,
        fault: FaultMode = FaultMode.NORMAL,
        *,
        tls: bool = True,
        site: SimulatedServer = SITE,
        **fields: Any,
    ) -> AsyncIterator[Simulation]:
        """`fields` go to the server entry."""
        certificate = self_signed("localhost", now=clock.now()) if tls else None
        simulation = Simulation(Server("x", name, secret="env:LICTUI_TEST"), fault, clock)
        listener = HttpListener(_server(name, simulation, certificate, site), certificate)
        url = f"{'https' if tls else 'http'}://127.0.0.1:{listener.port}"
        defaults: dict[str, Any] = {
            "url": url,
            "verify": f"sha256:{certificate.fingerprint}" if certificate else True,
            "username": USER if name in (SourceName.WINRM, SourceName.CVAD) else "client-1",
        }
        if name is SourceName.WINRM:
            defaults |= {"url": f"{url}/wsman", "auth": "negotiate"}
        if name in (SourceName.CITRIX_CLOUD, SourceName.PARTNER):
            defaults |= {"customer_id": "acme"}
        if name is SourceName.PARTNER:
            defaults |= {"trust_url": url}
        simulation.server = replace(simulation.server, **(defaults | fields))
        try:
            yield simulation
        finally:
            await listener.aclose()

    return start


def _server(
    name: SourceName,
    simulation: Simulation,
    certificate: ServerCertificate | None,
    site: SimulatedServer,
) -> Handler:
    clock = simulation.clock

    def fault() -> FaultMode:
        return simulation.fault

    if name is SourceName.WINRM:
        soap = SoapService("LIC01", lambda: LICENSES, fault)
        return WinrmServer(soap, WindowsAccount(USER, PASSWORD), certificate).answer
    api: JsonApi
    client = ApiClient(USER if name is SourceName.CVAD else "client-1", PASSWORD, "acme")
    if name is SourceName.CVAD:
        api = SiteApi(fault, clock, client, site, lambda: (PLATINUM,))
    elif name is SourceName.PARTNER:
        api = PartnerApi(fault, clock, client, PARTNER)
    else:
        api = LicensingApi(fault, clock, client, CUSTOMER)
    return api.answer


# Every source: WinRM with each login, site, customer, partner


TLS_WAYS = [
    pytest.param(SourceName.WINRM, {"auth": "basic"}, id="winrm-basic"),
    pytest.param(SourceName.WINRM, {"auth": "ntlm"}, id="winrm-ntlm"),
    pytest.param(SourceName.WINRM, {"auth": "negotiate"}, id="winrm-negotiate"),
    pytest.param(SourceName.CVAD, {}, id="cvad"),
    pytest.param(SourceName.CITRIX_CLOUD, {}, id="citrix-cloud"),
    pytest.param(SourceName.PARTNER, {}, id="partner"),
]
WAYS = [
    pytest.param(SourceName.WINRM, {"auth": "ntlm", "tls": False}, id="winrm-ntlm-http"),
    pytest.param(SourceName.WINRM, {"auth": "negotiate", "tls": False}, id="winrm-negotiate-http"),
    *TLS_WAYS,
]
REST = [SourceName.CVAD, SourceName.CITRIX_CLOUD, SourceName.PARTNER]
CLOUD = [SourceName.CITRIX_CLOUD, SourceName.PARTNER]


@pytest.mark.parametrize(("name", "way"), WAYS)
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (FaultMode.EMPTY, FailureKind.NO_DATA),
        (FaultMode.LOGIN_PAGE, None),
        (FaultMode.DENIED, FailureKind.AUTH),
        (FaultMode.FORBIDDEN, FailureKind.FORBIDDEN),
        (FaultMode.TRUNCATED, FailureKind.PROTOCOL),
        (FaultMode.BUSY, FailureKind.UNAVAILABLE),
        (FaultMode.RATE_LIMITED, FailureKind.RATE_LIMITED),
    ],
)
async def test_fault_is_a_failure_of_its_kind_and_passes(
    simulate: Simulate,
    name: SourceName,
    way: dict[str, Any],
    fault: FaultMode,
    kind: FailureKind | None,
) -> None:
    page = FailureKind.PROTOCOL if name is SourceName.WINRM else FailureKind.PARSE
    async with (
        simulate(name, fault, **way) as simulation,
        simulation.source() as source,
    ):
        failure = await failure_of(source)
        assert failure.kind is (kind or page), failure
        assert PASSWORD not in f"{failure}"
        simulation.fault = FaultMode.NORMAL
        await snapshot_of(source)


@pytest.mark.parametrize(("name", "way"), WAYS)
async def test_wrong_password_is_an_auth_failure_that_names_the_account(
    simulate: Simulate, name: SourceName, way: dict[str, Any]
) -> None:
    async with simulate(name, secret="env:LICTUI_WRONG", **way) as simulation:
        failure = await simulation.failure()
    assert (failure.kind, failure.step) == (FailureKind.AUTH, Step.AUTH)
    assert "hunter2" not in f"{failure}"
    assert name is not SourceName.WINRM or USER in failure.message
    assert way.get("auth") != "basic" or "local accounts" in failure.hint


@pytest.mark.parametrize(("name", "way"), TLS_WAYS)
async def test_only_the_pinned_certificate_is_trusted(
    simulate: Simulate, name: SourceName, way: dict[str, Any]
) -> None:
    async with simulate(name, **way) as simulation:
        certificate = (await simulation.snapshot()).certificate
        assert certificate is not None
        assert simulation.server.verify == f"sha256:{certificate.sha256}"
        assert certificate.expires is not None
        simulation.server = replace(simulation.server, verify=True)
        assert (await simulation.failure()).kind is FailureKind.TLS


@pytest.mark.parametrize(("name", "way"), WAYS)
async def test_probe_passes_every_step(
    simulate: Simulate, name: SourceName, way: dict[str, Any]
) -> None:
    async with simulate(name, **way) as simulation:
        results = await simulation.probe()
    steps = [step for step in Step if way.get("tls", True) or step is not Step.TLS]
    assert [(result.step, result.ok) for result in results] == [(step, True) for step in steps]


async def test_probe_names_the_token_endpoint_that_fails(simulate: Simulate) -> None:
    async with simulate(SourceName.PARTNER, trust_url="https://127.0.0.1:1") as simulation:
        results = await simulation.probe()
    assert (results[-1].step, results[-1].ok) == (Step.AUTH, False)
    assert "127.0.0.1:1" in results[-1].detail


# License server


@pytest.mark.parametrize(("name", "way"), WAYS[:5])
async def test_winrm_reads_the_whole_inventory(
    simulate: Simulate, name: SourceName, way: dict[str, Any]
) -> None:
    steps: dict[Step, str] = {}
    async with simulate(name, **way) as simulation, simulation.source() as source:
        await snapshot_of(source)
        snapshot = await snapshot_of(source, steps.__setitem__)
    readings = {
        (pool.product, str(pool.subscription_date)): pool.reading for pool in snapshot.pools
    }
    assert readings == {
        ("XDT_PLT_UD", "2026-12-01"): Reading(520, 500, 50),
        ("XDT_PLT_UD", "2027-12-01"): Reading(0, 100, 0),
        ("NEW_[/x]_CCU", "2026-12-01"): Reading(3, 10, 1),
        ("CITRIX", "2026-12-01"): Reading(0, 10_000, 0),
    }
    assert list(steps) == [Step.AUTH, Step.INVENTORY, Step.PARSE]
    method = "Basic" if way["auth"] == "basic" else "NTLM"
    assert steps[Step.AUTH] == rf"{method} as {USER}"
    assert steps[Step.INVENTORY].startswith("4 pools, ")


# Site


async def test_cvad_shows_sessions_next_to_licenses_and_las_health(simulate: Simulate) -> None:
    async with simulate(SourceName.CVAD) as simulation:
        snapshot = await simulation.snapshot()
    assert snapshot.license_server_reachable
    (sessions,) = (notice for notice in snapshot.notices if notice.title == "Sessions")
    assert sessions.detail == "260 licensed, 227 connected, 33 disconnected"
    assert sessions.action == "Licenses are assigned to users and devices, not to sessions."


async def test_cvad_reads_what_the_health_of_las_needs(simulate: Simulate) -> None:
    site = replace(SITE, kind=ServerKind.LAS_SITE, activated_until=date(2026, 12, 2))
    async with simulate(SourceName.CVAD, site=site) as simulation:
        snapshot = await simulation.snapshot()
    assert (snapshot.mode, snapshot.license_server_reachable) == (Mode.LAS, True)
    assert last_renewal(snapshot, date(2026, 11, 24)) == LastRenewal(22, 3)
    assert not any("do not support" in notice.title for notice in snapshot.notices)


# Customer of Citrix Cloud


async def test_cloud_reads_the_whole_account(simulate: Simulate) -> None:
    async with simulate(SourceName.CITRIX_CLOUD) as simulation:
        snapshot = await simulation.snapshot()
    (pool,) = snapshot.pools
    assert (pool.product, pool.model) == ("XenDesktop:XAXDFull", Model.USER_DEVICE)
    assert pool.reading == Reading(412, 500, None)
    assert pool.expires == date(2027, 5, 10)
    raw_fields = dict(pool.raw_fields)
    assert raw_fields["min(user, device)"] == "412, as totalUsageCount"
    assert raw_fields["owned - used"] == "88, as remainingLicenseCount"
    assert (snapshot.mode, snapshot.notices) == (Mode.CLOUD, ())
    october = datetime(2026, 10, 1, tzinfo=UTC).timestamp()
    assert [month.in_use for month in snapshot.monthly_usage] == [412] * 12
    assert snapshot.monthly_usage[-2] == MonthlyUsage(pool.key, october, 412, 500, 4, 4)


# Partner


async def test_partner_lists_the_license_servers(simulate: Simulate) -> None:
    async with simulate(SourceName.PARTNER) as simulation:
        listed = (await simulation.snapshot()).license_servers
    statuses = {server.host_id: server.status for server in listed}
    assert statuses.pop("SILENT") is ReportingStatus.NOT_REPORTING
    assert statuses.pop("NEVER") is ReportingStatus.NEVER_REPORTED
    assert statuses.pop("OVER") is ReportingStatus.EXPIRED
    assert set(statuses.values()) == {ReportingStatus.REPORTING}
    assert len(statuses) == 4
    by_id = {server.host_id: server for server in listed}
    midnight = datetime(2026, 11, 24, tzinfo=UTC).timestamp()
    assert by_id["FINE"].days_to_expire == 245
    assert [by_id[name].last_reported for name in ("FINE", "CCU")] == [midnight, midnight]
    assert by_id["SILENT"].last_reported == midnight - 5 * DAY
    assert by_id["SOON"].expires == date(2026, 12, 14)
    never = by_id["NEVER"]
    assert (never.fqdn, never.last_reported, never.days_to_expire) == ("", None, None)
