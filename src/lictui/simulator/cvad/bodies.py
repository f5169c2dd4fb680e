"""The JSON that a site answers with.

Owns field names, enums and the nulls between them. Must not know HTTP or who asks.
Fields: SiteDetailResponseModel, LicenseSummaryResponseModel, LicenseInformationModel,
LicenseInventoryModel, DeliveryControllerResponseModel and ErrorWarningResponseModel of the
published orchestration schema (citrix/citrix-daas-rest-go, citrixorchestration/docs).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from lictui.simulator.cvad.site import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lictui.simulator.cvad.site import Alert, Site
    from lictui.simulator.inventory import License

Json = dict[str, Any]
Licenses = tuple["License", ...]

_PRODUCTS: Final = {"XDT": "XenDesktopXdt", "XDS": "XenDesktopXds", "MPS": "XenApp"}
_EDITIONS: Final = {
    "PLT": "Platinum",
    "ENT": "Enterprise",
    "ADV": "Advanced",
    "APP": "Apps",
    "STD": "Vdi",
}
_MODELS: Final = {"UD": "UserDevice", "CCS": "Concurrent", "CCU": "Concurrent"}
_LOCAL_EDITIONS: Final = {"PLT": "Premium", "ENT": "Advanced", "STD": "Standard"}
_LOCAL_PRODUCTS: Final = {"MPS": "Citrix Virtual Apps"}
_SUITE: Final = "Citrix Virtual Apps and Desktops"
_VERSION: Final = "7.47"


def _parts(code: str) -> tuple[str, str, str]:
    """Product, edition and model of `XDT_PLT_UD`."""
    product, _, rest = code.partition("_")
    edition, _, model = rest.partition("_")
    return product, edition, model


def _main(licenses: Licenses) -> License | None:
    return max(licenses, key=lambda each: each.installed, default=None)


def me(site: Site, user: str, expires: str) -> Json:
    """`/me`: who is logged on, and which sites there are."""
    where = {"Id": site.id, "Name": site.name}
    return {
        "UserId": "S-1-5-21-1004336348-1177238915-682003330-1104",
        "DisplayName": user,
        "ExpiryTime": expires,
        "RefreshExpirationTime": None,
        "Customers": [{"Id": site.customer, "Name": None, "Sites": [where]}],
    }


def site_detail(site: Site, licenses: Licenses) -> Json:
    """`/Sites/{idOrName}`."""
    main = _main(licenses)
    product, edition, model = _parts(main.product) if main else (None, None, "")
    return {
        "Id": site.id,
        "Name": site.name,
        "LicenseServerName": None if site.cloud else site.license_server,
        "LicenseServerPort": None if site.cloud else 27000,
        "LicenseServerUri": None if site.cloud else f"https://{site.license_server}:8083/",
        "LicensingModel": _MODELS.get(model, "Unknown") if main else "None",
        "ProductCode": product,
        "ProductEdition": edition,
        "ProductVersion": _VERSION,
        "LicenseExpirationDate": None if site.cloud else _earliest_end(licenses),
        **_usage(site, licenses, model),
        "LicenseGraceSessionsRemaining": site.grace_sessions_left,
        "LicensingGracePeriodActive": site.grace_hours_left is not None,
        "LicensingGraceHoursLeft": site.grace_hours_left,
        "LicensingOutOfBoxGracePeriodActive": site.out_of_box_hours_left is not None,
        "LicensesWithExpiredSwm": None,
        "LicensingAlerts": [_alert(alert) for alert in site.alerts],
    }


def _usage(site: Site, licenses: Licenses, model: str) -> Json:
    names = ("LicensedSessionsActive", "PeakConcurrentLicenseUsers", "TotalUniqueLicenseUsers")
    if site.usage is not Usage.REPORTED:
        return dict.fromkeys(names, 0 if site.usage is Usage.ZEROS else None)
    in_use = sum(each.in_use for each in licenses if _parts(each.product)[2] == model)
    if _MODELS.get(model) == "UserDevice":
        return dict(zip(names, (in_use // 2, None, in_use), strict=True))
    peak = in_use if site.peak is None else site.peak
    unique = peak * 2 if site.unique is None else site.unique
    return dict(zip(names, (in_use, peak, unique), strict=True))


def _earliest_end(licenses: Licenses) -> str | None:
    ends = [each.expires for each in licenses if each.expires]
    return f"{min(ends).isoformat()}T00:00:00Z" if ends else None


def _alert(alert: Alert) -> Json:
    return {
        "Priority": alert.priority,
        "AlertLevel": alert.level,
        "TypeCode": alert.type_code,
        "Title": alert.title,
        "Detail": alert.detail,
        "Action": alert.action,
    }


def error_warning(site: Site) -> Json:
    """`/Sites/{id}/ErrorWarning`: how many alerts of each level."""
    levels = [alert.level for alert in site.alerts]
    return {
        "Licensing": {
            "NumberOfErrors": levels.count("Alarm"),
            "NumberOfWarnings": levels.count("Alert"),
            "NumberOfInfo": levels.count("Info"),
        }
    }


def controllers(site: Site, now: float) -> Json:
    """`/DeliveryControllers`: two of them, with what each knows of LAS."""
    until = site.activated_until if site.las else None
    ended = until is not None and until < datetime.fromtimestamp(now, UTC).date()
    status = ("Expired" if ended else "Activated") if until else "NotActivated"
    las = {
        "LasUniqueEnvId": f"env-{site.id}" if site.las else None,
        "LasActivationStatus": site.activation or status,
        "LasActivationExpiry": f"{until.isoformat()}T00:00:00Z" if until else None,
        "IsLasAware": site.las,
    }
    names = [f"{site.name.lower()}-ddc{number}.corp.example" for number in (1, 2)]
    return {"Items": [{"Id": str(at), "DnsName": name, **las} for at, name in enumerate(names, 1)]}


def overview(site: Site, licenses: Licenses, *, inventory: bool) -> Json:
    """`LicenseOverview`: the inventory, under the name of the way the site is licensed."""
    main = _main(licenses)
    product, edition, model = _parts(main.product) if main else ("", "", "")
    lines = [_inventory(site, each) for each in licenses] if inventory else []
    sums = (
        sum(each.installed for each in licenses),
        sum(each.overdraft for each in licenses),
        sum(each.in_use for each in licenses),
    )
    normal, overdraft, usage = sums if site.totals else (None, None, None)
    return {
        "LicenseInformation": {
            "LicenseServerStatus": _status(site, licenses),
            "LicenseServerWslAddress": f"https://{site.license_server}:8083",
            "LicenseServerLicensingAddress": f"{site.license_server}:27000",
            "LicenseServer": site.license_server,
            "LicensePort": 27000,
            "LicensingBurnInDate": "2026-03-01",
            "LicenseProduct": _PRODUCTS.get(product, product or "Unknown"),
            "ProductEdition": _EDITIONS.get(edition, edition or "Unknown"),
            "LicenseModel": _MODELS.get(model, "Unknown"),
            "OutOfBoxGracePeriodActive": site.out_of_box_hours_left is not None,
            "OutOfBoxGracePeriodHoursLeft": site.out_of_box_hours_left,
            "UseLicenseActivationService": site.las,
        },
        "LicenseInventories": [] if site.las else lines,
        "LicenseLasInventories": lines if site.las else [],
        "NormalLicenses": normal,
        "OverdraftLicenses": overdraft,
        "LicensesUsage": usage,
        "CertAccepted": True,
    }


def _status(site: Site, licenses: Iterable[License]) -> str:
    if site.server_status:
        return site.server_status
    if not any(licenses):
        return "NoInventory"
    return "LasCompatible" if site.las else "Compatible"


def _inventory(site: Site, held: License) -> Json:
    product, edition, model = _parts(held.product)
    local = _LOCAL_EDITIONS.get(edition, edition)
    return {
        "LicenseProductName": _PRODUCTS.get(product, product),
        "LocalizedLicenseProductName": f"{_LOCAL_PRODUCTS.get(product, _SUITE)} {local}",
        "LicenseExpirationDate": held.expires and held.expires.strftime(site.date_format),
        "LicenseSubscriptionAdvantageDate": held.subscription_date.strftime(site.date_format),
        "LicenseType": held.license_type,
        "LicensesInUse": held.in_use,
        # One of two readings: whether the overdraft is in is not published.
        "LicensesAvailable": held.installed + held.overdraft,
        "LicenseOverdraft": held.overdraft,
        "LicenseModel": _MODELS.get(model, model),
        "ProductEdition": _EDITIONS.get(edition, edition),
        "LocalizedLicenseProductEdition": local,
    }
