"""Requests with a token: requests, renews and sends it."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from lictui.model import FailureKind, Server, Step
from lictui.sources import auth
from lictui.sources.auth import DEFAULT_LIFETIME, VALID_TOKEN, Token, checked_token, renewal_time
from lictui.sources.cloud import session as cloud
from lictui.sources.http import HttpClient, HttpReply, get_field, reply_json, with_retry
from lictui.sources.network import require_encryption
from lictui.sources.sanitize import parse_json, sanitize
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from lictui.clock import Clock


# Statuses of the API as failures


_STATUSES: Final[dict[int, tuple[FailureKind, str, str]]] = {
    HTTPStatus.UNAUTHORIZED: (
        FailureKind.AUTH,
        "rejected the user name and password",
        r"Check username (DOMAIN\user) and the secret that servers.toml refers to.",
    ),
    HTTPStatus.FORBIDDEN: (
        FailureKind.FORBIDDEN,
        "denies this account access to licensing",
        "Assign the Read Only Administrator role; in Citrix Cloud, the Licensing permission.",
    ),
    HTTPStatus.NOT_FOUND: (
        FailureKind.NO_DATA,
        "found nothing at",
        "Check that it is a Delivery Controller with the REST API, and check site and customer_id.",
    ),
    HTTPStatus.TOO_MANY_REQUESTS: (
        FailureKind.RATE_LIMITED,
        "is rate limiting requests",
        "Raise interval; other programs with this account count too.",
    ),
}
_UNAVAILABLE: Final = (
    FailureKind.UNAVAILABLE,
    "is temporarily unavailable",
    "Check the services of the Delivery Controller. The next poll tries again.",
)
_UNEXPECTED: Final = (
    FailureKind.PROTOCOL,
    "rejected the request as invalid",
    "Check that the URL is that of a Delivery Controller or of Citrix Cloud.",
)


def error_for_status(reply: HttpReply, where: str, path: str, step: Step) -> SourceError:
    """Return the failure for a reply of `where` (HOST:PORT) to `path` that is not 200."""
    status = reply.status
    unavailable = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    kind, words, hint = _UNAVAILABLE if unavailable else _STATUSES.get(status, _UNEXPECTED)
    place = f" {path}" if status == HTTPStatus.NOT_FOUND else ""
    said = _said(reply)
    return SourceError(
        kind, f"{status}: {where} {words}{place}{f' ({said})' if said else ''}", hint, step
    )


def _said(reply: HttpReply) -> str:
    """Return the server's own error text: ErrorData on-premises, type and detail in the cloud."""
    try:
        body = parse_json(reply.body)
    except ValueError:
        return ""
    data = get_field(body, "ErrorData") or body
    for key in ("ErrorMessage", "detail", "error_description", "error"):
        if said := sanitize(get_field(data, key), 120):
            return said
    return ""


async def first_existing(
    paths: tuple[str, ...], ask: Callable[[str], Awaitable[HttpReply]]
) -> tuple[str, HttpReply]:
    """Return the first of `paths` that is not answered with 404, or the last, and its reply."""
    *others, last = paths
    for path in others:
        reply = await ask(path)
        if reply.status != HTTPStatus.NOT_FOUND:
            return path, reply
    return last, await ask(last)


# Sign-in: from a Delivery Controller with a password, or from Citrix Cloud


# Both are in use: the first is documented, older releases answer to the second.
TOKEN_PATHS: Final = ("/cvad/manage/Tokens", "/citrix/orchestration/api/tokens")
ON_PREMISES_CUSTOMER: Final = "CitrixOnPremises"


async def sign_in(server: Server, link: HttpClient, clock: Clock, dead: str = "") -> Token:
    """Return a token for `server`, always a new one on-premises.

    `dead` is the value of one that was rejected. Raises SourceError with step `auth`.
    """
    if server.customer_id:
        return await cloud.sign_in(server, link, clock, dead)
    require_encryption(server.url)
    secret = await auth.server_secret(server)
    return await _from_controller(server, secret, link, clock)


