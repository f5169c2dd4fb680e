"""TOML files with the position of each key, and the checks that a value can need."""

from __future__ import annotations

import math
import re
import unicodedata
import zoneinfo
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeVar

import tomli
from msgspec import Struct

from lictui.errors import ConfigError, Problem

MAX_BYTES: Final = 4 * 1024 * 1024
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_DIGITS: Final = re.compile(r"[0-9_]+")


@dataclass(frozen=True)
class TomlDocument:
    """The text and data of a TOML file, with the lines of its keys."""

    file: Path
    text: str
    data: dict[str, Any]

    def problem(self, path: KeyPath, message: str, hint: str = "") -> Problem:
        """Return a problem with the value at `path`."""
        return Problem(self.file, dotted_key(path), message, self.line(path), hint)

    def problems(self, path: KeyPath, errors: Iterable[FieldError]) -> Iterator[Problem]:
        """Yield a problem for every error in the table at `path`."""
        for error in errors:
            yield self.problem((*path, error.key), error.message, error.hint)

    def line(self, path: KeyPath) -> int | None:
        """Return the line of `path`, or of the nearest table around it that has one."""
        while path:
            if line := self._lines.get(path):
                return line
            path = path[:-1]
        return None

    def span(self, path: KeyPath) -> tuple[int, int]:
        """Return the first line of the table at `path`, and the line after it, from 0."""
        start = self.line(path) or 0
        outside = (at for key, at in self._lines.items() if key[: len(path)] != path and at > start)
        return start - 1, min(outside, default=len(self.text.splitlines()) + 1) - 1

    def tables(self, key: str) -> list[dict[str, Any]]:
        """Return the list of tables at `key`, empty without one. Raises ConfigError."""
        tables = self.data.get(key, [])
        if isinstance(tables, list) and all(isinstance(table, dict) for table in tables):
            return tables
        problem = self.problem((key,), "must be a list of tables", f"write [[{key}]]")
        raise ConfigError((problem,))

    def foreign_keys(self, key: str) -> list[Problem]:
        """Return a problem for every other key of a file that is a list of tables at `key`."""
        hint = f"every {key} is a table [[{key}]]"
        return [self.problem((k,), "unknown key", hint) for k in self.data if k != key]

    @cached_property
    def _lines(self) -> dict[KeyPath, int]:
        return key_lines(self.text)


def read_toml(file: Path) -> TomlDocument:
    """Return the document in `file`; an empty one if the file does not exist.

    Raises ConfigError if it cannot be read or is not valid TOML.
    """
    try:
        with file.open("rb") as opened:
            raw = opened.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return TomlDocument(file, "", {})
    except OSError as error:
        raise _unreadable(file, f"cannot be read: {error.strerror or error}") from None
    if len(raw) > MAX_BYTES:
        raise _unreadable(file, f"is larger than {MAX_BYTES // 1024 // 1024} MiB")
    try:
        # Editors on Windows may write a byte order mark.
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _unreadable(file, "not valid UTF-8", line, "save the file as UTF-8") from None
    return parse_toml(file, text)


def parse_toml(file: Path, text: str) -> TomlDocument:
    """Return the document that `text` is. Raises ConfigError if it is not valid TOML."""
    try:
        return TomlDocument(file, text, tomli.loads(text))
    except tomli.TOMLDecodeError as error:
        line = min(error.lineno, text.rstrip().count("\n") + 1)
        raise _unreadable(file, f"invalid TOML: {error.msg}", line) from None
    except RecursionError:
        raise _unreadable(file, "invalid TOML: nested too deeply") from None
    except ValueError:  # Python refuses to read an integer of thousands of digits
        line, key = _huge_number(text)
        raise ConfigError((Problem(file, key, "the number has too many digits", line),)) from None


def _huge_number(text: str) -> tuple[int, str]:
    """Return the line and the key of the longest number."""
    lines = text.split("\n")
    longest = max(lines, key=lambda line: max(map(len, _DIGITS.findall(line)), default=0))
    return lines.index(longest) + 1, longest.partition("=")[0].strip()


def dotted_key(path: KeyPath) -> str:
    """Return a path as TOML spells it: `server[0].url`, `alerts.server."lic.corp".warn`."""
    key = ""
    for part in path:
        if isinstance(part, int):
            key += f"[{part}]"
        else:
            key += ("." if key else "") + (part if _BARE_KEY.fullmatch(part) else _quoted_key(part))
    return key


def _quoted_key(part: str) -> str:
    escaped = part.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04X}" for c in escaped) + '"'


