"""Percentiles, time above shares and saturation: by length of time, never below what was needed."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.daily_series import TODAY, series

from lictui.analysis.columns import Series
from lictui.analysis.series import Bucket
from lictui.analysis.usage import Period, anomaly_today, describe_anomaly
from lictui.analysis.usage_stats import heat_matrix, usage_stats


def bucket(start: int, high: float, *, length: int = 300, installed: int | None = 100) -> Bucket:
    return Bucket(start, start + length, high, high, high, start, high, installed, None, 1)


def series_of(buckets: Sequence[Bucket]) -> Series:
    return Series.of(buckets, 300)


def test_usage_stats_of_nothing_are_none() -> None:
    assert usage_stats(series_of(())) is None


def test_percentiles_are_weighted_by_time() -> None:
    result = usage_stats(
        Series.of([bucket(0, 90, length=300), bucket(300, 10, length=99 * 300)], 300)
    )
    assert result is not None
    assert (result.p50, result.p95, result.p99, result.peak) == (10, 10, 10, 90)
    assert result.seconds == 100 * 300


def test_time_above_includes_the_threshold() -> None:
    result = usage_stats(
        Series.of([bucket(0, 79), bucket(300, 80), bucket(600, 90), bucket(900, 101)], 300)
    )
    assert result is not None
    assert result.seconds_above == ((0.8, 900), (0.9, 600), (1.0, 300))


def test_time_above_uses_installed_of_that_time() -> None:
    result = usage_stats(
        Series.of([bucket(0, 80, installed=200), bucket(300, 80, installed=80)], 300)
    )
    assert result is not None
    assert result.seconds_above == ((0.8, 300), (0.9, 300), (1.0, 300))
    assert result.longest_saturation == Period(300, 600)


def test_time_above_is_zero_where_nothing_is_installed() -> None:
    result = usage_stats(
        Series.of([bucket(0, 5, installed=0), bucket(300, 5, installed=None)], 300)
    )
    assert result is not None
    assert result.seconds_above == ((0.8, 0), (0.9, 0), (1.0, 0))
    assert result.longest_saturation is None


def test_longest_saturation_ends_with_a_gap() -> None:
    result = usage_stats(
        Series.of([bucket(0, 100), bucket(300, 100), bucket(900, 100), bucket(1200, 99)], 300)
    )
    assert result is not None
    assert result.longest_saturation == Period(0, 600)


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 9)), min_size=1, max_size=50))
def test_any_percentile_covers_its_share_of_time(rows: list[tuple[int, int]]) -> None:
    start, buckets = 0, []
    for high, length in rows:
        buckets.append(bucket(start, high, length=length * 300))
        start += length * 300
    result = usage_stats(series_of(buckets))
    assert result is not None
    for figure, share in ((result.p50, 0.5), (result.p95, 0.95), (result.p99, 0.99)):
        covered = sum(b.end - b.start for b in buckets if b.high <= figure)
        less = sum(b.end - b.start for b in buckets if b.high < figure)
        assert covered >= share * result.seconds
        assert less < share * result.seconds
    assert result.p50 <= result.p95 <= result.p99 <= result.peak


BERLIN = ZoneInfo("Europe/Berlin")


def hour_bucket(text: str, high: float, length: int = 3600) -> Bucket:
    start = int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    return Bucket(start, start + length, 0, high, high, start, high, None, None, 1)


def test_heat_matrix_of_nothing_is_empty() -> None:
    result = heat_matrix(series_of(()), BERLIN)
    assert not any(map(any, result.weeks))
    assert {cell for row in result.average for cell in row} == {None}
    assert [len(row) for row in result.peak] == [24] * 7


def test_heat_matrix_uses_local_hours() -> None:
    result = heat_matrix(
        series_of([hour_bucket("2026-11-24T08:00", 40)]), BERLIN
    )  # a Tuesday, 9:00 in Berlin
    assert result.average[1][9] == 40
    assert result.average[1][8] is None


def test_heat_matrix_has_average_and_peak_of_weeks() -> None:
    result = heat_matrix(
        series_of([hour_bucket("2026-11-17T08:00", 40), hour_bucket("2026-11-24T08:00", 60)]),
        BERLIN,
    )
    assert (result.average[1][9], result.peak[1][9], result.weeks[1][9]) == (50, 60, 2)


def test_heat_matrix_joins_five_minutes_to_hours() -> None:
    result = heat_matrix(
        Series.of(
            [hour_bucket("2026-11-24T08:00", 40, 300), hour_bucket("2026-11-24T08:05", 60, 300)],
            3600,
        ),
        BERLIN,
    )
    assert (result.average[1][9], result.weeks[1][9]) == (60, 1)


def test_heat_matrix_joins_summer_and_winter_hours() -> None:
    result = heat_matrix(
        series_of([hour_bucket("2026-10-20T07:00", 30), hour_bucket("2026-10-27T08:00", 50)]),
        BERLIN,
    )
    assert result.average[1][9] == 40


_TUESDAYS = (305, 290, 312, 298, 320, 301, 288, 309)


def _before(figures: tuple[float, ...] = _TUESDAYS) -> dict[date, float]:
    return {TODAY - timedelta(weeks=at): figure for at, figure in enumerate(figures, 1)}


def test_anomaly_above_names_the_hour_and_the_typical_range() -> None:
    message = describe_anomaly(_before(), TODAY, 412, time(10, 40))
    assert message == "unusual usage: 412 by 10:40 (typical Tuesday: 288-320)"


def test_anomaly_below_of_a_whole_day_names_no_hour() -> None:
    assert describe_anomaly(_before(), TODAY, 80) == "unusual usage: 80 (typical Tuesday: 288-320)"


@pytest.mark.parametrize("figure", [270, 300, 345])
def test_typical_figure_is_not_an_anomaly(figure: float) -> None:
    assert describe_anomaly(_before(), TODAY, figure) is None


@pytest.mark.parametrize(("days", "is_anomaly"), [(4, False), (5, True)])
def test_anomaly_needs_five_comparable_days(days: int, *, is_anomaly: bool) -> None:
    assert (describe_anomaly(_before(_TUESDAYS[:days]), TODAY, 500) is not None) is is_anomaly


def test_anomaly_ignores_other_weekdays_and_older_weeks() -> None:
    figures = {day: 300.0 for day in series(90, lambda _: 300) if day.weekday() != TODAY.weekday()}
    assert describe_anomaly(figures, TODAY, 500) is None
    old = {TODAY - timedelta(weeks=at): 300.0 for at in range(13, 40)}
    assert describe_anomaly(old, TODAY, 500) is None


def test_anomaly_ignores_a_holiday() -> None:
    figures = (*_TUESDAYS[:6], 20, 15)
    assert describe_anomaly(_before(figures), TODAY, 300) is None
    message = describe_anomaly(_before(figures), TODAY, 480)
    assert message is not None
    assert " 20 " not in message


def test_few_licenses_are_not_an_anomaly() -> None:
    assert describe_anomaly(_before((3, 3, 4, 3, 3, 3)), TODAY, 8) is None
    assert describe_anomaly(_before((3, 3, 4, 3, 3, 3)), TODAY, 9) is not None


def test_identical_weeks_need_a_relative_distance() -> None:
    assert describe_anomaly(_before((100,) * 8), TODAY, 114) is None
    message = describe_anomaly(_before((100,) * 8), TODAY, 120)
    assert message == "unusual usage: 120 (typical Tuesday: 100)"


def test_most_days_of_a_year_are_not_anomalies() -> None:
    figures = series(365, lambda at: 500 + 0.3 * at, noise=0.04)
    message = [
        day
        for day, figure in figures.items()
        if describe_anomaly(figures, day, figure) and day.weekday() < 5
    ]
    assert len(message) <= 4


def test_incomplete_hour_does_not_count() -> None:
    noon = datetime.combine(TODAY, time(12), UTC).timestamp()
    starts = range(int(noon) - 84 * 86400 - 43200, int(noon) + 1, 3600)
    highs = [50 + 40 * (start % 86400 // 3600) for start in starts]
    highs[-1] = highs[-2]  # the hour has just begun
    hours = [
        Bucket(start, start + 3600, high, high, high, start, high, 999, 0, 4)
        for start, high in zip(starts, highs, strict=True)
    ]
    assert anomaly_today(hours, noon + 60, UTC) is None
    doubled = [each if each.start < noon - 43200 else each._replace(high=900) for each in hours]
    message = anomaly_today(doubled, noon + 60, UTC)
    assert message == "unusual usage: 900 by 12:00 (typical Tuesday: 490)"
    summed = anomaly_today(doubled, noon + 60, UTC, upper_bound=True)
    assert summed == "unusual usage: up to 900 by 12:00 (typical Tuesday: 490)"
