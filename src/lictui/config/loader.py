"""config.toml as Settings, its commented template, and all files again when they change.

Also saves the state of the monitor between runs.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import tomli_w
from msgspec import Struct
from msgspec.structs import replace

from lictui.config.entitlements import Entitlement, load_entitlements
from lictui.config.registry import read_registry
from lictui.config.secrets import is_reference
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
    FieldError,
    check_table,
    dotted_key,
    duration,
    quoted,
    read_toml,
    string,
    string_list,
)
from lictui.errors import ConfigError, LictuiError, Problem
from lictui.paths import Paths, write_private

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lictui.config.settings import SettingKey
    from lictui.config.toml_document import KeyPath, TomlDocument
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
    return _Reader(read_toml(paths.config)).settings


def with_field(target: Any, field: str, value: object) -> Any:
    """Return a copy of the frozen `target` with the dotted `field` set to `value`."""
    first, _, remaining = field.partition(".")
    if remaining:
        value = with_field(getattr(target, first), remaining, value)
    return replace(target, **{first: value})


class _Reader:
    """Reads a document; `paths` are the keys in it. Raises ConfigError with every problem."""

    def __init__(self, document: TomlDocument) -> None:
        self.settings = Settings()
        self.paths: list[KeyPath] = []
        self._document = document
        self._problems: list[Problem] = []
        self._invalid: set[str] = set()  # names of the keys whose value cannot be used
        overrides: list[tuple[KeyPath, object]] = []
        self._read_table((), document.data, overrides)
        self._check_order(self.settings, (), {dotted_key(path) for path in self.paths})
        for path, table in overrides:  # after the defaults that they are checked with
            self._read_override(path, self._table(path, table))
        if self._problems:
            raise ConfigError(tuple(sorted(self._problems, key=lambda p: p.line or 0)))

    def _read_table(
        self,
        table_path: KeyPath,
        table: Mapping[str, Any],
        overrides: list[tuple[KeyPath, object]],
    ) -> None:
        for key, value in table.items():
            path = (*table_path, key)
            name = dotted_key(path)
            if setting := KEYS_BY_NAME.get(name):
                self._read_setting(setting, path, value)
            elif table_path == ("alerts",) and key in ALERT_SCOPES:
                overrides += [((*path, k), v) for k, v in self._table(path, value).items()]
            elif name == "actions":
                tables = self._table(path, value).items()
                actions = tuple(self._action(*named) for named in tables)
                self.settings = replace(self.settings, actions=actions)
            elif name not in TABLES:
                self._add_problem(path, "unknown key", suggest_key(name))
            elif not isinstance(value, dict):
                self._add_problem(path, f"must be a table, not {quoted(value)}", f"write [{name}]")
            elif name == "keymap":
                keymap = self._check(path, value, dict.fromkeys(value, _keys))
                keymap = {command: keys for command, keys in keymap.items() if keys}
                self.settings = replace(self.settings, keymap=keymap)
            else:
                self._read_table(path, value, overrides)

    def _read_setting(self, key: SettingKey, path: KeyPath, value: object) -> None:
        self.paths.append(path)
        accepted = self._check(path[:-1], {path[-1]: value}, {path[-1]: key.validate})
        if not accepted:
            self._invalid.add(key.name)
            return
        (value,) = accepted.values()
        self.settings = with_field(self.settings, key.field, value)

    def _check(
        self, path: KeyPath, table: Mapping[Any, Any], validators: Mapping[Any, Any]
    ) -> dict[str, Any]:
        """Return the values to use; the problems of the others are added."""
        values, errors = check_table(table, validators, self._document.file.parent)
        self._problems += self._document.problems(path, errors)
        return values

    def _table(self, path: KeyPath, value: object) -> Mapping[str, Any]:
        if isinstance(value, dict):
            return value
        hint = f"write [{dotted_key(path)}.<name>]"
        self._add_problem(path, "must contain a table for each name", hint)
        return {}

    def _action(self, name: str, value: object) -> Action:
        path = ("actions", name)
        table = self._table(path, value)
        self.paths += [(*path, key) for key in table]
        validators = {key: setting.validate for key, setting in ACTION_KEYS.items()}
        action = Action(name, **self._check(path, table, validators))
        if not any(table.get(key) for key in ("command", "webhook", "notify", "bell", "osc9")):
            hint = "set command, webhook, notify, bell = true or osc9 = true"
            self._add_problem(path, "has no effect", hint)
        for key in ("secret", "headers", "body"):
            if getattr(action, key) and not action.webhook:
                self._add_problem((*path, key), "requires webhook", "set webhook")
        return action

    def _read_override(self, path: KeyPath, table: Mapping[str, Any]) -> None:
        """Read the thresholds of one group, server or product."""
        _, scope, name = map(str, path)
        self.paths += [(*path, key) for key in table]
        validators = {key: setting.validate for key, setting in THRESHOLD_KEYS.items()}
        values, errors = check_table(table, validators, self._document.file.parent)
        for error in errors:
            hint = error.hint
            if error.key not in validators and isinstance(table[error.key], dict):
                hint = f'quote a name that contains a dot: [alerts.{scope}."{name}.{error.key}"]'
            self._add_problem((*path, error.key), error.message, hint)
        changes = {THRESHOLD_KEYS[k].field.rpartition(".")[2]: v for k, v in values.items()}
        alerts = self.settings.alerts
        if not errors:
            merged = replace(alerts, default=replace(alerts.default, **changes))
            names = {THRESHOLD_KEYS[key].name for key in table}
            self._check_order(replace(self.settings, alerts=merged), path, names)
        scopes: Any = {scope: {**getattr(alerts, scope), name: changes}}
        self.settings = replace(self.settings, alerts=replace(alerts, **scopes))

    def _check_order(self, settings: Settings, path: KeyPath, names: set[str]) -> None:
        """Check every pair with a key in `names`, of which the table at `path` has all."""
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
            table, _, key = (low if low in names else high).rpartition(".")
            self._add_problem((*(path or table.split(".")), key), message, hint)

    def _add_problem(self, path: KeyPath, message: str, hint: str = "") -> None:
        (*table, key) = path
        error = FieldError(str(key), message, hint)
        self._problems += self._document.problems(tuple(table), (error,))


def _keys(value: object) -> str:
    """Return the keys of a command, separated by commas."""
    return ",".join(string_list(value) if isinstance(value, list) else (string(value),))


# The origin of each setting


class EffectiveSetting(Struct, frozen=True):
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
    document = read_toml(paths.config)
    reader = _Reader(document)
    settings = reader.settings

    def from_file(path: KeyPath, value: object) -> EffectiveSetting:
        return EffectiveSetting(path, value, f"file {document.file}:{document.line(path)}")

    effective = []
    for key in KEYS:
        path: KeyPath = tuple(key.name.split("."))
        if key.name in overrides:
            effective.append(EffectiveSetting(path, *overrides[key.name]))
        elif path in reader.paths:
            effective.append(from_file(path, key.value_in(settings)))
        else:
            effective.append(EffectiveSetting(path, key.value_in(settings)))
    # Threshold overrides and actions have no default: as they are written
    named = [path for path in reader.paths if dotted_key(path) not in KEYS_BY_NAME]
    named.sort(key=lambda path: path[0] == "actions")
    effective += [from_file(path, _shown(path, document.data)) for path in named]
    effective += [from_file(("keymap", name), keys) for name, keys in settings.keymap.items()]
    return tuple(effective)


def _shown(path: KeyPath, data: Any) -> object:
    """Return the value at `path`; of a webhook's URL only the host: its path may be a secret."""
    for key in path:
        data = data[key]
    if path[-1] == "webhook" and not is_reference(data):
        return f"{urlsplit(data).scheme}://{urlsplit(data).hostname}/…"
    return data


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
"""
_KEYMAP: Final = """
# Custom key bindings; press ? in the monitor for the command IDs.
[keymap]
#quit = "q,ctrl+q"
"""


def config_template() -> str:
    """Return a config.toml with a comment and the default of every key."""
    parts = [_INTRODUCTION]
    for table, keys in groupby(KEYS, key=lambda key: key.table):
        parts.append(f"\n[{table}]\n" if table else "\n")
        parts += (_template_line(key, key.value_in(Settings())) for key in keys)
        if table == "alerts":
            parts.append(_OVERRIDES)
    parts.append(_ACTIONS)
    for name, key in ACTION_KEYS.items():
        default = getattr(Action(""), name)
        parts.append(_template_line(key, default if key.example is None else key.example))
    return "".join((*parts, _KEYMAP))


def _template_line(key: SettingKey, value: object) -> str:
    value = key.example if value is None else value
    return f"# {key.help}\n#{toml_line(tuple(key.name.split('.')), value)}\n"


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
        case dict():
            inner = ", ".join(toml_line((key,), each) for key, each in value.items())
            return f"{name} = {{ {inner} }}"
        case list() | tuple():
            items = (toml_line(("item",), each).partition(" = ")[2] for each in value)
            return f"{dotted_key((name,))} = [{', '.join(items)}]"
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


class LoadedConfig(Struct, frozen=True):
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


def save_state(paths: Paths, changes: Mapping[str, str]) -> None:
    """Save the values that changed, next to what another monitor saved meanwhile.

    Raises LictuiError if the file cannot be written.
    """
    try:
        write_private(paths.state, tomli_w.dumps({**load_state(paths), **changes}).encode())
    except OSError as error:
        raise LictuiError(f"{paths.state} cannot be written: {error.strerror or error}") from None
