"""What a broken exchange is called: every exception of httpx, TLS and sockets as a failure.

Owns the words and the hints for connections that fail. Must not know any protocol above HTTP, nor
what the answer to a status is.
"""

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


# What the address of a server says, before anything is sent to it


_PORTS: Final = {"http": 80, "https": 443}
_LAST_PORT: Final = 65535
_FLEXNET_PORT: Final = 27000  # the first of those that FlexNet tries where none is given


def origin(url: str) -> httpx.URL:
    """Scheme, host and port of `url`; raises SourceError (config) if they cannot be used."""
    shown = sanitize(url.rpartition("@")[2])  # a password that should not be there stays unshown
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise _unusable(shown, sanitize(error)) from error
    if parsed.scheme not in _PORTS or not parsed.host:
        raise _unusable(shown, "it must begin with https:// or http:// and name a host")
    if not 0 < effective_port(parsed) <= _LAST_PORT:
        raise _unusable(shown, "there is no such port")
    if parsed.userinfo:
        raise _unusable(shown, "a name or password has no place in it")
    return parsed.copy_with(raw_path=b"/", fragment=None)


def parse_flexnet_address(address: str) -> tuple[httpx.URL, ...]:
    """Host and port of each server in PORT@HOST,PORT@HOST; raises SourceError (config)."""
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
                f"the address {sanitize(address)} cannot be used",
                "An address looks like 27000@lic01, or 27000@lic01,27000@lic02,27000@lic03.",
                Step.RESOLVE,
            )
        found.append(url)
    return tuple(found)


def _unusable(shown: str, reason: str) -> SourceError:
    return SourceError(
        FailureKind.CONFIG,
        f"the address {shown} cannot be used: {reason}",
        "An address looks like https://host.example or https://host.example:5986/wsman.",
        Step.RESOLVE,
    )


def effective_port(url: httpx.URL) -> int:
    """The TCP port of `url`."""
    return _PORTS.get(url.scheme, 443) if url.port is None else url.port


def host_port(url: httpx.URL) -> str:
    """HOST:PORT of `url` for messages, an IPv6 address in brackets."""
    host = f"[{url.host}]" if ":" in url.host else url.host
    return f"{host}:{effective_port(url)}"


def require_encryption(url: str) -> None:
    """Raise SourceError (config) if a password sent to `url` could be read on the way."""
    parsed = origin(url)
    if parsed.scheme == "https" or is_loopback(parsed.host):
        return
    raise SourceError(
        FailureKind.CONFIG,
        f"the password would travel readable to {host_port(parsed)}, for the address is http://",
        'Use https://; a self-signed certificate can be pinned with verify = "sha256:…".',
        Step.AUTH,
    )


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


_UNREACHABLE: Final = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN})
# Not a verdict of TLS, but the connection below it ending or waiting.
_CUT_OFF: Final = (
    ssl.SSLEOFError,
    ssl.SSLSyscallError,
    ssl.SSLWantReadError,
    ssl.SSLWantWriteError,
    ssl.SSLZeroReturnError,
)


class ConnectionDroppedError(SourceError):
    """A request met a kept connection that the server had closed meanwhile."""


class RequestProgress:
    """How far one request came; httpcore calls it with each event of a connection."""

    def __init__(self, step: Step) -> None:
        self.step = step  # what the request is for
        self.connecting = Step.CONNECT
        self.connected = False  # a new connection was begun for this request
        self.sent = False  # the request itself was begun
        self.answered = False  # the head of the reply came

    async def __call__(self, event: str, _info: dict[str, Any]) -> None:
        """Take note of one event."""
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
    """The failure that `error` is, struck while `url` was asked."""
    for cause in exception_chain(error):
        if found := _unconnected(cause, url) or _unanswered(cause, url, progress, limits):
            return found
    if not progress.connected and not progress.answered:
        return ConnectionDroppedError(FailureKind.PROTOCOL, *_broken(error, url), progress.step)
    step = progress.connecting if progress.connected and not progress.sent else progress.step
    return SourceError(FailureKind.PROTOCOL, *_broken(error, url), step)


def _broken(error: Exception, url: httpx.URL) -> tuple[str, str]:
    """Message and hint for an exchange that ended before its end."""
    where, why = host_port(url), sanitize(error, 100)
    # The two ways in which h11 and httpcore tell that the other side hung up.
    if isinstance(error, httpx.RemoteProtocolError) and not re.search("disconnected|closed", why):
        return f"{where} does not speak HTTP as it should ({why})", "Is this the right port?"
    return (
        f"{where} broke off the connection" + (f" ({why})" if why else ""),
        "The server or something on the way closed it; the server's own log may say why.",
    )


def _unconnected(cause: BaseException, url: httpx.URL) -> SourceError | None:
    where = host_port(url)
    match cause:
        case socket.gaierror() | UnicodeError():
            return dns_failure(url.host)
        case ConnectionRefusedError():
            return SourceError(
                FailureKind.REFUSED,
                f"{where} refuses connections",
                "Is the service running and the port right? A firewall may refuse too.",
                Step.CONNECT,
            )
        case ssl.SSLError() if not isinstance(cause, _CUT_OFF):
            return tls_failure(cause, where)
        case OSError() if cause.errno in _UNREACHABLE:
            return SourceError(
                FailureKind.REFUSED,
                f"no route to {where}",
                "Check the network, VPN and routes from this machine.",
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
                f"{where} took the request, then was silent for {limits.timeout:g} s",
                "The server is overloaded, or this port belongs to something else.",
                progress.step,
            )
        case httpx.UnsupportedProtocol() | httpx.LocalProtocolError():
            return unsendable_request(where, progress.step)
    return None


def unsendable_request(where: str, step: Step) -> SourceError:
    """The failure for a request to `where` (HOST:PORT) that cannot even be written down.

    Says nothing of the exception, whose text may hold the password that was to be sent.
    """
    return SourceError(
        FailureKind.CONFIG,
        f"the request to {where} holds characters that HTTP cannot carry",
        "Check url, site and customer_id of the server in servers.toml.",
        step,
    )


def dns_failure(host: str) -> SourceError:
    """The failure for a name without an address."""
    return SourceError(
        FailureKind.DNS,
        f"the name {sanitize(host)} cannot be resolved",
        "Check the spelling of the address, and this machine's DNS.",
        Step.RESOLVE,
    )


def connect_timeout(where: str, seconds: float, step: Step) -> SourceError:
    """The failure for a connection to `where` (HOST:PORT) that did not come about in time."""
    return SourceError(
        FailureKind.TIMEOUT,
        f"no answer from {where} in {seconds:g} s",
        "Is the host up? A firewall that drops this port looks the same.",
        step,
    )


def exception_chain(error: BaseException) -> Iterator[BaseException]:
    """`error`, and everything that led to it, nearest first."""
    yield error
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from exception_chain(member)
    before = error.__cause__ or error.__context__  # httpcore hides the cause, and keeps the context
    if before is not None:
        yield from exception_chain(before)
