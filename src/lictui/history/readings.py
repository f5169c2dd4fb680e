"""Table `reading`: an unchanged reading extends its row, every other starts a new one.

`compaction` moves readings into blocks after a few hours. The last one there is in the table, too,
because for how long it is valid depends on what follows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import sqlite3

    from lictui.history.pools import KnownPool


class ReadingRun(NamedTuple):
    """Successive, evenly spaced readings with the same figure: a row of table `reading`."""

    start: int  # UTC epoch seconds of the first reading
    duration: int  # seconds from the first to the last
    samples: int  # number of readings
    in_use: int | None  # None: the figure could not be read

    @property
    def end(self) -> int:
        """The time of the last reading."""
        return self.start + self.duration


def add_reading(
    db: sqlite3.Connection, pool: KnownPool, time: int, in_use: int | None, previous: int | None
) -> None:
    """Add one reading; `previous` is the time of the previous poll, if none was missed since."""
    run = _last_run(db, pool.id)
    if run and run.start < pool.packed_until:
        run = None
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
    if run.samples == 1:
        db.execute("DELETE FROM reading WHERE pool = ? AND start = ?", (pool, run.start))
        return
    earlier = run.duration * (run.samples - 2) // (run.samples - 1)
    db.execute(
        "UPDATE reading SET duration = ?, samples = samples - 1 WHERE pool = ? AND start = ?",
        (earlier, pool, run.start),
    )


def stored_runs(db: sqlite3.Connection, pool: int) -> list[ReadingRun]:
    """Return all rows of a pool in order of time."""
    return list(map(ReadingRun._make, db.execute(f"{_SELECT} ORDER BY start", (pool,))))


def delete_before(db: sqlite3.Connection, pool: int, time: int) -> None:
    """Delete the readings before `time` except for the last; a row is cut there."""
    last: ReadingRun | None = None
    for run in stored_runs(db, pool):
        if run.start >= time:
            break
        db.execute("DELETE FROM reading WHERE pool = ? AND start = ?", (pool, run.start))
        steps = max(run.samples - 1, 1)
        count = run.samples
        if run.end >= time:
            count = -((run.start - time) * steps // run.duration)
            start = run.start + run.duration * count // steps
            rest = ReadingRun(start, run.end - start, run.samples - count, run.in_use)
            _insert(db, pool, rest)
        last = ReadingRun(run.start + run.duration * (count - 1) // steps, 0, 1, run.in_use)
    if last:
        _insert(db, pool, last)


def keep_last_packed(
    db: sqlite3.Connection, pool: KnownPool, time: int, in_use: int | None
) -> None:
    """Keep a reading that was added to a block, if it is the last before `packed_until`."""
    earlier = [run for run in stored_runs(db, pool.id) if run.start < pool.packed_until]
    if not earlier or earlier[-1].start <= time:
        db.execute("DELETE FROM reading WHERE pool = ? AND start <= ?", (pool.id, time))
        _insert(db, pool.id, ReadingRun(time, 0, 1, in_use))


def _insert(db: sqlite3.Connection, pool: int, run: ReadingRun) -> None:
    db.execute("INSERT OR REPLACE INTO reading VALUES(?, ?, ?, ?, ?)", (pool, *run))
