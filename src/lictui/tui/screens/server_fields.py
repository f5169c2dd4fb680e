"""Which fields each source needs, in which order: the plan of the registration form.

Owns that choice, and which fields a way of signing in or a format hides. Pure: must not know how a
field is drawn, what its text becomes (`drafts`), nor what makes a value valid (the registry).
"""

from __future__ import annotations

import ipaddress
import shlex
import tomllib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from lictui.config.server_schema import INVENTORY_FORMATS, SOURCE_DEFAULTS, to_table
from lictui.model import DEFAULT_INTERVAL, Server, SourceName

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class FormField:
    """One field: `key` as servers.toml spells it, `example` beside it, `help` at its focus."""

    key: str
    title: str
    example: str
    help: str
    default: str = ""  # what an empty field stands for
    choices: tuple[tuple[str, str], ...] = ()  # (value, what it means)


_SOURCE: Final = FormField(
    "source", "Source", "",
    "How the server is read: arrows choose, enter goes on; the other fields follow",
    SourceName.WINRM,
    (
        (SourceName.WINRM, "a license server, over WinRM"),
        (SourceName.CVAD, "a site, by its controller"),
        (SourceName.CITRIX_CLOUD, "a Citrix Cloud account"),
        (SourceName.PARTNER, "Usage Insights for partners"),
        (SourceName.LMSTAT, "any FlexNet server, by lmutil"),
        (SourceName.COMMAND, "what a command prints"),
    ),
)  # fmt: skip
_NAME: Final = FormField(
    "name", "Name", "unique", "What it is called everywhere; a new name keeps the history"
)
_SECRET: Final = FormField(
    "secret", "Secret", "env:NAME, file:.., keyring:..",
    "Where the password is, never itself: env:NAME, file:PATH, command:CMD, keyring:SERVICE/USER",
)  # fmt: skip
_ACCOUNT: Final = (
    FormField("customer_id", "Customer", "e.g. acme",
          "The customer id: Citrix Cloud, Identity and Access Management, API Access"),
    FormField("username", "Client id", "of a service principal",
          "The client's id, of the same page; it needs the permission to read licensing"),
    replace(_SECRET, help=_SECRET.help.replace("password", "client secret")),
)  # fmt: skip
_VERIFY: Final = FormField(
    "verify", "Verify", "true, CA file, sha256:.., false",
    "true: system's authorities; a CA bundle's path; sha256:HEX pins the server's certificate; "
    "false: anyone may answer",
    "true",
)  # fmt: skip
_ALL_HAVE: Final = (
    FormField("group", "Group", "e.g. emea", "Servers of one group stand together"),
    FormField("interval", "Interval", "seconds",
          "Between two polls; Citrix asks for 900 of a license server and no less"),
    FormField("same_as", "Same as", "another server's name",
          "If this is another way to read a server that is registered already: one pane for both"),
    FormField("quantity_divisor", "Divide by", "2, if all counts are double",
          "What installed and overdraft are divided by, where a server counts every license twice",
          "1"),
    FormField("enabled", "Enabled", "", "A disabled server is never contacted", "true",
          (("true", "yes, poll it"), ("false", "no, leave it alone"))),
)  # fmt: skip
_AUTH: Final = FormField(
    "auth", "Auth", "",
    "negotiate is right nearly always; basic is for local accounts and needs TLS",
    "negotiate",
    (
        ("negotiate", "Kerberos or NTLM"),
        ("kerberos", "with a ticket"),
        ("ntlm", "for local accounts too"),
        ("basic", "local accounts, over TLS"),
        ("certificate", "a client certificate"),
    ),
)  # fmt: skip
_FORMAT: Final = FormField(
    "format", "Format", "",
    "What the command prints; lictui servers snippet prints a command for some of these",
    "get-licinventory",
    (
        ("get-licinventory", "Get-LicInventory | ConvertTo-Json"),
        ("get-liclasinventory", "Get-LicLasInventory, the same way"),
        ("wmi-json", "the WMI class, as JSON"),
        ("lmstat", "lmutil lmstat -a"),
        ("udadmin", "udadmin -list -times"),
        ("checkmk", "a Checkmk agent's section"),
        ("lictui", "lictui status --json"),
        ("license-file", "a license file"),
    ),
)  # fmt: skip
_OF_SOURCE: Final = {
    SourceName.WINRM: (
        FormField("url", "Address", "https://lic01:5986/wsman",
              "The WinRM listener: https on 5986; http on 5985, where messages are encrypted"),
        _AUTH,
        FormField(
            "username", "User", r"DOMAIN\user", "An account that may read root/CitrixLicensing"
        ),
        _SECRET,
        FormField("certificate", "Certificate", "/path/client.pem", "PEM with certificate and key"),
        _VERIFY,
    ),
    SourceName.CVAD: (
        FormField("url", "Address", "https://ddc01.corp.example",
              "The Delivery Controller, or the site's address in Citrix Cloud; no path"),
        FormField(
            "customer_id", "Customer", "Citrix Cloud only", "The customer id in Citrix Cloud"
        ),
        FormField("username", "User", r"DOMAIN\user", "A read-only administrator of the site"),
        _SECRET,
        _VERIFY,
        FormField("site", "Site", "the only one", "Name or id; needed if there are several"),
        FormField(
            "overview_paths",
            "Paths",
            "the usual ones",
            "Where the license overview is, if not at a usual place; with commas;"
            " {customer} and {site}",
        ),
    ),
    SourceName.CITRIX_CLOUD: (
        FormField("url", "Address", "or api-eu, api-us, ..",
              "The region's host: api, api-us, api-eu, api-ap-s.cloud.com; no path"),
        *_ACCOUNT,
        _VERIFY,
        FormField("experimental", "Experiment", "",
              "Ask what Citrix's own console asks, too: not documented, may end any day", "false",
              (("false", "documented figures alone"), ("true", "concurrent ones as well"))),
    ),
    SourceName.PARTNER: (
        FormField("url", "Address", "Citrix's, if empty",
              "Where License Usage Insights is asked; no path"),
        FormField("trust_url", "Tokens", "Citrix's, if empty",
              "Where tokens come from, and the client secret goes; no path"),
        *_ACCOUNT,
        _VERIFY,
    ),
    SourceName.LMSTAT: (
        FormField("address", "Address", "27000@lic01, or @lic01",
              "PORT@HOST as FlexNet has it; several with commas; the port may be left out"),
        FormField("lmutil", "Program", "/opt/citrix/LS/lmutil",
              "The path of lmutil on this machine; looked for on the PATH if left out"),
    ),
    SourceName.COMMAND: (
        FormField("command", "Command", "ssh lic01 'lmutil lmstat -a'",
              "Run at every poll, without a shell; quotes hold a word together; no password in it"),
        _FORMAT,
        FormField("licenses_available", "Available", "",
              "What LicensesAvailable counts on that server: Citrix does not say", "",
              (("", "nobody can tell"), ("total", "all that are installed"),
               ("free", "those not in use"))),
    ),
}  # fmt: skip
_ORDER: Final = (
    "source", "url", "address", "command", "format", "name", "trust_url", "lmutil", "customer_id",
    "auth", "username", "secret", "certificate", "verify", "site", "overview_paths",
    "experimental", "licenses_available", *(field.key for field in _ALL_HAVE),
)  # fmt: skip
_ANY: Final = {
    field.key: field
    for field in (_SOURCE, _NAME, *(it for of in _OF_SOURCE.values() for it in of), *_ALL_HAVE)
}
ALL_FIELDS: Final = {key: _ANY[key] for key in _ORDER}
_BY_CERTIFICATE: Final = ("username", "secret")


