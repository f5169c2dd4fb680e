"""Peaks of everything in the history: by product and model, of each server and of the estate.

Owns how little of the past has to be read for them. Days of which nothing is missing are known by
their maxima: their sum bounds the day, and only days that can still win are read by five minutes;
what is cut by a window, or has gaps, is read in full. Every answer is exact; but the average of a
whole day is that of its readings, to which one held past midnight belongs. The arithmetic is
`insights.peaks`. Must not know the registry beyond the names handed in.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from lictui import products
from lictui.analysis.peaks import (
    ALIGNMENT,
    Peak,
    PeakAccumulator,
    ScopedPeak,
    ServerSeries,
    Window,
    aligned_sum,
    find_maximum,
    peak_windows,
    split_by_age,
    upper_bound,
)
from lictui.analysis.series import Bucket, Resolution, Series, SeriesQuery
from lictui.history.daily_maxima import Facts, Member, summed
from lictui.model import ESTATE, PoolKey

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
    from datetime import tzinfo

    from lictui.history.journal import LastPoll
    from lictui.history.pools import KnownPool
    from lictui.history.store import History


# Who has what of a product: the pools of each server, and from when until when it is expected


@dataclass(frozen=True, slots=True)
class PeakQuery:
    """Whose peaks, as of when."""

    now: float
    zone: tzinfo | None  # whose calendar month; None: the system's
    expected: Collection[str]  # servers that are polled; others count until they last answered
    servers: Collection[str] | None = None  # None: all
    products: Collection[str] = ()  # none: all
    scopes: Mapping[str, Collection[str]] | None = None  # servers by scope; None: the estate
    per_server: bool = True  # those of every server, too
    excluded: Collection[tuple[str, PoolKey]] = ()  # pools that another one is a reading of


@dataclass(frozen=True, slots=True)
class Membership:
    """The pools of one product and model that a server has or had."""

    server: str
    known_pools: tuple[KnownPool, ...]
    since: int
    until: int | None  # None: still

    @property
    def pools(self) -> tuple[tuple[str, PoolKey], ...]:
        """As a question names them."""
        return tuple((self.server, pool.key) for pool in self.known_pools)


def memberships(history: History, wanted: PeakQuery) -> dict[tuple[str, str], list[Membership]]:
    """By product and model, the shares of every server that was ever read of it."""
    last = history.last_polls()
    startup = _uncounted(last)
    groups: dict[tuple[str, str, str], list[KnownPool]] = defaultdict(list)
    for pool in history.pools():
        chosen = (wanted.servers is None or pool.server in wanted.servers) and (
            not wanted.products or pool.product in wanted.products
        )
        whose = pool.server, pool.key
        counted = whose not in startup and products.describe(pool.product).counted
        read = pool.ended is None or pool.since < pool.ended  # else known from license files alone
        if chosen and counted and read and whose not in wanted.excluded:
            groups[pool.product, pool.model, pool.server].append(pool)
    found: dict[tuple[str, str], list[Membership]] = defaultdict(list)
    for (product, model, server), known in groups.items():
        heard = last.get(server)
        gone = None if server in wanted.expected or heard is None else heard.answered_at
        ends = [pool.ended for pool in known]
        until = None if None in ends else max(each for each in ends if each is not None)
        if until is None and gone is not None:
            until = (int(gone) // ALIGNMENT + 1) * ALIGNMENT
        since = min(pool.since for pool in known)
        found[product, model].append(Membership(server, tuple(known), since, until))
    return found


def _uncounted(last: Mapping[str, LastPoll]) -> set[tuple[str, PoolKey]]:
    return {
        (server, pool.key)
        for server, heard in last.items()
        if heard.snapshot
        for pool in heard.snapshot.pools
        if not pool.counted
    }


_HOUR: Final = int(Resolution.HOUR)
_DAY: Final = int(Resolution.DAY)
_BLOCK: Final = 12 * _DAY  # one block of hours
_SETTLED: Final = 2 * _DAY  # after which a day is taken to change no more
_Owner = tuple[str, "PoolKey"]


@dataclass(slots=True)
class PeakCache:
    """What need not be read again, from one time that peaks are asked for to the next."""

    facts: dict[tuple[int, int], tuple[int, Facts]] = field(
        default_factory=dict
    )  # by pool: until when
    bounds: dict[object, list[float]] = field(default_factory=dict)
    days: dict[tuple[object, int], tuple[Bucket, ...]] = field(default_factory=dict)
    others: int = -1

    def trust(self, history: History) -> None:
        """Forget everything if somebody else has written to the history meanwhile."""
        others = history.data_version()
        if others != self.others:
            self.facts.clear()
            self.bounds.clear()
            self.days.clear()
        self.others = others


def find_peaks(
    history: History, wanted: PeakQuery, memory: PeakCache | None = None
) -> Iterator[ScopedPeak]:
    """Every peak, the estate's before those of its servers; the estate is that of `servers`."""
    return (found for found in iter_peaks(history, wanted, memory) if found is not None)


