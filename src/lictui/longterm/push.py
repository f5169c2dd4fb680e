"""Pushing the history to a long-term engine.

The history itself is the spool: of each server only a position is stored, up to which everything is
in the engine. Nothing is lost, because a position moves when the engine has confirmed. Nothing is
stored twice, because what may be in the engine (a request that failed, a restart, figures that
changed) is read back first, and only what is missing is sent.
"""

from __future__ import annotations

import logging
from contextlib import aclosing
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import numpy as np
from msgspec import Struct, field

from lictui.clock import DAY
from lictui.history.rollup import FOREVER
from lictui.longterm.client import PrometheusClient
from lictui.longterm.spool import ALL_METRICS, BUCKET_METRICS, IN_USE, RESOLUTIONS, selector
from lictui.longterm.wire import EMPTY, PushedSeries, Samples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from lictui.clock import Clock
    from lictui.config.settings import Settings
    from lictui.longterm.spool import Spool
    from lictui.longterm.wire import QueriedSeries, SeriesKey
    from lictui.model import Server

_log = logging.getLogger(__name__)
_CHUNK: Final = 8 * DAY  # of one server that is in memory at the same time
_BATCH: Final = 20_000  # samples of a request: less than half a megabyte
_UNKNOWN: Final = (-1, FOREVER)  # the position of a server that is pushed for the first time
_STEP_BACK: Final = 3600  # seconds that are compared again after a failure or a restart
_SETTLE: Final = 10.0  # seconds until an engine shows what it has confirmed


class _Chunk(Struct, frozen=True):
    """What is sent of one server, and its position before and after that."""

    server: str
    before: tuple[int, int]
    after: tuple[int, int]
    last: int  # the time of the last sample
    series: list[PushedSeries]


class Comparison(Struct):
    """Counts of samples here and in an engine, and a checksum of keys, times and values."""

    local: int = 0
    stored: int = 0  # of these, in the engine with the same value
    different: int = 0  # with another value
    doubled: int = 0  # twice in the engine
    _local_sum: int = 0
    _stored_sum: int = 0
    incomplete: set[str] = field(default_factory=set)  # servers

    @property
    def missing(self) -> int:
        """Samples that the engine does not have."""
        return self.local - self.stored - self.different

    @property
    def checksums(self) -> tuple[str, str]:
        """Of the history, and of the same samples in the engine; independent of their order."""
        return f"{self._local_sum:016x}", f"{self._stored_sum:016x}"

    def add(self, series: PushedSeries, stored: Samples) -> None:
        """Compare one series."""
        here, times, values = series.samples, stored.times, stored.values
        same = np.isin(times, here.times)
        times, values = times[same], values[same]
        unique, first, counts = np.unique(times, return_index=True, return_counts=True)
        place = np.searchsorted(here.times, unique)
        equal = here.values[place] == values[first]
        self.local += len(here)
        self.stored += int(equal.sum())
        self.different += int((~equal).sum())
        self.doubled += int((counts - 1).sum())
        self._local_sum ^= _checksum(series.key, here)
        self._stored_sum ^= _checksum(series.key, Samples(unique, values[first]))
        if not len(here) == int(equal.sum()) == len(times):
            self.incomplete.add(series.key.server)


def _checksum(key: SeriesKey, samples: Samples) -> int:
    digest = blake2b(repr(tuple(key)).encode(), digest_size=8)
    digest.update(samples.times.astype("<i8").tobytes() + samples.values.astype("<f8").tobytes())
    return int.from_bytes(digest.digest(), "big")


