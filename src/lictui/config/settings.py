"""What config.toml can say, with its defaults: frozen values, no file in sight.

Owns the names, units and defaults of every setting. Must not know TOML.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from lictui.config import toml_document
from lictui.config.secrets import secret_reference, with_absolute_file
from lictui.model import AlertEvent, AlertKind, AlertTransition, Level

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from lictui.config.entitlements import Entitlement
    from lictui.config.toml_document import Validator


@dataclass(frozen=True, slots=True)
class Limits:
    """`[polling]`: how long and how much a server may answer."""

    timeout: float = 30.0  # seconds for one whole poll
    connect_timeout: float = 10.0  # seconds to a connection, TLS included
    max_reply: int = 8 * 1024 * 1024  # bytes of one reply
    concurrency: int = 256  # servers polled at the same moment
    max_backoff: float = (
        900.0  # seconds a failing server is left alone at most, beyond its interval
    )


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
    certificate_warn: int = 30  # days
    certificate_critical: int = 7
    unusual: bool = True  # whether a day unlike its weekday deserves a word


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """The thresholds for everyone, and what a group, a server or a product changes of them.

    An override names fields of Thresholds and holds only those it sets, so that a group's `warn`
    still stands where a product sets `expiry_warn`.
    """

    default: Thresholds = field(default_factory=Thresholds)
    group: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    server: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    product: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def thresholds_for(self, *, group: str, server: str, product: str = "") -> Thresholds:
        """The thresholds that hold: product before server before group before everyone."""
        if not (self.group or self.server or self.product):
            return self.default
        changes = {
            **self.group.get(group, {}),
            **self.server.get(server, {}),
            **self.product.get(product, {}),
        }
        return replace(self.default, **changes) if changes else self.default


@dataclass(frozen=True, slots=True)
class Retention:
    """`[history]`: where the history is, and how long each resolution is kept, in days."""

    path: Path | None = None  # None = history.db in the data dir
    raw: int = 62
    five_minutes: int = 400
    hour: int = 1096
    day: int = 3650
    journal: int = 400


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything config.toml can say, and the contract beside it."""

    theme: str = "lictui-dark"
    ascii: bool = False
    read_only: bool = False
    timezone: str = ""  # IANA name; "" = the system's
    interval: float | None = None  # seconds; overrides every source's default, not a server's own
    limits: Limits = field(default_factory=Limits)
    alerts: AlertSettings = field(default_factory=AlertSettings)
    retention: Retention = field(default_factory=Retention)
    keymap: Mapping[str, str] = field(default_factory=dict)  # binding id -> keys, comma separated
    idle_days: int = 90  # `[holders]`: an assignment that is older is marked
    user_privacy: str = "hide"  # `[privacy] users`: hide · hash · show
    actions: tuple[Action, ...] = ()  # `[actions.<name>]`
    entitlements: tuple[Entitlement, ...] = ()  # what contract.toml says was bought


# Every key of config.toml once: what it may be, where Settings keeps it, what it is for


@dataclass(frozen=True, slots=True)
class SettingKey:
    """One key of config.toml."""

    name: str  # dotted, as the file spells it
    field: str  # dotted, as Settings spells it
    validate: Validator
    help: str  # one line for who reads the file
    example: object = None  # shown where there is no default

    @property
    def table(self) -> str:
        """The table it stands in, "" for the top."""
        return self.name.rpartition(".")[0]

    def value_in(self, settings: Settings) -> object:
        """The value that `settings` has for this key."""
        return reduce(getattr, self.field.split("."), settings)


_DAYS: Final = toml_document.number(1, 36500, whole=True)
_POLLS: Final = toml_document.number(1, 1000, whole=True)

