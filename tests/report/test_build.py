"""The figures of a report: usage, assignments, forecasts, expirations, events and entitlements."""

from datetime import date
from pathlib import Path

import pytest
from tests.report.report_fixture import (
    CCS,
    END,
    HOURS,
    START,
    UD,
    ReportFixture,
    hourly_figures,
    texts,
    timestamp,
)
from tests.report.sample import FORMULA, HOSTILE
from tests.support.values import poll, pool, server, snapshot

from lictui.analysis.forecast import ForecastStatus
from lictui.config.entitlements import Entitlement
from lictui.config.settings import AlertSettings, Retention, Settings
from lictui.engine.entitlements import Expiry, ExpiryKind
from lictui.engine.product_reader import ProductHistoryReader
from lictui.engine.queries import load_board
from lictui.history.backfill import LicenseGrant
from lictui.model import Event, EventKind, Level, Model, MonthlyUsage, PoolKey
from lictui.report.csv import render_csv
from lictui.report.markdown import render_markdown
from lictui.report.model import MonthlyReport, ScopeKind
from lictui.report.sections import build_tree


def test_failed_polls_lower_coverage_and_are_not_zeros(fixture: ReportFixture) -> None:
    fixture.record_hourly("a", [60] * HOURS)
    fixture.record_hourly("b", [40] * 12 + [None] * 12 + [40] * (HOURS - 24))
    scope = fixture.product().estate
    assert scope.month.average == pytest.approx(100)
    assert scope.month.coverage == pytest.approx(1 - 12 / HOURS, abs=0.002)
    assert {day.figure for day in scope.days} == {100}


