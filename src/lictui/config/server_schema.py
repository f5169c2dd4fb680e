"""One `[[server]]` of servers.toml: every key once, what it may be, and when it makes sense.

Owns the keys that every server has, and the way between a table and a Server. Must not know files:
the same rules hold for a form and a command line. What differs by source stands in `sources`.
"""

from __future__ import annotations

import ipaddress
import os
import re
import shutil
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, urlsplit

from lictui.config import secrets, toml_document
from lictui.config.toml_document import InvalidValue, Validator, non_empty_string, quoted
from lictui.model import DEFAULT_INTERVAL, Server, SourceName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path


# The address of a server as servers.toml has it, checked and completed


# Letters of every alphabet: a name that is not ASCII is encoded when it is looked up. Windows
# host names may hold an underscore.
_HOST: Final = re.compile(r"(?!-)[\w-]{1,63}(?:\.[\w-]{1,63})*\.?")
_MOST: Final = 253  # characters of a host name (RFC 1035)
_PORTS: Final = {"https": 5986, "http": 5985}  # of WinRM's listeners
_PORT: Final = 65535
_SEVERAL: Final = "write PORT@HOST, several with commas: 27000@lic01,27000@lic02"


def winrm_url(value: object) -> str:
    """`https://host:5986/wsman`, with port and path completed where they are missing."""
    parts = _split(value, "https://lic01.example:5986/wsman")
    port = parts.port or _PORTS[parts.scheme]
    path = "/wsman" if parts.path in ("", "/") else parts.path
    return f"{parts.scheme}://{_host(parts)}:{port}{path}"


def origin_url(value: object) -> str:
    """`https://host` with the port if there is one, and no path."""
    parts = _split(value, "https://ddc01.example")
    found = f"{parts.scheme}://{_host(parts)}" + (f":{parts.port}" if parts.port else "")
    if parts.path not in ("", "/"):
        raise InvalidValue(
            "must be the origin alone, without a path",
            f"write {found}; paths belong in overview_paths",
        )
    return found


def flexnet_addresses(value: object) -> str:
    """`27000@lic01`, several with commas; `@lic01` leaves the port to FlexNet (27000 to 27009).

    docs.citrix.com, "License administration commands", of `-c`.
    """
    found = [part.strip() for part in non_empty_string(value).strip().split(",")]
    for part in found:
        port, at, host = part.rpartition("@")
        if not at:
            raise InvalidValue(f"is not PORT@HOST: {quoted(part)}", _port_first(part))
        if port and not (port.isascii() and port.isdigit() and 0 < int(port[:6]) <= _PORT):
            raise InvalidValue(
                f"has no port that can be: {quoted(part)}", f"write it as 27000@{host}"
            )
        if not _is_host(host.removeprefix("[").removesuffix("]") if ":" in host else host):
            raise InvalidValue(f"has no host that can be: {quoted(part)}", _SEVERAL)
    return ",".join(found)


def _port_first(part: str) -> str:
    """How an address that was written otherwise is written for FlexNet."""
    host, colon, port = part.rpartition(":")
    if colon and port.isdigit() and _is_host(host):
        return f"write it as {port}@{host}"
    return f"write it as 27000@{part}" if _is_host(part) else _SEVERAL


def _split(value: object, example: str) -> SplitResult:
    url = non_empty_string(value).strip()
    if "@" in url:
        raise InvalidValue("must not hold a user or a password", "use username and secret for them")
    if "://" not in url:
        raise InvalidValue(f"has no https:// in front: {quoted(url)}", f"write it as {example}")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidValue(f"is no address: {quoted(url)}", f"write it as {example}") from None
    if parts.scheme not in _PORTS:
        raise InvalidValue(f"must begin with https:// or http://, not {quoted(url)}")
    if parts.query or parts.fragment or port == 0 or url.split() != [url]:
        raise InvalidValue(f"is no address: {quoted(url)}", f"write it as {example}")
    if not _is_host(parts.hostname or ""):
        raise InvalidValue(f"has no host that can be: {quoted(url)}", f"write it as {example}")
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


