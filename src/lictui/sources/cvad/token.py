"""How a token is got: from a Delivery Controller for a password, or from Citrix Cloud.

Owns both forms of signing in. Must not know what the token is used for. The secret is looked up
here, sent once, and kept nowhere; the token is never logged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

from lictui.sources import credentials
from lictui.sources.address import origin, refuse_in_the_clear
from lictui.sources.answers import decoded, get
from lictui.sources.clean import text, whole
from lictui.sources.cvad.answers import first_present, refusal
from lictui.sources.http import retrying
from lictui.sources.source import SourceError
from lictui.words import FailureKind, Step

if TYPE_CHECKING:
    from lictui.clock import Clock
    from lictui.model import Server
    from lictui.sources.http import Link, Reply

# Both are in use: the first is documented, the second is what older releases answer to.
PATHS: Final = ("/cvad/manage/Tokens", "/citrix/orchestration/api/tokens")
ON_PREMISES: Final = "CitrixOnPremises"
LIFETIME: Final = 3600.0  # seconds, where the server does not say (both documentations say an hour)
MARGIN: Final = 60.0  # seconds before its end at which a token is renewed
# The API of a customer's own host is signed in to here (Citrix Cloud, "Get started").
_GLOBAL: Final = "https://api.cloud.com"
_OWN_HOST: Final = ".xendesktop.net"
_SENDABLE: Final = re.compile(r"[\x21-\x7e]{1,16384}")


@dataclass(frozen=True, slots=True)
class Token:
    """A right to ask, for a while."""

    value: str = field(repr=False)
    customer: str
    principal: str  # who the server says we are, "" if it does not
    until: float  # UTC epoch seconds; renewal is due, not yet the end


async def sign_in(server: Server, link: Link, clock: Clock) -> Token:
    """A fresh token for `server`; raises SourceError with step `auth`."""
    refuse_in_the_clear(server.url)
    secret = await credentials.secret(server)
    if server.customer_id:
        return await _from_cloud(server, secret, link, clock)
    return await _from_controller(server, secret, link, clock)


async def _from_controller(server: Server, secret: str, link: Link, clock: Clock) -> Token:
    headers = {
        "Authorization": credentials.basic(server.username, secret),
        "Accept": "application/json",
    }

    async def ask(path: str) -> Reply:
        return await retrying(
            lambda: link.request("POST", path, step=Step.AUTH, headers=headers), clock
        )

    path, reply = await first_present(PATHS, ask)
    answer = _answer(reply, link, path, secret)
    now = clock.now()
    customer = get(answer, "CustomerId")
    return Token(
        _sendable(get(answer, "Token"), link),
        customer if isinstance(customer, str) and _SENDABLE.fullmatch(customer) else ON_PREMISES,
        text(get(answer, "Principal"), 80),
        _renewal(now, _moment(get(answer, "ExpiresAt"), now) - now),
    )


async def _from_cloud(server: Server, secret: str, link: Link, clock: Clock) -> Token:
    """OAuth 2 client credentials; the answer may be an error in spite of a status 200."""
    path = f"/cctrustoauth2/{quote(server.customer_id, safe='')}/tokens/clients"
    own = origin(server.url).host.endswith(_OWN_HOST)
    form = {
        "grant_type": "client_credentials",
        "client_id": server.username,
        "client_secret": secret,
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    reply = await retrying(
        lambda: link.request(
            "POST",
            (_GLOBAL if own else "") + path,
            step=Step.AUTH,
            headers=headers,
            content=urlencode(form).encode(),
        ),
        clock,
    )
    answer = _answer(reply, link, path, secret)
    if error := text(get(answer, "error_description")) or text(get(answer, "error")):
        raise SourceError(
            FailureKind.AUTH,
            f"Citrix Cloud does not accept the client: {_without(secret, error)}",
            "username is the client id, the secret its client secret (which may have expired).",
            Step.AUTH,
        )
    seconds = whole(get(answer, "expires_in"))  # documented as a string of digits
    return Token(
        _sendable(get(answer, "access_token"), link),
        server.customer_id,
        "",
        _renewal(clock.now(), seconds or LIFETIME),
    )


def _answer(reply: Reply, link: Link, path: str, secret: str) -> object:
    if reply.status == HTTPStatus.OK:
        return decoded(reply, link.where, Step.AUTH)
    failure = refusal(reply, link.where, path, Step.AUTH).failure
    raise SourceError(failure.kind, _without(secret, failure.message), failure.hint, Step.AUTH)


def _without(secret: str, words: str) -> str:
    """`words` of a server that might repeat what it was sent."""
    return words.replace(secret, "…") if secret else words


def _sendable(token: object, link: Link) -> str:
    if isinstance(token, str) and _SENDABLE.fullmatch(token):
        return token
    raise SourceError(
        FailureKind.PARSE,
        f"{link.where} accepted us, but its answer holds no token",
        "Is this the address of a Delivery Controller or of Citrix Cloud?",
        Step.AUTH,
    )


def _moment(value: object, now: float) -> float:
    """An ISO time as UTC epoch seconds; a time that cannot be, as one LIFETIME from `now`."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        at = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() if moment else 0
    except (ValueError, OverflowError):
        at = 0
    # A clock that is wrong, here or there, must not make every poll sign in again.
    return at if at > now else now + LIFETIME


def _renewal(now: float, lifetime: float) -> float:
    return now + lifetime - min(MARGIN, lifetime / 10)
