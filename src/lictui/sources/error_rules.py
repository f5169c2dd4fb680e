"""Rows of the tables that map errors of programs and protocols to failures."""

from __future__ import annotations

from dataclasses import dataclass

from lictui.model import FailureKind, Step


@dataclass(frozen=True, slots=True)
class ErrorRule:
    """The failure that an error means."""

    kind: FailureKind
    hint: str
    step: Step = Step.INVENTORY
    match: str = ""  # regular expression to search in the error message, where rules are searched
