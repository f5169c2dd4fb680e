"""Bounds of a sum: the highest figures of many pools added up, with nothing else unpacked.

Owns what a block cannot exceed. A bucket without a reading is bounded by the one before, which a
reading holds through; so the bounds are those of stretches of which nothing is missing.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, repeat
from operator import add, attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from lictui.analysis.series import Resolution
from lictui.history import blocks, pools
from lictui.history.blocks import places, tops
from lictui.history.query import buckets
from lictui.history.rollup import IN_TIME

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from lictui.history.pools import Capacity, KnownPool


_ALL: Final = [0, *repeat(1, blocks.BUCKETS - 1)]
_UNBOUNDED: Final = float("inf")


def bounds(
    db: sqlite3.Connection, pools: Iterable[int], width: Resolution, base: int
) -> list[float]:
    """For every bucket of the block that begins at `base`: the sum cannot exceed it."""
    lows = highs = [0] * blocks.BUCKETS  # of pools that fill the block: steps, and high less low
    rest: list[float] = [0.0] * blocks.BUCKETS
    for pool in pools:
        body = blocks.body(db, pool, width, base)
        if body is None:
            return [_UNBOUNDED] * blocks.BUCKETS
        places, low, high = tops(body)
        if places == _ALL:
            lows = list(map(add, lows, low))
            highs = list(map(add, highs, high))
        else:
            rest = list(map(add, rest, _spread(places, map(add, accumulate(low), high))))
    return list(map(add, map(add, accumulate(lows), highs), rest))


def _spread(steps: list[int], highs: Iterable[int]) -> Iterator[float]:
    """A figure for every bucket: its own, or that of the last one before."""
    yield from repeat(_UNBOUNDED, steps[0])
    lengths = [*steps[1:], blocks.BUCKETS - sum(steps)]
    for high, length in zip(highs, lengths, strict=True):
        yield from repeat(high, length)


# The days of a pool that have a figure in every five minutes: found without unpacking them


_FIVE: Final = Resolution.FIVE_MINUTES
_DAY: Final = int(Resolution.DAY)
_NEVER: Final = 0  # buckets are at least one apart
_at = attrgetter("at")


class _Filled(NamedTuple):
    """Which buckets of a day have readings: the first, the last, and the widest step between."""

    first: int
    last: int
    step: int


def whole_days(
    db: sqlite3.Connection, pool: KnownPool, terms: Sequence[Capacity], within: tuple[int, int]
) -> set[int]:
    """The days of UTC that begin within, by their first moment, in which nothing is missing."""
    start, end = within
    filled = {
        base: _look(places(body))
        for base, body in blocks.bodies(db, pool.id, _FIVE, start - _DAY, end + _DAY)
    }
    silences = [each.at for each in terms if not each.every]
    found = set()
    for day, here in filled.items():
        before, after = filled.get(day - _DAY), filled.get(day + _DAY)
        if not (start <= day < end) or here is None:
            continue
        step = _step(terms, day)
        opened = here.first == 0 or (
            before is not None and here.first + blocks.BUCKETS - before.last <= step
        )
        closed = here.last == blocks.BUCKETS - 1 or (
            after is not None and after.first + blocks.BUCKETS - here.last <= step
        )
        since = day - (step + 1) * _FIVE
        heard = bisect_left(silences, since) == bisect_left(silences, day + _DAY)
        if opened and closed and heard and here.step <= step and day + _DAY <= pool.rolled:
            found.add(day)
    return found


def _step(terms: Sequence[Capacity], day: int) -> int:
    """How far apart buckets with readings can be at most while every reading holds to the next."""
    first = max(0, bisect_right(terms, day - _DAY, key=_at) - 1)
    last = bisect_left(terms, day + _DAY, key=_at)
    paces = {each.every for each in terms[first:last] if each.every}
    if len(paces) > 1:
        return _NEVER  # the mean of such a day's readings is not that of its time
    # Two readings whose buckets are `step` apart are less than `step + 1` buckets apart.
    return max(1, int((IN_TIME * max(paces, default=0.0) + 1) // _FIVE) - 1)


@lru_cache(maxsize=4096)
def _look(column: bytes) -> _Filled | None:
    """The column of steps from place to place, as it is kept."""
    steps = list(map(int, column.split(b",")))
    return _Filled(steps[0], sum(steps), max(steps[1:], default=0))


# What days come to of which nothing is missing: the highest figure of each, and its average


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
