"""Simulated licensing API of one Citrix Cloud customer.

Letter case does not matter in a path. All hosts of the real service are one origin here.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hmac import compare_digest
from math import ceil
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from lictui.simulator.cloud_api import (
    TOKEN_LIFETIME,
    CloudService,
    Json,
    TokenIssuer,
    common_error,
    forbidden,
    json_reply,
    method_not_allowed,
    not_found,
    service_error,
    unauthorized,
)
from lictui.simulator.http import (
    Listener,
    Request,
    ServerCertificate,
    SimulatedReply,
    apply_fault,
    listen,
)
from lictui.simulator.inventory import CurrentFault, FaultMode

if TYPE_CHECKING:
    from lictui.clock import Clock


# JSON bodies


_TICKS: Final = 10_000_000  # of a second, as .NET counts it


def current_usage_body(account: CloudAccount, customer: str, now: float) -> Json:
    """`ud/current`: what is owned, assigned and left."""
    recorded = now if account.recorded_at is None else account.recorded_at
    return {
        "customerId": customer,
        "totalUsageCount": account.in_use,
        "userLicenseUsage": _assigned(account.users),
        "deviceLicenseUsage": _assigned(account.devices),
        "totalAvailableLicenseCount": account.owned,  # owned, in spite of its name
        "remainingLicenseCount": account.remaining,
        "timeStamp": dotnet_timestamp(recorded),
        "productName": account.product_name,
        "productEdition": account.edition,
        "nextExpiredLicenses": _expiring(account.next_expiry, now),
        "nextActivatingLicense": _activating(account.next_activation),
    }


def _assigned(assigned: AssignedCount) -> Json:
    return {"totalUsageCount": assigned.total, "releasedCount": assigned.released}


def _expiring(change: LicenseChange | None, now: float) -> Json | None:
    if change is None:
        return None
    ends, today = (datetime.fromtimestamp(at, UTC).date() for at in (change.at, now))
    return {
        "nextExpiredTime": dotnet_timestamp(change.at),
        "totalCount": change.count,
        "daysToExpire": (ends - today).days,
    }


def _activating(change: LicenseChange | None) -> Json | None:
    if change is None:
        return None
    return {"activatingTime": dotnet_timestamp(change.at), "activatingCount": change.count}


def historical_usage_body(account: CloudAccount, customer: str, months: Iterable[str]) -> Json:
    """`ud/historicalusage`: those of `months` (`2026-10`) that were recorded, the oldest first."""
    wanted = set(months)
    told = sorted(
        (each for each in account.months if each.month in wanted), key=lambda each: each.month
    )
    return {
        "customerId": customer,
        "historicalUsageType": "Monthly",
        "productEdition": account.edition,
        "xenAppXenDesktopHistoricalUsageList": [
            {**_month(each), **_counts(each.counted)} for each in told
        ],
        "historicalUsageList": [
            {
                **_month(each),
                "deviceLicenseUsage": _counts(each.devices),
                "userLicenseUsage": _counts(each.users),
            }
            for each in told
        ],
    }


def _month(month: CloudMonth) -> Json:
    return {
        "timeStamp": f"{month.month}-01T00:00:00.0000000Z",
        "totalAvailableLicenseCount": month.owned,
    }


def _counts(counted: MonthCount) -> Json:
    return {
        "cumulativeAssignedCount": counted.cumulative,
        "newAssignedCount": counted.new,
        "releasedCount": counted.released,
    }


def concurrent_summary_body(held: CloudConcurrent) -> Json:
    """`ccu/summary`: what is in use now, and three peaks."""
    return {
        "currentCcu": {
            "totalLicenseCount": held.total,
            "assignedLicenseCount": held.assigned,
            "reportTime": dotnet_timestamp(held.reported_at),
        },
        "last24HoursPeak": _peak(held.last_24_hours),
        "monthPeak": _peak(held.month),
        "allTimePeak": _peak(held.all_time),
    }


def _peak(peak: CloudPeak | None) -> Json | None:
    if peak is None:
        return None
    return {"assignedLicenseCount": peak.assigned, "reportTime": dotnet_timestamp(peak.at)}


def dotnet_timestamp(at: float) -> str:
    """`2026-11-24T06:00:00.0215469Z`: .NET's round-trip format, always seven digits."""
    seconds, ticks = divmod(round(at * _TICKS), _TICKS)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{ticks:07d}Z"


# Tokens: OAuth2 client credentials


_FORM: Final = "application/x-www-form-urlencoded"
_MINUTE: Final = 60.0  # seconds


