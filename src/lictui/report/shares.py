"""Who holds a product: the pools of every license server, and from when until when they count.

Owns that a license server which is read in several ways counts once, and that one which was
removed counts until it last answered. Must not ask for figures.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lictui import products
from lictui.analysis.peaks import ALIGNED
from lictui.engine.board import Board, register
from lictui.engine.engine import restored
from lictui.engine.merge import Together, stand_ins
from lictui.model import Model

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from lictui.history.journal import Latest
    from lictui.history.pools import KnownPool
    from lictui.model import PoolKey, Server


@dataclass(frozen=True, slots=True)
class Share:
    """The pools of one product and model that a license server has or had."""

    server: str
    group: str
    pools: tuple[tuple[str, PoolKey], ...]  # each by the registered name it was read under
    since: int  # UTC epoch seconds
    until: int | None  # None: still
    name: str  # of the product


Shares = dict[tuple[str, Model], list[Share]]


def looked_at(
    servers: Iterable[Server], latest: Mapping[str, Latest], groups: Collection[str] = ()
) -> Board:
    """The servers of these groups, or all, as last recorded, each license server once."""
    board = Together().of(restored(register(Board(), servers), latest))
    kept = (each for each in board.servers if not groups or each.server.group in groups)
    return replace(board, servers=tuple(kept))


def shares(
    board: Board, known: Sequence[KnownPool], latest: Mapping[str, Latest], removed: Collection[str]
) -> Shares:
    """By product and model, who holds it; of the servers on the board and of those `removed`.

    Start-up licenses are left out, and readings that another's stand for.
    """
    left_out = set(stand_ins(board)) | _uncounted(latest)
    main = {name: each.server for each in board.servers for name in each.names}
    found: dict[tuple[str, str, str], list[KnownPool]] = defaultdict(list)
    for pool in known:
        if pool.server not in main and pool.server not in removed:
            continue
        if (pool.server, pool.key) in left_out or not products.describe(pool.product).counted:
            continue
        name = main[pool.server].name if pool.server in main else pool.server
        found[pool.product, pool.model, name].append(pool)
    answer: Shares = defaultdict(list)
    for (product, model, name), pools in sorted(found.items()):
        server = main.get(name)
        gone = server is None or not server.enabled
        answer[product, Model(model)].append(
            Share(
                name,
                server.group if server else "",
                tuple((pool.server, pool.key) for pool in pools),
                min(pool.since for pool in pools),
                _until(pools, latest.get(name) if gone else None),
                pools[0].name,
            )
        )
    return answer


def _until(pools: Sequence[KnownPool], last: Latest | None) -> int | None:
    ends = [pool.ended for pool in pools if pool.ended is not None]
    if len(ends) == len(pools):
        return max(ends)
    if last is None or last.answered_at is None:
        return None
    return (int(last.answered_at) // ALIGNED + 1) * ALIGNED


def _uncounted(latest: Mapping[str, Latest]) -> set[tuple[str, PoolKey]]:
    return {
        (server, pool.key)
        for server, heard in latest.items()
        if heard.snapshot
        for pool in heard.snapshot.pools
        if not pool.counted
    }
