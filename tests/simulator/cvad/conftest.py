"""A simulated site that listens, and a client of it."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.simulator.cvad.stage import CERTIFICATE, PASSWORD, USER, Client, Stage

from lictui.simulator.cvad_server import serve_cvad

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.clock import FakeClock


@pytest.fixture
def stage(clock: FakeClock) -> Stage:
    return Stage(clock)


@pytest.fixture
async def client(stage: Stage) -> AsyncIterator[Client]:
    listener = await serve_cvad(
        lambda: stage.site,
        lambda: stage.licenses,
        lambda: stage.fault,
        stage.clock,
        username=USER,
        password=PASSWORD,
        certificate=CERTIFICATE,
        retry_after=7,
    )
    trust = ssl.create_default_context(
        cadata=CERTIFICATE.pem.decode().partition("-----BEGIN PRIV")[0]
    )
    async with httpx.AsyncClient(base_url=listener.url, verify=trust, timeout=5) as http:
        yield Client(http, stage)
    await listener.aclose()


@pytest.fixture
async def inside(client: Client) -> Client:
    await client.log_in()
    return client
