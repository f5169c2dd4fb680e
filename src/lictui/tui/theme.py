"""Color themes (dark, light, the terminal's 16 colors, color-blind) and symbol sets.

Screens use only the variables of the theme, never colors of their own.
"""

from __future__ import annotations

import locale
import os
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from rich.segment import Segment
from textual.filter import LineFilter
from textual.theme import Theme

from lictui.model import Level, State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import App
    from textual.color import Color


# Variables that lictui draws with and Textual does not define; defaults for other themes.
DEFAULT_VARIABLES: Final = {
    "over": "#c678dd",
    "quiet": "#7f8490",
    "frame": "#4b5263",
    "chosen": "#3a4150",
}

THEMES: Final = (
    Theme(
        name="lictui-dark",
        primary="#7aa2f7",
        secondary="#5c7bc0",
        accent="#7dcfff",
        success="#73c991",
        warning="#e5c07b",
        error="#f07178",
        foreground="#d5d9e0",
        background="#16181d",
        surface="#1d2027",
        panel="#252932",
        variables={"over": "#d18cf5", "quiet": "#868d9b", "frame": "#4a5160", "chosen": "#2e3644"},
    ),
    Theme(
        name="lictui-light",
        primary="#2456b8",
        secondary="#4a6fb5",
        accent="#0b6e99",
        success="#1d7a3f",
        warning="#9a5b00",
        error="#b3202a",
        foreground="#22262e",
        background="#fafafa",
        surface="#f0f1f3",
        panel="#e4e6ea",
        dark=False,
        variables={"over": "#7b2fa8", "quiet": "#666d79", "frame": "#b3b9c4", "chosen": "#d6e2f7"},
    ),
    Theme(
        name="lictui-ansi",
        ansi=True,
        primary="ansi_blue",
        secondary="ansi_cyan",
        accent="ansi_cyan",
        success="ansi_green",
        warning="ansi_yellow",
        error="ansi_red",
        foreground="ansi_default",
        background="ansi_default",
        surface="ansi_default",
        panel="ansi_default",
        boost="ansi_default",
        variables={
            "over": "ansi_magenta",
            "quiet": "ansi_bright_black",
            "frame": "ansi_bright_black",
            "chosen": "ansi_blue",
            # Variables that Textual's own widgets need from a theme of terminal colors.
            "ansi-background": "ansi_black",
            "ansi-foreground": "ansi_white",
            "border-blurred": "ansi_bright_black",
            "block-cursor-foreground": "ansi_black",
            "block-cursor-background": "ansi_white",
            "input-cursor-background": "ansi_white",
            "input-cursor-foreground": "ansi_black",
            "input-cursor-text-style": "none",
            "input-selection-background": "ansi_bright_blue",
            "input-selection-foreground": "ansi_black",
            "screen-selection-background": "ansi_bright_blue",
            "screen-selection-foreground": "ansi_black",
        },
    ),
    Theme(
        name="lictui-colour-blind",
        # The palette of Okabe and Ito: distinguishable with every common color vision.
        primary="#56b4e9",
        secondary="#0072b2",
        accent="#56b4e9",
        success="#0ca77d",
        warning="#f0e442",
        error="#e8743b",
        foreground="#e6e6e6",
        background="#14161a",
        surface="#1c1f25",
        panel="#262a32",
        variables={"over": "#d98cc0", "quiet": "#8b919c", "frame": "#4d5462", "chosen": "#2c3a4a"},
    ),
)


def register_themes(app: App[int]) -> None:
    """Register lictui's themes with Textual."""
    for theme in THEMES:
        app.register_theme(theme)


# Symbol sets: Unicode, and 7-bit ASCII


@dataclass(frozen=True, slots=True)
class Symbols:
    """One set of glyphs. Every glyph is one cell wide, except the arrow."""

    corners: str  # top left, top right, bottom left, bottom right
    horizontal: str
    vertical: str
    gauge_bars: str  # parts of a cell from left to right, the full cell last
    track: str  # the free part of a gauge
    overdraft_used: str  # overdraft in use
    overdraft_free: str  # overdraft available
    peak: str  # peak of the day
    limit: str  # end of installed
    trend_bars: str  # heights of a trend from lowest to highest
    gap: str  # no successful poll
    state: Mapping[State, str]
    level: Mapping[Level, str]
    ellipsis: str
    dot: str  # separator of two facts
    cursor: str
    ascending: str
    descending: str
    passed: str  # a test step
    failed: str
    pending: str  # the running step
    arrow: str  # before a hint


UNICODE_SYMBOLS: Final = Symbols(
    corners="╭╮╰╯",
    horizontal="─",
    vertical="│",
    gauge_bars="▏▎▍▌▋▊▉█",
    track="·",
    overdraft_used="▓",
    overdraft_free="░",
    peak="▕",
    limit="▏",
    trend_bars="▁▂▃▄▅▆▇█",
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
    pending="…",
    arrow="→",
)

ASCII_SYMBOLS: Final = Symbols(
    corners="++++",
    horizontal="-",
    vertical="|",
    gauge_bars="#",
    track=".",
    overdraft_used="X",
    overdraft_free=":",
    peak="'",
    limit="|",
    trend_bars="_.-=+*%#",
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
    pending=".",
    arrow="->",
)


def choose_symbols(*, ascii_only: bool) -> Symbols:
    """Return the symbol set; a console without UTF-8 gets ASCII in any case."""
    limited = os.environ.get("TERM") == "linux" and "utf" not in locale.getpreferredencoding(
        do_setlocale=False
    ).lower().replace("-", "")
    return ASCII_SYMBOLS if ascii_only or limited else UNICODE_SYMBOLS


# ASCII mode: everything drawn is converted to 7-bit characters


_ASCII_EQUIVALENTS: Final = {
    **dict.fromkeys("─━┄┅┈┉╌═▔▁‐‑‒–—―", "-"),  # noqa: RUF001 - the dashes are what is meant
    **dict.fromkeys("│┃┆┇┊┋╎║▏▎▍▕▐▌", "|"),
    **dict.fromkeys("┌┍┎┏┐┑┒┓└┕┖┗┘┙┚┛├┤┬┴┼╭╮╯╰╒╔╗╚╝", "+"),
    **dict.fromkeys("█▉▊▋▇▆▅▄▀▓", "#"),
    **dict.fromkeys("·•∙", "."),
    **dict.fromkeys("‘’‚", "'"),  # noqa: RUF001 - the quotes are what is meant
    **dict.fromkeys("“”„", '"'),
    **dict.fromkeys("→▸▶", ">"),
    **dict.fromkeys("←◂◀", "<"),
    "…": "~",
    "✔": "+",
    "✖": "x",
    "▲": "^",
    "▼": "v",
}


class AsciiFilter(LineFilter):
    """Replaces every other character by 7-bit characters of the same width."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments in 7 bits."""
        del background
        return [
            segment
            if segment.text.isascii()
            else Segment(to_ascii(segment.text), segment.style, segment.control)
            for segment in segments
        ]


@lru_cache(maxsize=8192)
def to_ascii(text: str) -> str:
    """Return `text` in 7-bit characters of the same width."""
    return "".join(map(_ascii_character, text))


def _ascii_character(character: str) -> str:
    if character.isascii():
        return character
    width = cell_len(character)
    if width == 1:
        letter = unicodedata.normalize("NFKD", character)[0]
        return _ASCII_EQUIVALENTS.get(character) or (letter if letter.isascii() else "?")
    return "?" * width
