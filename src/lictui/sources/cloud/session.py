"""Requests to Citrix Cloud: regions, sign-in, token renewal, and errors."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, quote_plus, urlencode

from lictui.model import FailureKind, Server, Step
from lictui.sources import auth
from lictui.sources.auth import (
    DEFAULT_LIFETIME,
    Token,
    account_key,
    checked_token,
    renewal_time,
    shared_token,
)
from lictui.sources.http import HttpClient, HttpReply, get_field, json_rows, reply_json, with_retry
from lictui.sources.network import host_port, origin, require_encryption
from lictui.sources.sanitize import parse_count, parse_json, sanitize
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from lictui.clock import Clock


# Errors of Citrix Cloud: status, error body, transaction id


_log = logging.getLogger(__name__)

_TRANSACTION: Final = ("cc-transactionid", "x-cws-transactionid")  # the second is the older form
_SAID: Final = 160  # characters of a server's own text
CLIENT_HINT: Final = (
    "username is the client id, the secret its client secret, which may have expired: see Identity"
    " and Access Management, API Access, in the Citrix Cloud console."
)
_STATUSES: Final[dict[int, tuple[FailureKind, str, str]]] = {
    HTTPStatus.UNAUTHORIZED: (
        FailureKind.AUTH,
        "rejected the client",
        CLIENT_HINT,
    ),
    HTTPStatus.FORBIDDEN: (
        FailureKind.FORBIDDEN,
        "denies this client access to licensing",
        "Add the Licensing permission to the service principal.",
    ),
    HTTPStatus.NOT_FOUND: (
        FailureKind.NO_DATA,
        "found nothing at",
        "Check customer_id.",
    ),
    HTTPStatus.TOO_MANY_REQUESTS: (
        FailureKind.RATE_LIMITED,
        "is rate limiting requests",
        "Raise interval; other programs with this client count too.",
    ),
}
_UNAVAILABLE: Final = (
    FailureKind.UNAVAILABLE,
    "is temporarily unavailable",
    "See status.cloud.com. The next poll tries again.",
)
_UNEXPECTED: Final = (
    FailureKind.PROTOCOL,
    "rejected the request as invalid",
    "Check url and customer_id of the server in servers.toml.",
)


def error_for_status(
    reply: HttpReply,
    where: str,
    path: str,
    step: Step,
    *,
    hints: Mapping[int, str] | None = None,
    hidden: tuple[str, ...] = (),
) -> SourceError:
    """Return the failure for an unsuccessful reply of `where` (HOST:PORT) to `path`.

    `hints` replace the usual ones for some statuses; `hidden` must not be repeated.
    """
    status = reply.status
    unavailable = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    kind, words, hint = _UNAVAILABLE if unavailable else _STATUSES.get(status, _UNEXPECTED)
    said = _said(reply, hidden)
    message = f"{status}: {where} {words}"
    message += f" {sanitize(path, 120)}" if status == HTTPStatus.NOT_FOUND else ""
    message += f" ({said})" if said else ""
    if unavailable and (known := transaction_id(reply)):
        message += f", transaction {known}"
    return SourceError(kind, message, (hints or {}).get(status, hint), step)


def log_transaction(reply: HttpReply, where: str, path: str) -> HttpReply:
    """Return `reply`, after logging the transaction id that Citrix support asks for."""
    known = transaction_id(reply) or "not told"
    _log.debug("%s %s: %s, transaction %s", where, path, reply.status, known)
    return reply


def url_path(url: str) -> str:
    """Return the path of a full URL, or a path itself."""
    return url if url.startswith("/") else f"/{url.partition('://')[2].partition('/')[2]}"


def transaction_id(reply: HttpReply) -> str:
    """Return the id by which Citrix finds this request, "" if there is none."""
    return next(
        (said for name in _TRANSACTION if (said := sanitize(reply.headers.get(name, ""), 64))), ""
    )


def error_text(body: object, hidden: tuple[str, ...] = ()) -> str:
    """Return the error text in a body of either form, OAuth's included; "" if none."""

    def shown(value: object, limit: int = _SAID) -> str:
        # Before anything is cut off: half a secret is one, too.
        for secret in hidden:
            value = value.replace(secret, "…") if isinstance(value, str) and secret else value
        return sanitize(value, limit)

    keys = ("detail", "error_description", "error", "message", "type")
    said = next((words for key in keys if (words := shown(get_field(body, key)))), "")
    about = [f"{shown(name, 40)}: {shown(value, 80)}" for name, value in _parameters(body)]
    return ", ".join(filter(None, (said, *about)))


