"""Authentication to WinRM: Basic, client certificate, NTLM and Kerberos with message encryption."""

from __future__ import annotations

import base64
import re
import struct
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from lictui.model import FailureKind, Server, Step
from lictui.sources.network import origin, require_encryption
from lictui.sources.process import run_blocking
from lictui.sources.sanitize import sanitize
from lictui.sources.sessions import basic_header
from lictui.sources.source import SourceError, config_error
from lictui.sources.winrm.wsman import CONTENT_TYPE, WinrmLogin, error_for_status

if TYPE_CHECKING:
    from spnego import ContextProxy

    from lictui.sources.http import HttpClient, HttpReply


def open_login(server: Server, client: HttpClient) -> WinrmLogin:
    """Return the login that `server.auth` names; nothing is sent yet. Raises SourceError."""
    match server.auth or "negotiate":
        case "basic":
            return BasicLogin(server, client)
        case "certificate":
            return CertificateLogin(server, client)
        case protocol:
            return NegotiateLogin(server, client, protocol)


# Methods that are one fixed header

# DSP0226: sent by a client whose certificate was presented in the TLS handshake.
_MUTUAL: Final = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"


class BasicLogin(WinrmLogin):
    """Name and password with every request: local accounts only, and never unencrypted."""

    def __init__(self, server: Server, client: HttpClient) -> None:
        super().__init__(server, client)
        require_encryption(self.url)
        require_username(server)
        self.identity = f"Basic as {server.username}"

    async def post(self, soap: bytes) -> HttpReply:
        """Post `soap` with the password, which is resolved for each request."""
        header = basic_header(self._server.username, await self._client.secret())
        reply = await self._send(soap, authorization=header)
        if reply.status == HTTPStatus.UNAUTHORIZED:
            hint = "WinRM allows Basic for local accounts only; otherwise set auth = negotiate."
            raise error_for_401(self._server, reply, "Basic", hint)
        return reply


class CertificateLogin(WinrmLogin):
    """The client certificate presented in the TLS handshake, which the server maps to a user."""

    identity = "client certificate"

    def __init__(self, server: Server, client: HttpClient) -> None:
        super().__init__(server, client)
        if not server.certificate or not self._encrypted:
            raise config_error(
                "auth = certificate requires a certificate file and an https:// address",
                "Set certificate to a PEM file with the certificate and its key.",
            )

    async def post(self, soap: bytes) -> HttpReply:
        """Post `soap`."""
        reply = await self._send(soap, authorization=_MUTUAL)
        if reply.status == HTTPStatus.UNAUTHORIZED:
            raise SourceError(
                FailureKind.AUTH,
                f"HTTP 401 from {self.address}: client certificate rejected",
                "Allow Certificate in winrm/config/service/auth on the server, and map this"
                " certificate to a local user in winrm/config/service/certmapping.",
            )
        return reply


def require_username(server: Server) -> None:
    """Raise SourceError (config) if `server` has no user name."""
    if not server.username:
        raise config_error(
            f"auth = {server.auth or 'negotiate'} requires a user name",
            r"Set username; for a domain account, use a name like CORP\svc-lictui.",
        )


# What a 401 offers, and what it means

_SUPPORTED_SCHEMES: Final = ("Negotiate", "Kerberos", "NTLM", "Basic")
_KNOWN_SCHEMES: Final = (*_SUPPORTED_SCHEMES, "CredSSP", "Digest", "Bearer")


def offered_schemes(reply: HttpReply) -> dict[str, str]:
    """Return what the server accepts: scheme -> token or parameters, in the server's order."""
    schemes: dict[str, str] = {}
    for part in reply.headers.get("www-authenticate", "").split(","):
        name, _, parameters = part.strip().partition(" ")
        for scheme in _KNOWN_SCHEMES:
            if name.lower() == scheme.lower():
                schemes.setdefault(scheme, parameters.strip())
    return schemes


