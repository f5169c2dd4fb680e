"""Authentication of the simulated WinRM server: Basic over TLS, NTLM by Negotiate, encryption."""

from __future__ import annotations

import hashlib
import os
import re
import struct
import tempfile
import threading
from base64 import b64decode, b64encode
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import spnego
from spnego.channel_bindings import GssChannelBindings

from lictui.simulator.http import Connection, Request, SimulatedReply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spnego import ContextProxy


# Temporary NTLM user file with one account


_file_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class WindowsAccount:
    r"""A user, as `CORP\name`, `name@corp.example` or, of the machine itself, `name`."""

    username: str
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        if any(mark in self.username + self.password for mark in ":\r\n"):
            raise ValueError("NTLM's user file cannot hold a colon or a line break")

    def lines(self, machine: str) -> str:
        """This user as NTLM may name it, one `DOMAIN:USER:PASSWORD` a line."""
        domain, _, name = self.username.rpartition("\\")
        domains = [domain] if domain or "@" in name else ["", ".", machine]
        return "".join(f"{domain}:{name}:{self.password}\n" for domain in domains)


@contextmanager
def ntlm_user_file(account: WindowsAccount, machine: str) -> Iterator[None]:
    """Let NTLM know `account` of `machine` and nobody else; servers may share users' names."""
    with _file_lock:
        file = _folder() / "users"
        file.parent.mkdir(mode=0o700)
        file.write_text(account.lines(machine), encoding="utf-8")
        # Set once: to change the environment is not safe while other threads read it.
        if os.environ.get("NTLM_USER_FILE") != str(file):
            os.environ["NTLM_USER_FILE"] = str(file)
        try:
            yield
        finally:
            file.unlink()
            file.parent.rmdir()


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="lictui-"))
    folder.rmdir()  # made for each login: nothing is left behind, however the process ends
    return folder


# An AV pair of that kind and length in an NTLM AUTHENTICATE message (MS-NLMP 2.2.2.1).
_BINDINGS_ARE_SENT: Final = b"\x0a\x00\x10\x00"


@dataclass(frozen=True, slots=True)
class AcceptedLogin:
    """A client that is let in."""

    context: spnego.ContextProxy | None = None  # None after Basic, which agrees on no keys
    headers: tuple[tuple[str, str], ...] = ()  # to be sent with the reply


