"""servers.toml: read with every problem reported, and changed without losing the user's edits.

Before a change the file is read again under a lock. Only the lines of one server are changed, so
comments, order and spelling of everything else stay.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import tomli_w
from msgspec import Struct

from lictui.config.server_schema import checked_server, keys_for, to_table, validate_server
from lictui.config.toml_document import FieldError, TomlDocument, did_you_mean, read_toml
from lictui.errors import ConfigError, LictuiError, Problem, UsageError
from lictui.paths import FILE_MODE, Paths, make_folder, write_private

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lictui.model import Server


_HEADER: Final = "# Servers monitored by lictui. Managed by lictui; manual edits are allowed.\n\n"


class Registry(Struct, frozen=True):
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
    problems = document.foreign_keys("server")
    first_index: dict[str, int] = {}  # of each name
    for index, table in enumerate(document.tables("server")):
        server, errors = validate_server(table, paths.config_dir)
        problems += document.problems(("server", index), errors)
        name = str(table.get("name", ""))
        if name and name in first_index:
            line = document.line(("server", first_index[name], "name"))
            message = f"duplicate name (first defined on line {line})"
            error = FieldError("name", message, "choose another name")
            problems += document.problems(("server", index), (error,))
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


def add_server(paths: Paths, server: Server) -> None:
    """Add `server`. Raises LictuiError if its name exists or the file cannot be written."""
    with _changing(paths) as (document, tables):
        _require_new_name(server.name, tables)
        if "server" in document.data:
            _split(document, 0)  # raises where no table can be appended
        text = document.text.rstrip() or _HEADER.rstrip()
        _write(paths, f"{text}\n\n{_text((server,), paths)}")


def edit_server(paths: Paths, name: str, changes: Mapping[str, Any]) -> Server:
    """Set these keys of the server `name`, and return it as it is now. Raises LictuiError.

    An empty value removes a key. Every other key keeps the value that the file has now. With
    another source, the keys that only the previous one has are removed.
    """
    import tomlkit

    with _changing(paths) as (document, tables):
        index = _index(name, tables)
        if changes.get("name", name) != name:
            _require_new_name(str(changes["name"]), tables)
        before, after, lines = _split(document, index)
        edited = tomlkit.parse(lines)
        table: Any = edited["server"][0]
        source = changes.get("source", "")
        for key in [*table]:
            if source not in ("", table["source"]) and key not in keys_for(source):
                del table[key]
        for key, value in changes.items():
            if value != "":
                table[key] = list(value) if isinstance(value, tuple) else value
            else:
                table.pop(key, None)
        server = checked_server(edited.unwrap()["server"][0], paths.config_dir)
        _write(paths, before + tomlkit.dumps(edited) + after)
    return server


def changed_keys(before: Server, after: Server) -> dict[str, Any]:
    """Return the keys of a server that differ, as `edit_server` takes them."""
    old, new = to_table(before), to_table(after)
    return {key: new.get(key, "") for key in old | new if old.get(key) != new.get(key)}


def remove_server(paths: Paths, name: str) -> None:
    """Remove the server `name`. Raises LictuiError."""
    with _changing(paths) as (document, tables):
        before, after, _ = _split(document, _index(name, tables))
        _write(paths, before + after.lstrip("\n") if len(tables) > 1 else before + after)


def save_servers(paths: Paths, servers: Iterable[Server]) -> None:
    """Replace all servers by `servers`. Raises LictuiError."""
    text = _HEADER + _text(servers, paths)
    with _locked(paths):
        _write(paths, text)


def require_server(paths: Paths, name: str) -> None:
    """Raise UsageError if there is no server `name`, valid or not."""
    _index(name, read_toml(paths.servers).tables("server"))


@contextmanager
def _changing(paths: Paths) -> Iterator[tuple[TomlDocument, list[dict[str, Any]]]]:
    """Give the file as it is now, and its tables, under the lock."""
    with _locked(paths):
        document = read_toml(paths.servers)
        yield document, document.tables("server")


def _split(document: TomlDocument, index: int) -> tuple[str, str, str]:
    """Return the text before and after the table of a server, and the table itself.

    Comments and blank lines at its end belong to what follows.
    """
    lines = document.text.splitlines(keepends=True)
    start, end = document.span(("server", index))
    if not lines[start].lstrip().startswith("[["):
        problem = document.problem(("server",), "cannot be changed in this form", "use [[server]]")
        raise ConfigError((problem,))
    while not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#"):
        end -= 1
    return "".join(lines[:start]), "".join(lines[end:]), "".join(lines[start:end])


def _write(paths: Paths, text: str) -> None:
    try:
        write_private(paths.servers, text.encode(), keep_readers=True)
    except OSError as error:
        raise _unwritable(paths.servers, error) from None


# The lock of the file


_LOCK_TIMEOUT: Final = 5.0  # seconds


@contextmanager
def _locked(paths: Paths) -> Iterator[None]:
    """Hold a lock that other processes respect; wait for it. Raises LictuiError.

    The lock is a file of its own next to servers.toml, which every write replaces.
    """
    from filelock import FileLock, Timeout

    file = paths.servers.with_name(f".{paths.servers.name}.lock")
    lock = FileLock(file, _LOCK_TIMEOUT, FILE_MODE)
    try:
        make_folder(file.parent)
        lock.acquire()
    except Timeout:
        holder = _holder(file)
        message = f"{paths.servers} is locked by {holder}"
        raise LictuiError(message, "try again when it is done") from None
    except OSError as error:
        raise _unwritable(paths.servers, error) from None
    try:
        yield
    finally:
        lock.release()


def _holder(file: Path) -> str:
    """Return the program that holds the lock, as far as the system says."""
    try:
        inode = file.stat().st_ino
        for line in Path("/proc/locks").read_text().splitlines():
            _, _, _, _, process, place, *_ = line.split()
            if place.rpartition(":")[2] == str(inode):
                program = Path(f"/proc/{process}/comm").read_text().strip()
                return f"{program} (process {process})"
    except (OSError, ValueError):
        pass
    return "another program"


def _unwritable(file: Path, error: OSError) -> LictuiError:
    return LictuiError(
        f"{file} cannot be written: {error.strerror or error}",
        "check the permissions of the directory, or use another --config-dir",
    )


def _text(servers: Iterable[Server], paths: Paths) -> str:
    tables = [to_table(server) for server in servers]
    for table in tables:
        checked_server(table, paths.config_dir)
    return "\n".join(f"[[server]]\n{tomli_w.dumps(table)}" for table in tables)


def _require_new_name(name: str, tables: list[dict[str, Any]]) -> None:
    if any(table.get("name") == name for table in tables):
        raise UsageError(f"server {name} already exists", "choose another name")


def _index(name: str, tables: list[dict[str, Any]]) -> int:
    names = [str(table.get("name", "")) for table in tables]
    if name not in names:
        hint = did_you_mean(name, names) or "run `lictui servers list` to see all servers"
        raise UsageError(f"unknown server {name}", hint)
    return names.index(name)
