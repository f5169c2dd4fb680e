"""The figures of the history as samples of a long-term engine.

Names and labels are those of the OpenMetrics output. Every reading is a sample at its own time. A
bucket without readings (they expired, or were never recorded) is one sample of each of
`BUCKET_METRICS` at its start, with its length as the label `resolution`; a bucket of one reading is
that reading.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np
from msgspec import Struct

from lictui.analysis.series import ALIGNMENT, Resolution
from lictui.history import pools
from lictui.history.compaction import with_unpacked
from lictui.history.query import StoredPool
from lictui.history.rollup import UNKNOWN, Capacities, sorted_unique
from lictui.history.store import History
from lictui.longterm.metrics import (
    POOL_METRICS,
    PREFIX,
    SERVER_METRICS,
    PolledServer,
    known_figures,
)
from lictui.longterm.wire import PushedSeries, Samples, SeriesKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lictui.analysis.columns import FloatArray, IntArray, Series
    from lictui.history.polls import LastPoll
    from lictui.history.pools import KnownPool
    from lictui.model import Server

IN_USE: Final = f"{PREFIX}in_use"
INSTALLED: Final = f"{PREFIX}installed"
OVERDRAFT: Final = f"{PREFIX}overdraft"
SERVER_UP: Final = f"{PREFIX}server_up"
BUCKET_METRICS: Final = {  # and the columns of a Series
    f"{IN_USE}_min": "low",
    f"{IN_USE}_avg": "average",
    f"{IN_USE}_max": "high",
    f"{IN_USE}_max_timestamp_seconds": "high_at",
    f"{IN_USE}_last": "last",
    f"{IN_USE}_samples": "samples",
}
RESOLUTIONS: Final = {"5m": Resolution.FIVE_MINUTES, "1h": Resolution.HOUR, "1d": Resolution.DAY}
USAGE_METRICS: Final = (IN_USE, INSTALLED, OVERDRAFT, SERVER_UP, *BUCKET_METRICS)
_POOL_DATES: Final = [metric for metric in POOL_METRICS if metric.is_date]
_SERVER_DATES: Final = [metric for metric in SERVER_METRICS if metric.is_date]
ALL_METRICS: Final = (
    *USAGE_METRICS,
    *(PREFIX + metric.name for metric in _POOL_DATES),
    *(PREFIX + metric.name for metric in _SERVER_DATES),
)


def selector(metrics: Iterable[str], server: str, product: str = "") -> str:
    """Return the PromQL selector of these metrics of a server, of its pools of a product or all."""
    matchers = [f'__name__=~"{"|".join(metrics)}"', f'server="{_quoted(server)}"']
    if product:  # and what has no such label: whether the server responded
        matchers.append(f'product=~"|{_quoted(re.escape(product))}"')
    return "{" + ",".join(matchers) + "}"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


class _Recorded(Struct, frozen=True, eq=False):
    """What the history has of one pool in a span of whole days."""

    pool: KnownPool
    times: IntArray  # of readings
    values: IntArray
    buckets: Series  # that are not made of these readings
    capacities: Capacities

    @property
    def gaps(self) -> IntArray:
        return self.capacities.gaps

    def series(self, more: tuple[tuple[str, str], ...]) -> Iterator[PushedSeries]:
        """Yield the series of the pool; `more` are further labels."""
        pool, more = self.pool, (*more, ("model", self.pool.model))
        names = (pool.server, pool.product, pool.subscription_date)
        yield PushedSeries(
            SeriesKey(IN_USE, *names), more, Samples(self.times, self.values.astype(float))
        )
        times, first = np.unique(
            np.concatenate((self.times, self.buckets.start)), return_index=True
        )
        at = np.concatenate((self.times, self.buckets.high_at))[first]
        for metric, column in zip(
            (INSTALLED, OVERDRAFT), self.capacities.licenses(at), strict=True
        ):
            known = ~np.isnan(column)
            yield PushedSeries(
                SeriesKey(metric, *names), more, Samples(times[known], column[known])
            )
        for resolution, width in RESOLUTIONS.items():
            buckets = self.buckets.select(self.buckets.seconds == width)
            for metric, column_name in BUCKET_METRICS.items():
                # More digits of an average would not come back from every engine as they were.
                values: FloatArray = np.round(getattr(buckets, column_name).astype(float), 3)
                samples = Samples(buckets.start, values)
                yield PushedSeries(SeriesKey(metric, *names, resolution), more, samples)


class Spool(History):
    """A history from which samples are read."""

    def samples(
        self, server: str, config: Server | None, start: int, stop: int
    ) -> list[PushedSeries]:
        """Return the series of a server with samples in [start, stop)."""
        more = (("group", config.group), ("source", config.source)) if config else ()
        day = int(Resolution.DAY)
        first, end = start // day * day, -(-stop // day) * day
        recorded = self._recorded(server, first, end)
        series = [each for pool in recorded for each in pool.series(more)]
        if recorded:
            series.append(_server_up(server, recorded, more))
        series += _dates(server, self.last_polls().get(server), more)
        limited = (_between(each, start, stop) for each in series)
        return [each for each in limited if len(each.samples)]

    def _recorded(self, server: str, start: int, stop: int) -> list[_Recorded]:
        now = int(self._clock.now())
        recorded = []
        with self._reading() as db:
            for pool in pools.pools_of_server(db, server).values():
                readings = with_unpacked(db, pool, start, stop)
                readings = readings.select(readings.value != UNKNOWN)
                stored = StoredPool(db, pool, now).series(ALIGNMENT, start, stop)
                capacities = Capacities.of(pools.capacities(db, pool.id))
                here = capacities.gaps[(capacities.gaps >= start) & (capacities.gaps < stop)]
                if not (len(readings) or len(stored) or len(here)):
                    continue
                first, end = (np.searchsorted(readings.time, t) for t in (stored.start, stored.end))
                others = stored.select((stored.samples > 0) & (end - first < stored.samples))
                single = others.select(others.samples == 1)
                single = single.select(~np.isin(single.high_at, readings.time))
                times = np.concatenate((readings.time, single.high_at))
                order = np.argsort(times, kind="stable")
                values = np.concatenate((readings.value, single.high))[order]
                buckets = others.select(others.samples > 1)
                recorded.append(_Recorded(pool, times[order], values, buckets, capacities))
        return recorded


def _server_up(
    server: str, recorded: list[_Recorded], more: tuple[tuple[str, str], ...]
) -> PushedSeries:
    """Return 1 at every poll that brought a figure, 0 at the first of others that did not."""
    up = sorted_unique(*(pool.times for pool in recorded))
    times = sorted_unique(up, *(np.unique(pool.gaps) for pool in recorded))
    samples = Samples(times, np.isin(times, up).astype(float))
    return PushedSeries(SeriesKey(SERVER_UP, server), more, samples)


def _dates(
    server: str, last: LastPoll | None, more: tuple[tuple[str, str], ...]
) -> Iterator[PushedSeries]:
    """Yield what expires when, as of the last poll that succeeded: the history has no other."""
    snapshot = last.snapshot if last else None
    if last is None or snapshot is None or last.last_success_at is None:
        return
    time = np.array([int(last.last_success_at)])

    def series(key: SeriesKey, labels: tuple[tuple[str, str], ...], value: float) -> PushedSeries:
        return PushedSeries(key, labels, Samples(time, np.array([value])))

    for pool in snapshot.pools:
        labels = (*more, ("model", pool.model))
        for metric, value in known_figures(_POOL_DATES, pool).items():
            name, owner = PREFIX + metric.name, pool.key
            key = SeriesKey(name, server, owner.product, owner.subscription_date)
            yield series(key, labels, value)
    polled = PolledServer(
        is_up=True, last_success_at=last.last_success_at, latency=last.latency, snapshot=snapshot
    )
    for metric, value in known_figures(_SERVER_DATES, polled).items():
        yield series(SeriesKey(PREFIX + metric.name, server), more, value)


def _between(series: PushedSeries, start: int, stop: int) -> PushedSeries:
    return series.select(slice(*np.searchsorted(series.samples.times, (start, stop)).tolist()))
