"""License rows of a site as pools, and notices about its licensing.

Field names are those of Citrix's published models (LicenseSummaryResponseModel,
LicenseInventoryModel, SiteDetailResponseModel).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from lictui.model import (
    Activation,
    ActivationStatus,
    Level,
    Mode,
    Model,
    Notice,
    Pool,
    Reading,
    sum_all_known,
)
from lictui.products import cvad_code
from lictui.sources.inventory import FIGURES, inventory_pools, is_start_up_row
from lictui.sources.sanitize import MAX_CODE, Record, records, sanitize, term_of
from lictui.sources.source import new_pool, sum_pools

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Sequence

# The license overview: its inventories, and the totals that come with them

_FILES: Final = "LicenseInventories"
_LAS: Final = "LicenseLasInventories"
_STATUS: Final = "LicenseInformation.LicenseServerStatus"
_TOTAL_FIELDS: Final = ("NormalLicenses", "OverdraftLicenses", "LicensesUsage")
_TWO_INVENTORIES: Final = Notice(
    "server",
    Level.OK,
    "The site lists both license files and LAS licenses; only the LAS licenses are shown",
    "UseLicenseActivationService is not reported",
)

_CONTRADICTION: Final = Notice(
    "server",
    Level.WARN,
    "The number of licenses installed is uncertain: the figures of the site contradict each other",
    action="Compare it with Citrix Licensing Manager.",
)


def uses_las(overview: object) -> bool | None:
    """Return whether the site is set to use LAS; None if that is not reported."""
    return Record(overview).flag("LicenseInformation.UseLicenseActivationService")


def site_mode(overview: object) -> Mode | None:
    """Return LAS or license files, if the overview shows it; the site's setting comes first."""
    if overview is None:
        return None
    is_las = uses_las(overview)
    if is_las is None:
        totals = Record(overview)
        is_las = totals.get(_STATUS) == "LasCompatible" or bool(totals.records(_LAS))
    return Mode.LAS if is_las else Mode.FILE


def pools_from_overview(overview: object) -> tuple[tuple[Pool, ...], tuple[Notice, ...]]:
    """Return the pools of the inventory that the site uses, and what is doubtful about them.

    "A single site can use either legacy licenses or LAS" (Citrix on LAS), although its license
    server may support both: the two inventories are never added.
    """
    totals, setting = Record(overview), uses_las(overview)
    las, files = totals.records(_LAS), totals.records(_FILES)
    is_las = bool(las) if setting is None else setting
    rows = las if is_las else files
    counted = [row for row in rows if not is_start_up_row(row)]
    is_free, notices = _is_free_part(counted, totals)
    figures = replace(FIGURES, is_free=is_free, with_overdraft=not is_free)
    pools = inventory_pools(rows, figures)
    if len(counted) == 1:
        pools = tuple(_completed(pool, totals) if pool.counted else pool for pool in pools)
    if setting is None and las and files:
        notices += (_TWO_INVENTORIES,)
    inventory, raw = ("inventory", _LAS if is_las else _FILES), totals.raw_fields(*_TOTAL_FIELDS)
    return tuple(
        replace(pool, raw_fields=(inventory, *pool.raw_fields, *raw)) for pool in sum_pools(pools)
    ), notices


def _is_free_part(rows: Sequence[Record], totals: Record) -> tuple[bool, tuple[Notice, ...]]:
    """Return whether LicensesAvailable is the free part; a notice if no meaning fits the totals.

    It is not documented. The totals decide it for the whole answer; without them, LicensesAvailable
    is taken for the total with overdraft.
    """
    available = sum_all_known(row.count("LicensesAvailable") for row in rows)
    in_use = sum_all_known(row.count("LicensesInUse") for row in rows)
    overdraft = sum(row.count("LicenseOverdraft") or 0 for row in rows)
    normal = totals.count("NormalLicenses")
    if not rows or normal is None or available is None or available - overdraft == normal:
        return False, ()
    if in_use is None:
        in_use = totals.count("LicensesUsage")
    if in_use is not None and available + in_use == normal:
        return True, ()
    detail = (
        f"NormalLicenses is {normal:,}, but the rows add up to LicensesAvailable {available:,},"
        f" LicensesInUse {'?' if in_use is None else f'{in_use:,}'},"
        f" LicenseOverdraft {overdraft:,}"
    )
    return False, (replace(_CONTRADICTION, detail=detail),)


