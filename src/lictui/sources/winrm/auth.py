"""How one connection comes to be let in, and carries questions afterwards.

Owns the choice of a login by `server.auth`, the logins that are one fixed header, and what a 401
means. Must not know what is asked.
"""

from __future__ import annotations

import asyncio
import base64
import re
import struct
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol

from lictui.installation import extra_command
from lictui.model import FailureKind, Server, Step
from lictui.sources.auth import basic_header, server_secret
from lictui.sources.network import require_encryption
from lictui.sources.sanitize import sanitize
from lictui.sources.source import SourceError
from lictui.sources.winrm.wsman import CONTENT_TYPE, WsmanEndpoint, error_for_status

if TYPE_CHECKING:
    from spnego import ContextProxy

    from lictui.sources.http import HttpReply


UNAUTHORIZED: Final = HTTPStatus.UNAUTHORIZED
# DSP0226: what a client says whose certificate was shown in the TLS handshake
_MUTUAL: Final = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
_SPOKEN: Final = ("Negotiate", "Kerberos", "NTLM", "Basic")
_KNOWN: Final = (*_SPOKEN, "CredSSP", "Digest", "Bearer")


class WinrmLogin(Protocol):
    """Posts SOAP as somebody whom the server lets in."""

    @property
    def identity(self) -> str:
        r"""How and as whom: `NTLM as CORP\svc`."""
        ...

    async def post(self, soap: bytes) -> HttpReply:
        """The server's answer, readable, of any status but 401. Raises SourceError."""
        ...


def open_login(server: Server, endpoint: WsmanEndpoint) -> WinrmLogin:
    """The login that `server.auth` names; nothing is sent yet, SourceError if it cannot be."""
    match server.auth or "negotiate":
        case "basic":
            return BasicLogin(server, endpoint)
        case "certificate":
            return CertificateLogin(server, endpoint)
        case "negotiate" | "ntlm" | "kerberos" as protocol:
            return NegotiateLogin(server, endpoint, protocol)
        case other:
            raise SourceError(
                FailureKind.CONFIG,
                f"auth = {other!r} is no way to log in to WinRM",
                "One of negotiate, kerberos, ntlm, basic, certificate.",
                Step.AUTH,
            )


class BasicLogin:
    """Name and password with every request: local accounts only, and never in the clear."""

    def __init__(self, server: Server, endpoint: WsmanEndpoint) -> None:
        require_encryption(endpoint.url)
        require_username(server)
        self._server, self._endpoint = server, endpoint
        self.identity = f"Basic as {server.username}"

    async def post(self, soap: bytes) -> HttpReply:
        """One question, one answer; the password is looked up for each."""
        header = basic_header(self._server.username, await server_secret(self._server))
        reply = await self._endpoint.post(soap, authorization=header)
        if reply.status == UNAUTHORIZED:
            hint = "WinRM takes Basic for local accounts only: for others set auth = negotiate."
            raise error_for_401(self._server, reply, "Basic", hint)
        return reply


class CertificateLogin:
    """The client certificate that TLS already showed, mapped to a local user by the server."""

    identity: Final = "client certificate"

    def __init__(self, server: Server, endpoint: WsmanEndpoint) -> None:
        if not server.certificate or not endpoint.encrypted:
            raise SourceError(
                FailureKind.CONFIG,
                "auth = certificate needs a certificate file and an https:// address",
                "Set certificate to a PEM file with the certificate and its key.",
                Step.AUTH,
            )
        self._endpoint = endpoint

    async def post(self, soap: bytes) -> HttpReply:
        """One question, one answer."""
        reply = await self._endpoint.post(soap, authorization=_MUTUAL)
        if reply.status == UNAUTHORIZED:
            raise SourceError(
                FailureKind.AUTH,
                "401, the client certificate is refused",
                "The server must allow Certificate in winrm/config/service/auth, and map this"
                " certificate to a local user in winrm/config/service/certmapping.",
                Step.AUTH,
            )
        return reply


