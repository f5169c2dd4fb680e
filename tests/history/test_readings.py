"""What polls become: rows that grow, gaps that stay gaps, and every reading still in there."""

from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.history.history_fixture import DAY, HOUR, MIDNIGHT, PRODUCT, HistoryFixture
from tests.support.values import poll, pool, server, snapshot

from lictui.analysis.series import Resolution
from lictui.config.settings import Retention
from lictui.history.csv_reader import ImportedPool, imported_rows
from lictui.model import Model, PoolKey


def test_later_reading_of_one_second_counts(fixture: HistoryFixture) -> None:
    fixture.poll_series(MIDNIGHT, [5, 5, 5])
    fixture.record(MIDNIGHT + 120.9, 8)
    assert fixture.readings() == [(MIDNIGHT, 5), (MIDNIGHT + 60, 5), (MIDNIGHT + 120, 8)]
    fixture.record(MIDNIGHT + 120.95, 8)
    fixture.record(MIDNIGHT + 120.99, 9)
    assert fixture.readings()[-1] == (MIDNIGHT + 120, 9)
    assert len(fixture.readings()) == 3


def test_clock_set_back_loses_nothing(fixture: HistoryFixture) -> None:
    fixture.poll_series(MIDNIGHT + HOUR, [5, 5])
    fixture.poll_series(MIDNIGHT, [7, 7])
    assert sorted(fixture.readings()) == [
        (MIDNIGHT, 7),
        (MIDNIGHT + 60, 7),
        (MIDNIGHT + HOUR, 5),
        (MIDNIGHT + HOUR + 60, 5),
    ]


def test_poll_written_late_counts(fixture: HistoryFixture) -> None:
    fixture.poll_series(MIDNIGHT, [5] * 60)
    fixture.compact_at(MIDNIGHT + DAY)
    fixture.record(MIDNIGHT + 30, 99)
    (hour,) = fixture.buckets(MIDNIGHT, MIDNIGHT + HOUR, HOUR)
    assert (hour.high, hour.high_at, hour.samples) == (99, MIDNIGHT + 30, 61)
    assert (MIDNIGHT + 30, 99) in fixture.readings()


