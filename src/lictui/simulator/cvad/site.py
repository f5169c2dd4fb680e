"""What is true of one simulated site beside its licenses.

Owns everything a site can say about itself: how it is licensed, its alerts and grace periods, and
where it answers. Must not know JSON or HTTP.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import date

# Not published for current releases: the first of the places that are worth a try.
OVERVIEW_PATH: Final = "/citrix/orchestration/api/{customer}/{site}/Licensing/LicenseOverview"


class Usage(StrEnum):
    """What the usage figures of `Sites/{id}` are worth."""

    REPORTED = "reported"
    ZEROS = "zeros"  # some releases answer zero for all of them
    NULLS = "nulls"


@dataclass(frozen=True, slots=True)
class Alert:
    """One licensing alert of a site."""

    level: str  # `Unknown`, `Info`, `Alert`, `Alarm`
    title: str
    detail: str = ""
    action: str = ""
    type_code: str = ""
    priority: int = 1


@dataclass(frozen=True, slots=True)
class Site:
    """A site of Citrix Virtual Apps and Desktops, as it is just now."""

    id: str
    name: str
    customer: str = "CitrixOnPremises"
    cloud: bool = False
    las: bool = False  # UseLicenseActivationService
    activated_until: date | None = None
    activation: str = ""  # LasActivationStatus; "" follows from the date
    license_server: str = "lic01.corp.example"
    server_status: str = ""  # LicenseServerStatus; "" follows from `las`
    overview_path: str | None = OVERVIEW_PATH  # None: no license overview answers anywhere
    totals: bool = True  # whether the overview has NormalLicenses and OverdraftLicenses
    date_format: str = "%Y-%m-%d"  # of the overview; the notes know none for certain
    usage: Usage = Usage.REPORTED
    peak: int | None = None  # of concurrent licenses
    unique: int | None = None  # users that ever took one
    grace_hours_left: int | None = None  # None: no grace period is active
    out_of_box_hours_left: int | None = None
    grace_sessions_left: int | None = None
    alerts: tuple[Alert, ...] = ()


CurrentSite = Callable[[], Site]
