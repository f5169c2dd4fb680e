"""WQL queries, as far as lictui uses them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

Value = str | int | bool | date | None  # of a property

# WQL, as far as lictui uses it: columns of one class, where a property equals one of some texts.
_SELECT: Final = re.compile(
    r"\s*SELECT\s+(\*|\w+(?:\s*,\s*\w+)*)\s+FROM\s+(\w+)(?:\s+WHERE\s+(.+))?\s*",
    re.IGNORECASE | re.DOTALL,
)
_EQUALS: Final = re.compile(r"\s*(\w+)\s*=\s*'([^']*)'\s*")
_OR: Final = re.compile(r"\sOR\s", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SelectStatement:
    """A WQL query; without conditions every row matches."""

    class_name: str
    properties: tuple[str, ...] = ()  # () means all
    conditions: tuple[tuple[str, str], ...] = ()  # property in lower case, text; any must be true

    def matches(self, row: Mapping[str, Value]) -> bool:
        """Tell whether `row`, with keys in lower case, is selected; KeyError: no such property."""
        return not self.conditions or any(
            str(row[name]).casefold() == value.casefold() for name, value in self.conditions
        )


def parse_wql(text: str) -> SelectStatement:
    """Parse a query; ValueError if it does not have the supported form."""
    match = _SELECT.fullmatch(text)
    if match is None:
        raise ValueError("not a supported query")
    columns, class_name, where = match.groups()
    equals = [_EQUALS.fullmatch(part) for part in _OR.split(where)] if where else []
    conditions = tuple((match[1].lower(), match[2]) for match in equals if match)
    if len(conditions) < len(equals):
        raise ValueError("not a supported query")
    properties = () if columns == "*" else tuple(map(str.strip, columns.split(",")))
    return SelectStatement(class_name, properties, conditions)
