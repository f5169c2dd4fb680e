"""The rows that PowerShell shows of an inventory: the licensing snap-in's, and those of WMI.

Owns the properties (Citrix's delivery-controller-sdk, "Licensing"; WMI's by public scripts) and the
dates that stand for none. Must not know JSON.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from lictui.simulator.inventory import License

# Shown as 12/31/1999 and 12/31/2037 in New York, where Citrix took its samples.
NO_EXPIRY: Final = datetime(2000, 1, 1, tzinfo=UTC)
NO_SUBSCRIPTION: Final = datetime(2038, 1, 1, tzinfo=UTC)
_START_UP: Final = ("CITRIX", "CTXLSDIAG")
_TYPES: Final = {"Retail": "Retail", "RetailS": "Retail (expiring)", "SYS": "System"}
_PARTS: Final = 3  # product, edition, model: the code's own, in Citrix's words its PEM


def lic_inventory(
    inventory: Iterable[License], *, free: bool = False, older: bool = False, times: int = 1
) -> Sequence[Mapping[str, object]]:
    """`Get-LicInventory`, and `Get-LicLasInventory`, whose properties have the same names.

    LicensesAvailable is the total with its overdraft, or with `free` what is left of it: scripts
    disagree (protocols: 8083). `older` names the subscription date as releases did before Customer
    Success Services. `times` multiplies what is installed: LAS servers that show it twice are known
    for concurrent licenses.
    """
    dated = "SubscriptionAdvantage" if older else "CustomerSuccessServices"
    return [_inventoried(each, f"License{dated}Date", free=free, times=times) for each in inventory]


def _inventoried(each: License, dated: str, *, free: bool, times: int) -> Mapping[str, object]:
    product, edition, model = _pem(each.product)
    name, _, model_name = each.full_name.partition("|")
    start_up = each.product in _START_UP
    overdraft = each.overdraft * times
    total = each.installed * times + overdraft
    return {
        "LicenseProductName": product,
        "LocalizedLicenseProductName": name or each.product,
        "LicenseEdition": edition,
        "LicenseLocalizedEdition": name.rpartition(" ")[2] if edition else "",
        "LicenseExpirationDate": _moment(each.expires) if each.expires else NO_EXPIRY,
        dated: NO_SUBSCRIPTION if start_up else _moment(each.subscription_date),
        "LicenseType": each.license_type,
        "LocalizedLicenseType": _TYPES.get(each.license_type, each.license_type),
        "LicensesInUse": each.in_use,
        "LicensesAvailable": total - each.in_use if free else total,
        "LicenseOverdraft": overdraft,
        "LicenseModel": model,
        "LocalizedLicenseModel": model_name,
    }


def wmi_pools(
    inventory: Iterable[License], *, text: bool = False
) -> Sequence[Mapping[str, object]]:
    """`Citrix_GT_License_Pool`, with the clutter that a CIM instance brings along.

    `text` has dates as DCOM gives them, which is what Get-WmiObject shows.
    """
    return [
        {
            "Count": each.installed + each.overdraft,
            "DUP_GROUP": None,
            "FLOAT_OK": None,
            "HOST_BASED": None,
            "HOSTID": None,
            "InUseCount": each.in_use,
            "LicenseType": each.license_type,
            "Overdraft": each.overdraft,
            "PLATFORMS": None,
            "PLD": each.product,
            "PLDFullName": each.full_name,
            "PooledAvailable": max(0, each.installed + each.overdraft - each.in_use),
            "SubscriptionDate": (
                f"{each.subscription_date:%Y%m%d}000000.000000+000"
                if text
                else _moment(each.subscription_date)
            ),
            "USER_BASED": None,
            "VendorString": f";LT={each.license_type};GP=720;SA=1;ODP=0",
            "PSComputerName": None,
            "CimClass": {"CimSuperClassName": None, "CimSystemProperties": "Microsoft.Management"},
        }
        for each in inventory
    ]


def _pem(code: str) -> tuple[str, str, str]:
    parts = code.split("_")
    if len(parts) < _PARTS:
        return code, "", ""
    return parts[0], "_".join(parts[1:-1]), parts[-1]


def _moment(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