async def _from_controller(server: Server, secret: str, link: HttpClient, clock: Clock) -> Token:
    headers = {
        "Authorization": auth.basic_header(server.username, secret),
        "Accept": "application/json",
    }

    async def ask(path: str) -> HttpReply:
        return await with_retry(
            lambda: link.request("POST", path, step=Step.AUTH, headers=headers), clock
        )

    path, reply = await first_existing(TOKEN_PATHS, ask)
    answer = _answer(reply, link, path, secret)
    now = clock.now()
    customer = get_field(answer, "CustomerId")
    return Token(
        checked_token(get_field(answer, "Token"), link.address),
        customer
        if isinstance(customer, str) and VALID_TOKEN.fullmatch(customer)
        else ON_PREMISES_CUSTOMER,
        sanitize(get_field(answer, "Principal"), 80),
        renewal_time(now, _moment(get_field(answer, "ExpiresAt"), now) - now),
    )


def _answer(reply: HttpReply, link: HttpClient, path: str, secret: str) -> object:
    if reply.status == HTTPStatus.OK:
        return reply_json(reply, link.address, Step.AUTH)
    failure = error_for_status(reply, link.address, path, Step.AUTH).failure
    raise SourceError(failure.kind, _without(secret, failure.message), failure.hint, Step.AUTH)


def _without(secret: str, words: str) -> str:
    """Return `words` of the server without the secrets it may repeat."""
    return words.replace(secret, "…") if secret else words


def _moment(value: object, now: float) -> float:
    """Return an ISO time as UTC epoch seconds; one LIFETIME from `now` for an implausible time."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        at = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() if moment else 0
    except (ValueError, OverflowError):
        at = 0
    # A wrong clock, here or there, must not make every poll sign in again.
    return at if at > now else now + DEFAULT_LIFETIME


_UNSAID: Final = "the account of servers.toml"


class CvadSession:
    """An authenticated session with one site, over one connection."""

    def __init__(self, server: Server, link: HttpClient, clock: Clock) -> None:
        self._server = server
        self._link = link
        self._clock = clock
        self._token: Token | None = None
        self.site_id = ""  # id of the requested site, once it is known

    @property
    def address(self) -> str:
        """HOST:PORT, for messages."""
        return self._link.address

    async def sign_in(self) -> str:
        """Make sure of a valid token; returns the user name."""
        token = await self._valid()
        return token.principal or _UNSAID

    async def customer_id(self) -> str:
        """The customer id that belongs to the token."""
        return (await self._valid()).customer_id

    async def get(self, url: str) -> HttpReply:
        """Request a path or URL of the server; a token rejected in mid-session is renewed once.

        Returns the reply with any status but 401. Raises SourceError.
        """
        token = await self._valid()
        reply = await self._send(url, token)
        if reply.status == HTTPStatus.UNAUTHORIZED:
            self._token = None
            reply = await self._send(url, await self._valid(token.value))
        if reply.status == HTTPStatus.UNAUTHORIZED:
            self._token = None
            raise error_for_status(reply, self.address, url, Step.AUTH)
        return reply

    async def _valid(self, dead: str = "") -> Token:
        if self._token is None or self._clock.now() >= self._token.renew_at:
            self._token = None
            self._token = await sign_in(self._server, self._link, self._clock, dead)
        return self._token

    async def _send(self, url: str, token: Token) -> HttpReply:
        return await with_retry(
            lambda: self._link.request(
                "GET", url, step=Step.INVENTORY, headers=self._headers(token)
            ),
            self._clock,
        )

    def _headers(self, token: Token) -> Mapping[str, str]:
        """As documented for every call; the scheme is case-insensitive."""
        headers = {
            "Authorization": f"CWSAuth bearer={token.value}",
            "Citrix-CustomerId": token.customer_id,
            "Accept": "application/json",
        }
        return headers | ({"Citrix-InstanceId": quote(self.site_id)} if self.site_id else {})
