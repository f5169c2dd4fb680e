"""Peaks over the whole history: by product and model, of every server and of the estate.

The arithmetic is in `analysis.peaks`; everything is read by five minutes, a month at a time.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import product
from typing import TYPE_CHECKING

from msgspec import Struct, field

from lictui.analysis.columns import SumBuilder
from lictui.analysis.peaks import PeakAccumulator, ScopedPeak, peak_windows, upper_bound
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


class PeakQuery(Struct, frozen=True):
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
    for (code, model), members in by_product.items():
        all_scopes = query.scopes or {ESTATE: {member.server for member in members}}
        by_server = {member.server: member for member in members}
        scopes = {
            name: [by_server[server] for server in found]
            for name, servers in all_scopes.items()
            if (found := sorted(by_server.keys() & set(servers)))
        }
        single = {member.server: [member] for inside in scopes.values() for member in inside}
        of_scope, of_server = _accumulators(query, scopes), _accumulators(query, single)
        yield from _read(history, query, scopes, of_scope, of_server)
        with suppress(HistoryError):  # of a history that cannot be written
            history.remember_sums(map(_pools, scopes.values()))
        own = {server: list(peaks.peaks()) for server, peaks in of_server.items()}
        for name, inside in scopes.items():
            for index, peak in enumerate(of_scope[name].peaks()):
                bound = upper_bound(own[member.server][index] for member in inside)
                yield ScopedPeak(name, code, model, peak, bound)
        for server in sorted(own) if query.per_server else ():
            yield from (ScopedPeak(server, code, model, peak) for peak in own[server])


def _accumulators(
    query: PeakQuery, groups: Mapping[str, Sequence[Membership]]
) -> dict[str, PeakAccumulator]:
    accumulators = {}
    for name, members in groups.items():
        first = min(member.since for member in members)
        windows = peak_windows(query.now, first, query.zone)
        accumulators[name] = PeakAccumulator(windows, first, query.now)
    return accumulators


def _read(
    history: History,
    query: PeakQuery,
    scopes: Mapping[str, Sequence[Membership]],
    of_scope: Mapping[str, PeakAccumulator],
    of_server: Mapping[str, PeakAccumulator],
) -> Iterator[None]:
    """Read everything; yields after each server."""
    members = {member.server: member for inside in scopes.values() for member in inside}
    names = {scope: {member.server for member in inside} for scope, inside in scopes.items()}
    end = int(query.now) + 1
    first = min((member.since for member in members.values()), default=end)
    for start in range(first // CHUNK * CHUNK, end, CHUNK):
        stop = min(start + CHUNK, end)
        totals = {name: SumBuilder(start, stop) for name in scopes}
        for member in members.values():
            if not member.overlaps(start, stop):
                continue
            own = SumBuilder(start, stop)
            sums = [own, *(totals[name] for name in scopes if member.server in names[name])]
            parts = history.sum_parts(member.known_pools, start, stop, query.entitlements)
            for total, part in product(sums, parts):
                total.add(*part)
            of_server[member.server].add(history.tightened(own.series(), member.known_pools))
            yield
        for name, total in totals.items():
            of_scope[name].add(history.tightened(total.series(), _pools(scopes[name])))


def _pools(members: Sequence[Membership]) -> list[KnownPool]:
    return [pool for member in members for pool in member.known_pools]
