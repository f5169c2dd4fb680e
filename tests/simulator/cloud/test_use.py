"""What a simulated cloud customer says of its licenses: fields as the notes list them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.simulator.cloud.stage import ACCOUNT, CONCURRENT, CURRENT, HISTORY, SUMMARY, Client, at
from tests.support.clock import START

from lictui.simulator.cloud_server import AssignedCount, CloudConcurrent, LicenseChange


async def test_current_use_is_written_as_the_documentation_shows_it(inside: Client) -> None:
    answer = await inside.get(CURRENT)
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.json() == {
        "customerId": "acme",
        "totalUsageCount": 412,
        "userLicenseUsage": {"totalUsageCount": 412, "releasedCount": 3},
        "deviceLicenseUsage": {"totalUsageCount": 501, "releasedCount": 0},
        "totalAvailableLicenseCount": 500,
        "remainingLicenseCount": 88,
        "timeStamp": "2026-11-24T05:30:00.0215468Z",  # a float holds no more
        "productName": "XenDesktop",
        "productEdition": "XAXDFull",
        "nextExpiredLicenses": {
            "nextExpiredTime": "2027-05-10T00:00:00.0000000Z",
            "totalCount": 500,
            "daysToExpire": 167,
        },
        "nextActivatingLicense": None,
    }


async def test_every_answer_has_a_transaction_of_its_own(inside: Client) -> None:
    answers = [await inside.get(CURRENT), await inside.get("/"), await inside.token()]
    assert len({each.headers["CC-TransactionId"] for each in answers}) == 3


@pytest.mark.parametrize(
    ("users", "devices", "used", "left"),
    [(700, 612, 612, -112), (0, 40, 0, 500), (500, 500, 500, 0)],
)
async def test_the_fewer_count_and_more_may_be_used_than_owned(
    inside: Client, users: int, devices: int, used: int, left: int
) -> None:
    inside.stage.account = replace(
        ACCOUNT, users=AssignedCount(users), devices=AssignedCount(devices)
    )
    body = (await inside.get(CURRENT)).json()
    assert (body["totalUsageCount"], body["remainingLicenseCount"]) == (used, left)


@pytest.mark.parametrize("days", [7, 30, 90, 400, 0, -1])
async def test_days_to_expire_follow_the_calendar(inside: Client, days: int) -> None:
    midnight = at(2026, 11, 24)
    for hour in (0, 23):
        ends = midnight + days * 86400 + hour * 3600
        inside.stage.account = replace(ACCOUNT, next_expiry=LicenseChange(ends, 20))
        told = (await inside.get(CURRENT)).json()["nextExpiredLicenses"]
        assert (told["daysToExpire"], told["totalCount"]) == (days, 20)


async def test_nothing_need_expire_and_more_may_begin(inside: Client) -> None:
    inside.stage.account = replace(
        ACCOUNT,
        next_expiry=None,
        next_activation=LicenseChange(at(2027, 1, 1), 60),
        recorded_at=None,
        product_name="XenApp",
        edition="XAAdvanced",
    )
    body = (await inside.get(CURRENT)).json()
    assert body["nextExpiredLicenses"] is None
    assert body["nextActivatingLicense"] == {
        "activatingTime": "2027-01-01T00:00:00.0000000Z",
        "activatingCount": 60,
    }
    assert body["timeStamp"] == "2026-11-24T06:00:00.0000000Z"
    assert (body["productName"], body["productEdition"]) == ("XenApp", "XAAdvanced")


async def test_what_was_not_recorded_is_no_content(inside: Client) -> None:
    inside.stage.account = None
    for path in (CURRENT, f"{HISTORY}?startDate=2026-10&endDate=2026-10"):
        answer = await inside.get(path)
        assert (answer.status_code, answer.content) == (204, b"")
        assert "Content-Length" not in answer.headers
    assert (await inside.get(SUMMARY)).status_code == 404


async def test_history_has_the_recorded_months_in_order(inside: Client) -> None:
    body = (await inside.get(f"{HISTORY}?startDate=2025-12&endDate=2026-11")).json()
    september, october = body.pop("historicalUsageList")
    counted = body.pop("xenAppXenDesktopHistoricalUsageList")
    assert body == {
        "customerId": "acme",
        "historicalUsageType": "Monthly",
        "productEdition": "XAXDFull",
    }
    assert october == {
        "timeStamp": "2026-10-01T00:00:00.0000000Z",
        "totalAvailableLicenseCount": 500,
        "deviceLicenseUsage": {
            "cumulativeAssignedCount": 480,
            "newAssignedCount": 9,
            "releasedCount": 2,
        },
        "userLicenseUsage": {
            "cumulativeAssignedCount": 400,
            "newAssignedCount": 12,
            "releasedCount": 0,
        },
    }
    assert september["timeStamp"] == "2026-09-01T00:00:00.0000000Z"
    # Of each month the fewer count: devices in September, users in October.
    assert counted == [
        {
            "timeStamp": "2026-09-01T00:00:00.0000000Z",
            "totalAvailableLicenseCount": 450,
            "cumulativeAssignedCount": 380,
            "newAssignedCount": 7,
            "releasedCount": 0,
        },
        {
            "timeStamp": "2026-10-01T00:00:00.0000000Z",
            "totalAvailableLicenseCount": 500,
            "cumulativeAssignedCount": 400,
            "newAssignedCount": 12,
            "releasedCount": 0,
        },
    ]


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("startDate=2025-11&endDate=2026-11", "outOfRange"),
        ("startDate=2026-11&endDate=2026-10", "outOfRange"),
        ("startDate=2026-1&endDate=2026-11", "invalidString"),
        ("startDate=2026-01&endDate=2026-13", "invalidString"),
        ("startDate=2026-01-01&endDate=2026-11", "invalidString"),
        ("endDate=2026-11", "missing"),
        ("startDate=2026-11&endDate=", "missing"),
    ],
)
async def test_a_question_about_no_months_or_too_many_is_bad(
    inside: Client, query: str, kind: str
) -> None:
    for account in (ACCOUNT, None):
        inside.stage.account = account
        answer = await inside.get(f"{HISTORY}?{query}")
        assert answer.status_code == 400
        assert answer.json()["type"] == f"https://errors-api.cloud.com/common/{kind}"
        assert isinstance(answer.json()["parameters"], list)


async def test_a_month_alone_or_one_without_a_record_is_fine(inside: Client) -> None:
    body = (await inside.get(f"{HISTORY}?startdate=2026-10&ENDDATE=2026-10")).json()
    assert len(body["historicalUsageList"]) == 1
    body = (await inside.get(f"{HISTORY}?startDate=2024-01&endDate=2024-12")).json()
    assert body["historicalUsageList"] == body["xenAppXenDesktopHistoricalUsageList"] == []


async def test_the_concurrent_summary_has_three_peaks(inside: Client) -> None:
    assert (await inside.get(SUMMARY)).json() == {
        "currentCcu": {
            "totalLicenseCount": 200,
            "assignedLicenseCount": 151,
            "reportTime": "2026-11-24T05:58:00.0000000Z",
        },
        "last24HoursPeak": {
            "assignedLicenseCount": 170,
            "reportTime": "2026-11-23T16:06:40.0000000Z",
        },
        "monthPeak": {"assignedLicenseCount": 188, "reportTime": "2026-11-03T00:00:00.0000000Z"},
        "allTimePeak": {"assignedLicenseCount": 205, "reportTime": "2025-02-28T00:00:00.0000000Z"},
    }
    inside.stage.account = replace(ACCOUNT, concurrent=CloudConcurrent(10, 0, START))
    assert (await inside.get(SUMMARY)).json()["allTimePeak"] is None


async def test_concurrent_licenses_may_be_missing_or_forbidden(inside: Client) -> None:
    inside.stage.account = replace(ACCOUNT, concurrent=None)
    answer = await inside.get(SUMMARY)
    assert (answer.status_code, answer.json()["type"]) == (404, "404")
    hidden = CloudConcurrent(10, 0, START, readable=False)
    inside.stage.account = replace(ACCOUNT, concurrent=hidden)
    answer = await inside.get(SUMMARY)
    assert answer.status_code == 403
    assert answer.json()["type"].endswith("/authorization")
    assert (await inside.get(CURRENT)).status_code == 200


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("", "missing"),
        ("?UsageType=device", "missing"),
        ("?UsageType=user&LicenseModel=Concurrent", "invalidEnum"),
    ],
)
async def test_the_summary_is_of_devices_and_concurrent(
    inside: Client, query: str, kind: str
) -> None:
    answer = await inside.get(f"{CONCURRENT}{query}")
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (400, kind)
