"""Polls become readings, readings move into blocks after a few hours and expire after days.

Table `reading`: an unchanged reading extends its row, every other starts a new one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lictui.analysis.series import Resolution
from lictui.history import blocks, polls, pools
from lictui.history.pools import Capacity
from lictui.history.rollup import ReadingRun, coarsen, merge_lists, roll_up
from lictui.model import Failure, PoolKey

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection

    from lictui.config.settings import Retention
    from lictui.history.pools import KnownPool
    from lictui.history.rollup import Rollup
    from lictui.model import Poll, Server

FOREVER: Final = 1 << 40  # seconds; later than any reading
_MAX_PAUSE: Final = 2.5  # intervals without an answer: a poll was missed, and the row ends

# Recording a poll


def append_poll(db: sqlite3.Connection, server: Server, poll: Poll) -> None:
    """Record a poll within the caller's transaction; a failure leaves a gap."""
    previous = polls.record_last_poll(db, poll)
    time = int(poll.time)
    known = pools.pools_of_server(db, poll.server)
    if isinstance(poll.result, Failure):
        if previous is not None:  # else the gap is recorded already
            for known_pool in known.values():
                pools.mark_gap(db, known_pool, time)
        return
    if previous is not None and not 0 <= time - previous <= _MAX_PAUSE * server.effective_interval:
        previous = None
    listed = {pool.key: pool for pool in poll.result.pools}
    for key, pool in listed.items():
        known_pool = (
            known.get(key)
            or _dated_pool(db, known, listed, key)
            or pools.create(db, poll.server, key, pool.model, pool.name, time)
        )
        pools.describe(db, known_pool, pool.model, pool.name)
        in_use = polls.stored_figure(pool.reading.in_use)
        capacity = Capacity(
            time,
            polls.stored_figure(pool.reading.installed),
            polls.stored_figure(pool.reading.overdraft),
            0.0 if in_use is None else server.effective_interval,
        )
        pools.record_capacity(db, known_pool.id, capacity)
        _add_reading(db, known_pool, time, in_use, previous)
    polls.record_monthly_usage(db, poll.server, poll.result.monthly_usage)
    for key in known.keys() - listed.keys():
        pools.close(db, known[key], time)


def _dated_pool(
    db: sqlite3.Connection,
    known: dict[PoolKey, KnownPool],
    listed: Collection[PoolKey],
    key: PoolKey,
) -> KnownPool | None:
    """Return the pool that was known without a date so far, if it is the only one of its product.

    The source reports its subscription date for the first time.
    """
    undated = PoolKey(key.product)
    if undated in listed or undated not in known or known[undated].ended is not None:
        return None
    same_product = [other for other in (*known, *listed) if other.product == key.product]
    if sorted(same_product) != sorted((undated, key)):
        return None
    dated = pools.set_subscription_date(db, known.pop(undated), key)
    known[key] = dated
    return dated


def _add_reading(
    db: sqlite3.Connection, pool: KnownPool, time: int, in_use: int | None, previous: int | None
) -> None:
    """Add one reading; `previous` is the time of the previous poll, if none was missed since."""
    if time < pool.packed_until:  # written late, or the clock was set back
        _pack(db, pool.id, [ReadingRun(time, 0, 1, in_use)])
        return
    run = _last_run(db, pool.id)
    if run and run.end == time:
        if run.in_use == in_use:
            return
        _remove_last_reading(db, pool.id, run)  # of two readings in one second the later counts
    elif run and run.end == previous and run.in_use == in_use:
        db.execute(
            "UPDATE reading SET duration = ?, samples = samples + 1 WHERE pool = ? AND start = ?",
            (time - run.start, pool.id, run.start),
        )
        return
    db.execute(
        "INSERT INTO reading(pool, start, duration, samples, in_use) VALUES(?, ?, 0, 1, ?)"
        " ON CONFLICT DO UPDATE SET in_use = excluded.in_use WHERE samples = 1",
        (pool.id, time, in_use),
    )


_SELECT: Final = "SELECT start, duration, samples, in_use FROM reading WHERE pool = ?"


def _last_run(db: sqlite3.Connection, pool: int) -> ReadingRun | None:
    row = db.execute(f"{_SELECT} ORDER BY start DESC LIMIT 1", (pool,)).fetchone()
    return ReadingRun(*row) if row else None


def _remove_last_reading(db: sqlite3.Connection, pool: int, run: ReadingRun) -> None:
    earlier, _ = run.split(run.end)
    if earlier is None:
        db.execute("DELETE FROM reading WHERE pool = ? AND start = ?", (pool, run.start))
        return
    db.execute(
        "UPDATE reading SET duration = ?, samples = ? WHERE pool = ? AND start = ?",
        (earlier.duration, earlier.samples, pool, run.start),
    )


# Compaction and retention


_PACK_STEP: Final = 3 * 3600  # seconds; packing rewrites blocks, so it waits until it is worth it
_SETTLED_AFTER: Final = 300  # seconds after which no reading is being written any more
_MAX_POOLS: Final = 400  # per call: a fraction of a second, whatever the size of the estate


