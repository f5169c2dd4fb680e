"""The days of a pool that have a figure in every five minutes: found without unpacking them.

A block of five-minute tallies begins with the places of its buckets. Where those are never so far
apart that a poll can have been missed, readings hold through all of the day. Owns that look. A day
that is not found whole may yet be, as one on which the interval changed: whoever needs to know
reads it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from lictui.analysis.series import Resolution
from lictui.history import blocks
from lictui.history.hold import IN_TIME
from lictui.history.pack import places

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from lictui.history.pools import KnownPool, Terms

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
    db: sqlite3.Connection, pool: KnownPool, terms: Sequence[Terms], within: tuple[int, int]
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


def _step(terms: Sequence[Terms], day: int) -> int:
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
