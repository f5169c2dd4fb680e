"""The way to a server before any request: its addresses, a connection, the certificate it shows.

Owns these three for the step-by-step test; polls go the same way inside `http.Link`. Must not know
any protocol above TLS.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import httpcore

from lictui.model import FailureKind, Step
from lictui.sources.address import flexnet, port
from lictui.sources.clean import text
from lictui.sources.faults import Progress, failure, unresolved
from lictui.sources.source import SourceError
from lictui.sources.tls import fingerprint, ssl_context, unchecked

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

    import httpx

    from lictui.config.settings import Limits
    from lictui.model import Server

_BROKEN: Final = (httpcore.NetworkError, httpcore.TimeoutException, OSError)


@dataclass(frozen=True, slots=True)
class Leaf:
    """The certificate of the server itself."""

    fingerprint: str  # SHA-256, lower-case hex
    subject: str
    ends: str  # ISO date, "" if it cannot be read

    @property
    def words(self) -> str:
        """Whose it is, and until when."""
        return f"{self.subject} · until {self.ends}" if self.ends else self.subject

    def __str__(self) -> str:
        return f"{self.words} · sha256:{self.fingerprint}"


async def resolve(url: httpx.URL, limits: Limits) -> str:
    """The addresses of the host of `url`; raises SourceError (dns, timeout)."""
    loop = asyncio.get_running_loop()
    host = url.raw_host.decode("ascii")
    try:
        async with asyncio.timeout(limits.connect_timeout):
            found = await loop.getaddrinfo(host, port(url), type=socket.SOCK_STREAM)
    except TimeoutError as error:
        raise SourceError(
            FailureKind.TIMEOUT,
            f"no answer about the name {url.host} in {limits.connect_timeout:g} s",
            "Check this machine's DNS.",
            Step.RESOLVE,
        ) from error
    except (OSError, UnicodeError) as error:
        raise unresolved(url.host) from error
    return ", ".join(dict.fromkeys(str(address[0]) for *_, address in found))


async def resolvable(address: str, limits: Limits) -> tuple[tuple[httpx.URL, ...], str]:
    """Which servers of a FlexNet `address` have a name that resolves, and to what.

    One of three is enough; raises SourceError (config, dns, timeout) if it is none.
    """
    urls = flexnet(address)
    found = await asyncio.gather(*(resolve(url, limits) for url in urls), return_exceptions=True)
    known = {url: at for url, at in zip(urls, found, strict=True) if isinstance(at, str)}
    if not known:
        raise _first(found)
    return tuple(known), ", ".join(dict.fromkeys(known.values()))


async def answering(urls: tuple[httpx.URL, ...], limits: Limits) -> str:
    """The ADDRESS:PORT of those of `urls` that take a connection, closed again at once.

    One of three is enough; raises SourceError if it is none.
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
    """A TCP connection to `url`, closed at the end; raises SourceError."""
    host = url.raw_host.decode("ascii")
    try:
        stream = await httpcore.AnyIOBackend().connect_tcp(
            host, port(url), timeout=limits.connect_timeout
        )
    except _BROKEN as error:
        raise failure(error, url, _begun(Step.CONNECT), limits) from error
    try:
        yield stream
    finally:
        await stream.aclose()


def peer(stream: httpcore.AsyncNetworkStream) -> str:
    """ADDRESS:PORT at the other end."""
    address, number, *_ = stream.get_extra_info("server_addr")
    return f"[{address}]:{number}" if ":" in address else f"{address}:{number}"


async def secured(
    stream: httpcore.AsyncNetworkStream, server: Server, url: httpx.URL, limits: Limits
) -> Leaf:
    """The certificate shown on `stream`, accepted by the policy of `server`; or SourceError."""
    return await _shaken(stream, ssl_context(server), url, limits)


async def shown(url: httpx.URL, limits: Limits) -> Leaf | None:
    """The certificate shown to whoever asks, trusted or not; None if none is. Sends nothing."""
    try:
        async with connected(url, limits) as stream:
            return await _shaken(stream, unchecked(), url, limits)
    except SourceError:
        return None


async def _shaken(
    stream: httpcore.AsyncNetworkStream, context: ssl.SSLContext, url: httpx.URL, limits: Limits
) -> Leaf:
    host = url.raw_host.decode("ascii")
    try:
        secure = await stream.start_tls(context, host, timeout=limits.connect_timeout)
    except _BROKEN as error:
        raise failure(error, url, _begun(Step.TLS), limits) from error
    handshake: ssl.SSLObject = secure.get_extra_info("ssl_object")
    return _leaf(handshake.getpeercert(binary_form=True) or b"")


def _leaf(certificate: bytes) -> Leaf:
    from cryptography import x509  # noqa: PLC0415 - the test alone looks into certificates

    try:
        read = x509.load_der_x509_certificate(certificate)
        subject = text(read.subject.rfc4514_string(), 100) or "no subject"
        ends = read.not_valid_after_utc.date().isoformat()
    except Exception:  # noqa: BLE001 - a certificate can be malformed in any way
        subject, ends = "a certificate that cannot be read", ""
    return Leaf(fingerprint(certificate), subject, ends)


def _begun(step: Step) -> Progress:
    progress = Progress(step)
    progress.connected = True
    progress.connecting = step
    return progress
