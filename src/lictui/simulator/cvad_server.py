"""Simulated site of Citrix Virtual Apps and Desktops: its REST API and alerts.

Base paths are `/cvad/manage` and `/citrix/orchestration/api`; letter case does not matter, as in
Windows' own web server.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from uuid import NAMESPACE_DNS, uuid5

from aiohttp import web
from msgspec import Struct

from lictui.clock import iso
from lictui.simulator import CurrentInventory, FaultMode, License
from lictui.simulator.estate import ServerKind, SimulatedServer
from lictui.simulator.http import (
    TOKEN_LIFETIME,
    Headers,
    Json,
    JsonApi,
    RefusedError,
    apply_fault,
    basic_account,
)
from lictui.simulator.usage import DAY, QUARTER, as_date

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


# JSON bodies


Licenses = tuple[License, ...]

_CUSTOMER: Final = "CitrixOnPremises"
_USER_ID: Final = "S-1-5-21-1004336348-1177238915-682003330-1104"
_PRODUCTS: Final = {"XDT": "XenDesktopXdt", "XDS": "XenDesktopXds", "MPS": "XenApp"}
_EDITIONS: Final = {
    "PLT": "Platinum",
    "ENT": "Enterprise",
    "ADV": "Advanced",
    "APP": "Apps",
    "STD": "Vdi",
}
_MODELS: Final = {"UD": "UserDevice", "CCS": "Concurrent", "CCU": "Concurrent"}
_LOCAL_EDITIONS: Final = {"PLT": "Premium", "ENT": "Advanced", "STD": "Standard"}
_LOCAL_PRODUCTS: Final = {"MPS": "Citrix Virtual Apps"}
_SUITE: Final = "Citrix Virtual Apps and Desktops"


class SimulatedSite(Struct, frozen=True):
    """A site at one time, in the words of its API."""

    server: SimulatedServer
    licenses: Licenses
    now: float

    @property
    def id(self) -> str:
        """The ID of the site."""
        return str(uuid5(NAMESPACE_DNS, self.server.name))

    @property
    def name(self) -> str:
        """The name of the site."""
        return self.server.name.removeprefix("ddc-").upper()

    @property
    def license_server(self) -> str:
        """The host of its license server."""
        return f"{self.server.name.replace('ddc', 'lic')}.corp.example"

    @property
    def is_las(self) -> bool:
        """Whether it uses the License Activation Service."""
        return self.server.kind is ServerKind.LAS_SITE

    @property
    def main(self) -> License | None:
        """Its largest pool, after which the site is called by product and model."""
        return max(self.licenses, key=lambda pool: pool.installed, default=None)


def me(site: SimulatedSite, user: str, expires: str) -> Json:
    """Return `/me`: the user and the sites."""
    return {
        "UserId": _USER_ID,
        "DisplayName": user,
        "ExpiryTime": expires,
        "RefreshExpirationTime": None,
        "Customers": [
            {"Id": _CUSTOMER, "Name": None, "Sites": [{"Id": site.id, "Name": site.name}]}
        ],
    }


def site_detail(site: SimulatedSite) -> Json:
    """Return `/Sites/{idOrName}`."""
    licenses, main = site.licenses, site.main
    product, edition, model = main.code_parts if main else (None, None, "")
    return {
        "Id": site.id,
        "Name": site.name,
        "LicenseServerName": site.license_server,
        "LicenseServerPort": 27000,
        "LicenseServerUri": f"https://{site.license_server}:8083/",
        "LicensingModel": _MODELS.get(model, "Unknown") if main else "None",
        "ProductCode": product,
        "ProductEdition": edition,
        "ProductVersion": "7.47",
        "LicenseExpirationDate": _earliest_end(licenses),
        **_usage(site, model),
        "LicenseGraceSessionsRemaining": None,
        "LicensingGracePeriodActive": False,
        "LicensingGraceHoursLeft": None,
        "LicensingOutOfBoxGracePeriodActive": False,
        "LicensesWithExpiredSwm": None,
        "LicensingAlerts": list(_alerts(site)),
    }


def _usage(site: SimulatedSite, model: str) -> Json:
    names = ("LicensedSessionsActive", "PeakConcurrentLicenseUsers", "TotalUniqueLicenseUsers")
    in_use = sum(pool.in_use for pool in site.licenses if pool.code_parts[2] == model)
    if _MODELS.get(model) == "UserDevice":
        return dict(zip(names, (in_use // 2, None, in_use), strict=True))
    peak = max(in_use, _peak_today(site.server, site.now))
    return dict(zip(names, (in_use, peak, peak * 2), strict=True))


def _peak_today(server: SimulatedServer, now: float) -> int:
    midnight = server.region.day(now) * DAY - server.region.hours * 3600
    quarters = (int(midnight // QUARTER), int(now // QUARTER) + 1)
    peaks = (int(pool.curve.quarter_values(*quarters).max()) for pool in server.pools[:1])
    return max(peaks, default=0)


_NEARLY_USED: Final = 0.9  # of installed, where Director raises its alert by default
_SOON: Final = 30  # days


def _alerts(site: SimulatedSite) -> Iterator[Json]:
    today, activated_until = as_date(int(site.now // DAY)), site.server.activated_until
    for pool in site.licenses:
        if pool.in_use > pool.installed:
            detail = f"{pool.product}: {pool.in_use - pool.installed} more than installed."
            title = "Licenses are in overdraft"
            yield _alert("Alarm", "Overdraft", title, detail, "Add licenses.")
        elif pool.in_use >= _NEARLY_USED * pool.installed:
            detail = f"{pool.product}: {pool.in_use} of {pool.installed} licenses are in use."
            yield _alert("Alert", "Threshold", "Licenses are nearly used up", detail)
        if pool.expires is not None and (pool.expires - today).days <= _SOON:
            detail = f"{pool.product}: {pool.installed} licenses expire on {pool.expires}."
            yield _alert("Alert", "Expiration", "Licenses expire soon", detail, "Renew them.")
    if activated_until is not None and (activated_until - today).days <= _SOON:
        detail = f"The activation is valid until {activated_until}."
        yield _alert("Info", "LasActivation", "License activation is due for renewal", detail)


def _alert(level: str, type_code: str, title: str, detail: str, action: str = "") -> Json:
    return {
        "Priority": 1,
        "AlertLevel": level,  # `Unknown`, `Info`, `Alert`, `Alarm`
        "TypeCode": type_code,
        "Title": title,
        "Detail": detail,
        "Action": action,
    }


def _earliest_end(licenses: Licenses) -> str | None:
    ends = [pool.expires for pool in licenses if pool.expires]
    return f"{min(ends).isoformat()}T00:00:00Z" if ends else None


def controllers(site: SimulatedSite) -> Json:
    """Return `/DeliveryControllers`: two of them, with their LAS activation."""
    until = site.server.activated_until if site.is_las else None
    ended = until is not None and until < as_date(int(site.now // DAY))
    status = ("Expired" if ended else "Activated") if until else "NotActivated"
    las = {
        "LasUniqueEnvId": f"env-{site.id}" if site.is_las else None,
        "LasActivationStatus": status,
        "LasActivationExpiry": f"{until.isoformat()}T00:00:00Z" if until else None,
        "IsLasAware": site.is_las,
    }
    names = [f"{site.name.lower()}-ddc{number}.corp.example" for number in (1, 2)]
    return {"Items": [{"Id": str(at), "DnsName": name, **las} for at, name in enumerate(names, 1)]}


_SESSION_PAGE: Final = 250  # the default limit; the most is 1,000
_MAX_SESSION_PAGE: Final = 1000
_DISCONNECTED: Final = 8  # every so many sessions


def sessions(site: SimulatedSite, query: Mapping[str, str]) -> Json:
    """Return a page of `/Sessions`: the licensed ones, of which some are disconnected."""
    main = site.main
    total = _usage(site, main.code_parts[2])["LicensedSessionsActive"] if main else 0
    limit = min(_number(query, "limit") or _SESSION_PAGE, _MAX_SESSION_PAGE)
    first = _number(query, "continuationToken")
    last = min(first + limit, total)
    states = ("Disconnected" if at % _DISCONNECTED == 0 else "Active" for at in range(first, last))
    return {
        "Items": [{"State": state} for state in states],
        "ContinuationToken": str(last) if last < total else None,
    }


def _number(query: Mapping[str, str], name: str) -> int:
    value = query.get(name, "")
    return int(value) if value.isascii() and value.isdigit() else 0


def overview(site: SimulatedSite, *, inventory: bool) -> Json:
    """Return `LicenseOverview`; a LAS site has its inventory in a list of its own."""
    licenses, main = site.licenses, site.main
    product, edition, model = main.code_parts if main else ("", "", "")
    lines = [_inventory(pool) for pool in licenses] if inventory else []
    status = ("LasCompatible" if site.is_las else "Compatible") if licenses else "NoInventory"
    return {
        "LicenseInformation": {
            "LicenseServerStatus": status,
            "LicenseServerWslAddress": f"https://{site.license_server}:8083",
            "LicenseServerLicensingAddress": f"{site.license_server}:27000",
            "LicenseServer": site.license_server,
            "LicensePort": 27000,
            "LicensingBurnInDate": "2026-03-01",
            "LicenseProduct": _PRODUCTS.get(product, product or "Unknown"),
            "ProductEdition": _EDITIONS.get(edition, edition or "Unknown"),
            "LicenseModel": _MODELS.get(model, "Unknown"),
            "OutOfBoxGracePeriodActive": False,
            "OutOfBoxGracePeriodHoursLeft": None,
            "UseLicenseActivationService": site.is_las,
        },
        "LicenseInventories": [] if site.is_las else lines,
        "LicenseLasInventories": lines if site.is_las else [],
        "NormalLicenses": sum(pool.installed for pool in licenses),
        "OverdraftLicenses": sum(pool.overdraft for pool in licenses),
        "LicensesUsage": sum(pool.in_use for pool in licenses),
        "CertAccepted": True,
    }


def _inventory(pool: License) -> Json:
    product, edition, model = pool.code_parts
    local = _LOCAL_EDITIONS.get(edition, edition)
    return {
        "LicenseProductName": _PRODUCTS.get(product, product),
        "LocalizedLicenseProductName": f"{_LOCAL_PRODUCTS.get(product, _SUITE)} {local}",
        "LicenseExpirationDate": pool.expires and pool.expires.isoformat(),
        "LicenseSubscriptionAdvantageDate": pool.subscription_date.isoformat(),
        "LicenseType": pool.license_type,
        "LicensesInUse": pool.in_use,
        # One of two readings: whether the overdraft is in is not published.
        "LicensesAvailable": pool.installed + pool.overdraft,
        "LicenseOverdraft": pool.overdraft,
        "LicenseModel": _MODELS.get(model, model),
        "ProductEdition": _EDITIONS.get(edition, edition),
        "LocalizedLicenseProductEdition": local,
    }


# The API


_BASES: Final = ("/cvad/manage", "/citrix/orchestration/api")


@dataclass(eq=False)
class SiteApi(JsonApi):
    r"""The REST API of one site on premises; the client is `DOMAIN\user`."""

    server: SimulatedServer
    inventory: CurrentInventory

    @property
    def token_paths(self) -> set[str]:
        """The paths of the token endpoint, in lower case."""
        return {f"{base}/tokens" for base in _BASES}

    def error(self, status: int, message: str = "", headers: Headers = ()) -> web.Response:
        """Return an error in the format of ErrorData."""
        phrase = HTTPStatus(status).phrase
        kind = phrase.replace(" ", "")
        body = {
            "SdkErrorId": f"Citrix.Orchestration.{kind}",
            "ErrorMessage": message or phrase,
            "ErrorType": kind,
            "ErrorDetails": None,
        }
        return web.json_response(body, status=status, headers=headers)

    async def token(self, request: web.BaseRequest, fault: FaultMode) -> web.Response:
        """Return the reply to a request with user and password."""
        denied = fault in {FaultMode.DENIED, FaultMode.CREDENTIALS_EXPIRED}
        if denied or basic_account(request) != (self.client.name, self.client.secret):
            message = "The user name or password is not valid."
            return self.error(401, message, [("WWW-Authenticate", "Basic")])
        return web.json_response(
            {
                "Token": self.issue_token(),
                "Principal": self.client.name,
                "UserId": _USER_ID,
                "CustomerId": _CUSTOMER,
                "ExpiresAt": iso(self.clock.now() + TOKEN_LIFETIME),
            }
        )

    def read(self, request: web.BaseRequest, path: str, fault: FaultMode) -> web.Response:
        """Return the reply to a request with a token."""
        self._require_access(request, fault)
        licenses = () if fault is FaultMode.EMPTY else self.inventory()
        site = SimulatedSite(self.server, licenses, self.clock.now())
        resource = _routes(site).get(path)
        if resource is None or fault is FaultMode.UNKNOWN_CUSTOMER:
            return self.error(404)
        instance = request.headers.get("Citrix-InstanceId", "").lower()
        if resource not in {"me", "site"} and instance not in {site.id.lower(), site.name.lower()}:
            return self.error(400, "Citrix-InstanceId is missing or not this site.")
        if resource != "me" and fault is FaultMode.FORBIDDEN:
            return self.error(403, "You do not have the permission to read this.")
        flags = {name for name, value in request.query.items() if value.lower() == "true"}
        match resource:
            case "me":
                body = me(site, self.client.name, iso(self.token_expiry(request)))
            case "site":
                body = site_detail(site)
            case "controllers":
                body = controllers(site)
            case "sessions":
                body = sessions(site, request.query)
            case _:
                body = overview(site, inventory="includeInventory" in flags)
        return apply_fault(web.json_response(body), fault)

    def _require_access(self, request: web.BaseRequest, fault: FaultMode) -> None:
        headers = request.headers
        accept = headers.get("Accept", "*/*")
        if request.method != "GET":
            reply = self.error(404 if request.method == "POST" else 405)
        elif fault is FaultMode.DENIED or self.token_expiry(request) <= self.clock.now():
            reply = self.error(401, "The token is missing, not valid or has expired.")
        elif headers.get("Citrix-CustomerId", "").lower() != _CUSTOMER.lower():
            reply = self.error(401, "Citrix-CustomerId is missing or not this customer.")
        elif "json" not in accept and "*/*" not in accept:
            reply = self.error(406, "Only application/json is available.")
        else:
            return
        raise RefusedError(reply)


def _routes(site: SimulatedSite) -> dict[str, str]:
    """Return the resource of each lower-case path; a site is addressed by its ID or its name."""
    routes: dict[str, str] = {}
    for base in _BASES:
        routes |= {f"{base}/me": "me", f"{base}/deliverycontrollers": "controllers"}
        routes[f"{base}/sessions"] = "sessions"
    for name in (site.id.lower(), site.name.lower()):
        routes |= {f"{base}/sites/{name}": "site" for base in _BASES}
        start = f"{_BASES[1]}/{_CUSTOMER}/{name}".lower()
        routes[f"{start}/deliverycontrollers"] = "controllers"
        if site.server.kind is not ServerKind.SITE_WITHOUT_OVERVIEW:
            # Not published for current releases: the first of the paths that may answer.
            routes[f"{start}/licensing/licenseoverview"] = "overview"
    return routes
