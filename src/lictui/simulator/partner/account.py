"""What License Usage Insights knows of a partner: license servers, and usage by the month.

Owns the figures and how they follow from each other. Must not know JSON or HTTP. Times are UTC
epoch seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

_REPORTING: Final = 3 * 86400.0  # seconds; after three silent days a server counts as silent


@dataclass(frozen=True, slots=True)
class LinkedCustomer:
    """A customer whose users a license server serves."""

    customer_id: str
    org_id: str = ""  # "" is the customer id again
    nick_name: str = ""  # so is this, and the next
    display_name: str = ""
    kind: str = "managed"


@dataclass(frozen=True, slots=True)
class FeatureCount:
    """How many concurrent licenses of one feature a license server holds in use."""

    feature_id: str  # `MPS_PLT_CCU`
    count: int


@dataclass(frozen=True, slots=True)
class Stamps:
    """How the times of one license server are written."""

    hours: float = 0.0  # ahead of UTC
    digits: int = 2  # of the fraction: 2 or 7; 0 writes `12/30/2015 12:21:15`, in UTC


@dataclass(frozen=True, slots=True)
class PartnerServer:
    """One license server; without `last_reported` it never reported, and most is unknown."""

    host_id: str
    fqdn: str | None = None
    last_reported: float | None = None
    expires: float | None = None
    in_back_office: bool = True
    compliant: bool = True
    free: bool = False
    non_csp: bool = False  # a license of another program is installed
    ccu: tuple[FeatureCount, ...] = ()
    customers: tuple[LinkedCustomer, ...] = ()
    stamps: Stamps = field(default_factory=Stamps)

    def reporting(self, now: float) -> bool:
        """Whether it phoned home in the past three days."""
        return self.last_reported is not None and now - self.last_reported <= _REPORTING


@dataclass(frozen=True, slots=True)
class ServerUsage:
    """The users of one feature on one license server in a month."""

    fqdn: str
    count: int
    free_users: int = 0
    reported: float | None = None  # None is written as the year 1, as the real one does
    free: bool = False


@dataclass(frozen=True, slots=True)
class CustomerUsage:
    """The users of one feature at one customer in a month."""

    customer_id: str
    count: int
    free_users: int = 0
    nick_name: str = ""  # "" is the customer id again
    kind: str = "Managed"
    linked: bool = True


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature of a product in a month."""

    feature_id: str  # `XDT_PLT_UD`
    description: str
    servers: tuple[ServerUsage, ...] = ()
    customers: tuple[CustomerUsage, ...] = ()
    count: int | None = None  # None: the sum over the servers
    units: str = "users"
    user_list: bool = True


@dataclass(frozen=True, slots=True)
class Sku:
    """One product that a partner is billed for."""

    sku_id: str
    description: str
    features: tuple[Feature, ...] = ()


@dataclass(frozen=True, slots=True)
class NetScalerLicense:
    """One license of a NetScaler."""

    product: str
    expires: float


@dataclass(frozen=True, slots=True)
class NetScaler:
    """One NetScaler that calls home."""

    fqdn: str
    host_id: str
    licenses: tuple[NetScalerLicense, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """Everything of one partner; `skus` are those of the month that was asked for."""

    org_id: str
    servers: tuple[PartnerServer, ...] = ()
    skus: tuple[Sku, ...] = ()
    netscalers: tuple[NetScaler, ...] = ()


AccountOfMonth = Callable[[str], Account]  # by `2026-10`
