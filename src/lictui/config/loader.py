"""config.toml as Settings, its commented template, and all files again when they change.

Also saves the state of the monitor between runs.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import tomli_w

from lictui.config.entitlements import Entitlement, load_entitlements
from lictui.config.registry import read_registry
from lictui.config.secrets import with_absolute_file
from lictui.config.settings import (
    ACTION_KEYS,
    ALERT_SCOPES,
    KEYS,
    KEYS_BY_NAME,
    TABLES,
    THRESHOLD_KEYS,
    Action,
    Settings,
    suggest_key,
)
from lictui.config.toml_document import (
    InvalidValue,
    did_you_mean,
    dotted_key,
    duration,
    quoted,
    read_toml,
    resolve_path,
    string,
    string_list,
)
from lictui.errors import ConfigError, LictuiError, Problem
from lictui.paths import Paths, write_private

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lictui.config.settings import AlertSettings, SettingKey
    from lictui.config.toml_document import KeyPath, TomlDocument, Validator
    from lictui.model import Server


# Pairs that must be in this order; "at most" allows equal values. A default counts as well, unless
# the last column says that the first key matters only where it is set.
_ORDER: Final = (
    ("alerts.clear_margin", "alerts.warn", "below", False),
    ("alerts.warn", "alerts.critical", "below", False),
    ("alerts.expiry_critical", "alerts.expiry_warn", "below", False),
    ("alerts.las_critical", "alerts.las_warn", "below", False),
    ("alerts.certificate_critical", "alerts.certificate_warn", "below", False),
    ("polling.connect_timeout", "polling.timeout", "at most", True),
    ("history.keep_raw", "history.keep_5m", "at most", False),
    ("history.keep_5m", "history.keep_hour", "at most", False),
    ("history.keep_hour", "history.keep_day", "at most", False),
)


def load_settings(paths: Paths) -> Settings:
    """Return the settings of `paths.config`, with defaults for missing keys or a missing file.

    Raises ConfigError with every problem of the file.
    """
    reader = _Reader(read_toml(paths.config))
    settings = reader.settings()
    if reader.problems:
        raise ConfigError(tuple(sorted(reader.problems, key=lambda problem: problem.line or 0)))
    return settings


def with_field(target: Any, field: str, value: object) -> Any:
    """Return a copy of the frozen `target` with the dotted `field` set to `value`."""
    first, _, remaining = field.partition(".")
    if remaining:
        value = with_field(getattr(target, first), remaining, value)
    return replace(target, **{first: value})


class _Reader:
    def __init__(self, document: TomlDocument) -> None:
        self.problems: list[Problem] = []
        self._document = document
        self._settings = Settings()
        self._set: set[str] = set()  # names of the keys in the file
        self._invalid: set[str] = set()  # names of the keys whose value cannot be used
        self._overrides: dict[str, Mapping[str, Any]] = {}

    def settings(self) -> Settings:
        self._read_table((), self._document.data)
        for low, high, message, hint in self._order_errors(self._settings, self._set):
            name = low if low in self._set else high
            self._add_problem(tuple(name.split(".")), message, hint)
        alerts = self._alert_settings()
        return replace(self._settings, alerts=alerts)

    def _read_table(self, table_path: KeyPath, table: Mapping[str, Any]) -> None:
        for key, value in table.items():
            path = (*table_path, key)
            name = dotted_key(path)
            if setting := KEYS_BY_NAME.get(name):
                self._read_setting(setting, path, value)
            elif table_path == ("alerts",) and key in ALERT_SCOPES:
                self._overrides[key] = self._named_tables(path, value)
            elif name == "actions":
                tables = self._named_tables(path, value)
                actions = tuple(self._action(*named) for named in tables.items())
                self._settings = replace(self._settings, actions=actions)
            elif name not in TABLES:
                self._add_problem(path, "unknown key", suggest_key(name))
            elif not isinstance(value, dict):
                self._add_problem(path, f"must be a table, not {quoted(value)}", f"write [{name}]")
            elif name == "keymap":
                self._settings = replace(self._settings, keymap=self._keymap(value))
            else:
                self._read_table(path, value)

    def _read_setting(self, key: SettingKey, path: KeyPath, value: object) -> None:
        self._set.add(key.name)
        accepted = self._accept(key.validate, value, path)
        if accepted is None:
            self._invalid.add(key.name)
            return
        if key.name == "history.path":
            accepted = resolve_path(self._document.file.parent, accepted)
        self._settings = with_field(self._settings, key.field, accepted)

    def _accept(self, validate: Validator, value: object, path: KeyPath) -> Any:
        """Return the value to use; None after adding the problem if it is not accepted."""
        try:
            return validate(value)
        except InvalidValue as invalid:
            self._add_problem(path, invalid.message, invalid.hint)
            return None

    def _keymap(self, table: Mapping[str, Any]) -> dict[str, str]:
        def keys(value: object) -> str:
            return ",".join(string_list(value) if isinstance(value, list) else (string(value),))

        keymap = {}
        for command, value in table.items():
            if accepted := self._accept(keys, value, ("keymap", command)):
                keymap[command] = accepted
        return keymap

    def _named_tables(self, path: KeyPath, value: object) -> Mapping[str, Any]:
        if isinstance(value, dict):
            return value
        hint = f"write [{dotted_key(path)}.<name>]"
        self._add_problem(path, "must contain a table for each name", hint)
        return {}

    def _action(self, name: str, value: object) -> Action:
        path, base = ("actions", name), self._document.file.parent
        table = self._named_tables(path, value)
        fields = {}
        for key, setting in table.items():
            if key not in ACTION_KEYS:
                self._add_problem((*path, key), "unknown key", did_you_mean(key, ACTION_KEYS))
                continue
            accepted = self._accept(ACTION_KEYS[key], setting, (*path, key))
            if accepted is not None:
                fields[key] = accepted
        if not any(table.get(key) for key in ("command", "webhook", "bell", "osc9")):
            hint = "set command, webhook, bell = true or osc9 = true"
            self._add_problem(path, "has no effect", hint)
        action = Action(name, **fields)
        if action.secret and not action.webhook:
            self._add_problem((*path, "secret"), "requires webhook", "set webhook")
        verify = action.verify
        if isinstance(verify, str) and not verify.startswith("sha256:"):
            verify = str(resolve_path(base, verify))
        return replace(action, secret=with_absolute_file(action.secret, base), verify=verify)

    def _alert_settings(self) -> AlertSettings:
        scopes: Any = {
            scope: {name: self._override((scope, name), table) for name, table in tables.items()}
            for scope, tables in self._overrides.items()
        }
        return replace(self._settings.alerts, **scopes)

    def _override(self, scope_name: tuple[str, str], value: object) -> dict[str, Any]:
        path = ("alerts", *scope_name)
        table = self._named_tables(path, value)
        problems_before, changes = len(self.problems), {}
        for part, threshold in table.items():
            key = THRESHOLD_KEYS.get(part)
            if key is None:
                hint = did_you_mean(part, THRESHOLD_KEYS)
                if isinstance(threshold, dict):
                    scope, name = scope_name
                    hint = f'quote a name that contains a dot: [alerts.{scope}."{name}.{part}"]'
                self._add_problem((*path, part), "unknown key", hint)
                continue
            changes[key.field.rpartition(".")[2]] = self._accept(
                key.validate, threshold, (*path, part)
            )
        if len(self.problems) == problems_before:
            self._check_override(path, table, changes)
        return changes

    def _check_override(
        self, path: KeyPath, table: Mapping[str, Any], changes: dict[str, Any]
    ) -> None:
        """Check the order of the thresholds that apply with the override."""
        thresholds = replace(self._settings.alerts.default, **changes)
        merged = with_field(self._settings, "alerts.default", thresholds)
        overridden = {THRESHOLD_KEYS[part].name for part in table}
        for low, high, message, hint in self._order_errors(merged, overridden):
            name = low if low in overridden else high
            self._add_problem((*path, name.rpartition(".")[2]), message, hint)

    def _order_errors(
        self, settings: Settings, names: set[str]
    ) -> Iterator[tuple[str, str, str, str]]:
        """Yield (first key, second key, message, hint) of every pair in the wrong order.

        Pairs without a key in `names` are not checked.
        """
        for low, high, relation, only_if_set in _ORDER:
            if self._invalid & {low, high} or not names & {low, high}:
                continue
            if only_if_set and low not in names:
                continue
            first: Any = KEYS_BY_NAME[low].value_in(settings)
            second: Any = KEYS_BY_NAME[high].value_in(settings)
            if first < second or (relation == "at most" and first == second):
                continue
            low_key, high_key = low.rpartition(".")[2], high.rpartition(".")[2]
            message = (
                f"{low_key} must be {relation} {high_key}, but they are {first:g} and {second:g}"
            )
            hint = "" if {low, high} <= names else "one of them is the default: set both"
            yield low, high, message, hint

    def _add_problem(self, path: KeyPath, message: str, hint: str = "") -> None:
        self.problems.append(self._document.problem(path, message, hint))


# The origin of each setting


@dataclass(frozen=True, slots=True)
class EffectiveSetting:
    """One setting as it applies, and where it comes from."""

    path: KeyPath
    value: object
    origin: str = "default"  # `option --theme`, `environment LICTUI_THEME`, `file FILE:LINE`


def effective_settings(
    paths: Paths, overrides: Mapping[str, tuple[object, str]]
) -> tuple[EffectiveSetting, ...]:
    """Return every setting that applies, in the order of config.toml. Raises ConfigError.

    `overrides` maps names of settings, such as `polling.interval`, to a value and its origin.
    """
    settings, document = load_settings(paths), read_toml(paths.config)

    def from_file(path: KeyPath, value: object) -> EffectiveSetting:
        return EffectiveSetting(path, value, f"file {document.file}:{document.line(path)}")

    effective = []
    for key in KEYS:
        path = tuple(key.name.split("."))
        if key.name in overrides:
            effective.append(EffectiveSetting(path, *overrides[key.name]))
        elif _contains(document.data, path):
            effective.append(from_file(path, key.value_in(settings)))
        else:
            effective.append(EffectiveSetting(path, key.value_in(settings)))
    effective += [from_file(*setting) for setting in _without_default(document.data)]
    effective += [from_file(("keymap", name), keys) for name, keys in settings.keymap.items()]
    return tuple(effective)


def _without_default(data: Mapping[str, Any]) -> Iterator[tuple[KeyPath, object]]:
    """Yield the keys of the file that have no default: threshold overrides and actions."""
    alerts = data.get("alerts", {})
    groups = [(("alerts", scope), alerts.get(scope, {})) for scope in ALERT_SCOPES]
    for path, tables in (*groups, (("actions",), data.get("actions", {}))):
        for name, table in tables.items():
            for key, value in table.items():
                yield (*path, name, key), value


def _contains(data: Mapping[str, Any], path: KeyPath) -> bool:
    for key in path:
        if not isinstance(data, dict) or key not in data:
            return False
        data = data[key]
    return True


# config.toml as text: the commented template, and the settings that apply

_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
_INTRODUCTION: Final = """\
# Settings of lictui. lictui never modifies this file; changes take effect immediately.
# Lines starting with #key show defaults; uncomment to change.
# `lictui config check` reports errors, `lictui config show --origin` the effective values.
"""
_OVERRIDES: Final = """
# Thresholds of one group, server or product; the most specific one applies.
#[alerts.group.emea]
#warn = 0.75
#[alerts.server."lic01.corp.example"]
#critical = 0.95
#[alerts.product.XDT_PLT_UD]
#expiry_warn = 120
"""
_ACTIONS: Final = """
# Actions on alert events: raised, escalated, repeated or cleared. Any number of tables.
#[actions.pager]
# Alert kinds (default: all): usage, expiry, subscription, activation, grace, server, data, unusual.
#on = ["usage", "server"]
# Minimum level: warn, critical, overdraft, exhausted.
#level = "critical"
#groups = ["emea"]
#servers = ["lic01.corp.example"]
# Run without a shell, with the event as JSON on standard input; killed after `timeout` seconds.
#command = ["/usr/local/bin/page", "--from-lictui"]
#timeout = 10
# Posted as JSON, with retries, signed with the secret (header X-Lictui-Signature).
#webhook = "https://hooks.corp.example/lictui"
#secret = "env:LICTUI_HOOK"
# Terminal of the monitor: bell, or desktop notification (OSC 9).
#bell = true
#osc9 = true
"""
_KEYMAP: Final = """
# Custom key bindings; press ? in the monitor for the command IDs.
[keymap]
#quit = "q,ctrl+q"
"""


def config_template() -> str:
    """Return a config.toml with a comment and the default of every key."""
    parts = [_INTRODUCTION]
    defaults = Settings()
    for table, keys in groupby(KEYS, key=lambda key: key.table):
        parts.append(f"\n[{table}]\n" if table else "\n")
        for key in keys:
            value = key.value_in(defaults)
            line = toml_line(tuple(key.name.split(".")), key.example if value is None else value)
            parts.append(f"# {key.help}\n#{line}\n")
        if table == "alerts":
            parts.append(_OVERRIDES)
    return "".join((*parts, _ACTIONS, _KEYMAP))


def format_settings(settings: Iterable[EffectiveSetting], *, origins: bool = False) -> str:
    """Return the settings as TOML; with `origins`, each line ends with the origin of its value."""
    lines = [(setting, toml_line(setting.path, setting.value)) for setting in settings]
    column = max((len(line) for _, line in lines), default=0)
    text = []
    for table, of_table in groupby(lines, key=lambda pair: pair[0].path[:-1]):
        if table:
            text += ["", f"[{dotted_key(table)}]"]
        for setting, line in of_table:
            show_origin = origins and setting.value is not None
            text.append(f"{line:<{column}}  # {setting.origin}" if show_origin else line)
    return "\n".join(text) + "\n"


def toml_line(path: KeyPath, value: object) -> str:
    """Return `key = value` for the setting at `path`; a comment if there is no value."""
    key, name = KEYS_BY_NAME.get(dotted_key(path)), str(path[-1])
    match value:
        case None:
            return f"# {name} is not set"
        case float() if key is not None and key.validate is duration:
            value = _with_unit(value)
        case float() if value.is_integer():
            value = int(value)
        case Path():
            value = str(value)
        case _:
            pass
    return tomli_w.dumps({name: value}).rstrip("\n")


def _with_unit(seconds: float) -> str:
    for length, unit in _UNITS:
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:g}{unit}"
    return f"{seconds:g}s"


# The configuration of a running monitor. A file with an error never costs it its configuration:
# the last good one is kept.


_Signature = tuple[int, int, int] | None  # time, size and inode; None: the file is missing


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """The configuration to use, and the problems of the files it was read from."""

    settings: Settings
    servers: tuple[Server, ...]
    problems: tuple[Problem, ...] = ()


class ConfigWatcher:
    """Reads the configuration files again when they change; checking costs three `stat` calls."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._signatures: tuple[_Signature, ...] | None = None
        self._settings = Settings()
        self._entitlements: tuple[Entitlement, ...] = ()
        self._servers: tuple[Server, ...] = ()

    def reload_if_changed(self) -> LoadedConfig | None:
        """Return the configuration if a file changed since the last call, else None; never raises.

        The first call always returns one. Problems keep what was good before: all settings, all
        entitlements, one server, or all servers if servers.toml is not valid TOML.
        """
        # Signatures are taken before reading: the next call sees a change in between.
        files = (self._paths.config, self._paths.servers, self._paths.entitlements)
        signatures = tuple(map(_signature, files))
        if signatures == self._signatures:
            return None
        self._signatures = signatures
        problems: list[Problem] = []
        with collect_problems(problems):
            self._settings = load_settings(self._paths)
        with collect_problems(problems):
            self._read_servers(problems)
        with collect_problems(problems):
            self._entitlements = load_entitlements(self._paths)
        settings = replace(self._settings, entitlements=self._entitlements)
        return LoadedConfig(settings, self._servers, tuple(problems))

    def _read_servers(self, problems: list[Problem]) -> None:
        registry = read_registry(self._paths)
        problems += registry.problems
        previous = {server.name: server for server in self._servers}
        servers = (server or previous.get(name) for name, server in registry.entries)
        self._servers = tuple(server for server in servers if server is not None)


@contextmanager
def collect_problems(problems: list[Problem]) -> Iterator[None]:
    """Add the problems of a ConfigError to a list, and go on."""
    try:
        yield
    except ConfigError as error:
        problems += error.problems


def _signature(file: Path) -> _Signature:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


# state.toml: the view, sort order and collapsed panes of the last run

_MAX_VALUE: Final = 1000  # characters


def load_state(paths: Paths) -> dict[str, str]:
    """Return the saved values by name; none if the file is missing or damaged."""
    try:
        data = read_toml(paths.state).data
    except ConfigError:
        return {}
    return {
        name: value
        for name, value in data.items()
        if isinstance(value, str) and len(value) <= _MAX_VALUE
    }


def save_state(paths: Paths, state: Mapping[str, str]) -> None:
    """Save `state`. Raises LictuiError if it cannot be written."""
    try:
        write_private(paths.state, tomli_w.dumps(dict(state)).encode())
    except OSError as error:
        raise LictuiError(f"{paths.state} cannot be written: {error.strerror or error}") from None
