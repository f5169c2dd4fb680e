"""Settings of config.toml as frozen values; each field has the key that sets it.

The validation, the commented template, `config show`, the JSON Schema and docs/configuration.md
come from these fields.
"""

from __future__ import annotations

import re
from functools import reduce
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from msgspec import Struct, field
from msgspec.structs import replace

from lictui.config.secrets import is_reference, secret_reference, with_absolute_file
from lictui.config.server_schema import proxy_url, tls_verify
from lictui.config.toml_document import (
    STRINGS,
    InvalidValue,
    Validator,
    accepts,
    boolean,
    choice,
    did_you_mean,
    duration,
    non_empty_string,
    number,
    quoted,
    ratio,
    resolve_path,
    string,
    string_list,
    time_zone,
)
from lictui.model import LEVELS_ABOVE_WARN, AlertEvent, AlertKind, AlertTransition, Level, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from lictui.config.entitlements import Entitlement


class SettingKey(Struct, frozen=True):
    """One key of config.toml."""

    name: str  # dotted, as the file spells it
    field: str  # dotted, as Settings spells it
    validate: Validator
    help: str  # one sentence
    example: object = None  # shown where there is no default

    @property
    def table(self) -> str:
        """The table of the key, "" for the top of the file."""
        return self.name.rpartition(".")[0]

    def value_in(self, settings: Settings) -> object:
        """Return the value that `settings` has for this key."""
        return reduce(getattr, self.field.split("."), settings)


class _Default(Struct, frozen=True):
    """Makes the default of a field, and knows its key, or its table, in config.toml."""

    make: Callable[[], Any]
    key: SettingKey | None = None
    table: str = ""

    def __call__(self) -> Any:
        return self.make()


def _key(
    default: Any, validate: Validator, text: str, name: str = "", example: object = None
) -> Any:
    """Return a field with its key, which is named like the field unless there is a `name`."""
    key = SettingKey(name, "", validate, text, example)
    return field(default_factory=_Default(lambda: default, key))


def _switch(text: str, *, on: bool = False) -> Any:
    return _key(on, boolean, text, example=not on)


def _tls_verify(text: str, name: str = "", *, default: bool = True) -> Any:
    return _key(default, tls_verify, text, name)


def _table(name: str, settings: type) -> Any:
    """Return a field with the settings of one table."""
    return field(default_factory=_Default(settings, table=name))


def _keys(settings: type[Struct], table: str = "", path: str = "") -> Iterator[SettingKey]:
    """Yield the keys of the settings at the dotted `path`, named by their table."""
    defaults = settings.__struct_defaults__
    for name, default in zip(settings.__struct_fields__[-len(defaults) :], defaults, strict=True):
        made = getattr(default, "factory", None)
        if isinstance(made, _Default) and made.key:
            key = made.key.name or name
            key = key if "." in key or not table else f"{table}.{key}"
            yield replace(made.key, name=key, field=path + name)
        elif isinstance(made, _Default):
            yield from _keys(cast("type[Struct]", made.make), made.table, f"{path}{name}.")


# Values

_DAYS: Final = number(1, 36500, whole=True)
_POLLS: Final = number(1, 1000, whole=True)


def http_url(value: object) -> str:
    """Accept an http or https URL without credentials. No error message repeats its path."""
    url = non_empty_string(value)
    invalid = InvalidValue("must be a URL", "example: https://HOST/PATH")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise invalid from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise invalid
    if parts.username or parts.password:
        raise InvalidValue("must not contain credentials", "set a reference to a secret instead")
    return url


def _optional_url(value: object) -> str:
    url = http_url(value) if value else ""
    if urlsplit(url).query or urlsplit(url).fragment:
        raise InvalidValue("must not have a query", "example: https://HOST/PATH")
    return url.rstrip("/")


def push_url(value: object) -> str:
    """Accept the URL of remote write; without a path it is that of most engines."""
    url = _optional_url(value)
    return f"{url}/api/v1/write" if url and not urlsplit(url).path else url


def _engine_url(value: object) -> str:
    return _optional_url(value).removesuffix("/api/v1")


_HEADER_LINE: Final = re.compile(
    r"(?!authorization:)[\w!#$%&'*+.^`|~-]+:[ -~]+", re.ASCII | re.IGNORECASE
)


