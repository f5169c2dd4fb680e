"""Simulated License Usage Insights (LUI) of one partner, with the trust service's token endpoint.

Trust and licensing are two hosts in the real cloud, one origin here. Sources: the paths,
StuartP-CSP/csp-lui-scripts; the token, developer.cloud.com, authenticate_api_client.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, timezone
from typing import Final

from lictui.simulator import FaultMode
from lictui.simulator.cloud_server import (
    CloudApi,
    Resource,
    common_error,
    days_between,
    forbidden,
    query_month,
    service_error,
    unauthorized,
)
from lictui.simulator.estate import ReportedServer, SimulatedPool, SimulatedServer, uploaded_usage
from lictui.simulator.http import (
    TOKEN_LIFETIME,
    Json,
    Request,
    SimulatedReply,
    content_type,
    json_reply,
)
from lictui.simulator.usage import DAY

# JSON bodies


def license_servers_body(account: PartnerAccount, customer: str, now: float) -> Json:
    """Return `licenseservers`: every license server, and whether it still reports."""
    servers = [_server(server, now) for server in account.servers]
    return {"customerId": customer, "orgId": account.org_id, "licenseServersStatus": servers}


def _server(server: PartnerServer, now: float) -> Json:
    reported = server.last_reported is not None
    expires = server.expires if reported else None
    features = [{"featureId": code, "usageCount": count} for code, count in server.ccu]
    return {
        "hostId": server.host_id,
        "fqdn": server.fqdn if reported else None,
        "lastPhoningHomeTime": timestamp(server.last_reported, server.stamps),
        "isPhoningHome": server.reporting(now),
        "isEverReported": reported,
        "isFoundInBackOffice": server.in_back_office,
        "isCompliant": True,
        "isLicenseServerFree": False,
        "isNonCspLicenseInstalled": server.non_csp,
        "isCcu": reported and bool(features),
        "ccuFeatureStatistics": features if reported else None,
        "isExpired": expires is not None and expires <= now,
        "licenseExpirationDate": timestamp(expires, server.stamps),
        "daysToExpire": None if expires is None else days_between(now, expires),
        "linkedCustomerList": [],
    }


def usage_data_body(account: PartnerAccount, customer: str) -> Json:
    """Return `licenseusagedata`: users of a month by product, feature, server and customer."""
    skus = [
        {
            "skuId": sku.sku_id,
            "skuDescription": sku.description,
            "features": [_feature(feature) for feature in sku.features],
        }
        for sku in account.skus
    ]
    return {"customerId": customer, "orgId": account.org_id, "skus": skus}


def _feature(feature: PartnerFeature) -> Json:
    return {
        "featureId": feature.feature_id,
        "featureDescription": feature.description,
        "count": sum(usage.count for usage in feature.servers),
        "freeUsersCount": sum(usage.free_users for usage in feature.servers),
        "units": "users",
        "isUserList": True,
        "licenseServerCount": len(feature.servers),
        "freeLicenseServerCount": 0,
        "linkedCustomerCount": 0,
        "licenseServerUsages": [_server_usage(usage) for usage in feature.servers],
        "linkedCustomerUsages": [],
    }


def _server_usage(usage: ServerUsage) -> Json:
    reported = "0001-01-01T00:00:00"
    if usage.reported is not None:
        reported = f"{datetime.fromtimestamp(usage.reported, UTC):%Y-%m-%dT%H:%M:%S}"
    return {
        "fqdn": usage.fqdn,
        "count": usage.count,
        "freeUsersCount": usage.free_users,
        "reportingDate": reported,
        "isLicenseServerFree": False,
    }


def timestamp(at: float | None, stamps: TimestampStyle) -> str | None:
    """Return `2026-11-23T11:12:04.00+00:00`, or the time as `stamps` writes it."""
    if at is None:
        return None
    if not stamps.digits:
        return f"{datetime.fromtimestamp(at, UTC):%m/%d/%Y %H:%M:%S}"
    ticks = 10**stamps.digits
    seconds, fraction = divmod(round(at * ticks), ticks)
    local = datetime.fromtimestamp(seconds, timezone(timedelta(hours=stamps.hours)))
    zone = local.isoformat()[19:]  # `+05:30`; strftime has no colon before Python 3.12
    return f"{local:%Y-%m-%dT%H:%M:%S}.{fraction:0{stamps.digits}d}{zone}"


# State of a partner's account: license servers, and usage per month


_REPORTING: Final = 3 * 86400.0  # seconds; after three silent days a server counts as silent


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
    non_csp: bool = False  # a license of another program is installed
    ccu: tuple[tuple[str, int], ...] = ()
    stamps: TimestampStyle = field(default_factory=TimestampStyle)

    def reporting(self, now: float) -> bool:
        """Whether it phoned home in the past three days."""
        return self.last_reported is not None and now - self.last_reported <= _REPORTING


@dataclass(frozen=True, slots=True)
class ServerUsage:
    """Users of one feature on one license server in a month."""

    fqdn: str
    count: int
    free_users: int = 0
    reported: float | None = None  # None is written as the year 1, as the real one does


@dataclass(frozen=True, slots=True)
class PartnerFeature:
    """One feature of a product in a month."""

    feature_id: str  # `XDT_PLT_UD`
    description: str
    servers: tuple[ServerUsage, ...] = ()


@dataclass(frozen=True, slots=True)
class Sku:
    """One product that a partner is billed for."""

    sku_id: str
    description: str
    features: tuple[PartnerFeature, ...] = ()


@dataclass(frozen=True, slots=True)
class PartnerAccount:
    """The account of one partner, with the SKUs of the requested month."""

    org_id: str
    servers: tuple[PartnerServer, ...] = ()
    skus: tuple[Sku, ...] = ()


AccountOfMonth = Callable[[str], PartnerAccount]  # by `2026-10`


@dataclass(eq=False)
class PartnerApi(CloudApi):
    """License Usage Insights of one partner; `account("2026-10")` returns that month's usage."""

    transaction_header = "X-Cws-TransactionId"
    account: AccountOfMonth

    @property
    def token_paths(self) -> set[str]:
        """The paths of the token endpoint, in lower case."""
        return {f"/{name}/tokens/clients" for name in (self.customer.lower(), "root")}

    def token(self, request: Request, fault: FaultMode) -> SimulatedReply:
        """Return the reply to a request for a token: JSON, unlike OAuth."""
        if content_type(request) != "application/json":
            return service_error(415)
        try:
            body = json.loads(request.body)
        except ValueError:
            return common_error(400, "invalidJson", "The body is not JSON.")
        client, secret = (_text(body, name) for name in ("clientId", "clientSecret"))
        if not client or not secret:
            return common_error(400, "missing", "clientId and clientSecret are required.")
        is_client = client == self.client.name and fault is not FaultMode.DENIED
        if not is_client or not self.is_secret(secret):
            return unauthorized("invalid")
        if fault is FaultMode.CREDENTIALS_EXPIRED:
            return unauthorized("expired")
        return json_reply(
            {
                "principal": client,
                "subject": self.customer,
                "token": self.issue_token(),
                "openIdToken": "eyJsaWN0dWkiOiJvcGVucyBub3RoaW5nIn0",
                "expiresIn": TOKEN_LIFETIME,
            }
        )

    def resource(self, request: Request, path: str) -> Resource | SimulatedReply | None:
        """Return what `path` leads to, if it names the customer."""
        customer, _, name = path.strip("/").partition("/")
        resources = {"licenseservers": self._servers, "licenseusagedata": self._usage}
        # The header goes with every call of Citrix Cloud; the scripts for this API leave it out.
        customers = {customer, request.headers.get("citrix-customerid", customer).lower()}
        if name in resources and customers != {self.customer.lower()}:
            return forbidden("permission")
        return resources.get(name)

    def _servers(self, _query: Mapping[str, str], fault: FaultMode) -> SimulatedReply:
        now = self.clock.now()
        account = self._account_of(f"{datetime.fromtimestamp(now, UTC):%Y-%m}", fault)
        return json_reply(license_servers_body(account, self.customer, now))

    def _usage(self, query: Mapping[str, str], fault: FaultMode) -> SimulatedReply:
        month = query_month(query, "date")
        if isinstance(month, SimulatedReply):
            return month
        return json_reply(usage_data_body(self._account_of(month, fault), self.customer))

    def _account_of(self, month: str, fault: FaultMode) -> PartnerAccount:
        account = self.account(month)
        return PartnerAccount(account.org_id) if fault is FaultMode.EMPTY else account


