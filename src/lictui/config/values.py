"""What one value in a configuration file may be, and the words when it is not.

Owns types, ranges and suggestions. Must not know which key or file a value came from.
A kind takes what TOML gave and returns what lictui uses; it raises Wrong, and nothing else.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

Kind = Callable[[object], Any]

_JOINERS: Final = "\u200c\u200d"  # letters of Persian and many emoji need them; they show nothing
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd]?)")


class Wrong(Exception):  # noqa: N818 - it is the value that is wrong, not the program
    """A value that cannot be: `message` says why, `hint` what to write instead."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def flag(value: object) -> bool:
    """`true` or `false`."""
    if isinstance(value, bool):
        return value
    raise Wrong(f"must be true or false, not {shown(value)}")


def text(value: object) -> str:
    """Text without control and bidirectional characters."""
    if not isinstance(value, str):
        raise Wrong(f"must be text, not {shown(value)}", "put it in quotes")
    if bad := unprintable(value):
        raise Wrong(f"holds the character {bad}, which no screen can show safely", "leave it out")
    return value


def name(value: object) -> str:
    """Text that is not empty."""
    if not (found := text(value)).strip():
        raise Wrong("must not be empty")
    return found


def texts(value: object) -> tuple[str, ...]:
    """A list of texts."""
    if not isinstance(value, list | tuple):
        raise Wrong(f"must be a list of texts, not {shown(value)}", 'write ["…", "…"]')
    return tuple(map(name, value))


def number(low: float, high: float, *, whole: bool = False) -> Kind:
    """A number from `low` to `high`."""

    def kind(value: object) -> float:
        wanted = "a whole number" if whole else "a number"
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            hint = "without the quotes" if isinstance(value, str) and _is_number(value) else ""
            raise Wrong(f"must be {wanted}, not {shown(value)}", hint)
        if not (math.isfinite(value) and low <= value <= high):
            raise Wrong(f"must be from {low:g} to {high:g}, not {shown(value)}")
        return value if whole else float(value)

    return kind


def ratio(value: object) -> float:
    """A share from 0 to 1; says so to who thinks in percent."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 1 < value <= 100:  # noqa: PLR2004 - per cent
        raise Wrong(f"is a ratio from 0 to 1, not {shown(value)}", f"write {value / 100:g}")
    return float(number(0, 1)(value))


def duration(value: object) -> float:
    """Seconds, as a number or as text with a unit: `"90s"`, `"15m"`, `"4h"`, `"1d"`."""
    hint = 'write "90s", "15m", "4h" or "1d"'
    if isinstance(value, str):
        match = _DURATION.fullmatch(value.strip().lower())
        if not match:
            raise Wrong(f"must be a time span, not {shown(value)}", hint)
        value = float(match[1]) * _SECONDS[match[2]]
    try:
        return float(number(1, 366 * 86400)(value))
    except Wrong as wrong:
        raise Wrong(f"{wrong.message} (seconds)", hint) from None


def choice(*words: str) -> Kind:
    """One of `words`."""

    def kind(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            raise Wrong(
                f"must be one of {' · '.join(words)}, not {shown(value)}",
                nearest(value, words) if isinstance(value, str) else "",
            )
        return value

    return kind


def zone(value: object) -> str:
    """An IANA time zone, or "" for the system's."""
    import zoneinfo  # noqa: PLC0415 - reads the zone database, only for who sets a zone

    if not (found := text(value)):
        return found
    try:
        zoneinfo.ZoneInfo(found)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        hint = nearest(found, zoneinfo.available_timezones())
        raise Wrong(
            f"no time zone is called {shown(found)}", hint or "a name like Europe/Berlin"
        ) from None
    return found


def located(base: Path, said: str) -> Path:
    """The file that `said` names: `~` is the user's home, a relative path begins at `base`."""
    try:
        return base / Path(said).expanduser()
    except RuntimeError:  # the home of a user who does not exist
        return base / said


def unprintable(value: str) -> str:
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


def nearest(word: str, known: Iterable[str]) -> str:
    """`did you mean …?` where something known is close to `word`, else ""."""
    spelled = {each.lower(): each for each in known}
    close = get_close_matches(word.lower(), spelled, n=1)
    return f"did you mean {spelled[close[0]]}?" if close else ""


def shown(value: object) -> str:
    """`value` for a message: as TOML has it, short, and harmless to a terminal."""
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "a table"
        case list() | tuple():
            return "a list"
        case str():
            return f'"{_short(ascii(value)[1:-1])}"' if unprintable(value) else f'"{_short(value)}"'
        case _:
            return _short(str(value))


def _short(said: str, most: int = 40) -> str:
    return said if len(said) <= most else f"{said[: most - 1]}…"


def _is_number(value: str) -> bool:
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False
