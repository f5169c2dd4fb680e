"""How much the history holds, of what, and since when.

Owns the figures of `lictui history stats`. Must not know how they are printed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lictui.history import blocks, pools
from lictui.history.retention import FOREVER, rows
from lictui.insights.series import Resolution

if TYPE_CHECKING:
    import sqlite3


@dataclass(frozen=True, slots=True)
class Stats:
    """What there is. Times are UTC epoch seconds, None while there is nothing."""

    schema: int
    servers: int
    pools: int
    readings: int  # polls of pools ever kept, in whatever resolution they are kept now
    events: int
    first: int | None
    last: int | None
    size: int  # bytes, without the write-ahead log

    @property
    def bytes_per_reading(self) -> float | None:
        """What a reading costs on disk."""
        return self.size / self.readings if self.readings else None


def stats(db: sqlite3.Connection) -> Stats:
    """Count everything; unpacks the daily blocks, so that it takes a moment for many pools."""
    known = list(pools.every_one(db))
    readings = 0
    for pool in known:
        readings += sum(each.n for each in blocks.tallies(db, pool.id, Resolution.DAY, 0, FOREVER))
        readings += sum(run.n for run in rows(db, pool.id) if run.in_use is not None)
    ((schema,),) = db.execute("PRAGMA user_version")
    ((page_count,),) = db.execute("PRAGMA page_count")
    ((page_size,),) = db.execute("PRAGMA page_size")
    ((events,),) = db.execute("SELECT count(*) FROM event")
    ((last,),) = db.execute("SELECT max(answered_at) FROM latest")
    return Stats(
        schema=schema,
        servers=len({pool.server for pool in known}),
        pools=len(known),
        readings=readings,
        events=events,
        first=min((pool.since for pool in known), default=None),
        last=None if last is None else int(last),
        size=page_count * page_size,
    )
