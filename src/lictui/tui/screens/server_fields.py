"""Which fields the form shows for each source, and how their texts become a servers.toml entry.

What a text means, and whether it is valid, is up to `config.server_schema`.
"""

from __future__ import annotations

import ipaddress
import os
from contextlib import suppress
from itertools import count
from string import ascii_letters
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from lictui.config.secrets import SCHEMES
from lictui.config.server_help import key_help
from lictui.config.server_schema import (
    INVENTORY_FORMATS,
    SOURCE_SCHEMAS,
    text_from_value,
    to_table,
    value_from_text,
)
from lictui.model import DEFAULT_INTERVAL, SOURCES, Server, SourceName

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence


class FormField(Struct, frozen=True):
    """One field. The example is in it while it is empty, the help below it with the focus."""

    key: str  # as servers.toml has it
    title: str
    example: str = ""
    default: str = ""  # what an empty field means
    choices: tuple[tuple[str, str], ...] = ()  # (value, meaning)
    help: str = ""  # of the key, unless the form does more with it


# fmt: off
_SOURCE: Final = FormField(
    "source", "Source", "", SourceName.WINRM,
    tuple((source, traits.title) for source, traits in SOURCES.items()),
    "Data source. Use arrow keys to select, Enter to continue.",
)
_NAME: Final = FormField("name", "Name", "a unique name")
_SECRET: Final = FormField(
    "secret", "Password", "type it, or env:NAME, file:PATH, ...",
    help="Type the password and store it with {store} in a private file, or refer to it: env:NAME, "
    "file:PATH, command:CMD or keyring:SERVICE/USER",
)
_ACCOUNT: Final = (
    FormField("customer_id", "Customer", "e.g. acme"),
    FormField("username", "Client ID", "of a service principal"),
    replace(_SECRET, title="Secret", help=_SECRET.help.replace("password", "client secret")),
)
_VERIFY: Final = FormField("verify", "Verify", "", "true")
_PROXY: Final = FormField("proxy", "Proxy", "e.g. http://proxy:8080")
_COMMON: Final = (
    FormField("group", "Group", "e.g. emea"),
    FormField("interval", "Interval"),
    FormField("same_as", "Same as", "another server's name"),
    FormField("quantity_divisor", "Divide by", "", "1"),
    FormField("continues", "Continues", "e.g. XDT_PLT_UD"),
    FormField("entitlement", "Entitlement", "any name"),
    FormField("enabled", "Enabled", "", "true", (("true", "enabled"), ("false", "disabled"))),
)
_AUTH: Final = FormField(
    "auth", "Auth", "", "negotiate",
    (
        ("negotiate", "Kerberos or NTLM"),
        ("kerberos", "uses a Kerberos ticket"),
        ("ntlm", "also for local accounts"),
        ("basic", "local accounts, over TLS"),
        ("certificate", "client certificate"),
    ),
    "Use negotiate in most cases; basic is for local accounts and requires TLS.",
)
_FORMAT: Final = FormField(
    "format", "Format", "", "get-licinventory",
    (
        ("get-licinventory", "Get-LicInventory | ConvertTo-Json"),
        ("get-liclasinventory", "Get-LicLasInventory, likewise"),
        ("wmi-json", "WMI class as JSON"),
        ("lmstat", "lmutil lmstat -a"),
        ("udadmin", "udadmin -list -times"),
        ("checkmk", "Checkmk agent section"),
        ("lictui", "lictui status --json"),
        ("license-file", "license file"),
    ),
)
_SOURCE_FIELDS: Final = {
    SourceName.WINRM: (
        FormField("url", "Address", "e.g. https://lic01:5986/wsman"),
        _AUTH,
        FormField("username", "User", r"e.g. DOMAIN\user"),
        _SECRET,
        FormField("certificate", "Certificate", "e.g. /path/client.pem"),
        _VERIFY,
        _PROXY,
    ),
    SourceName.CVAD: (
        FormField("url", "Address", "e.g. https://ddc01.corp.example"),
        FormField("customer_id", "Customer", "Citrix Cloud only"),
        FormField("username", "User", r"e.g. DOMAIN\user"),
        _SECRET,
        _VERIFY,
        _PROXY,
        FormField("site", "Site", "default"),
        FormField("overview_paths", "Paths", "default"),
    ),
    SourceName.CITRIX_CLOUD: (
        FormField("url", "Address"),
        *_ACCOUNT,
        _VERIFY,
        _PROXY,
        FormField("experimental", "Experiment", "", "false",
                  (("false", "documented APIs only"), ("true", "include concurrent licenses"))),
    ),
    SourceName.PARTNER: (
        FormField("url", "Address"),
        FormField("trust_url", "Tokens"),
        *_ACCOUNT,
        _VERIFY,
        _PROXY,
    ),
    SourceName.LMSTAT: (
        FormField("address", "Address", "e.g. 27000@lic01, or @lic01"),
        FormField("lmutil", "Program", "e.g. /opt/citrix/LS/lmutil"),
    ),
    SourceName.COMMAND: (
        FormField("command", "Command", "e.g. ssh lic01 'lmutil lmstat -a'"),
        _FORMAT,
        FormField("licenses_available", "Available", "", "",
                  (("", "unknown"), ("total", "installed"), ("free", "free"))),
    ),
}
_ORDER: Final = (
    "source", "url", "address", "command", "format", "name", "trust_url", "lmutil", "customer_id",
    "auth", "username", "secret", "certificate", "verify", "proxy", "site", "overview_paths",
    "experimental", "licenses_available", *(field.key for field in _COMMON),
)
# fmt: on
_BY_KEY: Final = {
    field.key: field
    for fields in ((_SOURCE, _NAME), *_SOURCE_FIELDS.values(), _COMMON)
    for field in fields
}
ALL_FIELDS: Final = {key: _BY_KEY[key] for key in _ORDER}


