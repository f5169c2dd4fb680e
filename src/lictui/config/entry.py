"""One `[[server]]` of servers.toml: every key once, what it may be, and when it makes sense.

Owns the way between a table and a Server, and what deserves a warning. Must not know files: the
same rules hold for a form and a command line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from lictui.config import addresses, secrets, values
from lictui.model import DEFAULT_INTERVAL, Server
from lictui.words import SourceName

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

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
LISTS: Final = ("overview_paths", "command")  # keys that hold a list
_PASSWORD_AUTHS: Final = ("ntlm", "basic")  # negotiate and kerberos may use who is logged in
_PIN: Final = re.compile(r"[0-9a-f]{64}")
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_PLACEHOLDERS: Final = ("customer", "site")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the value of one key cannot be."""

    key: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.key}: {self.message}" + (f" ({self.hint})" if self.hint else "")


def _verify(value: object) -> bool | str:
    """`true`, `false`, a CA bundle's path or a pin, which comes back in lower case, no colons."""
    if isinstance(value, bool):
        return value
    said = values.name(value).strip()
    if said.lower() in ("true", "false"):
        raise values.Wrong(f'must be {said.lower()} without the quotes, not "{said}"')
    way, _, pin = said.partition(":")
    if way.lower() != "sha256":
        return said
    pin = pin.replace(":", "").strip().lower()
    if not _PIN.fullmatch(pin):
        raise values.Wrong(
            f"a pin is sha256: and 64 hexadecimal digits, not {len(pin)} of something",
            "Test shows the server's own",
        )
    return f"sha256:{pin}"


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


# key -> kind; the order is the order in which a table is written
_COMMON: Final[dict[str, Kind]] = {
    "name": values.name,
    "source": values.choice(*SourceName),
    "url": values.text,  # what else it must be depends on the source
    "username": values.text,
    "secret": secrets.reference,
    "verify": _verify,
    "group": values.text,
    "interval": values.number(1, 7 * 86400),
    "enabled": values.flag,
    "same_as": values.text,
    "quantity_divisor": values.number(1, 100, whole=True),
}
_NO_HTTP: Final = ("url", "username", "secret", "verify")  # keys of _COMMON
_OF_SOURCE: Final[dict[str, dict[str, Kind]]] = {
    "winrm": {"auth": values.choice(*AUTHS), "certificate": values.text},
    "cvad": {"site": values.text, "customer_id": values.text, "overview_paths": _overview_paths},
    "citrix-cloud": {"customer_id": values.text, "experimental": values.flag},
    "partner": {"trust_url": addresses.origin, "customer_id": values.text},
    "lmstat": {"address": values.text, "lmutil": values.text},
    "command": {
        "command": values.texts,
        "format": values.choice(*FORMATS),
        "licenses_available": values.choice("total", "free"),
    },
}
_OVER_HTTP: Final = ("winrm", "cvad", "citrix-cloud", "partner")
_KEYS: Final = {key: kind for of in (_COMMON, *_OF_SOURCE.values()) for key, kind in of.items()}


@cache
def keys_of(source: str) -> tuple[str, ...]:
    """The keys that a server of this source may have; every source's where it is unknown."""
    if source not in _OF_SOURCE:
        return tuple(_KEYS)
    common = [key for key in _COMMON if source in _OVER_HTTP or key not in _NO_HTTP]
    return (*common, *_OF_SOURCE[source])


def check(table: Mapping[str, Any], base: Path) -> tuple[Server | None, tuple[Refusal, ...]]:
    """The server that `table` describes, completed; or None and everything that is wrong with it.

    Relative paths in it begin at the folder `base`. An empty text is a key that is not there.
    """
    source = str(table.get("source", ""))
    given = {key: value for key, value in table.items() if value != ""}
    fields: dict[str, Any] = {}
    known = keys_of(source)
    refusals = list(_strangers(table, source))
    for key, kind in _KEYS.items():
        if key in given and key in known:
            try:
                fields[key] = kind(given[key])
                if key == "url" and source in addresses.OF_SOURCE:
                    fields[key] = addresses.OF_SOURCE[source](fields[key])
            except values.Wrong as wrong:
                refusals.append(Refusal(key, wrong.message, wrong.hint))
    refusals += _missing(given, source)
    if not refusals:
        refusals += _inconsistent(fields)
    if refusals:
        return None, tuple(refusals)
    return _completed(anchored(fields, base)), ()


