"""A simulated cloud customer that is served, and a client of it."""

from __future__ import annotations

import ssl
from contextlib import aclosing
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.simulator.cloud.stage import CERTIFICATE, CLIENT, SECRET, Client, Stage

from lictui.simulator.cloud_server import serve_cloud

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.clock import FakeClock


@pytest.fixture
def stage(clock: FakeClock) -> Stage:
    return Stage(clock)


@pytest.fixture
async def client(stage: Stage) -> AsyncIterator[Client]:
    listener = await serve_cloud(
        lambda: stage.account,
        lambda: stage.fault,
        stage.clock,
        customer_id="acme",
        client_id=CLIENT,
        secret=SECRET,
        certificate=CERTIFICATE,
        retry_after=7,
        tokens_a_minute=5,
    )
    trust = ssl.create_default_context(
        cadata=CERTIFICATE.pem.decode().partition("-----BEGIN PRIV")[0]
    )
    async with (
        aclosing(listener),
        httpx.AsyncClient(base_url=listener.url, verify=trust, timeout=5) as http,
    ):
        yield Client(http, stage)


@pytest.fixture
async def inside(client: Client) -> Client:
    await client.log_in()
    return client