def _unreadable(file: Path, message: str, line: int | None = None, hint: str = "") -> ConfigError:
    return ConfigError((Problem(file, "", message, line, hint),))


# The lines of keys, which `tomli` does not report


KeyPath = tuple[str | int, ...]  # ("server", 0, "url"): tables by key, lists of tables by index


def key_lines(text: str) -> dict[KeyPath, int]:
    """Return the 1-based line of every key and table header of `text`, which is valid TOML.

    Not every key inside an inline table has an entry: look up its parent then.
    """
    lines: dict[KeyPath, int] = {}
    table: KeyPath = ()
    counts: Counter[KeyPath] = Counter()  # list of tables -> tables so far

    def newest(path: KeyPath) -> KeyPath:
        return (*path, counts[path] - 1) if path in counts else path

    for line, statement, data in _statements(text):
        keys = _key_of(data)
        if statement.startswith("["):
            table = ()
            for key in keys[:-1]:
                table = newest((*table, key))
            table = (*table, keys[-1])
            if statement.startswith("[["):
                counts[table] += 1
            path = table = newest(table)
        else:
            path = (*table, *keys)
        for length in range(1, len(path) + 1):
            lines.setdefault(path[:length], line)
    return lines


def _statements(text: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Yield the line, the text and the data of every table header and every `key = value`."""
    pending = ""
    first = 1
    for number, line in enumerate(text.split("\n"), 1):
        first = first if pending else number
        pending += f"{line}\n"
        try:
            data = tomli.loads(pending)
        except tomli.TOMLDecodeError:
            continue  # the value continues in the next line
        if data:
            yield first, pending.strip(), data
        pending = ""


def _key_of(data: Any) -> tuple[str, ...]:
    """Return the dotted key of one statement."""
    keys: tuple[str, ...] = ()
    while isinstance(data, dict) and len(data) == 1:
        ((key, data),) = data.items()
        keys = (*keys, key)
    return keys


# Checks of one value: each returns the value to use, or raises InvalidValue


Validator = Callable[[object], Any]
_AnyValidator = TypeVar("_AnyValidator", bound=Validator)

_JOINERS: Final = "\u200c\u200d"  # invisible; Persian and many emoji need them
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd]?)")


class InvalidValue(Exception):  # noqa: N818 - the value is wrong, not the program
    """A value is not accepted: `message` says why, `hint` what to write instead."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class FieldError(Struct, frozen=True):
    """Why the value of one key of a table is not accepted."""

    key: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.key}: {self.message}" + (f" ({self.hint})" if self.hint else "")


def check_table(
    table: Mapping[str, Any], validators: Mapping[str, Validator], base: Path
) -> tuple[dict[str, Any], list[FieldError]]:
    """Return the values to use, and an error for every unknown key and every other value.

    Relative paths start at the folder `base`.
    """
    values, errors = {}, []
    for key, value in table.items():
        if key not in validators:
            errors.append(FieldError(key, "unknown key", did_you_mean(key, validators)))
            continue
        try:
            accepted = validators[key](value)
        except InvalidValue as invalid:
            errors.append(FieldError(key, invalid.message, invalid.hint))
        else:
            resolve = _RESOLVERS.get(validators[key])
            values[key] = resolve(accepted, base) if resolve and accepted else accepted
    return values, errors


_JSON_TYPES: Final[dict[Validator, dict[str, Any]]] = {}
_RESOLVERS: Final[dict[Validator, Callable[[Any, Path], Any]]] = {}


def json_type(validate: Validator) -> dict[str, Any]:
    """Return the JSON Schema of the values that a validator accepts, without finer rules."""
    return _JSON_TYPES.get(validate, {"type": "string"})


def accepts(
    validate: _AnyValidator, resolve: Callable[[Any, Path], Any] | None = None, **schema: Any
) -> _AnyValidator:
    """Note the JSON Schema of what a validator accepts, unless it is a string; return it.

    `resolve` returns the value with relative paths resolved against a folder.
    """
    if schema:
        _JSON_TYPES[validate] = schema
    if resolve:
        _RESOLVERS[validate] = resolve
    return validate


def boolean(value: object) -> bool:
    """Accept `true` or `false`."""
    if isinstance(value, bool):
        return value
    raise InvalidValue(f"must be true or false, not {quoted(value)}")


def string(value: object) -> str:
    """Accept a string without control and bidirectional characters."""
    if not isinstance(value, str):
        raise InvalidValue(f"must be a string, not {quoted(value)}", "put it in quotes")
    if character := first_unprintable(value):
        raise InvalidValue(f"contains the unprintable character {character}", "remove it")
    return value


