"""The simulated License Usage Insights of a partner: fields as the published scripts read them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.simulator.callers import CLIENT, PartnerCaller, serve
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


# License servers


async def test_license_servers_have_the_published_fields(api: PartnerCaller) -> None:
    answer = await api.get(api.servers)
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    body = answer.json()
    reporting, never, silent = body.pop("licenseServersStatus")
    assert body == {"customerId": "acme", "orgId": "51000000"}
    assert reporting == {
        "hostId": "LIC01",
        "fqdn": "lic01.corp.example",
        "lastPhoningHomeTime": "2026-11-24T00:00:00.0000000+00:00",
        "isPhoningHome": True,
        "isEverReported": True,
        "isFoundInBackOffice": True,
        "isCompliant": True,
        "isLicenseServerFree": False,
        "isNonCspLicenseInstalled": False,
        "isCcu": True,
        "ccuFeatureStatistics": [{"featureId": "MPS_PLT_CCU", "usageCount": 10}],
        "isExpired": False,
        "licenseExpirationDate": "2027-07-27T00:00:00.0000000+00:00",
        "daysToExpire": 245,
        "linkedCustomerList": [],
    }
    # Whatever else the estate has of a server that never reported has not been reported either.
    unknown = (
        *("fqdn", "lastPhoningHomeTime", "ccuFeatureStatistics"),
        *("licenseExpirationDate", "daysToExpire"),
    )
    no = ("isPhoningHome", "isEverReported", "isCcu")
    assert never == (
        reporting | {"hostId": "LIC09"} | dict.fromkeys(unknown) | dict.fromkeys(no, False)
    )
    assert (silent["isPhoningHome"], silent["isEverReported"]) == (False, True)
    assert silent["lastPhoningHomeTime"] == "2026-11-19T00:00:00.00+00:00"


# Usage of a month


async def test_usage_is_by_product_feature_and_server(api: PartnerCaller) -> None:
    body = (await api.get(api.usage)).json()
    (sku,) = body.pop("skus")
    (feature,) = sku.pop("features")
    first, second = feature.pop("licenseServerUsages")
    assert body == {"customerId": "acme", "orgId": "51000000"}
    assert sku == {"skuId": "CSP-XDT_PLT_UD", "skuDescription": "Citrix XenDesktop Platinum"}
    assert feature == {
        "featureId": "XDT_PLT_UD",
        "featureDescription": "Citrix XenDesktop Platinum",
        "count": 424,
        "freeUsersCount": 0,
        "units": "users",
        "isUserList": True,
        "licenseServerCount": 2,
        "freeLicenseServerCount": 0,
        "linkedCustomerCount": 0,
        "linkedCustomerUsages": [],
    }
    assert first == {
        "fqdn": "lic01.corp.example",
        "count": 212,
        "freeUsersCount": 0,
        "reportingDate": "2026-10-31T00:00:00",
        "isLicenseServerFree": False,
    }
    assert second == first | {"fqdn": "lic02.corp.example"}
