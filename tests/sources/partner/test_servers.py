"""The license servers of a partner, and what is said of them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from tests.sources.partner.conftest import listed, never, servers
from tests.support.clock import START

from lictui.model import Level, LicenseServer, Notice, ReportingStatus
from lictui.sources.partner import parse_calendar_day, read_servers, server_notices
from lictui.sources.sanitize import parse_time

SILENT: dict[str, Any] = {
    "isPhoningHome": False,
    "lastPhoningHomeTime": "2026-11-19T05:00:00.0000000Z",
}


def read(*rows: object) -> list[LicenseServer]:
    return [each.server for each in read_servers(servers(*rows), "here:443", START)]


def said(*rows: object) -> list[Notice]:
    return list(server_notices(read_servers(servers(*rows), "here:443", START), START))


def test_one_that_reports() -> None:
    assert read(listed()) == [
        LicenseServer(
            host_id="LIC01",
            fqdn="lic01.acme.test",
            status=ReportingStatus.REPORTING,
            last_reported=datetime(2026, 11, 23, 11, 12, 4, tzinfo=UTC).timestamp(),
            expires=date(2027, 7, 27),
            days_to_expire=245,
        )
    ]
    assert not said(listed())


def test_one_that_never_reported() -> None:
    (server,) = read(never())
    assert server == LicenseServer("NEW01", status=ReportingStatus.NEVER_REPORTED)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        (SILENT, ReportingStatus.NOT_REPORTING),
        (SILENT | {"isExpired": True}, ReportingStatus.EXPIRED),
        ({"isEverReported": False, "isExpired": True}, ReportingStatus.EXPIRED),
        ({"isPhoningHome": None}, ReportingStatus.REPORTING),
        (SILENT | {"isPhoningHome": "no"}, ReportingStatus.NOT_REPORTING),
        ({"isPhoningHome": None, "lastPhoningHomeTime": None}, ReportingStatus.NEVER_REPORTED),
        (SILENT | {"isEverReported": None}, ReportingStatus.NOT_REPORTING),
    ],
)
def test_the_status(changes: dict[str, Any], status: ReportingStatus) -> None:
    (server,) = read(listed(**changes))
    assert server.status is status


@pytest.mark.parametrize(
    ("value", "at"),
    [
        ("2026-11-23T11:12:04.00+00:00", datetime(2026, 11, 23, 11, 12, 4, tzinfo=UTC)),
        ("2026-11-23T01:12:04.1234567-05:00", datetime(2026, 11, 23, 6, 12, 4, 123456, UTC)),
        ("2026-11-23T11:12:04.0000000Z", datetime(2026, 11, 23, 11, 12, 4, tzinfo=UTC)),
        ("2026-11-23T11:12:04", datetime(2026, 11, 23, 11, 12, 4, tzinfo=UTC)),
        ("12/30/2015 12:21:15", datetime(2015, 12, 30, 12, 21, 15, tzinfo=UTC)),
        ("1/3/2016 7:21:15", datetime(2016, 1, 3, 7, 21, 15, tzinfo=UTC)),
    ],
)
def test_times_in_every_form(value: str, at: datetime) -> None:
    assert parse_time(value) == at.timestamp()


@pytest.mark.parametrize(
    "value",
    [
        *("", "0001-01-01T00:00:00", "9999-12-31T23:59:59-14:00", "13/40/2015 1:00:00", "soon"),
        *("\u0663/\u0663/\u0662\u0660\u0662\u0666", "2026-11-23T25:00:00", "x" * 10_000, 5, None),
    ],
)
def test_what_is_no_time(value: object) -> None:
    assert parse_time(value) is None


def test_days_keep_the_day_as_written() -> None:
    assert parse_calendar_day("2027-07-27T00:00:00.00-11:00") == date(2027, 7, 27)
    assert parse_calendar_day("12/30/2015 12:21:15") == date(2015, 12, 30)
    assert parse_calendar_day("12/30/2015") == date(2015, 12, 30)
    assert parse_calendar_day("9999-12-31T00:00:00") is None


def test_days_of_what_has_ended_are_negative() -> None:
    assert read(listed(daysToExpire=-12))[0].days_to_expire == -12
    assert read(listed(daysToExpire="x"))[0].days_to_expire is None
    assert read(listed(daysToExpire=-(10**12)))[0].days_to_expire is None


def test_hostile_names_and_rows_that_are_none() -> None:
    rows: tuple[object, ...] = (
        5,
        None,
        {},
        {"hostId": "\x1b"},
        listed("a", fqdn="x\x1b[31m\u202e" + "y" * 500),
    )
    (server,) = read(*rows)
    assert server.fqdn.startswith("x[31my")
    assert len(server.fqdn) == 120


def test_silence_says_for_how_long() -> None:
    (notice,) = said(listed(**SILENT), listed("lic02"))
    assert (notice.kind, notice.level) == ("server", Level.CRITICAL)
    assert notice.title == "A license server has not reported for more than 3 days"
    assert notice.detail == "lic01.acme.test (5 days, since 2026-11-19)"


def test_never_reported_is_another_word() -> None:
    (notice,) = said(never())
    assert notice.level is Level.WARN
    assert (notice.title, notice.detail) == ("A license server has never reported", "NEW01")


@pytest.mark.parametrize(
    ("days", "level"),
    [(0, Level.WARN), (30, Level.WARN), (31, Level.OK), (90, Level.OK), (91, None)],
)
def test_an_end_that_comes_near(days: int, level: Level | None) -> None:
    found = said(listed(daysToExpire=days, licenseExpirationDate="2026-12-20T00:00:00Z"))
    assert [notice.level for notice in found] == ([] if level is None else [level])
    assert all(notice.detail == "lic01.acme.test (2026-12-20)" for notice in found)


def test_without_days_the_calendar_tells() -> None:
    row = listed(daysToExpire=None, licenseExpirationDate="2026-12-20T00:00:00Z")
    assert [notice.level for notice in said(row)] == [Level.WARN]


@pytest.mark.parametrize(
    ("changes", "words", "level"),
    [
        ({"isExpired": True, "daysToExpire": 0}, "have licenses that have expired", Level.CRITICAL),
        ({"isFoundInBackOffice": False}, "are not known in Citrix's back office", Level.WARN),
        (
            {"isNonCspLicenseInstalled": True},
            "have licenses that are not for service providers",
            Level.WARN,
        ),
        ({"isCcu": True}, "have concurrent licenses", Level.WARN),
    ],
)
def test_what_else_is_minded(changes: dict[str, Any], words: str, level: Level) -> None:
    (notice,) = said(listed("a", **changes), listed("b", **changes), listed("c"))
    assert (notice.title, notice.level) == (f"2 license servers {words}", level)
    assert "a.acme.test" in notice.detail
    assert "c.acme.test" not in notice.detail


def test_concurrent_features_are_added_up() -> None:
    def using(name: str, *counts: tuple[str, object]) -> dict[str, object]:
        told = [{"featureId": code, "usageCount": count} for code, count in counts]
        return listed(name, isCcu=True, ccuFeatureStatistics=told)

    (notice,) = said(
        using("a", ("MPS_PLT_CCU", 10), ("XDT_STD_CCS", 1)),
        using("b", ("MPS_PLT_CCU", 20), ("X", None)),
    )
    assert notice.detail == (
        "MPS_PLT_CCU 30 in use, XDT_STD_CCS 1 in use, on a.acme.test, b.acme.test"
    )


def test_three_hundred_servers_make_a_handful_of_notices() -> None:
    rows = [
        listed(f"lic{n:03}", **SILENT, isFoundInBackOffice=False, isCcu=True, daysToExpire=9)
        for n in range(300)
    ]
    found = said(*rows)
    assert len(found) == 4
    assert found[0].title == "300 license servers have not reported for more than 3 days"
    assert found[0].detail.endswith(" and 290 more")
    assert all(len(notice.detail) < 800 for notice in found)
