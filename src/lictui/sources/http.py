"""JSON answers of HTTP APIs: decoded, and looked into without trusting their shape.

Owns the step from bytes to values that every such API shares. Must not know any of them.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import httpx

from lictui.model import Certificate, FailureKind, Server, Step
from lictui.sources.network import (
    ConnectionDroppedError,
    RequestProgress,
    host_port,
    map_error,
    origin,
    unsendable_request,
)
from lictui.sources.sanitize import parse_json, sanitize
from lictui.sources.source import SourceError
from lictui.sources.tls import fingerprint, read_certificate, ssl_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from lictui.clock import Clock
    from lictui.config.settings import Limits


MAX_ROWS: Final = 1000  # of any list in an answer, unless a caller knows better
_HINT: Final = "Give the address of the API itself, not of a portal, a gateway or StoreFront."


def reply_json(reply: HttpReply, where: str, step: Step) -> object:
    """The JSON of a reply; raises SourceError (parse) with `step` if there is none."""
    if reply.body.lstrip()[:1] == b"<":
        raise SourceError(
            FailureKind.PARSE,
            f"{where} sent an HTML page instead of JSON: a login page or proxy?",
            _HINT,
            step,
        )
    try:
        return parse_json(reply.body)
    except ValueError as error:
        raise SourceError(
            FailureKind.PARSE,
            f"{where} sent an answer that is not JSON: {sanitize(error, 100)}",
            _HINT,
            step,
        ) from error


def get_field(value: object, key: str) -> object:
    """`value[key]` of a JSON object; None for anything else."""
    return value.get(key) if isinstance(value, dict) else None


def json_rows(value: object, most: int = MAX_ROWS) -> list[dict[str, object]]:
    """The JSON objects in a list, the first `most` at most; none for anything else."""
    found = value if isinstance(value, list) else []
    return [row for row in found[:most] if isinstance(row, dict)]


# HTTP as every source speaks it: one kept connection to one server, bounded in every way


MAX_RETRY_AFTER: Final = 5.0  # seconds a server may ask to wait before the second try
_HEADERS: Final = {
    "User-Agent": "lictui",
    # A compressed reply could unpack to any size: none is asked for, none is unpacked.
    "Accept-Encoding": "identity",
}


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A complete answer; `headers` are found in any case of letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    new_connection: bool = False  # it came over a connection that was opened for this request
    certificate: bytes = b""  # the server's leaf in DER; b"" over plain HTTP


class HttpClient:
    """The one connection to one server, opened by the first request and kept between polls."""

    def __init__(
        self, server: Server, limits: Limits, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._server = server
        self._limits = limits
        self._transport = transport
        self._opened: httpx.AsyncClient | None = None
        self._step = Step.CONNECT
        self._leaf = b""
        self._certificate: Certificate | None = None

    async def request(
        self,
        method: str,
        url: str,
        *,
        step: Step,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> HttpReply:
        """Send one request, to a path of the server or a full URL, and read the whole answer.

        Every status is an answer but a redirect, which is never followed. Raises SourceError with
        `step`, or with the step of connecting that was not passed.
        """
        client, self._step = self._client(), step
        progress = RequestProgress(step)
        try:
            request = client.build_request(
                method, url, headers=headers, content=content, extensions={"trace": progress}
            )
        except (httpx.InvalidURL, ValueError) as error:
            raise unsendable_request(self.address, step) from error
        try:
            response = await client.send(request, stream=True)
            progress.answered = True
            try:
                reply = await self._read(response, step)
            finally:
                await response.aclose()
        except (httpx.HTTPError, OSError, UnicodeError) as error:
            raise map_error(error, request.url, progress, self._limits) from error
        if host_port(request.url) == self.address:  # tokens may come from elsewhere
            self._leaf = reply.certificate
        return replace(reply, new_connection=progress.connected)

    @asynccontextmanager
    async def deadline(self) -> AsyncIterator[None]:
        """Bound all that is done inside by `limits.timeout`; names the step it ran out in.

        A moment earlier than that, so that the engine's own guard need not speak.
        """
        seconds = self._limits.timeout
        try:
            async with asyncio.timeout(max(0.9 * seconds, seconds - 0.1)):
                yield
        except TimeoutError as error:
            raise SourceError(
                FailureKind.TIMEOUT,
                f"no complete answer from {self.address} in {seconds:g} s",
                "The server is overloaded, or something on the way holds its answers back.",
                self._step,
            ) from error

    @property
    def address(self) -> str:
        """HOST:PORT of the server, for messages."""
        return host_port(origin(self._server.url))

    @property
    def certificate(self) -> Certificate | None:
        """What the server showed for its last answer; None over plain HTTP."""
        if not self._leaf:
            return None
        if self._certificate is None or self._certificate.sha256 != fingerprint(self._leaf):
            self._certificate = read_certificate(self._leaf)
        return self._certificate

    async def aclose(self) -> None:
        """Close the connection. Safe to call twice; a later request opens a new one."""
        client, self._opened = self._opened, None
        if client:
            await client.aclose()

    def _client(self) -> httpx.AsyncClient:
        if self._opened is None:
            base = origin(self._server.url)
            self._opened = httpx.AsyncClient(
                base_url=base,
                headers=_HEADERS,
                verify=ssl_context(self._server) if base.scheme == "https" else False,
                timeout=httpx.Timeout(self._limits.timeout, connect=self._limits.connect_timeout),
                limits=httpx.Limits(
                    max_connections=1, max_keepalive_connections=1, keepalive_expiry=None
                ),
                follow_redirects=False,
                trust_env=False,
                transport=self._transport,
            )
        return self._opened

    async def _read(self, response: httpx.Response, step: Step) -> HttpReply:
        where = host_port(response.request.url)
        if response.has_redirect_location:
            raise SourceError(
                FailureKind.PROTOCOL,
                f"{where} sends us on to {sanitize(response.headers['location'])}",
                "Probably a portal or login page; is this the address of the server itself?",
                step,
            )
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise SourceError(
                FailureKind.PROTOCOL,
                f"{where} compressed its answer though asked not to",
                "A proxy on the way may do it: let it pass these requests through.",
                step,
            )
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > self._limits.max_reply:
                raise SourceError(
                    FailureKind.TOO_LARGE,
                    f"{where} answers with more than {self._limits.max_reply:,} bytes",
                    "Is this really a license server? If so, raise max_reply in [polling].",
                    step,
                )
        return HttpReply(
            response.status_code, response.headers, bytes(body), certificate=_leaf(response)
        )


def _leaf(response: httpx.Response) -> bytes:
    """The certificate that a login may have to be bound to."""
    stream = response.extensions.get("network_stream")
    handshake: ssl.SSLObject | None = stream.get_extra_info("ssl_object") if stream else None
    return (handshake.getpeercert(binary_form=True) if handshake else None) or b""


async def with_retry(send: Callable[[], Awaitable[HttpReply]], clock: Clock) -> HttpReply:
    """What `send` brings, tried once more where that helps.

    At once on a new connection when the kept one was dropped; after a pause for a 503, and for a
    429 that asks for no more than PATIENCE. What answers then, stands.
    """
    try:
        reply = await send()
    except ConnectionDroppedError:
        reply = await send()
    wait = _pause(reply, clock.now())
    if wait is None:
        return reply
    await clock.sleep(wait)
    return await send()


def _pause(reply: HttpReply, now: float) -> float | None:
    """Seconds to wait before a second try; None when there should be none."""
    asked = _retry_after(reply.headers.get("retry-after", ""), now)
    if reply.status == HTTPStatus.SERVICE_UNAVAILABLE and asked is None:
        return 1.0
    if reply.status not in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        return None
    return asked if asked is not None and asked <= MAX_RETRY_AFTER else None


def _retry_after(value: str, now: float) -> float | None:
    """Seconds from `now`, given as such or as a date (RFC 9110, section 10.2.3)."""
    value = value.strip()
    if value.isascii() and value.isdecimal():
        return float(value[:9])
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    at = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, at.timestamp() - now)