@dataclass(frozen=True, slots=True)
class LoginAcceptor:
    """Authentication of one server's clients."""

    account: WindowsAccount
    machine: str
    offers: frozenset[str]  # of "basic" and "negotiate"

    def authenticate(
        self, request: Request, connection: Connection, *, deny: bool
    ) -> AcceptedLogin | SimulatedReply:
        """Let the request in, or say what to do next; `deny` refuses every password."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        match scheme.lower():
            case "basic" if self._basic(connection) and not deny and self._is_account(token):
                return AcceptedLogin()
            case "negotiate" if token and "negotiate" in self.offers:
                return self._negotiate(token, connection, deny=deny)
            case "" if isinstance(connection.state, spnego.ContextProxy) and not deny:
                if connection.state.complete:
                    return AcceptedLogin(connection.state)
        return self._refuse(connection)

    def _basic(self, connection: Connection) -> bool:
        return "basic" in self.offers and connection.encrypted

    def _is_account(self, token: str) -> bool:
        try:
            credentials = b64decode(token, validate=True)
        except ValueError:
            return False
        account = f"{self.account.username}:{self.account.password}"
        # RFC 7617 leaves the encoding open, and clients differ.
        return credentials in {account.encode(), account.encode("latin-1", "replace")}

    def _negotiate(
        self, base64: str, connection: Connection, *, deny: bool
    ) -> AcceptedLogin | SimulatedReply:
        context = connection.state
        if not isinstance(context, spnego.ContextProxy) or context.complete:
            connection.state = context = spnego.server(
                protocol="negotiate", options=spnego.NegotiateOptions.use_negotiate
            )
        try:
            token = b64decode(base64, validate=True)
            with ntlm_user_file(self.account, self.machine):
                answer = context.step(token, channel_bindings=_bindings(token, connection))
        except Exception:  # noqa: BLE001 - however pyspnego chokes on a token, it opens nothing
            return self._refuse(connection)
        headers = (
            (("WWW-Authenticate", f"Negotiate {b64encode(answer).decode()}"),) if answer else ()
        )
        if not context.complete:
            return SimulatedReply(401, headers)
        if deny:
            return self._refuse(connection)
        return AcceptedLogin(context, headers)

    def _refuse(self, connection: Connection) -> SimulatedReply:
        connection.state = None
        offers = []
        if "negotiate" in self.offers:
            offers.append(("WWW-Authenticate", "Negotiate"))
        if self._basic(connection):
            offers.append(("WWW-Authenticate", 'Basic realm="WSMAN"'))
        return SimulatedReply(401, tuple(offers))


def _bindings(token: bytes, connection: Connection) -> GssChannelBindings | None:
    """What a client must have bound itself to (RFC 5929), if it did.

    Windows, unless hardened, lets in a client that sends none.
    """
    if not connection.encrypted or _BINDINGS_ARE_SENT not in token:
        return None
    digest = hashlib.sha256(connection.certificate).digest()  # our certificates are signed by it
    return GssChannelBindings(application_data=b"tls-server-end-point:" + digest)


# Message encryption of WinRM (MS-WSMV 2.2.9.1): one SOAP body in a MIME envelope


PROTOCOL: Final = "application/HTTP-SPNEGO-session-encrypted"
CONTENT_TYPE: Final = f'multipart/encrypted;protocol="{PROTOCOL}";boundary="Encrypted Boundary"'
# Clients write the boundaries with and without a blank after the dashes.
_FRAME: Final = re.compile(
    rb"--\s*Encrypted Boundary\r\n"
    rb"\s*Content-Type: " + re.escape(PROTOCOL.encode()) + rb"\r\n"
    rb"\s*OriginalContent: type=application/soap\+xml;charset=UTF-8;Length=(\d{1,10})\r\n"
    rb"--\s*Encrypted Boundary\r\n"
    rb"\s*Content-Type: application/octet-stream\r\n"
    rb"(.*)--\s*Encrypted Boundary--(?:\r\n)?",
    re.DOTALL | re.IGNORECASE,
)
_LENGTH: Final = struct.Struct("<I")


def seal(context: ContextProxy, body: bytes) -> bytes:
    """`body` as only the other end of `context` can read it."""
    header, data, padding = context.wrap_winrm(body)
    return b"".join(
        (
            b"--Encrypted Boundary\r\n",
            f"\tContent-Type: {PROTOCOL}\r\n".encode(),
            b"\tOriginalContent: type=application/soap+xml;charset=UTF-8;",
            f"Length={len(body) + padding}\r\n".encode(),
            b"--Encrypted Boundary\r\n",
            b"\tContent-Type: application/octet-stream\r\n",
            _LENGTH.pack(len(header)) + header + data,
            b"--Encrypted Boundary--\r\n",
        )
    )


def unseal(context: ContextProxy, sealed: bytes) -> bytes:
    """What the other end of `context` sealed.

    ValueError when it is not framed as it should be; SpnegoError when it was tampered with.
    """
    frame = _FRAME.fullmatch(sealed)
    if frame is None:
        raise ValueError("The body is not framed as an encrypted message")
    length, payload = int(frame[1]), frame[2]
    if len(payload) < _LENGTH.size:
        raise ValueError("The encrypted message has no header")
    (header_length,) = _LENGTH.unpack_from(payload)
    end = _LENGTH.size + header_length
    body = context.unwrap_winrm(payload[_LENGTH.size : end], payload[end:])
    if len(body) != length:
        raise ValueError("The encrypted message is not as long as it says")
    return body
