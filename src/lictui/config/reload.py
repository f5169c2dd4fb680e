"""Hot reload: notices that a file of the configuration changed, and keeps what last was good.

Owns the look at the files, which is cheap enough for every few seconds. Must not know threads,
timers or who reloads.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

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


Signature = tuple[int, int, int] | None  # time, size and inode; None: no such file


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """The configuration to go on with, and what of the files could not be used for it."""

    settings: Settings
    servers: tuple[Server, ...]
    problems: tuple[Problem, ...] = ()


class ConfigWatcher:
    """Looks at the files when asked. The first look finds everything changed."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._seen: tuple[Signature, ...] | None = None
        self._settings = Settings()
        self._contract: tuple[Entitlement, ...] = ()
        self._servers: tuple[Server, ...] = ()

    def reload_if_changed(self) -> LoadedConfig | None:
        """The configuration if a file changed since the last call, else None; never raises.

        A config.toml with a problem leaves the settings as they were, a server with a problem is
        kept as it was, and a servers.toml that is no TOML leaves all servers as they were. So does
        a contract.toml with a problem leave the contract.
        """
        # Looked at before reading: a change in between is seen by the next call.
        files = (self._paths.config, self._paths.servers, self._paths.entitlements)
        seen = tuple(map(_signature, files))
        if seen == self._seen:
            return None
        self._seen = seen
        problems = (*self._read_settings(), *self._read_servers(), *self._read_contract())
        settings = replace(self._settings, entitlements=self._contract)
        return LoadedConfig(settings, self._servers, problems)

    def _read_settings(self) -> tuple[Problem, ...]:
        try:
            self._settings = load_settings(self._paths)
        except ConfigError as error:
            return error.problems
        return ()

    def _read_contract(self) -> tuple[Problem, ...]:
        try:
            self._contract = load_entitlements(self._paths)
        except ConfigError as error:
            return error.problems
        return ()

    def _read_servers(self) -> tuple[Problem, ...]:
        try:
            registry = read_registry(self._paths)
        except ConfigError as error:
            return error.problems
        good = {server.name: server for server in self._servers}
        kept = (server or good.get(name) for name, server in registry.entries)
        self._servers = tuple(server for server in kept if server is not None)
        return registry.problems


def _signature(file: Path) -> Signature:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


# state.toml: what the monitor looked like when it was last left


_LONGEST: Final = 1000  # characters; nothing that is remembered is longer


def load_state(paths: Paths) -> dict[str, str]:
    """What was left behind, by name; nothing of a file that is damaged or absent."""
    try:
        data = read_toml(paths.state).data
    except ConfigError:
        return {}
    return {
        name: value
        for name, value in data.items()
        if isinstance(value, str) and len(value) <= _LONGEST
    }


def save_state(paths: Paths, state: Mapping[str, str]) -> None:
    """Leave `state` behind. Raises LictuiError when it cannot be written."""
    import tomli_w  # noqa: PLC0415 - reading needs no writer

    try:
        write_private(paths.state, tomli_w.dumps(dict(state)).encode())
    except OSError as error:
        raise LictuiError(f"{paths.state} cannot be written: {error.strerror or error}") from None
