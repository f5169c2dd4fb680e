"""Text for terminal cells: widths, shortening, numbers, ages, styled fragments, CSV export."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from textwrap import TextWrapper
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len, set_cell_size

from lictui.clock import DAY, HOUR
from lictui.csvfile import csv_text
from lictui.model import Level, State, percent_text
from lictui.paths import write_private

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lictui.engine.board import Total
    from lictui.tui.theme import Symbols


_MINUTE: Final = 60
# Control, format (bidirectional marks), surrogate and unassigned characters, and the two line
# separators of Unicode: none of them may reach a terminal cell.
_INVISIBLE: Final = frozenset(("Cc", "Cf", "Cs", "Cn", "Zl", "Zp"))


@lru_cache(maxsize=8192)
def strip_controls(text: str, kept: str = "") -> str:
    """Return `text` with every invisible or direction-changing character replaced by a blank."""
    if text.isascii() and text.isprintable():
        return text
    hidden = {c for c in text if unicodedata.category(c) in _INVISIBLE}.difference(kept)
    return "".join(" " if c in hidden else c for c in text)


@lru_cache(maxsize=8192)
def shorten(text: str, width: int, ellipsis: str = "…", tail: int | None = None) -> str:
    """Return `text` in at most `width` cells, shortened before its last `tail` cells."""
    text = strip_controls(text)
    if cell_len(text) <= width:
        return text
    room = width - cell_len(ellipsis)
    if room < 1:
        return set_cell_size(text, max(width, 0)).rstrip()
    tail = room // 2 if tail is None else min(tail, room)
    front = set_cell_size(text, room - tail).rstrip()
    return front + ellipsis + set_cell_size(text[::-1], tail)[::-1].lstrip()


def shorten_apart(names: Iterable[str], width: int, ellipsis: str = "…") -> dict[str, str]:
    """Return each name in at most `width` cells, cut where no two of them look alike."""
    distinct, middle = tuple(dict.fromkeys(names)), max(width - 1, 0) // 2
    for tail in sorted(range(max(width, 1)), key=lambda tail: abs(tail - middle)):
        short = {name: shorten(name, width, ellipsis, tail) for name in distinct}
        if len(set(short.values())) == len(distinct):
            return short
    return {name: shorten(name, width, ellipsis) for name in distinct}


def pad(
    text: str, width: int, *, ellipsis: str = "…", right: bool = False, tail: int | None = None
) -> str:
    """Return `text` in exactly `width` cells, filled with blanks at its end or before it."""
    text = shorten(text, width, ellipsis, tail)
    blank = " " * max(width - cell_len(text), 0)
    return blank + text if right else text + blank


def format_count(value: int | None) -> str:
    """Return a count with thousands separators; `?` if unknown."""
    return "?" if value is None else f"{value:,}"


def format_sum(total: Total, figure: str, at_least: str) -> str:
    """Return a figure of a total, marked as a lower bound where a server or a pool is missing."""
    count: int | None = getattr(total.reading, figure)
    is_partial = count is not None and total.is_partial(figure)
    return f"{at_least * is_partial}{format_count(count)}"


def format_share(
    ratio: float | None, limits: Iterable[float], level: Level, symbols: Symbols
) -> str:
    """Return a share in percent with the sign of its level; a `?` needs no second one."""
    sign = " " if ratio is None and level is Level.UNKNOWN else symbols.level[level]
    return f"{percent_text(ratio, limits)} {sign}"


def format_age(seconds: float) -> str:
    """Return a duration in its largest unit: `12 s`, `3 min`, `5 h`, `4 d`."""
    return f"{max(0, int(seconds))} s" if seconds < _MINUTE else format_coarse_age(seconds)


def format_coarse_age(seconds: float) -> str:
    """Return a duration like `format_age`, but `now` below one minute: it rarely changes."""
    for limit, unit, name in ((HOUR, _MINUTE, "min"), (2 * DAY, HOUR, "h")):
        if seconds < limit:
            return f"{int(seconds) // unit} {name}" if seconds >= _MINUTE else "now"
    return f"{int(seconds) // DAY} d"


def format_date(of: date, today: date) -> str:
    """Return a date such as `3 Dec`, with the year if it is not the current one."""
    return f"{of.day} {of:%b}" if of.year == today.year else f"{of.day} {of:%b %Y}"


def format_days_until(days: int) -> str:
    """Return the distance to a day: `in 37 d`, `today`, `5 d ago`."""
    return "today" if not days else f"in {days} d" if days > 0 else f"{-days} d ago"


# Text with a tone: what the drawing functions return, before the theme adds colors


class Tone(StrEnum):
    """The meaning of a piece of text; the theme maps it to a color."""

    TEXT = "text"
    STRONG = "strong"
    QUIET = "quiet"
    FRAME = "frame"
    ACCENT = "accent"
    OK = "ok"
    WARN = "warn"
    CRITICAL = "critical"
    OVER = "over"


Fragment = tuple[str, Tone]
Line = tuple[Fragment, ...]

LEVEL_TONES: Final = {
    Level.OK: Tone.OK,
    Level.WARN: Tone.WARN,
    Level.CRITICAL: Tone.CRITICAL,
    Level.OVERDRAFT: Tone.OVER,
    Level.EXHAUSTED: Tone.CRITICAL,
    Level.UNKNOWN: Tone.QUIET,
}
FIGURE_TONES: Final = LEVEL_TONES | {Level.OK: Tone.TEXT}


NORMAL_STATES: Final = (State.UP, State.WAITING, State.DISABLED)
STATE_TONES: Final = dict.fromkeys(State, Tone.CRITICAL) | {
    State.UP: Tone.OK,
    State.WAITING: Tone.QUIET,
    State.DISABLED: Tone.QUIET,
    State.STALE: Tone.WARN,
    State.NO_DATA: Tone.WARN,
}


def line_width(line: Iterable[Fragment]) -> int:
    """Return the cells that a line takes."""
    return sum(cell_len(strip_controls(text)) for text, _ in line)


def merge_fragments(line: Iterable[Fragment]) -> Line:
    """Join neighboring fragments of one tone: each fragment costs bytes on the wire."""
    return tuple(
        ("".join(text for text, _ in runs), tone)
        for tone, runs in groupby(line, key=lambda run: run[1])
    )


def fit_line(line: Sequence[Fragment], cells: int) -> Line:
    """Cut or fill a line at its right end to exactly `cells` cells."""
    fitted: list[Fragment] = []
    left = cells
    for raw_text, tone in line:
        if left <= 0:
            break
        text = strip_controls(raw_text)
        size = cell_len(text)
        fitted.append((text if size <= left else set_cell_size(text, left), tone))
        left -= min(size, left)
    return merge_fragments([*fitted, *[(" " * left, Tone.TEXT)] * (left > 0)])


def hang(head: Line, line: Sequence[Fragment], width: int) -> Iterator[Line]:
    """Break a line between words, each keeping its tone; all parts are indented by the head.

    It is not broken at `NO_BREAK`, which becomes a blank.
    """
    indent, start = line_width(head), 0
    cells = [(cell, tone) for text, tone in line for cell in _cells(text)]
    text = "".join(cell for cell, _ in cells)
    room = max(10, width - indent - (_FILLER in text))  # a wide character may be broken apart
    wrapper = TextWrapper(room, drop_whitespace=False, break_on_hyphens=False)
    for piece in wrapper.wrap(_BEFORE_UNIT.sub(NO_BREAK, text)) or [""]:
        end = start + len(piece)
        first, last = end - len(piece.lstrip()), start + len(piece.rstrip())
        part = ((_SHOWN.get(cell, cell), tone) for cell, tone in cells[first:last])
        yield (*head, *merge_fragments(part))
        start, head = end, ((" " * indent, Tone.QUIET),)


NO_BREAK: Final = "\u00a0"
_BEFORE_UNIT: Final = re.compile(r"(?<=\d) (?=%|(?:min|m?s|[hd]|[A-Z][a-z]{2})\b)")
_FILLER: Final = "\0"  # the second cell of a wide character
_SHOWN: Final = {_FILLER: "", NO_BREAK: " "}


def _cells(text: str) -> Iterator[str]:
    for character in strip_controls(text):
        yield character
        yield from _FILLER * (cell_len(character) - 1)


# Export of the current view as a CSV file


Cell = str | int | float | None
Table = tuple[tuple[Cell, ...], ...]  # the first row holds the column names


def export_csv(table: Iterable[Sequence[Cell]], view: str, now: float) -> Path:
    """Write the table to the current directory and return the path. Raises OSError."""
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    file = Path.cwd() / f"lictui-{view}-{stamp}.csv"
    write_private(file, csv_text(map(_csv_cell, row) for row in table).encode())
    return file


def _csv_cell(cell: Cell) -> Cell:
    """Return a cell without control characters, and without the noise of floats."""
    if isinstance(cell, str):
        return strip_controls(cell)
    return round(cell, 4) if isinstance(cell, float) else cell
