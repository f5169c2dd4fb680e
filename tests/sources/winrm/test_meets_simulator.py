"""Two readings of one protocol, written apart, over real sockets."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from tests.sources.winrm.ntlm_server import PASSWORD

from lictui.model import Failure, FailureKind, Reading, Server, Snapshot, Step
from lictui.simulator.http import self_signed
from lictui.simulator.inventory import FaultMode, License
from lictui.simulator.winrm_server import serve_winrm
from lictui.sources.source import SourceError, ignore_steps
from lictui.sources.winrm.source import WinrmSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.support.clock import FakeClock

    from lictui.config.settings import Limits

    Stage = Callable[..., Any]

USER = r"CORP\svc"
HOSTILE = "Big [/x] \x1b[31m\x07\u202eeman\nsecond line & <b> " + "x" * 300
LICENSES = (
    License(
        product="XDT_PLT_UD",
        full_name="Citrix XenDesktop Platinum|User/Device",
        license_type="Retail",
        subscription_date=date(2026, 12, 1),
        expires=date(2027, 3, 31),
        installed=500,
        overdraft=50,
        in_use=520,
    ),
    License(
        product="XDT_PLT_UD",
        full_name="Citrix XenDesktop Platinum|User/Device",
        license_type="Retail",
        subscription_date=date(2027, 12, 1),
        expires=None,
        installed=100,
        overdraft=0,
        in_use=0,
    ),
    License(
        product="NEW_[/x]_CCU",
        full_name=HOSTILE,
        license_type="Eval",
        subscription_date=date(2026, 12, 1),
        expires=None,
        installed=10,
        overdraft=1,
        in_use=3,
    ),
    License(
        product="CITRIX",
        full_name="Citrix Start-up License|Server",
        license_type="SYS",
        subscription_date=date(2026, 12, 1),
        expires=None,
        installed=10_000,
        overdraft=0,
        in_use=0,
    ),
)


@pytest.fixture
def stage(server: Callable[..., Server], limits: Limits, clock: FakeClock) -> Stage:
    """A simulated server and a source that reads it."""

    @asynccontextmanager
    async def open_(
        *,
        tls: bool,
        auth: str,
        fault: Callable[[], FaultMode] = lambda: FaultMode.NORMAL,
        licensing: bool = True,
        **changes: Any,
    ) -> AsyncIterator[WinrmSource]:
        certificate = self_signed("lic01", now=clock.now()) if tls else None
        listener = await serve_winrm(
            lambda: LICENSES,
            fault,
            clock,
            name="LIC01",
            username=USER,
            password=PASSWORD,
            certificate=certificate,
            licensing=licensing,
        )
        scheme, pin = (
            ("https", f"sha256:{certificate.fingerprint}") if certificate else ("http", "")
        )
        url = f"{scheme}://127.0.0.1:{listener.port}/wsman"
        fields = {"url": url, "auth": auth, "verify": pin or True} | changes
        source = WinrmSource(server(**fields), limits, clock)
        try:
            yield source
        finally:
            await source.aclose()
            await listener.aclose()

    return open_


async def outcome(source: WinrmSource) -> Snapshot | Failure:
    try:
        return await source.fetch(ignore_steps)
    except SourceError as error:
        return error.failure


ROADS = [
    (True, "basic"),
    (True, "ntlm"),
    (True, "negotiate"),
    (False, "ntlm"),
    (False, "negotiate"),
]


@pytest.mark.parametrize(("tls", "auth"), ROADS)
async def test_every_road_brings_the_whole_inventory(stage: Stage, *, tls: bool, auth: str) -> None:
    told: dict[Step, str] = {}
    async with stage(tls=tls, auth=auth) as source:
        await source.fetch(ignore_steps)
        snapshot = await source.fetch(told.__setitem__)
    found = {(pool.product, str(pool.subscription_date)): pool.reading for pool in snapshot.pools}
    assert found == {
        ("XDT_PLT_UD", "2026-12-01"): Reading(520, 500, 50),
        ("XDT_PLT_UD", "2027-12-01"): Reading(0, 100, 0),
        ("NEW_[/x]_CCU", "2026-12-01"): Reading(3, 10, 1),
        ("CITRIX", "2026-12-01"): Reading(0, 10_000, 0),
    }
    assert list(told) == [Step.AUTH, Step.INVENTORY, Step.PARSE]
    assert told[Step.AUTH] == ("Basic" if auth == "basic" else "NTLM") + rf" as {USER}"
    assert told[Step.INVENTORY].startswith("4 pools, ")


async def test_a_hostile_name_arrives_harmless(stage: Stage) -> None:
    async with stage(tls=True, auth="basic") as source:
        snapshot = await source.fetch(ignore_steps)
    (pool,) = (pool for pool in snapshot.pools if pool.product.startswith("NEW"))
    assert pool.name.startswith("Big [/x] ")
    assert "eman second line & <b> xxx" in pool.name
    assert pool.name.isprintable()
    assert len(pool.name) == 200


@pytest.mark.parametrize(("tls", "auth"), ROADS)
async def test_a_wrong_password_is_refused(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, *, tls: bool, auth: str
) -> None:
    monkeypatch.setenv("WRONG", "hunter2")
    async with stage(tls=tls, auth=auth, secret="env:WRONG") as source:
        failure = await outcome(source)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.step) == (FailureKind.AUTH, Step.AUTH)
    assert USER in failure.message


@pytest.mark.parametrize(("tls", "auth"), ROADS)
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (FaultMode.EMPTY, FailureKind.NO_DATA),
        (FaultMode.LOGIN_PAGE, FailureKind.PROTOCOL),
        (FaultMode.DENIED, FailureKind.AUTH),
        (FaultMode.FORBIDDEN, FailureKind.FORBIDDEN),
        (FaultMode.TRUNCATED, FailureKind.PROTOCOL),
        (FaultMode.BUSY, FailureKind.UNAVAILABLE),
        (FaultMode.RATE_LIMITED, FailureKind.RATE_LIMITED),
    ],
)
async def test_every_fault_is_called_by_its_name_and_passes(
    stage: Stage, fault: FaultMode, kind: FailureKind, *, tls: bool, auth: str
) -> None:
    now = fault
    async with stage(tls=tls, auth=auth, fault=lambda: now) as source:
        failure = await outcome(source)
        now = FaultMode.NORMAL
        recovered = await outcome(source)
    assert isinstance(failure, Failure), failure
    assert failure.kind is kind, failure
    assert isinstance(recovered, Snapshot), recovered


async def test_a_server_without_the_namespace_has_no_data(stage: Stage) -> None:
    async with stage(tls=True, auth="basic", licensing=False) as source:
        failure = await outcome(source)
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.NO_DATA
    assert "cvad" in failure.hint


async def test_an_unknown_certificate_is_not_trusted(stage: Stage) -> None:
    async with stage(tls=True, auth="basic", verify=True) as source:
        failure = await outcome(source)
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.TLS
