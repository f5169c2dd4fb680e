import csv
import io

from tests.report.report_fixture import CCS, UD
from tests.report.sample import FORMULA

from lictui.report.csv import HEADER, render_csv
from lictui.report.model import MonthlyReport
from lictui.report.sections import build_tree


def test_csv_has_one_figure_per_row(sample: MonthlyReport) -> None:
    rows = list(csv.DictReader(io.StringIO(render_csv(build_tree(sample)))))
    assert list(rows[0]) == HEADER
    by_key = {
        (row["kind"], row["scope"], row["product"], row["figure"], row["month"], row["day"]): row
        for row in rows
    }
    assert len(by_key) == len(rows)
    peak = by_key["estate", "estate", CCS, "peak", "2026-10", ""]
    assert (peak["value"], peak["at"]) == ("162", "2026-10-01T21:00:00Z")
    assert by_key["estate", "estate", CCS, "upper_bound", "2026-10", ""]["value"] == "162"
    assert by_key["estate", "estate", UD, "assigned", "2026-10", ""]["value"] == "105"
    assert by_key["server", "b", CCS, "daily_peak", "2026-10", "2026-10-25"]["value"] == "50"
    assert by_key["end", "a", CCS, "licenses expire", "2026-10", "2026-12-14"]["value"] == "100"
    assert by_key["contract", "estate", UD, "missing", "2026-10", "2027-01-31"]["value"] == "15"
    assert by_key["end", "'" + FORMULA, UD, "subscription ends", "2026-10", "2027-04-01"]
    assert ("estate", "estate", UD, "peak", "2026-10", "") not in by_key
