"""The sum of several pools over time, aligned: what was in use of all of them at one moment.

Owns the alignment: by five minutes; by the hour when a bucket is a day or longer, so that a year
stays quick; by the day where hours are no longer kept. A sum of maxima is exact to that width. A
pool counts from its first reading to the poll that no longer listed it; while it counts and has
no figure, there is no sum.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from lictui.history import pools, read
from lictui.history.blocks import span
from lictui.history.hold import held, reach
from lictui.insights.series import Bucket, Resolution, Series

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

    from lictui.history.pools import KnownPool, Terms
    from lictui.history.rollup import Tally
    from lictui.insights.series import Question

    Part = tuple[Tally, Terms]


def summed(
    db: sqlite3.Connection, known: Sequence[KnownPool], question: Question, now: int
) -> Series:
    """The series of the sum; no bucket that begins after `now` is made up."""
    align = _alignment(db, known, question)
    unit = Resolution.DAY if question.bucket >= Resolution.DAY else align
    width = -(-max(question.bucket, unit) // unit) * unit
    start = question.start // width * width
    stop = min(-(-question.end // width) * width, now + 1)
    seam = start
    if align is Resolution.HOUR:
        hours = max(read.horizon(db, pool, align) for pool in known)
        seam = max(start, -(-hours // Resolution.DAY) * Resolution.DAY)
    found = [
        *_aligned(db, known, Resolution.DAY, start, min(seam, stop)),
        *_aligned(db, known, align, seam, stop),
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


def _aligned(
    db: sqlite3.Connection, known: Sequence[KnownPool], width: Resolution, start: int, stop: int
) -> Iterator[Bucket]:
    """The sum in buckets of `width`, where every pool that counts then has a figure."""
    began = sorted(pool.since for pool in known)
    ended = sorted(pool.ended for pool in known if pool.ended is not None)
    terms = [pools.terms(db, pool.id) for pool in known]
    # A stretch at a time: a year of a thousand pools does not fit into the memory.
    length = 2 * span(width)
    for first in range(start, stop, length):
        parts: dict[int, list[Part]] = defaultdict(list)
        for pool, each in zip(known, terms, strict=True):
            for part in _of_pool(db, pool, each, width, first, min(first + length, stop)):
                parts[part[0].start].append(part)
        for at in sorted(parts):
            end = at + width
            if len(parts[at]) == bisect_left(began, end) - bisect_left(ended, end):
                yield _sum(at, end, parts[at])


def _of_pool(
    db: sqlite3.Connection,
    pool: KnownPool,
    terms: Sequence[Terms],
    width: Resolution,
    start: int,
    stop: int,
) -> Iterator[Part]:
    """What the pool puts into each bucket while it counts."""
    tallies = read.tallies(db, pool, width, start - reach(terms, width), stop)
    last = stop if pool.ended is None else pool.ended - width
    for part in held(tallies, terms, width, stop):
        if start <= part[0].start <= last:
            yield part


def _sum(start: int, end: int, parts: Sequence[Part]) -> Bucket:
    tallies, terms = zip(*parts, strict=True)
    _, lows, totals, highs, moments, lasts, many = zip(*tallies, strict=True)
    averages = (
        total / n if n else last for total, n, last in zip(totals, many, lasts, strict=True)
    )
    installed = [each.installed for each in terms]
    overdraft = [each.overdraft for each in terms if each.overdraft is not None]
    return Bucket(
        start,
        end,
        sum(lows),
        sum(averages),
        sum(highs),
        max(start, *moments),
        sum(lasts),
        None if None in installed else sum(installed),
        sum(overdraft) if overdraft else None,
        sum(many),
    )


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
