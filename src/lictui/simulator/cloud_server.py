"""Simulated licensing API of one Citrix Cloud customer, and what every API of Citrix Cloud shares.

Letter case does not matter in a path. All hosts of the real service are one origin here.
"""

from __future__ import annotations

import re
import uuid
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from http import HTTPStatus
from itertools import count
from typing import TYPE_CHECKING, ClassVar, Final

from aiohttp import web

from lictui.simulator import FaultMode
from lictui.simulator.http import (
    TOKEN_LIFETIME,
    Headers,
    Json,
    JsonApi,
    RefusedError,
    apply_fault,
)

if TYPE_CHECKING:
    from lictui.simulator import License
    from lictui.simulator.estate import SimulatedPool

# Every API of Citrix Cloud: errors, access, transaction IDs


def common_error(status: int, kind: str, detail: str, **parameters: str) -> RefusedError:
    """Return an error of a kind that all of Citrix Cloud shares; its parameters are a list."""
    pairs = [{"name": name, "value": value} for name, value in parameters.items()]
    kind = f"https://errors-api.cloud.com/common/{kind}"
    body = {"type": kind, "detail": detail, "parameters": pairs}
    return RefusedError(web.json_response(body, status=status))


def unauthorized(reason: str) -> RefusedError:
    """Return 401: the token is `missing`, `invalid` or `expired`."""
    return common_error(401, "authentication", "Authentication failed.", reason=reason)


def forbidden(reason: str) -> RefusedError:
    """Return 403: access is denied because of the `customer` or the `permission`."""
    return common_error(403, "authorization", "Authorization failed.", reason=reason)


def _not_found(entity: str) -> web.Response:
    """Return 404: the entity does not exist, or this customer is not entitled to it."""
    parameters = {"name": "entityType", "value": entity}
    body = {"type": "404", "detail": "resource not found", "parameters": parameters}
    return web.json_response(body, status=404)


Resource = Callable[[Mapping[str, str], FaultMode], web.Response]  # of a lower-case query


@dataclass(eq=False)
class CloudApi(JsonApi):
    """One API for one customer of Citrix Cloud."""

    transaction_header: ClassVar[str]  # that Citrix's support asks for
    trust_path: ClassVar[str] = ""  # before the paths of the token endpoint
    _transactions: Iterator[int] = field(default_factory=lambda: count(1), init=False)

    @property
    def customer(self) -> str:
        """The ID of the customer."""
        return self.client.customer

    @property
    def token_paths(self) -> set[str]:
        """The paths of the token endpoint, in lower case."""
        names = (self.customer.lower(), "root")
        return {f"{self.trust_path}/{name}/tokens/clients" for name in names}

    @abstractmethod
    def resource(self, request: web.BaseRequest, path: str) -> Resource | None:
        """Return what `path` leads to, None for nothing. Raises RefusedError."""

    def error(self, status: int, message: str = "", headers: Headers = ()) -> web.Response:
        """Return an error in the format of the licensing service."""
        detail = message or HTTPStatus(status).phrase.lower()
        body = {"type": str(status), "detail": detail, "parameters": None}
        return web.json_response(body, status=status, headers=headers)

    async def answer(self, request: web.BaseRequest) -> web.Response | None:
        """Return the reply to any request, with an ID of its own."""
        reply = await super().answer(request)
        if reply is not None:
            name = f"{self.customer}/{next(self._transactions)}"
            reply.headers[self.transaction_header] = str(uuid.uuid5(uuid.NAMESPACE_DNS, name))
        return reply

    def read(self, request: web.BaseRequest, path: str, fault: FaultMode) -> web.Response:
        """Return the reply to a request with a token."""
        expires = self.token_expiry(request)
        if not request.headers.get("Authorization"):
            raise unauthorized("missing")
        if not expires or fault is FaultMode.DENIED:
            raise unauthorized("invalid")
        if self.clock.now() >= expires:
            raise unauthorized("expired")
        resource = self.resource(request, path)
        if resource is None:
            return _not_found("path")
        if request.method != "GET":
            return self.error(405, headers=[("Allow", "GET")])
        if fault is FaultMode.UNKNOWN_CUSTOMER:
            return _not_found("customer")
        if fault is FaultMode.FORBIDDEN:
            raise forbidden("permission")
        query = {name.lower(): value for name, value in request.query.items()}
        return apply_fault(resource(query, fault), fault)


def query_month(query: Mapping[str, str], name: str) -> int:
    """Return the month `yyyy-MM` in a query, counted from the year 0. Raises RefusedError."""
    month = query.get(name.lower(), "")
    if _MONTH.fullmatch(month):
        return int(month[:4]) * 12 + int(month[5:]) - 1
    kind = "invalidString" if month else "missing"
    raise common_error(400, kind, f"{name} must be yyyy-MM.", name=name)


_MONTH: Final = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


def month_start(month: int) -> float:
    """Return when a month starts; months are counted from the year 0."""
    return datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC).timestamp()


# The licensing API

_LICENSING: Final = "/licensing/license/enterprise/cloud/cvad/ud"
_MAX_MONTHS: Final = 12  # of one request
_FORM: Final = "application/x-www-form-urlencoded"


