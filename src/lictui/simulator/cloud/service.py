"""The licensing API of one simulated customer of Citrix Cloud: which path answers what, to whom.

Owns routes, the headers and queries they demand, and the service's moods. Must not know JSON
bodies or tokens. Letter case does not matter in a path. What the real cloud serves from several
hosts is served from one origin.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lictui.simulator.cloud import bodies
from lictui.simulator.cloud.login import Login
from lictui.simulator.cloud.replies import (
    Transactions,
    common_error,
    instead,
    json_reply,
    not_found,
    own_error,
)
from lictui.simulator.cloud.tokens import Tokens, unauthenticated
from lictui.simulator.faults import spoiled
from lictui.simulator.http import Reply, listen
from lictui.simulator.inventory import Mood

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lictui.clock import Clock
    from lictui.simulator.certificate import Certificate
    from lictui.simulator.cloud.account import Account, CurrentAccount
    from lictui.simulator.http import Connection, Listener, Request
    from lictui.simulator.inventory import CurrentMood

_CURRENT: Final = "/licensing/license/enterprise/cloud/cvad/ud/current"
_HISTORY: Final = "/licensing/license/enterprise/cloud/cvad/ud/historicalusage"
_CONCURRENT: Final = "/{customer}/license/enterprise/cloud/cvad/ccu/summary"
_MONTH: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_MOST_MONTHS: Final = 12  # that one question may be about


async def serve_cloud(  # noqa: PLR0913 - a server has that many sides; all but three are named
    account: CurrentAccount,
    mood: CurrentMood,
    clock: Clock,
    *,
    customer_id: str,
    client_id: str,
    secret: str,
    certificate: Certificate | None = None,
    retry_after: int = 2,
    tokens_a_minute: int = 20,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Listener:
    """Serve one customer until `aclose`; an `account()` of None is answered with 204.

    Tokens last an hour of `clock`, and `tokens_a_minute` may be asked for; `retry_after` is what a
    busy or limiting service asks for, in seconds. OSError when the port is taken.
    """
    tokens = Tokens(f"{customer_id}/{secret}", clock)
    login = Login(tokens, clock, client_id=client_id, secret=secret, a_minute=tokens_a_minute)
    service = _Service(account, mood, clock, customer_id, (tokens, login), retry_after)
    return await listen(service.answer, host=host, port=port, certificate=certificate)


class _Service:
    """The HTTP side of one customer."""

    def __init__(
        self,
        account: CurrentAccount,
        mood: CurrentMood,
        clock: Clock,
        customer: str,
        doors: tuple[Tokens, Login],
        retry_after: int,
    ) -> None:
        self._account = account
        self._mood = mood
        self._clock = clock
        self._customer = customer
        self._tokens, self._login = doors
        self._retry_after = retry_after
        self._transactions = Transactions("CC-TransactionId", customer)

    async def answer(self, request: Request, connection: Connection) -> Reply | None:
        """What the service says to one request; None is silence."""
        del connection
        mood = self._mood()
        if mood is Mood.SILENT:
            return None
        reply = instead(mood, self._retry_after)
        if reply is None:
            reply = self._transactions.stamped(self._said(request, mood))
        return reply

    def _said(self, request: Request, mood: Mood) -> Reply:
        path = request.path.lower().rstrip("/")
        doors = (self._customer.lower(), "root")
        if path in {f"/cctrustoauth2/{door}/tokens/clients" for door in doors}:
            if request.method != "POST":
                return own_error(405, "method not allowed", headers=(("Allow", "POST"),))
            return self._login.answer(request, mood)
        refusal = self._stranger(request, mood)
        return refusal or spoiled(self._told(request, mood, path), mood)

    def _stranger(self, request: Request, mood: Mood) -> Reply | None:
        """Why this request is not listened to, whatever it asks for."""
        if mood is Mood.DENIED:
            return unauthenticated("invalid")
        refusal = self._tokens.refusal(request.headers)
        if refusal is not None:
            return refusal
        customer = request.headers.get("citrix-customerid", "")
        if not customer:
            return unauthenticated("missing")
        if customer.lower() != self._customer.lower():
            return _not_allowed("customer")
        return None

    def _told(self, request: Request, mood: Mood, path: str) -> Reply:
        concurrent = _CONCURRENT.format(customer=self._customer.lower())
        if path not in {_CURRENT, _HISTORY, concurrent}:
            return not_found("path")
        if request.method != "GET":
            return own_error(405, "method not allowed", headers=(("Allow", "GET"),))
        if mood is Mood.ELSEWHERE:
            return not_found("customer")
        if mood is Mood.FORBIDDEN:
            return _not_allowed("permission")
        account = None if mood is Mood.EMPTY else self._account()
        query = {name.lower(): value for name, value in request.query.items()}
        return (
            _concurrent(account, query) if path == concurrent else self._use(account, query, path)
        )

    def _use(self, account: Account | None, query: Mapping[str, str], path: str) -> Reply:
        months = _months(query) if path == _HISTORY else ()
        if isinstance(months, Reply):
            return months
        if account is None:
            return Reply(204)
        if path == _HISTORY:
            return json_reply(bodies.history(account, self._customer, months))
        return json_reply(bodies.current(account, self._customer, self._clock.now()))


def _concurrent(account: Account | None, query: Mapping[str, str]) -> Reply:
    for name, value in (("UsageType", "device"), ("LicenseModel", "concurrent")):
        asked = query.get(name.lower(), "")
        if asked.lower() != value:
            kind = "invalidEnum" if asked else "missing"
            return common_error(400, kind, f"{name} must be {value}.", name=name)
    held = account.concurrent if account is not None else None
    if held is None:
        return not_found("entitlement")
    return json_reply(bodies.concurrent(held)) if held.readable else _not_allowed("permission")


def _months(query: Mapping[str, str]) -> tuple[str, ...] | Reply:
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


def _not_allowed(reason: str) -> Reply:
    return common_error(403, "authorization", "Authorization failed.", reason=reason)
