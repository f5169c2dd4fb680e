"""The first day on which usage is at or above a threshold, as a probability distribution.

Eight simple candidates (levels, trends, yearly shapes) forecast the weekly peaks to come. Each was
also applied at every week of the past: the mistakes it made then, day by day, are added to its
forecast of today. That gives as many paths of daily peaks as there are past weeks, and the weekly
rhythm, holidays, bias and growing uncertainty come with them. The days on which paths first reach
the threshold are counted by Kaplan and Meier's estimator, as paths of recent weeks are short. The
candidates are weighted by how well they did in the past. Nothing is random.

Usage is compared as logarithm. An origin is a week of the past from which a candidate forecasts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from lictui.analysis.forecast import (
    MAX_DAYS,
    MIN_DAYS,
    MORE_LIKELY,
    Forecast,
    ForecastInput,
    ForecastStatus,
    Reach,
    Shortfall,
)
from lictui.analysis.trend import fit_trend

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Indexes = NDArray[np.int64]

_WEEK: Final = 7
_MIN_USAGE: Final = 0.5  # licenses: what a day without use counts as
_MIN_THRESHOLD: Final = 0.75  # licenses: more than that, less than one
_MAX_FALL: Final = 2.5  # of a weekly peak below the median, as logarithm
_FIRST_ORIGIN: Final = 4  # weeks that a forecast needs
_MIN_ORIGINS: Final = 8  # past origins that mistakes and a test need
_YEAR: Final = 52  # weeks whose shape a year repeats
_YEAR_WEEKS: Final = 52.18
_SEASON_FROM: Final = 60  # weeks from which origins of today's time of year weigh more
_SEASON_WEIGHT: Final = 3.0
_SEASON_WIDTH: Final = 4.0  # weeks
_MIN_LINE: Final = 8  # weeks
_LINE_START: Final = 3.5  # weeks from the middle of the newest eight to the last
_MIN_LINE_SHARE: Final = 0.2  # of its start, below which no line falls
_MIN_LINE_LEVEL: Final = 1e-3
_FULL_TEST: Final = 52  # past origins that a back-test of full weight has
_YEAR_TEST: Final = 26  # the same, for a yearly shape
_YEAR_BONUS: Final = 0.5  # a yearly shape is likelier than a short back-test can show
_MIN_ERROR, _MAX_ERROR = 0.1, 3.0  # relative to that of the level
_WEIGHT_POWER: Final = 2.5
_SHORT_SHARE: Final = 0.7  # of the differences from the level, where a history is short
_YEAR_SHIFT: Final = 1.22 * 0.012  # of a level, times the square root of the weeks ahead
_UNSEEN_BELOW: Final = 75  # weeks of a past that has not seen everything
_UNSEEN_SHIFT: Final = 1.414 * 0.4
_DELAY_POWER: Final = 1.5  # thresholds are reached later than paths say
_ERROR_WEEKS: Final = 4  # ahead, of the error that is reported
_EPSILON: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Passage:
    """When a threshold is first reached; days count from today, which is 0."""

    probability: float  # within the horizon
    middle: int = 0  # median, if it is reached
    half: tuple[int, int] = (0, 0)  # between which half of the distribution lies
    band: tuple[int, int] = (0, 0)  # the same for 95 %


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A method, with its forecasts of weekly peaks: a row per origin, the last one is today's."""

    name: str
    forecasts: Array
    first: int = 0  # row of its first origin
    error: float = 1.0  # relative to that of the level
    weeks_error: float | None = None  # absolute, of a logarithm

    @property
    def origins(self) -> int:
        """Number of past origins."""
        return len(self.forecasts) - 1 - self.first


@dataclass(frozen=True, slots=True)
class _Paths:
    """Daily peaks to come: a row per path, of which the first `known` days count."""

    days: Array
    known: Indexes
    weights: Array


