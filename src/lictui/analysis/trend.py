"""The robust trend of a series of daily figures, with its weekly rhythm and its steps.

Owns the statistics: which days count, where the level last stepped, Theil-Sen's slope and how sure
it is. Pure: must not know licenses, thresholds or time zones. Days are proleptic ordinals, as
`date.toordinal` counts them, so that `day % 7` is a weekday.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from itertools import accumulate, pairwise
from math import inf, sqrt
from operator import sub
from statistics import fmean, median, pvariance
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


# Where a series broke: it stepped to another level, or went on in another direction


MIN_DAYS: Final = 28  # of a stretch that a trend may be drawn from
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


def robust_sigma(misses: Sequence[float]) -> float:
    """The standard deviation, blind to a few that are far off."""
    return _SIGMA * median(map(abs, misses))


def last_change_point(points: Sequence[Point], misses: Sequence[float]) -> int | None:
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
    short = points[-1][0] - _between(points, cut) + 1 < MIN_DAYS
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
    if many < 2 * _BEND_EDGE or robust_sigma(misses) < _SLIGHT * level:
        return None
    left = abs(median(misses[-_NEWEST:])) > _LEFT * robust_sigma(misses)
    far = _FAR * robust_sigma(misses)
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
    if points[-1][0] - _between(points, cut) + 1 < MIN_DAYS:
        return None
    share = _BEND if left else _BEND_BEFORE
    return cut if best / (many - 5) < share * _residue(whole) / (many - 2) else None


def _residue(moments: Sequence[float]) -> float:
    """The squares that a line of least squares leaves of points with these sums."""
    n, x, y, xx, xy, yy = moments
    spread, both = xx - x * x / n, xy - x * y / n
    return max(0.0, yy - y * y / n - (both * both / spread if spread > 0 else 0.0))


# The week's rhythm in daily figures: which weekdays are worked on, and each one's usual share


if TYPE_CHECKING:
    Point = tuple[float, float]  # day, figure

_BUSY: Final = 0.6  # of the busiest weekday's median: below, a weekday is one of rest
_LEAST_SHARE: Final = 0.1  # of a week's average that a weekday is taken for: it is divided by
_CHANCE: Final = 3  # a rhythm counts as far as it exceeds so many times what chance would make
_MEDIAN: Final = 1.86  # sigma of a median of n, times sqrt(n), over the median deviation


def busy_weekdays(figures: Mapping[int, float]) -> dict[int, float]:
    """The days of those weekdays that are busy as a rule, whichever those are."""
    typical = {weekday: median(found) for weekday, found in by_weekday(figures.items()).items()}
    least = _BUSY * max(typical.values(), default=0.0)
    return {day: figure for day, figure in figures.items() if typical[day % 7] >= least}


def by_weekday(figures: Iterable[tuple[int, float]]) -> dict[int, list[float]]:
    """The figures of each weekday, by `day % 7`."""
    of: dict[int, list[float]] = defaultdict(list)
    for day, figure in figures:
        of[day % 7].append(figure)
    return of


def deseasonalize(days: Mapping[int, float]) -> tuple[list[Point], float]:
    """The days in order, each divided by its weekday's usual share; and the largest share."""
    share = _shares(days)
    return [(day, days[day] / share[day % 7]) for day in sorted(days)], max(share.values())


def trimmed_mean(figures: Sequence[float], share: float = 0.2) -> float:
    """The mean without the lowest and highest fifth."""
    cut = int(len(figures) * share)
    return fmean(sorted(figures)[cut : len(figures) - cut])


