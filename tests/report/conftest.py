"""A desk with a month of October 2026 in front of it, read in Berlin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.report.report_fixture import ReportFixture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[ReportFixture]:
    desk = ReportFixture(tmp_path / "history.db")
    yield desk
    desk.history.close()