def _header_lines(value: object) -> tuple[str, ...]:
    headers = string_list(value)
    if not all(map(_HEADER_LINE.fullmatch, headers)):
        hint = 'example: ["X-Scope-OrgID: licenses"]; credentials belong in engine_secret'
        raise InvalidValue("must be NAME: VALUE", hint)
    return headers


_HEADER: Final = re.compile(r"[A-Za-z0-9-]{1,64}")


def _kinds(value: object) -> tuple[str, ...]:
    validate = choice(*(kind.value for kind in AlertKind))
    return tuple(map(validate, string_list(value)))


def _command(value: object) -> tuple[str, ...]:
    if not (arguments := string_list(value)):
        raise InvalidValue("must not be empty", 'write ["/path/to/program", "argument"]')
    return arguments


def _webhook(value: object) -> str:
    """Return a URL, or a reference to one: with many services, the URL is a secret."""
    return secret_reference(value) if is_reference(str(value)) else http_url(value)


def _headers(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise InvalidValue("must be a table", 'write { Authorization = "env:NAME" }')
    for name, text in value.items():
        if not _HEADER.fullmatch(name):
            raise InvalidValue(f"invalid name of a header: {quoted(name)}")
        if is_reference(non_empty_string(text)):
            secret_reference(text)
    return value


def _template(value: object) -> str:
    """Accept a jinja2 template; line breaks are allowed."""
    if not isinstance(value, str) or not value.strip():
        raise InvalidValue("must be a template", "example: '{\"text\": {{ message | tojson }}}'")
    from lictui.config.template import check_template

    check_template(value)
    return value


def _services(value: object) -> tuple[str, ...]:
    return tuple(map(secret_reference, string_list(value)))


def _file(value: object) -> str:
    return non_empty_string(value)


accepts(_header_lines, **STRINGS)
accepts(_kinds, type="array", items={"enum": [kind.value for kind in AlertKind]})
accepts(_command, **STRINGS, minItems=1)
accepts(
    _headers,
    lambda headers, base: {k: with_absolute_file(v, base) for k, v in headers.items()},
    type="object",
    additionalProperties={"type": "string"},
)
accepts(
    _services, lambda urls, base: tuple(with_absolute_file(url, base) for url in urls), **STRINGS
)
accepts(_file, lambda path, base: resolve_path(base, path))
accepts(_webhook, with_absolute_file)


# Settings


# fmt: off
class Limits(Struct, frozen=True):
    """`[polling]`: time limits and sizes of a poll."""

    timeout: float = _key(30.0, number(1, 3600), "Timeout of one whole poll in seconds.")
    connect_timeout: float = _key(10.0, number(0.1, 600),
                                  "Connect timeout in seconds, including TLS.")
    max_reply: int = _key(8 * 1024 * 1024, number(1024, 1024**3, whole=True),
                          "Maximum response size in bytes.")
    concurrency: int = _key(256, number(1, 1024, whole=True),
                            "Maximum number of concurrent polls.")
    max_backoff: float = _key(
        900.0, number(0, 86400),
        "Maximum retry backoff in seconds, added to the interval of a failing server.")
    proxy: str | None = _key(
        None, proxy_url,
        "HTTP proxy for all servers, or a reference to a secret with its URL and password. "
        "Default: HTTPS_PROXY and NO_PROXY of the environment.",
        example="http://proxy.corp.example:8080")

    @property
    def deadline(self) -> float:
        """Seconds after which a source ends a poll, before the engine does: its error says more."""
        return max(0.9 * self.timeout, self.timeout - 0.1)


class Thresholds(Struct, frozen=True):
    """`[alerts]` and its overrides."""

    warn: float = _key(0.80, ratio, "Warning threshold (in use / installed).")
    critical: float = _key(0.90, ratio, "Critical threshold (in use / installed).")
    for_polls: int = _key(2, _POLLS, "Consecutive polls before an alert is raised.", "for")
    clear_margin: float = _key(
        0.05, ratio, "Hysteresis: how far usage must drop below a threshold to clear an alert.")
    clear_for: int = _key(2, _POLLS, "Consecutive polls before an alert is cleared.")
    repeat: float = _key(4 * 3600.0, duration, "Repeat interval of ongoing alerts.")
    expiry_warn: int = _key(90, _DAYS, "Days before licenses expire: warning.")
    expiry_critical: int = _key(30, _DAYS, "Days before licenses expire: critical.")
    las_warn: int = _key(10, _DAYS, "Days before a LAS activation expires: warning.")
    las_critical: int = _key(3, _DAYS, "Days before a LAS activation expires: critical.")
    certificate_warn: int = _key(30, _DAYS, "Days before a TLS certificate expires: warning.")
    certificate_critical: int = _key(7, _DAYS, "Days before a TLS certificate expires: critical.")
    unusual: bool = _switch("Alert on unusual usage compared with the same weekday.", on=True)

    @property
    def ratios(self) -> tuple[float, float]:
        """The thresholds of usage."""
        return self.warn, self.critical


class AlertSettings(Struct, frozen=True):
    """The default thresholds, and the overrides of groups, servers and products.

    An override maps fields of Thresholds to values and contains only those it sets: a `warn` of
    the group still applies where a product sets `expiry_warn`.
    """

    default: Thresholds = _table("alerts", Thresholds)
    group: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    server: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    product: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def thresholds_for(self, *, group: str = "", server: str = "", product: str = "") -> Thresholds:
        """Return the thresholds; product overrides server, server overrides group."""
        if not (self.group or self.server or self.product):
            return self.default
        changes = {
            **self.group.get(group, {}),
            **self.server.get(server, {}),
            **self.product.get(product, {}),
        }
        return replace(self.default, **changes) if changes else self.default

    def thresholds_of(self, server: Server, product: str = "") -> Thresholds:
        """Return the thresholds of a product on one server."""
        return self.thresholds_for(group=server.group, server=server.name, product=product)


class Retention(Struct, frozen=True):
    """`[history]`: where the history is, and for how many days each resolution is kept."""

    path: Path | None = _key(
        None, _file,
        "Path of the history database. Default: history.db in the data directory.",
        example="/var/lib/lictui/history.db")
    raw: int = _key(62, _DAYS, "Retention of readings in days.", "keep_raw")
    five_minutes: int = _key(400, _DAYS, "Retention of 5-minute values in days.", "keep_5m")
    hour: int = _key(1096, _DAYS, "Retention of hourly values in days.", "keep_hour")
    day: int = _key(3650, _DAYS, "Retention of daily values in days.", "keep_day")
    journal: int = _key(400, _DAYS, "Retention of the event log in days.", "keep_journal")


class LongTermSettings(Struct, frozen=True):
    """`[history]`: an engine for time series that figures are pushed to, or read from."""

    push: str = _key(
        "", push_url,
        "Push all figures to a long-term engine: URL for Prometheus remote write, see the "
        "page of the [long-term engine](long-term-engine.md).")
    engine: str = _key(
        "", _engine_url,
        "Read figures that the local history does not have from a long-term engine: URL of "
        "its Prometheus API, without /api/v1.")
    username: str = _key(
        "", string, "Account at the engine, for basic authentication.", "engine_username")
    secret: str = _key(
        "", secret_reference,
        "Reference to the password, or without engine_username to a bearer token.",
        "engine_secret")
    headers: tuple[str, ...] = _key(
        (), _header_lines,
        'Headers of every request, such as a tenant: ["X-Scope-OrgID: licenses"].',
        "engine_headers")
    verify: bool | str = _tls_verify("TLS verification, as of a server.", "engine_verify")


class Settings(Struct, frozen=True):
    """All settings of config.toml, and the entitlements of contract.toml."""

    theme: str = _key("lictui-dark", non_empty_string, "Color theme.")
    ascii: bool = _switch("Use ASCII characters only.")
    read_only: bool = _switch(
        "Read-only mode: shows what another lictui records; polls and changes nothing.")
    trend_scale: str = _key(
        "auto", choice("auto", "installed"),
        "Scale of the trends: auto (their own range) · installed (from 0 to installed).")
    timezone: str = _key(
        "", time_zone,
        'Time zone of day and month boundaries, such as "Europe/Berlin"; "" is the system\'s.')
    interval: float | None = _key(
        None, number(1, 7 * 86400),
        "Polling interval in seconds. Default: 60 (cvad), 3600 (partner), 900 (other sources).",
        "polling.interval", 900)
    limits: Limits = _table("polling", Limits)
    alerts: AlertSettings = _table("alerts", AlertSettings)
    retention: Retention = _table("history", Retention)
    long_term: LongTermSettings = _table("history", LongTermSettings)
    keymap: Mapping[str, str] = field(default_factory=dict)  # command ID -> keys, comma-separated
    idle_days: int = _key(
        90, _DAYS, "Days after which an unused license assignment is marked as idle.",
        "holders.idle_days")
    user_privacy: str = _key(
        "hide", choice("hide", "hash", "show"), "Names of license users: hide · hash · show.",
        "privacy.users")
    actions: tuple[Action, ...] = ()  # `[actions.<name>]`
    entitlements: tuple[Entitlement, ...] = ()


class Action(Struct, frozen=True):
    """`[actions.<name>]`: what to run or notify when an alert changes.

    Empty kinds, servers or groups mean all of them.
    """

    name: str
    on: tuple[str, ...] = _key(
        (), _kinds, "Alert kinds: " + " · ".join(kind.value for kind in AlertKind)
        + ". Default: all.", example=["usage", "server"])
    level: str = _key(
        Level.WARN.value, choice(*(level.value for level in LEVELS_ABOVE_WARN)),
        "Minimum level: warn · critical · overdraft · exhausted.", example="critical")
    servers: tuple[str, ...] = _key(
        (), string_list, "Only alerts of these servers. Default: all.",
        example=["lic01.corp.example"])
    groups: tuple[str, ...] = _key(
        (), string_list, "Only alerts of these groups. Default: all.", example=["emea"])
    command: tuple[str, ...] = _key(
        (), _command,
        "Program and arguments, run without a shell, with the event as JSON on standard input.",
        example=["/usr/local/bin/page", "--from-lictui"])
    webhook: str = _key(
        "", _webhook,
        "URL that the event is posted to as JSON, with retries, or a reference to a secret.",
        example="https://hooks.corp.example/lictui")
    secret: str = _key(
        "", secret_reference,
        "Reference to the key that signs the webhook (standardwebhooks.com).",
        example="env:LICTUI_HOOK")
    verify: bool | str = _tls_verify("TLS verification of the webhook, as of a server.")
    timeout: float = _key(
        10.0, number(1, 300),
        "Timeout of the command, or of one attempt of the webhook, in seconds.")
    bell: bool = _switch("Ring the bell of the monitor's terminal.")
    osc9: bool = _switch("Send a desktop notification to the monitor's terminal (OSC 9).")
    headers: Mapping[str, str] = field(
        default_factory=_Default(dict, SettingKey(
            "", "", _headers, "More headers of the webhook; values may be references to secrets.",
            {"Authorization": "env:LICTUI_AUTH"})))
    body: str = _key(
        "", _template,
        "What the webhook posts instead: a jinja2 template with the names of the event.",
        example='{"text": {{ message | tojson }}}')
    notify: tuple[str, ...] = _key(
        (), _services,
        "References to URLs of apprise: mail, Teams, Slack and others (extra `notify`).",
        example=["env:LICTUI_MAIL"])
# fmt: on

    def matches(self, event: AlertEvent) -> bool:
        """Whether the action is to run; a downgraded alert never triggers one."""
        alert = event.alert
        level = max(alert.level, event.previous_level, key=_rank)
        return (
            event.transition is not AlertTransition.BETTER
            and (not self.on or alert.key.kind.value in self.on)
            and _rank(level) >= _rank(Level(self.level))
            and (not self.servers or alert.key.server in self.servers)
            and (not self.groups or alert.group in self.groups)
        )


def _rank(level: Level) -> int:
    return LEVELS_ABOVE_WARN.index(level) if level in LEVELS_ABOVE_WARN else -1


KEYS: Final = tuple(_keys(Settings))
KEYS_BY_NAME: Final = {key.name: key for key in KEYS}
THRESHOLD_KEYS: Final = {
    key.name.removeprefix("alerts."): key for key in KEYS if key.table == "alerts"
}
ACTION_KEYS: Final = {key.name: key for key in _keys(Action)}
ALERT_SCOPES: Final = ("group", "server", "product")  # of `[alerts.<scope>.<name>]`
TABLES: Final = (*dict.fromkeys(key.table for key in KEYS if key.table), "keymap", "actions")


def suggest_key(name: str) -> str:
    """Return a hint for an unknown key: the same one in another table, or a similar one."""
    last = name.rpartition(".")[2]
    for key in KEYS:
        if key.name.rpartition(".")[2] == last:
            return f"did you mean {key.name}?"
    scopes = (f"alerts.{scope}" for scope in ALERT_SCOPES)
    return did_you_mean(name, (*KEYS_BY_NAME, *TABLES, *scopes))
