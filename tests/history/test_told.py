"""Months that a source tells of its own past: kept beside what was read, never among it."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.history.history_fixture import DAY, MIDNIGHT, HistoryFixture
from tests.support.values import poll, pool, server, snapshot

from lictui.analysis.series import Resolution
from lictui.csvfile import csv_lines
from lictui.history.csv_export import ExportQuery
from lictui.history.csv_import import ImportOptions, read_csv
from lictui.model import MonthlyUsage, PoolKey

KEY = PoolKey("CVAD:Premium")


def month(number: int, in_use: int | None, *more: int | None) -> MonthlyUsage:
    at = datetime(2026, number, 1, tzinfo=UTC).timestamp()
    return MonthlyUsage(KEY, at, in_use, 500, *more)


def tell(
    desk: HistoryFixture, *months: MonthlyUsage, at: int = MIDNIGHT, name: str = "cloud"
) -> None:
    found = snapshot(pool(KEY.product, 420, 500, None), monthly_usage=months)
    desk.history.append(server(name), poll(found, name, at))


def exported(desk: HistoryFixture, *, months: bool) -> str:
    return "".join(csv_lines(desk.history.export_rows(ExportQuery(months=months))))


def test_what_is_told_last_stands_and_twice_is_once(desk: HistoryFixture) -> None:
    tell(desk, month(9, 400, 10, 2), month(10, None))
    tell(desk, month(10, 411, 12, 1), month(11, 420, None, 3), at=MIDNIGHT + 900)
    told = desk.history.monthly_usage("cloud", KEY)
    assert told == (month(9, 400, 10, 2), month(10, 411, 12, 1), month(11, 420, None, 3))
    assert desk.history.monthly_usage("cloud", PoolKey("other")) == ()


def test_it_is_no_reading(desk: HistoryFixture) -> None:
    tell(desk, month(9, 9000))
    assert [in_use for _, in_use in desk.readings()] == [9000, 420]  # the first, as what it is
    days = desk.buckets(MIDNIGHT - 200 * DAY, MIDNIGHT + DAY, DAY, "cloud", product=KEY.product)
    assert [day.high for day in days] == [420]
    assert [row[8] for row in desk.export(Resolution.DAY)] == ["420"]


def test_months_are_exported_apart_and_come_back(desk: HistoryFixture) -> None:
    tell(desk, month(9, 400, 10, 2), month(10, None))
    csv = exported(desk, months=True)
    assert csv == (
        "month,server,product,model,subscription_date,in_use,installed,newly,released\n"
        "2026-09,cloud,CVAD:Premium,user_device,,400,500,10,2\n"
        "2026-10,cloud,CVAD:Premium,user_device,,,500,,\n"
    )
    found = read_csv(csv.replace("cloud", "other").encode(), ImportOptions())
    assert desk.history.import_readings(found.pools) == (2, 0)
    assert desk.history.import_readings(found.pools) == (0, 2)
    assert desk.history.monthly_usage("other", KEY) == desk.history.monthly_usage("cloud", KEY)


def test_a_renamed_server_keeps_them(desk: HistoryFixture) -> None:
    tell(desk, month(9, 400), month(10, 410))
    tell(desk, month(10, 77), name="new")
    desk.history.rename_server("cloud", "new")
    assert desk.history.monthly_usage("cloud", KEY) == ()
    assert [each.in_use for each in desk.history.monthly_usage("new", KEY)] == [400, 410]
