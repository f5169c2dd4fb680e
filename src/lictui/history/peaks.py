"""Peaks over the whole history: by product and model, of every server and of the estate.

The arithmetic is in `analysis.peaks`; everything is read by five minutes, a month at a time.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lictui.analysis.columns import SumBuilder
from lictui.analysis.peaks import PeakAccumulator, ScopedPeak, peak_windows, upper_bound
from lictui.analysis.series import ALIGNMENT, SeriesQuery
from lictui.history.errors import HistoryError
from lictui.history.memberships import memberships
from lictui.history.query import CHUNK
from lictui.model import ESTATE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import tzinfo

    from lictui.history.memberships import Membership, ServerPool
    from lictui.history.pools import KnownPool
    from lictui.history.store import History


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
    # By server: servers of one entitlement report the same licenses, which count once.
    entitlements: Mapping[str, str] = field(default_factory=dict)
    # Ended pools whose series another product carries on, with its code and model.
    continued: Mapping[ServerPool, tuple[str, str]] = field(default_factory=dict)


def find_peaks(history: History, query: PeakQuery) -> Iterator[ScopedPeak]:
    """Yield every peak: of a product and model first the scopes, then their servers."""
    return (peak for peak in iter_peaks(history, query) if peak is not None)


def iter_peaks(history: History, query: PeakQuery) -> Iterator[ScopedPeak | None]:
    """Yield the same, and None every few milliseconds, so that the caller can do other work."""
    known = [
        pool
        for pool in history.pools()
        if (query.servers is None or pool.server in query.servers)
        and (not query.products or pool.product in query.products)
    ]
    by_product = memberships(
        known,
        history.last_polls(),
        active=query.expected,
        excluded=query.excluded,
        continued=query.continued,
    )
    for (product, model), members in by_product.items():
        scopes = query.scopes or {ESTATE: {member.server for member in members}}
        search = _Search(history, query, members, scopes)
        yield from search.read()
        search.remember()
        yield from search.peaks(product, model)


class _Search:
    """The search for the peaks of one product and model."""

    def __init__(
        self,
        history: History,
        query: PeakQuery,
        members: Sequence[Membership],
        scopes: Mapping[str, Collection[str]],
    ) -> None:
        self._history = history
        self._query = query
        self._scopes = {
            name: inside
            for name, servers in scopes.items()
            if (inside := {member.server for member in members} & set(servers))
        }
        in_scope = set().union(*self._scopes.values())
        self._members = [member for member in members if member.server in in_scope]
        self._of_scope = {
            name: self._accumulator([m for m in members if m.server in inside])
            for name, inside in self._scopes.items()
        }
        self._of_server = {m.server: self._accumulator([m]) for m in self._members}

    def _accumulator(self, members: Sequence[Membership]) -> PeakAccumulator:
        now, first = self._query.now, min(member.since for member in members)
        return PeakAccumulator(peak_windows(now, first, self._query.zone), first, now)

    def read(self) -> Iterator[None]:
        """Read everything; yields after each server."""
        end = int(self._query.now) + 1
        query_entitlements = self._query.entitlements
        first = min((member.since for member in self._members), default=end)
        for start in range(first // CHUNK * CHUNK, end, CHUNK):
            stop = min(start + CHUNK, end)
            totals = {name: SumBuilder(start, stop) for name in self._scopes}
            for member in self._members:
                if not member.overlaps(start, stop):
                    continue
                query = SeriesQuery(member.pools, start, stop, int(ALIGNMENT))
                series = self._history.series(query)
                self._of_server[member.server].add(series)
                for name, servers in self._scopes.items():
                    if member.server in servers:
                        entitlement = query_entitlements.get(member.server, "")
                        totals[name].add(series, member.since, member.until, entitlement)
                yield
            for name, total in totals.items():
                known = self._pools_of(name)
                self._of_scope[name].add(self._history.tightened(total.series(), known))

    def _pools_of(self, scope: str) -> list[KnownPool]:
        inside = [m for m in self._members if m.server in self._scopes[scope]]
        return [pool for member in inside for pool in member.known_pools]

    def remember(self) -> None:
        """Keep the daily maxima of these sums when their details expire, if that can be stored."""
        with suppress(HistoryError):
            self._history.remember_sums(map(self._pools_of, self._scopes))

    def peaks(self, product: str, model: str) -> Iterator[ScopedPeak]:
        """Yield the peaks of the scopes, then of their servers."""
        own = {server: list(peaks.peaks()) for server, peaks in self._of_server.items()}
        for name, servers in self._scopes.items():
            for index, peak in enumerate(self._of_scope[name].peaks()):
                bound = upper_bound(own[server][index] for server in servers)
                yield ScopedPeak(name, product, model, peak, bound)
        if self._query.per_server:
            for server in sorted(own):
                for peak in own[server]:
                    yield ScopedPeak(server, product, model, peak)
