"""What License Usage Insights says of a month's users: fields as the notes list them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.simulator.partner.stage import ACCOUNT, FEATURE, SERVERS, USAGE, Client

from lictui.simulator.partner_server import Sku


async def test_use_goes_from_the_product_to_the_feature_to_the_server(inside: Client) -> None:
    assert (await inside.get(USAGE)).json() == {
        "customerId": "acme",
        "orgId": "51000000",
        "skus": [
            {
                "skuId": "CVAD",
                "skuDescription": "Citrix Virtual Apps and Desktops",
                "features": [
                    {
                        "featureId": "XDT_PLT_UD",
                        "featureDescription": "Premium",
                        "count": 226,
                        "freeUsersCount": 2,
                        "units": "users",
                        "isUserList": True,
                        "licenseServerCount": 2,
                        "freeLicenseServerCount": 1,
                        "linkedCustomerCount": 1,
                        "licenseServerUsages": [
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
                                "isLicenseServerFree": True,
                            },
                        ],
                        "linkedCustomerUsages": [
                            {
                                "isLinked": True,
                                "customerId": "c1",
                                "customerNickName": "C1",
                                "customerType": "Managed",
                                "count": 3,
                                "freeUsersCount": 3,
                            },
                            {
                                "isLinked": False,
                                "customerId": "c2",
                                "customerNickName": "c2",
                                "customerType": "Managed",
                                "count": 9,
                                "freeUsersCount": 0,
                            },
                        ],
                    }
                ],
            }
        ],
    }
    assert inside.stage.asked == ["2026-10"]


async def test_a_user_of_two_servers_may_count_once(inside: Client) -> None:
    feature = replace(FEATURE, count=220, units="sessions", user_list=False)
    inside.stage.account = replace(ACCOUNT, skus=(Sku("S", "s", (feature,)), Sku("T", "t")))
    first, second = (await inside.get(USAGE)).json()["skus"]
    told = first["features"][0]
    assert (told["count"], told["units"], told["isUserList"]) == (220, "sessions", False)
    assert second == {"skuId": "T", "skuDescription": "t", "features": []}


async def test_the_month_is_the_one_asked_for_and_else_this_one(inside: Client) -> None:
    await inside.get(USAGE.replace("2026-10", "2025-02"))
    await inside.get(SERVERS)
    assert inside.stage.asked == ["2025-02", "2026-11"]


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
async def test_a_month_must_be_named(inside: Client, query: str, kind: str) -> None:
    answer = await inside.get(f"/acme/licenseusagedata{query}")
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (400, kind)
    assert inside.stage.asked == []
