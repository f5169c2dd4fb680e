"""What a simulated license server holds at one moment, and how it behaves just now.

Owns the words that the protocol servers and the simulated estate share. Must not know a protocol.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date


@dataclass(frozen=True, slots=True)
class License:
    """One pool of licenses: one product code and subscription date."""

    product: str  # `XDT_PLT_UD`
    full_name: str  # as the server words it: `Citrix XenDesktop Platinum|User/Device`
    license_type: str  # `Retail`, `RetailS`, `Eval`, `SYS`, …
    subscription_date: date
    expires: date | None  # None = permanent
    installed: int  # without overdraft
    overdraft: int
    in_use: int
    waiting: int = 0  # asked for and not given: a queue where the vendor has one


class Mood(StrEnum):
    """How a server behaves just now."""

    NORMAL = "normal"
    SILENT = "silent"  # takes the connection and never answers
    EMPTY = "empty"  # answers with an inventory of nothing, as a LAS server does over WMI
    LOGIN_PAGE = "login_page"  # an HTML page with status 200, as a portal in between would
    BUSY = "busy"  # 503 with Retry-After
    LIMITED = "limited"  # too many requests: 429 with Retry-After; over WinRM its quota fault
    DENIED = "denied"  # refuses every password
    FORBIDDEN = "forbidden"  # knows the user, lacks the permission
    HALF = "half"  # cuts the answer off in the middle
    HUGE = "huge"  # answers with more than 10 MB
    GARBAGE = "garbage"  # answers with bytes that mean nothing
    EXPIRED = "expired"  # its client secret, or its key, has run out
    ELSEWHERE = "elsewhere"  # knows nothing of this customer, as another region would not


Inventory = Callable[[], tuple[License, ...]]
CurrentMood = Callable[[], Mood]
