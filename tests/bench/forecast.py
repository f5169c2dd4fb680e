"""Back-test of forecasts: what they said on days of the past, against what came.

    python -m tests.bench.forecast [FOLDER]

Without a FOLDER of CSV files `day,value` (daily peaks), the series are simulated. On every cut-off
day the thresholds of three products are asked for, whose licenses are in use to 90, 78 or 86 %. A
threshold that was reached in the last four weeks is left out. Compared are the dates of two simple
methods: last year's values times the drift since, and Theta.
"""

import csv
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tests.support.daily_series import daily

from lictui.analysis.forecast import MAX_DAYS, Forecast, ForecastInput, Reach
from lictui.analysis.passage import forecast
from lictui.model import Model

Array = NDArray[np.float64]
Series = Mapping[date, int]

_RATIOS: Final = (0.8, 0.9, 1.0)
_IN_USE: Final = (0.90, 0.78, 0.86)  # of installed: 90th percentile of the last four weeks
_EVERY: Final = 60  # days between two cut-offs
_MONTH: Final = 30  # days within which a date is right


@dataclass
class Score:
    """Dates of one method, and what became of them."""

    crossings: int = 0  # thresholds that were reached
    answered: int = 0  # of these, with a date
    right: int = 0  # of these, within a month
    calm: int = 0  # thresholds that were not reached
    false: int = 0  # of these, with a date

    def add(self, came: int | None, day: int | None) -> None:
        """Count a threshold that was reached after `came` days, and the forecast."""
        if came is None:
            self.calm += 1
            self.false += day is not None
        else:
            self.crossings += 1
            if day is not None:
                self.answered += 1
                self.right += abs(day - came) <= _MONTH

    @property
    def shares(self) -> tuple[float, float, float]:
        """Answered crossings, right dates of all dates, and false alarms."""
        dates = self.answered + self.false
        return (
            self.answered / max(1, self.crossings),
            self.right / max(1, dates),
            self.false / max(1, self.calm),
        )

    @property
    def net(self) -> int:
        """Right dates minus false alarms."""
        return self.right - self.false


@dataclass
class BackTest:
    """The scores of a back-test."""

    likely: Score = field(default_factory=Score)  # dates at p > 0.5
    sure: Score = field(default_factory=Score)  # at p > 0.8
    naive: Score = field(default_factory=Score)
    theta: Score = field(default_factory=Score)
    bands: list[bool] = field(default_factory=list)  # whether they hold, if it was reached
    squares: list[float] = field(default_factory=list)

    @property
    def bands_hold(self) -> float:
        """Share of the 95 % bands that hold the day."""
        return sum(self.bands) / max(1, len(self.bands))

    @property
    def brier(self) -> float:
        """Mean squared error of the probabilities."""
        return sum(self.squares) / max(1, len(self.squares))


