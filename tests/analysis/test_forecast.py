"""Forecasts: when thresholds are reached, where licenses run short, and in which words."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bench.forecast import back_test, simulated
from tests.support.daily_series import OFFICE, ROUND_THE_CLOCK, TODAY, forecast_of, series

from lictui.analysis.forecast import Forecast, ForecastStatus, Reach, Shortfall, describe_forecast
from lictui.model import Model

_IN_20 = TODAY + timedelta(days=20)
_IN_60 = TODAY + timedelta(days=60)


def _growing(installed: int | None = 750, noise: float = 0.02) -> Forecast:
    return forecast_of(series(365, lambda at: 500 + 0.5 * at, noise=noise), installed)


def _reach(result: Forecast, key: str) -> Reach:
    reach = getattr(result, key)
    assert isinstance(reach, Reach)
    return reach


def test_forecast_of_growth_has_probability_date_and_band() -> None:
    result = _growing()
    assert result.status is ForecastStatus.GROWING
    assert result.per_week == pytest.approx(3.5, rel=0.1)
    assert result.based_on_days == 365
    assert result.horizon == TODAY + timedelta(days=181)
    full = _reach(result, "installed")  # 682.5 today, 750 in 135 days; noise reaches it earlier
    assert full.day is not None
    assert full.half is not None
    assert full.band is not None
    assert 0.8 < full.probability <= 1
    assert 90 <= (full.day - TODAY).days <= 135
    dates = (full.band[0], full.half[0], full.day, full.half[1], full.band[1])
    assert all(earlier <= later for earlier, later in pairwise((TODAY, *dates, result.horizon)))
    assert _reach(result, "warn").last_reached == TODAY - timedelta(days=1)


@pytest.mark.parametrize("week", [OFFICE, ROUND_THE_CLOCK])
@pytest.mark.parametrize("days", [180, 400, 800])
def test_date_of_growth_without_noise_is_within_three_days(
    days: int, week: tuple[float, ...]
) -> None:
    first = TODAY - timedelta(days=days)
    figures = {
        first + timedelta(days=at): (5000 + 5 * at) * week[(first + timedelta(days=at)).weekday()]
        for at in range(days)
    }
    for ahead in (10, 40, 80):
        expected = TODAY + timedelta(days=ahead)
        while week[expected.weekday()] < 1:
            expected += timedelta(days=1)
        installed = round(5000 + 5 * (days + (expected - TODAY).days)) - 2
        reach = _reach(forecast_of(figures, installed), "installed")
        assert reach.probability > 0.7
        assert reach.day is not None
        assert abs((reach.day - expected).days) <= 3, (ahead, reach)


@pytest.mark.parametrize("days", [60, 180, 400, 800])
def test_flat_usage_with_headroom_has_no_date(days: int) -> None:
    for seed in range(4):
        result = forecast_of(series(days, lambda _: 360, seed=seed, noise=0.04))
        assert result.status is ForecastStatus.FLAT
        for key in ("critical", "installed"):
            reach = _reach(result, key)
            assert (reach.day, reach.last_reached) == (None, None)
            assert reach.probability < 0.5


def test_back_test_is_better_than_simple_methods_and_repeatable() -> None:
    result = back_test(simulated())
    answered, _, _ = result.likely.shares
    _, right, false = result.sure.shares
    assert result.likely.net > max(result.naive.net, result.theta.net)
    assert answered >= 0.72
    assert right > 0.5
    assert false <= 0.12
    assert 0.88 <= result.bands_hold <= 0.98
    assert result.brier <= 0.2
    growth = next(simulated())
    past = {day: float(peak) for day, peak in growth.items()}
    assert repr(forecast_of(past)) == repr(forecast_of(dict(reversed(past.items()))))


@given(
    figures=st.dictionaries(
        st.integers(1, 820).map(lambda ago: TODAY - timedelta(days=ago)),
        st.integers(0, 2000).map(float),
        max_size=400,
    ),
    installed=st.integers(0, 2000),
    expiring=st.dictionaries(
        st.integers(-5, 200).map(lambda ahead: TODAY + timedelta(days=ahead)), st.integers(0, 900)
    ),
)
@settings(deadline=None)
def test_forecast_of_any_history_is_consistent(
    figures: dict[date, float], installed: int, expiring: dict[date, int]
) -> None:
    result = forecast_of(figures, installed, expiring)
    assert describe_forecast(result, TODAY)
    reaches = [reach for reach in (result.warn, result.critical, result.installed) if reach]
    assert len(reaches) in (0, 3)
    assert all(higher.probability <= lower.probability for lower, higher in pairwise(reaches))
    for reach in reaches:
        assert 0 <= reach.probability <= 1
        assert (reach.day is not None) == (reach.probability > 0.5)
        if reach.band and reach.half and result.horizon:
            dates = (*reach.band[:1], *reach.half, reach.band[1])
            assert all(first <= then for first, then in pairwise((TODAY, *dates, result.horizon)))


def test_falling_usage_has_no_date() -> None:
    result = forecast_of(series(365, lambda at: 490 - 0.5 * at))
    assert result.status is ForecastStatus.FALLING
    assert result.per_week == pytest.approx(-3.5, rel=0.15)
    assert _reach(result, "warn").probability < 0.2
    assert describe_forecast(result, TODAY).startswith("-3.")


def test_yearly_peak_is_expected_again() -> None:
    def level(at: int) -> float:
        return 480 if 40 <= (at - 5) % 364 < 70 else 300

    result = forecast_of(series(728, level, noise=0.02))
    day = _reach(result, "critical").day
    assert day is not None
    assert abs((day - TODAY).days - 45) <= 10
    assert "last two years" in result.basis or "last year" in result.basis


def test_peak_of_one_weekday_is_expected_on_that_weekday() -> None:
    days = [TODAY - timedelta(days=ago) for ago in range(700, 0, -1)]
    figures = {day: 490.0 if day.weekday() == 3 else 100.0 for day in days}
    reach = _reach(forecast_of(figures), "critical")
    thursday = TODAY + timedelta(days=(3 - TODAY.weekday()) % 7)
    assert reach.probability == pytest.approx(1)
    assert (reach.day, reach.half) == (thursday, (thursday, thursday))


def test_recently_reached_threshold_is_reported_with_the_next_time() -> None:
    busy = TODAY - timedelta(days=20)
    figures = series(365, lambda _: 300) | {busy: 505.0}
    full = _reach(forecast_of(figures), "installed")
    assert full.last_reached == busy
    assert full.probability < 0.5
    sentence = describe_forecast(forecast_of(figures), TODAY)
    assert f"100 % last reached on {busy.day} {busy:%b}" in sentence
    long_ago = series(365, lambda _: 300) | {TODAY - timedelta(days=29): 505.0}
    assert _reach(forecast_of(long_ago), "installed").last_reached is None


@pytest.mark.parametrize("seed", range(3))
def test_small_pool_that_is_often_exhausted_is_likely_to_be_again(seed: int) -> None:
    demand = series(365, lambda _: 9, seed=seed, noise=0.06)
    full = _reach(
        forecast_of({day: min(10.0, peak) for day, peak in demand.items()}, 10), "installed"
    )
    assert full.last_reached is not None
    assert full.probability > 0.5


@pytest.mark.parametrize(("days", "sentence"), [(27, " (27 of 28 days)"), (0, " (0 of 28 days)")])
def test_short_history_is_insufficient(days: int, sentence: str) -> None:
    result = forecast_of(series(days, lambda _: 300))
    assert (result.status, result.based_on_days) == (ForecastStatus.NOT_ENOUGH_DATA, days)
    assert (result.per_week, result.expected(TODAY), result.interval(TODAY)) == (None, None, None)
    assert (result.horizon, result.installed) == (None, None)
    assert describe_forecast(result, TODAY) == f"insufficient history{sentence}"


def test_history_of_four_weeks_has_a_trend() -> None:
    result = forecast_of(series(28, lambda _: 300))
    assert (result.status, result.based_on_days) == (ForecastStatus.FLAT, 28)


def test_history_that_ended_long_ago_is_insufficient() -> None:
    result = forecast_of(series(100, lambda _: 300, today=TODAY - timedelta(days=60)))
    assert result.status is ForecastStatus.NOT_ENOUGH_DATA
    assert describe_forecast(result, TODAY) == "insufficient history"


def test_unknown_days_are_not_zero() -> None:
    figures = series(365, lambda at: 500 + 0.5 * at)
    gaps = {day: figure for day, figure in figures.items() if day.day % 5 and day.month != 3}
    whole, part = (_reach(forecast_of(days, 750), "installed") for days in (figures, gaps))
    assert whole.day is not None
    assert part.day is not None
    assert abs((whole.day - part.day).days) <= 21


def test_day_of_utc_that_is_over_counts_before_the_day_of_the_user_is() -> None:
    figures = series(365, lambda _: 300) | {TODAY: 500.0}
    result = forecast_of(figures)
    assert _reach(result, "installed").last_reached == TODAY
    assert result.horizon == TODAY + timedelta(days=182)


def test_unknown_installed_has_no_dates() -> None:
    result = forecast_of(series(365, lambda at: 500 + 0.5 * at), None, {_IN_20: 50})
    assert result.status is ForecastStatus.GROWING
    assert (result.warn, result.installed, result.shortfalls) == (None, None, ())


def test_expiring_licenses_are_a_threshold_that_steps() -> None:
    result = forecast_of(series(365, lambda _: 300, week=ROUND_THE_CLOCK), 500, {_IN_20: 250})
    for key in ("warn", "critical", "installed"):
        reach = _reach(result, key)
        assert reach.probability == pytest.approx(1)
        assert (reach.day, reach.band) == (_IN_20, (_IN_20, _IN_20))


def test_expiring_licenses_cause_shortfalls() -> None:
    result = forecast_of(series(365, lambda _: 300), 500, {_IN_20: 250, _IN_60: 50})
    assert result.shortfalls == (
        Shortfall(_IN_20, 250, round(result.expected(_IN_20) or 0)),
        Shortfall(_IN_60, 200, round(result.expected(_IN_60) or 0)),
    )
    assert result.shortfalls[0].short_by == pytest.approx(50, abs=6)
    assert describe_forecast(result, TODAY) == (
        f"stable; shortfall of {result.shortfalls[0].short_by} on 14 Dec,"
        f" shortfall of {result.shortfalls[1].short_by} on 23 Jan"
    )
    unused = forecast_of(series(365, lambda _: 300), 500, {_IN_20: 140})
    assert unused.shortfalls == ()
    assert _reach(unused, "warn").day == _IN_20


@pytest.mark.parametrize("day", [TODAY - timedelta(days=1), TODAY + timedelta(days=200)])
def test_licenses_expiring_outside_the_horizon_do_not_count(day: date) -> None:
    result = forecast_of(series(365, lambda _: 300), 500, {day: 450})
    assert (_reach(result, "warn").day, result.shortfalls) == (None, ())


def test_expiry_of_all_licenses_matters_only_if_they_are_used() -> None:
    used = forecast_of(series(365, lambda _: 5, noise=0, week=ROUND_THE_CLOCK), 10, {_IN_20: 10})
    assert _reach(used, "installed").day == _IN_20
    unused = forecast_of(series(365, lambda _: 0), 10, {_IN_20: 10})
    assert (_reach(unused, "installed").probability, unused.shortfalls) == (0, ())


@pytest.mark.parametrize(("ago", "is_recent"), [(28, True), (29, False)])
def test_threshold_reached_within_four_weeks_is_reported(ago: int, *, is_recent: bool) -> None:
    day = TODAY - timedelta(days=ago)
    result = forecast_of(series(365, lambda _: 300) | {day: 500.0})
    assert _reach(result, "installed").last_reached == (day if is_recent else None)


def test_expected_usage_of_growth_without_noise_is_exact() -> None:
    result = forecast_of(series(364, lambda at: 500 + 0.5 * at, noise=0, week=ROUND_THE_CLOCK))
    assert result.expected(TODAY) == pytest.approx(682, abs=0.1)
    assert result.expected(TODAY + timedelta(days=100)) == pytest.approx(732, abs=0.1)


def test_two_days_after_a_move_of_licenses_do_not_show_it() -> None:
    """They may be a weekend."""
    moved = TODAY - timedelta(days=2)
    figures = series(180, lambda at: 700 if at < 178 else 350, week=ROUND_THE_CLOCK)
    installed = {day: 1000 if day < moved else 500 for day in figures}
    assert _reach(forecast_of(figures, 500, None, installed), "critical").day == TODAY


@pytest.mark.parametrize("since", [3, 6, 20])
def test_moved_licenses_take_their_usage_along(since: int) -> None:
    moved = TODAY - timedelta(days=since)  # half of the licenses and users, to another server
    figures = series(180, lambda at: 700 if at < 180 - since else 350, week=ROUND_THE_CLOCK)
    installed = {day: 1000 if day < moved else 500 for day in figures}
    known = _reach(forecast_of(figures, 500, None, installed), "critical")
    assert (known.day, known.last_reached) == (None, None)
    unknown = _reach(forecast_of(figures, 500), "critical")
    assert unknown.last_reached == moved - timedelta(days=1)


def test_bought_licenses_do_not_change_past_usage() -> None:
    figures = series(365, lambda _: 400)
    bought = {day: 420 if day < TODAY - timedelta(days=30) else 500 for day in figures}
    assert forecast_of(figures, 500, None, bought) == forecast_of(figures, 500)


# Words


_JAN = [date(2027, 1, day) for day in range(1, 32)]


@pytest.mark.parametrize(
    ("full", "sentence"),
    [
        (
            Reach(1.0, 0.86, _JAN[11], (_JAN[3], _JAN[20]), (_JAN[1], date(2027, 3, 3))),
            "likely to reach 100 % by 12 Jan (chance 86 %, 2 Jan to 3 Mar)",
        ),
        (
            Reach(1.0, 0.6, _JAN[11], (_JAN[3], _JAN[20]), (_JAN[1], date(2027, 3, 3))),
            "may reach 100 % by 12 Jan (chance 60 %, 2 Jan to 3 Mar)",
        ),
        (
            Reach(1.0, 0.6, _JAN[11], (_JAN[3], date(2027, 3, 1)), (_JAN[1], date(2027, 3, 3))),
            "may reach 100 % between 2 Jan and 3 Mar (chance 60 %)",
        ),
        (Reach(1.0, 0.35), "uncertain: may reach 100 % (chance 35 %)"),
        (
            Reach(1.0, 0.998, _JAN[11], (_JAN[3], _JAN[20]), (_JAN[1], _JAN[30])),
            "likely to reach 100 % by 12 Jan (chance over 99 %, 2 Jan to 31 Jan)",
        ),
        (Reach(1.0, 0.1), "unlikely to reach 80 % within 181 days"),
        (
            Reach(1.0, 0.35, last_reached=date(2026, 11, 20)),
            "100 % last reached on 20 Nov, uncertain: may reach it again (chance 35 %)",
        ),
    ],
)
def test_forecast_text_depends_on_the_probability(full: Reach, sentence: str) -> None:
    result = Forecast(
        "estate",
        "X",
        Model.CONCURRENT,
        ForecastStatus.NOT_ENOUGH_DATA,
        365,
        horizon=TODAY + timedelta(days=181),
        warn=Reach(0.8, 0.1),
        critical=Reach(0.9, 0.1),
        installed=full,
    )
    assert describe_forecast(result, TODAY) == f"level changed recently; {sentence}"


def test_forecast_text_of_little_growth_is_not_zero() -> None:
    figures = series(365, lambda at: 20 + 0.01 * at, noise=0, week=ROUND_THE_CLOCK)
    assert describe_forecast(forecast_of(figures), TODAY).startswith("+<0.1 per week; ")


def test_basis_names_the_method_its_error_and_a_missing_season() -> None:
    assert _growing().shown_basis == "based on line of half a year, error 1 % at four weeks"
    assert forecast_of(series(365, lambda _: 300)).shown_basis == ""
    assert forecast_of(series(150, lambda _: 300)).basis.endswith("; no yearly season known yet")
