"""Simulated licensing API of one Citrix Cloud customer, and what every API of Citrix Cloud shares.

Letter case does not matter in a path. All hosts of the real service are one origin here.
"""

from __future__ import annotations

import re
import uuid
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from http import HTTPStatus
from itertools import count
from math import ceil
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
from lictui.simulator.usage import DAY

if TYPE_CHECKING:
    from lictui.simulator.estate import SimulatedPool, SimulatedServer

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
_MINUTE: Final = 60.0  # seconds


@dataclass(eq=False)
class LicensingApi(CloudApi):
    """The licensing API of one customer; an `account()` of None is answered with 204."""

    transaction_header = "CC-TransactionId"
    account: CurrentAccount
    tokens_a_minute: int = field(default=20, kw_only=True)
    _token_times: deque[float] = field(default_factory=deque, init=False)  # of the last minute

    @property
    def token_paths(self) -> set[str]:
        """The paths of the token endpoint, in lower case."""
        return {f"/cctrustoauth2/{name}/tokens/clients" for name in (self.customer.lower(), "root")}

    def token(self, request: Request, fault: FaultMode) -> SimulatedReply:
        """Return the reply to a request for a token, of which a minute has only so many."""
        now, times = self.clock.now(), self._token_times
        while times and times[0] <= now - _MINUTE:
            times.popleft()
        if len(times) >= self.tokens_a_minute:
            return self.error(429, (("Retry-After", str(ceil(times[0] + _MINUTE - now))),))
        times.append(now)
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
            f"/{customer}/license/enterprise/cloud/cvad/ccu/summary": self._concurrent,
        }.get(path)

    def _account_in(self, fault: FaultMode) -> CloudAccount | None:
        return None if fault is FaultMode.EMPTY else self.account()

    def _current(self, _query: Mapping[str, str], fault: FaultMode) -> SimulatedReply:
        account = self._account_in(fault)
        if account is None:
            return SimulatedReply(204)
        return json_reply(current_usage_body(account, self.customer, self.clock.now()))

    def _history(self, query: Mapping[str, str], fault: FaultMode) -> SimulatedReply:
        first, last = (query_month(query, name) for name in ("startDate", "endDate"))
        if isinstance(first, SimulatedReply):
            return first
        if isinstance(last, SimulatedReply):
            return last
        start, end = (int(month[:4]) * 12 + int(month[5:]) for month in (first, last))
        if not start <= end < start + _MAX_MONTHS:
            detail = f"startDate to endDate must be 1 to {_MAX_MONTHS} months."
            return common_error(400, "outOfRange", detail, name="endDate")
        account = self._account_in(fault)
        if account is None:
            return SimulatedReply(204)
        months = (month for month in account.months if first <= month.month <= last)
        return json_reply(historical_usage_body(account, self.customer, months))

    def _concurrent(self, query: Mapping[str, str], fault: FaultMode) -> SimulatedReply:
        for name, value in (("UsageType", "device"), ("LicenseModel", "concurrent")):
            requested = query.get(name.lower(), "")
            if requested.lower() != value:
                kind = "invalidEnum" if requested else "missing"
                return common_error(400, kind, f"{name} must be {value}.", name=name)
        account = self._account_in(fault)
        if account is None or account.concurrent is None:
            return not_found("entitlement")
        return json_reply(concurrent_summary_body(account.concurrent))


# JSON bodies


_TICKS: Final = 10_000_000  # of a second, as .NET counts it


def current_usage_body(account: CloudAccount, customer: str, now: float) -> Json:
    """Return `ud/current`: licenses owned, assigned and left."""
    expiry = account.next_expiry
    return {
        "customerId": customer,
        "totalUsageCount": account.in_use,
        "userLicenseUsage": _assigned(account.users),
        "deviceLicenseUsage": _assigned(account.devices),
        "totalAvailableLicenseCount": account.owned,  # owned, in spite of its name
        "remainingLicenseCount": account.owned - account.in_use,
        "timeStamp": dotnet_timestamp(now),
        "productName": account.product_name,
        "productEdition": account.edition,
        "nextExpiredLicenses": expiry
        and {
            "nextExpiredTime": dotnet_timestamp(expiry.at),
            "totalCount": expiry.count,
            "daysToExpire": days_between(now, expiry.at),
        },
        "nextActivatingLicense": None,
    }


def _assigned(assigned: AssignedCount) -> Json:
    return {"totalUsageCount": assigned.total, "releasedCount": assigned.released}


def historical_usage_body(
    account: CloudAccount, customer: str, months: Iterable[CloudMonth]
) -> Json:
    """Return `ud/historicalusage`: the recorded months, the oldest first."""
    counted, separate = [], []
    for month in sorted(months, key=lambda month: month.month):
        owned = {
            "timeStamp": f"{month.month}-01T00:00:00.0000000Z",
            "totalAvailableLicenseCount": month.owned,
        }
        users, devices = _counts(month.users), _counts(month.devices)
        counted.append({**owned, **_counts(month.counted)})
        separate.append({**owned, "deviceLicenseUsage": devices, "userLicenseUsage": users})
    return {
        "customerId": customer,
        "historicalUsageType": "Monthly",
        "productEdition": account.edition,
        "xenAppXenDesktopHistoricalUsageList": counted,
        "historicalUsageList": separate,
    }


