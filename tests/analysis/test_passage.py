"""The distribution of the first day at a threshold, against naive computations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lictui.analysis.passage import (
    PeakPaths,
    candidates,
    first_reached,
    season_weights,
    weekly_peaks,
)

_DAYS = 12
_PATH = st.tuples(
    st.lists(st.integers(0, 9), min_size=_DAYS, max_size=_DAYS),
    st.integers(1, _DAYS),
    st.integers(1, 4),
)


@given(paths=st.lists(_PATH, min_size=1, max_size=8), level=st.integers(5, 9))
@settings(deadline=None)
def test_distribution_is_the_estimate_of_kaplan_and_meier(
    paths: list[tuple[list[int], int, int]], level: int
) -> None:
    days = np.array([path for path, _, _ in paths], float)
    known = np.array([length for _, length, _ in paths])
    days[np.arange(_DAYS) >= known[:, None]] = -np.inf
    weights = np.array([weight for _, _, weight in paths], float)
    expected, remaining = [], 1.0
    for day in range(_DAYS):
        at_risk = reached = 0
        for path, length, weight in paths:
            if day < length and max(path[:day], default=-1) < level:
                at_risk += weight
                reached += weight * (path[day] >= level)
        remaining *= 1 - reached / at_risk if at_risk else 1
        expected.append(1 - remaining)
    result = first_reached(PeakPaths(days, known, weights), np.full(_DAYS, float(level)))
    assert result == pytest.approx(expected)


def test_candidates_continue_what_they_describe() -> None:
    weeks = np.arange(120)
    growth = np.log(100 + 2.0 * weeks)
    today = {name: forecasts[-1] for name, forecasts in candidates(growth, 8).items()}
    ahead = np.log(100 + 2.0 * np.arange(120, 128))
    assert today["line of half a year"] == pytest.approx(ahead, abs=2e-3)
    assert all(today["line of half a year"] < ahead)
    assert today["level"] == pytest.approx(np.full(8, np.median(growth[-4:])))
    assert today["level of a quarter"] == pytest.approx(np.full(8, np.median(growth[-13:])))
    yearly = candidates(np.sin(weeks * 2 * np.pi / 52), 8)["last year's shape"][-1]
    assert yearly == pytest.approx(np.sin(np.arange(120, 128) * 2 * np.pi / 52), abs=0.02)


def test_origins_near_the_time_of_year_weigh_more() -> None:
    weights = season_weights(np.arange(104, 0, -1))
    assert weights[104 - 52] == pytest.approx(4, abs=0.01)
    assert weights[104 - 26] == pytest.approx(1, abs=0.01)
    assert set(season_weights(np.arange(59, 0, -1))) == {1.0}


def test_weekly_peak_skips_unknown_weeks_and_limits_falls() -> None:
    unknown = -np.inf
    daily = np.array([[1, 3], [unknown, unknown], [2, unknown], [-9, -9], [2, 2]], float)
    assert list(weekly_peaks(daily)) == [3, 3, 2, -0.5, 2]
