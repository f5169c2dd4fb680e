"""The exceptions that end a command: what the user is told, and what to do about it.

Owns the sentence and the hint. Must not know who prints them: `cli` does, on stderr, with exit
code 2. Failures of a license server are not exceptions but values: see `lictui.model.Failure`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class LictuiError(Exception):
    """Something the user must settle: `message` says what and where, `hint` what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(LictuiError):
    """The command line asks for something that cannot be."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in one file, precise enough to jump to it."""

    file: Path
    key: str  # dotted, as the file would spell it; "" when the file as a whole is meant
    message: str
    line: int | None = None  # 1-based; None when the text gives no better place than the file
    hint: str = ""  # the nearest valid key or value, or what to write instead

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else str(self.file)
        key = f" {self.key}:" if self.key else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{where}:{key} {self.message}{hint}"


class ConfigError(LictuiError):
    """A configuration that cannot be used, with every problem found, not only the first."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems
