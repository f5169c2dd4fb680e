"""License Usage Insights of one simulated partner: which path answers what, to whom.

Owns routes, the trust service's token endpoint and the moods of both. Must not know the JSON of
an answer. Trust and licensing are two hosts in the real cloud, one origin here. The paths:
StuartP-CSP/csp-lui-scripts; the token: developer.cloud.com, authenticate_api_client.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from hmac import compare_digest
from typing import TYPE_CHECKING, Final

from lictui.simulator.cloud.replies import (
    Transactions,
    common_error,
    instead,
    json_reply,
    not_found,
    own_error,
)
from lictui.simulator.cloud.tokens import LIFETIME, Tokens, unauthenticated
from lictui.simulator.faults import spoiled
from lictui.simulator.http import listen
from lictui.simulator.inventory import Mood
from lictui.simulator.partner import bodies
from lictui.simulator.partner.account import Account

if TYPE_CHECKING:
    from lictui.clock import Clock
    from lictui.simulator.certificate import Certificate
    from lictui.simulator.http import Connection, Listener, Reply, Request
    from lictui.simulator.inventory import CurrentMood
    from lictui.simulator.partner.account import AccountOfMonth

_SERVERS: Final = "licenseservers"
_USAGE: Final = "licenseusagedata"
_NETSCALERS: Final = "netscalercallinghomedata"
_MONTH: Final = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


async def serve_partner(  # noqa: PLR0913 - a server has that many sides; all but three are named
    account: AccountOfMonth,
    mood: CurrentMood,
    clock: Clock,
    *,
    customer_id: str,
    client_id: str,
    secret: str,
    certificate: Certificate | None = None,
    retry_after: int = 2,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Listener:
    """Serve one partner until `aclose`; `account("2026-10")` is asked for the month's usage.

    Tokens last an hour of `clock`; `retry_after` is what a busy or limiting service asks for, in
    seconds. OSError when the port is taken.
    """
    service = _Service(account, mood, clock, customer_id, (client_id, secret), retry_after)
    return await listen(service.answer, host=host, port=port, certificate=certificate)


class _Service:
    """The HTTP side of one partner."""

    def __init__(
        self,
        account: AccountOfMonth,
        mood: CurrentMood,
        clock: Clock,
        customer: str,
        client: tuple[str, str],
        retry_after: int,
    ) -> None:
        self._account = account
        self._mood = mood
        self._clock = clock
        self._customer = customer
        self._client_id, self._secret = client
        self._retry_after = retry_after
        self._tokens = Tokens(f"{customer}/{self._secret}", clock)
        self._transactions = Transactions("X-Cws-TransactionId", customer)

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
        door, _, what = request.path.lower().strip("/").partition("/")
        if what == "tokens/clients" and door in {self._customer.lower(), "root"}:
            if request.method != "POST":
                return own_error(405, "method not allowed", headers=(("Allow", "POST"),))
            return self._token(request, mood)
        refusal = self._tokens.refusal(request.headers)
        if mood is Mood.DENIED:
            refusal = unauthenticated("invalid")
        return refusal or spoiled(self._told(request, mood, door, what), mood)

    def _token(self, request: Request, mood: Mood) -> Reply:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            return own_error(415, "unsupported media type")
        try:
            asked = json.loads(request.body)
        except ValueError:
            return common_error(400, "invalidJson", "The body is not JSON.")
        client, secret = (_text(asked, name) for name in ("clientId", "clientSecret"))
        if not client or not secret:
            return common_error(400, "missing", "clientId and clientSecret must be given.")
        known = client == self._client_id and mood is not Mood.DENIED
        if not known or not compare_digest(secret.encode(), self._secret.encode()):
            return unauthenticated("invalid")
        if mood is Mood.EXPIRED:
            return unauthenticated("expired")
        return json_reply(
            {
                "principal": client,
                "subject": self._customer,
                "token": self._tokens.issue(),
                "openIdToken": "eyJsaWN0dWkiOiJvcGVucyBub3RoaW5nIn0",
                "expiresIn": LIFETIME,
            }
        )

    def _told(self, request: Request, mood: Mood, door: str, what: str) -> Reply:
        if what not in {_SERVERS, _USAGE, _NETSCALERS}:
            return not_found("path")
        if request.method != "GET":
            return own_error(405, "method not allowed", headers=(("Allow", "GET"),))
        if mood is Mood.ELSEWHERE:
            return not_found("customer")
        # The header goes with every call of Citrix Cloud; the scripts for this API leave it out.
        named = {door, request.headers.get("citrix-customerid", door).lower()}
        if mood is Mood.FORBIDDEN or named != {self._customer.lower()}:
            return common_error(403, "authorization", "Authorization failed.", reason="permission")
        now = self._clock.now()
        month = f"{datetime.fromtimestamp(now, UTC):%Y-%m}"
        if what == _USAGE:
            month = request.query.get("date", "")
            if not _MONTH.fullmatch(month):
                kind = "invalidString" if month else "missing"
                return common_error(400, kind, "date must be yyyy-MM.", name="date")
        account = self._account(month)
        if mood is Mood.EMPTY:
            account = Account(account.org_id)
        match what:
            case "licenseservers":
                body = bodies.servers(account, self._customer, now)
            case "licenseusagedata":
                body = bodies.usage(account, self._customer)
            case _:
                body = bodies.netscalers(account, self._customer, now)
        return json_reply(body)


def _text(asked: object, name: str) -> str:
    value = asked.get(name) if isinstance(asked, dict) else None
    return value if isinstance(value, str) else ""
