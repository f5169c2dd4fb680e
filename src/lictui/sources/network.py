"""Maps every network exception (httpx, TLS, sockets) to a failure, and parses server addresses."""

from __future__ import annotations

import errno
import ipaddress
import re
import socket
import ssl
from typing import TYPE_CHECKING, Any, Final

import httpcore
import httpx

from lictui.model import FailureKind, Step
from lictui.sources.sanitize import sanitize
from lictui.sources.source import SourceError
from lictui.sources.tls import tls_failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lictui.config.settings import Limits


# Addresses


_PORTS: Final = {"http": 80, "https": 443}
_LAST_PORT: Final = 65535
_FLEXNET_PORT: Final = 27000  # the first port that FlexNet tries by default


def origin(url: str) -> httpx.URL:
    """Return scheme, host and port of `url`; raises SourceError (config) if it is invalid."""
    shown = sanitize(url.rpartition("@")[2])  # never shows a password that should not be there
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise _unusable(shown, sanitize(error)) from error
    if parsed.scheme not in _PORTS or not parsed.host:
        raise _unusable(shown, "it must start with https:// or http:// and contain a host")
    if not 0 < effective_port(parsed) <= _LAST_PORT:
        raise _unusable(shown, "invalid port")
    if parsed.userinfo:
        raise _unusable(shown, "it must not contain credentials")
    return parsed.copy_with(raw_path=b"/", fragment=None)


def parse_flexnet_address(address: str) -> tuple[httpx.URL, ...]:
    """Return host and port of each server in PORT@HOST,PORT@HOST; raises SourceError (config)."""
    found = []
    for part in address.split(","):
        number, _, host = part.strip().rpartition("@")
        bare = f"[{host}]" if ":" in host and not host.startswith("[") else host
        try:
            url = httpx.URL(f"http://{bare}:{number or _FLEXNET_PORT}")
        except (httpx.InvalidURL, ValueError):
            url = httpx.URL()
        plain = url.host and host.split() == [host] and not url.userinfo and url.path == "/"
        if not plain or not 0 < effective_port(url) <= _LAST_PORT:
            raise SourceError(
                FailureKind.CONFIG,
                f"invalid address {sanitize(address)}",
                "Example: 27000@lic01, or 27000@lic01,27000@lic02,27000@lic03.",
                Step.RESOLVE,
            )
        found.append(url)
    return tuple(found)


def _unusable(shown: str, reason: str) -> SourceError:
    return SourceError(
        FailureKind.CONFIG,
        f"invalid address {shown}: {reason}",
        "Example: https://host.example or https://host.example:5986/wsman.",
        Step.RESOLVE,
    )


def effective_port(url: httpx.URL) -> int:
    """Return the TCP port of `url`."""
    return _PORTS.get(url.scheme, 443) if url.port is None else url.port


def host_port(url: httpx.URL) -> str:
    """Return HOST:PORT of `url` for messages, an IPv6 address in brackets."""
    host = f"[{url.host}]" if ":" in url.host else url.host
    return f"{host}:{effective_port(url)}"


def require_encryption(url: str) -> None:
    """Raise SourceError (config) if a password sent to `url` would be readable on the network."""
    parsed = origin(url)
    if parsed.scheme == "https" or is_loopback(parsed.host):
        return
    raise SourceError(
        FailureKind.CONFIG,
        f"the password would be sent unencrypted to {host_port(parsed)} (http://)",
        'Use https://. To accept a self-signed certificate, pin it with verify = "sha256:…".',
        Step.AUTH,
    )


