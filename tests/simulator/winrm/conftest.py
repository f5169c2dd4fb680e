"""Fixtures of the tests of the simulated WinRM server."""

from collections.abc import AsyncIterator

import pytest
from tests.simulator.winrm.wsman import LICENSES, PASSWORD, USER, Serve

from lictui.simulator import FaultMode
from lictui.simulator.http import HttpListener, ServerCertificate, self_signed
from lictui.simulator.winrm_auth import WindowsAccount
from lictui.simulator.winrm_server import SoapService, WinrmServer


@pytest.fixture(scope="session")
def certificate() -> ServerCertificate:
    return self_signed("lic-01", now=1_795_500_000.0)


@pytest.fixture
async def serve(certificate: ServerCertificate) -> AsyncIterator[Serve]:
    """Start a server of one account, over TLS or not."""
    listeners: list[HttpListener] = []

    def serve(username: str = USER, password: str = PASSWORD, *, tls: bool = True) -> HttpListener:
        soap = SoapService("lic-01", lambda: LICENSES, lambda: FaultMode.NORMAL)
        presented = certificate if tls else None
        server = WinrmServer(soap, WindowsAccount(username, password), presented)
        listeners.append(HttpListener(server.answer, presented))
        return listeners[-1]

    yield serve
    for listener in listeners:
        await listener.aclose()
