"""How a token is got: from a Delivery Controller for a password, or from Citrix Cloud.

Owns the choice, and how a controller is signed in to. Must not know what the token is used for. The
secret is looked up here, sent once, and kept nowhere; the token is never logged.
"""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from lictui.model import Step
from lictui.sources import credentials
from lictui.sources.address import refuse_in_the_clear
from lictui.sources.answers import decoded, get
from lictui.sources.clean import text
from lictui.sources.cloud import sign_in as cloud
from lictui.sources.cvad.answers import first_present, refusal
from lictui.sources.http import retrying
from lictui.sources.source import SourceError
from lictui.sources.tokens import LIFETIME, SENDABLE, Token, renewal, sendable

if TYPE_CHECKING:
    from lictui.clock import Clock
    from lictui.model import Server
    from lictui.sources.http import Link, Reply

# Both are in use: the first is documented, the second is what older releases answer to.
PATHS: Final = ("/cvad/manage/Tokens", "/citrix/orchestration/api/tokens")
ON_PREMISES: Final = "CitrixOnPremises"


async def sign_in(server: Server, link: Link, clock: Clock, dead: str = "") -> Token:
    """A token for `server`, a fresh one where it is on-premises.

    `dead` is the value of one that was refused. Raises SourceError with step `auth`.
    """
    if server.customer_id:
        return await cloud.sign_in(server, link, clock, dead)
    refuse_in_the_clear(server.url)
    secret = await credentials.secret(server)
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
        sendable(get(answer, "Token"), link.where),
        customer if isinstance(customer, str) and SENDABLE.fullmatch(customer) else ON_PREMISES,
        text(get(answer, "Principal"), 80),
        renewal(now, _moment(get(answer, "ExpiresAt"), now) - now),
    )


def _answer(reply: Reply, link: Link, path: str, secret: str) -> object:
    if reply.status == HTTPStatus.OK:
        return decoded(reply, link.where, Step.AUTH)
    failure = refusal(reply, link.where, path, Step.AUTH).failure
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
    return at if at > now else now + LIFETIME
