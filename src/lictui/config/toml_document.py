"""One TOML file: its data, and where in it a key stands.

Owns reading, decoding and syntax errors. Must not know what any key means.
"""

from __future__ import annotations

import math
import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path as PathPathlib
from typing import Any, Final

from lictui.errors import ConfigError, Problem

MAX_BYTES: Final = 4 * 1024 * 1024
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_AT_LINE: Final = re.compile(r" \(at line (\d+), column \d+\)$")
_AT_END: Final = " (at end of document)"


@dataclass(frozen=True)
class TomlDocument:
    """What a file says, with the lines to blame."""

    file: PathPathlib
    text: str
    data: dict[str, Any]

    def problem(self, path: KeyPath, message: str, hint: str = "") -> Problem:
        """A problem with the value at `path`."""
        return Problem(self.file, dotted_key(path), message, self.line(path), hint)

    def line(self, path: KeyPath) -> int | None:
        """The line of `path`, or of the nearest thing around it that has one."""
        while path:
            if found := self._lines.get(path):
                return found
            path = path[:-1]
        return None

    @cached_property
    def _lines(self) -> dict[KeyPath, int]:
        return key_lines(self.text)


def read_toml(file: PathPathlib) -> TomlDocument:
    """The document in `file`; an empty one if there is no such file.

    Raises ConfigError when it cannot be read or is no TOML.
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
        # An editor of Windows may have put a byte order mark in front.
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _unreadable(file, "is not UTF-8", line, "save it again as UTF-8") from None
    return parse_toml(file, text)


def parse_toml(file: PathPathlib, text: str) -> TomlDocument:
    """The document that `text` is. Raises ConfigError when it is no TOML."""
    try:
        return TomlDocument(file, text, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        at = _AT_LINE.search(said)
        line = int(at[1]) if at else text.rstrip().count("\n") + 1
        what = _AT_LINE.sub("", said).removesuffix(_AT_END)
        raise _unreadable(file, f"no TOML: {what}", line) from None
    except RecursionError:
        raise _unreadable(file, "no TOML: nested too deeply") from None


def dotted_key(path: KeyPath) -> str:
    """A path as the file would spell it: `server[0].url`, `alerts.server."lic.corp".warn`."""
    said = ""
    for part in path:
        if isinstance(part, int):
            said += f"[{part}]"
        else:
            said += ("." if said else "") + (part if _BARE.fullmatch(part) else _quoted(part))
    return said


def _quoted(part: str) -> str:
    escaped = part.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04X}" for c in escaped) + '"'


def _unreadable(
    file: PathPathlib, message: str, line: int | None = None, hint: str = ""
) -> ConfigError:
    return ConfigError((Problem(file, "", message, line, hint),))


# On which line of a TOML text a key stands; `tomllib` does not say


KeyPath = tuple[str | int, ...]  # ("server", 0, "url"): tables by key, lists of tables by index

# A value ends at the line end outside of strings and brackets: skip both in one step each.
_STRING: Final = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_KEY_PART: Final = re.compile(r"""[A-Za-z0-9_-]+|"(?:\\.|[^"\\\n])*"|'[^'\n]*'""")
_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_DOT: Final = re.compile(r"[ \t]*\.[ \t]*")


def key_lines(text: str) -> dict[KeyPath, int]:
    """The 1-based line of every key and table header of `text`.

    Keys inside an inline table have no entry of their own: ask for their parent.
    """
    scan = _Scan(text)
    while scan.statement():
        pass
    return scan.lines


class _Scan:
    def __init__(self, text: str) -> None:
        self.lines: dict[KeyPath, int] = {}
        self._text = text
        self._at = 0
        self._table: KeyPath = ()
        self._counts: dict[KeyPath, int] = {}  # list of tables -> how many so far
        self._counted = (0, 1)  # an offset, and its line

    def statement(self) -> bool:
        """Read one header or one `key = value`; False at the end of the text."""
        self._at = _end(_BLANK, self._text, self._at)
        if self._at >= len(self._text):
            return False
        line = self._line()
        if self._text.startswith("[", self._at):
            self._header(line)
        else:
            self._note((*self._table, *self._key()), line)
        self._skip_value()
        return True

    def _header(self, line: int) -> None:
        is_list = self._text.startswith("[[", self._at)
        self._at = _end(_BLANK, self._text, self._at + (2 if is_list else 1))
        *parents, last = self._key()
        path: KeyPath = ()
        for part in parents:
            path = self._entered((*path, part))
        path = (*path, last)
        if is_list:
            self._counts[path] = self._counts.get(path, 0) + 1
        self._table = self._entered(path)
        self._note(self._table, line)

    def _entered(self, path: KeyPath) -> KeyPath:
        """`path`, or its newest element where it is a list of tables."""
        count = self._counts.get(path)
        return path if count is None else (*path, count - 1)

    def _note(self, path: KeyPath, line: int) -> None:
        for length in range(1, len(path) + 1):
            self.lines.setdefault(path[:length], line)

    def _key(self) -> tuple[str, ...]:
        parts: list[str] = []
        while match := _KEY_PART.match(self._text, self._at):
            parts.append(_plain(match[0]))
            self._at = match.end()
            if not (dot := _DOT.match(self._text, self._at)):
                break
            self._at = dot.end()
        return tuple(parts) or ("",)

    def _skip_value(self) -> None:
        depth = 0
        while self._at < len(self._text):
            character = self._text[self._at]
            if character == "\n" and depth <= 0:
                return
            if string := _STRING.match(self._text, self._at):
                self._at = string.end()
                continue
            if character == "#":
                self._at = _end(_BLANK, self._text, self._at) if depth > 0 else self._line_end()
                continue
            depth += (character in "[{") - (character in "]}")
            self._at += 1

    def _line_end(self) -> int:
        end = self._text.find("\n", self._at)
        return len(self._text) if end < 0 else end

    def _line(self) -> int:
        offset, line = self._counted
        line += self._text.count("\n", offset, self._at)
        self._counted = (self._at, line)
        return line


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at


