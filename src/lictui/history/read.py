"""Readings and tallies of one pool, wherever they are: in blocks, or in rows not rolled up yet.

Owns the seam between the two, so that nobody else sees one. Must not know questions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lictui.analysis.series import Resolution
from lictui.history import blocks
from lictui.history.retention import rows
from lictui.history.rollup import merge, tally

if TYPE_CHECKING:
    import sqlite3

    from lictui.history.pools import KnownPool
    from lictui.history.rollup import Run, Tally


def runs(db: sqlite3.Connection, pool: KnownPool, start: int, end: int) -> list[Run]:
    """The readings in [start, end), in order of time; None of them a gap, some of them unread."""
    found = [*blocks.runs(db, pool.id, start, end), *rows(db, pool.id, start, end)]
    inside: list[Run] = []
    for run in found:
        _, part = run.cut(start)
        kept = part.cut(end)[0] if part else None
        inside += [kept] if kept else []
    return inside


def tallies(
    db: sqlite3.Connection, pool: KnownPool, width: int, start: int, end: int
) -> list[Tally]:
    """The buckets of `width` seconds that begin in [start, end), in order of time.

    A width that is none of the stored ones is made from single readings.
    """
    if width not in blocks.WIDTHS:
        return tally(runs(db, pool, start, end), width)
    packed = blocks.tallies(db, pool.id, Resolution(width), start, end)
    if end > pool.rolled // width * width:
        recent = tally(rows(db, pool.id), width)
        packed = merge(packed, [each for each in recent if start <= each.start < end])
    return packed


def last_moment(db: sqlite3.Connection, pool: KnownPool) -> int:
    """A time no reading of the pool is later than."""
    found = rows(db, pool.id)
    return max(pool.rolled, found[-1].end if found else 0)


def reaches(db: sqlite3.Connection, pool: KnownPool, width: Resolution, start: int) -> bool:
    """Whether `width` tells of everything from `start` on that is known of the pool at all."""
    return horizon(db, pool, width) <= start


def horizon(db: sqlite3.Connection, pool: KnownPool, width: Resolution) -> int:
    """When `width` begins to tell; 0 if there is nothing before that it could not tell."""
    begins = blocks.first(db, pool.id, width)
    if begins is None:
        begins = pool.rolled
    return 0 if begins // Resolution.DAY * Resolution.DAY <= pool.since else begins
