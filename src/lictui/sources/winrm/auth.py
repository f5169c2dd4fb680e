"""Authentication of a WinRM connection: Basic, client certificate, NTLM, Kerberos, encryption."""

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
from lictui.sources.winrm.wsman import CONTENT_TYPE, WinrmLogin, WsmanEndpoint, error_for_status

if TYPE_CHECKING:
    from spnego import ContextProxy

    from lictui.sources.http import HttpReply


UNAUTHORIZED: Final = HTTPStatus.UNAUTHORIZED
# DSP0226: the header of a client whose certificate was presented in the TLS handshake
_MUTUAL: Final = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
_SPOKEN: Final = ("Negotiate", "Kerberos", "NTLM", "Basic")
_KNOWN: Final = (*_SPOKEN, "CredSSP", "Digest", "Bearer")


def open_login(server: Server, endpoint: WsmanEndpoint) -> WinrmLogin:
    """Return the login for `server.auth`; nothing is sent yet. Raises SourceError (config)."""
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
                f"auth = {other!r} is not supported by WinRM",
                "Use negotiate, kerberos, ntlm, basic or certificate.",
                Step.AUTH,
            )


class BasicLogin:
    """Name and password in every request: for local accounts, and never unencrypted."""

    def __init__(self, server: Server, endpoint: WsmanEndpoint) -> None:
        require_encryption(endpoint.url)
        require_username(server)
        self._server, self._endpoint = server, endpoint
        self.identity = f"Basic as {server.username}"

    async def post(self, soap: bytes) -> HttpReply:
        """Send one request; the password is looked up each time."""
        header = basic_header(self._server.username, await server_secret(self._server))
        reply = await self._endpoint.post(soap, authorization=header)
        if reply.status == UNAUTHORIZED:
            hint = "WinRM accepts Basic only for local accounts: for others set auth = negotiate."
            raise error_for_401(self._server, reply, "Basic", hint)
        return reply


class CertificateLogin:
    """The client certificate of the TLS handshake, which the server maps to a local user."""

    identity: Final = "client certificate"

    def __init__(self, server: Server, endpoint: WsmanEndpoint) -> None:
        if not server.certificate or not endpoint.encrypted:
            raise SourceError(
                FailureKind.CONFIG,
                "auth = certificate requires a certificate file and an https:// URL",
                "Set certificate to a PEM file with the certificate and its key.",
                Step.AUTH,
            )
        self._endpoint = endpoint

    async def post(self, soap: bytes) -> HttpReply:
        """Send one request; raises SourceError (auth) if the certificate is rejected."""
        reply = await self._endpoint.post(soap, authorization=_MUTUAL)
        if reply.status == UNAUTHORIZED:
            raise SourceError(
                FailureKind.AUTH,
                "401 Unauthorized: client certificate rejected",
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
            f"auth = {server.auth or 'negotiate'} requires a user name",
            r"Set username, for example CORP\svc-lictui for a domain account.",
            Step.AUTH,
        )


def offered_schemes(reply: HttpReply) -> dict[str, str]:
    """Return what the server accepts: scheme -> its token or parameters, in the server's order."""
    found: dict[str, str] = {}
    for part in reply.headers.get("www-authenticate", "").split(","):
        word, _, rest = part.strip().partition(" ")
        for scheme in _KNOWN:
            if word.lower() == scheme.lower():
                found.setdefault(scheme, rest.strip())
    return found


def error_for_401(server: Server, reply: HttpReply, tried: str, hint: str) -> SourceError:
    """Return the failure for a 401 to `tried`: wrong credentials, or another scheme required."""
    offered = list(offered_schemes(reply))
    if tried in offered or not offered:
        return SourceError(
            FailureKind.AUTH,
            f"401 Unauthorized: user name or password for {server.username} rejected",
            f"Check username and secret. {hint}",
            Step.AUTH,
        )
    usable = next((scheme for scheme in offered if scheme in _SPOKEN), "")
    instead = f"Set auth = {usable.lower()}, or allow" if usable else "Allow"
    return SourceError(
        FailureKind.AUTH,
        f"401 Unauthorized: the server accepts only {' and '.join(offered)}",
        f"{instead} {tried} in winrm/config/service/auth on the server.",
        Step.AUTH,
    )


