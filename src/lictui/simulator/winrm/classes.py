"""The WMI classes a license server has, filled from its inventory.

Owns their names, properties and values (Citrix's classes from public scripts and templates; their
MOF is not published, so FlexNet's own attributes stay nil). Must not know XML.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lictui.simulator.inventory import License
    from lictui.simulator.winrm.wql import Value

LICENSING: Final = "root/CitrixLicensing"
CIMV2: Final = "root/cimv2"


@dataclass(frozen=True, slots=True)
class CimClass:
    """One class of one namespace, and what there is of it just now."""

    namespace: str
    name: str
    properties: tuple[str, ...]  # in the order a server lists them: the alphabet's, caselessly
    rows: tuple[Mapping[str, Value], ...]

    def canonical(self, name: str) -> str | None:
        """How the class spells a property; None when it has no such one."""
        return next((own for own in self.properties if own.lower() == name.lower()), None)


def license_pool(licenses: Iterable[License]) -> CimClass:
    """`Citrix_GT_License_Pool`: one instance per product and subscription date."""
    return CimClass(
        LICENSING,
        "Citrix_GT_License_Pool",
        (
            "Count",
            "DUP_GROUP",
            "FLOAT_OK",
            "HOST_BASED",
            "HOSTID",
            "InUseCount",
            "LicenseType",
            "Overdraft",
            "PLATFORMS",
            "PLD",
            "PLDFullName",
            "PooledAvailable",
            "SubscriptionDate",
            "USER_BASED",
            "VendorString",
        ),
        tuple(_pool(each) for each in licenses),
    )


def _pool(each: License) -> Mapping[str, Value]:
    count = each.installed + each.overdraft  # Count includes the overdraft
    return {
        "Count": count,
        "InUseCount": each.in_use,
        "LicenseType": each.license_type,
        "Overdraft": each.overdraft,
        "PLD": each.product,
        "PLDFullName": each.full_name,
        "PooledAvailable": max(0, count - each.in_use),
        "SubscriptionDate": each.subscription_date,
        "VendorString": f";LT={each.license_type};GP=720;SA=1;ODP=0",
    }


def license_increment(licenses: Iterable[License]) -> CimClass:
    """`Citrix_GT_License`: one instance per increment; those of start-up have no serial."""
    return CimClass(
        LICENSING,
        "Citrix_GT_License",
        ("ExpirationDate", "SerialNumber"),
        tuple(
            {
                "ExpirationDate": each.expires,
                "SerialNumber": "" if each.license_type == "SYS" else f"LA-{number:010d}",
            }
            for number, each in enumerate(licenses, 1)
        ),
    )


def services() -> CimClass:
    """`Win32_Service`: the three services of a license server, running."""
    names = {
        "Citrix Licensing": "Citrix Licensing",
        "Citrix_GTLicensingProv": "Citrix Licensing WMI",
        "CitrixWebServicesforLicensing": "Citrix Web Services for Licensing",
    }
    return CimClass(
        CIMV2,
        "Win32_Service",
        ("DisplayName", "Name", "Started", "StartMode", "State", "Status"),
        tuple(
            {
                "DisplayName": display,
                "Name": name,
                "Started": True,
                "StartMode": "Auto",
                "State": "Running",
                "Status": "OK",
            }
            for name, display in names.items()
        ),
    )
