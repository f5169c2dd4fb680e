"""The address of a server as servers.toml has it, checked and completed.

Owns what an address may look like. Must not know how it is reached. An address that holds a
password is refused without being repeated.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from lictui.config.values import Wrong, name, shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from urllib.parse import SplitResult

# Letters of every alphabet: a name that is not ASCII is encoded when it is looked up. Windows
# host names may hold an underscore.
_HOST: Final = re.compile(r"(?!-)[\w-]{1,63}(?:\.[\w-]{1,63})*\.?")
_MOST: Final = 253  # characters of a host name (RFC 1035)
_PORTS: Final = {"https": 5986, "http": 5985}  # of WinRM's listeners
_PORT: Final = 65535
_SEVERAL: Final = "write PORT@HOST, several with commas: 27000@lic01,27000@lic02"


def winrm(value: object) -> str:
    """`https://host:5986/wsman`, with port and path completed where they are missing."""
    parts = _split(value, "https://lic01.example:5986/wsman")
    port = parts.port or _PORTS[parts.scheme]
    path = "/wsman" if parts.path in ("", "/") else parts.path
    return f"{parts.scheme}://{_host(parts)}:{port}{path}"


def origin(value: object) -> str:
    """`https://host` with the port if there is one, and no path."""
    parts = _split(value, "https://ddc01.example")
    found = f"{parts.scheme}://{_host(parts)}" + (f":{parts.port}" if parts.port else "")
    if parts.path not in ("", "/"):
        raise Wrong(
            "must be the origin alone, without a path",
            f"write {found}; paths belong in overview_paths",
        )
    return found


def ports(value: object) -> str:
    """`27000@lic01`, several with commas; `@lic01` leaves the port to FlexNet (27000 to 27009).

    docs.citrix.com, "License administration commands", of `-c`.
    """
    found = [part.strip() for part in name(value).strip().split(",")]
    for part in found:
        port, at, host = part.rpartition("@")
        if not at:
            raise Wrong(f"is not PORT@HOST: {shown(part)}", _port_first(part))
        if port and not (port.isascii() and port.isdigit() and 0 < int(port[:6]) <= _PORT):
            raise Wrong(f"has no port that can be: {shown(part)}", f"write it as 27000@{host}")
        if not _is_host(host.removeprefix("[").removesuffix("]") if ":" in host else host):
            raise Wrong(f"has no host that can be: {shown(part)}", _SEVERAL)
    return ",".join(found)


def _port_first(part: str) -> str:
    """How an address that was written otherwise is written for FlexNet."""
    host, colon, port = part.rpartition(":")
    if colon and port.isdigit() and _is_host(host):
        return f"write it as {port}@{host}"
    return f"write it as 27000@{part}" if _is_host(part) else _SEVERAL


def _split(value: object, example: str) -> SplitResult:
    url = name(value).strip()
    if "@" in url:
        raise Wrong("must not hold a user or a password", "use username and secret for them")
    if "://" not in url:
        raise Wrong(f"has no https:// in front: {shown(url)}", f"write it as {example}")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Wrong(f"is no address: {shown(url)}", f"write it as {example}") from None
    if parts.scheme not in _PORTS:
        raise Wrong(f"must begin with https:// or http://, not {shown(url)}")
    if parts.query or parts.fragment or port == 0 or url.split() != [url]:
        raise Wrong(f"is no address: {shown(url)}", f"write it as {example}")
    if not _is_host(parts.hostname or ""):
        raise Wrong(f"has no host that can be: {shown(url)}", f"write it as {example}")
    return parts


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        # Figures and dots alone are an IPv4 address with a slip in it, not a name.
        slip = host.replace(".", "").isdigit()
        return len(host) <= _MOST and not slip and bool(_HOST.fullmatch(host))
    return True


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    return f"[{host}]" if ":" in host else host


OF_SOURCE: Final[dict[str, Callable[[object], str]]] = {
    "winrm": winrm,
    "cvad": origin,
    "citrix-cloud": origin,
    "partner": origin,
}
