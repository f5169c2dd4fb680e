from datetime import UTC, date, datetime
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lictui.tui.time_range import (
    RangeLength,
    TimeRange,
    bucket_seconds,
    format_moment,
    format_timestamp,
    ticks,
    time_zone,
)

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC).timestamp()
MOMENTS = st.integers(1_000_000_000, 4_000_000_000)
LENGTHS = st.sampled_from(RangeLength)
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"])


@given(MOMENTS, LENGTHS, st.integers(0, 50), st.integers(20, 300), st.sampled_from([60, 900]))
def test_range_has_whole_buckets_and_its_length(
    now: int, length: RangeLength, offset: int, columns: int, interval: int
) -> None:
    bucket = bucket_seconds(length, columns, interval)
    start, *inner, end = TimeRange(length, offset).bounds(now, bucket)
    until = now - offset * length.value
    assert end - bucket <= until < end
    assert start <= until - length.value < start + min(bucket, 3600)
    assert all((end - boundary) % bucket == 0 for boundary in inner)
    assert all(0 < b - a <= bucket for a, b in pairwise((start, *inner, end)))


@given(LENGTHS, st.integers(20, 300), st.sampled_from([60.0, 900.0, 3600.0]))
def test_bucket_has_at_least_two_polls_and_half_a_column(
    length: RangeLength, columns: int, interval: float
) -> None:
    bucket = bucket_seconds(length, columns, interval)
    assert bucket >= 2 * interval
    assert length.value / bucket <= 2 * columns or bucket == 7 * 86400


def test_range_moves_back_and_forth_up_to_now() -> None:
    shown = TimeRange().earlier().earlier()
    assert shown.offset == 2
    assert shown.later().later().later() == TimeRange()
    assert shown.longer() == TimeRange(RangeLength.MONTH)
    assert TimeRange(RangeLength.YEAR).longer() == TimeRange(RangeLength.YEAR)
    assert TimeRange(RangeLength.DAY).shorter() == TimeRange(RangeLength.DAY)


@given(st.integers(0, 3 * 365 * 86400), LENGTHS)
def test_range_contains_its_moment(ago: int, length: RangeLength) -> None:
    start, *_, end = TimeRange.containing(NOW - ago, NOW, length).bounds(NOW, 300)
    assert start <= NOW - ago < end


@given(MOMENTS, LENGTHS, ZONES, st.integers(20, 300))
def test_ticks_are_in_the_range_and_their_labels_fit(
    now: int, length: RangeLength, zone: str, columns: int
) -> None:
    start, *_, end = TimeRange(length).bounds(now, 3600)
    labels = ticks(start, end, length, time_zone(zone), columns)
    moments = [at for at, _ in labels]
    assert moments == sorted(set(moments))
    assert all(start <= at < end for at in moments)
    assert sum(len(label) + 2 for _, label in labels) <= columns


def test_ticks_stay_at_midnight_when_the_clocks_change() -> None:
    berlin = time_zone("Europe/Berlin")
    end = int(datetime(2026, 10, 28, tzinfo=UTC).timestamp())  # clocks went offset on the 25th
    labels = ticks(end - 7 * 86400, end, RangeLength.WEEK, berlin, 100)
    assert [datetime.fromtimestamp(at, berlin).hour for at, _ in labels] == [0] * len(labels)
    assert [label for _, label in labels][-2:] == ["Tue 27 Oct", "Wed 28 Oct"]


def test_ticks_of_a_year_are_the_first_days_of_months() -> None:
    labels = ticks(int(NOW) - 365 * 86400, int(NOW), RangeLength.YEAR, time_zone("UTC"), 70)
    assert [label for _, label in labels][:3] == ["Dec", "Jan", "Feb"]
    assert all(datetime.fromtimestamp(at, UTC).day == 1 for at, _ in labels)


def test_moment_is_in_the_zone_of_the_user() -> None:
    assert format_moment(NOW, time_zone("America/New_York")) == "Tue 24 Nov 01:00"
    assert format_moment(NOW, time_zone("no/such place")) == "Tue 24 Nov 06:00"  # the system's


def test_moment_of_another_year_has_it() -> None:
    utc, last_year = time_zone("UTC"), date(2025, 12, 31)
    assert format_moment(NOW, utc, date(2026, 1, 1)) == "Tue 24 Nov 06:00"
    assert format_moment(NOW, utc, last_year) == "Tue 24 Nov 2026 06:00"
    assert format_timestamp(NOW, utc, date(2026, 1, 1)) == "24 Nov 06:00"
    assert format_timestamp(NOW, utc, last_year) == "24 Nov 2026"
