"""The columns of lictui's own CSV files, and the guard that keeps a spreadsheet from running one.

Owns both directions of the guard. Must not know what is exported or taken in.
"""

from __future__ import annotations

from typing import Final

_POOL: Final = ("server", "product", "model", "subscription_date")
RAW_HEADER: Final = ("at", *_POOL, "in_use", "installed", "overdraft")
HEADER: Final = (
    *("from", "to", *_POOL, "in_use_min", "in_use_avg", "in_use_max", "max_at"),
    *("installed", "overdraft", "samples"),
)
MONTH_HEADER: Final = ("month", *_POOL, "in_use", "installed", "newly", "released")
_RUNS: Final = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would take for a formula


def guarded(cell: str) -> str:
    """The cell, with a `'` before what would be run; and before what looks so guarded already."""
    return f"'{cell}" if cell.lstrip("'").startswith(_RUNS) else cell


def unguarded(cell: str) -> str:
    """The cell as it was before it was guarded."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_RUNS) else cell


def cells(server: str, product: str, model: str, subscription_date: str) -> tuple[str, ...]:
    """The cells that say whose figures a row has."""
    return tuple(map(guarded, (server, product, model, subscription_date)))
