"""Passwords and tokens of sources. A secret is looked up only when it is needed, and not kept."""

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
    """Return the secret that `server` refers to; raises SourceError (config)."""
    try:
        return await resolve_secret(server.secret)
    except SecretError as error:
        raise SourceError(FailureKind.CONFIG, error.message, error.hint, Step.AUTH) from error


def basic_header(username: str, password: str) -> str:
    """Return the value of an Authorization header with Basic credentials (RFC 7617, UTF-8)."""
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode()


# Access tokens: lifetime, renewal, and sharing between servers


DEFAULT_LIFETIME: Final = (
    3600.0  # seconds, if the server does not say (all documentations say an hour)
)
RENEWAL_MARGIN: Final = 60.0  # seconds before its end at which a token is renewed
VALID_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,16384}")
_OF_THE_ACCOUNT: Final = (FailureKind.AUTH, FailureKind.FORBIDDEN, FailureKind.RATE_LIMITED)


@dataclass(frozen=True, slots=True)
class Token:
    """An access token."""

    value: str = field(repr=False)
    customer_id: str
    principal: str  # the user name as the server reports it, else ""
    renew_at: float  # UTC epoch seconds; the time of renewal, before the end


def checked_token(token: object, where: str) -> str:
    """Return `token` if it fits into a header; raises SourceError (parse)."""
    if isinstance(token, str) and VALID_TOKEN.fullmatch(token):
        return token
    raise SourceError(
        FailureKind.PARSE,
        f"{where} accepted the credentials, but returned no token",
        "Check that the URL is that of a Delivery Controller or of Citrix Cloud.",
        Step.AUTH,
    )


def renewal_time(now: float, lifetime: float) -> float:
    """Return when to renew a token with `lifetime` seconds from `now`."""
    return now + lifetime - min(RENEWAL_MARGIN, lifetime / 10)


class _Account:
    """A client at one token endpoint."""

    def __init__(self) -> None:
        self.asking = asyncio.Lock()
        self.asked = 0  # how often a token was requested, to tell who waited for which reply
        self.token: Token | None = None
        self.refusal: Failure | None = None  # the failure of the last request


# By event loop, for a lock belongs to one. A used lock holds its loop: weak keys are no option.
_ACCOUNTS: Final[dict[asyncio.AbstractEventLoop, dict[str, _Account]]] = {}


def _accounts() -> dict[str, _Account]:
    """Return the accounts of the running loop; those of closed loops are dropped."""
    loop = asyncio.get_running_loop()
    if loop not in _ACCOUNTS:
        for ended in [each for each in tuple(_ACCOUNTS) if each.is_closed()]:
            _ACCOUNTS.pop(ended, None)  # another thread may have removed it
        _ACCOUNTS[loop] = {}
    return _ACCOUNTS[loop]


def account_key(*parts: str) -> str:
    """Return the key of an account: another secret is another account."""
    return sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()


async def shared_token(
    key: str, ask: Callable[[], Awaitable[Token]], clock: Clock, dead: str = ""
) -> Token:
    """Return the token of the account `key`: the current one if valid, else the result of `ask`.

    `dead` is the value of a token that a server has rejected. Only one caller requests at a time;
    those who wait share its token, or its failure where that applies to all. Raises what `ask`
    raises.
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