class ClientLogin:
    """The one client of one customer."""

    def __init__(
        self, tokens: TokenIssuer, clock: Clock, *, client_id: str, secret: str, a_minute: int
    ) -> None:
        self._tokens = tokens
        self._clock = clock
        self._client_id = client_id
        self._secret = secret
        self._a_minute = a_minute
        self._asked: deque[float] = deque()  # when, within the last minute

    def answer(self, request: Request, fault: FaultMode) -> SimulatedReply:
        """The reply to `POST /cctrustoauth2/{customer}/tokens/clients`."""
        return self._too_many() or self._granted(request, fault)

    def _too_many(self) -> SimulatedReply | None:
        now = self._clock.now()
        while self._asked and self._asked[0] <= now - _MINUTE:
            self._asked.popleft()
        if len(self._asked) < self._a_minute:
            self._asked.append(now)
            return None
        seconds = str(ceil(self._asked[0] + _MINUTE - now))
        return service_error(429, "too many requests", headers=(("Retry-After", seconds),))

    def _granted(self, request: Request, fault: FaultMode) -> SimulatedReply:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != _FORM:
            return _error(400, "invalid_request", f"The request must be {_FORM}.")
        pairs = parse_qs(request.body.decode(errors="replace")).items()
        form = {name: values[-1] for name, values in pairs}
        if form.get("grant_type") != "client_credentials":
            return _error(400, "unsupported_grant_type", "Only client_credentials is supported.")
        if fault is FaultMode.DENIED or form.get("client_id") != self._client_id:
            return _error(401, "invalid_client", "The client is not known.")
        if not compare_digest(form.get("client_secret", "").encode(), self._secret.encode()):
            return _error(200, "invalid_client", "The client secret is not valid.")
        if fault is FaultMode.CREDENTIALS_EXPIRED:
            return _error(200, "invalid_client", "The client secret has expired.")
        return json_reply(
            {
                "token_type": "bearer",
                "access_token": self._tokens.issue(),
                "expires_in": str(TOKEN_LIFETIME),
            }
        )


def _error(status: int, error: str, description: str) -> SimulatedReply:
    return json_reply({"error": error, "error_description": description}, status=status)


_CURRENT: Final = "/licensing/license/enterprise/cloud/cvad/ud/current"
_HISTORY: Final = "/licensing/license/enterprise/cloud/cvad/ud/historicalusage"
_CONCURRENT: Final = "/{customer}/license/enterprise/cloud/cvad/ccu/summary"
_MONTH: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_MOST_MONTHS: Final = 12  # that one question may be about


