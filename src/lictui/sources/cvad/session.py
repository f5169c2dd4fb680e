"""Requests with a token: the one place that holds it, renews it, and sends it.

Owns the headers of every request but the one for the token. Must not know what is asked.
"""

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


# What an answer of the API means before its content is looked at: its status


_STATUSES: Final[dict[int, tuple[FailureKind, str, str]]] = {
    HTTPStatus.UNAUTHORIZED: (
        FailureKind.AUTH,
        "does not accept the username and password",
        r"Check username (DOMAIN\user) and the secret that servers.toml refers to.",
    ),
    HTTPStatus.FORBIDDEN: (
        FailureKind.FORBIDDEN,
        "does not let this account read licensing",
        "Give it the Read Only Administrator role; in Citrix Cloud, the Licensing permission.",
    ),
    HTTPStatus.NOT_FOUND: (
        FailureKind.NO_DATA,
        "has nothing at",
        "Is it a Delivery Controller with the REST API, and are site and customer_id right?",
    ),
    HTTPStatus.TOO_MANY_REQUESTS: (
        FailureKind.RATE_LIMITED,
        "is asked too often",
        "Raise interval; other tools that use this account count too.",
    ),
}
_UNAVAILABLE: Final = (
    FailureKind.UNAVAILABLE,
    "cannot answer now",
    "Look at the services of the Delivery Controller; it is asked again at the next poll.",
)
_UNEXPECTED: Final = (
    FailureKind.PROTOCOL,
    "did not understand the request",
    "Is this the address of a Delivery Controller or of Citrix Cloud?",
)


def error_for_status(reply: HttpReply, where: str, path: str, step: Step) -> SourceError:
    """The failure for a reply of `where` (HOST:PORT) to `path` that is not 200."""
    status = reply.status
    unavailable = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    kind, words, hint = _UNAVAILABLE if unavailable else _STATUSES.get(status, _UNEXPECTED)
    place = f" {path}" if status == HTTPStatus.NOT_FOUND else ""
    said = _said(reply)
    return SourceError(
        kind, f"{status}: {where} {words}{place}{f' ({said})' if said else ''}", hint, step
    )


def _said(reply: HttpReply) -> str:
    """The server's own words for an error: ErrorData on-premises, type and detail in the cloud."""
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
    """The first of `paths` that is not answered with 404, or the last, and its answer."""
    *others, last = paths
    for path in others:
        reply = await ask(path)
        if reply.status != HTTPStatus.NOT_FOUND:
            return path, reply
    return last, await ask(last)


# How a token is got: from a Delivery Controller for a password, or from Citrix Cloud


# Both are in use: the first is documented, the second is what older releases answer to.
TOKEN_PATHS: Final = ("/cvad/manage/Tokens", "/citrix/orchestration/api/tokens")
ON_PREMISES_CUSTOMER: Final = "CitrixOnPremises"


async def sign_in(server: Server, link: HttpClient, clock: Clock, dead: str = "") -> Token:
    """A token for `server`, a fresh one where it is on-premises.

    `dead` is the value of one that was refused. Raises SourceError with step `auth`.
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
    """`words` of a server that might repeat what it was sent."""
    return words.replace(secret, "…") if secret else words


def _moment(value: object, now: float) -> float:
    """An ISO time as UTC epoch seconds; a time that cannot be, as one LIFETIME from `now`."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        at = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() if moment else 0
    except (ValueError, OverflowError):
        at = 0
    # A clock that is wrong, here or there, must not make every poll sign in again.
    return at if at > now else now + DEFAULT_LIFETIME


_UNSAID: Final = "the account of servers.toml"


class CvadSession:
    """A signed-in conversation with one site, over one link."""

    def __init__(self, server: Server, link: HttpClient, clock: Clock) -> None:
        self._server = server
        self._link = link
        self._clock = clock
        self._token: Token | None = None
        self.site_id = ""  # id of the site that is asked about, once it is known

    @property
    def address(self) -> str:
        """HOST:PORT, for messages."""
        return self._link.address

    async def sign_in(self) -> str:
        """Make sure of a token that is not about to end; says who we are."""
        token = await self._valid()
        return token.principal or _UNSAID

    async def customer_id(self) -> str:
        """The customer id that belongs to the token."""
        return (await self._valid()).customer_id

    async def get(self, url: str) -> HttpReply:
        """Ask for a path or URL of the server; a token refused in mid-session is renewed once.

        Any status but 401 comes back as it is. Raises SourceError.
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
        """As documented for every call; the scheme is read in any case of letters."""
        headers = {
            "Authorization": f"CWSAuth bearer={token.value}",
            "Citrix-CustomerId": token.customer_id,
            "Accept": "application/json",
        }
        return headers | ({"Citrix-InstanceId": quote(self.site_id)} if self.site_id else {})
