"""One writer at a time: a lock that other processes of this user see.

Owns the lock's file. Must not know what is written under it.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lictui.paths import FILE_MODE, make_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def locked(file: Path) -> Iterator[None]:
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
