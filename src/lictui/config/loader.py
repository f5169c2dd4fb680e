"""config.toml: read into Settings, show where each value comes from, write a commented template."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import tomli_w

from lictui.config.settings import (
    ALERT_SCOPES,
    KEYS,
    KEYS_BY_NAME,
    TABLES,
    THRESHOLD_KEYS,
    Settings,
    parse_action,
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
from lictui.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lictui.config.settings import Action, AlertSettings, SettingKey
    from lictui.config.toml_document import KeyPath, TomlDocument
    from lictui.errors import Problem
    from lictui.paths import Paths


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
                self._settings = replace(self._settings, actions=self._actions(path, value))
            elif name not in TABLES:
                self._add_problem(path, "unknown key", suggest_key(name))
            elif not isinstance(value, dict):
                self._add_problem(path, f"must be a table, not {quoted(value)}", f"write [{name}]")
            elif name == "keymap":
                self._settings = replace(self._settings, keymap=self._keymap(path, value))
            else:
                self._read_table(path, value)

    def _read_setting(self, key: SettingKey, path: KeyPath, value: object) -> None:
        self._set.add(key.name)
        try:
            accepted = key.validate(value)
        except InvalidValue as invalid:
            self._invalid.add(key.name)
            self._add_problem(path, invalid.message, invalid.hint)
            return
        if key.name == "history.path":
            accepted = resolve_path(self._document.file.parent, accepted)
        self._settings = with_field(self._settings, key.field, accepted)

    def _keymap(self, path: KeyPath, table: Mapping[str, Any]) -> dict[str, str]:
        keymap = {}
        for command, keys in table.items():
            try:
                names = string_list(keys) if isinstance(keys, list) else (string(keys),)
                keymap[command] = ",".join(names)
            except InvalidValue as invalid:
                self._add_problem((*path, command), invalid.message, invalid.hint)
        return keymap

    def _named_tables(self, path: KeyPath, value: object) -> Mapping[str, Any]:
        if isinstance(value, dict):
            return value
        hint = f"write [{dotted_key(path)}.<name>]"
        self._add_problem(path, "must contain a table for each name", hint)
        return {}

    def _actions(self, path: KeyPath, value: object) -> tuple[Action, ...]:
        actions = []
        for name, table in self._named_tables(path, value).items():
            action_path = (*path, name)

            def add_problem(
                key: str, message: str, hint: str, action_path: KeyPath = action_path
            ) -> None:
                key_path = (*action_path, key) if key else action_path
                self._add_problem(key_path, message, hint)

            keys = self._named_tables(action_path, table)
            actions.append(parse_action(name, keys, self._document.file.parent, add_problem))
        return tuple(actions)

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
            try:
                changes[key.field.rpartition(".")[2]] = key.validate(threshold)
            except InvalidValue as invalid:
                self._add_problem((*path, part), invalid.message, invalid.hint)
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


# The origin of each setting: option, environment, file or default


class SettingOrigin(StrEnum):
    """Where a setting comes from; an earlier one overrides a later one."""

    OPTION = "option"
    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Override:
    """The value of one setting on the command line or in the environment."""

    value: object
    origin: SettingOrigin
    location: str  # `--theme`, `LICTUI_THEME`


@dataclass(frozen=True, slots=True)
class EffectiveSetting:
    """One setting as it applies, and where it comes from."""

    path: KeyPath
    value: object
    origin: SettingOrigin
    location: str = ""  # the option, the variable, or file and line


def effective_settings(
    paths: Paths, overrides: Mapping[str, Override]
) -> tuple[EffectiveSetting, ...]:
    """Return every setting that applies, in the order of config.toml. Raises ConfigError.

    `overrides` maps names of settings, such as `polling.interval`.
    """
    settings, document = load_settings(paths), read_toml(paths.config)
    effective = []
    for key in KEYS:
        path = tuple(key.name.split("."))
        if key.name in overrides:
            override = overrides[key.name]
            effective.append(
                EffectiveSetting(path, override.value, override.origin, override.location)
            )
        elif _contains(document.data, path):
            effective.append(_from_file(document, path, key.value_in(settings)))
        else:
            effective.append(EffectiveSetting(path, key.value_in(settings), SettingOrigin.DEFAULT))
    effective += [
        _from_file(document, path, value) for path, value in _without_default(document.data)
    ]
    effective += [
        _from_file(document, ("keymap", command), keys) for command, keys in settings.keymap.items()
    ]
    return tuple(effective)


def _without_default(data: Mapping[str, Any]) -> Iterator[tuple[KeyPath, object]]:
    """Yield the keys of the file that have no default: threshold overrides and actions."""
    for scope in ALERT_SCOPES:
        for name, table in data.get("alerts", {}).get(scope, {}).items():
            for key, value in table.items():
                yield ("alerts", scope, name, key), value
    for name, table in data.get("actions", {}).items():
        for key, value in table.items():
            yield ("actions", name, key), value


def _from_file(document: TomlDocument, path: KeyPath, value: object) -> EffectiveSetting:
    location = f"{document.file}:{document.line(path)}"
    return EffectiveSetting(path, value, SettingOrigin.FILE, location)


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
            origin = f"{setting.origin} {setting.location}".rstrip()
            show_origin = origins and setting.value is not None
            text.append(f"{line:<{column}}  # {origin}" if show_origin else line)
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
