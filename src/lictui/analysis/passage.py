"""The first day on which usage is at or above a threshold, as a probability distribution.

Five simple candidates (three levels, a line, the shape of last year) forecast the weekly peaks to
come. Each was also applied at every week of the past: the mistakes it made then, day by day, are
added to its forecast of today. That gives as many paths of daily peaks as there are past weeks, and
the weekly rhythm, holidays, bias and growing uncertainty come with them. The days on which paths
first reach the threshold are counted by Kaplan and Meier's estimator, as paths of recent weeks are
short. The candidates are weighted by how well they did in the past. Nothing is random.

Usage is compared as logarithm. An origin is a week of the past from which a candidate forecasts.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from msgspec.structs import replace
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
from lictui.analysis.trend import fit_trend, medians
from lictui.clock import DAY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from lictui.analysis.columns import Series

    Array = NDArray[np.float64]
    Indexes = NDArray[np.int64]

_WEEK: Final = 7
_MIN_USAGE: Final = 0.5  # licenses: what a day without use counts as
_MIN_THRESHOLD: Final = 0.75  # licenses: more than that, less than one
_MAX_FALL: Final = 2.5  # of a weekly peak below the median, as logarithm
_MIN_ORIGINS: Final = 8  # past origins that mistakes and a test need
_LEVEL: Final = 4  # weeks
_LONG_LEVEL: Final = 13
_SMOOTHING: Final = 0.4
_LINE: Final = 26  # weeks that a line goes through; more than a third of them at least
_LINE_DAMPING: Final = 0.99
_LINE_START: Final = 8  # newest weeks whose median a line starts from
_MIN_LINE_SHARE: Final = 0.2  # of its start, below which no line falls
_MIN_LINE_LEVEL: Final = 1e-3
_YEAR: Final = 52  # weeks whose shape a year repeats
_YEAR_WEEKS: Final = 52.18
_SEASON_FROM: Final = 60  # weeks from which origins of today's time of year weigh more
_SEASON_WEIGHT: Final = 3.0
_SEASON_WIDTH: Final = 4.0  # weeks
_MIN_ERROR, _MAX_ERROR = 0.1, 3.0  # relative to that of the level
_UNSEEN_SHIFT: Final = 1.414 * 0.4  # divided by the weeks of a past that has not seen everything
_ERROR_WEEKS: Final = 4  # ahead, of the error that is reported
_EPSILON: Final = 1e-9


class PeakPaths(NamedTuple):
    """Daily peaks to come: a row per path, of which the first `known` days count."""

    days: Array
    known: Indexes
    weights: Array
    share: float = 1.0  # of all paths


def paths_ahead(daily: Array, horizon: int) -> tuple[list[PeakPaths], str]:
    """Return the paths of every candidate, and the name and error of that of most weight.

    `daily` are logarithms of peaks, a row for each week; -inf is unknown.
    """
    weekly = weekly_peaks(daily)
    weeks, week_of = len(weekly), np.arange(horizon) // _WEEK
    ahead = int(week_of[-1]) + 1
    origins = np.arange(1, weeks)
    weights = season_weights(weeks - origins)
    day = _WEEK * origins[:, None] + np.arange(horizon)
    is_over = day < daily.size
    came = np.where(is_over, daily.take(day, mode="clip"), -np.inf)
    week = origins[:, None] + np.arange(ahead)
    weekly_came, counted = weekly.take(week, mode="clip"), (week < weeks) * weights[:, None]
    by_name = candidates(weekly, ahead)
    level = by_name["level"]
    paths, basis, lowest = [], "", _MAX_ERROR
    for name, forecasts in by_name.items():
        is_tested = np.isfinite(forecasts[:-1, 0]).sum() >= _MIN_ORIGINS
        # What is too new for a test is as good as the level, and makes the same mistakes.
        made = forecasts if is_tested else level
        part = slice(int(np.isfinite(made[:, 0]).argmax()), -1)
        errors, of_level = (
            counted[part.start :] * np.abs(weekly_came[part.start :] - each[part])
            for each in (made, level)
        )
        error = (errors.sum() + _EPSILON) / (of_level.sum() + _EPSILON)
        error = float(np.clip(error, _MIN_ERROR, _MAX_ERROR))
        if not basis or error < lowest:
            lowest, basis = error, name
            if is_tested:
                at = min(ahead, _ERROR_WEEKS) - 1
                usual = errors[:, at].sum() / counted[part.start :, at].sum()
                basis += f", error {np.expm1(usual) * 100:.0f} % at four weeks"
        days = forecasts[-1, week_of] + came[part.start :] - made[part, week_of]
        known = is_over[part.start :].sum(axis=1)
        paths.append(PeakPaths(days, known, weights[part.start :], error**-2))
    total = sum(each.share for each in paths)
    return [each._replace(share=each.share / total) for each in paths], basis


def distribution(
    paths: Sequence[PeakPaths], levels: NDArray[np.floating[Any]], weeks: int
) -> Array:
    """Return the probability that the levels have been reached, by day."""
    # Peaks are whole numbers: 7.2 licenses are reached by 8, and from 7.5 on a path means 8.
    first = np.ceil(levels - _EPSILON) - 0.5
    thresholds = np.log(np.maximum(first, _MIN_THRESHOLD)) - _EPSILON
    unseen = _UNSEEN_SHIFT / weeks * np.sqrt(np.arange(len(levels)) // _WEEK + 1)
    reached = np.zeros(len(levels))
    for shift, weight in ((0.0, 0.5), (1.0, 0.25), (-1.0, 0.25)):
        for each in paths:
            reached += weight * each.share * first_reached(each, thresholds - shift * unseen)
    return reached


def first_reached(paths: PeakPaths, thresholds: Array) -> Array:
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


def weekly_peaks(daily: Array) -> Array:
    """Return the peak of each week; one without a known day repeats the one before."""
    peaks: Array = daily.max(axis=1)
    known = np.flatnonzero(np.isfinite(peaks))
    before = known[np.maximum(np.searchsorted(known, np.arange(len(peaks)), "right") - 1, 0)]
    result: Array = np.maximum(peaks[before], np.median(peaks[before]) - _MAX_FALL)
    return result


def season_weights(ages: Indexes) -> Array:
    """Return the weight of origins by age in weeks: most near today's time of year."""
    if ages[0] < _SEASON_FROM:
        return np.ones(len(ages))
    apart = ages % _YEAR_WEEKS
    apart = np.minimum(apart, _YEAR_WEEKS - apart)
    result: Array = 1 + _SEASON_WEIGHT * np.exp(-((apart / _SEASON_WIDTH) ** 2))
    return result


