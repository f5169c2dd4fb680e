"""Table `block`: older readings and roll-ups as compressed columns, by pool, resolution and time.

A block covers a UTC day of single readings, 32 days of hours or 512 days of days. Five minutes are
first in blocks of eight days, which is little to write again as the day goes on, and after 32 days
in one block, which is quick to read.
"""

from __future__ import annotations

import struct
import zlib
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from lictui.analysis.series import Resolution
from lictui.history.errors import CorruptBlockError
from lictui.history.rollup import EMPTY, FOREVER, UNKNOWN, Readings, Rollups, join

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from lictui.analysis.columns import IntArray
    from lictui.history.pools import KnownPool

# The codec: columns of integers, each from its lowest value on in as few bytes as that needs


_COUNT: Final = struct.Struct("<I")
_COLUMN: Final = struct.Struct("<Bqq")  # bytes per value, lowest value, first value of differences
_BYTES: Final = (1, 2, 4, 8)


def _pack(columns: Sequence[IntArray], differences: Sequence[bool]) -> bytes:
    parts = [_COUNT.pack(len(columns[0]))]
    data = []
    for column, is_difference in zip(columns, differences, strict=True):
        first = int(column[0]) if is_difference else 0
        values = np.diff(column) if is_difference else column
        low, high = (int(values.min()), int(values.max())) if len(values) else (0, 0)
        size = next((n for n in _BYTES if high - low < 1 << 8 * n), 8) if high > low else 0
        parts.append(_COLUMN.pack(size, low, first))
        if size:
            data.append((values - low).astype(f"<u{size}").tobytes())
    return zlib.compress(b"".join((*parts, *data)))


def _unpack(body: bytes, differences: Sequence[bool]) -> IntArray:
    """Return the columns as the rows of a matrix."""
    try:
        data = zlib.decompress(body)
        (count,) = _COUNT.unpack_from(data)
        matrix = np.empty((len(differences), count), np.int64)
        head, offset = _COUNT.size, _COUNT.size + len(differences) * _COLUMN.size
        for row, is_difference in zip(matrix, differences, strict=True):
            size, low, first = _COLUMN.unpack_from(data, head)
            head += _COLUMN.size
            values = row[1:] if is_difference else row
            values[:] = np.frombuffer(data, f"<u{size}", len(values), offset) if size else 0
            values += low
            offset += size * len(values)
            if is_difference:
                row[0] = first
                np.cumsum(row, out=row)
    except (zlib.error, struct.error, ValueError, TypeError, IndexError) as error:
        raise CorruptBlockError from error
    if offset != len(data):
        raise CorruptBlockError
    return matrix


def _first_value(body: bytes) -> int:
    """Return the first value of the first column without decompressing more."""
    try:
        data = zlib.decompressobj().decompress(body, _COUNT.size + _COLUMN.size)
        return int(_COLUMN.unpack_from(data, _COUNT.size)[2])
    except (zlib.error, struct.error) as error:
        raise CorruptBlockError from error


_READINGS: Final = (True, True, False)
_ROLLUPS: Final = (True, True, *[False] * 6)


def pack_readings(readings: Readings) -> bytes:
    """Pack at least one reading."""
    unknown = readings.value == UNKNOWN
    index = np.maximum.accumulate(np.where(unknown, 0, np.arange(len(unknown))))
    value = np.where(unknown[index], 0, readings.value[index])  # the last known one
    return _pack((readings.time, value, unknown.astype(np.int64)), _READINGS)


def unpack_readings(body: bytes) -> Readings:
    """Return packed readings; raises CorruptBlockError."""
    time, value, unknown = _unpack(body, _READINGS)
    return Readings(time, np.where(unknown > 0, UNKNOWN, value))


def pack_rollups(rollups: Rollups) -> bytes:
    """Pack at least one bucket."""
    start, low, high, high_at, last, total, seconds, samples = rollups.columns
    rest = total - _expected_total(rollups)
    columns = (start, low, high - low, high_at - start, last - low, rest, seconds, samples)
    return _pack(columns, _ROLLUPS)


def unpack_rollups(body: bytes) -> Rollups:
    """Return packed buckets; raises CorruptBlockError."""
    rollups = Rollups(_unpack(body, _ROLLUPS))
    rollups.high[:] += rollups.low
    rollups.high_at[:] += rollups.start
    rollups.last[:] += rollups.low
    rollups.total[:] += _expected_total(rollups)
    return rollups


