"""Locations of lictui's files, and writing them privately: mode 0600 in folders of 0700."""

from __future__ import annotations

import getpass
import os
import shlex
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from lictui.errors import LictuiError

FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o600
_READABLE: Final = 0o044  # by the group, and by all


class Paths(Struct, frozen=True):
    """The configuration and data folders, and the files in them."""

    config_dir: Path
    data_dir: Path
    log_dir: Path | None = None  # None: the data folder

    @property
    def config(self) -> Path:
        """`config.toml`: settings; lictui never modifies it."""
        return self.config_dir / "config.toml"

    @property
    def servers(self) -> Path:
        """`servers.toml`: the registered servers."""
        return self.config_dir / "servers.toml"

    @property
    def entitlements(self) -> Path:
        """`contract.toml`: the purchased licenses; lictui never modifies it."""
        return self.config_dir / "contract.toml"

    @property
    def secrets(self) -> Path:
        """`secrets`: the folder of the passwords that `lictui secrets set` stored."""
        return self.config_dir / "secrets"

    @property
    def state(self) -> Path:
        """`state.toml`: last view, sort order, collapsed panes."""
        return self.data_dir / "state.toml"

    @property
    def history(self) -> Path:
        """`history.db`, unless config.toml sets another path."""
        return self.data_dir / "history.db"

    @property
    def privacy_key(self) -> Path:
        """`privacy.key`: the key of the hashes that replace user names."""
        return self.data_dir / "privacy.key"

    @property
    def log(self) -> Path:
        """`lictui.log`, rotating."""
        return (self.log_dir or self.data_dir) / "lictui.log"


def resolve_paths(config_dir: Path | None = None, data_dir: Path | None = None) -> Paths:
    """Return the given folders, else those of the service, or of this platform and user.

    Creates nothing.
    """
    import platformdirs

    return Paths(
        config_dir
        or _service_folder("CONFIGURATION_DIRECTORY")
        or Path(platformdirs.user_config_dir("lictui", appauthor=False)),
        data_dir
        or _service_folder("STATE_DIRECTORY")
        or Path(platformdirs.user_data_dir("lictui", appauthor=False)),
        None if data_dir else _service_folder("LOGS_DIRECTORY"),
    )


def _service_folder(name: str) -> Path | None:
    """Return a folder that systemd made for this service (man systemd.exec).

    A program that another service starts, as an agent starts a plugin, gets those of that service.
    """
    folder = os.environ.get(name, "").partition(":")[0]
    is_own = os.environ.get("SYSTEMD_EXEC_PID") in (None, str(os.getpid()))
    return Path(folder) if folder and is_own else None


def make_folder(folder: Path) -> None:
    """Create `folder` and its parents, private to the user; an existing one is not changed."""
    if not folder.parent.exists():
        make_folder(folder.parent)
    folder.mkdir(mode=FOLDER_MODE, exist_ok=True)


def current_folder() -> Path:
    """Return the working directory. Raises LictuiError if it does not exist any more."""
    try:
        return Path.cwd()
    except OSError:
        message = "the current directory does not exist any more"
        raise LictuiError(message, "change to another one, or use absolute paths") from None


def writable_by_others(paths: Paths) -> list[str]:
    """Return a warning for the configuration if other users can change it, and so its commands."""
    return [
        f"{path}: other users can change it, and so the commands that lictui runs (chmod go-w)"
        for path in (paths.config_dir, paths.config, paths.servers)
        if os.name == "posix" and path.exists() and path.stat().st_mode & 0o022
    ]


def write_private(
    file: Path, data: bytes, *, keep_readers: bool = False, mode: int = FILE_MODE
) -> None:
    """Replace `file` atomically by `data`, with mode 0600; `keep_readers` lets others still read.

    A symbolic link is followed, so that it stays a link.
    """
    file = file.resolve()
    make_folder(file.parent)
    before = file.stat() if keep_readers and file.exists() else None
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        Path(name).chmod(mode)
        if before is not None:
            with suppress(OSError, AttributeError):  # another user's group; Windows
                os.chown(name, -1, before.st_gid)
                Path(name).chmod(FILE_MODE | before.st_mode & _READABLE)
        Path(name).replace(file)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def current_user() -> str:
    """Return the name of the user this process runs as, "?" if unknown."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "?"


def split_command(text: str) -> tuple[str, ...]:
    """Split a command line like a shell. Raises ValueError for an unclosed quote.

    On Windows a backslash is a part of a path, not an escape.
    """
    lexer = shlex.shlex(text, posix=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    if os.name == "nt":
        lexer.escape = ""
    return tuple(lexer)