KEYS: Final = (
    SettingKey(
        "theme",
        "theme",
        toml_document.non_empty_string,
        "Colours; T in the monitor goes through them.",
    ),
    SettingKey("ascii", "ascii", toml_document.boolean, "Draw with 7-bit characters alone."),
    SettingKey(
        "read_only", "read_only", toml_document.boolean, "Look, but do not touch the registry."
    ),
    SettingKey(
        "timezone",
        "timezone",
        toml_document.time_zone,
        'Where days and months begin, as "Europe/Berlin"; "" is the system\'s.',
    ),
    SettingKey(
        "polling.interval",
        "interval",
        toml_document.number(1, 7 * 86400),
        "Seconds between two polls; unset: 60 (cvad), 3600 (partner), 900 (the other sources).",
        example=900,
    ),
    SettingKey(
        "polling.timeout",
        "limits.timeout",
        toml_document.number(1, 3600),
        "Seconds for one whole poll.",
    ),
    SettingKey(
        "polling.connect_timeout",
        "limits.connect_timeout",
        toml_document.number(0.1, 600),
        "Seconds until there is a connection, TLS included.",
    ),
    SettingKey(
        "polling.max_reply",
        "limits.max_reply",
        toml_document.number(1024, 1024**3, whole=True),
        "Bytes that one reply may have.",
    ),
    SettingKey(
        "polling.concurrency",
        "limits.concurrency",
        toml_document.number(1, 1024, whole=True),
        "Servers polled at the same moment.",
    ),
    SettingKey(
        "polling.max_backoff",
        "limits.max_backoff",
        toml_document.number(0, 86400),
        "Seconds that a failing server is left alone at most, beyond its interval.",
    ),
    SettingKey(
        "alerts.warn",
        "alerts.default.warn",
        toml_document.ratio,
        "In use / installed from which on it warns,",
    ),
    SettingKey(
        "alerts.critical",
        "alerts.default.critical",
        toml_document.ratio,
        "and from which on it is critical.",
    ),
    SettingKey(
        "alerts.for", "alerts.default.for_polls", _POLLS, "Polls in a row before a word is said."
    ),
    SettingKey(
        "alerts.clear_margin",
        "alerts.default.clear_margin",
        toml_document.ratio,
        "How far below a threshold the ratio must fall to be fine again,",
    ),
    SettingKey(
        "alerts.clear_for", "alerts.default.clear_for", _POLLS, "and for how many polls in a row."
    ),
    SettingKey(
        "alerts.repeat",
        "alerts.default.repeat",
        toml_document.duration,
        "An alert that lasts is said again after this long.",
    ),
    SettingKey(
        "alerts.expiry_warn",
        "alerts.default.expiry_warn",
        _DAYS,
        "Days before licenses expire that warn,",
    ),
    SettingKey(
        "alerts.expiry_critical", "alerts.default.expiry_critical", _DAYS, "and are critical."
    ),
    SettingKey(
        "alerts.las_warn",
        "alerts.default.las_warn",
        _DAYS,
        "Days before a LAS activation ends that warn,",
    ),
    SettingKey("alerts.las_critical", "alerts.default.las_critical", _DAYS, "and are critical."),
    SettingKey(
        "alerts.certificate_warn",
        "alerts.default.certificate_warn",
        _DAYS,
        "Days before a server's TLS certificate ends that warn,",
    ),
    SettingKey(
        "alerts.certificate_critical",
        "alerts.default.certificate_critical",
        _DAYS,
        "and are critical.",
    ),
    SettingKey(
        "alerts.unusual",
        "alerts.default.unusual",
        toml_document.boolean,
        "Say when use is not what the same weekday brought in the last weeks.",
    ),
    SettingKey(
        "history.path",
        "retention.path",
        toml_document.non_empty_string,
        "The history's file; unset: history.db in the data folder.",
        example="/var/lib/lictui/history.db",
    ),
    SettingKey("history.keep_raw", "retention.raw", _DAYS, "Days that every reading is kept,"),
    SettingKey("history.keep_5m", "retention.five_minutes", _DAYS, "that 5-minute figures are,"),
    SettingKey("history.keep_hour", "retention.hour", _DAYS, "that hourly figures are,"),
    SettingKey("history.keep_day", "retention.day", _DAYS, "that daily figures are,"),
    SettingKey(
        "history.keep_journal", "retention.journal", _DAYS, "and that lines of the journal are."
    ),
    SettingKey(
        "holders.idle_days",
        "idle_days",
        _DAYS,
        "Days after which a user/device license that is held is marked as idle.",
    ),
    SettingKey(
        "privacy.users",
        "user_privacy",
        toml_document.choice("hide", "hash", "show"),
        "Names of license holders: hide · hash · show.",
    ),
)

KEYS_BY_NAME: Final = {key.name: key for key in KEYS}
THRESHOLD_KEYS: Final = {
    key.name.removeprefix("alerts."): key for key in KEYS if key.table == "alerts"
}
ALERT_SCOPES: Final = ("group", "server", "product")  # of `[alerts.<scope>.<name>]`
TABLES: Final = (*dict.fromkeys(key.table for key in KEYS if key.table), "keymap", "actions")