def require_username(server: Server) -> None:
    """Raise SourceError (config) if `server` has no user name."""
    if not server.username:
        raise SourceError(
            FailureKind.CONFIG,
            f"auth = {server.auth or 'negotiate'} needs a user name",
            r"Set username, as CORP\svc-lictui for an account of a domain.",
            Step.AUTH,
        )


def offered_schemes(reply: HttpReply) -> dict[str, str]:
    """What the server would accept: scheme -> its token or parameters, in the server's order."""
    found: dict[str, str] = {}
    for part in reply.headers.get("www-authenticate", "").split(","):
        word, _, rest = part.strip().partition(" ")
        for scheme in _KNOWN:
            if word.lower() == scheme.lower():
                found.setdefault(scheme, rest.strip())
    return found


def error_for_401(server: Server, reply: HttpReply, tried: str, hint: str) -> SourceError:
    """The failure for a 401 to the scheme `tried`: wrong credentials, or another scheme wanted."""
    offered = list(offered_schemes(reply))
    if tried in offered or not offered:
        return SourceError(
            FailureKind.AUTH,
            f"401, the user name or password of {server.username} is refused",
            f"Check username and secret. {hint}",
            Step.AUTH,
        )
    usable = next((scheme for scheme in offered if scheme in _SPOKEN), "")
    instead = f"Set auth = {usable.lower()}, or allow" if usable else "Allow"
    return SourceError(
        FailureKind.AUTH,
        f"401, the server offers {' and '.join(offered)} only",
        f"{instead} {tried} in winrm/config/service/auth on the server.",
        Step.AUTH,
    )


# The security context of one login: pyspnego's, bound to the TLS channel it goes through


_SERVICE: Final = "WSMAN"  # of the service principal that WinRM registers for its host


class TokenError(Exception):
    """pyspnego, or GSSAPI below it, cannot go on from this token; says why."""


async def next_token(context: ContextProxy, token: bytes | None) -> bytes | None:
    """The token to send next, None after the last; raises TokenError, and nothing else.

    In a thread, since Kerberos may have to ask its KDC.
    """
    return await asyncio.to_thread(_step, context, token)


def _step(context: ContextProxy, token: bytes | None) -> bytes | None:
    try:
        return context.step(token)
    except Exception as error:  # what a stranger sends breaks it in many ways, StopIteration too
        raise TokenError(sanitize(error) or type(error).__name__) from error


async def new_security_context(
    server: Server, protocol: str, host: str, certificate: bytes
) -> ContextProxy:
    """The context for a login of `server.username` to `host`; SourceError (config) if none can be.

    `protocol` is negotiate, ntlm or kerberos; `certificate` is the server's leaf in DER, b"" over
    plain HTTP, where the context must be able to seal. Without a secret Kerberos uses its ticket.
    """
    import spnego  # noqa: PLC0415 - costs a tenth of a second
    from spnego.channel_bindings import GssChannelBindings  # noqa: PLC0415 - likewise

    if protocol != "kerberos":
        require_username(server)
    needs_secret = protocol != "kerberos" or server.secret
    password = await server_secret(server) if needs_secret else None
    bindings = (
        GssChannelBindings(application_data=channel_binding(certificate)) if certificate else None
    )
    options = (
        spnego.NegotiateOptions.none if certificate else spnego.NegotiateOptions.wrapping_winrm
    )
    try:
        return spnego.client(
            server.username or None,
            password,
            hostname=host,
            service=_SERVICE,
            channel_bindings=bindings,
            protocol=protocol,
            options=options,
        )
    except (ImportError, ValueError) as error:  # ValueError: GSSAPI is there, without Kerberos
        raise SourceError(
            FailureKind.CONFIG,
            f"auth = {protocol} needs GSSAPI, which this machine lacks",
            f"Install the Kerberos packages: {extra_command('kerberos')}",
            Step.AUTH,
        ) from error
    except spnego.exceptions.SpnegoError as error:
        raise SourceError(
            FailureKind.AUTH,
            f"{protocol} has nothing to log in with: {sanitize(error)}",
            "Check username and secret; for Kerberos the ticket too (klist).",
            Step.AUTH,
        ) from error


