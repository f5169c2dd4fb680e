"""HTTP kit of the simulated license servers: server, certificates, faults, and JSON APIs."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import h11
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lictui.simulator import CurrentFault, FaultMode

if TYPE_CHECKING:
    from lictui.clock import Clock

MAX_HEAD: Final = 64 * 1024  # bytes of request line and headers
MAX_BODY: Final = 1024 * 1024  # bytes
_CHUNK: Final = 64 * 1024
_NO_CONTENT: Final = 204
_TOO_LARGE: Final = 413
_SERVER_ERROR: Final = 500

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """One request, complete."""

    method: str
    path: str  # percent-decoded, without the query
    query: Mapping[str, str]  # the last of several values counts
    headers: Mapping[str, str]  # lower-case names; several values joined by ", "
    body: bytes


@dataclass(frozen=True, slots=True)
class SimulatedReply:
    """What to answer; Content-Length is added, but to a 204, which has no body."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    truncated: bool = False  # close the connection in the middle of the body


@dataclass(slots=True, eq=False)
class Connection:
    """One kept-alive connection, and what a handler remembers about it."""

    certificate: bytes = b""  # the DER the client was shown; b"" over plain HTTP
    state: object = field(default=None, repr=False)  # the handler's own, None at first

    @property
    def encrypted(self) -> bool:
        """Whether the client came over TLS."""
        return bool(self.certificate)


# None says nothing, and keeps the connection open until the client gives up.
Handler = Callable[[Request, Connection], Awaitable[SimulatedReply | None]]


