"""What a Citrix Cloud account holds at one moment.

Owns the figures and how they follow from each other. Must not know JSON or HTTP. Times are UTC
epoch seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Assigned:
    """Licenses assigned to users, or to devices."""

    total: int
    released: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """Licenses that end, or begin, at one moment."""

    at: float
    count: int


@dataclass(frozen=True, slots=True)
class MonthCount:
    """What happened to the users, or to the devices, in one month."""

    cumulative: int  # assigned at its end
    new: int = 0
    released: int = 0


@dataclass(frozen=True, slots=True)
class Month:
    """One calendar month of the history."""

    month: str  # `2026-10`
    owned: int
    users: MonthCount
    devices: MonthCount

    @property
    def counted(self) -> MonthCount:
        """The smaller of the two, which is what Citrix counts; users when they are equal."""
        return min(self.users, self.devices, key=lambda each: each.cumulative)


@dataclass(frozen=True, slots=True)
class Peak:
    """The most that was assigned in some span of time."""

    assigned: int
    at: float


@dataclass(frozen=True, slots=True)
class Concurrent:
    """The concurrent licenses of an account; a peak of None was never measured."""

    total: int
    assigned: int
    reported_at: float
    last_24_hours: Peak | None = None
    month: Peak | None = None
    all_time: Peak | None = None
    readable: bool = True  # whether the client has the permission to see them


@dataclass(frozen=True, slots=True)
class Account:
    """The entitlement to one product of one customer, and its use."""

    users: Assigned
    devices: Assigned
    owned: int
    product_name: str = "XenDesktop"
    edition: str = "XAXDFull"
    next_expiry: Change | None = None
    next_activation: Change | None = None
    months: tuple[Month, ...] = ()  # in any order; those that are missing were not recorded
    concurrent: Concurrent | None = None  # None: not entitled
    recorded_at: float | None = None  # when the figures were taken; None: just now

    @property
    def in_use(self) -> int:
        """What Citrix counts: users or devices, whichever are fewer."""
        return min(self.users.total, self.devices.total)

    @property
    def remaining(self) -> int:
        """Owned and not in use; negative when more are in use than owned."""
        return self.owned - self.in_use


CurrentAccount = Callable[[], Account | None]  # None: nothing was recorded yet
