"""Where and when people work: time zones, weekends, holidays, the slack weeks of a year.

Owns the calendar of the simulated company. Must not know licenses. Days are counted from
1970-01-01 in the region's own time; quarters are the quarter hours of a day, 0 to 95.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from math import exp
from typing import Final

QUARTER: Final = 900  # seconds
QUARTERS: Final = 96  # of a day
DAY: Final = 86400  # seconds
_EPOCH: Final = date(1970, 1, 1)
_SATURDAY: Final = 5
_BUSY: Final = (0.96, 1.0, 1.0, 0.98, 0.88, 1.0, 0.85)  # Monday to Sunday


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the company with one clock and one calendar."""

    name: str
    hours: float  # ahead of UTC, all year: a demo need not change its clocks
    holidays: tuple[tuple[int, int], ...]  # month and day

    def day(self, at: float) -> int:
        """The day that `at`, in UTC epoch seconds, falls on here."""
        return int((at + self.hours * 3600) // DAY)


EMEA: Final = Region("emea", 1, ((1, 1), (5, 1), (12, 25), (12, 26)))
US: Final = Region("us", -5, ((1, 1), (7, 4), (11, 11), (12, 25)))
APAC: Final = Region("apac", 8, ((1, 1), (2, 17), (5, 1), (10, 1)))


def as_date(day: int) -> date:
    """The date of a day."""
    return _EPOCH + timedelta(days=day)


@lru_cache(maxsize=2048)
def works(region: Region, day: int) -> bool:
    """Whether `day` is a working day."""
    on = as_date(day)
    return on.weekday() < _SATURDAY and (on.month, on.day) not in region.holidays


def working_day(region: Region, day: int) -> int:
    """`day`, or the last working day before it."""
    while not works(region, day):
        day -= 1
    return day


@lru_cache(maxsize=2048)
def busyness(day: int) -> float:
    """How much of a full house to expect on a day of its kind, around 1."""
    on = as_date(day)
    of_year = on.timetuple().tm_yday
    new_year = min(abs(of_year - 362), of_year + 3)  # days from 28 December
    summer = 0.13 * exp(-(((of_year - 222) / 20) ** 2))
    return _BUSY[on.weekday()] * (1 - summer - 0.45 * exp(-((new_year / 6) ** 2)))
