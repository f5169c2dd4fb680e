"""What the address of a server says, before anything is sent to it.

Owns which addresses can be used, and where a password may travel. Must not know any protocol.
"""

from __future__ import annotations

import ipaddress
from typing import Final

import httpx

from lictui.model import FailureKind, Step
from lictui.sources.clean import text
from lictui.sources.source import SourceError

_PORTS: Final = {"http": 80, "https": 443}
_LAST_PORT: Final = 65535
_FLEXNET_PORT: Final = 27000  # the first of those that FlexNet tries where none is given


def origin(url: str) -> httpx.URL:
    """Scheme, host and port of `url`; raises SourceError (config) if they cannot be used."""
    shown = text(url.rpartition("@")[2])  # a password that should not be there stays unshown
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise _unusable(shown, text(error)) from error
    if parsed.scheme not in _PORTS or not parsed.host:
        raise _unusable(shown, "it must begin with https:// or http:// and name a host")
    if not 0 < port(parsed) <= _LAST_PORT:
        raise _unusable(shown, "there is no such port")
    if parsed.userinfo:
        raise _unusable(shown, "a name or password has no place in it")
    return parsed.copy_with(raw_path=b"/", fragment=None)


def flexnet(address: str) -> tuple[httpx.URL, ...]:
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
        if not plain or not 0 < port(url) <= _LAST_PORT:
            raise SourceError(
                FailureKind.CONFIG,
                f"the address {text(address)} cannot be used",
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


def port(url: httpx.URL) -> int:
    """The TCP port of `url`."""
    return _PORTS.get(url.scheme, 443) if url.port is None else url.port


def host_port(url: httpx.URL) -> str:
    """HOST:PORT of `url` for messages, an IPv6 address in brackets."""
    host = f"[{url.host}]" if ":" in url.host else url.host
    return f"{host}:{port(url)}"


def refuse_in_the_clear(url: str) -> None:
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
