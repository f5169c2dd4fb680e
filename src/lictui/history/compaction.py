"""Readings move into blocks after a few hours, are rolled up there, and expire after days.

Figures that come later, of polls or of files, are added to the blocks here, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from lictui.analysis.series import ALIGNMENT, WIDTHS, Resolution
from lictui.clock import DAY
from lictui.history import blocks, pools
from lictui.history.rollup import (
    CONTEXT,
    EMPTY,
    FOREVER,
    UNKNOWN,
    Capacities,
    Readings,
    coarsen,
    reconcile,
    roll_up,
    sorted_unique,
)

if TYPE_CHECKING:
    import sqlite3

    from lictui.analysis.columns import IntArray
    from lictui.config.settings import Retention
    from lictui.history.pools import Capacity, KnownPool
    from lictui.history.rollup import Rollups

WIDER: Final = {Resolution.FIVE_MINUTES: Resolution.HOUR, Resolution.HOUR: Resolution.DAY}


# Packing


_PACK_STEP: Final = 3 * 3600  # seconds; packing rewrites blocks, so it waits until it is worth it
_SETTLED_AFTER: Final = 300  # seconds after which no reading is being written any more
MAX_POOLS: Final = 200  # per call: a fraction of a second, whatever the size of the estate


def pack_due(db: sqlite3.Connection, now: float) -> list[KnownPool]:
    """Pack what is due of at most `MAX_POOLS` pools, and return these pools."""
    limit = int(now - _SETTLED_AFTER) // _PACK_STEP * _PACK_STEP
    packed: list[KnownPool] = []
    for pool in pools.select(db, "WHERE packed_until < ? ORDER BY packed_until", limit):
        after = pack_before(db, pool, limit, int(now))
        if after != pool:
            packed.append(after)
        if len(packed) >= MAX_POOLS:
            break
    return packed


def pack_before(db: sqlite3.Connection, pool: KnownPool, time: int, now: int) -> KnownPool:
    """Move the readings before `time` into blocks, as far as they are settled.

    The last three stay in table `reading`, too: what follows depends on them.
    """
    stored = recent_readings(db, pool.id)
    capacities = Capacities.of(pools.capacities(db, pool.id))
    last = int(stored.time[-1]) if len(stored) else time
    if last < time and not (capacities.gaps > last).any():
        longest, _ = stored.intervals(capacities)
        if last + longest[-1] >= now:
            time = last + 1  # the next reading in time may decide what follows
    time = -(-time // ALIGNMENT) * ALIGNMENT
    if time <= pool.packed_until:
        return pool
    write_readings(db, pool, stored.between(pool.packed_until, time))
    rollups = roll_up(stored, capacities, ALIGNMENT, now).between(pool.packed_until, time)
    pool = pools.change(db, pool, packed_until=time)
    update(db, pool, ALIGNMENT, EMPTY, rollups)
    pools.delete_before(db, pool.id, time)
    return pool


def write_readings(db: sqlite3.Connection, pool: KnownPool, new: Readings) -> None:
    """Add readings to the blocks of their days."""
    if len(new):
        start, end = _days(int(new.time[0]), int(new.time[-1]) + 1)
        stored = blocks.read_readings(db, pool.id, start, end)
        both = stored.with_added(new).rollups()
        blocks.write_rollups(db, pool.id, Resolution.RAW, both, (start, end))


def _days(start: int, end: int) -> tuple[int, int]:
    """Return the bounds of the UTC days that [start, end) touches."""
    return start // DAY * DAY, -(-end // DAY) * DAY


# Retention


_LEAP: Final = 31 * DAY  # a clock may have jumped so far
_WITNESSES: Final = 5  # pools whose readings show the time
_DAYS_AFTER_LEAP: Final = 31  # with readings, until a leap is believed


def kept_since(now: float, retention: Retention) -> dict[Resolution, int]:
    """Return the start of the UTC day from which each resolution is kept."""
    days = (retention.raw, retention.five_minutes, retention.hour, retention.day)
    today = int(now) // DAY
    return {
        width: max(0, today - count) * DAY for width, count in zip(Resolution, days, strict=True)
    }


def justified_time(db: sqlite3.Connection, now: float) -> float:
    """Return the time that the newest readings prove, at most `now`.

    A clock that is ahead must delete nothing: a leap of months is believed after a month of days.
    """
    days = np.empty(0, np.int64)
    for pool in pools.select(db, "ORDER BY packed_until DESC LIMIT ?", _WITNESSES):
        own = blocks.read_rollups(db, pool.id, Resolution.DAY, 0, FOREVER).start
        days = sorted_unique(days, own)
    leaps = np.flatnonzero(np.diff(days) > _LEAP)
    if len(leaps) and len(days) - 1 - leaps[-1] < _DAYS_AFTER_LEAP:
        days = days[: leaps[-1] + 1]
    return min(now, float(days[-1]) + DAY) if len(days) else 0.0


# Adding figures to blocks


def update(
    db: sqlite3.Connection, pool: KnownPool, width: Resolution, before: Rollups, after: Rollups
) -> IntArray:
    """Store what the figures at hand came to `before` and come to `after`, and in wider buckets.

    Returns the starts of the buckets of `width` that changed.
    """
    touched = sorted_unique(before.start, after.start)
    if not len(touched):
        return touched
    start, end = _days(int(touched[0]), int(touched[-1]) + 1)
    stored = blocks.read_rollups(db, pool.id, width, start, end)
    result, starts = reconcile(stored, before, after)
    if not len(starts) and len(result) == len(stored):
        return starts
    blocks.write_rollups(db, pool.id, width, result, (start, end))
    if width in WIDER:
        wider = WIDER[width]
        update(db, pool, wider, coarsen(stored, wider), coarsen(result, wider))
    return starts


def add_readings(
    db: sqlite3.Connection, pool: KnownPool, new: Readings, capacities_before: Capacities
) -> None:
    """Add readings before `packed_until` to the blocks; the capacities may have changed, too."""
    if not len(new):
        return
    start, end = _days(int(new.time[0]), int(new.time[-1]) + 1)
    start, end = start - CONTEXT, end + CONTEXT
    capacities = Capacities.of(pools.capacities(db, pool.id))
    stored = with_unpacked(db, pool, start - CONTEXT, end + CONTEXT)
    end = min(end, pool.packed_until)
    both = stored.with_added(new)
    before = roll_up(stored, capacities_before, ALIGNMENT, pool.packed_until)
    after = roll_up(both, capacities, ALIGNMENT, pool.packed_until)
    write_readings(db, pool, new)
    update(db, pool, ALIGNMENT, before.between(start, end), after.between(start, end))
    last = both.between(0, pool.packed_until).select(slice(-3, None))
    for time, value in zip(last.time.tolist(), last.value.tolist(), strict=True):
        pools.add_reading(db, pool.id, time, None if value == UNKNOWN else value)
    pools.delete_before(db, pool.id, pool.packed_until)


def add_late_reading(
    db: sqlite3.Connection, pool: KnownPool, capacity: Capacity, in_use: int | None
) -> None:
    """Add a reading that was written late, or after the clock was set back."""
    before = Capacities.of(pools.capacities(db, pool.id))
    pools.record_capacity(db, pool.id, capacity)
    add_readings(db, pool, Readings.of([(capacity.valid_from, in_use)]), before)


def recent_readings(db: sqlite3.Connection, pool: int) -> Readings:
    """Return what table `reading` has of a pool."""
    rows = db.execute(
        "SELECT time, ifnull(in_use, ?) FROM reading WHERE pool = ? ORDER BY time", (UNKNOWN, pool)
    )
    return Readings(*np.array(rows.fetchall(), np.int64).reshape(-1, 2).T)


def with_unpacked(db: sqlite3.Connection, pool: KnownPool, start: int, end: int) -> Readings:
    """Return the readings in [start, end), packed or not."""
    packed = blocks.read_readings(db, pool.id, start, min(end, pool.packed_until))
    recent = recent_readings(db, pool.id)
    return packed.with_added(recent.between(max(start, pool.packed_until), end))


# Renaming


def merge_pools(db: sqlite3.Connection, earlier: KnownPool, later: KnownPool) -> None:
    """Put the history that the new name had before the history of the renamed server."""
    last = max(pools.last_reading(db, pool) for pool in (earlier, later))
    end = max((last // ALIGNMENT + 1) * ALIGNMENT, earlier.packed_until, later.packed_until)
    known = pack_before(db, earlier, end, FOREVER)
    pack_before(db, later, end, FOREVER)
    capacities = Capacities.of(pools.capacities(db, earlier.id))
    db.execute("UPDATE OR REPLACE capacity SET pool = ? WHERE pool = ?", (earlier.id, later.id))
    # What is finer comes later: it corrects the buckets in which both have figures.
    for width in reversed(WIDTHS):
        rollups = blocks.read_rollups(db, later.id, width, 0, FOREVER)
        update(db, earlier, width, EMPTY, rollups)
    add_readings(db, known, blocks.read_readings(db, later.id, 0, FOREVER), capacities)
    blocks.drop_all(db, later.id)
    for table, column in (("reading", "pool"), ("pool", "id")):
        db.execute(f"DELETE FROM {table} WHERE {column} = ?", (later.id,))
    since = min(earlier.since, later.since)
    merged = later._replace(id=earlier.id, server=earlier.server, since=since, packed_until=end)
    pools.change(db, earlier, **merged._asdict())
