"""Markdown, CSV and the picture: the same figures, and no text that is more than text."""

from __future__ import annotations

import csv
import io

from tests.report.report_fixture import CCS, UD, ReportFixture
from tests.report.sample import FORMULA, HOSTILE, sample_report

from lictui.report.markdown import HEADER, render_csv, render_markdown
from lictui.report.png import render_png


def test_markdown_tables_line_up(desk: ReportFixture) -> None:
    lines = render_markdown(sample_report(desk)).splitlines()
    assert lines[0] == "# Citrix licenses in October 2026"
    tables: dict[int, list[str]] = {}
    block = 0
    for line in lines:
        block += not line.startswith("|")
        if line.startswith("|"):
            tables.setdefault(block, []).append(line)
    assert len(tables) == 1 + 3 + 1 + 1 + 1
    for table in tables.values():
        assert len({len(line) for line in table}) == 1
        bars = {line.replace("\\|", "").count("|") for line in table}
        assert len(bars) == 1


def test_markdown_takes_no_markup_from_servers(desk: ReportFixture) -> None:
    text = render_markdown(sample_report(desk))
    assert HOSTILE not in text
    assert "\\<script>" in text
    assert "\\[c\\](http" in text


def test_csv_is_tidy(desk: ReportFixture) -> None:
    rows = list(csv.DictReader(io.StringIO(render_csv(sample_report(desk)))))
    assert tuple(rows[0]) == HEADER
    of = {
        (row["kind"], row["scope"], row["product"], row["figure"], row["month"], row["day"]): row
        for row in rows
    }
    assert len(of) == len(rows)
    peak = of["estate", "estate", CCS, "peak", "2026-10", ""]
    assert (peak["value"], peak["at"]) == ("162", "2026-10-01T21:00:00Z")
    assert of["estate", "estate", CCS, "upper_bound", "2026-10", ""]["value"] == "162"
    assert of["estate", "estate", UD, "assigned", "2026-10", ""]["value"] == "105"
    assert of["server", "b", CCS, "daily_peak", "2026-10", "2026-10-25"]["value"] == "50"
    assert of["end", "a", CCS, "licenses expire", "2026-10", "2026-12-14"]["value"] == "100"
    assert of["contract", "estate", UD, "missing", "2026-10", "2027-01-31"]["value"] == "15"
    assert ("estate", "estate", UD, "peak", "2026-10", "") not in of


def test_csv_runs_nothing(desk: ReportFixture) -> None:
    rows = list(csv.reader(io.StringIO(render_csv(sample_report(desk)))))
    assert "'" + FORMULA in {cell for row in rows for cell in row}
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row)


def test_the_picture_is_a_page(desk: ReportFixture) -> None:
    report = sample_report(desk)
    data = render_png(report)
    assert data.startswith(b"\x89PNG")
    width, height = (int.from_bytes(data[at : at + 4]) for at in (16, 20))
    assert (width, height) == (1240, 1753)
    assert render_png(report) == data