def _said(reply: HttpReply, hidden: tuple[str, ...]) -> str:
    try:
        return error_text(parse_json(reply.body), hidden)
    except ValueError:
        return ""


def _parameters(body: object) -> Iterator[tuple[object, object]]:
    told = get_field(body, "parameters")
    for each in json_rows(told, 3) or json_rows([told]):
        if sanitize(get_field(each, "name")):
            yield get_field(each, "name"), get_field(each, "value")


if TYPE_CHECKING:
    SignIn = Callable[[Server, HttpClient, Clock, str], Awaitable[Token]]


class CloudSession:
    """An authenticated session for one customer, over one connection."""

    def __init__(
        self,
        server: Server,
        link: HttpClient,
        clock: Clock,
        sign_in: SignIn,
        hints: Mapping[int, str],
    ) -> None:
        """`hints` replace the usual hints for some statuses."""
        self._server = server
        self._link = link
        self._clock = clock
        self._sign_in = sign_in
        self._hints = hints
        self._token: Token | None = None

    async def sign_in(self) -> str:
        """Make sure of a valid token; returns the client. Raises SourceError."""
        for key in ("customer_id", "username"):
            if not getattr(self._server, key):
                raise SourceError(
                    FailureKind.CONFIG,
                    f"{key} is missing",
                    "Both are shown in the Citrix Cloud console, Identity and Access Management.",
                    Step.AUTH,
                )
        await self._valid()
        return f"client {self._server.username} of {self._server.customer_id}"

    async def get_json(self, url: str, *, renew: bool = True) -> object:
        """Return the JSON at a path of the server or a full URL; None for 204.

        A token rejected in mid-session is renewed once, unless it was just confirmed. Raises
        SourceError for any other status.
        """
        token = await self._valid()
        reply = await self._send(url, token)
        if renew and reply.status == HTTPStatus.UNAUTHORIZED:
            self._token = None
            token = await self._valid(token.value)
            reply = await self._send(url, token)
        if reply.status == HTTPStatus.NO_CONTENT:
            return None
        if reply.status == HTTPStatus.OK:
            return reply_json(reply, self._where(url), Step.PARSE)
        unauthorized = reply.status == HTTPStatus.UNAUTHORIZED
        if renew and unauthorized:
            self._token = None
        step = Step.AUTH if unauthorized else Step.INVENTORY
        raise error_for_status(
            reply, self._where(url), url_path(url), step, hints=self._hints, hidden=(token.value,)
        )

    async def _valid(self, dead: str = "") -> Token:
        if self._token is None or self._clock.now() >= self._token.renew_at:
            self._token = None
            self._token = await self._sign_in(self._server, self._link, self._clock, dead)
        return self._token

    async def _send(self, url: str, token: Token) -> HttpReply:
        reply = await with_retry(
            lambda: self._link.request(
                "GET", url, step=Step.INVENTORY, headers=self._headers(token)
            ),
            self._clock,
        )
        return log_transaction(reply, self._where(url), url_path(url))

    def _where(self, url: str) -> str:
        return self._link.address if url.startswith("/") else host_port(origin(url))

    def _headers(self, token: Token) -> Mapping[str, str]:
        """As documented for every call; the scheme is case-insensitive."""
        return {
            "Authorization": f"CwsAuth bearer={token.value}",
            "Citrix-CustomerId": self._server.customer_id,
            "Accept": "application/json",
        }


# Regions of Citrix Cloud: hosts and token endpoints


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
_CUSTOMERS_OWN: Final = (
    ".xendesktop.net"  # hosts of one customer each; their token endpoint is _GLOBAL's
)
_CITRIX: Final = (".cloud.com", ".citrixcloud.jp", ".cloud.us", ".citrixworkspacesapi.net")
_CONSOLE: Final = "https://cloudlicense.citrixworkspacesapi.net"


def is_citrix_cloud(url: str) -> bool:
    """Return whether `url` is a host of Citrix Cloud itself."""
    return f".{origin(url).host}".endswith(_CITRIX)


def token_url(url: str, customer: str) -> tuple[str, bool]:
    """Return the token endpoint for `url`, and whether it uses the legacy JSON form."""
    host, path = origin(url).host, f"{quote(customer, safe='')}/tokens/clients"
    if host.endswith(".cloud.us"):
        return f"{_US_GOVERNMENT}/{path}", True
    place = _GLOBAL if host.endswith(_CUSTOMERS_OWN) else _bare(url)
    return f"{place}/cctrustoauth2/{path}", False


def partner_token_url(url: str, trust_url: str) -> str:
    """Return the token endpoint for License Usage Insights, which uses the legacy JSON form."""
    place = trust_url or (TRUST_URL if is_citrix_cloud(url) else url)
    return f"{_bare(place)}/root/tokens/clients"


