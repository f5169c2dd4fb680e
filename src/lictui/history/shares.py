"""Who has what of a product: the pools of each server, and from when until when it is expected.

Owns which pools are one share, and which count. Must not know readings.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lictui import products
from lictui.analysis.peaks import ALIGNED

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import tzinfo

    from lictui.history.latest import Latest
    from lictui.history.pools import KnownPool
    from lictui.history.store import History
    from lictui.model import PoolKey


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose peaks, as of when."""

    now: float
    zone: tzinfo | None  # whose calendar month; None: the system's
    expected: Collection[str]  # servers that are polled; others count until they last answered
    servers: Collection[str] | None = None  # None: all
    products: Collection[str] = ()  # none: all
    scopes: Mapping[str, Collection[str]] | None = None  # servers by scope; None: the estate
    own: bool = True  # those of every server, too
    without: Collection[tuple[str, PoolKey]] = ()  # pools that another one is a reading of


@dataclass(frozen=True, slots=True)
class Share:
    """The pools of one product and model that a server has or had."""

    server: str
    known: tuple[KnownPool, ...]
    since: int
    until: int | None  # None: still

    @property
    def pools(self) -> tuple[tuple[str, PoolKey], ...]:
        """As a question names them."""
        return tuple((self.server, pool.key) for pool in self.known)


def shares(history: History, wanted: Wanted) -> dict[tuple[str, str], list[Share]]:
    """By product and model, the shares of every server that was ever read of it."""
    last = history.latest()
    startup = _uncounted(last)
    groups: dict[tuple[str, str, str], list[KnownPool]] = defaultdict(list)
    for pool in history.pools():
        chosen = (wanted.servers is None or pool.server in wanted.servers) and (
            not wanted.products or pool.product in wanted.products
        )
        whose = pool.server, pool.key
        counted = whose not in startup and products.describe(pool.product).counted
        read = pool.ended is None or pool.since < pool.ended  # else known from license files alone
        if chosen and counted and read and whose not in wanted.without:
            groups[pool.product, pool.model, pool.server].append(pool)
    found: dict[tuple[str, str], list[Share]] = defaultdict(list)
    for (product, model, server), known in groups.items():
        heard = last.get(server)
        gone = None if server in wanted.expected or heard is None else heard.answered_at
        ends = [pool.ended for pool in known]
        until = None if None in ends else max(each for each in ends if each is not None)
        if until is None and gone is not None:
            until = (int(gone) // ALIGNED + 1) * ALIGNED
        since = min(pool.since for pool in known)
        found[product, model].append(Share(server, tuple(known), since, until))
    return found


def _uncounted(last: Mapping[str, Latest]) -> set[tuple[str, PoolKey]]:
    return {
        (server, pool.key)
        for server, heard in last.items()
        if heard.snapshot
        for pool in heard.snapshot.pools
        if not pool.counted
    }
