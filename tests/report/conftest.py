from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.report.report_fixture import ReportFixture
from tests.report.sample import sample_report

from lictui.report.model import MonthlyReport


@pytest.fixture
def fixture(tmp_path: Path) -> Iterator[ReportFixture]:
    fixture = ReportFixture(tmp_path / "history.db")
    yield fixture
    fixture.history.close()


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> MonthlyReport:
    """A report that shows every kind of section; it is frozen, so all tests share one."""
    fixture = ReportFixture(tmp_path_factory.mktemp("sample") / "history.db")
    report = sample_report(fixture)
    fixture.history.close()
    return report
