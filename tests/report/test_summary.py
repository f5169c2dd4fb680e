import csv
import io
import re
from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace
from tests.report.report_fixture import CCS, END, HOURS, UD, ReportFixture, texts, timestamp
from tests.support.values import poll, pool, server, snapshot

from lictui.analysis.forecast import Forecast, ForecastStatus, Reach
from lictui.config.entitlements import Entitlement
from lictui.config.settings import Settings
from lictui.engine.entitlements import Expiry, ExpiryKind
from lictui.model import Level, Model
from lictui.report.csv import render_csv
from lictui.report.model import MonthlyReport
from lictui.report.sections import build_tree
from lictui.report.summary import key_figures, summary
from lictui.report.text import Bounded


def statements(report: MonthlyReport) -> list[tuple[str, str]]:
    return [(s.label, s.text.replace("\N{NO-BREAK SPACE}", " ")) for s in summary(report)]


def test_summary_lists_usage_forecasts_expirations_and_missing_data(sample: MonthlyReport) -> None:
    premium = "Citrix Virtual Apps and Desktops Premium"
    assert statements(sample) == [
        (
            "overdraft",
            (
                f"{premium}: 105 of 100 user/device licenses assigned at month end (105 %);"
                " 0 available."
            ),
        ),
        ("overdraft", f"{premium} (concurrent) on a: 112 of 100 in use (112 %)."),
        (
            "warn",
            (
                f"{premium}: peak of 162 of 200 concurrent licenses in use (81 %) on"
                " Thu 1 Oct, 23:00; 80 % reached on 31 of 31 days."
            ),
        ),
        (
            "unknown",
            "<script>alert(1)</script> (concurrent): 7 in use; the installed quantity is unknown.",
        ),
        ("forecast", f"{premium} (concurrent): shortfall of 50 licenses on 14 December 2026."),
        (
            "forecast",
            f"{premium} (concurrent): all licenses are likely to be in use by 20 January 2027.",
        ),
        ("expiring", f"100 licenses of {premium} (XDT_PLT_CCS) on a expire on 14 December 2026."),
        (
            "expiring",
            f"{premium} (XDT_PLT_UD), all servers: contract renewal due on 31 January 2027.",
        ),
        (
            "entitlements",
            f"{premium} (XDT_PLT_UD), all servers: 12-month peak exceeded the 90 purchased by 15.",
        ),
        ("entitlements", "Unused licenses cost 14,365 EUR per year."),
        ("no data", "gone: no data this month; excluded."),
    ]


SOON = date(2026, 12, 20)
NARROW = (date(2026, 12, 10), date(2026, 12, 30))


@pytest.mark.parametrize(
    ("critical", "full", "texts"),
    [
        (Reach(0.9, 0.9, SOON), None, ["90 % utilization is likely to be reached by"]),
        (Reach(0.9, 0.6, SOON, NARROW), None, ["90 % utilization may be reached by"]),
        (Reach(0.9, 0.6, SOON), None, []),
        (Reach(0.9, 0.9, SOON, last_reached=date(2026, 10, 30)), None, []),
        (Reach(0.9, 0.9, SOON), Reach(1.0, 0.9, SOON), ["all licenses are likely to be in use by"]),
        (Reach(0.9, 0.9, SOON), Reach(1.0, 0.6, SOON, NARROW), ["all licenses may be in use by"]),
    ],
    ids=["likely", "narrow", "uncertain", "reached before", "all likely", "all narrow"],
)
def test_summary_says_when_a_threshold_is_reached_next(
    fixture: ReportFixture, critical: Reach, full: Reach | None, texts: list[str]
) -> None:
    fixture.record_hourly("a", [10] * HOURS)
    report = fixture.report()
    forecast = Forecast(
        "estate", CCS, Model.CONCURRENT, ForecastStatus.GROWING, 365, critical=critical,
        installed=full,
    )  # fmt: skip
    report = replace(report, products=(replace(report.products[0], forecast=forecast),))
    found = [text.split(": ")[1] for label, text in statements(report) if label == "forecast"]
    assert found == [f"{text} 20 December 2026." for text in texts]


