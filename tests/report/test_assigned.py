"""User/device licenses: what is assigned, what came and went, and never a concurrency peak."""

from __future__ import annotations

from datetime import date

from tests.report.report_fixture import END, HOURS, START, UD, ReportFixture, timestamp
from tests.support.values import poll, pool, server, snapshot

from lictui.model import MonthlyUsage, PoolKey


def test_what_counts_is_the_end_of_the_month_not_its_highest(desk: ReportFixture) -> None:
    desk.hourly("a", [40] * 24, START - 24 * 3600, product=UD)
    figures = [50] * HOURS
    figures[100:] = [70] * (HOURS - 100)
    figures[400:] = [55] * (HOURS - 400)
    desk.hourly("a", figures, product=UD)
    line = desk.product().estate
    assert (line.month.figure, line.month.installed, line.month.average) == (55, 100, None)
    assert line.month.timestamp == END - 1
    assert (line.usage, line.sum_of_server_peaks) == (None, None)
    moves = line.assignments
    assert moves is not None
    assert (moves.at_start, moves.new, moves.released, moves.exact) == (40, 30, 15, False)
    assert (line.days[0].figure, line.days[10].figure, line.days[30].figure) == (50, 70, 55)


def test_what_the_source_tells_of_the_month_is_exact(desk: ReportFixture) -> None:
    desk.hourly("a", [50] * HOURS, product=UD)
    key = PoolKey(UD)
    told = (
        MonthlyUsage(key, timestamp("2026-08-01T00:00"), 33, 90),
        MonthlyUsage(key, timestamp("2026-10-01T00:00"), 50, 100, 12, 7),
    )
    one = server("a", interval=3600.0)
    desk.history.append(one, poll(snapshot(pool(UD, 50, 100), monthly_usage=told), "a", END + 60))
    line = desk.product().estate
    assert line.assignments is not None
    assert (line.assignments.new, line.assignments.released, line.assignments.exact) == (
        12,
        7,
        True,
    )
    august = next(month for month in line.months if month.first_day == date(2026, 8, 1))
    assert (august.figure, august.installed, august.alignment) == (33, 90, None)


def test_several_servers_are_summed_at_the_end_of_each_day(desk: ReportFixture) -> None:
    desk.hourly("a", [50] * HOURS, product=UD)
    desk.hourly("b", [20] * 48 + [None] * 48 + [25] * (HOURS - 96), product=UD)
    line = desk.product().estate
    assert [day.figure for day in line.days[:6]] == [70, 70, None, None, 75, 75]
    assert (line.month.figure, line.month.installed, line.installed) == (75, 200, 200)


def test_days_above_are_of_what_was_assigned_at_their_end(desk: ReportFixture) -> None:
    desk.hourly("a", [70] * 48 + [85] * 48 + [100] * 24 + [70] * (HOURS - 120), product=UD)
    above = desk.product().estate.days_above
    assert (above.warn, above.critical, above.full, above.with_data) == (3, 1, 1, 31)
