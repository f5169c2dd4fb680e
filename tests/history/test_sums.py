"""Several pools at the same moments: aligned, and only where every one of them has a figure."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.history.history_fixture import DAY, HOUR, MIDNIGHT, PRODUCT, HistoryFixture
from tests.support.values import poll, pool, server, snapshot

from lictui.analysis.series import BackfillRow, Bucket, Resolution, SeriesQuery
from lictui.model import Model, PoolKey

if TYPE_CHECKING:
    from pathlib import Path


def test_the_sum_is_of_the_same_moment_not_of_the_peaks(desk: HistoryFixture) -> None:
    desk.line(MIDNIGHT, [10] * 60 + [1] * 60, "a")
    desk.line(MIDNIGHT, [1] * 60 + [10] * 60, "b")
    desk.clock._now = MIDNIGHT + 2 * HOUR
    (whole,) = desk.buckets(MIDNIGHT, MIDNIGHT + DAY, DAY, "a", "b")
    assert (whole.low, whole.high, whole.average, whole.samples) == (11, 11, 11.0, 240)
    assert (whole.installed, whole.overdraft) == (1000, 100)


def test_a_slow_and_a_quick_server_align(desk: HistoryFixture) -> None:
    desk.line(MIDNIGHT, [100, 200], "slow", every=900)
    desk.line(MIDNIGHT, range(30), "quick")
    desk.clock._now = MIDNIGHT + 1800
    found = desk.buckets(MIDNIGHT, MIDNIGHT + HOUR, 300, "slow", "quick")
    assert [one.high for one in found] == [104, 109, 114, 219, 224, 229]
    assert [one.low for one in found] == [100, 105, 110, 215, 220, 225]
    assert [one.last for one in found] == [104, 109, 114, 219, 224, 229]


def test_the_moment_of_a_peak_is_when_the_last_of_them_had_risen(desk: HistoryFixture) -> None:
    desk.line(MIDNIGHT, [1, 9, 1, 1, 1], "a")
    desk.line(MIDNIGHT, [1, 1, 1, 9, 1], "b")
    desk.line(MIDNIGHT - 600, [7], "slow", every=900)
    desk.clock._now = MIDNIGHT + 300
    (found,) = desk.buckets(MIDNIGHT, MIDNIGHT + 300, 300, "a", "b", "slow")
    assert (found.high, found.high_at) == (25, MIDNIGHT + 180)


def test_days_of_slow_servers_have_no_holes(desk: HistoryFixture) -> None:
    for name in ("a", "b"):
        desk.line(MIDNIGHT + 600, [turn % 50 for turn in range(5 * 96)], name, every=900)
    desk.move_to(MIDNIGHT + 5 * DAY)
    found = desk.buckets(MIDNIGHT, MIDNIGHT + 5 * DAY, 300, "a", "b")
    assert [one.start for one in found] == list(range(MIDNIGHT + 600, MIDNIGHT + 5 * DAY, 300))


def test_days_of_late_polls_have_no_holes(desk: HistoryFixture) -> None:
    for name in ("a", "b"):
        desk.line(MIDNIGHT, [turn % 50 for turn in range(5 * 92)], name, every=900, late=40)
    desk.move_to(MIDNIGHT + 5 * DAY)
    found = desk.buckets(MIDNIGHT, MIDNIGHT + 5 * DAY, 300, "a", "b")
    assert [one.start for one in found] == list(range(MIDNIGHT, MIDNIGHT + 5 * DAY, 300))


def test_a_poll_that_failed_is_a_gap_of_the_sum(desk: HistoryFixture) -> None:
    desk.line(MIDNIGHT, [5] * 10, "a", every=300)
    desk.read(MIDNIGHT, 5, "b", every=300)
    desk.fail(MIDNIGHT + 300, "b", every=300)
    desk.line(MIDNIGHT + 600, [5] * 2, "b", every=300)
    desk.clock._now = MIDNIGHT + 3000
    found = desk.buckets(MIDNIGHT, MIDNIGHT + HOUR, 300, "a", "b")
    assert [one.start - MIDNIGHT for one in found] == [0, 600, 900]


def test_where_one_has_a_gap_there_is_no_sum(desk: HistoryFixture) -> None:
    desk.line(MIDNIGHT, [5] * 30, "a")
    desk.line(MIDNIGHT, [5] * 10, "b")
    desk.line(MIDNIGHT + 1200, [5] * 10, "b")
    desk.clock._now = MIDNIGHT + HOUR
    found = desk.buckets(MIDNIGHT, MIDNIGHT + HOUR, 300, "a", "b")
    assert [one.start - MIDNIGHT for one in found] == [0, 300, 1200, 1500]


def test_a_figure_that_could_not_be_read_is_a_gap_of_the_sum(desk: HistoryFixture) -> None:
    desk.line(MIDNIGHT, [5] * 10, "a")
    desk.line(MIDNIGHT, [5] * 5 + [None] * 5, "b")
    desk.clock._now = MIDNIGHT + 600
    found = desk.buckets(MIDNIGHT, MIDNIGHT + HOUR, 300, "a", "b")
    assert [one.start - MIDNIGHT for one in found] == [0]


def test_an_unknown_count_of_installed_stays_unknown(desk: HistoryFixture) -> None:
    desk.read(MIDNIGHT, 5, "a", installed=None)
    desk.read(MIDNIGHT, 6, "b")
    (found,) = desk.buckets(MIDNIGHT, MIDNIGHT + 300, 300, "a", "b")
    assert (found.high, found.installed, found.overdraft) == (11, None, 100)


def test_a_server_registered_later_leaves_the_past_of_the_others(desk: HistoryFixture) -> None:
    desk.line(MIDNIGHT, [5] * 20, "old")
    desk.line(MIDNIGHT + 600, [7] * 10, "new")
    desk.clock._now = MIDNIGHT + 1200
    found = desk.buckets(MIDNIGHT, MIDNIGHT + HOUR, 300, "old", "new")
    assert [one.high for one in found] == [5, 5, 12, 12]


def test_a_renewal_carries_on_where_the_old_subscription_ended(desk: HistoryFixture) -> None:
    one = server(interval=60.0)
    days = [date(2026, 12, 1)] * 10 + [date(2027, 12, 1)] * 10
    desk.history.append_many(
        (one, poll(snapshot(pool(PRODUCT, 5, subscription=day)), at=MIDNIGHT + turn * 60), ())
        for turn, day in enumerate(days)
    )
    desk.clock._now = MIDNIGHT + 1200
    pools = tuple(("lic-01", PoolKey(PRODUCT, day.isoformat())) for day in sorted(set(days)))
    found = desk.history.series(SeriesQuery(pools, MIDNIGHT, MIDNIGHT + HOUR, 300))
    assert [bucket.high for bucket in found.buckets] == [5, 5, 5, 5]


def test_a_pool_named_twice_counts_once(desk: HistoryFixture) -> None:
    desk.line(MIDNIGHT, [5] * 5)
    assert desk.buckets(MIDNIGHT, MIDNIGHT + 300, 300, "lic-01", "lic-01")[0].high == 5


def test_a_day_of_a_sum_is_aligned_by_the_hour(desk: HistoryFixture) -> None:
    for day in range(3):
        start = MIDNIGHT + day * DAY
        desk.line(start, [hour for hour in range(24) for _ in range(4)], "a", every=900)
        desk.line(start, [23 - hour for hour in range(24) for _ in range(4)], "b", every=900)
        desk.move_to(start + DAY)
    found = desk.buckets(MIDNIGHT, MIDNIGHT + 3 * DAY, DAY, "a", "b")
    assert [(one.low, one.high, one.average) for one in found] == [(23, 23, 23.0)] * 3


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(st.integers(0, 50), min_size=24, max_size=24), min_size=2, max_size=4))
def test_sums_of_five_minute_polls_are_exact(
    tmp_path_factory: object, lines: list[list[int]]
) -> None:
    folder: Path = tmp_path_factory.mktemp("h")  # type: ignore[attr-defined]
    desk = HistoryFixture(folder / "history.db")
    names = tuple(f"s{number}" for number in range(len(lines)))
    try:
        for name, line in zip(names, lines, strict=True):
            desk.line(MIDNIGHT, line, name, every=300)
        desk.clock._now = MIDNIGHT + 2 * HOUR
        sums = [sum(figures) for figures in zip(*lines, strict=True)]
        fine = desk.buckets(MIDNIGHT, MIDNIGHT + 2 * HOUR, 300, *names)
        assert [one.high for one in fine] == sums
        hours = desk.buckets(MIDNIGHT, MIDNIGHT + 2 * HOUR, HOUR, *names)
        assert [one.high for one in hours] == [max(sums[:12]), max(sums[12:])]
        assert [one.low for one in hours] == [min(sums[:12]), min(sums[12:])]
        assert [one.high_at for one in hours] == [
            MIDNIGHT + 300 * sums.index(max(sums[:12])),
            MIDNIGHT + 300 * (12 + sums[12:].index(max(sums[12:]))),
        ]
    finally:
        desk.close()


def test_a_long_stretch_by_the_hour_has_days_where_hours_are_not_kept(desk: HistoryFixture) -> None:
    def past(start: int, width: Resolution) -> BackfillRow:
        end = start + width
        bucket = Bucket(start, end, 1, 2, 3, start + 60, 2, 10, None, 4)
        return BackfillRow("a", PoolKey(PRODUCT), Model.USER_DEVICE, width, bucket)

    today = MIDNIGHT + 100 * DAY
    days = [past(at, Resolution.DAY) for at in range(MIDNIGHT, today, DAY)]
    hours = [past(at, Resolution.HOUR) for at in range(today - 10 * DAY, today, HOUR)]
    desk.history.backfill([*days, *hours])
    desk.clock._now = today - 1
    found = desk.buckets(MIDNIGHT, today, HOUR, "a")
    assert [one.end - one.start for one in found] == [DAY] * 90 + [HOUR] * 240
    assert all(before.end == after.start for before, after in pairwise(found))
    assert len(desk.buckets(MIDNIGHT, today, DAY, "a")) == 100