def _expected_total(rollups: Rollups) -> IntArray:
    """Return the total of buckets of one reading, each after the one before; else near it."""
    seconds = rollups.seconds
    total: IntArray = rollups.last * seconds
    single = rollups.samples == 1
    late = rollups.high_at - rollups.start
    if (single & (late > 0)).any():  # until it was read, the reading before is valid
        total[1:] += ((rollups.last[:-1] - rollups.last[1:]) * late[1:]) * single[1:]
    several = rollups.samples > 1
    if several.any():
        total = np.where(several, (rollups.low + rollups.high) // 2 * seconds, total)
    return total


# The table


WIDTHS: Final = (Resolution.FIVE_MINUTES, Resolution.HOUR, Resolution.DAY)
_RESOLUTIONS: Final = (Resolution.RAW, *WIDTHS)
_DAY: Final = int(Resolution.DAY)
_SECONDS: Final = {
    Resolution.RAW: _DAY,
    Resolution.FIVE_MINUTES: 32 * _DAY,
    Resolution.HOUR: 32 * _DAY,
    Resolution.DAY: 512 * _DAY,
}
_SHORT: Final = {Resolution.FIVE_MINUTES: 8 * _DAY}  # blocks of a period that is not over
_MAX_DAYS: Final = 1 << 20  # since 1970


def block_seconds(width: Resolution) -> int:
    """Return the seconds that a block of a resolution covers at most."""
    return _SECONDS[width]


def read_readings(db: sqlite3.Connection, pool: int, start: int, end: int) -> Readings:
    """Return the packed readings in [start, end)."""
    parts = [unpack_readings(body) for body in _bodies(db, pool, Resolution.RAW, start, end)]
    if not parts:
        return Readings.of(())
    time = np.concatenate([part.time for part in parts])
    return Readings(time, np.concatenate([part.value for part in parts])).between(start, end)


def read_rollups(
    db: sqlite3.Connection, pool: int, width: Resolution, start: int, end: int
) -> Rollups:
    """Return the packed buckets of `width` that start in [start, end)."""
    bodies = _bodies(db, pool, width, start, end)
    return join([unpack_rollups(body) for body in bodies]).between(start, end)


def write_readings(db: sqlite3.Connection, pool: KnownPool, readings: Readings) -> None:
    """Store readings in place of all readings of their days."""
    for day, part in _split(readings.time, readings.time // _DAY * _DAY):
        _store(db, pool.id, Resolution.RAW, day, pack_readings(readings.select(part)))


def write_rollups(
    db: sqlite3.Connection,
    pool: KnownPool,
    width: Resolution,
    rollups: Rollups,
    within: tuple[int, int],
) -> None:
    """Store buckets in place of all that start `within` [start, end)."""
    start, end = within
    seconds = block_seconds(width)
    joined = pool.packed_until // seconds * seconds  # before this, blocks have full length
    fine = _SHORT.get(width, seconds)

    def length(time: int) -> int:
        return seconds if time < joined else fine

    first = start // length(start) * length(start)
    stop = -(-end // length(end - 1)) * length(end - 1)
    stored = read_rollups(db, pool.id, width, first, stop)
    rollups = join((stored.between(first, start), rollups, stored.between(end, stop)))
    bounds = (_position(pool.id, width, time) for time in (first, stop))
    db.execute("DELETE FROM block WHERE position >= ? AND position < ?", tuple(bounds))
    base = np.where(
        rollups.start < joined, rollups.start // seconds * seconds, rollups.start // fine * fine
    )
    for time, part in _split(rollups.start, base):
        _store(db, pool.id, width, time, pack_rollups(rollups.select(part)))


def _split(time: IntArray, base: IntArray) -> Iterator[tuple[int, slice]]:
    """Yield the start of each block, and what belongs to it."""
    first = np.flatnonzero(np.diff(base, prepend=-1)).tolist()
    for begin, stop in pairwise((*first, len(time))):
        yield int(base[begin]), slice(begin, stop)


def first_packed(db: sqlite3.Connection, pool: int, width: Resolution) -> int | None:
    """Return when the oldest packed reading or bucket of `width` starts; None without any."""
    row = db.execute(
        "SELECT body FROM block WHERE position >= ? AND position < ? ORDER BY position LIMIT 1",
        (_position(pool, width, 0), _position(pool, width, 0) + _MAX_DAYS),
    ).fetchone()
    return None if row is None else _first_value(row[0])


def drop_before(db: sqlite3.Connection, pool: KnownPool, width: Resolution, day: int) -> None:
    """Delete what is before the start of a UTC day."""
    first = first_packed(db, pool.id, width)
    if first is None or first >= day:
        return
    if width is not Resolution.RAW:
        start = day // block_seconds(width) * block_seconds(width)
        write_rollups(db, pool, width, EMPTY, (start, day))
        day = start
    bounds = _position(pool.id, width, 0), _position(pool.id, width, day)
    db.execute("DELETE FROM block WHERE position >= ? AND position < ?", bounds)


def drop_all(db: sqlite3.Connection, pool: int) -> None:
    """Delete all blocks of a pool."""
    first = _position(pool, Resolution.RAW, 0)
    last = first + len(_RESOLUTIONS) * _MAX_DAYS
    db.execute("DELETE FROM block WHERE position >= ? AND position < ?", (first, last))


def check_blocks(db: sqlite3.Connection) -> None:
    """Unpack every block; raises CorruptBlockError."""
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'block'").fetchone():
        return
    for position, body in db.execute("SELECT position, body FROM block"):
        if position // _MAX_DAYS % len(_RESOLUTIONS):
            unpack_rollups(body)
        else:
            unpack_readings(body)


def _bodies(
    db: sqlite3.Connection, pool: int, width: Resolution, start: int, end: int
) -> list[bytes]:
    """Return the blocks that may touch [start, end), in order of time."""
    start, end = max(0, start), min(end, FOREVER)
    seconds = block_seconds(width)
    short = _SHORT.get(width, seconds)
    rows = db.execute(
        "SELECT body FROM block WHERE position = ? OR position BETWEEN ? AND ? ORDER BY position",
        (
            _position(pool, width, start // seconds * seconds),
            _position(pool, width, start // short * short),
            _position(pool, width, min(end - 1, (_MAX_DAYS - 1) * _DAY)),
        ),
    )
    return [body for (body,) in rows]


def _position(pool: int, width: Resolution, time: int) -> int:
    """Return the key of the block that starts on a day: neighbors in time are neighbors."""
    return (pool * len(_RESOLUTIONS) + _RESOLUTIONS.index(width)) * _MAX_DAYS + time // _DAY


def _store(db: sqlite3.Connection, pool: int, width: Resolution, time: int, body: bytes) -> None:
    position = _position(pool, width, time)
    db.execute("INSERT OR REPLACE INTO block(position, body) VALUES(?, ?)", (position, body))
