"""Simulated License Usage Insights (LUI) of one partner, with the trust service's token endpoint.

Trust and licensing are two hosts in the real cloud, one origin here. Sources: the paths,
StuartP-CSP/csp-lui-scripts; the token, developer.cloud.com, authenticate_api_client.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from hmac import compare_digest
from typing import TYPE_CHECKING, Final

from lictui.simulator.cloud_api import (
    TOKEN_LIFETIME,
    CloudService,
    Json,
    common_error,
    forbidden,
    json_reply,
    method_not_allowed,
    not_found,
    service_error,
    unauthorized,
)
from lictui.simulator.cloud_server import (
    AssignedCount,
    CloudAccount,
    CloudMonth,
    LicenseChange,
    MonthCount,
)
from lictui.simulator.estate import ReportedServer, SimulatedPool, SimulatedServer, uploaded_usage
from lictui.simulator.http import (
    Listener,
    Request,
    ServerCertificate,
    SimulatedReply,
    apply_fault,
    listen,
)
from lictui.simulator.inventory import CurrentFault, FaultMode
from lictui.simulator.usage import DAY

if TYPE_CHECKING:
    from lictui.clock import Clock


# JSON bodies


def license_servers_body(account: PartnerAccount, customer: str, now: float) -> Json:
    """`licenseservers`: every license server, and whether it still reports."""
    told = [_server(each, now) for each in account.servers]
    return {"customerId": customer, "orgId": account.org_id, "licenseServersStatus": told}


def _server(server: PartnerServer, now: float) -> Json:
    reported = server.last_reported is not None
    ends = server.expires if reported else None
    features = [{"featureId": each.feature_id, "usageCount": each.count} for each in server.ccu]
    return {
        "hostId": server.host_id,
        "fqdn": server.fqdn if reported else None,
        "lastPhoningHomeTime": timestamp(server.last_reported, server.stamps),
        "isPhoningHome": server.reporting(now),
        "isEverReported": reported,
        "isFoundInBackOffice": server.in_back_office,
        "isCompliant": server.compliant,
        "isLicenseServerFree": server.free,
        "isNonCspLicenseInstalled": server.non_csp,
        "isCcu": reported and bool(features),
        "ccuFeatureStatistics": features if reported else None,
        "isExpired": ends is not None and ends <= now,
        "licenseExpirationDate": timestamp(ends, server.stamps),
        "daysToExpire": None if ends is None else _days(now, ends),
        "linkedCustomerList": [_linked(each) for each in server.customers],
    }


def _linked(customer: LinkedCustomer) -> Json:
    own = customer.customer_id
    return {
        "customerId": own,
        "customerOrgId": customer.org_id or own,
        "customerNickName": customer.nick_name or own,
        "customerDisplayName": customer.display_name or own,
        "customerType": customer.kind,
    }


def usage_data_body(account: PartnerAccount, customer: str) -> Json:
    """`licenseusagedata`: the users of a month, by product, feature, server and customer."""
    skus = [_sku(each) for each in account.skus]
    return {"customerId": customer, "orgId": account.org_id, "skus": skus}


def _sku(sku: Sku) -> Json:
    return {
        "skuId": sku.sku_id,
        "skuDescription": sku.description,
        "features": [_feature(each) for each in sku.features],
    }


def _feature(feature: PartnerFeature) -> Json:
    counted = sum(each.count for each in feature.servers)
    return {
        "featureId": feature.feature_id,
        "featureDescription": feature.description,
        "count": counted if feature.count is None else feature.count,
        "freeUsersCount": sum(each.free_users for each in feature.servers),
        "units": feature.units,
        "isUserList": feature.user_list,
        "licenseServerCount": len(feature.servers),
        "freeLicenseServerCount": sum(each.free for each in feature.servers),
        "linkedCustomerCount": sum(each.linked for each in feature.customers),
        "licenseServerUsages": [_on_server(each) for each in feature.servers],
        "linkedCustomerUsages": [_at_customer(each) for each in feature.customers],
    }


def _on_server(used: ServerUsage) -> Json:
    reported = "0001-01-01T00:00:00"
    if used.reported is not None:
        reported = f"{datetime.fromtimestamp(used.reported, UTC):%Y-%m-%dT%H:%M:%S}"
    return {
        "fqdn": used.fqdn,
        "count": used.count,
        "freeUsersCount": used.free_users,
        "reportingDate": reported,
        "isLicenseServerFree": used.free,
    }


def _at_customer(used: CustomerUsage) -> Json:
    return {
        "isLinked": used.linked,
        "customerId": used.customer_id,
        "customerNickName": used.nick_name or used.customer_id,
        "customerType": used.kind,
        "count": used.count,
        "freeUsersCount": used.free_users,
    }


def netscalers_body(account: PartnerAccount, customer: str, now: float) -> Json:
    """`netscalercallinghomedata`: NetScalers and their licenses."""
    told = [_netscaler(each, now) for each in account.netscalers]
    return {"customerId": customer, "orgId": account.org_id, "netScalerCallingHomeDetails": told}


def _netscaler(netscaler: NetScaler, now: float) -> Json:
    return {
        "fqdn": netscaler.fqdn,
        "hostId": netscaler.host_id,
        "netScalerLicenseModels": [
            {"productName": each.product, "daysToExpire": _days(now, each.expires)}
            for each in netscaler.licenses
        ],
    }


def timestamp(at: float | None, stamps: TimestampStyle) -> str | None:
    """`2026-11-23T11:12:04.00+00:00`, or as `stamps` would have it; null for no time."""
    if at is None:
        return None
    if not stamps.digits:
        return f"{datetime.fromtimestamp(at, UTC):%m/%d/%Y %H:%M:%S}"
    ticks = 10**stamps.digits
    seconds, fraction = divmod(round(at * ticks), ticks)
    local = datetime.fromtimestamp(seconds, timezone(timedelta(hours=stamps.hours)))
    zone = local.isoformat()[19:]  # `+05:30`; strftime has no colon before Python 3.12
    return f"{local:%Y-%m-%dT%H:%M:%S}.{fraction:0{stamps.digits}d}{zone}"


def _days(now: float, ends: float) -> int:
    """Whole days on the calendar of UTC; negative once they have gone by."""
    end, today = (datetime.fromtimestamp(at, UTC).date() for at in (ends, now))
    return (end - today).days


# State of a partner's account: license servers, and usage per month


_REPORTING: Final = 3 * 86400.0  # seconds; after three silent days a server counts as silent


@dataclass(frozen=True, slots=True)
class LinkedCustomer:
    """A customer whose users a license server serves."""

    customer_id: str
    org_id: str = ""  # "" is the customer id again
    nick_name: str = ""  # so is this, and the next
    display_name: str = ""
    kind: str = "managed"


@dataclass(frozen=True, slots=True)
class FeatureCount:
    """How many concurrent licenses of one feature a license server holds in use."""

    feature_id: str  # `MPS_PLT_CCU`
    count: int


@dataclass(frozen=True, slots=True)
class TimestampStyle:
    """How the times of one license server are written."""

    hours: float = 0.0  # ahead of UTC
    digits: int = 2  # of the fraction: 2 or 7; 0 writes `12/30/2015 12:21:15`, in UTC


@dataclass(frozen=True, slots=True)
class PartnerServer:
    """One license server; without `last_reported` it never reported, and most is unknown."""

    host_id: str
    fqdn: str | None = None
    last_reported: float | None = None
    expires: float | None = None
    in_back_office: bool = True
    compliant: bool = True
    free: bool = False
    non_csp: bool = False  # a license of another program is installed
    ccu: tuple[FeatureCount, ...] = ()
    customers: tuple[LinkedCustomer, ...] = ()
    stamps: TimestampStyle = field(default_factory=TimestampStyle)

    def reporting(self, now: float) -> bool:
        """Whether it phoned home in the past three days."""
        return self.last_reported is not None and now - self.last_reported <= _REPORTING


@dataclass(frozen=True, slots=True)
class ServerUsage:
    """The users of one feature on one license server in a month."""

    fqdn: str
    count: int
    free_users: int = 0
    reported: float | None = None  # None is written as the year 1, as the real one does
    free: bool = False


@dataclass(frozen=True, slots=True)
class CustomerUsage:
    """The users of one feature at one customer in a month."""

    customer_id: str
    count: int
    free_users: int = 0
    nick_name: str = ""  # "" is the customer id again
    kind: str = "Managed"
    linked: bool = True


@dataclass(frozen=True, slots=True)
class PartnerFeature:
    """One feature of a product in a month."""

    feature_id: str  # `XDT_PLT_UD`
    description: str
    servers: tuple[ServerUsage, ...] = ()
    customers: tuple[CustomerUsage, ...] = ()
    count: int | None = None  # None: the sum over the servers
    units: str = "users"
    user_list: bool = True


@dataclass(frozen=True, slots=True)
class Sku:
    """One product that a partner is billed for."""

    sku_id: str
    description: str
    features: tuple[PartnerFeature, ...] = ()


@dataclass(frozen=True, slots=True)
class NetScalerLicense:
    """One license of a NetScaler."""

    product: str
    expires: float


@dataclass(frozen=True, slots=True)
class NetScaler:
    """One NetScaler that calls home."""

    fqdn: str
    host_id: str
    licenses: tuple[NetScalerLicense, ...] = ()


@dataclass(frozen=True, slots=True)
class PartnerAccount:
    """Everything of one partner; `skus` are those of the month that was asked for."""

    org_id: str
    servers: tuple[PartnerServer, ...] = ()
    skus: tuple[Sku, ...] = ()
    netscalers: tuple[NetScaler, ...] = ()


AccountOfMonth = Callable[[str], PartnerAccount]  # by `2026-10`


_SERVERS: Final = "licenseservers"
_USAGE: Final = "licenseusagedata"
_NETSCALERS: Final = "netscalercallinghomedata"
_MONTH: Final = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


async def serve_partner(  # noqa: PLR0913 - a server has that many sides; all but three are named
    account: AccountOfMonth,
    fault: CurrentFault,
    clock: Clock,
    *,
    customer_id: str,
    client_id: str,
    secret: str,
    certificate: ServerCertificate | None = None,
    retry_after: int = 2,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Listener:
    """Serve one partner until `aclose`; `account("2026-10")` is asked for the month's usage.

    Tokens last an hour of `clock`; `retry_after` is what a busy or limiting service asks for, in
    seconds. OSError when the port is taken.
    """
    service = _Service(account, fault, clock, customer_id, (client_id, secret), retry_after)
    return await listen(service.answer, host=host, port=port, certificate=certificate)


class _Service(CloudService):
    """The HTTP side of one partner."""

    transaction_header = "X-Cws-TransactionId"

    def __init__(
        self,
        account: AccountOfMonth,
        fault: CurrentFault,
        clock: Clock,
        customer: str,
        client: tuple[str, str],
        retry_after: int,
    ) -> None:
        self._client_id, self._secret = client
        super().__init__(fault, clock, customer, self._secret, retry_after)
        self._account = account

    def _reply(self, request: Request, fault: FaultMode) -> SimulatedReply:
        door, _, what = request.path.lower().strip("/").partition("/")
        if what == "tokens/clients" and door in {self._customer.lower(), "root"}:
            if request.method != "POST":
                return method_not_allowed("POST")
            return self._token(request, fault)
        refusal = self._tokens.check(request.headers)
        if fault is FaultMode.DENIED:
            refusal = unauthorized("invalid")
        return refusal or apply_fault(self._respond(request, fault, door, what), fault)

    def _token(self, request: Request, fault: FaultMode) -> SimulatedReply:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            return service_error(415, "unsupported media type")
        try:
            asked = json.loads(request.body)
        except ValueError:
            return common_error(400, "invalidJson", "The body is not JSON.")
        client, secret = (_text(asked, name) for name in ("clientId", "clientSecret"))
        if not client or not secret:
            return common_error(400, "missing", "clientId and clientSecret must be given.")
        known = client == self._client_id and fault is not FaultMode.DENIED
        if not known or not compare_digest(secret.encode(), self._secret.encode()):
            return unauthorized("invalid")
        if fault is FaultMode.CREDENTIALS_EXPIRED:
            return unauthorized("expired")
        return json_reply(
            {
                "principal": client,
                "subject": self._customer,
                "token": self._tokens.issue(),
                "openIdToken": "eyJsaWN0dWkiOiJvcGVucyBub3RoaW5nIn0",
                "expiresIn": TOKEN_LIFETIME,
            }
        )

    def _respond(self, request: Request, fault: FaultMode, door: str, what: str) -> SimulatedReply:
        if what not in {_SERVERS, _USAGE, _NETSCALERS}:
            return not_found("path")
        if request.method != "GET":
            return method_not_allowed("GET")
        if fault is FaultMode.UNKNOWN_CUSTOMER:
            return not_found("customer")
        # The header goes with every call of Citrix Cloud; the scripts for this API leave it out.
        named = {door, request.headers.get("citrix-customerid", door).lower()}
        if fault is FaultMode.FORBIDDEN or named != {self._customer.lower()}:
            return forbidden("permission")
        now = self._clock.now()
        month = f"{datetime.fromtimestamp(now, UTC):%Y-%m}"
        if what == _USAGE:
            month = request.query.get("date", "")
            if not _MONTH.fullmatch(month):
                kind = "invalidString" if month else "missing"
                return common_error(400, kind, "date must be yyyy-MM.", name="date")
        account = self._account(month)
        if fault is FaultMode.EMPTY:
            account = PartnerAccount(account.org_id)
        match what:
            case "licenseservers":
                body = license_servers_body(account, self._customer, now)
            case "licenseusagedata":
                body = usage_data_body(account, self._customer)
            case _:
                body = netscalers_body(account, self._customer, now)
        return json_reply(body)


def _text(asked: object, name: str) -> str:
    value = asked.get(name) if isinstance(asked, dict) else None
    return value if isinstance(value, str) else ""


# Accounts of the simulated company, calculated from the simulated estate


_MONTHS: Final = 12  # that Citrix Cloud remembers
_DEVICES: Final = 1.21  # devices to each user: Citrix counts whichever are fewer
_CUSTOMER: Final = LinkedCustomer("corp", "51000001", "Corp", "Corp Holding")


def cloud_account_at(server: SimulatedServer, at: float) -> CloudAccount | None:
    """The account behind `server`; None once its entitlement has ended."""
    pool = server.pools[0]
    held = pool.license_at(at)
    if held is None:
        return None
    name, _, edition = pool.product.partition(":")
    ends = pool.end_time()
    return CloudAccount(
        users=AssignedCount(held.in_use),
        devices=AssignedCount(_devices(held.in_use)),
        owned=held.installed,
        product_name=name,
        edition=edition,
        next_expiry=None if ends is None else LicenseChange(ends - DAY, held.installed),
        months=tuple(_months(pool, at)),
    )


def _months(pool: SimulatedPool, at: float) -> list[CloudMonth]:
    """The calendar months up to the one of `at`, which is not yet over."""
    first, months = datetime.fromtimestamp(at, UTC).date().replace(day=1), []
    end = at
    for _ in range(_MONTHS):
        start = datetime(first.year, first.month, 1, tzinfo=UTC).timestamp()
        before, after = pool.curve.value_at(start), pool.curve.value_at(end)
        owned = pool.installed_at(start)
        users = _count(before, after)
        devices = _count(_devices(before), _devices(after))
        months.append(CloudMonth(f"{first:%Y-%m}", owned, users, devices))
        first, end = _month_before(first), start - 1
    return months[::-1]


def _month_before(first: date) -> date:
    return date.fromordinal(first.toordinal() - 1).replace(day=1)


def _count(before: int, after: int) -> MonthCount:
    new = max(0, after - before) + before // 90
    return MonthCount(after, new, before + new - after)


def _devices(users: int) -> int:
    return round(users * _DEVICES)


def partner_account_at(server: SimulatedServer, at: float, month: str) -> PartnerAccount:
    """The account behind `server` at `at`, with the usage of `month`: `2026-10`."""
    # A month that is over stands as its last upload left it.
    then = min(at, _end_of(month) - 1)
    return PartnerAccount(
        org_id="51000000",
        servers=tuple(_reported(each, at) for each in server.reported_servers),
        skus=tuple(
            Sku(
                f"CSP-{pool.product}",
                pool.full_name.partition("|")[0],
                (_used(server, pool, then),),
            )
            for pool in server.pools
        ),
    )


def _end_of(month: str) -> float:
    year, number = (int(part) for part in month.split("-"))
    after = (year, number + 1) if number < 12 else (year + 1, 1)  # noqa: PLR2004 - December
    return datetime(*after, 1, tzinfo=UTC).timestamp()


def _reported(report: ReportedServer, at: float) -> PartnerServer:
    ends = report.expires
    return PartnerServer(
        host_id=report.host.upper(),
        fqdn=_fqdn(report),
        last_reported=min(at // DAY * DAY, report.last_upload) if report.has_reported else None,
        expires=datetime(ends.year, ends.month, ends.day, tzinfo=UTC).timestamp() if ends else None,
        in_back_office=report.in_back_office,
        ccu=tuple(
            FeatureCount(pool.product, held.in_use)
            for pool in report.concurrent
            if (held := pool.license_at(at // DAY * DAY)) is not None
        ),
        customers=(_CUSTOMER,),
        stamps=TimestampStyle(digits=7 if report.concurrent else 2),
    )


def _used(server: SimulatedServer, pool: SimulatedPool, at: float) -> PartnerFeature:
    usages = tuple(
        ServerUsage(
            _fqdn(report), uploaded_usage(report, pool.product, at), reported=at // DAY * DAY
        )
        for report in server.reported_servers
        if any(each.product == pool.product for each in report.pools)
    )
    count = sum(usage.count for usage in usages)
    customers = (CustomerUsage(_CUSTOMER.customer_id, count, nick_name=_CUSTOMER.nick_name),)
    return PartnerFeature(pool.product, pool.full_name.partition("|")[0], usages, customers)


def _fqdn(report: ReportedServer) -> str:
    return f"{report.host}.corp.example"
