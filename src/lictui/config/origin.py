"""Which of option, environment, file and default decided each setting.

Owns the order of the four. Must not know click: whoever read the command line hands in what it
said.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from lictui.config.document import read
from lictui.config.file import load_settings
from lictui.config.schema import KEYS, SCOPES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lictui.config.document import Document
    from lictui.config.lines import Path as KeyPath
    from lictui.paths import Paths


class Origin(StrEnum):
    """Where a setting came from; the first that says anything wins."""

    OPTION = "option"
    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Override:
    """What the command line or the environment says of one setting."""

    value: object
    origin: Origin
    where: str  # `--theme`, `LICTUI_THEME`


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting that holds, as config.toml would name it."""

    path: KeyPath
    value: object
    origin: Origin
    where: str = ""  # the option, the variable, or file and line


def effective(paths: Paths, overrides: Mapping[str, Override]) -> tuple[Setting, ...]:
    """Every setting that holds, in the order of config.toml. Raises ConfigError.

    `overrides` go by the name of the setting: `polling.interval`.
    """
    settings, document = load_settings(paths), read(paths.config)
    found = []
    for key in KEYS:
        path = tuple(key.name.split("."))
        if key.name in overrides:
            said = overrides[key.name]
            found.append(Setting(path, said.value, said.origin, said.where))
        elif _holds(document.data, path):
            found.append(_from_file(document, path, key.of(settings)))
        else:
            found.append(Setting(path, key.of(settings), Origin.DEFAULT))
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
    for scope in SCOPES:
        for name, table in alerts.get(scope, {}).items():
            for part, value in table.items():
                yield ("alerts", scope, name, part), value


def _from_file(document: Document, path: KeyPath, value: object) -> Setting:
    return Setting(path, value, Origin.FILE, f"{document.file}:{document.line(path)}")


def _holds(data: Mapping[str, Any], path: KeyPath) -> bool:
    for part in path:
        if not isinstance(data, dict) or part not in data:
            return False
        data = data[part]
    return True
