"""One pool's past: the right buckets, exact maxima, gaps that are gaps, no seam at a roll-up."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.history.history_fixture import DAY, HOUR, MIDNIGHT, PRODUCT, HistoryFixture
from tests.support.values import poll, pool, server, snapshot

from lictui.analysis.columns import Series
from lictui.analysis.series import SeriesQuery
from lictui.config.settings import Retention
from lictui.model import PoolKey


def starts(fixture: HistoryFixture, length: int = HOUR) -> list[int]:
    """When the five minutes with data start, in seconds since midnight."""
    return [one.start - MIDNIGHT for one in fixture.buckets(MIDNIGHT, MIDNIGHT + length, 300)]


@pytest.mark.parametrize("bucket", [300, 900, HOUR, 5400, 6 * HOUR, DAY])
def test_series_is_the_same_packed_and_unpacked(tmp_path: Path, bucket: int) -> None:
    line = [turn * 37 % 101 for turn in range(3000)]
    whole, rolled = HistoryFixture(tmp_path / "a.db"), HistoryFixture(tmp_path / "b.db")
    for fixture in (whole, rolled):
        for start in range(0, 3000, 100):
            fixture.poll_series(MIDNIGHT + start * 60, line[start : start + 100])
            if fixture is rolled:
                fixture.compact_at(MIDNIGHT + (start + 100) * 60)
    assert len(rolled.unpacked()) < 500 < len(whole.unpacked())
    end = MIDNIGHT + 3000 * 60
    whole.clock._now = end
    assert rolled.series(MIDNIGHT, end, bucket) == whole.series(MIDNIGHT, end, bucket)
    whole.close()
    rolled.close()


FAILED = "failed"
BOTH: dict[str, int | None] = {PRODUCT: 5, "B": 1}
ONE: dict[str, int | None] = {"B": 1}


@pytest.mark.parametrize(
    ("every", "polls", "now", "expected"),
    [
        pytest.param(900, {0: 5}, 3600, [0, 300, 600], id="one interval"),
        pytest.param(900, {250: 5}, 1149, [0, 300, 600, 900], id="until the next is due"),
        pytest.param(900, {250: 5}, 1150, [0, 300, 600], id="the next is due"),
        pytest.param(300, {10: 5, 610: 6}, 610, [0, 600], id="missing poll"),
        pytest.param(300, {299: 5, 899: 6}, 899, [0, 600], id="missing poll at the edge"),
        pytest.param(900, {0: 5, 1351: 6}, 1352, [0, 300, 600, 1200], id="half an interval late"),
        pytest.param(300, {10: 5, 310: FAILED, 610: 6}, 610, [0, 600], id="failed poll"),
        pytest.param(
            900, {0: 5, 600: FAILED, 900: FAILED, 1800: 6}, 2100, [0, 300, 1800, 2100], id="failed"
        ),
        pytest.param(
            900, {0: 5, 900: None, 1800: 6}, 2100, [0, 300, 600, 1800, 2100], id="unknown"
        ),
        pytest.param(900, {0: BOTH, 600: ONE}, 900, [0, 300], id="not listed"),
    ],
)
def test_reading_is_valid_until_the_next_or_for_an_interval(
    fixture: HistoryFixture, every: float, polls: dict[int, Any], now: int, expected: list[int]
) -> None:
    for time, figures in polls.items():
        if figures == FAILED:
            fixture.record_failure(MIDNIGHT + time, every=every)
        else:
            fixture.record(MIDNIGHT + time, figures, every=every)
    fixture.clock._now = MIDNIGHT + now
    assert starts(fixture) == expected


def test_earlier_reading_fills_the_start_of_the_range(fixture: HistoryFixture) -> None:
    fixture.poll_series(MIDNIGHT, [5, 6], every=900)
    result = fixture.buckets(MIDNIGHT + 300, MIDNIGHT + 900, 300)
    assert [(one.start - MIDNIGHT, one.last, one.samples) for one in result] == [
        (300, 5, 0),
        (600, 5, 0),
    ]


def test_later_reading_decides_how_the_range_ends(
    fixture: HistoryFixture,
) -> None:
    fixture.poll_series(MIDNIGHT + 10, [5, 6], every=900, late=300)
    fixture.clock._now = MIDNIGHT + HOUR
    result = fixture.buckets(MIDNIGHT, MIDNIGHT + 1200, 300)
    assert [one.start - MIDNIGHT for one in result] == [0, 300, 600, 900]


def test_expired_figures_are_answered_with_wider_buckets(
    tmp_path: Path,
) -> None:
    fixture = HistoryFixture(
        tmp_path / "h.db", retention=Retention(raw=1, five_minutes=2, hour=20, day=400)
    )
    for hour in range(30 * 24):
        fixture.poll_series(MIDNIGHT + hour * HOUR, [hour % 24 + 1] * 4, every=900)
        fixture.compact_at(MIDNIGHT + (hour + 1) * HOUR)
    end = MIDNIGHT + 30 * DAY
    everything = fixture.series(MIDNIGHT, end, 300)
    days, hours, fine = (
        everything.select(everything.seconds == width) for width in (DAY, HOUR, 300)
    )
    assert (len(days), len(hours), len(fine)) == (9, 18 * 24, 3 * 288)
    assert days.end[-1] == hours.start[0]
    assert hours.end[-1] == fine.start[0]
    assert set(days.high.tolist()) == {24}
    assert (days.high_at - days.start).tolist() == [23 * HOUR] * 9
    assert everything.exact
    fixture.close()


def test_odd_width_is_rounded_up(fixture: HistoryFixture) -> None:
    fixture.poll_series(MIDNIGHT, [5, 6])
    assert fixture.series(MIDNIGHT, MIDNIGHT + HOUR, 1000).width == 1200
    assert fixture.series(MIDNIGHT, MIDNIGHT + HOUR, 60).width == 300
    assert fixture.series(MIDNIGHT, MIDNIGHT + HOUR, 5400).width == 5400


def test_installed_changes_with_its_bucket(fixture: HistoryFixture) -> None:
    fixture.record(MIDNIGHT, 5, installed=100)
    fixture.record(MIDNIGHT + 600, 5, installed=200)
    fixture.record(MIDNIGHT + 900, 5, installed=None)
    result = fixture.buckets(MIDNIGHT, MIDNIGHT + HOUR, 300)
    assert [one.installed for one in result] == [100, 200, None]


def test_unknown_pool_has_an_empty_series(fixture: HistoryFixture) -> None:
    assert fixture.series(MIDNIGHT, MIDNIGHT + DAY, 300, ("nobody",)) == Series.of((), 300)


def test_time_of_a_sum_peak_is_the_latest_of_its_parts(fixture: HistoryFixture) -> None:
    fixture.poll_series(MIDNIGHT, [1, 9, 1, 1, 1], "a")
    fixture.poll_series(MIDNIGHT, [1, 1, 1, 9, 1], "b")
    fixture.poll_series(MIDNIGHT - 600, [7], "slow", every=900)
    fixture.clock._now = MIDNIGHT + 300
    (result,) = fixture.buckets(MIDNIGHT, MIDNIGHT + 300, 300, "a", "b", "slow")
    assert (result.high, result.high_at) == (25, MIDNIGHT + 180)


def test_sum_continues_over_a_renewal(fixture: HistoryFixture) -> None:
    one = server(interval=60.0)
    days = [date(2026, 12, 1)] * 10 + [date(2027, 12, 1)] * 10
    fixture.history.append_many(
        (one, poll(snapshot(pool(PRODUCT, 5, subscription=day)), at=MIDNIGHT + turn * 60), ())
        for turn, day in enumerate(days)
    )
    fixture.clock._now = MIDNIGHT + 1200
    pools = tuple(("lic-01", PoolKey(PRODUCT, day.isoformat())) for day in sorted(set(days)))
    result = fixture.history.series(SeriesQuery(pools, MIDNIGHT, MIDNIGHT + HOUR, 300))
    assert [bucket.high for bucket in result.buckets] == [5, 5, 5, 5]


def test_pool_queried_twice_counts_once(fixture: HistoryFixture) -> None:
    fixture.poll_series(MIDNIGHT, [5] * 5)
    assert fixture.buckets(MIDNIGHT, MIDNIGHT + 300, 300, "lic-01", "lic-01")[0].high == 5
