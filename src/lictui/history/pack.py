"""How readings and tallies are packed into a block: columns of differences, as compressed JSON.

Neighbours differ little, so that the compressor finds small numbers and long repetitions: half a
byte to two for a reading. Owns the format of a block. Must not know where blocks are kept.
"""

from __future__ import annotations

import json
import re
import zlib
from bisect import bisect_left
from functools import partial
from itertools import accumulate, islice, pairwise
from operator import add, mul, sub
from typing import TYPE_CHECKING, Any, Final

from lictui.history.rollup import Run, Tally
from lictui.history.trouble import Damaged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


_JSON: Final = json.JSONEncoder(separators=(",", ":"))
_COLUMN: Final = 1 << 11  # bytes, more than the places of a day take
_BEGIN: Final = re.compile(rb"\[\[(\d+)[],]")
# As `_make` does, without a call of Python's for each of a million.
_run = partial(tuple.__new__, Run)
_tally = partial(tuple.__new__, Tally)


def pack_runs(runs: Sequence[Run], base: int) -> bytes:
    """Runs in order of time, none before `base`, which unpacking must be given again."""
    at, span, n, in_use = zip(*runs, strict=True)
    unread = [index for index, value in enumerate(in_use) if value is None]
    return _pack(_steps(at, base), span, n, _steps(_filled(in_use), 0), unread)


def unpack_runs(body: bytes, base: int) -> list[Run]:
    """The runs that were packed; raises Damaged."""
    at, span, n, in_use, unread = _unpack(body, 5)
    values: list[int | None] = list(accumulate(in_use))
    for index in unread:
        values[index] = None
    moments = map(base.__add__, accumulate(at))
    return list(map(_run, zip(moments, span, n, values, strict=True)))


def pack_tallies(tallies: Sequence[Tally], width: int, base: int) -> bytes:
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
) -> list[Tally]:
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
        raise Damaged from error
    return place, low, high


def places(body: bytes) -> bytes:
    """The steps from place to place of packed tallies, with commas; the rest stays packed.

    Raises Damaged.
    """
    try:
        unpacked = zlib.decompressobj().decompress(body, _COLUMN)
    except zlib.error as error:
        raise Damaged from error
    end = unpacked.find(b"]")
    if end < 0:
        raise Damaged
    return unpacked[2:end]


def begin(body: bytes) -> int:
    """What a block's first run or tally is away from its base, in seconds or widths.

    Looks no further than there; raises Damaged.
    """
    try:
        found = _BEGIN.match(zlib.decompressobj().decompress(body, 32))
    except zlib.error as error:
        raise Damaged from error
    if found is None:
        raise Damaged
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
        raise Damaged from error
    if not isinstance(found, list) or len(found) != columns:
        raise Damaged
    return found
