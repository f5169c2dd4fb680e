"""How much of a pool each way of reading tells: the key, and which of its figures.

Owns what a lictui that had watched would have written down. Must not know how anything is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lictui.model import Model, PoolKey
from lictui.products import describe
from lictui.simulator.stock import Kind

if TYPE_CHECKING:
    from lictui.simulator.stock import LicenseServer, Pool

_UNDATED: Final = (Kind.BARE_SITE, Kind.CLOUD, Kind.PARTNER, Kind.CHECKMK)
_NO_SIZE: Final = (Kind.BARE_SITE, Kind.PARTNER, Kind.UDADMIN)
_ONE_COUNT: Final = (Kind.CHECKMK, Kind.LMSTAT, Kind.REMOTE_LMSTAT)  # the overdraft is in it
_NO_OVERDRAFT: Final = (Kind.CLOUD,)
_SNAP_IN: Final = (Kind.INVENTORY, Kind.LAS_INVENTORY)  # its start-up license has no date


@dataclass(frozen=True, slots=True)
class Telling:
    """What is told of one pool."""

    key: PoolKey
    model: Model
    sized: bool  # whether it is told how many there are
    apart: bool  # whether the overdraft is told, apart from what is installed
    merged: bool  # whether what is installed has the overdraft in it

    def figures(self, installed: int, overdraft: int) -> tuple[int | None, int | None]:
        """Installed and overdraft, as told."""
        if not self.sized:
            return None, None
        if self.merged:
            return installed + overdraft, None
        return installed, overdraft if self.apart else None


def telling(server: LicenseServer, pool: Pool) -> Telling:
    """What is told of `pool`, the way `server` is read."""
    kind = server.kind
    dated = kind not in _UNDATED and server.vendor == "CITRIX"
    if kind in _SNAP_IN and pool.license_type == "SYS":
        dated = False
    merged = kind in _ONE_COUNT
    return Telling(
        PoolKey(pool.product, pool.subscription_date.isoformat() if dated else ""),
        _model(server, pool),
        sized=kind not in _NO_SIZE,
        apart=not merged and kind not in _NO_OVERDRAFT,
        merged=merged,
    )


def _model(server: LicenseServer, pool: Pool) -> Model:
    if server.kind is Kind.CLOUD:
        return Model.USER_DEVICE  # what it is asked for; the product's name says nothing of it
    if server.vendor != "CITRIX":
        return Model.CONCURRENT  # floating licenses, and no code that would say so
    return describe(pool.product).model
