"""Forecasts against what came: dates within a tenth of the horizon, or honestly none."""

from __future__ import annotations

import pytest
from tests.analysis import backtest


def test_dates_of_growth_are_within_a_tenth_of_the_horizon() -> None:
    guesses = list(backtest.synthetic(range(6)))
    assert [each for each in guesses if each.error is not None and abs(each.error) > 0.1] == []
    middle, high, share = backtest.spread(guesses)
    assert middle < 0.04
    assert high < 0.08
    assert share > 0.85  # and it does dare


@pytest.mark.parametrize("seed", [1, 2])
def test_dates_of_the_simulated_estate_are_right_or_absent(seed: int) -> None:
    guesses = list(backtest.estate(seed))
    middle, high, share = backtest.spread(guesses)
    assert middle < 0.08
    assert high < 0.12  # holidays and summers are in it
    assert share > 0.15


def test_levels_of_the_simulated_estate_are_close_a_month_ahead() -> None:
    middle, high, share = backtest.spread(list(backtest.levels(1)))
    assert middle < 0.02
    assert high < 0.1
    assert share > 0.8
