"""The trend of a series: what is a direction, what a step, what a week, what a holiday."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from math import exp

import pytest
from tests.support.daily_series import OFFICE, ROUND_THE_CLOCK, TODAY, forecast_of, series

from lictui.analysis.forecast import Trend

_WEEKEND = (0.05, 0.05, 0.05, 0.05, 0.05, 1.0, 0.9)


def _found(figures: Mapping[date, float]) -> Trend | None:
    return forecast_of(figures, today=max(figures, default=TODAY) + timedelta(days=1)).trend


def _trend(figures: Mapping[date, float]) -> Trend:
    result = _found(figures)
    assert result
    return result


@pytest.mark.parametrize("week", [OFFICE, ROUND_THE_CLOCK, (0.9, 1.0, 0.95, 0.9, 0.7, 0.1, 0)])
@pytest.mark.parametrize("pace", [0.5, -0.5])
def test_slope_is_that_of_the_busiest_weekday(week: tuple[float, ...], pace: float) -> None:
    result = _trend(series(365, lambda at: 600 + pace * at, week=week))
    assert result.slope == pytest.approx(pace, rel=0.15)
    assert result.level == pytest.approx(600 + pace * 364, rel=0.015)


def test_growth_within_a_week_is_not_seasonality() -> None:
    figures = series(42, lambda at: 300 + 4 * at, noise=0, week=ROUND_THE_CLOCK)
    assert _trend(figures).level == pytest.approx(300 + 4 * 41, abs=1)


@pytest.mark.parametrize("days", [60, 365])
def test_flat_series_are_flat(days: int) -> None:
    result = [_trend(series(days, lambda _: 400, seed=seed)) for seed in range(40)]
    assert [each.slope for each in result if each.slope] == []
    assert all(each.level == pytest.approx(400, rel=0.03) for each in result)


# Shapes that end flat, and where: what went before must not be taken for a direction.
_ENDS_FLAT: dict[str, tuple[Callable[[int], float], float]] = {
    "a step": (lambda at: 500 if at < 200 else 620, 620),
    "a small step": (lambda at: 500 if at < 150 else 530, 530),
    "levelled off lately": (lambda at: 500 + 0.4 * min(at, 265), 606),
    "a step down": (lambda at: 500 if at < 200 else 310, 310),
    "two steps": (lambda at: 500 if at < 120 else 600 if at < 250 else 720, 720),
    "levelled off": (lambda at: 500 + 0.8 * min(at, 230), 684),
    "fallen to nothing": (lambda at: max(0.0, 300 - 1.5 * at), 0),
    "a summer": (lambda at: 500 if not 200 <= at < 245 else 430, 500),
}


@pytest.mark.parametrize("shape", _ENDS_FLAT)
def test_series_that_ends_flat_is_flat(shape: str) -> None:
    level, end = _ENDS_FLAT[shape]
    result = [_trend(series(365, level, seed=seed, noise=0.02)) for seed in range(10)]
    assert sum(not each.slope for each in result) >= 9
    assert [each.level for each in result if not each.slope] == pytest.approx(
        [end] * sum(not each.slope for each in result), rel=0.03, abs=1
    )


def test_growth_continues_across_a_step() -> None:
    result = _trend(series(365, lambda at: 500 + 0.5 * at + (150 if at >= 180 else 0), noise=0.01))
    assert result.slope == pytest.approx(0.5, rel=0.2)


def test_past_summer_is_not_a_new_direction() -> None:
    def level(at: int) -> float:
        return (500 + 0.4 * at) * (1 - 0.13 * exp(-(((at - 260) / 20) ** 2)))

    result = [_trend(series(365, level, seed=seed, noise=0.02)).slope for seed in range(20)]
    assert result == pytest.approx([0.4] * 20, rel=0.3)


def test_new_direction_replaces_the_old_one() -> None:
    result = _trend(series(365, lambda at: 500 + 1.5 * max(0, at - 245), noise=0.02))
    assert result.slope == pytest.approx(1.5, rel=0.2)


@pytest.mark.parametrize("ago", [8, 15, 22])
def test_recent_step_up_leaves_no_trend(ago: int) -> None:
    assert _found(series(365, lambda at: 500 if at < 365 - ago else 650)) is None


def test_week_of_absence_is_not_a_step() -> None:
    result = _trend(series(365, lambda at: 500 if at < 355 else 400))
    assert result.level == pytest.approx(500, rel=0.03)


@pytest.mark.parametrize("today", [date(2027, 1, 1), date(2027, 1, 4), date(2027, 1, 18)])
@pytest.mark.parametrize("days", [60, 365])
def test_turn_of_the_year_is_not_a_step(today: date, days: int) -> None:
    figures = series(days, lambda _: 500, today=today)
    for day in figures:
        if date(2026, 12, 22) <= day <= date(2027, 1, 3):
            figures[day] *= 0.35
    result = _trend(figures)
    assert result.slope == 0
    assert result.level == pytest.approx(500, rel=0.02)


def test_public_holidays_do_not_change_the_trend() -> None:
    figures = series(180, lambda at: 500 + at)
    usual = _trend(figures)
    for day in list(figures)[10::23]:
        figures[day] = 40.0
    result = _trend(figures)
    assert result.slope == pytest.approx(usual.slope, rel=0.15)
    assert result.level == pytest.approx(usual.level, rel=0.02)


def test_weekend_only_usage_is_judged_by_weekends() -> None:
    result = _trend(series(180, lambda at: 100 + 0.5 * at, week=_WEEKEND))
    assert result.slope > 0
    assert result.level == pytest.approx(190, rel=0.03)


def test_small_flat_counts_are_flat() -> None:
    chance = series(365, lambda _: 5, noise=0.12, week=ROUND_THE_CLOCK)
    assert {4.0, 5.0, 6.0} <= set(chance.values())
    result = _trend(chance)
    assert result.slope == 0
    assert result.level == pytest.approx(5, abs=0.3)


def test_level_is_never_below_zero() -> None:
    result = _trend(series(180, lambda at: 200 - at))
    assert result.slope < 0
    assert result.level_at(TODAY.toordinal() + 200) == 0
    assert result.interval(TODAY.toordinal() + 200)[0] == 0


def test_single_busy_day_gives_a_level_without_a_slope() -> None:
    figures = series(56, lambda _: 0)
    wednesdays = [day for day in figures if day.weekday() == 2]
    figures = {day: figures[day] for day in figures if day not in wednesdays[1:]}
    result = _trend({**figures, wednesdays[0]: 100})
    assert (result.level, result.slope, result.slope_se) == (100, 0, 0)


def test_unused_license_is_flat_at_zero() -> None:
    result = _trend(series(365, lambda _: 0))
    assert (result.level, result.slope) == (0, 0)


def test_interval_contains_the_true_level() -> None:
    # 90 days on, the line lies where 95 % of the intervals say: of 60, a few may miss.
    held = 0
    for seed in range(60):
        result = _trend(series(365, lambda at: 500 + 0.5 * at, seed=seed))
        low, high = result.interval(result.last + 90)
        held += low <= 500 + 0.5 * (364 + 90) <= high
    assert held >= 53
