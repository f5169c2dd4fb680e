"""The blocks: everything older than the last few hours, packed, one pool and width after another.

Owns where a block is and how it grows. Must not know what is rolled up when.
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
from lictui.history.rollup import ReadingRun, Rollup, merge

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator, Sequence


# How readings and tallies are packed into a block: columns of differences, as compressed JSON


_JSON: Final = json.JSONEncoder(separators=(",", ":"))
_COLUMN: Final = 1 << 11  # bytes, more than the places of a day take
_BEGIN: Final = re.compile(rb"\[\[(\d+)[],]")
# As `_make` does, without a call of Python's for each of a million.
_run = partial(tuple.__new__, ReadingRun)
_tally = partial(tuple.__new__, Rollup)


def pack_runs(runs: Sequence[ReadingRun], base: int) -> bytes:
    """Runs in order of time, none before `base`, which unpacking must be given again."""
    at, span, n, in_use = zip(*runs, strict=True)
    unread = [index for index, value in enumerate(in_use) if value is None]
    return _pack(_steps(at, base), span, n, _steps(_filled(in_use), 0), unread)


def unpack_runs(body: bytes, base: int) -> list[ReadingRun]:
    """The runs that were packed; raises Damaged."""
    at, span, n, in_use, unread = _unpack(body, 5)
    values: list[int | None] = list(accumulate(in_use))
    for index in unread:
        values[index] = None
    moments = map(base.__add__, accumulate(at))
    return list(map(_run, zip(moments, span, n, values, strict=True)))


def pack_tallies(tallies: Sequence[Rollup], width: int, base: int) -> bytes:
    """Tallies of `width` seconds in order of time, none before `base`."""
    start, low, total, high, high_at, last, n = zip(*tallies, strict=True)
    return _pack(
        _steps([(each - base) // width for each in start], 0),
        _steps(low, 0),
        list(map(sub, high, low)),
        list(map(sub, high_at, start)),
        list(map(sub, last, low)),
        list(map(sub, total, map(mul, low, n))),
        n,
    )


def unpack_tallies(
    body: bytes, width: int, base: int, within: tuple[int, int] | None = None
) -> list[Rollup]:
    """The tallies that were packed, or those that begin `within` [start, end); raises Damaged."""
    places, lows, highs, high_at, last, total, n = _unpack(body, 7)
    start = [base + width * place for place in accumulate(places)]
    low = list(accumulate(lows))
    columns = (
        start,
        low,
        map(add, total, map(mul, low, n)),
        map(add, low, highs),
        map(add, start, high_at),
        map(add, low, last),
        n,
    )
    found = zip(*columns, strict=True)
    if within is None:
        return list(map(_tally, found))
    first, last = (bisect_left(start, edge) for edge in within)
    return list(map(_tally, islice(found, first, last)))


def columns(body: bytes) -> list[list[int]]:
    """Packed tallies as they are kept; raises Damaged.

    Steps of the place, steps of the low; then high, its moment (less start), last and total (less
    n times low), each less low; and n.
    """
    found: list[list[int]] = _unpack(body, 7)
    return found


def tops(body: bytes) -> tuple[list[int], list[int], list[int]]:
    """The first of the `columns` alone: steps of the place and of the low, and high less low."""
    try:
        text = zlib.decompress(body)
        end = text.index(b"]", text.index(b"]", text.index(b"]") + 1) + 1)
        place, low, high = json.loads(text[: end + 1] + b"]")
    except (zlib.error, ValueError) as error:
        raise CorruptBlockError from error
    return place, low, high


def places(body: bytes) -> bytes:
    """The steps from place to place of packed tallies, with commas; the rest stays packed.

    Raises Damaged.
    """
    try:
        unpacked = zlib.decompressobj().decompress(body, _COLUMN)
    except zlib.error as error:
        raise CorruptBlockError from error
    end = unpacked.find(b"]")
    if end < 0:
        raise CorruptBlockError
    return unpacked[2:end]


def begin(body: bytes) -> int:
    """What a block's first run or tally is away from its base, in seconds or widths.

    Looks no further than there; raises Damaged.
    """
    try:
        found = _BEGIN.match(zlib.decompressobj().decompress(body, 32))
    except zlib.error as error:
        raise CorruptBlockError from error
    if found is None:
        raise CorruptBlockError
    return int(found[1])


def _filled(values: Iterable[int | None]) -> Iterator[int]:
    """The values, with the one before in place of each that could not be read."""
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
        found = json.loads(zlib.decompress(body))
    except (zlib.error, ValueError) as error:
        raise CorruptBlockError from error
    if not isinstance(found, list) or len(found) != columns:
        raise CorruptBlockError
    return found


WIDTHS: Final = (Resolution.FIVE_MINUTES, Resolution.HOUR, Resolution.DAY)
_ORDER: Final = (Resolution.RAW, *WIDTHS)
BUCKETS: Final = 288  # in a block of tallies: a day of five minutes, twelve days of hours
_PLACES: Final = 1 << 20  # blocks of one pool and width: more than time will bring


def span(width: Resolution) -> int:
    """Seconds that one block of `width` covers; single readings go by the day."""
    return width * BUCKETS or Resolution.DAY


def runs(db: sqlite3.Connection, pool: int, start: int, end: int) -> Iterator[ReadingRun]:
    """Packed readings of the days that [start, end) touches, in order of time."""
    for base, body in bodies(db, pool, Resolution.RAW, start, end):
        yield from unpack_runs(body, base)


def tallies(
    db: sqlite3.Connection, pool: int, width: Resolution, start: int, end: int
) -> list[Rollup]:
    """Packed tallies of `width` that begin in [start, end), in order of time."""
    found: list[Rollup] = []
    for base, body in bodies(db, pool, width, start, end):
        found += unpack_tallies(body, width, base, (start, end))
    return found


def body(db: sqlite3.Connection, pool: int, width: Resolution, base: int) -> bytes | None:
    """The block that begins at `base`, as it is kept; None if there is none."""
    query = "SELECT body FROM block WHERE place = ?"
    row = db.execute(query, (_place(pool, width, base // span(width)),)).fetchone()
    return None if row is None else bytes(row[0])


def bodies(
    db: sqlite3.Connection, pool: int, width: Resolution, start: int, end: int
) -> list[tuple[int, bytes]]:
    """The blocks that [start, end) touches, as they are kept, by where they begin."""
    length = span(width)
    last = min((end - 1) // length, _PLACES - 1)
    bounds = _place(pool, width, max(0, start // length)), _place(pool, width, last)
    query = "SELECT place, body FROM block WHERE place BETWEEN ? AND ? ORDER BY place"
    return [(place % _PLACES * length, body) for place, body in db.execute(query, bounds)]


def add_runs(db: sqlite3.Connection, pool: int, found: Iterable[ReadingRun]) -> None:
    """Pack `found` with what is there; a run is cut at midnight."""
    length = span(Resolution.RAW)
    for number, group in groupby(_days(found), lambda run: run.at // length):
        base = number * length
        held = {run.at: run for run in runs(db, pool, base, base + 1)}
        held.update((run.at, run) for run in group)
        _store(db, pool, Resolution.RAW, base, pack_runs(sorted(held.values()), base))


def replace_runs(db: sqlite3.Connection, pool: int, base: int, found: Sequence[ReadingRun]) -> None:
    """Let `found`, in order of time, be all the readings of the day that begins at `base`."""
    _store(db, pool, Resolution.RAW, base, pack_runs(found, base))


def replace_tallies(
    db: sqlite3.Connection, pool: int, width: Resolution, found: Iterable[Rollup]
) -> None:
    """Pack `found`, in order of time, in place of the buckets that are there of the same time."""
    add_tallies(db, pool, width, found, joined=_replaced)


def _replaced(held: Sequence[Rollup], given: Sequence[Rollup]) -> list[Rollup]:
    found = {each.start: each for each in (*held, *given)}
    return [found[start] for start in sorted(found)]


def add_tallies(
    db: sqlite3.Connection,
    pool: int,
    width: Resolution,
    found: Iterable[Rollup],
    joined: Callable[[Sequence[Rollup], Sequence[Rollup]], list[Rollup]] = merge,
) -> None:
    """Pack `found`, in order of time, with what is there, `joined` where both have a bucket."""
    length = span(width)
    for number, group in groupby(found, lambda each: each.start // length):
        base = number * length
        held = joined(tallies(db, pool, width, base, base + length), list(group))
        _store(db, pool, width, base, pack_tallies(held, width, base))


def first(db: sqlite3.Connection, pool: int, width: Resolution) -> int | None:
    """When the oldest packed reading or bucket of `width` begins; None when there is none."""
    bounds = _place(pool, width, 0), _place(pool, width, _PLACES - 1)
    query = "SELECT place, body FROM block WHERE place BETWEEN ? AND ? ORDER BY place LIMIT 1"
    for place, body in db.execute(query, bounds):
        return int(place % _PLACES * span(width) + begin(body) * (width or 1))
    return None


def drop(db: sqlite3.Connection, pool: int, width: Resolution, before: int) -> None:
    """Forget the blocks that end before `before`."""
    bounds = _place(pool, width, 0), _place(pool, width, max(0, before // span(width)))
    db.execute("DELETE FROM block WHERE place >= ? AND place < ?", bounds)


def hand_over(db: sqlite3.Connection, old: int, new: int) -> None:
    """Add everything of the pool `old` to `new`, and forget `old`."""
    end = _PLACES * Resolution.DAY
    add_runs(db, new, list(runs(db, old, 0, end)))
    for width in WIDTHS:
        add_tallies(db, new, width, tallies(db, old, width, 0, end))
    bounds = _place(old, Resolution.RAW, 0), _place(old + 1, Resolution.RAW, 0)
    db.execute("DELETE FROM block WHERE place >= ? AND place < ?", bounds)


def check(db: sqlite3.Connection) -> None:
    """Unpack every block there is; raises Damaged."""
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'block'").fetchone():
        return
    for place, body in db.execute("SELECT place, body FROM block"):
        if place // _PLACES % len(_ORDER):
            unpack_tallies(body, 1, 0)
        else:
            unpack_runs(body, 0)


def _place(pool: int, width: Resolution, number: int) -> int:
    """The key of a block: neighbours in time are neighbours in the file."""
    return (pool * len(_ORDER) + _ORDER.index(width)) * _PLACES + number


def _store(db: sqlite3.Connection, pool: int, width: Resolution, base: int, body: bytes) -> None:
    place = _place(pool, width, base // span(width))
    db.execute("INSERT OR REPLACE INTO block(place, body) VALUES(?, ?)", (place, body))


def _days(found: Iterable[ReadingRun]) -> Iterator[ReadingRun]:
    for run in found:
        rest: ReadingRun | None = run
        while rest:
            part, rest = rest.cut(rest.at // Resolution.DAY * Resolution.DAY + Resolution.DAY)
            if part:
                yield part