def visible_fields(draft: Mapping[str, str]) -> dict[str, FormField]:
    """The fields that this draft's source and what else is chosen in it need, in order, by key."""
    source = SourceName(draft.get("source") or SourceName.WINRM)
    defaults = SOURCE_DEFAULTS.get(source, {}) | {"interval": f"{DEFAULT_INTERVAL[source]:.0f}"}
    needed = {
        field.key: replace(field, default=defaults.get(field.key, field.default))
        for field in (_SOURCE, _NAME, *_OF_SOURCE[source], *_ALL_HAVE)
    }
    hidden = _hidden(draft)
    return {key: needed[key] for key in _ORDER if key in needed and key not in hidden}


def first_field(draft: Mapping[str, str]) -> str:
    """The field in which the work begins: where the server is."""
    return next(key for key in visible_fields(draft) if key != "source")


def _hidden(draft: Mapping[str, str]) -> tuple[str, ...]:
    by_certificate = draft.get("auth") == "certificate"
    told = (draft.get("format") or _FORMAT.default) in INVENTORY_FORMATS
    return (
        *(_BY_CERTIFICATE if by_certificate and _is_winrm(draft) else ()),
        *(() if by_certificate else ("certificate",)),
        *(() if told else ("licenses_available",)),
    )


def _is_winrm(draft: Mapping[str, str]) -> bool:
    return (draft.get("source") or SourceName.WINRM) == SourceName.WINRM


# The way between the texts of the registration form and what servers.toml says


_ALWAYS: Final = ("source", "format")  # what is chosen, even if it is the first choice


def form_values(server: Server) -> dict[str, str]:
    """The texts of a registered server's fields."""
    draft = {key: _text(key, value) for key, value in to_table(server).items()}
    return dict.fromkeys(visible_fields(draft), "") | draft


def toml_values(draft: Mapping[str, str]) -> dict[str, Any]:
    """What servers.toml would say for this draft: empty fields and defaults are left out."""
    raw: dict[str, Any] = {}
    for key, field in visible_fields(draft).items():
        text = draft.get(key, "").strip()
        if key in _ALWAYS:
            raw[key] = text or field.default
        elif text and text != field.default:
            raw[key] = _VALUE.get(key, str)(text)
    return raw


def suggested_name(draft: Mapping[str, str]) -> str:
    """A name for the server of this draft, by its host or customer; "" if there is neither."""
    needed = visible_fields(draft)
    if "url" in needed and not needed["url"].default:
        return _host_name(draft.get("url", ""))
    if "address" in needed:
        return _host_name(draft.get("address", "").partition(",")[0].rpartition("@")[2])
    return draft.get("customer_id", "").strip() if "customer_id" in needed else ""


def _host_name(url: str) -> str:
    try:
        host = urlsplit(url if "://" in url else f"//{url}").hostname or ""
    except ValueError:
        return ""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host.partition(".")[0]


def _text(key: str, value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return f"{value:g}"
        case list():
            return shlex.join(value) if key == "command" else ", ".join(value)
        case _:
            return str(value)


def _flag(text: str) -> bool | str:
    return {"true": True, "false": False}.get(text.lower(), text)


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text  # the registry says what is wrong with it


def _whole(text: str) -> int | str:
    try:
        return int(text)
    except ValueError:
        return text


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _words(text: str) -> Any:
    """A list as TOML has it, or words as a shell would split them."""
    try:
        return tomllib.loads(f"value = {text}")["value"] if text[0] == "[" else shlex.split(text)
    except ValueError:  # a bracket or quote that is not closed: refused as it stands
        return text


_VALUE: Final = {
    "verify": _flag,
    "enabled": _flag,
    "experimental": _flag,
    "interval": _number,
    "quantity_divisor": _whole,
    "overview_paths": _list,
    "command": _words,
}
