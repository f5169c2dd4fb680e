"""A fake Citrix Cloud with one customer, and its answers."""

from typing import Any

import httpx
from tests.support.fake_api import FakeApi

from lictui.model import Server, SourceName

TOKENS = "/cctrustoauth2/acme/tokens/clients"
CURRENT = "/licensing/license/enterprise/cloud/cvad/ud/current"
HISTORY = "/licensing/license/enterprise/cloud/cvad/ud/historicalusage"
CONCURRENT = "/acme/license/enterprise/cloud/cvad/ccu/summary"
SERVER = Server(
    "cloud",
    SourceName.CITRIX_CLOUD,
    url="https://api-us.cloud.com",
    username="client-1",
    secret="env:LICTUI_TEST",
    customer_id="acme",
)


def current(**changes: object) -> dict[str, Any]:
    return {
        "customerId": "acme",
        "totalUsageCount": 412,
        "userLicenseUsage": {"totalUsageCount": 412, "releasedCount": 3},
        "deviceLicenseUsage": {"totalUsageCount": 501, "releasedCount": 0},
        "totalAvailableLicenseCount": 500,
        "remainingLicenseCount": 88,
        "timeStamp": "2026-11-24T06:00:00.0215469Z",
        "productName": "XenDesktop",
        "productEdition": "XAXDFull",
        "nextExpiredLicenses": {
            "nextExpiredTime": "2027-05-10T00:00:00.0000000Z",
            "totalCount": 500,
            "daysToExpire": 167,
        },
        "nextActivatingLicense": None,
    } | changes


def month(name: str, assigned: int = 400, **changes: object) -> dict[str, Any]:
    return {
        "timeStamp": f"{name}-01T00:00:00.0000000Z",
        "totalAvailableLicenseCount": 500,
        "cumulativeAssignedCount": assigned,
        "newAssignedCount": 12,
        "releasedCount": 4,
    } | changes


def history(*months: dict[str, Any], edition: str = "XAXDFull") -> dict[str, Any]:
    return {
        "customerId": "acme",
        "productEdition": edition,
        "xenAppXenDesktopHistoricalUsageList": list(months),
    }


def concurrent(in_use: object = 40, installed: object = 60, **changes: object) -> dict[str, Any]:
    now = {
        "totalLicenseCount": installed,
        "assignedLicenseCount": in_use,
        "reportTime": "2026-11-24T05:55:00Z",
    }
    peak = {"assignedLicenseCount": 55, "reportTime": "2026-11-20T10:00:00Z"}
    peaks = dict.fromkeys(("last24HoursPeak", "monthPeak", "allTimePeak"), peak)
    return {"currentCcu": now} | peaks | changes


class FakeCloud(FakeApi):
    def __init__(self) -> None:
        months = history(month("2026-10"), month("2026-09", 390))
        super().__init__({CURRENT: current(), HISTORY: months}, TOKENS)

    def _is_authorized(self, request: httpx.Request) -> bool:
        customer = request.headers["Citrix-CustomerId"]
        return customer == "acme" and super()._is_authorized(request)

    def issue_token(self, request: httpx.Request) -> httpx.Response:
        return self.issue_cloud_token(request, "client-1")