def channel_binding(certificate: bytes) -> bytes:
    """The `tls-server-end-point` binding of a certificate in DER (RFC 5929, section 4.1)."""
    from cryptography import x509  # noqa: PLC0415 - costs as much as pyspnego
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - likewise
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - likewise

    try:
        signed = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    except (UnsupportedAlgorithm, ValueError):
        signed = None
    digest = hashes.Hash(
        hashes.SHA256() if signed is None or signed.name in {"md5", "sha1"} else signed
    )
    digest.update(certificate)
    return b"tls-server-end-point:" + digest.finalize()


# Message encryption: SOAP that travels over plain HTTP, sealed by the login's own key


_LENGTH: Final = struct.Struct("<i")
_LONGEST_HEADER: Final = 1_024  # bytes; NTLM's has 16, Kerberos' some 60
# Servers write boundaries with and without a blank after the dashes.
_PARTS: Final = re.compile(
    rb"\s*--\s?Encrypted Boundary\r\n"
    rb"(?:[ \t]*[\w-]+:[^\r\n]*\r\n)+"
    rb"--\s?Encrypted Boundary\r\n"
    rb"[ \t]*Content-Type:[ \t]*application/octet-stream\r\n"
    rb"(?P<sealed>.*)"
    rb"--\s?Encrypted Boundary--\s*",
    re.ASCII | re.DOTALL | re.IGNORECASE,
)


class MessageSealer(Protocol):
    """The two methods of a pyspnego context that sealing needs."""

    def wrap_winrm(self, data: bytes) -> tuple[bytes, bytes, int]:
        """Seal: header, data, length of the padding in it."""
        ...

    def unwrap_winrm(self, header: bytes, data: bytes) -> bytes:
        """Open; raises if one bit was changed on the way."""
        ...


class NotSealedError(Exception):
    """These bytes are no sealed message; says why."""


def sealed_content_type(protocol: str) -> str:
    """The Content-Type of a sealed message; `protocol` is `SPNEGO` or `Kerberos`."""
    return f'multipart/encrypted;protocol="{_of(protocol)}";boundary="Encrypted Boundary"'


def is_sealed(content: str) -> bool:
    """Whether the Content-Type `content` is that of a sealed message."""
    return content.strip().lower().startswith("multipart/encrypted")


def seal(soap: bytes, sealer: MessageSealer, protocol: str) -> bytes:
    """The body to send for `soap`."""
    header, data, padding = sealer.wrap_winrm(soap)
    head = (
        "--Encrypted Boundary\r\n"
        f"\tContent-Type: {_of(protocol)}\r\n"
        f"\tOriginalContent: type={CONTENT_TYPE};Length={len(soap) + padding}\r\n"
        "--Encrypted Boundary\r\n"
        "\tContent-Type: application/octet-stream\r\n"
    )
    return b"".join(
        (head.encode(), _LENGTH.pack(len(header)), header, data, b"--Encrypted Boundary--\r\n")
    )


def unseal(body: bytes, sealer: MessageSealer) -> bytes:
    """The SOAP in a sealed body; raises NotSealedError, and what the sealer raises if forged.

    The length that is written beside it is not compared: the seal itself proves more.
    """
    parts = _PARTS.fullmatch(body)
    if not parts:
        raise NotSealedError("its parts are not those of an encrypted message")
    sealed = parts["sealed"]
    length = _LENGTH.unpack_from(sealed)[0] if len(sealed) >= _LENGTH.size else -1
    if not 0 < length <= min(_LONGEST_HEADER, len(sealed) - _LENGTH.size):
        raise NotSealedError("its encrypted part is cut off")
    start = _LENGTH.size + length
    return sealer.unwrap_winrm(sealed[_LENGTH.size : start], sealed[start:])


def _of(protocol: str) -> str:
    return f"application/HTTP-{protocol}-session-encrypted"


# NTLM and Kerberos: a handshake that lets one connection in, and seals what plain HTTP carries


_MOST_LEGS: Final = 6  # NTLM takes 2, Kerberos 1 or 2, a change of mind one more
# The schemes that carry a protocol's tokens, the best first.
_CARRIERS: Final = {
    "negotiate": ("Negotiate",),
    "ntlm": ("NTLM", "Negotiate"),
    "kerberos": ("Kerberos", "Negotiate"),
}
_NAMES: Final = {"ntlm": "NTLM", "kerberos": "Kerberos"}


