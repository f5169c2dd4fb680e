"""How many licenses of a pool are in use: known every quarter of an hour, straight between.

Owns the time axis of a pool's life: rhythms are asked for whole days, and moments are read off
the lines between their points, so that the figure at a moment and the past of a year are the same
figures. Must not know licenses. Times are UTC epoch seconds.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final, Protocol

from lictui.simulator.region import QUARTER, QUARTERS

if TYPE_CHECKING:
    from collections.abc import Sequence

_REMEMBERED: Final = 2  # days: a moment between midnight's two quarters needs both


class Rhythm(Protocol):
    """What a day of one kind of license looks like."""

    def quarters(self, day: int) -> Sequence[int]:
        """In use at the 96 quarter hours of a local day."""
        ...


class Curve:
    """A rhythm laid along the time axis of its time zone."""

    __slots__ = ("_days", "_rhythm", "_shift")

    def __init__(self, rhythm: Rhythm, hours: float) -> None:
        self._rhythm = rhythm
        self._shift = round(hours * 3600 / QUARTER)
        self._days: dict[int, Sequence[int]] = {}

    def at(self, moment: float) -> int:
        """In use at `moment`."""
        quarter, rest = divmod(moment, QUARTER)
        before, after = self._point(int(quarter)), self._point(int(quarter) + 1)
        return before + round((after - before) * rest / QUARTER)

    def span(self, first: int, last: int) -> list[int]:
        """In use at the quarter hours `first` to before `last`, counted from the epoch."""
        points: list[int] = []
        start, end = first + self._shift, last + self._shift
        for day in range(start // QUARTERS, -(-end // QUARTERS)):
            at = day * QUARTERS
            points += self._rhythm.quarters(day)[max(0, start - at) : max(0, end - at)]
        return points

    def fine(self, first: int, last: int) -> list[int]:
        """The same quarter hours in three steps each, of five minutes."""
        points: list[int] = []
        for before, after in pairwise(self.span(first, last + 1)):
            rise = after - before
            points += (before, before + round(rise / 3), before + round(rise * 2 / 3))
        return points

    def _point(self, quarter: int) -> int:
        day, of_day = divmod(quarter + self._shift, QUARTERS)
        # Replaced, not changed: the loop that serves and the thread that reads may both be here.
        if (points := self._days.get(day)) is None:
            points = self._rhythm.quarters(day)
            kept = list(self._days.items())[1 - _REMEMBERED :]
            self._days = {**dict(kept), day: points}
        return points[of_day]


class Steps(Curve):
    """The same, but each figure stands until the next: what is told now and then, not read."""

    __slots__ = ()

    def at(self, moment: float) -> int:
        """In use as told last before `moment`."""
        return self._point(int(moment // QUARTER))

    def fine(self, first: int, last: int) -> list[int]:
        """Each quarter hour three times."""
        return [point for point in self.span(first, last) for _ in range(3)]
