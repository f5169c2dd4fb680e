"""License rows of a site as pools, and notices about its licensing.

Field names are those of Citrix's published models (LicenseSummaryResponseModel,
LicenseInventoryModel, SiteDetailResponseModel).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from lictui.model import Activation, ActivationStatus, Level, Model, Notice, Pool, Reading
from lictui.products import cvad_code, describe
from lictui.sources.http import get_field, json_rows
from lictui.sources.sanitize import parse_count, parse_date, sanitize

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date


_FOREVER: Final = 9999  # .NET's year for "never"
_CODE: Final = 64  # characters of a product code
_MODELS: Final = {"Concurrent": Model.CONCURRENT, "UserDevice": Model.USER_DEVICE}
_LISTS: Final = ("LicenseInventories", "LicenseLasInventories")
_ROW: Final = (
    "LicenseProductName",
    "ProductEdition",
    "LicenseModel",
    "LicenseType",
    "LicensesInUse",
    "LicensesAvailable",
    "LicenseOverdraft",
    "LicenseExpirationDate",
    "LicenseSubscriptionAdvantageDate",
)
_TOTALS: Final = ("NormalLicenses", "OverdraftLicenses", "LicensesUsage")
_USAGE: Final = ("LicensedSessionsActive", "PeakConcurrentLicenseUsers", "TotalUniqueLicenseUsers")
_SITE: Final = ("ProductCode", "ProductEdition", "LicensingModel", *_USAGE, "LicenseExpirationDate")


def pools_from_overview(overview: object) -> tuple[Pool, ...]:
    """Return the pools of both inventories, legacy and LAS; rows of one key are added up."""
    inventory = [(name, row) for name in _LISTS for row in json_rows(get_field(overview, name))]
    pools = [_pool(row, (("inventory", name),)) for name, row in inventory]
    if len(pools) == 1:
        pools = [_totalled(pools[0], overview)]
    return _added(pools)


def _pool(row: dict[str, object], origin: tuple[tuple[str, str], ...]) -> Pool:
    product, edition, model = (sanitize(get_field(row, key), _CODE) for key in _ROW[:3])
    name = sanitize(get_field(row, "LocalizedLicenseProductName"))
    code = sanitize(cvad_code(product, edition, model) or name or "Unknown", _CODE)
    overdraft = parse_count(get_field(row, "LicenseOverdraft"))
    expires, permanent = _end(row)
    return Pool(
        product=code,
        name=name or describe(code).name,
        model=_MODELS.get(model, Model.OTHER),
        reading=Reading(
            in_use=parse_count(get_field(row, "LicensesInUse")),
            installed=_installed(parse_count(get_field(row, "LicensesAvailable")), overdraft),
            overdraft=overdraft,
        ),
        license_type=sanitize(get_field(row, "LicenseType"), _CODE),
        subscription_date=parse_date(get_field(row, "LicenseSubscriptionAdvantageDate")),
        expires=expires,
        permanent=permanent,
        raw_fields=origin + _raw(row, _ROW),
        formulas=(
            ("in_use", "LicensesInUse"),
            ("installed", "LicensesAvailable - LicenseOverdraft" if overdraft else _ROW[5]),
            ("overdraft", "LicenseOverdraft"),
            ("ends", "LicenseExpirationDate"),
        ),
    )


def _end(value: object) -> tuple[date | None, bool | None]:
    """Return when a license ends, and whether it is permanent; without a date neither is known."""
    expires = parse_date(get_field(value, "LicenseExpirationDate"))
    if expires is None:
        return None, None
    forever = expires.year >= _FOREVER
    return None if forever else expires, forever


def _installed(available: int | None, overdraft: int | None) -> int | None:
    """Return installed from `available`, which is taken to include the overdraft.

    Whether it does is not documented; where it cannot, installed is unknown.
    """
    if available is None:
        return None
    installed = available - (overdraft or 0)
    return installed if installed >= 0 else None


def _totalled(pool: Pool, overview: object) -> Pool:
    """Return the only pool with the totals of the overview, which can then mean no other."""
    read = pool.reading
    installed = parse_count(get_field(overview, "NormalLicenses"))
    overdraft = parse_count(get_field(overview, "OverdraftLicenses"))
    usage = parse_count(get_field(overview, "LicensesUsage"))
    reading = Reading(
        in_use=usage if read.in_use is None else read.in_use,
        installed=read.installed if installed is None else installed,
        overdraft=read.overdraft if overdraft is None else overdraft,
    )
    how = dict(pool.formulas)
    how |= {} if read.in_use is not None else {"in_use": "LicensesUsage"}
    how |= {} if installed is None else {"installed": "NormalLicenses"}
    how |= {} if overdraft is None else {"overdraft": "OverdraftLicenses"}
    raw = pool.raw_fields + _raw(overview, _TOTALS)
    return replace(pool, reading=reading, raw_fields=raw, formulas=tuple(how.items()))


def _added(pools: Iterable[Pool]) -> tuple[Pool, ...]:
    merged: dict[object, Pool] = {}
    for pool in pools:
        known = merged.get(pool.key)
        merged[pool.key] = _sum(known, pool) if known else pool
    return tuple(merged.values())


def _sum(one: Pool, other: Pool) -> Pool:
    """Add two rows of one key; a figure that either lacks is unknown for both."""
    first = min((pool.expires for pool in (one, other) if pool.expires), default=None)
    leaving = [pool.expiring_count for pool in (one, other) if pool.expires == first]
    both = (one.reading, other.reading)
    return replace(
        one,
        reading=Reading(
            in_use=_plus(*(reading.in_use for reading in both)),
            installed=_plus(*(reading.installed for reading in both)),
            overdraft=_plus(*(reading.overdraft for reading in both)),
        ),
        expires=first,
        permanent=one.permanent if one.permanent is other.permanent else None,
        partial_expiry=first is not None
        and (one.expires != other.expires or one.partial_expiry or other.partial_expiry),
        reported_expiring=None if None in leaving else sum(each or 0 for each in leaving),
        raw_fields=one.raw_fields + other.raw_fields,
        formulas=max(
            one.formulas, other.formulas, key=lambda how: len(str(how))
        ),  # set if there is an overdraft
    )


def _plus(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def pools_from_site(site: object) -> tuple[Pool, ...]:
    """Return what the site itself knows: license and number in use, not the number installed.

    Some releases return zeros for all usage; these are ignored.
    """
    product, edition, model = (sanitize(get_field(site, key), _CODE) for key in _SITE[:3])
    used = {key: parse_count(get_field(site, key)) for key in _USAGE}
    counter = {"Concurrent": "LicensedSessionsActive", "UserDevice": "TotalUniqueLicenseUsers"}
    in_use = used.get(counter.get(model, "")) if any(used.values()) else None
    if not product and in_use is None:
        return ()
    code = sanitize(cvad_code(product, edition, model), _CODE)
    expires, permanent = _end(site)
    return (
        Pool(
            product=code,
            name=describe(code).name,
            model=_MODELS.get(model, Model.OTHER),
            reading=Reading(in_use=in_use),
            expires=expires,
            permanent=permanent,
            raw_fields=_raw(site, _SITE),
            formulas=(("in_use", counter.get(model, "")), ("ends", "LicenseExpirationDate")),
        ),
    )


def _raw(value: object, keys: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Return the server's own fields, as it sent them."""
    return tuple(
        (key, sanitize(get_field(value, key), _CODE))
        for key in keys
        if get_field(value, key) is not None
    )


