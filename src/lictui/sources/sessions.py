"""Sign-in to the REST APIs of Citrix: tokens, sessions that use them, errors, Citrix Cloud.

Tokens are kept in memory only and shared between servers. Citrix Cloud is used by citrix-cloud, by
partner, and by cvad for a site in Citrix Cloud.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

from msgspec import Struct
from msgspec.structs import replace

from lictui.model import Failure, FailureKind, Server, Step
from lictui.sources.http import HttpClient, HttpReply, reply_json, status_error, status_rules
from lictui.sources.network import origin, require_encryption
from lictui.sources.process import LoopLocal
from lictui.sources.sanitize import Record, parse_json, records
from lictui.sources.source import ErrorRule, SourceError, config_error, parse_error

if TYPE_CHECKING:
    from lictui.clock import Clock

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


class Token(Struct, frozen=True):
    """A bearer token and what the server said about its owner."""

    value: str
    renew_at: float  # on the monotonic clock, somewhat before the token expires
    customer_id: str = ""
    principal: str = ""  # the account's name, "" if the server does not return it

    def __repr__(self) -> str:
        """Return no value: it is a secret."""
        return f"Token({self.principal!r})"


def new_token(value: object, address: str, clock: Clock, lifetime: float | None) -> Token:
    """Return the token that `address` issued; SourceError (parse) if a header cannot carry it."""
    if not isinstance(value, str) or not VALID_TOKEN.fullmatch(value):
        raise parse_error(
            f"{address} accepted the sign-in, but its response contains no token",
            "Check that url is the address of a Delivery Controller or of the Citrix Cloud API.",
            Step.AUTH,
        )
    lifetime = lifetime if lifetime and lifetime > 0 else _DEFAULT_LIFETIME
    return Token(value, clock.monotonic() + lifetime - min(_RENEWAL_MARGIN, lifetime / 10))


# Failures that every server with the same account would get, too.
_ACCOUNT_FAILURES: Final = (FailureKind.AUTH, FailureKind.FORBIDDEN, FailureKind.RATE_LIMITED)


class _TokenSlot:
    """The token of one account, requested by one task at a time."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.requests = 0  # counted, so that a task can see that another one asked meanwhile
        self.token: Token | None = None
        self.failure: Failure | None = None  # of the last request


_slots: Final[LoopLocal[dict[str, _TokenSlot]]] = LoopLocal(dict)


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
    slot = _slots.get().setdefault(key, _TokenSlot())
    requests = slot.requests
    async with slot.lock:
        if slot.token and slot.token.value != rejected and clock.monotonic() < slot.token.renew_at:
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
        if self._token is None or self._clock.monotonic() >= self._token.renew_at:
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
_MAX_ERROR: Final = 64 * 1024  # bytes; a larger response contains no error text


def api_error(reply: HttpReply, rules: Iterable[ErrorRule], step: Step) -> SourceError:
    """Return the error for a reply, with the server's own error text."""
    details = [reply.quote(reply.path, 120)] if reply.status == HTTPStatus.NOT_FOUND else []
    with suppress(ValueError):
        details.append(error_text(reply, parse_json(reply.body[:_MAX_ERROR])))
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
    ids = (reply.quote(reply.headers.get(name, ""), 64) for name in _TRANSACTION_HEADERS)
    return next(filter(None, ids), "")


def log_transaction(reply: HttpReply) -> None:
    """Log the transaction id, which Citrix support asks for."""
    transaction = transaction_id(reply) or "without id"
    _log.debug("%s %s: %s, transaction %s", reply.address, reply.path, reply.status, transaction)


# Citrix Cloud

CLIENT_HINT: Final = (
    "username is the client ID, the secret is its client secret, which may have expired: see"
    " Identity and Access Management > API Access in the Citrix Cloud console."
)
STATUS_RULES: Final = status_rules(
    {
        FailureKind.AUTH: ("client ID or secret rejected", CLIENT_HINT),
        FailureKind.FORBIDDEN: (
            "client has no permission to read licensing",
            "Add the Licensing permission to the service principal in the Citrix Cloud console.",
        ),
        FailureKind.NO_DATA: "Check customer_id.",
        FailureKind.RATE_LIMITED: "Raise interval. Requests of other tools that use this client"
        " count, too.",
        FailureKind.UNAVAILABLE: "See status.cloud.com. lictui retries at the next poll.",
        FailureKind.PROTOCOL: "Check url and customer_id of the server in servers.toml.",
    }
)


class CloudSession(BearerSession):
    """Requests of the client that `server` names, on behalf of its customer."""

    def __init__(
        self,
        server: Server,
        client: HttpClient,
        clock: Clock,
        rules: Iterable[ErrorRule] = (),
        *,
        partner: bool = False,
    ) -> None:
        """`rules` come before STATUS_RULES; `partner` signs in to License Usage Insights."""
        self._server = server

        async def request_token(rejected: str) -> Token:
            return await cloud_token(server, client, clock, rejected, partner=partner)

        super().__init__(client, clock, request_token, (*rules, *STATUS_RULES), "CwsAuth")

    async def sign_in(self) -> str:
        """Make sure of a valid token; return who we are. Raises SourceError."""
        for key in ("customer_id", "username"):
            if not getattr(self._server, key):
                raise config_error(
                    f"{key} is not set",
                    "It is shown in the Citrix Cloud console, Identity and Access Management.",
                )
        await self.token()
        return f"client {self._server.username} of {self._server.customer_id}"

    async def get_json(self, url: str, *, renew: bool = True) -> object:
        """Return the JSON of a URL, None for 204; `renew` as in `BearerSession.get`."""
        reply = await self.get(url, renew=renew)
        if reply.status == HTTPStatus.NO_CONTENT:
            return None
        if reply.status != HTTPStatus.OK:
            raise self.error(reply)
        return await reply_json(reply, Step.PARSE)


