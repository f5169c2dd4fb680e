"""A poll becomes rows: an unchanged reading makes its row longer, everything else a new one.

Owns the table `reading`, and when a row may grow. Must not know what becomes of rows later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lictui.history import latest, pools, told
from lictui.history.pools import Terms
from lictui.history.retention import add_late
from lictui.history.rollup import Run
from lictui.model import Failure, PoolKey

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection

    from lictui.history.pools import KnownPool
    from lictui.model import Poll, Server

_MISSED: Final = 2.5  # intervals without an answer: a poll was missed, and the row has ended
_LARGEST: Final = 2**31  # no license server counts further; SQLite could not keep some that lie


def append(db: sqlite3.Connection, server: Server, poll: Poll) -> None:
    """Write one poll down, within the caller's transaction; a failure leaves a gap."""
    before = latest.put(db, poll)
    at = int(poll.at)
    known = pools.of_server(db, poll.server)
    if isinstance(poll.result, Failure):
        if before is not None:  # else it was silent already
            for pool in known.values():
                pools.fall_silent(db, pool, at)
        return
    if before is not None and not 0 <= at - before <= _MISSED * server.every:
        before = None
    listed = {pool.key: pool for pool in poll.result.pools}
    for key, each in listed.items():
        found = known.get(key) or _dated(db, known, listed, key)
        found = found or pools.create(db, poll.server, key, each.model, each.name, at)
        pools.describe(db, found, each.model, each.name)
        said = each.reading
        in_use = _figure(said.in_use)
        every = 0.0 if in_use is None else server.every
        terms = Terms(at, _figure(said.installed), _figure(said.overdraft), every)
        pools.set_terms(db, found.id, terms)
        _read(db, found, at, in_use, before)
    told.put(db, poll.server, poll.result.told)
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
        add_late(db, pool, Run(at, 0, 1, in_use))
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


def _last_run(db: sqlite3.Connection, pool: int) -> Run | None:
    """The newest row of a pool that is not in a block yet."""
    row = db.execute(
        "SELECT at, span, n, in_use FROM reading WHERE pool = ? ORDER BY at DESC LIMIT 1", (pool,)
    ).fetchone()
    return Run(*row) if row else None


def _take_back(db: sqlite3.Connection, pool: int, run: Run) -> None:
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
