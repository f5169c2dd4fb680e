"""Big digits: figures that can be read from across a room.

Owns a font of 3 by 5 dots and two ways to set it: two dots to a cell, or 7-bit characters. Pure.
"""

from __future__ import annotations

from typing import Final

ROWS: Final = 5  # dots
_FONT: Final = {
    "0": "###/#.#/#.#/#.#/###",
    "1": ".#./##./.#./.#./###",
    "2": "###/..#/###/#../###",
    "3": "###/..#/###/..#/###",
    "4": "#.#/#.#/###/..#/..#",
    "5": "###/#../###/..#/###",
    "6": "###/#../###/#.#/###",
    "7": "###/..#/..#/..#/..#",
    "8": "###/#.#/###/#.#/###",
    "9": "###/#.#/###/..#/###",
    ",": "./././#/#",
    "?": "###/..#/.##/.../.#.",
    "-": ".../.../###/.../...",
}
_HALVES: Final = {"..": " ", "#.": "▀", ".#": "▄", "##": "█"}


def height(*, ascii_only: bool = False, scale: int = 1) -> int:
    """Rows that `big` makes."""
    return ROWS * scale if ascii_only else (ROWS * scale + 1) // 2


def big(text: str, *, ascii_only: bool = False, scale: int = 1) -> tuple[str, ...]:
    """`text`, of digits and `,?-`, as rows of equal width; others become `?`."""
    glyphs = [_FONT.get(character, _FONT["?"]).split("/") for character in text]
    wide = 2 if ascii_only else 1  # a cell is about twice as high as it is wide
    dots = [
        ".".join("".join(dot * scale * wide for dot in glyph[row]) for glyph in glyphs)
        for row in range(ROWS)
        for _ in range(scale)
    ]
    if ascii_only:
        return tuple(row.replace(".", " ") for row in dots)
    if len(dots) % 2:
        dots.insert(0, "." * len(dots[0]))
    return tuple(
        "".join(_HALVES[upper + lower] for upper, lower in zip(top, bottom, strict=True))
        for top, bottom in zip(dots[::2], dots[1::2], strict=True)
    )
