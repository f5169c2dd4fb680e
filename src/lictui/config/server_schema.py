"""Rules of one `[[server]]` table: keys, valid values, required combinations and warnings.

The same rules hold for servers.toml, the form on the screen and the command line, so nothing here
knows where a table comes from.
"""

from __future__ import annotations

import ipaddress
import os
import re
import shlex
import shutil
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, urlsplit

import tomli
from msgspec import Struct, field

from lictui.config.secrets import is_reference, secret_reference, with_absolute_file
from lictui.config.server_help import key_help
from lictui.config.toml_document import (
    STRINGS,
    FieldError,
    InvalidValue,
    Validator,
    accepts,
    boolean,
    check_table,
    choice,
    did_you_mean,
    duration,
    json_type,
    non_empty_string,
    number,
    quoted,
    resolve_path,
    string,
    string_list,
)
from lictui.errors import UsageError
from lictui.model import DEFAULT_INTERVAL, ESTATE, Server, SourceName
from lictui.paths import split_command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path


# Addresses

# Letters of every alphabet: a name that is not ASCII is encoded when it is resolved. Windows
# host names may contain an underscore.
_HOST: Final = re.compile(r"(?!-)[\w-]{1,63}(?:\.[\w-]{1,63})*\.?")
_MAX_HOST: Final = 253  # characters of a host name (RFC 1035)
_WINRM_PORTS: Final = {"https": 5986, "http": 5985}
_MAX_PORT: Final = 65535
_FLEXNET_HINT: Final = "write PORT@HOST, several separated by commas: 27000@lic01,27000@lic02"
_WINRM_EXAMPLE: Final = "https://lic01.example:5986/wsman"
_CVAD_EXAMPLE: Final = "https://ddc01.example"


def winrm_url(value: object) -> str:
    """Return `https://host:5986/wsman`, with port and path completed where they are missing."""
    parts = _split_url(value, _WINRM_EXAMPLE)
    port = parts.port or _WINRM_PORTS[parts.scheme]
    path = "/wsman" if parts.path in ("", "/") else parts.path
    return f"{parts.scheme}://{_url_host(parts)}:{port}{path}"


def origin_url(value: object) -> str:
    """Return `https://host` with the port if there is one; a path is an error."""
    parts = _split_url(value, _CVAD_EXAMPLE)
    origin = f"{parts.scheme}://{_url_host(parts)}" + (f":{parts.port}" if parts.port else "")
    if parts.path not in ("", "/"):
        hint = f"write {origin}; paths belong in overview_paths"
        raise InvalidValue("must be the origin only, without a path", hint)
    return origin


def flexnet_addresses(value: object) -> str:
    """Return `27000@lic01,27000@lic02`; `@lic01` lets FlexNet try the ports 27000 to 27009.

    docs.citrix.com, "License administration commands", option `-c`.
    """
    addresses = [address.strip() for address in non_empty_string(value).strip().split(",")]
    for address in addresses:
        port, separator, host = address.rpartition("@")
        if not separator:
            raise InvalidValue(f"is not PORT@HOST: {quoted(address)}", _port_first(address))
        if port and not (port.isascii() and port.isdigit() and 0 < int(port[:6]) <= _MAX_PORT):
            raise InvalidValue(f"invalid port: {quoted(address)}", f"write 27000@{host}")
        if not _is_host(host.removeprefix("[").removesuffix("]") if ":" in host else host):
            raise InvalidValue(f"invalid host: {quoted(address)}", _FLEXNET_HINT)
    return ",".join(addresses)


def _port_first(address: str) -> str:
    """Return the hint for an address such as `host:port` or `host`."""
    host, colon, port = address.rpartition(":")
    if colon and port.isdigit() and _is_host(host):
        return f"write {port}@{host}"
    return f"write 27000@{address}" if _is_host(address) else _FLEXNET_HINT


