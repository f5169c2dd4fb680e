"""Simulated license servers, for the demo and the tests.

Shares no code with `lictui.sources`: two independent readings of each protocol. The values here
are the state of a server at one time: its licenses, and the fault it simulates.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum, auto
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from datetime import date


class License(Struct, frozen=True):
    """One pool of licenses: one product code and subscription date."""

    product: str  # `XDT_PLT_UD`
    full_name: str  # as the server words it: `Citrix XenDesktop Platinum|User/Device`
    license_type: str  # `Retail`, `RetailS`, `Eval`, `SYS`, …
    subscription_date: date
    expires: date | None  # None = permanent
    installed: int  # without overdraft
    overdraft: int
    in_use: int
    queued: int = 0  # asked for and not given: a queue where the vendor has one

    @property
    def code_parts(self) -> tuple[str, str, str]:
        """Product, edition and model of `XDT_PLT_UD`; another code is all product."""
        match self.product.split("_"):
            case [product, edition, model]:
                return product, edition, model
        return self.product, "", ""

    @property
    def vendor_string(self) -> str:
        """The terms in its license file."""
        return f";LT={self.license_type};GP=720;SA=1;ODP=0"

    @property
    def wmi_row(self) -> dict[str, str | int | date | None]:
        """Its instance of `Citrix_GT_License_Pool`, by properties in the order a server lists."""
        count = self.installed + self.overdraft
        return {
            "Count": count,  # includes the overdraft
            "DUP_GROUP": None,
            "FLOAT_OK": None,
            "HOST_BASED": None,
            "HOSTID": None,
            "InUseCount": self.in_use,
            "LicenseType": self.license_type,
            "Overdraft": self.overdraft,
            "PLATFORMS": None,
            "PLD": self.product,
            "PLDFullName": self.full_name,
            "PooledAvailable": max(0, count - self.in_use),
            "SubscriptionDate": self.subscription_date,
            "USER_BASED": None,
            "VendorString": self.vendor_string,
        }


class FaultMode(StrEnum):
    """A fault that a server simulates; NORMAL is none."""

    NORMAL = auto()
    SILENT = auto()  # takes the connection and never answers
    EMPTY = auto()  # answers with an inventory of nothing, as a LAS server does over WMI
    LOGIN_PAGE = auto()  # an HTML page with status 200, as a portal in between would
    BUSY = auto()  # 503 with Retry-After
    RATE_LIMITED = auto()  # too many requests: 429 with Retry-After; over WinRM its quota fault
    DENIED = auto()  # refuses every password
    FORBIDDEN = auto()  # knows the user, lacks the permission
    TRUNCATED = auto()  # cuts the answer off in the middle
    OVERSIZED = auto()  # answers with more than 10 MB
    GARBAGE = auto()  # answers with bytes that mean nothing
    CREDENTIALS_EXPIRED = auto()  # its client secret, or its key, has run out
    UNKNOWN_CUSTOMER = auto()  # knows nothing of this customer, as another region would not


CurrentInventory = Callable[[], tuple[License, ...]]
CurrentFault = Callable[[], FaultMode]