def test_days_start_at_local_midnight_also_when_clocks_change(fixture: ReportFixture) -> None:
    figures = [10] * HOURS
    moments = {
        timestamp("2026-10-25T22:30"): 70,  # 23:30 in Berlin, on the day of 25 hours
        timestamp("2026-10-31T22:00"): 90,  # the last hour of October there
    }
    for moment, figure in moments.items():
        figures[(moment - START) // 3600] = figure
    fixture.record_hourly("new-york", [99, *figures, 98], START - 3600)
    scope = fixture.product().estate
    assert (scope.month.figure, scope.month.timestamp) == (90, timestamp("2026-10-31T22:00"))
    days = {day.first_day: day for day in scope.days}
    assert len(days) == 31
    assert days[date(2026, 10, 25)].figure == 70
    assert days[date(2026, 10, 26)].figure == 10
    assert days[date(2026, 10, 31)].figure == 90
    assert (fixture.report().month.start, fixture.report().month.end) == (START, END)


def test_thresholds_of_a_product_override_the_defaults(fixture: ReportFixture) -> None:
    fixture.record_hourly("a", hourly_figures(10, 62, (5, 6)))
    alerts = AlertSettings(product={CCS: {"warn": 0.5, "critical": 0.6}})
    product = fixture.product(settings=Settings(alerts=alerts))
    assert (product.warn, product.critical, product.estate.level) == (0.5, 0.6, Level.CRITICAL)
    assert product.estate.days_above.critical == 2


def test_previous_months_and_previous_year_are_included(fixture: ReportFixture) -> None:
    for month, figure in (("2025-10", 30), ("2026-08", 40), ("2026-09", 50)):
        fixture.record_hourly("a", [figure] * 24, timestamp(f"{month}-10T00:00"))
    fixture.record_hourly("a", [60] * 24, timestamp("2026-10-10T00:00"))
    scope = fixture.product().estate
    assert (scope.month.figure, scope.previous_month.figure, scope.previous_year.figure) == (
        60,
        50,
        30,
    )
    assert [month.figure for month in scope.months] == [None] * 9 + [40, 50, 60]
    assert scope.months[0].first_day == date(2025, 11, 1)


def test_servers_without_data_are_listed_and_excluded(fixture: ReportFixture) -> None:
    fixture.record_hourly("a", [60] * HOURS)
    fixture.record_hourly("b", [30] * 48, timestamp("2026-09-01T00:00"))
    fixture.servers["c"] = server("c")
    report = fixture.report()
    scope = report.products[0].estate
    assert (scope.month.figure, scope.servers, scope.silent_servers) == (60, ("a",), ("b",))
    assert [(server.server, round(server.coverage, 2)) for server in report.servers] == [
        ("a", 1.0),
        ("b", 0.0),
        ("c", 0.0),
    ]
    assert (report.reporting_servers, round(report.coverage, 2)) == (1, 0.33)


def test_server_added_after_the_month_is_not_missing(fixture: ReportFixture) -> None:
    fixture.record_hourly("a", [60] * HOURS)
    fixture.record_hourly("late", [5] * 3, END + 3600)
    report = fixture.report()
    assert report.products[0].estate.silent_servers == ()
    assert [server.server for server in report.servers] == ["a"]


def test_removed_server_counts_until_its_last_success(fixture: ReportFixture) -> None:
    fixture.record_hourly("a", [60] * HOURS)
    fixture.record_hourly("b", [30] * 100)
    fixture.servers.pop("b")
    report = fixture.report()
    scope = report.products[0].estate
    assert scope.month.figure == 90
    assert scope.month.coverage == pytest.approx(1.0, abs=0.002)
    assert scope.days[-1].figure == 60
    assert [(server.server, server.removed) for server in report.servers] == [
        ("a", False),
        ("b", True),
    ]


def test_groups_have_peaks_and_may_be_selected(fixture: ReportFixture) -> None:
    for name, group, figure in (("a", "emea", 10), ("b", "emea", 20), ("c", "us", 40)):
        fixture.record_hourly(name, [figure] * HOURS, group=group)
    product = fixture.product()
    assert [(scope.name, scope.month.figure) for scope in product.groups] == [
        ("emea", 30),
        ("us", 40),
    ]
    assert [(scope.kind, scope.name) for scope in product.breakdown] == [
        (ScopeKind.GROUP, "emea"),
        (ScopeKind.SERVER, "a"),
        (ScopeKind.SERVER, "b"),
        (ScopeKind.SERVER, "c"),
    ]
    emea = fixture.report(groups=("emea",))
    assert emea.products[0].estate.month.figure == 30
    assert [server.server for server in emea.servers] == ["a", "b"]


def test_license_server_with_two_sources_counts_once(fixture: ReportFixture) -> None:
    fixture.record_hourly("a", [60] * HOURS)
    fixture.record_hourly("site", [60] * HOURS)
    fixture.servers["site"] = server("site", interval=3600.0, same_as="a")
    assert fixture.product().estate.month.figure == 60
    assert [server.server for server in fixture.report().servers] == ["a"]


@pytest.mark.parametrize("product", [CCS, UD])
def test_licenses_of_one_entitlement_count_once(fixture: ReportFixture, product: str) -> None:
    for name, in_use, installed in (("a", 60, 90), ("b", 30, 100)):
        fixture.record_hourly(name, [in_use] * HOURS, product=product, installed=installed)
        fixture.servers[name] = server(name, interval=3600.0, entitlement="acme")
    fixture.record_hourly("c", [5] * HOURS, product=product, installed=10)
    report = fixture.report(settings=Settings(entitlements=(Entitlement(product, 150),)))
    scope = report.products[0].estate
    assert (scope.month.figure, scope.month.installed, scope.installed) == (95, 110, 110)
    assert report.contract_lines[0].installed == 110


@pytest.mark.parametrize("product", [CCS, UD])
def test_licenses_of_one_entitlement_count_once_for_each_date(
    fixture: ReportFixture, product: str
) -> None:
    for name, year, installed in (("a", 2027, 100), ("b", 2028, 50)):
        day = date(year, 1, 1)
        fixture.record_hourly(
            name, [10] * HOURS, product=product, installed=installed, subscription=day
        )
        fixture.servers[name] = server(name, interval=3600.0, entitlement="acme")
    scope = fixture.report().products[0].estate
    assert (scope.month.figure, scope.month.installed, scope.installed) == (20, 150, 150)


def test_product_that_continues_another_has_its_previous_month(fixture: ReportFixture) -> None:
    fixture.record_hourly("a", [40] * 24, START - 24 * 3600, product="OLD_CCS")
    fixture.record_hourly("a", [60] * HOURS)
    fixture.servers["a"] = server("a", interval=3600.0, continues="OLD_CCS")
    scope = fixture.product().estate
    assert scope.previous_month.figure == 40
    assert [product.code for product in fixture.report().products] == [CCS]


def test_month_to_date_ends_with_what_is_read_now(fixture: ReportFixture) -> None:
    now = timestamp("2026-11-03T09:00")
    fixture.record_hourly("b", [7], now)
    assert fixture.report(date(2026, 11, 1)).products[0].estate.month.highest == 7
    fixture.record_hourly("a", [60] * 24, timestamp("2026-11-02T00:00"))
    report = fixture.report(date(2026, 11, 1))
    assert (report.month.complete, report.month.end) == (False, now + 1)
    assert len(report.products[0].estate.days) == 3


def test_most_critical_product_is_first_and_critical_servers_are_listed(
    fixture: ReportFixture,
) -> None:
    fixture.record_hourly("a", [99] * HOURS, product=CCS)
    fixture.record_hourly("b", [1] * HOURS, product=CCS)
    fixture.record_hourly("c", [85] * HOURS, product="MPS_ENT_CCU")
    products = fixture.report().products
    assert [(product.code, product.estate.level) for product in products] == [
        ("MPS_ENT_CCU", Level.WARN),
        (CCS, Level.OK),
    ]
    assert [scope.name for scope in products[1].critical_servers] == ["a"]


def test_day_that_started_before_the_month_is_excluded(fixture: ReportFixture) -> None:
    fixture.record_hourly("a", [90] * 12 + [10] * 48, timestamp("2026-09-30T08:00"))
    fixture.keep_days_only()
    scope = fixture.product().estate
    assert (scope.month.figure, scope.month.alignment, scope.month.is_upper_bound) == (
        10,
        86400,
        False,
    )
    assert scope.usage is not None
    assert (scope.usage.p99, scope.days_above.with_data) == (10, 2)


def test_assigned_licenses_count_at_the_end_of_the_month(fixture: ReportFixture) -> None:
    fixture.record_hourly("a", [40] * 24, START - 24 * 3600, product=UD)
    figures = [50] * HOURS
    figures[100:] = [70] * (HOURS - 100)
    figures[400:] = [55] * (HOURS - 400)
    fixture.record_hourly("a", figures, product=UD)
    scope = fixture.product().estate
    assert (scope.month.figure, scope.month.installed, scope.month.average) == (55, 100, None)
    assert scope.month.timestamp == END - 1
    assert (scope.usage, scope.sum_of_server_peaks) == (None, None)
    changes = scope.assignments
    assert changes is not None
    assert (changes.at_start, changes.new, changes.released, changes.exact) == (40, 30, 15, False)
    assert (scope.days[0].figure, scope.days[10].figure, scope.days[30].figure) == (50, 70, 55)


async def test_assignment_changes_are_those_of_the_usage_view(fixture: ReportFixture) -> None:
    """Both add up what each server's readings show, changes within a day included."""
    start = timestamp("2026-10-31T12:00")
    for name, figures in (("a", [50, 60, 50] * 22), ("b", [20] * 30 + [30] * 36)):
        fixture.record_hourly(name, figures, start, product=UD)
    changes = fixture.report(date(2026, 11, 1)).products[0].estate.assignments
    assert changes is not None
    servers = tuple(fixture.servers.values())
    board = load_board(servers, fixture.history, AlertSettings())
    reader = ProductHistoryReader(fixture.history, fixture.clock)
    settings = Settings(timezone="Europe/Berlin")
    outlook = await reader.outlook(board, tuple(fixture.servers), UD, settings)
    assert outlook is not None
    assert outlook.assignments == (changes.new, changes.released)
    assert outlook.assignments == (190, 190)


def test_assignment_changes_reported_by_the_source_are_exact(fixture: ReportFixture) -> None:
    fixture.record_hourly("a", [50] * HOURS, product=UD)
    key = PoolKey(UD)
    months = (
        MonthlyUsage(key, timestamp("2026-08-01T00:00"), 33, 90),
        MonthlyUsage(key, timestamp("2026-10-01T00:00"), 50, 100, 12, 7),
    )
    polled = server("a", interval=3600.0)
    fixture.history.append(
        polled, poll(snapshot(pool(UD, 50, 100), monthly_usage=months), "a", END + 60)
    )
    scope = fixture.product().estate
    assert scope.assignments is not None
    assert (scope.assignments.new, scope.assignments.released, scope.assignments.exact) == (
        12,
        7,
        True,
    )
    august = next(month for month in scope.months if month.first_day == date(2026, 8, 1))
    assert (august.figure, august.installed, august.alignment) == (33, 90, None)


def test_days_above_count_licenses_assigned_at_the_end_of_a_day(fixture: ReportFixture) -> None:
    fixture.record_hourly(
        "a", [70] * 48 + [85] * 48 + [100] * 24 + [70] * (HOURS - 120), product=UD
    )
    above = fixture.product().estate.days_above
    assert (above.warn, above.critical, above.full, above.with_data) == (3, 1, 1, 31)


@pytest.mark.parametrize("product", [CCS, UD])
def test_days_of_unknown_installed_are_not_compared(fixture: ReportFixture, product: str) -> None:
    fixture.record_hourly("a", [85] * 48, product=product)
    fixture.record_hourly("a", [85] * 72, START + 48 * 3600, product=product, installed=None)
    report = fixture.report()
    (built,) = report.products
    days = built.estate.days_above
    assert (days.warn, days.critical, days.with_data, days.compared) == (2, 0, 5, 2)
    tree = build_tree(report)
    assert ",days_at_warn_at_least,2," in render_csv(tree)
    figures = {figure.label: figure for figure in tree.products[0].key_figures}
    above = figures["Days at 80 / 90 / 100 %"]
    assert (above.value, above.remark) == ("≥ 2 / 0 / 0", "of 2 with known installed quantity")


def test_forecast_is_that_of_all_selected_servers(fixture: ReportFixture) -> None:
    start = timestamp("2026-05-01T00:00")
    for name, group, growth in (("a", "emea", 0.25), ("b", "us", 0.0)):
        figures = [round(100 + hour // 24 * growth) for hour in range(24 * 186)]
        fixture.record_hourly(name, figures, start, group=group, installed=160)
        last = poll(
            snapshot(pool(CCS, figures[-1], 160, model=Model.CONCURRENT)),
            name,
            fixture.clock.now() - 60,
        )
        fixture.history.append(fixture.servers[name], last)
    for group, status in (("emea", ForecastStatus.GROWING), ("us", ForecastStatus.FLAT)):
        forecast = fixture.product(groups=(group,)).forecast
        assert forecast is not None
        assert forecast.status is status


def test_expiries_within_a_year_are_listed_by_day(sample: MonthlyReport) -> None:
    expiries = sample.expiries
    assert expiries[0] == Expiry(
        date(2026, 12, 14), ExpiryKind.LICENSES, "a", CCS, expiries[0].name, Model.CONCURRENT, 100
    )
    assert [(expiry.day, expiry.kind, expiry.server) for expiry in expiries[1:]] == [
        (date(2027, 1, 31), ExpiryKind.RENEWAL, "estate"),
        (date(2027, 4, 1), ExpiryKind.SUBSCRIPTION, FORMULA),
    ]


def test_events_of_the_month_without_noise(sample: MonthlyReport) -> None:
    assert [event.message for event in sample.events] == ["30 licenses gone", HOSTILE]
    assert sample.omitted_events == 0


def test_alert_events_are_reported_only_when_the_state_changes(fixture: ReportFixture) -> None:
    start = timestamp("2026-10-05T00:00")
    lines = (
        (EventKind.ALERT, Level.WARN, "raised: 85 of 100 in use"),
        (EventKind.ALERT, Level.CRITICAL, "escalated (warn -> critical): 95 of 100 in use"),
        (EventKind.ALERT, Level.CRITICAL, "ongoing for 4 h: 95 of 100 in use"),
        (EventKind.ALERT, Level.CRITICAL, "acknowledged by alice: 95 of 100 in use"),
        (EventKind.ALERT, Level.WARN, "downgraded (critical -> warn): 85 of 100 in use"),
        (EventKind.ALERT, Level.OK, "resolved after 6 h: 85 of 100 in use"),
        (EventKind.CERTIFICATE, Level.OK, "certificate changed: sha256:4f1b22c0…"),
        (EventKind.ACTIVATION, Level.OK, "LAS activation: activated, to 2026-12-03"),
    )
    events = [
        Event(start + second, kind, "a", message, "", level)
        for second, (kind, level, message) in enumerate(lines)
    ]
    fixture.record_hourly("a", [1] * HOURS, events=tuple(events))
    reported = [event.message.split()[0] for event in fixture.report().events]
    assert reported == ["raised:", "escalated", "resolved", "certificate", "LAS"]


def test_severe_events_are_kept_when_there_are_too_many(fixture: ReportFixture) -> None:
    start = timestamp("2026-10-05T00:00")
    events = [Event(start + hour, EventKind.SERVER, "a", f"no {hour}") for hour in range(2500)]
    events[3] = Event(start + 3, EventKind.SERVER, "a", "severe", "", Level.CRITICAL)
    fixture.record_hourly("a", [1] * HOURS, events=tuple(events))
    report = fixture.report()
    assert (len(report.events), report.omitted_events) == (60, 2440)
    assert [report.events[0].message, report.events[-1].message] == ["severe", "no 2499"]


def test_entitlements_are_compared_with_their_scope(sample: MonthlyReport) -> None:
    assigned, emea, unknown = sample.contract_lines
    assert (assigned.highest_peak, assigned.shortfall, assigned.unused_cost) == (105, 15, 0.0)
    assert (emea.installed, emea.highest_peak, emea.unused) == (200, 162, 338)
    assert (unknown.installed, unknown.highest_peak, unknown.shortfall) == (None, None, None)


def test_entitlements_of_assigned_licenses_use_the_most_ever_assigned(
    fixture: ReportFixture,
) -> None:
    figures = [900] * HOURS
    figures[5 * 24 : 25 * 24] = [1100] * (20 * 24)
    fixture.record_hourly("a", figures, product=UD, installed=1200)
    settings = Settings(entitlements=(Entitlement(UD, 1000, 100.0, "EUR"),))
    report = fixture.report(settings=settings)
    (line,) = report.contract_lines
    assert (line.highest_peak, line.shortfall, line.unused) == (1100, 100, 0)
    assert report.products[0].estate.month.figure == 900


def test_peak_stays_exact_when_five_minute_figures_expire(tmp_path: Path) -> None:
    fixture = ReportFixture(tmp_path / "history.db", Retention(raw=1, five_minutes=3, hour=5))
    fixture.record_hourly("a", [90, 10] * (HOURS // 2))
    fixture.record_hourly("b", [10, 90] * (HOURS // 2))
    fixture.history.compact_all()
    scope = fixture.product().estate
    assert (scope.month.figure, scope.month.is_upper_bound) == (100, False)
    assert {day.figure for day in scope.days[:-1]} == {100}
    assert scope.sum_of_server_peaks == 180
    fixture.history.close()


def test_bound_is_marked_and_concludes_no_overuse(fixture: ReportFixture) -> None:
    fixture.record_bound()
    settings = Settings(entitlements=(Entitlement(CCS, 150, 10.0, "EUR"),))
    report = fixture.report(settings=settings)
    (line,) = report.contract_lines
    assert (line.highest_peak, line.is_bound, line.shortfall, line.unused) == (
        180,
        True,
        None,
        None,
    )
    assert report.products[0].estate.level is Level.UNKNOWN
    text = render_markdown(build_tree(report)).replace("\N{NO-BREAK SPACE}", " ")
    assert "at most 180 in use, of 100 installed" in text
    assert "\N{LESS-THAN OR EQUAL TO} 180 |" in text
    assert "\N{LESS-THAN OR EQUAL TO} 180 %" in text
    assert "exceeded" not in text
    rows = [row.split(",") for row in render_csv(build_tree(report)).splitlines()]
    names = {row[7] for row in rows if row[3] == "estate"}
    assert {"peak_at_most", "monthly_peak_at_most", "contract_needed_at_most"} <= names
    assert "peak" not in names
    settings = Settings(entitlements=(Entitlement(CCS, 200, 10.0, "EUR"),))
    report = fixture.report(settings=settings)
    assert "cost at least 200 EUR per year" in render_markdown(build_tree(report))
    assert ",idle_cost_at_least,200.0," in render_csv(build_tree(report))


def test_bound_of_zero_is_not_marked(fixture: ReportFixture) -> None:
    for name, product in (("a", CCS), ("b", CCS), ("c", UD)):
        fixture.record_hourly(name, [0] * 48, product=product, installed=50)
    fixture.keep_days_only()
    report = fixture.report()
    for text in texts(report):
        for mark in ("\N{LESS-THAN OR EQUAL TO} 0", "\N{GREATER-THAN OR EQUAL TO} 0", "at most 0"):
            assert mark not in text.replace("\N{NO-BREAK SPACE}", " ")
        assert "\N{LESS-THAN OR EQUAL TO} never" not in text


def test_server_known_only_from_license_files_is_not_reported(fixture: ReportFixture) -> None:
    grant = LicenseGrant(PoolKey(CCS), "serial", timestamp("2026-11-02T00:00"), 100, None)
    fixture.servers["a"] = server("a")
    fixture.history.import_licenses("a", [grant], fixture.clock.now() - 3600)
    assert fixture.report(date(2026, 11, 1)).products == ()
