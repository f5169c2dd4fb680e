"""What License Usage Insights says of license servers: fields as the notes list them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.simulator.partner.stage import ACCOUNT, LIC01, NETSCALERS, SERVERS, Client, at
from tests.support.clock import START

from lictui.simulator.partner_server import LinkedCustomer, PartnerServer, TimestampStyle

DAY = 86400


async def told(client: Client, server: PartnerServer) -> dict[str, Any]:
    """What is said of `server`, when there is no other."""
    client.stage.account = replace(ACCOUNT, servers=(server,))
    (only,) = (await client.get(SERVERS)).json()["licenseServersStatus"]
    assert isinstance(only, dict)
    return only


async def test_a_server_that_reports_is_written_as_the_real_one_is(inside: Client) -> None:
    answer = await inside.get(SERVERS)
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    body = answer.json()
    assert (body["customerId"], body["orgId"]) == ("acme", "51000000")
    assert set(body) == {"customerId", "orgId", "licenseServersStatus"}
    assert body["licenseServersStatus"][0] == {
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
        "linkedCustomerList": [
            {
                "customerId": "c1",
                "customerOrgId": "c1",
                "customerNickName": "C1",
                "customerDisplayName": "Customer One",
                "customerType": "managed",
            }
        ],
    }


async def test_of_a_server_that_never_reported_little_is_known(inside: Client) -> None:
    never = (await inside.get(SERVERS)).json()["licenseServersStatus"][1]
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
    # Whatever else the estate knows of it has not been reported either.
    assert await told(inside, replace(LIC01, last_reported=None, customers=())) == {
        **never,
        "hostId": "LIC01",
    }


async def test_three_silent_days_are_too_many(inside: Client) -> None:
    server = replace(LIC01, last_reported=START - 3 * DAY)
    assert (await told(inside, server))["isPhoningHome"] is True
    await inside.stage.clock.advance(1)
    silent = await told(inside, server)
    assert (silent["isPhoningHome"], silent["isEverReported"]) == (False, True)
    assert silent["lastPhoningHomeTime"] == "2026-11-21T06:00:00.00+00:00"


@pytest.mark.parametrize(
    ("ends", "days", "expired"),
    [
        (at(2026, 12, 1), 7, "not yet"),
        (at(2026, 12, 24), 30, "not yet"),
        (at(2027, 12, 29), 400, "not yet"),
        (START + 1, 0, "not yet"),
        (START, 0, "expired"),
        (at(2026, 11, 14), -10, "expired"),
        (None, None, "not yet"),
    ],
)
async def test_licenses_expire(
    inside: Client, ends: float | None, days: int | None, expired: str
) -> None:
    server = await told(inside, replace(LIC01, expires=ends))
    assert (server["daysToExpire"], server["isExpired"]) == (days, expired == "expired")
    assert (server["licenseExpirationDate"] is None) is (ends is None)


@pytest.mark.parametrize(
    ("stamps", "reported", "expires"),
    [
        (TimestampStyle(), "2026-11-23T11:12:04.00+00:00", "2027-07-27T00:00:00.00+00:00"),
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
async def test_times_are_written_in_several_ways(
    inside: Client, stamps: TimestampStyle, reported: str, expires: str
) -> None:
    server = await told(inside, replace(LIC01, stamps=stamps))
    assert (server["lastPhoningHomeTime"], server["licenseExpirationDate"]) == (reported, expires)


async def test_fractions_carry_over(inside: Client) -> None:
    late = at(2026, 11, 23, 23, 59, 59)
    server = await told(inside, replace(LIC01, last_reported=late + 0.25, stamps=TimestampStyle(1)))
    assert server["lastPhoningHomeTime"] == "2026-11-24T00:59:59.25+01:00"
    server = await told(inside, replace(LIC01, last_reported=late + 0.999))
    assert server["lastPhoningHomeTime"] == "2026-11-24T00:00:00.00+00:00"


async def test_a_server_may_be_free_unknown_or_of_another_program(inside: Client) -> None:
    server = replace(
        LIC01,
        in_back_office=False,
        compliant=False,
        free=True,
        non_csp=True,
        ccu=(),
        customers=(LinkedCustomer("c2", org_id="510002"),),
    )
    body = await told(inside, server)
    assert [
        body[name]
        for name in (
            "isFoundInBackOffice",
            "isCompliant",
            "isLicenseServerFree",
            "isNonCspLicenseInstalled",
            "isCcu",
        )
    ] == [False, False, True, True, False]
    assert body["ccuFeatureStatistics"] == []
    assert body["linkedCustomerList"][0]["customerOrgId"] == "510002"
    assert body["linkedCustomerList"][0]["customerDisplayName"] == "c2"


async def test_netscalers_call_home_too(inside: Client) -> None:
    assert (await inside.get(NETSCALERS)).json() == {
        "customerId": "acme",
        "orgId": "51000000",
        "netScalerCallingHomeDetails": [
            {
                "fqdn": "adc01.acme.test",
                "hostId": "0a1b2c",
                "netScalerLicenseModels": [
                    {"productName": "Citrix ADC VPX 200", "daysToExpire": 30}
                ],
            }
        ],
    }
