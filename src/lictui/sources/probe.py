"""The connection test of a server, step by step: resolve, connect, tls, auth, inventory, parse."""

from __future__ import annotations

import asyncio
import socket
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import httpcore

from lictui.model import Failure, FailureKind, Server, Snapshot, SourceName, Step, StepResult
from lictui.sources import open_source
from lictui.sources.network import (
    RequestProgress,
    dns_failure,
    effective_port,
    map_error,
    origin,
    parse_flexnet_address,
)
from lictui.sources.sanitize import sanitize
from lictui.sources.source import SourceError
from lictui.sources.tls import fingerprint, ssl_context, unverified_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator, AsyncIterator

    import httpx

    from lictui.clock import Clock
    from lictui.config.settings import Limits


# Network checks before any request: addresses, connection, certificate


_BROKEN: Final = (httpcore.NetworkError, httpcore.TimeoutException, OSError)


@dataclass(frozen=True, slots=True)
class Leaf:
    """The server's own certificate."""

    fingerprint: str  # SHA-256, lower-case hex
    subject: str
    ends: str  # ISO date, "" if it cannot be read

    @property
    def words(self) -> str:
        """Subject and end of validity."""
        return f"{self.subject} · until {self.ends}" if self.ends else self.subject

    def __str__(self) -> str:
        return f"{self.words} · sha256:{self.fingerprint}"


async def resolve(url: httpx.URL, limits: Limits) -> str:
    """Return the addresses of the host of `url`; raises SourceError (dns, timeout)."""
    loop = asyncio.get_running_loop()
    host = url.raw_host.decode("ascii")
    try:
        async with asyncio.timeout(limits.connect_timeout):
            found = await loop.getaddrinfo(host, effective_port(url), type=socket.SOCK_STREAM)
    except TimeoutError as error:
        raise SourceError(
            FailureKind.TIMEOUT,
            f"no DNS response for {url.host} within {limits.connect_timeout:g} s",
            "Check the DNS settings of this machine.",
            Step.RESOLVE,
        ) from error
    except (OSError, UnicodeError) as error:
        raise dns_failure(url.host) from error
    return ", ".join(dict.fromkeys(str(address[0]) for *_, address in found))


async def resolvable(address: str, limits: Limits) -> tuple[tuple[httpx.URL, ...], str]:
    """Return which servers of a FlexNet `address` resolve, and to what.

    One of three is enough; raises SourceError (config, dns, timeout) if none resolves.
    """
    urls = parse_flexnet_address(address)
    found = await asyncio.gather(*(resolve(url, limits) for url in urls), return_exceptions=True)
    known = {url: at for url, at in zip(urls, found, strict=True) if isinstance(at, str)}
    if not known:
        raise _first(found)
    return tuple(known), ", ".join(dict.fromkeys(known.values()))


async def answering(urls: tuple[httpx.URL, ...], limits: Limits) -> str:
    """Return the ADDRESS:PORT of those of `urls` that accept a connection; it is closed again.

    One of three is enough; raises SourceError if none does.
    """

    async def reached(url: httpx.URL) -> str:
        async with connected(url, limits) as stream:
            return peer(stream)

    found = await asyncio.gather(*map(reached, urls), return_exceptions=True)
    if not (at := [each for each in found if isinstance(each, str)]):
        raise _first(found)
    return ", ".join(dict.fromkeys(at))


def _first(found: list[str | BaseException]) -> BaseException:
    return next(each for each in found if isinstance(each, BaseException))


@asynccontextmanager
async def connected(url: httpx.URL, limits: Limits) -> AsyncIterator[httpcore.AsyncNetworkStream]:
    """Open a TCP connection to `url`, closed at the end; raises SourceError."""
    host = url.raw_host.decode("ascii")
    try:
        stream = await httpcore.AnyIOBackend().connect_tcp(
            host, effective_port(url), timeout=limits.connect_timeout
        )
    except _BROKEN as error:
        raise map_error(error, url, _begun(Step.CONNECT), limits) from error
    try:
        yield stream
    finally:
        await stream.aclose()


