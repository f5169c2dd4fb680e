"""HTTP for every source: one kept connection to one server, with limits on time and size."""

from __future__ import annotations

import asyncio
import re
from abc import ABC, abstractmethod
from contextlib import asynccontextmanager
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import cached_property, partial
from html import escape
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar

import httpx
from msgspec import Struct, field
from msgspec.structs import replace

from lictui.model import Certificate, FailureKind, Server, Snapshot, Step
from lictui.sources.network import (
    ConnectionDroppedError,
    HandshakeDone,
    RequestProgress,
    host_port,
    map_error,
    origin,
    proxy_url,
    timeout_failure,
    unsendable_request,
)
from lictui.sources.process import LOCAL_TIMEOUT, parse_output
from lictui.sources.sanitize import parse_json, sanitize
from lictui.sources.secrets import SecretError, resolve_secret
from lictui.sources.source import (
    ErrorRule,
    OnStep,
    SourceError,
    config_error,
    find_rule,
    parse_error,
)
from lictui.sources.tls import read_leaf, ssl_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping

    from lictui.clock import Clock
    from lictui.config.settings import Limits

_T = TypeVar("_T")

_HEADERS: Final = {
    "User-Agent": "lictui",
    "Accept": "*/*",
    "Connection": "keep-alive",
    # A compressed response could unpack to any size: none is requested, none is unpacked.
    "Accept-Encoding": "identity",
}


class Redactor:
    """Removes what was sent to a server from the text that it returns.

    A server may repeat a request in an error, as it was or encoded for a URL, a form, JSON or HTML.
    """

    def __init__(self) -> None:
        self._secrets: dict[str, re.Pattern[str]] = {}  # with their spellings, the newest last

    def add(self, secret: str) -> None:
        """Remove `secret`, a password or the credentials of a header, from now on."""
        pattern = self._secrets.pop(secret, None)
        if secret:
            self._secrets[secret] = pattern or re.compile(_spellings(secret), re.IGNORECASE)
        if len(self._secrets) > _MAX_SECRETS:
            del self._secrets[next(iter(self._secrets))]

    def clean(self, text: str) -> str:
        """Return the start of `text` without any of the secrets."""
        text = text[:_MAX_CLEANED]
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = self._secrets[secret].sub("…", text)
        return text


_MAX_SECRETS: Final = 40  # tokens are renewed
_MAX_CLEANED: Final = 64 * 1024  # characters; far more than any message shows
_TOKEN: Final = re.compile(r"[\w.~+/=-]{24,}", re.ASCII)
_TOKEN_START: Final = 12  # characters that identify a token; a server may have cut off its end


def _spellings(secret: str) -> str:
    """Return a regular expression that finds `secret` in each of its encodings."""
    if _TOKEN.fullmatch(secret):
        return "".join(map(_spelling, secret[:_TOKEN_START])) + r"[\w.~+/=%-]*"
    return "".join(map(_spelling, secret))


def _spelling(character: str) -> str:
    if character.isascii() and character.isalnum():
        return character
    code, percent = ord(character), "%(?:25)*"  # a percent sign may be encoded again
    octets = "".join(f"{percent}{octet:02x}" for octet in character.encode(errors="replace"))
    numbers = f"x{code:02x}|u{code:04x}|&#0*{code};|&#x0*{code:x};"
    plain = "|".join(map(re.escape, {character, escape(character)}))
    space = r"|\+" if character == " " else ""
    return rf"(?:\\|{percent}5c)*(?:{plain}|{octets}|{numbers}{space})"


