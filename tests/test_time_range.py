from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictui.time_range import (
    RangeLength,
    TimeRange,
    bucket_seconds,
    format_moment,
    format_timestamp,
)

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC).timestamp()
MOMENTS = st.integers(1_000_000_000, 4_000_000_000)
LENGTHS = st.sampled_from(RangeLength)
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"])


@given(
    MOMENTS, LENGTHS, st.integers(0, 50), ZONES, st.integers(20, 300), st.sampled_from([60, 86400])
)
def test_range_is_a_calendar_period_in_whole_buckets(
    now: int, length: RangeLength, back: int, zone: str, columns: int, interval: int
) -> None:
    tz = ZoneInfo(zone)
    shown = TimeRange(length).moved(-back, now, tz)
    start, end = shown.period(now, tz)
    bucket = bucket_seconds(length, columns, interval)
    bounds = shown.bounds(now, bucket, tz)
    assert (bounds[0], bounds[-1]) == (start, end)
    assert all(0 < b - a <= bucket + 2 * 3600 for a, b in pairwise(bounds))
    assert start <= (now if shown.at is None else shown.at) < end
    assert abs(end - start - length.value) <= 2 * 86400
    if length is not RangeLength.HOURS:
        assert all(datetime.fromtimestamp(at, tz).hour == 0 for at in (start, end))


@given(LENGTHS, st.integers(20, 300), st.sampled_from([60.0, 900.0, 3600.0]))
def test_bucket_has_at_least_two_polls_and_half_a_column(
    length: RangeLength, columns: int, interval: float
) -> None:
    bucket = bucket_seconds(length, columns, interval)
    assert bucket >= 2 * interval
    assert length.value / bucket <= 2 * columns or bucket == 7 * 86400


BERLIN = ZoneInfo("Europe/Berlin")


def local(*when: int) -> float:
    return datetime(*when, tzinfo=BERLIN).timestamp()  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("length", "back", "start", "end"),
    [
        (RangeLength.HOURS, 0, (2026, 3, 31, 12), (2026, 3, 31, 18)),
        (RangeLength.HOURS, 10, (2026, 3, 29, 0), (2026, 3, 29, 6)),  # clocks go forward at 2:00
        (RangeLength.DAY, 2, (2026, 3, 29), (2026, 3, 30)),
        (RangeLength.WEEK, 1, (2026, 3, 23), (2026, 3, 30)),
        (RangeLength.MONTH, 1, (2026, 2, 1), (2026, 3, 1)),
        (RangeLength.MONTH, 13, (2025, 2, 1), (2025, 3, 1)),
        (RangeLength.YEAR, 1, (2025, 1, 1), (2026, 1, 1)),
        (RangeLength.YEAR, 99, (1970, 1, 1), (1971, 1, 1)),
    ],
)
def test_range_moves_by_calendar_periods(
    length: RangeLength, back: int, start: tuple[int, ...], end: tuple[int, ...]
) -> None:
    now = local(2026, 3, 31, 14)
    earlier = TimeRange(length).moved(-back, now, BERLIN)
    assert earlier.period(now, BERLIN) == (local(*start), local(*end))
    assert earlier.is_current(now, BERLIN) is (back == 0)
    later = earlier.moved(back + 1, now, BERLIN)
    assert later == TimeRange(length)


def test_range_of_recent_days_ends_today() -> None:
    now = local(2026, 3, 31, 14)
    start, end = TimeRange(recent=True).period(now, BERLIN)
    assert (start, end) == (local(2026, 3, 25), local(2026, 4, 1))
    earlier = TimeRange(recent=True).moved(-1, now, BERLIN)
    assert earlier.period(now, BERLIN) == (local(2026, 3, 23), local(2026, 3, 30))


def test_weeks_of_a_year_begin_on_mondays() -> None:
    now = local(2026, 3, 31, 14)
    first, *mondays, _ = TimeRange(RangeLength.YEAR).bounds(now, 7 * 86400, BERLIN)
    assert first == local(2026, 1, 1)
    assert {datetime.fromtimestamp(at, BERLIN).weekday() for at in mondays} == {0}


def test_length_has_a_longer_and_a_shorter_one_but_for_the_ends() -> None:
    assert RangeLength.DAY.longer() is RangeLength.WEEK
    assert RangeLength.DAY.longer(-1) is RangeLength.HOURS.longer(-1) is RangeLength.HOURS
    assert RangeLength.YEAR.longer() is RangeLength.YEAR


def test_moment_is_in_the_zone_of_the_user() -> None:
    assert format_moment(NOW, ZoneInfo("America/New_York")) == "Tue 24 Nov 01:00"


def test_moment_of_another_year_has_it() -> None:
    utc, last_year = ZoneInfo("UTC"), date(2025, 12, 31)
    assert format_moment(NOW, utc, date(2026, 1, 1)) == "Tue 24 Nov 06:00"
    assert format_moment(NOW, utc, last_year) == "Tue 24 Nov 2026 06:00"
    assert format_timestamp(NOW, utc, date(2026, 1, 1)) == "24 Nov 06:00"
    assert format_timestamp(NOW, utc, last_year) == "24 Nov 2026"
