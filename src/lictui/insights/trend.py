"""The robust trend of a series of daily figures, with its weekly rhythm and its steps.

Owns the statistics: which days count, where the level last stepped, Theil-Sen's slope and how sure
it is. Pure: must not know licenses, thresholds or time zones. Days are proleptic ordinals, as
`date.toordinal` counts them, so that `day % 7` is a weekday.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from math import sqrt
from statistics import fmean, median
from typing import TYPE_CHECKING, Final

from lictui.insights.breaks import LEAST_DAYS, broken_at, sigma
from lictui.insights.rhythm import even, trimmed, working

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lictui.insights.rhythm import Point

_LEAST_POINTS: Final = 12  # working days within it
_BLOCKS: Final = 60  # points that a slope is drawn from: 1,770 pairs, quick for 1,000 pools
_BREAKS: Final = 4  # that are looked for in one series; who breaks more often has no trend
_Z: Final = 1.96  # two sides of 95 %
_SURE: Final = 3.0  # sigma: of 1,000 flat pools, few may be called growing by chance
_MARGIN: Final = 1.1  # Theil-Sen's sigma over that of least squares on normal noise, rounded up
_CLEAR: Final = 2.0  # times a day's noise, over the stretch: less may be a step too small to see
_LEAST_DRIFT: Final = 0.01  # of the level, over the stretch: less is no growth worth a word
_LEAST_COUNT: Final = 0.5  # licenses, over the stretch: nobody checks out half of one
_WEEK: Final = 5  # working days
_FAR: Final = 3.0  # times a day's noise above the line, a whole week long
_FAR_SHARE: Final = 0.05  # of the level
_LEAST_RISE: Final = 2.0  # licenses
_MOST_ALIKE: Final = 0.8  # a higher correlation would be a step or a bend, and was found as one


@dataclass(frozen=True, slots=True)
class Trend:
    """What can be said of the last stretch without a step in it.

    Without a slope that is `sure`, the level is that of the whole stretch and the slope is 0.
    """

    first: int  # ordinal of the stretch's first day
    last: int  # of its last, which is the series'
    level: float  # of the busiest weekday, at `last`
    slope: float  # a day
    middle: float  # the day that the line is surest at
    noise: float  # sigma of a day about the line
    doubt: float  # sigma of the line's level at `middle`
    doubt_slope: float  # sigma of the slope
    sure: bool  # whether there is a slope at all

    @property
    def days(self) -> int:
        """Length of the stretch."""
        return self.last - self.first + 1

    def at(self, day: float) -> float:
        """The level to expect on `day`; nobody uses less than nothing."""
        return max(0.0, self.level + self.slope * (day - self.last))

    def within(self, day: float) -> float:
        """Half the 95 % interval of that level."""
        return _Z * sqrt(self.doubt**2 + (self.doubt_slope * (day - self.middle)) ** 2)

    def between(self, day: float) -> tuple[float, float]:
        """The 95 % interval of that level."""
        level = self.level + self.slope * (day - self.last)
        return max(0.0, level - self.within(day)), max(0.0, level + self.within(day))


@dataclass(frozen=True, slots=True)
class TooShort:
    """A last stretch that nothing can be said of yet."""

    days: int  # with a figure


def trend(figures: Mapping[int, float]) -> Trend | TooShort:
    """The trend of the last stretch without a step, by day; TooShort where that is no four weeks.

    Days without a figure are left out, never 0; so is the day that is not over yet. The turn of the
    year is like no other fortnight and does not count.
    """
    days = working({day: figure for day, figure in figures.items() if not _turn_of_the_year(day)})
    if not days:
        return TooShort(len(figures))
    first, last = min(figures), max(figures)
    line = _Line.through(days)
    for _ in range(_BREAKS):
        broken = broken_at(line.points, line.misses)
        if broken is None:
            break
        first = broken
        days = {day: figure for day, figure in days.items() if day >= broken}
        line = _Line.through(days)
    if last - first + 1 < LEAST_DAYS or len(days) < _LEAST_POINTS:
        return TooShort(sum(day >= first for day in figures))
    found = _trend(line, first, last)
    risen = _risen(line, found)
    return TooShort(sum(day >= risen for day in figures)) if risen else found


def _turn_of_the_year(day: int) -> bool:
    on = date.fromordinal(day)
    return (on.month, on.day) >= (12, 21) or (on.month, on.day) <= (1, 5)


@dataclass(frozen=True, slots=True)
class _Line:
    """Theil-Sen's line: the median slope of all pairs of points, and how far each is from it."""

    every: Sequence[Point]  # the days, evened out
    busiest: float  # weekday's share
    points: Sequence[Point]  # at most _BLOCKS
    slopes: Sequence[float]  # of every two points
    slope: float
    origin: float  # level at day 0
    misses: Sequence[float]  # of the points

    @classmethod
    def through(cls, days: Mapping[int, float]) -> _Line:
        every, busiest = even(days)
        points = _blocks(every)
        slopes = [
            (y2 - y1) / (x2 - x1) for i, (x1, y1) in enumerate(points) for x2, y2 in points[i + 1 :]
        ]
        slope = median(slopes) if slopes else 0.0
        origin = trimmed([y - slope * x for x, y in points])
        misses = [y - origin - slope * x for x, y in points]
        return cls(every, busiest, points, slopes, slope, origin, misses)


