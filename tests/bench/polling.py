"""One poll round of many HTTP servers against the same requests by a bare httpx loop."""

import asyncio
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from statistics import median
from typing import Any

import httpx
from tests.support.simulators import PASSWORD, USER

from lictui.clock import SystemClock
from lictui.config.settings import Limits
from lictui.engine.poller import poll_server
from lictui.model import Server, Snapshot, SourceName
from lictui.sources import open_source, tls
from lictui.sources.source import Source

ROUNDS = 5
LIMITS = Limits(timeout=120.0, connect_timeout=60.0)


def rounds(count: int) -> tuple[float, float]:
    """Median seconds of a round of `count` servers: by lictui's sources, and by bare httpx."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    os.environ["BENCH_PASSWORD"] = PASSWORD
    command = [sys.executable, "-m", "tests.bench.sites", str(count)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            started = json.loads(process.stdout.readline())
            servers = [
                Server(
                    f"ddc-{port}",
                    SourceName.CVAD,
                    url=f"https://127.0.0.1:{port}",
                    username=USER,
                    secret="env:BENCH_PASSWORD",
                    verify=f"sha256:{started['pin']}",
                )
                for port in started["ports"]
            ]
            return asyncio.run(_compare(servers))
        finally:
            process.terminate()


async def _compare(servers: Sequence[Server]) -> tuple[float, float]:
    """Rounds in turn, all connections open and all tokens got by a first one of each."""
    clock = SystemClock()
    sources = [open_source(server, LIMITS, clock) for server in servers]
    requests = await _recorded(servers[0])
    clients = [
        httpx.AsyncClient(verify=await tls.ssl_context(server), trust_env=False)
        for server in servers
    ]

    async def ours() -> None:
        polls = await asyncio.gather(
            *(
                poll_server(server, source, LIMITS.timeout, clock)
                for server, source in zip(servers, sources, strict=True)
            )
        )
        assert all(isinstance(poll.result, Snapshot) for poll in polls)

    async def bare() -> None:
        await asyncio.gather(
            *(
                _replay(client, server, requests, tokens[server.name])
                for client, server in zip(clients, servers, strict=True)
            )
        )

    await ours()
    tokens = {
        server.name: _token_of(source) for server, source in zip(servers, sources, strict=True)
    }
    await bare()
    times: dict[str, list[float]] = {"ours": [], "bare": []}
    for _ in range(ROUNDS):
        times["ours"].append(await _timed(ours))
        times["bare"].append(await _timed(bare))
    await asyncio.gather(*(source.aclose() for source in sources))
    await asyncio.gather(*(client.aclose() for client in clients))
    return median(times["ours"]), median(times["bare"])


async def _timed(work: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


async def _recorded(server: Server) -> list[httpx.Request]:
    """The requests of a second poll, when token and paths are known."""
    seen: list[httpx.Request] = []
    send = httpx.AsyncHTTPTransport.handle_async_request

    async def recording(
        transport: httpx.AsyncHTTPTransport, request: httpx.Request
    ) -> httpx.Response:
        seen.append(request)
        return await send(transport, request)

    source: Source = open_source(server, LIMITS, SystemClock())
    httpx.AsyncHTTPTransport.handle_async_request = recording  # type: ignore[method-assign,assignment]
    try:
        await poll_server(server, source, LIMITS.timeout, SystemClock())
        seen.clear()
        await poll_server(server, source, LIMITS.timeout, SystemClock())
    finally:
        httpx.AsyncHTTPTransport.handle_async_request = send  # type: ignore[method-assign]
        await source.aclose()
    assert seen
    return seen


def _token_of(source: Any) -> str:
    return f"CWSAuth bearer={source._session._token.value}"


async def _replay(
    client: httpx.AsyncClient, server: Server, requests: Sequence[httpx.Request], token: str
) -> None:
    for request in requests:
        headers = dict(request.headers) | {"authorization": token}
        headers.pop("host")
        path = request.url.raw_path.decode()
        reply = await client.request(request.method, server.url + path, headers=headers)
        assert reply.status_code == httpx.codes.OK
