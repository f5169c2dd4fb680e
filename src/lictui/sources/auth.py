"""Names and passwords on their way to a server.

Owns the moment a secret is looked up, and its form on the wire. Must not know any protocol; keeps
nothing.
"""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from lictui.config.secrets import SecretError, resolve_secret
from lictui.model import Failure, FailureKind, Server, Step
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from lictui.clock import Clock


async def server_secret(server: Server) -> str:
    """The secret that `server` refers to, looked up now; SourceError (config) if it cannot be."""
    try:
        return await resolve_secret(server.secret)
    except SecretError as error:
        raise SourceError(FailureKind.CONFIG, error.message, error.hint, Step.AUTH) from error


def basic_header(username: str, password: str) -> str:
    """The value of an Authorization header with a password in the clear (RFC 7617, UTF-8)."""
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode()


# Tokens: what one is, how long it is good for, and who may use one that another server asked for


DEFAULT_LIFETIME: Final = (
    3600.0  # seconds, where the server does not say (all documentations say an hour)
)
RENEWAL_MARGIN: Final = 60.0  # seconds before its end at which a token is renewed
VALID_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,16384}")
_OF_THE_ACCOUNT: Final = (FailureKind.AUTH, FailureKind.FORBIDDEN, FailureKind.RATE_LIMITED)


@dataclass(frozen=True, slots=True)
class Token:
    """A right to ask, for a while."""

    value: str = field(repr=False)
    customer_id: str
    principal: str  # who the server says we are, "" if it does not
    renew_at: float  # UTC epoch seconds; renewal is due, not yet the end


def checked_token(token: object, where: str) -> str:
    """`token` if a header can carry it; raises SourceError (parse) for the answer of `where`."""
    if isinstance(token, str) and VALID_TOKEN.fullmatch(token):
        return token
    raise SourceError(
        FailureKind.PARSE,
        f"{where} accepted us, but its answer holds no token",
        "Is this the address of a Delivery Controller or of Citrix Cloud?",
        Step.AUTH,
    )


def renewal_time(now: float, lifetime: float) -> float:
    """When to renew a token that is good for `lifetime` seconds from `now`."""
    return now + lifetime - min(RENEWAL_MARGIN, lifetime / 10)


class _Account:
    """One client at one place that gives out tokens."""

    def __init__(self) -> None:
        self.asking = asyncio.Lock()
        self.asked = 0  # how often, to tell who waited for which answer
        self.token: Token | None = None
        self.refusal: Failure | None = None  # what the last one who asked was told


# By event loop, for a lock belongs to one. A lock that was waited for holds its loop: no weak keys.
_ACCOUNTS: Final[dict[asyncio.AbstractEventLoop, dict[str, _Account]]] = {}


def _accounts() -> dict[str, _Account]:
    """The accounts of the running loop; those of loops that have ended are forgotten."""
    loop = asyncio.get_running_loop()
    if loop not in _ACCOUNTS:
        for ended in [each for each in tuple(_ACCOUNTS) if each.is_closed()]:
            _ACCOUNTS.pop(ended, None)  # another thread may have been faster
        _ACCOUNTS[loop] = {}
    return _ACCOUNTS[loop]


def account_key(*parts: str) -> str:
    """The key of an account by place, client and secret: another secret is another account."""
    return sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()


async def shared_token(
    key: str, ask: Callable[[], Awaitable[Token]], clock: Clock, dead: str = ""
) -> Token:
    """The token of the account `key`: one that is still good, else what `ask` brings.

    `dead` is the value of a token that a server has refused. One asks at a time; those who wait
    meanwhile take its token, or its refusal where that holds for all. Raises what `ask` raises.
    """
    known = _accounts().setdefault(key, _Account())
    asked = known.asked
    async with known.asking:
        if known.token and known.token.value != dead and clock.now() < known.token.renew_at:
            return known.token
        if known.refusal and known.asked != asked:
            told = known.refusal
            raise SourceError(told.kind, told.message, told.hint, told.step)
        known.token = known.refusal = None
        try:
            known.token = await ask()
        except SourceError as error:
            if error.failure.kind in _OF_THE_ACCOUNT:
                known.refusal = error.failure
            raise
        finally:
            known.asked += 1
        return known.token