def non_empty_string(value: object) -> str:
    """Accept a string that is not empty."""
    if not (accepted := string(value)).strip():
        raise InvalidValue("must not be empty")
    return accepted


def string_list(value: object) -> tuple[str, ...]:
    """Accept a list of strings that are not empty."""
    if not isinstance(value, list | tuple):
        raise InvalidValue(f"must be a list of strings, not {quoted(value)}", 'write ["…", "…"]')
    return tuple(map(non_empty_string, value))


def number(low: float, high: float, *, whole: bool = False) -> Validator:
    """Return a check for a number from `low` to `high`."""

    def kind(value: object) -> float:
        expected = "an integer" if whole else "a number"
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            hint = "remove the quotes" if isinstance(value, str) and _is_number(value) else ""
            raise InvalidValue(f"must be {expected}, not {quoted(value)}", hint)
        if not low <= value <= high:  # nor is nan
            raise InvalidValue(f"must be from {low:g} to {high:g}, not {quoted(value)}")
        return value if whole else float(value)

    return accepts(kind, type="integer" if whole else "number", minimum=low, maximum=high)


def ratio(value: object) -> float:
    """Accept a share from 0 to 1, with a hint for percentages."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 1 < value <= 100:  # noqa: PLR2004 - percent
        raise InvalidValue(
            f"must be between 0 and 1, not {quoted(value)}", f"write {value / 100:g}"
        )
    return float(number(0, 1)(value))


def duration(value: object) -> float:
    """Accept seconds, as a number or as a string with a unit: `"90s"`, `"15m"`, `"4h"`, `"1d"`."""
    hint = 'write "90s", "15m", "4h" or "1d"'
    if isinstance(value, str):
        match = _DURATION.fullmatch(value.strip().lower())
        if not match:
            raise InvalidValue(f"must be a duration, not {quoted(value)}", hint)
        value = float(match[1]) * _SECONDS[match[2]]
    try:
        return float(number(1, 366 * 86400)(value))
    except InvalidValue as invalid:
        raise InvalidValue(f"{invalid.message} (seconds)", hint) from None


def choice(*words: str) -> Validator:
    """Return a check for one of `words`."""

    def kind(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            raise InvalidValue(
                f"must be one of {' · '.join(words)}, not {quoted(value)}",
                did_you_mean(value, words) if isinstance(value, str) else "",
            )
        return value

    return accepts(kind, enum=list(words))


STRINGS: Final[dict[str, Any]] = {"type": "array", "items": {"type": "string", "minLength": 1}}
accepts(boolean, type="boolean")
accepts(string_list, **STRINGS)
accepts(ratio, type="number", minimum=0, maximum=1)
accepts(duration, type=["number", "string"], minimum=1, pattern=f"^{_DURATION.pattern}$")


def time_zone(value: object) -> str:
    """Accept an IANA time zone, or "" for the one of the system."""
    if not (zone := string(value)):
        return zone
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        hint = did_you_mean(zone, zoneinfo.available_timezones())
        raise InvalidValue(
            f"unknown time zone {quoted(zone)}", hint or "example: Europe/Berlin"
        ) from None
    return zone


def resolve_path(base: Path, path: str) -> Path:
    """Return the absolute path: `~` is the user's home, a relative path starts at `base`."""
    try:
        return base / Path(path).expanduser()
    except RuntimeError:  # `~name` of a user who does not exist
        return base / path


def first_unprintable(value: str) -> str:
    """Return the first character of `value` that no screen shows safely, as `U+202E`; else ""."""
    if value.isprintable():
        return ""
    for character in value:
        if not (
            character.isprintable()
            or character in _JOINERS
            or unicodedata.category(character) == "Zs"
        ):
            return f"U+{ord(character):04X}"
    return ""


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """Return `did you mean …?` if a candidate is close to `word`, else ""."""
    spellings = {candidate.lower(): candidate for candidate in candidates}
    close = get_close_matches(word.lower(), spellings, n=1)
    return f"did you mean {spellings[close[0]]}?" if close else ""


def quoted(value: object) -> str:
    """Return `value` for a message: as TOML spells it, short, and harmless to a terminal."""
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "a table"
        case list() | tuple():
            return "a list"
        case str():
            printable = ascii(value)[1:-1] if first_unprintable(value) else value
            return f'"{_shortened(printable)}"'
        case int() if value.bit_length() > _MAX_BITS:
            return "a huge number"
        case _:
            return _shortened(str(value))


_MAX_BITS: Final = 512  # of an integer that is shown; Python cannot write one of 15,000


def _shortened(text: str, length: int = 40) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _is_number(value: str) -> bool:
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False
