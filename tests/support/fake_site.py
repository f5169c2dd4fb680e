"""A fake Citrix site, on premises or in Citrix Cloud, and its answers."""

from base64 import b64encode
from typing import Any

import httpx
from tests.support.fake_api import SECRET, FakeApi

from lictui.model import Server, SourceName

USERNAME = r"CORP\svc-lictui"
TOKENS = "/cvad/manage/Tokens"
ME = "/cvad/manage/me"
SITE = "/cvad/manage/Sites/9f3c"
OVERVIEW = "/citrix/orchestration/api/CitrixOnPremises/9f3c/Licensing/LicenseOverview"
CONTROLLERS = "/citrix/orchestration/api/CitrixOnPremises/9f3c/DeliveryControllers"
SESSIONS = "/cvad/manage/Sessions"
CLOUD_TOKENS = "/cctrustoauth2/acme/tokens/clients"
SERVER = Server(
    "ddc-us-01",
    SourceName.CVAD,
    url="https://ddc01.acme.test",
    username=USERNAME,
    secret="env:LICTUI_TEST",
)


def me_reply(*sites: tuple[str, str], customer: str = "CitrixOnPremises") -> dict[str, Any]:
    listed = [{"Id": site_id, "Name": name} for site_id, name in sites or (("9f3c", "PROD"),)]
    return {"UserId": "S-1-5-7", "Customers": [{"Id": customer, "Name": None, "Sites": listed}]}


def site_details(**changes: object) -> dict[str, Any]:
    return {
        "Id": "9f3c",
        "Name": "PROD",
        "LicenseServerName": "lic01.acme.test",
        "LicensingModel": "Concurrent",
        "ProductCode": "XDT",
        "ProductEdition": "PLT",
        "ProductVersion": "7.47",
        "LicenseExpirationDate": None,
        "LicensedSessionsActive": 214,
        "PeakConcurrentLicenseUsers": 377,
        "TotalUniqueLicenseUsers": 902,
        "LicenseGraceSessionsRemaining": None,
        "LicensingGracePeriodActive": False,
        "LicensingGraceHoursLeft": None,
        "LicensingOutOfBoxGracePeriodActive": False,
        "LicensingAlerts": [],
    } | changes


def inventory_row(**changes: object) -> dict[str, Any]:
    return {
        "LicenseProductName": "XenDesktopXdt",
        "LocalizedLicenseProductName": "Citrix Virtual Apps and Desktops Premium",
        "LicenseExpirationDate": "2027-03-31",
        "LicenseSubscriptionAdvantageDate": "2027-06-30",
        "LicenseType": "Retail",
        "LicensesInUse": 214,
        "LicensesAvailable": 550,
        "LicenseOverdraft": 50,
        "LicenseModel": "Concurrent",
        "ProductEdition": "Platinum",
    } | changes


def license_overview(
    *rows: dict[str, Any], las: tuple[dict[str, Any], ...] = (), **changes: object
) -> dict[str, Any]:
    information = {
        "LicenseServerStatus": "Compatible",
        "LicenseServer": "lic01.acme.test",
        "UseLicenseActivationService": False,
    }
    return {
        "LicenseInformation": information,
        "LicenseInventories": list(rows),
        "LicenseLasInventories": list(las),
        "NormalLicenses": None,
        "OverdraftLicenses": None,
        "LicensesUsage": None,
        "CertAccepted": True,
    } | changes


class FakeSite(FakeApi):
    scheme = "CWSAuth"

    def __init__(self) -> None:
        answers = {
            ME: me_reply(),
            SITE: site_details(),
            OVERVIEW: license_overview(inventory_row()),
        }
        super().__init__({**answers}, TOKENS, CLOUD_TOKENS)
        self.expires_at = "2026-11-24T07:00:00Z"

    def issue_token(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == CLOUD_TOKENS:
            return self.issue_cloud_token(request, USERNAME)
        expected = b64encode(f"{USERNAME}:{SECRET}".encode()).decode()
        if request.headers["Authorization"] != f"Basic {expected}":
            return httpx.Response(401)
        token = {"Principal": USERNAME, "UserId": "S-1-5-7", "CustomerId": "CitrixOnPremises"}
        token |= {"Token": self.new_token(), "ExpiresAt": self.expires_at}
        return httpx.Response(200, json=token)
