"""What days come to of which nothing is missing: the highest figure of each, and its average.

Owns the summing of such days over pools, and which of them are whole for all. Must not know what
is made of the others. Days are those of UTC, by their first moment in epoch seconds.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lictui.analysis.series import Resolution
from lictui.history import pools
from lictui.history.alone import buckets
from lictui.history.whole import whole_days

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from lictui.history.pools import KnownPool

_DAY: Final = int(Resolution.DAY)
Facts = dict[int, tuple[float, float]]  # day -> at most so much in use at one moment, average


@dataclass(frozen=True, slots=True)
class Member:
    """One of those that are summed: from when until when it counts, and its days."""

    since: int
    until: int | None  # None: still
    facts: Mapping[int, tuple[float, float]]

    def counts(self, day: int) -> bool:
        """Whether it counts from the beginning to the end of a day."""
        return self.since <= day and (self.until is None or self.until >= day + _DAY)


def facts(db: sqlite3.Connection, pool: KnownPool, within: tuple[int, int], now: int) -> Facts:
    """The days of one pool that begin within and have every figure; its maxima are exact."""
    terms = pools.terms(db, pool.id)
    whole = whole_days(db, pool, terms, within)
    found = buckets(db, pool, terms, _DAY, within, now) if whole else []
    return {day.start: (day.high, day.average) for day in found if day.start in whole}


def summed(members: Sequence[Member]) -> Facts:
    """The days that are whole for all who count then, and on which nobody comes or goes."""
    if len(members) == 1:
        one = members[0]
        return {day: found for day, found in one.facts.items() if one.counts(day)}
    many: dict[int, int] = {}
    highs: dict[int, float] = {}
    averages: dict[int, float] = {}
    for member in members:
        for day, (high, average) in member.facts.items():
            if member.counts(day):
                many[day] = many.get(day, 0) + 1
                highs[day] = highs.get(day, 0) + high
                averages[day] = averages.get(day, 0) + average
    began = sorted(member.since for member in members)
    ended = sorted(member.until for member in members if member.until is not None)
    return {
        day: (highs[day], averages[day])
        for day, there in many.items()
        if there
        == bisect_right(began, day) - bisect_left(ended, day + _DAY)
        == bisect_left(began, day + _DAY) - bisect_right(ended, day)
    }
