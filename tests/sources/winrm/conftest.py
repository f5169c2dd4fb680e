from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.sources.winrm.ntlm_server import PASSWORD, users
from tests.sources.winrm.wsman_replies import WsmanRequest, fake_server

from lictui.config.settings import Limits
from lictui.model import Failure, Server, Snapshot, SourceName, Step
from lictui.sources.source import SourceError, ignore_steps
from lictui.sources.winrm.source import WinrmSource

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    import httpx
    from tests.support.clock import FakeClock

    Answer = Callable[[WsmanRequest], bytes | httpx.Response]
    Poll = Callable[..., Coroutine[None, None, Snapshot | Failure]]


@pytest.fixture
def limits() -> Limits:
    return Limits(timeout=20, connect_timeout=5)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Server]:
    """A registered server whose secret is the right one; any field can be another."""
    monkeypatch.setenv("TEST_SECRET", PASSWORD)

    def make(**changes: Any) -> Server:
        default = Server(
            "lic01",
            SourceName.WINRM,
            url="https://lic01.example:5986/wsman",
            username=r"CORP\svc",
            secret="env:TEST_SECRET",
            auth="basic",
        )
        return replace(default, **changes)

    return make


@pytest.fixture
def ntlm_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the acceptor know its one user."""
    monkeypatch.setenv("NTLM_USER_FILE", users(tmp_path))


@pytest.fixture
def poll(server: Callable[..., Server], limits: Limits, clock: FakeClock) -> Poll:
    """One poll of a server that answers as told: the snapshot, or the failure."""

    async def run(
        answer: Answer, found: Callable[[Step, str], None] = ignore_steps, limits: Limits = limits
    ) -> Snapshot | Failure:
        source = WinrmSource(server(), limits, clock, fake_server(answer))
        try:
            return await source.fetch(found)
        except SourceError as error:
            return error.failure
        finally:
            await source.aclose()

    return run
