"""Hostile connections, before and after the sign-in, to every source over HTTP.

Each is a failure with a hint, in time and with little memory. For hostile values in answers see
`test_any_answers_are_a_snapshot_or_a_failure` of sessions, and its like of the other sources.
"""

import asyncio
import gzip
import json
import re
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager

import pytest
from msgspec.structs import replace
from tests.support import fake_cloud, fake_insights, fake_site
from tests.support.clock import FakeClock
from tests.support.polls import poll_once
from tests.support.tcp_server import http_reply, tcp_server

from lictui.config.settings import Limits
from lictui.model import Failure, FailureKind, Server, SourceName
from lictui.sources import open_source

LIMITS = Limits(timeout=30, max_reply=64 * 1024)
SHORT = replace(LIMITS, timeout=0.25)  # for servers that keep silent
MAX_SENT = 16 * 1024 * 1024  # what the sockets of both ends may hold, and more
TOKEN = {"Token": "a" * 40, "access_token": "a" * 40, "token": "a" * 40, "expires_in": 3600}

Send = Callable[[bytes], Coroutine[None, None, None]]
Attack = Callable[[Send], Coroutine[None, None, None]]


def says(reply: bytes) -> Attack:
    """Sends this, and then neither anything else nor an end."""

    async def attack(send: Send) -> None:
        await send(reply)
        await asyncio.Event().wait()

    return attack


def repeats(head: bytes, chunk: bytes) -> Attack:
    """Sends the chunk for ever."""

    async def attack(send: Send) -> None:
        await send(head)
        while True:
            await send(chunk)

    return attack


def closes_after(reply: bytes) -> Attack:
    """Sends this, and ends the connection."""
    return lambda send: send(reply)


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
BOMB = gzip.compress(bytes(1024 * 1024))
TIMEOUT = FailureKind.TIMEOUT
PROTOCOL, PARSE, TOO_LARGE = FailureKind.PROTOCOL, FailureKind.PARSE, FailureKind.TOO_LARGE
LENGTH = OK + b"Content-Length: "
CONTINUE = b"HTTP/1.1 100 Continue\r\nX: " + b"a" * 4000 + b"\r\n\r\n"
INVALID, CLOSED = "invalid HTTP response", "closed the connection"
LARGE, JSON = "larger than 65,536 bytes", "invalid JSON|invalid WinRM response"
# What the server does, and the kind and the words of the failure
ATTACKS: dict[str, tuple[Attack, FailureKind, str]] = {
    "silent": (says(b""), TIMEOUT, "no complete response"),
    "closed": (closes_after(b""), PROTOCOL, CLOSED),
    "half a body": (says(LENGTH + b"9\r\n\r\n{"), TIMEOUT, "no complete response"),
    "cut off": (closes_after(LENGTH + b"9\r\n\r\n{"), PROTOCOL, CLOSED),
    "endless body": (repeats(OK + b"\r\n", b" " * 4096), TOO_LARGE, LARGE),
    "declared body": (repeats(LENGTH + b"99999999\r\n\r\n", b" " * 4096), TOO_LARGE, LARGE),
    "endless chunks": (
        repeats(CHUNKED, b"1000\r\n" + b" " * 4096 + b"\r\n"),
        TOO_LARGE,
        LARGE,
    ),
    "tiny chunks": (repeats(CHUNKED, b"1\r\n \r\n" * 500), PROTOCOL, "pieces of a few bytes"),
    "endless head": (repeats(OK, b"X-A: b\r\n" * 500), PROTOCOL, INVALID),
    "endless interim responses": (repeats(b"", CONTINUE), PROTOCOL, "too much before the response"),
    "huge length": (says(LENGTH + b"9" * 18 + b"\r\n\r\n"), TIMEOUT, "no complete response"),
    "negative length": (says(LENGTH + b"-1\r\n\r\n"), PROTOCOL, INVALID),
    "invalid status": (says(b"HTTP/1.1 xyz\r\n\r\n"), PROTOCOL, INVALID),
    "no HTTP": (says(b"\x15\x03\x01\x00\x02\x02\x46\r\n\r\n"), PROTOCOL, INVALID),
    "control character in a header": (says(OK + b"X: \0\x1b[2J\r\n\r\n"), PROTOCOL, INVALID),
    "compressed bomb": (says(http_reply(BOMB, content_encoding="gzip")), PROTOCOL, "compressed"),
    "redirect": (
        says(http_reply(status="302 Found", location="http://127.0.0.2:1/")),
        PROTOCOL,
        "redirects to http://127.0.0.2:1/",
    ),
    "image": (says(http_reply(b"\x89PNG\r\n\0\x1b", content_type="image/png")), PARSE, JSON),
    "other encoding": (says(http_reply('{"a": "\u00fc"}'.encode("latin-1"))), PARSE, JSON),
    "deep": (says(http_reply(b"[" * 60_000)), PARSE, JSON),
    "many lists": (says(http_reply(b"[" + b"[]," * 20_000 + b"0]")), PARSE, JSON),
    "not a number": (says(http_reply(b'{"a": NaN}')), PARSE, JSON),
}
SOURCES = {
    SourceName.CVAD: fake_site.SERVER,
    SourceName.CITRIX_CLOUD: fake_cloud.SERVER,
    SourceName.PARTNER: fake_insights.SERVER,
    SourceName.WINRM: replace(fake_site.SERVER, source=SourceName.WINRM, auth="basic"),
}


@asynccontextmanager
async def hostile(attack: Attack, *, after_login: bool) -> AsyncIterator[tuple[int, list[int]]]:
    """Yield the port of a server that attacks, and how many bytes it sent."""
    sent: list[int] = []
    honest = [http_reply(json.dumps(TOKEN).encode())] if after_login else []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def send(data: bytes) -> None:
            sent.append(len(data))
            writer.write(data)
            await writer.drain()

        while True:
            await reader.readuntil(b"\r\n\r\n")
            if not honest:
                break
            await send(honest.pop())
        gone = asyncio.create_task(reader.read())
        attacking = asyncio.create_task(attack(send))
        await asyncio.wait([gone, attacking], return_when=asyncio.FIRST_COMPLETED)
        for task in (gone, attacking):
            task.cancel()
        await asyncio.gather(gone, attacking, return_exceptions=True)

    async with tcp_server(handle) as port:
        yield port, sent


async def failure_after(name: str, server: Server, clock: FakeClock, *, after_login: bool) -> str:
    """Return what is wrong with the failure; "" if nothing is."""
    attack, kind, words = ATTACKS[name]
    async with hostile(attack, after_login=after_login) as (port, sent):
        url = f"http://127.0.0.1:{port}"
        server = replace(server, url=url, trust_url=url if server.trust_url else "")
        limits = SHORT if kind is TIMEOUT else LIMITS
        async with aclosing(open_source(server, limits, clock)) as source:
            result = await poll_once(source)
    if (
        isinstance(result, Failure)
        and (result.kind, bool(result.hint)) == (kind, True)
        and re.search(words, result.message)
        and f"{result}".isprintable()
        and sum(sent) < MAX_SENT
    ):
        return ""
    return f"{name}: {server.source}, {after_login=}, {sum(sent):,} bytes: {result}"


@pytest.mark.parametrize("name", ATTACKS)
async def test_hostile_connection_is_a_failure_with_a_hint(
    name: str, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LICTUI_TEST", "secret")
    problems = await asyncio.gather(
        *(
            failure_after(name, server, clock, after_login=after_login)
            for source, server in SOURCES.items()
            for after_login in (False, True)
            if not (after_login and source is SourceName.WINRM)
        )
    )
    assert list(filter(None, problems)) == []
