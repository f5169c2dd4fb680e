from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.report.report_fixture import ReportFixture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def fixture(tmp_path: Path) -> Iterator[ReportFixture]:
    fixture = ReportFixture(tmp_path / "history.db")
    yield fixture
    fixture.history.close()
