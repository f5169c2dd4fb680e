"""Percentiles, time above shares and saturation: by length of time, never below what was needed."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.daily_series import TODAY, series

from lictui.analysis.columns import Series
from lictui.analysis.series import Bucket
from lictui.analysis.usage import Period, anomaly_today
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


@pytest.mark.parametrize(
    ("buckets", "above", "full"),
    [
        ([bucket(0, 79), bucket(300, 80), bucket(600, 90), bucket(900, 101)], (900, 600, 300), 900),
        ([bucket(0, 80, installed=200), bucket(300, 80, installed=80)], (300, 300, 300), 300),
        ([bucket(0, 5, installed=0), bucket(300, 5, installed=None)], (0, 0, 0), None),
        ([bucket(0, 5, installed=None)], (None, None, None), None),
        # A gap ends the time at 100 %.
        (
            [bucket(0, 100), bucket(300, 100), bucket(900, 100), bucket(1200, 99)],
            (1200, 1200, 900),
            0,
        ),
    ],
)
def test_time_above_is_of_what_was_installed_then(
    buckets: list[Bucket], above: tuple[int | None, ...], full: int | None
) -> None:
    result = usage_stats(series_of(buckets))
    assert result is not None
    assert tuple(seconds for _, seconds in result.seconds_above) == above
    assert result.is_partial == any(bucket.installed is None for bucket in buckets)
    end = 600 if full == 0 else 300 + (full or 0)
    assert result.longest_saturation == (None if full is None else Period(full, end))


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


@pytest.mark.parametrize(
    ("buckets", "average", "peak", "weeks"),
    [
        ([hour_bucket("2026-11-24T08:00", 40)], 40, 40, 1),  # a Tuesday, 9:00 in Berlin
        (  # five minutes are joined to hours
            [hour_bucket(f"2026-11-24T08:0{at}", 40 + 4 * at, 300) for at in (0, 5)], 60, 60, 1
        ),
        (  # the same hour of the clock in summer and in winter
            [hour_bucket("2026-10-20T07:00", 30), hour_bucket("2026-10-27T08:00", 50)], 40, 50, 2
        ),
    ],
)  # fmt: skip
def test_heat_matrix_is_of_local_hours(
    buckets: list[Bucket], average: float, peak: float, weeks: int
) -> None:
    result = heat_matrix(series_of(buckets), BERLIN)
    assert (result.average[1][9], result.peak[1][9], result.weeks[1][9]) == (average, peak, weeks)
    assert result.average[1][8] is None


_TUESDAYS = (305, 290, 312, 298, 320, 301, 288, 309)


def _anomaly(past: Sequence[float], figure: float, days: int = 7, first: int = 1) -> str | None:
    """What is said of the first hour of today, after `past` ones every so many days before."""
    at = datetime.combine(TODAY, time(9), UTC)
    hours = [hour_bucket(f"{at:%F %T}", figure)]
    for ago, earlier in enumerate(past, first):
        hours.insert(0, hour_bucket(f"{at - timedelta(days=ago * days):%F %T}", earlier))
    return anomaly_today(hours, at.timestamp() + 6000, UTC)


@pytest.mark.parametrize(
    ("past", "figure", "message"),
    [
        (_TUESDAYS, 412, "unusual usage: 412 by 10:00 (typical Tuesday: 288-320)"),
        (_TUESDAYS, 80, "unusual usage: 80 by 10:00 (typical Tuesday: 288-320)"),
        (_TUESDAYS, 270, None),
        (_TUESDAYS, 300, None),
        (_TUESDAYS, 345, None),
        (_TUESDAYS[:4], 500, None),  # five days are the least
        (_TUESDAYS[:5], 500, "unusual usage: 500 by 10:00 (typical Tuesday: 290-320)"),
        ((*_TUESDAYS[:6], 20, 15), 300, None),  # holidays do not count
        ((*_TUESDAYS[:6], 20, 15), 480, "unusual usage: 480 by 10:00 (typical Tuesday: 267-320)"),
        ((3, 3, 4, 3, 3, 3), 8, None),  # few licenses are not worth an alert
        ((3, 3, 4, 3, 3, 3), 9, "unusual usage: 9 by 10:00 (typical Tuesday: 3)"),
        ((100,) * 8, 114, None),
        ((100,) * 8, 120, "unusual usage: 120 by 10:00 (typical Tuesday: 100)"),
    ],
)
def test_anomaly_is_far_from_the_same_weekdays(
    past: Sequence[float], figure: float, message: str | None
) -> None:
    assert _anomaly(past, figure) == message


def test_anomaly_ignores_other_weekdays_and_older_weeks() -> None:
    assert _anomaly([300.0] * 6, 500, days=1) is None
    assert _anomaly([300.0] * 27, 500, first=13) is None


def test_most_days_of_a_year_are_not_anomalies() -> None:
    figures = list(series(365, lambda at: 500 + 0.3 * at, noise=0.04).values())
    unusual = [
        day
        for day in range(84, 365)
        if figures[day] > 300 and _anomaly(figures[day - 7 :: -7][:12], figures[day])
    ]
    assert len(unusual) <= 4