async def serve_cloud(  # noqa: PLR0913 - a server has that many sides; all but three are named
    account: CurrentAccount,
    fault: CurrentFault,
    clock: Clock,
    *,
    customer_id: str,
    client_id: str,
    secret: str,
    certificate: ServerCertificate | None = None,
    retry_after: int = 2,
    tokens_a_minute: int = 20,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Listener:
    """Serve one customer until `aclose`; an `account()` of None is answered with 204.

    Tokens last an hour of `clock`, and `tokens_a_minute` may be asked for; `retry_after` is what a
    busy or limiting service asks for, in seconds. OSError when the port is taken.
    """
    service = _Service(
        account, fault, clock, customer_id, (client_id, secret), retry_after, tokens_a_minute
    )
    return await listen(service.answer, host=host, port=port, certificate=certificate)


class _Service(CloudService):
    """The HTTP side of one customer."""

    transaction_header = "CC-TransactionId"

    def __init__(
        self,
        account: CurrentAccount,
        fault: CurrentFault,
        clock: Clock,
        customer: str,
        client: tuple[str, str],
        retry_after: int,
        tokens_a_minute: int,
    ) -> None:
        client_id, secret = client
        super().__init__(fault, clock, customer, secret, retry_after)
        self._account = account
        self._login = ClientLogin(
            self._tokens, clock, client_id=client_id, secret=secret, a_minute=tokens_a_minute
        )

    def _reply(self, request: Request, fault: FaultMode) -> SimulatedReply:
        path = request.path.lower().rstrip("/")
        doors = (self._customer.lower(), "root")
        if path in {f"/cctrustoauth2/{door}/tokens/clients" for door in doors}:
            if request.method != "POST":
                return method_not_allowed("POST")
            return self._login.answer(request, fault)
        refusal = self._check_access(request, fault)
        return refusal or apply_fault(self._respond(request, fault, path), fault)

    def _check_access(self, request: Request, fault: FaultMode) -> SimulatedReply | None:
        """Return the error for a request without access; None if it has access."""
        if fault is FaultMode.DENIED:
            return unauthorized("invalid")
        refusal = self._tokens.check(request.headers)
        if refusal is not None:
            return refusal
        customer = request.headers.get("citrix-customerid", "")
        if not customer:
            return unauthorized("missing")
        if customer.lower() != self._customer.lower():
            return forbidden("customer")
        return None

    def _respond(self, request: Request, fault: FaultMode, path: str) -> SimulatedReply:
        concurrent = _CONCURRENT.format(customer=self._customer.lower())
        if path not in {_CURRENT, _HISTORY, concurrent}:
            return not_found("path")
        if request.method != "GET":
            return method_not_allowed("GET")
        if fault is FaultMode.UNKNOWN_CUSTOMER:
            return not_found("customer")
        if fault is FaultMode.FORBIDDEN:
            return forbidden("permission")
        account = None if fault is FaultMode.EMPTY else self._account()
        query = {name.lower(): value for name, value in request.query.items()}
        return (
            _concurrent(account, query) if path == concurrent else self._use(account, query, path)
        )

    def _use(
        self, account: CloudAccount | None, query: Mapping[str, str], path: str
    ) -> SimulatedReply:
        months = _months(query) if path == _HISTORY else ()
        if isinstance(months, SimulatedReply):
            return months
        if account is None:
            return SimulatedReply(204)
        if path == _HISTORY:
            return json_reply(historical_usage_body(account, self._customer, months))
        return json_reply(current_usage_body(account, self._customer, self._clock.now()))


def _concurrent(account: CloudAccount | None, query: Mapping[str, str]) -> SimulatedReply:
    for name, value in (("UsageType", "device"), ("LicenseModel", "concurrent")):
        asked = query.get(name.lower(), "")
        if asked.lower() != value:
            kind = "invalidEnum" if asked else "missing"
            return common_error(400, kind, f"{name} must be {value}.", name=name)
    held = account.concurrent if account is not None else None
    if held is None:
        return not_found("entitlement")
    return json_reply(concurrent_summary_body(held)) if held.readable else forbidden("permission")


def _months(query: Mapping[str, str]) -> tuple[str, ...] | SimulatedReply:
    """Every month that is asked about, or what is wrong with the question."""
    ends = []
    for name in ("startDate", "endDate"):
        asked = query.get(name.lower(), "")
        if not asked:
            return common_error(400, "missing", f"{name} is missing.", name=name)
        found = _MONTH.fullmatch(asked)
        if found is None:
            return common_error(400, "invalidString", f"{name} must be yyyy-MM.", name=name)
        ends.append(int(found[1]) * 12 + int(found[2]) - 1)
    first, last = ends
    if not first <= last < first + _MOST_MONTHS:
        detail = f"startDate to endDate must be 1 to {_MOST_MONTHS} months."
        return common_error(400, "outOfRange", detail, name="endDate")
    return tuple(f"{at // 12:04d}-{at % 12 + 1:02d}" for at in range(first, last + 1))


# State of an account at one time


@dataclass(frozen=True, slots=True)
class AssignedCount:
    """Licenses assigned to users, or to devices."""

    total: int
    released: int = 0


@dataclass(frozen=True, slots=True)
class LicenseChange:
    """Licenses that end, or begin, at one moment."""

    at: float
    count: int


@dataclass(frozen=True, slots=True)
class MonthCount:
    """What happened to the users, or to the devices, in one month."""

    cumulative: int  # assigned at its end
    new: int = 0
    released: int = 0


@dataclass(frozen=True, slots=True)
class CloudMonth:
    """One calendar month of the history."""

    month: str  # `2026-10`
    owned: int
    users: MonthCount
    devices: MonthCount

    @property
    def counted(self) -> MonthCount:
        """The smaller of the two, which is what Citrix counts; users when they are equal."""
        return min(self.users, self.devices, key=lambda each: each.cumulative)


@dataclass(frozen=True, slots=True)
class CloudPeak:
    """The most that was assigned in some span of time."""

    assigned: int
    at: float


@dataclass(frozen=True, slots=True)
class CloudConcurrent:
    """The concurrent licenses of an account; a peak of None was never measured."""

    total: int
    assigned: int
    reported_at: float
    last_24_hours: CloudPeak | None = None
    month: CloudPeak | None = None
    all_time: CloudPeak | None = None
    readable: bool = True  # whether the client has the permission to see them


@dataclass(frozen=True, slots=True)
class CloudAccount:
    """The entitlement to one product of one customer, and its use."""

    users: AssignedCount
    devices: AssignedCount
    owned: int
    product_name: str = "XenDesktop"
    edition: str = "XAXDFull"
    next_expiry: LicenseChange | None = None
    next_activation: LicenseChange | None = None
    months: tuple[CloudMonth, ...] = ()  # in any order; those that are missing were not recorded
    concurrent: CloudConcurrent | None = None  # None: not entitled
    recorded_at: float | None = None  # when the figures were taken; None: just now

    @property
    def in_use(self) -> int:
        """What Citrix counts: users or devices, whichever are fewer."""
        return min(self.users.total, self.devices.total)

    @property
    def remaining(self) -> int:
        """Owned and not in use; negative when more are in use than owned."""
        return self.owned - self.in_use


CurrentAccount = Callable[[], CloudAccount | None]  # None: nothing was recorded yet
