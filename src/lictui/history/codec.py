"""The model's values as JSON, and back from whatever version of lictui wrote them.

Owns the tolerance: a key nobody knows is skipped, one that is missing or makes no sense has its
default, a word nobody knows is the nearest to "unknown" there is. Must not know where it is kept.
"""

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
_LEFT_OUT: Final = frozenset({"raw"})  # explains a figure of now; of the past it is only weight
_UNKNOWN: Final[dict[type, Enum]] = {
    Model: Model.OTHER,
    Level: Level.UNKNOWN,
    FailureKind: FailureKind.PROTOCOL,
}
_NONSENSE: Final = (TypeError, ValueError, KeyError, AttributeError)


def dump(value: object) -> str:
    """A frozen value of the model, without what is at its default."""
    return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"))


def load(kind: type[_T], text: str | None) -> _T | None:
    """The value that was dumped, as far as it is understood; None when nothing of it is."""
    if text is None:
        return None
    anything: Any = kind
    try:
        value: _T = _reader(anything)(json.loads(text))
    except _NONSENSE:
        return None
    return value


def _plain(value: Any) -> Any:
    kind: Any = type(value)
    if is_dataclass(value):
        return {
            name: _plain(found)
            for name, default in _defaults(kind)
            if (found := getattr(value, name)) != default
        }
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value


@cache
def _defaults(kind: type) -> tuple[tuple[str, Any], ...]:
    found: Any = fields(kind)
    return tuple((each.name, each.default) for each in found if each.name not in _LEFT_OUT)


@cache
def _reader(kind: Any) -> Callable[[Any], Any]:
    if get_origin(kind) is tuple:
        return _tuple(*get_args(kind))
    if NoneType in get_args(kind):
        (inner,) = (_reader(each) for each in get_args(kind) if each is not NoneType)
        return lambda value: None if value is None else inner(value)
    if is_dataclass(kind):
        return _dataclass(kind)
    if issubclass(kind, Enum):
        return _enum(kind)
    if issubclass(kind, date):
        return date.fromisoformat
    return _plainly((int, float) if kind is float else kind)


def _plainly(kind: Any) -> Callable[[Any], Any]:
    if kind is str:
        return sys.intern  # the same few words come back thousands of times: one of each is kept

    def read(value: Any) -> Any:
        if isinstance(value, kind):
            return value
        raise TypeError(value)

    return read


def _enum(kind: type[Enum]) -> Callable[[Any], Any]:
    known = {each.value: each for each in kind}
    fallback = _UNKNOWN.get(kind)

    def read(value: Any) -> Any:
        return known[value] if fallback is None else known.get(value, fallback)

    return read


def _tuple(*kinds: Any) -> Callable[[Any], Any]:
    if kinds[-1] is not Ellipsis:
        readers = [_reader(each) for each in kinds]
        return lambda value: tuple(read(each) for read, each in zip(readers, value, strict=True))
    one = _reader(kinds[0])

    def read(value: Any) -> Any:
        found = []
        for each in value:
            try:
                found.append(one(each))
            except _NONSENSE:
                continue  # one pool that makes no sense does not cost the others
        return tuple(found)

    return read


def _dataclass(kind: Any) -> Callable[[Any], Any]:
    hints = get_type_hints(kind, localns={"date": date})
    readers = {name: _reader(hint) for name, hint in hints.items()}

    def read(value: Any) -> Any:
        found = {}
        for name, each in value.items():
            if name in readers:
                try:
                    found[name] = readers[name](each)
                except _NONSENSE:
                    continue
        return kind(**found)

    return read
