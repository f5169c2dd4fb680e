"""A question about the past is answered: one pool from its widest exact tallies, more as a sum.

Owns the choice of the resolution: a long stretch by the hour has days where hours are not kept.
Must not know how readings are kept, nor how long one holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lictui.analysis.series import Bucket, Resolution, Series
from lictui.history import blocks, pools, read
from lictui.history.alone import buckets
from lictui.history.hold import Timeline
from lictui.history.sums import by_the_hour, summed

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from lictui.analysis.series import Question
    from lictui.history.pools import KnownPool


def answer(db: sqlite3.Connection, question: Question, now: float) -> Series:
    """The series asked for, as far as it is known up to `now`; within one reading transaction."""
    found = [pools.find(db, server, key) for server, key in dict.fromkeys(question.pools)]
    known = [pool for pool in found if pool]
    if not known:
        return Series((), question.bucket)
    if len(known) > 1 or by_the_hour(question):
        return summed(db, known, question, int(now))
    source = _source(db, known[0], question)
    if source is Resolution.RAW and question.bucket <= 0:
        return Series(tuple(_readings(db, known[0], question)), Resolution.RAW)
    return _alone(db, known[0], question, source, int(now))


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
    db: sqlite3.Connection, pool: KnownPool, question: Question, source: Resolution, now: int
) -> Series:
    step = source or question.bucket
    width = -(-question.bucket // step) * step or step
    within = question.start // width * width, -(-question.end // width) * width
    terms = pools.terms(db, pool.id)
    return Series(tuple(buckets(db, pool, terms, width, within, now, step)), width)


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
