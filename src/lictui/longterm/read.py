"""A history that takes from a long-term engine what it does not have itself.

Samples are read as they were stored and become buckets by the arithmetic of the history, so that
both give the same answer. Of two buckets that with more readings counts, the local one if equal.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import aclosing
from dataclasses import replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from msgspec import Struct

from lictui.analysis.columns import Series, repeated
from lictui.analysis.series import ALIGNMENT, Resolution
from lictui.clock import DAY, iso
from lictui.history import pools
from lictui.history.pools import KnownPool
from lictui.history.query import StoredPool, to_series
from lictui.history.rollup import CONTEXT, Capacities, Readings, coarsen, roll_up, sorted_unique
from lictui.history.store import History
from lictui.longterm.client import PrometheusClient, engine_name
from lictui.longterm.push import joined
from lictui.longterm.spool import (
    BUCKET_METRICS,
    IN_USE,
    INSTALLED,
    OVERDRAFT,
    RESOLUTIONS,
    SERVER_UP,
    USAGE_METRICS,
    selector,
)
from lictui.longterm.wire import EMPTY, SeriesKey
from lictui.model import Model
from lictui.products import describe
from lictui.sources.sanitize import sanitize
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
    from pathlib import Path

    from lictui.analysis.columns import FloatArray, IntArray
    from lictui.clock import Clock
    from lictui.config.settings import Settings
    from lictui.history.memberships import ServerPool
    from lictui.longterm.wire import QueriedSeries, Samples
    from lictui.model import Failure, Server

_BLOCK: Final = 64 * DAY  # of one product of a server, read together
_GRID: Final = 8 * DAY  # between two looks for a pool
_GAP: Final = 3600  # seconds without figures in a day that are worth a look
_RECENT: Final = 300  # seconds for which the answer about today is used again
_POOLS_FOR: Final = 6 * 3600  # seconds, and about the pools
_RETRY: Final = 30.0  # seconds after a failure without another query
_MAX_ROWS: Final = 6_000_000  # samples that are kept: about 100 MB


class _PoolSamples(Struct, frozen=True, eq=False):
    """What the engine has of one pool in a span."""

    samples: Mapping[SeriesKey, Samples]
    key: SeriesKey  # of its readings
    interval: float | None  # seconds between two polls, as the registry has it

    def series(self, finest: int, start: int, stop: int, now: int) -> Series:
        """Return buckets that start in [start, stop), as fine as `finest` where there are some."""
        times = np.unique(self._of(IN_USE).times)
        capacities = self._capacities(times)
        readings = Readings(times, _whole(self._at(IN_USE, times)))
        rollups = roll_up(readings, capacities, int(ALIGNMENT), now)
        series = to_series(coarsen(rollups.between(start, stop), finest), finest, capacities)
        for resolution, width in RESOLUTIONS.items():
            buckets = self._buckets(resolution, width).between(start, stop)
            series = overlay(series, buckets.widened(finest) if width < finest else buckets)
        return replace(series, width=finest)

    def _of(self, metric: str, resolution: str = "") -> Samples:
        return self.samples.get(self.key._replace(metric=metric, resolution=resolution), EMPTY)

    def _at(self, metric: str, times: IntArray, resolution: str = "") -> FloatArray:
        """Return the values of a series at these times; NaN where there is none."""
        samples, values = self._of(metric, resolution), np.full(len(times), np.nan)
        _, here, there = np.intersect1d(times, samples.times, return_indices=True)
        values[here] = samples.values[there]
        return values

    def _capacities(self, times: IntArray) -> Capacities:
        """Return the licenses at each reading; a poll without a figure is a gap."""
        polls = self.samples.get(SeriesKey(SERVER_UP, self.key.server), EMPTY).times
        gaps = np.setdiff1d(polls, times)
        valid_from = sorted_unique(times, gaps)
        interval = self.interval or float(np.median(np.diff(times)) if len(times) > 1 else _GAP)
        intervals = np.where(np.isin(valid_from, gaps), 0.0, interval)
        if not len(valid_from):
            return Capacities.of(())
        installed, overdraft = (self._at(name, valid_from) for name in (INSTALLED, OVERDRAFT))
        return Capacities(valid_from, installed, overdraft, intervals)

    def _buckets(self, resolution: str, width: int) -> Series:
        start = np.unique(self._of(next(iter(BUCKET_METRICS)), resolution).times)
        columns: dict[str, Any] = {
            column: self._at(metric, start, resolution) for metric, column in BUCKET_METRICS.items()
        }
        if any(np.isnan(column).any() for column in columns.values()):
            return Series.empty(width)  # not of lictui
        columns = {
            name: column if name == "average" else _whole(column)
            for name, column in columns.items()
        }
        columns["high_at"] = np.clip(columns["high_at"], start, start + width - 1)
        return Series(
            start,
            seconds=repeated(width, len(start)),
            **columns,
            installed=self._at(INSTALLED, start),
            overdraft=self._at(OVERDRAFT, start),
            bound=np.zeros(len(start), np.bool_),
            width=width,
        )


def _whole(values: FloatArray) -> IntArray:
    return np.rint(values).astype(np.int64)


def _is_pool(key: SeriesKey) -> bool:
    """Whether labels are those of a pool: the engine may have anything."""
    try:
        date.fromisoformat(key.subscription_date or "2000-01-01")
    except ValueError:
        return False
    return bool(key.product) and sanitize(key.product) == key.product


def overlay(series: Series, other: Series) -> Series:
    """Return `series`, and what `other` has where it has less: fewer readings, or no entry."""
    if not len(other):
        return series
    if not len(series):
        return other
    # Wider entries of `other` fill gaps only.
    total = np.append(0, np.cumsum(np.where(other.seconds <= series.width, other.samples, 0)))
    first, stop = (np.searchsorted(other.start, times) for times in (series.start, series.end))
    inside, fine = total[stop] - total[first], stop - first > 1
    chosen = (inside < series.samples + ~fine) | (inside == 0)
    kept = series.select(chosen)
    if not len(kept):
        return other
    before = np.searchsorted(kept.start, other.end) - 1  # the last that starts before its end
    free = (before < 0) | (kept.end[np.maximum(before, 0)] <= other.start)
    if chosen.all() and not free.any():
        return series
    added = other.select(free)
    order = np.argsort(np.concatenate((kept.start, added.start)), kind="stable")
    columns = zip(kept.columns, added.columns, strict=True)
    return Series(*(np.concatenate(pair)[order] for pair in columns), width=series.width)


class LongTermHistory(History):
    """The local history, which is only read, together with a long-term engine."""

    def __init__(
        self,
        path: Path,
        settings: Settings,
        servers: Iterable[Server],
        clock: Clock,
        run: Callable[[Any], Any],
    ) -> None:
        """Open it; `run` runs a coroutine in another thread, and waits."""
        super().__init__(path, settings.retention, clock, read_only=True)
        self.engine = engine_name(settings.long_term.engine)
        self.failure: Failure | None = None  # of the last request
        self._settings, self._run = settings, run
        self._servers = {server.name: server for server in servers}
        self._retry_at = 0.0
        self._found: dict[ServerPool, KnownPool] = {}  # in the engine
        self._search_at = 0.0  # when it is time to look again
        self._blocks: OrderedDict[tuple[object, ...], dict[SeriesKey, Samples]] = OrderedDict()
        self._rows = 0
        self._used: dict[ServerPool, tuple[int, int]] = {}

    def used_span(
        self, owners: Iterable[ServerPool], start: int, end: int
    ) -> tuple[int, int] | None:
        """Return from when to when figures in [start, end) are in part those of the engine."""
        spans = [self._used[owner] for owner in self._used.keys() & set(owners)]
        first = max(start, min((first for first, _ in spans), default=end))
        last = min(end, max((last for _, last in spans), default=start))
        return (first, last) if first < last else None

    @property
    def used_notices(self) -> tuple[str, ...]:
        """What to report about figures of the engine that were used."""
        span = self.used_span(self._used, 0, 1 << 40)
        if span is None:
            return ()
        text = f"figures from {iso(span[0])} to {iso(span[1])} are in part those of the long-term"
        return (f"{text} engine {self.engine}",)

    @property
    def engine_notices(self) -> tuple[str, ...]:
        """What to report about the last request: nothing if it succeeded."""
        if self.failure is None:
            return ()
        message = f"long-term engine {self.engine}: {self.failure.message}; only figures of the "
        return (f"{message}local history are shown. {self.failure.hint}".rstrip(),)

    def recovered(self) -> bool:
        """Whether the engine responds again; after a failure it is queried at intervals."""
        if self.failure is None or self._clock.monotonic() < self._retry_at:
            return False
        self._search_at = 0.0
        self._engine_pools()
        return self.failure is None

    def pools(self) -> tuple[KnownPool, ...]:
        """Return every pool that is known here or in the engine."""
        merged = self._merged(super().pools())
        return tuple(sorted(merged.values(), key=lambda pool: pool[1:4]))

    def _merged(self, local: Iterable[KnownPool]) -> dict[ServerPool, KnownPool]:
        merged = {(pool.server, pool.key): pool for pool in local}
        for owner, pool in self._engine_pools().items():
            known = merged.get(owner, pool)
            merged[owner] = known._replace(since=min(known.since, pool.since))
        return merged

    def _stored(self, db: Any, owners: Iterable[ServerPool]) -> list[StoredPool]:
        merged = self._merged(pools.all_pools(db))
        known: list[StoredPool] = []
        for owner in dict.fromkeys(owners):
            if pool := merged.get(owner):
                local = StoredPool(db, pools.find_pool(db, *owner) or pool, int(self.now()))
                known.append(_MergedPool(db, pool, local, self))
        return known

    def now(self) -> float:
        """Return the time by the clock of the history."""
        return self._clock.now()

    def note_used(self, pool: KnownPool, series: Series) -> None:
        """Remember that buckets of the engine were used."""
        first, end = self._used.get((pool.server, pool.key), (1 << 40, 0))
        span = min(first, int(series.start[0])), max(end, int(series.end[-1]))
        self._used[pool.server, pool.key] = span

    # What the engine has

    def remote(self, pool: KnownPool, finest: int, start: int, stop: int) -> Iterator[Series]:
        """Yield the buckets of a pool that start in [start, stop), one block after the other."""
        now = int(self._clock.now())
        today = now // DAY * DAY
        config = self._servers.get(pool.server)
        key = SeriesKey(IN_USE, pool.server, pool.product, pool.subscription_date)
        interval = config.effective_interval if config else None
        first = start
        while first < min(stop, now + 1):
            block = first // _BLOCK * _BLOCK
            if first >= today:
                block, end, fresh = today, today + DAY, now // _RECENT
            else:
                end, fresh = min(block + _BLOCK, today), now // DAY
            samples = self._block(pool, block, end, fresh)
            own = _PoolSamples(samples, key, interval)
            yield own.series(finest, max(first, start), min(end, stop), now)
            first = end

    def _block(
        self, pool: KnownPool, start: int, stop: int, fresh: int
    ) -> dict[SeriesKey, Samples]:
        key = (pool.server, pool.product, start, stop, fresh)
        if key not in self._blocks:
            query = selector(USAGE_METRICS, pool.server, pool.product)
            answer = self._ask(lambda c: c.raw_samples(query, start - CONTEXT, stop + CONTEXT))
            if answer is None:
                return {}
            self._blocks[key] = joined(answer)
            self._rows += sum(map(len, self._blocks[key].values()))
            while self._rows > _MAX_ROWS and len(self._blocks) > 1:
                _, oldest = self._blocks.popitem(last=False)
                self._rows -= sum(map(len, oldest.values()))
        self._blocks.move_to_end(key)
        return self._blocks[key]

    def _ask(
        self, question: Callable[[PrometheusClient], Coroutine[Any, Any, list[QueriedSeries]]]
    ) -> list[QueriedSeries] | None:
        """Ask the engine; None if it does not answer, and for a while after that."""
        if self._clock.monotonic() < self._retry_at:
            return None

        async def ask() -> list[QueriedSeries]:
            settings = self._settings
            async with aclosing(PrometheusClient(settings.long_term, settings.limits)) as client:
                return await question(client)

        try:
            answer: list[QueriedSeries] = self._run(ask())
        except SourceError as error:
            self.failure = error.failure
            self._retry_at = self._clock.monotonic() + _RETRY
            return None
        self.failure = None
        return answer

    def _engine_pools(self) -> dict[ServerPool, KnownPool]:
        """Return the pools of registered servers that the engine has figures of."""
        now = self._clock.now()
        if now >= self._search_at and (found := self._find_pools(int(now))) is not None:
            self._found, self._search_at = found, now + _POOLS_FOR
        return self._found

    def _find_pools(self, now: int) -> dict[ServerPool, KnownPool] | None:
        """Look in which weeks there are figures of which pools, then for the first and the last."""
        names = f"{IN_USE}|{IN_USE}_max"
        by = "server, product, subscription_date, model"
        days = _GRID // DAY
        query = f'count by ({by}) (last_over_time({{__name__=~"{names}"}}[{days}d]))'
        start = now - self.retention.day // days * _GRID
        answer = self._ask(lambda client: client.grid(query, start, now, _GRID))
        if answer is None:
            return None
        seen: dict[tuple[str, ...], tuple[int, int, str]] = {}
        for each in answer:
            if each.key.server in self._servers and _is_pool(each.key) and len(each.samples):
                first, last = (int(each.samples.times[at]) for at in (0, -1))
                before = seen.get(each.key[1:4], (first, last, ""))
                model = each.labels.get("model", "") if last >= before[1] else before[2]
                seen[each.key[1:4]] = min(first, before[0]), max(last, before[1]), model
        times: dict[tuple[str, ...], list[int]] = {key: [] for key in seen}
        edges = {edge for first, last, _ in seen.values() for edge in (first, last)}
        # Of all servers: the answer about a week could be too large.
        starts = {start for edge in edges for start in range(edge - _GRID, edge + 1, DAY)}
        for start in sorted(starts):
            asked = partial(PrometheusClient.raw_samples, selector=f'{{__name__=~"{names}"}}')
            answer = self._ask(partial(asked, start=start, stop=min(start + DAY, now + 1)))
            if answer is None:
                return None
            for each in answer:
                if each.key[1:4] in times and len(each.samples):
                    times[each.key[1:4]] += each.samples.times[[0, -1]].tolist()
        ends: dict[str, int] = {}
        for key, found in times.items():
            ends[key[0]] = max([ends.get(key[0], 0), *found])
        pools_found = {}
        for number, (key, (first, last, model)) in enumerate(sorted(seen.items()), 1):
            found = times[key] or [first, last]
            # A pool that its server does not list any more, unlike others.
            missing = ends[key[0]] - max(found) > 3 * self._servers[key[0]].effective_interval
            ended = max(found) + int(ALIGNMENT) if missing else None
            counted = model if model in set(Model) else Model.OTHER.value
            name = describe(key[1]).name
            pool = KnownPool(-number, key[0], key[1], key[2], counted, name, min(found), ended, 0)
            pools_found[pool.server, pool.key] = pool
        return pools_found


class _MergedPool(StoredPool):
    """Reads the series of one pool here, and from the engine where something is missing here."""

    def __init__(
        self, db: Any, pool: KnownPool, local: StoredPool, history: LongTermHistory
    ) -> None:
        super().__init__(db, pool, int(history.now()))
        self._local, self._history = local, history

    def series(self, finest: Resolution, start: int, end: int) -> Series:
        """Return the buckets that start in [start, end), as fine as `finest` where they are."""
        series = self._local.series(finest, start, end)
        for first, stop in self._missing(series, finest, start, end):
            for remote in self._history.remote(self.pool, int(finest), first, stop):
                merged = overlay(series, remote)
                if merged is not series:
                    self._history.note_used(self.pool, remote)
                    series = merged
        return series

    def _missing(
        self, series: Series, finest: Resolution, start: int, end: int
    ) -> Iterator[tuple[int, int]]:
        """Yield spans of whole days of which something is missing here, or is wider."""
        first = max(start, self.pool.since)
        stop = min(end, self._now + 1, self.pool.ended or end)
        if first >= stop:
            return
        if finest > ALIGNMENT:
            series = self._local.series(ALIGNMENT, start, end)
        fine = series.select(series.seconds <= finest)
        days = np.arange(first // DAY, -(-stop // DAY)) * DAY
        expected = np.minimum(days + DAY, stop) - np.maximum(days, first)
        place = np.searchsorted(days, fine.start, side="right") - 1
        inside = place >= 0
        seconds = np.bincount(place[inside], fine.seconds[inside], len(days))
        flagged = days[expected - seconds >= _GAP]
        breaks = np.flatnonzero(np.diff(flagged) > DAY) + 1
        for run in np.split(flagged, breaks):
            if len(run):
                yield max(start, int(run[0])), min(end, int(run[-1]) + DAY)
