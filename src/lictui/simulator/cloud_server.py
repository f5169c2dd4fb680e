"""Simulated licensing API of one Citrix Cloud customer, and what every API of Citrix Cloud shares.

Letter case does not matter in a path. All hosts of the real service are one origin here.
"""

from __future__ import annotations

import re
import uuid
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from http import HTTPStatus
from itertools import count
from typing import TYPE_CHECKING, ClassVar, Final

from lictui.simulator import FaultMode
from lictui.simulator.http import (
    Headers,
    Json,
    JsonApi,
    Request,
    SimulatedReply,
    apply_fault,
    json_reply,
)

if TYPE_CHECKING:
    from lictui.simulator import License
    from lictui.simulator.estate import SimulatedPool

# Every API of Citrix Cloud: errors, access, transaction IDs


def common_error(status: int, kind: str, detail: str, **parameters: str) -> SimulatedReply:
    """Return an error of a kind that all of Citrix Cloud shares; its parameters are a list."""
    pairs = [{"name": name, "value": value} for name, value in parameters.items()]
    kind = f"https://errors-api.cloud.com/common/{kind}"
    return json_reply({"type": kind, "detail": detail, "parameters": pairs}, status=status)


def service_error(
    status: int, detail: str = "", parameters: Json | None = None, headers: Headers = ()
) -> SimulatedReply:
    """Return an error in the format of the licensing service; its one parameter is an object."""
    detail = detail or HTTPStatus(status).phrase.lower()
    body = {"type": str(status), "detail": detail, "parameters": parameters}
    return json_reply(body, status=status, headers=headers)


def not_found(entity: str) -> SimulatedReply:
    """Return 404: the entity does not exist, or this customer is not entitled to it."""
    return service_error(404, "resource not found", {"name": "entityType", "value": entity})


def unauthorized(reason: str) -> SimulatedReply:
    """Return 401: the token is `missing`, `invalid` or `expired`."""
    return common_error(401, "authentication", "Authentication failed.", reason=reason)


def forbidden(reason: str) -> SimulatedReply:
    """Return 403: access is denied because of the `customer` or the `permission`."""
    return common_error(403, "authorization", "Authorization failed.", reason=reason)


Resource = Callable[[Mapping[str, str], FaultMode], SimulatedReply]  # of a lower-case query


@dataclass(eq=False)
class CloudApi(JsonApi):
    """One API for one customer of Citrix Cloud."""

    transaction_header: ClassVar[str]  # that Citrix's support asks for
    _transactions: Iterator[int] = field(default_factory=lambda: count(1), init=False)

    @property
    def customer(self) -> str:
        """The ID of the customer."""
        return self.client.customer

    @property
    @abstractmethod
    def token_paths(self) -> set[str]:
        """The paths of the token endpoint, in lower case."""

    def error(self, status: int, headers: Headers = ()) -> SimulatedReply:
        """Return an error in the format of the licensing service."""
        return service_error(status, headers=headers)

    @abstractmethod
    def token(self, request: Request, fault: FaultMode) -> SimulatedReply:
        """Return the reply to a request for a token."""

    @abstractmethod
    def resource(self, request: Request, path: str) -> Resource | SimulatedReply | None:
        """Return what `path` leads to, the refusal of it, or None for nothing."""

    def reply(self, request: Request, path: str, fault: FaultMode) -> SimulatedReply:
        """Return the reply to any request, with an ID of its own."""
        if path not in self.token_paths:
            reply = self._read(request, path, fault)
        elif request.method == "POST":
            reply = self.token(request, fault)
        else:
            reply = service_error(405, headers=(("Allow", "POST"),))
        transaction = uuid.uuid5(uuid.NAMESPACE_DNS, f"{self.customer}/{next(self._transactions)}")
        return replace(reply, headers=(*reply.headers, (self.transaction_header, str(transaction))))

    def _read(self, request: Request, path: str, fault: FaultMode) -> SimulatedReply:
        resource = self._token_refusal(request, fault) or self.resource(request, path)
        if isinstance(resource, SimulatedReply):
            reply = resource
        elif resource is None:
            reply = not_found("path")
        elif request.method != "GET":
            reply = service_error(405, headers=(("Allow", "GET"),))
        elif fault is FaultMode.UNKNOWN_CUSTOMER:
            reply = not_found("customer")
        elif fault is FaultMode.FORBIDDEN:
            reply = forbidden("permission")
        else:
            query = {name.lower(): value for name, value in request.query.items()}
            reply = apply_fault(resource(query, fault), fault)
        return reply

    def _token_refusal(self, request: Request, fault: FaultMode) -> SimulatedReply | None:
        if not request.headers.get("authorization"):
            return unauthorized("missing")
        expires = self.token_expiry(request.headers)
        if not expires or fault is FaultMode.DENIED:
            return unauthorized("invalid")
        return None if self.clock.now() < expires else unauthorized("expired")


