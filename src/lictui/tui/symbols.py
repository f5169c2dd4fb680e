"""The characters the screen is drawn with: a Unicode set, and one of 7-bit characters alone.

Owns glyphs. Must not know colours, nor where a glyph is put.
"""

from __future__ import annotations

import locale
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lictui.model import Level, State

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Symbols:
    """One set of glyphs. Every glyph is one cell wide, but for the arrow."""

    corners: str  # top left, top right, bottom left, bottom right
    horizontal: str
    vertical: str
    bars: str  # parts of a cell from left to right, empty not among them, full last
    track: str  # the part of a gauge that is free
    over: str  # overdraft in use
    allowance: str  # overdraft still to be had
    tick: str  # the peak of the day
    end: str  # where installed ends
    rises: str  # heights of a trend from lowest to highest
    gap: str  # no poll succeeded
    state: Mapping[State, str]
    level: Mapping[Level, str]
    ellipsis: str
    dot: str  # between two facts
    cursor: str
    ascending: str
    descending: str
    passed: str  # a step of the test
    failed: str
    waits: str  # the step that is under way
    arrow: str  # before what to do about it


UNICODE: Final = Symbols(
    corners="╭╮╰╯",
    horizontal="─",
    vertical="│",
    bars="▏▎▍▌▋▊▉█",
    track="·",
    over="▓",
    allowance="░",
    tick="▕",
    end="▏",
    rises="▁▂▃▄▅▆▇█",
    gap=" ",
    state={
        State.WAITING: "◌",
        State.UP: "●",
        State.STALE: "◐",
        State.DOWN: "✖",
        State.DENIED: "⊘",
        State.UNTRUSTED: "⚠",
        State.NO_DATA: "○",
        State.ERROR: "✖",
        State.DISABLED: "∅",
    },
    level={
        Level.OK: " ",
        Level.WARN: "!",
        Level.CRITICAL: "‼",
        Level.OVERDRAFT: "⚑",
        Level.EXHAUSTED: "✖",
        Level.UNKNOWN: "?",
    },
    ellipsis="…",
    dot="·",
    cursor="▌",
    ascending="▲",
    descending="▼",
    passed="✔",
    failed="✖",
    waits="…",
    arrow="→",
)

ASCII: Final = Symbols(
    corners="++++",
    horizontal="-",
    vertical="|",
    bars="#",
    track=".",
    over="X",
    allowance=":",
    tick="'",
    end="|",
    rises="_.-=+*%#",
    gap=" ",
    state={
        State.WAITING: "o",
        State.UP: "*",
        State.STALE: "~",
        State.DOWN: "x",
        State.DENIED: "x",
        State.UNTRUSTED: "!",
        State.NO_DATA: "o",
        State.ERROR: "x",
        State.DISABLED: "-",
    },
    level={
        Level.OK: " ",
        Level.WARN: "!",
        Level.CRITICAL: "!",
        Level.OVERDRAFT: "^",
        Level.EXHAUSTED: "x",
        Level.UNKNOWN: "?",
    },
    ellipsis="~",
    dot="|",
    cursor=">",
    ascending="^",
    descending="v",
    passed="+",
    failed="x",
    waits=".",
    arrow="->",
)


def choose(*, ascii_only: bool) -> Symbols:
    """The set asked for; a terminal that cannot do better gets the 7-bit one by itself."""
    poor = os.environ.get("TERM") == "linux" and "utf" not in locale.getpreferredencoding(
        do_setlocale=False
    ).lower().replace("-", "")
    return ASCII if ascii_only or poor else UNICODE
