"""Which fields each source needs, and the way between their texts and a server.

Owns titles, examples and help of the registration form. Pure: must not know how a field is drawn,
nor what makes a value valid, which is the registry's business.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from lictui.model import DEFAULT_INTERVAL
from lictui.words import SourceName

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lictui.model import Server

_WHERE_SECRETS_ARE: Final = (
    "Where the password is, never itself: env:NAME, file:PATH, command:CMD, keyring:SERVICE/USER"
)
_VERIFY_HELP: Final = (
    "true: system's authorities; a CA bundle's path; sha256:HEX pins the server's certificate; "
    "false: anyone may answer"
)
_PATHS_HELP: Final = (
    "Where the license overview is, if not at a usual place; with commas; {customer} and {site}"
)


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `key` as servers.toml spells it, `example` beside it, `help` at its focus."""

    key: str
    title: str
    example: str
    help: str
    default: str = ""  # what an empty field stands for
    choices: tuple[tuple[str, str], ...] = ()  # (value, what it means)


_SOURCE: Final = Field(
    "source",
    "Source",
    "",
    "How the server is read: left and right choose; the other fields follow",
    SourceName.WINRM,
    (
        (SourceName.WINRM, "a license server, over WinRM"),
        (SourceName.CVAD, "a site, by its Delivery Controller"),
    ),
)
_NAME: Final = Field(
    "name", "Name", "unique", "What it is called everywhere; a new name keeps the history"
)
_SECRET: Final = Field("secret", "Secret", "env:NAME, file:.., keyring:..", _WHERE_SECRETS_ARE)
_COMMON: Final = (
    Field("verify", "Verify", "true, CA file, sha256:.., false", _VERIFY_HELP, "true"),
    Field("group", "Group", "e.g. emea", "Servers of one group stand together"),
)
_INTERVAL: Final = Field(
    "interval",
    "Interval",
    "seconds",
    "Between two polls; Citrix asks for 900 of a license server and no less",
)
_ENABLED: Final = Field(
    "enabled", "Enabled", "", "A disabled server is never contacted", "true",
    (("true", "yes, poll it"), ("false", "no, leave it alone")),
)  # fmt: skip
_AUTH: Final = Field(
    "auth",
    "Auth",
    "",
    "negotiate is right nearly always; basic is for local accounts and needs TLS",
    "negotiate",
    (
        ("negotiate", "Kerberos or NTLM"),
        ("kerberos", "with a ticket"),
        ("ntlm", "for local accounts too"),
        ("basic", "local accounts, over TLS"),
        ("certificate", "a client certificate"),
    ),
)

_OF_SOURCE: Final = {
    SourceName.WINRM: (
        Field(
            "url",
            "Address",
            "https://lic01:5986/wsman",
            "The WinRM listener: https on 5986; http on 5985, where messages are encrypted",
        ),
        _NAME,
        _AUTH,
        Field("username", "User", r"DOMAIN\user", "An account that may read root/CitrixLicensing"),
        _SECRET,
        Field("certificate", "Certificate", "/path/client.pem", "PEM with certificate and key"),
        *_COMMON,
    ),
    SourceName.CVAD: (
        Field(
            "url",
            "Address",
            "https://ddc01.corp.example",
            "The Delivery Controller, or the site's address in Citrix Cloud; no path",
        ),
        _NAME,
        Field("username", "User", r"DOMAIN\user", "A read-only administrator of the site"),
        _SECRET,
        *_COMMON,
        Field("site", "Site", "the only one", "Name or id; needed if there are several"),
        Field("customer_id", "Customer", "Citrix Cloud only", "The customer id in Citrix Cloud"),
        Field("overview_paths", "Paths", "the usual ones", _PATHS_HELP),
    ),
}
_BY_CERTIFICATE: Final = ("username", "secret")
ALL: Final = {
    field.key: field
    for field in (
        _SOURCE,
        *(field for fields in _OF_SOURCE.values() for field in fields),
        _INTERVAL,
        _ENABLED,
    )
}


def fields(draft: Mapping[str, str]) -> dict[str, Field]:
    """The fields that this draft's source and its way of signing in need, in order, by key."""
    source = SourceName(draft.get("source") or SourceName.WINRM)
    every = f"{DEFAULT_INTERVAL[source]:.0f}"
    interval = replace(_INTERVAL, default=every)
    hidden = _BY_CERTIFICATE if draft.get("auth") == "certificate" else ("certificate",)
    every_one = (_SOURCE, *_OF_SOURCE[source], interval, _ENABLED)
    return {field.key: field for field in every_one if field.key not in hidden}


def draft_of(server: Server) -> dict[str, str]:
    """The texts of a registered server's fields."""
    interval = "" if server.interval is None else f"{server.interval:g}"
    return {
        "source": server.source,
        "name": server.name,
        "url": server.url,
        "username": server.username,
        "secret": server.secret,
        "auth": server.auth or "negotiate",
        "certificate": server.certificate,
        "site": server.site,
        "customer_id": server.customer_id,
        "overview_paths": ", ".join(server.overview_paths),
        "verify": _lower(server.verify),
        "group": server.group,
        "interval": interval,
        "enabled": _lower(server.enabled),
    }


def raw_of(draft: Mapping[str, str]) -> dict[str, Any]:
    """What servers.toml would say for this draft: empty fields and defaults are left out."""
    raw: dict[str, Any] = {}
    for key, field in fields(draft).items():
        text = draft.get(key, "").strip()
        if key == "source":
            raw[key] = text or field.default
        elif text and text != field.default:
            raw[key] = _VALUE.get(key, str)(text)
    return raw


def suggested_name(url: str) -> str:
    """A name for the server at this address: its host without the domain; "" if there is none."""
    try:
        host = urlsplit(url if "://" in url else f"//{url}").hostname or ""
    except ValueError:
        return ""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host.partition(".")[0]


def _lower(value: bool | str) -> str:  # noqa: FBT001 - a value of the registry, not a switch
    return str(value).lower() if isinstance(value, bool) else value


def _flag(text: str) -> bool | str:
    return {"true": True, "false": False}.get(text.lower(), text)


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text  # the registry says what is wrong with it


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


_VALUE: Final = {"verify": _flag, "enabled": _flag, "interval": _number, "overview_paths": _list}