def query_month(query: Mapping[str, str], name: str) -> str | SimulatedReply:
    """Return the month `yyyy-MM` in a query, or the error for it."""
    month = query.get(name.lower(), "")
    if _MONTH.fullmatch(month):
        return month
    kind = "invalidString" if month else "missing"
    return common_error(400, kind, f"{name} must be yyyy-MM.", name=name)


_MONTH: Final = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


# The licensing API


_LICENSING: Final = "/licensing/license/enterprise/cloud/cvad/ud"
_MAX_MONTHS: Final = 12  # of one request


@dataclass(eq=False)
class LicensingApi(CloudApi):
    """The licensing API of one customer; an entitlement that has expired is answered with 204."""

    transaction_header = "CC-TransactionId"
    entitlement: SimulatedPool  # of users; its product is `XenDesktop:XAXDFull`

    @property
    def token_paths(self) -> set[str]:
        """The paths of the token endpoint, in lower case."""
        return {f"/cctrustoauth2/{name}/tokens/clients" for name in (self.customer.lower(), "root")}

    def token(self, request: Request, fault: FaultMode) -> SimulatedReply:
        """Return the reply to a request for a token."""
        return self.client_credentials(request, fault)

    def resource(self, request: Request, path: str) -> Resource | SimulatedReply | None:
        """Return what `path` leads to, if the request names the customer."""
        customer = request.headers.get("citrix-customerid", "").lower()
        if not customer:
            return unauthorized("missing")
        if customer != self.customer.lower():
            return forbidden("customer")
        return {
            f"{_LICENSING}/current": self._current,
            f"{_LICENSING}/historicalusage": self._history,
        }.get(path)

    def _licenses(self, fault: FaultMode) -> License | None:
        return None if fault is FaultMode.EMPTY else self.entitlement.license_at(self.clock.now())

    def _current(self, _query: Mapping[str, str], fault: FaultMode) -> SimulatedReply:
        licenses = self._licenses(fault)
        if licenses is None:
            return SimulatedReply(204)
        return json_reply(current_usage_body(licenses, self.customer, self.clock.now()))

    def _history(self, query: Mapping[str, str], fault: FaultMode) -> SimulatedReply:
        first, last = (query_month(query, name) for name in ("startDate", "endDate"))
        if isinstance(first, SimulatedReply):
            return first
        if isinstance(last, SimulatedReply):
            return last
        start, end = (int(month[:4]) * 12 + int(month[5:]) - 1 for month in (first, last))
        if not start <= end < start + _MAX_MONTHS:
            detail = f"startDate to endDate must be 1 to {_MAX_MONTHS} months."
            return common_error(400, "outOfRange", detail, name="endDate")
        licenses = self._licenses(fault)
        if licenses is None:
            return SimulatedReply(204)
        rows = month_rows(self.entitlement, start, end, self.clock.now())
        return json_reply(historical_usage_body(licenses, self.customer, rows))


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


def _month_start(month: int) -> float:
    """Return when a month begins; months are counted from the year 0."""
    return datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC).timestamp()


def month_rows(pool: SimulatedPool, first: int, last: int, now: float) -> list[Json]:
    """Return the calendar months from `first` to `last` that have begun, this one up to now."""
    rows: list[Json] = []
    for month in range(first, last + 1):
        start, end = _month_start(month), min(now, _month_start(month + 1) - 1)
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
