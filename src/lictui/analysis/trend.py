"""Robust trend of daily figures, free of weekly seasonality and of changes of level.

Only figures of the same weekday are compared with each other. The slope is Theil and Sen's (the
median of the slopes between all such pairs), its significance is tested by Mann and Kendall's test.
Standard errors use the median absolute deviation and the effective sample size under a first-order
autoregression, AR(1). Change points are found by least squares: of two or three levels, or of two
lines.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

import numpy as np

from lictui.analysis.forecast import MIN_DAYS, Trend

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_MIN_POINTS: Final = 12  # days that a trend may rest on
_MAX_CHANGE_POINTS: Final = 4  # in one series; one that changes more often has no trend
_BUSY_SHARE: Final = 0.6  # of the busiest weekday's median: below, people do not work
_MIN_FACTOR: Final = 0.1  # of the usual: figures are divided by it
_CHANCE: Final = 3  # weekdays differ as far as they exceed chance so many times
_MEDIAN_SE: Final = 1.86  # standard error of a median of n, times sqrt(n), over the MAD
_MIN_SIGMA: Final = 3.0  # of Kendall's score: of 1,000 flat pools few may be called growing
_SEN_OVER_LEAST_SQUARES: Final = 1.1  # standard errors on normal noise, rounded up
_MIN_DRIFT_NOISE: Final = 2.0  # times a day's noise, over the period: else an unseen step
_MIN_DRIFT: Final = 0.5  # licenses, over the period
_WEEK: Final = 5  # working days
_RECENT_STEP_SHARE: Final = 0.05  # of the level
_RECENT_STEP: Final = 2.0  # licenses
_MAX_AUTOCORRELATION: Final = 0.8  # a higher one would be a change point, and was found as one
_MAX_RESIDUAL_SIGMA: Final = 2.5  # holidays beyond count as if they were as far
_SIGMA_OVER_MAD: Final = 1.4826  # of a normal distribution
# Change points: where a series stepped to another level, or went on in another direction
_MIN_LEVEL_WEEKS: Final = 4  # on either side of a step
_MIN_LINE_WEEKS: Final = 10  # the same of a bend: a direction needs more than a level
_TWO_LEVELS: Final = 0.86  # leave at most this share of the squared residuals of a line
_THREE_LEVELS: Final = 0.36  # fit more by chance
_TWO_LINES: Final = 0.6
_NEWEST_WEEKS: Final = 8
_RETURNED_SIGMA: Final = 2.0  # so near to its former line, a series did not change direction
_MIN_STEP_SHARE: Final = 0.03  # of the level: a smaller step changes no forecast


def fit_trend(weeks: Array, last: int) -> Trend | None:
    """Return the trend since the last change point; None without enough data since.

    `weeks` has a row for each seven days up to the ordinal `last`; unknown figures are NaN. The
    turn of the year is like no other fortnight and is left out.
    """
    days = last + 1 - weeks.size + np.arange(weeks.size)
    dates = map(date.fromordinal, days.tolist())
    usual = [(1, 5) < (day.month, day.day) < (12, 21) for day in dates]
    weeks = np.where(np.reshape(usual, weeks.shape), weeks, np.nan)
    line, change = None, 0
    for _ in range(_MAX_CHANGE_POINTS + 1):
        weeks = weeks[change:]
        weeks = weeks[np.isfinite(weeks).any(axis=1).argmax() :]
        if weeks.size < MIN_DAYS or np.isfinite(weeks).sum() < _MIN_POINTS:
            return None
        line = _Line(weeks)
        change = line.last_change()
        if not change:
            break
    return line.trend(last) if line else None


class _Line:
    """Theil-Sen line through the figures of the weekdays that are usually busy."""

    def __init__(self, weeks: Array) -> None:
        typical = medians(weeks.T)
        busy = typical >= _BUSY_SHARE * max(typical[np.isfinite(typical)], default=0.0)
        self.usage = weeks[:, busy]
        self.days = np.arange(1.0 - weeks.size, 1).reshape(weeks.shape)[:, busy]  # the last is 0
        earlier, later = np.triu_indices(len(weeks), 1)
        rises = (self.usage[later] - self.usage[earlier]) / (7 * (later - earlier))[:, None]
        slopes = rises[np.isfinite(rises)]
        self.slope = float(np.median(slopes)) if slopes.size else 0.0
        # Mann and Kendall's test: how many sigma the order of the figures is from chance.
        counts = np.isfinite(self.usage).sum(axis=0)
        self.count = int(counts.sum())
        variance = (counts * (counts - 1) * (2 * counts + 5)).sum() / 18
        self.score = (abs(np.sign(slopes).sum()) - 1) / np.sqrt(max(variance, 1))
        line = self.slope * self.days + _median(self.usage - self.slope * self.days)
        factors = _factors(np.where(line > 0, self.usage / np.where(line > 0, line, 1), 1.0))
        self.usage = self.usage / factors
        self.factor = float(factors.max())  # of the busiest weekday
        self.level = _median(self.usage - self.slope * self.days)
        self.residuals = self.usage - self.slope * self.days - self.level

    def last_change(self) -> int:
        """Return the first week after the newest change; 0 if all is one level or one line."""
        known = np.isfinite(self.residuals)
        counts, rows = known.sum(axis=1), np.flatnonzero(known.any(axis=1))
        far = _MAX_RESIDUAL_SIGMA * _sigma(self.residuals[known])
        clipped = np.where(known, np.clip(self.residuals, -far, far), 0)
        residuals = clipped.sum(axis=1)[rows] / counts[rows]
        x = 7.0 * (rows - rows[-1])
        far = _MAX_RESIDUAL_SIGMA * _sigma(residuals)
        figures = np.clip(residuals, -far, far) + self.slope * x
        levels, lines = _squared_residuals(x - x[0], figures)
        pieces = (
            (levels[0] + levels[:, -1], _TWO_LEVELS),
            (levels[0][:, None] + levels + levels[:, -1], _THREE_LEVELS),
            (lines[0] + lines[:, -1], _TWO_LINES),
        )
        for left, share in pieces:
            cut = int(left.argmin()) % levels.shape[1]
            if left.min() >= share * lines[0, -1]:
                continue
            if share == _TWO_LINES:
                return 0 if _returned(x, figures, cut) else int(rows[cut])
            before, after = np.median(figures[:cut]), np.median(figures[cut:])
            if abs(after - before) > _MIN_STEP_SHARE * self.level:
                # Of a recent step, the least number of weeks has some of the old level.
                while abs(figures[cut] - before) < abs(figures[cut] - after):
                    cut += 1
                return int(rows[cut])
        return 0

    def trend(self, last: int) -> Trend | None:
        """Return the trend if its slope is significant, else the level; None if both are over."""
        known = np.isfinite(self.usage)
        days, residuals = self.days[known], self.residuals[known]
        persistence, noise = _persistence(residuals), _sigma(residuals)
        sigma = _SEN_OVER_LEAST_SQUARES * noise * persistence
        slope, level, pivot = self.slope, self.level, float(days.mean())
        spread = float(np.sqrt(((days - pivot) ** 2).sum()))
        slope_se = sigma / spread if spread else 0.0  # of a single day
        drift = abs(slope) * -days[0]
        min_drift = max(_MIN_DRIFT_NOISE * noise, _MIN_DRIFT)
        if self.score <= _MIN_SIGMA * persistence or drift <= min_drift:
            level, slope, slope_se = _median(self.usage), 0.0, 0.0
        # Days far above are too new for a change point; far below, people are on holiday.
        above = self.usage[known] - np.maximum(0, level + slope * days)
        step = max(_MAX_RESIDUAL_SIGMA * noise, _RECENT_STEP_SHARE * level)
        if np.median(above[-_WEEK:]) > max(step, _RECENT_STEP / self.factor):
            return None
        level_se = sigma / float(np.sqrt(self.count))
        scaled = (self.factor * value for value in (level, slope, level_se, slope_se))
        return Trend(last, last + pivot, *scaled)


def medians(rows: Array) -> Array:
    """Return the median of the known figures of each row; NaN where there are none."""
    last = np.maximum(np.isfinite(rows).sum(axis=1), 1) - 1
    middle = np.stack((last // 2, (last + 1) // 2), axis=1)
    result: Array = np.take_along_axis(np.sort(rows, axis=1), middle, axis=1).mean(axis=1)
    return result


def _median(figures: Array) -> float:
    return float(np.median(figures[np.isfinite(figures)]))


def _factors(shares: Array) -> Array:
    """Return the usual share of each weekday; 1 as far as it may be chance."""
    usual = medians(shares.T)
    deviation = _median(np.abs(shares - usual))
    chance = (_MEDIAN_SE * deviation) ** 2 / np.isfinite(shares).sum(axis=0).min()
    variance = usual.var()
    weight = max(0.0, 1 - _CHANCE * chance / variance) if variance else 0.0
    result: Array = np.maximum(_MIN_FACTOR, 1 + (usual - 1) * weight)
    return result


def _sigma(residuals: Array) -> float:
    """Return the standard deviation from the median absolute deviation, which ignores outliers."""
    return _SIGMA_OVER_MAD * float(np.median(np.abs(residuals)))


def _persistence(residuals: Array) -> float:
    """Return by how much AR(1) residuals, which last from day to day, widen a standard error."""
    squares = (residuals**2).sum()
    correlation = (residuals[1:] * residuals[:-1]).sum() / squares if squares else 0.0
    correlation = np.clip(correlation, 0.0, _MAX_AUTOCORRELATION)
    return float(np.sqrt((1 + correlation) / (1 - correlation)))


def _returned(x: Array, figures: Array, cut: int) -> bool:
    """Return whether the newest weeks are where the line before `cut` leads: a summer is over."""
    earlier, later = np.triu_indices(cut, 1)
    slope = np.median((figures[later] - figures[earlier]) / (x[later] - x[earlier]))
    off = figures - slope * x
    off -= np.median(off[:cut])
    return bool(abs(np.median(off[-_NEWEST_WEEKS:])) <= _RETURNED_SIGMA * _sigma(off[:cut]))


def _squared_residuals(x: Array, y: Array) -> tuple[Array, Array]:
    """Return the sums of squares that a level and a line leave, by first and last week."""
    values = np.cumsum([x**0, x, y, x * x, x * y, y * y], axis=1)
    sums = np.pad(values, ((0, 0), (1, 0)))
    n, x, y, xx, xy, yy = sums[:, None, :] - sums[:, :, None]
    with np.errstate(divide="ignore", invalid="ignore"):  # of fewer weeks
        levels = yy - y * y / n
        lines = levels - (xy - x * y / n) ** 2 / (xx - x * x / n)
    levels[n < _MIN_LEVEL_WEEKS] = np.inf
    lines[n < _MIN_LINE_WEEKS] = np.inf
    return levels, lines