class Listener:
    """One port that is listened on; made by `listen`."""

    def __init__(self, handler: Handler, certificate: ServerCertificate | None) -> None:
        self._handler = handler
        self._shown = certificate.der if certificate else b""
        self._context = certificate.server_context() if certificate else None
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.host = ""
        self.port = 0

    @property
    def url(self) -> str:
        """The origin: `https://127.0.0.1:40123`."""
        scheme = "https" if self._context else "http"
        return f"{scheme}://{self.host}:{self.port}"

    async def start(self, host: str, port: int) -> None:
        """Listen, as `listen` says."""
        self._server = await asyncio.start_server(self._accept, host, port)
        self.host = host
        self.port = self._server.sockets[0].getsockname()[1]

    async def aclose(self) -> None:
        """Stop listening and drop every connection, whatever it is in the middle of."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks)
        await server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None:
            writer.transport.abort()
            return
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A client that leaves at any moment is not an error of ours.
        try:
            with suppress(OSError):  # ssl.SSLError is one
                if self._context is not None:
                    # Here rather than in start_server, so that `aclose` reaches a client that
                    # stalls in the handshake. Nothing was read yet: this runs before the
                    # transport first polls its socket.
                    await writer.start_tls(self._context)
                await _Conversation(reader, writer).run(self._handler, Connection(self._shown))
                writer.close()
                await writer.wait_closed()
        finally:
            writer.transport.abort()


class _Conversation:
    """The requests and replies of one connection, framed by h11."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)

    async def run(self, handler: Handler, connection: Connection) -> None:
        while True:
            try:
                request = await self._request()
            except h11.RemoteProtocolError as error:
                await self._send(_plain(error.error_status_hint, str(error)), close=True)
                return
            if request is None:
                return
            reply = await _answer(handler, request, connection)
            if reply is None:
                await self._wait_for_the_end()
                return
            await self._send(reply)
            if self._http.our_state is not h11.DONE:
                return
            self._http.start_next_cycle()

    async def _request(self) -> Request | None:
        """The next request; None when the client is done."""
        head = await self._next_event()
        if not isinstance(head, h11.Request):
            return None
        body = bytearray()
        while isinstance(part := await self._next_event(), h11.Data):
            body += part.data
            if len(body) > MAX_BODY:
                raise h11.RemoteProtocolError("The body is too long", _TOO_LARGE)
        if not isinstance(part, h11.EndOfMessage):
            return None
        return _request(head, bytes(body))

    async def _next_event(self) -> h11.Event | type[h11.NEED_DATA | h11.PAUSED]:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(_CHUNK))
        return event

    async def _send(self, reply: SimulatedReply, *, close: bool = False) -> None:
        headers = list(reply.headers)
        if reply.status != _NO_CONTENT:  # RFC 9110, 8.6: there it must not be sent
            headers.append(("Content-Length", str(len(reply.body))))
        if close:
            headers.append(("Connection", "close"))
        events: list[h11.Event] = [h11.Response(status_code=reply.status, headers=headers)]
        size = len(reply.body)
        events.append(h11.Data(data=reply.body[: size // 2 if reply.truncated else size]))
        if not reply.truncated:
            events.append(h11.EndOfMessage())
        self._writer.write(b"".join(self._http.send(event) or b"" for event in events))
        await self._writer.drain()

    async def _wait_for_the_end(self) -> None:
        while await self._reader.read(_CHUNK):
            pass


def _request(head: h11.Request, body: bytes) -> Request:
    try:
        target = urlsplit(head.target.decode("ascii"))
        query = dict(parse_qsl(target.query, keep_blank_values=True))
    except ValueError as error:
        raise h11.RemoteProtocolError(f"The request's target cannot be read: {error}") from error
    headers: dict[str, str] = {}
    for raw_name, raw_value in head.headers:
        name, value = raw_name.decode("ascii"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Request(head.method.decode("ascii"), unquote(target.path), query, headers, body)


async def _answer(
    handler: Handler, request: Request, connection: Connection
) -> SimulatedReply | None:
    try:
        return await handler(request, connection)
    except Exception:  # noqa: BLE001 - one request of one client must not end the others
        _log.exception("The handler of %s %s failed", request.method, request.path)
        return _plain(_SERVER_ERROR, "The simulated server failed; its log says how")


def _plain(status: int, text: str) -> SimulatedReply:
    return SimulatedReply(status, (("Content-Type", "text/plain; charset=utf-8"),), text.encode())


async def listen(
    handler: Handler,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    certificate: ServerCertificate | None = None,
) -> Listener:
    """Serve `handler` until `aclose`; port 0 takes a free one. OSError when the port is taken."""
    listener = Listener(handler, certificate)
    await listener.start(host, port)
    return listener


# Faults of a reply in transit, for every protocol


OVERSIZE_BYTES: Final = 11 * 1024 * 1024  # after the reply: more than any client should read
_BLANKS: Final = b" " * 4096
# Neither UTF-8, nor JSON, nor XML, nor a compressed format's first bytes.
_NOISE: Final = bytes(range(255, -1, -1)) * 4

LOGIN_PAGE: Final = SimulatedReply(
    200,
    (("Content-Type", "text/html; charset=utf-8"),),
    b"<!DOCTYPE html><html><head><title>Sign in</title></head>"
    b"<body><form method=post><input name=user><input name=password></form></body></html>",
)


def apply_fault(reply: SimulatedReply, fault: FaultMode) -> SimulatedReply:
    """`reply` as it arrives in a fault that spoils answers; in any other fault as it is.

    Blanks follow a JSON or XML text without changing what it means, so that a client which reads
    them all finds nothing else to object to. An answer without a body cannot be spoiled.
    """
    if not reply.body:
        return reply
    match fault:
        case FaultMode.TRUNCATED:
            return replace(reply, truncated=True)
        case FaultMode.OVERSIZED:
            return replace(reply, body=reply.body + _BLANKS * (OVERSIZE_BYTES // len(_BLANKS)))
        case FaultMode.GARBAGE:
            return replace(reply, body=_NOISE)
        case _:
            return reply


# JSON APIs of Citrix: one client, its tokens, and the faults that replace every reply


Json = dict[str, Any]
Headers = tuple[tuple[str, str], ...]

TOKEN_LIFETIME: Final = 3600  # seconds; tokens cannot be renewed
_MAX_TOKENS: Final = 1000  # the oldest are dropped
_FORM: Final = "application/x-www-form-urlencoded"


def json_reply(body: Any, *, status: int = 200, headers: Headers = ()) -> SimulatedReply:
    """Return `body` as a JSON reply."""
    content_type = ("Content-Type", "application/json; charset=utf-8")
    return SimulatedReply(status, (content_type, *headers), json.dumps(body).encode())


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
    retry_after: int = field(default=2, kw_only=True)  # seconds, in replies of a busy API
    _expiry: dict[str, float] = field(default_factory=dict, init=False)  # by token
    _issued: int = field(default=0, init=False)

    async def answer(self, request: Request, connection: Connection) -> SimulatedReply | None:
        """Return the reply to one request; None leaves it unanswered."""
        del connection
        fault = self.current_fault()
        match fault:
            case FaultMode.SILENT:
                return None
            case FaultMode.LOGIN_PAGE:
                return LOGIN_PAGE
            case FaultMode.BUSY | FaultMode.RATE_LIMITED:
                status = 503 if fault is FaultMode.BUSY else 429
                return self.error(status, (("Retry-After", str(self.retry_after)),))
        return self.reply(request, request.path.lower().rstrip("/"), fault)

    @abstractmethod
    def error(self, status: int, headers: Headers = ()) -> SimulatedReply:
        """Return an error in the format of this API."""

    @abstractmethod
    def reply(self, request: Request, path: str, fault: FaultMode) -> SimulatedReply:
        """Return the reply to a request to `path`, which is in lower case."""

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

    def token_expiry(self, headers: Mapping[str, str]) -> float:
        """Return when the token of a request expires, in UTC epoch seconds; 0 if it is not valid.

        The scheme is `CwsAuth Bearer=`, which Citrix's own pages write in several letter cases.
        """
        scheme, _, credentials = headers.get("authorization", "").partition(" ")
        name, _, token = credentials.strip().partition("=")
        is_bearer = scheme.lower() == "cwsauth" and name.lower() == "bearer"
        return self._expiry.get(token, 0.0) if is_bearer else 0.0

    def client_credentials(self, request: Request, fault: FaultMode) -> SimulatedReply:
        """Return the reply to `POST /cctrustoauth2/{customer}/tokens/clients`: OAuth 2."""
        if content_type(request) != _FORM:
            return _oauth_error(400, "invalid_request", f"The request must be {_FORM}.")
        form = dict(parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True))
        if form.get("grant_type") != "client_credentials":
            return _oauth_error(400, "unsupported_grant_type", "Use client_credentials.")
        if fault is FaultMode.DENIED or form.get("client_id") != self.client.name:
            return _oauth_error(401, "invalid_client", "The client is not known.")
        # A wrong secret is an error with status 200.
        if not self.is_secret(form.get("client_secret", "")):
            return _oauth_error(200, "invalid_client", "The client secret is not valid.")
        if fault is FaultMode.CREDENTIALS_EXPIRED:
            return _oauth_error(200, "invalid_client", "The client secret has expired.")
        token, lifetime = self.issue_token(), str(TOKEN_LIFETIME)
        return json_reply({"token_type": "bearer", "access_token": token, "expires_in": lifetime})


def content_type(request: Request) -> str:
    """Return the media type of a request's body, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _oauth_error(status: int, error: str, description: str) -> SimulatedReply:
    return json_reply({"error": error, "error_description": description}, status=status)


# Self-signed certificates


# A simulated clock may be far ahead of the client's real one, and a test's far behind.
_BEFORE: Final = timedelta(days=365)
_AFTER: Final = timedelta(days=3650)
_LONGEST_COMMON_NAME: Final = 64  # X.520's upper bound


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """A certificate that vouches for itself, and its private key."""

    pem: bytes = field(repr=False)  # certificate and key; also what a client may trust
    der: bytes = field(repr=False)
    fingerprint: str  # SHA-256 of `der`, lower-case hex

    def server_context(self) -> ssl.SSLContext:
        """A TLS context that presents this certificate."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        # OpenSSL reads a chain from a file only; the folder is private and gone at once.
        with tempfile.TemporaryDirectory(prefix="lictui-") as folder:
            file = Path(folder) / "chain.pem"
            file.write_bytes(self.pem)
            context.load_cert_chain(file)
        return context


def self_signed(common_name: str, *, now: float) -> ServerCertificate:
    """Make a certificate for `common_name` and loopback; `now` is UTC epoch seconds."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, common_name[:_LONGEST_COMMON_NAME] or "localhost")]
    )
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
                    *([x509.DNSName(common_name)] if _is_host(common_name) else []),
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
        der=certificate.public_bytes(serialization.Encoding.DER),
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
    )


def _is_host(name: str) -> bool:
    return name.isascii() and name.replace("-", "").replace(".", "").isalnum()
