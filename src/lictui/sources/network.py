"""Addresses of servers, and the failure that each network error means."""

from __future__ import annotations

import errno
import ipaddress
import re
import socket
import ssl
from contextlib import suppress
from contextvars import ContextVar
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.request import getproxies_environment, proxy_bypass

import httpcore
import httpx
from msgspec import Struct

from lictui.config.secrets import is_reference
from lictui.model import FailureKind, Server, Step
from lictui.sources.sanitize import sanitize
from lictui.sources.secrets import SecretError, resolve_secret
from lictui.sources.source import SourceError, config_error
from lictui.sources.tls import tls_failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lictui.config.settings import Limits

# Addresses

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_MAX_PORT: Final = 65535
_FLEXNET_PORT: Final = 27000  # the first that FlexNet tries where none is given


def origin(url: str) -> httpx.URL:
    """Return scheme, host and port of `url`. Raises SourceError (config) if it is not valid."""
    with suppress(httpx.InvalidURL, ValueError):
        parsed = httpx.URL(url)
        is_address = parsed.scheme in _DEFAULT_PORTS and parsed.host and not parsed.userinfo
        if is_address and 0 < effective_port(parsed) <= _MAX_PORT:
            return parsed.copy_with(raw_path=b"/", fragment=None)
    shown = sanitize(url.rpartition("@")[2])  # without a password that should not be there
    raise config_error(
        f"invalid address {shown}: it must be http:// or https://, a host name and perhaps a port",
        "Use an address like https://host.example or https://host.example:5986/wsman.",
        Step.RESOLVE,
    )


def parse_flexnet_address(address: str) -> tuple[httpx.URL, ...]:
    """Return host and port of each server in PORT@HOST,PORT@HOST, which are valid."""
    parts = (part.strip().rpartition("@") for part in address.split(","))
    return tuple(
        httpx.URL(scheme="http", host=host.strip("[]"), port=int(port or _FLEXNET_PORT))
        for port, _, host in parts
    )


def effective_port(url: httpx.URL) -> int:
    """Return the TCP port of `url`."""
    return _DEFAULT_PORTS.get(url.scheme, 443) if url.port is None else url.port


def host_port(url: httpx.URL) -> str:
    """Return HOST:PORT of `url` for messages, an IPv6 address in brackets."""
    host = f"[{url.host}]" if ":" in url.host else url.host
    return f"{host}:{effective_port(url)}"


def proxy_for(server: Server, limits: Limits) -> str:
    """Return the URL of the proxy for requests to `server` or a reference to it, "" for none.

    One for all servers is not used for this machine, nor for the hosts of NO_PROXY.
    """
    url = origin(server.url)
    if server.proxy or is_loopback(url.host) or proxy_bypass(url.host):
        return server.proxy
    proxy = limits.proxy or ""
    if not proxy and url.scheme == "https" and (proxy := getproxies_environment().get("https", "")):
        proxy = proxy if "://" in proxy else f"http://{proxy}"
        if not proxy.startswith(("http://", "https://")):
            raise config_error(
                "HTTPS_PROXY is not the URL of an HTTP proxy",
                'Set proxy = "http://HOST:PORT" in [polling], or change HTTPS_PROXY.',
                Step.CONNECT,
            )
    return proxy


async def proxy_url(server: Server, limits: Limits, seconds: float) -> httpx.URL | None:
    """Return the proxy for requests to `server`, with user and password; None for none.

    Raises SourceError (config), which never repeats them.
    """
    proxy = proxy_for(server, limits)
    if is_reference(proxy):
        try:
            proxy = await resolve_secret(proxy, seconds)
        except SecretError as error:
            raise config_error(f"proxy: {error.message}", error.hint, Step.CONNECT) from error
    if not proxy:
        return None
    with suppress(httpx.InvalidURL, ValueError):
        url = httpx.URL(proxy)
        if url.scheme in _DEFAULT_PORTS and url.host:
            return url
    raise config_error(
        "proxy is not the URL of an HTTP proxy",
        f"Set it to http://HOST:PORT. {_LOGIN_HINT}",
        Step.CONNECT,
    )


_LOGIN_HINT: Final = (
    "If the proxy asks for a password, store http://USER:PASSWORD@HOST:PORT as a secret, and set"
    ' proxy to the reference, such as "env:NAME".'
)


def require_encryption(url: str) -> None:
    """Raise SourceError (config) if a password sent to `url` could be read on the way."""
    parsed = origin(url)
    if parsed.scheme == "https" or is_loopback(parsed.host):
        return
    raise config_error(
        f"the password would be sent unencrypted to {host_port(parsed)} (http://)",
        'Use https://; a self-signed certificate can be pinned with verify = "sha256:…".',
    )


