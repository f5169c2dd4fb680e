"""Error tables of the sources: what a status, an error code or an error text means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lictui.model import FailureKind, Step
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


@dataclass(frozen=True, slots=True)
class ErrorRule:
    """A row of an error table.

    `match` holds numbers and names, or is a regular expression that is searched in a text; None
    matches everything and ends a table; () matches nothing: the source selects the rule itself.
    """

    match: Collection[int | str] | re.Pattern[str] | None
    kind: FailureKind
    message: str = ""  # what happened; the source adds where
    hint: str = ""  # what the user can do
    step: Step = Step.INVENTORY

    def matches(self, value: int | str) -> bool:
        """Whether `value` (a number, a name or a text) is an error of this kind."""
        if self.match is None:
            return True
        if isinstance(self.match, re.Pattern):
            return isinstance(value, str) and self.match.search(value) is not None
        return value in self.match

    def error(self, message: str, step: Step | None = None) -> SourceError:
        """Return the error with the complete `message`, which says where it happened."""
        return SourceError(self.kind, message, self.hint, step or self.step)


def find_rule(rules: Iterable[ErrorRule], *values: int | str) -> ErrorRule:
    """Return the first rule that matches one of `values`; the last rule must match everything."""
    return next(
        rule for rule in rules if rule.match is None or any(rule.matches(value) for value in values)
    )
