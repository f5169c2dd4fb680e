"""What `lictui watch` was asked for. Needs no Textual: the command line makes one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """How the console view behaves."""

    rotate: float = 15.0  # seconds a page stays
    beep: bool = False  # at an alert that was not there before
    exit_on: str | None = None  # "warn" or "critical": end with code 1 at such an alert
