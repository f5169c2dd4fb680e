"""Where a figure comes from: the registered server, its formula and the fields as reported."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from lictui.config.settings import Thresholds
from lictui.engine.board import FigureSource, is_reporting, once_per_entitlement, total_of
from lictui.engine.product_history import statuses_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lictui.engine.board import MergedBoard, ServerStatus
    from lictui.model import Pool, PoolKey

FIGURE_NAMES: Final = (
    "installed",
    "overdraft",
    "in_use",
    "queued",
    "ends",
    "license_type",
    "vendor",
)
_WORD: Final = re.compile(r"[A-Za-z_]\w*")


class Provenance(Struct, frozen=True):
    """Where one figure of a pool comes from."""

    name: str  # one of FIGURE_NAMES
    value: str  # "?": unknown
    formula: str  # with values, where they are kept
    source: ServerStatus  # the registered server


def product_pools(
    board: MergedBoard, servers: Iterable[str], product: str, day: str | None = None
) -> tuple[tuple[ServerStatus, Pool], ...]:
    """The pools of a product on these servers, optionally of one subscription date."""
    return tuple(
        (status, pool)
        for status in statuses_of(board, servers)
        for pool in (status.snapshot.pools if status.snapshot else ())
        if pool.product == product and day in (None, pool.key.subscription_date)
    )


def installed_sum(pools: Sequence[tuple[ServerStatus, Pool]]) -> str:
    """The sum of what is installed, with the figure of each server; shared licenses count once."""
    summed = [entry for entry in pools if is_reporting(*entry) and entry[1].counted]
    counts = [counts for _, counts in once_per_entitlement(summed)]
    parts = [
        f"{status.server.name} " + (_count(pool.reading.installed) if counts else "same licenses")
        for (status, pool), counts in zip(summed, counts, strict=True)
    ]
    total = total_of(pools[0][1].product, summed, Thresholds())
    at_least = "at least " * (total.reading.installed is not None and total.is_partial("installed"))
    return f"installed {at_least}{_count(total.reading.installed)} = {' + '.join(parts) or '?'}"


def _count(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"


def provenance(status: ServerStatus, pool: Pool) -> Iterator[Provenance]:
    """The provenance of every known figure, and of those that should always be known."""
    sources = {source.figure: source for source in status.figure_sources.get(pool.key, ())}
    for name in FIGURE_NAMES:
        value = _value(pool, name)
        if not value and name not in FIGURE_NAMES[:3]:
            continue
        source = sources.get(name) or sources.get("pool")
        member = status.member(source.server) if source else status
        reading = _pool(member, source.key if source else pool.key) or pool
        formula = dict(reading.formulas).get(name, "") if value else ""
        yield Provenance(name, value or "?", substitute(formula, reading.raw_fields), member)


def raw_fields(
    status: ServerStatus, pool: Pool
) -> Iterator[tuple[ServerStatus, tuple[tuple[str, str], ...]]]:
    """The fields of every registered server that a figure is taken from, as it reported them.

    They are empty if they were read before lictui was started.
    """
    sources = status.figure_sources.get(pool.key) or (
        FigureSource("pool", status.server.name, pool.key),
    )
    for server, key in dict.fromkeys((source.server, source.key) for source in sources):
        member = status.member(server)
        reading = _pool(member, key)
        yield member, reading.raw_fields if reading else ()


def substitute(formula: str, raw: Sequence[tuple[str, str]]) -> str:
    """`Count - Overdraft` as `Count 550 - Overdraft 50`; several rows as a sum."""
    values_of: dict[str, list[str]] = {}
    for name, value in raw:
        values_of.setdefault(name.casefold(), []).append(value)

    def with_value(match: re.Match[str]) -> str:
        values = values_of.get(match[0].casefold())
        if not values:
            return match[0]
        return (
            f"{match[0]} {values[0]}" if len(values) == 1 else f"{match[0]} ({' + '.join(values)})"
        )

    return _WORD.sub(with_value, formula)


def _pool(part: ServerStatus, key: PoolKey) -> Pool | None:
    pools = part.snapshot.pools if part.snapshot else ()
    return next((pool for pool in pools if pool.key == key), None)


def _value(pool: Pool, name: str) -> str:
    if name == "ends":
        return "never" if pool.permanent else f"{pool.expires:%Y-%m-%d}" if pool.expires else ""
    value = getattr(pool.reading if name in FIGURE_NAMES[:3] else pool, name)
    return f"{value:,}" if isinstance(value, int) else str(value or "")
