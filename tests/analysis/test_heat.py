"""Hours fold into the weekdays and hours that people there lived through."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from lictui.analysis.series import Bucket
from lictui.analysis.usage import heat_matrix

BERLIN = ZoneInfo("Europe/Berlin")


def bucket(text: str, high: float, length: int = 3600) -> Bucket:
    start = int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    return Bucket(start, start + length, 0, high, high, start, high, None, None, 1)


def test_nothing_is_a_map_of_nothing() -> None:
    found = heat_matrix((), BERLIN)
    assert found.weeks == 0
    assert {cell for row in found.average for cell in row} == {None}
    assert [len(row) for row in found.peak] == [24] * 7


def test_an_hour_stands_at_its_local_place() -> None:
    found = heat_matrix([bucket("2026-11-24T08:00", 40)], BERLIN)  # a Tuesday, 9:00 in Berlin
    assert found.average[1][9] == 40
    assert found.average[1][8] is None


def test_weeks_are_averaged_and_the_highest_is_kept() -> None:
    found = heat_matrix([bucket("2026-11-17T08:00", 40), bucket("2026-11-24T08:00", 60)], BERLIN)
    assert (found.average[1][9], found.peak[1][9], found.weeks) == (50, 60, 2)


def test_five_minutes_of_one_hour_are_one_hour() -> None:
    found = heat_matrix(
        [bucket("2026-11-24T08:00", 40, 300), bucket("2026-11-24T08:05", 60, 300)], BERLIN
    )
    assert (found.average[1][9], found.weeks) == (60, 1)


def test_summer_and_winter_share_the_same_working_hour() -> None:
    found = heat_matrix([bucket("2026-10-20T07:00", 30), bucket("2026-10-27T08:00", 50)], BERLIN)
    assert found.average[1][9] == 40
