"""The trends that are known, and which must be asked for: once a bucket, and no oftener.

Owns that bookkeeping for whatever has a trend: a pool on the wall, a product of the estate. Must
not know the engine, nor what is drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from lictui.insights.series import Question
from lictui.tui.widgets.trend import bucket_for, past, with_reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lictui.insights.series import Series
    from lictui.model import PoolKey, Reading
    from lictui.tui.widgets.trend import Past

K = TypeVar("K")
Pools = tuple[tuple[str, "PoolKey"], ...]


class Pasts(Generic[K]):
    """Pasts by key. `known` is replaced, never changed, so that it can be compared and shared."""

    def __init__(self) -> None:
        self.known: Mapping[K, Past] = {}
        self._asked: dict[K, tuple[int, int]] = {}

    def due(self, keys: Iterable[K], now: float, cells: int) -> tuple[K, ...]:
        """The keys whose past of `cells` buckets is to be asked for now; they count as asked."""
        if cells < 1:
            return ()
        bucket = bucket_for(cells)
        mark = (bucket, int(now) // bucket)
        keys = tuple(key for key in keys if self._asked.get(key) != mark)
        self._asked.update(dict.fromkeys(keys, mark))
        return keys

    def take(self, answers: Iterable[tuple[K, Series]], now: float, cells: int) -> None:
        """Keep what was answered."""
        bucket = bucket_for(cells)
        self.known = {
            **self.known,
            **{key: past(series, now, cells, bucket) for key, series in answers},
        }

    def read(self, readings: Iterable[tuple[K, float, Reading]]) -> None:
        """Keep what was just read, so that a trend is right between two questions."""
        if not self.known:
            return
        changed = {
            key: after
            for key, at, reading in readings
            if (before := self.known.get(key)) is not None
            and (after := with_reading(before, at, reading)) != before
        }
        if changed:
            self.known = {**self.known, **changed}


def question(pools: Pools, now: float, cells: int) -> Question:
    """What to ask for a trend of `cells` cells that ends now."""
    bucket = bucket_for(cells)
    end = (int(now) // bucket + 1) * bucket
    return Question(pools, end - cells * bucket, end, bucket)
