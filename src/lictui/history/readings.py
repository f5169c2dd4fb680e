"""A poll becomes rows: an unchanged reading makes its row longer, everything else a new one.

Owns the table `reading`, and when a row may grow. Must not know what becomes of rows later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lictui.analysis.series import Resolution
from lictui.history import blocks, journal, pools
from lictui.history.pools import Capacity, KnownPool
from lictui.history.rollup import ReadingRun, Rollup, coarsen, merge, roll_up
from lictui.model import Failure, Poll, PoolKey, Server

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection

    from lictui.config.settings import Retention


# Readings move into blocks after a few hours, and are forgotten after the days agreed


FOREVER: Final = 1 << 40  # seconds; later than any reading
_STEP: Final = 3 * 3600  # seconds; a roll rewrites blocks, so it waits until it is worth it
_SETTLED: Final = 300  # seconds after which no reading is under way any more
_AT_ONCE: Final = 400  # pools a call: a fraction of a second, whatever the estate


def compact(db: sqlite3.Connection, now: float, retention: Retention) -> bool:
    """Roll up and forget what is due, within the caller's transaction; False: call again."""
    edge = int(now - _SETTLED) // _STEP * _STEP
    due = pools.rolled_before(db, edge, _AT_ONCE)
    for pool in due:
        roll(db, pool, edge)
        _forget(db, pool.id, now, retention)
    return len(due) < _AT_ONCE


def roll(db: sqlite3.Connection, pool: KnownPool, edge: int) -> None:
    """Move the readings before `edge` into blocks; a run across it is cut there."""
    rolled: list[ReadingRun] = []
    rest: list[ReadingRun] = []
    for run in rows(db, pool.id):
        before, after = run.cut(edge)
        rolled += [before] if before else []
        rest += [after] if after else []
    _pack(db, pool.id, rolled)
    db.execute("DELETE FROM reading WHERE pool = ? AND at < ?", (pool.id, edge))
    db.executemany(
        "INSERT OR REPLACE INTO reading(pool, at, span, n, in_use) VALUES(?, ?, ?, ?, ?)",
        [(pool.id, *run) for run in rest],
    )
    db.execute("UPDATE pool SET rolled = max(rolled, ?) WHERE id = ?", (edge, pool.id))


def add_late(db: sqlite3.Connection, pool: KnownPool, run: ReadingRun) -> None:
    """Add readings of a time that was rolled up before."""
    _pack(db, pool.id, [run])


def rows(db: sqlite3.Connection, pool: int, start: int = 0, end: int = FOREVER) -> list[ReadingRun]:
    """The readings that are not in blocks yet and touch [start, end), in order of time."""
    found = db.execute(
        "SELECT at, span, n, in_use FROM reading WHERE pool = ? AND at < ? AND at + span >= ?"
        " ORDER BY at",
        (pool, end, start),
    )
    return list(map(ReadingRun._make, found))


def _pack(db: sqlite3.Connection, pool: int, runs: list[ReadingRun]) -> None:
    if not runs:
        return
    blocks.add_runs(db, pool, runs)
    tallies = roll_up(runs, Resolution.FIVE_MINUTES)
    for width in blocks.WIDTHS:
        tallies = coarsen(tallies, width)
        blocks.add_tallies(db, pool, width, tallies)


def kept(now: float, retention: Retention) -> dict[Resolution, int]:
    """From when on each width is kept: forgotten are whole blocks that end before."""
    days = {
        Resolution.RAW: retention.raw,
        Resolution.FIVE_MINUTES: retention.five_minutes,
        Resolution.HOUR: retention.hour,
        Resolution.DAY: retention.day,
    }
    return {
        width: max(0, int(now) - many * Resolution.DAY) // blocks.span(width) * blocks.span(width)
        for width, many in days.items()
    }


def _forget(db: sqlite3.Connection, pool: int, now: float, retention: Retention) -> None:
    for width, since in kept(now, retention).items():
        blocks.drop(db, pool, width, since)


_MISSED: Final = 2.5  # intervals without an answer: a poll was missed, and the row has ended
_LARGEST: Final = 2**31  # no license server counts further; SQLite could not keep some that lie


