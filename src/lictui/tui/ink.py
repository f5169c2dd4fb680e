"""Text with a tone, before it has a colour: what the pure drawing hands to the widgets.

Owns tones and the fitting of a line to a width. Must not know themes or Textual.
"""

from __future__ import annotations

from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len, set_cell_size

from lictui.model import Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Tone(StrEnum):
    """What a piece of text is, as far as its colour goes."""

    TEXT = "text"
    STRONG = "strong"
    QUIET = "quiet"
    FRAME = "frame"
    ACCENT = "accent"
    OK = "ok"
    WARN = "warn"
    CRITICAL = "critical"
    OVER = "over"


Run = tuple[str, Tone]
Line = tuple[Run, ...]

OF_LEVEL: Final = {
    Level.OK: Tone.OK,
    Level.WARN: Tone.WARN,
    Level.CRITICAL: Tone.CRITICAL,
    Level.OVERDRAFT: Tone.OVER,
    Level.EXHAUSTED: Tone.CRITICAL,
    Level.UNKNOWN: Tone.QUIET,
}


def width(line: Iterable[Run]) -> int:
    """Cells that a line takes."""
    return sum(cell_len(text) for text, _ in line)


def merge(line: Iterable[Run]) -> Line:
    """The same line in as few runs as can be: each costs bytes on the wire."""
    return tuple(
        ("".join(text for text, _ in runs), tone)
        for tone, runs in groupby(line, key=lambda run: run[1])
    )


def fit(line: Sequence[Run], cells: int) -> Line:
    """The line in exactly so many cells: cut or filled at its right end."""
    fitted: list[Run] = []
    left = cells
    for text, tone in line:
        if left <= 0:
            break
        size = cell_len(text)
        fitted.append((text if size <= left else set_cell_size(text, left), tone))
        left -= min(size, left)
    if left > 0:
        fitted.append((" " * left, Tone.TEXT))
    return merge(fitted)