def _text(body: object, name: str) -> str:
    value = body.get(name) if isinstance(body, dict) else None
    return value if isinstance(value, str) else ""


# Accounts of the simulated company, calculated from the simulated estate


def partner_account_at(server: SimulatedServer, at: float, month: str) -> PartnerAccount:
    """Return the account behind `server` at `at`, with the usage of `month`: `2026-10`."""
    # The usage of a past month is that of its last upload.
    uploaded = min(at, _end_of(month) - 1)
    return PartnerAccount(
        org_id="51000000",
        servers=tuple(_reported(each, at) for each in server.reported_servers),
        skus=tuple(
            Sku(
                f"CSP-{pool.product}",
                pool.full_name.partition("|")[0],
                (_feature_usage(server, pool, uploaded),),
            )
            for pool in server.pools
        ),
    )


def _end_of(month: str) -> float:
    year, number = (int(part) for part in month.split("-"))
    return datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC).timestamp()


def _reported(report: ReportedServer, at: float) -> PartnerServer:
    expires = report.expires
    return PartnerServer(
        host_id=report.host.upper(),
        fqdn=_fqdn(report),
        last_reported=min(at // DAY * DAY, report.last_upload) if report.has_reported else None,
        expires=datetime.combine(expires, time(), UTC).timestamp() if expires else None,
        in_back_office=report.in_back_office,
        ccu=tuple(
            (pool.product, license_.in_use)
            for pool in report.concurrent
            if (license_ := pool.license_at(at // DAY * DAY)) is not None
        ),
        stamps=TimestampStyle(digits=7 if report.concurrent else 2),
    )


def _feature_usage(server: SimulatedServer, pool: SimulatedPool, at: float) -> PartnerFeature:
    usages = tuple(
        ServerUsage(
            _fqdn(report), uploaded_usage(report, pool.product, at), reported=at // DAY * DAY
        )
        for report in server.reported_servers
        if any(each.product == pool.product for each in report.pools)
    )
    return PartnerFeature(pool.product, pool.full_name.partition("|")[0], usages)


def _fqdn(report: ReportedServer) -> str:
    return f"{report.host}.corp.example"
