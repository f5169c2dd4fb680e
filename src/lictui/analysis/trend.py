"""Robust trend of daily figures, free of weekly seasonality and of changes of level.

Methods: the slope is Theil and Sen's (the median of the slopes between all pairs of points), its
significance is tested by Mann and Kendall's test. Standard errors use the median absolute
deviation and the effective sample size under a first-order autoregression, AR(1). Change points
are found by least squares: of two or three levels, or of two lines. Days are ordinals, as
`date.toordinal` counts them, so that `day % 7` is a weekday.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

import numpy as np

from lictui.analysis.forecast import MIN_DAYS, Trend

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_MIN_POINTS: Final = 12  # working days that a trend may rest on
_MAX_POINTS: Final = 60  # for a slope: 1,770 pairs, quick enough for 1,000 pools
_MAX_CHANGE_POINTS: Final = 4  # in one series; one that changes more often has no trend
_MIN_SIGMA: Final = 3.0  # of Kendall's score: of 1,000 flat pools few may be called growing
_SEN_OVER_LEAST_SQUARES: Final = 1.1  # standard errors on normal noise, rounded up
_MIN_DRIFT_NOISE: Final = 2.0  # times a day's noise, over the period: else an unseen step
_MIN_DRIFT_SHARE: Final = 0.01  # of the level, over the period
_MIN_DRIFT: Final = 0.5  # licenses, over the period
_WEEK: Final = 5  # working days
_RECENT_STEP_SHARE: Final = 0.05  # of the level
_RECENT_STEP: Final = 2.0  # licenses
_MAX_AUTOCORRELATION: Final = 0.8  # a higher one would be a change point, and was found as one
_MAX_RESIDUAL_SIGMA: Final = 3.0  # holidays beyond count as if they were as far
_SIGMA_OVER_MAD: Final = 1.4826  # of a normal distribution
# Change points: where a series stepped to another level, or went on in another direction
_MIN_LEVEL_POINTS: Final = 4  # on either side of a step
_MIN_LINE_POINTS: Final = 10  # the same of a bend: a direction needs more than a level
_TWO_LEVELS: Final = 0.86  # leave at most this share of the squared residuals of a line
_THREE_LEVELS: Final = 0.36  # fit more by chance
_TWO_LINES: Final = 0.3  # a summer that is over was no new direction
_TWO_LINES_NOW: Final = 0.6  # the same, where the newest points have left the one line
_NEWEST_POINTS: Final = 8  # six weeks of a year
_OFF_LINE_SIGMA: Final = 1.3
_MIN_STEP_SHARE: Final = 0.03  # of the level: a smaller step changes no forecast
# Weekly seasonality: which weekdays are working days, and the usual share of each
_BUSY_SHARE: Final = 0.6  # of the busiest weekday's median: below, people do not work
_MIN_FACTOR: Final = 0.1  # of a week's average: figures are divided by it
_CHANCE: Final = 3  # seasonality counts as far as it exceeds chance so many times
_MEDIAN_SE: Final = 1.86  # standard error of a median of n, times sqrt(n), over the MAD


def fit_trend(figures: Mapping[int, float]) -> Trend | None:
    """Return the trend since the last change point, by day; None below four weeks.

    Days without a figure are left out, never 0; the caller leaves out today, which is not over.
    The turn of the year is like no other fortnight and is left out, too.
    """
    dates = map(date.fromordinal, sorted(figures))
    kept = [day.toordinal() for day in dates if (1, 5) < (day.month, day.day) < (12, 21)]
    days, usage = np.array(kept, float), np.array([figures[day] for day in kept], float)
    first, last = min(figures, default=0), max(figures, default=0)
    busy = _busy_days(days, usage)
    line = None
    for _ in range(_MAX_CHANGE_POINTS + 1):
        days, usage = days[busy], usage[busy]
        if last - first + 1 < MIN_DAYS or len(days) < _MIN_POINTS:
            return None
        line = _Line.through(days, usage)
        change = line.last_change()
        if change is None:
            break
        first, busy = change, days >= change
    return line.trend(last) if line else None


@dataclass(frozen=True, slots=True)
class _Line:
    """Theil-Sen line: the median slope of all pairs of points, and the residuals."""

    days: Array
    usage: Array  # of the days, without seasonality
    factor: float  # of the busiest weekday
    x: Array  # the same days in at most _MAX_POINTS points
    y: Array
    slopes: Array  # of every two points
    slope: float
    origin: float  # level at day 0
    residuals: Array  # of the points

    @classmethod
    def through(cls, days: Array, usage: Array) -> _Line:
        usage, factor = _deseasonalized(days, usage)
        size = -(-len(days) // _MAX_POINTS)
        start = len(days) % size
        x = days[start:].reshape(-1, size).mean(axis=1)
        y = _trimmed_mean(usage[start:].reshape(-1, size))
        left, right = np.triu_indices(len(x), 1)
        slopes = (y[right] - y[left]) / (x[right] - x[left])
        slope = float(np.median(slopes))
        origin = float(_trimmed_mean(y - slope * x))
        residuals = y - origin - slope * x
        return cls(days, usage, factor, x, y, slopes, slope, origin, residuals)

    def last_change(self) -> int | None:
        """Return the first day after the newest change, if the series has levels or two lines."""
        x, sigma = self.x - self.x[0], _sigma(self.residuals)
        far = _MAX_RESIDUAL_SIGMA * sigma
        newest = abs(np.median(self.residuals[-_NEWEST_POINTS:]))
        of_two_lines = _TWO_LINES_NOW if newest > _OFF_LINE_SIGMA * sigma else _TWO_LINES
        figures = np.clip(self.residuals, -far, far) + self.slope * x
        levels, lines = _squared_residuals(x, figures)
        pieces = (
            (levels[0] + levels[:, -1], _TWO_LEVELS),
            (levels[0][:, None] + levels + levels[:, -1], _THREE_LEVELS),
            (lines[0] + lines[:, -1], of_two_lines),
        )
        for left, share in pieces:
            cut = int(left.argmin()) % levels.shape[1]
            days = (x[cut - 1] + x[cut]) / 2
            if share == of_two_lines:
                is_change = x[-1] - days >= MIN_DAYS
            else:
                height = abs(np.median(figures[cut:]) - np.median(figures[:cut]))
                noise = 2 * float(np.sqrt(max(left.min(), 0) / len(x)))
                is_change = height > max(noise, _MIN_STEP_SHARE * np.median(self.y))
            if is_change and left.min() < share * lines[0, -1]:
                return int(self.x[0] + days) + 1
        return None

    def trend(self, last: int) -> Trend | None:
        """Return the trend if its slope is significant, else the level; None if both are over."""
        slope, noise = self.slope, _sigma(self.usage - self.origin - self.slope * self.days)
        count, pivot = len(self.x), float(self.x.mean())
        sigma = _SEN_OVER_LEAST_SQUARES * _sigma(self.residuals) * _persistence(self.residuals)
        level = self.origin + slope * last
        drift = abs(slope) * (last - self.days[0])
        # Mann and Kendall's test: how many sigma the order of the points is from chance.
        score = abs(np.sign(self.slopes).sum()) - 1
        score /= np.sqrt(count * (count - 1) * (2 * count + 5) / 18)
        min_drift = max(_MIN_DRIFT_NOISE * noise, _MIN_DRIFT_SHARE * abs(level), _MIN_DRIFT)
        slope_se = sigma / float(np.sqrt(((self.x - pivot) ** 2).sum()))
        if score <= _MIN_SIGMA or drift <= min_drift:
            level, slope, slope_se = float(_trimmed_mean(self.y)), 0.0, 0.0
        # Days far above are too new for a change point; far below, people are on holiday.
        above = self.usage - np.maximum(0, level + slope * (self.days - last))
        step = max(_MAX_RESIDUAL_SIGMA * noise, _RECENT_STEP_SHARE * level)
        if np.median(above[-_WEEK:]) > max(step, _RECENT_STEP / self.factor):
            return None
        level_se = sigma / float(np.sqrt(count))
        scaled = (self.factor * value for value in (level, slope, level_se, slope_se))
        return Trend(last, pivot, *scaled)


def _sigma(residuals: Array) -> float:
    """Return the standard deviation from the median absolute deviation, which ignores outliers."""
    return _SIGMA_OVER_MAD * float(np.median(np.abs(residuals)))


def _trimmed_mean(figures: Array) -> Array:
    """Return the mean of each row without the lowest and highest fifth."""
    count = figures.shape[-1]
    cut = count // 5
    result: Array = np.sort(figures)[..., cut : count - cut].mean(axis=-1)
    return result


def _persistence(residuals: Array) -> float:
    """Return by how much AR(1) residuals, which last from day to day, widen a standard error."""
    squares = (residuals**2).sum()
    correlation = (residuals[1:] * residuals[:-1]).sum() / squares if squares else 0.0
    correlation = np.clip(correlation, 0.0, _MAX_AUTOCORRELATION)
    return float(np.sqrt((1 + correlation) / (1 - correlation)))


def _squared_residuals(x: Array, y: Array) -> tuple[Array, Array]:
    """Return the sums of squares that a level and a line leave, by first and last point."""
    values = np.cumsum([x**0, x, y, x * x, x * y, y * y], axis=1)
    sums = np.pad(values, ((0, 0), (1, 0)))
    n, x, y, xx, xy, yy = sums[:, None, :] - sums[:, :, None]
    with np.errstate(divide="ignore", invalid="ignore"):  # of fewer points
        levels = yy - y * y / n
        lines = levels - (xy - x * y / n) ** 2 / (xx - x * x / n)
    levels[n < _MIN_LEVEL_POINTS] = np.inf
    lines[n < _MIN_LINE_POINTS] = np.inf
    return levels, lines


def _busy_days(days: Array, usage: Array) -> NDArray[np.bool_]:
    """Return which days are of weekdays that are usually busy, whichever those are."""
    typical = np.zeros(7)
    for weekday in np.unique(days % 7).astype(int):
        typical[weekday] = np.median(usage[days % 7 == weekday])
    result: NDArray[np.bool_] = (typical >= _BUSY_SHARE * typical.max())[(days % 7).astype(int)]
    return result


def _deseasonalized(days: Array, usage: Array) -> tuple[Array, float]:
    """Return the figures, each divided by its weekday's factor, and the highest factor.

    A factor is the weekday's usual share of its week's average; 1 as far as it may be chance.
    """
    weeks, weekdays = (days // 7 - days[0] // 7).astype(int), (days % 7).astype(int)
    by_week = np.full((weeks[-1] + 1, 7), np.nan)
    by_week[weeks, weekdays] = usage
    rises = by_week[1:] - by_week[:-1]
    growth = float(np.nanmedian(rises)) / 7 if np.isfinite(rises).any() else 0.0
    count = np.bincount(weeks)
    average, middle = (np.bincount(weeks, values)[weeks] / count[weeks] for values in (usage, days))
    level = average + growth * (days - middle)  # growth within a week is no seasonality
    shares = np.where(level > 0, usage / np.where(level > 0, level, 1), 1.0)
    present = np.unique(weekdays)
    usual = np.ones(7)
    usual[present] = [np.median(shares[weekdays == weekday]) for weekday in present]
    deviation = float(np.median(np.abs(shares - usual[weekdays])))
    chance = (_MEDIAN_SE * deviation) ** 2 / np.bincount(weekdays)[present].min()
    variance = usual[present].var()
    weight = max(0.0, 1 - _CHANCE * chance / variance) if variance else 0.0
    factors = np.maximum(_MIN_FACTOR, 1 + (usual - 1) * weight)
    return usage / factors[weekdays], float(factors[present].max())
