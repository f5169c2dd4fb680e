"""The buckets of one pool: its tallies, what a reading fills between them, and the terms then.

Owns the way from tallies to buckets, a column at a time: years of many pools come through here.
Must not know questions.
"""

from __future__ import annotations

from functools import partial
from itertools import repeat
from typing import TYPE_CHECKING

from lictui.analysis.series import Bucket
from lictui.history import read
from lictui.history.hold import held, reach
from lictui.history.rollup import coarsen

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from lictui.history.pools import KnownPool, Terms
    from lictui.history.rollup import Tally


_bucket = partial(tuple.__new__, Bucket)


def buckets(
    db: sqlite3.Connection,
    pool: KnownPool,
    terms: Sequence[Terms],
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
    tallies = read.tallies(db, pool, step or width, start - around, end + around)
    if step not in (0, width):
        tallies = coarsen(tallies, width)
    found: list[Bucket] = []
    for some, then in held(tallies, terms, width, within, now):
        found += _buckets(some, then, width)
    return found


def _buckets(tallies: Sequence[Tally], terms: Terms, width: int) -> Iterator[Bucket]:
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