@pytest.mark.parametrize(
    ("product", "figures", "level", "text"),
    [
        (UD, [85], "warn", "85 of 100 user/device licenses assigned at month end (85 %)."),
        (UD, [100], "critical", "assigned at month end (100 %); 0 available."),
        (CCS, [85, 92, 10], "critical", "90 % reached on 1 of 31 days."),
        (CCS, [85, 89, 10], "warn", "80 % reached on 1 of 31 days."),
        (CCS, [100, 100, 10], "critical", "2 h without free licenses in total."),
    ],
)
def test_summary_describes_usage_above_a_threshold(
    fixture: ReportFixture, product: str, figures: list[int], level: str, text: str
) -> None:
    last = figures[-1:]
    fixture.record_hourly("a", figures + last * (HOURS - len(figures)), product=product)
    ((label, sentence),) = statements(fixture.report())
    assert label == level
    assert sentence.endswith(text)


def test_summary_describes_each_kind_of_expiration(fixture: ReportFixture) -> None:
    fixture.record_hourly("a", [10] * HOURS)
    report = fixture.report()
    past, soon, later = date(2026, 11, 1), date(2026, 12, 3), date(2026, 12, 4)
    expiries = (
        Expiry(past, ExpiryKind.LICENSES, "a", CCS, "Premium", count=5),
        Expiry(past, ExpiryKind.SUBSCRIPTION, "a", CCS, CCS, count=None),
        Expiry(soon, ExpiryKind.ACTIVATION, "a"),
        Expiry(soon, ExpiryKind.RENEWAL, "estate", CCS, "Premium"),
        Expiry(later, ExpiryKind.LICENSES, "a", count=5),
        Expiry(date(2027, 2, 2), ExpiryKind.LICENSES, "a", CCS, CCS, renewed=True),
    )
    report = replace(report, expiries=expiries)
    shown = [(s.level.value, s.text) for s in summary(report) if s.label == "expiring"]
    assert shown == [
        ("critical", f"5 licenses of Premium ({CCS}) on a expired on 1 November 2026."),
        ("critical", f"{CCS} on a: SA of ? licenses expired on 1 November 2026."),
        ("critical", "a: license activation expires on 3 December 2026."),
        ("warn", f"Premium ({CCS}), all servers: contract renewal due on 3 December 2026."),
        (
            "warn",
            "5 licenses of a product that is not reported on a expire on 4 December 2026.",
        ),
    ]


@pytest.mark.parametrize(("count", "more"), [(5, ""), (7, " and 2 more")])
def test_summary_names_the_first_servers_without_data(
    fixture: ReportFixture, count: int, more: str
) -> None:
    fixture.record_hourly("a", [10] * HOURS)
    for number in range(1, count + 1):
        fixture.servers[f"s{number}"] = server(f"s{number}")
    expected = f"s1, s2, s3, s4, s5{more}: no data this month; excluded."
    assert statements(fixture.report())[-1] == ("no data", expected)


def test_summary_of_a_quiet_month_is_one_statement(fixture: ReportFixture) -> None:
    fixture.record_hourly("a", [10] * HOURS)
    assert statements(fixture.report()) == [("ok", "All products are below their thresholds.")]


@pytest.mark.parametrize("product", [CCS, UD])
def test_summary_of_a_month_without_data_reports_no_level(
    fixture: ReportFixture, product: str
) -> None:
    fixture.record_hourly("a", [99] * 24, timestamp("2026-09-20T00:00"), product=product)
    report = fixture.report()
    first, *_ = summary(report)
    assert (first.level, first.label) == (Level.UNKNOWN, "no data")
    assert first.text == "No usage was recorded in this month."
    assert report.products[0].estate.level is Level.UNKNOWN
    for text in texts(report):
        assert "below their thresholds" not in text
        assert not re.search(r"\bok\b", re.sub("<style>.*</style>", "", text, flags=re.DOTALL))