# Notices: alerts, grace periods, state of the license server


_MOST: Final = 50  # alerts of one site
_ALERT_LEVELS: Final = {"Alert": Level.WARN, "Alarm": Level.CRITICAL}
_FINE: Final = frozenset({"", "Compatible", "LasCompatible", "UnknownStatus"})

# LicenseServerStatus of LicenseInformationModel -> level, meaning, hint
_STATUSES: Final = {
    "Incompatible": (
        Level.CRITICAL,
        "The license server is not compatible with the site",
        "Update the license server to the release that the site requires.",
    ),
    "LSVersionIncompatible": (
        Level.CRITICAL,
        "The license server is too old for the site",
        "Update the license server to the release that the site requires.",
    ),
    "Inaccessible": (
        Level.CRITICAL,
        "The site cannot reach its license server",
        "Check that the license server is running and that the controllers can reach its ports.",
    ),
    "InternalError": (
        Level.CRITICAL,
        "The license server reports an internal error",
        "Check the services and logs of the license server.",
    ),
    "CloudNotRegistered": (
        Level.WARN,
        "The license server is not registered with Citrix Cloud",
        "Register it in Citrix Licensing Manager.",
    ),
    "LasNotOnboarded": (
        Level.WARN,
        "The license server is not activated by the License Activation Service",
        "Activate it in Citrix Licensing Manager.",
    ),
    "InternetNotConnected": (
        Level.WARN,
        "The license server has no connection to the internet",
        "Allow it to reach Citrix Cloud; without it an activation lasts 30 days.",
    ),
    "NoInventory": (
        Level.WARN,
        "The license server has no licenses for the site",
        "Assign licenses to this license server.",
    ),
}


