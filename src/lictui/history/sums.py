"""The sum of several pools over time, aligned: what was in use of all of them at one moment.

Owns the alignment: by five minutes, by the hour when a bucket is a day or longer, so that a year
stays quick; by the day where hours are no longer kept. A sum of maxima is exact to that width. A
pool counts from its first reading to the poll that no longer listed it; while it counts and has
no figure, there is no sum.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from lictui.history import pools, read
from lictui.history.hold import held
from lictui.insights.series import Bucket, Resolution, Series

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

    from lictui.history.pools import KnownPool
    from lictui.insights.series import Question


def summed(
    db: sqlite3.Connection, known: Sequence[KnownPool], question: Question, end: int
) -> Series:
    """The series of the sum; nothing at `end` or later is made up."""
    align = _alignment(db, known, question)
    unit = Resolution.DAY if question.bucket >= Resolution.DAY else align
    width = -(-max(question.bucket, unit) // unit) * unit
    start = question.start // width * width
    stop = -(-question.end // width) * width
    seam = start
    if align is Resolution.HOUR:
        horizons = (read.horizon(db, pool, align) for pool in known)
        seam = min(max(start, -(-max(horizons) // Resolution.DAY) * Resolution.DAY), stop)
    found = [
        *_aligned(db, known, Resolution.DAY, start, seam, end),
        *_aligned(db, known, align, seam, stop, end),
    ]
    return Series(tuple(_coarsened(found, width)), width)


def _alignment(
    db: sqlite3.Connection, known: Sequence[KnownPool], question: Question
) -> Resolution:
    if question.bucket >= Resolution.DAY:
        return Resolution.HOUR
    for width in (Resolution.FIVE_MINUTES, Resolution.HOUR):
        if all(read.reaches(db, pool, width, question.start) for pool in known):
            return width
    return Resolution.DAY


class _Sum:
    """The figures of one bucket, as pools are added."""

    __slots__ = ("average", "high", "high_at", "installed", "last", "low", "n", "over", "pools")

    def __init__(self) -> None:
        self.low = self.high = self.last = self.high_at = self.n = self.pools = 0
        self.average = 0.0
        self.installed: int | None = 0
        self.over: int | None = None


def _aligned(
    db: sqlite3.Connection,
    known: Sequence[KnownPool],
    width: Resolution,
    start: int,
    stop: int,
    end: int,
) -> Iterator[Bucket]:
    """The sum in buckets of `width`, where every pool that counts then has a figure."""
    if start >= stop:
        return
    sums: dict[int, _Sum] = {}
    for pool in known:
        _add(sums, db, pool, width, start, stop, end)
    began = sorted(pool.since for pool in known)
    ended = sorted(pool.ended for pool in known if pool.ended is not None)
    for at in sorted(sums):
        one = sums[at]
        edge = at + width
        if one.pools == bisect_left(began, edge) - bisect_left(ended, edge):
            yield Bucket(
                at,
                edge,
                one.low,
                one.average,
                one.high,
                max(at, one.high_at),
                one.last,
                one.installed,
                one.over,
                one.n,
            )


def _add(
    sums: dict[int, _Sum],
    db: sqlite3.Connection,
    pool: KnownPool,
    width: Resolution,
    start: int,
    stop: int,
    end: int,
) -> None:
    terms = pools.terms(db, pool.id)
    reach = int(max((each.every for each in terms), default=0) * 2) // width * width
    tallies = read.tallies(db, pool, width, start - reach, stop)
    for each, now in held(tallies, terms, width, min(stop, end)):
        at = each.start
        if at < start or (pool.ended is not None and pool.ended < at + width):
            continue
        one = sums.get(at)
        if one is None:
            one = sums[at] = _Sum()
        one.low += each.low
        one.average += each.total / each.n if each.n else each.last
        one.high += each.high
        one.high_at = max(one.high_at, each.high_at)
        one.last += each.last
        one.n += each.n
        one.pools += 1
        if now.installed is None or one.installed is None:
            one.installed = None
        else:
            one.installed += now.installed
        if now.overdraft is not None:
            one.over = (one.over or 0) + now.overdraft


def _coarsened(buckets: Iterable[Bucket], width: int) -> Iterator[Bucket]:
    for start, group in groupby(buckets, lambda each: each.start // width * width):
        parts = list(group)
        peak = max(parts, key=lambda each: each.high)
        yield replace(
            parts[-1],
            start=start,
            end=start + width,
            low=min(each.low for each in parts),
            average=sum(each.average for each in parts) / len(parts),
            high=peak.high,
            high_at=peak.high_at,
            samples=sum(each.samples for each in parts),
        )
