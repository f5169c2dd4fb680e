"""The CSV that leaves: the contract's columns, times in UTC, nothing that a spreadsheet runs."""

import tracemalloc
from datetime import date

import pytest
from tests.history.history_fixture import DAY, HOUR, MIDNIGHT, HistoryFixture
from tests.support.values import poll, pool, server, snapshot

from lictui.analysis.series import Resolution
from lictui.csvfile import csv_lines
from lictui.history.csv_export import ExportQuery


def text(fixture: HistoryFixture, wanted: ExportQuery) -> str:
    return "".join(csv_lines(fixture.history.export_rows(wanted)))


def test_export_single_readings(fixture: HistoryFixture) -> None:
    one = pool("XDT_PLT_UD", 412, subscription=date(2026, 12, 1))
    fixture.history.append(server(), poll(snapshot(one), at=MIDNIGHT))
    other = pool("XDT_PLT_UD", None, None, None, subscription=date(2026, 12, 1))
    fixture.history.append(server(), poll(snapshot(other), at=MIDNIGHT + 900))
    fixture.history.append(server(), poll(snapshot(one), at=MIDNIGHT + 1800))
    fixture.history.append(server(), poll(snapshot(one), at=MIDNIGHT + 2700))
    assert text(fixture, ExportQuery()) == (
        "at,server,product,model,subscription_date,in_use,installed,overdraft\n"
        "2026-11-24T00:00:00Z,lic-01,XDT_PLT_UD,user_device,2026-12-01,412,500,50\n"
        "2026-11-24T00:15:00Z,lic-01,XDT_PLT_UD,user_device,2026-12-01,,,\n"
        "2026-11-24T00:30:00Z,lic-01,XDT_PLT_UD,user_device,2026-12-01,412,500,50\n"
        "2026-11-24T00:45:00Z,lic-01,XDT_PLT_UD,user_device,2026-12-01,412,500,50\n"
    )


def test_export_buckets(fixture: HistoryFixture) -> None:
    fixture.poll_series(MIDNIGHT, [1, 5, 3, 5, 2, 9])
    fixture.poll_series(MIDNIGHT + 2 * HOUR, [4, 4])
    header = (
        "from,to,server,product,model,subscription_date,in_use_min,in_use_avg,in_use_max,max_at,"
        "installed,overdraft,samples\n"
    )
    pool = "lic-01,XDT_PLT_UD,user_device,"
    assert text(fixture, ExportQuery(Resolution.FIVE_MINUTES)) == header + (
        f"2026-11-24T00:00:00Z,2026-11-24T00:05:00Z,{pool},1,3.2,5,2026-11-24T00:01:00Z,500,50,5\n"
        f"2026-11-24T00:05:00Z,2026-11-24T00:10:00Z,{pool},9,9,9,2026-11-24T00:05:00Z,500,50,1\n"
        f"2026-11-24T02:00:00Z,2026-11-24T02:05:00Z,{pool},4,4,4,2026-11-24T02:00:00Z,500,50,2\n"
    )
    assert text(fixture, ExportQuery(Resolution.HOUR)) == header + (
        f"2026-11-24T00:00:00Z,2026-11-24T01:00:00Z,{pool},1,6.1,9,2026-11-24T00:05:00Z,500,50,6\n"
        f"2026-11-24T02:00:00Z,2026-11-24T03:00:00Z,{pool},4,4,4,2026-11-24T02:00:00Z,500,50,2\n"
    )
    assert text(fixture, ExportQuery(Resolution.DAY)) == header + (
        f"2026-11-24T00:00:00Z,2026-11-25T00:00:00Z,{pool},1,5.4,9,2026-11-24T00:05:00Z,500,50,8\n"
    )


@pytest.mark.parametrize("every", [900, 3600, 86400])
def test_export_of_a_slow_server_has_no_filled_buckets(fixture: HistoryFixture, every: int) -> None:
    fixture.poll_series(MIDNIGHT, [1, 2], every=every)
    assert len(fixture.export(Resolution.FIVE_MINUTES)) == 2


def test_export_filters_by_server_product_and_time(fixture: HistoryFixture) -> None:
    fixture.record(MIDNIGHT, {"A": 1, "B": 2}, "one")
    fixture.record(MIDNIGHT + 60, {"A": 3}, "two")
    fixture.record(MIDNIGHT + 120, {"A": 4}, "two")
    assert {row[1] for row in fixture.export(servers=["two"])} == {"two"}
    assert {row[2] for row in fixture.export(products=["B"])} == {"B"}
    assert [row[5] for row in fixture.export(since=MIDNIGHT + 60, until=MIDNIGHT + 120)] == ["3"]


def test_export_of_a_long_history_needs_little_memory(fixture: HistoryFixture) -> None:
    for day in range(60):
        fixture.poll_series(
            MIDNIGHT + day * DAY, [turn * 7 % 101 for turn in range(288)], every=300
        )
        fixture.compact_at(MIDNIGHT + (day + 1) * DAY)
    tracemalloc.start()
    rows = sum(1 for _ in fixture.history.export_rows(ExportQuery()))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert rows == 1 + 60 * 288
    assert peak < 1_000_000
