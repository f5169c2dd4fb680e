"""A small HTTP/1.1 server on loopback: what the simulated license servers stand on.

Owns framing, keep-alive, TLS and the bounds of a request. Must not know what is served.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import h11

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lictui.simulator.certificate import Certificate

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
class Reply:
    """What to answer; Content-Length is added, but to a 204, which has no body."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    cut: bool = False  # close the connection in the middle of the body


@dataclass(slots=True, eq=False)
class Connection:
    """One kept-alive connection, and what a handler remembers about it."""

    certificate: bytes = b""  # the DER the client was shown; b"" over plain HTTP
    memory: object = field(default=None, repr=False)  # the handler's own, None at first

    @property
    def encrypted(self) -> bool:
        """Whether the client came over TLS."""
        return bool(self.certificate)


# None says nothing, and keeps the connection open until the client gives up.
Handler = Callable[[Request, Connection], Awaitable[Reply | None]]


class Listener:
    """One port that is listened on; made by `listen`."""

    def __init__(self, handler: Handler, certificate: Certificate | None) -> None:
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
        """Listen; port 0 takes a free one. OSError when the port is taken."""
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
        """Answer until either side wants to end."""
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
            await self._send(reply, method=request.method)
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

    async def _send(self, reply: Reply, *, method: str = "", close: bool = False) -> None:
        headers = list(reply.headers)
        if reply.status != _NO_CONTENT:  # RFC 9110, 8.6: there it must not be sent
            headers.append(("Content-Length", str(len(reply.body))))
        if close:
            headers.append(("Connection", "close"))
        events: list[h11.Event] = [h11.Response(status_code=reply.status, headers=headers)]
        if method != "HEAD":
            size = len(reply.body)
            events.append(h11.Data(data=reply.body[: size // 2 if reply.cut else size]))
        if not reply.cut:
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


async def _answer(handler: Handler, request: Request, connection: Connection) -> Reply | None:
    try:
        return await handler(request, connection)
    except Exception:  # noqa: BLE001 - one request of one client must not end the others
        _log.exception("The handler of %s %s failed", request.method, request.path)
        return _plain(_SERVER_ERROR, "The simulated server failed; its log says how")


def _plain(status: int, text: str) -> Reply:
    return Reply(status, (("Content-Type", "text/plain; charset=utf-8"),), text.encode())


async def listen(
    handler: Handler,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    certificate: Certificate | None = None,
) -> Listener:
    """Serve `handler` until `aclose`; port 0 takes a free one. OSError when the port is taken."""
    listener = Listener(handler, certificate)
    await listener.start(host, port)
    return listener
