"""One TOML file: its data, and where in it a key stands.

Owns reading, decoding and syntax errors. Must not know what any key means.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from lictui.errors import ConfigError, Problem

if TYPE_CHECKING:
    from pathlib import Path

    from lictui.config.lines import Path as KeyPath

MOST_BYTES: Final = 4 * 1024 * 1024
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_AT_LINE: Final = re.compile(r" \(at line (\d+), column \d+\)$")
_AT_END: Final = " (at end of document)"


@dataclass(frozen=True)
class Document:
    """What a file says, with the lines to blame."""

    file: Path
    text: str
    data: dict[str, Any]

    def problem(self, path: KeyPath, message: str, hint: str = "") -> Problem:
        """A problem with the value at `path`."""
        return Problem(self.file, dotted(path), message, self.line(path), hint)

    def line(self, path: KeyPath) -> int | None:
        """The line of `path`, or of the nearest thing around it that has one."""
        while path:
            if found := self._lines.get(path):
                return found
            path = path[:-1]
        return None

    @cached_property
    def _lines(self) -> dict[KeyPath, int]:
        from lictui.config.lines import find_lines  # noqa: PLC0415 - only a problem has a line

        return find_lines(self.text)


def read(file: Path) -> Document:
    """The document in `file`; an empty one if there is no such file.

    Raises ConfigError when it cannot be read or is no TOML.
    """
    try:
        with file.open("rb") as opened:
            raw = opened.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return Document(file, "", {})
    except OSError as error:
        raise _unreadable(file, f"cannot be read: {error.strerror or error}") from None
    if len(raw) > MOST_BYTES:
        raise _unreadable(file, f"is larger than {MOST_BYTES // 1024 // 1024} MiB")
    try:
        # An editor of Windows may have put a byte order mark in front.
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _unreadable(file, "is not UTF-8", line, "save it again as UTF-8") from None
    return parse(file, text)


def parse(file: Path, text: str) -> Document:
    """The document that `text` is. Raises ConfigError when it is no TOML."""
    try:
        return Document(file, text, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        at = _AT_LINE.search(said)
        line = int(at[1]) if at else text.rstrip().count("\n") + 1
        what = _AT_LINE.sub("", said).removesuffix(_AT_END)
        raise _unreadable(file, f"no TOML: {what}", line) from None
    except RecursionError:
        raise _unreadable(file, "no TOML: nested too deeply") from None


def dotted(path: KeyPath) -> str:
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


def _unreadable(file: Path, message: str, line: int | None = None, hint: str = "") -> ConfigError:
    return ConfigError((Problem(file, "", message, line, hint),))