def error_for_401(server: Server, reply: HttpReply, scheme: str, hint: str) -> SourceError:
    """Return the error for a 401 to `scheme`: wrong credentials, or the scheme is not allowed."""
    offered = list(offered_schemes(reply))
    if scheme in offered or not offered:
        return SourceError(
            FailureKind.AUTH,
            f"HTTP 401 from {reply.address}: user name or password for {server.username} rejected",
            f"Check username and secret. {hint}",
        )
    usable = next((name for name in offered if name in _SUPPORTED_SCHEMES), "")
    instead = f"Set auth = {usable.lower()}, or allow" if usable else "Allow"
    return SourceError(
        FailureKind.AUTH,
        f"HTTP 401 from {reply.address}: the server accepts only {' and '.join(offered)}",
        f"{instead} {scheme} in winrm/config/service/auth on the server.",
    )


# NTLM and Kerberos: a handshake that authenticates one connection

_MAX_EXCHANGES: Final = 6  # NTLM needs 2, Kerberos 1 or 2, a change of the mechanism one more
# The schemes that can carry the tokens of a protocol, the preferred one first.
_CARRIERS: Final = {
    "negotiate": ("Negotiate",),
    "ntlm": ("NTLM", "Negotiate"),
    "kerberos": ("Kerberos", "Negotiate"),
}
_PROTOCOL_NAMES: Final = {"ntlm": "NTLM", "kerberos": "Kerberos"}


class NegotiateLogin(WinrmLogin):
    """Authenticates each connection once; over plain HTTP all SOAP is encrypted."""

    def __init__(self, server: Server, client: HttpClient, protocol: str) -> None:
        super().__init__(server, client)
        self._protocol = protocol
        self._scheme = _CARRIERS[protocol][-1]  # until the server says what it offers
        self._context: ContextProxy | None = None  # of the authenticated connection

    async def post(self, soap: bytes) -> HttpReply:
        """Post `soap`, after authenticating if the connection is not; at most once."""
        context, self._context = self._context, None  # any error below ends the login
        reply = await self._send_soap(soap, context) if context else None
        if (
            not context
            or not reply
            or reply.new_connection  # where the login is not valid
            or reply.status == HTTPStatus.UNAUTHORIZED
        ):
            context = await self._handshake()
            reply = await self._send_soap(soap, context)
            if reply.new_connection:  # where a 401 says nothing about the password
                raise self._protocol_error("connection closed after authentication")
            if reply.status == HTTPStatus.UNAUTHORIZED:
                raise self._rejected(reply)
        reply = self._decrypt(reply, context)
        self._context = context
        return reply

    async def _send_soap(self, soap: bytes, context: ContextProxy) -> HttpReply:
        if self._encrypted:
            return await self._send(soap)
        sealed = seal(soap, context, self._seal_protocol)
        return await self._send(sealed, content_type=sealed_content_type(self._seal_protocol))

    def _decrypt(self, reply: HttpReply, context: ContextProxy) -> HttpReply:
        if self._encrypted:
            return reply
        if not reply.headers.get("content-type", "").lower().startswith("multipart/encrypted"):
            if reply.status != HTTPStatus.OK:
                raise error_for_status(reply, Step.INVENTORY)
            raise self._protocol_error("unencrypted response to an encrypted request")
        try:
            return replace(reply, body=unseal(reply.body, context))
        except Exception as error:  # pyspnego raises many kinds for invalid data
            reason = f"encrypted response cannot be decrypted: {sanitize(error)}"
            raise self._protocol_error(reason) from error

    @property
    def _seal_protocol(self) -> str:
        return "Kerberos" if self._scheme == "Kerberos" else "SPNEGO"

    async def _handshake(self) -> ContextProxy:
        """Authenticate a new connection: an empty POST to see the offered schemes, then tokens."""
        await self._client.aclose()
        challenge = await self._send(b"")
        if challenge.status != HTTPStatus.UNAUTHORIZED:
            raise error_for_status(challenge, Step.AUTH)
        self._scheme = self._choose_scheme(challenge)
        context = await new_security_context(
            self._server, self._protocol, self._client, challenge.certificate
        )
        try:
            token = await next_token(context, None)
        except TokenError as error:
            raise _no_credentials(self._protocol, error) from error
        for exchange in range(_MAX_EXCHANGES):
            if not token:
                break
            token = await self._exchange(context, token, first=exchange == 0)
        if not context.complete:
            raise self._protocol_error("authentication did not complete")
        protocol = _PROTOCOL_NAMES.get(context.negotiated_protocol or "", self._protocol)
        self.identity = f"{protocol} as {self._server.username or 'the owner of the ticket'}"
        return context

    def _choose_scheme(self, challenge: HttpReply) -> str:
        offered = offered_schemes(challenge)
        for scheme in _CARRIERS[self._protocol]:
            if scheme in offered:
                return scheme
        if not offered:
            raise self._protocol_error("HTTP 401 without an authentication method")
        raise self._rejected(challenge)

    async def _exchange(self, context: ContextProxy, token: bytes, *, first: bool) -> bytes | None:
        """Send a token and process the reply; return the next token, None after the last."""
        header = f"{self._scheme} {base64.b64encode(token).decode()}"
        reply = await self._send(b"", authorization=header)
        if reply.new_connection:
            raise self._protocol_error("connection closed during authentication")
        if reply.status not in {HTTPStatus.OK, HTTPStatus.UNAUTHORIZED}:
            raise error_for_status(reply, Step.AUTH)
        received = self._received_token(reply)
        if reply.status == HTTPStatus.UNAUTHORIZED and (not received or context.complete):
            raise self._rejected(reply)
        if not received:
            return None
        try:
            return await next_token(context, received)
        except TokenError as error:
            if first or reply.status == HTTPStatus.OK:
                raise self._protocol_error(f"invalid token: {error}") from error
            raise self._rejected(reply) from error  # a token that only carries the refusal

    def _received_token(self, reply: HttpReply) -> bytes:
        try:
            return base64.b64decode(offered_schemes(reply).get(self._scheme, ""), validate=True)
        except ValueError as error:
            raise self._protocol_error("token is not base64") from error

    def _rejected(self, reply: HttpReply) -> SourceError:
        hint = "The account may also be locked, or denied network logon."
        return error_for_401(self._server, reply, self._scheme, hint)

    def _protocol_error(self, reason: str) -> SourceError:
        return SourceError(
            FailureKind.PROTOCOL,
            f"{self._scheme} authentication with {self.address} failed: {reason}",
            "A proxy or load balancer in between breaks this authentication: connect directly.",
            Step.AUTH,
        )


