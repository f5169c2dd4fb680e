"""config.toml into Settings: every problem of the file at once, each with its line.

Owns what makes the file as a whole consistent. Must not know who uses a setting. Never writes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from lictui.config import values
from lictui.config.document import dotted, read
from lictui.config.schema import BY_NAME, SCOPES, TABLES, THRESHOLDS, suggest
from lictui.config.settings import Settings
from lictui.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lictui.config.actions import Action
    from lictui.config.document import Document
    from lictui.config.lines import Path as KeyPath
    from lictui.config.schema import Key
    from lictui.config.settings import Alerts
    from lictui.errors import Problem
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
    reader = _Reader(read(paths.config))
    settings = reader.settings()
    if reader.problems:
        raise ConfigError(tuple(sorted(reader.problems, key=lambda each: each.line or 0)))
    return settings


def put(target: Any, field: str, value: object) -> Any:
    """A copy of the frozen `target` with the dotted `field` set to `value`."""
    head, _, rest = field.partition(".")
    return replace(target, **{head: put(getattr(target, head), rest, value) if rest else value})


class _Reader:
    def __init__(self, document: Document) -> None:
        self.problems: list[Problem] = []
        self._document = document
        self._settings = Settings()
        self._given: set[str] = set()
        self._wrong: set[str] = set()  # names whose value could not be used
        self._overrides: dict[str, Mapping[str, Any]] = {}

    def settings(self) -> Settings:
        self._table((), self._document.data)
        for low, high, message, hint in self._clashes(self._settings, self._given):
            blamed = BY_NAME[low if low in self._given else high].name
            self._blame(tuple(blamed.split(".")), message, hint)
        return put(self._settings, "alerts", self._alerts())  # type: ignore[no-any-return]

    def _table(self, path: KeyPath, table: Mapping[str, Any]) -> None:
        for part, value in table.items():
            here = (*path, part)
            name = dotted(here)
            if key := BY_NAME.get(name):
                self._take(key, here, value)
            elif path == ("alerts",) and part in SCOPES:
                self._overrides[part] = self._tables(here, value)
            elif name == "actions":
                self._settings = replace(self._settings, actions=self._actions(here, value))
            elif name not in TABLES:
                self._blame(here, "no such key", suggest(name))
            elif not isinstance(value, dict):
                self._blame(here, f"must be a table, not {values.shown(value)}", f"write [{name}]")
            elif name == "keymap":
                self._settings = replace(self._settings, keymap=self._keymap(here, value))
            else:
                self._table(here, value)

    def _take(self, key: Key, path: KeyPath, value: object) -> None:
        self._given.add(key.name)
        try:
            taken = key.kind(value)
            if key.name == "history.path":
                taken = values.located(self._document.file.parent, taken)
        except values.Wrong as wrong:
            self._wrong.add(key.name)
            self._blame(path, wrong.message, wrong.hint)
        else:
            self._settings = put(self._settings, key.field, taken)

    def _keymap(self, path: KeyPath, table: Mapping[str, Any]) -> dict[str, str]:
        keymap = {}
        for command, keys in table.items():
            try:
                keymap[command] = ",".join(
                    values.texts(keys) if isinstance(keys, list) else (values.text(keys),)
                )
            except values.Wrong as wrong:
                self._blame((*path, command), wrong.message, wrong.hint)
        return keymap

    def _tables(self, path: KeyPath, value: object) -> Mapping[str, Any]:
        if isinstance(value, dict):
            return value
        self._blame(path, "must hold a table for each name", f"write [{dotted(path)}.<name>]")
        return {}

    def _actions(self, path: KeyPath, value: object) -> tuple[Action, ...]:
        from lictui.config.actions import action  # noqa: PLC0415 - few have one

        return tuple(
            action(
                name,
                self._tables((*path, name), table),
                self._document.file.parent,
                lambda key, message, hint, here=(*path, name): self._blame(  # type: ignore[misc]
                    (*here, key) if key else here, message, hint
                ),
            )
            for name, table in self._tables(path, value).items()
        )

    def _alerts(self) -> Alerts:
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
            key = THRESHOLDS.get(part)
            if key is None:
                hint = values.nearest(part, THRESHOLDS)
                if isinstance(value, dict):
                    hint = f'a name with a dot needs quotes: [alerts.{scope}."{name}.{part}"]'
                self._blame((*path, part), "no such key", hint)
                continue
            try:
                changes[key.field.rpartition(".")[2]] = key.kind(value)
            except values.Wrong as wrong:
                self._blame((*path, part), wrong.message, wrong.hint)
        if len(self.problems) == before:
            merged = put(
                self._settings, "alerts.default", replace(self._settings.alerts.default, **changes)
            )
            given = {THRESHOLDS[part].name for part in table}
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
            first: Any = BY_NAME[low].of(settings)
            second: Any = BY_NAME[high].of(settings)
            if first < second or (how == "at most" and first == second):
                continue
            one, other = low.rpartition(".")[2], high.rpartition(".")[2]
            hint = "" if {low, high} <= given else "one of them is the default: set both"
            message = f"{one} must be {how} {other}, but {first:g} and {second:g} are set"
            yield low, high, message, hint

    def _blame(self, path: KeyPath, message: str, hint: str = "") -> None:
        self.problems.append(self._document.problem(path, message, hint))
