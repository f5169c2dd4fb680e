"""servers.toml: which servers are registered, read with every problem and written in one step.

Owns the file's shape, unique names, and that no change of the user's is lost: the file is read
again under a lock before it is written, and a text that a rewrite would not give back is kept
beside it as servers.toml.bak. Must not know what a server is asked.
"""

from __future__ import annotations

import os
import sys
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lictui.config import server_schema
from lictui.config.server_schema import to_table, validate_server
from lictui.config.toml_document import TomlDocument, did_you_mean, read_toml
from lictui.errors import ConfigError, LictuiError, Problem, UsageError
from lictui.paths import FILE_MODE, Paths, make_folder, write_private

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from lictui.model import Server


# One writer at a time: a lock that other processes of this user see


@contextmanager
def file_lock(file: Path) -> Iterator[None]:
    """Hold the lock that guards `file`; waits for who holds it. Raises OSError.

    The lock is a file of its own beside it, for `file` itself is replaced by every write.
    """
    make_folder(file.parent)
    handle = os.open(file.with_name(f".{file.name}.lock"), os.O_RDWR | os.O_CREAT, FILE_MODE)
    try:
        _lock(handle)
        yield
    finally:
        os.close(handle)  # lets go of the lock as well


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 - there on Windows alone

        msvcrt.locking(handle, msvcrt.LK_LOCK, 1)
    else:
        import fcntl  # noqa: PLC0415 - there on POSIX alone

        fcntl.flock(handle, fcntl.LOCK_EX)


warnings = server_schema.server_warnings

_HEADER: Final = "# The servers that lictui watches. lictui writes this file; you may, too.\n\n"


@dataclass(frozen=True, slots=True)
class Registry:
    """What servers.toml says: (name, server) in its order; None is a server that cannot be used."""

    entries: tuple[tuple[str, Server | None], ...]
    problems: tuple[Problem, ...]

    @property
    def servers(self) -> tuple[Server, ...]:
        """The servers that can be used."""
        return tuple(server for _, server in self.entries if server is not None)


def read_registry(paths: Paths) -> Registry:
    """The registry, good servers and bad. Raises ConfigError where the file is no TOML at all."""
    document = read_toml(paths.servers)
    entries: list[tuple[str, Server | None]] = []
    problems = [_no_such_key(document, key) for key in document.data if key != "server"]
    seen: dict[str, int] = {}
    for at, table in enumerate(_tables(document)):
        server, refusals = validate_server(table, paths.config_dir)
        problems += [
            document.problem(("server", at, refusal.key), refusal.message, refusal.hint)
            for refusal in refusals
        ]
        name = str(table.get("name", ""))
        if name and name in seen:
            first = document.line(("server", seen[name], "name"))
            hint = f"names are unique; the first is on line {first}"
            problems.append(document.problem(("server", at, "name"), "is taken", hint))
            continue
        seen[name] = at
        entries.append((name, server))
    return Registry(tuple(entries), tuple(problems))


def read_servers(paths: Paths) -> tuple[tuple[Server, ...], tuple[Problem, ...]]:
    """The servers that can be used, and every problem with the others. Never raises ConfigError."""
    try:
        registry = read_registry(paths)
    except ConfigError as error:
        return (), error.problems
    return registry.servers, registry.problems


def load_servers(paths: Paths) -> tuple[Server, ...]:
    """All registered servers. Raises ConfigError with every problem if there is any."""
    servers, problems = read_servers(paths)
    if problems:
        raise ConfigError(problems)
    return servers


def server_table(paths: Paths, name: str) -> dict[str, Any]:
    """What the file says of the server called `name`, good or not. Raises LictuiError."""
    tables = _tables(read_toml(paths.servers))
    return tables[_index(name, tables)]


def add_server(paths: Paths, server: Server) -> None:
    """Register `server`. Raises LictuiError when its name is taken or the file cannot be written.

    Its table is put at the end of the text as it stands, comments and all.
    """
    with _changing(paths) as (document, tables):
        _must_be_free(server.name, tables)
        tables.append(_checked(server, paths))
        added = f"{document.text.rstrip()}\n\n{_dumps({'server': tables[-1:]})}"
        if document.text.strip() and _says(added, document.data):
            write_private(paths.servers, added.encode())
        else:
            _rewrite(paths, document)