# The security context of a login: pyspnego's, bound to the TLS channel


_SERVICE: Final = "WSMAN"  # of the service principal that WinRM registers for its host


class TokenError(Exception):
    """pyspnego, or GSSAPI below it, rejects this token."""


async def next_token(context: ContextProxy, token: bytes | None) -> bytes | None:
    """Return the token to send next, None after the last; raises only TokenError.

    Runs in a thread, since Kerberos may have to contact its KDC.
    """
    return await asyncio.to_thread(_step, context, token)


def _step(context: ContextProxy, token: bytes | None) -> bytes | None:
    try:
        return context.step(token)
    except Exception as error:  # untrusted tokens break it in many ways, StopIteration too
        raise TokenError(sanitize(error) or type(error).__name__) from error


async def new_security_context(
    server: Server, protocol: str, host: str, certificate: bytes
) -> ContextProxy:
    """Return the context for a login of `server.username` to `host`; raises SourceError (config).

    `protocol` is negotiate, ntlm or kerberos; `certificate` is the server's leaf in DER, b"" over
    plain HTTP, where the context must support encryption. Without a secret Kerberos uses its
    ticket.
    """
    import spnego
    from spnego.channel_bindings import GssChannelBindings

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
    except (ImportError, ValueError) as error:  # ValueError: GSSAPI without Kerberos
        raise SourceError(
            FailureKind.CONFIG,
            f"auth = {protocol} requires GSSAPI, which is not installed",
            f"Install the Kerberos packages: {extra_command('kerberos')}",
            Step.AUTH,
        ) from error
    except spnego.exceptions.SpnegoError as error:
        raise SourceError(
            FailureKind.AUTH,
            f"no usable credentials for {protocol}: {sanitize(error)}",
            "Check username and secret; for Kerberos also the ticket (klist).",
            Step.AUTH,
        ) from error


def channel_binding(certificate: bytes) -> bytes:
    """Return the `tls-server-end-point` binding of a certificate in DER (RFC 5929, section 4.1)."""
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


# Message encryption over plain HTTP, with the key of the login


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
    """The two methods of a pyspnego context that encryption needs."""

    def wrap_winrm(self, data: bytes) -> tuple[bytes, bytes, int]:
        """Encrypt: header, data, length of its padding."""
        ...

    def unwrap_winrm(self, header: bytes, data: bytes) -> bytes:
        """Decrypt; raises if one bit was changed."""
        ...


class NotSealedError(Exception):
    """These bytes are not an encrypted message."""


def sealed_content_type(protocol: str) -> str:
    """Return the Content-Type of an encrypted message; `protocol` is `SPNEGO` or `Kerberos`."""
    return f'multipart/encrypted;protocol="{_of(protocol)}";boundary="Encrypted Boundary"'


def is_sealed(content: str) -> bool:
    """Return whether the Content-Type `content` is that of an encrypted message."""
    return content.strip().lower().startswith("multipart/encrypted")


def seal(soap: bytes, sealer: MessageSealer, protocol: str) -> bytes:
    """Return the body to send for `soap`."""
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
    """Return the SOAP of an encrypted body; raises NotSealedError, or the context's own errors.

    The length given beside it is not compared: the signature proves more.
    """
    parts = _PARTS.fullmatch(body)
    if not parts:
        raise NotSealedError("not an encrypted message")
    sealed = parts["sealed"]
    length = _LENGTH.unpack_from(sealed)[0] if len(sealed) >= _LENGTH.size else -1
    if not 0 < length <= min(_LONGEST_HEADER, len(sealed) - _LENGTH.size):
        raise NotSealedError("the encrypted part is truncated")
    start = _LENGTH.size + length
    return sealer.unwrap_winrm(sealed[_LENGTH.size : start], sealed[start:])


def _of(protocol: str) -> str:
    return f"application/HTTP-{protocol}-session-encrypted"


# NTLM and Kerberos: the handshake of a connection, and encryption over plain HTTP


