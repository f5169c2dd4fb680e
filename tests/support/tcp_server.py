"""Minimal TCP servers on loopback, for tests below the protocols."""

import asyncio
import socket
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime

import trustme


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@asynccontextmanager
async def tcp_server(
    handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    tls: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
) -> AsyncIterator[int]:
    """Run a TCP server that passes each connection to `handle`; yield its port."""
    open_now: dict[asyncio.Task[None] | None, asyncio.StreamWriter] = {}

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_now[asyncio.current_task()] = writer
        with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            await handle(reader, writer)
        writer.close()

    server = await asyncio.start_server(accept, host, port, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in open_now.values():
            with suppress(AttributeError):  # Python 3.11.2 cannot abort what is closed
                writer.transport.abort()
        await asyncio.gather(*filter(None, open_now))


async def connect_proxy(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, account: str = ""
) -> None:
    """Be an HTTP proxy that connects each client with this account to the host that it names."""

    async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await source.read(65536):
                target.write(data)
                await target.drain()
        target.close()

    method, address, head = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)
    assert method == b"CONNECT"
    if account and f"Basic {b64encode(account.encode()).decode()}\r\n".encode() not in head:
        writer.write(http_reply(status="407 Proxy Authentication Required"))
        return
    host, _, port = address.decode().rpartition(":")
    upstream, server = await asyncio.open_connection(host, int(port))
    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    await asyncio.gather(copy(reader, server), copy(upstream, writer))


def scripted_replies(
    *replies: bytes, heard: list[bytes] | None = None
) -> Callable[..., Awaitable[None]]:
    """Return a handler that sends the next of `replies` to each request, on all connections.

    A reply of b"" closes the connection without a word.
    """
    left = list(replies)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while left:
            head = await reader.readuntil(b"\r\n\r\n")
            if heard is not None:
                heard.append(head)
            reply = left.pop(0)
            if not reply:
                return
            writer.write(reply)
            await writer.drain()

    return handle


async def never_reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    del writer
    while await reader.read(65536):
        pass


def http_reply(body: bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
    """A complete reply on a connection that stays open; `retry_after="1"` is Retry-After: 1."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class TlsIdentity:
    """A server certificate of a private CA."""

    def __init__(self, *names: str, not_after: datetime | None = None) -> None:
        self.ca = trustme.CA()
        self._leaf = self.ca.issue_cert(*names, not_after=not_after)
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._leaf.configure_cert(self.server)

    @property
    def der(self) -> bytes:
        return ssl.PEM_cert_to_DER_cert(self._leaf.cert_chain_pems[0].bytes().decode())

    @property
    def ca_pem(self) -> bytes:
        return self.ca.cert_pem.bytes()

    @property
    def leaf_pem(self) -> bytes:
        """Certificate and key in one file, as a client certificate is kept."""
        return self._leaf.private_key_and_cert_chain_pem.bytes()
