"""How Citrix Cloud is signed in to: a client id and its secret for a token, in either form.

Owns both requests: OAuth 2 client credentials (developer-docs.citrix.com, "Get started with Citrix
Cloud APIs") and the older JSON form of the trust service (developer.cloud.com, "Authenticate").
Must not know what the token is used for. The secret is looked up here, sent once, kept nowhere.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote_plus, urlencode

from lictui.model import FailureKind, Step
from lictui.sources import credentials
from lictui.sources.address import host_port, origin, refuse_in_the_clear
from lictui.sources.answers import decoded, get
from lictui.sources.clean import whole
from lictui.sources.cloud import regions
from lictui.sources.cloud.answers import CLIENT, complaint, noted, path_of, refusal
from lictui.sources.http import retrying
from lictui.sources.source import SourceError
from lictui.sources.tokens import LIFETIME, Token, account, renewal, sendable, shared

if TYPE_CHECKING:
    from collections.abc import Callable

    from lictui.clock import Clock
    from lictui.model import Server
    from lictui.sources.http import Link, Reply

_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
_JSON: Final = {"Content-Type": "application/json", "Accept": "application/json"}


@dataclass(frozen=True, slots=True)
class _Form:
    """One way to ask for a token: what is sent, and what the answer calls things."""

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
    """Where tokens are given out, in which form, and what to do if there is no such place."""

    url: str
    form: Callable[[str, str], _Form]
    hint: str


async def sign_in(server: Server, link: Link, clock: Clock, dead: str = "") -> Token:
    """A token for a customer of Citrix Cloud, perhaps one that another server got; see `shared`.

    Raises SourceError with step `auth`.
    """
    url, legacy = regions.of_token(server.url, server.customer_id)
    form = _legacy if legacy else _oauth
    hint = regions.hint(server.url)
    return await _signed_in(server, link, clock, _Place(url, form, hint), dead)


async def sign_in_to_trust(server: Server, link: Link, clock: Clock, dead: str = "") -> Token:
    """A token for License Usage Insights, likewise."""
    url = regions.of_partners(server.url, server.trust_url)
    hint = f"Is trust_url where tokens are given out, such as {regions.TRUST}?"
    return await _signed_in(server, link, clock, _Place(url, _legacy, hint), dead)


async def _signed_in(server: Server, link: Link, clock: Clock, place: _Place, dead: str) -> Token:
    refuse_in_the_clear(place.url)
    refuse_in_the_clear(server.url)  # where the token goes
    secret = await credentials.secret(server)
    form = place.form(server.username, secret)

    async def ask() -> Token:
        reply = await retrying(
            lambda: link.request(
                "POST", place.url, step=Step.AUTH, headers=form.headers, content=form.body
            ),
            clock,
        )
        answer = _answer(reply, place, secret)
        seconds = whole(get(answer, form.lifetime))
        return Token(
            sendable(get(answer, form.token), host_port(origin(place.url))),
            server.customer_id,
            "",
            renewal(clock.now(), seconds or LIFETIME),
        )

    return await shared(account(place.url, server.username, secret), ask, clock, dead)


def _answer(reply: Reply, place: _Place, secret: str) -> object:
    """The JSON of a success; an error may come with a 200, too."""
    where, path = host_port(origin(place.url)), path_of(place.url)
    noted(reply, where, path)
    hidden = (secret, quote_plus(secret))  # as it stands, and as it was sent
    answer = None
    if reply.status in (HTTPStatus.OK, HTTPStatus.BAD_REQUEST):
        answer = _if_json(reply, where)
        # With a 400 it says what is wrong with the client (RFC 6749, section 5.2).
        if get(answer, "error") or get(answer, "error_description"):
            raise SourceError(
                FailureKind.AUTH,
                f"{where} does not accept the client: {complaint(answer, hidden)}",
                CLIENT,
                Step.AUTH,
            )
    if reply.status != HTTPStatus.OK:
        hints: dict[int, str] = {HTTPStatus.NOT_FOUND: place.hint}
        raise refusal(reply, where, path, Step.AUTH, hints=hints, hidden=hidden)
    return answer


def _if_json(reply: Reply, where: str) -> object:
    try:
        return decoded(reply, where, Step.AUTH)
    except SourceError:
        if reply.status == HTTPStatus.OK:
            raise
        return None
