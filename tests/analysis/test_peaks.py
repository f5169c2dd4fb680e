"""Peaks: the highest sum at one moment, only where everyone has a figure, and what it covers."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from tests.analysis.test_columns import FIVE, T0, part, slot, total

from lictui.analysis.columns import Series
from lictui.analysis.peaks import PeakAccumulator, Window, peak_windows, upper_bound

DAY = 86400


def test_peak_windows_start_a_day_ago_at_the_month_and_at_the_first_reading() -> None:
    now = datetime(2026, 11, 1, 2, 0, tzinfo=UTC).timestamp()
    day, month, everything = peak_windows(now, 7, ZoneInfo("UTC"))
    assert (day.name, day.start) == ("24h", int(now) - DAY)
    assert month.start == datetime(2026, 11, 1, tzinfo=UTC).timestamp()
    assert everything == Window("all", 7)
    new_york = peak_windows(now, 7, ZoneInfo("America/New_York"))[1]
    assert new_york.start == datetime(2026, 10, 1, 4, tzinfo=UTC).timestamp()


def test_window_without_readings_has_no_peak() -> None:
    gauge = PeakAccumulator([Window("24h", T0 + DAY)], T0, T0 + 2 * DAY)
    gauge.add(Series.of([slot(0, 5)], FIVE))
    (peak,) = gauge.peaks()
    assert (peak.peak, peak.peak_at, peak.installed_at_peak, peak.average, peak.coverage) == (
        *[None] * 4,
        0.0,
    )
    assert upper_bound([peak]) is None


figures = st.dictionaries(st.integers(0, 30), st.integers(0, 50), min_size=1)


@given(st.lists(figures, min_size=1, max_size=4))
def test_accumulated_peaks_equal_a_naive_search(servers: list[dict[int, int]]) -> None:
    parts = [part(each) for each in servers]
    now = T0 + 31 * FIVE - 1
    first = min(since for _, since, _ in parts)
    expected = {
        slot: sum(each[slot] for each in servers if slot in each)
        for slot in range(31)
        if (there := [each for each in servers if min(each) <= slot])
        and all(slot in each for each in there)
    }
    gauge = PeakAccumulator([Window("all", first)], first, now)
    gauge.add(total(*parts))
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
