"""A past that was not polled here: as it stands, once, and in line with what is polled after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.history.history_fixture import DAY, HOUR, MIDNIGHT, PRODUCT, HistoryFixture

from lictui.analysis.series import BackfillRow, Bucket, Resolution
from lictui.model import Model, PoolKey

if TYPE_CHECKING:
    from collections.abc import Iterator


def past(
    resolution: Resolution, start: int, figures: list[int], installed: int = 500
) -> Iterator[BackfillRow]:
    width = int(resolution)
    for turn, figure in enumerate(figures):
        at = start + turn * (width or 60)
        bucket = Bucket(
            at, at + width, figure - 2, figure - 0.5, figure, at + width // 2, figure - 1,
            installed, 50, 4 if width else 1,
        )  # fmt: skip
        if not width:
            bucket = Bucket(at, at, figure, figure, figure, at, figure, installed, 50, 1)
        yield BackfillRow("lic-01", PoolKey(PRODUCT), Model.USER_DEVICE, resolution, bucket)


def year() -> list[BackfillRow]:
    """Days of a year, hours of ten days, five minutes of two, and the readings of the last hour."""
    return [
        *past(Resolution.DAY, MIDNIGHT - 365 * DAY, [100 + day for day in range(365)]),
        *past(Resolution.HOUR, MIDNIGHT - 10 * DAY, [hour + 2 for hour in range(240)]),
        *past(Resolution.FIVE_MINUTES, MIDNIGHT - 2 * DAY, [2 + five for five in range(576)]),
        *past(Resolution.RAW, MIDNIGHT - HOUR, list(range(60))),
    ]


def test_backfill_stores_every_width_unchanged(desk: HistoryFixture) -> None:
    desk.history.backfill(year())
    days = desk.buckets(MIDNIGHT - 365 * DAY, MIDNIGHT, DAY)
    assert [one.high for one in days] == [100 + day for day in range(365)]
    assert (days[0].low, days[0].average, days[0].last) == (98, 99.5, 99)
    assert (days[0].high_at, days[0].samples) == (days[0].start + 12 * HOUR, 4)
    assert (days[0].installed, days[0].overdraft) == (500, 50)
    assert len(desk.buckets(MIDNIGHT - 10 * DAY, MIDNIGHT, HOUR)) == 240
    assert len(desk.buckets(MIDNIGHT - 2 * DAY, MIDNIGHT, 300)) == 576
    assert [one.last for one in desk.buckets(MIDNIGHT - HOUR, MIDNIGHT, 0)] == list(range(60))


def test_backfill_twice_changes_nothing(desk: HistoryFixture) -> None:
    desk.history.backfill(year())
    once = [desk.export(width) for width in Resolution]
    desk.history.backfill(year())
    assert [desk.export(width) for width in Resolution] == once


def test_polls_continue_after_backfill(desk: HistoryFixture) -> None:
    desk.history.backfill(year())
    desk.line(MIDNIGHT, [7, 8, 9], every=900)
    desk.move_to(MIDNIGHT + DAY)
    today = desk.buckets(MIDNIGHT - DAY, MIDNIGHT + DAY, DAY)
    assert [(one.high, one.samples) for one in today] == [(464, 4), (9, 3)]


def test_polls_of_a_backfilled_day_are_merged(desk: HistoryFixture) -> None:
    noon = MIDNIGHT + 12 * HOUR
    (half,) = past(Resolution.DAY, MIDNIGHT, [100])
    desk.history.backfill([half])
    desk.line(noon + HOUR, [120, 110], every=900)
    desk.clock._now = noon + 2 * HOUR
    (today,) = desk.buckets(MIDNIGHT, MIDNIGHT + DAY, DAY)
    assert (today.low, today.high, today.last, today.samples) == (98, 120, 110, 6)


def test_backfill_extends_a_polled_pool_backwards(desk: HistoryFixture) -> None:
    desk.line(MIDNIGHT, [5, 6], every=900)
    desk.history.backfill(year())
    assert desk.history.stats().first_reading == MIDNIGHT - 365 * DAY
    assert len(desk.export(Resolution.DAY)) == 366
    assert desk.ask(MIDNIGHT - 300 * DAY, MIDNIGHT, 300).width == DAY


def test_backfill_replaces_polled_buckets(desk: HistoryFixture) -> None:
    desk.line(MIDNIGHT, [5] * 60)
    desk.history.backfill(past(Resolution.HOUR, MIDNIGHT, [50]))
    (hour,) = desk.buckets(MIDNIGHT, MIDNIGHT + HOUR, HOUR)
    assert (hour.high, hour.samples) == (50, 4)
    (day,) = desk.buckets(MIDNIGHT, MIDNIGHT + HOUR, DAY)
    assert (day.high, day.samples) == (5, 60)


def test_backfill_installed_changes_at_the_finest_resolution(desk: HistoryFixture) -> None:
    hours = [
        *past(Resolution.HOUR, MIDNIGHT, [9] * 12, installed=100),
        *past(Resolution.HOUR, MIDNIGHT + 12 * HOUR, [9] * 12, installed=200),
    ]
    desk.history.backfill([*past(Resolution.DAY, MIDNIGHT, [9], installed=100), *hours])
    desk.clock._now = MIDNIGHT + DAY
    found = desk.buckets(MIDNIGHT, MIDNIGHT + DAY, HOUR)
    assert [one.installed for one in found] == [100] * 12 + [200] * 12


def test_year_sum_uses_hours_where_stored_and_days_before(
    desk: HistoryFixture,
) -> None:
    rows = year()
    twin = [BackfillRow("lic-02", row.key, row.model, row.resolution, row.bucket) for row in rows]
    desk.history.backfill([*rows, *twin])
    found = desk.buckets(MIDNIGHT - 365 * DAY, MIDNIGHT, DAY, "lic-01", "lic-02")
    assert len(found) == 365
    assert [one.high for one in found[:355]] == [2 * (100 + day) for day in range(355)]
    assert [one.high for one in found[355:]] == [2 * (25 + day * 24) for day in range(10)]