def append(db: sqlite3.Connection, server: Server, poll: Poll) -> None:
    """Write one poll down, within the caller's transaction; a failure leaves a gap."""
    before = journal.put_latest(db, poll)
    at = int(poll.time)
    known = pools.of_server(db, poll.server)
    if isinstance(poll.result, Failure):
        if before is not None:  # else it was silent already
            for pool in known.values():
                pools.fall_silent(db, pool, at)
        return
    if before is not None and not 0 <= at - before <= _MISSED * server.effective_interval:
        before = None
    listed = {pool.key: pool for pool in poll.result.pools}
    for key, each in listed.items():
        found = known.get(key) or _dated(db, known, listed, key)
        found = found or pools.create(db, poll.server, key, each.model, each.name, at)
        pools.describe(db, found, each.model, each.name)
        said = each.reading
        in_use = _figure(said.in_use)
        every = 0.0 if in_use is None else server.effective_interval
        terms = Capacity(at, _figure(said.installed), _figure(said.overdraft), every)
        pools.set_terms(db, found.id, terms)
        _read(db, found, at, in_use, before)
    journal.put_told(db, poll.server, poll.result.monthly_usage)
    for key in known.keys() - listed.keys():
        pools.end(db, known[key], at)


def _dated(
    db: sqlite3.Connection,
    known: dict[PoolKey, KnownPool],
    listed: Collection[PoolKey],
    key: PoolKey,
) -> KnownPool | None:
    """The pool that was known without a date so far, now that its date is told."""
    undated = PoolKey(key.product)
    if undated in listed or undated not in known or known[undated].ended is not None:
        return None
    if sum(other.product == key.product for other in (*known, *listed)) != 2:  # noqa: PLR2004 - itself, undated and dated
        return None
    found = pools.date(db, known.pop(undated), key)
    known[key] = found
    return found


def _read(
    db: sqlite3.Connection, pool: KnownPool, at: int, in_use: int | None, before: int | None
) -> None:
    """Add one reading; `before` is the last poll's time, if none was missed since."""
    if at < pool.rolled:  # written late, or a clock that was set back
        add_late(db, pool, ReadingRun(at, 0, 1, in_use))
        return
    run = _last_run(db, pool.id)
    if run and run.end == at:
        if run.in_use == in_use:
            return
        _take_back(db, pool.id, run)  # of two readings in one second the later stands
    elif run and run.end == before and run.in_use == in_use:
        db.execute(
            "UPDATE reading SET span = ?, n = n + 1 WHERE pool = ? AND at = ?",
            (at - run.at, pool.id, run.at),
        )
        return
    db.execute(
        "INSERT INTO reading(pool, at, span, n, in_use) VALUES(?, ?, 0, 1, ?)"
        " ON CONFLICT DO UPDATE SET in_use = excluded.in_use WHERE n = 1",
        (pool.id, at, in_use),
    )


def _last_run(db: sqlite3.Connection, pool: int) -> ReadingRun | None:
    """The newest row of a pool that is not in a block yet."""
    row = db.execute(
        "SELECT at, span, n, in_use FROM reading WHERE pool = ? ORDER BY at DESC LIMIT 1", (pool,)
    ).fetchone()
    return ReadingRun(*row) if row else None


def _take_back(db: sqlite3.Connection, pool: int, run: ReadingRun) -> None:
    kept, _ = run.cut(run.end)
    if kept is None:
        db.execute("DELETE FROM reading WHERE pool = ? AND at = ?", (pool, run.at))
        return
    db.execute(
        "UPDATE reading SET span = ?, n = ? WHERE pool = ? AND at = ?",
        (kept.span, kept.n, pool, run.at),
    )


def _figure(value: int | None) -> int | None:
    return value if value is not None and abs(value) < _LARGEST else None


# Readings and tallies of one pool, wherever they are: in blocks, or in rows not rolled up yet


def runs(db: sqlite3.Connection, pool: KnownPool, start: int, end: int) -> list[ReadingRun]:
    """The readings in [start, end), in order of time; None of them a gap, some of them unread."""
    found = [*blocks.runs(db, pool.id, start, end), *rows(db, pool.id, start, end)]
    inside: list[ReadingRun] = []
    for run in found:
        _, part = run.cut(start)
        kept = part.cut(end)[0] if part else None
        inside += [kept] if kept else []
    return inside


def tallies(
    db: sqlite3.Connection, pool: KnownPool, width: int, start: int, end: int
) -> list[Rollup]:
    """The buckets of `width` seconds that begin in [start, end), in order of time.

    A width that is none of the stored ones is made from single readings.
    """
    if width not in blocks.WIDTHS:
        return roll_up(runs(db, pool, start, end), width)
    packed = blocks.tallies(db, pool.id, Resolution(width), start, end)
    if end > pool.rolled // width * width:
        recent = roll_up(rows(db, pool.id), width)
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
