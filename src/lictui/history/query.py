"""A question about the past is answered: one pool from its widest exact tallies, more as a sum.

Owns the choice of the resolution: a long stretch by the hour has days where hours are not kept.
Must not know how readings are kept, nor how long one holds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate, groupby, repeat
from operator import add, truediv
from typing import TYPE_CHECKING, Final

from lictui.analysis.series import Bucket, Resolution, Series, SeriesQuery
from lictui.history import blocks, pools, readings
from lictui.history.blocks import columns, span
from lictui.history.rollup import CapacityTimeline, Rollup, coarsen, held, reach

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

    from lictui.history.pools import Capacity, KnownPool


# The buckets of one pool: its tallies, what a reading fills between them, and the terms then


_bucket = partial(tuple.__new__, Bucket)


def buckets(
    db: sqlite3.Connection,
    pool: KnownPool,
    terms: Sequence[Capacity],
    width: int,
    within: tuple[int, int],
    now: int,
    step: int = 0,
) -> list[Bucket]:
    """The buckets of `width` seconds that begin `within` [start, end), gaps left out.

    They are made from tallies of `step` seconds, or else of `width`.
    """
    start, end = within
    around = reach(terms, width)
    tallies = readings.tallies(db, pool, step or width, start - around, end + around)
    if step not in (0, width):
        tallies = coarsen(tallies, width)
    found: list[Bucket] = []
    for some, then in held(tallies, terms, width, within, now):
        found += _buckets(some, then, width)
    return found


def _buckets(tallies: Sequence[Rollup], terms: Capacity, width: int) -> Iterator[Bucket]:
    start, low, total, high, high_at, last, many = zip(*tallies, strict=True)
    columns = (
        start,
        [each + width for each in start],
        low,
        [whole / n if n else held for whole, n, held in zip(total, many, last, strict=True)],
        high,
        high_at,
        last,
        repeat(terms.installed),
        repeat(terms.overdraft),
        many,
    )
    return map(_bucket, zip(*columns, strict=False))  # what is repeated has no length


# The sum of pools that have a figure in every bucket of a block, without unpacking one of them


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

    def take(self, db: sqlite3.Connection, pool: KnownPool, terms: Sequence[Capacity]) -> bool:
        """Add a pool if all the block is filled, and one thing holds of it throughout."""
        there = pool.since <= self.base and (pool.ended is None or pool.ended >= self.end)
        if not there or pool.rolled < self.end or len(terms) == 0:
            return False
        timeline = CapacityTimeline(terms)
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


# The sum of several pools over time, aligned: what was in use of all of them at one moment


_LONG: Final = 62 * int(Resolution.DAY)  # seconds from which an hour is aligned by the hour


def summed(
    db: sqlite3.Connection, known: Sequence[KnownPool], question: SeriesQuery, now: int
) -> Series:
    """The series of the sum; no bucket that begins after `now` is made up."""
    align = _alignment(db, known, question)
    unit = Resolution.DAY if question.width >= Resolution.DAY else align
    width = -(-max(question.width, unit) // unit) * unit
    start = question.start // width * width
    stop = min(-(-question.end // width) * width, now + 1)
    seam = start
    if align is Resolution.HOUR:
        hours = max(readings.horizon(db, pool, align) for pool in known)
        seam = max(start, -(-hours // Resolution.DAY) * Resolution.DAY)
    found = [
        *_aligned(db, known, Resolution.DAY, start, min(seam, stop), now),
        *_aligned(db, known, align, seam, stop, now),
    ]
    return Series(tuple(_coarsened(found, width)), width)


def by_the_hour(question: SeriesQuery) -> bool:
    """Whether it is so long that hours are what it is made of, and days before there were any."""
    hours = Resolution.HOUR <= question.width < Resolution.DAY
    return hours and question.end - question.start > _LONG


def _alignment(
    db: sqlite3.Connection, known: Sequence[KnownPool], question: SeriesQuery
) -> Resolution:
    if question.width >= Resolution.DAY or by_the_hour(question):
        return Resolution.HOUR
    for width in (Resolution.FIVE_MINUTES, Resolution.HOUR):
        if all(readings.reaches(db, pool, width, question.start) for pool in known):
            return width
    return Resolution.DAY


def _aligned(
    db: sqlite3.Connection,
    known: Sequence[KnownPool],
    width: Resolution,
    start: int,
    stop: int,
    now: int,
) -> Iterator[Bucket]:
    """The sum in buckets of `width`, where every pool that counts then has a figure."""
    began = sorted(pool.since for pool in known)
    ended = sorted(pool.ended for pool in known if pool.ended is not None)
    terms = [pools.terms(db, pool.id) for pool in known]
    # A block at a time: a year of a thousand pools does not fit into the memory.
    for base in range(start // span(width) * span(width), stop, span(width)):
        within = max(start, base), min(base + span(width), stop)
        whole = Even(width, base)
        parts: dict[int, list[Bucket]] = defaultdict(list)
        for pool, each in zip(known, terms, strict=True):
            if whole.take(db, pool, each):
                continue
            last = stop if pool.ended is None else pool.ended - width
            for bucket in buckets(db, pool, each, width, within, now):
                if bucket.start <= last:
                    parts[bucket.start].append(bucket)
        many = {}
        for bucket in whole.buckets(*within):
            parts[bucket.start].append(bucket)
            many[bucket.start] = whole.pools - 1
        for at in sorted(parts):
            end = at + width
            there = len(parts[at]) + many.get(at, 0)
            if there == bisect_left(began, end) - bisect_left(ended, end):
                yield _sum(parts[at])


def _sum(parts: Sequence[Bucket]) -> Bucket:
    """Buckets of the same time as one."""
    if len(parts) == 1:
        return parts[0]
    (start, *_), (end, *_), *figures = zip(*parts, strict=True)
    lows, averages, highs, moments, lasts, installed, overdraft, samples = figures
    granted = [each for each in overdraft if each is not None]
    return Bucket(
        start,
        end,
        sum(lows),
        sum(averages),
        sum(highs),
        max(start, *moments),
        sum(lasts),
        None if None in installed else sum(installed),
        sum(granted) if granted else None,
        sum(samples),
    )


def _coarsened(found: Iterable[Bucket], width: int) -> Iterator[Bucket]:
    for start, group in groupby(found, lambda each: each.start // width * width):
        parts = list(group)
        peak = max(parts, key=lambda each: each.high)
        yield parts[-1]._replace(
            start=start,
            end=max(start + width, parts[-1].end),  # a day stays one where no hours are kept
            low=min(each.low for each in parts),
            average=sum(each.average for each in parts) / len(parts),
            high=peak.high,
            high_at=peak.high_at,
            samples=sum(each.samples for each in parts),
        )


def answer(db: sqlite3.Connection, question: SeriesQuery, now: float) -> Series:
    """The series asked for, as far as it is known up to `now`; within one reading transaction."""
    found = [pools.find(db, server, key) for server, key in dict.fromkeys(question.pools)]
    known = [pool for pool in found if pool]
    if not known:
        return Series((), question.width)
    if len(known) > 1 or by_the_hour(question):
        return summed(db, known, question, int(now))
    source = _source(db, known[0], question)
    if source is Resolution.RAW and question.width <= 0:
        return Series(tuple(_readings(db, known[0], question)), Resolution.RAW)
    return _alone(db, known[0], question, source, int(now))


def _source(db: sqlite3.Connection, pool: KnownPool, question: SeriesQuery) -> Resolution:
    """The widest stored resolution that gives the buckets asked for exactly, else the finest."""
    fits = [width for width in blocks.WIDTHS if question.width >= width]
    exact = [width for width in fits if question.width % width == 0]
    wanted = [*reversed(exact), *fits] or [Resolution.RAW]
    for width in (*wanted, *(each for each in blocks.WIDTHS if each > wanted[-1])):
        if width is Resolution.DAY or readings.reaches(db, pool, width, question.start):
            return width
    return Resolution.DAY


def _alone(
    db: sqlite3.Connection, pool: KnownPool, question: SeriesQuery, source: Resolution, now: int
) -> Series:
    step = source or question.width
    width = -(-question.width // step) * step or step
    within = question.start // width * width, -(-question.end // width) * width
    terms = pools.terms(db, pool.id)
    return Series(tuple(buckets(db, pool, terms, width, within, now, step)), width)


def _readings(db: sqlite3.Connection, pool: KnownPool, question: SeriesQuery) -> Iterator[Bucket]:
    timeline = CapacityTimeline(pools.terms(db, pool.id))
    for run in readings.runs(db, pool, question.start, question.end):
        value = run.in_use
        if value is not None:
            now = timeline.before(run.at + 1)
            yield Bucket(
                run.at,
                run.end,
                value,
                value,
                value,
                run.at,
                value,
                now.installed,
                now.overdraft,
                run.n,
            )
