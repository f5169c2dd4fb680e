"""Recording of polls: the last poll, the pools, what is installed, and a reading of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lictui.history import polls, pools
from lictui.history.pools import Capacity
from lictui.model import Failure, PoolKey

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection

    from lictui.history.pools import KnownPool
    from lictui.model import Poll, Server


def append_poll(db: sqlite3.Connection, server: Server, poll: Poll) -> None:
    """Record a poll within the caller's transaction; a failure leaves a gap."""
    was_up = polls.record_last_poll(db, poll)
    time = int(poll.time)
    pools.reset_pushed(db, poll.server, time)
    known = pools.pools_of_server(db, poll.server)
    if isinstance(poll.result, Failure):
        if was_up:  # else the gap is recorded already
            for known_pool in known.values():
                pools.mark_gap(db, known_pool, time)
        return
    listed = {pool.key: pool for pool in poll.result.pools}
    for key, pool in listed.items():
        known_pool = (
            known.get(key)
            or _dated_pool(db, known, listed, key)
            or pools.create(db, poll.server, key, pool.model, pool.name, time)
        )
        pools.change(db, known_pool, model=pool.model.value, name=pool.name, ended=None)
        in_use, installed, overdraft = map(
            polls.stored_figure,
            (pool.reading.in_use, pool.reading.installed, pool.reading.overdraft),
        )
        interval = 0.0 if in_use is None else server.effective_interval
        capacity = Capacity(time, installed, overdraft, interval)
        if time < known_pool.packed_until:  # written late, or the clock was set back
            from lictui.history.compaction import add_late_reading

            add_late_reading(db, known_pool, capacity, in_use)
        else:
            pools.record_capacity(db, known_pool.id, capacity)
            pools.add_reading(db, known_pool.id, time, in_use)
    polls.record_monthly_usage(db, poll.server, poll.result.monthly_usage)
    for key in known.keys() - listed.keys():
        if known[key].ended is None:
            pools.change(db, known[key], ended=time)
            pools.mark_gap(db, known[key], time)


def _dated_pool(
    db: sqlite3.Connection,
    known: dict[PoolKey, KnownPool],
    listed: Collection[PoolKey],
    key: PoolKey,
) -> KnownPool | None:
    """Return the pool that was known without a date so far, if it is the only one of its product.

    The source reports its subscription date for the first time.
    """
    undated = PoolKey(key.product)
    if undated in listed or undated not in known or known[undated].ended is not None:
        return None
    same_product = [other for other in (*known, *listed) if other.product == key.product]
    if sorted(same_product) != sorted((undated, key)):
        return None
    pool = known.pop(undated)
    known[key] = pools.change(db, pool, subscription_date=key.subscription_date)
    return known[key]