def site_notices(site: object, overview: object) -> tuple[Notice, ...]:
    """Return all notices, most severe kinds first: license server, grace, alerts."""
    return (*_server(overview), *_grace(site, overview), *_alerts(site))


def _server(overview: object) -> Iterator[Notice]:
    status = sanitize(
        get_field(get_field(overview, "LicenseInformation"), "LicenseServerStatus"), 60
    )
    if status not in _FINE:
        level, title, action = _STATUSES.get(
            status, (Level.WARN, f"The license server reports the state {status}", "")
        )
        yield Notice("server", level, title, f"LicenseServerStatus {status}", action)
    if get_field(overview, "CertAccepted") is False:
        yield Notice(
            "server",
            Level.WARN,
            "The site does not trust the certificate of its license server",
            "CertAccepted false",
            "Confirm the certificate in Studio.",
        )


def _grace(site: object, overview: object) -> Iterator[Notice]:
    if get_field(site, "LicensingGracePeriodActive") is True:
        hours = parse_count(get_field(site, "LicensingGraceHoursLeft"))
        sessions = parse_count(get_field(site, "LicenseGraceSessionsRemaining"))
        yield Notice(
            "grace",
            Level.CRITICAL if hours == 0 else Level.WARN,
            "The site runs in a grace period",
            ", ".join(
                words
                for words, known in (
                    (f"{hours} hours left", hours),
                    (f"{sessions} sessions left", sessions),
                )
                if known is not None
            ),
            "Bring the license server back, or add licenses, before it ends.",
        )
    information = get_field(overview, "LicenseInformation")
    if True in (
        get_field(site, "LicensingOutOfBoxGracePeriodActive"),
        get_field(information, "OutOfBoxGracePeriodActive"),
    ):
        hours = parse_count(get_field(information, "OutOfBoxGracePeriodHoursLeft"))
        yield Notice(
            "grace",
            Level.CRITICAL if hours == 0 else Level.WARN,
            "The site runs in its trial period, without a license",
            "" if hours is None else f"{hours} hours left",
            "Assign licenses to the site.",
        )


def _alerts(site: object) -> Iterator[Notice]:
    for alert in json_rows(get_field(site, "LicensingAlerts"))[:_MOST]:
        title = sanitize(get_field(alert, "Title")) or sanitize(get_field(alert, "TypeCode"), 60)
        if title:
            yield Notice(
                "server",
                _ALERT_LEVELS.get(sanitize(get_field(alert, "AlertLevel"), 20), Level.OK),
                title,
                sanitize(get_field(alert, "Detail"), 500),
                sanitize(get_field(alert, "Action"), 500),
            )


_ACTIVATION: Final = {
    "Expired": ActivationStatus.EXPIRED,
    "NotActivated": ActivationStatus.NOT_ACTIVATED,
    "Unknown": ActivationStatus.UNKNOWN,
    "Activated": ActivationStatus.ACTIVATED,
}


def site_activation(controllers: object) -> Activation | None:
    """Return the LAS activation of a site: its worst controller, until the earliest end."""
    listed = json_rows(controllers) or json_rows(get_field(controllers, "Items"))
    aware = [each for each in listed if get_field(each, "IsLasAware") is not False]
    told = {sanitize(get_field(each, "LasActivationStatus"), 20) for each in aware}
    worst = next((status for name, status in _ACTIVATION.items() if name in told), None)
    if worst is None:
        return None
    ends = [end for each in aware if (end := parse_date(get_field(each, "LasActivationExpiry")))]
    return Activation(worst, min(ends, default=None))
