"""HTTP kit of the simulated license servers: server, certificates, faults, and JSON APIs."""

from __future__ import annotations

import asyncio
import socket
import ssl
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from hmac import compare_digest
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aiohttp import BasicAuth, web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lictui.simulator import CurrentFault, FaultMode

if TYPE_CHECKING:
    from lictui.clock import Clock

Headers = Iterable[tuple[str, str]]  # a name may occur more than once
# None says nothing, and keeps the connection open until the client gives up.
Handler = Callable[[web.BaseRequest], Awaitable[web.Response | None]]

_CLOSING: Final = 0.1  # seconds for what a handler does when it is canceled


# Clients on this machine do not connect to "any address".
_ANYWHERE: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not bound


class Listener(ABC):
    """One port that is listened on, on `host`; port 0 takes a free one."""

    scheme = "http"

    def __init__(self, host: str, port: int) -> None:
        """OSError if the port is taken."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=128)
        self._socket.settimeout(0)
        self.host, self.port = host, self._socket.getsockname()[1]
        self._accepting = asyncio.create_task(self._accept())

    @property
    def client_host(self) -> str:
        """The host that a client on this machine connects to."""
        return _ANYWHERE.get(self.host, self.host)

    @property
    def url(self) -> str:
        """The origin for such a client: `https://127.0.0.1:40123`."""
        host = self.client_host
        return f"{self.scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"

    async def aclose(self) -> None:
        """Stop listening and drop every connection. Safe to call twice."""
        self._accepting.cancel()
        await asyncio.wait([self._accepting])
        self._socket.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as connections:
            while True:
                client, _ = await loop.sock_accept(self._socket)
                connecting = connections.create_task(self._connect(client))
                connecting.add_done_callback(partial(_close_canceled, client))

    async def _connect(self, client: socket.socket) -> None:
        with suppress(OSError):  # a client may leave at any moment
            await self.serve(client)

    @abstractmethod
    async def serve(self, client: socket.socket) -> None:
        """Serve a client that has just connected."""


def _close_canceled(client: socket.socket, connecting: asyncio.Task[None]) -> None:
    if connecting.cancelled():  # perhaps before it started
        client.close()


class HttpListener(Listener):
    """Serves HTTP; over TLS with a certificate."""

    def __init__(
        self,
        handler: Handler,
        certificate: ServerCertificate | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self._handler = handler
        self._http = web.Server(self._answer, handler_cancellation=True, access_log=None)
        self._context = certificate.server_context() if certificate else None
        self.scheme = "https" if certificate else "http"
        super().__init__(host, port)

    async def serve(self, client: socket.socket) -> None:
        """Do the handshake; the rest is done by aiohttp."""
        loop = asyncio.get_running_loop()
        await loop.connect_accepted_socket(self._http, client, ssl=self._context)

    async def aclose(self) -> None:
        """Stop listening and drop every connection. Safe to call twice."""
        await super().aclose()
        for connection in self._http.connections:
            if connection.transport:
                connection.transport.abort()
        await self._http.shutdown(_CLOSING)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        reply = await self._handler(request)
        if reply is None:
            await asyncio.Event().wait()
            raise web.HTTPGone  # never: it is canceled when the client leaves
        return await _send_half(request, reply) if reply.get(_CUT) else reply


_CUT: Final = web.ResponseKey("cut", bool)  # the connection is closed in the middle of the body


def cut(reply: web.Response) -> web.Response:
    """Return `reply`, which will end in the middle of its body."""
    reply[_CUT] = True
    return reply


async def _send_half(request: web.BaseRequest, reply: web.Response) -> web.StreamResponse:
    body = bytes(reply.body)  # type: ignore[arg-type]  # of bytes, as all replies here
    half = web.StreamResponse(status=reply.status, headers=reply.headers)
    half.content_length = len(body)
    await half.prepare(request)
    await half.write(body[: len(body) // 2])
    if request.transport:
        request.transport.close()
    return half


def basic_account(request: web.BaseRequest, encoding: str = "utf-8") -> tuple[str, str] | None:
    """Return user and password of HTTP Basic authentication; None without it."""
    try:
        account = BasicAuth.decode(request.headers.get("Authorization", ""), encoding)
    except ValueError:
        return None
    return account.login, account.password


# Faults of a reply in transit, for every protocol

OVERSIZE_BYTES: Final = 11 * 1024 * 1024  # after the reply: more than any client should read
# Neither UTF-8, nor JSON, nor XML, nor a compressed format's first bytes.
_NOISE: Final = bytes(range(255, -1, -1)) * 4


def login_page() -> web.Response:
    """Return the HTML page of a portal that intercepts requests."""
    form = "<form method=post><input name=user><input name=password></form>"
    page = f"<!DOCTYPE html><html><head><title>Sign in</title></head><body>{form}</body></html>"
    return web.Response(text=page, content_type="text/html")


def spoiled(body: bytes, fault: FaultMode) -> bytes:
    """Return `body` as it arrives in a fault that spoils answers; in any other fault as it is.

    Blanks follow a JSON or XML text without changing what it means, so that a client which reads
    them all finds nothing else to object to. An answer without a body cannot be spoiled.
    """
    if body and fault is FaultMode.OVERSIZED:
        return body + b" " * OVERSIZE_BYTES
    return _NOISE if body and fault is FaultMode.GARBAGE else body


def apply_fault(reply: web.Response, fault: FaultMode) -> web.Response:
    """Return `reply` as it arrives in a fault, spoiled or cut off."""
    reply.body = spoiled(bytes(reply.body or b""), fault)  # type: ignore[arg-type]  # see above
    return cut(reply) if reply.body and fault is FaultMode.TRUNCATED else reply


# JSON APIs of Citrix: one client, its tokens, and the faults that replace every reply

Json = dict[str, Any]

TOKEN_LIFETIME: Final = 3600  # seconds; tokens cannot be renewed
_MAX_TOKENS: Final = 1000  # the oldest are dropped
_RETRY_AFTER: Final = "600"  # seconds: longer than a client waits


class RefusedError(Exception):
    """A request that is answered with an error."""

    def __init__(self, reply: web.Response) -> None:
        super().__init__(reply.status)
        self.reply = reply


@dataclass(frozen=True, slots=True)
class ApiClient:
    """The one client of an API: a client ID and its secret, or a user and a password."""

    name: str
    secret: str = field(repr=False)
    customer: str = ""  # of Citrix Cloud


@dataclass(eq=False)
class JsonApi(ABC):
    """A simulated API. Tokens last an hour of `clock`."""

    current_fault: CurrentFault
    clock: Clock
    client: ApiClient
    _expiry: dict[str, float] = field(default_factory=dict, init=False)  # by token
    _issued: int = field(default=0, init=False)

    async def answer(self, request: web.BaseRequest) -> web.Response | None:
        """Return the reply to one request; None leaves it unanswered."""
        fault = self.current_fault()
        match fault:
            case FaultMode.SILENT:
                return None
            case FaultMode.LOGIN_PAGE:
                return login_page()
            case FaultMode.BUSY | FaultMode.RATE_LIMITED:
                status = 503 if fault is FaultMode.BUSY else 429
                return self.error(status, headers=[("Retry-After", _RETRY_AFTER)])
        try:
            return await self._answer(request, request.path.lower().rstrip("/"), fault)
        except RefusedError as refused:
            return refused.reply

    async def _answer(self, request: web.BaseRequest, path: str, fault: FaultMode) -> web.Response:
        if path not in self.token_paths:
            return self.read(request, path, fault)
        if request.method != "POST":
            return self.error(405, headers=[("Allow", "POST")])
        return await self.token(request, fault)

    @property
    @abstractmethod
    def token_paths(self) -> set[str]:
        """The paths of the token endpoint, in lower case."""

    @abstractmethod
    def error(self, status: int, message: str = "", headers: Headers = ()) -> web.Response:
        """Return an error in the format of this API."""

    @abstractmethod
    async def token(self, request: web.BaseRequest, fault: FaultMode) -> web.Response:
        """Return the reply to a request for a token. RefusedError is one, too."""

    @abstractmethod
    def read(self, request: web.BaseRequest, path: str, fault: FaultMode) -> web.Response:
        """Return the reply to another request to `path`, in lower case. RefusedError is one."""

    def is_secret(self, text: str) -> bool:
        """Whether `text` is the client's secret or password."""
        return compare_digest(text.encode(), self.client.secret.encode())

    def issue_token(self) -> str:
        """Return a new token."""
        self._issued += 1
        seed = f"{self.client.name}/{self.client.secret}/{self._issued}"
        token = f"eyJ{sha256(seed.encode()).hexdigest()}"
        self._expiry[token] = self.clock.now() + TOKEN_LIFETIME
        while len(self._expiry) > _MAX_TOKENS:
            del self._expiry[next(iter(self._expiry))]
        return token

    def token_expiry(self, request: web.BaseRequest) -> float:
        """Return when the token of a request expires, in UTC epoch seconds; 0 if it is not valid.

        The scheme is `CwsAuth Bearer=`, which Citrix's own pages write in several letter cases.
        """
        scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
        name, _, token = credentials.strip().partition("=")
        is_bearer = scheme.lower() == "cwsauth" and name.lower() == "bearer"
        return self._expiry.get(token, 0.0) if is_bearer else 0.0


