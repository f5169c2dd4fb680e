"""Peaks of everything in the history: by product and model, of each server and of the estate.

Owns which pools are one scope, until when a server is expected, and in which parts the past is
asked. The arithmetic is `insights.peaks`. Must not know the registry beyond the names handed in.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lictui import products
from lictui.insights.peaks import ALIGNED, Gauge, Part, aligned, chunks, upper_bound, windows
from lictui.insights.series import Question

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import tzinfo

    from lictui.history.latest import Latest
    from lictui.history.pools import KnownPool
    from lictui.history.store import History
    from lictui.insights.peaks import Peak, Window
    from lictui.insights.series import Series
    from lictui.model import PoolKey

ESTATE: Final = "estate"


@dataclass(frozen=True, slots=True)
class Found:
    """The peak of one scope, product and model in one window."""

    scope: str  # ESTATE, or a server's name
    product: str
    model: str
    peak: Peak
    upper_bound: int | None = None  # of the estate alone


@dataclass(frozen=True, slots=True)
class _Share:
    """The pools of one product and model that a server has or had."""

    server: str
    pools: tuple[tuple[str, PoolKey], ...]
    since: int
    until: int | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose peaks, as of when."""

    now: float
    zone: tzinfo | None  # whose calendar month; None: the system's
    expected: Collection[str]  # servers that are polled; others count until they last answered
    servers: Collection[str] | None = None  # None: all
    products: Collection[str] = ()  # none: all


def peaks(history: History, wanted: Wanted) -> Iterator[Found]:
    """Every peak, the estate's before those of its servers; the estate is that of `servers`."""
    shares = _shares(history, wanted)
    for product, model in sorted(shares):
        yield from _of_product(history, wanted, product, model, shares[product, model])


def _shares(history: History, wanted: Wanted) -> dict[tuple[str, str], list[_Share]]:
    last = history.latest()
    startup = _uncounted(last)
    groups: dict[tuple[str, str, str], list[KnownPool]] = defaultdict(list)
    for pool in history.pools():
        chosen = (wanted.servers is None or pool.server in wanted.servers) and (
            not wanted.products or pool.product in wanted.products
        )
        counted = (pool.server, pool.key) not in startup and products.describe(pool.product).counted
        read = pool.ended is None or pool.since < pool.ended  # else known from license files alone
        if chosen and counted and read:
            groups[pool.product, pool.model, pool.server].append(pool)
    shares: dict[tuple[str, str], list[_Share]] = defaultdict(list)
    for (product, model, server), found in groups.items():
        heard = last.get(server)
        gone = None if server in wanted.expected or heard is None else heard.answered_at
        ends = [pool.ended for pool in found]
        until = None if None in ends else max(each for each in ends if each is not None)
        if until is None and gone is not None:
            until = (int(gone) // ALIGNED + 1) * ALIGNED
        named = tuple((server, pool.key) for pool in found)
        shares[product, model].append(
            _Share(server, named, min(pool.since for pool in found), until)
        )
    return shares


def _uncounted(last: Mapping[str, Latest]) -> set[tuple[str, PoolKey]]:
    return {
        (server, pool.key)
        for server, heard in last.items()
        if heard.snapshot
        for pool in heard.snapshot.pools
        if not pool.counted
    }


def _of_product(
    history: History, wanted: Wanted, product: str, model: str, shares: Sequence[_Share]
) -> Iterator[Found]:
    now = wanted.now
    first = min(share.since for share in shares)
    spans: tuple[Window, ...] = windows(now, first, wanted.zone)
    estate = Gauge(spans, first, now)
    own = {share.server: Gauge(spans, share.since, now) for share in shares}
    for start, end in chunks(first, now):
        asked = [
            share
            for share in shares
            if share.since < end and (share.until is None or share.until > start)
        ]
        if not asked:
            continue
        answers, width = _answers(history, asked, start, end)
        parts = []
        for share, series in zip(asked, answers, strict=True):
            own[share.server].add(series.buckets, width)
            parts.append(Part(share.since, share.until, series.buckets))
        estate.add(aligned(parts, width), width)
    peaks_of = {server: list(gauge.peaks()) for server, gauge in own.items()}
    for place, peak in enumerate(estate.peaks()):
        bound = upper_bound(found[place] for found in peaks_of.values())
        yield Found(ESTATE, product, model, peak, bound)
    for server in sorted(peaks_of):
        for peak in peaks_of[server]:
            yield Found(server, product, model, peak)


def _answers(
    history: History, asked: Sequence[_Share], start: int, end: int
) -> tuple[tuple[Series, ...], int]:
    """Everyone's buckets of one width, the finest that all of them have of that time."""
    width = int(ALIGNED)
    while True:
        questions = [Question(share.pools, start, end, width) for share in asked]
        found = history.many(questions)
        widest = max(series.bucket for series in found)
        if all(series.bucket == widest for series in found):
            return found, widest
        width = widest