def _shares(days: Mapping[int, float]) -> dict[int, float]:
    """Each weekday's usual share of its week's average; 1 as far as it may be chance."""
    growth = _growth(days)
    weeks: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for day, figure in days.items():
        weeks[day // 7].append((day, figure))
    shares: dict[int, list[float]] = defaultdict(list)
    for week in weeks.values():
        middle, average = (fmean(column) for column in zip(*week, strict=True))
        for day, figure in week:
            level = average + growth * (day - middle)  # a week that grows is no rhythm
            shares[day % 7].append(figure / level if level > 0 else 1.0)
    usual = {weekday: median(found) for weekday, found in shares.items()}
    spread = median(
        abs(share - usual[weekday]) for weekday, found in shares.items() for share in found
    )
    chance = (_MEDIAN * spread) ** 2 / min(map(len, shares.values()))
    between = pvariance(usual.values())
    weight = max(0.0, 1 - _CHANCE * chance / between) if between else 0.0
    return {weekday: max(_LEAST_SHARE, 1 + (each - 1) * weight) for weekday, each in usual.items()}


def _growth(days: Mapping[int, float]) -> float:
    """What a day brings as a rule, by the same weekday a week before."""
    rises = [figure - days[day - 7] for day, figure in days.items() if day - 7 in days]
    return median(rises) / 7 if rises else 0.0


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
    pivot: float  # the day that the line is surest at
    noise: float  # sigma of a day about the line
    level_se: float  # sigma of the line's level at `middle`
    slope_se: float  # sigma of the slope
    significant: bool  # whether there is a slope at all

    @property
    def days(self) -> int:
        """Length of the stretch."""
        return self.last - self.first + 1

    def level_at(self, day: float) -> float:
        """The level to expect on `day`; nobody uses less than nothing."""
        return max(0.0, self.level + self.slope * (day - self.last))

    def half_interval(self, day: float) -> float:
        """Half the 95 % interval of that level."""
        return _Z * sqrt(self.level_se**2 + (self.slope_se * (day - self.pivot)) ** 2)

    def interval(self, day: float) -> tuple[float, float]:
        """The 95 % interval of that level."""
        level = self.level + self.slope * (day - self.last)
        return max(0.0, level - self.half_interval(day)), max(0.0, level + self.half_interval(day))


@dataclass(frozen=True, slots=True)
class InsufficientData:
    """A last stretch that nothing can be said of yet."""

    days: int  # with a figure


def fit_trend(figures: Mapping[int, float]) -> Trend | InsufficientData:
    """The trend of the last stretch without a step, by day; TooShort where that is no four weeks.

    Days without a figure are left out, never 0; so is the day that is not over yet. The turn of the
    year is like no other fortnight and does not count.
    """
    days = busy_weekdays(
        {day: figure for day, figure in figures.items() if not _turn_of_the_year(day)}
    )
    if not days:
        return InsufficientData(len(figures))
    first, last = min(figures), max(figures)
    line = _Line.through(days)
    for _ in range(_BREAKS):
        broken = last_change_point(line.points, line.misses)
        if broken is None:
            break
        first = broken
        days = {day: figure for day, figure in days.items() if day >= broken}
        line = _Line.through(days)
    if last - first + 1 < MIN_DAYS or len(days) < _LEAST_POINTS:
        return InsufficientData(sum(day >= first for day in figures))
    found = _trend(line, first, last)
    risen = _risen(line, found)
    return InsufficientData(sum(day >= risen for day in figures)) if risen else found


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
        every, busiest = deseasonalize(days)
        points = _blocks(every)
        slopes = [
            (y2 - y1) / (x2 - x1) for i, (x1, y1) in enumerate(points) for x2, y2 in points[i + 1 :]
        ]
        slope = median(slopes) if slopes else 0.0
        origin = trimmed_mean([y - slope * x for x, y in points])
        misses = [y - origin - slope * x for x, y in points]
        return cls(every, busiest, points, slopes, slope, origin, misses)


def _blocks(points: Sequence[Point]) -> Sequence[Point]:
    """At most _BLOCKS points, each the trimmed mean of as many neighbours, the newest whole."""
    size = -(-len(points) // _BLOCKS)
    if size == 1:
        return points
    parts = [points[max(0, end - size) : end] for end in range(len(points), 0, -size)]
    return [
        (fmean([day for day, _ in part]), trimmed_mean([figure for _, figure in part]))
        for part in reversed(parts)
    ]


def _trend(line: _Line, first: int, last: int) -> Trend:
    """What the line says, if there is one, else the level."""
    slope, busiest = line.slope, line.busiest
    noise = robust_sigma([y - line.origin - slope * x for x, y in line.every])
    many = len(line.points)
    middle = fmean([x for x, _ in line.points])
    width = sum((x - middle) ** 2 for x, _ in line.points)
    doubt = _MARGIN * robust_sigma(line.misses) * _lasting(line.misses)
    level = line.origin + slope * last
    drift = abs(slope) * (last - line.every[0][0])
    least = max(_CLEAR * noise, _LEAST_DRIFT * abs(level), _LEAST_COUNT)
    sure = _kendall(line.slopes, many) > _SURE and drift > least
    if not sure:
        level, slope = trimmed_mean([y for _, y in line.points]), 0.0
    return Trend(
        first=first,
        last=last,
        level=level * busiest,
        slope=slope * busiest,
        pivot=middle,
        noise=noise * busiest,
        level_se=doubt / sqrt(many) * busiest,
        slope_se=doubt / sqrt(width) * busiest if sure else 0.0,
        significant=sure,
    )


def _risen(line: _Line, found: Trend) -> int | None:
    """The first of the newest days that all lie far above: a step too new to be seen as one.

    Days far below are not looked for: people go on holiday, and come back.
    """
    far = max(_FAR * found.noise, _FAR_SHARE * found.level, _LEAST_RISE)
    above = [(day, y * line.busiest - found.level_at(day)) for day, y in line.every]
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
