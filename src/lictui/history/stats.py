"""How much the history holds, of what, and since when.

Owns the figures of `lictui history stats`. Must not know how they are printed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lictui.analysis.series import Resolution
from lictui.history import blocks, pools
from lictui.history.retention import FOREVER, rows

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from lictui.history.rollup import Tally


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
    moments: list[int] = []
    for pool in known:
        days = blocks.tallies(db, pool.id, Resolution.DAY, 0, FOREVER)
        recent = rows(db, pool.id)
        readings += sum(each.n for each in days)
        readings += sum(run.n for run in recent if run.in_use is not None)
        moments += [run.end for run in recent[-1:]] or _last(db, pool.id, days)
    ((schema,),) = db.execute("PRAGMA user_version")
    ((page_count,),) = db.execute("PRAGMA page_count")
    ((page_size,),) = db.execute("PRAGMA page_size")
    ((events,),) = db.execute("SELECT count(*) FROM event")
    ((answered,),) = db.execute("SELECT max(answered_at) FROM latest")
    moments += [] if answered is None else [int(answered)]
    return Stats(
        schema=schema,
        servers=len({pool.server for pool in known}),
        pools=len(known),
        readings=readings,
        events=events,
        first=min((pool.since for pool in known), default=None),
        last=max(moments, default=None),
        size=page_count * page_size,
    )


def _last(db: sqlite3.Connection, pool: int, days: Sequence[Tally]) -> list[int]:
    """When the last reading was that is in a block, as near as is still known."""
    if not days:
        return []
    start = days[-1].start
    ends = [run.end for run in blocks.runs(db, pool, start, start + 1)]
    return [max([days[-1].high_at, *ends])]