def _completed(pool: Pool, totals: Record) -> Pool:
    """Return the only counted pool, with totals of the overview for the figures that it lacks."""
    reading, formulas = pool.reading, dict(pool.formulas)
    for figure, field in zip(("installed", "overdraft", "in_use"), _TOTAL_FIELDS, strict=True):
        total = totals.count(field)
        if getattr(reading, figure) is None and total is not None:
            reading = replace(reading, **{figure: total})
            formulas[figure] = field
    return replace(pool, reading=reading, formulas=tuple(formulas.items()))


# Site details: usage without the number installed

_USAGE_FIELDS: Final = (
    "LicensedSessionsActive",
    "PeakConcurrentLicenseUsers",
    "TotalUniqueLicenseUsers",
)
_SITE_FIELDS: Final = (
    "ProductCode",
    "ProductEdition",
    "LicensingModel",
    *_USAGE_FIELDS,
    "LicenseExpirationDate",
)
_MODELS: Final = {
    "Concurrent": (Model.CONCURRENT, "LicensedSessionsActive"),
    "UserDevice": (Model.USER_DEVICE, "TotalUniqueLicenseUsers"),
}


def pools_from_site(site: object) -> tuple[Pool, ...]:
    """Return what the site itself knows: license and number in use, not the number installed.

    Some releases return zeros for all usage; these are ignored. () without a number in use.
    """
    details = Record(site)
    product, edition, model = (details.text(name, MAX_CODE) for name in _SITE_FIELDS[:3])
    known_model, in_use_field = _MODELS.get(model, (Model.OTHER, ""))
    in_use = details.count(in_use_field)
    if in_use is None or not any(map(details.count, _USAGE_FIELDS)):
        return ()
    expires, permanent = term_of(details.day("LicenseExpirationDate"))
    pool = replace(
        new_pool(sanitize(cvad_code(product, edition, model), MAX_CODE), Reading(in_use)),
        model=known_model,
        expires=expires,
        permanent=permanent,
        raw_fields=details.raw_fields(*_SITE_FIELDS),
        formulas=(("in_use", in_use_field), ("ends", "LicenseExpirationDate")),
    )
    return (pool,)


# Notices: alerts, grace periods, state of the license server

_MAX_ALERTS: Final = 50  # alerts of one site
_ALERT_LEVELS: Final = {"Alert": Level.WARN, "Alarm": Level.CRITICAL}
_HEALTHY: Final = frozenset({"", "Compatible", "LasCompatible", "UnknownStatus"})
_REACHED: Final = _HEALTHY - {"", "UnknownStatus"}
_UPDATE: Final = "Update the license server to the release that the site requires."

# LicenseServerStatus of LicenseInformationModel -> meaning, hint
_CRITICAL_STATUSES: Final = {
    "Incompatible": ("The license server is not compatible with the site", _UPDATE),
    "LSVersionIncompatible": ("The license server is too old for the site", _UPDATE),
    "Inaccessible": (
        "The site cannot reach its license server",
        "Check that the license server is running and that the controllers can reach its ports.",
    ),
    "InternalError": (
        "The license server reports an internal error",
        "Check the services and logs of the license server.",
    ),
}
_OTHER_STATUSES: Final = {
    "CloudNotRegistered": (
        "The license server is not registered with Citrix Cloud",
        "Register it in Citrix Licensing Manager.",
    ),
    "LasNotOnboarded": (
        "The license server is not activated by the License Activation Service",
        "Activate it in Citrix Licensing Manager.",
    ),
    "InternetNotConnected": (
        "The license server has no connection to the internet",
        "Allow it to reach Citrix Cloud; without it an activation lasts 30 days.",
    ),
    "NoInventory": (
        "The license server has no licenses for the site",
        "Assign licenses to this license server.",
    ),
}


def is_reachable(overview: object) -> bool | None:
    """Whether the site reaches its license server; None if its state does not show that."""
    status = Record(overview).text(_STATUS, 60)
    return True if status in _REACHED else False if status == "Inaccessible" else None


def site_notices(site: object, overview: object) -> tuple[Notice, ...]:
    """Return all notices, most severe kinds first: license server, grace, alerts."""
    return (*_server_notices(overview), *_grace_notices(site, overview), *_alert_notices(site))


def _server_notices(overview: object) -> Iterator[Notice]:
    totals = Record(overview)
    status = totals.text(_STATUS, 60)
    if status not in _HEALTHY:
        unknown = f"The license server reports the state {status}", ""
        title, action = (_CRITICAL_STATUSES | _OTHER_STATUSES).get(status, unknown)
        level = Level.CRITICAL if status in _CRITICAL_STATUSES else Level.WARN
        yield Notice("server", level, title, f"LicenseServerStatus {status}", action)
    if totals.flag("CertAccepted") is False:
        yield Notice(
            "server",
            Level.WARN,
            "The site does not trust the certificate of its license server",
            "CertAccepted false",
            "Confirm the certificate in Studio.",
        )


