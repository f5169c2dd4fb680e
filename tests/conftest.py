"""What holds for every test: a clean environment, UTC, no network but loopback."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from tests.support.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator

_LEAKS = ("TEXTUAL", "LICTUI_", "NO_COLOR", "FORCE_COLOR", "COLORTERM", "XDG_", "LC_", "LANG")


def pytest_xdist_auto_num_workers() -> int:
    """Two for each processor: a test of a screen waits as long as it works."""
    return 2 * (os.cpu_count() or 1)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No setting of the machine reaches a test."""
    for name in list(os.environ):
        # The picture tests find their own folder through the environment.
        if name.startswith(_LEAKS) and not name.startswith("TEXTUAL_SNAPSHOT"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still until it is moved."""
    return FakeClock()
