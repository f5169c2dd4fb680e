from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from tests.sources.winrm.ntlm_server import PASSWORD, users
from tests.sources.winrm.wsman_replies import WsmanRequest, fake_server
from tests.support.clock import FakeClock
from tests.support.polls import ignore_steps, poll_once

from lictui.config.settings import Limits
from lictui.model import Failure, Server, Snapshot, SourceName
from lictui.sources.source import OnStep
from lictui.sources.winrm.source import WinrmSource

Answer = Callable[[WsmanRequest], bytes | httpx.Response]
OpenWinrm = Callable[..., WinrmSource]
Poll = Callable[..., Coroutine[None, None, Snapshot | Failure]]


@pytest.fixture
def limits() -> Limits:
    """On a busy machine, too, a tenth of it is enough for a query that a poll can do without."""
    return Limits(timeout=300, connect_timeout=30)


@pytest.fixture
async def open_source(
    limits: Limits, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[OpenWinrm]:
    """Opens sources for a server whose secret is the right one, and closes them in the end."""
    monkeypatch.setenv("TEST_SECRET", PASSWORD)
    sources: list[WinrmSource] = []

    def open_(
        transport: httpx.AsyncBaseTransport | None = None,
        limits: Limits = limits,
        **changes: Any,
    ) -> WinrmSource:
        server = Server(
            "lic01",
            SourceName.WINRM,
            url="https://lic01.example:5986/wsman",
            username=r"CORP\svc",
            secret="env:TEST_SECRET",
            auth="basic",
        )
        sources.append(WinrmSource(replace(server, **changes), limits, clock, transport))
        return sources[-1]

    yield open_
    for source in sources:
        await source.aclose()
        await source.aclose()


@pytest.fixture
def ntlm_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the acceptor know its one user."""
    monkeypatch.setenv("NTLM_USER_FILE", users(tmp_path))


@pytest.fixture
def poll(open_source: OpenWinrm, limits: Limits) -> Poll:
    """One poll of a server with these answers: the snapshot, or the failure."""

    async def run(
        answer: Answer, on_step: OnStep = ignore_steps, limits: Limits = limits
    ) -> Snapshot | Failure:
        return await poll_once(open_source(fake_server(answer), limits), on_step)

    return run
