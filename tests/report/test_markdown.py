from datetime import UTC, date
from typing import Any

import pytest
from tests.report.sample import HOSTILE

from lictui.model import Level
from lictui.report.markdown import render_markdown
from lictui.report.model import MonthlyReport, PeriodFigure
from lictui.report.sections import build_tree
from lictui.report.text import AT_MOST, COLUMNS, NONE, Bounded, Cell, change, format_cell


def test_markdown_tables_are_aligned(sample: MonthlyReport) -> None:
    lines = render_markdown(build_tree(sample)).splitlines()
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


def test_markdown_escapes_names_from_servers(sample: MonthlyReport) -> None:
    text = render_markdown(build_tree(sample))
    assert HOSTILE not in text
    assert "\\<script>" in text
    assert "\\[c\\](http" in text


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("utilization", 0.797, "79 %"),  # a percentage never contradicts the state
        ("utilization", 0.896, "89 %"),
        ("utilization", 0.9996, "99 %"),
        ("coverage", 0.9996, "99.9 %"),
        ("installed", 1234, "1,234"),
        ("installed", None, "?"),
        ("usage", Bounded(1234, AT_MOST), "≤ 1,234"),
        ("licenses", 5, "5"),
        ("licenses", None, NONE),  # nothing to count
        ("change", 12, "+12"),
        ("change", -1200, "\N{MINUS SIGN}1,200"),
        ("change", 0, "±0"),
        ("change", None, NONE),
        ("cost", 1200.0, "1,200 EUR"),
        ("cost", None, "?"),
        ("day", date(2026, 12, 1), "1 Dec 2026"),
        ("time", 0, "Thu 1 Jan, 00:00"),
        ("time", None, NONE),
        ("server", "", NONE),
        ("level", Level.WARN, "warn"),
    ],
)
def test_cell_is_written_for_people(key: str, value: Cell, text: str) -> None:
    row = {key: value, "warn": 0.8, "critical": 0.9, "unit_cost": 3.0, "currency": "EUR"}
    assert format_cell(COLUMNS[key], row, UTC).replace("\N{NO-BREAK SPACE}", " ") == text


@pytest.mark.parametrize(
    ("current", "earlier", "expected"),
    [
        ({"figure": 12}, {"figure": 10}, 2),
        ({"figure": None}, {"figure": 10}, None),
        ({"figure": 12}, {"figure": None}, None),
        ({"figure": 12, "is_upper_bound": True}, {"figure": 10}, None),
        ({"figure": 12}, {"figure": 10, "is_upper_bound": True}, None),
    ],
)
def test_change_is_unknown_between_figures_that_are_not_exact(
    current: dict[str, Any], earlier: dict[str, Any], expected: int | None
) -> None:
    months = (PeriodFigure(date(2026, 10, 1), **figure) for figure in (current, earlier))
    assert change(*months) == expected
