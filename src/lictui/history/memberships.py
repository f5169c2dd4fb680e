"""Which pools of a product count on which server, and from when until when.

Peaks, the report and the chart sum over the same pools, so there is one answer. Times are UTC
epoch seconds.
"""

from __future__ import annotations

from collections import defaultdict
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct

from lictui import products
from lictui.analysis.series import ALIGNMENT
from lictui.model import PoolKey

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from lictui.history.polls import LastPoll
    from lictui.history.pools import KnownPool

ServerPool = tuple[str, PoolKey]


class Membership(Struct, frozen=True):
    """The pools of one product and model on one server, and the period in which they count."""

    server: str  # the name that the pools count under
    known_pools: tuple[KnownPool, ...]  # each ends, too, when its server was polled last

    @property
    def since(self) -> int:
        """When the first of the pools counts."""
        return min(pool.since for pool in self.known_pools)

    @property
    def until(self) -> int | None:
        """When the last of the pools ends; None: one still counts."""
        ends = [pool.ended for pool in self.known_pools]
        known = [end for end in ends if end is not None]
        return max(known) if len(known) == len(ends) else None

    @property
    def pools(self) -> tuple[ServerPool, ...]:
        """The pools as a `SeriesQuery` names them."""
        return tuple((pool.server, pool.key) for pool in self.known_pools)

    def overlaps(self, start: int, end: int) -> bool:
        """Whether the pools count at any time in [start, end)."""
        return self.since < end and (self.until is None or self.until > start)


def memberships(
    pools: Iterable[KnownPool],
    last_polls: Mapping[str, LastPoll],
    *,
    active: Collection[str],
    excluded: Collection[ServerPool] = (),
    owners: Mapping[str, str] | None = None,
    continued: Mapping[ServerPool, tuple[str, str]] = MappingProxyType({}),
) -> dict[tuple[str, str], list[Membership]]:
    """Return the memberships of every server by (product, model), in order of all three.

    Args:
        pools: the pools to consider, as the history knows them.
        last_polls: the last poll of every server.
        active: names of the servers that are polled. The pools of any other count until its last
            successful poll: a server that was removed or disabled is not missed in later sums.
        excluded: pools that repeat the figures of another pool.
        owners: the name that a server's pools count under; a server without one is left out.
            None: every server counts under its own name.
        continued: pools that belong to the series of another product, with its code and model.

    Startup licenses do not count, and neither does a pool that is known from license files alone:
    it ends when it starts, for nothing was ever read of it.
    """
    excluded = uncounted_pools(last_polls).union(excluded)
    by_server: dict[tuple[str, str, str], list[KnownPool]] = defaultdict(list)
    for pool in pools:
        owner = pool.server if owners is None else owners.get(pool.server)
        if owner is None or not pool.was_read or not products.describe(pool.product).counted:
            continue
        if (pool.server, pool.key) not in excluded:
            series = continued.get((pool.server, pool.key), (pool.product, pool.model))
            last = None if owner in active else _last_end(last_polls.get(owner))
            ended = last if pool.ended is None else pool.ended
            by_server[*series, owner].append(pool._replace(ended=ended))
    by_product: dict[tuple[str, str], list[Membership]] = defaultdict(list)
    for (product, model, server), server_pools in sorted(by_server.items()):
        by_product[product, model].append(Membership(server, tuple(server_pools)))
    return by_product


def uncounted_pools(last_polls: Mapping[str, LastPoll]) -> set[ServerPool]:
    """Return the pools that their servers listed as not counted when last read."""
    return {
        (server, pool.key)
        for server, last_poll in last_polls.items()
        if (snapshot := last_poll.snapshot)
        for pool in snapshot.pools
        if not pool.counted
    }


def _last_end(last_poll: LastPoll | None) -> int | None:
    """Return until when the pools of a server that is no longer polled count."""
    if last_poll is None or last_poll.last_success_at is None:
        return None
    return (int(last_poll.last_success_at) // ALIGNMENT + 1) * ALIGNMENT