def test_summary_counts_only_products_with_a_level_as_ok(fixture: ReportFixture) -> None:
    fixture.record_hourly("a", [10] * HOURS)
    fixture.record_hourly("b", [10] * 24, timestamp("2026-09-20T00:00"), product=UD)
    fixture.record_hourly("c", [10] * HOURS, product="MPS_ENT_CCU", installed=None)
    lines = statements(fixture.report())
    assert lines[0] == ("ok", "All products with a known level are below their thresholds.")
    assert {label for label, _ in lines[1:3]} == {"unknown", "no data"}


def test_summary_counts_the_cost_of_an_unused_license_once(fixture: ReportFixture) -> None:
    for name, group, figure in (("a", "emea", 200), ("b", "emea", 106), ("c", "us", 11)):
        fixture.record_hourly(name, [figure] * HOURS, group=group, installed=240)
    entitlements = (
        Entitlement(CCS, 400, 120.0, "EUR"),
        Entitlement(CCS, 350, 120.0, "EUR", group="emea"),
    )
    report = fixture.report(settings=Settings(entitlements=entitlements))
    assert [line.unused_cost for line in report.contract_lines] == [83 * 120.0, 44 * 120.0]
    assert ("entitlements", "Unused licenses cost 9,960 EUR per year.") in statements(report)
    rows = list(csv.DictReader(io.StringIO(render_csv(build_tree(report)))))
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


def test_key_figures_show_totals_unused_cost_and_next_expiration(sample: MonthlyReport) -> None:
    figures = [f"{f.label}: {f.value}; {f.remark}" for f in key_figures(sample)]
    assert [line.replace("\N{NO-BREAK SPACE}", " ") for line in figures] == [
        "Concurrent licenses: ≥ 200; installed; 2 products, 1 of unknown quantity",
        "Concurrent utilization: 81 %; 162 of 200, at the peak of each product",
        "Assigned licenses: 100; installed; 1 product",
        "Assigned utilization: 105 %; 105 of 100, at month end",
        "Products: 3; 1 overdraft, 1 warn, 1 unknown",
        "Unused licenses, per year: 14,365 EUR; 2 of 3 entitlements known",
        "Next expiration: 14 Dec 2026; Licenses expire: a; then 31 Jan 2027, 1 Apr 2027",
    ]


def test_unknown_quantities_and_entitlements_are_not_zeros(fixture: ReportFixture) -> None:
    fixture.record_hourly("a", [10] * HOURS, installed=None)
    fixture.record_hourly("b", [10] * HOURS, installed=None, product=UD)
    tree = build_tree(fixture.report())
    figures = {f.label: (f.value, f.remark) for f in tree.summary.key_figures}
    assert figures["Concurrent licenses"][0] == figures["Concurrent utilization"][0] == "?"
    entered = "enter purchased and cost of each product in contract.toml"
    assert figures["Unused licenses, per year"] == ("?", entered)
    assert figures["Next expiration"][0] == "\N{EN DASH}"
    for section in tree.products:
        days = next(f for f in section.key_figures if f.label.startswith("Days at"))
        assert (days.value, days.remark) == ("? / ? / ?", "of 31 with data")
    (row,) = next(rows for rows in tree.rows("figures") if "p95" in rows[0])
    assert row["p95"] == Bounded(10)
    assert row["seconds_at_80_percent"] == row["longest_saturation_seconds"] == Bounded(None)


def test_unknown_products_come_last_unless_a_server_is_critical(fixture: ReportFixture) -> None:
    codes = ("XDT_PLT_CCS", "MPS_ENT_CCU", "MPS_ADV_CCU", "MPS_PLT_CCU")
    for code, figure, installed in zip(codes, (50, 85, 10, 7), (100, 100, 10, None), strict=True):
        fixture.record_hourly(f"{code}-1", [figure] * HOURS, installed=installed, product=code)
    fixture.record_hourly("lic", [5] * HOURS, installed=None, product=codes[2])
    order = [(product.code, product.estate.level) for product in fixture.report().products]
    assert order == [
        (codes[2], Level.UNKNOWN),
        (codes[1], Level.WARN),
        (codes[0], Level.OK),
        (codes[3], Level.UNKNOWN),
    ]
