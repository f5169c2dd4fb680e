"""What the tests of the simulated license server share: its licenses, and a server of them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from tests.simulator.winrm.wsman import service

from lictui.simulator.http import Listener, ServerCertificate, self_signed
from lictui.simulator.inventory import FaultMode, License
from lictui.simulator.winrm_server import SoapService, serve_winrm

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.support.clock import FakeClock

    Serve = Callable[..., Awaitable[Listener]]


@pytest.fixture(scope="session")
def certificate() -> ServerCertificate:
    return self_signed("lic-01", now=1_795_500_000.0)


@pytest.fixture
def licenses() -> tuple[License, ...]:
    """One that expires, one with its overdraft in use, one of start-up."""
    xdt, pvs = "Citrix XenDesktop Platinum|User/Device", "Citrix Provisioning|Concurrent"
    start, soon, later = date(2030, 1, 1), date(2026, 12, 1), date(2027, 6, 30)
    return (
        License("XDT_PLT_UD", xdt, "Retail", soon, date(2027, 3, 31), 500, 50, 412),
        License("PVS_STD_CCS", pvs, "RetailS", later, None, 80, 8, 90),
        License("CITRIX", "Citrix Start-up License|Server", "SYS", start, None, 10_000, 0, 1),
    )


@pytest.fixture
async def serve(
    clock: FakeClock, certificate: ServerCertificate, licenses: tuple[License, ...]
) -> AsyncIterator[Serve]:
    r"""A server over TLS for CORP\\svc-lictui with "secret", changed by what is named."""
    listeners: list[Listener] = []

    async def serve(fault: FaultMode = FaultMode.NORMAL, **changes: Any) -> Listener:
        sides: dict[str, Any] = {
            "inventory": lambda: licenses,
            "fault": lambda: fault,
            "clock": clock,
            "name": "lic-01",
            "username": r"CORP\svc-lictui",
            "password": "secret",
            "certificate": certificate,
        }
        listeners.append(await serve_winrm(**(sides | changes)))
        return listeners[-1]

    yield serve
    for listener in listeners:
        await listener.aclose()


@pytest.fixture
def soap(licenses: tuple[License, ...], clock: FakeClock) -> SoapService:
    return service(licenses, clock)
