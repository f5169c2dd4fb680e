"""HTTP client of all sources: one kept connection per server, bounded in time and size.

Also decodes JSON replies, and reads them without trusting their shape.
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


MAX_ROWS: Final = 1000  # of a list in a reply, unless the caller sets another limit
_HINT: Final = "Use the address of the API itself, not of a portal, a gateway or StoreFront."


def reply_json(reply: HttpReply, where: str, step: Step) -> object:
    """Return the JSON of a reply; raises SourceError (parse) with `step` if it is not JSON."""
    if reply.body.lstrip()[:1] == b"<":
        raise SourceError(
            FailureKind.PARSE,
            f"{where} returned an HTML page instead of JSON (login page or proxy?)",
            _HINT,
            step,
        )
    try:
        return parse_json(reply.body)
    except ValueError as error:
        raise SourceError(
            FailureKind.PARSE,
            f"{where} returned invalid JSON: {sanitize(error, 100)}",
            _HINT,
            step,
        ) from error


def get_field(value: object, key: str) -> object:
    """Return `value[key]` of a JSON object; None for anything else."""
    return value.get(key) if isinstance(value, dict) else None


def json_rows(value: object, most: int = MAX_ROWS) -> list[dict[str, object]]:
    """Return the JSON objects in a list, at most `most`; nothing for anything else."""
    found = value if isinstance(value, list) else []
    return [row for row in found[:most] if isinstance(row, dict)]


# The HTTP client


MAX_RETRY_AFTER: Final = 5.0  # seconds of Retry-After that are waited for
_HEADERS: Final = {
    "User-Agent": "lictui",
    # A compressed reply could unpack to any size: none is requested, none is unpacked.
    "Accept-Encoding": "identity",
}


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A complete reply; header names are case-insensitive."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    new_connection: bool = False  # received over a connection that was opened for this request
    certificate: bytes = b""  # the server's leaf certificate in DER; b"" over plain HTTP


class HttpClient:
    """The one connection to a server, opened by the first request and kept between polls."""

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
        """Send a request to a path of the server or a full URL, and read the whole reply.

        Every status is returned except redirects, which are never followed. Raises SourceError with
        `step`, or with the step of connecting that failed.
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
        if host_port(request.url) == self.address:  # tokens may come from another host
            self._leaf = reply.certificate
        return replace(reply, new_connection=progress.connected)

    @asynccontextmanager
    async def deadline(self) -> AsyncIterator[None]:
        """Limit everything inside to `limits.timeout`; the error names the step that was running.

        It ends a moment earlier, so that the engine's own limit is not needed.
        """
        seconds = self._limits.timeout
        try:
            async with asyncio.timeout(max(0.9 * seconds, seconds - 0.1)):
                yield
        except TimeoutError as error:
            raise SourceError(
                FailureKind.TIMEOUT,
                f"no complete response from {self.address} within {seconds:g} s",
                "The server may be overloaded, or a proxy may be blocking.",
                self._step,
            ) from error

    @property
    def address(self) -> str:
        """HOST:PORT of the server, for messages."""
        return host_port(origin(self._server.url))

    @property
    def certificate(self) -> Certificate | None:
        """The certificate of the last reply; None over plain HTTP."""
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
                f"{where} redirects to {sanitize(response.headers['location'])}",
                "This may be a portal or login page; use the address of the server itself.",
                step,
            )
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise SourceError(
                FailureKind.PROTOCOL,
                f"{where} returned a compressed response (not requested)",
                "A proxy may compress it: exclude these requests from compression.",
                step,
            )
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > self._limits.max_reply:
                raise SourceError(
                    FailureKind.TOO_LARGE,
                    f"{where} returned more than {self._limits.max_reply:,} bytes",
                    "Check that this is a license server. If so, raise max_reply in [polling].",
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
    """Return what `send` returns, with one retry where that helps.

    Retried immediately when the kept connection was dropped; after a pause for a 503, and for a
    429 with a Retry-After of at most PATIENCE seconds. The second result is final.
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
    """Return the seconds to wait before a retry; None if there should be none."""
    asked = _retry_after(reply.headers.get("retry-after", ""), now)
    if reply.status == HTTPStatus.SERVICE_UNAVAILABLE and asked is None:
        return 1.0
    if reply.status not in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        return None
    return asked if asked is not None and asked <= MAX_RETRY_AFTER else None


def _retry_after(value: str, now: float) -> float | None:
    """Return the seconds from `now`, given as a number or as a date (RFC 9110, section 10.2.3)."""
    value = value.strip()
    if value.isascii() and value.isdecimal():
        return float(value[:9])
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    at = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, at.timestamp() - now)
