"""Daily figures with a known truth, and their forecasts."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from random import Random

from lictui.analysis.forecast import Forecast, ForecastInput
from lictui.analysis.passage import forecast
from lictui.model import Model

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


def forecast_of(
    figures: Mapping[date, float],
    installed: int | None = 500,
    expiring: Mapping[date, int] | None = None,
    installed_by_day: Mapping[date, int] | None = None,
    today: date = TODAY,
) -> Forecast:
    what = "lic-01", "XDT_ENT_CCS", Model.CONCURRENT
    inputs = ForecastInput(
        *what, figures, installed, expiring or {}, 0.8, 0.9, installed_by_day or {}
    )
    return forecast(inputs, today)
