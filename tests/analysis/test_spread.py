"""Percentiles, time above shares and saturation: by length of time, never below what was needed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lictui.analysis.series import Bucket
from lictui.analysis.usage import Period, usage_stats


def bucket(start: int, high: float, *, length: int = 300, installed: int | None = 100) -> Bucket:
    return Bucket(start, start + length, high, high, high, start, high, installed, None, 1)


def test_nothing_has_no_figures() -> None:
    assert usage_stats(()) is None


def test_a_percentile_covers_that_share_of_the_time_and_not_of_the_buckets() -> None:
    found = usage_stats([bucket(0, 90, length=300), bucket(300, 10, length=99 * 300)])
    assert found is not None
    assert (found.p50, found.p95, found.p99, found.peak) == (10, 10, 10, 90)
    assert found.seconds == 100 * 300


def test_time_above_counts_what_is_at_the_mark_too() -> None:
    found = usage_stats([bucket(0, 79), bucket(300, 80), bucket(600, 90), bucket(900, 101)])
    assert found is not None
    assert found.seconds_above == ((0.8, 900), (0.9, 600), (1.0, 300))


def test_the_installed_of_that_time_is_what_counts() -> None:
    found = usage_stats([bucket(0, 80, installed=200), bucket(300, 80, installed=80)])
    assert found is not None
    assert found.seconds_above == ((0.8, 300), (0.9, 300), (1.0, 300))
    assert found.longest_saturation == Period(300, 600)


def test_nothing_installed_is_never_a_share() -> None:
    found = usage_stats([bucket(0, 5, installed=0), bucket(300, 5, installed=None)])
    assert found is not None
    assert found.seconds_above == ((0.8, 0), (0.9, 0), (1.0, 0))
    assert found.longest_saturation is None


def test_the_longest_saturation_ends_with_a_gap() -> None:
    found = usage_stats([bucket(0, 100), bucket(300, 100), bucket(900, 100), bucket(1200, 99)])
    assert found is not None
    assert found.longest_saturation == Period(0, 600)


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 9)), min_size=1, max_size=50))
def test_percentiles_cover_what_they_say(rows: list[tuple[int, int]]) -> None:
    start, buckets = 0, []
    for high, length in rows:
        buckets.append(bucket(start, high, length=length * 300))
        start += length * 300
    found = usage_stats(buckets)
    assert found is not None
    for figure, share in ((found.p50, 0.5), (found.p95, 0.95), (found.p99, 0.99)):
        covered = sum(b.end - b.start for b in buckets if b.high <= figure)
        less = sum(b.end - b.start for b in buckets if b.high < figure)
        assert covered >= share * found.seconds
        assert less < share * found.seconds
    assert found.p50 <= found.p95 <= found.p99 <= found.peak