def compact_pools(db: sqlite3.Connection, now: float, retention: Retention) -> bool:
    """Pack and delete what is due, within the caller's transaction; False: call again."""
    limit = int(now - _SETTLED_AFTER) // _PACK_STEP * _PACK_STEP
    due = pools.unpacked_before(db, limit, _MAX_POOLS)
    kept = kept_since(now, retention)
    for pool in due:
        pack_before(db, pool, limit)
        for width, since in kept.items():
            blocks.drop_before(db, pool.id, width, since)
    return len(due) < _MAX_POOLS


def pack_before(db: sqlite3.Connection, pool: KnownPool, time: int) -> None:
    """Move the readings before `time` into blocks; a run is split there."""
    packed: list[ReadingRun] = []
    remaining: list[ReadingRun] = []
    for run in unpacked_runs(db, pool.id):
        before, after = run.split(time)
        packed += [before] if before else []
        remaining += [after] if after else []
    _pack(db, pool.id, packed)
    db.execute("DELETE FROM reading WHERE pool = ? AND start < ?", (pool.id, time))
    db.executemany(
        "INSERT OR REPLACE INTO reading(pool, start, duration, samples, in_use)"
        " VALUES(?, ?, ?, ?, ?)",
        [(pool.id, *run) for run in remaining],
    )
    db.execute("UPDATE pool SET packed_until = max(packed_until, ?) WHERE id = ?", (time, pool.id))


def _pack(db: sqlite3.Connection, pool: int, runs: list[ReadingRun]) -> None:
    if not runs:
        return
    blocks.add_runs(db, pool, runs)
    rollups = roll_up(runs, Resolution.FIVE_MINUTES)
    for width in blocks.WIDTHS:
        rollups = coarsen(rollups, width)
        blocks.add_rollups(db, pool, width, rollups)


def kept_since(now: float, retention: Retention) -> dict[Resolution, int]:
    """Return the time from which each resolution is kept: the start of a block.

    Only whole blocks are deleted, so figures of the first block that is kept can still be added.
    """
    days = {
        Resolution.RAW: retention.raw,
        Resolution.FIVE_MINUTES: retention.five_minutes,
        Resolution.HOUR: retention.hour,
        Resolution.DAY: retention.day,
    }
    return {
        width: max(0, int(now) - count * Resolution.DAY)
        // blocks.block_seconds(width)
        * blocks.block_seconds(width)
        for width, count in days.items()
    }


# Reading back


def unpacked_runs(
    db: sqlite3.Connection, pool: int, start: int = 0, end: int = FOREVER
) -> list[ReadingRun]:
    """Return the readings that are not in blocks yet and touch [start, end), in order of time."""
    rows = db.execute(
        f"{_SELECT} AND start < ? AND start + duration >= ? ORDER BY start", (pool, end, start)
    )
    return list(map(ReadingRun._make, rows))


def read_runs(db: sqlite3.Connection, pool: KnownPool, start: int, end: int) -> list[ReadingRun]:
    """Return the readings in [start, end), packed or not, in order of time."""
    runs = [
        *blocks.packed_runs(db, pool.id, start, end),
        *unpacked_runs(db, pool.id, start, end),
    ]
    inside: list[ReadingRun] = []
    for run in runs:
        _, since_start = run.split(start)
        part = since_start.split(end)[0] if since_start else None
        inside += [part] if part else []
    return inside


def read_rollups(
    db: sqlite3.Connection, pool: KnownPool, width: int, start: int, end: int
) -> list[Rollup]:
    """Return the buckets of `width` seconds that start in [start, end), in order of time.

    A width that is not stored is made from single readings.
    """
    if width not in blocks.WIDTHS:
        return roll_up(read_runs(db, pool, start, end), width)
    packed = blocks.packed_rollups(db, pool.id, Resolution(width), start, end)
    if end > pool.packed_until // width * width:
        recent = roll_up(unpacked_runs(db, pool.id), width)
        packed = merge_lists(packed, [rollup for rollup in recent if start <= rollup.start < end])
    return packed


def last_reading_time(db: sqlite3.Connection, pool: KnownPool) -> int:
    """Return a time that no reading of the pool is later than."""
    runs = unpacked_runs(db, pool.id)
    return max(pool.packed_until, runs[-1].end if runs else 0)


def is_complete_since(
    db: sqlite3.Connection, pool: KnownPool, width: Resolution, start: int
) -> bool:
    """Whether `width` is stored for all readings of the pool from `start` on."""
    return available_since(db, pool, width) <= start


def available_since(db: sqlite3.Connection, pool: KnownPool, width: Resolution) -> int:
    """Return when stored figures of `width` start; 0 if they go back to the first reading."""
    first = blocks.first_packed(db, pool.id, width)
    if first is None:
        first = pool.packed_until
    return 0 if first // Resolution.DAY * Resolution.DAY <= pool.since else first
