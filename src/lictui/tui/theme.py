"""Color themes (dark, light, the terminal's 16 colors, color-blind) and symbol sets.

Screens use only the variables of the theme, never colors of their own.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from rich.cells import cell_len
from rich.segment import Segment
from textual.filter import LineFilter
from textual.theme import Theme

from lictui.model import Level, State
from lictui.tui.theme_names import THEME_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.color import Color


# fmt: off
_COLORS: Final = {  # dark, light, terminal colors, color-blind (the palette of Okabe and Ito)
    "primary": ("#7aa2f7", "#2456b8", "ansi_blue", "#56b4e9"),
    "secondary": ("#5c7bc0", "#4a6fb5", "ansi_cyan", "#0072b2"),
    "accent": ("#7dcfff", "#0b6e99", "ansi_cyan", "#56b4e9"),
    "success": ("#73c991", "#1d7a3f", "ansi_green", "#0ca77d"),
    "warning": ("#e5c07b", "#9a5b00", "ansi_yellow", "#f0e442"),
    "error": ("#f07178", "#b3202a", "ansi_red", "#e8743b"),
    "foreground": ("#d5d9e0", "#22262e", "ansi_default", "#e6e6e6"),
    "background": ("#16181d", "#fafafa", "ansi_default", "#14161a"),
    "surface": ("#1d2027", "#f0f1f3", "ansi_default", "#1c1f25"),
    "panel": ("#252932", "#e4e6ea", "ansi_default", "#262a32"),
    "boost": (None, None, "ansi_default", None),
}
_VARIABLES: Final = {
    "over": ("#d18cf5", "#7b2fa8", "ansi_magenta", "#d98cc0"),
    "quiet": ("#868d9b", "#666d79", "ansi_bright_black", "#8b919c"),
    "frame": ("#4a5160", "#b3b9c4", "ansi_bright_black", "#4d5462"),
    "chosen": ("#2e3644", "#d6e2f7", "ansi_blue", "#2c3a4a"),
}
# fmt: on
# Variables that lictui draws with and Textual does not define; defaults for other themes.
DEFAULT_VARIABLES: Final = {name: shades[0] for name, shades in _VARIABLES.items()}
_ANSI_VARIABLES: Final = {  # that Textual's own widgets need from a theme of terminal colors
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
}


def _theme(column: int, name: str) -> Theme:
    colors: dict[str, Any] = {key: shades[column] for key, shades in _COLORS.items()}
    variables = {key: shades[column] for key, shades in _VARIABLES.items()}
    is_ansi = name == "lictui-ansi"
    if is_ansi:
        variables |= _ANSI_VARIABLES
    dark = name != "lictui-light"
    return Theme(name=name, ansi=is_ansi, dark=dark, variables=variables, **colors)


THEMES: Final = tuple(_theme(column, name) for column, name in enumerate(THEME_NAMES))


# Symbol sets: Unicode, and 7-bit ASCII


# fmt: off
_STATE_GLYPHS: Final = {  # Unicode, 7-bit ASCII
    State.WAITING: "◌o", State.UP: "●*", State.STALE: "◐~", State.DOWN: "✖x", State.DENIED: "⊘x",
    State.UNTRUSTED: "⚠!", State.NO_DATA: "○o", State.ERROR: "✖x", State.DISABLED: "∅-",
}
_LEVEL_GLYPHS: Final = {
    Level.OK: "  ", Level.WARN: "!!", Level.CRITICAL: "‼!", Level.OVERDRAFT: "⚑^",
    Level.EXHAUSTED: "✖x", Level.UNKNOWN: "??",
}
# fmt: on


@dataclass(frozen=True, slots=True)
class Symbols:
    """One set of glyphs. Every glyph is one cell wide, except the arrow."""

    state: Mapping[State, str]
    level: Mapping[Level, str]
    corners: str = "╭╮╰╯"  # top left, top right, bottom left, bottom right
    horizontal: str = "─"
    vertical: str = "│"
    gauge_bars: str = "▏▎▍▌▋▊▉█"  # parts of a cell from left to right, the full cell last
    track: str = "·"  # the free part of a gauge
    overdraft_used: str = "▓"  # overdraft in use
    overdraft_free: str = "░"  # overdraft available
    peak: str = "▕"  # peak of the day
    limit: str = "▏"  # end of installed
    trend_bars: str = "▁▂▃▄▅▆▇█"  # heights of a trend from lowest to highest
    gap: str = " "  # no successful poll
    curve: str = "braille"  # the line and the area of a chart, as plotext names them
    area: str = "braille"
    ellipsis: str = "…"
    dot: str = "·"  # separator of two facts
    cursor: str = "▌"
    ascending: str = "▲"
    descending: str = "▼"
    passed: str = "✔"  # a test step
    failed: str = "✖"
    pending: str = "…"  # the running step
    arrow: str = "→"  # before a hint
    at_least: str = "≥"  # before a sum that does not cover everything


def _symbols(column: int, **glyphs: str) -> Symbols:
    states = {state: pair[column] for state, pair in _STATE_GLYPHS.items()}
    return Symbols(states, {level: pair[column] for level, pair in _LEVEL_GLYPHS.items()}, **glyphs)


UNICODE_SYMBOLS: Final = _symbols(0)
ASCII_SYMBOLS: Final = _symbols(
    1, corners="++++", horizontal="-", vertical="|", gauge_bars="#", track=".", overdraft_used="X",
    overdraft_free=":", peak="'", limit="|", trend_bars="_.-=+*%#", curve="#", area=":",
    ellipsis="~", dot="|", cursor=">", ascending="^", descending="v", passed="+", failed="x",
    pending=".", arrow="->", at_least=">=",
)  # fmt: skip


# ASCII mode: everything drawn is converted to 7-bit characters


_ASCII_EQUIVALENTS: Final = {
    **dict.fromkeys("─┄┅┉▔▁▂▃‐‑‒–—―", "-"),  # noqa: RUF001 - the dashes are what is meant
    **dict.fromkeys("│┃┆┇┊┋╎║▏▎▍▕", "|"),
    **dict.fromkeys("┌┍┎┏┐┑┒┓└┕┖┗┘┙┚┛├┤┬┴┼╭╮╯╰╒╔╗╚╝", "+"),
    **dict.fromkeys("█▉▊▋▌▐▇▆▅▄▀▓▖▗▘▙▚▛▜▝▞▟", "#"),
    **dict.fromkeys("·•∙┈", "."),
    **dict.fromkeys("━═", "="),
    **dict.fromkeys("●✔", "*"),
    **dict(zip("░╌◦◇◆◊▣▤…✖▲▼", ":~ogLeac~x^v", strict=True)),
    **dict.fromkeys("‘’‚", "'"),  # noqa: RUF001 - the quotes are what is meant
    **dict.fromkeys("“”„", '"'),
    **dict.fromkeys("→▸▶", ">"),
    **dict.fromkeys("←◂◀", "<"),
}


class AsciiFilter(LineFilter):
    """Replaces every other character by 7-bit characters of the same width."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
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