def month_text(now: float, months_back: int) -> str:
    """Return the month of `now` or an earlier one as the APIs spell it, `yyyy-MM` in UTC."""
    today = datetime.fromtimestamp(now, UTC)
    year, month = divmod(today.year * 12 + today.month - 1 - months_back, 12)
    return f"{year}-{month + 1:02}"


# Hosts

REGIONS: Final = {
    "api.cloud.com": "global",
    "api-us.cloud.com": "United States",
    "api-eu.cloud.com": "European Union",
    "api-ap-s.cloud.com": "Asia Pacific South",
    "api.citrixcloud.jp": "Japan",
}
TRUST_URL: Final = "https://trust.citrixworkspacesapi.net"
_US_GOVERNMENT: Final = "https://trust.citrixworkspacesapi.us"
_GLOBAL: Final = "https://api.cloud.com"
_CUSTOMER_HOSTS: Final = ".xendesktop.net"  # of one customer each, with tokens of _GLOBAL
_CITRIX_HOSTS: Final = (".cloud.com", ".citrixcloud.jp", ".cloud.us", ".citrixworkspacesapi.net")
_CONSOLE: Final = "https://cloudlicense.citrixworkspacesapi.net"


def is_citrix_cloud(url: str) -> bool:
    """Whether `url` is a host of Citrix."""
    return f".{origin(url).host}".endswith(_CITRIX_HOSTS)


def token_url(url: str, customer_id: str) -> tuple[str, bool]:
    """Return the token endpoint for `url`, and whether it expects the legacy JSON form."""
    host, path = origin(url).host, f"{quote(customer_id, safe='')}/tokens/clients"
    if host.endswith(".cloud.us"):
        return f"{_US_GOVERNMENT}/{path}", True
    base = _GLOBAL if host.endswith(_CUSTOMER_HOSTS) else _base(url)
    return f"{base}/cctrustoauth2/{path}", False


def partner_token_url(url: str, trust_url: str) -> str:
    """Return the token endpoint for License Usage Insights, which expects the legacy JSON form."""
    base = trust_url or (TRUST_URL if is_citrix_cloud(url) else url)
    return f"{_base(base)}/root/tokens/clients"


def console_url(url: str) -> str:
    """Return the origin of the API of Citrix's own console, as a public script found it."""
    return _CONSOLE if is_citrix_cloud(url) else _base(url)


def region_hint(url: str) -> str:
    """Return what to do if `url` does not know the customer."""
    region = REGIONS.get(origin(url).host, "not one of them")
    regions = " · ".join(f"{name}: {host}" for host, name in REGIONS.items())
    return f"Check customer_id, and that url is the host of its region (now: {region}). {regions}."


def _base(url: str) -> str:
    return str(origin(url)).rstrip("/")


# Sign-in: a client ID and its secret for a token

_OAUTH_HEADERS: Final = {
    "Content-Type": "application/x-www-form-urlencoded",
    "Accept": "application/json",
}
_LEGACY_HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/json"}


async def cloud_token(
    server: Server, client: HttpClient, clock: Clock, rejected: str, *, partner: bool = False
) -> Token:
    """Return a token for a customer, or for License Usage Insights; see `shared_token`."""
    if partner:
        url, legacy = partner_token_url(server.url, server.trust_url), True
        hint = f"Set trust_url to the token endpoint, such as {TRUST_URL}."
    else:
        url, legacy = token_url(server.url, server.customer_id)
        hint = region_hint(server.url)
    require_encryption(url)
    require_encryption(server.url)  # the token is sent there
    secret = await client.secret()
    if legacy:
        headers, token_key, lifetime_key = _LEGACY_HEADERS, "token", "expiresIn"
        body = json.dumps({"clientId": server.username, "clientSecret": secret})
    else:
        headers, token_key, lifetime_key = _OAUTH_HEADERS, "access_token", "expires_in"
        client_fields = {"client_id": server.username, "client_secret": secret}
        body = urlencode({"grant_type": "client_credentials"} | client_fields)

    async def request() -> Token:
        reply = await client.request(
            "POST", url, step=Step.AUTH, headers=headers, content=body.encode()
        )
        answer = Record(await _token_answer(reply, hint))
        # Documented as a string of digits, seen as a number.
        lifetime = answer.count(lifetime_key)
        return new_token(answer.get(token_key), reply.address, clock, lifetime)

    token = await shared_token(account_key(url, server.username, secret), request, clock, rejected)
    return replace(token, customer_id=server.customer_id)  # one client may serve several customers


async def _token_answer(reply: HttpReply, not_found_hint: str) -> object:
    """Return the JSON of a success. Raises SourceError; an error may come with a 200, too."""
    log_transaction(reply)
    answer = None
    if reply.status in (HTTPStatus.OK, HTTPStatus.BAD_REQUEST):
        try:
            answer = await reply_json(reply, Step.AUTH)
        except SourceError:
            if reply.status == HTTPStatus.OK:
                raise
        # A 400 shows what is wrong with the client (RFC 6749, section 5.2).
        if Record(answer).get("error") or Record(answer).get("error_description"):
            raise SourceError(
                FailureKind.AUTH,
                f"{reply.address} rejected the client ID or secret: {error_text(reply, answer)}",
                CLIENT_HINT,
            )
    if reply.status != HTTPStatus.OK:
        not_found = status_rules({FailureKind.NO_DATA: not_found_hint})
        raise api_error(reply, (*not_found, *STATUS_RULES), Step.AUTH)
    return answer