def is_loopback(host: str) -> bool:
    """Return whether `host` is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


_UNREACHABLE: Final = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN})
# Not a TLS verdict, but the connection below it closing or waiting.
_CUT_OFF: Final = (
    ssl.SSLEOFError,
    ssl.SSLSyscallError,
    ssl.SSLWantReadError,
    ssl.SSLWantWriteError,
    ssl.SSLZeroReturnError,
)


class ConnectionDroppedError(SourceError):
    """The server had closed the kept connection before this request."""


class RequestProgress:
    """Progress of one request; httpcore calls it with each event of a connection."""

    def __init__(self, step: Step) -> None:
        self.step = step  # purpose of the request
        self.connecting = Step.CONNECT
        self.connected = False  # a new connection was started for this request
        self.sent = False  # sending the request has started
        self.answered = False  # the head of the reply arrived

    async def __call__(self, event: str, _info: dict[str, Any]) -> None:
        """Record an event."""
        match event:
            case "connection.connect_tcp.started":
                self.connected = True
            case "connection.start_tls.started":
                self.connecting = Step.TLS
            case "http11.send_request_headers.started":
                self.sent = True


def map_error(
    error: Exception, url: httpx.URL, progress: RequestProgress, limits: Limits
) -> SourceError:
    """Return the failure for `error`, raised during a request to `url`."""
    for cause in exception_chain(error):
        if found := _unconnected(cause, url) or _unanswered(cause, url, progress, limits):
            return found
    if not progress.connected and not progress.answered:
        return ConnectionDroppedError(FailureKind.PROTOCOL, *_broken(error, url), progress.step)
    step = progress.connecting if progress.connected and not progress.sent else progress.step
    return SourceError(FailureKind.PROTOCOL, *_broken(error, url), step)


def _broken(error: Exception, url: httpx.URL) -> tuple[str, str]:
    """Return message and hint for an exchange that was cut off."""
    where, why = host_port(url), sanitize(error, 100)
    # The two ways in which h11 and httpcore report a closed connection.
    if isinstance(error, httpx.RemoteProtocolError) and not re.search("disconnected|closed", why):
        return f"{where} returned an invalid HTTP response ({why})", "Check the port."
    return (
        f"{where} closed the connection" + (f" ({why})" if why else ""),
        "The server or a device in between closed it; check the server's log.",
    )


def _unconnected(cause: BaseException, url: httpx.URL) -> SourceError | None:
    where = host_port(url)
    match cause:
        case socket.gaierror() | UnicodeError():
            return dns_failure(url.host)
        case ConnectionRefusedError():
            return SourceError(
                FailureKind.REFUSED,
                f"connection refused by {where}",
                "Check that the service is running and the port is right."
                " A firewall may also refuse.",
                Step.CONNECT,
            )
        case ssl.SSLError() if not isinstance(cause, _CUT_OFF):
            return tls_failure(cause, where)
        case OSError() if cause.errno in _UNREACHABLE:
            return SourceError(
                FailureKind.REFUSED,
                f"no route to {where}",
                "Check network, VPN and routes of this machine.",
                Step.CONNECT,
            )
    return None


def _unanswered(
    cause: BaseException, url: httpx.URL, progress: RequestProgress, limits: Limits
) -> SourceError | None:
    where = host_port(url)
    match cause:
        case httpx.ConnectTimeout() | httpcore.ConnectTimeout():
            return connect_timeout(where, limits.connect_timeout, progress.connecting)
        case httpx.TimeoutException():
            return SourceError(
                FailureKind.TIMEOUT,
                f"no response from {where} within {limits.timeout:g} s",
                "The server may be overloaded, or another service may use this port.",
                progress.step,
            )
        case httpx.UnsupportedProtocol() | httpx.LocalProtocolError():
            return unsendable_request(where, progress.step)
    return None


def unsendable_request(where: str, step: Step) -> SourceError:
    """Return the failure for a request to `where` (HOST:PORT) that cannot be encoded.

    It does not quote the exception, whose text may contain the password.
    """
    return SourceError(
        FailureKind.CONFIG,
        f"the request to {where} contains characters that are not allowed in HTTP",
        "Check url, site and customer_id of this server in servers.toml.",
        step,
    )


def dns_failure(host: str) -> SourceError:
    """Return the failure for a host name without an address."""
    return SourceError(
        FailureKind.DNS,
        f"host name {sanitize(host)} not found",
        "Check the spelling of the address, and the DNS settings of this machine.",
        Step.RESOLVE,
    )


def connect_timeout(where: str, seconds: float, step: Step) -> SourceError:
    """Return the failure for a connection to `where` (HOST:PORT) that timed out."""
    return SourceError(
        FailureKind.TIMEOUT,
        f"no connection to {where} within {seconds:g} s",
        "Check that the host is running, and that no firewall blocks this port.",
        step,
    )


def exception_chain(error: BaseException) -> Iterator[BaseException]:
    """Yield `error` and its causes, nearest first."""
    yield error
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from exception_chain(member)
    before = error.__cause__ or error.__context__  # httpcore hides the cause, and keeps the context
    if before is not None:
        yield from exception_chain(before)
