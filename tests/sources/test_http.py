import asyncio
import errno
import os
import threading
from contextlib import AbstractAsyncContextManager

import httpx
import pytest
from tests.support import polls
from tests.support.clock import FakeClock
from tests.support.polls import failure_from
from tests.support.tcp_server import (
    http_reply,
    never_reply,
    scripted_replies,
    tcp_server,
)

from lictui.config.settings import Limits
from lictui.model import Failure, FailureKind, Server, SourceName, Step
from lictui.sources.http import HttpClient, HttpReply, reply_json
from lictui.sources.network import ConnectionDroppedError
from lictui.sources.source import SourceError

LIMITS = Limits(timeout=20.0, max_reply=1000)


def http_client(
    port: int, clock: FakeClock | None = None
) -> AbstractAsyncContextManager[HttpClient]:
    server = Server("x", SourceName.CVAD, url=f"http://127.0.0.1:{port}")
    return polls.http_client(server, LIMITS, clock)


async def failure_of(client: HttpClient, headers: dict[str, str] | None = None) -> Failure:
    request = client.request("GET", "/", step=Step.INVENTORY, headers=headers)
    failure = await failure_from(request)
    assert failure.hint
    return failure


async def test_requests_share_one_connection() -> None:
    connections = []
    handle = scripted_replies(http_reply(b"one"), http_reply(b"two", "404 Not Found"))

    async def counting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        await handle(reader, writer)

    async with tcp_server(counting) as port, http_client(port) as client:
        first = await client.request("GET", "/a", step=Step.AUTH)
        second = await client.request("GET", "/b", step=Step.AUTH)
    assert (first.body, first.status, second.body, second.status) == (b"one", 200, b"two", 404)
    assert first.headers["CONTENT-LENGTH"] == "3"
    assert len(connections) == 1


async def test_full_url_and_headers_are_sent_without_a_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")  # must not be used
    requests: list[bytes] = []
    async with (
        tcp_server(scripted_replies(http_reply(), heard=requests)) as port,
        http_client(port) as client,
    ):
        url = f"http://127.0.0.1:{port}/wsman?a=%2Fb"
        await client.request("POST", url, step=Step.AUTH, headers={"X-One": "1"}, content=b"")
    assert requests[0].startswith(b"POST /wsman?a=%2Fb HTTP/1.1\r\n")
    assert b"x-one: 1" in requests[0].lower()
    assert b"accept-encoding: identity" in requests[0].lower()


async def test_refused_connection_is_named() -> None:
    async with tcp_server(never_reply) as port:
        pass
    async with http_client(port) as client:
        failure = await failure_of(client)
    assert (failure.kind, failure.step) == (FailureKind.REFUSED, Step.CONNECT)
    assert f"127.0.0.1:{port}" in failure.message


async def test_unknown_host_is_a_dns_failure() -> None:
    server = Server("x", SourceName.CVAD, url="http://no-such-host.invalid")
    failure = await failure_of(HttpClient(server, Limits()))
    assert (failure.kind, failure.step) == (FailureKind.DNS, Step.RESOLVE)
    assert "no-such-host.invalid" in failure.message


async def test_slow_response_ends_with_the_deadline(timeouts: list[asyncio.Timeout]) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx")
        await writer.drain()
        timeouts[0].reschedule(0)
        await reader.read()

    async with tcp_server(drip) as port, http_client(port) as client:
        with pytest.raises(SourceError) as caught:
            async with client.deadline():
                await client.request("GET", "/", step=Step.INVENTORY)
    failure = caught.value.failure
    assert (failure.kind, failure.step) == (FailureKind.TIMEOUT, Step.INVENTORY)
    assert "no complete response" in failure.message


@pytest.mark.parametrize("path", ["login", "\x1b[2J"])
async def test_redirect_is_not_followed(path: str) -> None:
    requests: list[bytes] = []
    reply = http_reply(b"", "302 Found", location=f"https://portal.example/{path}")
    async with (
        tcp_server(scripted_replies(reply, http_reply(b"{}"), heard=requests)) as port,
        http_client(port) as client,
    ):
        failure = await failure_of(client)
    assert failure.kind is FailureKind.PROTOCOL
    assert ("https://portal.example/login" in failure.message) is (path == "login")
    assert "\x1b" not in failure.message
    assert len(requests) == 1


async def test_flood_of_interim_responses_ends_and_lets_other_tasks_run() -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 100_000)
        await writer.drain()
        await reader.read()

    rounds = 0

    async def other() -> None:
        nonlocal rounds
        while True:
            await asyncio.sleep(0)
            rounds += 1

    async with tcp_server(flood) as port, http_client(port) as client:
        running = asyncio.create_task(other())
        failure = await failure_of(client)
        running.cancel()
    assert (failure.kind, failure.step) == (FailureKind.PROTOCOL, Step.INVENTORY)
    assert "too much before the response" in failure.message
    assert rounds > 100