def console_url(url: str) -> str:
    """Return the origin of the console's own API, as a public script found it."""
    return _CONSOLE if is_citrix_cloud(url) else _bare(url)


def region_hint(url: str) -> str:
    """Return the hint for a host that does not know the customer."""
    here = REGIONS.get(origin(url).host)
    this = f"this is {here}" if here else "this is none of them"
    listed = " · ".join(f"{region}: {host}" for host, region in REGIONS.items())
    return f"Is customer_id right, and its region the one of url ({this})? {listed}."


def _bare(url: str) -> str:
    return str(origin(url)).rstrip("/")


# Sign-in: client id and secret for a token, in either form


_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
_JSON: Final = {"Content-Type": "application/json", "Accept": "application/json"}


@dataclass(frozen=True, slots=True)
class _Form:
    """A form of token request: what is sent, and the field names of the reply."""

    headers: dict[str, str]
    body: bytes
    token: str
    lifetime: str  # seconds; documented as a string of digits, seen as a number


def _oauth(client: str, secret: str) -> _Form:
    fields = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}
    return _Form(_FORM, urlencode(fields).encode(), "access_token", "expires_in")


def _legacy(client: str, secret: str) -> _Form:
    body = json.dumps({"clientId": client, "clientSecret": secret}).encode()
    return _Form(_JSON, body, "token", "expiresIn")


@dataclass(frozen=True, slots=True)
class _Place:
    """A token endpoint, its form, and the hint if it does not exist."""

    url: str
    form: Callable[[str, str], _Form]
    hint: str


async def sign_in(server: Server, link: HttpClient, clock: Clock, dead: str = "") -> Token:
    """Return a token for a customer of Citrix Cloud, perhaps one shared with another server.

    Raises SourceError with step `auth`.
    """
    url, legacy = token_url(server.url, server.customer_id)
    form = _legacy if legacy else _oauth
    hint = region_hint(server.url)
    return await _signed_in(server, link, clock, _Place(url, form, hint), dead)


async def sign_in_to_trust(server: Server, link: HttpClient, clock: Clock, dead: str = "") -> Token:
    """Return a token for License Usage Insights; see `customer_token`."""
    url = partner_token_url(server.url, server.trust_url)
    hint = f"Check that trust_url is the token endpoint, such as {TRUST_URL}."
    return await _signed_in(server, link, clock, _Place(url, _legacy, hint), dead)


async def _signed_in(
    server: Server, link: HttpClient, clock: Clock, place: _Place, dead: str
) -> Token:
    require_encryption(place.url)
    require_encryption(server.url)  # where the token is sent
    secret = await auth.server_secret(server)
    form = place.form(server.username, secret)

    async def ask() -> Token:
        reply = await with_retry(
            lambda: link.request(
                "POST", place.url, step=Step.AUTH, headers=form.headers, content=form.body
            ),
            clock,
        )
        answer = _answer(reply, place, secret)
        seconds = parse_count(get_field(answer, form.lifetime))
        return Token(
            checked_token(get_field(answer, form.token), host_port(origin(place.url))),
            server.customer_id,
            "",
            renewal_time(clock.now(), seconds or DEFAULT_LIFETIME),
        )

    return await shared_token(account_key(place.url, server.username, secret), ask, clock, dead)


def _answer(reply: HttpReply, place: _Place, secret: str) -> object:
    """Return the JSON of a success; an error may come with a 200, too."""
    where, path = host_port(origin(place.url)), url_path(place.url)
    log_transaction(reply, where, path)
    hidden = (secret, quote_plus(secret))  # as configured, and as sent
    answer = None
    if reply.status in (HTTPStatus.OK, HTTPStatus.BAD_REQUEST):
        answer = _if_json(reply, where)
        # With a 400 it says what is wrong with the client (RFC 6749, section 5.2).
        if get_field(answer, "error") or get_field(answer, "error_description"):
            raise SourceError(
                FailureKind.AUTH,
                f"{where} rejected the client: {error_text(answer, hidden)}",
                CLIENT_HINT,
                Step.AUTH,
            )
    if reply.status != HTTPStatus.OK:
        hints: dict[int, str] = {HTTPStatus.NOT_FOUND: place.hint}
        raise error_for_status(reply, where, path, Step.AUTH, hints=hints, hidden=hidden)
    return answer


def _if_json(reply: HttpReply, where: str) -> object:
    try:
        return reply_json(reply, where, Step.AUTH)
    except SourceError:
        if reply.status == HTTPStatus.OK:
            raise
        return None
