"""Simulated site of Citrix Virtual Apps and Desktops: its REST API, tokens and alerts.

Base paths are `/cvad/manage` and `/citrix/orchestration/api`; letter case does not matter, as in
Windows' own web server.
"""

from __future__ import annotations

import binascii
import json
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final
from urllib.parse import parse_qs
from uuid import NAMESPACE_DNS, uuid5

from lictui.clock import Clock, iso
from lictui.simulator.estate import ServerKind, SimulatedEstate, SimulatedServer
from lictui.simulator.http import (
    LOGIN_PAGE,
    Connection,
    Listener,
    Request,
    ServerCertificate,
    SimulatedReply,
    apply_fault,
    listen,
)
from lictui.simulator.inventory import CurrentFault, CurrentInventory, FaultMode, License
from lictui.simulator.usage import DAY, QUARTER, as_date

# Replies: JSON, errors, and replies in place of the site's own


_TYPE: Final = ("Content-Type", "application/json; charset=utf-8")


def json_reply(
    body: Any, *, status: int = 200, headers: tuple[tuple[str, str], ...] = ()
) -> SimulatedReply:
    """Return `body` as a JSON reply."""
    return SimulatedReply(status, (_TYPE, *headers), json.dumps(body).encode())


def error_reply(
    status: int, kind: str, message: str, headers: tuple[tuple[str, str], ...] = ()
) -> SimulatedReply:
    """Return an error in the format of ErrorData."""
    body = {
        "SdkErrorId": f"Citrix.Orchestration.{kind}",
        "ErrorMessage": message,
        "ErrorType": kind,
        "ErrorDetails": None,
    }
    return json_reply(body, status=status, headers=headers)


def fault_reply(fault: FaultMode, retry_after: int) -> SimulatedReply | None:
    """Return the reply that replaces the site's own; None if the site replies."""
    again = (("Retry-After", str(retry_after)),)
    match fault:
        case FaultMode.LOGIN_PAGE:
            return LOGIN_PAGE
        case FaultMode.BUSY:
            return error_reply(503, "ServiceUnavailable", "The site is not available.", again)
        case FaultMode.RATE_LIMITED:
            return error_reply(429, "TooManyRequests", "There were too many requests.", again)
        case _:
            return None


# Tokens, issued for a password or a client secret


TOKEN_LIFETIME: Final = 3600.0  # seconds
_KEPT: Final = 1000  # tokens; the oldest go first


class SiteLogin:
    """The one account of a site."""

    def __init__(self, username: str, password: str, clock: Clock) -> None:
        self.username = username
        self._password = password
        self._clock = clock
        self._tokens: dict[str, float] = {}  # token -> when it ends
        self._issued = 0

    def on_premises(self, request: Request, site: SimulatedSite, *, deny: bool) -> SimulatedReply:
        """The reply to `POST …/Tokens`."""
        if deny or _basic(request.headers) != (self.username, self._password):
            words = "The user name or password is not valid."
            return error_reply(401, "Unauthorized", words, (("WWW-Authenticate", "Basic"),))
        token, ends = self._issue(site)
        return json_reply(
            {
                "Token": token,
                "Principal": self.username,
                "UserId": "S-1-5-21-1004336348-1177238915-682003330-1104",
                "CustomerId": site.customer,
                "ExpiresAt": iso(ends),
            }
        )

    def cloud(self, request: Request, site: SimulatedSite, *, deny: bool) -> SimulatedReply:
        """The reply to `POST /cctrustoauth2/{customer}/tokens/clients`."""
        form = {
            name: values[-1]
            for name, values in parse_qs(request.body.decode(errors="replace")).items()
        }
        if form.get("grant_type") != "client_credentials":
            return json_reply({"error": "unsupported_grant_type"}, status=400)
        if form.get("client_id") != self.username:
            return json_reply({"error": "invalid_client"}, status=401)
        if deny or form.get("client_secret") != self._password:
            words = "The client secret is not valid or has expired."
            return json_reply({"error": "invalid_client", "error_description": words})
        token, _ = self._issue(site)
        return json_reply(
            {"token_type": "bearer", "access_token": token, "expires_in": str(int(TOKEN_LIFETIME))}
        )

    def ends(self, headers: Mapping[str, str]) -> float | None:
        """When the token of a request ends; None when it has no valid one."""
        scheme, _, rest = headers.get("authorization", "").partition(" ")
        name, _, token = rest.strip().partition("=")
        if scheme.lower() != "cwsauth" or name.lower() != "bearer":
            return None
        ends = self._tokens.get(token)
        return ends if ends is not None and self._clock.now() < ends else None

    def _issue(self, site: SimulatedSite) -> tuple[str, float]:
        self._issued += 1
        token = sha256(f"{site.id}/{self._password}/{self._issued}".encode()).hexdigest()
        ends = self._clock.now() + TOKEN_LIFETIME
        self._tokens[token] = ends
        while len(self._tokens) > _KEPT:
            del self._tokens[next(iter(self._tokens))]
        return token, ends