class PassageForecast:
    """A forecast of one series; ask it for any number of thresholds."""

    def __init__(self, peaks: Sequence[float | None], horizon: int) -> None:
        """Take daily peaks up to yesterday, of at least five weeks; None is unknown."""
        self._weeks = len(peaks) // _WEEK
        logs = np.log(np.maximum(np.array(peaks[len(peaks) % _WEEK :], float), _MIN_USAGE))
        logs[np.isnan(logs)] = -np.inf  # above nothing
        self._daily = logs.reshape(self._weeks, _WEEK)
        self._weekly = _weekly_peaks(self._daily)
        self._horizon = horizon
        self._week_of = np.arange(horizon) // _WEEK
        self._weights = _season_weights(np.arange(self._weeks, 0, -1))  # by origin
        candidates = _tested(
            list(_candidates(self._weekly, -(-horizon // _WEEK))),
            self._weekly,
            self._weights[_FIRST_ORIGIN:],
        )
        shares = np.array([candidate.error for candidate in candidates]) ** -_WEIGHT_POWER
        self._shares = shares / shares.sum()
        best = candidates[int(self._shares.argmax())]
        self.basis = best.name
        self.error = None if best.weeks_error is None else float(np.expm1(best.weeks_error))
        self._paths = list(self._all_paths(candidates))

    def passages(self, thresholds: Sequence[Sequence[float]]) -> Iterator[Passage]:
        """Yield when usage first reaches each threshold, the lowest first: a level per day."""
        lower = np.ones(self._horizon)
        for levels in thresholds:
            # Paths that end early could make a higher threshold likelier than a lower one.
            lower = np.minimum(lower, self._distribution(np.array(levels, float)))
            yield self._passage(lower)

    def _passage(self, distribution: Array) -> Passage:
        probability = min(1.0, float(distribution[-1]))
        if probability <= _EPSILON:
            return Passage(0.0)
        share = (distribution / distribution[-1]) ** _DELAY_POWER
        quantiles = (0.025, 0.25, 0.5, 0.75, 0.975)
        low, early, middle, late, high = (int((share >= q - _EPSILON).argmax()) for q in quantiles)
        return Passage(probability, middle, (early, late), (low, high))

    def _all_paths(self, candidates: list[_Candidate]) -> Iterator[_Paths]:
        """The paths of each candidate: its forecast of today with its mistakes of the past."""
        came, known = self._after(np.arange(_FIRST_ORIGIN, self._weeks))
        yearly: _Paths | None = None  # mistakes of last year's shape
        for candidate in candidates:
            if candidate.origins >= _MIN_ORIGINS:
                first = candidate.first
                made = candidate.forecasts[first:-1, self._week_of]
                mistakes = _Paths(
                    came[first:] - made, known[first:], self._weights[_FIRST_ORIGIN + first :]
                )
            elif candidate.name == _TWO_YEARS and yearly is not None:
                mistakes = yearly
            elif candidate.name == _LAST_YEAR:
                mistakes = self._untested_year()
            else:
                mistakes = self._untested()
            if candidate.name == _LAST_YEAR:
                yearly = mistakes
            today = candidate.forecasts[-1, self._week_of]
            yield replace(mistakes, days=today + mistakes.days)

    def _after(self, origins: Indexes) -> tuple[Array, Indexes]:
        """Return the days after each origin, and how many of them are over."""
        index = _WEEK * origins[:, None] + np.arange(self._horizon)
        is_over = index < self._daily.size
        return np.where(is_over, self._daily.take(index, mode="clip"), -np.inf), is_over.sum(axis=1)

    def _untested(self) -> _Paths:
        """Distances from the level of each week, where a history is short."""
        origins = np.arange(1, self._weeks)
        came, known = self._after(origins)
        level = np.array([np.median(self._weekly[max(0, end - 4) : end]) for end in origins])
        return _Paths(_SHORT_SHARE * (came - level[:, None]), known, self._weights[1:])

    def _untested_year(self) -> _Paths:
        """Distances from the smooth past, read on from each week and wrapped round, at 3 levels."""
        apart = (self._daily - _running_median(self._weekly)[:, None]).ravel()
        start = _WEEK * np.arange(self._weeks)[:, None]
        days = apart[(start + np.arange(self._horizon)) % apart.size]
        shift = _YEAR_SHIFT * np.sqrt(self._week_of + 1)
        days = np.concatenate([days, days + shift, days - shift])
        return _Paths(days, np.full(len(days), self._horizon), np.tile(self._weights, 3))

    def _distribution(self, levels: Array) -> Array:
        """Return the probability that the levels have been reached, by day."""
        # Peaks are whole numbers: 7.2 licenses are reached by 8, and from 7.5 on a path means 8.
        first = np.ceil(levels - _EPSILON) - 0.5
        thresholds = np.log(np.maximum(first, _MIN_THRESHOLD)) - _EPSILON
        shifts = [(0.0, 1.0)]  # of all paths, and the weight of that
        if self._weeks < _UNSEEN_BELOW:
            unseen = _UNSEEN_SHIFT / self._weeks
            shifts = [(0.0, 0.5), (unseen, 0.25), (-unseen, 0.25)]
        ahead = np.sqrt(self._week_of + 1)
        reached = np.zeros(self._horizon)
        for share, paths in zip(self._shares, self._paths, strict=True):
            for shift, weight in shifts:
                reached += share * weight * _reached(paths, thresholds - shift * ahead)
        return reached


def _reached(paths: _Paths, thresholds: Array) -> Array:
    """Return Kaplan and Meier's estimate that paths have reached the thresholds, by day."""
    is_above = paths.days >= thresholds
    first = is_above.argmax(axis=1)
    reaches = is_above[np.arange(len(first)), first]
    size = len(thresholds)
    reached = np.bincount(first[reaches], weights=paths.weights[reaches], minlength=size)
    end = np.where(reaches, first + 1, np.minimum(paths.known, size))
    ended = np.bincount(end, weights=paths.weights, minlength=size + 1)[:size]
    at_risk = paths.weights.sum() - np.cumsum(ended)
    hazard = np.where(at_risk > _EPSILON, reached / np.maximum(at_risk, _EPSILON), 0.0)
    result: Array = 1 - np.cumprod(1 - np.minimum(hazard, 1.0))
    return result


def _weekly_peaks(daily: Array) -> Array:
    peaks: Array = daily.max(axis=1)
    known = np.flatnonzero(np.isfinite(peaks))
    before = known[np.maximum(np.searchsorted(known, np.arange(len(peaks)), "right") - 1, 0)]
    peaks = peaks[before]  # a week without a known day repeats the one before
    result: Array = np.maximum(peaks, np.median(peaks) - _MAX_FALL)
    return result


def _season_weights(ages: Indexes) -> Array:
    """Return the weight of origins by age in weeks: most near today's time of year."""
    if ages[0] < _SEASON_FROM:
        return np.ones(len(ages))
    apart = ages % _YEAR_WEEKS
    apart = np.minimum(apart, _YEAR_WEEKS - apart)
    result: Array = 1 + _SEASON_WEIGHT * np.exp(-((apart / _SEASON_WIDTH) ** 2))
    return result


# Candidates, and their back-test


_LAST_YEAR: Final = "last year's shape"
_TWO_YEARS: Final = "shape of the last two years"


def _candidates(weekly: Array, ahead: int) -> Iterator[_Candidate]:
    """The forecasts of each method for `ahead` weeks, from week 4 on."""
    weeks, flat = len(weekly), np.ones(ahead)
    level = _medians(weekly, 4)
    yield _Candidate("level", level[:, None] * flat)
    yield _Candidate("level of a quarter", _medians(weekly, 13)[:, None] * flat)
    yield _Candidate("smoothed level", _damped_trend(weekly, 0.4, 0.0)[:, :1] * flat)
    trend = _damped_trend(weekly, 0.35, 0.08, 0.95)
    yield _Candidate("damped trend", trend[:, :1] + trend[:, 1:] * _damping(0.95, ahead))
    if weeks - _MIN_LINE >= _MIN_ORIGINS:
        peaks = np.exp(weekly)
        newest, first = _medians(peaks, _MIN_LINE), _MIN_LINE - _FIRST_ORIGIN
        ends = range(_MIN_LINE, min(_YEAR, weeks + 1))
        early = np.array([0.0] * first + [_median_slope(peaks[None, :end])[0] for end in ends])
        lines = (("line of half a year", _YEAR // 2, 0.98), ("line of a year", _YEAR, 1.0))
        for name, length, phi in lines:
            slope = _slopes(peaks, length, early)[:, None]
            start = newest[:, None] + _LINE_START * slope
            line = np.maximum(_MIN_LINE_SHARE * start, start + slope * _damping(phi, ahead))
            yield _Candidate(name, np.log(np.maximum(line, _MIN_LINE_LEVEL)), first)
    if weeks >= _YEAR + _FIRST_ORIGIN:
        shape = _shape(weekly, level, _YEAR, ahead)
        yield _Candidate(_LAST_YEAR, level[:, None] + shape, _YEAR)
    if weeks >= 2 * _YEAR + _FIRST_ORIGIN:
        shape = (shape + _shape(weekly, level, 2 * _YEAR, ahead)) / 2
        yield _Candidate(_TWO_YEARS, level[:, None] + shape, 2 * _YEAR)


def _tested(candidates: list[_Candidate], weekly: Array, weights: Array) -> list[_Candidate]:
    """Return the candidates with the errors of their back-test, relative to that of the level."""
    level = candidates[0].forecasts
    rows, ahead = len(level) - 1, level.shape[1]
    index = np.arange(_FIRST_ORIGIN, _FIRST_ORIGIN + rows)[:, None] + np.arange(ahead)
    came = weekly.take(index, mode="clip")
    counted = np.where(index < len(weekly), weights[:, None], 0.0)
    of_level = np.abs(came - level[:-1])
    column = min(ahead, _ERROR_WEEKS) - 1
    tested: list[_Candidate] = []
    for candidate in candidates:
        is_yearly = candidate.name in (_LAST_YEAR, _TWO_YEARS)
        if candidate.origins < _MIN_ORIGINS:
            error = _YEAR_BONUS if is_yearly else 1.0
            if candidate.name == _TWO_YEARS:
                error = tested[-1].error
            tested.append(replace(candidate, error=error))
            continue
        part = slice(candidate.first, None)
        errors = np.abs(came - candidate.forecasts[:-1])[part]
        total, of_level_total = (
            np.sum(counted[part] * each) + _EPSILON for each in (errors, of_level[part])
        )
        error = (total / of_level_total) ** np.sqrt(min(1.0, candidate.origins / _FULL_TEST))
        if is_yearly:
            error *= _YEAR_BONUS ** max(0.0, 1 - candidate.origins / _YEAR_TEST)
        tested.append(
            replace(
                candidate,
                error=float(np.clip(error, _MIN_ERROR, _MAX_ERROR)),
                weeks_error=float(np.average(errors[:, column], weights=counted[part, column])),
            )
        )
    return tested


def _medians(values: Array, length: int) -> Array:
    """Return the median of the last `length` values, or of as many as there are, by origin."""
    first = [np.median(values[:end]) for end in range(_FIRST_ORIGIN, min(length, len(values) + 1))]
    if len(values) < length:
        return np.array(first)
    return np.concatenate([first, np.median(sliding_window_view(values, length), axis=1)])


def _running_median(values: Array) -> Array:
    """Return the median of each value and its neighbors."""
    padded = np.concatenate([values[:1], values, values[-1:]])
    result: Array = np.median(sliding_window_view(padded, 3), axis=1)
    return result


def _damped_trend(values: Array, alpha: float, beta: float, phi: float = 1.0) -> Array:
    """Return Holt's level and slope by origin; without `beta`, simple exponential smoothing."""
    level, slope = float(values[0]), 0.0
    rows = [(level, slope)]
    for value in values[1:].tolist():
        expected = level + phi * slope
        after = alpha * value + (1 - alpha) * expected
        slope = beta * (after - level) + (1 - beta) * phi * slope
        level = after
        rows.append((level, slope))
    return np.array(rows[_FIRST_ORIGIN - 1 :])


def _damping(phi: float, ahead: int) -> Array:
    result: Array = np.cumsum(phi ** np.arange(1, ahead + 1))
    return result


def _slopes(values: Array, length: int, early: Array) -> Array:
    """Return the median slope of the last `length` values; `early` has those of fewer."""
    early = early[: length - _FIRST_ORIGIN]
    if len(values) < length:
        return early
    return np.concatenate([early, _median_slope(sliding_window_view(values, length))])


def _median_slope(rows: Array) -> Array:
    """Return the median slope of the pairs that are at least a third of the length apart."""
    left, right = _pairs(rows.shape[1])
    result: Array = np.median((rows[:, right] - rows[:, left]) / (right - left), axis=1)
    return result


@cache
def _pairs(length: int) -> tuple[Indexes, Indexes]:
    return np.triu_indices(length, -(-length // 3))


def _shape(weekly: Array, level: Array, lag: int, ahead: int) -> Array:
    """Return how peaks moved from the level of `lag` weeks before; 0 at origins before that."""
    smooth = _running_median(weekly)
    origins = np.arange(_FIRST_ORIGIN + lag, len(weekly) + 1)
    moved = smooth[origins[:, None] + np.arange(ahead) - lag] - level[: len(origins), None]
    return np.concatenate([np.zeros((lag, ahead)), moved])


# The forecast of a product


_MAX_HORIZON: Final = 182  # days
_MIN_PASSAGE_DAYS: Final = 35  # of history that probabilities rest on
_TREND_DAYS: Final = 365
_RECENT_DAYS: Final = 28  # a threshold reached on one of these days is reported as reached
_YEARLY_DAYS: Final = 200  # below, no yearly season is known
_POSSIBLE: Final = 0.01  # probability from which there is a band
_MIN_SIMILARITY: Final = 0.9  # of installed then and now, for a recent day to tell of today
_MOVE_DAYS: Final = 14  # before and after licenses were moved, whose peaks are compared
_STATUS: Final = (ForecastStatus.FLAT, ForecastStatus.GROWING, ForecastStatus.FALLING)  # by sign
_WEEKEND: Final = 2  # so few days need not contain a working day


def forecast(inputs: ForecastInput, today: date) -> Forecast:
    """Return the forecast as of `today`, a date where the user is."""
    oldest = today - timedelta(days=MAX_DAYS)
    figures = {
        day: figure for day, figure in inputs.daily_figures.items() if oldest <= day <= today
    }
    result = Forecast(
        inputs.scope, inputs.product, inputs.model, ForecastStatus.NOT_ENOUGH_DATA, len(figures)
    )
    if len(figures) < MIN_DAYS:
        return result
    if today in figures:  # a day of UTC may be over earlier than the day of the user
        today += timedelta(days=1)
    first, last = min(figures), max(figures)
    days = (last - first).days + 1
    horizon = min(days // 2, _MAX_HORIZON)
    if (today - last).days > horizon:  # the past says nothing about today
        return result
    start = today.toordinal() - _TREND_DAYS
    trend = fit_trend(
        {
            ordinal: figure
            for day, figure in figures.items()
            if (ordinal := day.toordinal()) >= start
        }
    )
    if trend:
        result = replace(result, status=_STATUS[int(np.sign(trend.slope))], trend=trend)
    result = replace(result, based_on_days=days, horizon=today + timedelta(days=horizon - 1))
    if inputs.installed is None or days < _MIN_PASSAGE_DAYS:
        return result
    installed = _installed_ahead(inputs.installed, inputs.expiring, today, horizon)
    return _with_thresholds(result, inputs, figures, installed, today)


def _installed_ahead(
    installed: int, expiring: Mapping[date, int], today: date, horizon: int
) -> list[int]:
    """Return what is installed on each day from today on."""
    by_day = []
    for ahead in range(horizon):
        installed = max(0, installed - expiring.get(today + timedelta(days=ahead), 0))
        by_day.append(installed)
    return by_day


def _with_thresholds(
    result: Forecast,
    inputs: ForecastInput,
    figures: Mapping[date, float],
    installed: list[int],
    today: date,
) -> Forecast:
    first = min(figures).toordinal()
    peaks: list[float | None] = [None] * (today.toordinal() - first)
    for past, figure in _as_if_moved(figures, inputs.installed_by_day).items():
        peaks[past.toordinal() - first] = figure
    source = PassageForecast(peaks, len(installed))
    start = today - timedelta(days=_RECENT_DAYS)
    recent = {past: figure for past, figure in figures.items() if past >= start}
    ratios = sorted({inputs.warn, inputs.critical, 1.0})
    passages = source.passages([[ratio * count for count in installed] for ratio in ratios])

    def reach(ratio: float, passage: Passage) -> Reach:
        day, half, band = None, None, None
        if passage.probability > _POSSIBLE:
            middle, *ends = (
                today + timedelta(days=ahead)
                for ahead in (passage.middle, *passage.half, *passage.band)
            )
            half, band = (ends[0], ends[1]), (ends[2], ends[3])
            day = middle if passage.probability > MORE_LIKELY else None
        last = _last_reached(inputs, recent, ratio)
        return Reach(ratio, passage.probability, day, half, band, last)

    reaches = {
        ratio: reach(ratio, passage) for ratio, passage in zip(ratios, passages, strict=True)
    }
    return replace(
        result,
        warn=reaches[inputs.warn],
        critical=reaches[inputs.critical],
        installed=reaches[1.0],
        shortfalls=tuple(_shortfalls(result, inputs.expiring, installed, today)),
        basis=_basis(source, result.based_on_days, is_exact=inputs.is_exact),
    )


def _as_if_moved(
    figures: Mapping[date, float], installed: Mapping[date, int]
) -> Mapping[date, float]:
    """Return the figures, those before a move of licenses scaled as if it had been made before.

    Usage moves along when licenses change servers; when licenses are bought or end, it does not.
    """
    factor, scaled = 1.0, {}
    after = None  # installed on the day after, where known
    for day in sorted(figures, reverse=True):
        before = installed.get(day)
        if before and after and not _is_similar(before, after):
            usage = _usage_change(figures, day)
            if usage and abs(np.log(usage * before / after)) < abs(np.log(usage)) / 2:
                factor *= after / before
        after = before or after
        scaled[day] = figures[day] * factor
    return scaled


def _usage_change(figures: Mapping[date, float], last: date) -> float | None:
    """Return the peak of the days after `last` as a multiple of that before; None if too few."""
    days = range(_MOVE_DAYS)
    before = [figures.get(last - timedelta(days=ago), 0.0) for ago in days]
    after = [figures[day] for ago in days if (day := last + timedelta(days=ago + 1)) in figures]
    if len(after) <= _WEEKEND or not max(before) or not max(after):
        return None
    return max(after) / max(before)


def _last_reached(inputs: ForecastInput, recent: Mapping[date, float], ratio: float) -> date | None:
    """Return the last recent day that reached what is a threshold now."""
    level = max(ratio * (inputs.installed or 0), _MIN_THRESHOLD)
    return max(
        (
            day
            for day, figure in recent.items()
            if figure >= level and _is_similar(inputs.installed_by_day.get(day), inputs.installed)
        ),
        default=None,
    )


def _is_similar(installed_then: int | None, installed_now: int | None) -> bool:
    """Whether a past day counts: usage moves along when licenses change servers."""
    if installed_then is None or installed_now is None:
        return True
    low, high = sorted((installed_then, installed_now))
    return low >= _MIN_SIMILARITY * high


def _shortfalls(
    result: Forecast, expiring: Mapping[date, int], installed: list[int], today: date
) -> Iterator[Shortfall]:
    """Each day within the horizon on which licenses expire and too few remain."""
    for day in sorted(expiring):
        ahead, level = (day - today).days, result.expected(day)
        if level is not None and 0 <= ahead < len(installed) and round(level) > installed[ahead]:
            yield Shortfall(day, installed[ahead], round(level))


def _basis(source: PassageForecast, days: int, *, is_exact: bool) -> str:
    """Describe what the dates rest on."""
    texts = [source.basis]
    if source.error is not None:
        texts[0] += f", error {source.error * 100:.0f} % at four weeks"
    if days < _YEARLY_DAYS:
        texts.append("no yearly season known yet")
    if not is_exact:
        texts.append("some daily peaks are upper bounds")
    return "; ".join(texts)
