"""Table `block`: older readings and roll-ups as compressed columns, by pool, resolution and time.

A block covers a UTC day of single readings, 32 days of five minutes or hours, or 512 days of days.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from lictui.analysis.columns import constant, groups, repeated
from lictui.analysis.series import Resolution
from lictui.clock import DAY
from lictui.history.errors import CorruptBlockError
from lictui.history.rollup import EMPTY, FOREVER, Readings, Rollups, join

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from lictui.analysis.columns import IntArray

# The codec: columns of integers, each in as few bytes as its values or their differences need


_HEAD: Final = "<I"  # number of entries; then for every column:
_COLUMN: Final = "Bqq"  # bytes per value, what is added to each, first value if differences follow
_BYTES: Final = (1, 2, 4, 8)
_INVALID: Final = (zlib.error, struct.error, ValueError, TypeError, IndexError, MemoryError)
_KINDS: Final = (
    "dd------"  # start, low, then the others as far as these do not tell; d: differences
)


def _pack(columns: Sequence[IntArray]) -> bytes:
    head: list[int] = [len(columns[0])]
    data = []
    for column, kind in zip(columns, _KINDS, strict=True):
        values = np.diff(column) if kind == "d" else column
        low, high = (int(values.min()), int(values.max())) if len(values) else (0, 0)
        base = 0 if kind == "d" and low < high else low
        size = 0
        if low < high:
            distance = 2 * max(high, -low) + 1 if kind == "d" else high - low
            size = next(count for count in _BYTES if distance < 1 << 8 * count)
            data.append((values - base).astype(_type(size, kind)).tobytes())
        head += (size, base, int(column[0]) if kind == "d" else 0)
    return zlib.compress(b"".join((struct.pack(_HEAD + _COLUMN * len(_KINDS), *head), *data)))


def _type(size: int, kind: str) -> str:
    return f"<{'i' if kind == 'd' else 'u'}{size}"


def _unpack(bodies: Sequence[bytes]) -> tuple[list[IntArray], IntArray]:
    """Return the columns of successive blocks, and where each block starts in them."""
    head = struct.Struct(_HEAD + _COLUMN * len(_KINDS))
    try:
        blocks = [(head.unpack_from(data), data) for data in map(zlib.decompress, bodies)]
        stops = np.cumsum([fields[0] for fields, _ in blocks])
        places = list(pairwise((0, *stops.tolist())))
        offsets = [head.size] * len(blocks)
        columns = []
        for index, kind in enumerate(_KINDS):
            codes = [fields[1 + 3 * index : 4 + 3 * index] for fields, _ in blocks]
            if kind != "d" and codes[0][0] == 0 and len(set(codes)) == 1:
                columns.append(repeated(codes[0][1], places[-1][1]))
                continue
            column = np.empty(places[-1][1], np.int64)
            for number, (code, (_, data)) in enumerate(zip(codes, blocks, strict=True)):
                part = column[slice(*places[number])]
                offsets[number] = _read(part, code, data, offsets[number], kind)
            columns.append(column)
    except _INVALID as error:
        raise CorruptBlockError from error
    if offsets != [len(data) for _, data in blocks]:
        raise CorruptBlockError
    return columns, np.array([start for start, _ in places])


def _read(part: IntArray, code: Sequence[int], data: bytes, offset: int, kind: str) -> int:
    """Fill a part of a column; return where the data of the next one starts."""
    size, base, first = code
    count = len(part) - (kind == "d")
    stored = np.frombuffer(data, _type(size, kind), count, offset) if size else None
    if kind != "d":
        part[:] = 0 if stored is None else stored
        part += base
        return offset + size * count
    if stored is None:
        part[:] = np.arange(count + 1) * base
    else:
        part[0] = 0
        np.cumsum(stored, out=part[1:])
    part += first
    return offset + size * count


def pack_rollups(rollups: Rollups, first: IntArray) -> list[bytes]:
    """Pack buckets into blocks, each from one of the indexes in `first`."""
    start, low, high, high_at, last, total, seconds, samples = rollups.columns
    rest = total - _expected_total(rollups, first)
    columns = (start, low, high - low, high_at - start, last - low, rest, seconds, samples)
    edges = pairwise((*first.tolist(), len(rollups)))
    return [_pack([column[begin:end] for column in columns]) for begin, end in edges]


def unpack_rollups(bodies: Sequence[bytes]) -> Rollups:
    """Return the buckets of successive blocks; raises CorruptBlockError."""
    (start, low, rise, late, gain, rest, seconds, samples), blocks = _unpack(bodies)
    high, last, high_at = _plus(low, rise), _plus(low, gain), _plus(start, late)
    rollups = Rollups(start, low, high, high_at, last, rest, seconds, samples)
    return replace(rollups, total=_plus(_expected_total(rollups, blocks), rest))


def _plus(column: IntArray, more: IntArray) -> IntArray:
    """Return the sum: the same object if nothing is added."""
    return column if constant(more) == 0 else column + more


def _expected_total(rollups: Rollups, blocks: IntArray) -> IntArray:
    """Return the total of buckets of one reading, each after the one before; else near it."""
    seconds, samples, last = rollups.seconds, rollups.samples, rollups.last
    total: IntArray = last * seconds
    if rollups.high_at is not rollups.start:
        late = np.where(samples == 1, rollups.high_at - rollups.start, 0)
        late[blocks] = 0  # what was before is in another block
        if (late > 0).any():  # until it was read, the reading before is valid
            total[1:] += (last[:-1] - last[1:]) * late[1:]
    if constant(samples) not in (0, 1) and (samples > 1).any():
        total = np.where(samples > 1, (rollups.low + rollups.high) // 2 * seconds, total)
    return total


# The table


_RESOLUTIONS: Final = tuple(Resolution)
_DAYS: Final = dict(zip(_RESOLUTIONS, (1, 32, 32, 512), strict=True))  # that a block covers
_MAX_DAYS: Final = 1 << 20  # since 1970


def read_readings(db: sqlite3.Connection, pool: int, start: int, end: int) -> Readings:
    """Return the packed readings in [start, end)."""
    return Readings.of_rollups(read_rollups(db, pool, Resolution.RAW, start, end))


def read_rollups(
    db: sqlite3.Connection, pool: int, width: Resolution, start: int, end: int
) -> Rollups:
    """Return the packed buckets of `width` that start in [start, end)."""
    bodies = _bodies(db, pool, width, start, end)
    return unpack_rollups(bodies).between(start, end) if bodies else EMPTY


def _bodies(
    db: sqlite3.Connection, pool: int, width: Resolution, start: int, end: int
) -> list[bytes]:
    """Return the blocks that may touch [start, end), in order of time."""
    rows = db.execute(
        "SELECT body FROM block WHERE position BETWEEN ? AND ? ORDER BY position",
        (_position(pool, width, max(0, start)), _position(pool, width, min(end - 1, FOREVER))),
    )
    return [body for (body,) in rows]


def _position(pool: int, width: Resolution, time: int) -> int:
    """Return the key of the block that has a time: neighbors in time are neighbors."""
    day = min(time // DAY // _DAYS[width] * _DAYS[width], _MAX_DAYS - 1)
    return (pool * len(_RESOLUTIONS) + _RESOLUTIONS.index(width)) * _MAX_DAYS + day


def write_rollups(
    db: sqlite3.Connection,
    pool: int,
    width: Resolution,
    rollups: Rollups,
    within: tuple[int, int],
) -> None:
    """Store buckets in place of all that start `within` [start, end)."""
    start, end = within
    seconds = _DAYS[width] * DAY
    first, stop = start // seconds * seconds, -(-end // seconds) * seconds
    stored = read_rollups(db, pool, width, first, stop)
    _delete(db, _position(pool, width, first), _position(pool, width, stop))
    rollups = join((stored.between(first, start), rollups, stored.between(end, stop)))
    first_of, _ = groups(rollups.start // seconds)
    positions = [_position(pool, width, time) for time in rollups.start[first_of].tolist()]
    bodies = pack_rollups(rollups, first_of)
    db.executemany(
        "INSERT INTO block(position, body) VALUES(?, ?)", zip(positions, bodies, strict=True)
    )


def _delete(db: sqlite3.Connection, first: int, end: int) -> None:
    db.execute("DELETE FROM block WHERE position >= ? AND position < ?", (first, end))


def first_packed(db: sqlite3.Connection, pool: int, width: Resolution) -> int | None:
    """Return when the oldest packed reading or bucket of `width` starts; None without any."""
    row = db.execute(
        "SELECT body FROM block WHERE position BETWEEN ? AND ? ORDER BY position LIMIT 1",
        (_position(pool, width, 0), _position(pool, width, FOREVER)),
    ).fetchone()
    if row is None:
        return None
    head = struct.Struct(_HEAD + _COLUMN)
    try:
        data = zlib.decompressobj().decompress(row[0], head.size)
        return int(head.unpack(data)[-1])
    except (zlib.error, struct.error) as error:
        raise CorruptBlockError from error


def drop_before(db: sqlite3.Connection, pool: int, width: Resolution, day: int) -> None:
    """Delete what is before the start of a UTC day."""
    first = first_packed(db, pool, width)
    if first is not None and first < day:
        write_rollups(db, pool, width, EMPTY, (0, day))


def drop_all(db: sqlite3.Connection, pool: int) -> None:
    """Delete all blocks of a pool."""
    first, last = _position(pool, Resolution.RAW, 0), _position(pool, Resolution.DAY, FOREVER)
    _delete(db, first, last + 1)


def check_blocks(db: sqlite3.Connection) -> None:
    """Unpack every block; raises CorruptBlockError."""
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'block'").fetchone():
        return
    for (body,) in db.execute("SELECT body FROM block"):
        unpack_rollups([body])