def peer(stream: httpcore.AsyncNetworkStream) -> str:
    """Return ADDRESS:PORT of the other end."""
    address, number, *_ = stream.get_extra_info("server_addr")
    return f"[{address}]:{number}" if ":" in address else f"{address}:{number}"


async def secured(
    stream: httpcore.AsyncNetworkStream, server: Server, url: httpx.URL, limits: Limits
) -> Leaf:
    """Return the certificate presented on `stream`, accepted by the policy of `server`.

    Raises SourceError.
    """
    return await _shaken(stream, ssl_context(server), url, limits)


async def shown(url: httpx.URL, limits: Limits) -> Leaf | None:
    """Return the server's certificate, trusted or not; None if there is none. Sends nothing."""
    try:
        async with connected(url, limits) as stream:
            return await _shaken(stream, unverified_context(), url, limits)
    except SourceError:
        return None


async def _shaken(
    stream: httpcore.AsyncNetworkStream, context: ssl.SSLContext, url: httpx.URL, limits: Limits
) -> Leaf:
    host = url.raw_host.decode("ascii")
    try:
        secure = await stream.start_tls(context, host, timeout=limits.connect_timeout)
    except _BROKEN as error:
        raise map_error(error, url, _begun(Step.TLS), limits) from error
    handshake: ssl.SSLObject = secure.get_extra_info("ssl_object")
    return _leaf(handshake.getpeercert(binary_form=True) or b"")


def _leaf(certificate: bytes) -> Leaf:
    from cryptography import x509  # noqa: PLC0415 - the test alone looks into certificates

    try:
        read = x509.load_der_x509_certificate(certificate)
        subject = sanitize(read.subject.rfc4514_string(), 100) or "no subject"
        ends = read.not_valid_after_utc.date().isoformat()
    except Exception:  # noqa: BLE001 - a certificate can be malformed in any way
        subject, ends = "unreadable certificate", ""
    return Leaf(fingerprint(certificate), subject, ends)


def _begun(step: Step) -> RequestProgress:
    progress = RequestProgress(step)
    progress.connected = True
    progress.connecting = step
    return progress


_ORDER: Final = tuple(Step)
_BY_PROGRAM: Final = frozenset({SourceName.LMSTAT, SourceName.COMMAND})
_LOCAL: Final = frozenset({Step.TLS, Step.AUTH})  # steps that do not apply to lmutil
_NO_HOST: Final = frozenset({SourceName.CVAD, SourceName.CITRIX_CLOUD, SourceName.PARTNER})
_MOST_HOSTS: Final = 1000


async def probe(server: Server, limits: Limits, clock: Clock) -> AsyncGenerator[StepResult, None]:
    """Test `server` step by step: yield each result as its step ends; a failure is the last.

    Neither connection nor token is kept. Server problems never raise; a caller that stops early
    closes the iterator (`contextlib.aclosing`).
    """
    watch = _Watch(_LOCAL if server.source is SourceName.LMSTAT else frozenset())
    try:
        try:
            async with aclosing(_way(server, limits, watch)) as way:
                async for finding in way:
                    yield finding
        except SourceError as error:
            # This must not stop what a poll could read: lmutil may be a script that runs elsewhere.
            if not (answered := await _all_the_same(server, error, limits, clock)):
                raise
            step = error.failure.step or Step.CONNECT
            yield watch.passed(step, f"delegated to {server.lmutil or 'lmutil'}: {error}")
            for step, detail, hosts in answered:
                yield watch.passed(step, detail, hosts=hosts)
            return
        async with aclosing(_told(server, limits, clock)) as told:
            async for step, detail, hosts in told:
                yield watch.passed(step, detail, hosts=hosts)
    except SourceError as error:
        refused = error.failure.kind is FailureKind.TLS and server.source not in _BY_PROGRAM
        yield watch.failed(
            error.failure, await shown(origin(server.url), limits) if refused else None
        )


