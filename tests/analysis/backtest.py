"""Forecasts held against what came: on series with a known truth, and on the simulated estate.

For the tests, and for the bench. Everything here is the same each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import TYPE_CHECKING

from lictui.analysis.forecast import Forecast, ForecastInput
from lictui.analysis.passage import forecast
from lictui.model import Model
from lictui.simulator.estate import PoolFactory, SimulatedEstate, SimulatedPool
from lictui.simulator.inventory import FaultMode
from lictui.simulator.usage import APAC, EMEA, QUARTERS, US, as_date

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence


TODAY = date(2026, 11, 24)
OFFICE = (1.0, 1.0, 1.0, 1.0, 1.0, 0.3, 0.3)  # Monday to Sunday
ROUND_THE_CLOCK = (1.0,) * 7


def series(
    days: int,
    level: Callable[[int], float],
    *,
    seed: int = 1,
    noise: float = 0.03,
    week: Sequence[float] = OFFICE,
    today: date = TODAY,
) -> dict[date, float]:
    """Daily figures up to the day before `today`: `level` of day 0, 1, … in the week's rhythm."""
    chance = Random(f"series/{seed}")  # noqa: S311 - the same figures every time, not a secret
    first = today - timedelta(days=days)
    result = {}
    for at in range(days):
        day = first + timedelta(days=at)
        figure = level(at) * week[day.weekday()] * (1 + chance.gauss(0, noise))
        result[day] = float(max(0, round(figure)))
    return result


def ahead(
    figures: Mapping[date, float],
    installed: int | None = 500,
    leaving: Mapping[date, int] | None = None,
    today: date = TODAY,
    held: Mapping[date, int] | None = None,
) -> Forecast:
    """The forecast of these figures, with the usual thresholds."""
    what = "lic-01", "XDT_ENT_CCS", Model.CONCURRENT
    given = ForecastInput(*what, figures, installed, leaving or {}, 0.8, 0.9, held or {})
    return forecast(given, today)


@dataclass(frozen=True, slots=True)
class Guess:
    """How far a date was off, as a share of the horizon; None where no date was given."""

    what: str
    error: float | None


def synthetic(seeds: Iterable[int] = range(12)) -> Iterator[Guess]:
    """Growth of several lengths, paces and rhythms, that fills what is installed within reach."""
    busy_tuesday = (0.95, 1.0, 0.97, 0.9, 0.8, 0.1, 0.05)
    for days, start, pace, noise, week in (
        (365, 500, 0.5, 0.02, OFFICE),
        (365, 500, 0.8, 0.03, busy_tuesday),
        (365, 5000, 9.0, 0.05, busy_tuesday),
        (365, 60, 0.1, 0.02, ROUND_THE_CLOCK),
        (180, 500, 1.5, 0.02, OFFICE),
        (90, 800, 6.0, 0.02, OFFICE),
        (60, 300, 4.0, 0.01, ROUND_THE_CLOCK),
    ):
        for seed in seeds:
            for share in (0.15, 0.35, 0.6, 0.9):
                horizon = days // 2
                truth = round(share * horizon)
                installed = round(start + pace * (days + truth))

                def level(at: int, start: int = start, pace: float = pace) -> float:
                    return start + pace * at

                result = ahead(series(days, level, seed=seed, noise=noise, week=week), installed)
                yield Guess(f"{days} days, {share:.0%}", _error(result, truth, horizon))


def _error(result: Forecast, truth: int, horizon: int) -> float | None:
    day = result.reaches.installed
    return None if day is None else ((day - TODAY).days - truth) / horizon


# Days from which nothing looked for lies in the slack of summer or of Christmas.
_START = 1_795_500_000.0  # 24 November 2026
_CUTS = (-230, -75, -30, 0)


def estate(seed: int = 1, cuts: Sequence[int] = _CUTS) -> Iterator[Guess]:
    """Pools of the simulated company, seen from several days, against what they did after them.

    Every one of the estate's, and some that grow fast. What is installed is set to what the pool
    reaches a while after the day that is looked from.
    """
    today = int(_START // 86400)
    for pool in (*_estate(seed), *_growing(seed)):
        peaks = _peaks(pool, today - 620, today + 200)
        for cut in cuts:
            for distance in (45, 90, 150):
                now = today + cut
                truth, before = (_level(peaks, day) for day in (now + distance, now - 14))
                if truth > 1.04 * before:  # less is within the noise of a day
                    error = _looked_from(peaks, now, truth, distance)
                    yield Guess(f"{pool.product} from {cut}, {distance} days", error)


def levels(seed: int = 1, cuts: Sequence[int] = _CUTS) -> Iterator[Guess]:
    """How far the estate's pools were from what was expected a month ahead, as a share of it."""
    today = int(_START // 86400)
    for pool in _estate(seed):
        peaks = _peaks(pool, today - 620, today + 100)
        for cut in cuts:
            now = today + cut
            result = ahead(_past(peaks, now), today=as_date(now)).expected(as_date(now + 30))
            came = _level(peaks, now + 30)
            if came:
                error = None if result is None else result / came - 1
                yield Guess(f"{pool.product} from {cut}", error)


def _estate(seed: int) -> Iterator[SimulatedPool]:
    for server in SimulatedEstate(seed, _START).servers:
        if server.fault is FaultMode.NORMAL:
            yield from server.pools


def _growing(seed: int) -> Iterator[SimulatedPool]:
    buyer = PoolFactory(seed, _START)
    for growth in (0.4, 0.8):
        yield buyer.concurrent(EMEA, "XDT_ENT_CCS", 1000, 0.7, growth=growth)
        yield buyer.concurrent(US, "XDT_PLT_CCS", 200, 0.7, growth=growth)
        yield buyer.assigned(APAC, "XDT_ADV_UD", 99, 0.7, growth=growth)


def _level(peaks: Mapping[int, int], middle: int) -> int:
    """The fourth highest of the four weeks about a day: one surge makes no level."""
    return sorted(peaks[middle + day] for day in range(-14, 14))[-4]


def _past(peaks: Mapping[int, int], now: int) -> dict[date, float]:
    return {as_date(day): float(peaks[day]) for day in range(now - 365, now)}


def _looked_from(peaks: Mapping[int, int], now: int, truth: int, distance: int) -> float | None:
    day = ahead(_past(peaks, now), truth, today=as_date(now)).reaches.installed
    return None if day is None else ((day - as_date(now)).days - distance) / 182


def _peaks(pool: SimulatedPool, first: int, last: int) -> dict[int, int]:
    quarters = pool.curve.quarter_values(first * QUARTERS, last * QUARTERS)
    days = range(last - first)
    return {first + day: max(quarters[day * QUARTERS : (day + 1) * QUARTERS]) for day in days}


def spread(guesses: Sequence[Guess]) -> tuple[float, float, float]:
    """The error's median and 95th percentile, and the share of guesses that were made."""
    errors = sorted(abs(each.error) for each in guesses if each.error is not None)
    if not errors:
        return 0.0, 0.0, 0.0
    many = len(errors)
    return errors[many // 2], errors[min(many - 1, many * 95 // 100)], many / len(guesses)
