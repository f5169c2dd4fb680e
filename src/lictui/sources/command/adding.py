"""Pools of one key put together: what is known of all of them.

Owns the rule that a figure missing in one is missing in the sum. Pure.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from lictui.model import Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lictui.model import Pool, PoolKey

_MOST_RAW: Final = 40


def added(pools: Iterable[Pool]) -> tuple[Pool, ...]:
    """One pool for each product and subscription date, in the order they came; figures add up."""
    found: dict[PoolKey, list[Pool]] = {}
    for pool in pools:
        found.setdefault(pool.key, []).append(pool)
    return tuple(_one(same) for same in found.values())


def _one(pools: Sequence[Pool]) -> Pool:
    first, *others = pools
    if not others:
        return first
    first_end = min((pool.expires for pool in pools if pool.expires), default=None)
    ending = [pool for pool in pools if pool.expires == first_end]
    terms = {pool.permanent for pool in pools}
    types = sorted({pool.license_type for pool in pools} - {""})
    return replace(
        first,
        reading=Reading(
            in_use=total(pool.reading.in_use for pool in pools),
            installed=total(pool.reading.installed for pool in pools),
            overdraft=total(pool.reading.overdraft for pool in pools),
        ),
        license_type=", ".join(types),
        expires=first_end,
        permanent=first.permanent if len(terms) == 1 else None if None in terms else False,
        partly=first_end is not None and len(ending) < len(pools),
        expiring=total(pool.leaving for pool in ending),
        queued=total(pool.queued for pool in pools),
        counted=any(pool.counted for pool in pools),
        raw=tuple(fact for pool in pools for fact in pool.raw)[:_MOST_RAW],
        how=max((pool.how for pool in pools), key=lambda how: len(str(how))),
    )


def total(figures: Iterable[int | None]) -> int | None:
    """The sum; None as soon as one figure is not known."""
    known = list(figures)
    return None if None in known else sum(figure for figure in known if figure is not None)
