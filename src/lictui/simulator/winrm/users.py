"""The one user that an NTLM acceptor knows, for as long as it looks.

Owns the file that pyspnego's acceptor reads its users from: the one NTLM_USER_FILE names, and no
other way is offered. Must not know HTTP.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_alone = threading.Lock()


@dataclass(frozen=True, slots=True)
class Account:
    r"""A user, as `CORP\name`, `name@corp.example` or, of the machine itself, `name`."""

    username: str
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        if any(mark in self.username + self.password for mark in ":\r\n"):
            raise ValueError("NTLM's user file cannot hold a colon or a line break")

    def lines(self, machine: str) -> str:
        """This user as NTLM may name it, one `DOMAIN:USER:PASSWORD` a line."""
        domain, _, name = self.username.rpartition("\\")
        domains = [domain] if domain or "@" in name else ["", ".", machine]
        return "".join(f"{each}:{name}:{self.password}\n" for each in domains)


@contextmanager
def only(account: Account, machine: str) -> Iterator[None]:
    """Let NTLM know `account` of `machine` and nobody else; servers may share users' names."""
    with _alone:
        file = _folder() / "users"
        file.parent.mkdir(mode=0o700, exist_ok=True)  # a cleaner of /tmp may have come by
        file.write_text(account.lines(machine), encoding="utf-8")
        # Set once: to change the environment is not safe while other threads read it.
        if os.environ.get("NTLM_USER_FILE") != str(file):
            os.environ["NTLM_USER_FILE"] = str(file)
        try:
            yield
        finally:
            file.unlink()


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="lictui-"))  # 0700
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
