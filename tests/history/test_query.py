"""One pool's past: the right buckets, exact maxima, gaps that are gaps, no seam at a roll-up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.history.history_fixture import DAY, HOUR, MIDNIGHT, HistoryFixture

from lictui.analysis.series import Series
from lictui.config.settings import Retention

if TYPE_CHECKING:
    from pathlib import Path


def starts(desk: HistoryFixture, length: int = HOUR) -> list[int]:
    """When the five minutes begin that are no gap, in seconds since midnight."""
    return [one.start - MIDNIGHT for one in desk.buckets(MIDNIGHT, MIDNIGHT + length, 300)]


def test_a_day_in_five_minutes(desk: HistoryFixture) -> None:
    desk.line(MIDNIGHT, [turn % 7 for turn in range(1440)])
    found = desk.ask(MIDNIGHT, MIDNIGHT + DAY, 300)
    assert (found.width, len(found.buckets)) == (300, 288)
    first = found.buckets[0]
    assert (first.start, first.end) == (MIDNIGHT, MIDNIGHT + 300)
    assert (first.low, first.average, first.high, first.last) == (0, 2.0, 4, 4)
    assert (first.high_at, first.samples) == (MIDNIGHT + 240, 5)
    assert (first.installed, first.overdraft) == (500, 50)


@pytest.mark.parametrize("bucket", [60, 300, 900, HOUR, 5400, 6 * HOUR, DAY])
def test_there_is_no_seam_between_what_is_rolled_up_and_what_is_not(
    tmp_path: Path, bucket: int
) -> None:
    line = [turn * 37 % 101 for turn in range(3000)]
    whole, rolled = HistoryFixture(tmp_path / "a.db"), HistoryFixture(tmp_path / "b.db")
    for desk in (whole, rolled):
        for start in range(0, 3000, 100):
            desk.line(MIDNIGHT + start * 60, line[start : start + 100])
            if desk is rolled:
                desk.move_to(MIDNIGHT + (start + 100) * 60)
    assert len(rolled.rows()) < 500 < len(whole.rows())
    end = MIDNIGHT + 3000 * 60
    whole.clock._now = end
    assert rolled.ask(MIDNIGHT, end, bucket) == whole.ask(MIDNIGHT, end, bucket)
    whole.close()
    rolled.close()


def test_single_readings_are_stretches_over_which_a_figure_held(desk: HistoryFixture) -> None:
    desk.line(MIDNIGHT, [5, 5, None, 6])
    found = desk.buckets(MIDNIGHT, MIDNIGHT + HOUR, 0)
    assert [(one.start, one.end, one.last, one.samples) for one in found] == [
        (MIDNIGHT, MIDNIGHT + 60, 5, 2),
        (MIDNIGHT + 180, MIDNIGHT + 180, 6, 1),
    ]


def test_a_gap_is_a_gap_and_never_a_zero(desk: HistoryFixture) -> None:
    desk.line(MIDNIGHT, [5] * 10)
    for turn in range(10, 30):
        desk.fail(MIDNIGHT + turn * 60)
    desk.line(MIDNIGHT + 1800, [6] * 10)
    found = desk.buckets(MIDNIGHT, MIDNIGHT + HOUR, 300)
    assert [(one.start - MIDNIGHT, one.low) for one in found] == [
        (0, 5),
        (300, 5),
        (1800, 6),
        (2100, 6),
    ]


def test_a_slow_server_leaves_no_gaps_between_its_polls(desk: HistoryFixture) -> None:
    desk.line(MIDNIGHT, [5, 6, 7], every=900)
    desk.clock._now = MIDNIGHT + 2400
    found = desk.buckets(MIDNIGHT, MIDNIGHT + HOUR, 300)
    assert [(one.last, one.samples) for one in found] == [
        (5, 1),
        (5, 0),
        (5, 0),
        (6, 1),
        (6, 0),
        (6, 0),
        (7, 1),
        (7, 0),
        (7, 0),  # begins now; what is to come is not made up
    ]


def test_a_reading_that_none_follows_holds_for_one_interval(desk: HistoryFixture) -> None:
    desk.line(MIDNIGHT, [5], every=900)
    desk.clock._now = MIDNIGHT + HOUR
    assert starts(desk) == [0, 300, 600]


def test_a_reading_is_shown_to_hold_while_the_next_is_not_due(desk: HistoryFixture) -> None:
    desk.read(MIDNIGHT + 250, 5, every=900)
    desk.clock._now = MIDNIGHT + 1149
    assert starts(desk) == [0, 300, 600, 900]
    desk.clock._now = MIDNIGHT + 1150
    assert starts(desk) == [0, 300, 600]


@pytest.mark.parametrize("at", [0, 10, 299])
def test_the_bucket_of_a_poll_that_failed_is_a_gap(desk: HistoryFixture, at: int) -> None:
    desk.read(MIDNIGHT + at, 5, every=300)
    desk.fail(MIDNIGHT + at + 300, every=300)
    desk.read(MIDNIGHT + at + 600, 6, every=300)
    desk.clock._now = MIDNIGHT + at + 600
    assert starts(desk) == [0, 600]


@pytest.mark.parametrize("at", [0, 10, 299])
def test_the_bucket_of_a_poll_that_never_came_is_a_gap(desk: HistoryFixture, at: int) -> None:
    desk.read(MIDNIGHT + at, 5, every=300)
    desk.read(MIDNIGHT + at + 600, 6, every=300)
    desk.clock._now = MIDNIGHT + at + 600
    assert starts(desk) == [0, 600]


@pytest.mark.parametrize("late", [1, 20, 60])
def test_a_poll_that_is_a_little_late_leaves_no_gap(desk: HistoryFixture, late: int) -> None:
    desk.line(MIDNIGHT, range(50), every=900, late=late)
    desk.clock._now = MIDNIGHT + 49 * (900 + late)
    last = 49 * (900 + late) // 300 * 300
    assert starts(desk, DAY) == list(range(0, last + 1, 300))


def test_a_poll_that_is_half_an_interval_late_leaves_a_gap(desk: HistoryFixture) -> None:
    desk.read(MIDNIGHT, 5, every=900)
    desk.read(MIDNIGHT + 1351, 6, every=900)
    desk.clock._now = MIDNIGHT + 1352
    assert starts(desk) == [0, 300, 600, 1200]


def test_a_reading_holds_no_longer_than_to_a_poll_that_fails(desk: HistoryFixture) -> None:
    desk.read(MIDNIGHT, 5, every=900)
    desk.fail(MIDNIGHT + 600, every=900)
    desk.fail(MIDNIGHT + 900, every=900)
    desk.read(MIDNIGHT + 1800, 6, every=900)
    desk.clock._now = MIDNIGHT + 2100
    found = desk.buckets(MIDNIGHT, MIDNIGHT + HOUR, 300)
    assert [one.start - MIDNIGHT for one in found] == [0, 300, 1800, 2100]
    assert [one.installed for one in found] == [500] * 4


def test_a_reading_holds_no_longer_than_to_one_that_could_not_be_read(desk: HistoryFixture) -> None:
    desk.line(MIDNIGHT, [5, None, 6], every=900)
    desk.clock._now = MIDNIGHT + 2100
    found = desk.buckets(MIDNIGHT, MIDNIGHT + HOUR, 300)
    assert [one.start - MIDNIGHT for one in found] == [0, 300, 600, 1800, 2100]


def test_a_pool_that_is_no_longer_listed_holds_no_longer(desk: HistoryFixture) -> None:
    desk.read(MIDNIGHT, {"A": 1, "B": 2}, every=900)
    desk.read(MIDNIGHT + 600, {"A": 1}, every=900)
    desk.clock._now = MIDNIGHT + 900
    found = desk.buckets(MIDNIGHT, MIDNIGHT + HOUR, 300, product="B")
    assert [one.start - MIDNIGHT for one in found] == [0, 300]


def test_a_reading_from_before_holds_into_the_range_asked_for(desk: HistoryFixture) -> None:
    desk.line(MIDNIGHT, [5, 6], every=900)
    found = desk.buckets(MIDNIGHT + 300, MIDNIGHT + 900, 300)
    assert [(one.start - MIDNIGHT, one.last, one.samples) for one in found] == [
        (300, 5, 0),
        (600, 5, 0),
    ]


def test_what_follows_the_range_asked_for_decides_what_its_last_reading_fills(
    desk: HistoryFixture,
) -> None:
    desk.line(MIDNIGHT + 10, [5, 6], every=900, late=300)
    desk.clock._now = MIDNIGHT + HOUR
    found = desk.buckets(MIDNIGHT, MIDNIGHT + 1200, 300)
    assert [one.start - MIDNIGHT for one in found] == [0, 300, 600, 900]


def test_a_year_of_days_keeps_every_peak_and_its_moment(desk: HistoryFixture) -> None:
    for day in range(365):
        start = MIDNIGHT + day * DAY
        desk.line(start, [10, 20, 30 + day, 20], every=6 * HOUR)
        desk.move_to(start + DAY)
    found = desk.ask(MIDNIGHT, MIDNIGHT + 365 * DAY, DAY)
    assert [one.high for one in found.buckets] == [30 + day for day in range(365)]
    assert all(one.high_at == one.start + 12 * HOUR for one in found.buckets)
    assert {one.average for one in found.buckets[:1]} == {20.0}


def test_finer_figures_that_are_no_longer_kept_are_answered_with_wider_ones(
    tmp_path: Path,
) -> None:
    desk = HistoryFixture(
        tmp_path / "h.db", retention=Retention(raw=1, five_minutes=2, hour=20, day=400)
    )
    for hour in range(30 * 24):
        desk.line(MIDNIGHT + hour * HOUR, [hour % 24 + 1] * 4, every=900)
        desk.move_to(MIDNIGHT + (hour + 1) * HOUR)
    end = MIDNIGHT + 30 * DAY
    assert desk.ask(end - HOUR, end, 0).width == 0
    assert desk.ask(end - DAY, end, 300).width == 300
    assert desk.ask(end - 10 * DAY, end, 300).width == HOUR
    assert desk.ask(end - 10 * DAY, end, 0).width == HOUR
    old = desk.ask(MIDNIGHT, end, 300)
    assert old.width == DAY
    assert [one.high for one in old.buckets] == [24] * 30
    assert [one.high_at for one in old.buckets] == [
        MIDNIGHT + day * DAY + 23 * HOUR for day in range(30)
    ]
    desk.close()


def test_a_young_pool_is_answered_as_finely_as_asked_for(desk: HistoryFixture) -> None:
    desk.line(MIDNIGHT, [5, 6])
    assert desk.ask(MIDNIGHT - 300 * DAY, MIDNIGHT + HOUR, 300).width == 300


def test_a_bucket_that_no_resolution_divides_is_rounded_up(desk: HistoryFixture) -> None:
    desk.line(MIDNIGHT, [5, 6])
    assert desk.ask(MIDNIGHT, MIDNIGHT + HOUR, 1000).width == 1200
    assert desk.ask(MIDNIGHT, MIDNIGHT + HOUR, 60).width == 60
    assert desk.ask(MIDNIGHT, MIDNIGHT + HOUR, 5400).width == 5400


def test_what_is_installed_steps_when_it_stepped(desk: HistoryFixture) -> None:
    desk.read(MIDNIGHT, 5, installed=100)
    desk.read(MIDNIGHT + 600, 5, installed=200)
    desk.read(MIDNIGHT + 900, 5, installed=None)
    found = desk.buckets(MIDNIGHT, MIDNIGHT + HOUR, 300)
    assert [one.installed for one in found] == [100, 200, None]


def test_a_pool_nobody_knows_has_no_past(desk: HistoryFixture) -> None:
    assert desk.ask(MIDNIGHT, MIDNIGHT + DAY, 300, ("nobody",)) == Series((), 300)


def test_a_server_that_comes_back_under_its_name_continues(desk: HistoryFixture) -> None:
    desk.line(MIDNIGHT, [5] * 5)
    desk.line(MIDNIGHT + DAY, [6] * 5)
    found = desk.buckets(MIDNIGHT, MIDNIGHT + 2 * DAY, DAY)
    assert [one.high for one in found] == [5, 6]
