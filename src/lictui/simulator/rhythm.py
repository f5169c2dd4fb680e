"""The three lives a license can lead: with people's working hours, with assignments, with machines.

Owns what a day looks like. Pure functions of a seed and a day. Must not know license servers.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from random import Random
from typing import TYPE_CHECKING, Final

from lictui.simulator.region import QUARTERS, busyness, works

if TYPE_CHECKING:
    from lictui.simulator.region import Region

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


class Hours:
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
class Office:
    """Concurrent licenses: taken at log-on, returned at log-off."""

    region: Region
    hours: Hours
    noise: Noise
    phase: int
    today: int  # the day that `peak` is meant for
    peak: float  # on a usual Tuesday
    growth: float  # a year, as a share
    surges: tuple[tuple[int, float], ...] = ()  # day, and the peak it brings

    def quarters(self, day: int) -> list[int]:
        """In use over one day."""
        noise = self.noise.day(day, self.phase)
        if not works(self.region, day):
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
        return self.peak * (1 + self.growth * (day - self.today) / _YEAR) * busyness(day)


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
class Assigned:
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
        while not works(self.region, day):  # nobody new on a day off
            day -= 1
        drift = self.noise.slow(day, self.phase, 40) - self.noise.slow(self.today, self.phase, 40)
        people = self.people * (1 + self.growth * (day - self.today) / _YEAR + 0.015 * drift)
        return int(people + 0.5) + sum(project.assigned(day) for project in self.projects)


_ARRIVALS: Final = [min(1.0, 1.05 * _step(quarter / 4, 9.5, 0.9)) for quarter in range(QUARTERS)]


@dataclass(frozen=True, slots=True)
class Machines:
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
