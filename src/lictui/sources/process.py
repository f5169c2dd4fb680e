"""Runs one program for a source: bounded in time and size, and ended with all it started.

Owns the subprocess and its end. Must not know what the program is for, nor what its output means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lictui.sources.source import SourceError
from lictui.words import FailureKind, Step

if TYPE_CHECKING:
    from lictui.config.settings import Limits


@dataclass(frozen=True, slots=True)
class Output:
    """What a program printed, and how it ended."""

    status: int  # exit code
    stdout: bytes
    stderr: str  # cleaned, one short line: the last that was printed there


async def run(argv: tuple[str, ...], limits: Limits) -> Output:
    """Run `argv` without a shell, and wait for its end, at most `limits.timeout` seconds.

    Any exit code is an answer. Raises SourceError: `command` when it cannot be started, `timeout`
    when it was killed at the deadline with all its children, `too_large` past `limits.max_reply`.
    """
    del limits
    raise SourceError(FailureKind.COMMAND, f"cannot run {argv[0]}", "", Step.INVENTORY)