URL_VALIDATORS: Final[dict[str, Callable[[object], str]]] = {
    "winrm": winrm_url,
    "cvad": origin_url,
    "citrix-cloud": origin_url,
    "partner": origin_url,
}


# Why one key of a server cannot be as it is: said alike for a file, a form and a command line


@dataclass(frozen=True, slots=True)
class FieldError:
    """Why the value of one key cannot be."""

    key: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.key}: {self.message}" + (f" ({self.hint})" if self.hint else "")


# What each source needs: its keys, what they may be, what must be there and what goes together


AUTH_METHODS: Final = ("negotiate", "kerberos", "ntlm", "basic", "certificate")
COMMAND_FORMATS: Final = (  # of what a command prints
    "get-licinventory",
    "get-liclasinventory",
    "wmi-json",
    "lmstat",
    "udadmin",
    "checkmk",
    "lictui",
    "license-file",
)
INVENTORY_FORMATS: Final = COMMAND_FORMATS[:2]  # the two that may name LicensesAvailable
LIST_KEYS: Final = ("overview_paths", "command")  # keys that hold a list,
BOOLEAN_KEYS: Final = ("experimental", "verify")  # true or false, or for verify also a text,
NUMBER_KEYS: Final = ("interval", "quantity_divisor")  # and a number
HTTP_SOURCES: Final = ("winrm", "cvad", "citrix-cloud", "partner")
SOURCE_DEFAULTS: Final[dict[str, dict[str, str]]] = {  # what a key that is left out stands for
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
    paths = toml_document.string_list(value)
    for path in paths:
        if not path.startswith("/"):
            raise toml_document.InvalidValue(
                f"must begin with /, unlike {toml_document.quoted(path)}"
            )
        for placeholder in _PLACEHOLDER.findall(path):
            if placeholder not in _PLACEHOLDERS:
                raise toml_document.InvalidValue(
                    f"knows no placeholder {{{placeholder}}}", "{customer} and {site} are known"
                )
    return paths


def _customer(value: object) -> str:
    """A customer id, which becomes a part of a path."""
    found = toml_document.string(value).strip()
    if any(character in "/?#\\" or character.isspace() for character in found):
        hint = "Citrix Cloud: Identity and Access Management, API Access"
        raise toml_document.InvalidValue(f"is no customer id: {toml_document.quoted(found)}", hint)
    return found


def _command(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        hint = 'write it word by word: ["ssh", "lic01", "lmutil", "lmstat", "-a"]; no shell runs it'
        raise toml_document.InvalidValue("must be a list of words, not one text", hint)
    words = toml_document.string_list(value)
    if not words:
        raise toml_document.InvalidValue("must not be empty", 'write ["…", "…"]')
    return words


SOURCE_KEYS: Final[dict[str, dict[str, Validator]]] = {
    "winrm": {"auth": toml_document.choice(*AUTH_METHODS), "certificate": toml_document.string},
    "cvad": {
        "site": toml_document.string,
        "customer_id": toml_document.string,
        "overview_paths": _overview_paths,
    },
    "citrix-cloud": {"customer_id": _customer, "experimental": toml_document.boolean},
    "partner": {"trust_url": origin_url, "customer_id": _customer},
    "lmstat": {"address": flexnet_addresses, "lmutil": toml_document.string},
    "command": {
        "command": _command,
        "format": toml_document.choice(*COMMAND_FORMATS),
        "licenses_available": toml_document.choice("total", "free"),
    },
}


def missing(given: Mapping[str, Any], source: str) -> Iterator[FieldError]:
    """What a server of this source, or of an unknown one, cannot be without."""
    defaults = SOURCE_DEFAULTS.get(source, {})
    if "url" not in (given.keys() | defaults.keys()) and (
        source in HTTP_SOURCES or source not in SOURCE_KEYS
    ):
        yield FieldError("url", "is missing", _EXAMPLES.get(source, ""))
    if source in _CLOUD:
        where = "Citrix Cloud: Identity and Access Management, API Access"
        if "customer_id" not in given:
            yield FieldError("customer_id", "is missing", where)
        if "username" not in given:
            yield FieldError("username", "is missing", f"the client id; {where}")
        if "secret" not in given:
            yield FieldError("secret", "is missing", "say where the client secret is: env:NAME, …")
    if source == SourceName.LMSTAT and "address" not in given:
        yield FieldError("address", "is missing", "write PORT@HOST: 27000@lic01")
    if source == SourceName.COMMAND:
        if "command" not in given:
            yield FieldError("command", "is missing", 'a list of words: ["ssh", "lic01", "…"]')
        if "format" not in given:
            yield FieldError("format", "is missing", "one of " + " · ".join(COMMAND_FORMATS))


def inconsistent(fields: Mapping[str, Any]) -> Iterator[FieldError]:
    """What of `fields`, each good by itself, does not go together."""
    if fields.get("same_as") == fields["name"]:
        yield FieldError("same_as", "is this server itself", "name another, or take it out")
    match fields["source"]:
        case SourceName.WINRM:
            yield from _signing_in(fields)
        case SourceName.CVAD:
            yield from _password(fields)
        case SourceName.COMMAND:
            yield from _availability(fields)
        case _:
            pass


def _signing_in(fields: Mapping[str, Any]) -> Iterator[FieldError]:
    auth = fields.get("auth", "negotiate")
    by_certificate = auth == "certificate"
    if by_certificate and "certificate" not in fields:
        hint = "the path of a PEM file with certificate and key"
        yield FieldError("certificate", 'is missing, with auth = "certificate"', hint)
    if by_certificate and fields["url"].startswith("http://"):
        yield FieldError("url", "must be https:// to sign in with a certificate")
    if "certificate" in fields and not by_certificate:
        yield FieldError(
            "certificate", f'is of no use with auth = "{auth}"', 'auth = "certificate"'
        )
    if auth in _PASSWORD_AUTHS or (auth == "negotiate" and "username" in fields):
        yield from _password(fields)


def _password(fields: Mapping[str, Any]) -> Iterator[FieldError]:
    if "username" not in fields:
        yield FieldError("username", "is missing")
    if "secret" not in fields:
        yield FieldError(
            "secret", "is missing", "say where the password is: env:NAME, file:PATH, …"
        )


def _availability(fields: Mapping[str, Any]) -> Iterator[FieldError]:
    if "licenses_available" in fields and fields["format"] not in INVENTORY_FORMATS:
        hint = "only with format = " + " or ".join(INVENTORY_FORMATS)
        yield FieldError("licenses_available", f'is of no use with "{fields["format"]}"', hint)


_PIN: Final = re.compile(r"[0-9a-f]{64}")


def _verify(value: object) -> bool | str:
    """`true`, `false`, a CA bundle's path or a pin, which comes back in lower case, no colons."""
    if isinstance(value, bool):
        return value
    said = toml_document.non_empty_string(value).strip()
    if said.lower() in ("true", "false"):
        raise toml_document.InvalidValue(f'must be {said.lower()} without the quotes, not "{said}"')
    way, _, pin = said.partition(":")
    if way.lower() != "sha256":
        return said
    pin = pin.replace(":", "").strip().lower()
    if not _PIN.fullmatch(pin):
        raise toml_document.InvalidValue(
            f"a pin is sha256: and 64 hexadecimal digits, not {len(pin)} of something",
            "Test shows the server's own",
        )
    return f"sha256:{pin}"


# key -> kind; the order is the order in which a table is written
_COMMON: Final[dict[str, Validator]] = {
    "name": toml_document.non_empty_string,
    "source": toml_document.choice(*SourceName),
    "url": toml_document.string,  # what else it must be depends on the source
    "username": toml_document.string,
    "secret": secrets.secret_reference,
    "verify": _verify,
    "group": toml_document.string,
    "interval": toml_document.number(1, 7 * 86400),
    "enabled": toml_document.boolean,
    "same_as": toml_document.string,
    "quantity_divisor": toml_document.number(1, 100, whole=True),
}
_NO_HTTP: Final = ("url", "username", "secret", "verify")  # keys of _COMMON
_IDLE: Final = "verify"  # stands in many a template, and does no harm where nothing is verified
_KEYS: Final = {key: kind for of in (_COMMON, *SOURCE_KEYS.values()) for key, kind in of.items()}


@cache
def keys_for(source: str) -> tuple[str, ...]:
    """The keys that a server of this source may have; every source's where it is unknown."""
    if source not in SOURCE_KEYS:
        return tuple(_KEYS)
    common = [key for key in _COMMON if source in HTTP_SOURCES or key not in _NO_HTTP]
    return (*common, *SOURCE_KEYS[source])


def validate_server(
    table: Mapping[str, Any], base: Path
) -> tuple[Server | None, tuple[FieldError, ...]]:
    """The server that `table` describes, completed; or None and everything that is wrong with it.

    Relative paths in it begin at the folder `base`. An empty text is a key that is not there.
    """
    source = str(table.get("source", ""))
    given = {key: value for key, value in table.items() if value != ""}
    fields: dict[str, Any] = {}
    known = {*keys_for(source), _IDLE}
    refusals = list(_strangers(table, source))
    kinds = _KEYS | SOURCE_KEYS.get(source, {})
    for key, kind in kinds.items():
        if key in given and key in known:
            try:
                fields[key] = kind(given[key])
                if key == "url" and source in URL_VALIDATORS:
                    fields[key] = URL_VALIDATORS[source](fields[key])
            except toml_document.InvalidValue as wrong:
                refusals.append(FieldError(key, wrong.message, wrong.hint))
    refusals += _missing(given, source)
    if not refusals:
        refusals += inconsistent(fields)
    if refusals:
        return None, tuple(refusals)
    return _completed(with_absolute_paths(fields, base)), ()


def with_absolute_paths(table: Mapping[str, Any], base: Path) -> dict[str, Any]:
    """`table` with the relative paths in it taken from the folder `base`."""
    found = dict(table)
    if secret := table.get("secret"):
        found["secret"] = secrets.with_absolute_file(secret, base)
    for key in ("certificate", "verify"):
        path = table.get(key)
        if isinstance(path, str) and path and not path.lower().startswith("sha256:"):
            found[key] = str(toml_document.resolve_path(base, path))
    if isinstance(program := table.get("lmutil"), str):
        found["lmutil"] = _program(base, program)
    if isinstance(words := table.get("command"), list | tuple) and words:
        found["command"] = (_program(base, words[0]), *words[1:])
    return found


def _program(base: Path, said: Any) -> Any:
    """A program that is named by its path; one that is named alone is looked for when it runs."""
    if isinstance(said, str) and (said.startswith("~") or set(said) & {"/", os.sep}):
        return str(toml_document.resolve_path(base, said))
    return said


def to_table(server: Server) -> dict[str, Any]:
    """The table that describes `server`; keys that say nothing are left out."""
    table: dict[str, Any] = {}
    for key in keys_for(server.source):
        value = getattr(server, key)
        if value in ("", None, ()) or (key == "quantity_divisor" and value == 1):
            continue
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        table[key] = list(value) if isinstance(value, tuple) else value
    table["source"] = str(server.source)
    return table


def _strangers(table: Mapping[str, Any], source: str) -> Iterator[FieldError]:
    known = keys_for(source)
    for key in table:
        if key in known or key == _IDLE:
            continue
        owners = " · ".join(other for other, keys in SOURCE_KEYS.items() if key in keys)
        if key in _COMMON:
            instead = {"url": 'write address = "27000@lic01"'} if source == "lmstat" else {}
            yield FieldError(
                key, f"is of no use: {source} speaks no HTTP", instead.get(key, "take it out")
            )
        elif owners:
            yield FieldError(key, f"is a key of {owners}, not of {source}", "take it out")
        else:
            yield FieldError(key, "no such key", toml_document.did_you_mean(key, known))


def _missing(given: Mapping[str, Any], source: str) -> Iterator[FieldError]:
    if "name" not in given:
        yield FieldError("name", "is missing", "every server has a name of its own")
    if "source" not in given:
        yield FieldError("source", "is missing", "one of " + " · ".join(SourceName))
    yield from missing(given, source)


def _completed(fields: dict[str, Any]) -> Server:
    source = SourceName(fields["source"])
    return Server(**{**SOURCE_DEFAULTS.get(source, {}), **fields, "source": source})


# What of a server may be done, and had better not: read in the clear, too often, by anyone


_WHY_SO_SELDOM: Final = {
    SourceName.WINRM: " (Citrix asks for no more)",
    SourceName.LMSTAT: " (Citrix asks for no more)",
    SourceName.COMMAND: " (Citrix asks for no more)",
    SourceName.PARTNER: " (license servers report once a day)",
}
_WORD: Final = r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[-_]?key)"
_WITH_VALUE: Final = re.compile(rf"(?i)(?:^|[-_/.\W]){_WORD}[=:].|://[^/@:]+:[^/@]+@")
_OPTION: Final = re.compile(rf"(?i)(?:-{{1,2}}|/)(?:[\w-]*[-_])?{_WORD}")


def server_warnings(server: Server) -> tuple[str, ...]:
    """What may be done, and had better not."""
    return tuple(_warnings(server))


def _warnings(server: Server) -> Iterator[str]:
    yield from _in_the_clear(server)
    least = DEFAULT_INTERVAL[server.source]
    if server.interval is not None and server.interval < least:
        why = _WHY_SO_SELDOM.get(server.source, "")
        yield f"interval = {server.interval:g}: {least:g} s is the shortest advised{why}"
    match server.source:
        case SourceName.WINRM if server.auth == "negotiate" and not server.username:
            yield "no username: signs in as the user that lictui runs as"
        case SourceName.PARTNER:
            yield from _elsewhere(server)
        case SourceName.LMSTAT:
            yield from _not_found("lmutil", server.lmutil or "lmutil")
        case SourceName.COMMAND if server.command:
            yield from _not_found("command", server.command[0])
            yield from _in_sight(server.command)
        case _:
            pass


def _in_the_clear(server: Server) -> Iterator[str]:
    if server.source not in HTTP_SOURCES:
        if server.verify is not True:
            yield f"verify is of no use: {server.source} speaks no HTTP (take it out)"
        return
    plain = server.url.startswith("http://")
    if server.verify is False and not plain:
        yield "verify = false: anyone in between may pose as the server; pin its certificate"
    # Over plain HTTP, WinRM itself encrypts the messages, except with Basic.
    if plain and (server.source is not SourceName.WINRM or server.auth == "basic"):
        what = "password" if server.source in (SourceName.WINRM, SourceName.CVAD) else "secret"
        yield f"http://: the {what} travels readable; use https://"
    if server.trust_url.startswith("http://") and not plain:
        yield "trust_url is http://: the secret travels readable; use https://"


def _elsewhere(server: Server) -> Iterator[str]:
    """A secret that goes to Citrix while the figures come from somewhere else."""
    usual = SOURCE_DEFAULTS[SourceName.PARTNER]
    if server.trust_url == usual["trust_url"] and server.url != usual["url"]:
        yield f"the secret is sent to {server.trust_url}; set trust_url if tokens are elsewhere"


def _not_found(key: str, program: str) -> Iterator[str]:
    if shutil.which(program) is None:
        where = "nothing there can be run" if "/" in program else "not on this machine's PATH"
        yield f"{key}: {program}: {where}"


def _in_sight(words: tuple[str, ...]) -> Iterator[str]:
    """A word that looks like a secret; the word itself is not repeated."""
    for word, after in zip(words, (*words[1:], ""), strict=True):
        named = _OPTION.fullmatch(word) and after and not after.startswith("-")
        if named or _WITH_VALUE.search(word):
            yield "command holds what looks like a secret: every user here sees it while it runs"
            return
