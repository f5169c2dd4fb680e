"""servers.toml: read with every problem reported, and changed without losing the user's edits.

Before a change the file is read again under a lock. A text that rewriting would not preserve, such
as comments, is saved next to it as servers.toml.bak.
"""

from __future__ import annotations

import os
import sys
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import tomli_w

from lictui.config.server_schema import to_table, validate_server
from lictui.config.toml_document import TomlDocument, did_you_mean, read_toml
from lictui.errors import ConfigError, LictuiError, Problem, UsageError
from lictui.paths import FILE_MODE, Paths, make_folder, write_private

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from lictui.model import Server


_HEADER: Final = "# Servers monitored by lictui. Managed by lictui; manual edits are allowed.\n\n"


@dataclass(frozen=True, slots=True)
class Registry:
    """The servers of servers.toml in its order; None is a server with an error."""

    entries: tuple[tuple[str, Server | None], ...]
    problems: tuple[Problem, ...]

    @property
    def servers(self) -> tuple[Server, ...]:
        """The servers without an error."""
        return tuple(server for _, server in self.entries if server is not None)


def read_registry(paths: Paths) -> Registry:
    """Return all servers and problems. Raises ConfigError if the file is not valid TOML."""
    document = read_toml(paths.servers)
    entries: list[tuple[str, Server | None]] = []
    hint = "every server is a table [[server]]"
    problems = [
        document.problem((key,), "unknown key", hint) for key in document.data if key != "server"
    ]
    first_index: dict[str, int] = {}  # of each name
    for index, table in enumerate(document.tables("server")):
        server, errors = validate_server(table, paths.config_dir)
        problems += [
            document.problem(("server", index, error.key), error.message, error.hint)
            for error in errors
        ]
        name = str(table.get("name", ""))
        if name and name in first_index:
            line = document.line(("server", first_index[name], "name"))
            message = f"duplicate name (first defined on line {line})"
            path = ("server", index, "name")
            problems.append(document.problem(path, message, "choose another name"))
            continue
        first_index[name] = index
        entries.append((name, server))
    return Registry(tuple(entries), tuple(problems))


def read_servers(paths: Paths) -> tuple[tuple[Server, ...], tuple[Problem, ...]]:
    """Return the servers without an error, and every problem. Never raises ConfigError."""
    try:
        registry = read_registry(paths)
    except ConfigError as error:
        return (), error.problems
    return registry.servers, registry.problems


def load_servers(paths: Paths) -> tuple[Server, ...]:
    """Return all servers. Raises ConfigError with every problem if there is any."""
    servers, problems = read_servers(paths)
    if problems:
        raise ConfigError(problems)
    return servers


def server_table(paths: Paths, name: str) -> dict[str, Any]:
    """Return the table of the server `name`, valid or not. Raises LictuiError."""
    tables = read_toml(paths.servers).tables("server")
    return tables[_index(name, tables)]


def add_server(paths: Paths, server: Server) -> None:
    """Add `server`. Raises LictuiError if its name exists or the file cannot be written.

    Its table is appended to the text, so comments are kept.
    """
    with _changing(paths) as (document, tables):
        _require_new_name(server.name, tables)
        tables.append(_valid_table(server, paths))
        added = f"{document.text.rstrip()}\n\n{tomli_w.dumps({'server': tables[-1:]})}"
        if document.text.strip() and _parses_to(added, document.data):
            write_private(paths.servers, added.encode())
        else:
            _rewrite(paths, document)


def edit_server(paths: Paths, name: str, server: Server) -> None:
    """Replace the server `name` by `server`, which may have another name.

    Unchanged values keep the spelling of the user. Raises LictuiError.
    """
    with _changing(paths) as (document, tables):
        index = _index(name, tables)
        if server.name != name:
            _require_new_name(server.name, tables)
        table = _valid_table(server, paths)
        previous, _ = validate_server(tables[index], paths.config_dir)
        if previous and previous.source is server.source:
            table |= {
                key: value
                for key, value in tables[index].items()
                if value != "" and getattr(previous, key) == getattr(server, key)
            }
        tables[index] = table
        _rewrite(paths, document)


def remove_server(paths: Paths, name: str) -> None:
    """Remove the server `name`. Raises LictuiError."""
    with _changing(paths) as (document, tables):
        del tables[_index(name, tables)]
        _rewrite(paths, document)


def save_servers(paths: Paths, servers: Iterable[Server]) -> None:
    """Replace all servers by `servers`. Raises LictuiError."""
    tables = [_valid_table(server, paths) for server in servers]
    with _writing(paths):
        write_private(paths.servers, _text({"server": tables}).encode())


@contextmanager
def _changing(paths: Paths) -> Iterator[tuple[TomlDocument, list[dict[str, Any]]]]:
    """Give the file as it is now, and its tables to change in place, under the lock."""
    with _writing(paths):
        document = read_toml(paths.servers)
        tables = document.data["server"] = document.tables("server")
        yield document, tables


@contextmanager
def _writing(paths: Paths) -> Iterator[None]:
    try:
        with file_lock(paths.servers):
            yield
    except OSError as error:
        raise LictuiError(
            f"{paths.servers} cannot be written: {error.strerror or error}",
            "check the permissions of the directory, or use another --config-dir",
        ) from None


@contextmanager
def file_lock(file: Path) -> Iterator[None]:
    """Hold a lock that other processes of this user respect; wait for it. Raises OSError.

    The lock is a file of its own next to `file`, which every write replaces.
    """
    make_folder(file.parent)
    handle = os.open(file.with_name(f".{file.name}.lock"), os.O_RDWR | os.O_CREAT, FILE_MODE)
    try:
        if sys.platform == "win32":
            msvcrt.locking(handle, msvcrt.LK_LOCK, 1)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)  # releases the lock as well


def _rewrite(paths: Paths, document: TomlDocument) -> None:
    """Write the data of the document; save its text as .bak if comments or layout get lost."""
    text = document.text
    if text.strip() and text != _text(tomllib.loads(text)):
        write_private(paths.servers.with_name(f"{paths.servers.name}.bak"), text.encode())
    write_private(paths.servers, _text(document.data).encode())


def _valid_table(server: Server, paths: Paths) -> dict[str, Any]:
    """Return the table of `server`. Raises UsageError if it is not valid."""
    table = to_table(server)
    _, errors = validate_server(table, paths.config_dir)
    if errors:
        raise UsageError("\n".join(map(str, errors)))
    return table


def _require_new_name(name: str, tables: list[dict[str, Any]]) -> None:
    if any(table.get("name") == name for table in tables):
        raise UsageError(f"server {name} already exists", "choose another name")


def _index(name: str, tables: list[dict[str, Any]]) -> int:
    names = [str(table.get("name", "")) for table in tables]
    if name not in names:
        raise UsageError(f"unknown server {name}", did_you_mean(name, names))
    return names.index(name)


def _text(data: dict[str, Any]) -> str:
    """Return the file as lictui writes it."""
    return _HEADER + tomli_w.dumps({key: value for key, value in data.items() if value != []})


def _parses_to(text: str, data: dict[str, Any]) -> bool:
    try:
        return tomllib.loads(text) == data
    except tomllib.TOMLDecodeError:
        return False