def is_loopback(host: str) -> bool:
    """Return whether `host` is the machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.casefold() == "localhost"


# Network errors


class ConnectionDroppedError(SourceError):
    """A request was sent on a kept connection that the server had closed meanwhile."""


_READ_BYTES: Final = 2 * 1024  # parsed at a time, before other tasks run
_MAX_HEAD: Final = 256 * 1024  # bytes before a response: its headers and interim responses


class HandshakeDone(Exception):  # noqa: N818 - it was successful
    """Ends a request whose connection was only to be opened, with the server's certificate."""

    def __init__(self, certificate: bytes) -> None:
        super().__init__()
        self.certificate = certificate  # in DER


class RequestProgress(Struct):
    """How far a request got. httpcore calls it as its trace, with each event of a connection."""

    url: httpx.URL  # of the request
    step: Step  # what the request is for
    connect_step: Step = Step.CONNECT  # which part of connecting is under way
    connected: bool = False  # a new connection was started for this request
    sent: bool = False  # sending of the request itself was started
    answered: bool = False  # the head of the response has arrived
    head_bytes: int = 0  # received before that
    proxy: httpx.URL | None = None  # that the request goes through, until it has connected us
    handshake_only: bool = False  # end the request before it is sent: only the certificate counts
    stream: httpcore.AsyncNetworkStream | None = None  # connected last

    @property
    def address(self) -> str:
        """The host that has to act next, for messages: the proxy, until it has connected us."""
        if self.proxy and not self.answered:
            return f"{host_port(self.proxy)} (the proxy)"
        return host_port(self.url)

    async def __call__(self, event: str, info: dict[str, Any]) -> None:
        """Record one event."""
        match event:
            case (
                "connection.connect_tcp.complete"
                | "connection.start_tls.complete"
                | "proxy.start_tls.complete"
            ):
                self.stream = stream = info["return_value"]
                _limit_reads(stream)
                tls = stream.get_extra_info("ssl_object")
                if self.handshake_only and tls and not self.proxy:
                    await stream.aclose()
                    raise HandshakeDone(tls.getpeercert(binary_form=True) or b"")
            case "connection.start_tls.failed" | "proxy.start_tls.failed" if self.stream:
                await self.stream.aclose()  # httpcore leaves it open when the request is canceled
            case "proxy.start_tls.started":  # the proxy has connected us to the server
                self.connect_step, self.sent, self.proxy = Step.TLS, False, None
            case "http11.receive_response_headers.started":
                _progress.set(self)
            case "connection.connect_tcp.started":
                self.connected = True
            case "connection.start_tls.started":
                self.connect_step = Step.TLS
            case "http11.send_request_headers.started":
                self.sent = True


_progress: Final[ContextVar[RequestProgress]] = ContextVar("progress")  # of the request that reads


def _limit_reads(stream: httpcore.AsyncNetworkStream) -> None:
    """Let a connection read a little at a time, and not much before a response.

    httpcore itself parses 64 KiB of interim responses without a pause, and does not count them.
    """
    read = stream.read

    async def read_some(max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - as httpcore calls it
        data = await read(min(max_bytes, _READ_BYTES), timeout)
        progress = _progress.get()
        if not progress.answered:
            progress.head_bytes += len(data)
            if progress.head_bytes > _MAX_HEAD:
                raise httpcore.RemoteProtocolError("too much before the response")
        return data

    stream.read = read_some  # type: ignore[method-assign]


def map_error(
    error: Exception, progress: RequestProgress, limits: Limits, reason: str = ""
) -> SourceError:
    """Return the failure for `error`, which a request raised; `reason` is its text."""
    for cause in _exception_chain(error):
        if failure := _failure_of(cause, progress, limits):
            return failure
    message, hint = _interrupted(error, reason, progress.address)
    if not progress.connected and not progress.answered:
        return ConnectionDroppedError(FailureKind.PROTOCOL, message, hint, progress.step)
    connecting = progress.connected and not progress.sent
    step = progress.connect_step if connecting else progress.step
    if step is Step.TLS:
        message = f"{progress.address} closed the connection during the TLS handshake"
        hint = "The server may support only TLS 1.1 or older, or a firewall closed the connection."
    return SourceError(FailureKind.PROTOCOL, message, hint, step)


def _interrupted(error: Exception, reason: str, address: str) -> tuple[str, str]:
    # h11 and httpcore report a connection that the server closed with one of these two words.
    if isinstance(error, httpx.RemoteProtocolError) and not re.search(
        "disconnected|closed", reason
    ):
        return (
            f"{address} returned an invalid HTTP response ({reason})",
            "Check that the port is right.",
        )
    return (
        f"{address} closed the connection" + (f" ({reason})" if reason else ""),
        "The server, a firewall or a proxy closed it; see the server's log.",
    )


_UNREACHABLE: Final = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN})
_LOCAL_SHORTAGE: Final = {
    errno.EMFILE: "files",
    errno.ENFILE: "files",
    errno.EAGAIN: "threads",  # of a look-up
    errno.ENOMEM: "memory",
}
# Raised by the ssl module although the connection below TLS was closed or is waiting.
_NOT_TLS: Final = (
    ssl.SSLEOFError,
    ssl.SSLSyscallError,
    ssl.SSLWantReadError,
    ssl.SSLWantWriteError,
    ssl.SSLZeroReturnError,
)


