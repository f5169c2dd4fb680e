"""Readings move into blocks after a few hours, and are forgotten after the days agreed.

Owns when which pool is rolled up, and how long what is kept. Must not know polls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lictui.analysis.series import Resolution
from lictui.history import blocks, pools
from lictui.history.rollup import Run, coarsen, tally

if TYPE_CHECKING:
    import sqlite3

    from lictui.config.settings import Retention
    from lictui.history.pools import KnownPool

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
    rolled: list[Run] = []
    rest: list[Run] = []
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


def add_late(db: sqlite3.Connection, pool: KnownPool, run: Run) -> None:
    """Add readings of a time that was rolled up before."""
    _pack(db, pool.id, [run])


def rows(db: sqlite3.Connection, pool: int, start: int = 0, end: int = FOREVER) -> list[Run]:
    """The readings that are not in blocks yet and touch [start, end), in order of time."""
    found = db.execute(
        "SELECT at, span, n, in_use FROM reading WHERE pool = ? AND at < ? AND at + span >= ?"
        " ORDER BY at",
        (pool, end, start),
    )
    return list(map(Run._make, found))


def _pack(db: sqlite3.Connection, pool: int, runs: list[Run]) -> None:
    if not runs:
        return
    blocks.add_runs(db, pool, runs)
    tallies = tally(runs, Resolution.FIVE_MINUTES)
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
