"""On which line of a TOML text a key stands; `tomllib` does not say.

Owns a scan of the text that knows keys, table headers, strings and brackets, and nothing of
values. Must be given text that `tomllib` has read without complaint: it forgives, it never checks.
"""

from __future__ import annotations

import re
import tomllib
from typing import Final

Path = tuple[str | int, ...]  # ("server", 0, "url"): tables by key, lists of tables by index

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


def find_lines(text: str) -> dict[Path, int]:
    """The 1-based line of every key and table header of `text`.

    Keys inside an inline table have no entry of their own: ask for their parent.
    """
    scan = _Scan(text)
    while scan.statement():
        pass
    return scan.lines


class _Scan:
    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self._text = text
        self._at = 0
        self._table: Path = ()
        self._counts: dict[Path, int] = {}  # list of tables -> how many so far
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
        path: Path = ()
        for part in parents:
            path = self._entered((*path, part))
        path = (*path, last)
        if is_list:
            self._counts[path] = self._counts.get(path, 0) + 1
        self._table = self._entered(path)
        self._note(self._table, line)

    def _entered(self, path: Path) -> Path:
        """`path`, or its newest element where it is a list of tables."""
        count = self._counts.get(path)
        return path if count is None else (*path, count - 1)

    def _note(self, path: Path, line: int) -> None:
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