class HttpReply(Struct, frozen=True):
    """A complete response; the names in `headers` are case-insensitive."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    address: str = ""  # HOST:PORT of the server, for messages
    path: str = ""  # that was requested, with the query
    new_connection: bool = False  # the connection was opened for this request
    certificate: bytes = b""  # the server's leaf certificate in DER; b"" over plain HTTP
    redactor: Redactor = field(default_factory=Redactor)

    @property
    def is_markup(self) -> bool:
        """Whether the body is HTML or XML where JSON was expected."""
        return self.body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"

    def quote(self, text: object, limit: int = 200) -> str:
        """Return a text of the server for a message, cut to `limit` after secrets are removed."""
        is_text = isinstance(text, str | BaseException)
        return sanitize(self.redactor.clean(str(text)) if is_text else text, limit)


_MAX_TINY_CHUNKS: Final = 2000  # of a response
_MIN_CHUNK: Final = 64  # bytes, on average, of more chunks than that


class HttpClient:
    """The one connection to one server, opened by the first request and kept between polls.

    With a clock, a request is sent once more where that helps: a kept connection that was dropped
    is replaced immediately; a 503, or a 429 that asks for no more than MAX_RETRY_AFTER, is
    followed by a pause. It uses a transport of httpx without its client: no cookies are kept, no
    redirect is followed, no variable of the environment is read.
    """

    _progress: RequestProgress  # of the last request

    def __init__(
        self,
        server: Server,
        limits: Limits,
        clock: Clock | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.redactor = Redactor()
        self.received = 0  # bytes of all responses since `deadline` was entered
        self.ends = 0.0  # of that deadline, in seconds of the event loop
        self._server, self._limits, self._clock = server, limits, clock
        self._given = transport
        self._transport: httpx.AsyncBaseTransport | None = None
        self._timeout = httpx.Timeout(limits.timeout, connect=limits.connect_timeout).as_dict()
        self._leaf = b""
        self._proxy: httpx.URL | None = None

    async def request(
        self,
        method: str,
        url: str,
        *,
        step: Step,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> HttpReply:
        """Send a request, to a path of the server or a full URL, and read the whole response.

        Every status is returned but a redirect, which is never followed.
        """
        send = partial(self._send, method, url, step, headers, content)
        if self._clock is None:
            return await send()
        try:
            reply = await send()
        except ConnectionDroppedError:
            reply = await send()
        pause = _pause(reply, self._clock.now())
        if pause is None:
            return reply
        await self._clock.sleep(pause)
        return await send()

    async def _send(
        self,
        method: str,
        url: str,
        step: Step,
        headers: Mapping[str, str] | None,
        content: bytes | None,
    ) -> HttpReply:
        transport = await self._open()
        credentials = (headers or {}).get("Authorization", "").rpartition(" ")[2]
        self.redactor.add(credentials.removeprefix("bearer="))
        progress = RequestProgress(self._base, step, proxy=self._proxy)
        try:
            request = self._new_request(method, url, progress, headers or {}, content)
        except (httpx.InvalidURL, ValueError) as error:
            raise unsendable_request(self.address, step) from error
        progress.url, self._progress = request.url, progress
        try:
            response = await transport.handle_async_request(request)
            progress.answered = True
            try:
                reply = await self._read(response, request.url, step)
            finally:
                await response.aclose()
        except (httpx.HTTPError, OSError, UnicodeError) as error:
            reason = sanitize(self.redactor.clean(str(error)), 100)
            raise map_error(error, progress, self._limits, reason) from error
        if reply.address == self.address:  # tokens may come from another host
            self._leaf = reply.certificate
        return replace(reply, new_connection=progress.connected)

    async def handshake(self) -> bytes:
        """Connect with TLS and return the server's certificate in DER; no request is sent."""
        transport = await self._open()
        progress = RequestProgress(self._base, Step.TLS, proxy=self._proxy, handshake_only=True)
        request = self._new_request("HEAD", "/", progress)
        try:
            await transport.handle_async_request(request)
        except HandshakeDone as done:
            return done.certificate
        except (httpx.HTTPError, OSError, UnicodeError) as error:
            raise map_error(error, progress, self._limits) from error
        finally:
            await self.aclose()
        return b""

    async def secret(self) -> str:
        """Return the secret that the server refers to. Raises SourceError (config)."""
        try:
            secret = await resolve_secret(self._server.secret, self._local_seconds)
        except SecretError as error:
            raise config_error(error.message, error.hint) from error
        self.redactor.add(secret)
        return secret

    @property
    def _local_seconds(self) -> float:
        """For files of this machine: less than the deadline, whose message names the server."""
        return min(LOCAL_TIMEOUT, 0.6 * self._limits.timeout)

    @asynccontextmanager
    async def deadline(self) -> AsyncIterator[None]:
        """Limit everything inside to the deadline of a poll; the failure names the step."""
        self.received = 0
        self._progress = RequestProgress(origin(self._server.url), Step.CONNECT)
        self.ends = asyncio.get_running_loop().time() + self._limits.deadline
        try:
            async with asyncio.timeout_at(self.ends):
                yield
        except TimeoutError as error:
            raise timeout_failure(self._progress, self._limits) from error

    @cached_property
    def address(self) -> str:
        """HOST:PORT of the server, for messages."""
        return host_port(self._base)

    @property
    def certificate(self) -> Certificate | None:
        """The certificate that the server presented last; None over plain HTTP."""
        return read_leaf(self._leaf)[0] if self._leaf else None

    async def aclose(self) -> None:
        """Close the connection. Safe to call twice; a later request opens a new one."""
        transport, self._transport = self._transport, None
        if transport:
            await transport.aclose()

    @cached_property
    def _base(self) -> httpx.URL:
        return origin(self._server.url)

    async def _open(self) -> httpx.AsyncBaseTransport:
        if self._transport is None:
            verify: ssl.SSLContext | bool = False
            if self._base.scheme == "https":
                verify = await ssl_context(self._server, self._local_seconds)
            if not self._given:
                self._proxy = await proxy_url(self._server, self._limits, self._local_seconds)
                self.redactor.add(self._proxy.password if self._proxy else "")
            limits = httpx.Limits(
                max_connections=1, max_keepalive_connections=1, keepalive_expiry=None
            )
            self._transport = self._given or httpx.AsyncHTTPTransport(
                verify=verify, trust_env=False, limits=limits, proxy=self._proxy
            )
        return self._transport

    def _new_request(
        self,
        method: str,
        url: str,
        progress: RequestProgress,
        headers: Mapping[str, str] = MappingProxyType({}),
        content: bytes | None = None,
    ) -> httpx.Request:
        merged = httpx.Headers(_HEADERS)
        merged.update(headers)
        return httpx.Request(
            method,
            f"{self._base}{url[1:]}" if url.startswith("/") else url,
            headers=merged,
            content=content,
            extensions={"trace": progress, "timeout": self._timeout},
        )

    async def _read(self, response: httpx.Response, url: httpx.URL, step: Step) -> HttpReply:
        address, refusal = host_port(url), partial(SourceError, FailureKind.PROTOCOL, step=step)
        if response.has_redirect_location:
            location = response.headers["location"]
            raise refusal(
                f"{address} redirects to {sanitize(self.redactor.clean(location))}",
                "This is probably a portal or login page. Set url to the address of the server.",
            )
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise refusal(
                f"{address} sent a compressed response, which lictui did not request",
                "A proxy may compress responses: exclude this server from it.",
            )
        body, chunks = bytearray(), 0
        async for chunk in response.aiter_bytes():
            body += chunk
            chunks += 1
            if chunks > _MAX_TINY_CHUNKS + len(body) / _MIN_CHUNK:
                raise refusal(
                    f"{address} sends its response in pieces of a few bytes",
                    "A proxy may split responses: exclude this server from it.",
                )
            if len(body) > self._limits.max_reply:
                raise SourceError(
                    FailureKind.TOO_LARGE,
                    f"the response of {address} is larger than {self._limits.max_reply:,} bytes",
                    "Check that this is a license server. If it is, raise max_reply in [polling].",
                    step,
                )
        self.received += len(body)
        return HttpReply(
            response.status_code,
            response.headers,
            bytes(body),
            address,
            url.raw_path.decode("ascii"),
            certificate=_leaf_of(response),
            redactor=self.redactor,
        )


