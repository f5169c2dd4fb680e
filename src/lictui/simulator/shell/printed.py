"""What a program leaves behind: the words that machines and their programs share.

Must not know which program it was.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Printed:
    """Both outputs of a program, and how it ended."""

    stdout: bytes = b""
    stderr: str = ""
    status: int = 0
    cut: bool = False  # its output ends in the middle
