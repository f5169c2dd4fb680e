"""License rows of a site as pools: which figure is installed, which overdraft, which in use.

Owns the arithmetic of LicenseOverview and of the site's own counters. Pure: must not know how they
were asked for. Field names are those of Citrix's published models (LicenseSummaryResponseModel,
LicenseInventoryModel, SiteDetailResponseModel).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from lictui.model import Activation, ActivationStatus, Level, Model, Notice, Pool, Reading
from lictui.products import cvad_code, describe
from lictui.sources.http import get, rows
from lictui.sources.sanitize import day, text, whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date


_FOREVER: Final = 9999  # the year .NET writes for "never"
_CODE: Final = 64  # characters of a product code at most
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


def from_overview(overview: object) -> tuple[Pool, ...]:
    """The pools of both inventories, legacy and LAS; rows of one key are added up."""
    inventory = [(name, row) for name in _LISTS for row in rows(get(overview, name))]
    pools = [_pool(row, (("inventory", name),)) for name, row in inventory]
    if len(pools) == 1:
        pools = [_totalled(pools[0], overview)]
    return _added(pools)


def _pool(row: dict[str, object], origin: tuple[tuple[str, str], ...]) -> Pool:
    product, edition, model = (text(get(row, key), _CODE) for key in _ROW[:3])
    name = text(get(row, "LocalizedLicenseProductName"))
    code = text(cvad_code(product, edition, model) or name or "Unknown", _CODE)
    overdraft = whole(get(row, "LicenseOverdraft"))
    expires, permanent = _end(row)
    return Pool(
        product=code,
        name=name or describe(code).name,
        model=_MODELS.get(model, Model.OTHER),
        reading=Reading(
            in_use=whole(get(row, "LicensesInUse")),
            installed=_installed(whole(get(row, "LicensesAvailable")), overdraft),
            overdraft=overdraft,
        ),
        license_type=text(get(row, "LicenseType"), _CODE),
        subscription_date=day(get(row, "LicenseSubscriptionAdvantageDate")),
        expires=expires,
        permanent=permanent,
        raw=origin + _raw(row, _ROW),
        how=(
            ("in_use", "LicensesInUse"),
            ("installed", "LicensesAvailable - LicenseOverdraft" if overdraft else _ROW[5]),
            ("overdraft", "LicenseOverdraft"),
            ("ends", "LicenseExpirationDate"),
        ),
    )


def _end(value: object) -> tuple[date | None, bool | None]:
    """When a license ends, and whether it never does; neither is known without a date."""
    expires = day(get(value, "LicenseExpirationDate"))
    if expires is None:
        return None, None
    forever = expires.year >= _FOREVER
    return None if forever else expires, forever


def _installed(available: int | None, overdraft: int | None) -> int | None:
    """What was bought, of an `available` that is taken to include the overdraft.

    Whether it does is not documented; where it cannot, nothing is known.
    """
    if available is None:
        return None
    installed = available - (overdraft or 0)
    return installed if installed >= 0 else None


def _totalled(pool: Pool, overview: object) -> Pool:
    """The only pool, with the totals of the overview, which can then mean no other."""
    read = pool.reading
    installed = whole(get(overview, "NormalLicenses"))
    overdraft = whole(get(overview, "OverdraftLicenses"))
    usage = whole(get(overview, "LicensesUsage"))
    reading = Reading(
        in_use=usage if read.in_use is None else read.in_use,
        installed=read.installed if installed is None else installed,
        overdraft=read.overdraft if overdraft is None else overdraft,
    )
    how = dict(pool.how)
    how |= {} if read.in_use is not None else {"in_use": "LicensesUsage"}
    how |= {} if installed is None else {"installed": "NormalLicenses"}
    how |= {} if overdraft is None else {"overdraft": "OverdraftLicenses"}
    raw = pool.raw + _raw(overview, _TOTALS)
    return replace(pool, reading=reading, raw=raw, how=tuple(how.items()))


def _added(pools: Iterable[Pool]) -> tuple[Pool, ...]:
    merged: dict[object, Pool] = {}
    for pool in pools:
        known = merged.get(pool.key)
        merged[pool.key] = _sum(known, pool) if known else pool
    return tuple(merged.values())


def _sum(one: Pool, other: Pool) -> Pool:
    """Two rows of one key: a figure that either lacks is not known of both."""
    first = min((pool.expires for pool in (one, other) if pool.expires), default=None)
    leaving = [pool.leaving for pool in (one, other) if pool.expires == first]
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
        partly=first is not None and (one.expires != other.expires or one.partly or other.partly),
        expiring=None if None in leaving else sum(each or 0 for each in leaving),
        raw=one.raw + other.raw,
        how=max(one.how, other.how, key=lambda how: len(str(how))),  # who has an overdraft says so
    )


def _plus(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def from_site(site: object) -> tuple[Pool, ...]:
    """What the site alone knows: its license and how many are in use, not how many it has.

    Some releases answer with zeros for all usage: that is no figure.
    """
    product, edition, model = (text(get(site, key), _CODE) for key in _SITE[:3])
    used = {key: whole(get(site, key)) for key in _USAGE}
    counter = {"Concurrent": "LicensedSessionsActive", "UserDevice": "TotalUniqueLicenseUsers"}
    in_use = used.get(counter.get(model, "")) if any(used.values()) else None
    if not product and in_use is None:
        return ()
    code = text(cvad_code(product, edition, model), _CODE)
    expires, permanent = _end(site)
    return (
        Pool(
            product=code,
            name=describe(code).name,
            model=_MODELS.get(model, Model.OTHER),
            reading=Reading(in_use=in_use),
            expires=expires,
            permanent=permanent,
            raw=_raw(site, _SITE),
            how=(("in_use", counter.get(model, "")), ("ends", "LicenseExpirationDate")),
        ),
    )


def _raw(value: object, keys: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """The server's own fields, as it sent them."""
    return tuple((key, text(get(value, key), _CODE)) for key in keys if get(value, key) is not None)


