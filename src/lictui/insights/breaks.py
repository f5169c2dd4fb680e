"""Where a series broke: it stepped to another level, or went on in another direction.

Owns how a break is told from noise. Pure: must not know what the figures are.
"""

from __future__ import annotations

from itertools import accumulate
from math import inf
from operator import sub
from statistics import median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lictui.insights.rhythm import Point

LEAST_DAYS: Final = 28  # of a stretch that a trend may be drawn from
_EDGE: Final = 4  # points that must lie on either side of a step
_STEP: Final = 0.93  # a step leaves at most this share of the deviations that a line leaves
_STEPS: Final = 0.6  # the same for three levels, which fit more by chance
_NONE: Final = (inf, 0)
_SMALL: Final = 0.02  # of the level: a step by less changes no forecast
_BIG: Final = 0.05  # a step that leaves too few days to tell how it goes on is at least so big
_SLIGHT: Final = 0.01  # of the level: a line that is so near needs no bend
_LEFT: Final = 1.3  # sigma between the line and its newest points: nearer, they are on it
_NEWEST: Final = 8  # points that tell: six weeks of a year
_BEND: Final = 0.6  # two lines leave at most this share of the variance that one leaves
_BEND_BEFORE: Final = 0.3  # the same, where the newest points are on the one line
_BEND_EDGE: Final = 10  # points on either side of a bend: a direction needs more than a level
_FAR: Final = 3.0  # sigma from the line: holidays beyond count as if they were as far
_SIGMA: Final = 1.4826  # of a normal distribution, over its median deviation


def sigma(misses: Sequence[float]) -> float:
    """The standard deviation, blind to a few that are far off."""
    return _SIGMA * median(map(abs, misses))


def broken_at(points: Sequence[Point], misses: Sequence[float]) -> int | None:
    """The first day after the break that explains the series best; None if a line does.

    `misses` are the points' distances from the line through all of them.
    """
    level = median([y for _, y in points])
    cut = _step(points, misses, level) or _bend(points, misses, level)
    return _between(points, cut) if cut else None


def _between(points: Sequence[Point], cut: int) -> int:
    return int((points[cut - 1][0] + points[cut][0]) / 2) + 1


def _step(points: Sequence[Point], misses: Sequence[float], level: float) -> int | None:
    """The newest step, where two levels, or three, explain the series far better than a line."""
    if len(points) < 2 * _EDGE:
        return None
    along = sum(map(abs, misses))
    figures = [y for _, y in points]
    best, cut = _cut(figures)
    if best >= _STEP * along:
        older, newer = figures[:cut], figures[cut:]
        (low, _), (high, later) = _cut(older), _cut(newer)
        best, cut = min((low + _apart(newer), cut), (_apart(older) + high, cut + later))
        if best >= _STEPS * along:
            return None
    before, after = median(figures[:cut]), median(figures[cut:])
    short = points[-1][0] - _between(points, cut) + 1 < LEAST_DAYS
    least = max(2 * best / len(points), (_BIG if short else _SMALL) * level)
    return cut if abs(after - before) > least else None


def _cut(figures: Sequence[float]) -> tuple[float, int]:
    """What two levels leave at their best, and where the second begins; inf for too few."""
    cuts = range(_EDGE, len(figures) - _EDGE + 1)
    return min(
        ((_apart(figures[:cut]) + _apart(figures[cut:]), cut) for cut in cuts), default=_NONE
    )


def _apart(figures: Sequence[float]) -> float:
    middle = median(figures)
    return sum([abs(y - middle) for y in figures])


def _bend(points: Sequence[Point], misses: Sequence[float], level: float) -> int | None:
    """Where two lines, by least squares, explain the series far better than one.

    Unless the newest points have left that one, the difference must be still greater: a summer
    that is over was no new direction.
    """
    many = len(points)
    if many < 2 * _BEND_EDGE or sigma(misses) < _SLIGHT * level:
        return None
    left = abs(median(misses[-_NEWEST:])) > _LEFT * sigma(misses)
    far = _FAR * sigma(misses)
    start = points[0][0]
    near = [max(-far, min(far, miss)) for miss in misses]
    terms = [(1, x - start, y) for (x, _), y in zip(points, near, strict=True)]
    moments = [(n, x, y, x * x, x * y, y * y) for n, x, y in terms]
    before = list(zip(*map(accumulate, zip(*moments, strict=True)), strict=True))
    whole = before[-1]
    best, cut = min(
        (_residue(before[cut - 1]) + _residue(list(map(sub, whole, before[cut - 1]))), cut)
        for cut in range(_BEND_EDGE, many - _BEND_EDGE + 1)
    )
    if points[-1][0] - _between(points, cut) + 1 < LEAST_DAYS:
        return None
    share = _BEND if left else _BEND_BEFORE
    return cut if best / (many - 5) < share * _residue(whole) / (many - 2) else None


def _residue(moments: Sequence[float]) -> float:
    """The squares that a line of least squares leaves of points with these sums."""
    n, x, y, xx, xy, yy = moments
    spread, both = xx - x * x / n, xy - x * y / n
    return max(0.0, yy - y * y / n - (both * both / spread if spread > 0 else 0.0))
