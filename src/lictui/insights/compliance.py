"""What was bought against what is installed and what was needed: gaps, idle licenses, their cost.

Owns the arithmetic of one line of the contract. Pure: must not know where figures come from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lictui.config.contract import Purchase


@dataclass(frozen=True, slots=True)
class Holding:
    """One line of the contract, held against the figures of its scope; None is unknown."""

    purchase: Purchase
    name: str  # of the product
    installed: int | None
    peak: int | None  # of the month; of user/device licenses what is assigned
    needed: int | None  # the highest of the months that are known
    months: int  # that `needed` rests on

    @property
    def scope(self) -> str:
        """The server or group that the line is for, else "estate"."""
        return self.purchase.server or self.purchase.group or "estate"

    @property
    def beyond(self) -> int | None:
        """Licenses that were in use without having been bought: the compliance gap."""
        return None if self.needed is None else max(0, self.needed - self.purchase.purchased)

    @property
    def installed_beyond(self) -> int | None:
        """Installed less bought: above 0 more is installed than was paid for, below 0 less."""
        return None if self.installed is None else self.installed - self.purchase.purchased

    @property
    def idle(self) -> int | None:
        """Licenses that were bought and never needed in the months that are known."""
        return None if self.needed is None else max(0, self.purchase.purchased - self.needed)

    @property
    def cost(self) -> float | None:
        """What all that was bought costs in a year."""
        each = self.purchase.cost
        return None if each is None else each * self.purchase.purchased

    @property
    def idle_cost(self) -> float | None:
        """What the idle ones cost in a year."""
        each, idle = self.purchase.cost, self.idle
        return None if each is None or idle is None else each * idle