def edit_server(paths: Paths, name: str, server: Server) -> None:
    """Put `server` in place of the one called `name`, which may be another name.

    Values that stay are left as the user spelled them. Raises LictuiError.
    """
    with _changing(paths) as (document, tables):
        at = _index(name, tables)
        if server.name != name:
            _must_be_free(server.name, tables)
        wanted = _checked(server, paths)
        before, _ = validate_server(tables[at], paths.config_dir)
        if before and before.source is server.source:
            same = {
                key: value
                for key, value in tables[at].items()
                if value != "" and getattr(before, key) == getattr(server, key)
            }
            wanted |= same
        tables[at] = wanted
        _rewrite(paths, document)


def remove_server(paths: Paths, name: str) -> None:
    """Take the server called `name` out of the registry. Raises LictuiError."""
    with _changing(paths) as (document, tables):
        del tables[_index(name, tables)]
        _rewrite(paths, document)


def save_servers(paths: Paths, servers: Iterable[Server]) -> None:
    """Write a registry of exactly `servers`, in place of whatever is there. Raises LictuiError."""
    tables = [_checked(server, paths) for server in servers]
    with _writing(paths):
        write_private(paths.servers, _text({"server": tables}).encode())


@contextmanager
def _changing(paths: Paths) -> Iterator[tuple[TomlDocument, list[dict[str, Any]]]]:
    """The file as it is now, and its tables to be changed in place, while nobody else writes."""
    with _writing(paths):
        document = read_toml(paths.servers)
        tables = _tables(document)
        document.data["server"] = tables
        yield document, tables


@contextmanager
def _writing(paths: Paths) -> Iterator[None]:
    try:
        with file_lock(paths.servers):
            yield
    except OSError as error:
        raise LictuiError(
            f"{paths.servers} cannot be written: {error.strerror or error}",
            "check who owns the folder, or choose another with --config-dir",
        ) from None


def _rewrite(paths: Paths, document: TomlDocument) -> None:
    """Write the document's data; keep its text beside it if comments or a layout get lost."""
    text = document.text
    if text.strip() and text != _text(tomllib.loads(text)):
        write_private(paths.servers.with_name(f"{paths.servers.name}.bak"), text.encode())
    write_private(paths.servers, _text(document.data).encode())


def _tables(document: TomlDocument) -> list[dict[str, Any]]:
    tables = document.data.get("server", [])
    if isinstance(tables, list) and all(isinstance(table, dict) for table in tables):
        return tables
    problem = document.problem(("server",), "must be a list of tables", "write [[server]]")
    raise ConfigError((problem,))


def _checked(server: Server, paths: Paths) -> dict[str, Any]:
    """The table of `server`, which no way into the registry may leave unchecked."""
    table = to_table(server)
    _, refusals = validate_server(table, paths.config_dir)
    if refusals:
        raise UsageError("\n".join(map(str, refusals)))
    return table


def _must_be_free(name: str, tables: list[dict[str, Any]]) -> None:
    if any(table.get("name") == name for table in tables):
        raise UsageError(f"a server is named {name} already", "every server has a name of its own")


def _index(name: str, tables: list[dict[str, Any]]) -> int:
    names = [str(table.get("name", "")) for table in tables]
    if name not in names:
        raise UsageError(f"no server is named {name}", did_you_mean(name, names))
    return names.index(name)


def _no_such_key(document: TomlDocument, key: str) -> Problem:
    return document.problem((key,), "no such key", "every server is a table [[server]]")


def _text(data: dict[str, Any]) -> str:
    """The file as lictui writes it."""
    return _HEADER + _dumps({key: value for key, value in data.items() if value != []})


def _dumps(data: dict[str, Any]) -> str:
    import tomli_w  # noqa: PLC0415 - reading needs no writer

    return tomli_w.dumps(data)


def _says(text: str, data: dict[str, Any]) -> bool:
    try:
        return tomllib.loads(text) == data
    except tomllib.TOMLDecodeError:
        return False