def iter_peaks(
    history: History, wanted: PeakQuery, memory: PeakCache | None = None
) -> Iterator[ScopedPeak | None]:
    """The same, with a None whenever something else may have its turn: every few milliseconds."""
    memory = memory or PeakCache()
    memory.trust(history)
    found = memberships(history, wanted)
    scopes = wanted.scopes or {ESTATE: {each.server for some in found.values() for each in some}}
    for product, model in sorted(found):
        for scope, servers in scopes.items():
            those = [share for share in found[product, model] if share.server in servers]
            if those:
                yield from _of_scope(history, wanted, memory, (scope, product, model), those)


def _of_scope(
    history: History,
    wanted: PeakQuery,
    memory: PeakCache,
    about: tuple[str, str, str],
    those: Sequence[Membership],
) -> Iterator[ScopedPeak | None]:
    first = min(share.since for share in those)
    spans = peak_windows(wanted.now, first, wanted.zone)
    together, own = yield from _Asking(history, memory, wanted.now, spans, first).everyone(those)
    for place, peak in enumerate(together):
        yield ScopedPeak(*about, peak, upper_bound(each[place] for each in own.values()))
    if wanted.per_server:
        for server in sorted(own):
            yield from (ScopedPeak(server, *about[1:], peak) for peak in own[server])