class NegotiateLogin:
    """Logs each connection in once; over plain HTTP no SOAP is ever sent or read unsealed."""

    def __init__(self, server: Server, endpoint: WsmanEndpoint, protocol: str) -> None:
        self._server, self._endpoint, self._protocol = server, endpoint, protocol
        self._scheme = _CARRIERS[protocol][-1]  # until the server says what it offers
        self._context: ContextProxy | None = None  # of the connection that is let in
        self.identity = ""  # unknown until then

    async def post(self, soap: bytes) -> HttpReply:
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

    async def _send(self, soap: bytes, context: ContextProxy) -> HttpReply:
        if self._endpoint.encrypted:
            return await self._endpoint.post(soap)
        return await self._endpoint.post(
            seal(soap, context, self._seal), content_type=sealed_content_type(self._seal)
        )

    def _opened(self, reply: HttpReply, context: ContextProxy) -> HttpReply:
        if self._endpoint.encrypted:
            return reply
        if not is_sealed(reply.headers.get("content-type", "")):
            if reply.status != HTTPStatus.OK:
                raise error_for_status(reply, self._endpoint.address, Step.INVENTORY)
            raise self._unsound("the answer to an encrypted question is not encrypted")
        try:
            return replace(reply, body=unseal(reply.body, context))
        except Exception as error:  # pyspnego raises many kinds for what a stranger sends
            raise self._unsound(
                f"an encrypted answer cannot be opened: {sanitize(error)}"
            ) from error

    @property
    def _seal(self) -> str:
        return "Kerberos" if self._scheme == "Kerberos" else "SPNEGO"

    async def _shake_hands(self) -> ContextProxy:
        """Log a new connection in: an empty POST to see what is offered, then the tokens."""
        await self._endpoint.reconnect()
        hello = await self._endpoint.post(b"")
        if hello.status != UNAUTHORIZED:
            raise error_for_status(hello, self._endpoint.address, Step.AUTH)
        self._scheme = self._carrier(hello)
        context = await new_security_context(
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

    def _carrier(self, hello: HttpReply) -> str:
        offered = offered_schemes(hello)
        for scheme in _CARRIERS[self._protocol]:
            if scheme in offered:
                return scheme
        if not offered:
            raise self._unsound("it says 401, and offers no way to log in")
        raise self._refused(hello)

    async def _begin(self, context: ContextProxy) -> bytes | None:
        try:
            return await next_token(context, None)
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
        if reply.new_connection:
            raise self._unsound("the connection is closed between its steps")
        if reply.status not in {HTTPStatus.OK, UNAUTHORIZED}:
            raise error_for_status(reply, self._endpoint.address, Step.AUTH)
        answer = self._token(reply)
        if reply.status == UNAUTHORIZED and (not answer or context.complete):
            raise self._refused(reply)
        if not answer:
            return None
        try:
            return await next_token(context, answer)
        except TokenError as error:
            if first or reply.status == HTTPStatus.OK:
                raise self._unsound(f"its token makes no sense: {error}") from error
            raise self._refused(reply) from error  # a token that only says no

    def _token(self, reply: HttpReply) -> bytes:
        try:
            return base64.b64decode(offered_schemes(reply).get(self._scheme, ""), validate=True)
        except ValueError as error:
            raise self._unsound("its token is not base64") from error

    def _refused(self, reply: HttpReply) -> SourceError:
        hint = "The account may also be locked, or barred from logging on over the network."
        return error_for_401(self._server, reply, self._scheme, hint)

    def _unsound(self, reason: str) -> SourceError:
        return SourceError(
            FailureKind.PROTOCOL,
            f"{self._scheme} login to {self._endpoint.address} failed: {reason}",
            "A proxy or load balancer in between breaks this login: connect directly.",
            Step.AUTH,
        )


def _is_shut_out(reply: HttpReply) -> bool:
    """Whether the login was for nothing: 401, or a new connection that knows nothing of it."""
    return reply.new_connection or reply.status == UNAUTHORIZED