# Security context of pyspnego, bound to the TLS channel

_SERVICE: Final = "WSMAN"  # of the service principal that WinRM registers for its host


async def new_security_context(
    server: Server, protocol: str, client: HttpClient, certificate: bytes
) -> ContextProxy:
    """Return the context for a login of `server.username`.

    `certificate` is the server's leaf in DER, b"" over plain HTTP, where the context must support
    encryption. Kerberos without a secret, and negotiate without a user, use the existing ticket.
    """
    import spnego
    from spnego.channel_bindings import GssChannelBindings

    has_account = server.username or server.secret
    if protocol == "ntlm" or (protocol == "negotiate" and has_account):
        require_username(server)
    needs_secret = server.secret or (protocol != "kerberos" and has_account)
    password = await client.secret() if needs_secret else None
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
            hostname=origin(server.url).host,
            service=_SERVICE,
            channel_bindings=bindings,
            protocol=protocol,
            options=options,
        )
    except (ImportError, ValueError) as error:  # ValueError: GSSAPI is there, without Kerberos
        from lictui.installation import extra_command  # noqa: PLC0415 - slows the first poll

        raise config_error(
            f"auth = {protocol} requires GSSAPI, which is not installed",
            f"Install the Kerberos packages: {extra_command('kerberos')}",
        ) from error
    except spnego.exceptions.SpnegoError as error:
        raise _no_credentials(protocol, error) from error


