"""Requests with a token: the one place that holds it, renews it, and sends it.

Owns the headers of every request but the one for the token. Must not know what is asked.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from lictui.model import Step
from lictui.sources.cvad.answers import refusal
from lictui.sources.cvad.token import sign_in
from lictui.sources.http import retrying

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lictui.clock import Clock
    from lictui.model import Server
    from lictui.sources.http import Link, Reply
    from lictui.sources.tokens import Token

_UNSAID: Final = "the account of servers.toml"


class Session:
    """A signed-in conversation with one site, over one link."""

    def __init__(self, server: Server, link: Link, clock: Clock) -> None:
        self._server = server
        self._link = link
        self._clock = clock
        self._token: Token | None = None
        self.site = ""  # id of the site that is asked about, once it is known

    @property
    def where(self) -> str:
        """HOST:PORT, for messages."""
        return self._link.where

    async def sign_in(self) -> str:
        """Make sure of a token that is not about to end; says who we are."""
        token = await self._valid()
        return token.principal or _UNSAID

    async def customer(self) -> str:
        """The customer id that belongs to the token."""
        return (await self._valid()).customer

    async def get(self, url: str) -> Reply:
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
            raise refusal(reply, self.where, url, Step.AUTH)
        return reply

    async def _valid(self, dead: str = "") -> Token:
        if self._token is None or self._clock.now() >= self._token.until:
            self._token = None
            self._token = await sign_in(self._server, self._link, self._clock, dead)
        return self._token

    async def _send(self, url: str, token: Token) -> Reply:
        return await retrying(
            lambda: self._link.request(
                "GET", url, step=Step.INVENTORY, headers=self._headers(token)
            ),
            self._clock,
        )

    def _headers(self, token: Token) -> Mapping[str, str]:
        """As documented for every call; the scheme is read in any case of letters."""
        headers = {
            "Authorization": f"CWSAuth bearer={token.value}",
            "Citrix-CustomerId": token.customer,
            "Accept": "application/json",
        }
        return headers | ({"Citrix-InstanceId": quote(self.site)} if self.site else {})
