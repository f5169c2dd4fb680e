import pytest
from tests.report.report_fixture import ReportFixture
from tests.report.sample import HOSTILE, sample_report

from lictui.report.markdown import render_markdown
from lictui.report.sections import build_tree
from lictui.report.text import COLUMNS, format_cell


def test_markdown_tables_are_aligned(fixture: ReportFixture) -> None:
    lines = render_markdown(build_tree(sample_report(fixture))).splitlines()
    assert lines[0] == "# Citrix licenses in October 2026"
    tables: dict[int, list[str]] = {}
    block = 0
    for line in lines:
        block += not line.startswith("|")
        if line.startswith("|"):
            tables.setdefault(block, []).append(line)
    assert len(tables) == 1 + 3 + 1 + 1 + 1 + 1
    for table in tables.values():
        assert len({len(line) for line in table}) == 1
        bars = {line.replace("\\|", "").count("|") for line in table}
        assert len(bars) == 1


def test_markdown_escapes_names_from_servers(fixture: ReportFixture) -> None:
    text = render_markdown(build_tree(sample_report(fixture)))
    assert HOSTILE not in text
    assert "\\<script>" in text
    assert "\\[c\\](http" in text


@pytest.mark.parametrize(("ratio", "percent"), [(0.797, "79"), (0.896, "89"), (0.9996, "99")])
def test_utilization_never_contradicts_the_state(ratio: float, percent: str) -> None:
    row = {"utilization": ratio, "warn": 0.8, "critical": 0.9}
    assert format_cell(COLUMNS["utilization"], row, None) == f"{percent}\N{NO-BREAK SPACE}%"
