"""For how long a reading is valid, and what that means for averages, gaps and sums over time."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

import pytest
from tests.history.history_fixture import DAY, HOUR, MIDNIGHT, PRODUCT, HistoryFixture
from tests.history.test_csv_import_own import HEAD, take

from lictui.analysis.peaks import Peak
from lictui.analysis.series import Resolution
from lictui.analysis.usage_stats import usage_stats
from lictui.clock import iso as stamp
from lictui.history.peaks import PeakQuery, find_peaks
from lictui.model import ESTATE

Points = list[tuple[int, int]]


def rows(points: Iterable[tuple[int, int]], server: str = "lic-01", installed: int = 500) -> str:
    return HEAD + "".join(
        f"{stamp(time)},{server},{PRODUCT},user_device,,{figure},{installed},\n"
        for time, figure in points
    )


def peaks(fixture: HistoryFixture, *servers: str) -> dict[str, Peak]:
    now = fixture.clock.now()
    found = find_peaks(fixture.history, PeakQuery(now, ZoneInfo("UTC"), servers))
    return {each.scope: each.peak for each in found if each.peak.window == "all"}


def changing_interval() -> list[Points]:
    """Two days of 10 every hour; from 8:00 to 10:00 readings of 100 every minute."""
    parts: list[Points] = []
    for day in (MIDNIGHT - 2 * DAY, MIDNIGHT - DAY):
        parts += [
            [(time, 10) for time in range(day, day + 8 * HOUR, HOUR)],
            [(time, 100) for time in range(day + 8 * HOUR, day + 10 * HOUR, 60)],
            [(time, 10) for time in range(day + 10 * HOUR, day + DAY, HOUR)],
        ]
    return parts


@pytest.mark.parametrize("order", ["one file", "parts", "newest part first"])
def test_average_is_over_time_where_the_interval_changes(
    fixture: HistoryFixture, order: str
) -> None:
    parts = changing_interval()
    whole = [point for part in parts for point in part]
    files = {"one file": [whole], "parts": parts, "newest part first": parts[::-1]}[order]
    for part in files:
        take(fixture, rows(part))
    fixture.clock._now = MIDNIGHT
    for _ in range(2):
        peak = peaks(fixture)["lic-01"]
        assert peak.average == pytest.approx(17.5)
        assert peak.coverage == pytest.approx(1, abs=0.01)
        stats = usage_stats(fixture.series(MIDNIGHT - 2 * DAY, MIDNIGHT, 300))
        assert stats is not None
        assert stats.p50 == 10
        assert [float(row[7]) for row in fixture.export(Resolution.DAY)] == [17.5, 17.5]
        fixture.history.compact()


def test_polls_a_second_early_or_late_lose_nothing(fixture: HistoryFixture) -> None:
    polls = range(MIDNIGHT, MIDNIGHT + 20 * HOUR, 300)
    early_or_late = [(time + (-1) ** turn, 100) for turn, time in enumerate(polls)]
    at_peak = MIDNIGHT + 11 * HOUR + 420
    steady = [(time + 120, 100 if time + 120 == at_peak else 0) for time in polls]
    take(fixture, rows(early_or_late, "a"))
    take(fixture, rows(steady, "b"))
    fixture.clock._now = MIDNIGHT + 20 * HOUR
    found = peaks(fixture, "a", "b")
    assert found[ESTATE].peak == 200
    assert found[ESTATE].coverage == pytest.approx(1, abs=0.01)
    assert found["a"].average == 100


@pytest.mark.parametrize(("before", "after", "full"), [(100, 200, 1), (200, 100, 0)])
def test_peak_is_compared_with_what_was_installed_at_its_moment(
    fixture: HistoryFixture, before: int, after: int, full: int
) -> None:
    for minute in range(10):
        figure, installed = (100, before) if minute < 3 else (50, after)
        fixture.record(MIDNIGHT + minute * 60, figure, installed=installed)
    fixture.clock._now = MIDNIGHT + 600
    assert peaks(fixture, "lic-01")["lic-01"].installed_at_peak == before
    stats = usage_stats(fixture.series(MIDNIGHT, MIDNIGHT + 600, 300))
    assert stats is not None
    assert stats.seconds_above[2] == (1.0, 300 * full)


def test_imported_pool_ends_when_its_last_reading_is_not_valid_any_more(
    fixture: HistoryFixture,
) -> None:
    take(fixture, rows([(MIDNIGHT + hour * HOUR, 5) for hour in range(4)]))
    (pool,) = fixture.history.pools()
    assert pool.ended == MIDNIGHT + 4 * HOUR
    fixture.clock._now = MIDNIGHT + 8 * HOUR - 1
    assert peaks(fixture)["lic-01"].coverage == pytest.approx(0.5)