def _split_url(value: object, example: str) -> SplitResult:
    url = non_empty_string(value).strip()
    if "@" in url:
        raise InvalidValue("must not contain credentials", "use username and secret")
    if "://" not in url:
        raise InvalidValue(f"missing https://: {quoted(url)}", f"example: {example}")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidValue(f"invalid URL: {quoted(url)}", f"example: {example}") from None
    if parts.scheme not in _WINRM_PORTS:
        raise InvalidValue(f"must start with https:// or http://, not {quoted(url)}")
    if parts.query or parts.fragment or port == 0 or url.split() != [url]:
        raise InvalidValue(f"invalid URL: {quoted(url)}", f"example: {example}")
    if not _is_host(parts.hostname or ""):
        raise InvalidValue(f"invalid host: {quoted(url)}", f"example: {example}")
    return parts


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        # Digits and dots only are a mistyped IPv4 address, not a name.
        mistyped_ip = host.replace(".", "").isdigit()
        return len(host) <= _MAX_HOST and not mistyped_ip and bool(_HOST.fullmatch(host))
    return True


def _url_host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    return f"[{host}]" if ":" in host else host


def proxy_url(value: object) -> str:
    """Return the origin of an HTTP proxy, or a reference to a secret with its URL."""
    if is_reference(str(value)):
        return secret_reference(value)
    if "@" in str(value):
        hint = 'store the URL with its password as a secret: proxy = "env:NAME"'
        raise InvalidValue("must not contain credentials", hint)
    return origin_url(value)


# The keys of each source

AUTH_METHODS: Final = ("negotiate", "kerberos", "ntlm", "basic", "certificate")
COMMAND_FORMATS: Final = (  # of the output that a command prints
    "get-licinventory",
    "get-liclasinventory",
    "wmi-json",
    "lmstat",
    "udadmin",
    "checkmk",
    "lictui",
    "license-file",
)
INVENTORY_FORMATS: Final = COMMAND_FORMATS[:2]  # the two that may contain LicensesAvailable
_API_ACCESS: Final = "Citrix Cloud: Identity and Access Management, API Access"
_PARTNER_URL: Final = "https://licensing.citrixworkspacesapi.net"


def _one_of(words: Iterable[str]) -> str:
    return "one of " + " · ".join(words)


_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_PLACEHOLDERS: Final = ("customer", "site")
_PIN: Final = re.compile(r"[0-9a-f]{64}")


def _server_name(value: object) -> str:
    name = non_empty_string(value)
    if name.strip().lower() == ESTATE:
        raise InvalidValue(f"{ESTATE} is the name of all servers together", "choose another name")
    return name


def tls_verify(value: object) -> bool | str:
    """Return true, false, a CA bundle's path or a pin in lower case without colons."""
    if isinstance(value, bool):
        return value
    verify = non_empty_string(value).strip()
    if verify.lower() in ("true", "false"):
        raise InvalidValue(f'must be {verify.lower()}, not "{verify}"', "remove the quotes")
    algorithm, _, pin = verify.partition(":")
    if algorithm.lower() != "sha256":
        return verify
    pin = pin.replace(":", "").strip().lower()
    if not _PIN.fullmatch(pin):
        raise InvalidValue(
            f"expected sha256: followed by 64 hex digits, got {len(pin)} characters",
            "Test shows the fingerprint",
        )
    return f"sha256:{pin}"


def _overview_paths(value: object) -> tuple[str, ...]:
    paths = string_list(value)
    for path in paths:
        if not path.startswith("/"):
            raise InvalidValue(f"must start with /: {quoted(path)}")
        for placeholder in _PLACEHOLDER.findall(path):
            if placeholder not in _PLACEHOLDERS:
                hint = "use {customer} or {site}"
                raise InvalidValue(f"unknown placeholder {{{placeholder}}}", hint)
    return paths


def _customer_id(value: object) -> str:
    """Return the customer ID, which becomes a part of a URL path."""
    customer_id = string(value).strip()
    if any(character in "/?#\\" or character.isspace() for character in customer_id):
        raise InvalidValue(f"invalid customer ID: {quoted(customer_id)}", _API_ACCESS)
    return customer_id