def _basic(headers: Mapping[str, str]) -> tuple[str, str] | None:
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (user, password) if colon else None


# State of a site, licenses apart


# Not published for current releases: the first of the places that are worth a try.
OVERVIEW_PATH: Final = "/citrix/orchestration/api/{customer}/{site}/Licensing/LicenseOverview"


class UsageReporting(StrEnum):
    """How a site reports usage in `Sites/{id}`."""

    REPORTED = "reported"
    ZEROS = "zeros"  # some releases return zero for everything


@dataclass(frozen=True, slots=True)
class SiteAlert:
    """One licensing alert of a site."""

    level: str  # `Unknown`, `Info`, `Alert`, `Alarm`
    title: str
    detail: str = ""
    action: str = ""
    type_code: str = ""
    priority: int = 1


@dataclass(frozen=True, slots=True)
class SimulatedSite:
    """A site of Citrix Virtual Apps and Desktops, as it is just now."""

    id: str
    name: str
    customer: str = "CitrixOnPremises"
    cloud: bool = False
    las: bool = False  # UseLicenseActivationService
    activated_until: date | None = None
    activation: str = ""  # LasActivationStatus; "" follows from the date
    license_server: str = "lic01.corp.example"
    server_status: str = ""  # LicenseServerStatus; "" follows from `las`
    overview_path: str | None = OVERVIEW_PATH  # None: no license overview answers anywhere
    totals: bool = True  # whether the overview has NormalLicenses and OverdraftLicenses
    date_format: str = "%Y-%m-%d"  # of the overview; the notes know none for certain
    usage: UsageReporting = UsageReporting.REPORTED
    peak: int | None = None  # of concurrent licenses
    unique: int | None = None  # users that ever took one
    grace_hours_left: int | None = None  # None: no grace period is active
    out_of_box_hours_left: int | None = None
    grace_sessions_left: int | None = None
    alerts: tuple[SiteAlert, ...] = ()


CurrentSite = Callable[[], SimulatedSite]


# JSON bodies


Json = dict[str, Any]
Licenses = tuple["License", ...]

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
_VERSION: Final = "7.47"


def _parts(code: str) -> tuple[str, str, str]:
    """Product, edition and model of `XDT_PLT_UD`."""
    product, _, rest = code.partition("_")
    edition, _, model = rest.partition("_")
    return product, edition, model


def _main(licenses: Licenses) -> License | None:
    return max(licenses, key=lambda pool: pool.installed, default=None)


def me(site: SimulatedSite, user: str, expires: str) -> Json:
    """`/me`: who is logged on, and which sites there are."""
    where = {"Id": site.id, "Name": site.name}
    return {
        "UserId": "S-1-5-21-1004336348-1177238915-682003330-1104",
        "DisplayName": user,
        "ExpiryTime": expires,
        "RefreshExpirationTime": None,
        "Customers": [{"Id": site.customer, "Name": None, "Sites": [where]}],
    }


