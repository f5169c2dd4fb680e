"""Daily figures with a known truth, and their forecasts."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from random import Random

from lictui.analysis.columns import Series
from lictui.analysis.forecast import Forecast, ForecastInput
from lictui.analysis.passage import forecast
from lictui.analysis.series import Bucket
from lictui.model import Model

_EPOCH = date(1970, 1, 1).toordinal()
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
    inputs = ForecastInput(
        scope="lic-01",
        product="XDT_ENT_CCS",
        model=Model.CONCURRENT,
        installed=installed,
        expiring=expiring or {},
    )
    return forecast(inputs, daily(figures, installed_by_day or {}), today)


def daily(figures: Mapping[date, float], installed: Mapping[date, int] | None = None) -> Series:
    """Daily peaks, and where known what was installed, as the history returns them."""
    buckets = []
    for day in sorted(figures):
        start, high = (day.toordinal() - _EPOCH) * 86400, round(figures[day])
        then = installed.get(day) if installed else None
        buckets.append(Bucket(start, start + 86400, 0, high, high, start, high, then, None, 96))
    return Series.of(buckets, 86400)