def _command(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        raise InvalidValue(
            "must be a list of arguments, not one string",
            'write ["ssh", "lic01", "lmutil", "lmstat", "-a"]; it is run without a shell',
        )
    arguments = string_list(value)
    if not arguments:
        raise InvalidValue("must not be empty", 'write ["PROGRAM", "ARGUMENT"]')
    return arguments


def file_path(value: object) -> str:
    """Accept the path of a file; a relative one starts at the folder of the configuration."""
    return string(value)


def _program(value: object) -> str:
    """Accept the path of a program, or a name that is searched on PATH."""
    return string(value)


def _absolute_verify(verify: Any, base: Path) -> bool | str:
    is_path = isinstance(verify, str) and not verify.startswith("sha256:")
    return str(resolve_path(base, verify)) if is_path else verify


def _absolute_program(program: str, base: Path) -> str:
    is_path = program.startswith("~") or set(program) & {"/", os.sep}
    return str(resolve_path(base, program)) if is_path else program


def _absolute_command(command: tuple[str, ...], base: Path) -> tuple[str, ...]:
    return _absolute_program(command[0], base), *command[1:]


accepts(proxy_url, with_absolute_file)
accepts(tls_verify, _absolute_verify, type=["boolean", "string"])
accepts(file_path, lambda path, base: str(resolve_path(base, path)))
accepts(_program, _absolute_program)
accepts(_overview_paths, **STRINGS)
accepts(_command, _absolute_command, **STRINGS, minItems=1)

# The order is the order in which a table is written.
_COMMON_KEYS: Final[dict[str, Validator]] = {
    "name": _server_name,
    "source": choice(*SourceName),
    "url": string,  # that of a source: `SourceSchema.url`
    "username": string,
    "secret": secret_reference,
    "verify": tls_verify,
    "proxy": proxy_url,
    "group": string,
    "interval": number(1, 7 * 86400),
    "enabled": boolean,
    "same_as": string,
    "continues": string,
    "entitlement": string,
    "quantity_divisor": number(1, 100, whole=True),
}


class SourceSchema(Struct, frozen=True):
    """What a `[[server]]` of one source may and must have."""

    keys: dict[str, Validator]  # beyond the common ones
    required: dict[str, str]  # key -> hint
    url: Validator | None = None  # None: a program connects, and nothing of HTTP applies
    defaults: dict[str, str] = field(default_factory=dict)
    interval_reason: str = " (Citrix guidance)"  # for polling no more often


_CLOUD_ACCOUNT: Final = {
    "customer_id": _API_ACCESS,
    "username": f"the client ID; {_API_ACCESS}",
    "secret": "set a reference to the client secret: env:NAME, file:PATH, …",
}
# Host names: developer-docs.citrix.com "Get started with Citrix Cloud APIs"; the partner's two are
# those of Citrix's own scripts for License Usage Insights.
SOURCE_SCHEMAS: Final[dict[str, SourceSchema]] = {
    SourceName.WINRM: SourceSchema(
        keys={"auth": choice(*AUTH_METHODS), "certificate": file_path},
        required={"url": _WINRM_EXAMPLE},
        url=winrm_url,
        defaults={"auth": "negotiate"},
    ),
    SourceName.CVAD: SourceSchema(
        keys={"site": string, "customer_id": string, "overview_paths": _overview_paths},
        required={"url": _CVAD_EXAMPLE},
        url=origin_url,
        interval_reason="",
    ),
    SourceName.CITRIX_CLOUD: SourceSchema(
        keys={"customer_id": _customer_id, "experimental": boolean},
        required=_CLOUD_ACCOUNT,
        url=origin_url,
        defaults={"url": "https://api.cloud.com"},
        interval_reason="",
    ),
    SourceName.PARTNER: SourceSchema(
        keys={"trust_url": origin_url, "customer_id": _customer_id},
        required=_CLOUD_ACCOUNT,
        url=origin_url,
        defaults={"url": _PARTNER_URL, "trust_url": "https://trust.citrixworkspacesapi.net"},
        interval_reason=" (license servers report once a day)",
    ),
    SourceName.LMSTAT: SourceSchema(
        keys={"address": flexnet_addresses, "lmutil": _program},
        required={"address": "write PORT@HOST: 27000@lic01"},
    ),
    SourceName.COMMAND: SourceSchema(
        keys={
            "command": _command,
            "format": choice(*COMMAND_FORMATS),
            "licenses_available": choice("total", "free"),
        },
        required={
            "command": 'a list of arguments: ["ssh", "lic01", "…"]',
            "format": _one_of(COMMAND_FORMATS),
        },
    ),
}
_HTTP_KEYS: Final = ("url", "username", "secret", "verify", "proxy")
# Accepted for every source: many templates contain it, and it does no harm.
_ALWAYS_ACCEPTED: Final = "verify"
_ALL_KEYS: Final = {
    key: validate
    for validators in (_COMMON_KEYS, *(schema.keys for schema in SOURCE_SCHEMAS.values()))
    for key, validate in validators.items()
}


@cache
def keys_for(source: str) -> tuple[str, ...]:
    """Return the keys that a server of this source may have; all keys if it is unknown."""
    schema = SOURCE_SCHEMAS.get(source)
    if schema is None:
        return tuple(_ALL_KEYS)
    common = [key for key in _COMMON_KEYS if schema.url or key not in _HTTP_KEYS]
    return (*common, *schema.keys)


@cache
def _validators(source: str) -> Mapping[str, Validator]:
    """Return what checks the keys of a server of this source."""
    validators = dict(_ALL_KEYS)
    if schema := SOURCE_SCHEMAS.get(source):
        validators |= schema.keys | {"url": schema.url or string}
    allowed = {*keys_for(source), _ALWAYS_ACCEPTED}
    return {key: validators[key] for key in validators if key in allowed}


def servers_json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the `[[server]]` tables."""
    rules = [
        {
            "if": {"properties": {"source": {"const": source}}},
            "then": {
                "propertyNames": {"enum": [*keys_for(source), _ALWAYS_ACCEPTED]},
                "required": [key for key in schema.required if key not in schema.defaults],
            },
        }
        for source, schema in SOURCE_SCHEMAS.items()
    ]
    return {
        "type": "object",
        "properties": {
            key: {"description": key_help(key), **json_type(validate)}
            for key, validate in _ALL_KEYS.items()
        },
        "required": ["name", "source"],
        "allOf": rules,
    }


# From a table to a Server, and back


def validate_server(
    table: Mapping[str, Any], base: Path
) -> tuple[Server | None, tuple[FieldError, ...]]:
    """Return the server that `table` describes, with defaults; or None and every error.

    Relative paths start at the folder `base`. An empty string counts as a missing key.
    """
    source = str(table.get("source", ""))
    values = {key: value for key, value in table.items() if value != ""}
    validators = _validators(source)
    known = {key: values[key] for key in validators if key in values}
    fields, errors = check_table(known, validators, base)
    errors = [*_unknown_keys(table, source), *errors, *_missing_keys(values, source)]
    if not errors:
        errors += _inconsistent_keys(fields)
    if errors:
        return None, tuple(errors)
    fields = SOURCE_SCHEMAS[source].defaults | fields | {"source": SourceName(source)}
    return Server(**fields), ()


def with_absolute_paths(table: Mapping[str, Any], base: Path) -> dict[str, Any]:
    """Return `table` with its relative paths resolved against the folder `base`, where valid."""
    return {**table, **check_table(table, _ALL_KEYS, base)[0]}


def checked_server(table: Mapping[str, Any], base: Path) -> Server:
    """Return the server that `table` describes. Raises UsageError if it is not valid."""
    server, errors = validate_server(table, base)
    if server is None:
        raise UsageError("\n  ".join(map(str, errors)))
    return server


def value_from_text(key: str, text: str) -> Any:
    """Return the value of a key that a user has typed, to be validated.

    Lists are written as in TOML, a command also as for a shell, paths also with commas between
    them. A text that cannot be converted is returned as it is.
    """
    convert = _FROM_TEXT.get(key, str)
    try:
        return convert(text) if text else text
    except (ValueError, InvalidValue):
        return text


def _toml_value(text: str) -> Any:
    return tomli.loads(f"value = {text}")["value"]


def _boolean_from_text(text: str) -> bool | str:
    return {"true": True, "false": False}.get(text.lower(), text)


def _list_from_text(split: Callable[[str], Iterable[str]]) -> Callable[[str], Any]:
    return lambda text: _toml_value(text) if text[0] == "[" else list(filter(None, split(text)))


def _number_from_text(text: str) -> Any:
    try:
        return _toml_value(text)
    except ValueError:
        return duration(text)


_FROM_TEXT: Final[dict[str, Callable[[str], Any]]] = {
    "verify": _boolean_from_text,  # or a text
    "enabled": _boolean_from_text,
    "experimental": _boolean_from_text,
    "interval": _number_from_text,
    "quantity_divisor": _toml_value,
    "overview_paths": _list_from_text(lambda text: map(str.strip, text.split(","))),
    "command": _list_from_text(split_command),
}


def text_from_value(key: str, value: Any) -> str:
    """Return a value of `to_table` as a user types it."""
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return f"{value:g}"
        case list():
            return shlex.join(value) if key == "command" else ", ".join(value)
        case _:
            return str(value)


def to_table(server: Server) -> dict[str, Any]:
    """Return the table that describes `server`, without keys that are at their default."""
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


def _unknown_keys(table: Mapping[str, Any], source: str) -> Iterator[FieldError]:
    allowed = keys_for(source)
    for key in table:
        if key in allowed or key == _ALWAYS_ACCEPTED:
            continue
        owners = " · ".join(o for o, schema in SOURCE_SCHEMAS.items() if key in schema.keys)
        if key in _COMMON_KEYS:
            use_address = key == "url" and source == SourceName.LMSTAT
            hint = 'write address = "27000@lic01"' if use_address else "remove it"
            yield FieldError(key, f"not applicable to source {source}", hint)
        elif owners:
            yield FieldError(key, f"belongs to source {owners}, not to {source}", "remove it")
        else:
            yield FieldError(key, "unknown key", did_you_mean(key, allowed))


def _missing_keys(values: Mapping[str, Any], source: str) -> Iterator[FieldError]:
    """Yield what a server of this source, or of an unknown one, requires and lacks."""
    schema = SOURCE_SCHEMAS.get(source, SourceSchema({}, required={"url": ""}))
    required = {
        "name": "every server needs a unique name",
        "source": _one_of(SourceName),
        **schema.required,
    }
    for key, hint in required.items():
        if key not in values and key not in schema.defaults:
            yield FieldError(key, "is missing", hint)


def _inconsistent_keys(fields: Mapping[str, Any]) -> Iterator[FieldError]:
    """Yield the errors of values that are valid by themselves, but not together."""
    if fields.get("same_as") == fields["name"]:
        yield FieldError("same_as", "must not reference itself", "name another server or remove it")
    match fields["source"]:
        case SourceName.WINRM:
            yield from _winrm_login_errors(fields)
        case SourceName.CVAD:
            yield from _password_errors(fields)
        case SourceName.COMMAND:
            output_format = fields["format"]
            if "licenses_available" in fields and output_format not in INVENTORY_FORMATS:
                yield FieldError(
                    "licenses_available",
                    f'not applicable with format = "{output_format}"',
                    "only with format = " + " or ".join(INVENTORY_FORMATS),
                )
        case _:
            pass


def _winrm_login_errors(fields: Mapping[str, Any]) -> Iterator[FieldError]:
    auth = fields.get("auth", "negotiate")
    if auth == "certificate":
        if "certificate" not in fields:
            hint = "the path of a PEM file with certificate and key"
            yield FieldError("certificate", 'is missing with auth = "certificate"', hint)
        if fields["url"].startswith("http://"):
            yield FieldError("url", 'must start with https:// with auth = "certificate"')
    elif "certificate" in fields:
        hint = 'set auth = "certificate" or remove it'
        yield FieldError("certificate", f'not applicable with auth = "{auth}"', hint)
    # Kerberos may use the ticket of the user that lictui runs as; so may negotiate.
    if auth in ("ntlm", "basic") or (auth == "negotiate" and "username" in fields):
        yield from _password_errors(fields)


def _password_errors(fields: Mapping[str, Any]) -> Iterator[FieldError]:
    if "username" not in fields:
        yield FieldError("username", "is missing")
    if "secret" not in fields:
        hint = "set a reference to the password: env:NAME, file:PATH, …"
        yield FieldError("secret", "is missing", hint)


# Warnings about valid but risky settings

_SENSITIVE_WORD: Final = r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[-_]?key)"
_SECRET_WITH_VALUE: Final = re.compile(
    rf"(?i)(?:^|[-_/.\W]){_SENSITIVE_WORD}[=:].|://[^/@:]+:[^/@]+@"
)
_SECRET_OPTION: Final = re.compile(rf"(?i)(?:-{{1,2}}|/)(?:[\w-]*[-_])?{_SENSITIVE_WORD}")


def server_warnings(server: Server) -> tuple[str, ...]:
    """Return what is allowed, but risky or useless, in the settings of `server`."""
    return tuple(_warnings(server))


def _warnings(server: Server) -> Iterator[str]:
    yield from _connection_warnings(server)
    minimum = DEFAULT_INTERVAL[server.source]
    if server.interval is not None and server.interval < minimum:
        reason = SOURCE_SCHEMAS[server.source].interval_reason
        yield f"interval = {server.interval:g}: recommended minimum is {minimum:g} s{reason}"
    match server.source:
        case SourceName.WINRM if server.auth == "negotiate" and not server.username:
            yield "no username set: using the account that lictui runs as"
        case SourceName.PARTNER:
            defaults = SOURCE_SCHEMAS[SourceName.PARTNER].defaults
            # The secret would go to Citrix while the figures come from another host.
            if server.trust_url == defaults["trust_url"] and server.url != defaults["url"]:
                yield (
                    f"the secret is sent to {server.trust_url}; "
                    "set trust_url if another host issues the tokens"
                )
        case SourceName.LMSTAT:
            yield from _program_warnings("lmutil", server.lmutil or "lmutil")
        case SourceName.COMMAND if server.command:
            yield from _program_warnings("command", server.command[0])
            if _contains_secret(server.command):
                yield "command appears to contain a secret, visible to all local users"
        case _:
            pass


def _connection_warnings(server: Server) -> Iterator[str]:
    if SOURCE_SCHEMAS[server.source].url is None:
        if server.verify is not True:
            yield f"verify has no effect for source {server.source}: remove it"
        return
    plain = server.url.startswith("http://")
    if server.verify is False and not plain:
        yield "verify = false: vulnerable to man-in-the-middle attacks; pin its certificate"
    # Over plain HTTP, WinRM itself encrypts the messages, except with Basic.
    if plain and (server.source is not SourceName.WINRM or server.auth == "basic"):
        is_password = server.source in (SourceName.WINRM, SourceName.CVAD)
        credential = "password" if is_password else "secret"
        yield f"http://: the {credential} is sent unencrypted; use https://"
    if server.trust_url.startswith("http://") and not plain:
        yield "trust_url is http://: the secret is sent unencrypted; use https://"


def _program_warnings(key: str, program: str) -> Iterator[str]:
    if shutil.which(program) is None:
        reason = "file is not executable or does not exist" if "/" in program else "not on PATH"
        yield f"{key}: {program}: {reason}"


def _contains_secret(arguments: tuple[str, ...]) -> bool:
    for argument, following in zip(arguments, (*arguments[1:], ""), strict=True):
        has_value = following and not following.startswith("-")
        if (has_value and _SECRET_OPTION.fullmatch(argument)) or _SECRET_WITH_VALUE.search(
            argument
        ):
            return True
    return False