def _blocks(points: Sequence[Point]) -> Sequence[Point]:
    """At most _BLOCKS points, each the trimmed mean of as many neighbours, the newest whole."""
    size = -(-len(points) // _BLOCKS)
    if size == 1:
        return points
    parts = [points[max(0, end - size) : end] for end in range(len(points), 0, -size)]
    return [
        (fmean([day for day, _ in part]), trimmed([figure for _, figure in part]))
        for part in reversed(parts)
    ]


def _trend(line: _Line, first: int, last: int) -> Trend:
    """What the line says, if there is one, else the level."""
    slope, busiest = line.slope, line.busiest
    noise = sigma([y - line.origin - slope * x for x, y in line.every])
    many = len(line.points)
    middle = fmean([x for x, _ in line.points])
    width = sum((x - middle) ** 2 for x, _ in line.points)
    doubt = _MARGIN * sigma(line.misses) * _lasting(line.misses)
    level = line.origin + slope * last
    drift = abs(slope) * (last - line.every[0][0])
    least = max(_CLEAR * noise, _LEAST_DRIFT * abs(level), _LEAST_COUNT)
    sure = _kendall(line.slopes, many) > _SURE and drift > least
    if not sure:
        level, slope = trimmed([y for _, y in line.points]), 0.0
    return Trend(
        first=first,
        last=last,
        level=level * busiest,
        slope=slope * busiest,
        middle=middle,
        noise=noise * busiest,
        doubt=doubt / sqrt(many) * busiest,
        doubt_slope=doubt / sqrt(width) * busiest if sure else 0.0,
        sure=sure,
    )


def _risen(line: _Line, found: Trend) -> int | None:
    """The first of the newest days that all lie far above: a step too new to be seen as one.

    Days far below are not looked for: people go on holiday, and come back.
    """
    far = max(_FAR * found.noise, _FAR_SHARE * found.level, _LEAST_RISE)
    above = [(day, y * line.busiest - found.at(day)) for day, y in line.every]
    if median([miss for _, miss in above[-_WEEK:]]) <= far:
        return None
    at = len(above) - 1
    while at > 0 and max(above[at][1], above[at - 1][1]) > far / 2:  # one may be low by chance
        at -= 1
    return int(above[min(at + 1, len(above) - 1)][0])


def _lasting(misses: Sequence[float]) -> float:
    """How much less sure a line is whose misses last than one whose misses change from day to day.

    The effective number of points under an autoregression of first order, as a factor of sigma.
    """
    size = sum([miss * miss for miss in misses])
    alike = sum([a * b for a, b in pairwise(misses)]) / size if size else 0.0
    alike = min(max(alike, 0.0), _MOST_ALIKE)
    return sqrt((1 + alike) / (1 - alike))


def _kendall(slopes: Sequence[float], many: int) -> float:
    """How many sigma the order of the points is from chance (Mann and Kendall's test)."""
    score = abs(sum([(each > 0) - (each < 0) for each in slopes]))
    return (score - 1) / sqrt(many * (many - 1) * (2 * many + 5) / 18)
