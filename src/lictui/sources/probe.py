"""Test of one server, step by step: resolve, connect, tls, auth, inventory, parse.

The first three steps are done here, the others are reported by the source itself. A program
(lmutil, a command) connects by itself.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Final

import httpcore
from msgspec.structs import replace

from lictui.model import (
    SOURCES,
    Certificate,
    Failure,
    FailureKind,
    Server,
    Snapshot,
    SourceName,
    Step,
    StepResult,
    Subject,
)
from lictui.sources import open_source
from lictui.sources.http import HttpClient
from lictui.sources.network import (
    RequestProgress,
    dns_failure,
    effective_port,
    map_error,
    origin,
    parse_flexnet_address,
    proxy_url,
)
from lictui.sources.process import LOCAL_TIMEOUT
from lictui.sources.sanitize import sanitize
from lictui.sources.source import SourceError
from lictui.sources.tls import read_leaf

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable

    import httpx

    from lictui.clock import Clock
    from lictui.config.settings import Limits

_STEPS: Final = tuple(Step)
_NOT_IN_LMSTAT: Final = frozenset({Step.TLS, Step.AUTH})  # FlexNet has neither


async def probe(server: Server, limits: Limits, clock: Clock) -> AsyncGenerator[StepResult, None]:
    """Test `server`: yield a result as each step ends, and none after a failure.

    A caller that stops early closes the iterator (`contextlib.aclosing`).
    """
    timer = _StepTimer(_NOT_IN_LMSTAT if server.source is SourceName.LMSTAT else frozenset())
    try:
        try:
            async with aclosing(_connection_steps(server, limits, timer)) as results:
                async for result in results:
                    yield result
        except SourceError as error:
            # The test must not fail where a poll works: lmutil may be a script that runs elsewhere.
            reports = await _reports_of_lmutil(server, error, limits, clock)
            if not reports:
                raise
            step = error.failure.step or Step.CONNECT
            yield timer.passed(step, f"delegated to {server.lmutil or 'lmutil'}: {error}")
            for step, detail, hosts in reports:
                yield timer.passed(step, detail, hosts=hosts)
            return
        async with aclosing(_source_steps(server, limits, clock)) as steps:
            async for step, detail, hosts in steps:
                yield timer.passed(step, detail, hosts=hosts)
    except SourceError as error:
        untrusted = error.failure.kind is FailureKind.TLS and server.url
        leaf: tuple[Certificate, str] | None = None
        if untrusted:  # show the certificate that the server presents
            with suppress(SourceError):
                leaf = await _certificate(replace(server, verify=False), limits)
        yield timer.failed(error.failure, leaf)


# Steps of lictui itself: resolve, connect, tls


async def _connection_steps(
    server: Server, limits: Limits, timer: _StepTimer
) -> AsyncGenerator[StepResult, None]:
    if server.source is SourceName.COMMAND:
        return
    is_lmstat = server.source is SourceName.LMSTAT
    if is_lmstat:
        urls = parse_flexnet_address(server.address)
    else:
        urls = (await proxy_url(server, limits, LOCAL_TIMEOUT) or origin(server.url),)
    addresses = await _try_all(_resolve, urls, limits)
    yield timer.passed(Step.RESOLVE, ", ".join(dict.fromkeys(addresses.values())))
    peers = await _try_all(_connect, addresses, limits)
    yield timer.passed(Step.CONNECT, ", ".join(dict.fromkeys(peers.values())))
    if not is_lmstat and origin(server.url).scheme == "https":
        certificate, text = await _certificate(server, limits)
        detail = f"{_trust(server.verify)} · {text} · sha256:{certificate.sha256}"
        yield timer.passed(Step.TLS, detail, certificate.sha256)


async def _try_all(
    check: Callable[[httpx.URL, Limits], Awaitable[str]],
    urls: Iterable[httpx.URL],
    limits: Limits,
) -> dict[httpx.URL, str]:
    """Return where `check` succeeded: one of three is enough. Raises the first error if nowhere."""
    urls = tuple(urls)
    results = await asyncio.gather(*(check(url, limits) for url in urls), return_exceptions=True)
    passed = {
        url: result for url, result in zip(urls, results, strict=True) if isinstance(result, str)
    }
    if not passed:
        raise next(result for result in results if isinstance(result, BaseException))
    return passed


async def _resolve(url: httpx.URL, limits: Limits) -> str:
    loop = asyncio.get_running_loop()
    host = url.raw_host.decode("ascii")
    try:
        async with asyncio.timeout(limits.connect_timeout):
            infos = await loop.getaddrinfo(host, effective_port(url), type=socket.SOCK_STREAM)
    except TimeoutError as error:
        raise SourceError(
            FailureKind.TIMEOUT,
            f"DNS did not resolve {url.host} within {limits.connect_timeout:g} s",
            "Check the DNS settings of this machine.",
            Step.RESOLVE,
        ) from error
    except (OSError, UnicodeError) as error:
        raise dns_failure(url.host) from error
    return ", ".join(dict.fromkeys(str(address[0]) for *_, address in infos))


async def _connect(url: httpx.URL, limits: Limits) -> str:
    host = url.raw_host.decode("ascii")
    try:
        stream = await httpcore.AnyIOBackend().connect_tcp(
            host, effective_port(url), limits.connect_timeout
        )
    except (httpcore.NetworkError, httpcore.TimeoutException, OSError) as error:
        progress = RequestProgress(url, Step.CONNECT, connected=True)
        raise map_error(error, progress, limits) from error
    address, port, *_ = stream.get_extra_info("server_addr")
    await stream.aclose()
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


async def _certificate(server: Server, limits: Limits) -> tuple[Certificate, str]:
    return read_leaf(await HttpClient(server, limits).handshake())


def _trust(verify: bool | str) -> str:  # noqa: FBT001 - as in servers.toml
    match verify:
        case False:
            return "NOT VERIFIED (verify = false)"
        case str() if verify.lower().startswith("sha256:"):
            return "pinned"
        case _:
            return "trusted"


# Steps that the source reports: auth, inventory, parse

_MAX_HOSTS: Final = 1000


async def _reports_of_lmutil(
    server: Server, error: SourceError, limits: Limits, clock: Clock
) -> list[tuple[Step, str, tuple[str, ...]]]:
    if server.source is not SourceName.LMSTAT or error.failure.kind is FailureKind.CONFIG:
        return []
    try:
        async with aclosing(_source_steps(server, limits, clock)) as steps:
            return [step async for step in steps]
    except SourceError:
        return []


async def _source_steps(
    server: Server, limits: Limits, clock: Clock
) -> AsyncGenerator[tuple[Step, str, tuple[str, ...]], None]:
    """Yield the steps of one poll as the source reports them; host names with the last."""
    reports: asyncio.Queue[tuple[Step, str] | None] = asyncio.Queue()
    source = open_source(server, limits, clock)
    fetching = asyncio.create_task(
        source.fetch(lambda step, detail: reports.put_nowait((step, detail)))
    )
    fetching.add_done_callback(lambda _: reports.put_nowait(None))
    try:
        while report := await reports.get():
            hosts = _host_names(server, await fetching) if report[0] is Step.PARSE else ()
            yield *report, hosts
        await fetching
    finally:
        fetching.cancel()
        await asyncio.gather(fetching, return_exceptions=True)
        await source.aclose()


def _host_names(server: Server, snapshot: Snapshot) -> tuple[str, ...]:
    """Return the host names of the license servers; the name of a site or account is none."""
    is_host = SOURCES[server.source].subject is Subject.SERVER
    own = (snapshot.reported_name,) if is_host else ()
    listed = (license_server.fqdn for license_server in snapshot.license_servers[:_MAX_HOSTS])
    names = map(sanitize, (snapshot.license_server_host, *own, *listed))
    return tuple(dict.fromkeys(filter(None, names)))


# Results


class _StepTimer:
    """Makes the results of the steps with the time that each took.

    By the time of the event loop: seconds of the network, even where the clock is simulated.
    """

    def __init__(self, skipped: frozenset[Step]) -> None:
        self._skipped = skipped
        self._started = asyncio.get_running_loop().time()
        self._next = 0  # index in _STEPS

    def passed(
        self, step: Step, detail: str, fingerprint: str = "", hosts: tuple[str, ...] = ()
    ) -> StepResult:
        self._next = _STEPS.index(step) + 1
        seconds = self._lap()
        return StepResult(
            step, ok=True, detail=detail, seconds=seconds, fingerprint=fingerprint, host_names=hosts
        )

    def failed(self, failure: Failure, leaf: tuple[Certificate, str] | None = None) -> StepResult:
        """Return the result of a failed step, never one that passed before (a token may expire)."""
        index = min(self._next, len(_STEPS) - 1)
        if failure.step:
            index = max(index, _STEPS.index(failure.step))
        while _STEPS[index] in self._skipped:  # a program connects, but has no such steps
            index += 1
        detail = failure.message
        sha256 = leaf[0].sha256 if leaf else ""
        if leaf:
            detail += f" · {leaf[1]}"
            detail += "" if sha256 in detail else f" · sha256:{sha256}"
        return StepResult(
            _STEPS[index],
            ok=False,
            detail=detail,
            seconds=self._lap(),
            hint=failure.hint,
            fingerprint=sha256,
        )

    def _lap(self) -> float:
        started, self._started = self._started, asyncio.get_running_loop().time()
        return self._started - started
