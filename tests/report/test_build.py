"""A month of concurrent licenses: the highest sum at one moment, and what was needed how long."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from tests.report.report_fixture import (
    BERLIN,
    CCS,
    END,
    HOURS,
    START,
    ReportFixture,
    hourly_figures,
    timestamp,
)
from tests.support.values import server

from lictui.config.settings import AlertSettings, Settings
from lictui.model import Level, Model
from lictui.report.model import Outlook, ScopeKind, Short


def test_two_servers_that_alternate_need_less_than_the_sum_of_their_peaks(
    desk: ReportFixture,
) -> None:
    desk.hourly("a", [60, 40] * (HOURS // 2) + [60])
    desk.hourly("b", [40, 60] * (HOURS // 2) + [40])
    found = desk.product()
    line = found.estate
    assert (line.month.figure, line.sum_of_server_peaks, line.month.installed) == (100, 120, 200)
    assert line.month.coverage == pytest.approx(1.0, abs=0.002)
    assert line.month.alignment == 300
    assert [(own.name, own.month.figure) for own in found.servers] == [("a", 60), ("b", 60)]
    assert line.servers == ("a", "b")


def test_an_hour_without_one_server_is_no_zero_and_lowers_coverage(desk: ReportFixture) -> None:
    desk.hourly("a", [60] * HOURS)
    desk.hourly("b", [40] * 12 + [None] * 12 + [40] * (HOURS - 24))
    line = desk.product().estate
    assert line.month.average == pytest.approx(100)
    assert line.month.coverage == pytest.approx(1 - 12 / HOURS, abs=0.002)
    assert {day.figure for day in line.days} == {100}


def test_days_begin_where_the_user_is_and_the_clock_change_has_its_hour(
    desk: ReportFixture,
) -> None:
    figures = [10] * HOURS
    moments = {
        timestamp("2026-10-25T22:30"): 70,  # 23:30 in Berlin, on the day of 25 hours
        timestamp("2026-10-31T22:00"): 90,  # the last hour of October there
    }
    for moment, figure in moments.items():
        figures[(moment - START) // 3600] = figure
    desk.hourly("new-york", [99, *figures, 98], START - 3600)
    line = desk.product().estate
    assert (line.month.figure, line.month.timestamp) == (90, timestamp("2026-10-31T22:00"))
    found = {day.day: day for day in line.days}
    assert len(found) == 31
    assert found[date(2026, 10, 25)].figure == 70
    assert found[date(2026, 10, 26)].figure == 10
    assert found[date(2026, 10, 31)].figure == 90
    assert (desk.report().month.start, desk.report().month.end) == (START, END)


def test_the_same_moments_are_other_days_for_somebody_else(desk: ReportFixture) -> None:
    desk.hourly("a", hourly_figures(START, 10, 50, ()) + [80] * 6)
    assert desk.product(zone=BERLIN).estate.month.figure == 10
    new_york = desk.product(zone=ZoneInfo("America/New_York")).estate
    assert (new_york.month.figure, new_york.month.timestamp) == (80, END)


def test_how_much_was_needed_for_how_long(desk: ReportFixture) -> None:
    figures = [50] * HOURS
    figures[100:110] = [85] * 10
    figures[200:203] = [100, 104, 100]
    figures[300:302] = [95, 100]
    desk.hourly("a", figures)
    line = desk.product().estate
    usage = line.usage
    assert usage is not None
    assert (usage.p50, usage.p95, usage.p99) == (50, 50, 85)
    assert dict(usage.seconds_above) == {0.8: 15 * 3600, 0.9: 5 * 3600, 1.0: 4 * 3600}
    assert usage.longest_saturation is not None
    assert (usage.longest_saturation.start, usage.longest_saturation.seconds) == (
        START + 200 * 3600,
        3 * 3600,
    )
    assert (usage.max_over_installed, usage.seconds_over_installed) == (4, 3600)
    above = line.days_above
    assert (above.warn, above.critical, above.full, above.with_data) == (3, 2, 2, 31)
    assert line.level is Level.OVERDRAFT


def test_thresholds_are_those_of_the_product(desk: ReportFixture) -> None:
    desk.hourly("a", hourly_figures(START, 10, 62, (5, 6)))
    alerts = AlertSettings(product={CCS: {"warn": 0.5, "critical": 0.6}})
    found = desk.product(settings=Settings(alerts=alerts))
    assert (found.warn, found.critical, found.estate.level) == (0.5, 0.6, Level.CRITICAL)
    assert found.estate.days_above.critical == 2


def test_the_months_before_stand_beside_it(desk: ReportFixture) -> None:
    for month, figure in (("2025-10", 30), ("2026-08", 40), ("2026-09", 50)):
        desk.hourly("a", [figure] * 24, timestamp(f"{month}-10T00:00"))
    desk.hourly("a", [60] * 24, timestamp("2026-10-10T00:00"))
    line = desk.product().estate
    assert (line.month.figure, line.previous_month.figure, line.previous_year.figure) == (
        60,
        50,
        30,
    )
    assert [month.figure for month in line.months] == [None] * 9 + [40, 50, 60]
    assert line.months[0].first_day == date(2025, 11, 1)


def test_months_of_which_only_days_are_kept_are_an_upper_bound(desk: ReportFixture) -> None:
    for name, high in (("a", 0), ("b", 12)):
        desk.hourly(name, [60 if turn % 24 == high else 10 for turn in range(48)], START)
    desk.clock._now = timestamp("2029-12-01T00:00")
    for _ in range(3):
        desk.history.compact()
    month = desk.product().estate.month
    assert (month.figure, month.alignment, month.is_upper_bound) == (120, 86400, True)


def test_who_told_nothing_in_the_month_is_named_and_left_out(desk: ReportFixture) -> None:
    desk.hourly("a", [60] * HOURS)
    desk.hourly("b", [30] * 48, timestamp("2026-09-01T00:00"))
    desk.servers["c"] = server("c")
    report = desk.report()
    line = report.products[0].estate
    assert (line.month.figure, line.servers, line.silent_servers) == (60, ("a",), ("b",))
    assert [(one.server, round(one.coverage, 2)) for one in report.servers] == [
        ("a", 1.0),
        ("b", 0.0),
        ("c", 0.0),
    ]
    assert (report.reporting_servers, round(report.coverage, 2)) == (1, 0.33)


def test_a_server_that_came_after_the_month_is_not_missed(desk: ReportFixture) -> None:
    desk.hourly("a", [60] * HOURS)
    desk.hourly("late", [5] * 3, END + 3600)
    report = desk.report()
    assert report.products[0].estate.silent_servers == ()
    assert [one.server for one in report.servers] == ["a"]


def test_a_removed_server_counts_until_it_last_answered(desk: ReportFixture) -> None:
    desk.hourly("a", [60] * HOURS)
    desk.hourly("b", [30] * 100)
    desk.servers.pop("b")
    report = desk.report()
    line = report.products[0].estate
    assert line.month.figure == 90
    assert line.month.coverage == pytest.approx(1.0, abs=0.002)
    assert line.days[-1].figure == 60
    assert [(one.server, one.removed) for one in report.servers] == [("a", False), ("b", True)]


def test_groups_have_their_own_peaks_and_may_be_asked_for_alone(desk: ReportFixture) -> None:
    for name, group, figure in (("a", "emea", 10), ("b", "emea", 20), ("c", "us", 40)):
        desk.hourly(name, [figure] * HOURS, group=group)
    found = desk.product()
    assert [(line.name, line.month.figure) for line in found.groups] == [("emea", 30), ("us", 40)]
    assert [(line.kind, line.name) for line in found.breakdown] == [
        (ScopeKind.GROUP, "emea"),
        (ScopeKind.SERVER, "a"),
        (ScopeKind.SERVER, "b"),
        (ScopeKind.SERVER, "c"),
    ]
    emea = desk.report(groups=("emea",))
    assert emea.products[0].estate.month.figure == 30
    assert [one.server for one in emea.servers] == ["a", "b"]


def test_a_license_server_that_is_read_twice_counts_once(desk: ReportFixture) -> None:
    desk.hourly("a", [60] * HOURS)
    desk.hourly("site", [60] * HOURS)
    desk.servers["site"] = server("site", interval=3600.0, same_as="a")
    assert desk.product().estate.month.figure == 60
    assert [one.server for one in desk.report().servers] == ["a"]


def test_startup_licenses_do_not_count(desk: ReportFixture) -> None:
    desk.hourly("a", [1] * 24, product="CITRIX", model=Model.SERVER)
    assert desk.report().products == ()


def test_a_month_that_is_not_over_says_so(desk: ReportFixture) -> None:
    desk.hourly("a", [60] * 24, timestamp("2026-11-02T00:00"))
    report = desk.report(date(2026, 11, 1))
    assert (report.month.complete, report.month.end) == (False, timestamp("2026-11-03T09:00"))
    assert len(report.products[0].estate.days) == 3


def test_the_tightest_comes_first_and_a_server_may_be_tight_alone(desk: ReportFixture) -> None:
    desk.hourly("a", [99] * HOURS, product=CCS)
    desk.hourly("b", [1] * HOURS, product=CCS)
    desk.hourly("c", [85] * HOURS, product="MPS_ENT_CCU")
    found = desk.report().products
    assert [(each.code, each.estate.level) for each in found] == [
        ("MPS_ENT_CCU", Level.WARN),
        (CCS, Level.OK),
    ]
    assert [line.name for line in found[1].critical_servers] == ["a"]


def test_a_forecast_is_asked_for_by_scope(desk: ReportFixture) -> None:
    desk.hourly("a", [60] * 24)
    desk.hourly("b", [60] * 24)
    said = Outlook("short by 50 on 14 Dec", shortfalls=(Short(date(2026, 12, 14), 50, 100),))

    def foresee(kind: ScopeKind, name: str, product: str, model: Model) -> Outlook | None:
        assert (product, model) == (CCS, Model.CONCURRENT)
        return said if (kind, name) == (ScopeKind.SERVER, "b") else None

    found = desk.product(foresee=foresee)
    assert [line.outlook for line in found.scopes] == [None, None, said]


def test_a_day_that_began_before_the_month_is_not_in_it(desk: ReportFixture) -> None:
    desk.hourly("a", [90] * 12 + [10] * 48, timestamp("2026-09-30T08:00"))
    desk.clock._now = timestamp("2029-12-01T00:00")
    for _ in range(3):
        desk.history.compact()
    line = desk.product().estate
    assert (line.month.figure, line.month.alignment, line.month.is_upper_bound) == (
        10,
        86400,
        False,
    )
    assert line.usage is not None
    assert (line.usage.p99, line.days_above.with_data) == (10, 2)
