"""What was not polled here is taken in: buckets of any width, as they stand.

Owns that doing so twice changes nothing. Must not know who made the buckets.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby
from typing import TYPE_CHECKING, Final

from lictui import products
from lictui.analysis.series import Resolution
from lictui.history import blocks, pools
from lictui.history.pools import Terms
from lictui.history.retention import roll
from lictui.history.retention import rows as rows_of
from lictui.history.rollup import Run, Tally

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from lictui.analysis.series import Past
    from lictui.history.pools import KnownPool

_EVERY: Final = 900.0  # seconds between polls that nobody knows the interval of


def backfill(db: sqlite3.Connection, rows: Iterable[Past]) -> None:
    """Take in `rows`, within the caller's transaction; quickest when a pool's come together.

    A bucket that is there already is replaced by the one given; wider ones are not made from it.
    """
    for (server, key), group in groupby(rows, lambda row: (row.server, row.key)):
        found = list(group)
        since = min(row.bucket.start for row in found)
        pool = pools.find(db, server, key)
        if pool is None:
            name = products.describe(key.product).name
            pool = pools.create(db, server, key, found[0].model, name, since)
        pools.begin(db, pool, since)
        # Readings that were polled here go into blocks first: then there is one place to replace.
        polled = (run.end for run in rows_of(db, pool.id))
        roll(db, pool, 1 + max((*map(_last_moment, found), *polled)))
        _take(db, pool, found)


def _last_moment(row: Past) -> int:
    one = row.bucket
    return one.end if row.resolution is Resolution.RAW else max(one.start, one.high_at)


def _take(db: sqlite3.Connection, pool: KnownPool, found: Sequence[Past]) -> None:
    tallies: dict[Resolution, list[Tally]] = defaultdict(list)
    runs: list[Run] = []
    before: Terms | None = None
    for row in sorted(found, key=lambda row: (row.bucket.start, -row.resolution)):
        one = row.bucket
        terms = Terms(one.start, one.installed, one.overdraft, _EVERY)
        if before is None or before[1:] != terms[1:]:
            pools.set_terms(db, pool.id, terms)
        before = terms
        if row.resolution is Resolution.RAW:
            runs.append(Run(one.start, one.end - one.start, one.samples, round(one.last)))
        else:
            tallies[row.resolution].append(
                Tally(
                    one.start,
                    round(one.low),
                    round(one.average * one.samples),
                    round(one.high),
                    one.high_at,
                    round(one.last),
                    one.samples,
                )
            )
    blocks.add_runs(db, pool.id, runs)
    for width, some in tallies.items():
        blocks.replace_tallies(db, pool.id, width, some)
