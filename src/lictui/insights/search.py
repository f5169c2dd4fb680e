"""The highest of many stretches of time, of which only bounds are known until one looks closely.

Owns the order in which it is looked: a stretch that cannot win is never looked at. Pure: must not
know what looking costs, nor what it is that is looked at.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from lictui.insights.series import Bucket


def highest(
    bounds: Mapping[int, float],
    looks: Sequence[Callable[[int], float]],
    exact: Callable[[int], Sequence[Bucket]],
) -> Generator[None, None, Bucket | None]:
    """The highest bucket, the earliest of several; yields before everything that takes a while.

    `bounds` says by its start what a stretch cannot exceed, each of `looks` the same more closely,
    `exact` gives its buckets. Each is asked only of stretches that could still win.
    """
    heap: list[tuple[float, int, int, Bucket | None]] = [
        (-bound, start, 0, None) for start, bound in bounds.items()
    ]
    heapify(heap)
    while heap:
        bound, start, looked, found = heappop(heap)
        if found is not None:
            return found
        yield
        if looked < len(looks):
            heappush(heap, (max(bound, -looks[looked](start)), start, looked + 1, None))
        elif some := exact(start):
            top = max(some, key=lambda bucket: bucket.high)
            heappush(heap, (-top.high, start, looked + 1, top))
    return None
