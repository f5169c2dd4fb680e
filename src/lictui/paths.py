"""Where lictui keeps its files, and how it makes them: 0600 in 0700 folders.

Owns folder names and file modes. Must not know what stands in the files.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o600


@dataclass(frozen=True, slots=True)
class Paths:
    """The two folders of one lictui, and the files in them."""

    config_dir: Path
    data_dir: Path

    @property
    def config(self) -> Path:
        """`config.toml`: the user's; never rewritten."""
        return self.config_dir / "config.toml"

    @property
    def servers(self) -> Path:
        """`servers.toml`: the registry."""
        return self.config_dir / "servers.toml"

    @property
    def entitlements(self) -> Path:
        """`contract.toml`: what was bought; the user's, never written."""
        return self.config_dir / "contract.toml"

    @property
    def state(self) -> Path:
        """`state.toml`: last view, sort, collapsed panes."""
        return self.data_dir / "state.toml"

    @property
    def history(self) -> Path:
        """`history.db`, unless config.toml names another place."""
        return self.data_dir / "history.db"

    @property
    def privacy_key(self) -> Path:
        """`privacy.key`: makes the hashes of names this data dir's own."""
        return self.data_dir / "privacy.key"

    @property
    def log(self) -> Path:
        """`lictui.log`, rotating."""
        return self.data_dir / "lictui.log"


def resolve_paths(config_dir: Path | None = None, data_dir: Path | None = None) -> Paths:
    """The folders given, else those of this platform and user. Creates nothing."""
    import platformdirs  # noqa: PLC0415 - start-up with both folders given does not need it

    return Paths(
        config_dir or Path(platformdirs.user_config_dir("lictui", appauthor=False)),
        data_dir or Path(platformdirs.user_data_dir("lictui", appauthor=False)),
    )


def make_folder(folder: Path) -> None:
    """Create `folder` and its parents, private to the user; an existing one stays as it is."""
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)


def write_private(file: Path, data: bytes) -> None:
    """Replace `file` with `data` in one step, 0600: a reader sees the old text or the new one.

    Follows a symbolic link to what it points at, so that a linked file stays linked.
    """
    file = file.resolve()
    make_folder(file.parent)
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        Path(name).chmod(FILE_MODE)
        Path(name).replace(file)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def current_user() -> str:
    """Who this process runs as, for what others read: "?" where nobody can tell."""
    import getpass  # noqa: PLC0415 - seldom asked

    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "?"
