"""Hot reload of the configuration files, and the state that the monitor saves between runs.

A file with an error never costs a running monitor its configuration: the last good one is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import tomli_w

from lictui.config.entitlements import Entitlement, load_entitlements
from lictui.config.loader import load_settings
from lictui.config.registry import read_registry
from lictui.config.settings import Settings
from lictui.config.toml_document import read_toml
from lictui.errors import ConfigError, LictuiError, Problem
from lictui.paths import Paths, write_private

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lictui.model import Server


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
        problems = (*self._read_settings(), *self._read_servers(), *self._read_entitlements())
        settings = replace(self._settings, entitlements=self._entitlements)
        return LoadedConfig(settings, self._servers, problems)

    def _read_settings(self) -> tuple[Problem, ...]:
        try:
            self._settings = load_settings(self._paths)
        except ConfigError as error:
            return error.problems
        return ()

    def _read_entitlements(self) -> tuple[Problem, ...]:
        try:
            self._entitlements = load_entitlements(self._paths)
        except ConfigError as error:
            return error.problems
        return ()

    def _read_servers(self) -> tuple[Problem, ...]:
        try:
            registry = read_registry(self._paths)
        except ConfigError as error:
            return error.problems
        previous = {server.name: server for server in self._servers}
        servers = (server or previous.get(name) for name, server in registry.entries)
        self._servers = tuple(server for server in servers if server is not None)
        return registry.problems


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
