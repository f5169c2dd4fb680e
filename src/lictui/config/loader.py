"""config.toml into Settings: every problem of the file at once, each with its line.

Owns what makes the file as a whole consistent. Must not know who uses a setting. Never writes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lictui.config import toml_document
from lictui.config.settings import (
    ALERT_SCOPES,
    KEYS,
    KEYS_BY_NAME,
    TABLES,
    THRESHOLD_KEYS,
    Action,
    AlertSettings,
    SettingKey,
    Settings,
    suggest_key,
)
from lictui.config.toml_document import KeyPath, TomlDocument, dotted_key, read_toml
from lictui.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lictui.paths import Paths


# The first must be below the second; "at most" allows both to be the same. A default that clashes
# counts as well, unless the last column says that the first matters only where it is set.
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
    """The settings of `paths.config`, defaults where it is silent or absent.

    Raises ConfigError with every problem found.
    """
    reader = _Reader(read_toml(paths.config))
    settings = reader.settings()
    if reader.problems:
        raise ConfigError(tuple(sorted(reader.problems, key=lambda each: each.line or 0)))
    return settings


def with_field(target: Any, field: str, value: object) -> Any:
    """A copy of the frozen `target` with the dotted `field` set to `value`."""
    head, _, rest = field.partition(".")
    return replace(
        target, **{head: with_field(getattr(target, head), rest, value) if rest else value}
    )


class _Reader:
    def __init__(self, document: TomlDocument) -> None:
        self.problems: list[Problem] = []
        self._document = document
        self._settings = Settings()
        self._given: set[str] = set()
        self._wrong: set[str] = set()  # names whose value could not be used
        self._overrides: dict[str, Mapping[str, Any]] = {}

    def settings(self) -> Settings:
        self._table((), self._document.data)
        for low, high, message, hint in self._clashes(self._settings, self._given):
            blamed = KEYS_BY_NAME[low if low in self._given else high].name
            self._blame(tuple(blamed.split(".")), message, hint)
        return with_field(self._settings, "alerts", self._alerts())  # type: ignore[no-any-return]

    def _table(self, path: KeyPath, table: Mapping[str, Any]) -> None:
        for part, value in table.items():
            here = (*path, part)
            name = dotted_key(here)
            if key := KEYS_BY_NAME.get(name):
                self._take(key, here, value)
            elif path == ("alerts",) and part in ALERT_SCOPES:
                self._overrides[part] = self._tables(here, value)
            elif name == "actions":
                self._settings = replace(self._settings, actions=self._actions(here, value))
            elif name not in TABLES:
                self._blame(here, "no such key", suggest_key(name))
            elif not isinstance(value, dict):
                self._blame(
                    here, f"must be a table, not {toml_document.quoted(value)}", f"write [{name}]"
                )
            elif name == "keymap":
                self._settings = replace(self._settings, keymap=self._keymap(here, value))
            else:
                self._table(here, value)

    def _take(self, key: SettingKey, path: KeyPath, value: object) -> None:
        self._given.add(key.name)
        try:
            taken = key.validate(value)
            if key.name == "history.path":
                taken = toml_document.resolve_path(self._document.file.parent, taken)
        except toml_document.InvalidValue as wrong:
            self._wrong.add(key.name)
            self._blame(path, wrong.message, wrong.hint)
        else:
            self._settings = with_field(self._settings, key.field, taken)

    def _keymap(self, path: KeyPath, table: Mapping[str, Any]) -> dict[str, str]:
        keymap = {}
        for command, keys in table.items():
            try:
                keymap[command] = ",".join(
                    toml_document.string_list(keys)
                    if isinstance(keys, list)
                    else (toml_document.string(keys),)
                )
            except toml_document.InvalidValue as wrong:
                self._blame((*path, command), wrong.message, wrong.hint)
        return keymap

    def _tables(self, path: KeyPath, value: object) -> Mapping[str, Any]:
        if isinstance(value, dict):
            return value
        self._blame(path, "must hold a table for each name", f"write [{dotted_key(path)}.<name>]")
        return {}

    def _actions(self, path: KeyPath, value: object) -> tuple[Action, ...]:
        from lictui.config.settings import parse_action  # noqa: PLC0415 - few have one

        return tuple(
            parse_action(
                name,
                self._tables((*path, name), table),
                self._document.file.parent,
                lambda key, message, hint, here=(*path, name): self._blame(  # type: ignore[misc]
                    (*here, key) if key else here, message, hint
                ),
            )
            for name, table in self._tables(path, value).items()
        )

    def _alerts(self) -> AlertSettings:
        scopes: Any = {
            scope: {
                name: self._override(scope, name, self._tables(("alerts", scope, name), table))
                for name, table in tables.items()
            }
            for scope, tables in self._overrides.items()
        }
        return replace(self._settings.alerts, **scopes)

    def _override(self, scope: str, name: str, table: Mapping[str, Any]) -> dict[str, Any]:
        path = ("alerts", scope, name)
        before, changes = len(self.problems), {}
        for part, value in table.items():
            key = THRESHOLD_KEYS.get(part)
            if key is None:
                hint = toml_document.did_you_mean(part, THRESHOLD_KEYS)
                if isinstance(value, dict):
                    hint = f'a name with a dot needs quotes: [alerts.{scope}."{name}.{part}"]'
                self._blame((*path, part), "no such key", hint)
                continue
            try:
                changes[key.field.rpartition(".")[2]] = key.validate(value)
            except toml_document.InvalidValue as wrong:
                self._blame((*path, part), wrong.message, wrong.hint)
        if len(self.problems) == before:
            merged = with_field(
                self._settings, "alerts.default", replace(self._settings.alerts.default, **changes)
            )
            given = {THRESHOLD_KEYS[part].name for part in table}
            for low, high, message, hint in self._clashes(merged, given):
                blamed = low if low in given else high
                self._blame((*path, blamed.rpartition(".")[2]), message, hint)
        return changes

    def _clashes(self, settings: Settings, given: set[str]) -> Iterator[tuple[str, str, str, str]]:
        """(first, second, message, hint) of every pair that is the wrong way around."""
        for low, high, how, only_if_set in _ORDER:
            if self._wrong & {low, high} or not given & {low, high}:
                continue
            if only_if_set and low not in given:
                continue
            first: Any = KEYS_BY_NAME[low].value_in(settings)
            second: Any = KEYS_BY_NAME[high].value_in(settings)
            if first < second or (how == "at most" and first == second):
                continue
            one, other = low.rpartition(".")[2], high.rpartition(".")[2]
            hint = "" if {low, high} <= given else "one of them is the default: set both"
            message = f"{one} must be {how} {other}, but {first:g} and {second:g} are set"
            yield low, high, message, hint

    def _blame(self, path: KeyPath, message: str, hint: str = "") -> None:
        self.problems.append(self._document.problem(path, message, hint))


# Which of option, environment, file and default decided each setting


class SettingOrigin(StrEnum):
    """Where a setting came from; the first that says anything wins."""

    OPTION = "option"
    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Override:
    """What the command line or the environment says of one setting."""

    value: object
    origin: SettingOrigin
    location: str  # `--theme`, `LICTUI_THEME`


@dataclass(frozen=True, slots=True)
class EffectiveSetting:
    """One setting that holds, as config.toml would name it."""

    path: KeyPath
    value: object
    origin: SettingOrigin
    location: str = ""  # the option, the variable, or file and line


def effective_settings(
    paths: Paths, overrides: Mapping[str, Override]
) -> tuple[EffectiveSetting, ...]:
    """Every setting that holds, in the order of config.toml. Raises ConfigError.

    `overrides` go by the name of the setting: `polling.interval`.
    """
    settings, document = load_settings(paths), read_toml(paths.config)
    found = []
    for key in KEYS:
        path = tuple(key.name.split("."))
        if key.name in overrides:
            said = overrides[key.name]
            found.append(EffectiveSetting(path, said.value, said.origin, said.location))
        elif _holds(document.data, path):
            found.append(_from_file(document, path, key.value_in(settings)))
        else:
            found.append(EffectiveSetting(path, key.value_in(settings), SettingOrigin.DEFAULT))
    found += [_from_file(document, path, value) for path, value in _scoped(document.data)]
    found += [
        _from_file(document, ("actions", name, part), value)
        for name, table in document.data.get("actions", {}).items()
        for part, value in table.items()
    ]
    found += [
        _from_file(document, ("keymap", command), keys) for command, keys in settings.keymap.items()
    ]
    return tuple(found)


def _scoped(data: Mapping[str, Any]) -> Iterator[tuple[KeyPath, object]]:
    """The thresholds of groups, servers and products, which have no default."""
    alerts = data.get("alerts", {})
    for scope in ALERT_SCOPES:
        for name, table in alerts.get(scope, {}).items():
            for part, value in table.items():
                yield ("alerts", scope, name, part), value


def _from_file(document: TomlDocument, path: KeyPath, value: object) -> EffectiveSetting:
    return EffectiveSetting(
        path, value, SettingOrigin.FILE, f"{document.file}:{document.line(path)}"
    )


def _holds(data: Mapping[str, Any], path: KeyPath) -> bool:
    for part in path:
        if not isinstance(data, dict) or part not in data:
            return False
        data = data[part]
    return True


# config.toml as text: the commented one to begin with, and the one that holds


_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
_INTRODUCTION: Final = """\
# The settings of lictui. It reads this file and never writes it; an edit is picked up at once.
# Every line that begins with #key shows a default: take the # away to change it.
# `lictui config check` says what is wrong, `lictui config show --origin` what holds and why.
"""
_OVERRIDES: Final = """
# Thresholds for one group, server or product; the last of these that says something wins.
#[alerts.group.emea]
#warn = 0.75
#[alerts.server."lic01.corp.example"]
#critical = 0.95
#[alerts.product.XDT_PLT_UD]
#expiry_warn = 120
"""
_ACTIONS: Final = """
# What is done when an alert is raised, gets worse, lasts or is cleared; as many as you like.
#[actions.pager]
# Kinds of alert: usage · expiry · subscription · activation · grace · server · data · unusual.
#on = ["usage", "server"]
# The least level: warn · critical · overdraft · exhausted.
#level = "critical"
#groups = ["emea"]
#servers = ["lic01.corp.example"]
# Run without a shell, the event as JSON on its standard input, ended after `timeout` seconds.
#command = ["/usr/local/bin/page", "--from-lictui"]
#timeout = 10
# Posted as JSON, tried again a few times, signed with the secret (X-Lictui-Signature).
#webhook = "https://hooks.corp.example/lictui"
#secret = "env:LICTUI_HOOK"
# In the terminal of a monitor: its bell, or a notification (OSC 9).
#bell = true
#osc9 = true
"""
_KEYMAP: Final = """
# Other keys for commands; `?` in the monitor names them all.
[keymap]
#quit = "q,ctrl+q"
"""


def config_template() -> str:
    """A config.toml with every key, what it is for and its default."""
    parts = [_INTRODUCTION]
    defaults = Settings()
    for table, keys in groupby(KEYS, key=lambda key: key.table):
        parts.append(f"\n[{table}]\n" if table else "\n")
        for key in keys:
            value = key.value_in(defaults)
            shown = key.example if value is None else value
            parts.append(f"# {key.help}\n#{toml_line(tuple(key.name.split('.')), shown)}\n")
        if table == "alerts":
            parts.append(_OVERRIDES)
    return "".join((*parts, _ACTIONS, _KEYMAP))


def format_settings(settings: Iterable[EffectiveSetting], *, origins: bool = False) -> str:
    """The settings as TOML; with `origins`, each line says where its value came from."""
    said = [(setting, toml_line(setting.path, setting.value)) for setting in settings]
    column = max((len(line) for _, line in said), default=0)
    lines = []
    for table, of_table in groupby(said, key=lambda each: each[0].path[:-1]):
        if table:
            lines += ["", f"[{dotted_key(table)}]"]
        for setting, line in of_table:
            origin = f"{setting.origin} {setting.location}".rstrip()
            told = origins and setting.value is not None
            lines.append(f"{line:<{column}}  # {origin}" if told else line)
    return "\n".join(lines) + "\n"


def toml_line(path: KeyPath, value: object) -> str:
    """`key = value` for the setting at `path`; a comment where there is no value."""
    import tomli_w  # noqa: PLC0415 - reading needs no writer

    key, last = KEYS_BY_NAME.get(dotted_key(path)), str(path[-1])
    match value:
        case None:
            return f"# {last} is not set"
        case float() if key is not None and key.validate is toml_document.duration:
            value = _duration(value)
        case float() if value.is_integer():
            value = int(value)
        case Path():
            value = str(value)
        case _:
            pass
    return tomli_w.dumps({last: value}).rstrip("\n")


def _duration(seconds: float) -> str:
    length, unit = next(
        (each for each in _UNITS if seconds % each[0] == 0 and seconds >= each[0]), (1, "s")
    )
    return f"{seconds / length:g}{unit}"
