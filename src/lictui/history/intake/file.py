"""A file of readings, whoever wrote it: lictui's own CSV, or any with columns to be recognised.

Owns which of the two it is, and what must be said for each. Pure: bytes in, an account out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lictui import products as known_products
from lictui.errors import UsageError
from lictui.history.intake import cells, columns, foreign, own
from lictui.history.intake.given import Given
from lictui.history.retention import FOREVER
from lictui.model import PoolKey

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo

    from lictui.history.intake.given import Account


@dataclass(frozen=True, slots=True)
class Ask:
    """What was said about a file that it does not say itself."""

    servers: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    subscription_date: str = ""  # ISO; of somebody else's file
    columns: Mapping[str, str] = field(default_factory=dict)
    date_format: str = ""  # strptime's
    zone: tzinfo | None = None  # of times that name none; None: the system's
    until: float = FOREVER  # UTC epoch seconds; later is no time that a reading can have


def read(data: bytes, ask: Ask) -> Account:
    """Everything in the file. Raises UsageError when it cannot be gone by as a whole."""
    text = cells.text(data)
    if not text.strip():
        raise UsageError("the file is empty", "did the program that was to write it fail?")
    found = cells.exact(text, own.is_own)
    if found and not ask.columns:
        return own.read(*found, ask.servers, ask.products, ask.until)
    if len(ask.servers) != 1 or len(ask.products) != 1:
        raise UsageError(
            "the file is none of lictui's own, so it does not say whose figures it has",
            "say it: --server NAME --product CODE, one of each",
        )
    header, below = cells.headed(text, lambda row: _score(row, ask))
    chosen = columns.recognised(header, ask.columns)
    assert chosen is not None  # noqa: S101 - that is how the header was found
    ((server,), (product,)) = ask.servers, ask.products
    model = known_products.describe(product).model
    pool = Given(server, PoolKey(product, ask.subscription_date), model)
    return foreign.read(chosen, below, pool, ask.zone, ask.date_format, ask.until)


def _score(row: list[str], ask: Ask) -> int:
    found = columns.recognised(row, ask.columns)
    return len(row) if found else 0