_MOST_LEGS: Final = 6  # NTLM takes 2, Kerberos 1 or 2, a change of protocol one more
# The schemes that carry the tokens of a protocol, the best first.
_CARRIERS: Final = {
    "negotiate": ("Negotiate",),
    "ntlm": ("NTLM", "Negotiate"),
    "kerberos": ("Kerberos", "Negotiate"),
}
_NAMES: Final = {"ntlm": "NTLM", "kerberos": "Kerberos"}


class NegotiateLogin:
    """Authenticates each connection once; over plain HTTP all SOAP is encrypted."""

    def __init__(self, server: Server, endpoint: WsmanEndpoint, protocol: str) -> None:
        self._server, self._endpoint, self._protocol = server, endpoint, protocol
        self._scheme = _CARRIERS[protocol][-1]  # until the server lists its schemes
        self._context: ContextProxy | None = None  # of the authenticated connection
        self.identity = ""  # unknown until then

    async def post(self, soap: bytes) -> HttpReply:
        """Send one request; authenticates first if the connection is not authenticated."""
        kept, self._context = self._context, None  # any error below ends the login
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
            raise self._unsound("the connection was closed after authentication")
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
            raise self._unsound("unencrypted response to an encrypted request")
        try:
            return replace(reply, body=unseal(reply.body, context))
        except Exception as error:  # pyspnego raises many kinds of errors for untrusted input
            raise self._unsound(
                f"an encrypted response cannot be decrypted: {sanitize(error)}"
            ) from error

    @property
    def _seal(self) -> str:
        return "Kerberos" if self._scheme == "Kerberos" else "SPNEGO"

    async def _shake_hands(self) -> ContextProxy:
        """Authenticate a new connection: an empty POST to get the schemes, then the tokens."""
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
            raise self._unsound("authentication did not complete")
        used = _NAMES.get(context.negotiated_protocol or "", self._protocol)
        self.identity = f"{used} as {self._server.username or 'the owner of the ticket'}"
        return context

    def _carrier(self, hello: HttpReply) -> str:
        offered = offered_schemes(hello)
        for scheme in _CARRIERS[self._protocol]:
            if scheme in offered:
                return scheme
        if not offered:
            raise self._unsound("401 Unauthorized without an authentication scheme")
        raise self._refused(hello)

    async def _begin(self, context: ContextProxy) -> bytes | None:
        try:
            return await next_token(context, None)
        except TokenError as error:
            raise SourceError(
                FailureKind.AUTH,
                f"no usable credentials for {self._protocol}: {error}",
                "Check username and secret; for Kerberos also the ticket (klist), and that the URL"
                " has the server's full name.",
                Step.AUTH,
            ) from error

    async def _leg(self, context: ContextProxy, token: bytes, *, first: bool) -> bytes | None:
        """Send one token and return the next one, None after the last."""
        header = f"{self._scheme} {base64.b64encode(token).decode()}"
        reply = await self._endpoint.post(b"", authorization=header)
        if reply.new_connection:
            raise self._unsound("the connection was closed during authentication")
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
                raise self._unsound(f"invalid token: {error}") from error
            raise self._refused(reply) from error  # a token that only rejects

    def _token(self, reply: HttpReply) -> bytes:
        try:
            return base64.b64decode(offered_schemes(reply).get(self._scheme, ""), validate=True)
        except ValueError as error:
            raise self._unsound("token is not base64") from error

    def _refused(self, reply: HttpReply) -> SourceError:
        hint = "The account may also be locked, or denied network logon."
        return error_for_401(self._server, reply, self._scheme, hint)

    def _unsound(self, reason: str) -> SourceError:
        return SourceError(
            FailureKind.PROTOCOL,
            f"{self._scheme} login to {self._endpoint.address} failed: {reason}",
            "A proxy or load balancer in between breaks this authentication: connect directly.",
            Step.AUTH,
        )


def _is_shut_out(reply: HttpReply) -> bool:
    """Return whether the login is lost: 401, or a new connection."""
    return reply.new_connection or reply.status == UNAUTHORIZED
