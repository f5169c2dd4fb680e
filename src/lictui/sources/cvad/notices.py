"""What a site says about its licensing besides figures: alerts, grace periods, the license server.

Owns the words for each of Citrix's published values, and how grave each is. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lictui.model import Activation, ActivationStatus, Level, Notice
from lictui.sources.answers import get, rows
from lictui.sources.clean import day, text, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

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
