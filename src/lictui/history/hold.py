"""How long a reading holds: to the next poll, or half an interval longer than that should take.

Owns the terms that go with a bucket, and the buckets that a slow server leaves empty. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lictui.history.pools import Terms
from lictui.history.rollup import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LATE: Final = 1.5  # intervals that a reading holds when no other follows
UNKNOWN: Final = Terms(0, None, None, 0.0)


class Timeline:
    """The terms of a pool, asked for times that never go back."""

    def __init__(self, terms: Sequence[Terms]) -> None:
        self._terms = terms or (UNKNOWN,)
        self._index = 0

    def before(self, edge: int) -> Terms:
        """The terms that held last before `edge`; the first ones before all of them."""
        while self._index + 1 < len(self._terms) and self._terms[self._index + 1].at < edge:
            self._index += 1
        return self._terms[self._index]


def reach(terms: Sequence[Terms], width: int) -> int:
    """Seconds before a stretch of time in which a reading may hold into it, in whole buckets."""
    return int(max((each.every for each in terms), default=0) * _LATE) // width * width


def held(
    tallies: Sequence[Tally], terms: Sequence[Terms], width: int, end: int
) -> Iterator[tuple[Tally, Terms]]:
    """Every bucket with the terms at its end; those that a reading holds through have `n` = 0.

    No bucket that begins at `end` or later is made up.
    """
    timeline = Timeline(terms)
    for index, each in enumerate(tallies):
        stop = each.start + width
        now = timeline.before(stop)
        yield each, now
        until = each.start + now.every * _LATE
        if until <= stop:
            continue
        following = tallies[index + 1].start if index + 1 < len(tallies) else end
        last = each.last
        for start in range(stop, min(following, int(until)), width):
            now = timeline.before(start + width)
            if not now.every:
                break
            yield Tally(start, last, 0, last, start, last, 0), now
