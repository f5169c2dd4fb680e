"""Color themes (dark, light, the terminal's 16 colors, color-blind) and symbol sets.

Screens use only the variables of the theme, never colors of their own.
"""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
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
    "primary": ("#7aa2f7", "#2456b8", "ansi_cyan", "#56b4e9"),
    "secondary": ("#5c7bc0", "#4a6fb5", "ansi_cyan", "#0072b2"),
    "accent": ("#7dcfff", "#0b5a80", "ansi_cyan", "#56b4e9"),
    "success": ("#73c991", "#175f31", "ansi_green", "#1fb98d"),
    "warning": ("#e5c07b", "#6b4700", "ansi_yellow", "#f0e442"),
    "error": ("#ff8a8f", "#b3202a", "ansi_bright_red", "#f2905f"),
    "foreground": ("#d5d9e0", "#22262e", "ansi_default", "#e6e6e6"),
    "background": ("#16181d", "#fafafa", "ansi_default", "#14161a"),
    "surface": ("#1d2027", "#f3f4f5", "ansi_default", "#1c1f25"),
    "panel": ("#252932", "#eaecee", "ansi_default", "#262a32"),
    "boost": (None, None, "ansi_default", None),
}
_VARIABLES: Final = {
    "over": ("#d699f5", "#7b2fa8", "ansi_bright_magenta", "#dc9cc6"),
    "quiet": ("#a3a8b2", "#565c66", "ansi_bright_black", "#a3a8b2"),
    "frame": ("#4a5160", "#b3b9c4", "ansi_bright_black", "#4d5462"),
    "chosen": ("#33363d", "#d9e3f6", "ansi_blue", "#33363d"),  # the background of what is selected
    "on-chosen": ("#d5d9e0", "#22262e", "ansi_bright_white", "#e6e6e6"),
}
# fmt: on
# Variables that lictui draws with and Textual does not define; defaults for other themes.
DEFAULT_VARIABLES: Final = {name: shades[0] for name, shades in _VARIABLES.items()}
_ANSI_VARIABLES: Final = {  # that Textual's own widgets need from a theme of terminal colors
    "ansi-background": "ansi_black",
    "ansi-foreground": "ansi_white",
    "border-blurred": "ansi_bright_black",
    "footer-key-foreground": "ansi_cyan",
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
    variables |= dict.fromkeys(("text-muted", "text-disabled"), variables["quiet"])
    for state in ("", "blurred-"):
        variables[f"block-cursor-{state}background"] = variables["chosen"]
        variables[f"block-cursor-{state}foreground"] = variables["on-chosen"]
    is_ansi = name == "lictui-ansi"
    if is_ansi:
        variables |= _ANSI_VARIABLES
    dark = name != "lictui-light"
    return Theme(name=name, ansi=is_ansi, dark=dark, variables=variables, **colors)


THEMES: Final = tuple(_theme(column, name) for column, name in enumerate(THEME_NAMES))
CONSOLE_THEMES: Final = tuple(  # the bright black of the Linux console is too dark for text
    replace(theme, variables=theme.variables | {"quiet": "ansi_cyan"}) if theme.ansi else theme
    for theme in THEMES
)


# Symbol sets: Unicode, and 7-bit ASCII


class Symbols(Struct, frozen=True):
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
    curve: str  # the line and the area of a chart, as plotext names them
    area: str
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
    at_least: str  # before a sum that does not cover everything
    about: str  # before a share of what is known


# fmt: off
# Unicode, 7-bit ASCII, and the fonts of the Linux console where they have more than ASCII
_GLYPHS: Final[dict[str, tuple[str, ...]]] = {
    "corners": ("╭╮╰╯", "++++", "╭╮╰╯"),
    "horizontal": ("─", "-", "─"),
    "vertical": ("│", "|", "│"),
    "gauge_bars": ("▏▎▍▌▋▊▉█", "#", "█"),
    "track": ("·", ".", "·"),
    "overdraft_used": ("▓", "X", "▒"),
    "overdraft_free": ("░", ":", "░"),
    "peak": ("▕", "'"),
    "limit": ("▏", "|", "│"),
    "trend_bars": ("▁▂▃▄▅▆▇█", "_.-=+*%#"),
    "gap": (" ", " "),
    "curve": ("braille", "#", "█"),
    "area": ("braille", ":", "░"),
    "ellipsis": ("…", "~", "…"),
    "dot": ("·", "|", "·"),
    "cursor": ("▌", ">", "▶"),
    "ascending": ("▲", "^", "▲"),
    "descending": ("▼", "v", "▼"),
    "passed": ("✔", "+"),
    "failed": ("✖", "x", "✗"),
    "pending": ("…", "."),
    "arrow": ("→", "->", "→"),
    "at_least": ("≥", ">=", "≥"),
    "about": ("≈", "~", "≈"),
}
_STATE_GLYPHS: Final = {
    State.WAITING: "◌oo", State.UP: "●*●", State.STALE: "◐~~", State.DOWN: "✖x✗",
    State.DENIED: "⊘x⊘", State.UNTRUSTED: "⚠!!", State.NO_DATA: "○o☐", State.ERROR: "✖x✗",
    State.DISABLED: "∅--",
}
_LEVEL_GLYPHS: Final = {
    Level.OK: "   ", Level.WARN: "!!!", Level.CRITICAL: "‼#‼", Level.OVERDRAFT: "⚑^▲",
    Level.EXHAUSTED: "✖x✗", Level.UNKNOWN: "???",
}
# fmt: on


def _symbols(column: int) -> Symbols:
    glyphs: dict[str, Any] = {
        name: forms[min(column, len(forms) - 1)] for name, forms in _GLYPHS.items()
    }
    return Symbols(
        **glyphs,
        state={state: forms[column] for state, forms in _STATE_GLYPHS.items()},
        level={level: forms[column] for level, forms in _LEVEL_GLYPHS.items()},
    )


UNICODE_SYMBOLS: Final = _symbols(0)
ASCII_SYMBOLS: Final = _symbols(1)
CONSOLE_SYMBOLS: Final = _symbols(2)


# ASCII mode: everything drawn is converted to 7-bit characters; on the console, what it lacks


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


# In every console font of Debian that has 512 characters
CONSOLE_CHARACTERS: Final = frozenset("─│┌┐└┘├┤┬┴┼╭╮╯╰═║█░▒■▲▼▶◀●☐✗‼≈≥≤→←↑↓·•⊘…−–—×")  # noqa: RUF001
_DENSITIES: Final = " .:-=+*#@"  # for a pattern of up to eight dots


class AsciiFilter(LineFilter):
    """Replaces every other character by 7-bit characters of the same width."""

    def __init__(self, kept: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self._kept = kept

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        del background
        return [
            segment
            if segment.text.isascii()
            else Segment(to_ascii(segment.text, self._kept), segment.style, segment.control)
            for segment in segments
        ]


@lru_cache(maxsize=8192)
def to_ascii(text: str, kept: frozenset[str] = frozenset()) -> str:
    """Return `text` in 7-bit characters of the same width; some, and with them letters, stay."""
    return "".join(
        character
        if character.isascii() or character in kept or (kept and character.isalpha())
        else _ascii_character(character)
        for character in text
    )


def _ascii_character(character: str) -> str:
    if "\N{BRAILLE PATTERN BLANK}" <= character <= "\N{BRAILLE PATTERN DOTS-12345678}":
        return _DENSITIES[(ord(character) & 0xFF).bit_count()]
    width = cell_len(character)
    if width == 1:
        letter = unicodedata.normalize("NFKD", character)[0]
        return _ASCII_EQUIVALENTS.get(character) or (letter if letter.isascii() else "?")
    return "?" * width
