"""A fake License Usage Insights with one partner, and its answers."""

import json
from typing import Any

import httpx
from tests.support.fake_api import SECRET, FakeApi

from lictui.model import Server, SourceName

TOKENS = "/root/tokens/clients"
SERVERS = "/partner-1/licenseservers"
USAGE = "/partner-1/licenseusagedata"
SERVER = Server(
    "partner",
    SourceName.PARTNER,
    url="https://licensing.citrixworkspacesapi.net",
    trust_url="https://trust.citrixworkspacesapi.net",
    username="client-1",
    secret="env:LICTUI_TEST",
    customer_id="partner-1",
)


def license_server(name: str = "lic01", **changes: object) -> dict[str, Any]:
    """A license server that reports, without anything to warn about."""
    return {
        "hostId": name.upper(),
        "fqdn": f"{name}.acme.test",
        "lastPhoningHomeTime": "2026-11-23T11:12:04.00+00:00",
        "isPhoningHome": True,
        "isEverReported": True,
        "isFoundInBackOffice": True,
        "isLicenseServerFree": False,
        "isNonCspLicenseInstalled": False,
        "isCcu": False,
        "ccuFeatureStatistics": None,
        "isExpired": False,
        "licenseExpirationDate": "2027-07-27T00:00:00.00+00:00",
        "daysToExpire": 245,
    } | changes


def never_reported(name: str = "new01") -> dict[str, Any]:
    nulls = ("fqdn", "lastPhoningHomeTime", "licenseExpirationDate", "daysToExpire")
    row = license_server(name, isPhoningHome=False, isEverReported=False)
    return row | dict.fromkeys(nulls)


def license_servers(*rows: object) -> dict[str, Any]:
    return {"customerId": "partner-1", "orgId": "51000000", "licenseServersStatus": list(rows)}


def feature(code: str = "XDT_PLT_UD", count: object = 226, **changes: object) -> dict[str, Any]:
    return {
        "featureId": code,
        "featureDescription": "Premium",
        "count": count,
        "freeUsersCount": 6,
        "licenseServerUsages": [server_usage("lic01.acme.test", 14)],
    } | changes


def server_usage(fqdn: str, count: int, **changes: object) -> dict[str, Any]:
    return {
        "fqdn": fqdn,
        "count": count,
        "freeUsersCount": 0,
        "reportingDate": "0001-01-01T00:00:00",
        "isLicenseServerFree": False,
    } | changes


def usage(*features: object, sku: str = "sku-1") -> dict[str, Any]:
    row = {"skuId": sku, "skuDescription": "CVAD for CSP", "features": list(features)}
    return {"customerId": "partner-1", "orgId": "51000000", "skus": [row] if features else []}


class FakeInsights(FakeApi):
    def __init__(self) -> None:
        answers = {SERVERS: license_servers(license_server()), USAGE: usage(feature())}
        super().__init__({**answers}, TOKENS)

    def issue_token(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["Content-Type"] == "application/json"
        if json.loads(request.content) != {"clientId": "client-1", "clientSecret": SECRET}:
            return httpx.Response(401, json={"type": "401", "detail": "expired secret"})
        token = {"principal": "p", "subject": "s", "openIdToken": "other", "expiresIn": 3600}
        return httpx.Response(200, json=token | {"token": self.new_token()})
