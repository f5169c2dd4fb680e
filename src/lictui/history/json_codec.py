"""Values of `lictui.model` as JSON, and back from whatever version of lictui wrote it."""

from __future__ import annotations

from contextlib import suppress
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_args, get_origin, get_type_hints

from msgspec import DecodeError, Struct, ValidationError, convert
from msgspec.json import decode, encode

from lictui.model import FailureKind, Level, Model

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from enum import Enum

_T = TypeVar("_T", bound=Struct)
_FALLBACK: Final[dict[type, Enum]] = {  # for words of a newer version
    Model: Model.OTHER,
    Level: Level.UNKNOWN,
    FailureKind: FailureKind.PROTOCOL,
}


def to_json(value: Struct) -> str:
    """Return a frozen value of the model as JSON; large ones omit fields at their default."""
    return encode(value).decode()


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