def _leaf_of(response: httpx.Response) -> bytes:
    """Return the server's certificate in DER, to which a login may have to be bound."""
    stream = response.extensions.get("network_stream")
    tls: ssl.SSLObject | None = stream.get_extra_info("ssl_object") if stream else None
    return (tls.getpeercert(binary_form=True) if tls else None) or b""


_LAST_PART: Final = 0.05  # of the timeout, which is left when optional responses are given up


class HttpSource(ABC):
    """What every source over HTTP does with its one connection; a subclass reads the snapshot."""

    def __init__(
        self,
        server: Server,
        limits: Limits,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._server, self._limits, self._clock = server, limits, clock
        self._client = HttpClient(server, limits, clock, transport)

    async def fetch(self, on_step: OnStep) -> Snapshot:
        """Read everything once, within the timeout of a poll; see `Source.fetch`."""
        async with self._client.deadline():
            snapshot = await self._read(on_step)
        return replace(snapshot, certificate=self._client.certificate)

    @abstractmethod
    async def _read(self, on_step: OnStep) -> Snapshot:
        """Return what the server reports now; the caller limits the time."""

    async def _optional(self, response: Awaitable[_T], share: float = 0.25) -> _T:
        """Return a response that a poll can do without, within its share of the timeout.

        Raises SourceError, also if it is too slow: the poll then continues.
        """
        seconds = self._limits.timeout
        left = self._client.ends - asyncio.get_running_loop().time() - _LAST_PART * seconds
        try:
            async with asyncio.timeout(min(share * seconds, left)):
                return await response
        except TimeoutError as error:
            raise SourceError(FailureKind.TIMEOUT, "no response in time") from error

    async def _parse(self, function: Callable[[], _T]) -> _T:
        """Return `function()`, in a thread if this poll has received much."""
        return await parse_output(function, self._client.received)

    async def aclose(self) -> None:
        """Close the connection; a token stays valid for the next one."""
        await self._client.aclose()


# Retry

MAX_RETRY_AFTER: Final = 5.0  # seconds that a server may ask to wait before the second try


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
    FailureKind.AUTH: ((401,), ""),
    FailureKind.FORBIDDEN: ((403,), "access denied"),
    FailureKind.NO_DATA: ((404, 410), "not found"),
    FailureKind.RATE_LIMITED: ((429,), "rate limited"),
    FailureKind.UNAVAILABLE: (range(500, 600), "temporarily unavailable"),
    FailureKind.PROTOCOL: (None, "bad request"),  # any other
}


