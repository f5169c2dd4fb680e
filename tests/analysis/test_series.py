"""Days and months begin where the user is, daylight saving included."""

from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictui.analysis.series import (
    day_bounds,
    day_of,
    day_start,
)

BERLIN = ZoneInfo("Europe/Berlin")
KOLKATA = ZoneInfo("Asia/Kolkata")
BEIRUT = ZoneInfo("Asia/Beirut")  # goes to summer time at midnight
ZONES = (BERLIN, KOLKATA, BEIRUT, ZoneInfo("America/Los_Angeles"), ZoneInfo("UTC"))


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def test_day_of_clock_change_has_23_or_25_hours() -> None:
    spring = day_bounds(at("2026-03-29T00:00"), at("2026-03-29T20:00"), BERLIN)
    autumn = day_bounds(at("2026-10-25T00:00"), at("2026-10-25T20:00"), BERLIN)
    assert [b - a for a, b in pairwise(spring)] == [23 * 3600]
    assert [b - a for a, b in pairwise(autumn)] == [25 * 3600]


@pytest.mark.parametrize("day", [date.min, date.max])
def test_first_and_last_day_of_the_calendar_have_a_start(day: date) -> None:
    assert day_start(day, None) == day_start(day, UTC)


def test_day_with_skipped_midnight_starts_with_the_next_hour() -> None:
    assert day_start(date(2026, 3, 29), BEIRUT) == at("2026-03-28T22:00")


@given(st.integers(at("2000-01-01T00:00"), at("2037-12-31T00:00")), st.sampled_from(ZONES))
def test_any_time_lies_within_its_day_bounds(moment: int, zone: ZoneInfo) -> None:
    bounds = day_bounds(moment, moment + 1, zone)
    assert bounds[0] <= moment < bounds[-1]
    assert bounds == sorted(set(bounds))
    assert day_of(bounds[0], zone) == day_of(moment, zone)
