"""Robust trend of daily figures, free of weekly seasonality and of changes of level.

Methods: the slope is Theil and Sen's (the median of the slopes between all pairs of points), its
significance is tested by Mann and Kendall's test. Standard errors use the median absolute
deviation and the effective sample size under a first-order autoregression, AR(1). Change points
are found by the sum of absolute deviations (of levels) and by least squares (of directions). Days
are proleptic ordinals, as `date.toordinal` counts them, so that `day % 7` is a weekday.
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

Point = tuple[float, float]  # day, figure

MIN_DAYS: Final = 28  # length of the period that a trend may rest on
_MIN_POINTS: Final = 12  # working days within it
_MAX_POINTS: Final = 60  # for a slope: 1,770 pairs, quick enough for 1,000 pools
_MAX_CHANGE_POINTS: Final = 4  # in one series; one that changes more often has no trend
_Z: Final = 1.96  # both sides of 95 %
_MIN_SIGMA: Final = 3.0  # of Kendall's score: of 1,000 flat pools few may be called growing
_SEN_OVER_LEAST_SQUARES: Final = 1.1  # standard errors on normal noise, rounded up
_MIN_DRIFT_NOISE: Final = 2.0  # times a day's noise, over the period: else an unseen step
_MIN_DRIFT_SHARE: Final = 0.01  # of the level, over the period
_MIN_DRIFT: Final = 0.5  # licenses, over the period
_WEEK: Final = 5  # working days
_RECENT_STEP_SHARE: Final = 0.05  # of the level
_RECENT_STEP: Final = 2.0  # licenses
_MAX_AUTOCORRELATION: Final = 0.8  # a higher one would be a change point, and was found as one


@dataclass(frozen=True, slots=True)
class Trend:
    """Level and slope of the period since the last change point.

    Without a significant slope, the level is that of the whole period and the slope is 0.
    """

    first: int  # ordinal of the period's first day
    last: int  # of its last day, which is that of the series
    level: float  # of the busiest weekday, at `last`
    slope: float  # per day
    pivot: float  # the day on which the line is most certain
    noise: float  # standard deviation of a day from the line
    level_se: float  # standard error of the line's level at `pivot`
    slope_se: float  # standard error of the slope
    significant: bool  # whether there is a slope at all

    @property
    def days(self) -> int:
        """Length of the period."""
        return self.last - self.first + 1

    def level_at(self, day: float) -> float:
        """Return the level to expect on `day`, never below 0."""
        return max(0.0, self.level + self.slope * (day - self.last))

    def half_interval(self, day: float) -> float:
        """Return half the width of the 95 % interval of that level."""
        return _Z * sqrt(self.level_se**2 + (self.slope_se * (day - self.pivot)) ** 2)

    def interval(self, day: float) -> tuple[float, float]:
        """Return the 95 % interval of that level."""
        level = self.level + self.slope * (day - self.last)
        half = self.half_interval(day)
        return max(0.0, level - half), max(0.0, level + half)


@dataclass(frozen=True, slots=True)
class InsufficientData:
    """A last period that is too short for a trend."""

    days: int  # with a figure


def fit_trend(figures: Mapping[int, float]) -> Trend | InsufficientData:
    """Return the trend since the last change point, by day; InsufficientData below four weeks.

    Days without a figure are left out, never 0; the caller leaves out today, which is not over.
    The turn of the year is like no other fortnight and is left out, too.
    """
    days = busy_weekdays(
        {day: figure for day, figure in figures.items() if not _is_turn_of_the_year(day)}
    )
    if not days:
        return InsufficientData(len(figures))
    first, last = min(figures), max(figures)
    line = _Line.through(days)
    for _ in range(_MAX_CHANGE_POINTS):
        change = last_change_point(line.points, line.residuals)
        if change is None:
            break
        first = change
        days = {day: figure for day, figure in days.items() if day >= change}
        line = _Line.through(days)
    if last - first + 1 < MIN_DAYS or len(days) < _MIN_POINTS:
        return InsufficientData(sum(day >= first for day in figures))
    trend = _trend_of(line, first, last)
    step = _recent_step(line, trend)
    return InsufficientData(sum(day >= step for day in figures)) if step else trend


def _is_turn_of_the_year(ordinal: int) -> bool:
    day = date.fromordinal(ordinal)
    return (day.month, day.day) >= (12, 21) or (day.month, day.day) <= (1, 5)


@dataclass(frozen=True, slots=True)
class _Line:
    """Theil-Sen line: the median slope of all pairs of points, and the residuals."""

    days: Sequence[Point]  # without seasonality
    peak_weekday_factor: float  # of the busiest weekday
    points: Sequence[Point]  # the same in at most _MAX_POINTS
    slopes: Sequence[float]  # of every two points
    slope: float
    origin: float  # level at day 0
    residuals: Sequence[float]  # of the points

    @classmethod
    def through(cls, figures: Mapping[int, float]) -> _Line:
        days, peak_weekday_factor = deseasonalize(figures)
        points = _averaged(days)
        slopes = [
            (y2 - y1) / (x2 - x1)
            for index, (x1, y1) in enumerate(points)
            for x2, y2 in points[index + 1 :]
        ]
        slope = median(slopes) if slopes else 0.0
        origin = trimmed_mean([y - slope * x for x, y in points])
        residuals = [y - origin - slope * x for x, y in points]
        return cls(days, peak_weekday_factor, points, slopes, slope, origin, residuals)


def _averaged(points: Sequence[Point]) -> Sequence[Point]:
    """Return at most _MAX_POINTS points: trimmed means of neighbours, the newest group full."""
    size = -(-len(points) // _MAX_POINTS)
    if size == 1:
        return points
    groups = [points[max(0, end - size) : end] for end in range(len(points), 0, -size)]
    return [
        (fmean([day for day, _ in group]), trimmed_mean([figure for _, figure in group]))
        for group in reversed(groups)
    ]


def _trend_of(line: _Line, first: int, last: int) -> Trend:
    """Return the trend that the line shows if its slope is significant, else its level."""
    slope, factor = line.slope, line.peak_weekday_factor
    noise = robust_sigma([y - line.origin - slope * x for x, y in line.days])
    count = len(line.points)
    pivot = fmean([x for x, _ in line.points])
    spread = sum((x - pivot) ** 2 for x, _ in line.points)
    sigma = (
        _SEN_OVER_LEAST_SQUARES
        * robust_sigma(line.residuals)
        * _autocorrelation_factor(line.residuals)
    )
    level = line.origin + slope * last
    drift = abs(slope) * (last - line.days[0][0])
    min_drift = max(_MIN_DRIFT_NOISE * noise, _MIN_DRIFT_SHARE * abs(level), _MIN_DRIFT)
    significant = _kendall_score(line.slopes, count) > _MIN_SIGMA and drift > min_drift
    if not significant:
        level, slope = trimmed_mean([y for _, y in line.points]), 0.0
    return Trend(
        first=first,
        last=last,
        level=level * factor,
        slope=slope * factor,
        pivot=pivot,
        noise=noise * factor,
        level_se=sigma / sqrt(count) * factor,
        slope_se=sigma / sqrt(spread) * factor if significant else 0.0,
        significant=significant,
    )


def _recent_step(line: _Line, trend: Trend) -> int | None:
    """Return the first of the newest days that all lie far above: too new for a change point.

    Days far below are not looked for: people go on holiday, and come back.
    """
    far = max(_MAX_RESIDUAL_SIGMA * trend.noise, _RECENT_STEP_SHARE * trend.level, _RECENT_STEP)
    above = [
        (day, figure * line.peak_weekday_factor - trend.level_at(day)) for day, figure in line.days
    ]
    if median([distance for _, distance in above[-_WEEK:]]) <= far:
        return None
    index = len(above) - 1
    # A single day may be low by chance, so two neighbours are compared.
    while index > 0 and max(above[index][1], above[index - 1][1]) > far / 2:
        index -= 1
    return int(above[min(index + 1, len(above) - 1)][0])


def robust_sigma(residuals: Sequence[float]) -> float:
    """Return the standard deviation from the median absolute deviation, which ignores outliers."""
    return _SIGMA_OVER_MAD * median(map(abs, residuals))


def trimmed_mean(figures: Sequence[float], share: float = 0.2) -> float:
    """Return the mean without the lowest and highest fifth."""
    cut = int(len(figures) * share)
    return fmean(sorted(figures)[cut : len(figures) - cut])


def _autocorrelation_factor(residuals: Sequence[float]) -> float:
    """Return by how much a standard error grows where residuals last from day to day.

    The effective sample size under a first-order autoregression, as a factor of sigma.
    """
    squares = sum([residual * residual for residual in residuals])
    correlation = sum([a * b for a, b in pairwise(residuals)]) / squares if squares else 0.0
    correlation = min(max(correlation, 0.0), _MAX_AUTOCORRELATION)
    return sqrt((1 + correlation) / (1 - correlation))


def _kendall_score(slopes: Sequence[float], count: int) -> float:
    """Return how many sigma the order of the points is from chance (Mann and Kendall's test)."""
    score = abs(sum([(slope > 0) - (slope < 0) for slope in slopes]))
    return (score - 1) / sqrt(count * (count - 1) * (2 * count + 5) / 18)


# Change points: where a series stepped to another level, or went on in another direction


_MIN_STEP_POINTS: Final = 4  # on either side of a step
_STEP: Final = 0.93  # a step leaves at most this share of the absolute deviations of a line
_TWO_STEPS: Final = 0.6  # the same for three levels, which fit more by chance
_NO_CUT: Final = (inf, 0)
_MIN_STEP_SHARE: Final = 0.02  # of the level: a smaller step changes no forecast
_MIN_LATE_STEP_SHARE: Final = 0.05  # the same, where too few days for a trend follow
_MIN_BEND_SHARE: Final = 0.01  # of the level: a line that fits so well needs no bend
_OFF_LINE_SIGMA: Final = 1.3  # distance from which the newest points have left the line
_NEWEST_POINTS: Final = 8  # six weeks of a year
_BEND: Final = 0.6  # two lines leave at most this share of the variance of one
_PAST_BEND: Final = 0.3  # the same, where the newest points are on the one line
_MIN_BEND_POINTS: Final = 10  # on either side of a bend: a direction needs more than a level
_MAX_RESIDUAL_SIGMA: Final = 3.0  # holidays beyond count as if they were as far
_SIGMA_OVER_MAD: Final = 1.4826  # of a normal distribution


def last_change_point(points: Sequence[Point], residuals: Sequence[float]) -> int | None:
    """Return the first day after the change that explains the series best; None if a line does.

    `residuals` are the distances of the points from the line through all of them.
    """
    level = median([y for _, y in points])
    cut = _step(points, residuals, level) or _bend(points, residuals, level)
    return _day_between(points, cut) if cut else None


def _day_between(points: Sequence[Point], cut: int) -> int:
    return int((points[cut - 1][0] + points[cut][0]) / 2) + 1


def _step(points: Sequence[Point], residuals: Sequence[float], level: float) -> int | None:
    """Return the newest step, where two or three levels fit far better than a line."""
    if len(points) < 2 * _MIN_STEP_POINTS:
        return None
    deviations_of_line = sum(map(abs, residuals))
    figures = [y for _, y in points]
    best, cut = _best_cut(figures)
    if best >= _STEP * deviations_of_line:
        older, newer = figures[:cut], figures[cut:]
        (in_older, _), (in_newer, newer_cut) = _best_cut(older), _best_cut(newer)
        best, cut = min(
            (in_older + _absolute_deviations(newer), cut),
            (_absolute_deviations(older) + in_newer, cut + newer_cut),
        )
        if best >= _TWO_STEPS * deviations_of_line:
            return None
    before, after = median(figures[:cut]), median(figures[cut:])
    is_late = points[-1][0] - _day_between(points, cut) + 1 < MIN_DAYS
    min_share = _MIN_LATE_STEP_SHARE if is_late else _MIN_STEP_SHARE
    return cut if abs(after - before) > max(2 * best / len(points), min_share * level) else None


def _best_cut(figures: Sequence[float]) -> tuple[float, int]:
    """Return the least deviations that two levels leave, and where the second level starts."""
    cuts = range(_MIN_STEP_POINTS, len(figures) - _MIN_STEP_POINTS + 1)
    return min(
        (
            (_absolute_deviations(figures[:cut]) + _absolute_deviations(figures[cut:]), cut)
            for cut in cuts
        ),
        default=_NO_CUT,
    )


def _absolute_deviations(figures: Sequence[float]) -> float:
    """Return the sum of absolute deviations from the median."""
    middle = median(figures)
    return sum([abs(y - middle) for y in figures])


def _bend(points: Sequence[Point], residuals: Sequence[float], level: float) -> int | None:
    """Return where two lines, by least squares, fit far better than one.

    The difference must be greater still while the newest points are on the one line: a summer
    that is over was no new direction.
    """
    count = len(points)
    sigma = robust_sigma(residuals)
    if count < 2 * _MIN_BEND_POINTS or sigma < _MIN_BEND_SHARE * level:
        return None
    has_left_line = abs(median(residuals[-_NEWEST_POINTS:])) > _OFF_LINE_SIGMA * sigma
    far = _MAX_RESIDUAL_SIGMA * sigma
    start = points[0][0]
    clipped = [max(-far, min(far, residual)) for residual in residuals]
    terms = [(1, x - start, y) for (x, _), y in zip(points, clipped, strict=True)]
    moments = [(n, x, y, x * x, x * y, y * y) for n, x, y in terms]
    sums = list(zip(*map(accumulate, zip(*moments, strict=True)), strict=True))
    total = sums[-1]
    best, cut = min(
        (
            _squared_residuals(sums[cut - 1])
            + _squared_residuals(list(map(sub, total, sums[cut - 1]))),
            cut,
        )
        for cut in range(_MIN_BEND_POINTS, count - _MIN_BEND_POINTS + 1)
    )
    if points[-1][0] - _day_between(points, cut) + 1 < MIN_DAYS:
        return None
    share = _BEND if has_left_line else _PAST_BEND
    # Degrees of freedom: two lines and the place of the bend, against one line.
    return cut if best / (count - 5) < share * _squared_residuals(total) / (count - 2) else None


def _squared_residuals(moments: Sequence[float]) -> float:
    """Return the sum of squares that a least-squares line leaves, from the sums of its points."""
    n, x, y, xx, xy, yy = moments
    spread, both = xx - x * x / n, xy - x * y / n
    return max(0.0, yy - y * y / n - (both * both / spread if spread > 0 else 0.0))


# Weekly seasonality: which weekdays are working days, and the usual share of each


_BUSY_SHARE: Final = 0.6  # of the busiest weekday's median: below, people do not work
_MIN_FACTOR: Final = 0.1  # of a week's average: figures are divided by it
_CHANCE: Final = 3  # seasonality counts as far as it exceeds chance so many times
_MEDIAN_SE: Final = 1.86  # standard error of a median of n, times sqrt(n), over the MAD


def busy_weekdays(figures: Mapping[int, float]) -> dict[int, float]:
    """Return the days of those weekdays that are usually busy, whichever those are."""
    typical = {weekday: median(values) for weekday, values in by_weekday(figures.items()).items()}
    least = _BUSY_SHARE * max(typical.values(), default=0.0)
    return {day: figure for day, figure in figures.items() if typical[day % 7] >= least}


def by_weekday(figures: Iterable[tuple[int, float]]) -> dict[int, list[float]]:
    """Return the figures of each weekday, by `day % 7`."""
    weekdays: dict[int, list[float]] = defaultdict(list)
    for day, figure in figures:
        weekdays[day % 7].append(figure)
    return weekdays


def deseasonalize(figures: Mapping[int, float]) -> tuple[list[Point], float]:
    """Return the days in order, each divided by its weekday's factor, and the highest factor."""
    factor = _weekday_factors(figures)
    points: list[Point] = [(day, figures[day] / factor[day % 7]) for day in sorted(figures)]
    return points, max(factor.values())


def _weekday_factors(figures: Mapping[int, float]) -> dict[int, float]:
    """Return each weekday's usual share of its week's average; 1 as far as it may be chance."""
    growth = _daily_growth(figures)
    weeks: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for day, figure in figures.items():
        weeks[day // 7].append((day, figure))
    shares: dict[int, list[float]] = defaultdict(list)
    for week in weeks.values():
        middle, average = (fmean(column) for column in zip(*week, strict=True))
        for day, figure in week:
            level = average + growth * (day - middle)  # growth within a week is no seasonality
            shares[day % 7].append(figure / level if level > 0 else 1.0)
    usual = {weekday: median(values) for weekday, values in shares.items()}
    deviation = median(
        abs(share - usual[weekday]) for weekday, values in shares.items() for share in values
    )
    chance = (_MEDIAN_SE * deviation) ** 2 / min(map(len, shares.values()))
    variance = pvariance(usual.values())
    weight = max(0.0, 1 - _CHANCE * chance / variance) if variance else 0.0
    return {weekday: max(_MIN_FACTOR, 1 + (share - 1) * weight) for weekday, share in usual.items()}


def _daily_growth(figures: Mapping[int, float]) -> float:
    """Return the usual growth per day, by the same weekday a week before."""
    rises = [figure - figures[day - 7] for day, figure in figures.items() if day - 7 in figures]
    return median(rises) / 7 if rises else 0.0
