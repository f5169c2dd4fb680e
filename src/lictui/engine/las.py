"""Health of the License Activation Service (LAS): the age of an activation, and missed renewals.

The API of a site reports only when the activation ends. An activation that is renewed online is
valid for 30 days and is renewed about every 7 days, so that its end shows its age. These periods
are those that administrators observe, not documented ones; the validity of an offline activation
is not public. Therefore the age is called approximate, and is unknown where the end does not fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from lictui.engine.usage_insights import las_support
from lictui.model import VERSIONED_SOURCES, ActivationStatus, count_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from lictui.engine.board import ServerStatus
    from lictui.model import Snapshot

_VALID_DAYS: Final = 30
_RENEWAL_DAYS: Final = 7
MISSED_LIMIT: Final = 3  # missed renewals that are a warning, whatever `las_warn` is


class LastRenewal(Struct, frozen=True):
    """When an activation was renewed last, which is the last contact with LAS."""

    age: int  # days
    missed: int  # renewals that were due since

    @property
    def missed_text(self) -> str:
        """How many renewals were missed; "" for none."""
        return f"{count_text(self.missed, 'renewal')} missed" * bool(self.missed)


def last_renewal(snapshot: Snapshot, today: date) -> LastRenewal | None:
    """The last renewal of an online activation; None if its end does not show it."""
    activation = snapshot.activation
    if activation is None or activation.expires is None:
        return None
    if activation.status is not ActivationStatus.ACTIVATED:
        return None
    # An activation ends no later than its licenses: such an end shows no renewal.
    if activation.expires in {pool.license_end for pool in snapshot.pools if pool.counted}:
        return None
    age = _VALID_DAYS - (activation.expires - today).days
    if not 0 <= age <= _VALID_DAYS:
        return None
    return LastRenewal(age, max(age - 1, 0) // _RENEWAL_DAYS)


def las_health(status: ServerStatus, today: date) -> Iterator[str]:
    """The parts of the line about LAS; none without an activation."""
    snapshot = status.snapshot
    if snapshot is None or snapshot.activation is None:
        return
    activation, ends = snapshot.activation, snapshot.activation.expires
    days = (ends - today).days if ends else 0
    left = f" ({days} d left)" if days >= 0 else ""
    until = f" until {ends.day} {ends:%b %Y}{left}" if ends else ""
    yield f"LAS {activation.status.replace('_', ' ')}{until}"
    if renewal := last_renewal(snapshot, today):
        ago = "today" if renewal.age == 0 else f"~{renewal.age} d ago"
        yield f"last contact {ago}"
        yield renewal.missed_text or "no renewal missed"
    if snapshot.license_server_reachable is not None:
        reachable = "reachable" if snapshot.license_server_reachable else "unreachable"
        yield f"license server {reachable}"
    for member in status.members:  # a server of its own shows it next to its version
        version = member.snapshot.version if member.snapshot else ""
        if member.server.source in VERSIONED_SOURCES and (support := las_support(version)):
            yield f"license server {support}"
