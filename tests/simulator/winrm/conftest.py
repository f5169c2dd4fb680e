"""Fixtures of the tests of the simulated WinRM server."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.simulator.winrm.wsman import LICENSES, Serve

from lictui.simulator import FaultMode
from lictui.simulator.http import Listener, ServerCertificate, self_signed
from lictui.simulator.winrm_server import serve_winrm


@pytest.fixture(scope="session")
def certificate() -> ServerCertificate:
    return self_signed("lic-01", now=1_795_500_000.0)


@pytest.fixture
async def serve(certificate: ServerCertificate) -> AsyncIterator[Serve]:
    r"""A server over TLS for CORP\\svc-lictui with "secret", changed by what is named."""
    listeners: list[Listener] = []

    async def serve(fault: FaultMode = FaultMode.NORMAL, **changes: Any) -> Listener:
        options: dict[str, Any] = {
            "name": "lic-01",
            "username": r"CORP\svc-lictui",
            "password": "secret",
            "certificate": certificate,
        }
        listener = await serve_winrm(lambda: LICENSES, lambda: fault, **(options | changes))
        listeners.append(listener)
        return listener

    yield serve
    for listener in listeners:
        await listener.aclose()
