"""What the simulated services of Citrix Cloud share: replies, errors, tokens, and faults.

Both the licensing API of a customer and License Usage Insights of a partner are a `CloudService`.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from hashlib import sha256
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from lictui.simulator.http import LOGIN_PAGE, SimulatedReply
from lictui.simulator.inventory import FaultMode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lictui.clock import Clock
    from lictui.simulator.http import Connection, Request
    from lictui.simulator.inventory import CurrentFault

Json = dict[str, Any]
Headers = tuple[tuple[str, str], ...]

TOKEN_LIFETIME: Final = 3600  # seconds; tokens cannot be renewed
_MAX_TOKENS: Final = 1000  # the oldest are dropped
_CONTENT_TYPE: Final = ("Content-Type", "application/json; charset=utf-8")
_COMMON_ERRORS: Final = "https://errors-api.cloud.com/common/"


def json_reply(body: Any, *, status: int = 200, headers: Headers = ()) -> SimulatedReply:
    """Return `body` as a JSON reply."""
    return SimulatedReply(status, (_CONTENT_TYPE, *headers), json.dumps(body).encode())


def common_error(status: int, kind: str, detail: str, **parameters: str) -> SimulatedReply:
    """Return an error of a kind that all of Citrix Cloud shares; its parameters are a list."""
    pairs = [{"name": name, "value": value} for name, value in parameters.items()]
    body = {"type": f"{_COMMON_ERRORS}{kind}", "detail": detail, "parameters": pairs}
    return json_reply(body, status=status)


def service_error(
    status: int, detail: str, name: str = "", value: str = "", headers: Headers = ()
) -> SimulatedReply:
    """Return an error in the format of the licensing service; its one parameter is an object."""
    parameters = {"name": name, "value": value} if name else None
    body = {"type": str(status), "detail": detail, "parameters": parameters}
    return json_reply(body, status=status, headers=headers)


def not_found(entity: str) -> SimulatedReply:
    """Return 404: the entity does not exist, or this customer is not entitled to it."""
    return service_error(404, "resource not found", "entityType", entity)


def method_not_allowed(allowed: str) -> SimulatedReply:
    """Return 405 with the method that is allowed."""
    return service_error(405, "method not allowed", headers=(("Allow", allowed),))


def unauthorized(reason: str) -> SimulatedReply:
    """Return 401: the token is `missing`, `invalid` or `expired`."""
    return common_error(401, "authentication", "Authentication failed.", reason=reason)


def forbidden(reason: str) -> SimulatedReply:
    """Return 403: access is denied because of the `customer` or the `permission`."""
    return common_error(403, "authorization", "Authorization failed.", reason=reason)


class TokenIssuer:
    """The bearer tokens that one service has issued."""

    def __init__(self, seed: str, clock: Clock) -> None:
        self._seed = seed
        self._clock = clock
        self._expiry: dict[str, float] = {}  # token -> UTC epoch seconds
        self._issued = 0

    def issue(self) -> str:
        """Return a new token."""
        self._issued += 1
        token = f"eyJ{sha256(f'{self._seed}/{self._issued}'.encode()).hexdigest()}"
        self._expiry[token] = self._clock.now() + TOKEN_LIFETIME
        while len(self._expiry) > _MAX_TOKENS:
            del self._expiry[next(iter(self._expiry))]
        return token

    def check(self, headers: Mapping[str, str]) -> SimulatedReply | None:
        """Return the error for a request with these headers; None if its token is valid.

        The scheme is `CwsAuth Bearer=`, which Citrix's own pages write in several letter cases.
        """
        authorization = headers.get("authorization", "")
        if not authorization:
            return unauthorized("missing")
        scheme, _, credentials = authorization.partition(" ")
        name, _, token = credentials.strip().partition("=")
        expires = self._expiry.get(token)
        if scheme.lower() != "cwsauth" or name.lower() != "bearer" or expires is None:
            return unauthorized("invalid")
        return None if self._clock.now() < expires else unauthorized("expired")


class CloudService:
    """HTTP side of one service: faults that replace every reply, and transaction ids."""

    transaction_header: str  # the header that Citrix's support asks for

    def __init__(
        self, fault: CurrentFault, clock: Clock, customer: str, secret: str, retry_after: int
    ) -> None:
        self._fault = fault
        self._clock = clock
        self._customer = customer
        self._retry_after = retry_after
        self._tokens = TokenIssuer(f"{customer}/{secret}", clock)
        self._transactions = count(1)

    async def answer(self, request: Request, connection: Connection) -> SimulatedReply | None:
        """Return the reply to one request; None leaves it unanswered."""
        del connection
        fault = self._fault()
        retry_after = (("Retry-After", str(self._retry_after)),)
        match fault:
            case FaultMode.SILENT:
                return None
            case FaultMode.LOGIN_PAGE:
                return LOGIN_PAGE
            case FaultMode.BUSY:
                return service_error(503, "service unavailable", headers=retry_after)
            case FaultMode.RATE_LIMITED:
                return service_error(429, "too many requests", headers=retry_after)
        reply = self._reply(request, fault)
        seed = f"{self._customer}/{next(self._transactions)}"
        transaction = str(uuid.uuid5(uuid.NAMESPACE_DNS, seed))
        return replace(reply, headers=(*reply.headers, (self.transaction_header, transaction)))

    def _reply(self, request: Request, fault: FaultMode) -> SimulatedReply:
        raise NotImplementedError
