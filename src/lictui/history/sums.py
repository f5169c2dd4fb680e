"""The sum of several pools over time, aligned: what was in use of all of them at one moment.

Owns the alignment: by five minutes; by the hour when a bucket is a day or longer, or an hour of a
long stretch, so that a year stays quick; by the day where hours are no longer kept. A sum of maxima
is exact to that width. A pool counts from its first reading to the poll that no longer listed it;
while it counts and has no figure, there is no sum.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from itertools import groupby
from typing import TYPE_CHECKING, Final

from lictui.analysis.series import Bucket, Resolution, Series
from lictui.history import pools, read
from lictui.history.alone import buckets
from lictui.history.blocks import span
from lictui.history.even import Even

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

    from lictui.analysis.series import Question
    from lictui.history.pools import KnownPool

_LONG: Final = 62 * int(Resolution.DAY)  # seconds from which an hour is aligned by the hour


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
        *_aligned(db, known, Resolution.DAY, start, min(seam, stop), now),
        *_aligned(db, known, align, seam, stop, now),
    ]
    return Series(tuple(_coarsened(found, width)), width)


def by_the_hour(question: Question) -> bool:
    """Whether it is so long that hours are what it is made of, and days before there were any."""
    hours = Resolution.HOUR <= question.bucket < Resolution.DAY
    return hours and question.end - question.start > _LONG


def _alignment(
    db: sqlite3.Connection, known: Sequence[KnownPool], question: Question
) -> Resolution:
    if question.bucket >= Resolution.DAY or by_the_hour(question):
        return Resolution.HOUR
    for width in (Resolution.FIVE_MINUTES, Resolution.HOUR):
        if all(read.reaches(db, pool, width, question.start) for pool in known):
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
