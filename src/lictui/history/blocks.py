"""Table `block`: older readings and roll-ups, compressed, by pool, resolution and time.

A block is compressed JSON of columns of differences. It covers a UTC day of single readings, or
`BLOCK_BUCKETS` buckets: a day of five minutes, twelve days of hours.
"""

from __future__ import annotations

import json
import re
import zlib
from bisect import bisect_left
from functools import partial
from itertools import accumulate, groupby, islice, pairwise
from operator import add, mul, sub
from typing import TYPE_CHECKING, Any, Final

from lictui.analysis.series import Resolution
from lictui.history.errors import CorruptBlockError
from lictui.history.rollup import ReadingRun, Rollup, merge_lists

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator, Sequence

# The codec of a block


_JSON: Final = json.JSONEncoder(separators=(",", ":"))
_FIRST_COLUMN_SIZE: Final = 1 << 11  # bytes, more than the positions of a day take
_FIRST_POSITION: Final = re.compile(rb"\[\[(\d+)[],]")
# Like `_make`, without a Python function call for each of a million.
_new_run = partial(tuple.__new__, ReadingRun)
_new_rollup = partial(tuple.__new__, Rollup)


def pack_runs(runs: Sequence[ReadingRun], base: int) -> bytes:
    """Pack runs in order of time, none before `base`, which unpacking needs again."""
    start, duration, samples, in_use = zip(*runs, strict=True)
    unknown = [index for index, value in enumerate(in_use) if value is None]
    known = _steps(_without_unknown(in_use), 0)
    return _pack(_steps(start, base), duration, samples, known, unknown)


def unpack_runs(body: bytes, base: int) -> list[ReadingRun]:
    """Return the packed runs; raises CorruptBlockError."""
    start, duration, samples, in_use, unknown = _unpack(body, 5)
    values: list[int | None] = list(accumulate(in_use))
    for index in unknown:
        values[index] = None
    starts = map(base.__add__, accumulate(start))
    return list(map(_new_run, zip(starts, duration, samples, values, strict=True)))


