"""Why a figure is what it is: its formula, the values in it, who told it, and when.

Owns how a formula is filled in. Pure. Must not know how it is shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lictui.model import Pool, PoolKey
    from lictui.monitor.board import ServerStatus

FIGURES: Final = ("installed", "overdraft", "in_use", "queued", "ends", "license_type", "vendor")
_WORD: Final = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a pool."""

    name: str  # one of FIGURES
    value: str  # "?" where nobody could tell
    formula: str  # with the values put in; the bare formula where they are not kept
    server: str  # the registered server it was read from
    source: str
    at: float | None  # UTC epoch seconds


@dataclass(frozen=True, slots=True)
class Fields:
    """What one registered server itself said of a pool."""

    server: str
    source: str
    at: float | None
    raw: tuple[tuple[str, str], ...]  # empty where it was read before this start


def figures(status: ServerStatus, pool: Pool) -> tuple[Figure, ...]:
    """Every figure of a pool that somebody told, and those that should be known in any case."""
    found = []
    whose = {origin.figure: origin for origin in status.origins.get(pool.key, ())}
    for name in FIGURES:
        value = _value(pool, name)
        if not value and name not in FIGURES[:3]:
            continue
        origin = whose.get(name) or whose.get("pool")
        part = status.part(origin.server) if origin else status
        own = _pool(part, origin.key if origin else pool.key) or pool
        filled = filled_in(dict(own.how).get(name, ""), own.raw) if value else ""
        source = part.server.source.value
        at = part.answered_at
        found.append(Figure(name, value or "?", filled, part.server.name, source, at))
    return tuple(found)


def fields(status: ServerStatus, pool: Pool) -> tuple[Fields, ...]:
    """The server's own fields, of every registered server that a figure is from."""
    whose = dict.fromkeys(
        (origin.server, origin.key) for origin in status.origins.get(pool.key, ())
    )
    return tuple(_fields(status, whose or {(status.server.name, pool.key): None}))


def _fields(status: ServerStatus, whose: dict[tuple[str, PoolKey], None]) -> Iterator[Fields]:
    for server, key in whose:
        part = status.part(server)
        own = _pool(part, key)
        raw = own.raw if own else ()
        yield Fields(part.server.name, part.server.source.value, part.answered_at, raw)


def filled_in(formula: str, raw: Sequence[tuple[str, str]]) -> str:
    """`Count - Overdraft` as `Count 550 - Overdraft 50`; of several rows the values add up."""
    known: dict[str, list[str]] = {}
    for name, value in raw:
        known.setdefault(name.casefold(), []).append(value)

    def put(found: re.Match[str]) -> str:
        said = known.get(found[0].casefold())
        if not said:
            return found[0]
        return f"{found[0]} {said[0]}" if len(said) == 1 else f"{found[0]} ({' + '.join(said)})"

    return _WORD.sub(put, formula)


def _pool(part: ServerStatus, key: PoolKey) -> Pool | None:
    pools = part.snapshot.pools if part.snapshot else ()
    return next((pool for pool in pools if pool.key == key), None)


def _value(pool: Pool, name: str) -> str:
    if name == "ends":
        return "never" if pool.permanent else f"{pool.expires:%Y-%m-%d}" if pool.expires else ""
    value = getattr(pool.reading if name in FIGURES[:3] else pool, name)
    return f"{value:,}" if isinstance(value, int) else str(value or "")