def status_rules(meanings: Mapping[FailureKind, str | tuple[str, str]]) -> tuple[ErrorRule, ...]:
    """Return an error table: a hint for each kind of failure, or a message of its own and a hint.

    The kinds stand for the statuses that mean them.
    """
    rules = []
    for kind, words in meanings.items():
        statuses, usual = _STATUSES[kind]
        message, hint = (usual, words) if isinstance(words, str) else words
        rules.append(ErrorRule(statuses, kind, message, hint))
    return tuple(rules)


def status_error(
    reply: HttpReply, rules: Iterable[ErrorRule], step: Step, detail: str = ""
) -> SourceError:
    """Return the error that `rules` give for the status of a reply; `detail` is added to it."""
    rule = find_rule(rules, reply.status)
    message = f"HTTP {reply.status} from {reply.address}: {rule.message}"
    return rule.error(f"{message} ({detail})" if detail else message, step)


_API_HINT: Final = "Set url to the address of the API, not of a portal, a gateway or StoreFront."


async def reply_json(reply: HttpReply, step: Step) -> object:
    """Return the JSON of a reply. Raises SourceError (parse) with `step` if there is none."""
    if reply.is_markup:
        raise parse_error(
            f"{reply.address} returned an HTML page instead of JSON, perhaps a login page or a"
            " proxy's",
            _API_HINT,
            step,
        )
    try:
        return await parse_output(partial(parse_json, reply.body), len(reply.body))
    except ValueError as error:
        raise parse_error(
            f"{reply.address} returned invalid JSON: {sanitize(error, 100)}", _API_HINT, step
        ) from error
