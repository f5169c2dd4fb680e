"""The simulated licensing API of Citrix Cloud: fields and errors as the documentation has them."""

from collections.abc import AsyncIterator

import pytest
from tests.simulator.callers import CloudCaller, serve
from tests.support.clock import FakeClock

from lictui.simulator import FaultMode

COMMON = "https://errors-api.cloud.com/common"


@pytest.fixture
async def api(clock: FakeClock) -> AsyncIterator[CloudCaller]:
    async with serve(CloudCaller, clock) as caller:
        await caller.log_in()
        yield caller


# Tokens


@pytest.mark.parametrize("customer", ["acme", "root", "ACME"])
async def test_token_has_a_lifetime_that_is_text(api: CloudCaller, customer: str) -> None:
    answer = await api.token(f"/cctrustoauth2/{customer}/tokens/clients")
    body = answer.json()
    assert set(body) == {"token_type", "access_token", "expires_in"}
    assert (body["token_type"], body["expires_in"]) == ("bearer", "3600")
    assert body["access_token"] not in api.headers["Authorization"]


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"client_id": "who"}, 401, "invalid_client"),
        ({"client_secret": "wrong"}, 200, "invalid_client"),
        ({"client_secret": "höllisch"}, 200, "invalid_client"),
        ({"client_secret": ""}, 200, "invalid_client"),
    ],
)
async def test_wrong_form_is_an_oauth_error(
    api: CloudCaller, changes: dict[str, str], status: int, error: str
) -> None:
    answer = await api.token(**changes)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert set(answer.json()) == {"error", "error_description"}


# Errors


@pytest.mark.parametrize(
    ("customer", "status", "kind"),
    [(None, 401, "authentication"), ("other", 403, "authorization")],
)
async def test_request_must_name_its_customer(
    api: CloudCaller, customer: str | None, status: int, kind: str
) -> None:
    for path in api.reads:
        answer = await api.get(path, Citrix_CustomerId=customer)
        assert (answer.status_code, answer.json()["type"]) == (status, f"{COMMON}/{kind}")
    assert await api.statuses(Citrix_CustomerId="ACME") == [200, 200]


# Current usage


async def test_current_usage_has_the_documented_fields(api: CloudCaller) -> None:
    answer = await api.get(api.current)
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.json() == {
        "customerId": "acme",
        "totalUsageCount": 412,
        "userLicenseUsage": {"totalUsageCount": 412, "releasedCount": 0},
        "deviceLicenseUsage": {"totalUsageCount": 499, "releasedCount": 0},
        "totalAvailableLicenseCount": 500,
        "remainingLicenseCount": 88,
        "timeStamp": "2026-11-24T06:00:00.0000000Z",
        "productName": "XenDesktop",
        "productEdition": "XAXDFull",
        "nextExpiredLicenses": {
            "nextExpiredTime": "2027-05-10T00:00:00.0000000Z",
            "totalCount": 500,
            "daysToExpire": 167,
        },
        "nextActivatingLicense": None,
    }


@pytest.mark.parametrize("fault", [FaultMode.EMPTY, FaultMode.OVERSIZED, FaultMode.GARBAGE])
async def test_account_without_licenses_is_no_content_in_every_fault(
    api: CloudCaller, fault: FaultMode
) -> None:
    if fault is not FaultMode.EMPTY:
        await api.stage.clock.advance(168 * 86400)  # the licenses expired
        await api.log_in()
    api.stage.fault = fault
    for path in api.reads:
        answer = await api.get(path)
        assert (answer.status_code, answer.content) == (204, b"")
        assert "Content-Length" not in answer.headers


# History


async def test_history_has_the_months_in_order(api: CloudCaller) -> None:
    body = (await api.get(f"{api.history}?startDate=2026-10&endDate=2026-12")).json()
    october, november = body.pop("historicalUsageList")
    counted = body.pop("xenAppXenDesktopHistoricalUsageList")
    assert body == {
        "customerId": "acme",
        "historicalUsageType": "Monthly",
        "productEdition": "XAXDFull",
    }
    names = ("cumulativeAssignedCount", "newAssignedCount", "releasedCount")
    owned = {"timeStamp": "2026-10-01T00:00:00.0000000Z", "totalAvailableLicenseCount": 500}
    users = dict(zip(names, (412, 4, 4), strict=True))
    devices = dict(zip(names, (499, 5, 5), strict=True))
    assert october == owned | {"deviceLicenseUsage": devices, "userLicenseUsage": users}
    assert november["timeStamp"] == "2026-11-01T00:00:00.0000000Z"
    assert counted[0] == owned | users


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
async def test_wrong_months_are_a_bad_request(api: CloudCaller, query: str, kind: str) -> None:
    answer = await api.get(f"{api.history}?{query}")
    assert (answer.status_code, answer.json()["type"]) == (400, f"{COMMON}/{kind}")
    assert isinstance(answer.json()["parameters"], list)
