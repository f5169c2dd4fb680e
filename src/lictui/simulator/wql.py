"""WQL, as much of it as a monitor asks: which columns of which class, where a name is one of some.

Owns the grammar. Must not know which classes there are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

Value = str | int | bool | date | None

_TOKEN: Final = re.compile(
    r"""\s*(?: (?P<word>[A-Za-z_]\w*) | (?P<number>-?\d+) | (?P<mark><>|!=|=|,|\*)
         | '(?P<single>(?:[^'\\]|\\.)*)' | "(?P<double>(?:[^"\\]|\\.)*)" )\s*""",
    re.VERBOSE,
)
_CONSTANTS: Final[Mapping[str, Value]] = {"true": True, "false": False, "null": None}


class InvalidWqlError(ValueError):
    """What was asked is no WQL, or more of it than is spoken here."""


@dataclass(frozen=True, slots=True)
class WqlCondition:
    """One comparison of a property with a constant."""

    name: str  # lower case
    equal: bool  # False: must differ
    value: Value

    def holds(self, row: Mapping[str, Value]) -> bool:
        """Whether it is true of `row`, whose keys are lower case; text compares caselessly."""
        return (_comparable(row[self.name]) == _comparable(self.value)) is self.equal


@dataclass(frozen=True, slots=True)
class SelectStatement:
    """A query, taken apart."""

    class_name: str
    properties: tuple[str, ...] = ()  # as asked for; () means all of them
    where: tuple[tuple[WqlCondition, ...], ...] = ()  # any of these, each of all its conditions

    def matches(self, row: Mapping[str, Value]) -> bool:
        """Whether `row`, whose keys are lower case, is asked for; KeyError: no such property."""
        return not self.where or any(
            all(condition.holds(row) for condition in conditions) for conditions in self.where
        )


def parse_wql(text: str) -> SelectStatement:
    """Take a SELECT apart; BadQueryError when it is none."""
    tokens = _Tokens(text)
    tokens.keyword("SELECT")
    properties = []
    if not tokens.mark("*"):
        properties.append(tokens.word())
        while tokens.mark(","):
            properties.append(tokens.word())
    tokens.keyword("FROM")
    class_name = tokens.word()
    where = []
    if not tokens.done:
        tokens.keyword("WHERE")
        where.append(_conditions(tokens))
        while not tokens.done:
            tokens.keyword("OR")
            where.append(_conditions(tokens))
    return SelectStatement(class_name, tuple(properties), tuple(where))


def _conditions(tokens: _Tokens) -> tuple[WqlCondition, ...]:
    conditions = [_condition(tokens)]
    while tokens.word_is("AND"):
        conditions.append(_condition(tokens))
    return tuple(conditions)


def _condition(tokens: _Tokens) -> WqlCondition:
    name = tokens.word().lower()
    equal = tokens.mark("=")
    if not (equal or tokens.mark("<>", "!=")):
        raise InvalidWqlError(f"{name} is not compared by =, <> or !=")
    return WqlCondition(name, equal, tokens.constant())


class _Tokens:
    """The tokens of a query, consumed from the front."""

    def __init__(self, text: str) -> None:
        self._left: list[tuple[str, str]] = []
        at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None or match.lastgroup is None:
                raise InvalidWqlError(f"Cannot be read at {text[at : at + 20]!r}")
            self._left.append((match.lastgroup, match[match.lastgroup]))
            at = match.end()
        self._left.reverse()

    @property
    def done(self) -> bool:
        return not self._left

    def _next(self) -> tuple[str, str]:
        if not self._left:
            raise InvalidWqlError("It ends too early")
        return self._left.pop()

    def word(self) -> str:
        kind, text = self._next()
        if kind != "word":
            raise InvalidWqlError(f"A name is expected, not {text!r}")
        return text

    def keyword(self, keyword: str) -> None:
        if self.word().upper() != keyword:
            raise InvalidWqlError(f"{keyword} is expected")

    def word_is(self, keyword: str) -> bool:
        if not self.done and self._left[-1][0] == "word" and self._left[-1][1].upper() == keyword:
            self._left.pop()
            return True
        return False

    def mark(self, *marks: str) -> bool:
        if not self.done and self._left[-1][0] == "mark" and self._left[-1][1] in marks:
            self._left.pop()
            return True
        return False

    def constant(self) -> Value:
        kind, text = self._next()
        match kind:
            case "single" | "double":
                return re.sub(r"\\(.)", r"\1", text)
            case "number":
                return int(text)
            case "word" if text.lower() in _CONSTANTS:
                return _CONSTANTS[text.lower()]
            case _:
                raise InvalidWqlError(f"A constant is expected, not {text!r}")


def _comparable(value: Value) -> Value:
    return value.casefold() if isinstance(value, str) else value