def _counts(counted: AssignedCount) -> Json:
    return {
        "cumulativeAssignedCount": counted.total,
        "newAssignedCount": counted.new,
        "releasedCount": counted.released,
    }


def concurrent_summary_body(concurrent: CloudConcurrent) -> Json:
    """Return `ccu/summary`: current usage and three peaks."""
    return {
        "currentCcu": {
            "totalLicenseCount": concurrent.total,
            "assignedLicenseCount": concurrent.assigned,
            "reportTime": dotnet_timestamp(concurrent.reported_at),
        },
        "last24HoursPeak": _peak(concurrent.last_24_hours),
        "monthPeak": _peak(concurrent.month),
        "allTimePeak": _peak(concurrent.all_time),
    }


def _peak(peak: CountAt | None) -> Json | None:
    if peak is None:
        return None
    return {"assignedLicenseCount": peak.count, "reportTime": dotnet_timestamp(peak.at)}


def dotnet_timestamp(at: float) -> str:
    """Return `2026-11-24T06:00:00.0215469Z`: .NET's round-trip format, always seven digits."""
    seconds, ticks = divmod(round(at * _TICKS), _TICKS)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{ticks:07d}Z"


def days_between(now: float, end: float) -> int:
    """Return the days on the calendar of UTC; negative when `end` is past."""
    last, today = (datetime.fromtimestamp(at, UTC).date() for at in (end, now))
    return (last - today).days


# State of an account at one time


@dataclass(frozen=True, slots=True)
class CountAt:
    """Licenses that expire, or were in use, at one time."""

    at: float
    count: int


@dataclass(frozen=True, slots=True)
class AssignedCount:
    """Licenses assigned to users, or to devices; in a month those at its end."""

    total: int
    released: int = 0
    new: int = 0


@dataclass(frozen=True, slots=True)
class CloudMonth:
    """One calendar month of the history."""

    month: str  # `2026-10`
    owned: int
    users: AssignedCount
    devices: AssignedCount

    @property
    def counted(self) -> AssignedCount:
        """The smaller of the two, which is what Citrix counts; users when they are equal."""
        return min(self.users, self.devices, key=lambda count: count.total)


@dataclass(frozen=True, slots=True)
class CloudConcurrent:
    """The concurrent licenses of an account; a peak of None was never measured."""

    total: int
    assigned: int
    reported_at: float
    last_24_hours: CountAt | None = None
    month: CountAt | None = None
    all_time: CountAt | None = None


@dataclass(frozen=True, slots=True)
class CloudAccount:
    """The entitlement of one customer to one product, and its usage."""

    users: AssignedCount
    devices: AssignedCount
    owned: int
    product_name: str = "XenDesktop"
    edition: str = "XAXDFull"
    next_expiry: CountAt | None = None
    months: tuple[CloudMonth, ...] = ()  # in any order; missing ones were not recorded
    concurrent: CloudConcurrent | None = None  # None: not entitled

    @property
    def in_use(self) -> int:
        """What Citrix counts: users or devices, whichever are fewer."""
        return min(self.users.total, self.devices.total)


CurrentAccount = Callable[[], CloudAccount | None]  # None: nothing was recorded yet


# Account of the simulated company, calculated from the simulated estate


_DEVICES: Final = 1.21  # devices per user: Citrix counts whichever are fewer


def cloud_account_at(server: SimulatedServer, at: float) -> CloudAccount | None:
    """Return the account behind `server`; None once its entitlement has expired."""
    pool = server.pools[0]
    license_ = pool.license_at(at)
    if license_ is None:
        return None
    name, _, edition = pool.product.partition(":")
    end = pool.end_time()
    return CloudAccount(
        users=AssignedCount(license_.in_use),
        devices=AssignedCount(_devices(license_.in_use)),
        owned=license_.installed,
        product_name=name,
        edition=edition,
        next_expiry=None if end is None else CountAt(end - DAY, license_.installed),
        months=tuple(_months(pool, at)),
    )


def _months(pool: SimulatedPool, at: float) -> list[CloudMonth]:
    """Return the calendar months up to the current one, which is not complete."""
    first, end, months = datetime.fromtimestamp(at, UTC).date().replace(day=1), at, []
    for _ in range(_MAX_MONTHS):
        start = datetime(first.year, first.month, 1, tzinfo=UTC).timestamp()
        before, after = pool.curve.value_at(start), pool.curve.value_at(end)
        users = _month_count(before, after)
        devices = _month_count(_devices(before), _devices(after))
        months.append(CloudMonth(f"{first:%Y-%m}", pool.installed_at(start), users, devices))
        first = date.fromordinal(first.toordinal() - 1).replace(day=1)
        end = start - 1
    return months[::-1]


def _month_count(before: int, after: int) -> AssignedCount:
    new = max(0, after - before) + before // 90
    return AssignedCount(after, before + new - after, new)


def _devices(users: int) -> int:
    return round(users * _DEVICES)
