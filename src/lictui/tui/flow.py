"""Where panes stand: in one, two or three columns, band by band, under headings of their groups.

Owns places. Pure: must not know what a pane looks like, only how high it is.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_TWO: Final = 132  # cells from which two columns are readable
_THREE: Final = 216


@dataclass(frozen=True, slots=True)
class Place:
    """Something to be placed."""

    group: str
    height: int


@dataclass(frozen=True, slots=True)
class Band:
    """One row of panes of equal height, or a heading."""

    top: int
    height: int
    first: int  # index of the first pane
    count: int  # panes in it; 0 makes it the heading of the group of pane `first`


@dataclass(frozen=True, slots=True)
class Flow:
    """All places. `edges` are the x at which columns begin, and the end of the last."""

    bands: tuple[Band, ...]
    edges: tuple[int, ...]
    height: int

    def band_at(self, line: int) -> Band | None:
        """The band that this line of the whole is in."""
        if not 0 <= line < self.height:
            return None
        return self.bands[bisect_right(self.bands, line, key=lambda band: band.top) - 1]

    def between(self, first: int, last: int) -> tuple[Band, ...]:
        """The bands of which a line is among these, `last` excluded."""
        begin = bisect_right(self.bands, first, key=lambda band: band.top) - 1
        end = bisect_left(self.bands, last, key=lambda band: band.top)
        return self.bands[max(begin, 0) : end]

    def band_of(self, index: int) -> Band:
        """The band that a pane is in."""
        found = bisect_right(self.bands, index, key=lambda band: band.first) - 1
        return self.bands[found]

    def pane_at(self, x: int, line: int) -> int | None:
        """Which pane covers this cell."""
        band = self.band_at(line)
        column = bisect_right(self.edges, x) - 1
        if band is None or not 0 <= column < band.count:
            return None
        return band.first + column

    def cells(self, column: int) -> int:
        """The width of a column."""
        return self.edges[column + 1] - self.edges[column]


def column_count(width: int) -> int:
    """How many columns are readable in this width."""
    return 3 if width >= _THREE else 2 if width >= _TWO else 1


def edges(width: int, columns: int) -> tuple[int, ...]:
    """Where columns of (nearly) equal width begin, and the end."""
    return tuple(width * column // columns for column in range(columns + 1))


def flow(places: Sequence[Place], width: int, columns: int) -> Flow:
    """Place panes in reading order; a group begins a new band under its heading."""
    bands: list[Band] = []
    top = 0
    at = 0
    headings = len({place.group for place in places}) > 1
    group: str | None = None
    while at < len(places):
        if headings and places[at].group != group:
            bands.append(Band(top, 1, at, 0))
            top += 1
        group = places[at].group
        count = 1
        while count < columns and at + count < len(places) and places[at + count].group == group:
            count += 1
        high = max(place.height for place in places[at : at + count])
        bands.append(Band(top, high, at, count))
        top += high
        at += count
    return Flow(tuple(bands), edges(width, columns), top)
