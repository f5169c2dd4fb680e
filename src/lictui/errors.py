"""Exceptions that end a command with exit code 2; `cli` prints message and hint to stderr.

    LictuiError
    ├── UsageError                       the command line is not valid
    ├── ConfigError                      a configuration file is not valid
    ├── lictui.config.secrets.SecretError       a secret cannot be resolved
    └── lictui.history.errors.HistoryError      the history cannot be read or written

A failure of a license server is a value: see `lictui.model.Failure`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from pathlib import Path


class LictuiError(Exception):
    """An error the user can fix: `message` says what and where, `hint` what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(LictuiError):
    """The command line is not valid."""


class Problem(Struct, frozen=True):
    """One error in one configuration file, with its position."""

    file: Path
    key: str  # dotted, as TOML spells it; "" for the file as a whole
    message: str
    line: int | None = None  # 1-based; None if unknown
    hint: str = ""  # a similar valid key or value, or what to write instead

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else str(self.file)
        key = f" {self.key}:" if self.key else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{where}:{key} {self.message}{hint}"


class ConfigError(LictuiError):
    """A configuration file that cannot be used, with every problem in it."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems
