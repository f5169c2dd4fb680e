"""The trends that are known, and which must be asked for: once a bucket, and no oftener.

Owns that bookkeeping for whatever has a trend: a pool on the wall, a product of the estate. Must
not know the engine, nor what is drawn.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from lictui.analysis.series import Question, Resolution, Series
from lictui.tui.widgets.gauge import STRETCH, Past, bucket_for, past, with_reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lictui.model import PoolKey, Reading

K = TypeVar("K")
Pools = tuple[tuple[str, "PoolKey"], ...]
_NO_PAST: Final = Past()


class Pasts(Generic[K]):
    """Pasts by key. `known` is replaced, never changed, so that it can be compared and shared."""

    def __init__(self, stretch: int = STRETCH) -> None:
        self.stretch = stretch  # seconds
        self.known: Mapping[K, Past] = {}
        self._asked: dict[K, tuple[int, int]] = {}

    def due(self, keys: Iterable[K], now: float, cells: int) -> tuple[K, ...]:
        """The keys whose past of `cells` buckets is to be asked for now; they count as asked."""
        if cells < 1:
            return ()
        bucket = bucket_for(cells, self.stretch)
        mark = (bucket, int(now) // bucket)
        keys = tuple(key for key in keys if self._asked.get(key) != mark)
        self._asked.update(dict.fromkeys(keys, mark))
        return keys

    def take(self, answers: Iterable[tuple[K, Series]], now: float, cells: int) -> None:
        """Keep what was answered."""
        bucket = bucket_for(cells, self.stretch)
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


class Trends(Generic[K]):
    """Pasts of the day, whose peak is marked, and where wanted those of a longer stretch."""

    def __init__(self) -> None:
        self._day: Pasts[K] = Pasts()
        self._longer: Pasts[K] | None = None
        self._made: tuple[Mapping[K, Past], Mapping[K, Past], Mapping[K, Past]] | None = None

    @property
    def known(self) -> Mapping[K, Past]:
        """What is to be drawn of each row."""
        if self._longer is None:
            return self._day.known
        days, longer = self._day.known, self._longer.known
        if self._made is None or self._made[0] is not days or self._made[1] is not longer:
            both = {key: replace(longer.get(key, _NO_PAST), day=day) for key, day in days.items()}
            self._made = days, longer, both
        return self._made[2]

    def stretch(self, seconds: int) -> None:
        """Show so much time from now on."""
        self._made = None
        self._longer = None if seconds == STRETCH else Pasts(seconds)

    def due(
        self, keys: Iterable[K], now: float, cells: int
    ) -> tuple[tuple[Pasts[K], tuple[K, ...]], ...]:
        """What is to be asked for now, and where to take the answers; it counts as asked."""
        keys = tuple(keys)
        wanted = (self._day,) if self._longer is None else (self._day, self._longer)
        asked = ((pasts, pasts.due(keys, now, cells)) for pasts in wanted)
        return tuple((pasts, due) for pasts, due in asked if due)

    def read(self, readings: Iterable[tuple[K, float, Reading]]) -> None:
        """Keep what was just read."""
        readings = tuple(readings)
        self._day.read(readings)
        if self._longer is not None:
            self._longer.read(readings)


def question(pools: Pools, now: float, cells: int, stretch: int = STRETCH) -> Question:
    """What to ask for a trend of `cells` cells that ends now; of a long one, days."""
    bucket = bucket_for(cells, stretch)
    end = (int(now) // bucket + 1) * bucket
    return Question(pools, end - cells * bucket, end, min(bucket, int(Resolution.DAY)))