async def test_large_response_in_small_pieces_is_read() -> None:
    chunks = b"64\r\n" + b"x" * 100 + b"\r\n"
    reply = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks * 3000
    async with tcp_server(scripted_replies(reply + b"0\r\n\r\n")) as port:
        server = Server("x", SourceName.CVAD, url=f"http://127.0.0.1:{port}")
        async with polls.http_client(server, Limits()) as client:
            assert len((await client.request("GET", "/", step=Step.AUTH)).body) == 300_000


async def test_cookies_are_neither_kept_nor_returned() -> None:
    reply = http_reply(b"x").replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=b\r\n\r\n")
    requests: list[bytes] = []
    async with (
        tcp_server(scripted_replies(reply, http_reply(), heard=requests)) as port,
        http_client(port) as client,
    ):
        for _ in range(2):
            await client.request("GET", "/", step=Step.AUTH)
    assert b"cookie" not in requests[1].lower()


@pytest.mark.parametrize(
    ("number", "kind", "words", "hint"),
    [
        (errno.EMFILE, FailureKind.CONFIG, "no more files", "ulimit"),
        (errno.EAGAIN, FailureKind.CONFIG, "no more threads", "ulimit"),
        (errno.EHOSTUNREACH, FailureKind.REFUSED, "no route to 127.0.0.1:1", "VPN"),
    ],
)
async def test_fault_of_this_machine_is_not_blamed_on_the_server(
    number: int, kind: FailureKind, words: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def connect(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("anyio.connect_tcp", connect)
    async with http_client(1) as client:
        failure = await failure_of(client)
    assert (failure.kind, failure.step) == (kind, Step.CONNECT)
    assert failure.message.endswith(words)
    assert hint in failure.hint


async def test_unsendable_header_is_not_shown() -> None:
    async with tcp_server(never_reply) as port, http_client(port) as client:
        for value in ("secret\nvalue", "secrät"):
            failure = await failure_of(client, {"Authorization": value})
            assert failure.kind is FailureKind.CONFIG
            assert "secr" not in failure.message


async def test_dropped_kept_connection_is_retried(clock: FakeClock) -> None:
    """The server closes after the first answer, but only when the second request is in."""
    handle = scripted_replies(http_reply(b"one"), b"", http_reply(b"two"))
    async with tcp_server(handle) as port, http_client(port, clock) as client:
        await client.request("GET", "/", step=Step.AUTH)
        reply = await client.request("GET", "/", step=Step.AUTH)
    assert reply.body == b"two"


async def test_broken_new_connection_is_not_retried(clock: FakeClock) -> None:
    requests: list[bytes] = []
    async with (
        tcp_server(scripted_replies(b"", http_reply(), heard=requests)) as port,
        http_client(port, clock) as client,
    ):
        with pytest.raises(SourceError) as caught:
            await client.request("GET", "/", step=Step.AUTH)
    assert not isinstance(caught.value, ConnectionDroppedError)
    assert len(requests) == 1


@pytest.mark.parametrize(
    ("status", "after", "pause"),
    [
        (503, "", 1.0),
        (503, "120", None),
        (429, "5", 5.0),
        (429, "6", None),
        (429, "", None),
        (429, "Tue, 24 Nov 2026 06:00:04 GMT", 4.0),
        (429, "Tue, 24 Nov 2026 07:00:00 GMT", None),
        (429, "soon", None),
        (500, "1", None),
    ],
)
async def test_retry_follows_status_and_retry_after(
    status: int, after: str, pause: float | None, clock: FakeClock
) -> None:
    replies = [httpx.Response(status, headers={"retry-after": after}), httpx.Response(200)]
    asked_at: list[float] = []

    async def answer(_request: httpx.Request) -> httpx.Response:
        asked_at.append(clock.monotonic())
        return replies.pop(0)

    server = Server("x", SourceName.CVAD, url="http://x.example")
    client = HttpClient(server, LIMITS, clock, httpx.MockTransport(answer))
    asking = asyncio.ensure_future(client.request("GET", "/", step=Step.AUTH))
    await clock.advance(10)
    assert asking.done()
    assert (await asking).status == (status if pause is None else 200)
    assert asked_at == ([0.0] if pause is None else [0.0, pause])


async def test_large_response_is_parsed_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []
    monkeypatch.setattr(
        "lictui.sources.http.parse_json", lambda _: threads.append(threading.current_thread())
    )
    for size in (100, 100_000):
        await reply_json(HttpReply(200, {}, b" " * size), Step.PARSE)
    assert [thread is threading.main_thread() for thread in threads] == [True, False]