def back_test(all_series: Iterable[Series]) -> BackTest:
    """Forecast each series on its cut-off days, and compare."""
    result = BackTest()
    for series in all_series:
        days = sorted(series)
        for cut in range(min(120, len(days) // 2), len(days) - 20, _EVERY):
            past = {day: float(series[day]) for day in days[max(0, cut - MAX_DAYS) : cut]}
            last = days[-1]
            future = [
                series.get(days[cut] + timedelta(days=ahead), 0)
                for ahead in range((last - days[cut]).days + 1)
            ]
            _add(result, past, future, days[cut])
    return result


def forecast_of(past: Mapping[date, float], installed: int, today: date) -> Forecast:
    """The forecast with the usual thresholds."""
    what = ForecastInput(scope="a", product="X", model=Model.CONCURRENT, installed=installed)
    return forecast(what, daily(past), today)


def _add(result: BackTest, past: Mapping[date, float], future: list[int], today: date) -> None:
    whole = min((today - min(past)).days // 2, 182)
    horizon = min(whole, len(future) - 3)
    values = np.array(list(past.values()))
    recent = values[-28:]
    curves = (
        (result.naive, seasonal_naive(values, horizon)),
        (result.theta, theta(values, horizon)),
    )
    for share in _IN_USE:
        installed = max(2, round(float(np.percentile(recent, 90)) / share))
        answer = forecast_of(past, installed, today)
        for ratio, reach in zip(
            _RATIOS, (answer.warn, answer.critical, answer.installed), strict=True
        ):
            level = ratio * installed
            if reach is None or recent.max() >= level:
                continue
            came = next((day for day, value in enumerate(future[:horizon]) if value >= level), None)
            _add_reach(result, reach, came, today, horizon)
            if horizon == whole:
                result.squares.append((reach.probability - (came is not None)) ** 2)
            for score, curve in curves:
                hits = np.flatnonzero(curve >= level)
                score.add(came, int(hits[0]) if len(hits) else None)


def _add_reach(result: BackTest, reach: Reach, came: int | None, today: date, horizon: int) -> None:
    day = None if reach.day is None else (reach.day - today).days
    if day is not None and day >= horizon:
        day = None
    result.likely.add(came, day)
    result.sure.add(came, day if reach.probability > 0.8 else None)
    if came is not None and reach.band is not None:
        actual = today + timedelta(days=came)
        result.bands.append(reach.band[0] <= actual <= reach.band[1])


def seasonal_naive(values: Array, horizon: int) -> Array:
    """Last year's values times the drift of the last four weeks against those of last year."""
    if len(values) < 392:
        return np.resize(values[-7:], horizon)
    drift = float(np.median(values[-28:])) / max(1.0, float(np.median(values[-392:-364])))
    return np.resize(values[-364:], horizon) * drift


def theta(values: Array, horizon: int) -> Array:
    """The Theta method (theta 0 and 2) on values without their weekly pattern."""
    count, days = len(values), np.arange(len(values))
    smooth = np.convolve(values, np.ones(7) / 7, "valid")
    ratios = values[3 : 3 + len(smooth)] / np.maximum(smooth, 1e-9)
    weekday = (np.arange(len(ratios)) + 3) % 7
    pattern = np.array([ratios[weekday == day].mean() for day in range(7)])
    pattern = np.maximum(pattern / pattern.mean(), 1e-3)
    level_values = values / pattern[days % 7]
    slope = np.polyfit(days, level_values, 1)[0]
    _, alpha, level = min(
        _smooth(level_values, alpha) for alpha in (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
    )
    ahead = np.arange(horizon)
    line = level + slope / 2 * (ahead + (1 - (1 - alpha) ** count) / alpha)
    result: Array = line * pattern[(count + ahead) % 7]
    return result


def _smooth(values: Array, alpha: float) -> tuple[float, float, float]:
    level, error = float(values[0]), 0.0
    for value in values[1:].tolist():
        error += (value - level) ** 2
        level += alpha * (value - level)
    return error, alpha, level


def simulated(seed: int = 5) -> Iterator[Series]:
    """Three years of an office's daily peaks: growth, flat, steps, a roll-out; and assignments."""
    random, count = np.random.default_rng(seed), 1035
    days = [date(2024, 1, 1) + timedelta(days=day) for day in range(count)]
    at = np.arange(count)
    week = np.array([(1, 1.03, 1.02, 1, 0.95, 0.25, 0.2)[day.weekday()] for day in days])
    christmas = np.array([0.35 if _is_christmas(day) else 1 for day in days])
    summer = np.array([0.88 if day.month in (7, 8) else 1 for day in days])
    steps = sum(90 * (at >= step) for step in (200, 430, 600, 840))
    levels = (
        500 * (1 + 0.25 * at / 365),
        np.full(count, 800.0),
        600 + np.asarray(steps, float),
        600 + 500 / (1 + np.exp(-(at - 520) / 60)),
    )
    for level in levels:
        values = level * week * christmas * summer * np.exp(random.normal(0, 0.04, count))
        yield dict(zip(days, map(round, values.tolist()), strict=True))
    assigned = np.maximum(1, np.cumsum(random.normal(0.6, 2.2, count)) + 500)
    yield dict(zip(days, map(round, assigned.tolist()), strict=True))


def _is_christmas(day: date) -> bool:
    return (day.month, day.day) >= (12, 22) or (day.month, day.day) <= (1, 3)


def _read(path: Path) -> Series:
    with path.open() as lines:
        return {
            date.fromisoformat(row["day"]): int(float(row["value"]))
            for row in csv.DictReader(lines)
        }


def main(folder: str | None = None) -> None:
    """Print the scores."""
    result = back_test(map(_read, sorted(Path(folder).glob("*.csv"))) if folder else simulated())
    for name, score in vars(result).items():
        if isinstance(score, Score):
            answered, right, false = score.shares
            sys.stdout.write(
                f"{name:<8}{score.crossings:6} crossings, {answered:4.0%} answered; {right:4.0%} of"
                f" dates right; {score.calm:6} calm, {false:4.0%} false alarms; net {score.net}\n"
            )
    sys.stdout.write(f"bands hold {result.bands_hold:.0%}; Brier {result.brier:.3f}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
