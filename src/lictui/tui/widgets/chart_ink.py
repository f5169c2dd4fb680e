"""What a chart is drawn with: the parts its cells can belong to, and a character for each.

Owns glyphs and parts, in Unicode and in 7 bits. Must not know plotext, nor where anything is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from lictui.model import Level
from lictui.tui.widgets.chart_view import Sign

if TYPE_CHECKING:
    from collections.abc import Mapping


class Part(Enum):
    """What a cell of the chart is part of; the name of its component class."""

    FRAME = "frame"
    INSTALLED = "installed"
    TOTAL = "total"
    THRESHOLD = "threshold"
    CURSOR = "cursor"
    AREA_OK = "area-ok"
    AREA_WARN = "area-warn"
    AREA_CRITICAL = "area-critical"
    AREA_UNKNOWN = "area-unknown"
    EDGE_OK = "edge-ok"
    EDGE_WARN = "edge-warn"
    EDGE_CRITICAL = "edge-critical"
    EDGE_UNKNOWN = "edge-unknown"
    TOLD = "told"
    BEFORE = "before"
    AHEAD = "ahead"
    BAND = "band"
    MARK = "mark"


PARTS: Final = tuple(Part)
AREA: Final = {
    Level.OK: Part.AREA_OK,
    Level.WARN: Part.AREA_WARN,
    Level.CRITICAL: Part.AREA_CRITICAL,
    Level.OVERDRAFT: Part.AREA_CRITICAL,
    Level.EXHAUSTED: Part.AREA_CRITICAL,
    Level.UNKNOWN: Part.AREA_UNKNOWN,
}
EDGE: Final = {level: Part[area.name.replace("AREA", "EDGE")] for level, area in AREA.items()}


@dataclass(frozen=True, slots=True)
class Ink:
    """The characters a chart is drawn with; to plotext `hd` means quarter blocks."""

    area: str
    installed: str
    total: str
    threshold: str
    cursor: str
    told: str
    before: str  # the period before
    ahead: str  # what is expected
    band: str  # between what and what
    signs: Mapping[Sign, str]  # of changes, on the time axis
    frame: dict[int, int]  # what becomes of plotext's own characters


UNICODE: Final = Ink(
    "hd", "━", "┅", "┈", "│", "●", "◦", "╌", "░",
    {
        Sign.GONE: "◇", Sign.LICENSES: "◆", Sign.ENDS: "◊", Sign.LOST: "✖", Sign.FOUND: "✔",
        Sign.ACTIVATION: "▣", Sign.VERSION: "▲", Sign.CERTIFICATE: "▤", Sign.NOTICE: "!",
    },
    {},
)  # fmt: skip
ASCII: Final = Ink(
    "#", "=", "-", ".", "|", "o", "+", "~", ":",
    {
        Sign.GONE: "g", Sign.LICENSES: "L", Sign.ENDS: "e", Sign.LOST: "x", Sign.FOUND: "*",
        Sign.ACTIVATION: "a", Sign.VERSION: "v", Sign.CERTIFICATE: "c", Sign.NOTICE: "!",
    },
    str.maketrans("│─┤├└┬┴┼", "|-++++++"),
)  # fmt: skip
