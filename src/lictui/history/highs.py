"""Bounds of a sum: the highest figures of many pools added up, with nothing else unpacked.

Owns what a block cannot exceed. A bucket without a reading is bounded by the one before, which a
reading holds through; so the bounds are those of stretches of which nothing is missing.
"""

from __future__ import annotations

from itertools import accumulate, repeat
from operator import add
from typing import TYPE_CHECKING, Final

from lictui.history import blocks
from lictui.history.pack import tops

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

    from lictui.analysis.series import Resolution

_ALL: Final = [0, *repeat(1, blocks.BUCKETS - 1)]
_UNBOUNDED: Final = float("inf")


def bounds(
    db: sqlite3.Connection, pools: Iterable[int], width: Resolution, base: int
) -> list[float]:
    """For every bucket of the block that begins at `base`: the sum cannot exceed it."""
    lows = highs = [0] * blocks.BUCKETS  # of pools that fill the block: steps, and high less low
    rest: list[float] = [0.0] * blocks.BUCKETS
    for pool in pools:
        body = blocks.body(db, pool, width, base)
        if body is None:
            return [_UNBOUNDED] * blocks.BUCKETS
        places, low, high = tops(body)
        if places == _ALL:
            lows = list(map(add, lows, low))
            highs = list(map(add, highs, high))
        else:
            rest = list(map(add, rest, _spread(places, map(add, accumulate(low), high))))
    return list(map(add, map(add, accumulate(lows), highs), rest))


def _spread(steps: list[int], highs: Iterable[int]) -> Iterator[float]:
    """A figure for every bucket: its own, or that of the last one before."""
    yield from repeat(_UNBOUNDED, steps[0])
    lengths = [*steps[1:], blocks.BUCKETS - sum(steps)]
    for high, length in zip(highs, lengths, strict=True):
        yield from repeat(high, length)
