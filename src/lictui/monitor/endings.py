"""What a calendar says of a server: licenses, subscriptions, activation and certificate that end.

Pure. Owns from which day on an end deserves a word, and the word. Must not know polls, nor alerts
that stand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lictui.model import ActivationStatus, AlertKind, Level, State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from lictui.config.settings import Thresholds
    from lictui.model import Pool, Snapshot
    from lictui.monitor.board import ServerStatus

CERTIFICATE: Final = "certificate"  # what an alert about that of a server is about
_ELSEWHERE: Final = (State.DISABLED, State.UNTRUSTED)  # no word, or another one
_LATE: Final = 6  # what part of its time a certificate has left before that is a matter


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that deserves a word, before it is known whose it is."""

    kind: AlertKind
    level: Level
    message: str
    about: str = ""
    ratio: float | None = None

    @property
    def rest(self) -> tuple[str, str, float | None]:
        """Message, about and ratio, as an alert has them."""
        return self.message, self.about, self.ratio


def dates(pools: list[Pool], limits: Thresholds, today: date) -> Iterator[Fact]:
    """Licenses and subscriptions of one product that end, or have."""
    newest = max((pool.subscription_date for pool in pools if pool.subscription_date), default=None)
    for pool in pools:
        about = f"{pool.subscription_date or ''}/{pool.expires or ''}"
        if pool.expires is not None and not pool.permanent:
            days = (pool.expires - today).days
            if (level := _soon(days, limits.expiry_warn, limits.expiry_critical)) is not Level.OK:
                said = f"{pool.name}: licenses {_when(days, 'expire')}"
                yield Fact(AlertKind.EXPIRY, level, said, about)
        if pool.subscription_date is not None:
            days = (pool.subscription_date - today).days
            level = _soon(days, limits.expiry_warn, limits.expiry_critical)
            if days < 0:
                # Licenses outlive their subscription: no emergency, and no word if a newer
                # subscription covers the product.
                level = Level.WARN if pool.subscription_date == newest else Level.OK
            if level is not Level.OK:
                said = f"{pool.name}: subscription {_when(days, 'ends', 'ended')}"
                yield Fact(AlertKind.SUBSCRIPTION, level, said, str(pool.subscription_date))


def certificate(status: ServerStatus, limits: Thresholds, today: date) -> Fact | None:
    """That the certificate of TLS ends; that it is refused is the state of the server already.

    One that is good for a short time is renewed late, and by itself: 90 days at 30, say.
    """
    shown = status.snapshot.certificate if status.snapshot else None
    if shown is None or shown.expires is None or status.state in _ELSEWHERE:
        return None
    warn, critical = limits.certificate_warn, limits.certificate_critical
    if shown.begins is not None:
        length = (shown.expires - shown.begins).days
        warn, critical = min(warn, length // _LATE), min(critical, length // (2 * _LATE))
    days = (shown.expires - today).days
    if (level := _soon(days, warn, critical)) is Level.OK:
        return None
    said = f"the TLS certificate {_when(days, 'expires', 'expired')}"
    return Fact(AlertKind.SERVER, level, said, CERTIFICATE)


def activation(snapshot: Snapshot, limits: Thresholds, today: date) -> Iterator[Fact]:
    """That licenses need the License Activation Service, and it has not, or soon will not have."""
    told = snapshot.activation
    if told is None:
        return
    if told.status is ActivationStatus.EXPIRED:
        said = "the license activation has expired"
        yield Fact(AlertKind.ACTIVATION, Level.CRITICAL, said)
    elif told.status is ActivationStatus.NOT_ACTIVATED:
        yield Fact(AlertKind.ACTIVATION, Level.CRITICAL, "licenses are not activated")
    elif told.expires is not None:
        days = (told.expires - today).days
        if (level := _soon(days, limits.las_warn, limits.las_critical)) is not Level.OK:
            said = f"the license activation {_when(days, 'expires', 'expired')}"
            yield Fact(AlertKind.ACTIVATION, level, said)


def _soon(days: int, warn: int, critical: int) -> Level:
    if days <= critical:
        return Level.CRITICAL
    return Level.WARN if days <= warn else Level.OK


def _when(days: int, verb: str, past: str = "expired") -> str:
    match days:
        case 0:
            return f"{verb} today"
        case 1:
            return f"{verb} tomorrow"
        case -1:
            return f"{past} yesterday"
        case _ if days < 0:
            return f"{past} {-days} days ago"
        case _:
            return f"{verb} in {days} days"