def candidates(weekly: Array, ahead: int) -> dict[str, Array]:
    """Return the forecasts of each candidate by origin and week ahead; the last row is today's.

    NaN where the past is too short.
    """
    level = medians(_newest(weekly, _LEVEL))
    smoothed = [float(weekly[0])]
    for peak in weekly[1:].tolist():
        smoothed.append(_SMOOTHING * peak + (1 - _SMOOTHING) * smoothed[-1])
    levels = {
        "level": level,
        "level of a quarter": medians(_newest(weekly, _LONG_LEVEL)),
        "smoothed level": np.array(smoothed),
    }
    result = {name: each[:, None] * np.ones(ahead) for name, each in levels.items()}
    peaks = np.exp(weekly)
    earlier, later = np.triu_indices(_LINE, _LINE // 3 + 1)
    past = _newest(peaks, _LINE)
    slope = medians((past[:, later] - past[:, earlier]) / (later - earlier))[:, None]
    start = medians(_newest(peaks, _LINE_START))[:, None] + (_LINE_START - 1) / 2 * slope
    line = start + slope * np.cumsum(_LINE_DAMPING ** np.arange(1, ahead + 1))
    lowest = np.maximum(_MIN_LINE_SHARE * start, _MIN_LINE_LEVEL)
    if len(weekly) > _LINE // 3 + 1:
        result["line of half a year"] = np.log(np.maximum(line, lowest))
    if len(weekly) >= _YEAR + _LEVEL:
        smooth = medians(sliding_window_view(np.pad(weekly, 1, "edge"), 3))
        shape = np.full((len(weekly), ahead), np.nan)
        origins = np.arange(_YEAR + 1, len(weekly) + 1)
        moved = (
            smooth[origins[:, None] + np.arange(ahead) - _YEAR] - level[origins - _YEAR - 1, None]
        )
        shape[_YEAR:] = level[_YEAR:, None] + moved
        result["last year's shape"] = shape
    return result


def _newest(values: Array, length: int) -> Array:
    """Return the newest values by origin, a row each; NaN where there are fewer."""
    padded = np.concatenate([np.full(length - 1, np.nan), values])
    return sliding_window_view(padded, length)


# The forecast of a product


_EPOCH: Final = date(1970, 1, 1).toordinal()
_MAX_HORIZON: Final = 182  # days
_MIN_WEEKS: Final = 5  # of history that probabilities rest on
_RECENT_DAYS: Final = 28  # a threshold reached on one of these days is reported as reached
_YEARLY_DAYS: Final = 200  # below, no yearly season is known
_POSSIBLE: Final = 0.01  # probability from which there is a band
_MIN_SIMILARITY: Final = 0.9  # of installed then and now, for a recent day to resemble today
_MOVE_DAYS: Final = 14  # before and after licenses were moved, whose peaks are compared
_STATUS: Final = (ForecastStatus.FLAT, ForecastStatus.GROWING, ForecastStatus.FALLING)  # by sign
_WEEKEND: Final = 2  # so few days need not contain a working day


def forecast(
    inputs: ForecastInput, daily: Series, today: date, begun: Series | None = None
) -> Forecast:
    """Return the forecast as of `today`, a date where the user is, from complete days of UTC.

    A day that has only `begun` says nothing about other days, but whether a threshold was reached.
    """
    days = daily.start // DAY + _EPOCH
    daily = daily.select((days >= today.toordinal() - MAX_DAYS) & (days <= today.toordinal()))
    result = Forecast(
        inputs.scope, inputs.product, inputs.model, ForecastStatus.NOT_ENOUGH_DATA, len(daily)
    )
    if len(daily) < MIN_DAYS:
        return result
    days = daily.start // DAY + _EPOCH
    first, last = int(days[0]), int(days[-1])
    if last == today.toordinal():  # a day of UTC may be over earlier than the day of the user
        today += timedelta(days=1)
    length = last - first + 1
    horizon = min(length // 2, _MAX_HORIZON)
    if today.toordinal() - last > horizon:  # the past says nothing about today
        return result
    figures, installed = np.full((2, today.toordinal() - first), np.nan)
    figures[days - first] = daily.last if inputs.model.is_assigned else daily.high
    installed[days - first] = daily.installed
    peaks = _as_if_moved(figures, installed)
    weeks = peaks[len(peaks) % _WEEK :].reshape(-1, _WEEK)
    trend = fit_trend(weeks[-_YEAR:], today.toordinal() - 1)
    if trend:
        result = replace(result, status=_STATUS[int(np.sign(trend.slope))], trend=trend)
    result = replace(result, based_on_days=length, horizon=today + timedelta(days=horizon - 1))
    if inputs.installed is None or len(weeks) < _MIN_WEEKS:
        return result
    ahead = np.full(horizon, inputs.installed)
    for day, count in inputs.expiring.items():
        if day >= today:
            ahead[(day - today).days :] -= count
    recent = _recent_peaks(inputs, [daily, begun] if begun else [daily], today)
    result = _with_thresholds(result, inputs, today, weeks, np.maximum(ahead, 0), recent)
    basis = result.basis
    if length < _YEARLY_DAYS:
        basis += "; no yearly season known yet"
    if not daily.exact:
        basis += "; some daily peaks are upper bounds"
    return replace(result, basis=basis)


def _recent_peaks(
    inputs: ForecastInput, histories: Iterable[Series], today: date
) -> dict[date, int]:
    """Return the figures of the last days with as many licenses as now."""
    return {
        date.fromordinal(day): figure
        for daily in histories
        for day, figure, is_similar in zip(
            (daily.start // DAY + _EPOCH).tolist(),
            (daily.last if inputs.model.is_assigned else daily.high).tolist(),
            _is_similar(daily.installed, inputs.installed or 0),
            strict=True,
        )
        if is_similar and day >= today.toordinal() - _RECENT_DAYS
    }


def _with_thresholds(
    result: Forecast,
    inputs: ForecastInput,
    today: date,
    weeks: Array,
    installed: Indexes,
    recent: Mapping[date, int],
) -> Forecast:
    """Return the result with thresholds and shortfalls; `installed` by day from today on."""
    logs = np.log(np.maximum(weeks, _MIN_USAGE))
    paths, basis = paths_ahead(np.where(np.isnan(logs), -np.inf, logs), len(installed))
    reaches: dict[float, Reach] = {}
    lower = np.ones(len(installed))
    for ratio in sorted({inputs.warn, inputs.critical, 1.0}):
        # Paths that end early could make a higher threshold likelier than a lower one.
        lower = np.minimum(lower, distribution(paths, ratio * installed, len(weeks)))
        level = max(ratio * (inputs.installed or 0), _MIN_THRESHOLD)
        last = max((day for day, figure in recent.items() if figure >= level), default=None)
        reaches[ratio] = _reach(ratio, lower, today, last)
    shortfalls = []
    for day in sorted(inputs.expiring):
        ahead, expected = (day - today).days, result.expected(day)
        if 0 <= ahead < len(installed) and expected and round(expected) > installed[ahead]:
            shortfalls.append(Shortfall(day, int(installed[ahead]), round(expected)))
    return replace(
        result,
        warn=reaches[inputs.warn],
        critical=reaches[inputs.critical],
        installed=reaches[1.0],
        shortfalls=tuple(shortfalls),
        basis=basis,
    )


def _reach(ratio: float, reached: Array, today: date, last: date | None) -> Reach:
    """Return when a threshold is reached, from the probability that it has been, by day."""
    probability = min(1.0, float(reached[-1]))
    if probability <= _POSSIBLE:
        return Reach(ratio, probability, last_reached=last)
    share = reached / reached[-1]
    low, early, middle, late, high = (
        today + timedelta(days=int((share >= quantile - _EPSILON).argmax()))
        for quantile in (0.025, 0.25, 0.5, 0.75, 0.975)
    )
    day = middle if probability > MORE_LIKELY else None
    return Reach(ratio, probability, day, (early, late), (low, high), last)


def _as_if_moved(figures: Array, installed: Array) -> Array:
    """Return the figures, those before a move of licenses scaled as if it had been made before.

    Usage moves along when licenses change servers; when licenses are bought or end, it does not.
    """
    scaled = figures.copy()
    known = np.flatnonzero(installed > 0)
    ratios = installed[known[1:]] / installed[known[:-1]]
    for index in np.flatnonzero(~_is_similar(installed[known[1:]], installed[known[:-1]])):
        last, ratio = known[index], ratios[index]
        before = figures[max(0, last - _MOVE_DAYS + 1) : last + 1]
        after = figures[last + 1 : last + 1 + _MOVE_DAYS]
        if np.isfinite(after).sum() <= _WEEKEND or not np.nanmax(before) or not np.nanmax(after):
            continue
        usage = np.log(np.nanmax(after) / np.nanmax(before))
        if abs(usage - np.log(ratio)) < abs(usage) / 2:
            scaled[: last + 1] *= ratio
    return scaled


def _is_similar(installed: Array, other: Array | int) -> NDArray[np.bool_]:
    """Whether days count alike; the unknown is taken for the same."""
    result: NDArray[np.bool_] = ~(
        np.minimum(installed, other) < _MIN_SIMILARITY * np.maximum(installed, other)
    )
    return result