@dataclass(eq=False)
class LicensingApi(CloudApi):
    """The licensing API of one customer; an entitlement that has expired is answered with 204."""

    transaction_header = "CC-TransactionId"
    trust_path = "/cctrustoauth2"
    entitlement: SimulatedPool  # of users; its product is `XenDesktop:XAXDFull`

    async def token(self, request: web.BaseRequest, fault: FaultMode) -> web.Response:
        """Return the reply to a request for a token: OAuth 2."""
        if request.content_type != _FORM:
            return _oauth_error(400, "invalid_request", f"The request must be {_FORM}.")
        form = await request.post()
        if form.get("grant_type") != "client_credentials":
            return _oauth_error(400, "unsupported_grant_type", "Use client_credentials.")
        if fault is FaultMode.DENIED or form.get("client_id") != self.client.name:
            return _oauth_error(401, "invalid_client", "The client is not known.")
        # A wrong secret is an error with status 200.
        if not self.is_secret(str(form.get("client_secret", ""))):
            return _oauth_error(200, "invalid_client", "The client secret is not valid.")
        if fault is FaultMode.CREDENTIALS_EXPIRED:
            return _oauth_error(200, "invalid_client", "The client secret has expired.")
        token, lifetime = self.issue_token(), str(TOKEN_LIFETIME)
        return web.json_response(
            {"token_type": "bearer", "access_token": token, "expires_in": lifetime}
        )

    def resource(self, request: web.BaseRequest, path: str) -> Resource | None:
        """Return what `path` leads to, if the request names the customer."""
        customer = request.headers.get("Citrix-CustomerId", "").lower()
        if not customer:
            raise unauthorized("missing")
        if customer != self.customer.lower():
            raise forbidden("customer")
        return {
            f"{_LICENSING}/current": self._current,
            f"{_LICENSING}/historicalusage": self._history,
        }.get(path)

    def _licenses(self, fault: FaultMode) -> License | None:
        return None if fault is FaultMode.EMPTY else self.entitlement.license_at(self.clock.now())

    def _current(self, _query: Mapping[str, str], fault: FaultMode) -> web.Response:
        licenses = self._licenses(fault)
        if licenses is None:
            return web.Response(status=204)
        return web.json_response(current_usage_body(licenses, self.customer, self.clock.now()))

    def _history(self, query: Mapping[str, str], fault: FaultMode) -> web.Response:
        start, end = (query_month(query, name) for name in ("startDate", "endDate"))
        if not start <= end < start + _MAX_MONTHS:
            detail = f"startDate to endDate must be 1 to {_MAX_MONTHS} months."
            raise common_error(400, "outOfRange", detail, name="endDate")
        licenses = self._licenses(fault)
        if licenses is None:
            return web.Response(status=204)
        rows = month_rows(self.entitlement, start, end, self.clock.now())
        return web.json_response(historical_usage_body(licenses, self.customer, rows))


def _oauth_error(status: int, error: str, description: str) -> web.Response:
    return web.json_response({"error": error, "error_description": description}, status=status)


# JSON bodies


_TICKS: Final = 10_000_000  # of a second, as .NET counts it


def current_usage_body(licenses: License, customer: str, now: float) -> Json:
    """Return `ud/current`: licenses owned, assigned and left."""
    product, _, edition = licenses.product.partition(":")
    return {
        "customerId": customer,
        "totalUsageCount": licenses.in_use,  # users or devices, whichever are fewer
        "userLicenseUsage": {"totalUsageCount": licenses.in_use, "releasedCount": 0},
        "deviceLicenseUsage": {"totalUsageCount": _devices(licenses.in_use), "releasedCount": 0},
        "totalAvailableLicenseCount": licenses.installed,  # owned, in spite of its name
        "remainingLicenseCount": licenses.installed - licenses.in_use,
        "timeStamp": dotnet_timestamp(now),
        "productName": product,
        "productEdition": edition,
        "nextExpiredLicenses": licenses.expires
        and {
            "nextExpiredTime": f"{licenses.expires}T00:00:00.0000000Z",
            "totalCount": licenses.installed,
            "daysToExpire": days_until(licenses.expires, now),
        },
        "nextActivatingLicense": None,
    }


def historical_usage_body(licenses: License, customer: str, rows: Sequence[Json]) -> Json:
    """Return `ud/historicalusage`: the months, the oldest first."""
    separate = ("deviceLicenseUsage", "userLicenseUsage")
    return {
        "customerId": customer,
        "historicalUsageType": "Monthly",
        "productEdition": licenses.product.partition(":")[2],
        "xenAppXenDesktopHistoricalUsageList": [
            # What Citrix counts: users, who are fewer.
            {name: row[name] for name in row if name not in separate} | row[separate[1]]
            for row in rows
        ],
        "historicalUsageList": rows,
    }


def month_rows(pool: SimulatedPool, first: int, last: int, now: float) -> list[Json]:
    """Return the calendar months from `first` to `last` that have started, this one up to now."""
    rows: list[Json] = []
    for month in range(first, last + 1):
        start, end = month_start(month), min(now, month_start(month + 1) - 1)
        if start > now:
            break
        before, after = pool.curve.value_at(start), pool.curve.value_at(end)
        row = {
            "timeStamp": dotnet_timestamp(start),
            "totalAvailableLicenseCount": pool.installed_at(start),
            "deviceLicenseUsage": _counts(_devices(before), _devices(after)),
            "userLicenseUsage": _counts(before, after),
        }
        rows.append(row)
    return rows


def _counts(before: int, after: int) -> Json:
    new = max(0, after - before) + before // 90
    return {
        "cumulativeAssignedCount": after,
        "newAssignedCount": new,
        "releasedCount": before + new - after,
    }


def _devices(users: int) -> int:
    return round(users * 1.21)


def dotnet_timestamp(at: float) -> str:
    """Return `2026-11-24T06:00:00.0215469Z`: .NET's round-trip format, always seven digits."""
    seconds, ticks = divmod(round(at * _TICKS), _TICKS)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{ticks:07d}Z"


def days_until(day: date, now: float) -> int:
    """Return the days on the calendar of UTC; negative when `day` is past."""
    return (day - datetime.fromtimestamp(now, UTC).date()).days
