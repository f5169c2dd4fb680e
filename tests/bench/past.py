"""A year of five-minute readings of any number of pools, written as lictui would have left it.

A few pools are tallied and packed for good; the others get copies of their blocks under their own
numbers, or writing them would take longer than everything that is measured.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

from tests.history.storage_cost import figures

from lictui.analysis.series import Resolution
from lictui.config.settings import Retention
from lictui.history import blocks, pools
from lictui.history.pools import Capacity
from lictui.history.rollup import ReadingRun, coarsen, roll_up
from lictui.history.store import History
from lictui.model import Model, PoolKey

if TYPE_CHECKING:
    from pathlib import Path

    from lictui.clock import Clock

DAY: Final = 86400
EVERY: Final = 300
MOLDS: Final = 10  # pools that differ
PRODUCT: Final = "XDT_PLT_CCS"
_PLACES: Final = 4 << 20  # numbers of blocks that one pool has


def names(count: int) -> tuple[str, ...]:
    """The servers, each with one pool."""
    return tuple(f"lic-past-{number:04}" for number in range(count))


def write(path: Path, clock: Clock, count: int, days: int) -> None:
    """A history of `count` servers with one pool each, polled to the end of yesterday."""
    History.open(path, Retention(), clock).close()
    end = int(clock.now()) // DAY * DAY
    begin = end - days * DAY
    with closing(sqlite3.connect(path)) as db:
        for number, name in enumerate(names(count)):
            pool = pools.create(db, name, PoolKey(PRODUCT), Model.CONCURRENT, PRODUCT, begin)
            pools.record_capacity(db, pool.id, Capacity(begin, 500, 50, EVERY))
            db.execute("UPDATE pool SET packed_until = ? WHERE id = ?", (end, pool.id))
            if number < MOLDS:
                _fill(db, pool.id, number, (begin, end))
            else:
                _copy(db, pool.id, 1 + number % MOLDS)
        db.commit()


def _fill(db: sqlite3.Connection, pool: int, seed: int, within: tuple[int, int]) -> None:
    lines = figures(seed, EVERY, 1)
    runs = [ReadingRun(at, 0, 1, next(lines)[0].reading.in_use) for at in range(*within, EVERY)]
    tallies = roll_up(runs, Resolution.FIVE_MINUTES)
    for width in blocks.WIDTHS:
        tallies = coarsen(tallies, width)
        blocks.add_rollups(db, pool, width, tallies)


def _copy(db: sqlite3.Connection, pool: int, mold: int) -> None:
    db.execute(
        "INSERT INTO block(position, body) SELECT position + ?, body FROM block"
        " WHERE position BETWEEN ? AND ?",
        ((pool - mold) * _PLACES, mold * _PLACES, (mold + 1) * _PLACES - 1),
    )
