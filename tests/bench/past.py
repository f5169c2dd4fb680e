"""A year of five-minute readings of any number of pools, written as lictui would have left it.

A few pools are tallied and packed for good; the others get copies of their blocks under their own
numbers, or writing them would take longer than everything that is measured.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from tests.history.storage_cost import figures

from lictui.analysis.series import ALIGNMENT
from lictui.clock import DAY, Clock
from lictui.config.settings import Retention
from lictui.history import pools
from lictui.history.compaction import update
from lictui.history.pools import Capacity, KnownPool
from lictui.history.rollup import EMPTY, Capacities, Readings, roll_up
from lictui.history.store import History
from lictui.model import Model, PoolKey

EVERY: Final = 300
MOLDS: Final = 10  # pools that differ
PRODUCT: Final = "XDT_PLT_CCS"
_PLACES: Final = 4 << 20  # numbers of blocks that one pool has


def names(count: int) -> tuple[str, ...]:
    """The servers, each with one pool."""
    return tuple(f"lic-past-{number:04}" for number in range(count))


def write(path: Path, clock: Clock, count: int, days: int) -> None:
    """A history of `count` servers with one pool each, polled to the end of yesterday."""
    History(path, Retention(), clock).close()
    end = int(clock.now()) // DAY * DAY
    begin = end - days * DAY
    with closing(sqlite3.connect(path)) as db:
        for number, name in enumerate(names(count)):
            pool = pools.create(db, name, PoolKey(PRODUCT), Model.CONCURRENT, PRODUCT, begin)
            pools.record_capacity(db, pool.id, Capacity(begin, 500, 50, EVERY))
            pool = pools.change(db, pool, packed_until=end)
            if number < MOLDS:
                _fill(db, pool, number, (begin, end))
            else:
                _copy(db, pool.id, 1 + number % MOLDS)
        db.commit()


def _fill(db: sqlite3.Connection, pool: KnownPool, seed: int, within: tuple[int, int]) -> None:
    lines = figures(seed, EVERY, 1)
    readings = Readings.of([(at, next(lines)[0].reading.in_use) for at in range(*within, EVERY)])
    rollups = roll_up(readings, Capacities.of(pools.capacities(db, pool.id)), ALIGNMENT)
    update(db, pool, ALIGNMENT, EMPTY, rollups)


def _copy(db: sqlite3.Connection, pool: int, mold: int) -> None:
    db.execute(
        "INSERT INTO block(position, body) SELECT position + ?, body FROM block"
        " WHERE position BETWEEN ? AND ?",
        ((pool - mold) * _PLACES, mold * _PLACES, (mold + 1) * _PLACES - 1),
    )
