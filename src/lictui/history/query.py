"""A question about the past is answered: one pool from its widest exact tallies, more as a sum.

Owns the choice of the resolution. Must not know how readings are kept, nor how long one holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lictui.history import blocks, pools, read
from lictui.history.hold import Timeline, held, reach
from lictui.history.rollup import coarsen
from lictui.history.sums import summed
from lictui.insights.series import Bucket, Resolution, Series

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from lictui.history.pools import KnownPool
    from lictui.insights.series import Question


def answer(db: sqlite3.Connection, question: Question, now: float) -> Series:
    """The series asked for, as far as it is known up to `now`; within one reading transaction."""
    found = [pools.find(db, server, key) for server, key in dict.fromkeys(question.pools)]
    known = [pool for pool in found if pool]
    if not known:
        return Series((), question.bucket)
    if len(known) > 1:
        return summed(db, known, question, int(now))
    source = _source(db, known[0], question)
    if source is Resolution.RAW and question.bucket <= 0:
        return Series(tuple(_readings(db, known[0], question)), Resolution.RAW)
    return _alone(db, known[0], question, source, int(now) + 1)


def _source(db: sqlite3.Connection, pool: KnownPool, question: Question) -> Resolution:
    """The widest stored resolution that gives the buckets asked for exactly, else the finest."""
    fits = [width for width in blocks.WIDTHS if question.bucket >= width]
    exact = [width for width in fits if question.bucket % width == 0]
    wanted = [*reversed(exact), *fits] or [Resolution.RAW]
    for width in (*wanted, *(each for each in blocks.WIDTHS if each > wanted[-1])):
        if width is Resolution.DAY or read.reaches(db, pool, width, question.start):
            return width
    return Resolution.DAY


def _alone(
    db: sqlite3.Connection, pool: KnownPool, question: Question, source: Resolution, end: int
) -> Series:
    step = source or question.bucket
    width = -(-question.bucket // step) * step or step
    start = question.start // width * width
    stop = -(-question.end // width) * width
    terms = pools.terms(db, pool.id)
    tallies = read.tallies(db, pool, step, start - reach(terms, width), stop)
    if width != step:
        tallies = coarsen(tallies, width)
    return Series(
        tuple(
            Bucket(
                each.start,
                each.start + width,
                each.low,
                each.total / each.n if each.n else each.last,
                each.high,
                each.high_at,
                each.last,
                now.installed,
                now.overdraft,
                each.n,
            )
            for each, now in held(tallies, terms, width, min(stop, end))
            if each.start >= start
        ),
        width,
    )


def _readings(db: sqlite3.Connection, pool: KnownPool, question: Question) -> Iterator[Bucket]:
    timeline = Timeline(pools.terms(db, pool.id))
    for run in read.runs(db, pool, question.start, question.end):
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
