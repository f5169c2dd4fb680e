"""Requests to Citrix Cloud with a token: the one place that holds it, renews it, and sends it.

Owns the headers of every request but the one for the token, and which answers are answers. Must not
know what is asked.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from lictui.model import FailureKind, Step
from lictui.sources.address import host_port, origin
from lictui.sources.answers import decoded
from lictui.sources.cloud.answers import noted, path_of, refusal
from lictui.sources.http import retrying
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from lictui.clock import Clock
    from lictui.model import Server
    from lictui.sources.http import Link, Reply
    from lictui.sources.tokens import Token

    SignIn = Callable[[Server, Link, Clock, str], Awaitable[Token]]


class Session:
    """A signed-in conversation on behalf of one customer, over one link."""

    def __init__(
        self,
        server: Server,
        link: Link,
        clock: Clock,
        sign_in: SignIn,
        hints: Mapping[int, str],
    ) -> None:
        """`hints` say what to do about some statuses, where the usual words would not help."""
        self._server = server
        self._link = link
        self._clock = clock
        self._sign_in = sign_in
        self._hints = hints
        self._token: Token | None = None

    async def sign_in(self) -> str:
        """Make sure of a token that is not about to end; says who we are. Raises SourceError."""
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

    async def ask(self, url: str, *, renew: bool = True) -> object:
        """The JSON at a path of the server or a full URL; None for 204, which holds none.

        A token refused in mid-session is renewed once, unless it was just seen to be good. Raises
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
            return decoded(reply, self._where(url), Step.PARSE)
        unauthorized = reply.status == HTTPStatus.UNAUTHORIZED
        if renew and unauthorized:
            self._token = None
        step = Step.AUTH if unauthorized else Step.INVENTORY
        raise refusal(
            reply, self._where(url), path_of(url), step, hints=self._hints, hidden=(token.value,)
        )

    async def _valid(self, dead: str = "") -> Token:
        if self._token is None or self._clock.now() >= self._token.until:
            self._token = None
            self._token = await self._sign_in(self._server, self._link, self._clock, dead)
        return self._token

    async def _send(self, url: str, token: Token) -> Reply:
        reply = await retrying(
            lambda: self._link.request(
                "GET", url, step=Step.INVENTORY, headers=self._headers(token)
            ),
            self._clock,
        )
        return noted(reply, self._where(url), path_of(url))

    def _where(self, url: str) -> str:
        return self._link.where if url.startswith("/") else host_port(origin(url))

    def _headers(self, token: Token) -> Mapping[str, str]:
        """As documented for every call; the scheme is read in any case of letters."""
        return {
            "Authorization": f"CwsAuth bearer={token.value}",
            "Citrix-CustomerId": self._server.customer_id,
            "Accept": "application/json",
        }
