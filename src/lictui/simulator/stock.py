"""What a simulated license server has on its shelves: pools, their sizes over time, and its ways.

Owns the step from a curve to a license. Must not know a protocol. Times are UTC epoch seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from math import inf
from typing import TYPE_CHECKING, Final

from lictui.simulator.inventory import License, Mood

if TYPE_CHECKING:
    from datetime import date

    from lictui.simulator.curve import Curve
    from lictui.simulator.region import Region


@dataclass(frozen=True, slots=True)
class Pool:
    """One product code and subscription date, over all of time."""

    product: str
    full_name: str
    subscription_date: date
    curve: Curve
    sizes: tuple[tuple[float, int], ...]  # from when on, installed; the first from ever on
    license_type: str = "Retail"
    expires: date | None = None
    overdraft: float = 0.1  # a share of installed, rounded down
    refuses: bool = True  # whether the total is a wall

    def installed_at(self, at: float) -> int:
        """Licenses bought and installed."""
        return next((size for since, size in reversed(self.sizes) if since <= at), 0)

    def overdraft_of(self, installed: int) -> int:
        """The allowance on top of `installed`."""
        return int(installed * self.overdraft + 1e-9)

    def ends(self) -> float | None:
        """The first moment the license is no longer valid."""
        if self.expires is None:
            return None
        day = self.expires
        return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() + 86400

    def at(self, moment: float) -> License | None:
        """The pool at one moment; None once it has expired."""
        ends = self.ends()
        if ends is not None and moment >= ends:
            return None
        installed = self.installed_at(moment)
        overdraft = self.overdraft_of(installed)
        asked, total = self.curve.at(moment), installed + overdraft
        in_use = min(asked, total) if self.refuses else asked
        return License(
            product=self.product,
            full_name=self.full_name,
            license_type=self.license_type,
            subscription_date=self.subscription_date,
            expires=self.expires,
            installed=installed,
            overdraft=overdraft,
            in_use=in_use,
            waiting=asked - in_use,
        )


class Kind(StrEnum):
    """How a simulated license server is read."""

    BASIC = "basic"  # WMI over WinRM: TLS and Basic
    NTLM = "ntlm"  # TLS and Negotiate, which comes down to NTLM
    SEALED = "sealed"  # plain HTTP and Negotiate, with message encryption
    SITE = "site"  # the orchestration API of a legacy site
    LAS_SITE = "las_site"  # of a site that uses the License Activation Service
    BARE_SITE = "bare_site"  # where no license overview answers
    CLOUD = "cloud"  # an account of Citrix Cloud
    PARTNER = "partner"  # a partner's account of License Usage Insights
    LMSTAT = "lmstat"  # FlexNet, asked from afar
    INVENTORY = "inventory"  # the rest by a command over there: Get-LicInventory
    LAS_INVENTORY = "las_inventory"  # Get-LicLasInventory
    WMI_JSON = "wmi_json"  # Citrix_GT_License_Pool
    REMOTE_LMSTAT = "remote_lmstat"
    UDADMIN = "udadmin"
    CHECKMK = "checkmk"
    LICTUI = "lictui"  # another lictui

    @property
    def is_site(self) -> bool:
        """Whether this is a delivery controller rather than a license server."""
        return self in {Kind.SITE, Kind.LAS_SITE, Kind.BARE_SITE}

    @property
    def is_account(self) -> bool:
        """Whether this is an account in Citrix Cloud rather than a machine."""
        return self in {Kind.CLOUD, Kind.PARTNER}

    @property
    def is_machine(self) -> bool:
        """Whether it is read by a program that somebody runs."""
        return not (self.is_site or self.is_account or self in _OVER_WINRM)


_OVER_WINRM: Final = (Kind.BASIC, Kind.NTLM, Kind.SEALED)


@dataclass(frozen=True, slots=True)
class Report:
    """What License Usage Insights knows of one license server."""

    host: str
    pools: tuple[Pool, ...] = ()  # of users and devices
    concurrent: tuple[Pool, ...] = ()
    reports: bool = True  # whether it ever did
    until: float = inf  # when it did for the last time
    expires: date | None = None
    in_back_office: bool = True


@dataclass(frozen=True, slots=True)
class LicenseServer:
    """One license server, or one site, of the simulated company."""

    name: str
    region: Region
    kind: Kind
    pools: tuple[Pool, ...]
    mood: Mood = Mood.NORMAL  # how it always is
    silences: tuple[tuple[float, float], ...] = ()  # from, to
    flaps_after: float | None = None  # from this moment on it falls silent again and again
    activated_until: date | None = None
    same_as: str = ""  # the server that this is another way to read
    vendor: str = "CITRIX"  # whose daemon FlexNet runs
    reports: tuple[Report, ...] = ()  # of a partner's account

    def mood_at(self, moment: float) -> Mood:
        """How it behaves at one moment."""
        silent = any(start <= moment < end for start, end in self.silences) or self._flaps(moment)
        return Mood.SILENT if silent else self.mood

    def _flaps(self, moment: float) -> bool:
        # Silent from 2 to 3 minutes, 8 to 12, 32 to 48, and so on: whatever the speed of the
        # clock, somebody who looks sees it go and come back within the first minutes.
        if self.flaps_after is None:
            return False
        minutes = (moment - self.flaps_after) / 60
        start = 2.0
        while start * 1.5 <= minutes:
            start *= 4
        return start <= minutes