def visible_fields(values: Mapping[str, str]) -> dict[str, FormField]:
    """The fields for the source and the choices in these form values, in order, by key."""
    source = SourceName(values.get("source") or SourceName.WINRM)
    interval = {"interval": f"{DEFAULT_INTERVAL[source]:.0f}"}
    defaults = SOURCE_SCHEMAS[source].defaults | interval
    needed = {
        field.key: replace(
            field,
            default=defaults.get(field.key, field.default),
            help=field.help or key_help(field.key, source),
        )
        for field in (_SOURCE, _NAME, *_SOURCE_FIELDS[source], *_COMMON)
    }
    hidden = _hidden(values, source)
    return {key: needed[key] for key in _ORDER if key in needed and key not in hidden}


def _hidden(values: Mapping[str, str], source: SourceName) -> set[str]:
    hidden = set()
    if values.get("auth") != "certificate":
        hidden.add("certificate")
    elif source is SourceName.WINRM:
        hidden |= {"username", "secret"}
    if (values.get("format") or _FORMAT.default) not in INVENTORY_FORMATS:
        hidden.add("licenses_available")
    return hidden


# From form values to a servers.toml entry, and back


_ALWAYS_WRITTEN: Final = ("source", "format")  # even where the value is the default


def form_values(server: Server) -> dict[str, str]:
    """The form values of a registered server."""
    values = {key: text_from_value(key, value) for key, value in to_table(server).items()}
    return dict.fromkeys(visible_fields(values), "") | values


def toml_values(values: Mapping[str, str]) -> dict[str, Any]:
    """The servers.toml entry of these form values; empty fields and defaults are left out."""
    entry: dict[str, Any] = {}
    for key, field in visible_fields(values).items():
        text = values.get(key, "").strip()
        if key in _ALWAYS_WRITTEN:
            entry[key] = text or field.default
        elif text and text != field.default:
            entry[key] = value_from_text(key, text)
    return entry


_DRIVES: Final = tuple(f"{letter}:" for letter in ascii_letters) if os.name == "nt" else ()
_PATHS: Final = ("/", "~", ".", "\\", *_DRIVES)
_READABLE: Final = {
    "secret": tuple(f"{scheme}:" for scheme in SCHEMES),
    "verify": ("true", "false", "sha256:", *_PATHS),
    "certificate": _PATHS,
}


def is_password(key: str, text: str) -> bool:
    """Whether a text cannot become what its field is for any more: it may be a password."""
    text = text.strip().casefold()
    return bool(text) and not any(
        text.startswith(start) or start.startswith(text) for start in _READABLE.get(key, ("",))
    )


def suggested_name(
    values: Mapping[str, str], taken: Collection[str] = (), host_names: Sequence[str] = ()
) -> str:
    """A name that no other server has, from the host or customer; "" if there is neither.

    An address does not identify a server for users: a host name that the server reports does.
    """
    name = _host_or_customer(values)
    if _is_ip_address(name):
        name = _first_label(host_names[0]) if host_names else "server"
    names = (f"{name}-{number}" if number > 1 else name for number in count(1))
    return next(free for free in names if free not in taken) if name else ""


def _host_or_customer(values: Mapping[str, str]) -> str:
    fields = visible_fields(values)
    if "url" in fields and not fields["url"].default:
        url = values.get("url", "")
    elif "address" in fields:
        url = values.get("address", "").partition(",")[0].rpartition("@")[2]
    else:
        return values.get("customer_id", "").strip() if "customer_id" in fields else ""
    with suppress(ValueError):
        return _first_label(urlsplit(url if "://" in url else f"//{url}").hostname or "")
    return ""


def _first_label(host: str) -> str:
    return host if _is_ip_address(host) else host.partition(".")[0]


def _is_ip_address(host: str) -> bool:
    with suppress(ValueError):
        return bool(ipaddress.ip_address(host))
    return False
