"""Why one key of a server cannot be as it is: said alike for a file, a form and a command line.

Owns that sentence. Must not know which rules there are.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the value of one key cannot be."""

    key: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.key}: {self.message}" + (f" ({self.hint})" if self.hint else "")
