"""Sources over the fake REST APIs: opened without sockets, closed at the end."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from tests.support.clock import FakeClock
from tests.support.fake_api import SECRET, FakeApi
from tests.support.tcp_server import TlsIdentity

from lictui.config.settings import Limits
from lictui.model import Server, SourceName
from lictui.sources.citrix_cloud import CloudSource
from lictui.sources.cvad import CvadSource
from lictui.sources.partner import PartnerSource

RestSource = CloudSource | CvadSource | PartnerSource
OpenRestSource = Callable[..., RestSource]

_SOURCES: dict[SourceName, type[RestSource]] = {
    SourceName.CVAD: CvadSource,
    SourceName.CITRIX_CLOUD: CloudSource,
    SourceName.PARTNER: PartnerSource,
}


@pytest.fixture
async def open_rest_source(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[OpenRestSource]:
    monkeypatch.setenv("LICTUI_TEST", SECRET)
    opened: list[RestSource] = []

    def open_(server: Server, api: FakeApi) -> RestSource:
        transport = httpx.MockTransport(api)
        source = _SOURCES[server.source](server, Limits(), clock, transport)
        opened.append(source)
        return source

    yield open_
    for source in opened:
        await source.aclose()


@pytest.fixture
def identity() -> TlsIdentity:
    return TlsIdentity("localhost", "127.0.0.1", "::1")


@pytest.fixture
def bundle(identity: TlsIdentity, tmp_path: Path) -> Path:
    """A file with the CA that issued `identity`."""
    file = tmp_path / "ca.pem"
    file.write_bytes(identity.ca_pem)
    return file


@pytest.fixture
def timeouts(monkeypatch: pytest.MonkeyPatch) -> list[asyncio.Timeout]:
    """Every timeout of asyncio from now on; a test ends one with `reschedule(0)`."""
    started: list[asyncio.Timeout] = []

    def recorded(start: Callable[[float | None], asyncio.Timeout]) -> object:
        def timeout(seconds: float | None) -> asyncio.Timeout:
            started.append(start(seconds))
            return started[-1]

        return timeout

    for start in (asyncio.timeout, asyncio.timeout_at):
        monkeypatch.setattr(asyncio, start.__name__, recorded(start))
    return started
