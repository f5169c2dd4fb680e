"""Bearer tokens: kept in memory only, shared between servers; requests with them, and errors."""

from __future__ import annotations

import asyncio
import logging
import re
from base64 import b64encode
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from lictui.model import FailureKind, Step
from lictui.sources.http import status_error
from lictui.sources.sanitize import Record, parse_json, records, sanitize
from lictui.sources.source import SourceError, parse_error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lictui.clock import Clock
    from lictui.model import Failure
    from lictui.sources.http import HttpClient, HttpReply
    from lictui.sources.source import ErrorRule

_log = logging.getLogger(__name__)


def basic_header(username: str, password: str) -> str:
    """Return the Authorization header of HTTP Basic authentication (RFC 7617, UTF-8)."""
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode()


# Tokens


# Seconds (as all APIs document), used if the server sends no end or one in the past: otherwise,
# with a wrong clock on either side, every poll would sign in again.
_DEFAULT_LIFETIME: Final = 3600.0
_RENEWAL_MARGIN: Final = 60.0  # seconds before its end at which a token is renewed
VALID_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,16384}")


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token and what the server said about its owner."""

    value: str = field(repr=False)
    renew_at: float  # UTC epoch seconds, somewhat before the token expires
    customer_id: str = ""
    principal: str = ""  # the account's name, "" if the server does not return it


def new_token(value: object, address: str, now: float, lifetime: float | None) -> Token:
    """Return the token that `address` issued; SourceError (parse) if a header cannot carry it."""
    if not isinstance(value, str) or not VALID_TOKEN.fullmatch(value):
        raise parse_error(
            f"{address} accepted the sign-in, but its response contains no token",
            "Check that url is the address of a Delivery Controller or of the Citrix Cloud API.",
            Step.AUTH,
        )
    lifetime = lifetime if lifetime and lifetime > 0 else _DEFAULT_LIFETIME
    return Token(value, now + lifetime - min(_RENEWAL_MARGIN, lifetime / 10))


# Failures that every server with the same account would get, too.
_ACCOUNT_FAILURES: Final = (FailureKind.AUTH, FailureKind.FORBIDDEN, FailureKind.RATE_LIMITED)


class _TokenSlot:
    """The token of one account, requested by one task at a time."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.requests = 0  # counted, so that a task can see that another one asked meanwhile
        self.token: Token | None = None
        self.failure: Failure | None = None  # of the last request


# A lock belongs to an event loop. Weak keys would not do: a lock with waiters references its loop.
_SLOTS: Final[dict[asyncio.AbstractEventLoop, dict[str, _TokenSlot]]] = {}


def _slots() -> dict[str, _TokenSlot]:
    loop = asyncio.get_running_loop()
    if loop not in _SLOTS:
        for previous in tuple(_SLOTS):
            if previous.is_closed():
                _SLOTS.pop(previous, None)  # another thread may have removed it
        _SLOTS[loop] = {}
    return _SLOTS[loop]


def account_key(*parts: str) -> str:
    """Return the key of an account: token URL, client and secret, hashed."""
    return sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()


async def shared_token(
    key: str, request: Callable[[], Awaitable[Token]], clock: Clock, rejected: str = ""
) -> Token:
    """Return the valid token of the account `key`, or the one that `request` returns.

    One task requests at a time, since token endpoints are rate limited; the others get its token,
    or its failure if that concerns the account. `rejected` is a token that a server refused.
    """
    slot = _slots().setdefault(key, _TokenSlot())
    requests = slot.requests
    async with slot.lock:
        if slot.token and slot.token.value != rejected and clock.now() < slot.token.renew_at:
            return slot.token
        if slot.failure and slot.requests != requests:
            failure = slot.failure
            raise SourceError(failure.kind, failure.message, failure.hint, failure.step)
        slot.token = slot.failure = None
        try:
            slot.token = await request()
        except SourceError as error:
            if error.failure.kind in _ACCOUNT_FAILURES:
                slot.failure = error.failure
            raise
        finally:
            slot.requests += 1
        return slot.token


# Requests with a token


SignIn = Callable[[str], Awaitable[Token]]  # called with the value of a rejected token, or ""


