"""Sum of the pools of one product and subscription date, as sources list them in several rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from lictui.model import Pool, PoolKey, Reading, sum_all_known

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MAX_RAW_FIELDS: Final = 40


def sum_pools(pools: Iterable[Pool]) -> tuple[Pool, ...]:
    """Return one pool per product and subscription date, in order of first occurrence."""
    by_key: dict[PoolKey, list[Pool]] = {}
    for pool in pools:
        by_key.setdefault(pool.key, []).append(pool)
    return tuple(map(_sum, by_key.values()))


def _sum(pools: Sequence[Pool]) -> Pool:
    first, *others = pools
    if not others:
        return first
    expires = min((pool.expires for pool in pools if pool.expires), default=None)
    expiring = [pool for pool in pools if pool.expires == expires]
    partial = len(expiring) < len(pools) or any(pool.partial_expiry for pool in expiring)
    terms = {pool.permanent for pool in pools}
    return replace(
        first,
        name=next((pool.name for pool in pools if pool.name != pool.product), first.name),
        reading=Reading(
            in_use=sum_all_known(pool.reading.in_use for pool in pools),
            installed=sum_all_known(pool.reading.installed for pool in pools),
            overdraft=sum_all_known(pool.reading.overdraft for pool in pools),
        ),
        license_type=", ".join(sorted({pool.license_type for pool in pools} - {""})),
        expires=expires,
        permanent=first.permanent if len(terms) == 1 else None if None in terms else False,
        partial_expiry=expires is not None and partial,
        reported_expiring=sum_all_known(pool.expiring_count for pool in expiring),
        queued=sum_all_known(pool.queued for pool in pools),
        counted=any(pool.counted for pool in pools),
        raw_fields=tuple(field for pool in pools for field in pool.raw_fields)[:_MAX_RAW_FIELDS],
        # Formulas may differ; the longest names every field that is part of a figure.
        formulas=max((pool.formulas for pool in pools), key=lambda formulas: len(str(formulas))),
    )