def pack_rollups(rollups: Sequence[Rollup], width: int, base: int) -> bytes:
    """Pack roll-ups of `width` seconds in order of time, none before `base`."""
    start, low, total, high, high_at, last, samples = zip(*rollups, strict=True)
    return _pack(
        _steps([(time - base) // width for time in start], 0),
        _steps(low, 0),
        list(map(sub, high, low)),
        list(map(sub, high_at, start)),
        list(map(sub, last, low)),
        list(map(sub, total, map(mul, low, samples))),
        samples,
    )


def unpack_rollups(
    body: bytes, width: int, base: int, within: tuple[int, int] | None = None
) -> list[Rollup]:
    """Return the packed roll-ups that start `within` [start, end); raises CorruptBlockError."""
    position, low_steps, high, high_at, last, total, samples = _unpack(body, 7)
    start = [base + width * index for index in accumulate(position)]
    low = list(accumulate(low_steps))
    columns = (
        start,
        low,
        map(add, total, map(mul, low, samples)),
        map(add, low, high),
        map(add, start, high_at),
        map(add, low, last),
        samples,
    )
    rows = zip(*columns, strict=True)
    if within is None:
        return list(map(_new_rollup, rows))
    first, stop = (bisect_left(start, time) for time in within)
    return list(map(_new_rollup, islice(rows, first, stop)))


def decode_columns(body: bytes) -> list[list[int]]:
    """Return the columns of packed roll-ups as they are stored; raises CorruptBlockError.

    Steps of the position, steps of the low; then high, its time (less start), last, and total
    (less samples times low), each less low; and samples.
    """
    columns: list[list[int]] = _unpack(body, 7)
    return columns


def decode_maxima(body: bytes) -> tuple[list[int], list[int], list[int]]:
    """Return the first three of these columns only: steps of position and low, high less low."""
    try:
        text = zlib.decompress(body)
        end = text.index(b"]", text.index(b"]", text.index(b"]") + 1) + 1)
        position, low, high = json.loads(text[: end + 1] + b"]")
    except (zlib.error, ValueError) as error:
        raise CorruptBlockError from error
    return position, low, high


def decode_positions(body: bytes) -> bytes:
    """Return the steps of the position of packed roll-ups as text with commas.

    Decompresses nothing else; raises CorruptBlockError.
    """
    try:
        text = zlib.decompressobj().decompress(body, _FIRST_COLUMN_SIZE)
    except zlib.error as error:
        raise CorruptBlockError from error
    end = text.find(b"]")
    if end < 0:
        raise CorruptBlockError
    return text[2:end]


def decode_first_position(body: bytes) -> int:
    """Return the distance of the first run or roll-up from the base, in seconds or widths.

    Decompresses nothing else; raises CorruptBlockError.
    """
    try:
        match = _FIRST_POSITION.match(zlib.decompressobj().decompress(body, 32))
    except zlib.error as error:
        raise CorruptBlockError from error
    if match is None:
        raise CorruptBlockError
    return int(match[1])


def _without_unknown(values: Iterable[int | None]) -> Iterator[int]:
    """Yield the values, with the previous one in place of each unknown one."""
    last = 0
    for value in values:
        last = last if value is None else value
        yield last


def _steps(values: Iterable[int], first: int) -> list[int]:
    return [after - before for before, after in pairwise((first, *values))]


def _pack(*columns: Sequence[int]) -> bytes:
    return zlib.compress(_JSON.encode(columns).encode())


def _unpack(body: bytes, columns: int) -> Any:
    try:
        decoded = json.loads(zlib.decompress(body))
    except (zlib.error, ValueError) as error:
        raise CorruptBlockError from error
    if not isinstance(decoded, list) or len(decoded) != columns:
        raise CorruptBlockError
    return decoded


# The table


WIDTHS: Final = (Resolution.FIVE_MINUTES, Resolution.HOUR, Resolution.DAY)
_RESOLUTIONS: Final = (Resolution.RAW, *WIDTHS)
BLOCK_BUCKETS: Final = 288
_MAX_BLOCKS: Final = 1 << 20  # of one pool and resolution


def block_seconds(width: Resolution) -> int:
    """Return the seconds that one block of a resolution covers."""
    return width * BLOCK_BUCKETS or Resolution.DAY


def packed_runs(db: sqlite3.Connection, pool: int, start: int, end: int) -> Iterator[ReadingRun]:
    """Yield the packed readings of the days that [start, end) touches, in order of time."""
    for base, body in read_blocks(db, pool, Resolution.RAW, start, end):
        yield from unpack_runs(body, base)


def packed_rollups(
    db: sqlite3.Connection, pool: int, width: Resolution, start: int, end: int
) -> list[Rollup]:
    """Return the packed roll-ups of `width` that start in [start, end), in order of time."""
    rollups: list[Rollup] = []
    for base, body in read_blocks(db, pool, width, start, end):
        rollups += unpack_rollups(body, width, base, (start, end))
    return rollups


def read_block(db: sqlite3.Connection, pool: int, width: Resolution, base: int) -> bytes | None:
    """Return the packed block that starts at `base`; None if there is none."""
    query = "SELECT body FROM block WHERE position = ?"
    row = db.execute(query, (_position(pool, width, base // block_seconds(width)),)).fetchone()
    return None if row is None else bytes(row[0])


def read_blocks(
    db: sqlite3.Connection, pool: int, width: Resolution, start: int, end: int
) -> list[tuple[int, bytes]]:
    """Return the packed blocks that [start, end) touches, each with its start."""
    seconds = block_seconds(width)
    last = min((end - 1) // seconds, _MAX_BLOCKS - 1)
    bounds = _position(pool, width, max(0, start // seconds)), _position(pool, width, last)
    query = "SELECT position, body FROM block WHERE position BETWEEN ? AND ? ORDER BY position"
    return [
        (position % _MAX_BLOCKS * seconds, body) for position, body in db.execute(query, bounds)
    ]


def add_runs(db: sqlite3.Connection, pool: int, runs: Iterable[ReadingRun]) -> None:
    """Add readings to the blocks of their days; a run is cut at midnight."""
    seconds = block_seconds(Resolution.RAW)
    for number, day_runs in groupby(_cut_at_midnight(runs), lambda run: run.start // seconds):
        base = number * seconds
        by_start = {run.start: run for run in packed_runs(db, pool, base, base + 1)}
        by_start.update((run.start, run) for run in day_runs)
        replace_runs(db, pool, base, sorted(by_start.values()))


def replace_runs(db: sqlite3.Connection, pool: int, base: int, runs: Sequence[ReadingRun]) -> None:
    """Replace all readings of the day that starts at `base` by `runs`, in order of time."""
    _store(db, pool, Resolution.RAW, base, pack_runs(runs, base))


def replace_rollups(
    db: sqlite3.Connection, pool: int, width: Resolution, rollups: Iterable[Rollup]
) -> None:
    """Store roll-ups, in order of time, in place of those of the same buckets."""
    add_rollups(db, pool, width, rollups, combine=_replaced)


def _replaced(stored: Sequence[Rollup], rollups: Sequence[Rollup]) -> list[Rollup]:
    by_start = {rollup.start: rollup for rollup in (*stored, *rollups)}
    return [by_start[start] for start in sorted(by_start)]


def add_rollups(
    db: sqlite3.Connection,
    pool: int,
    width: Resolution,
    rollups: Iterable[Rollup],
    combine: Callable[[Sequence[Rollup], Sequence[Rollup]], list[Rollup]] = merge_lists,
) -> None:
    """Store roll-ups, in order of time, with those that are stored already."""
    seconds = block_seconds(width)
    for number, new in groupby(rollups, lambda rollup: rollup.start // seconds):
        base = number * seconds
        combined = combine(packed_rollups(db, pool, width, base, base + seconds), list(new))
        _store(db, pool, width, base, pack_rollups(combined, width, base))


def first_packed(db: sqlite3.Connection, pool: int, width: Resolution) -> int | None:
    """Return when the oldest packed reading or bucket of `width` starts; None without any."""
    bounds = _position(pool, width, 0), _position(pool, width, _MAX_BLOCKS - 1)
    query = (
        "SELECT position, body FROM block WHERE position BETWEEN ? AND ? ORDER BY position LIMIT 1"
    )
    for position, body in db.execute(query, bounds):
        base = position % _MAX_BLOCKS * block_seconds(width)
        return int(base + decode_first_position(body) * (width or 1))
    return None


def drop_before(db: sqlite3.Connection, pool: int, width: Resolution, time: int) -> None:
    """Delete the blocks that end before `time`."""
    number = max(0, time // block_seconds(width))
    bounds = _position(pool, width, 0), _position(pool, width, number)
    db.execute("DELETE FROM block WHERE position >= ? AND position < ?", bounds)


def merge_pool(db: sqlite3.Connection, source: int, target: int) -> None:
    """Move all blocks of the pool `source` to the pool `target`."""
    end = _MAX_BLOCKS * Resolution.DAY
    add_runs(db, target, list(packed_runs(db, source, 0, end)))
    for width in WIDTHS:
        add_rollups(db, target, width, packed_rollups(db, source, width, 0, end))
    bounds = _position(source, Resolution.RAW, 0), _position(source + 1, Resolution.RAW, 0)
    db.execute("DELETE FROM block WHERE position >= ? AND position < ?", bounds)


def check_blocks(db: sqlite3.Connection) -> None:
    """Unpack every block; raises CorruptBlockError."""
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'block'").fetchone():
        return
    for position, body in db.execute("SELECT position, body FROM block"):
        if position // _MAX_BLOCKS % len(_RESOLUTIONS):
            unpack_rollups(body, 1, 0)
        else:
            unpack_runs(body, 0)


def _position(pool: int, width: Resolution, number: int) -> int:
    """Return the key of a block: neighbors in time are neighbors in the file."""
    return (pool * len(_RESOLUTIONS) + _RESOLUTIONS.index(width)) * _MAX_BLOCKS + number


def _store(db: sqlite3.Connection, pool: int, width: Resolution, base: int, body: bytes) -> None:
    position = _position(pool, width, base // block_seconds(width))
    db.execute("INSERT OR REPLACE INTO block(position, body) VALUES(?, ?)", (position, body))


def _cut_at_midnight(runs: Iterable[ReadingRun]) -> Iterator[ReadingRun]:
    for run in runs:
        remaining: ReadingRun | None = run
        while remaining:
            midnight = remaining.start // Resolution.DAY * Resolution.DAY + Resolution.DAY
            part, remaining = remaining.split(midnight)
            if part:
                yield part