class BearerSession:
    """Sends requests with the token that `sign_in` returns, and renews it when it is rejected."""

    def __init__(
        self,
        client: HttpClient,
        clock: Clock,
        sign_in: SignIn,
        rules: Iterable[ErrorRule],
        scheme: str,
    ) -> None:
        """`rules` is the error table for statuses, `scheme` that of the Authorization header."""
        self.headers: dict[str, str] = {}  # added to every request
        self._client = client
        self._clock = clock
        self._sign_in = sign_in
        self._rules = tuple(rules)
        self._scheme = scheme
        self._token: Token | None = None

    async def token(self, rejected: str = "") -> Token:
        """Return a token that is valid for some time, after signing in if necessary."""
        if self._token is None or self._clock.now() >= self._token.renew_at:
            self._token = None
            self._token = await self._sign_in(rejected)
        return self._token

    async def get(self, url: str, *, renew: bool = True) -> HttpReply:
        """GET a path of the server, or a full URL; a rejected token is renewed once.

        Without `renew` a 401 does not discard it: the endpoint may refuse a token that is valid.
        """
        token = await self.token()
        reply = await self._send(url, token)
        if renew and reply.status == HTTPStatus.UNAUTHORIZED:
            self._token = None
            reply = await self._send(url, await self.token(rejected=token.value))
            if reply.status == HTTPStatus.UNAUTHORIZED:
                self._token = None
        if reply.status == HTTPStatus.UNAUTHORIZED:
            raise self.error(reply, Step.AUTH)
        return reply

    def error(self, reply: HttpReply, step: Step = Step.INVENTORY) -> SourceError:
        """Return the error for a reply that is not a success."""
        return api_error(reply, self._rules, step)

    async def _send(self, url: str, token: Token) -> HttpReply:
        headers = {
            "Authorization": f"{self._scheme} bearer={token.value}",
            "Citrix-CustomerId": token.customer_id,
            "Accept": "application/json",
        }
        headers |= self.headers
        reply = await self._client.request("GET", url, step=Step.INVENTORY, headers=headers)
        log_transaction(reply)
        return reply


# Errors of the Citrix APIs


_TRANSACTION_HEADERS: Final = ("cc-transactionid", "x-cws-transactionid")  # the second is older
_MAX_TEXT: Final = 160  # characters of the server's own error text


def api_error(reply: HttpReply, rules: Iterable[ErrorRule], step: Step) -> SourceError:
    """Return the error for a reply, with the server's own error text."""
    details = [reply.quote(reply.path, 120)] if reply.status == HTTPStatus.NOT_FOUND else []
    with suppress(ValueError):
        details.append(error_text(reply, parse_json(reply.body)))
    transaction = transaction_id(reply)
    if transaction and reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        details.append(f"transaction {transaction}")
    return status_error(reply, rules, step, ", ".join(filter(None, details)))


def error_text(reply: HttpReply, answer: object) -> str:
    """Return the error text in the JSON of on-premises, Citrix Cloud or OAuth, or ""."""
    body = Record(Record(answer).get("ErrorData") or answer)
    keys = ("ErrorMessage", "detail", "error_description", "error", "message", "type")
    message = next((text for key in keys if (text := reply.quote(body.get(key), _MAX_TEXT))), "")
    parameters = [
        f"{name}: {reply.quote(row.get('value'), 80)}"
        for row in body.records("parameters", 3) or records([body.get("parameters")])
        if (name := reply.quote(row.get("name"), 40))
    ]
    return ", ".join(filter(None, (message, *parameters)))


def transaction_id(reply: HttpReply) -> str:
    """Return the id by which Citrix Cloud finds a request again; "" if there is none."""
    ids = (sanitize(reply.headers.get(name, ""), 64) for name in _TRANSACTION_HEADERS)
    return next(filter(None, ids), "")


def log_transaction(reply: HttpReply) -> None:
    """Log the transaction id, which Citrix support asks for."""
    transaction = transaction_id(reply) or "without id"
    _log.debug("%s %s: %s, transaction %s", reply.address, reply.path, reply.status, transaction)
