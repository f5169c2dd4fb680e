"""HTTP for every source: one kept connection to one server, with limits on time and size."""

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
from lictui.sources.source import ErrorRule, SourceError, find_rule, parse_error
from lictui.sources.tls import fingerprint, read_leaf, ssl_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping

    from lictui.clock import Clock
    from lictui.config.settings import Limits

_HEADERS: Final = {
    "User-Agent": "lictui",
    # A compressed response could unpack to any size: none is requested, none is unpacked.
    "Accept-Encoding": "identity",
}


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A complete response; the names in `headers` are case-insensitive."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    address: str = ""  # HOST:PORT of the server, for messages
    path: str = ""  # that was requested, with the query
    new_connection: bool = False  # the connection was opened for this request
    certificate: bytes = b""  # the server's leaf certificate in DER; b"" over plain HTTP


class HttpClient:
    """The one connection to one server, opened by the first request and kept between polls."""

    def __init__(
        self, server: Server, limits: Limits, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._server = server
        self._limits = limits
        self._transport = transport
        self._client: httpx.AsyncClient | None = None
        self._step = Step.CONNECT  # of the last request
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
        """Send one request, to a path of the server or a full URL, and read the whole response.

        Every status is returned but a redirect, which is never followed.
        """
        client, self._step = self._open(), step
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
        if reply.address == self.address:  # tokens may come from another host
            self._leaf = reply.certificate
        return replace(reply, new_connection=progress.connected)

    @asynccontextmanager
    async def deadline(self) -> AsyncIterator[None]:
        """Limit everything inside, a bit earlier than the engine's timeout, which knows no step."""
        seconds = self._limits.timeout
        try:
            async with asyncio.timeout(max(0.9 * seconds, seconds - 0.1)):
                yield
        except TimeoutError as error:
            raise SourceError(
                FailureKind.TIMEOUT,
                f"no complete response from {self.address} within {seconds:g} s",
                "Check the load of the server. A proxy may also be blocking its responses.",
                self._step,
            ) from error

    @property
    def address(self) -> str:
        """HOST:PORT of the server, for messages."""
        return host_port(origin(self._server.url))

    @property
    def certificate(self) -> Certificate | None:
        """The certificate that the server presented last; None over plain HTTP."""
        if not self._leaf:
            return None
        if self._certificate is None or self._certificate.sha256 != fingerprint(self._leaf):
            self._certificate = read_leaf(self._leaf).certificate
        return self._certificate

    async def aclose(self) -> None:
        """Close the connection. Safe to call twice; a later request opens a new one."""
        client, self._client = self._client, None
        if client:
            await client.aclose()

    def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            base = origin(self._server.url)
            self._client = httpx.AsyncClient(
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
        return self._client

    async def _read(self, response: httpx.Response, step: Step) -> HttpReply:
        address = host_port(response.request.url)
        if response.has_redirect_location:
            raise SourceError(
                FailureKind.PROTOCOL,
                f"{address} redirects to {sanitize(response.headers['location'])}",
                "This is probably a portal or login page. Set url to the address of the server.",
                step,
            )
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise SourceError(
                FailureKind.PROTOCOL,
                f"{address} sent a compressed response, which lictui did not request",
                "A proxy may compress responses: exclude this server from it.",
                step,
            )
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > self._limits.max_reply:
                raise SourceError(
                    FailureKind.TOO_LARGE,
                    f"the response of {address} is larger than {self._limits.max_reply:,} bytes",
                    "Check that this is a license server. If it is, raise max_reply in [polling].",
                    step,
                )
        return HttpReply(
            response.status_code,
            response.headers,
            bytes(body),
            address,
            response.request.url.raw_path.decode("ascii"),
            certificate=_leaf_of(response),
        )


def _leaf_of(response: httpx.Response) -> bytes:
    """Return the server's certificate in DER, to which a login may have to be bound."""
    stream = response.extensions.get("network_stream")
    tls: ssl.SSLObject | None = stream.get_extra_info("ssl_object") if stream else None
    return (tls.getpeercert(binary_form=True) if tls else None) or b""


class HttpSource:
    """The parts of a source over HTTP; a subclass adds `fetch`."""

    def __init__(
        self,
        server: Server,
        limits: Limits,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._server, self._limits, self._clock = server, limits, clock
        self._client = HttpClient(server, limits, transport)

    async def aclose(self) -> None:
        """Close the connection; a token stays valid for the next one."""
        await self._client.aclose()


# Retry


MAX_RETRY_AFTER: Final = 5.0  # seconds that a server may ask to wait before the second try


async def with_retry(send: Callable[[], Awaitable[HttpReply]], clock: Clock) -> HttpReply:
    """Return what `send` returns, tried once more where that helps.

    A kept connection that was dropped is replaced immediately; a 503, or a 429 that asks for no
    more than MAX_RETRY_AFTER, is retried after a pause.
    """
    try:
        reply = await send()
    except ConnectionDroppedError:
        reply = await send()
    pause = _pause(reply, clock.now())
    if pause is None:
        return reply
    await clock.sleep(pause)
    return await send()


def _pause(reply: HttpReply, now: float) -> float | None:
    """Return the seconds to wait before a second try; None if there should be none."""
    requested = _retry_after(reply.headers.get("retry-after", ""), now)
    if reply.status == HTTPStatus.SERVICE_UNAVAILABLE and requested is None:
        return 1.0
    if reply.status not in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        return None
    return requested if requested is not None and requested <= MAX_RETRY_AFTER else None


def _retry_after(value: str, now: float) -> float | None:
    """Parse Retry-After: seconds, or a date as seconds from `now` (RFC 9110, section 10.2.3)."""
    value = value.strip()
    if value.isascii() and value.isdecimal():
        return float(value[:9])
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, date.timestamp() - now)


# Responses: an error status, or JSON whose shape is not trusted


_STATUSES: Final = {
    FailureKind.AUTH: (401,),
    FailureKind.FORBIDDEN: (403,),
    FailureKind.NO_DATA: (404,),
    FailureKind.RATE_LIMITED: (429,),
    FailureKind.UNAVAILABLE: range(500, 600),
    FailureKind.PROTOCOL: None,  # any other
}


def status_rules(meanings: Mapping[FailureKind, tuple[str, str]]) -> tuple[ErrorRule, ...]:
    """Return an error table with message and hint for the statuses that mean these failures."""
    return tuple(ErrorRule(_STATUSES[kind], kind, *words) for kind, words in meanings.items())


def status_error(
    reply: HttpReply, rules: Iterable[ErrorRule], step: Step, detail: str = ""
) -> SourceError:
    """Return the error that `rules` give for the status of a reply; `detail` is added to it."""
    rule = find_rule(rules, reply.status)
    message = f"HTTP {reply.status} from {reply.address}: {rule.message}"
    return rule.error(f"{message} ({detail})" if detail else message, step)


MAX_ROWS: Final = 1000  # of a list in a response, unless the caller sets another limit
_API_HINT: Final = "Set url to the address of the API, not of a portal, a gateway or StoreFront."


def reply_json(reply: HttpReply, step: Step) -> object:
    """Return the JSON of a reply. Raises SourceError (parse) with `step` if there is none."""
    if reply.body.lstrip()[:1] == b"<":
        raise parse_error(
            f"{reply.address} returned an HTML page instead of JSON, perhaps a login page or a"
            " proxy's",
            _API_HINT,
            step,
        )
    try:
        return parse_json(reply.body)
    except ValueError as error:
        raise parse_error(
            f"{reply.address} returned invalid JSON: {sanitize(error, 100)}", _API_HINT, step
        ) from error


def get_field(value: object, key: str) -> object:
    """Return `value[key]` of a JSON object; None for anything else."""
    return value.get(key) if isinstance(value, dict) else None


def json_rows(value: object, limit: int = MAX_ROWS) -> list[dict[str, object]]:
    """Return the JSON objects among the first `limit` items of a list; [] for anything else."""
    items = value if isinstance(value, list) else []
    return [item for item in items[:limit] if isinstance(item, dict)]


MAX_FIELDS: Final = 40  # of an object, that are kept as the server sent them


def flat_fields(value: object) -> tuple[tuple[str, str], ...]:
    """Return the texts and numbers of a JSON object and of the objects in it, as sent."""
    fields: list[tuple[object, object]] = []
    for key, item in value.items() if isinstance(value, dict) else ():
        if isinstance(item, dict):
            fields += [(f"{key}.{name}", part) for name, part in item.items()]
        else:
            fields.append((key, item))
    texts = ((sanitize(key, 64), sanitize(item, 64)) for key, item in fields[:MAX_FIELDS])
    return tuple((key, text) for key, text in texts if key and text)
