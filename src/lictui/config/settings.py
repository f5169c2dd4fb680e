"""Settings of config.toml as frozen values, and the table of its keys.

`KEYS` is the only place that lists a key: the defaults, the validation, the commented template,
`config show` and docs/configuration.md are generated from it and from the fields of `Settings`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from lictui.config.secrets import is_reference, secret_reference
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
    string,
    string_list,
    time_zone,
)
from lictui.model import LEVELS_ABOVE_WARN, AlertEvent, AlertKind, AlertTransition, Level, Server

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lictui.config.entitlements import Entitlement


@dataclass(frozen=True, slots=True)
class Limits:
    """`[polling]`: time limits and sizes of a poll."""

    timeout: float = 30.0  # seconds for one whole poll
    connect_timeout: float = 10.0  # seconds to a connection, TLS included
    max_reply: int = 8 * 1024 * 1024  # bytes of one response
    concurrency: int = 256  # servers polled at the same time
    max_backoff: float = 900.0  # seconds added to the interval of a failing server
    proxy: str | None = None  # of HTTP requests to all servers; None: that of the environment


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`[alerts]` and its overrides."""

    warn: float = 0.80  # ratios
    critical: float = 0.90
    for_polls: int = 2  # `for`
    clear_margin: float = 0.05
    clear_for: int = 2
    repeat: float = 4 * 3600.0  # seconds
    expiry_warn: int = 90  # days
    expiry_critical: int = 30
    las_warn: int = 10
    las_critical: int = 3
    certificate_warn: int = 30
    certificate_critical: int = 7
    unusual: bool = True  # alert on usage that is not typical of its weekday

    @property
    def ratios(self) -> tuple[float, float]:
        """The thresholds of usage."""
        return self.warn, self.critical


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """The default thresholds, and the overrides of groups, servers and products.

    An override maps fields of Thresholds to values and contains only those it sets: a `warn` of
    the group still applies where a product sets `expiry_warn`.
    """

    default: Thresholds = field(default_factory=Thresholds)
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


@dataclass(frozen=True, slots=True)
class Retention:
    """`[history]`: where the history is, and for how many days each resolution is kept."""

    path: Path | None = None  # None = history.db in the data dir
    raw: int = 62
    five_minutes: int = 400
    hour: int = 1096
    day: int = 3650
    journal: int = 400