async def _way(server: Server, limits: Limits, watch: _Watch) -> AsyncGenerator[StepResult, None]:
    """Yield the steps before the first request to `server`."""
    if server.source is SourceName.COMMAND:
        return  # a program knows its own way
    if server.source is SourceName.LMSTAT:
        urls, addresses = await resolvable(server.address, limits)
        yield watch.passed(Step.RESOLVE, addresses)
        yield watch.passed(Step.CONNECT, await answering(urls, limits))
        return
    url = origin(server.url)
    yield watch.passed(Step.RESOLVE, await resolve(url, limits))
    async with connected(url, limits) as stream:
        yield watch.passed(Step.CONNECT, peer(stream))
        if url.scheme == "https":
            leaf = await secured(stream, server, url, limits)
            yield watch.passed(Step.TLS, f"{_trust(server.verify)} · {leaf}", leaf)


async def _all_the_same(
    server: Server, error: SourceError, limits: Limits, clock: Clock
) -> list[tuple[Step, str, tuple[str, ...]]]:
    """Return the details that lmutil reports of a server lictui cannot reach itself."""
    if server.source is not SourceName.LMSTAT or error.failure.kind is FailureKind.CONFIG:
        return []
    try:
        async with aclosing(_told(server, limits, clock)) as told:
            return [each async for each in told]
    except SourceError:
        return []


def _trust(verify: bool | str) -> str:  # noqa: FBT001 - `verify` as the registry spells it
    match verify:
        case False:
            return "NOT CHECKED (verify = false)"
        case str() if verify.lower().startswith("sha256:"):
            return "pinned"
        case _:
            return "trusted"


async def _told(
    server: Server, limits: Limits, clock: Clock
) -> AsyncGenerator[tuple[Step, str, tuple[str, ...]], None]:
    """Yield the steps that the source reports; raises its SourceError.

    The last one waits for the end, to include the reported name of the license server.
    """
    reports: asyncio.Queue[tuple[Step, str] | None] = asyncio.Queue()
    source = open_source(server, limits, clock)
    reading = asyncio.create_task(
        source.fetch(lambda step, detail: reports.put_nowait((step, detail)))
    )
    reading.add_done_callback(lambda _: reports.put_nowait(None))
    try:
        while report := await reports.get():
            hosts = _hosts(server, await reading) if report[0] is Step.PARSE else ()
            yield *report, hosts
        await reading
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await source.aclose()


def _hosts(server: Server, snapshot: Snapshot) -> tuple[str, ...]:
    """Return the host names of the license servers that responded.

    Sites and accounts have names of their own, which are not hosts.
    """
    own = () if server.source in _NO_HOST else (snapshot.reported_name,)
    listed = (each.fqdn for each in snapshot.license_servers[:_MOST_HOSTS])
    names = map(sanitize, (snapshot.license_server_host, *own, *listed))
    return tuple(dict.fromkeys(filter(None, names)))


class _Watch:
    """Times each step, and knows which one comes next.

    It uses the loop's time: real seconds, even where the clock is simulated.
    """

    def __init__(self, skipped: frozenset[Step]) -> None:
        self._skipped = skipped
        self._since = asyncio.get_running_loop().time()
        self._next = 0  # index in _ORDER

    def passed(
        self, step: Step, detail: str, leaf: Leaf | None = None, hosts: tuple[str, ...] = ()
    ) -> StepResult:
        self._next = _ORDER.index(step) + 1
        return StepResult(
            step,
            ok=True,
            detail=detail,
            seconds=self._lap(),
            fingerprint=_fingerprint(leaf),
            host_names=hosts,
        )

    def failed(self, failure: Failure, leaf: Leaf | None = None) -> StepResult:
        """The failed step: never one that has passed (a token may expire half way)."""
        index = min(self._next, len(_ORDER) - 1)
        if failure.step:
            index = max(index, _ORDER.index(failure.step))
        # A program reports its own failure: take the reading step if ours has not failed.
        while _ORDER[index] in self._skipped:
            index += 1
        detail = failure.message
        if leaf:
            detail += f" · {leaf.words if leaf.fingerprint in detail else leaf}"
        return StepResult(
            _ORDER[index],
            ok=False,
            detail=detail,
            seconds=self._lap(),
            hint=failure.hint,
            fingerprint=_fingerprint(leaf),
        )

    def _lap(self) -> float:
        before, self._since = self._since, asyncio.get_running_loop().time()
        return self._since - before


def _fingerprint(leaf: Leaf | None) -> str:
    return leaf.fingerprint if leaf else ""