def timeout_failure(progress: RequestProgress, limits: Limits) -> SourceError:
    """Return the failure for a request that took too long, by how far it got."""
    address, seconds = progress.address, min(limits.connect_timeout, limits.timeout)
    if not progress.connected or progress.sent:
        step = progress.step
        message = f"no complete response from {address} within {limits.timeout:g} s"
        hint = "Check the load of the server. A proxy may also be blocking its responses."
    elif progress.connect_step is Step.TLS:
        step, message = Step.TLS, f"no response to TLS from {address} within {seconds:g} s"
        hint = "Check that this port uses TLS, and the load of the server."
    else:
        step, message = Step.CONNECT, f"no connection to {address} within {seconds:g} s"
        hint = "Check that the host is up. A firewall may also drop packets to this port."
    return SourceError(FailureKind.TIMEOUT, message, hint, step)


def _failure_of(
    cause: BaseException, progress: RequestProgress, limits: Limits
) -> SourceError | None:
    address, step = progress.address, progress.step
    match cause:
        case socket.gaierror() | UnicodeError():
            return dns_failure((progress.proxy or progress.url).host)
        case ssl.SSLError() if not isinstance(cause, _NOT_TLS):
            return tls_failure(cause, address)
        case httpx.UnsupportedProtocol() | httpx.LocalProtocolError():
            return unsendable_request(address, step)
        case ConnectionRefusedError():
            kind, step = FailureKind.REFUSED, Step.CONNECT
            message = f"connection refused by {address}"
            hint = "Check that the service is running, the port is right, and firewalls allow it."
        case OSError() if cause.errno in _UNREACHABLE:
            kind, step = FailureKind.REFUSED, Step.CONNECT
            message = f"no route to {address}"
            hint = "Check network, VPN and routes of this machine."
        case OSError() if cause.errno in _LOCAL_SHORTAGE:
            kind, step = FailureKind.CONFIG, Step.CONNECT
            message = f"this machine lets lictui open no more {_LOCAL_SHORTAGE[cause.errno]}"
            hint = "Raise the limit of this user (ulimit -a), or lower concurrency in [polling]."
        case httpx.TimeoutException() | httpcore.TimeoutException():
            return timeout_failure(progress, limits)
        case httpx.ProxyError():
            step = Step.CONNECT
            needs_login = str(cause).startswith(str(int(HTTPStatus.PROXY_AUTHENTICATION_REQUIRED)))
            kind = FailureKind.AUTH if needs_login else FailureKind.PROTOCOL
            message = f"{address} refused the connection: {sanitize(cause, 60)}"
            usual = "Check the key proxy, HTTPS_PROXY and NO_PROXY, and what the proxy allows."
            hint = _LOGIN_HINT if needs_login else usual
        case _:
            return None
    return SourceError(kind, message, hint, step)


def unsendable_request(address: str, step: Step) -> SourceError:
    """Return the failure for a request that HTTP cannot express, without a password in it."""
    return config_error(
        f"the request to {address} contains characters that HTTP does not allow",
        "Check url, site and customer_id of the server in servers.toml.",
        step,
    )


def dns_failure(host: str) -> SourceError:
    """Return the failure for a host name without an address."""
    return SourceError(
        FailureKind.DNS,
        f"host name {sanitize(host)} not found",
        "Check the spelling of the address, and the DNS settings of this machine.",
    )


def _exception_chain(error: BaseException) -> Iterator[BaseException]:
    """Yield `error` and everything that caused it, nearest first."""
    yield error
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from _exception_chain(member)
    previous = error.__cause__ or error.__context__  # httpcore raises `from None`
    if previous is not None:
        yield from _exception_chain(previous)
