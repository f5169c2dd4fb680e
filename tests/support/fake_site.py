"""A Citrix site without sockets: responses by path, expiring tokens, recorded requests."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable

    Answer = object | httpx.Response | Callable[[httpx.Request], httpx.Response]

USERNAME, PASSWORD = r"CORP\svc-lictui", "päss:wörd"
TOKENS = "/cvad/manage/Tokens"
ME = "/cvad/manage/me"
SITE = "/cvad/manage/Sites/9f3c"
OVERVIEW = "/citrix/orchestration/api/CitrixOnPremises/9f3c/Licensing/LicenseOverview"
CONTROLLERS = "/citrix/orchestration/api/CitrixOnPremises/9f3c/DeliveryControllers"
CLOUD_TOKENS = "/cctrustoauth2/acme/tokens/clients"


def me_reply(*sites: tuple[str, str], customer: str = "CitrixOnPremises") -> dict[str, Any]:
    listed = [{"Id": identity, "Name": name} for identity, name in sites or (("9f3c", "PROD"),)]
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
        "LocalizedLicenseProductEdition": "Premium",
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


class FakeSite:
    """A handler for `httpx.MockTransport`; change `answers` to change its responses."""

    def __init__(self, **lifetime: str) -> None:
        self.answers: dict[str, Answer] = {
            ME: me_reply(),
            SITE: site_details(),
            OVERVIEW: license_overview(inventory_row()),
        }
        self.requests: list[httpx.Request] = []
        self.token_number = 0  # the number of the token that is accepted
        self.lifetime = {"ExpiresAt": "2026-11-24T07:00:00Z"} | lifetime
        self.token_paths = {TOKENS, CLOUD_TOKENS}

    @property
    def paths(self) -> list[str]:
        return [request.url.path for request in self.requests]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        path = request.url.path
        if path in self.answers:
            answer = self.answers[path]
        elif path in self.token_paths:
            return self._token(request)
        else:
            return httpx.Response(404, json={"ErrorData": {"ErrorMessage": "no such path"}})
        bearer = f"CWSAuth bearer=token-{self.token_number}"
        if request.method == "GET" and request.headers["Authorization"] != bearer:
            return httpx.Response(401)
        if callable(answer) and not isinstance(answer, httpx.Response):
            return answer(request)
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def _token(self, request: httpx.Request) -> httpx.Response:
        assert request.method == "POST"
        if request.url.path == CLOUD_TOKENS:
            form = parse_qs(request.content.decode(), strict_parsing=True)
            accepted = form == {
                "grant_type": ["client_credentials"],
                "client_id": [USERNAME],
                "client_secret": [PASSWORD],
            }
            if not accepted:
                return httpx.Response(200, json={"error": "invalid_client"})
            self.token_number += 1
            token = {"access_token": f"token-{self.token_number}", "expires_in": "3600"}
            return httpx.Response(200, json={"token_type": "bearer"} | token)
        expected = b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
        if request.headers["Authorization"] != f"Basic {expected}":
            return httpx.Response(401)
        self.token_number += 1
        token = {"Token": f"token-{self.token_number}", "Principal": USERNAME, "UserId": "S-1-5-7"}
        customer = {"CustomerId": "CitrixOnPremises"}
        return httpx.Response(200, json=token | customer | self.lifetime)
