"""Who may come in: Basic over TLS, and NTLM by Negotiate, bound to the connection.

Owns the 401s and the handshake. Must not know what is asked for inside.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import spnego
from spnego.channel_bindings import GssChannelBindings

from lictui.simulator.http import Reply
from lictui.simulator.winrm.users import only

if TYPE_CHECKING:
    from lictui.simulator.http import Connection, Request
    from lictui.simulator.winrm.users import Account

# An AV pair of that kind and length in an NTLM AUTHENTICATE message (MS-NLMP 2.2.2.1).
_BINDINGS_ARE_SENT: Final = b"\x0a\x00\x10\x00"


@dataclass(frozen=True, slots=True)
class Admission:
    """Someone who may come in."""

    context: spnego.ContextProxy | None = None  # None after Basic, which agrees on no keys
    headers: tuple[tuple[str, str], ...] = ()  # to be sent with the reply


class Login:
    """The door of one server."""

    def __init__(self, account: Account, machine: str, offers: frozenset[str]) -> None:
        self._account = account
        self._machine = machine
        self._offers = offers

    def admit(self, request: Request, connection: Connection, *, deny: bool) -> Admission | Reply:
        """Let the request in, or say what to do next; `deny` refuses every password."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        match scheme.lower():
            case "basic" if self._basic(connection) and not deny and self._is_account(given):
                return Admission()
            case "negotiate" if given and "negotiate" in self._offers:
                return self._negotiate(given, connection, deny=deny)
            case "" if isinstance(connection.memory, spnego.ContextProxy) and not deny:
                if connection.memory.complete:
                    return Admission(connection.memory)
        return self._refuse(connection)

    def _basic(self, connection: Connection) -> bool:
        return "basic" in self._offers and connection.encrypted

    def _is_account(self, given: str) -> bool:
        try:
            said = b64decode(given, validate=True)
        except ValueError:
            return False
        known = f"{self._account.username}:{self._account.password}"
        # RFC 7617 leaves the encoding open, and clients differ.
        return said in {known.encode(), known.encode("latin-1", "replace")}

    def _negotiate(self, given: str, connection: Connection, *, deny: bool) -> Admission | Reply:
        context = connection.memory
        if not isinstance(context, spnego.ContextProxy) or context.complete:
            connection.memory = context = spnego.server(
                protocol="negotiate", options=spnego.NegotiateOptions.use_negotiate
            )
        try:
            token = b64decode(given, validate=True)
            with only(self._account, self._machine):
                answer = context.step(token, channel_bindings=_bindings(token, connection))
        except Exception:  # noqa: BLE001 - however pyspnego chokes on a token, it opens nothing
            return self._refuse(connection)
        headers = (
            (("WWW-Authenticate", f"Negotiate {b64encode(answer).decode()}"),) if answer else ()
        )
        if not context.complete:
            return Reply(401, headers)
        if deny:
            return self._refuse(connection)
        return Admission(context, headers)

    def _refuse(self, connection: Connection) -> Reply:
        connection.memory = None
        offers = []
        if "negotiate" in self._offers:
            offers.append(("WWW-Authenticate", "Negotiate"))
        if self._basic(connection):
            offers.append(("WWW-Authenticate", 'Basic realm="WSMAN"'))
        return Reply(401, tuple(offers))


def _bindings(token: bytes, connection: Connection) -> GssChannelBindings | None:
    """What a client must have bound itself to (RFC 5929), if it did.

    Windows, unless hardened, lets in a client that sends none.
    """
    if not connection.encrypted or _BINDINGS_ARE_SENT not in token:
        return None
    digest = hashlib.sha256(connection.certificate).digest()  # our certificates are signed by it
    return GssChannelBindings(application_data=b"tls-server-end-point:" + digest)
