"""What may be message of the time ahead, what may not, and in which words."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from tests.analysis.backtest import ROUND_THE_CLOCK, TODAY, ahead, series

from lictui.analysis.forecast import (
    Forecast,
    ForecastStatus,
    Shortfall,
    ThresholdDates,
    describe_forecast,
)

_IN_20 = TODAY + timedelta(days=20)
_IN_60 = TODAY + timedelta(days=60)


def _growing(installed: int | None = 750, noise: float = 0.02) -> Forecast:
    return ahead(series(365, lambda at: 500 + 0.5 * at, noise=noise), installed)


def test_forecast_of_growth_reaches_each_threshold() -> None:
    result = _growing()
    assert result.status is ForecastStatus.GROWING
    assert result.per_week == pytest.approx(3.5, rel=0.1)
    assert result.based_on_days == 365
    # 500 + 0.5 * 365 = 682.5 today: above 90 % of 750, which is 135 days away.
    assert (result.reaches.warn, result.reaches.critical) == (TODAY, TODAY)
    assert result.reaches.installed is not None
    assert abs((result.reaches.installed - TODAY).days - 135) <= 18
    assert result.band is not None
    assert result.band[0] <= result.reaches.installed <= result.band[1]


def test_forecast_ends_at_half_the_history() -> None:
    result = _growing(installed=800)  # 235 days away
    assert result.reaches.installed is None
    assert result.band is None
    assert result.horizon is not None
    assert (result.horizon - TODAY).days <= 365 / 2


def test_uncertain_date_is_a_range_or_nothing() -> None:
    result = _growing(installed=722, noise=0.06)
    assert result.status is ForecastStatus.GROWING
    assert result.reaches.installed is None
    assert result.band is not None
    low, high = result.band
    assert TODAY <= low < high <= TODAY + timedelta(days=182)
    assert f"exhausted between {low.day} {low:%b} and {high.day} {high:%b}" in describe_forecast(
        result, TODAY
    )


def test_flat_usage_has_no_date() -> None:
    result = ahead(series(365, lambda _: 300))
    assert result.status is ForecastStatus.FLAT
    assert result.per_week == 0
    assert (result.reaches, result.band, result.shortfalls) == (ThresholdDates(), None, ())
    assert describe_forecast(result, TODAY) == "stable"


def test_flat_usage_above_a_threshold_reaches_it_today() -> None:
    result = ahead(series(365, lambda _: 460))
    assert result.reaches == ThresholdDates(TODAY, TODAY, None)
    assert describe_forecast(result, TODAY) == "stable; daily peak already above 90 %"


def test_threshold_not_reached_recently_is_not_reached_today() -> None:
    figures = series(365, lambda at: 460 if at < 350 else 420, noise=0.01)
    assert ahead(figures, 500).reaches == ThresholdDates(TODAY, None, None)


@pytest.mark.parametrize(("since", "full"), [(2, TODAY), (3, None), (6, None)])
def test_days_with_more_installed_do_not_count_for_today(since: int, full: date | None) -> None:
    moved = TODAY - timedelta(days=since)  # half of it, and of its users, to another server
    figures = series(
        180, lambda at: 900 if at < 180 - since else 390, week=ROUND_THE_CLOCK, noise=0
    )
    held = {day: 1000 if day < moved else 500 for day in figures}
    assert ahead(figures, 500, held=held).reaches.installed == full  # two days: a weekend, perhaps
    assert ahead(figures, 500).reaches.installed == TODAY  # where it always was as few


def test_days_with_slightly_more_installed_count_for_today() -> None:
    figures = series(180, lambda _: 460)
    held = dict.fromkeys(figures, 490)
    assert ahead(figures, 500, held=held).reaches == ThresholdDates(TODAY, TODAY, None)


def test_falling_usage_has_no_date() -> None:
    result = ahead(series(365, lambda at: 490 - 0.5 * at))
    assert result.status is ForecastStatus.FALLING
    assert result.per_week == pytest.approx(-3.5, rel=0.15)
    assert result.reaches == ThresholdDates()
    assert describe_forecast(result, TODAY).startswith("-3.")


@pytest.mark.parametrize("at", [20, 180, 300, 350])
def test_single_step_is_not_growth(at: int) -> None:
    for seed in range(10):
        figures = series(365, lambda day: 300 if day < at else 380, seed=seed)
        result = ahead(figures)
        assert result.status in {ForecastStatus.FLAT, ForecastStatus.NOT_ENOUGH_DATA}
        assert result.reaches == ThresholdDates()


def test_short_history_is_insufficient() -> None:
    result = ahead(series(12, lambda _: 300))
    assert result.status is ForecastStatus.NOT_ENOUGH_DATA
    assert (result.per_week, result.expected(TODAY), result.interval(TODAY)) == (None, None, None)
    assert result.based_on_days == 12
    assert describe_forecast(result, TODAY) == "insufficient history (12 of 28 days)"


def test_history_that_ended_long_ago_is_insufficient() -> None:
    result = ahead(series(100, lambda _: 300, today=TODAY - timedelta(days=60)))
    assert result.status is ForecastStatus.NOT_ENOUGH_DATA
    assert describe_forecast(result, TODAY) == "insufficient history"


def test_unknown_installed_has_no_dates() -> None:
    result = ahead(series(365, lambda at: 500 + 0.5 * at), None, {_IN_20: 50})
    assert result.status is ForecastStatus.GROWING
    assert (result.reaches, result.band, result.shortfalls) == (ThresholdDates(), None, ())


def test_expiring_licenses_cause_shortfalls() -> None:
    result = ahead(series(365, lambda _: 300), 500, {_IN_20: 250, _IN_60: 50})
    assert result.status is ForecastStatus.FLAT
    assert result.reaches == ThresholdDates(_IN_20, _IN_20, _IN_20)
    assert result.band == (_IN_20, _IN_20)
    assert result.shortfalls == (
        Shortfall(_IN_20, 250, round(result.expected(_IN_20) or 0)),
        Shortfall(_IN_60, 200, round(result.expected(_IN_60) or 0)),
    )
    assert result.shortfalls[0].short_by == pytest.approx(50, abs=6)
    assert describe_forecast(result, TODAY) == (
        f"stable; shortfall of {result.shortfalls[0].short_by} on 14 Dec,"
        f" shortfall of {result.shortfalls[1].short_by} on 23 Jan"
    )


def test_expiring_unused_licenses_cause_no_shortfall() -> None:
    result = ahead(series(365, lambda _: 300), 500, {_IN_20: 140})
    assert result.shortfalls == ()
    assert result.reaches == ThresholdDates(_IN_20, None, None)
    assert describe_forecast(result, TODAY) == "stable; 80 % on 14 Dec"


@pytest.mark.parametrize("day", [TODAY - timedelta(days=1), TODAY + timedelta(days=200)])
def test_licenses_expiring_outside_the_horizon_do_not_count(day: date) -> None:
    result = ahead(series(365, lambda _: 300), 500, {day: 450})
    assert (result.reaches, result.shortfalls) == (ThresholdDates(), ())


def test_licenses_expiring_today_are_missing_today() -> None:
    result = ahead(series(365, lambda _: 300), 500, {TODAY: 250})
    assert result.reaches.installed == TODAY
    assert [each.date for each in result.shortfalls] == [TODAY]
    assert describe_forecast(result, TODAY).startswith("stable; shortfall of ")


def test_growth_meets_expiring_licenses() -> None:
    figures = series(365, lambda at: 500 + 0.5 * at, noise=0.01)
    result = ahead(figures, 800, {_IN_60: 70})  # 800 would last 235 days, 730 does 95
    assert result.reaches.installed is not None
    assert abs((result.reaches.installed - TODAY).days - 95) <= 18
    assert result.shortfalls == ()


def test_expiring_of_all_licenses_matters_only_if_used() -> None:
    used = ahead(series(365, lambda _: 5, noise=0), 10, {_IN_20: 10})
    assert used.reaches.installed == _IN_20
    unused = ahead(series(365, lambda _: 0), 10, {_IN_20: 10})
    assert (unused.reaches, unused.shortfalls) == (ThresholdDates(), ())


def test_interval_starts_at_the_level_and_widens() -> None:
    result = _growing()
    soon, late = result.interval(TODAY), result.interval(_IN_60)
    assert soon is not None
    assert late is not None
    assert soon[0] < (result.expected(TODAY) or 0) < soon[1]
    assert late[1] - late[0] > soon[1] - soon[0]


def test_forecast_text_of_growth_names_its_dates() -> None:
    result = ahead(series(365, lambda at: 500 + 2.0 * at, noise=0.01), 1400)
    critical, full = result.reaches.critical, result.reaches.installed
    assert critical is not None
    assert full is not None
    assert describe_forecast(result, TODAY) == (
        f"+14 per week; 90 % on {critical.day} {critical:%b}, exhausted on {full.day} {full:%b}"
    )
    assert describe_forecast(ahead(series(365, lambda at: 500 + 2.0 * at), 1000), TODAY).endswith(
        "; exhausted"
    )


def test_forecast_text_of_little_growth_is_not_zero() -> None:
    figures = series(365, lambda at: 20 + 0.01 * at, noise=0, week=ROUND_THE_CLOCK)
    assert describe_forecast(ahead(figures), TODAY) == "+<0.1 per week"
