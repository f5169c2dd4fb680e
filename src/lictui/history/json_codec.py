"""Dataclasses of `lictui.model` as JSON, and back from whatever version of lictui wrote it."""

from __future__ import annotations

import json
import sys
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from functools import cache
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_args, get_origin, get_type_hints

from lictui.model import FailureKind, Level, Model

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")
_NOT_STORED: Final = frozenset({"raw_fields"})  # explain a figure of now, too large for the past
_FALLBACK: Final[dict[type, Enum]] = {  # for words of a newer version
    Model: Model.OTHER,
    Level: Level.UNKNOWN,
    FailureKind: FailureKind.PROTOCOL,
}
_INVALID: Final = (TypeError, ValueError, KeyError, AttributeError)


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
    if get_origin(hint) is tuple:
        return _tuple_reader(*get_args(hint))
    if NoneType in get_args(hint):
        (inner,) = (_reader(option) for option in get_args(hint) if option is not NoneType)
        return lambda value: None if value is None else inner(value)
    if is_dataclass(hint):
        return _dataclass_reader(hint)
    if issubclass(hint, Enum):
        return _enum_reader(hint)
    return _scalar_reader(hint)


def _scalar_reader(class_: Any) -> Callable[[Any], Any]:
    if issubclass(class_, date):
        return date.fromisoformat
    if class_ is str:
        return sys.intern  # the same few words come thousands of times: each is kept once
    accepted = (int, float) if class_ is float else class_

    def read(value: Any) -> Any:
        if isinstance(value, accepted):
            return value
        raise TypeError(value)

    return read


def _enum_reader(class_: type[Enum]) -> Callable[[Any], Any]:
    members = {member.value: member for member in class_}
    fallback = _FALLBACK.get(class_)

    def read(value: Any) -> Any:
        return members[value] if fallback is None else members.get(value, fallback)

    return read


def _tuple_reader(*hints: Any) -> Callable[[Any], Any]:
    if hints[-1] is not Ellipsis:
        readers = [_reader(hint) for hint in hints]
        return lambda value: tuple(read(item) for read, item in zip(readers, value, strict=True))
    read_item = _reader(hints[0])

    def read(value: Any) -> Any:
        items = []
        for item in value:
            try:
                items.append(read_item(item))
            except _INVALID:
                continue  # one invalid pool does not cost the others
        return tuple(items)

    return read


def _dataclass_reader(class_: Any) -> Callable[[Any], Any]:
    hints = get_type_hints(class_, localns={"date": date})
    readers = {name: _reader(hint) for name, hint in hints.items()}

    def read(value: Any) -> Any:
        arguments = {}
        for name, field_value in value.items():
            if name in readers:
                try:
                    arguments[name] = readers[name](field_value)
                except _INVALID:
                    continue
        return class_(**arguments)

    return read
