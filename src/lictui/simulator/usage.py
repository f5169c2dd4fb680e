"""Simulated usage over time: time zones and calendars, usage curves, and daily usage profiles.

A profile gives the usage at every quarter hour of a day; values between are interpolated, so that
the current figure and a year of history agree. Times are UTC epoch seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from math import exp
from random import Random
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


# Regions: time zones, weekends, holidays, quiet weeks of a year


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
def is_working_day(region: Region, day: int) -> bool:
    """Whether `day` is a working day."""
    on = as_date(day)
    return on.weekday() < _SATURDAY and (on.month, on.day) not in region.holidays


def last_working_day(region: Region, day: int) -> int:
    """`day`, or the last working day before it."""
    while not is_working_day(region, day):
        day -= 1
    return day


@lru_cache(maxsize=2048)
def day_factor(day: int) -> float:
    """How much of a full house to expect on a day of its kind, around 1."""
    on = as_date(day)
    of_year = on.timetuple().tm_yday
    new_year = min(abs(of_year - 362), of_year + 3)  # days from 28 December
    summer = 0.13 * exp(-(((of_year - 222) / 20) ** 2))
    return _BUSY[on.weekday()] * (1 - summer - 0.45 * exp(-((new_year / 6) ** 2)))


_REMEMBERED: Final = 2  # days: a moment between midnight's two quarters needs both


class UsageProfile(Protocol):
    """What a day of one kind of license looks like."""

    def quarters(self, day: int) -> Sequence[int]:
        """In use at the 96 quarter hours of a local day."""
        ...


class UsageCurve:
    """A rhythm laid along the time axis of its time zone."""

    __slots__ = ("_days", "_rhythm", "_shift")

    def __init__(self, rhythm: UsageProfile, hours: float) -> None:
        self._rhythm = rhythm
        self._shift = round(hours * 3600 / QUARTER)
        self._days: dict[int, Sequence[int]] = {}

    def value_at(self, moment: float) -> int:
        """In use at `moment`."""
        quarter, rest = divmod(moment, QUARTER)
        before, after = self._point(int(quarter)), self._point(int(quarter) + 1)
        return before + round((after - before) * rest / QUARTER)

    def quarter_values(self, first: int, last: int) -> list[int]:
        """In use at the quarter hours `first` to before `last`, counted from the epoch."""
        points: list[int] = []
        start, end = first + self._shift, last + self._shift
        for day in range(start // QUARTERS, -(-end // QUARTERS)):
            at = day * QUARTERS
            points += self._rhythm.quarters(day)[max(0, start - at) : max(0, end - at)]
        return points

    def five_minute_values(self, first: int, last: int) -> list[int]:
        """The same quarter hours in three steps each, of five minutes."""
        points: list[int] = []
        for before, after in pairwise(self.quarter_values(first, last + 1)):
            rise = after - before
            points += (before, before + round(rise / 3), before + round(rise * 2 / 3))
        return points

    def _point(self, quarter: int) -> int:
        day, of_day = divmod(quarter + self._shift, QUARTERS)
        # Replaced, not changed: the loop that serves and the thread that reads may both be here.
        if (points := self._days.get(day)) is None:
            points = self._rhythm.quarters(day)
            kept = list(self._days.items())[1 - _REMEMBERED :]
            self._days = {**dict(kept), day: points}
        return points[of_day]


class StepCurve(UsageCurve):
    """The same, but each figure applies until the next: it is reported now and then, not read."""

    __slots__ = ()

    def value_at(self, moment: float) -> int:
        """In use as last reported before `moment`."""
        return self._point(int(moment // QUARTER))

    def five_minute_values(self, first: int, last: int) -> list[int]:
        """Each quarter hour three times."""
        return [point for point in self.quarter_values(first, last) for _ in range(3)]


# Usage profiles: office hours, assignments, machines


_YEAR: Final = 365.0
_TABLE: Final = 4096  # points of noise: 42 days of quarters, so that no two weeks repeat


class Noise:
    """Smooth noise between -1 and 1, the same for the same seed."""

    def __init__(self, seed: int | str) -> None:
        random = Random(f"noise/{seed}")  # noqa: S311 - a simulation, not a secret
        coarse = [random.uniform(-1, 1) for _ in range(_TABLE // 8)]
        fine = [random.uniform(-0.3, 0.3) for _ in range(_TABLE // 2)]
        smooth = [0.75 * _between(coarse, at / 8) + _between(fine, at / 2) for at in range(_TABLE)]
        self._table = smooth + smooth[: QUARTERS + 1]

    def day(self, day: int, phase: int) -> list[float]:
        """Noise for the quarters of a day; different phases differ."""
        at = (day * QUARTERS + phase) % _TABLE
        return self._table[at : at + QUARTERS]

    def slow(self, day: float, phase: int, days: float) -> float:
        """Noise that takes about `days` to turn."""
        return _between(self._table, (day / days * 8 + phase) % _TABLE)


def _between(table: list[float], at: float) -> float:
    whole = int(at)
    first, second = table[whole % len(table)], table[(whole + 1) % len(table)]
    return first + (second - first) * (at - whole)


def _step(hour: float, middle: float, width: float) -> float:
    return 1 / (1 + exp((middle - hour) / width))


class OfficeHours:
    """The working hours of one crowd: how full its house is at each quarter, 1 at the most."""

    def __init__(self, random: Random) -> None:
        self.usual = _hours(random)
        # A second, slightly different day: every day is its own mixture of the two.
        self.change = [
            other - usual for other, usual in zip(_hours(random), self.usual, strict=True)
        ]
        share = random.uniform(0.05, 0.14)
        self.weekend = [
            0.02 + share * exp(-(((quarter / 4 - 13) / 4) ** 2)) for quarter in range(QUARTERS)
        ]


def _hours(random: Random) -> list[float]:
    arrive, leave = random.uniform(7.8, 9.0), random.uniform(16.6, 18.2)
    lunch, dip = random.uniform(11.9, 13.1), random.uniform(0.06, 0.2)
    tilt, evening = random.uniform(-0.012, 0.012), random.uniform(0.02, 0.09)
    night = random.uniform(0.008, 0.035)
    day = []
    for quarter in range(QUARTERS):
        hour = quarter / 4
        house = _step(hour, arrive, random.uniform(0.42, 0.46)) * _step(leave, hour, 0.6)
        house *= (1 - dip * exp(-(((hour - lunch) / 0.6) ** 2))) * (1 + tilt * (hour - 13))
        late = evening * exp(-(((hour - 20.5) / 1.6) ** 2))
        day.append(night + (1 - night) * house + late)
    fullest = max(day)
    return [each / fullest for each in day]


@dataclass(frozen=True, slots=True)
class OfficeUsage:
    """Concurrent licenses: taken at log-on, returned at log-off."""

    region: Region
    hours: OfficeHours
    noise: Noise
    phase: int
    today: int  # the day that `peak` is meant for
    peak: float  # on a usual Tuesday
    growth: float  # a year, as a share
    surges: tuple[tuple[int, float], ...] = ()  # day, and the peak it brings

    def quarters(self, day: int) -> list[int]:
        """In use over one day."""
        noise = self.noise.day(day, self.phase)
        if not is_working_day(self.region, day):
            level = self._usual(day)
            return [
                int(level * hour * (1 + 0.1 * n) + 0.5)
                for hour, n in zip(self.hours.weekend, noise, strict=True)
            ]
        surge = next((peak for on, peak in self.surges if on == day), None)
        level = surge or self._usual(day) * (1 + 0.035 * self.noise.slow(day, self.phase, 3))
        mix = 0.5 + 0.5 * self.noise.slow(day, self.phase + 1000, 4)
        return [
            int(level * (hour + mix * change) * (1 + 0.02 * n) + 0.5)
            for hour, change, n in zip(self.hours.usual, self.hours.change, noise, strict=True)
        ]

    def _usual(self, day: int) -> float:
        return self.peak * (1 + self.growth * (day - self.today) / _YEAR) * day_factor(day)


@dataclass(frozen=True, slots=True)
class Project:
    """People who came for a while: assigned over ten days, released 90 days after they left."""

    first: int  # day
    people: int
    days: int  # from the first day to the last connection

    def assigned(self, day: int) -> int:
        """How many of them hold a license at the end of `day`."""
        if day < self.first:
            return 0
        released = self.first + self.days + 90  # docs.citrix.com, license-types: 90 days
        if day >= released + 3:
            return 0
        left = self.people * (day - released + 1) // 3 if day >= released else 0
        return self.people * min(day - self.first + 1, 10) // 10 - left


@dataclass(frozen=True, slots=True)
class AssignedUsage:
    """User/device licenses: assigned at a first log-on, released by night, 90 days after the last.

    A day can only rise; what falls has fallen by its first quarter.
    """

    region: Region
    noise: Noise
    phase: int
    today: int  # the day that `people` is meant for, projects apart
    people: float
    growth: float  # a year, as a share
    projects: tuple[Project, ...] = ()

    def quarters(self, day: int) -> list[int]:
        """Assigned over one day."""
        before, after = self._end_of(day - 1), self._end_of(day)
        if after <= before:
            return [after] * QUARTERS
        return [before + int((after - before) * share) for share in _ARRIVALS]

    def _end_of(self, day: int) -> int:
        while not is_working_day(self.region, day):  # nobody new on a day off
            day -= 1
        drift = self.noise.slow(day, self.phase, 40) - self.noise.slow(self.today, self.phase, 40)
        people = self.people * (1 + self.growth * (day - self.today) / _YEAR + 0.015 * drift)
        return int(people + 0.5) + sum(project.assigned(day) for project in self.projects)


_ARRIVALS: Final = [min(1.0, 1.05 * _step(quarter / 4, 9.5, 0.9)) for quarter in range(QUARTERS)]


@dataclass(frozen=True, slots=True)
class MachineUsage:
    """Licenses that machines hold day and night, but for one maintenance window a week."""

    noise: Noise
    phase: int
    today: int  # the day that `count` is meant for
    count: float
    growth: float  # a year, as a share
    window: int = 6  # weekday, Monday = 0
    steps: tuple[tuple[int, int], ...] = ()  # day, and how many machines were added on it

    def quarters(self, day: int) -> list[int]:
        """Held over one day."""
        level = self.count * (1 + self.growth * (day - self.today) / _YEAR)
        level -= sum(added for on, added in self.steps if on > day)
        wobble = 0.006 * self.count
        held = [int(level - wobble * abs(n) + 0.5) for n in self.noise.day(day, self.phase)]
        if (day + 3) % 7 == self.window:  # day 0 was a Thursday
            for quarter, share in ((8, 0.9), (9, 0.7), (10, 0.55), (11, 0.6), (12, 0.8)):
                held[quarter] = int(held[quarter] * share)
        return held
