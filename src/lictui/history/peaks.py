"""Peaks over the whole history: by product and model, of every server and of the estate.

Little of the past is read: days without gaps are known by their maxima, whose sum bounds the day,
and only days that can still win are read by five minutes; days with gaps, and those that a window
cuts, are read in full. Every peak is exact. The average of a complete day is that of its readings,
one of which may be valid past midnight. The arithmetic is in `analysis.peaks`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from lictui.analysis.aligned import ALIGNMENT, ServerSeries, aligned_sum
from lictui.analysis.peaks import (
    PeakAccumulator,
    ScopedPeak,
    find_maximum,
    peak_windows,
    split_by_age,
    upper_bound,
)
from lictui.analysis.series import Resolution, SeriesQuery
from lictui.history.daily_maxima import CountedDays, sum_complete_days
from lictui.history.memberships import memberships
from lictui.model import ESTATE

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
    from datetime import tzinfo

    from lictui.analysis.peaks import Peak, Window
    from lictui.analysis.series import Bucket, Series
    from lictui.history.daily_maxima import CompleteDays
    from lictui.history.memberships import Membership, ServerPool
    from lictui.history.pools import KnownPool
    from lictui.history.store import History

_HOUR: Final = int(Resolution.HOUR)
_DAY: Final = int(Resolution.DAY)
_HOUR_BLOCK: Final = 12 * _DAY  # of one block of hours
_SETTLED_AFTER: Final = 2 * _DAY  # after which a day is assumed not to change any more


@dataclass(frozen=True, slots=True)
class PeakQuery:
    """The scopes and servers whose peaks are queried, as of a time."""

    now: float
    zone: tzinfo | None  # of the calendar month; None: the system's
    expected: Collection[str]  # servers that are polled; others count until their last success
    servers: Collection[str] | None = None  # None: all
    products: Collection[str] = ()  # empty: all
    scopes: Mapping[str, Collection[str]] | None = None  # servers by scope; None: the estate
    per_server: bool = True  # the peaks of every server, too
    excluded: Collection[ServerPool] = ()  # pools that repeat the figures of another


@dataclass(slots=True)
class PeakCache:
    """What does not have to be read again for the next query."""

    # by pool: the day up to which its complete days are cached, and these days
    complete_days: dict[tuple[int, int], tuple[int, CompleteDays]] = field(default_factory=dict)
    bounds: dict[object, list[float]] = field(default_factory=dict)
    day_buckets: dict[tuple[object, int], tuple[Bucket, ...]] = field(default_factory=dict)
    data_version: int = -1

    def invalidate_if_changed(self, history: History) -> None:
        """Forget everything if another process has written to the history meanwhile."""
        data_version = history.data_version()
        if data_version != self.data_version:
            self.complete_days.clear()
            self.bounds.clear()
            self.day_buckets.clear()
        self.data_version = data_version


def find_peaks(
    history: History, query: PeakQuery, cache: PeakCache | None = None
) -> Iterator[ScopedPeak]:
    """Yield every peak: of a product and model first the scopes, then their servers."""
    return (peak for peak in iter_peaks(history, query, cache) if peak is not None)


def iter_peaks(
    history: History, query: PeakQuery, cache: PeakCache | None = None
) -> Iterator[ScopedPeak | None]:
    """Yield the same, and None every few milliseconds, so that the caller can do other work."""
    cache = cache or PeakCache()
    cache.invalidate_if_changed(history)
    known = [
        pool
        for pool in history.pools()
        if (query.servers is None or pool.server in query.servers)
        and (not query.products or pool.product in query.products)
    ]
    by_product = memberships(
        known, history.last_polls(), active=query.expected, excluded=query.excluded
    )
    all_servers = {member.server for members in by_product.values() for member in members}
    scopes = query.scopes or {ESTATE: all_servers}
    for (product, model), members in by_product.items():
        for scope, servers in scopes.items():
            inside = [member for member in members if member.server in servers]
            if inside:
                yield from _scope_peaks(history, query, cache, (scope, product, model), inside)


def _scope_peaks(
    history: History,
    query: PeakQuery,
    cache: PeakCache,
    names: tuple[str, str, str],
    members: Sequence[Membership],
) -> Iterator[ScopedPeak | None]:
    scope, product, model = names
    first = min(member.since for member in members)
    windows = peak_windows(query.now, first, query.zone)
    search = _PeakSearch(history, cache, query.now, windows, first)
    sum_peaks, server_peaks = yield from search.run(members)
    for index, peak in enumerate(sum_peaks):
        bound = upper_bound(peaks[index] for peaks in server_peaks.values())
        yield ScopedPeak(scope, product, model, peak, bound)
    if query.per_server:
        for server in sorted(server_peaks):
            for peak in server_peaks[server]:
                yield ScopedPeak(server, product, model, peak)


@dataclass(slots=True)
class _PeakSearch:
    """The search for the peaks of one product and model. Its generators yield between reads."""

    history: History
    cache: PeakCache
    now: float
    windows: Sequence[Window]
    first: int

    def run(
        self, members: Sequence[Membership]
    ) -> Generator[None, None, tuple[list[Peak], dict[str, list[Peak]]]]:
        """Return the peaks of the sum of all members, and of every member by its server."""
        fine_since, days_by_member = yield from self._complete_days_of(members)
        cut_days = {window.start // _DAY * _DAY for window in self.windows if window.start % _DAY}
        usable = [
            {day: f for day, f in days.items() if day >= fine_since and day not in cut_days}
            for days in days_by_member
        ]
        sum_days = sum_complete_days(
            [
                CountedDays(member.since, member.until, days)
                for member, days in zip(members, usable, strict=True)
            ]
        )
        total = PeakAccumulator(self.windows, self.first, self.now)
        own = [PeakAccumulator(self.windows, member.since, self.now) for member in members]
        for start, end in self._periods(fine_since):
            counting = [
                index for index, member in enumerate(members) if member.overlaps(start, end)
            ]
            if start in sum_days or not counting:
                continue
            incomplete = [index for index in counting if start not in usable[index]]
            series, width = yield from self._read(
                [members[index] for index in incomplete], (start, end)
            )
            parts = []
            for index, member_series in zip(incomplete, series, strict=True):
                own[index].add(member_series.buckets, width)
                member = members[index]
                parts.append(ServerSeries(member.since, member.until, member_series.buckets))
            complete = [members[index] for index in counting if start in usable[index]]
            if complete:
                buckets = self._day(_query_pools(complete, start), start)
                parts.append(ServerSeries(start, None, buckets))
                yield
            total.add(aligned_sum(parts, width), width)
        yield from self._search(total, members, sum_days)
        for member, days, accumulator in zip(members, usable, own, strict=True):
            yield from self._search(accumulator, (member,), days)
        return list(total.peaks()), {
            member.server: list(accumulator.peaks())
            for member, accumulator in zip(members, own, strict=True)
        }

    def _complete_days_of(
        self, members: Sequence[Membership]
    ) -> Generator[None, None, tuple[int, list[CompleteDays]]]:
        """Return from when five-minute figures are stored of all, and each one's complete days."""
        fine_since = 0
        by_member = []
        for member in members:
            parts = []
            for pool in member.known_pools:
                parts.append(CountedDays(pool.since, pool.ended, self._complete_days(pool)))
                fine_since = max(fine_since, self.history.fine_grained_since(pool))
                yield
            days = sum_complete_days(parts)
            by_member.append(sum_complete_days([CountedDays(member.since, member.until, days)]))
        return -(-fine_since // _DAY) * _DAY, by_member

    def _complete_days(self, pool: KnownPool) -> CompleteDays:
        """Return the complete days of a pool, from the cache as far as they are settled."""
        key = pool.id, pool.since
        cached_until, cached = self.cache.complete_days.get(key, (pool.since // _DAY * _DAY, {}))
        days = cached | self.history.complete_days(pool, cached_until, int(self.now))
        settled_until = max(cached_until, int(self.now - _SETTLED_AFTER) // _DAY * _DAY)
        settled = {day: figures for day, figures in days.items() if day < settled_until}
        self.cache.complete_days[key] = settled_until, settled
        return days

    def _periods(self, fine_since: int) -> Iterator[tuple[int, int]]:
        """Split all the time: single days where five-minute figures are stored."""
        for start, end in split_by_age(self.first, self.now):
            if start < fine_since:
                yield start, min(end, fine_since)
        first_day = max(fine_since, self.first // _DAY * _DAY)
        yield from ((day, day + _DAY) for day in range(first_day, int(self.now) + 1, _DAY))

    def _read(
        self, members: Sequence[Membership], within: tuple[int, int]
    ) -> Generator[None, None, tuple[list[Series], int]]:
        """Return the buckets of every member, of the finest width that all of them have."""
        width = int(ALIGNMENT)
        while True:
            answers = []
            for member in members:
                answers.append(self.history.series(SeriesQuery(member.pools, *within, width)))
                yield
            widest = max((series.width for series in answers), default=width)
            if all(series.width == widest for series in answers):
                return answers, widest
            width = widest

    def _search(
        self, accumulator: PeakAccumulator, members: Sequence[Membership], days: CompleteDays
    ) -> Generator[None, None, None]:
        """Add the peaks of complete days."""
        for window in self.windows:
            inside = {day: figures for day, figures in days.items() if day >= window.start}
            if not inside:
                continue
            highest = accumulator.highest_bucket(window)
            least = highest.high if highest else 0
            bounds = {day: maximum for day, (maximum, _) in inside.items() if maximum >= least}
            # The maxima of a single pool are exact: closer bounds would not help.
            single = len(members) == 1 and len(members[0].known_pools) == 1
            tighter = (partial(self._hour_bound, members), partial(self._day_bound, members))
            highest_of_days = yield from find_maximum(
                bounds, () if single else tighter, partial(self._day_buckets, members)
            )
            weighted = sum(average for _, average in inside.values()) * _DAY
            accumulator.add_complete_days(window, highest_of_days, weighted, len(inside) * _DAY)

    def _day_buckets(self, members: Sequence[Membership], day: int) -> tuple[Bucket, ...]:
        return self._day(_query_pools(members, day), day)

    def _hour_bound(self, members: Sequence[Membership], day: int) -> float:
        """Return what the hours of a day bound it by; a block of hours has twelve days."""
        base = day // _HOUR_BLOCK * _HOUR_BLOCK
        bounds = self._bounds(members, day, Resolution.HOUR, base)
        first = (day - base) // _HOUR
        return max(bounds[first : first + 24])

    def _day_bound(self, members: Sequence[Membership], day: int) -> float:
        return max(self._bounds(members, day, Resolution.FIVE_MINUTES, day))

    def _bounds(
        self, members: Sequence[Membership], day: int, width: Resolution, base: int
    ) -> list[float]:
        pools = _counting_pools(members, day)
        key = tuple(pool.id for pool in pools), width, base
        bounds = self.cache.bounds.get(key)
        if bounds is None:
            bounds = self.history.upper_bounds(pools, width, base)
            if base + _HOUR_BLOCK < self.now - _SETTLED_AFTER:
                self.cache.bounds[key] = bounds
        return bounds

    def _day(self, pools: tuple[ServerPool, ...], day: int) -> tuple[Bucket, ...]:
        buckets = self.cache.day_buckets.get((pools, day))
        if buckets is None:
            query = SeriesQuery(pools, day, day + _DAY, int(ALIGNMENT))
            buckets = self.history.series(query).buckets
            if day < self.now - _SETTLED_AFTER:
                self.cache.day_buckets[pools, day] = buckets
        return buckets


def _counting_pools(members: Sequence[Membership], day: int) -> tuple[KnownPool, ...]:
    """Return the pools that count on a day."""
    return tuple(
        pool
        for member in members
        for pool in member.known_pools
        if pool.since < day + _DAY and (pool.ended is None or pool.ended > day)
        if member.overlaps(day, day + _DAY)
    )


def _query_pools(members: Sequence[Membership], day: int) -> tuple[ServerPool, ...]:
    return tuple((pool.server, pool.key) for pool in _counting_pools(members, day))
