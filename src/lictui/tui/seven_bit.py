"""The last word of the ASCII mode: whatever was drawn leaves in 7-bit characters.

Owns what stands in for a character beyond ASCII: Textual's own frames and scrollbars, and what
servers and people write. Must not know who drew it. Every cell keeps its place.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from rich.segment import Segment
from textual.filter import LineFilter

if TYPE_CHECKING:
    from textual.color import Color

_LIKE: Final = {
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


class SevenBit(LineFilter):
    """Puts a 7-bit character, or as many as it was wide, in place of every other one."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments in 7 bits."""
        del background
        return [
            segment
            if segment.text.isascii()
            else Segment(plain(segment.text), segment.style, segment.control)
            for segment in segments
        ]


@lru_cache(maxsize=8192)
def plain(text: str) -> str:
    """`text` in 7-bit characters, as many cells wide."""
    return "".join(map(_plain, text))


def _plain(character: str) -> str:
    if character.isascii():
        return character
    width = cell_len(character)
    if width == 1:
        letter = unicodedata.normalize("NFKD", character)[0]
        return _LIKE.get(character) or (letter if letter.isascii() else "?")
    return "?" * width
