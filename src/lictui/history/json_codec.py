"""Values of `lictui.model` as JSON, and back from whatever version of lictui wrote it."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import date
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_args, get_origin, get_type_hints

from msgspec import NODEFAULT, DecodeError, Struct, ValidationError, convert
from msgspec.json import decode

from lictui.model import FailureKind, Level, Model

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from enum import Enum

_T = TypeVar("_T", bound=Struct)
_NOT_STORED: Final = frozenset({"raw_fields"})  # explain a figure of now, too large for the past
_FALLBACK: Final[dict[type, Enum]] = {  # for words of a newer version
    Model: Model.OTHER,
    Level: Level.UNKNOWN,
    FailureKind: FailureKind.PROTOCOL,
}


def to_json(value: Struct) -> str:
    """Return a frozen value of the model as JSON, without fields at their default."""
    return json.dumps(_to_plain(value), ensure_ascii=False, separators=(",", ":"))


def from_json(class_: type[_T], text: str | None) -> _T | None:
    """Return the value that was stored, as far as it is understood; None if it is not at all.

    Unknown fields are skipped, invalid ones get their default, invalid items of a tuple are left
    out.
    """
    if text is None:
        return None
    try:
        return decode(text, type=class_)
    except ValidationError:  # another version wrote it
        try:
            value: _T = _understood(class_, decode(text))
        except ValidationError:
            return None
        return value
    except (DecodeError, RecursionError):
        return None


def _to_plain(value: Any) -> Any:
    if isinstance(value, Struct):
        names, defaults = value.__struct_fields__, value.__struct_defaults__
        required = (NODEFAULT,) * (len(names) - len(defaults))
        return {
            name: _to_plain(field_value)
            for name, default in zip(names, required + defaults, strict=True)
            if name not in _NOT_STORED and (field_value := getattr(value, name)) != default
        }
    if isinstance(value, tuple):
        return [_to_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


def _understood(hint: Any, value: Any) -> Any:
    """Return what can be made of a plain value; raises ValidationError."""
    try:
        return convert(value, hint)
    except ValidationError:
        arguments = get_args(hint)
        if hint in _FALLBACK and isinstance(value, str):
            return _FALLBACK[hint]
        if NoneType in arguments and value is not None:
            return _understood(arguments[0], value)
        if get_origin(hint) is tuple and arguments[-1] is Ellipsis and isinstance(value, list):
            # One invalid pool does not cost the others.
            return tuple(item for _, item in _valid((None, arguments[0], item) for item in value))
        if isinstance(hint, type) and issubclass(hint, Struct) and isinstance(value, dict):
            hints = get_type_hints(hint)
            fields = ((name, hints[name], item) for name, item in value.items() if name in hints)
            with suppress(TypeError):  # a required field is missing
                return hint(**dict(_valid(fields)))
        raise


def _valid(items: Iterable[tuple[Any, Any, Any]]) -> Iterator[tuple[Any, Any]]:
    """Yield each key with what can be made of its value, where that is possible."""
    for key, hint, value in items:
        with suppress(ValidationError):
            yield key, _understood(hint, value)