class Pusher:
    """Pushes the history of all servers. Raises SourceError and HistoryError."""

    def __init__(self, spool: Spool, settings: Settings, clock: Clock) -> None:
        self.target = settings.long_term.push
        self.spool, self._settings, self._clock = spool, settings, clock
        self._doubtful = True  # whether what was confirmed last may be lost
        self._sent = False  # in the last push

    def client(self) -> PrometheusClient:
        """Return connections to the engine."""
        return PrometheusClient(self._settings.long_term, self._settings.limits)

    async def push(
        self,
        servers: Mapping[str, Server],
        polled: Mapping[str, float],
        on_progress: Callable[[], object] = lambda: None,
    ) -> int:
        """Push what is not in the engine yet; return how many samples were sent.

        `servers` are those of the registry, `polled` the times of their last polls.
        """
        sent = 0
        async with aclosing(self.client()) as client:
            if self._doubtful and client.can_read:
                self._step_back()
                await self._clock.sleep(_SETTLE)
            self._doubtful = True
            while due := self._due(polled):
                for chunks in self._batches(due, servers, polled):
                    sent += await self._send(client, chunks)
                    on_progress()
            self._doubtful = False
        self._sent = sent > 0
        return sent

    def waiting(self, polled: Mapping[str, float]) -> dict[str, int]:
        """Return the servers with figures that are not in the engine yet, and since when."""
        return {server: max(0, until) for server, (until, _) in self._due(polled).items()}

    def forget(self) -> None:
        """Let everything be compared with the engine again."""
        for server, (until, _) in self._positions().items():
            self.spool.set_pushed(self.target, server, until, *_UNKNOWN)

    def _positions(self) -> dict[str, tuple[int, int]]:
        stored = self.spool.push_positions(self.target)
        return {server: stored.get(server, _UNKNOWN) for server in self._first_days()}

    def _first_days(self) -> dict[str, int]:
        """Return the start of the day on which the history of each server starts."""
        since: dict[str, int] = {}
        for pool in self.spool.pools():
            since[pool.server] = min(pool.since, since.get(pool.server, pool.since))
        return {server: first // DAY * DAY for server, first in since.items()}

    def _due(self, polled: Mapping[str, float]) -> dict[str, tuple[int, int]]:
        return {
            server: (until, tried)
            for server, (until, tried) in self._positions().items()
            if until < max(tried, int(polled.get(server, 0)))
        }

    def _step_back(self) -> None:
        """An engine that was killed has lost what it kept in memory for seconds."""
        for server, (until, tried) in self._positions().items():
            if until == tried:
                self.spool.set_pushed(self.target, server, until, until - _STEP_BACK, tried)

    def _batches(
        self,
        due: Mapping[str, tuple[int, int]],
        servers: Mapping[str, Server],
        polled: Mapping[str, float],
    ) -> Iterator[list[_Chunk]]:
        """Yield the next chunk of every server, several small ones together."""
        first_days = self._first_days()
        chunks: list[_Chunk] = []
        count = 0
        for server, position in due.items():
            start = max(position[0] + 1, first_days[server])
            chunk = self._chunk(
                server, servers.get(server), position, start, int(polled.get(server, 0))
            )
            chunks.append(chunk)
            count += sum(len(series.samples) for series in chunk.series)
            if count >= _BATCH:
                yield chunks
                chunks, count = [], 0
        if chunks:
            yield chunks

    def _chunk(
        self,
        server: str,
        config: Server | None,
        before: tuple[int, int],
        start: int,
        polled: int,
    ) -> _Chunk:
        now = int(self._clock.now())
        stop = min(start // DAY * DAY + _CHUNK, now + 1)
        series = self.spool.samples(server, config, start, stop)
        last = max((int(each.samples.times[-1]) for each in series), default=start - 1)
        if stop <= now:
            return _Chunk(server, before, (stop - 1, max(before[1], stop - 1)), last, series)
        until = max(last, polled, before[0])
        return _Chunk(server, before, (until, until), last, series)

    async def _send(self, client: PrometheusClient, chunks: Sequence[_Chunk]) -> int:
        series: list[PushedSeries] = []
        for chunk in chunks:
            series += await self._missing(client, chunk)
            until, tried = chunk.before
            if chunk.series and chunk.last > tried:
                self.spool.set_pushed(self.target, chunk.server, until, until, chunk.last)
        for part in _parts(series):
            await client.write(part)
        for chunk in chunks:
            self.spool.set_pushed(self.target, chunk.server, chunk.before[0], *chunk.after)
        return sum(len(each.samples) for each in series)

    async def _missing(self, client: PrometheusClient, chunk: _Chunk) -> list[PushedSeries]:
        """Return what the engine does not have; only what may be there is read."""
        if not chunk.series or not client.can_read:
            return chunk.series
        start = min(int(each.samples.times[0]) for each in chunk.series)
        if start > chunk.before[1]:
            return chunk.series
        stored = await stored_samples(client, chunk.server, start, chunk.last + 1)
        return list(missing_samples(chunk.series, stored))

    async def compare(self, servers: Mapping[str, Server]) -> Comparison:
        """Read everything back, and compare it with the history."""
        comparison = Comparison()
        if self._sent:
            await self._clock.sleep(_SETTLE)
        now = int(self._clock.now())
        async with aclosing(self.client()) as client:
            for server, first in self._first_days().items():
                for start in range(first, now + 1, _CHUNK):
                    stop = min(start + _CHUNK, now + 1)
                    series = self.spool.samples(server, servers.get(server), start, stop)
                    if series:
                        stored = await stored_samples(client, server, start, stop)
                        for each in without_expired(series, stored):
                            comparison.add(each, stored.get(each.key, EMPTY))
        return comparison


async def stored_samples(
    client: PrometheusClient, server: str, start: int, stop: int
) -> dict[SeriesKey, Samples]:
    """Return what the engine has of a server in [start, stop)."""
    return joined(await client.raw_samples(selector(ALL_METRICS, server), start, stop))


def joined(series: Iterable[QueriedSeries]) -> dict[SeriesKey, Samples]:
    """Return samples by key: other labels, such as the group, may have changed over time."""
    by_key: dict[SeriesKey, list[Samples]] = {}
    for each in series:
        by_key.setdefault(each.key, []).append(each.samples)
    result = {}
    for key, parts in by_key.items():
        times = np.concatenate([part.times for part in parts])
        order = np.argsort(times, kind="stable")
        values = np.concatenate([part.values for part in parts])
        result[key] = Samples(times[order], values[order])
    return result


def missing_samples(
    series: Iterable[PushedSeries], stored: Mapping[SeriesKey, Samples]
) -> Iterator[PushedSeries]:
    """Yield what is not stored. What is stored with another value stays as it is."""
    for each in without_expired(series, stored):
        new = ~np.isin(each.samples.times, stored.get(each.key, EMPTY).times)
        if new.any():
            yield each.select(new)


def without_expired(
    series: Iterable[PushedSeries], stored: Mapping[SeriesKey, Samples]
) -> Iterator[PushedSeries]:
    """Yield the series without buckets whose readings, expired here, are stored."""
    for each in series:
        if each.key.metric not in BUCKET_METRICS:
            yield each
            continue
        readings = stored.get(each.key._replace(metric=IN_USE, resolution=""), EMPTY).times
        first = each.samples.times
        end = np.searchsorted(readings, first + RESOLUTIONS[each.key.resolution])
        inside = end > np.searchsorted(readings, first)
        if not inside.all():
            yield each.select(~inside)


def _parts(series: Iterable[PushedSeries]) -> Iterator[list[PushedSeries]]:
    """Yield the series in requests of at most `_BATCH` samples."""
    part: list[PushedSeries] = []
    count = 0
    for each in series:
        for start in range(0, len(each.samples), _BATCH):
            piece = each.select(slice(start, start + _BATCH))
            if count + len(piece.samples) > _BATCH and part:
                yield part
                part, count = [], 0
            part.append(piece)
            count += len(piece.samples)
    if part:
        yield part
