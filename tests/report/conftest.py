from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.report.report_fixture import ReportFixture


@pytest.fixture
def fixture(tmp_path: Path) -> Iterator[ReportFixture]:
    fixture = ReportFixture(tmp_path / "history.db")
    yield fixture
    fixture.history.close()