# What a site says about its licensing besides figures: alerts, grace periods, the license server


_MOST: Final = 50  # alerts of one site
_ALERT_LEVELS: Final = {"Alert": Level.WARN, "Alarm": Level.CRITICAL}
_FINE: Final = frozenset({"", "Compatible", "LasCompatible", "UnknownStatus"})

# LicenseServerStatus of LicenseInformationModel -> how grave, what it means, what to do.
_STATUSES: Final = {
    "Incompatible": (
        Level.CRITICAL,
        "The license server is not compatible with the site",
        "Update the license server to the release the site needs.",
    ),
    "LSVersionIncompatible": (
        Level.CRITICAL,
        "The license server is too old for the site",
        "Update the license server to the release the site needs.",
    ),
    "Inaccessible": (
        Level.CRITICAL,
        "The site cannot reach its license server",
        "Check that the license server is up and its ports are open from the controllers.",
    ),
    "InternalError": (
        Level.CRITICAL,
        "The license server reports an internal error",
        "Look at the services and the logs of the license server.",
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
        "Let it reach Citrix Cloud; an activation lasts 30 days without.",
    ),
    "NoInventory": (
        Level.WARN,
        "The license server has no licenses for the site",
        "Assign licenses to this license server.",
    ),
}


def notices(site: object, overview: object) -> tuple[Notice, ...]:
    """Everything there is to say, gravest kinds first: license server, grace, alerts."""
    return (*_server(overview), *_grace(site, overview), *_alerts(site))


def _server(overview: object) -> Iterator[Notice]:
    status = text(get(get(overview, "LicenseInformation"), "LicenseServerStatus"), 60)
    if status not in _FINE:
        level, title, action = _STATUSES.get(
            status, (Level.WARN, f"The license server is in a state called {status}", "")
        )
        yield Notice("server", level, title, f"LicenseServerStatus {status}", action)
    if get(overview, "CertAccepted") is False:
        yield Notice(
            "server",
            Level.WARN,
            "The site does not trust the certificate of its license server",
            "CertAccepted false",
            "Confirm the certificate in Studio.",
        )


def _grace(site: object, overview: object) -> Iterator[Notice]:
    if get(site, "LicensingGracePeriodActive") is True:
        hours = whole(get(site, "LicensingGraceHoursLeft"))
        sessions = whole(get(site, "LicenseGraceSessionsRemaining"))
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
    information = get(overview, "LicenseInformation")
    if True in (
        get(site, "LicensingOutOfBoxGracePeriodActive"),
        get(information, "OutOfBoxGracePeriodActive"),
    ):
        hours = whole(get(information, "OutOfBoxGracePeriodHoursLeft"))
        yield Notice(
            "grace",
            Level.CRITICAL if hours == 0 else Level.WARN,
            "The site runs in its trial period, without a license",
            "" if hours is None else f"{hours} hours left",
            "Assign licenses to the site.",
        )


def _alerts(site: object) -> Iterator[Notice]:
    for alert in rows(get(site, "LicensingAlerts"))[:_MOST]:
        title = text(get(alert, "Title")) or text(get(alert, "TypeCode"), 60)
        if title:
            yield Notice(
                "server",
                _ALERT_LEVELS.get(text(get(alert, "AlertLevel"), 20), Level.OK),
                title,
                text(get(alert, "Detail"), 500),
                text(get(alert, "Action"), 500),
            )


_ACTIVATION: Final = {
    "Expired": ActivationStatus.EXPIRED,
    "NotActivated": ActivationStatus.NOT_ACTIVATED,
    "Unknown": ActivationStatus.UNKNOWN,
    "Activated": ActivationStatus.ACTIVATED,
}


def activation(controllers: object) -> Activation | None:
    """Where the site stands with LAS: as its worst controller, until its earliest end."""
    listed = rows(controllers) or rows(get(controllers, "Items"))
    aware = [each for each in listed if get(each, "IsLasAware") is not False]
    told = {text(get(each, "LasActivationStatus"), 20) for each in aware}
    worst = next((status for name, status in _ACTIVATION.items() if name in told), None)
    if worst is None:
        return None
    ends = [end for each in aware if (end := day(get(each, "LasActivationExpiry")))]
    return Activation(worst, min(ends, default=None))
