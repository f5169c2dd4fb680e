"""Settings of every test: a clean environment, UTC, no time limit for a generated example."""

import os
import sys
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from tests.support.clock import FakeClock

# A loaded machine must not fail a test: an example may take as long as it takes.
settings.register_profile("lictui", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lictui")

# Compiled modules are kept, or each worker and each program started would compile all of them.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

_INHERITED = ("TEXTUAL", "LICTUI_", "NO_COLOR", "FORCE_COLOR", "COLORTERM", "XDG_", "LC_", "LANG")


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: tests with programs and sockets wait for these."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep the settings of the machine away from the tests."""
    for name in list(os.environ):
        # pytest-textual-snapshot passes its folder to the test through the environment.
        if name.startswith(_INHERITED) and not name.startswith("TEXTUAL_SNAPSHOT"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock that only moves when the test moves it."""
    return FakeClock()
