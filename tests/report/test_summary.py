import csv
import io
from datetime import date
from typing import Any

import pytest
from tests.report.report_fixture import CCS, END, HOURS, UD, ReportFixture, timestamp
from tests.report.sample import sample_report
from tests.support.values import poll, pool, snapshot

from lictui.config.entitlements import Entitlement
from lictui.config.settings import Settings
from lictui.model import Level, Model
from lictui.report.csv import render_csv
from lictui.report.html import render_html
from lictui.report.markdown import render_markdown
from lictui.report.model import MonthlyReport
from lictui.report.summary import summary


def statements(report: MonthlyReport) -> list[tuple[str, str]]:
    return [(s.label, s.text.replace("\N{NO-BREAK SPACE}", " ")) for s in summary(report)]


def test_summary_lists_usage_forecasts_expirations_and_missing_data(fixture: ReportFixture) -> None:
    premium = "Citrix Virtual Apps and Desktops Premium"
    assert statements(sample_report(fixture)) == [
        (
            "Overdraft",
            (
                f"{premium}: 105 of 100 user/device licenses assigned at month end (105 %);"
                " 0 available."
            ),
        ),
        (
            "Warning",
            (
                f"{premium}: peak of 162 of 200 concurrent licenses in use (81 %) on"
                " Thu 1 Oct, 23:00; 80 % reached on 31 of 31 days."
            ),
        ),
        ("Overdraft", f"{premium} (concurrent) on a: 112 of 100 in use (112 %)."),
        (
            "Unknown",
            "<script>alert(1)</script> (concurrent): 7 in use; the installed quantity is unknown.",
        ),
        ("Forecast", f"{premium} (concurrent): shortfall of 50 licenses on 14 December 2026."),
        (
            "Forecast",
            f"{premium} (concurrent): all licenses are likely to be in use by 20 January 2027.",
        ),
        ("Expiring", f"100 licenses of {premium} (XDT_PLT_CCS) on a expire on 14 December 2026."),
        (
            "Expiring",
            f"{premium} (XDT_PLT_UD), all servers: contract renewal due on 31 January 2027.",
        ),
        (
            "Entitlements",
            f"{premium} (XDT_PLT_UD), all servers: 12-month peak exceeded the 90 purchased by 15.",
        ),
        ("Entitlements", "Unused licenses cost 14,365 EUR per year."),
        ("No data", "gone: no data this month; excluded."),
    ]


def test_summary_of_a_quiet_month_is_one_statement(fixture: ReportFixture) -> None:
    fixture.record_hourly("a", [10] * HOURS)
    assert statements(fixture.report()) == [("OK", "All products are below their thresholds.")]


@pytest.mark.parametrize("product", [CCS, UD])
def test_summary_of_a_month_without_data_reports_no_level(
    fixture: ReportFixture, product: str
) -> None:
    fixture.record_hourly("a", [99] * 24, timestamp("2026-09-20T00:00"), product=product)
    report = fixture.report()
    first, *_ = summary(report)
    assert (first.level, first.label) == (Level.UNKNOWN, "No data")
    assert first.text == "No usage was recorded in this month."
    assert report.products[0].estate.level is Level.UNKNOWN
    for written in (render_html(report), render_markdown(report), render_csv(report)):
        assert "below their thresholds" not in written
        assert "OK" not in written.replace("level.ok", "")


def test_summary_counts_only_products_with_a_level_as_ok(fixture: ReportFixture) -> None:
    fixture.record_hourly("a", [10] * HOURS)
    fixture.record_hourly("b", [10] * 24, timestamp("2026-09-20T00:00"), product=UD)
    fixture.record_hourly("c", [10] * HOURS, product="MPS_ENT_CCU", installed=None)
    lines = statements(fixture.report())
    assert lines[0] == ("OK", "All products with a known level are below their thresholds.")
    assert {label for label, _ in lines[1:3]} == {"Unknown", "No data"}


def test_summary_counts_the_cost_of_an_unused_license_once(fixture: ReportFixture) -> None:
    for name, group, figure in (("a", "emea", 200), ("b", "emea", 106), ("c", "us", 11)):
        fixture.record_hourly(name, [figure] * HOURS, group=group, installed=240)
    entitlements = (
        Entitlement(CCS, 400, 120.0, "EUR"),
        Entitlement(CCS, 350, 120.0, "EUR", group="emea"),
    )
    report = fixture.report(settings=Settings(entitlements=entitlements))
    assert [line.unused_cost for line in report.contract_lines] == [83 * 120.0, 44 * 120.0]
    assert ("Entitlements", "Unused licenses cost 9,960 EUR per year.") in statements(report)
    rows = list(csv.DictReader(io.StringIO(render_csv(report))))
    assert {row["value"] for row in rows if row["figure"] == "idle_cost"} == {"9960.0", "5280.0"}


def test_summary_lists_a_server_with_several_expirations_once(fixture: ReportFixture) -> None:
    fixture.record_hourly("a", [1] * 24, group="x")
    fixture.record_hourly("b", [1] * 24, group="x")
    ends: dict[str, Any] = {
        "expires": date(2026, 12, 1),
        "permanent": False,
        "model": Model.CONCURRENT,
    }
    for name in ("a", "b"):
        pools = [
            pool(CCS, 1, 10, subscription=day, **ends)
            for day in (date(2026, 12, 1), date(2027, 12, 1))
        ]
        fixture.history.append(fixture.servers[name], poll(snapshot(*pools), name, END + 60))
    (statement,) = [text for _, text in statements(fixture.report()) if "expire on" in text]
    assert statement.startswith("40 licenses of ")
    assert "on a, b expire on 1 December 2026" in statement
