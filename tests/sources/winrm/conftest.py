from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.sources.winrm.ntlm_server import PASSWORD, users

from lictui.config.settings import Limits
from lictui.model import Server, SourceName

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


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
