"""What an idle feature was when it was last in use: lmstat tells dates only while one is held.

Owns which facts outlive their telling, so that a pool keeps its date, and its place in the
history, overnight. Pure. Must not know how polls are made or kept.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lictui.model import SourceName

if TYPE_CHECKING:
    from lictui.model import Pool, Server, Snapshot


def recalled(server: Server, before: Snapshot | None, now: Snapshot) -> Snapshot:
    """`now`, its pools that tell no dates completed by what `before` told of the same product.

    FlexNet's detail lines, which hold version, expiry and kind, are printed for features in use.
    """
    by_lmstat = server.source is SourceName.LMSTAT or server.format == SourceName.LMSTAT
    if before is None or not by_lmstat:
        return now
    known: dict[str, list[Pool]] = {}
    for pool in before.pools:
        if not _bare(pool):
            known.setdefault(pool.product, []).append(pool)
    pools = tuple(
        _completed(pool, known[pool.product][0])
        if _bare(pool) and len(known.get(pool.product, ())) == 1
        else pool
        for pool in now.pools
    )
    return now if pools == now.pools else replace(now, pools=pools)


def _bare(pool: Pool) -> bool:
    return pool.subscription_date is None and pool.expires is None and pool.permanent is None


def _completed(pool: Pool, told: Pool) -> Pool:
    # A feature that belongs to machines is printed like any other while nobody uses it.
    bound = told.reading.installed is None
    return replace(
        pool,
        model=told.model,
        reading=replace(pool.reading, installed=None) if bound else pool.reading,
        license_type=pool.license_type or told.license_type,
        subscription_date=told.subscription_date,
        expires=told.expires,
        permanent=told.permanent,
        partly=told.partly,
        counted=told.counted,
    )