def _no_credentials(protocol: str, error: Exception) -> SourceError:
    return SourceError(
        FailureKind.AUTH,
        f"no credentials available for {protocol}: {sanitize(error)}",
        "Check username and secret; for Kerberos also the ticket (klist), and that url has the"
        " fully qualified name of the server.",
    )


def channel_binding(certificate: bytes) -> bytes:
    """Return the `tls-server-end-point` binding of a certificate in DER (RFC 5929, section 4.1)."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes

    try:
        algorithm = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    except (UnsupportedAlgorithm, ValueError):
        algorithm = None
    digest = hashes.Hash(
        hashes.SHA256() if algorithm is None or algorithm.name in {"md5", "sha1"} else algorithm
    )
    digest.update(certificate)
    return b"tls-server-end-point:" + digest.finalize()


class TokenError(Exception):
    """pyspnego, or GSSAPI below it, cannot process a token; the text says why."""


async def next_token(context: ContextProxy, received: bytes | None) -> bytes | None:
    """Return the token to send next, None after the last; in a thread, Kerberos may ask its KDC."""
    return await run_blocking(f"sign in {id(context)}", partial(_next_token, context, received))


def _next_token(context: ContextProxy, received: bytes | None) -> bytes | None:
    try:
        return context.step(received)
    except Exception as error:  # invalid tokens raise many kinds, StopIteration among them
        raise TokenError(sanitize(error) or type(error).__name__) from error


# Message encryption (MS-WSMV 2.2.9.1): SOAP over plain HTTP, sealed with the key of the login

_LENGTH: Final = struct.Struct("<i")
_MAX_HEADER: Final = 1_024  # bytes; NTLM's has 16, Kerberos' some 60
# Servers write boundaries with and without a space after the dashes.
_SEALED_TYPE: Final = "application/HTTP-{}-session-encrypted"  # SPNEGO or Kerberos
_PARTS: Final = re.compile(
    rb"\s*--\s?Encrypted Boundary\r\n"
    rb"(?:[ \t]*[\w-]+:[^\r\n]*\r\n)+"
    rb"--\s?Encrypted Boundary\r\n"
    rb"[ \t]*Content-Type:[ \t]*application/octet-stream\r\n"
    rb"(?P<sealed>.*)"
    rb"--\s?Encrypted Boundary--\s*",
    re.ASCII | re.DOTALL | re.IGNORECASE,
)


def seal(soap: bytes, sealer: ContextProxy, protocol: str) -> bytes:
    """Return the body to send for `soap`; `protocol` is `SPNEGO` or `Kerberos`."""
    header, data, padding = sealer.wrap_winrm(soap)
    head = (
        "--Encrypted Boundary\r\n"
        f"\tContent-Type: {_SEALED_TYPE.format(protocol)}\r\n"
        f"\tOriginalContent: type={CONTENT_TYPE};Length={len(soap) + padding}\r\n"
        "--Encrypted Boundary\r\n"
        "\tContent-Type: application/octet-stream\r\n"
    )
    return b"".join(
        (head.encode(), _LENGTH.pack(len(header)), header, data, b"--Encrypted Boundary--\r\n")
    )


def unseal(body: bytes, sealer: ContextProxy) -> bytes:
    """Return the SOAP of an encrypted body, whose signature is checked. Raises ValueError."""
    parts = _PARTS.fullmatch(body)
    if not parts:
        raise ValueError("its parts are not those of an encrypted message")
    sealed = parts["sealed"]
    length = _LENGTH.unpack_from(sealed)[0] if len(sealed) >= _LENGTH.size else -1
    if not 0 < length <= min(_MAX_HEADER, len(sealed) - _LENGTH.size):
        raise ValueError("its encrypted part is truncated")
    start = _LENGTH.size + length
    return sealer.unwrap_winrm(sealed[_LENGTH.size : start], sealed[start:])


def sealed_content_type(protocol: str) -> str:
    """Return the Content-Type of an encrypted message."""
    sealed_type = _SEALED_TYPE.format(protocol)
    return f'multipart/encrypted;protocol="{sealed_type}";boundary="Encrypted Boundary"'
