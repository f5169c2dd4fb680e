"""Simulated usage over time: time zones and calendars, usage curves, and daily usage profiles.

A profile gives the usage at every quarter hour of a day; values between are interpolated, so that
the current figure and a year of history agree. All is calculated in columns, because a year of a
company has millions of figures. Times are UTC epoch seconds.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from math import exp
from random import Random
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from msgspec import Struct

if TYPE_CHECKING:
    from lictui.analysis.columns import FloatArray, IntArray


# Regions: time zones, weekends, holidays, quiet weeks of a year


QUARTER: Final = 900  # seconds
QUARTERS: Final = 96  # of a day
DAY: Final = 86400  # seconds
_EPOCH: Final = date(1970, 1, 1)
_SATURDAY: Final = 5
_BUSY: Final = (0.96, 1.0, 1.0, 0.98, 0.88, 1.0, 0.85)  # Monday to Sunday


class Region(Struct, frozen=True):
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
FIVES: Final = 3  # five minutes in a quarter hour


class UsageProfile(Protocol):
    """What the days of one kind of license look like."""

    def days(self, first: int, last: int) -> IntArray:
        """In use at the 96 quarter hours of each local day from `first` to before `last`."""
        ...


class UsageCurve:
    """A profile laid along the time axis of its time zone."""

    def __init__(self, profile: UsageProfile, hours: float) -> None:
        self._profile = profile
        self._shift = round(hours * 3600 / QUARTER)
        self._days: dict[int, list[int]] = {}

    def value_at(self, moment: float) -> int:
        """In use at `moment`."""
        quarter, rest = divmod(moment, QUARTER)
        before, after = self._point(int(quarter)), self._point(int(quarter) + 1)
        return before + round((after - before) * rest / QUARTER)

    def quarter_values(self, first: int, last: int) -> IntArray:
        """In use at the quarter hours `first` to before `last`, counted from the epoch."""
        start, end = first + self._shift, last + self._shift
        day = start // QUARTERS
        points = self._profile.days(day, -(-end // QUARTERS)).ravel()
        return points[start - day * QUARTERS : end - day * QUARTERS]

    def five_minute_values(self, first: int, last: int) -> IntArray:
        """The same quarter hours in three steps each, of five minutes."""
        points = self.quarter_values(first, last + 1)
        steps = np.rint(np.diff(points)[:, None] * np.arange(FIVES) / FIVES)
        return (points[:-1, None] + steps.astype(np.int64)).ravel()

    def _point(self, quarter: int) -> int:
        day, of_day = divmod(quarter + self._shift, QUARTERS)
        # Replaced, not changed: the loop that serves and the thread that reads may both be here.
        if (points := self._days.get(day)) is None:
            points = self._profile.days(day, day + 1)[0].tolist()
            kept = list(self._days.items())[1 - _REMEMBERED :]
            self._days = {**dict(kept), day: points}
        return points[of_day]


class StepCurve(UsageCurve):
    """The same, but each figure applies until the next: it is reported now and then, not read."""

    def value_at(self, moment: float) -> int:
        """In use as last reported before `moment`."""
        return self._point(int(moment // QUARTER))

    def five_minute_values(self, first: int, last: int) -> IntArray:
        """Each quarter hour three times."""
        return np.repeat(self.quarter_values(first, last), FIVES)


# Usage profiles: office hours, assignments, machines


_YEAR: Final = 365.0
_TABLE: Final = 4096  # points of noise: 42 days of quarters, so that no two weeks repeat


class Noise:
    """Smooth noise between -1 and 1, the same for the same seed."""

    def __init__(self, seed: int | str) -> None:
        random = Random(f"noise/{seed}")  # noqa: S311 - a simulation, not a secret
        coarse = np.array([random.uniform(-1, 1) for _ in range(_TABLE // 8)])
        fine = np.array([random.uniform(-0.3, 0.3) for _ in range(_TABLE // 2)])
        at = np.arange(_TABLE)
        self._table = 0.75 * _between(coarse, at / 8) + _between(fine, at / 2)

    def quarters(self, days: IntArray, phase: int) -> FloatArray:
        """Noise for the quarters of each day; different phases differ."""
        points: FloatArray = self._table[
            (days[:, None] * QUARTERS + phase + np.arange(QUARTERS)) % _TABLE
        ]
        return points

    def slow(self, days: IntArray, phase: int, turn: float) -> FloatArray:
        """Noise for each day that takes about `turn` days to turn."""
        return _between(self._table, (days / turn * 8 + phase) % _TABLE)


def _between(table: FloatArray, at: FloatArray) -> FloatArray:
    whole = at.astype(np.int64)
    first, second = table[whole % len(table)], table[(whole + 1) % len(table)]
    points: FloatArray = first + (second - first) * (at - whole)
    return points


def _whole(usage: FloatArray) -> IntArray:
    return (usage + 0.5).astype(np.int64)


def _step(hour: float, middle: float, width: float) -> float:
    return 1 / (1 + exp((middle - hour) / width))


class OfficeHours:
    """The working hours of one crowd: how full its house is at each quarter, 1 at the most."""

    def __init__(self, random: Random) -> None:
        self.usual = _hours(random)
        # A second, slightly different day: every day is its own mixture of the two.
        self.change = _hours(random) - self.usual
        share = random.uniform(0.05, 0.14)
        hours = np.arange(QUARTERS) / 4
        self.weekend = 0.02 + share * np.exp(-(((hours - 13) / 4) ** 2))


def _hours(random: Random) -> FloatArray:
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
    return np.array(day) / max(day)


class ConstantUsage(Struct, frozen=True):
    """Licenses of which always the same number is in use."""

    count: int

    def days(self, first: int, last: int) -> IntArray:
        """The same at any time."""
        return np.full((last - first, QUARTERS), self.count)


class OfficeUsage(Struct, frozen=True):
    """Concurrent licenses: taken at log-on, returned at log-off."""

    region: Region
    hours: OfficeHours
    noise: Noise
    phase: int
    today: int  # the day that `peak` is meant for
    peak: float  # on a usual Tuesday
    growth: float  # a year, as a share
    surges: tuple[tuple[int, float], ...] = ()  # day, and the peak it brings

    def days(self, first: int, last: int) -> IntArray:
        """In use over each day."""
        days = np.arange(first, last)
        noise = self.noise.quarters(days, self.phase)
        factor = np.array([day_factor(day) for day in days.tolist()])
        usual = self.peak * (1 + self.growth * (days - self.today) / _YEAR) * factor
        level = usual * (1 + 0.035 * self.noise.slow(days, self.phase, 3))
        for day, peak in self.surges:
            level[days == day] = peak
        mix = 0.5 + 0.5 * self.noise.slow(days, self.phase + 1000, 4)
        house = self.hours.usual + mix[:, None] * self.hours.change
        busy = level[:, None] * house * (1 + 0.02 * noise)
        quiet = usual[:, None] * self.hours.weekend * (1 + 0.1 * noise)
        works = np.array([is_working_day(self.region, day) for day in days.tolist()])
        return _whole(np.where(works[:, None], busy, quiet))


class Project(Struct, frozen=True):
    """People who came for a while: assigned over ten days, released 90 days after they left."""

    first: int  # day
    people: int
    days: int  # from the first day to the last connection

    def assigned(self, days: IntArray) -> IntArray:
        """How many of them hold a license at the end of each day."""
        released = self.first + self.days + 90  # docs.citrix.com, license-types: 90 days
        came = self.people * np.clip(days - self.first + 1, 0, 10) // 10
        left = self.people * np.clip(days - released + 1, 0, 3) // 3
        held: IntArray = came - left
        return held


class AssignedUsage(Struct, frozen=True):
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

    def days(self, first: int, last: int) -> IntArray:
        """Assigned over each day."""
        ends = self._at_end_of(np.arange(first - 1, last))[:, None]
        before, after = ends[:-1], ends[1:]
        rise = np.maximum(after - before, 0) * _ARRIVALS
        assigned: IntArray = np.minimum(before, after) + rise.astype(np.int64)
        return assigned

    def _at_end_of(self, days: IntArray) -> IntArray:
        # Nobody new on a day off.
        days = np.array([last_working_day(self.region, day) for day in days.tolist()])
        slow = self.noise.slow(np.append(days, self.today), self.phase, 40)
        drift = slow[:-1] - slow[-1]
        people = self.people * (1 + self.growth * (days - self.today) / _YEAR + 0.015 * drift)
        assigned = _whole(people)
        for project in self.projects:
            assigned += project.assigned(days)
        return assigned


_ARRIVALS: Final = np.array(
    [min(1.0, 1.05 * _step(quarter / 4, 9.5, 0.9)) for quarter in range(QUARTERS)]
)
_ADDED_AGO: Final = 5  # days
_MAINTENANCE: Final = ((8, 0.9), (9, 0.7), (10, 0.55), (11, 0.6), (12, 0.8))  # quarter, share


class MachineUsage(Struct, frozen=True):
    """Licenses that machines hold day and night, but for one maintenance window a week."""

    noise: Noise
    phase: int
    today: int  # the day that `count` is meant for
    count: float
    growth: float  # a year, as a share
    window: int  # weekday, Monday = 0
    added: int  # of `count`, five days ago

    def days(self, first: int, last: int) -> IntArray:
        """Held over each day."""
        days = np.arange(first, last)
        level = self.count * (1 + self.growth * (days - self.today) / _YEAR)
        level[days < self.today - _ADDED_AGO] -= self.added
        wobble = 0.006 * self.count * np.abs(self.noise.quarters(days, self.phase))
        held = _whole(level[:, None] - wobble)
        maintained = (days + 3) % 7 == self.window  # day 0 was a Thursday
        for quarter, share in _MAINTENANCE:
            held[maintained, quarter] = (held[maintained, quarter] * share).astype(np.int64)
        return held