def _plain(part: str) -> str:
    """A key as it is meant: without its quotes, escapes undone."""
    if part[0] not in "\"'":
        return part
    (key,) = tomllib.loads(f"{part} = 0")
    return key


# What one value in a configuration file may be, and the words when it is not


Validator = Callable[[object], Any]

_JOINERS: Final = "\u200c\u200d"  # letters of Persian and many emoji need them; they show nothing
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd]?)")


class InvalidValue(Exception):  # noqa: N818 - it is the value that is wrong, not the program
    """A value that cannot be: `message` says why, `hint` what to write instead."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def boolean(value: object) -> bool:
    """`true` or `false`."""
    if isinstance(value, bool):
        return value
    raise InvalidValue(f"must be true or false, not {quoted(value)}")


def string(value: object) -> str:
    """Text without control and bidirectional characters."""
    if not isinstance(value, str):
        raise InvalidValue(f"must be text, not {quoted(value)}", "put it in quotes")
    if bad := first_unprintable(value):
        raise InvalidValue(
            f"holds the character {bad}, which no screen can show safely", "leave it out"
        )
    return value


def non_empty_string(value: object) -> str:
    """Text that is not empty."""
    if not (found := string(value)).strip():
        raise InvalidValue("must not be empty")
    return found


def string_list(value: object) -> tuple[str, ...]:
    """A list of texts."""
    if not isinstance(value, list | tuple):
        raise InvalidValue(f"must be a list of texts, not {quoted(value)}", 'write ["…", "…"]')
    return tuple(map(non_empty_string, value))


def number(low: float, high: float, *, whole: bool = False) -> Validator:
    """A number from `low` to `high`."""

    def kind(value: object) -> float:
        wanted = "a whole number" if whole else "a number"
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            hint = "without the quotes" if isinstance(value, str) and _is_number(value) else ""
            raise InvalidValue(f"must be {wanted}, not {quoted(value)}", hint)
        if not (math.isfinite(value) and low <= value <= high):
            raise InvalidValue(f"must be from {low:g} to {high:g}, not {quoted(value)}")
        return value if whole else float(value)

    return kind


def ratio(value: object) -> float:
    """A share from 0 to 1; says so to who thinks in percent."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 1 < value <= 100:  # noqa: PLR2004 - per cent
        raise InvalidValue(f"is a ratio from 0 to 1, not {quoted(value)}", f"write {value / 100:g}")
    return float(number(0, 1)(value))


def duration(value: object) -> float:
    """Seconds, as a number or as text with a unit: `"90s"`, `"15m"`, `"4h"`, `"1d"`."""
    hint = 'write "90s", "15m", "4h" or "1d"'
    if isinstance(value, str):
        match = _DURATION.fullmatch(value.strip().lower())
        if not match:
            raise InvalidValue(f"must be a time span, not {quoted(value)}", hint)
        value = float(match[1]) * _SECONDS[match[2]]
    try:
        return float(number(1, 366 * 86400)(value))
    except InvalidValue as wrong:
        raise InvalidValue(f"{wrong.message} (seconds)", hint) from None


def choice(*words: str) -> Validator:
    """One of `words`."""

    def kind(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            raise InvalidValue(
                f"must be one of {' · '.join(words)}, not {quoted(value)}",
                did_you_mean(value, words) if isinstance(value, str) else "",
            )
        return value

    return kind


def time_zone(value: object) -> str:
    """An IANA time zone, or "" for the system's."""
    import zoneinfo  # noqa: PLC0415 - reads the zone database, only for who sets a zone

    if not (found := string(value)):
        return found
    try:
        zoneinfo.ZoneInfo(found)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        hint = did_you_mean(found, zoneinfo.available_timezones())
        raise InvalidValue(
            f"no time zone is called {quoted(found)}", hint or "a name like Europe/Berlin"
        ) from None
    return found


def resolve_path(base: PathPathlib, said: str) -> PathPathlib:
    """The file that `said` names: `~` is the user's home, a relative path begins at `base`."""
    try:
        return base / PathPathlib(said).expanduser()
    except RuntimeError:  # the home of a user who does not exist
        return base / said


def first_unprintable(value: str) -> str:
    """The first character of `value` that must not reach a screen, as `U+202E`; "" if none."""
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


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean …?` where something known is close to `word`, else ""."""
    spelled = {each.lower(): each for each in known}
    close = get_close_matches(word.lower(), spelled, n=1)
    return f"did you mean {spelled[close[0]]}?" if close else ""


def quoted(value: object) -> str:
    """`value` for a message: as TOML has it, short, and harmless to a terminal."""
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "a table"
        case list() | tuple():
            return "a list"
        case str():
            return (
                f'"{_short(ascii(value)[1:-1])}"'
                if first_unprintable(value)
                else f'"{_short(value)}"'
            )
        case _:
            return _short(str(value))


def _short(said: str, most: int = 40) -> str:
    return said if len(said) <= most else f"{said[: most - 1]}…"


def _is_number(value: str) -> bool:
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False