@dataclass(frozen=True, slots=True)
class LongTermSettings:
    """`[history]`: an engine for time series that figures are pushed to, or read from."""

    push: str = ""  # URL for Prometheus remote write
    engine: str = ""  # URL of the Prometheus API, without /api/v1
    username: str = ""
    secret: str = ""  # a reference; the password, or a bearer token without `username`
    headers: tuple[str, ...] = ()  # NAME: VALUE
    verify: bool | str = True  # as of a server


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of config.toml, and the entitlements of contract.toml."""

    theme: str = "lictui-dark"
    ascii: bool = False
    read_only: bool = False
    trend_scale: str = "auto"  # auto · installed
    timezone: str = ""  # IANA name; "" = the system's
    interval: float | None = None  # seconds; replaces the default of the sources, not of a server
    limits: Limits = field(default_factory=Limits)
    alerts: AlertSettings = field(default_factory=AlertSettings)
    retention: Retention = field(default_factory=Retention)
    long_term: LongTermSettings = field(default_factory=LongTermSettings)
    keymap: Mapping[str, str] = field(default_factory=dict)  # command ID -> keys, comma-separated
    idle_days: int = 90  # `[holders]`: older assignments are marked as idle
    user_privacy: str = "hide"  # `[privacy] users`: hide · hash · show
    actions: tuple[Action, ...] = ()  # `[actions.<name>]`
    entitlements: tuple[Entitlement, ...] = ()


@dataclass(frozen=True, slots=True)
class SettingKey:
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


_DAYS: Final = number(1, 36500, whole=True)
_POLLS: Final = number(1, 1000, whole=True)


def _alert(name: str, validate: Validator, description: str, field_name: str = "") -> SettingKey:
    return SettingKey(
        f"alerts.{name}", f"alerts.default.{field_name or name}", validate, description
    )


# fmt: off
KEYS: Final = (
    SettingKey("theme", "theme", non_empty_string, "Color theme."),
    SettingKey("ascii", "ascii", boolean, "Use ASCII characters only."),
    SettingKey("read_only", "read_only", boolean,
               "Read-only mode: shows what another lictui records; polls and changes nothing."),
    SettingKey("trend_scale", "trend_scale", choice("auto", "installed"),
               "Scale of the trends: auto (their own range) · installed (from 0 to installed)."),
    SettingKey("timezone", "timezone", time_zone,
               'Time zone of day and month boundaries, such as "Europe/Berlin"; '
               '"" is the system\'s.'),
    SettingKey("polling.interval", "interval", number(1, 7 * 86400),
               "Polling interval in seconds. Default: 60 (cvad), 3600 (partner), "
               "900 (other sources).", example=900),
    SettingKey("polling.timeout", "limits.timeout", number(1, 3600),
               "Timeout of one whole poll in seconds."),
    SettingKey("polling.connect_timeout", "limits.connect_timeout", number(0.1, 600),
               "Connect timeout in seconds, including TLS."),
    SettingKey("polling.max_reply", "limits.max_reply", number(1024, 1024**3, whole=True),
               "Maximum response size in bytes."),
    SettingKey("polling.concurrency", "limits.concurrency", number(1, 1024, whole=True),
               "Maximum number of concurrent polls."),
    SettingKey("polling.max_backoff", "limits.max_backoff", number(0, 86400),
               "Maximum retry backoff in seconds, added to the interval of a failing server."),
    SettingKey("polling.proxy", "limits.proxy", proxy_url,
               "HTTP proxy for all servers, or a reference to a secret with its URL and password. "
               "Default: HTTPS_PROXY and NO_PROXY of the environment.",
               example="http://proxy.corp.example:8080"),
    _alert("warn", ratio, "Warning threshold (in use / installed)."),
    _alert("critical", ratio, "Critical threshold (in use / installed)."),
    _alert("for", _POLLS, "Consecutive polls before an alert is raised.", "for_polls"),
    _alert("clear_margin", ratio,
           "Hysteresis: how far usage must drop below a threshold to clear an alert."),
    _alert("clear_for", _POLLS, "Consecutive polls before an alert is cleared."),
    _alert("repeat", duration, "Repeat interval of ongoing alerts."),
    _alert("expiry_warn", _DAYS, "Days before licenses expire: warning."),
    _alert("expiry_critical", _DAYS, "Days before licenses expire: critical."),
    _alert("las_warn", _DAYS, "Days before a LAS activation expires: warning."),
    _alert("las_critical", _DAYS, "Days before a LAS activation expires: critical."),
    _alert("certificate_warn", _DAYS, "Days before a TLS certificate expires: warning."),
    _alert("certificate_critical", _DAYS, "Days before a TLS certificate expires: critical."),
    _alert("unusual", boolean, "Alert on unusual usage compared with the same weekday."),
    SettingKey("history.path", "retention.path", non_empty_string,
               "Path of the history database. Default: history.db in the data directory.",
               example="/var/lib/lictui/history.db"),
    SettingKey("history.keep_raw", "retention.raw", _DAYS, "Retention of readings in days."),
    SettingKey("history.keep_5m", "retention.five_minutes", _DAYS,
               "Retention of 5-minute values in days."),
    SettingKey("history.keep_hour", "retention.hour", _DAYS, "Retention of hourly values in days."),
    SettingKey("history.keep_day", "retention.day", _DAYS, "Retention of daily values in days."),
    SettingKey("history.keep_journal", "retention.journal", _DAYS,
               "Retention of the event log in days."),
    SettingKey("history.push", "long_term.push", push_url,
               "Push all figures to a long-term engine: URL for Prometheus remote write, see the "
               "page of the [long-term engine](long-term-engine.md)."),
    SettingKey("history.engine", "long_term.engine", _engine_url,
               "Read figures that the local history does not have from a long-term engine: URL of "
               "its Prometheus API, without /api/v1."),
    SettingKey("history.engine_username", "long_term.username", string,
               "Account at the engine, for basic authentication."),
    SettingKey("history.engine_secret", "long_term.secret", secret_reference,
               "Reference to the password, or without engine_username to a bearer token."),
    SettingKey("history.engine_headers", "long_term.headers", _header_lines,
               'Headers of every request, such as a tenant: ["X-Scope-OrgID: licenses"].'),
    SettingKey("history.engine_verify", "long_term.verify", tls_verify,
               "TLS verification, as of a server."),
    SettingKey("holders.idle_days", "idle_days", _DAYS,
               "Days after which an unused license assignment is marked as idle."),
    SettingKey("privacy.users", "user_privacy", choice("hide", "hash", "show"),
               "Names of license users: hide · hash · show."),
)
# fmt: on

KEYS_BY_NAME: Final = {key.name: key for key in KEYS}
THRESHOLD_KEYS: Final = {
    key.name.removeprefix("alerts."): key for key in KEYS if key.table == "alerts"
}
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


# `[actions.<name>]`: what to run or notify when an alert changes


@dataclass(frozen=True, slots=True)
class Action:
    """One action; empty kinds, servers or groups mean all of them."""

    name: str
    on: tuple[str, ...] = ()  # kinds of alert
    level: str = Level.WARN.value  # the minimum
    servers: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    command: tuple[str, ...] = ()  # run without a shell; the event as JSON on stdin
    webhook: str = ""  # URL that the event is posted to, or a reference to it
    secret: str = ""  # a reference to the key that signs the webhook
    verify: bool | str = True  # as of a server
    timeout: float = 10.0  # seconds for the command, or for one attempt of the webhook
    bell: bool = False  # ring the bell of the monitor's terminal
    osc9: bool = False  # send a notification to that terminal
    headers: Mapping[str, str] = field(default_factory=dict)  # values, or references to them
    body: str = ""  # template of what is posted (jinja2); "": the event as JSON
    notify: tuple[str, ...] = ()  # references to the URLs of apprise's services

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


_HEADER: Final = re.compile(r"[A-Za-z0-9-]{1,64}")


def _rank(level: Level) -> int:
    return LEVELS_ABOVE_WARN.index(level) if level in LEVELS_ABOVE_WARN else -1


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


accepts(_header_lines, **STRINGS)
accepts(_kinds, type="array", items={"enum": [kind.value for kind in AlertKind]})
accepts(_command, **STRINGS, minItems=1)
accepts(_headers, type="object", additionalProperties={"type": "string"})
accepts(_services, **STRINGS)

ACTION_KEYS: Final[dict[str, Validator]] = {
    "on": _kinds,
    "level": choice(*(level.value for level in LEVELS_ABOVE_WARN)),
    "servers": string_list,
    "groups": string_list,
    "command": _command,
    "webhook": _webhook,
    "secret": secret_reference,
    "headers": _headers,
    "body": _template,
    "notify": _services,
    "verify": tls_verify,
    "timeout": number(1, 300),
    "bell": boolean,
    "osc9": boolean,
}
