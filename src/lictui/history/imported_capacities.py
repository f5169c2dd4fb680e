"""What was installed according to a file, and for how long its readings are valid.

A reading of a file is valid until the next one if the gap between them is at most 1.5 times the gap
before or after it, else for as long as the gap before it. Table `capacity` says so by intervals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from lictui.analysis.series import Resolution
from lictui.history import blocks, pools
from lictui.history.compaction import CONTEXT
from lictui.history.csv_reader import UNKNOWN as NO_COUNT
from lictui.history.pools import Capacity
from lictui.history.rollup import FOREVER, GAP_FACTOR, UNKNOWN, Capacities, Readings, sorted_unique

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from lictui.analysis.columns import FloatArray, IntArray
    from lictui.history.csv_reader import Rows
    from lictui.history.pools import KnownPool

_DAY: Final = int(Resolution.DAY)
_DEFAULT_INTERVAL: Final = 900.0  # seconds, where a file has a single reading
_FIRST_STEP: Final = 64


def import_capacities(
    db: sqlite3.Connection, pool: KnownPool, imported: Rows, readings: Readings
) -> None:
    """Record what is installed and the validity, up to the next reading of lictui's own.

    `readings` are those of the file and the stored ones around them.
    """
    stored = pools.capacities(db, pool.id)
    valid = Capacities.of(stored)
    order = np.lexsort((-imported["width"], imported["time"]))
    times = imported["time"][order]
    first, last = int(times[0]), int(times[-1])
    order = order[np.append(np.diff(times) > 0, True)]  # the narrowest of one time
    times, width = imported["time"][order], imported["width"][order]
    needed = _needed(readings, first, last)
    last = max([last, *needed.time[-1:].tolist()])
    own = _own_times(db, pool, min([first, *needed.time[:1].tolist()]), last)
    following = own[own > last][:1]
    marks = valid.valid_from[(valid.valid_from >= first) & (valid.valid_from <= last)]
    marks = marks if stored else marks[:0]
    time = sorted_unique(times, needed.time, own[own <= last], marks, following)
    at = valid.at(time)
    installed, overdraft = valid.installed[at], valid.overdraft[at]
    interval = valid.interval[at]
    place = np.searchsorted(time, times)
    known_before = times >= (valid.valid_from[0] if stored else FOREVER)
    for column, name in ((installed, "installed"), (overdraft, "overdraft")):
        before = np.where(known_before, column[place], np.nan)
        counts = imported[name][order]
        column[place] = np.where(counts == NO_COUNT, before, counts)
    interval[place[width > 0]] = width[width > 0]
    if len(needed.time):
        values = needed.values()
        carried = np.searchsorted(needed.time, marks, side="right") - 1
        carries = (carried >= 0) & (valid.interval[valid.at(marks)] > 0)
        interval[np.searchsorted(time, marks[carries])] = values[carried[carries]]
        interval[np.searchsorted(time, needed.time)] = np.where(needed.known, values, 0.0)
    _replace(db, pool, stored, time, (installed, overdraft, interval))


class _Needed(NamedTuple):
    """The intervals that readings need: any between two values, and the best one."""

    time: IntArray
    known: IntArray  # whether the figure is
    least: FloatArray
    most: FloatArray
    best: FloatArray

    def values(self) -> FloatArray:
        """Return the interval of each reading: the one before it, wherever that is good enough."""
        values = self.best.copy()
        index, step = 0, _FIRST_STEP
        while index < len(values):
            current = values[index]
            part = slice(index + 1, index + 1 + step)
            differs = (self.least[part] > current) | (self.most[part] < current)
            length = int(np.argmax(differs)) if differs.any() else len(differs)
            values[index + 1 : index + 1 + length] = current
            # Continue with the first that differs, or with the last that does not.
            step = _FIRST_STEP if differs.any() else 2 * step
            index += length + bool(differs.any() or not length)
        return values


def _needed(readings: Readings, first: int, last: int) -> _Needed:
    """Return the intervals that the readings in [first, last] need, and two on either side."""
    gaps = np.diff(readings.time).astype(np.float64)
    gaps[gaps > CONTEXT] = np.nan
    missing = np.full(min(len(readings), 1), np.nan)
    gap, before = np.concatenate((gaps, missing)), np.concatenate((missing, gaps))
    after = np.concatenate((gap[1:], missing))
    nearby = np.fmax(before, after)
    longest = GAP_FACTOR * np.where(np.isnan(nearby), gap, nearby)
    holds = gap <= np.minimum(longest, GAP_FACTOR * _DAY)
    own = np.where(np.isnan(before), np.where(np.isnan(after), _DEFAULT_INTERVAL, after), before)
    own = np.minimum(own, _DAY)
    known = readings.value != UNKNOWN
    low, high = np.searchsorted(readings.time, (first, last + 1)).tolist()
    near = slice(max(0, low - 2), high + 2)
    columns = (
        np.where(known, np.where(holds, gap / GAP_FACTOR, own), 0.0),
        np.where(known & ~holds, own, np.inf),
        np.where(holds, gap, own),
    )
    least, most, best = (column[near] for column in columns)
    return _Needed(readings.time[near], known[near], least, most, best)


def _own_times(db: sqlite3.Connection, pool: KnownPool, first: int, last: int) -> IntArray:
    """Return the times of stored readings from `first` on, or of buckets where those expired."""
    end = last + CONTEXT
    times = blocks.read_readings(db, pool.id, first, end).time
    for width in blocks.WIDTHS:
        until = FOREVER if width is Resolution.DAY else end
        start = blocks.read_rollups(db, pool.id, width, first, until).start
        times = sorted_unique(times, start[~np.isin(start // _DAY, times // _DAY)])
    return times


def _replace(
    db: sqlite3.Connection,
    pool: KnownPool,
    stored: Sequence[Capacity],
    time: IntArray,
    columns: tuple[FloatArray, FloatArray, FloatArray],
) -> None:
    """Store capacities in place of those between them; unchanged ones are left out."""
    filled = [np.nan_to_num(column, nan=-1.0) for column in columns]
    changes = np.ones(len(time), np.bool_)
    changes[1:] = np.any([np.diff(column) != 0 for column in filled], axis=0)
    starts, *counts = (column[changes].tolist() for column in (time, *filled))
    rows = [
        Capacity(
            start,
            None if installed < 0 else int(installed),
            None if overdraft < 0 else int(overdraft),
            interval,
        )
        for start, installed, overdraft, interval in zip(starts, *counts, strict=True)
    ]
    first, last = int(time[0]), int(time[-1])
    previous = next((c for c in reversed(stored) if c.valid_from < first), None)
    if previous is not None and rows[0][1:] == previous[1:]:
        rows = rows[1:]
    db.execute(
        "DELETE FROM capacity WHERE pool = ? AND valid_from BETWEEN ? AND ?", (pool.id, first, last)
    )
    pools.insert_capacities(db, pool.id, rows)