def suggest_key(name: str) -> str:
    """A hint for a key that does not exist: the same one in another table, or a close one."""
    last = name.rpartition(".")[2]
    elsewhere = [key.name for key in KEYS if key.name.rpartition(".")[2] == last]
    if elsewhere:
        return f"did you mean {elsewhere[0]}?"
    scopes = (f"alerts.{scope}" for scope in ALERT_SCOPES)
    return toml_document.did_you_mean(name, (*KEYS_BY_NAME, *TABLES, *scopes))


# `[actions.<name>]` of config.toml: what is done when something happens to an alert, and to which


_RISING: Final = (Level.WARN, Level.CRITICAL, Level.OVERDRAFT, Level.EXHAUSTED)


@dataclass(frozen=True, slots=True)
class Action:
    """One action; where nothing is said of kinds, servers or groups it is about all of them."""

    name: str
    on: tuple[str, ...] = ()  # kinds of alert
    level: str = Level.WARN.value  # the least
    servers: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    command: tuple[str, ...] = ()  # run without a shell; the event as JSON on its stdin
    webhook: str = ""  # a URL that the event is posted to
    secret: str = ""  # a reference: what the webhook's signature is made with
    verify: bool | str = True  # as of a server
    timeout: float = 10.0  # seconds for the command, or for one try of the webhook
    bell: bool = False  # of the terminal that a monitor runs in
    osc9: bool = False  # a notification of that terminal

    def matches(self, said: AlertEvent) -> bool:
        """Whether this is something to act on; that an alert got better is not."""
        standing = said.alert
        worst = max(standing.level, said.previous_level, key=_rank)
        return (
            said.transition is not AlertTransition.BETTER
            and (not self.on or standing.key.kind.value in self.on)
            and _rank(worst) >= _rank(Level(self.level))
            and (not self.servers or standing.key.server in self.servers)
            and (not self.groups or standing.group in self.groups)
        )


def _rank(level: Level) -> int:
    return _RISING.index(level) if level in _RISING else -1


def _kinds(value: object) -> tuple[str, ...]:
    kind = toml_document.choice(*(each.value for each in AlertKind))
    return tuple(map(kind, toml_document.string_list(value)))


def _command(value: object) -> tuple[str, ...]:
    if not (found := toml_document.string_list(value)):
        raise toml_document.InvalidValue(
            "must not be empty", 'write ["/path/to/program", "argument"]'
        )
    return found


def _url(value: object) -> str:
    found = toml_document.non_empty_string(value)
    try:
        parts = urlsplit(found)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise toml_document.InvalidValue(
            f"must be a URL, not {toml_document.quoted(value)}"
        ) from None
    if not usable:
        raise toml_document.InvalidValue(
            f"must be a URL, not {toml_document.quoted(value)}", "https://HOST/PATH"
        )
    if parts.username or parts.password:
        raise toml_document.InvalidValue("must not hold a password", "sign with a secret instead")
    return found


def _verify(value: object) -> bool | str:
    return value if isinstance(value, bool) else toml_document.non_empty_string(value)


_KEYS: Final[dict[str, Validator]] = {
    "on": _kinds,
    "level": toml_document.choice(*(each.value for each in _RISING)),
    "servers": toml_document.string_list,
    "groups": toml_document.string_list,
    "command": _command,
    "webhook": _url,
    "secret": secret_reference,
    "verify": _verify,
    "timeout": toml_document.number(1, 300),
    "bell": toml_document.boolean,
    "osc9": toml_document.boolean,
}


def parse_action(
    name: str, table: Mapping[str, Any], base: Path, blame: Callable[[str, str, str], None]
) -> Action:
    """The action that a table of config.toml describes; relative files begin at the folder `base`.

    What is wrong goes to `blame` as key ("" for the whole), message and hint.
    """
    made = Action(name)
    for key, value in table.items():
        if key not in _KEYS:
            blame(key, "no such key", toml_document.did_you_mean(key, _KEYS))
            continue
        try:
            made = replace(made, **{key: _KEYS[key](value)})
        except toml_document.InvalidValue as wrong:
            blame(key, wrong.message, wrong.hint)
    if not any(table.get(key) for key in ("command", "webhook", "bell", "osc9")):
        blame("", "does nothing", "give it a command, a webhook, bell = true or osc9 = true")
    if made.secret and not made.webhook:
        blame("secret", "signs a webhook, and there is none", "set webhook")
    verify = made.verify
    if isinstance(verify, str) and not verify.startswith("sha256:"):
        verify = os.fspath(toml_document.resolve_path(base, verify))
    return replace(made, secret=with_absolute_file(made.secret, base), verify=verify)
