"""A past that was not polled here: as it stands, once, and in line with what is polled after."""

from collections.abc import Iterator

from tests.history.history_fixture import DAY, HOUR, MIDNIGHT, PRODUCT, HistoryFixture

from lictui.analysis.series import BackfillRow, Bucket, Resolution
from lictui.model import Model, PoolKey


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


def test_backfill_stores_every_width_unchanged(fixture: HistoryFixture) -> None:
    fixture.history.backfill(year())
    days = fixture.buckets(MIDNIGHT - 365 * DAY, MIDNIGHT, DAY)
    assert [one.high for one in days] == [100 + day for day in range(365)]
    assert (days[0].low, days[0].average, days[0].last) == (98, 99.5, 99)
    assert (days[0].high_at, days[0].samples) == (days[0].start + 12 * HOUR, 4)
    assert (days[0].installed, days[0].overdraft) == (500, 50)
    assert len(fixture.buckets(MIDNIGHT - 10 * DAY, MIDNIGHT, HOUR)) == 240
    assert len(fixture.buckets(MIDNIGHT - 2 * DAY, MIDNIGHT, 300)) == 576
    assert [one.last for one in fixture.buckets(MIDNIGHT - HOUR, MIDNIGHT, 0)] == list(range(60))


def test_backfill_twice_changes_nothing(fixture: HistoryFixture) -> None:
    fixture.history.backfill(year())
    once = [fixture.export(width) for width in Resolution]
    fixture.history.backfill(year())
    assert [fixture.export(width) for width in Resolution] == once


def test_polls_continue_after_backfill(fixture: HistoryFixture) -> None:
    fixture.history.backfill(year())
    fixture.poll_series(MIDNIGHT, [7, 8, 9], every=900)
    fixture.compact_at(MIDNIGHT + DAY)
    today = fixture.buckets(MIDNIGHT - DAY, MIDNIGHT + DAY, DAY)
    assert [(one.high, one.samples) for one in today] == [(464, 4), (9, 3)]


def test_polls_of_a_backfilled_day_are_merged(fixture: HistoryFixture) -> None:
    noon = MIDNIGHT + 12 * HOUR
    (half,) = past(Resolution.DAY, MIDNIGHT, [100])
    fixture.history.backfill([half])
    fixture.poll_series(noon + HOUR, [120, 110], every=900)
    fixture.clock._now = noon + 2 * HOUR
    (today,) = fixture.buckets(MIDNIGHT, MIDNIGHT + DAY, DAY)
    assert (today.low, today.high, today.last, today.samples) == (98, 120, 110, 6)


def test_backfill_extends_a_polled_pool_backwards(fixture: HistoryFixture) -> None:
    fixture.poll_series(MIDNIGHT, [5, 6], every=900)
    fixture.history.backfill(year())
    assert fixture.history.stats().first_reading == MIDNIGHT - 365 * DAY
    assert len(fixture.export(Resolution.DAY)) == 366
    assert fixture.series(MIDNIGHT - 300 * DAY, MIDNIGHT, 300).seconds[0] == DAY


def test_backfill_replaces_polled_buckets(fixture: HistoryFixture) -> None:
    fixture.poll_series(MIDNIGHT, [5] * 60)
    fixture.history.backfill(past(Resolution.HOUR, MIDNIGHT, [50]))
    (hour,) = fixture.buckets(MIDNIGHT, MIDNIGHT + HOUR, HOUR)
    assert (hour.high, hour.samples) == (50, 4)
    (day,) = fixture.buckets(MIDNIGHT, MIDNIGHT + HOUR, DAY)
    assert (day.high, day.samples) == (5, 60)


def test_backfill_installed_changes_at_the_finest_resolution(fixture: HistoryFixture) -> None:
    hours = [
        *past(Resolution.HOUR, MIDNIGHT, [9] * 12, installed=100),
        *past(Resolution.HOUR, MIDNIGHT + 12 * HOUR, [9] * 12, installed=200),
    ]
    fixture.history.backfill([*past(Resolution.DAY, MIDNIGHT, [9], installed=100), *hours])
    fixture.clock._now = MIDNIGHT + DAY
    result = fixture.buckets(MIDNIGHT, MIDNIGHT + DAY, HOUR)
    assert [one.installed for one in result] == [100] * 12 + [200] * 12


def test_year_sum_uses_the_finest_figures_that_are_stored(
    fixture: HistoryFixture,
) -> None:
    rows = year()
    twin = [BackfillRow("lic-02", row.key, row.model, row.resolution, row.bucket) for row in rows]
    fixture.history.backfill([*rows, *twin])
    result = fixture.buckets(MIDNIGHT - 365 * DAY, MIDNIGHT, DAY, "lic-01", "lic-02")
    assert len(result) == 365
    assert [one.high for one in result[:355]] == [2 * (100 + day) for day in range(355)]
    assert [one.high for one in result[355:363]] == [2 * (25 + day * 24) for day in range(8)]
    assert [one.high for one in result[363:]] == [2 * (2 + 287), 2 * (2 + 575)]  # by five minutes