def _grace_notices(site: object, overview: object) -> Iterator[Notice]:
    details, totals = Record(site), Record(overview)
    if details.flag("LicensingGracePeriodActive"):
        hours = details.count("LicensingGraceHoursLeft")
        sessions = details.count("LicenseGraceSessionsRemaining")
        left = [] if hours is None else [_hours_left(hours)]
        left += [] if sessions is None else [f"{sessions} sessions left"]
        yield Notice(
            "grace",
            Level.CRITICAL if hours == 0 else Level.WARN,
            "The site runs in license caching mode (grace period)",
            ", ".join(left),
            "Bring the license server back, or add licenses, before it ends.",
        )
    if details.flag("LicensingOutOfBoxGracePeriodActive") or totals.flag(
        "LicenseInformation.OutOfBoxGracePeriodActive"
    ):
        hours = totals.count("LicenseInformation.OutOfBoxGracePeriodHoursLeft")
        yield Notice(
            "grace",
            Level.CRITICAL if hours == 0 else Level.WARN,
            "The site runs in its trial period, without a license",
            "" if hours is None else f"{hours} hours left",
            "Assign licenses to the site.",
        )


def _hours_left(hours: int) -> str:
    days, rest = divmod(hours, 24)
    return f"{hours} hours left" + (f" ({days} days {rest} h)" if days > 1 else "")


def _alert_notices(site: object) -> Iterator[Notice]:
    for alert in Record(site).records("LicensingAlerts", _MAX_ALERTS):
        # Site details document it as AlertLevel, LicensingAlertModel as LicensingAlertLevel.
        level = alert.text("AlertLevel", 20) or alert.text("LicensingAlertLevel", 20)
        if title := alert.text("Title") or alert.text("TypeCode", 60):
            detail, action = alert.text("Detail", 500), alert.text("Action", 500)
            yield Notice("server", _ALERT_LEVELS.get(level, Level.OK), title, detail, action)


def session_notices(site: object, states: Counter[str]) -> tuple[Notice, ...]:
    """Return the sessions next to the licensed ones, and why they differ; () if one is unknown."""
    details = Record(site)
    licensed = details.count("LicensedSessionsActive")
    if licensed is None or not any(map(details.count, _USAGE_FIELDS)):
        return ()
    connected, disconnected = states["Active"] + states["Connected"], states["Disconnected"]
    other = states.total() - connected - disconnected
    text = f"{licensed:,} licensed, {connected:,} connected, {disconnected:,} disconnected"
    text += f", {other:,} in an unknown state" if other else ""
    if difference := states.total() - licensed:
        text += f"; {abs(difference):,} {'more' if difference > 0 else 'fewer'} than licensed"
    reasons = [
        "A disconnected session keeps its license until log-off." * bool(disconnected),
        "Both are counted one after the other; which sessions are licensed is not reported."
        * bool(difference),
    ]
    if details.text("LicensingModel") == "UserDevice":
        reasons = ["Licenses are assigned to users and devices, not to sessions."]
    return (Notice("server", Level.OK, "Sessions", text, " ".join(filter(None, reasons))),)


def las_notices(controllers: object) -> Iterator[Notice]:
    """Yield a warning for controllers that do not support LAS, of a site that uses it."""
    rows = records(controllers) or Record(controllers).records("Items")
    if unaware := sum(row.flag("IsLasAware") is False for row in rows):
        yield Notice(
            "server",
            Level.WARN,
            "Controllers do not support the License Activation Service",
            f"{unaware} of {len(rows)}, IsLasAware false",
            "Update them: at least to 2203 CU7, 2402 CU3 or 2411.",
        )


_ACTIVATION: Final = {
    "Expired": ActivationStatus.EXPIRED,
    "NotActivated": ActivationStatus.NOT_ACTIVATED,
    "Unknown": ActivationStatus.UNKNOWN,
    "Activated": ActivationStatus.ACTIVATED,
}


def site_activation(controllers: object) -> Activation | None:
    """Return the LAS activation of a site: its worst controller, until the earliest expiry."""
    rows = records(controllers) or Record(controllers).records("Items")
    aware = [row for row in rows if row.flag("IsLasAware") is not False]
    names = filter(None, (row.text("LasActivationStatus", 20) for row in aware))
    statuses = {_ACTIVATION.get(name, ActivationStatus.UNKNOWN) for name in names}
    worst = next((status for status in _ACTIVATION.values() if status in statuses), None)
    if worst is None:
        return None
    expiries = (row.day("LasActivationExpiry") for row in aware)
    return Activation(worst, min(filter(None, expiries), default=None))