@pytest.mark.parametrize("is_packed", [False, True])
@pytest.mark.parametrize(
    ("late", "installed"), [(None, [500] * 18), (7, [500] * 6 + [100] * 6 + [500] * 12)]
)
def test_poll_written_late_counts_up_to_the_next_reading(
    fixture: HistoryFixture, late: int | None, installed: list[int], *, is_packed: bool
) -> None:
    fixture.poll_series(MIDNIGHT, [5, 5], every=HOUR)
    if is_packed:
        fixture.compact_at(MIDNIGHT + DAY)
    fixture.record(MIDNIGHT + HOUR // 2, late, every=HOUR, installed=100 if late else 500)
    fixture.clock._now = MIDNIGHT + DAY
    result = fixture.buckets(MIDNIGHT, MIDNIGHT + DAY, 300)
    assert [bucket.installed for bucket in result] == installed


def test_impossible_figure_is_unknown(fixture: HistoryFixture) -> None:
    fixture.record(MIDNIGHT, 10**30)
    fixture.record(MIDNIGHT + 60, 2**31 - 1)
    assert fixture.readings() == [(MIDNIGHT, None), (MIDNIGHT + 60, 2**31 - 1)]


def test_pool_has_its_last_name_and_model(fixture: HistoryFixture) -> None:
    one = server()
    fixture.history.append(one, poll(snapshot(pool("X", name="X")), at=MIDNIGHT))
    reported = pool("X", name="The X", model=Model.CONCURRENT)
    fixture.history.append(one, poll(snapshot(reported), at=MIDNIGHT + 900))
    (known,) = fixture.history.pools()
    assert (known.name, known.model, known.since) == ("The X", "concurrent", MIDNIGHT)


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_readings_equal_the_polls_whenever_packed(
    tmp_path_factory: object, data: st.DataObject
) -> None:
    """Polls on a grid, some failing, some pausing; rolled up at any time or never."""
    folder: Path = tmp_path_factory.mktemp("h")  # type: ignore[attr-defined]
    fixture = HistoryFixture(folder / "history.db")
    unpacked = HistoryFixture(folder / "unpacked.db", fixture.clock)
    at = MIDNIGHT
    expected: list[tuple[int, int | None]] = []
    try:
        for _ in range(data.draw(st.integers(1, 60))):
            match data.draw(st.sampled_from("rrrrrrfpc")):
                case "r":
                    value = data.draw(st.none() | st.integers(0, 2))
                    fixture.record(at, value, every=600)
                    unpacked.record(at, value, every=600)
                    expected.append((at, value))
                case "f":
                    fixture.record_failure(at, every=600)
                    unpacked.record_failure(at, every=600)
                case "p":
                    at += data.draw(st.integers(1, 30)) * 600
                case "c":
                    fixture.compact_at(at)
                    continue
            at += 600
        assert fixture.readings() == expected
        end = at // DAY * DAY + DAY
        fixture.clock._now = max(fixture.clock._now, at)
        for width in (300, HOUR, DAY):
            assert fixture.series(MIDNIGHT, end, width) == unpacked.series(MIDNIGHT, end, width)
            known = [(when, value) for when, value in expected if value is not None]
            result = [one for one in fixture.buckets(MIDNIGHT, end, width) if one.samples]
            assert sum(one.samples for one in result) == len(known)
            for one in result:
                inside = [(when, value) for when, value in known if one.start <= when < one.end]
                values = [value for _, value in inside]
                assert (one.low, one.high, one.last) == (min(values), max(values), values[-1])
                assert one.high_at == next(when for when, v in inside if v == one.high)
    finally:
        fixture.close()
        unpacked.close()


def test_pool_whose_date_becomes_known_continues(fixture: HistoryFixture) -> None:
    dated = pool("A", 7, subscription=date(2026, 12, 1))
    fixture.history.append(server(), poll(snapshot(pool("A", 5)), at=MIDNIGHT))
    fixture.history.append(server(), poll(snapshot(dated), at=MIDNIGHT + 60))
    (known,) = fixture.history.pools()
    assert (known.key, known.ended) == (dated.key, None)
    assert [value for _, value in fixture.readings()] == [5, 7]


def test_undated_pool_is_not_continued_by_one_of_several(fixture: HistoryFixture) -> None:
    some = (
        pool("A", 7, subscription=date(2026, 12, 1)),
        pool("A", 2, subscription=date(2027, 1, 1)),
    )
    fixture.history.append(server(), poll(snapshot(pool("A", 5)), at=MIDNIGHT))
    fixture.history.append(server(), poll(snapshot(*some), at=MIDNIGHT + 60))
    assert len(fixture.history.pools()) == 3


def test_readings_are_packed_after_some_hours(fixture: HistoryFixture) -> None:
    fixture.poll_series(MIDNIGHT, range(12 * 60))
    fixture.compact_at(MIDNIGHT + 12 * HOUR + 60)
    assert (
        fixture.unpacked()[0][0] == MIDNIGHT + 9 * HOUR
    )  # none of the last hours is under way any more
    assert [value for _, value in fixture.readings()] == list(range(12 * 60))


def test_each_resolution_expires_after_its_own_days(tmp_path: Path) -> None:
    fixture = HistoryFixture(
        tmp_path / "h.db", retention=Retention(raw=2, five_minutes=5, hour=30, day=600)
    )
    for day in range(700):
        fixture.poll_series(MIDNIGHT + day * DAY, [1, 2, 3, 4], every=6 * HOUR)
        fixture.compact_at(MIDNIGHT + (day + 1) * DAY)
    end = MIDNIGHT + 700 * DAY

    def oldest(resolution: Resolution) -> float:
        rows = fixture.export(resolution)
        return (end - _epoch(rows[0][0])) / DAY

    assert [oldest(resolution) for resolution in Resolution] == [2, 5, 30, 600]
    fixture.close()


def test_buckets_of_the_first_block_that_is_kept_can_still_be_added(tmp_path: Path) -> None:
    fixture = HistoryFixture(tmp_path / "h.db", retention=Retention(raw=1, five_minutes=2))
    fixture.poll_series(MIDNIGHT, [10, 50] * 144, every=300)
    fixture.compact_at(MIDNIGHT + 3 * DAY - HOUR)  # the block of this day ends within two days
    (before,) = fixture.buckets(MIDNIGHT, MIDNIGHT + 300, 300)
    figures = {"in_use": 20, "high_at": MIDNIGHT + 30, "installed": 500, "overdraft": 50}
    rows = imported_rows(1, time=MIDNIGHT, width=300, **figures)
    imported = ImportedPool("lic-01", PoolKey(PRODUCT), Model.USER_DEVICE, rows)
    assert fixture.history.import_readings([imported]) == (1, 0)
    (after,) = fixture.buckets(MIDNIGHT, MIDNIGHT + 300, 300)
    assert (before.high, after.high) == (10, 20)
    fixture.close()


def test_many_pools_are_packed_in_several_calls(fixture: HistoryFixture) -> None:
    pools = [pool(f"p{number}", 1) for number in range(500)]
    fixture.history.append(server(), poll(snapshot(*pools), at=MIDNIGHT))
    left = []
    for _ in range(3):
        fixture.compact_at(MIDNIGHT + DAY)
        left.append(len(fixture.unpacked()))
    assert left == [300, 100, 0]


def test_compact_all_shrinks_the_file(tmp_path: Path) -> None:
    fixture = HistoryFixture(
        tmp_path / "h.db", retention=Retention(raw=1, five_minutes=1, hour=1, day=1)
    )
    for number in range(100):
        fixture.poll_series(MIDNIGHT, range(200), f"s{number}")
    fixture.clock._now = MIDNIGHT + 2000 * DAY
    before = fixture.history.stats().size_bytes
    fixture.history.compact_all()
    assert fixture.history.stats().size_bytes < before / 2
    assert fixture.path.stat().st_size == fixture.history.stats().size_bytes
    fixture.close()


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
