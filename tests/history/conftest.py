"""A history of its own for every test, and short ways to fill and ask it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.history.history_fixture import HistoryFixture
from tests.support.clock import FakeClock


@pytest.fixture
def fixture(tmp_path: Path, clock: FakeClock) -> Iterator[HistoryFixture]:
    fixture = HistoryFixture(tmp_path / "data" / "history.db", clock)
    yield fixture
    fixture.close()
