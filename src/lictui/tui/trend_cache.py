"""Cache of trend data: each row is fetched at most once per bucket."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from lictui.analysis.series import Resolution, Series, SeriesQuery
from lictui.tui.widgets.gauge import (
    DEFAULT_TREND_SECONDS,
    TrendData,
    trend_bucket,
    trend_data,
    with_reading,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lictui.model import PoolKey, Reading

K = TypeVar("K")
Pools = tuple[tuple[str, "PoolKey"], ...]
_NO_TREND: Final = TrendData()


class TrendCache(Generic[K]):
    """Trend data by key. `trends` is replaced, never changed, so that it can be compared."""

    def __init__(self, stretch: int = DEFAULT_TREND_SECONDS) -> None:
        self.seconds = stretch  # seconds
        self.trends: Mapping[K, TrendData] = {}
        self._fetched: dict[K, tuple[int, int]] = {}

    def due(self, keys: Iterable[K], now: float, cells: int) -> tuple[K, ...]:
        """Return the keys whose trend of `cells` buckets is due, and mark them as fetched."""
        if cells < 1:
            return ()
        bucket = trend_bucket(cells, self.seconds)
        mark = (bucket, int(now) // bucket)
        keys = tuple(key for key in keys if self._fetched.get(key) != mark)
        self._fetched.update(dict.fromkeys(keys, mark))
        return keys

    def store(self, answers: Iterable[tuple[K, Series]], now: float, cells: int) -> None:
        """Store fetched series."""
        bucket = trend_bucket(cells, self.seconds)
        self.trends = {
            **self.trends,
            **{key: trend_data(series, now, cells, bucket) for key, series in answers},
        }

    def add_readings(self, readings: Iterable[tuple[K, float, Reading]]) -> None:
        """Add new readings, so that a trend is current between two fetches."""
        if not self.trends:
            return
        changed = {
            key: after
            for key, at, reading in readings
            if (before := self.trends.get(key)) is not None
            and (after := with_reading(before, at, reading)) != before
        }
        if changed:
            self.trends = {**self.trends, **changed}


class TrendCaches(Generic[K]):
    """Trend data of the last day, for its peak, and of a longer period if one is selected."""

    def __init__(self) -> None:
        self._day: TrendCache[K] = TrendCache()
        self._period: TrendCache[K] | None = None
        self._combined: (
            tuple[Mapping[K, TrendData], Mapping[K, TrendData], Mapping[K, TrendData]] | None
        ) = None

    @property
    def trends(self) -> Mapping[K, TrendData]:
        """The trend to draw for each row."""
        if self._period is None:
            return self._day.trends
        days, longer = self._day.trends, self._period.trends
        if (
            self._combined is None
            or self._combined[0] is not days
            or self._combined[1] is not longer
        ):
            both = {key: replace(longer.get(key, _NO_TREND), day=day) for key, day in days.items()}
            self._combined = days, longer, both
        return self._combined[2]

    def set_length(self, seconds: int) -> None:
        """Select the period to show, in seconds."""
        self._combined = None
        self._period = None if seconds == DEFAULT_TREND_SECONDS else TrendCache(seconds)

    def due(
        self, keys: Iterable[K], now: float, cells: int
    ) -> tuple[tuple[TrendCache[K], tuple[K, ...]], ...]:
        """Return what must be fetched now with the cache it belongs to, and mark it as fetched."""
        keys = tuple(keys)
        caches = (self._day,) if self._period is None else (self._day, self._period)
        due = ((pasts, pasts.due(keys, now, cells)) for pasts in caches)
        return tuple((pasts, due) for pasts, due in due if due)

    def add_readings(self, readings: Iterable[tuple[K, float, Reading]]) -> None:
        """Add new readings."""
        readings = tuple(readings)
        self._day.add_readings(readings)
        if self._period is not None:
            self._period.add_readings(readings)


def trend_query(
    pools: Pools, now: float, cells: int, stretch: int = DEFAULT_TREND_SECONDS
) -> SeriesQuery:
    """Return the query for a trend of `cells` cells up to now; in days for long periods."""
    bucket = trend_bucket(cells, stretch)
    end = (int(now) // bucket + 1) * bucket
    return SeriesQuery(pools, end - cells * bucket, end, min(bucket, int(Resolution.DAY)))
