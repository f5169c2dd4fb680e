from contextlib import suppress
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lictui.date_input import parse_moment, parse_time_range
from lictui.errors import UsageError
from lictui.time_range import RangeLength

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 30, 10, 30, tzinfo=BERLIN).timestamp()  # a Monday
HOURS, DAY, WEEK, MONTH, YEAR = RangeLength


@pytest.mark.parametrize(
    ("text", "length", "start"),
    [
        ("2025-11-25", DAY, "2025-11-25"),
        ("25 Nov", DAY, "2026-11-25"),
        ("december 3, 2024", DAY, "2024-12-03"),
        ("3 Dec", DAY, "2025-12-03"),
        ("25.11.", DAY, "2026-11-25"),
        ("29 Feb", DAY, "2024-02-29"),
        ("tue", DAY, "2026-11-24"),
        ("last tuesday", DAY, "2026-11-24"),
        ("Monday", DAY, "2026-11-30"),
        ("last monday", DAY, "2026-11-23"),
        ("yesterday", DAY, "2026-11-29"),
        ("-7d", DAY, "2026-11-23"),
        ("3 days ago", DAY, "2026-11-27"),
        ("", DAY, "2026-11-30"),
        ("-52w", WEEK, "2025-12-01"),
        ("last week", WEEK, "2026-11-23"),
        ("2025-11", MONTH, "2025-11-01"),
        ("dec", MONTH, "2025-12-01"),
        ("-2mo", MONTH, "2026-09-01"),
        ("2 months ago", MONTH, "2026-09-01"),
        ("2025", YEAR, "2025-01-01"),
        ("a year ago", YEAR, "2025-01-01"),
        ("14:00", HOURS, "2026-11-29T12"),
        ("9am", HOURS, "2026-11-30T06"),
        ("tue afternoon", HOURS, "2026-11-24T12"),
        ("2025-11-25 23:59", HOURS, "2025-11-25T18"),
        ("-5h", HOURS, "2026-11-30T00"),
        ("90 min", HOURS, "2026-11-30T06"),
        ("90m", HOURS, "2026-11-30T06"),
        ("2025-11-25T14:00", HOURS, "2025-11-25T12"),
        ("2025-11-25T14:00+14:00", HOURS, "2025-11-25T00"),
    ],
)
def test_date_is_understood(text: str, length: RangeLength, start: str) -> None:
    chosen = parse_time_range(text, NOW, BERLIN)
    begins = datetime.fromisoformat(start).replace(tzinfo=BERLIN).timestamp()
    assert (chosen.length, chosen.period(NOW, BERLIN)[0]) == (length, begins)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("yesterday", "2026-11-29"),
        ("today", "2026-11-30"),
        ("last tuesday", "2026-11-24"),
        ("2025-11", "2025-11-01"),
        ("2100-01-01", "2100-01-01"),
        ("now", "2026-11-30T10:30"),
        ("7d", "2026-11-23T10:30"),
        ("6 hours ago", "2026-11-30T04:30"),
        ("30min", "2026-11-30T10:00"),
        ("tue 14:05", "2026-11-24T14:05"),
        ("2026-11-25T14:00", "2026-11-25T14:00"),
        ("2026-11-25T14:00Z", "2026-11-25T15:00"),
    ],
)
def test_moment_is_exact_or_the_start_of_a_period(text: str, moment: str) -> None:
    expected = datetime.fromisoformat(moment).replace(tzinfo=BERLIN).timestamp()
    assert parse_moment(text, NOW, BERLIN) == expected


@pytest.mark.parametrize(
    "text",
    ["tomorrow", "2027-01-01", "31 Nov", "today 23:00", "t", "0000-01-01", "9999-12-31", "%Y"],
)
def test_date_that_is_none_or_in_the_future_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_time_range(text, NOW, BERLIN)


@given(st.dates().map(str) | st.text(max_size=12))
@example("0001-01-01")
def test_any_text_is_a_time_or_refused(text: str) -> None:
    for zone in (BERLIN, None):
        with suppress(UsageError):
            assert parse_time_range(text, NOW, zone).period(NOW, zone)[0] <= NOW
