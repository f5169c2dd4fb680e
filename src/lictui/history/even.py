"""The sum of pools that have a figure in every bucket of a block, without unpacking one of them.

A block holds differences, and the sum of differences is the difference of sums: so that columns
are added as they are kept, and made into buckets once. Owns that shortcut, and when it may be
taken. Must not know what becomes of pools that it leaves out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate, repeat
from operator import add, truediv
from typing import TYPE_CHECKING

from lictui.analysis.series import Bucket
from lictui.history import blocks
from lictui.history.hold import Timeline
from lictui.history.pack import columns

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from lictui.analysis.series import Resolution
    from lictui.history.pools import KnownPool, Terms


@dataclass(slots=True)
class Even:
    """What was added up so far of one block."""

    width: Resolution
    base: int  # where the block begins
    pools: int = 0
    _sums: list[list[int]] = field(default_factory=list)  # low's steps, high - low, last - low, n
    _averages: list[float] = field(default_factory=list)  # less low
    _moments: list[int] = field(default_factory=list)  # of the latest peak, less start
    _installed: int | None = 0
    _overdraft: int | None = None

    @property
    def end(self) -> int:
        """Where the block ends."""
        return self.base + blocks.span(self.width)

    def take(self, db: sqlite3.Connection, pool: KnownPool, terms: Sequence[Terms]) -> bool:
        """Add a pool if all the block is filled, and one thing holds of it throughout."""
        there = pool.since <= self.base and (pool.ended is None or pool.ended >= self.end)
        if not there or pool.rolled < self.end or len(terms) == 0:
            return False
        timeline = Timeline(terms)
        held = timeline.before(self.base + self.width)
        if timeline.before(self.end) is not held:
            return False
        body = blocks.body(db, pool.id, self.width, self.base)
        found = columns(body) if body else None
        if found is None or found[0] != _EVERY_ONE:
            return False
        _, *rest = found
        self._add(rest)
        self.pools += 1
        self._installed = _plus(self._installed, held.installed)
        if held.overdraft is not None:
            self._overdraft = (self._overdraft or 0) + held.overdraft
        return True

    def _add(self, found: list[list[int]]) -> None:
        low, high, high_at, last, total, n = found
        averages = list(map(truediv, total, n))
        sums = [low, high, last, n]
        if not self.pools:
            self._sums, self._averages, self._moments = sums, averages, high_at
            return
        pairs = zip(self._sums, sums, strict=True)
        self._sums = [list(map(add, mine, its)) for mine, its in pairs]
        self._averages = list(map(add, self._averages, averages))
        self._moments = list(map(max, self._moments, high_at))

    def buckets(self, start: int, stop: int) -> list[Bucket]:
        """The sum of those that were taken, in the buckets that begin in [start, stop)."""
        if not self.pools:
            return []
        steps, high, last, n = self._sums
        low = list(accumulate(steps))
        starts = range(self.base, self.end, self.width)
        rows = zip(
            starts,
            range(self.base + self.width, self.end + self.width, self.width),
            low,
            map(add, low, self._averages),
            map(add, low, high),
            map(add, starts, self._moments),
            map(add, low, last),
            repeat(self._installed, len(starts)),
            repeat(self._overdraft, len(starts)),
            n,
            strict=True,
        )
        return [each for each in map(Bucket._make, rows) if start <= each.start < stop]


_EVERY_ONE = [0, *repeat(1, blocks.BUCKETS - 1)]


def _plus(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other