def anchored(table: Mapping[str, Any], base: Path) -> dict[str, Any]:
    """`table` with the relative paths in it taken from the folder `base`."""
    found = dict(table)
    if secret := table.get("secret"):
        found["secret"] = secrets.settled(secret, base)
    for key in ("certificate", "verify"):
        path = table.get(key)
        if isinstance(path, str) and path and not path.lower().startswith("sha256:"):
            found[key] = str(values.located(base, path))
    return found


def table_of(server: Server) -> dict[str, Any]:
    """The table that describes `server`; keys that say nothing are left out."""
    table: dict[str, Any] = {}
    for key in keys_of(server.source):
        value = getattr(server, key)
        if value in ("", None, ()) or (key == "quantity_divisor" and value == 1):
            continue
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        table[key] = list(value) if isinstance(value, tuple) else value
    table["source"] = str(server.source)
    return table


def warnings(server: Server) -> tuple[str, ...]:
    """What may be done, and had better not."""
    return tuple(_warnings(server))


def _warnings(server: Server) -> Iterator[str]:
    plain = server.url.startswith("http://")
    if server.verify is False and not plain:
        yield "verify = false: anyone in between may pose as the server; pin its certificate"
    # Over plain HTTP, WinRM itself encrypts the messages, except with Basic.
    if plain and (server.source is SourceName.CVAD or server.auth == "basic"):
        yield "http://: the password travels readable; use https://"
    least = DEFAULT_INTERVAL[server.source]
    if server.interval is not None and server.interval < least:
        why = " (Citrix asks for no more)" if server.source is SourceName.WINRM else ""
        yield f"interval = {server.interval:g}: {least:g} s is the shortest advised{why}"
    if server.source is SourceName.WINRM and server.auth == "negotiate" and not server.username:
        yield "no username: signs in as the user that lictui runs as"


def _strangers(table: Mapping[str, Any], source: str) -> Iterator[Refusal]:
    known = keys_of(source)
    for key in table:
        if key in known:
            continue
        owner = next((other for other, keys in _OF_SOURCE.items() if key in keys), "")
        if owner:
            yield Refusal(key, f"is a key of {owner}, not of {source}", "take it out")
        else:
            yield Refusal(key, "no such key", values.nearest(key, known))


def _missing(given: Mapping[str, Any], source: str) -> Iterator[Refusal]:
    if "name" not in given:
        yield Refusal("name", "is missing", "every server has a name of its own")
    if "source" not in given:
        yield Refusal("source", "is missing", "one of " + " · ".join(SourceName))
    if "url" not in given and (source in _OVER_HTTP or source not in _OF_SOURCE):
        examples = {"winrm": "https://lic01.example:5986/wsman", "cvad": "https://ddc01.example"}
        yield Refusal("url", "is missing", examples.get(source, ""))


def _inconsistent(fields: Mapping[str, Any]) -> Iterator[Refusal]:
    auth = fields.get("auth", "negotiate")
    by_password = fields["source"] == SourceName.CVAD or auth in _PASSWORD_AUTHS
    by_certificate = fields["source"] == SourceName.WINRM and auth == "certificate"
    if by_certificate and "certificate" not in fields:
        hint = "the path of a PEM file with certificate and key"
        yield Refusal("certificate", 'is missing, with auth = "certificate"', hint)
    if by_certificate and fields["url"].startswith("http://"):
        yield Refusal("url", "must be https:// to sign in with a certificate")
    if "certificate" in fields and not by_certificate:
        yield Refusal("certificate", f'is of no use with auth = "{auth}"', 'auth = "certificate"')
    if by_password and "username" not in fields:
        yield Refusal("username", "is missing")
    if "secret" not in fields and (by_password or (auth == "negotiate" and "username" in fields)):
        yield Refusal("secret", "is missing", "say where the password is: env:NAME, file:PATH, …")


def _completed(fields: dict[str, Any]) -> Server:
    source = SourceName(fields["source"])
    auth = {"auth": "negotiate"} if source is SourceName.WINRM else {}
    return Server(**{**auth, **fields, "source": source})
