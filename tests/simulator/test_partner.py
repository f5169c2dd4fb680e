"""The simulated License Usage Insights of a partner: fields as the published scripts read them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from tests.simulator.callers import (
    CLIENT,
    LIC01,
    PARTNER,
    PartnerCaller,
    serve,
)
from tests.support.clock import FakeClock

from lictui.simulator.partner_server import PartnerServer

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
        "linkedCustomerList": [],
    }


async def test_server_that_never_reported_is_mostly_unknown(api: PartnerCaller) -> None:
    never = (await api.get(api.servers)).json()["licenseServersStatus"][1]
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
        "linkedCustomerList": [],
    }
    # Whatever else the estate has of it has not been reported either.
    unreported = await _only(api, replace(LIC01, last_reported=None))
    assert unreported == {**never, "hostId": "LIC01"}


# Usage of a month


async def test_usage_is_by_product_feature_and_server(api: PartnerCaller) -> None:
    body = (await api.get(api.usage)).json()
    (sku,) = body.pop("skus")
    (feature,) = sku.pop("features")
    servers = feature.pop("licenseServerUsages")
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
        "linkedCustomerCount": 0,
        "linkedCustomerUsages": [],
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
