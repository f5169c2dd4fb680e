"""Simulated License Usage Insights (LUI) of one partner, with the trust service's token endpoint.

Trust and licensing are two hosts in the real cloud, one origin here. Sources: the paths,
StuartP-CSP/csp-lui-scripts; the token, developer.cloud.com, authenticate_api_client.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiohttp import web
from msgspec.structs import replace

from lictui.clock import iso
from lictui.simulator import FaultMode
from lictui.simulator.cloud_server import (
    CloudApi,
    Resource,
    common_error,
    days_until,
    forbidden,
    month_start,
    query_month,
    unauthorized,
)
from lictui.simulator.estate import ReportedServer, SimulatedPool, SimulatedServer, uploaded_usage
from lictui.simulator.http import TOKEN_LIFETIME, Json
from lictui.simulator.usage import DAY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


# JSON bodies


_ORGANIZATION: Final = "51000000"
_REPORTING: Final = 3 * DAY  # after three silent days a server counts as silent


def license_servers_body(servers: Iterable[ReportedServer], customer: str, now: float) -> Json:
    """Return `licenseservers`: every license server, and whether it still reports."""
    rows = [_server(server, now) for server in servers]
    return {"customerId": customer, "orgId": _ORGANIZATION, "licenseServersStatus": rows}


def _server(server: ReportedServer, now: float) -> Json:
    midnight = min(now, server.last_upload) // DAY * DAY
    features = [
        {"featureId": pool.product, "usageCount": held.in_use}
        for pool in server.concurrent
        if (held := pool.license_at(now // DAY * DAY)) is not None
    ]
    row: Json = {
        "hostId": server.host.upper(),
        "fqdn": None,
        "lastPhoningHomeTime": None,
        "isPhoningHome": False,
        "isEverReported": server.has_reported,
        "isFoundInBackOffice": server.in_back_office,
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
    if not server.has_reported:
        return row
    fraction = "0000000" if features else "00"  # one server or another writes more digits
    row |= {
        "fqdn": _fqdn(server),
        "lastPhoningHomeTime": f"{_iso(midnight)}.{fraction}+00:00",
        "isPhoningHome": now - midnight <= _REPORTING,
        "isCcu": bool(features),
        "ccuFeatureStatistics": features,
    }
    if server.expires is not None:
        days = days_until(server.expires, now)
        row |= {
            "isExpired": days <= 0,
            "licenseExpirationDate": f"{server.expires}T00:00:00.{fraction}+00:00",
            "daysToExpire": days,
        }
    return row


def usage_data_body(server: SimulatedServer, customer: str, at: float) -> Json:
    """Return `licenseusagedata`: users at `at` by product, feature, server and customer."""
    skus = [_sku(server.reported_servers, pool, at) for pool in server.pools]
    return {"customerId": customer, "orgId": _ORGANIZATION, "skus": skus}


def _sku(servers: Iterable[ReportedServer], pool: SimulatedPool, at: float) -> Json:
    day = int(at // DAY)
    usages: list[Json] = [
        {
            "fqdn": _fqdn(server),
            "count": int(uploaded_usage(server, pool.product, day, day + 1)[0]),
            "freeUsersCount": 0,
            "reportingDate": _iso(day * DAY),
            "isLicenseServerFree": False,
        }
        for server in servers
        if any(each.product == pool.product for each in server.pools)
    ]
    name = pool.full_name.partition("|")[0]
    feature = {
        "featureId": pool.product,
        "featureDescription": name,
        "count": sum(usage["count"] for usage in usages),
        "freeUsersCount": 0,
        "units": "users",
        "isUserList": True,
        "licenseServerCount": len(usages),
        "freeLicenseServerCount": 0,
        "linkedCustomerCount": 0,
        "licenseServerUsages": usages,
        "linkedCustomerUsages": [],
    }
    return {"skuId": f"CSP-{pool.product}", "skuDescription": name, "features": [feature]}


def _fqdn(server: ReportedServer) -> str:
    return f"{server.host}.corp.example"


def _iso(at: float) -> str:
    return iso(at).removesuffix("Z")


# The API


@dataclass(eq=False)
class PartnerApi(CloudApi):
    """License Usage Insights of one partner."""

    transaction_header = "X-Cws-TransactionId"
    account: SimulatedServer

    async def token(self, request: web.BaseRequest, fault: FaultMode) -> web.Response:
        """Return the reply to a request for a token: JSON, unlike OAuth."""
        if request.content_type != "application/json":
            return self.error(415)
        try:
            body = await request.json()
        except ValueError:
            raise common_error(400, "invalidJson", "The body is not JSON.") from None
        client, secret = (_text(body, name) for name in ("clientId", "clientSecret"))
        if not client or not secret:
            raise common_error(400, "missing", "clientId and clientSecret are required.")
        is_client = client == self.client.name and fault is not FaultMode.DENIED
        if not is_client or not self.is_secret(secret):
            raise unauthorized("invalid")
        if fault is FaultMode.CREDENTIALS_EXPIRED:
            raise unauthorized("expired")
        return web.json_response(
            {
                "principal": client,
                "subject": self.customer,
                "token": self.issue_token(),
                "openIdToken": "eyJsaWN0dWkiOiJvcGVucyBub3RoaW5nIn0",
                "expiresIn": TOKEN_LIFETIME,
            }
        )

    def resource(self, request: web.BaseRequest, path: str) -> Resource | None:
        """Return what `path` leads to, if it names the customer."""
        customer, _, name = path.strip("/").partition("/")
        resources = {"licenseservers": self._servers, "licenseusagedata": self._usage}
        # The header goes with every call of Citrix Cloud; the scripts for this API leave it out.
        customers = {customer, request.headers.get("Citrix-CustomerId", customer).lower()}
        if name in resources and customers != {self.customer.lower()}:
            raise forbidden("permission")
        return resources.get(name)

    def _servers(self, _query: Mapping[str, str], fault: FaultMode) -> web.Response:
        servers = () if fault is FaultMode.EMPTY else self.account.reported_servers
        return web.json_response(license_servers_body(servers, self.customer, self.clock.now()))

    def _usage(self, query: Mapping[str, str], fault: FaultMode) -> web.Response:
        month = query_month(query, "date")
        account = replace(self.account, pools=()) if fault is FaultMode.EMPTY else self.account
        # The usage of a past month is that of its last upload.
        at = min(self.clock.now(), month_start(month + 1) - 1)
        return web.json_response(usage_data_body(account, self.customer, at))


def _text(body: object, name: str) -> str:
    value = body.get(name) if isinstance(body, dict) else None
    return value if isinstance(value, str) else ""
