"""Peaks: the highest sum at one moment, only where everyone has a figure, and what it covers."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from lictui.analysis.aligned import ServerSeries, aligned_sum
from lictui.analysis.peaks import (
    PeakAccumulator,
    Window,
    peak_windows,
    split_by_age,
    upper_bound,
)
from lictui.analysis.series import Bucket

FIVE = 300
T0 = 1_795_478_400  # a midnight of UTC
DAY = 86400


def bucket(slot: int, high: int, installed: int | None = 100) -> Bucket:
    start = T0 + slot * FIVE
    return Bucket(start, start + FIVE, high, high, high, start + 60, high, installed, None, 1)


def part(
    figures: dict[int, int], since: int | None = None, until: int | None = None
) -> ServerSeries:
    first = min(figures, default=0) if since is None else since
    end = None if until is None else T0 + until * FIVE
    return ServerSeries(
        T0 + first * FIVE, end, [bucket(slot, figures[slot]) for slot in sorted(figures)]
    )


def test_aligned_sum_is_not_a_sum_of_peaks() -> None:
    morning, evening = part({0: 90, 1: 10}), part({0: 20, 1: 80})
    assert [one.high for one in aligned_sum([morning, evening], FIVE)] == [110, 90]


def test_aligned_sum_leaves_out_incomplete_buckets() -> None:
    sums = aligned_sum([part({0: 1, 1: 2, 2: 3}), part({0: 5, 2: 5})], FIVE)
    assert [(one.start - T0, one.high) for one in sums] == [(0, 6), (600, 8)]


def test_aligned_sum_expects_parts_only_in_their_period() -> None:
    stays, comes = part({0: 1, 1: 1, 2: 1, 3: 1}), part({2: 10, 3: 10})
    goes = part({0: 100, 1: 100}, until=2)
    sums = aligned_sum([stays, comes, goes], FIVE)
    assert [one.high for one in sums] == [101, 101, 11, 11]


def test_aligned_sum_of_installed_is_unknown_if_one_is() -> None:
    one = part({0: 1})
    other = ServerSeries(T0, None, [bucket(0, 5, installed=None)])
    assert aligned_sum([one, other], FIVE)[0].installed is None
    assert aligned_sum([one, one], FIVE)[0].installed == 200


def test_peak_windows_start_a_day_ago_at_the_month_and_at_the_first_reading() -> None:
    now = datetime(2026, 11, 1, 2, 0, tzinfo=UTC).timestamp()
    day, month, everything = peak_windows(now, 7, ZoneInfo("UTC"))
    assert (day.name, day.start) == ("24h", int(now) - DAY)
    assert month.start == datetime(2026, 11, 1, tzinfo=UTC).timestamp()
    assert everything == Window("all", 7)
    new_york = peak_windows(now, 7, ZoneInfo("America/New_York"))[1]
    assert new_york.start == datetime(2026, 10, 1, 4, tzinfo=UTC).timestamp()


def test_accumulator_reports_peak_time_installed_and_coverage() -> None:
    gauge = PeakAccumulator([Window("all", T0)], T0, T0 + 10 * FIVE - 1)
    gauge.add([bucket(0, 5), bucket(1, 9)], FIVE)
    gauge.add([bucket(4, 9), bucket(5, 1)], FIVE)
    (peak,) = gauge.peaks()
    assert (peak.peak, peak.peak_at, peak.installed_at_peak) == (9, T0 + FIVE + 60, 100)
    assert (peak.average, peak.coverage, peak.alignment) == (6, 0.4, 300)


def test_window_without_readings_has_no_peak() -> None:
    gauge = PeakAccumulator([Window("24h", T0 + DAY)], T0, T0 + 2 * DAY)
    gauge.add([bucket(0, 5)], FIVE)
    (peak,) = gauge.peaks()
    assert (peak.peak, peak.peak_at, peak.installed_at_peak, peak.average, peak.coverage) == (
        *[None] * 4,
        0.0,
    )
    assert upper_bound([peak]) is None


@given(st.integers(0, 2_000_000_000), st.integers(0, 400 * DAY))
def test_chunks_cover_all_the_time_in_whole_days(first: int, length: int) -> None:
    parts = list(split_by_age(first, first + length))
    assert parts[0][0] <= first < parts[0][1]
    assert parts[-1][0] <= first + length < parts[-1][1]
    assert all(start % DAY == end % DAY == 0 and start < end for start, end in parts)
    assert all(before[1] == after[0] for before, after in pairwise(parts))


figures = st.dictionaries(st.integers(0, 30), st.integers(0, 50), min_size=1)


@given(st.lists(figures, min_size=1, max_size=4))
def test_accumulated_peaks_equal_a_naive_search(servers: list[dict[int, int]]) -> None:
    parts = [part(each) for each in servers]
    now = T0 + 31 * FIVE - 1
    first = min(each.since for each in parts)
    expected = {
        slot: sum(each[slot] for each in servers if slot in each)
        for slot in range(31)
        if (there := [each for each in servers if min(each) <= slot])
        and all(slot in each for each in there)
    }
    gauge = PeakAccumulator([Window("all", first)], first, now)
    gauge.add(aligned_sum(parts, FIVE), FIVE)
    (peak,) = gauge.peaks()
    assert peak.peak == max(expected.values(), default=None)
    if expected:
        slots = 31 - (first - T0) // FIVE
        assert peak.peak_at is not None
        assert expected[(peak.peak_at - T0) // FIVE] == peak.peak
        assert abs(peak.coverage - len(expected) / slots) < 1e-9
        assert peak.average is not None
        assert abs(peak.average - sum(expected.values()) / len(expected)) < 1e-6
        assert peak.peak is not None
        assert peak.peak <= sum(max(each.values()) for each in servers)
