"""Dataclasses of `lictui.model` as JSON, and back from whatever version of lictui wrote it."""

from __future__ import annotations

import json
import sys
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from functools import cache, partial
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_args, get_origin, get_type_hints

from lictui.model import FailureKind, Level, Model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_T = TypeVar("_T")
_NOT_STORED: Final = frozenset({"raw_fields"})  # explain a figure of now, too large for the past
_FALLBACK: Final[dict[type, Enum]] = {  # for words of a newer version
    Model: Model.OTHER,
    Level: Level.UNKNOWN,
    FailureKind: FailureKind.PROTOCOL,
}
_INVALID: Final = (TypeError, ValueError, KeyError, AttributeError, RecursionError)


def to_json(value: object) -> str:
    """Return a frozen value of the model as JSON, without fields at their default."""
    return json.dumps(_to_plain(value), ensure_ascii=False, separators=(",", ":"))


def from_json(class_: type[_T], text: str | None) -> _T | None:
    """Return the value that was stored, as far as it is understood; None if it is not at all.

    Unknown fields are skipped, invalid ones get their default, invalid items of a tuple are left
    out.
    """
    if text is None:
        return None
    target: Any = class_
    try:
        value: _T = _reader(target)(json.loads(text))
    except _INVALID:
        return None
    return value


def _to_plain(value: Any) -> Any:
    class_: Any = type(value)
    if is_dataclass(value):
        return {
            name: _to_plain(field_value)
            for name, default in _defaults(class_)
            if (field_value := getattr(value, name)) != default
        }
    if isinstance(value, tuple):
        return [_to_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


@cache
def _defaults(class_: type) -> tuple[tuple[str, Any], ...]:
    all_fields: Any = fields(class_)
    return tuple(
        (field.name, field.default) for field in all_fields if field.name not in _NOT_STORED
    )


@cache
def _reader(hint: Any) -> Callable[[Any], Any]:
    """Return the function that reads values of a type hint from plain JSON values."""
    arguments = get_args(hint)
    if get_origin(hint) is tuple:
        return _tuple_reader(*arguments)
    if NoneType in arguments:
        (read,) = (_reader(option) for option in arguments if option is not NoneType)
        return lambda value: None if value is None else read(value)
    if is_dataclass(hint):
        return _dataclass_reader(hint)
    if issubclass(hint, Enum):
        members = {member.value: member for member in hint}
        fallback = _FALLBACK.get(hint)
        return lambda value: members.get(value, fallback) if fallback else members[value]
    if issubclass(hint, date):
        return date.fromisoformat
    # The same few words come thousands of times: each is kept once.
    return sys.intern if hint is str else partial(_checked, hint)


def _checked(kind: type, value: Any) -> Any:
    if isinstance(value, (int, float) if kind is float else kind):
        return value
    raise TypeError(value)


def _tuple_reader(*hints: Any) -> Callable[[Any], Any]:
    if hints[-1] is not Ellipsis:
        readers = [_reader(hint) for hint in hints]
        return lambda value: tuple(read(item) for read, item in zip(readers, value, strict=True))
    reader = _reader(hints[0])
    # One invalid pool does not cost the others.
    return lambda value: tuple(result for _, result in _valid((None, reader, v) for v in value))


def _dataclass_reader(class_: Any) -> Callable[[Any], Any]:
    hints = get_type_hints(class_, localns={"date": date})
    readers = {name: _reader(hint) for name, hint in hints.items()}
    return lambda value: class_(
        **dict(_valid((name, readers[name], v) for name, v in value.items() if name in readers))
    )


def _valid(items: Iterable[tuple[Any, Callable[[Any], Any], Any]]) -> Iterator[tuple[Any, Any]]:
    """Yield each key with what its reader makes of its value, if that is possible."""
    for key, read, value in items:
        try:
            result = read(value)
        except _INVALID:
            continue
        yield key, result