def site_detail(site: SimulatedSite, licenses: Licenses) -> Json:
    """`/Sites/{idOrName}`."""
    main = _main(licenses)
    product, edition, model = _parts(main.product) if main else (None, None, "")
    return {
        "Id": site.id,
        "Name": site.name,
        "LicenseServerName": None if site.cloud else site.license_server,
        "LicenseServerPort": None if site.cloud else 27000,
        "LicenseServerUri": None if site.cloud else f"https://{site.license_server}:8083/",
        "LicensingModel": _MODELS.get(model, "Unknown") if main else "None",
        "ProductCode": product,
        "ProductEdition": edition,
        "ProductVersion": _VERSION,
        "LicenseExpirationDate": None if site.cloud else _earliest_end(licenses),
        **_usage(site, licenses, model),
        "LicenseGraceSessionsRemaining": site.grace_sessions_left,
        "LicensingGracePeriodActive": site.grace_hours_left is not None,
        "LicensingGraceHoursLeft": site.grace_hours_left,
        "LicensingOutOfBoxGracePeriodActive": site.out_of_box_hours_left is not None,
        "LicensesWithExpiredSwm": None,
        "LicensingAlerts": [_alert(alert) for alert in site.alerts],
    }


def _usage(site: SimulatedSite, licenses: Licenses, model: str) -> Json:
    names = ("LicensedSessionsActive", "PeakConcurrentLicenseUsers", "TotalUniqueLicenseUsers")
    if site.usage is not UsageReporting.REPORTED:
        return dict.fromkeys(names, 0)
    in_use = sum(pool.in_use for pool in licenses if _parts(pool.product)[2] == model)
    if _MODELS.get(model) == "UserDevice":
        return dict(zip(names, (in_use // 2, None, in_use), strict=True))
    peak = in_use if site.peak is None else site.peak
    unique = peak * 2 if site.unique is None else site.unique
    return dict(zip(names, (in_use, peak, unique), strict=True))


def _earliest_end(licenses: Licenses) -> str | None:
    ends = [pool.expires for pool in licenses if pool.expires]
    return f"{min(ends).isoformat()}T00:00:00Z" if ends else None


def _alert(alert: SiteAlert) -> Json:
    return {
        "Priority": alert.priority,
        "AlertLevel": alert.level,
        "TypeCode": alert.type_code,
        "Title": alert.title,
        "Detail": alert.detail,
        "Action": alert.action,
    }


def error_warning(site: SimulatedSite) -> Json:
    """`/Sites/{id}/ErrorWarning`: how many alerts of each level."""
    levels = [alert.level for alert in site.alerts]
    return {
        "Licensing": {
            "NumberOfErrors": levels.count("Alarm"),
            "NumberOfWarnings": levels.count("Alert"),
            "NumberOfInfo": levels.count("Info"),
        }
    }


def controllers(site: SimulatedSite, now: float) -> Json:
    """`/DeliveryControllers`: two of them, with what each knows of LAS."""
    until = site.activated_until if site.las else None
    ended = until is not None and until < datetime.fromtimestamp(now, UTC).date()
    status = ("Expired" if ended else "Activated") if until else "NotActivated"
    las = {
        "LasUniqueEnvId": f"env-{site.id}" if site.las else None,
        "LasActivationStatus": site.activation or status,
        "LasActivationExpiry": f"{until.isoformat()}T00:00:00Z" if until else None,
        "IsLasAware": site.las,
    }
    names = [f"{site.name.lower()}-ddc{number}.corp.example" for number in (1, 2)]
    return {"Items": [{"Id": str(at), "DnsName": name, **las} for at, name in enumerate(names, 1)]}


def overview(site: SimulatedSite, licenses: Licenses, *, inventory: bool) -> Json:
    """`LicenseOverview`: the inventory, under the name of the way the site is licensed."""
    main = _main(licenses)
    product, edition, model = _parts(main.product) if main else ("", "", "")
    lines = [_inventory(site, pool) for pool in licenses] if inventory else []
    sums = (
        sum(pool.installed for pool in licenses),
        sum(pool.overdraft for pool in licenses),
        sum(pool.in_use for pool in licenses),
    )
    normal, overdraft, usage = sums if site.totals else (None, None, None)
    return {
        "LicenseInformation": {
            "LicenseServerStatus": _status(site, licenses),
            "LicenseServerWslAddress": f"https://{site.license_server}:8083",
            "LicenseServerLicensingAddress": f"{site.license_server}:27000",
            "LicenseServer": site.license_server,
            "LicensePort": 27000,
            "LicensingBurnInDate": "2026-03-01",
            "LicenseProduct": _PRODUCTS.get(product, product or "Unknown"),
            "ProductEdition": _EDITIONS.get(edition, edition or "Unknown"),
            "LicenseModel": _MODELS.get(model, "Unknown"),
            "OutOfBoxGracePeriodActive": site.out_of_box_hours_left is not None,
            "OutOfBoxGracePeriodHoursLeft": site.out_of_box_hours_left,
            "UseLicenseActivationService": site.las,
        },
        "LicenseInventories": [] if site.las else lines,
        "LicenseLasInventories": lines if site.las else [],
        "NormalLicenses": normal,
        "OverdraftLicenses": overdraft,
        "LicensesUsage": usage,
        "CertAccepted": True,
    }


def _status(site: SimulatedSite, licenses: Iterable[License]) -> str:
    if site.server_status:
        return site.server_status
    if not any(licenses):
        return "NoInventory"
    return "LasCompatible" if site.las else "Compatible"


def _inventory(site: SimulatedSite, held: License) -> Json:
    product, edition, model = _parts(held.product)
    local = _LOCAL_EDITIONS.get(edition, edition)
    return {
        "LicenseProductName": _PRODUCTS.get(product, product),
        "LocalizedLicenseProductName": f"{_LOCAL_PRODUCTS.get(product, _SUITE)} {local}",
        "LicenseExpirationDate": held.expires and held.expires.strftime(site.date_format),
        "LicenseSubscriptionAdvantageDate": held.subscription_date.strftime(site.date_format),
        "LicenseType": held.license_type,
        "LicensesInUse": held.in_use,
        # One of two readings: whether the overdraft is in is not published.
        "LicensesAvailable": held.installed + held.overdraft,
        "LicenseOverdraft": held.overdraft,
        "LicenseModel": _MODELS.get(model, model),
        "ProductEdition": _EDITIONS.get(edition, edition),
        "LocalizedLicenseProductEdition": local,
    }


_BASES: Final = ("/cvad/manage", "/citrix/orchestration/api")
_PREVIEW: Final = "/citrix/orchestration/api/techpreview"
_JOB: Final = "/cvad/manage/Jobs/get-license-summary"


async def serve_cvad(  # noqa: PLR0913 - a server has that many sides; all but four are named
    site: CurrentSite,
    inventory: CurrentInventory,
    fault: CurrentFault,
    clock: Clock,
    *,
    username: str,
    password: str,
    certificate: ServerCertificate | None,
    retry_after: int = 2,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Listener:
    r"""Serve a site until `aclose`; `username` is `DOMAIN\user`, or a client id in the cloud.

    Tokens last an hour of `clock`; `retry_after` is what a busy or limiting site asks for, in
    seconds. OSError when the port is taken.
    """
    service = _Service(
        site, inventory, fault, SiteLogin(username, password, clock), clock, retry_after
    )
    return await listen(service.answer, host=host, port=port, certificate=certificate)


class _Service:
    """The HTTP side of one site."""

    def __init__(
        self,
        site: CurrentSite,
        inventory: CurrentInventory,
        fault: CurrentFault,
        login: SiteLogin,
        clock: Clock,
        retry_after: int,
    ) -> None:
        self._site = site
        self._inventory = inventory
        self._fault = fault
        self._login = login
        self._clock = clock
        self._retry_after = retry_after

    async def answer(self, request: Request, connection: Connection) -> SimulatedReply | None:
        """Return the reply to one request; None leaves it unanswered."""
        del connection
        fault, site = self._fault(), self._site()
        if fault is FaultMode.SILENT:
            return None
        refusal = fault_reply(fault, self._retry_after)
        if refusal is not None:
            return refusal
        path = request.path.lower().rstrip("/")
        if request.method == "POST":
            return self._token(
                request, site, path, deny=fault in {FaultMode.DENIED, FaultMode.CREDENTIALS_EXPIRED}
            )
        return self._check_access(request, site, fault) or self._respond(request, site, fault, path)

    def _token(
        self, request: Request, site: SimulatedSite, path: str, *, deny: bool
    ) -> SimulatedReply:
        if not site.cloud and path in {f"{base}/tokens" for base in _BASES}:
            return self._login.on_premises(request, site, deny=deny)
        if site.cloud and path in {
            f"/cctrustoauth2/{customer.lower()}/tokens/clients"
            for customer in (site.customer, "root")
        }:
            return self._login.cloud(request, site, deny=deny)
        return _not_found(path)

    def _check_access(
        self, request: Request, site: SimulatedSite, fault: FaultMode
    ) -> SimulatedReply | None:
        """Return the error for a request without access; None if it has access."""
        if request.method != "GET":
            return error_reply(405, "MethodNotAllowed", f"{request.method} is not allowed here.")
        if fault is FaultMode.DENIED or self._login.ends(request.headers) is None:
            return error_reply(
                401, "Unauthorized", "The token is missing, not valid or has expired."
            )
        if request.headers.get("citrix-customerid", "").lower() != site.customer.lower():
            return error_reply(
                401, "Unauthorized", "Citrix-CustomerId is missing or not this customer."
            )
        accept = request.headers.get("accept", "*/*")
        if "json" not in accept and "*/*" not in accept:
            return error_reply(406, "NotAcceptable", "Only application/json is spoken here.")
        return None

    def _respond(
        self, request: Request, site: SimulatedSite, fault: FaultMode, path: str
    ) -> SimulatedReply:
        what = _routes(site).get(path)
        if what is None or fault is FaultMode.UNKNOWN_CUSTOMER:
            return _not_found(path)
        if what not in {"me", "site"} and not _names_instance(request, site):
            return error_reply(400, "BadRequest", "Citrix-InstanceId is missing or not this site.")
        if what != "me" and fault is FaultMode.FORBIDDEN:
            return error_reply(403, "Forbidden", "You do not have the permission to read this.")
        return apply_fault(self._about(what, request, site, fault), fault)

    def _about(
        self, what: str, request: Request, site: SimulatedSite, fault: FaultMode
    ) -> SimulatedReply:
        licenses = () if fault is FaultMode.EMPTY else self._inventory()
        asks = {name: value.lower() == "true" for name, value in request.query.items()}
        match what:
            case "me":
                ends = self._login.ends(request.headers) or 0.0
                body = me(site, self._login.username, iso(ends))
            case "site":
                body = site_detail(site, licenses)
            case "alerts":
                body = error_warning(site)
            case "controllers":
                body = controllers(site, self._clock.now())
            case "job":
                body = {"Type": "GetLicenseSummary", "Status": "Complete"}
            case "overview" if asks.get("async"):
                return json_reply(None, status=202, headers=(("Location", _JOB),))
            case _:
                inventory = what == "result" or asks.get("includeInventory", False)
                body = overview(site, licenses, inventory=inventory)
        return json_reply(body)


def _routes(site: SimulatedSite) -> dict[str, str]:
    """Return the resource of each lower-case path; a site is addressed by its id or its name."""
    customer = site.customer.lower()
    routes = {_JOB.lower(): "job", f"{_JOB}/results".lower(): "result"}
    for base in _BASES:
        routes[f"{base}/me"] = "me"
        routes[f"{base}/deliverycontrollers"] = "controllers"
    for name in (site.id.lower(), site.name.lower()):
        for base in _BASES:
            routes[f"{base}/sites/{name}"] = "site"
            routes[f"{base}/sites/{name}/errorwarning"] = "alerts"
        for base in (_BASES[1], _PREVIEW):
            routes[f"{base}/{customer}/{name}/deliverycontrollers"] = "controllers"
        if site.overview_path is not None:
            path = site.overview_path.lower()
            path = path.replace("{customer}", customer).replace("{site}", name)
            routes[path.rstrip("/")] = "overview"
    return routes


def _names_instance(request: Request, site: SimulatedSite) -> bool:
    instance = request.headers.get("citrix-instanceid", "").lower()
    return instance in {site.id.lower(), site.name.lower()}


def _not_found(path: str) -> SimulatedReply:
    return error_reply(404, "NotFound", f"There is nothing at {path}.")


# Sites of the simulated company: alerts, peaks, activation


_NEARLY_USED: Final = 0.9  # where Director raises its alert, unless told otherwise
_SOON: Final = 30  # days


def site_at(estate: SimulatedEstate, server: SimulatedServer, at: float) -> SimulatedSite:
    """The site behind `server` at one moment."""
    held = estate.inventory_at(server.name, at)
    return SimulatedSite(
        id=str(uuid5(NAMESPACE_DNS, f"{server.name}.{estate.seed}")),
        name=server.name.removeprefix("ddc-").upper(),
        las=server.kind is ServerKind.LAS_SITE,
        activated_until=server.activated_until,
        license_server=f"{server.name.replace('ddc', 'lic')}.corp.example",
        overview_path=None if server.kind is ServerKind.SITE_WITHOUT_OVERVIEW else OVERVIEW_PATH,
        peak=_peak_today(server, at),
        alerts=tuple(_alerts(server, held, at)),
    )


def _peak_today(server: SimulatedServer, at: float) -> int:
    """Return the peak usage of the first pool since local midnight."""
    midnight = server.region.day(at) * DAY - server.region.hours * 3600
    pool = server.pools[0]
    past = pool.curve.quarter_values(int(midnight // QUARTER), int(at // QUARTER) + 1)
    return max(*past, pool.curve.value_at(at))


def _alerts(server: SimulatedServer, held: tuple[License, ...], at: float) -> Iterator[SiteAlert]:
    today = as_date(int(at // DAY))
    for pool in held:
        if pool.in_use > pool.installed:
            detail = f"{pool.product}: {pool.in_use - pool.installed} more than installed."
            yield SiteAlert(
                "Alarm", "Licenses are in overdraft", detail, "Add licenses.", "Overdraft"
            )
        elif pool.in_use >= _NEARLY_USED * pool.installed:
            detail = f"{pool.product}: {pool.in_use} of {pool.installed} licenses are in use."
            yield SiteAlert("Alert", "Licenses are nearly used up", detail, "", "Threshold")
        if pool.expires is not None and (pool.expires - today).days <= _SOON:
            detail = f"{pool.product}: {pool.installed} licenses expire on {pool.expires}."
            yield SiteAlert("Alert", "Licenses expire soon", detail, "Renew them.", "Expiration")
    if server.activated_until is not None and (server.activated_until - today).days <= _SOON:
        detail = f"The activation is valid until {server.activated_until}."
        yield SiteAlert(
            "Info", "License activation is due for renewal", detail, "", "LasActivation"
        )
