from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from lictui.tui.time_range import (
    RangeLength,
    TimeRange,
    bucket_seconds,
    format_moment,
    ticks,
    time_zone,
)

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC).timestamp()
MOMENTS = st.integers(1_000_000_000, 4_000_000_000)
LENGTHS = st.sampled_from(RangeLength)
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"])


@given(MOMENTS, LENGTHS, st.integers(0, 50), st.integers(20, 300), st.sampled_from([60, 900]))
def test_a_span_holds_whole_buckets_and_as_much_time_as_it_says(
    now: int, length: RangeLength, back: int, columns: int, every: int
) -> None:
    bucket = bucket_seconds(length, columns, every)
    start, end = TimeRange(length, back).bounds(now, bucket)
    assert (end - start) % bucket == 0
    assert length.value - bucket < end - start <= length.value
    assert end - bucket <= now - back * length.value < end


@given(LENGTHS, st.integers(20, 300), st.sampled_from([60.0, 900.0, 3600.0]))
def test_a_bucket_has_two_polls_at_least_and_there_are_two_to_a_column_at_most(
    length: RangeLength, columns: int, every: float
) -> None:
    bucket = bucket_seconds(length, columns, every)
    assert bucket >= 2 * every
    assert length.value / bucket <= 2 * columns or bucket == 7 * 86400


def test_later_never_goes_beyond_now_and_another_length_comes_back_to_it() -> None:
    span = TimeRange().earlier().earlier()
    assert span.offset == 2
    assert span.later().later().later() == TimeRange()
    assert span.longer() == TimeRange(RangeLength.MONTH)
    assert TimeRange(RangeLength.YEAR).longer() == TimeRange(RangeLength.YEAR)
    assert TimeRange(RangeLength.DAY).shorter() == TimeRange(RangeLength.DAY)


@given(st.integers(0, 3 * 365 * 86400), LENGTHS)
def test_the_span_around_a_moment_shows_it(ago: int, length: RangeLength) -> None:
    start, end = TimeRange.containing(NOW - ago, NOW, length).bounds(NOW, 300)
    assert start - 300 <= NOW - ago < end


@given(MOMENTS, LENGTHS, ZONES, st.integers(20, 300))
def test_ticks_lie_in_the_span_in_order_and_their_labels_fit(
    now: int, length: RangeLength, zone: str, columns: int
) -> None:
    start, end = TimeRange(length).bounds(now, 3600)
    found = ticks(start, end, length, time_zone(zone), columns)
    moments = [at for at, _ in found]
    assert moments == sorted(set(moments))
    assert all(start <= at < end for at in moments)
    assert sum(len(label) + 2 for _, label in found) <= columns


def test_midnights_stay_midnights_when_the_clocks_change() -> None:
    berlin = time_zone("Europe/Berlin")
    end = int(datetime(2026, 10, 28, tzinfo=UTC).timestamp())  # clocks went back on the 25th
    found = ticks(end - 7 * 86400, end, RangeLength.WEEK, berlin, 100)
    assert [datetime.fromtimestamp(at, berlin).hour for at, _ in found] == [0] * len(found)
    assert [label for _, label in found][-2:] == ["Tue 27 Oct", "Wed 28 Oct"]


def test_ticks_of_a_year_are_the_firsts_of_its_months() -> None:
    found = ticks(int(NOW) - 365 * 86400, int(NOW), RangeLength.YEAR, time_zone("UTC"), 70)
    assert [label for _, label in found][:3] == ["Dec", "Jan", "Feb"]
    assert all(datetime.fromtimestamp(at, UTC).day == 1 for at, _ in found)


def test_a_moment_is_said_where_the_user_is() -> None:
    assert format_moment(NOW, time_zone("America/New_York")) == "Tue 24 Nov 01:00"
    assert format_moment(NOW, time_zone("no/such place")) == "Tue 24 Nov 06:00"  # the system's
