"""What each source needs: its keys, what they may be, what must be there and what goes together.

Owns the rules that differ by source. Must not know the file, nor how a server is read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from lictui.config import addresses, values
from lictui.config.refusal import Refusal
from lictui.model import SourceName

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lictui.config.values import Kind

AUTHS: Final = ("negotiate", "kerberos", "ntlm", "basic", "certificate")
FORMATS: Final = (  # of what a command prints
    "get-licinventory",
    "get-liclasinventory",
    "wmi-json",
    "lmstat",
    "udadmin",
    "checkmk",
    "lictui",
    "license-file",
)
INVENTORIES: Final = FORMATS[:2]  # the two that may name LicensesAvailable
LISTS: Final = ("overview_paths", "command")  # keys that hold a list,
FLAGS: Final = ("experimental", "verify")  # true or false, or for verify also a text,
NUMBERS: Final = ("interval", "quantity_divisor")  # and a number
OVER_HTTP: Final = ("winrm", "cvad", "citrix-cloud", "partner")
DEFAULTS: Final[dict[str, dict[str, str]]] = {  # what a key that is left out stands for
    "winrm": {"auth": "negotiate"},
    # Host names: developer-docs.citrix.com "Get started with Citrix Cloud APIs"; the partner's
    # two are those of Citrix's own scripts for License Usage Insights.
    "citrix-cloud": {"url": "https://api.cloud.com"},
    "partner": {
        "url": "https://licensing.citrixworkspacesapi.net",
        "trust_url": "https://trust.citrixworkspacesapi.net",
    },
}
_EXAMPLES: Final = {
    "winrm": "https://lic01.example:5986/wsman",
    "cvad": "https://ddc01.example",
}
_PASSWORD_AUTHS: Final = ("ntlm", "basic")  # negotiate and kerberos may use who is logged in
_CLOUD: Final = (SourceName.CITRIX_CLOUD, SourceName.PARTNER)
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_PLACEHOLDERS: Final = ("customer", "site")


def _overview_paths(value: object) -> tuple[str, ...]:
    paths = values.texts(value)
    for path in paths:
        if not path.startswith("/"):
            raise values.Wrong(f"must begin with /, unlike {values.shown(path)}")
        for placeholder in _PLACEHOLDER.findall(path):
            if placeholder not in _PLACEHOLDERS:
                raise values.Wrong(
                    f"knows no placeholder {{{placeholder}}}", "{customer} and {site} are known"
                )
    return paths


def _customer(value: object) -> str:
    """A customer id, which becomes a part of a path."""
    found = values.text(value).strip()
    if any(character in "/?#\\" or character.isspace() for character in found):
        hint = "Citrix Cloud: Identity and Access Management, API Access"
        raise values.Wrong(f"is no customer id: {values.shown(found)}", hint)
    return found


def _command(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        hint = 'write it word by word: ["ssh", "lic01", "lmutil", "lmstat", "-a"]; no shell runs it'
        raise values.Wrong("must be a list of words, not one text", hint)
    words = values.texts(value)
    if not words:
        raise values.Wrong("must not be empty", 'write ["…", "…"]')
    return words


KEYS: Final[dict[str, dict[str, Kind]]] = {
    "winrm": {"auth": values.choice(*AUTHS), "certificate": values.text},
    "cvad": {"site": values.text, "customer_id": values.text, "overview_paths": _overview_paths},
    "citrix-cloud": {"customer_id": _customer, "experimental": values.flag},
    "partner": {"trust_url": addresses.origin, "customer_id": _customer},
    "lmstat": {"address": addresses.ports, "lmutil": values.text},
    "command": {
        "command": _command,
        "format": values.choice(*FORMATS),
        "licenses_available": values.choice("total", "free"),
    },
}


def missing(given: Mapping[str, Any], source: str) -> Iterator[Refusal]:
    """What a server of this source, or of an unknown one, cannot be without."""
    defaults = DEFAULTS.get(source, {})
    if "url" not in (given.keys() | defaults.keys()) and (
        source in OVER_HTTP or source not in KEYS
    ):
        yield Refusal("url", "is missing", _EXAMPLES.get(source, ""))
    if source in _CLOUD:
        where = "Citrix Cloud: Identity and Access Management, API Access"
        if "customer_id" not in given:
            yield Refusal("customer_id", "is missing", where)
        if "username" not in given:
            yield Refusal("username", "is missing", f"the client id; {where}")
        if "secret" not in given:
            yield Refusal("secret", "is missing", "say where the client secret is: env:NAME, …")
    if source == SourceName.LMSTAT and "address" not in given:
        yield Refusal("address", "is missing", "write PORT@HOST: 27000@lic01")
    if source == SourceName.COMMAND:
        if "command" not in given:
            yield Refusal("command", "is missing", 'a list of words: ["ssh", "lic01", "…"]')
        if "format" not in given:
            yield Refusal("format", "is missing", "one of " + " · ".join(FORMATS))


def inconsistent(fields: Mapping[str, Any]) -> Iterator[Refusal]:
    """What of `fields`, each good by itself, does not go together."""
    if fields.get("same_as") == fields["name"]:
        yield Refusal("same_as", "is this server itself", "name another, or take it out")
    match fields["source"]:
        case SourceName.WINRM:
            yield from _signing_in(fields)
        case SourceName.CVAD:
            yield from _password(fields)
        case SourceName.COMMAND:
            yield from _availability(fields)
        case _:
            pass


def _signing_in(fields: Mapping[str, Any]) -> Iterator[Refusal]:
    auth = fields.get("auth", "negotiate")
    by_certificate = auth == "certificate"
    if by_certificate and "certificate" not in fields:
        hint = "the path of a PEM file with certificate and key"
        yield Refusal("certificate", 'is missing, with auth = "certificate"', hint)
    if by_certificate and fields["url"].startswith("http://"):
        yield Refusal("url", "must be https:// to sign in with a certificate")
    if "certificate" in fields and not by_certificate:
        yield Refusal("certificate", f'is of no use with auth = "{auth}"', 'auth = "certificate"')
    if auth in _PASSWORD_AUTHS or (auth == "negotiate" and "username" in fields):
        yield from _password(fields)


def _password(fields: Mapping[str, Any]) -> Iterator[Refusal]:
    if "username" not in fields:
        yield Refusal("username", "is missing")
    if "secret" not in fields:
        yield Refusal("secret", "is missing", "say where the password is: env:NAME, file:PATH, …")


def _availability(fields: Mapping[str, Any]) -> Iterator[Refusal]:
    if "licenses_available" in fields and fields["format"] not in INVENTORIES:
        hint = "only with format = " + " or ".join(INVENTORIES)
        yield Refusal("licenses_available", f'is of no use with "{fields["format"]}"', hint)
