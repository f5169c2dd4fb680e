"""Authentication of the simulated WinRM server: Basic over TLS, NTLM by Negotiate, encryption."""

from __future__ import annotations

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
from msgspec import Struct
from spnego.channel_bindings import GssChannelBindings

from lictui.simulator.http import Headers, basic_account

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiohttp import web
    from spnego import ContextProxy


# Temporary NTLM user file with one account


_file_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class WindowsAccount:
    r"""A user, as `CORP\name`, `name@corp.example` or, of the machine itself, `name`."""

    username: str
    password: str = field(repr=False)

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


class WindowsLogin(Struct):
    """What the server remembers about a connection: the keys after a handshake, or during it."""

    context: spnego.ContextProxy | None = None  # None after Basic, which agrees on no keys


class RefusedLoginError(Exception):
    """A client that is not let in, with the headers that say what to do next."""

    def __init__(self, headers: Headers) -> None:
        super().__init__()
        self.headers = headers


class LoginAcceptor(Struct, frozen=True):
    """Authentication of one server's clients."""

    account: WindowsAccount
    machine: str
    fingerprint: str  # of the certificate that clients are shown; "" over plain HTTP

    def authenticate(self, request: web.BaseRequest, login: WindowsLogin, *, deny: bool) -> Headers:
        """Return the headers to send with the reply; `deny` refuses every password.

        Raises RefusedLoginError.
        """
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        match scheme.lower():
            case "basic" if self.fingerprint and not deny and self._is_account(request):
                return ()
            case "negotiate" if token:
                return self.negotiate(token, login, deny=deny)
            case "" if login.context and login.context.complete and not deny:
                return ()
        raise self._refused(login)

    def _is_account(self, request: web.BaseRequest) -> bool:
        account = self.account.username, self.account.password
        # RFC 7617 leaves the encoding open, and clients differ.
        return account in (basic_account(request), basic_account(request, "latin-1"))

    def negotiate(self, base64: str, login: WindowsLogin, *, deny: bool) -> Headers:
        """Take one token of the handshake; see `authenticate`."""
        context = login.context
        if context is None or context.complete:
            login.context = context = spnego.server(
                protocol="negotiate", options=spnego.NegotiateOptions.use_negotiate
            )
        try:
            token = b64decode(base64, validate=True)
            with ntlm_user_file(self.account, self.machine):
                answer = context.step(token, channel_bindings=self._bindings(token))
        except Exception as error:  # however pyspnego chokes on a token, it opens nothing
            raise self._refused(login) from error
        headers = (
            (("WWW-Authenticate", f"Negotiate {b64encode(answer).decode()}"),) if answer else ()
        )
        if not context.complete:
            raise RefusedLoginError(headers)
        if deny:
            raise self._refused(login)
        return headers

    def _refused(self, login: WindowsLogin) -> RefusedLoginError:
        login.context = None
        offers = ("Negotiate", 'Basic realm="WSMAN"') if self.fingerprint else ("Negotiate",)
        return RefusedLoginError([("WWW-Authenticate", offer) for offer in offers])

    def _bindings(self, token: bytes) -> GssChannelBindings | None:
        """Return what a client must have bound itself to (RFC 5929), if it did.

        Windows, unless hardened, lets in a client that sends none.
        """
        if not self.fingerprint or _BINDINGS_ARE_SENT not in token:
            return None
        digest = bytes.fromhex(self.fingerprint)  # certificates are signed with SHA-256, too
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