# Self-signed certificates

# A simulated clock may be far ahead of the client's real one, and a test's far behind.
_BEFORE: Final = timedelta(days=365)
_AFTER: Final = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """A certificate that vouches for itself, and its private key."""

    pem: bytes = field(repr=False)  # certificate and key; also what a client may trust
    fingerprint: str  # SHA-256, lower-case hex

    def server_context(self) -> ssl.SSLContext:
        """A TLS context that presents this certificate."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        # OpenSSL reads a chain from a file only; the folder is private and removed immediately.
        with tempfile.TemporaryDirectory(prefix="lictui-") as folder:
            file = Path(folder) / "chain.pem"
            file.write_bytes(self.pem)
            context.load_cert_chain(file)
        return context


def self_signed(common_name: str, *, now: float) -> ServerCertificate:
    """Make a certificate for `common_name` and loopback; `now` is UTC epoch seconds."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    at = datetime.fromtimestamp(now, UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - _BEFORE)
        .not_valid_after(at + _AFTER)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.SubjectAlternativeName(
                [
                    x509.DNSName(common_name),
                    x509.DNSName("localhost"),
                    x509.IPAddress(ip_address("127.0.0.1")),
                    x509.IPAddress(ip_address("::1")),
                ]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    return ServerCertificate(
        pem=certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
    )
