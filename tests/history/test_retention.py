"""What is rolled up when, and how long what is kept."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from tests.history.history_fixture import DAY, HOUR, MIDNIGHT, PRODUCT, HistoryFixture
from tests.support.values import poll, pool, server, snapshot

from lictui.analysis.series import Resolution
from lictui.config.settings import Retention
from lictui.history.csv_reader import ImportedBucket, ImportedPool
from lictui.history.rollup import Rollup
from lictui.model import Model, PoolKey

if TYPE_CHECKING:
    from pathlib import Path


def test_readings_leave_their_rows_after_some_hours(desk: HistoryFixture) -> None:
    desk.line(MIDNIGHT, range(12 * 60))
    desk.move_to(MIDNIGHT + 12 * HOUR + 60)
    assert desk.rows()[0][0] == MIDNIGHT + 9 * HOUR  # none of the last hours is under way any more
    assert [value for _, value in desk.readings()] == list(range(12 * 60))


def test_a_row_that_was_cut_grows_on_behind_the_cut(desk: HistoryFixture) -> None:
    desk.line(MIDNIGHT, [5] * 200)
    desk.move_to(MIDNIGHT + 200 * 60)
    assert desk.rows() == [(MIDNIGHT + 3 * HOUR, 19 * 60, 20, 5)]
    desk.line(MIDNIGHT + 200 * 60, [5] * 10)
    assert desk.rows() == [(MIDNIGHT + 3 * HOUR, 29 * 60, 30, 5)]
    assert desk.readings() == [(MIDNIGHT + turn * 60, 5) for turn in range(210)]


def test_what_ended_before_the_cut_does_not_grow_across_it(desk: HistoryFixture) -> None:
    desk.line(MIDNIGHT, [5] * 180)
    desk.move_to(MIDNIGHT + 3 * HOUR + 300)
    desk.line(MIDNIGHT + 3 * HOUR, [5] * 5)
    assert desk.readings() == [(MIDNIGHT + turn * 60, 5) for turn in range(185)]


def test_each_resolution_is_kept_for_its_own_days(tmp_path: Path) -> None:
    desk = HistoryFixture(
        tmp_path / "h.db", retention=Retention(raw=2, five_minutes=5, hour=30, day=600)
    )
    for day in range(700):
        desk.line(MIDNIGHT + day * DAY, [1, 2, 3, 4], every=6 * HOUR)
        desk.move_to(MIDNIGHT + (day + 1) * DAY)
    end = MIDNIGHT + 700 * DAY

    def oldest(resolution: Resolution) -> float:
        rows = desk.export(resolution)
        return (end - _epoch(rows[0][0])) / DAY

    assert 2 <= oldest(Resolution.RAW) <= 4
    assert 5 <= oldest(Resolution.FIVE_MINUTES) <= 7
    assert 30 <= oldest(Resolution.HOUR) <= 30 + 13  # a block of hours is twelve days
    assert 600 <= oldest(Resolution.DAY) <= 700
    desk.close()


def test_buckets_of_the_first_block_that_is_kept_can_still_be_added(tmp_path: Path) -> None:
    desk = HistoryFixture(tmp_path / "h.db", retention=Retention(raw=1, five_minutes=2))
    desk.line(MIDNIGHT, [10, 50] * 144, every=300)
    desk.move_to(MIDNIGHT + 3 * DAY - HOUR)  # the block of this day ends within two days
    (before,) = desk.buckets(MIDNIGHT, MIDNIGHT + 300, 300)
    rollup = Rollup(MIDNIGHT, 20, 20, 20, MIDNIGHT + 30, 20, 1)
    imported = ImportedPool("lic-01", PoolKey(PRODUCT), Model.USER_DEVICE)
    imported.buckets[Resolution.FIVE_MINUTES] = [ImportedBucket(rollup, 500, 50)]
    assert desk.history.import_readings([imported]) == (1, 0)
    (after,) = desk.buckets(MIDNIGHT, MIDNIGHT + 300, 300)
    assert (before.high, after.high) == (10, 20)
    desk.close()


def test_many_pools_are_rolled_up_a_part_at_a_time(desk: HistoryFixture) -> None:
    names = [f"p{number}" for number in range(1000)]
    pools = [pool(name, 1) for name in names]
    desk.history.append(server(), poll(snapshot(*pools), at=MIDNIGHT))

    def left() -> int:
        return len(desk.rows())

    desk.move_to(MIDNIGHT + DAY)
    assert 0 < left() < 1000
    desk.move_to(MIDNIGHT + DAY)
    desk.move_to(MIDNIGHT + DAY)
    assert left() == 0


def test_shrinking_gives_the_disk_back_what_is_free(tmp_path: Path) -> None:
    desk = HistoryFixture(
        tmp_path / "h.db", retention=Retention(raw=1, five_minutes=1, hour=1, day=1)
    )
    for number in range(100):
        desk.line(MIDNIGHT, range(200), f"s{number}")
    desk.clock._now = MIDNIGHT + 2000 * DAY
    before = desk.history.stats().size_bytes
    desk.history.compact_all()
    assert desk.history.stats().size_bytes < before / 2
    assert desk.path.stat().st_size == desk.history.stats().size_bytes
    desk.close()


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
