"""The simulated License Usage Insights of a partner: fields as the published scripts read them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.simulator.callers import (
    CLIENT,
    LIC01,
    PARTNER,
    SECRET,
    PartnerCaller,
    at,
    serve,
)
from tests.support.clock import START

from lictui.simulator.partner_server import PartnerServer, TimestampStyle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.clock import FakeClock

COMMON = "https://errors-api.cloud.com/common"


@pytest.fixture
async def api(clock: FakeClock) -> AsyncIterator[PartnerCaller]:
    async with serve(PartnerCaller, clock) as caller:
        await caller.log_in()
        yield caller


# Tokens and access


@pytest.mark.parametrize(
    "path", ["/root/tokens/clients", "/acme/tokens/clients", "/ROOT/Tokens/Clients"]
)
async def test_token_has_a_lifetime_in_seconds(api: PartnerCaller, path: str) -> None:
    body = (await api.token(path)).json()
    assert set(body) == {"principal", "subject", "token", "openIdToken", "expiresIn"}
    assert (body["principal"], body["expiresIn"]) == (CLIENT, 3600)
    answer = await api.get(api.servers, Authorization=f"CwsAuth bearer={body['openIdToken']}")
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("changes", "status", "kind"),
    [
        ({"clientId": "who"}, 401, "authentication"),
        ({"clientSecret": "wrong"}, 401, "authentication"),
        ({"clientSecret": "höllisch"}, 401, "authentication"),
        ({"clientSecret": ""}, 400, "missing"),
        ({"clientId": None}, 400, "missing"),
        ({"clientId": 7}, 400, "missing"),
    ],
)
async def test_wrong_client_is_refused(
    api: PartnerCaller, changes: dict[str, Any], status: int, kind: str
) -> None:
    answer = await api.token(**changes)
    assert (answer.status_code, answer.json()["type"]) == (status, f"{COMMON}/{kind}")


async def test_token_endpoint_reads_only_a_posted_json_object(api: PartnerCaller) -> None:
    form = {"clientId": CLIENT, "clientSecret": SECRET}
    assert (await api.http.post(api.token_path, data=form)).status_code == 415
    head = {"Content-Type": "application/json; charset=utf-8"}
    for content, kind in ((b"{", "invalidJson"), (b"\xff", "invalidJson"), (b"[1]", "missing")):
        answer = await api.http.post(api.token_path, content=content, headers=head)
        assert (answer.status_code, answer.json()["type"]) == (400, f"{COMMON}/{kind}")
    answer = await api.http.get(api.token_path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert (await api.token("/other/tokens/clients")).status_code == 401


async def test_customer_is_in_the_path_and_perhaps_in_a_header(api: PartnerCaller) -> None:
    for path in api.reads:
        other = path.replace("acme", "other")
        for answer in (
            await api.get(other),
            await api.get(path, Citrix_CustomerId="other"),
            await api.get(other, Citrix_CustomerId="acme"),
            await api.get(other, Citrix_CustomerId="other"),
        ):
            assert (answer.status_code, answer.json()["type"]) == (403, f"{COMMON}/authorization")
        assert (await api.get(path, Citrix_CustomerId="ACME")).status_code == 200


# License servers


async def _only(api: PartnerCaller, server: PartnerServer) -> dict[str, Any]:
    """The row of `server`, when there is no other."""
    api.stage.partner = replace(PARTNER, servers=(server,))
    (row,) = (await api.get(api.servers)).json()["licenseServersStatus"]
    assert isinstance(row, dict)
    return row


async def test_reporting_server_has_the_published_fields(api: PartnerCaller) -> None:
    answer = await api.get(api.servers)
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    body = answer.json()
    assert (body["customerId"], body["orgId"]) == ("acme", "51000000")
    assert set(body) == {"customerId", "orgId", "licenseServersStatus"}
    row = body["licenseServersStatus"][0]
    assert set(row.pop("linkedCustomerList")[0]) == {
        "customerId",
        "customerOrgId",
        "customerNickName",
        "customerDisplayName",
        "customerType",
    }
    assert row == {
        "hostId": "LIC01",
        "fqdn": "lic01.acme.test",
        "lastPhoningHomeTime": "2026-11-23T11:12:04.00+00:00",
        "isPhoningHome": True,
        "isEverReported": True,
        "isFoundInBackOffice": True,
        "isCompliant": True,
        "isLicenseServerFree": False,
        "isNonCspLicenseInstalled": False,
        "isCcu": True,
        "ccuFeatureStatistics": [{"featureId": "MPS_PLT_CCU", "usageCount": 10}],
        "isExpired": False,
        "licenseExpirationDate": "2027-07-27T00:00:00.00+00:00",
        "daysToExpire": 245,
    }


async def test_server_that_never_reported_is_mostly_unknown(api: PartnerCaller) -> None:
    never = (await api.get(api.servers)).json()["licenseServersStatus"][1]
    del never["linkedCustomerList"]
    assert never == {
        "hostId": "LIC09",
        "fqdn": None,
        "lastPhoningHomeTime": None,
        "isPhoningHome": False,
        "isEverReported": False,
        "isFoundInBackOffice": True,
        "isCompliant": True,
        "isLicenseServerFree": False,
        "isNonCspLicenseInstalled": False,
        "isCcu": False,
        "ccuFeatureStatistics": None,
        "isExpired": False,
        "licenseExpirationDate": None,
        "daysToExpire": None,
    }
    # Whatever else the estate has of it has not been reported either.
    unreported = await _only(api, replace(LIC01, last_reported=None))
    del unreported["linkedCustomerList"]
    assert unreported == {**never, "hostId": "LIC01"}


async def test_server_is_silent_after_three_days(api: PartnerCaller) -> None:
    server = replace(LIC01, last_reported=START - 3 * 86400)
    assert (await _only(api, server))["isPhoningHome"] is True
    await api.stage.clock.advance(1)
    silent = await _only(api, server)
    assert (silent["isPhoningHome"], silent["isEverReported"]) == (False, True)
    assert silent["lastPhoningHomeTime"] == "2026-11-21T06:00:00.00+00:00"


@pytest.mark.parametrize(
    ("end", "days", "expired"),
    [
        (at(2026, 12, 1), 7, "not yet"),
        (at(2027, 12, 29), 400, "not yet"),
        (START + 1, 0, "not yet"),
        (START, 0, "expired"),
        (at(2026, 11, 14), -10, "expired"),
        (None, None, "not yet"),
    ],
)
async def test_licenses_of_a_server_expire(
    api: PartnerCaller, end: float | None, days: int | None, expired: str
) -> None:
    server = await _only(api, replace(LIC01, expires=end))
    assert (server["daysToExpire"], server["isExpired"]) == (days, expired == "expired")
    assert (server["licenseExpirationDate"] is None) is (end is None)


@pytest.mark.parametrize(
    ("stamps", "reported", "expires"),
    [
        (TimestampStyle(-5), "2026-11-23T06:12:04.00-05:00", "2027-07-26T19:00:00.00-05:00"),
        (
            TimestampStyle(5.5, 7),
            "2026-11-23T16:42:04.0000000+05:30",
            "2027-07-27T05:30:00.0000000+05:30",
        ),
        (TimestampStyle(-3.5), "2026-11-23T07:42:04.00-03:30", "2027-07-26T20:30:00.00-03:30"),
        (TimestampStyle(digits=0), "11/23/2026 11:12:04", "07/27/2027 00:00:00"),
    ],
)
async def test_times_of_servers_have_several_formats(
    api: PartnerCaller, stamps: TimestampStyle, reported: str, expires: str
) -> None:
    server = await _only(api, replace(LIC01, stamps=stamps))
    assert (server["lastPhoningHomeTime"], server["licenseExpirationDate"]) == (reported, expires)


@pytest.mark.parametrize(
    ("fraction", "hours", "expected"),
    [(0.25, 1, "2026-11-24T00:59:59.25+01:00"), (0.999, 0, "2026-11-24T00:00:00.00+00:00")],
)
async def test_fraction_of_a_second_is_rounded(
    api: PartnerCaller, fraction: float, hours: int, expected: str
) -> None:
    late = at(2026, 11, 23, 23, 59, 59) + fraction
    server = await _only(api, replace(LIC01, last_reported=late, stamps=TimestampStyle(hours)))
    assert server["lastPhoningHomeTime"] == expected


async def test_server_may_be_unregistered_or_of_another_program(api: PartnerCaller) -> None:
    row = await _only(api, replace(LIC01, in_back_office=False, non_csp=True, ccu=()))
    names = ("isFoundInBackOffice", "isNonCspLicenseInstalled", "isCcu")
    assert [row[name] for name in names] == [False, True, False]
    assert row["ccuFeatureStatistics"] == []


# Usage of a month


async def test_usage_is_by_product_feature_and_server(api: PartnerCaller) -> None:
    body = (await api.get(api.usage)).json()
    (sku,) = body.pop("skus")
    (feature,) = sku.pop("features")
    servers = feature.pop("licenseServerUsages")
    customers = feature.pop("linkedCustomerUsages")
    assert body == {"customerId": "acme", "orgId": "51000000"}
    assert sku == {"skuId": "CVAD", "skuDescription": "Citrix Virtual Apps and Desktops"}
    assert feature == {
        "featureId": "XDT_PLT_UD",
        "featureDescription": "Premium",
        "count": 226,
        "freeUsersCount": 2,
        "units": "users",
        "isUserList": True,
        "licenseServerCount": 2,
        "freeLicenseServerCount": 0,
        "linkedCustomerCount": 1,
    }
    assert servers == [
        {
            "fqdn": "lic01.acme.test",
            "count": 14,
            "freeUsersCount": 2,
            "reportingDate": "0001-01-01T00:00:00",
            "isLicenseServerFree": False,
        },
        {
            "fqdn": "lic02.acme.test",
            "count": 212,
            "freeUsersCount": 0,
            "reportingDate": "2026-10-30T04:05:06",
            "isLicenseServerFree": False,
        },
    ]
    assert set(customers[0]) == {
        "isLinked",
        "customerId",
        "customerNickName",
        "customerType",
        "count",
        "freeUsersCount",
    }


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("", "missing"),
        ("?date=", "missing"),
        ("?date=2026-13", "invalidString"),
        ("?date=2026-10-01", "invalidString"),
        ("?date=202610", "invalidString"),
    ],
)
async def test_usage_without_a_month_is_a_bad_request(
    api: PartnerCaller, query: str, kind: str
) -> None:
    answer = await api.get(f"/acme/licenseusagedata{query}")
    assert (answer.status_code, answer.json()["type"]) == (400, f"{COMMON}/{kind}")
    assert api.stage.months == []