@dataclass(slots=True)
class _Asking:
    """The peaks of one product and model. Its generators yield between two reads."""

    history: History
    memory: PeakCache
    now: float
    spans: Sequence[Window]
    first: int

    def everyone(
        self, those: Sequence[Membership]
    ) -> Generator[None, None, tuple[list[Peak], dict[str, list[Peak]]]]:
        """The peaks of all together, and of each alone."""
        fine, members = 0, []
        for share in those:
            known = []
            for pool in share.known_pools:
                known.append(Member(pool.since, pool.ended, self._facts(pool)))
                fine = max(fine, self.history.fine_grained_since(pool))
                yield
            members.append(summed((Member(share.since, share.until, summed(known)),)))
        fine = -(-fine // _DAY) * _DAY
        cut = {window.start // _DAY * _DAY for window in self.spans if window.start % _DAY}
        usable = [
            {day: found for day, found in days.items() if day >= fine and day not in cut}
            for days in members
        ]
        together = summed(
            [
                Member(share.since, share.until, days)
                for share, days in zip(those, usable, strict=True)
            ]
        )
        estate = PeakAccumulator(self.spans, self.first, self.now)
        gauges = [PeakAccumulator(self.spans, share.since, self.now) for share in those]
        for start, end in self._stretches(fine):
            asked = [at for at, share in enumerate(those) if _counts(share, start, end)]
            if start in together or not asked:
                continue
            odd = [at for at in asked if start not in usable[at]]
            read, width = yield from self._read([those[at] for at in odd], (start, end))
            parts = []
            for at, series in zip(odd, read, strict=True):
                gauges[at].add(series.buckets, width)
                parts.append(ServerSeries(those[at].since, those[at].until, series.buckets))
            rest = [those[at] for at in asked if start in usable[at]]
            if rest:
                parts.append(ServerSeries(start, None, self._day(_pools(rest, start), start)))
                yield
            estate.add(aligned_sum(parts, width), width)
        yield from self._search(estate, those, together)
        for share, days, gauge in zip(those, usable, gauges, strict=True):
            yield from self._search(gauge, (share,), days)
        peaks_of = (list(gauge.peaks()) for gauge in gauges)
        return list(estate.peaks()), dict(
            zip((share.server for share in those), peaks_of, strict=True)
        )

    def _facts(self, pool: KnownPool) -> Facts:
        """The whole days of a pool, those that were read before from memory."""
        until, known = self.memory.facts.get((pool.id, pool.since), (pool.since // _DAY * _DAY, {}))
        found = known | self.history.complete_days(pool, until, int(self.now))
        settled = max(until, int(self.now - _SETTLED) // _DAY * _DAY)
        keep = {day: those for day, those in found.items() if day < settled}
        self.memory.facts[pool.id, pool.since] = settled, keep
        return found

    def _stretches(self, fine: int) -> Iterator[tuple[int, int]]:
        """All the time in parts: where there are figures of five minutes the days one by one."""
        for start, end in split_by_age(self.first, self.now):
            if start < fine:
                yield start, min(end, fine)
        begin = max(fine, self.first // _DAY * _DAY)
        yield from ((day, day + _DAY) for day in range(begin, int(self.now) + 1, _DAY))

    def _read(
        self, asked: Sequence[Membership], within: tuple[int, int]
    ) -> Generator[None, None, tuple[list[Series], int]]:
        """Everyone's buckets of one width, the finest that all of them have of that time."""
        width = int(ALIGNMENT)
        while True:
            found = []
            for share in asked:
                found.append(self.history.series(SeriesQuery(share.pools, *within, width)))
                yield
            widest = max((series.width for series in found), default=width)
            if all(series.width == widest for series in found):
                return found, widest
            width = widest

    def _search(
        self, gauge: PeakAccumulator, those: Sequence[Membership], days: Facts
    ) -> Generator[None, None, None]:
        """Find the peaks of days of which nothing is missing."""
        for window in self.spans:
            inside = {day: found for day, found in days.items() if day >= window.start}
            if not inside:
                continue
            before = gauge.highest_bucket(window)
            floor = before.high if before else 0
            bounds = {day: high for day, (high, _) in inside.items() if high >= floor}
            alone = len(those) == 1 and len(those[0].known_pools) == 1  # whose maxima are exact
            looks = () if alone else (partial(self._by_hours, those), partial(self._by_day, those))
            found = yield from find_maximum(bounds, looks, partial(self._exact, those))
            weighted = sum(average for _, average in inside.values()) * _DAY
            gauge.add_complete_days(window, found, weighted, len(inside) * _DAY)

    def _exact(self, those: Sequence[Membership], day: int) -> tuple[Bucket, ...]:
        return self._day(_pools(those, day), day)

    def _by_hours(self, those: Sequence[Membership], day: int) -> float:
        """What the hours of a day bound it by; read with those of the days around it."""
        base = day // _BLOCK * _BLOCK
        found = self._bounds(those, day, Resolution.HOUR, base)
        return max(found[(day - base) // _HOUR : (day - base) // _HOUR + 24])

    def _by_day(self, those: Sequence[Membership], day: int) -> float:
        return max(self._bounds(those, day, Resolution.FIVE_MINUTES, day))

    def _bounds(
        self, those: Sequence[Membership], day: int, width: Resolution, base: int
    ) -> list[float]:
        known = _known(those, day)
        key = tuple(pool.id for pool in known), width, base
        found = self.memory.bounds.get(key)
        if found is None:
            found = self.history.upper_bounds(known, width, base)
            if base + _BLOCK < self.now - _SETTLED:
                self.memory.bounds[key] = found
        return found

    def _day(self, pools: tuple[_Owner, ...], day: int) -> tuple[Bucket, ...]:
        found = self.memory.days.get((pools, day))
        if found is None:
            found = self.history.series(SeriesQuery(pools, day, day + _DAY, int(ALIGNMENT))).buckets
            if day < self.now - _SETTLED:
                self.memory.days[pools, day] = found
        return found


def _counts(share: Membership, start: int, end: int) -> bool:
    return share.since < end and (share.until is None or share.until > start)


def _known(those: Sequence[Membership], day: int) -> tuple[KnownPool, ...]:
    """The pools that count on a day."""
    return tuple(
        pool
        for share in those
        for pool in share.known_pools
        if pool.since < day + _DAY and (pool.ended is None or pool.ended > day)
        if _counts(share, day, day + _DAY)
    )


def _pools(those: Sequence[Membership], day: int) -> tuple[_Owner, ...]:
    return tuple((pool.server, pool.key) for pool in _known(those, day))
