"""Writes the simulated programs into a folder, ready to run.

Owns their names, permissions and first lines. Must not know what they do.
"""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lictui.paths import write_private
from lictui.simulator.shell import client

_EXECUTABLE: Final = 0o700
# Read by sh as a command that starts Python, and by Python as a text: a `#!` line may hold neither
# blanks in a path nor more than 127 characters. Neither site nor environment slow it down.
_FIRST: Final = "#!/bin/sh\n''''exec {python} -IS \"$0\" \"$@\" # '''\n"


@dataclass(frozen=True, slots=True)
class Programs:
    """Where the simulated programs are."""

    lmutil: Path  # `lmutil lmstat -a -c PORT@HOST`
    ssh: Path  # `ssh -p PORT USER@HOST COMMAND…`


def install(folder: Path) -> Programs:
    """Write both into `folder`, for the user alone. OSError when that is not possible."""
    text = _FIRST.format(python=shlex.quote(sys.executable))
    text += Path(client.__file__).read_text(encoding="utf-8")
    programs = Programs(folder / "lmutil", folder / "ssh")
    for path in (programs.lmutil, programs.ssh):
        write_private(path, text.encode())
        path.chmod(_EXECUTABLE)
    return programs
