"""NTLM and Kerberos: a handshake that lets one connection in, and seals what plain HTTP carries.

Owns the exchange of tokens (MS-WSMV, RFC 4559) and the life of a login: it belongs to one
connection, and dies with it. The tokens themselves are pyspnego's. Must not know what is asked.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from lictui.model import FailureKind, Step
from lictui.sources.clean import text
from lictui.sources.source import SourceError
from lictui.sources.winrm import sealing
from lictui.sources.winrm.context import TokenError, new_context, step
from lictui.sources.winrm.login import UNAUTHORIZED, offers, refused
from lictui.sources.winrm.refusals import by_status

if TYPE_CHECKING:
    from spnego import ContextProxy

    from lictui.model import Server
    from lictui.sources.http import Reply
    from lictui.sources.winrm.endpoint import Endpoint

_MOST_LEGS: Final = 6  # NTLM takes 2, Kerberos 1 or 2, a change of mind one more
# The schemes that carry a protocol's tokens, the best first.
_CARRIERS: Final = {
    "negotiate": ("Negotiate",),
    "ntlm": ("NTLM", "Negotiate"),
    "kerberos": ("Kerberos", "Negotiate"),
}
_NAMES: Final = {"ntlm": "NTLM", "kerberos": "Kerberos"}


class Negotiated:
    """Logs each connection in once; over plain HTTP no SOAP is ever sent or read unsealed."""

    def __init__(self, server: Server, endpoint: Endpoint, protocol: str) -> None:
        self._server, self._endpoint, self._protocol = server, endpoint, protocol
        self._scheme = _CARRIERS[protocol][-1]  # until the server says what it offers
        self._context: ContextProxy | None = None  # of the connection that is let in
        self.identity = ""  # unknown until then

    async def post(self, soap: bytes) -> Reply:
        """One question, one answer; logs in first where no login lives, and only once."""
        kept, self._context = self._context, None  # whatever goes wrong below costs the login
        if kept:
            reply = await self._send(soap, kept)
            if not _is_shut_out(reply):
                reply = self._opened(reply, kept)
                self._context = kept
                return reply
        context = await self._shake_hands()
        reply = await self._send(soap, context)
        if reply.status == UNAUTHORIZED:
            raise self._refused(reply)
        if _is_shut_out(reply):
            raise self._unsound("the connection is closed as soon as it is let in")
        reply = self._opened(reply, context)
        self._context = context
        return reply

    async def _send(self, soap: bytes, context: ContextProxy) -> Reply:
        if self._endpoint.encrypted:
            return await self._endpoint.post(soap)
        return await self._endpoint.post(
            sealing.seal(soap, context, self._seal), content_type=sealing.content_type(self._seal)
        )

    def _opened(self, reply: Reply, context: ContextProxy) -> Reply:
        if self._endpoint.encrypted:
            return reply
        if not sealing.is_sealed(reply.headers.get("content-type", "")):
            if reply.status != HTTPStatus.OK:
                raise by_status(reply, self._endpoint.where, Step.INVENTORY)
            raise self._unsound("the answer to an encrypted question is not encrypted")
        try:
            return replace(reply, body=sealing.unseal(reply.body, context))
        except Exception as error:  # pyspnego raises many kinds for what a stranger sends
            raise self._unsound(f"an encrypted answer cannot be opened: {text(error)}") from error

    @property
    def _seal(self) -> str:
        return "Kerberos" if self._scheme == "Kerberos" else "SPNEGO"

    async def _shake_hands(self) -> ContextProxy:
        """Log a new connection in: an empty POST to see what is offered, then the tokens."""
        await self._endpoint.reconnect()
        hello = await self._endpoint.post(b"")
        if hello.status != UNAUTHORIZED:
            raise by_status(hello, self._endpoint.where, Step.AUTH)
        self._scheme = self._carrier(hello)
        context = await new_context(
            self._server, self._protocol, self._endpoint.host, hello.certificate
        )
        token = await self._begin(context)
        for leg in range(_MOST_LEGS):
            if not token:
                break
            token = await self._leg(context, token, first=leg == 0)
        if not context.complete:
            raise self._unsound("the login comes to no end")
        used = _NAMES.get(context.negotiated_protocol or "", self._protocol)
        self.identity = f"{used} as {self._server.username or 'the owner of the ticket'}"
        return context

    def _carrier(self, hello: Reply) -> str:
        offered = offers(hello)
        for scheme in _CARRIERS[self._protocol]:
            if scheme in offered:
                return scheme
        if not offered:
            raise self._unsound("it says 401, and offers no way to log in")
        raise self._refused(hello)

    async def _begin(self, context: ContextProxy) -> bytes | None:
        try:
            return await step(context, None)
        except TokenError as error:
            raise SourceError(
                FailureKind.AUTH,
                f"{self._protocol} has nothing to log in with: {error}",
                "Check username and secret; for Kerberos the ticket too (klist), and that the url"
                " has the server's full name.",
                Step.AUTH,
            ) from error

    async def _leg(self, context: ContextProxy, token: bytes, *, first: bool) -> bytes | None:
        """Send one token, take the answer to it; the next token, None after the last."""
        header = f"{self._scheme} {base64.b64encode(token).decode()}"
        reply = await self._endpoint.post(b"", authorization=header)
        if reply.fresh:
            raise self._unsound("the connection is closed between its steps")
        if reply.status not in {HTTPStatus.OK, UNAUTHORIZED}:
            raise by_status(reply, self._endpoint.where, Step.AUTH)
        answer = self._token(reply)
        if reply.status == UNAUTHORIZED and (not answer or context.complete):
            raise self._refused(reply)
        if not answer:
            return None
        try:
            return await step(context, answer)
        except TokenError as error:
            if first or reply.status == HTTPStatus.OK:
                raise self._unsound(f"its token makes no sense: {error}") from error
            raise self._refused(reply) from error  # a token that only says no

    def _token(self, reply: Reply) -> bytes:
        try:
            return base64.b64decode(offers(reply).get(self._scheme, ""), validate=True)
        except ValueError as error:
            raise self._unsound("its token is not base64") from error

    def _refused(self, reply: Reply) -> SourceError:
        hint = "The account may also be locked, or barred from logging on over the network."
        return refused(self._server, reply, self._scheme, hint)

    def _unsound(self, reason: str) -> SourceError:
        return SourceError(
            FailureKind.PROTOCOL,
            f"{self._scheme} login to {self._endpoint.where} failed: {reason}",
            "A proxy or load balancer in between breaks this login: connect directly.",
            Step.AUTH,
        )


def _is_shut_out(reply: Reply) -> bool:
    """Whether the login was for nothing: 401, or a new connection that knows nothing of it."""
    return reply.fresh or reply.status == UNAUTHORIZED
