"""What ends when: every license, subscription, activation and certificate with a known last day.

Alerts, entitlements, report, panes and charts select from this list and word it; none of them looks
for dates itself. Permanent and startup licenses are not in it: they do not end.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from lictui.engine.board import MergedBoard, ServerStatus
    from lictui.model import Pool, Snapshot


class ExpiryKind(StrEnum):
    """What ends; the words of `lictui contract --json`."""

    LICENSES = "expiry"
    SUBSCRIPTION = "subscription"  # the right to newer versions; the licenses stay valid
    ACTIVATION = "activation"  # by the License Activation Service
    CERTIFICATE = "certificate"  # of TLS
    RENEWAL = "renewal"  # of a purchase, as entered by the user


@dataclass(frozen=True, slots=True)
class Expiry:
    """Something that ends on a known day."""

    day: date
    kind: ExpiryKind
    server: str  # of a renewal: the server, the group or "estate" that it is for
    product: str = ""  # "" when it concerns the server as a whole
    name: str = ""  # of the product
    count: int | None = None  # licenses concerned; None: unknown
    subscription_date: date | None = None  # of the pool
    renewed: bool = False  # of a subscription: the server has a later one for the product
    licenses_too: bool = False  # of a subscription: its licenses expire on the same day
    valid_from: date | None = None  # of a certificate


def expiries(board: MergedBoard) -> list[Expiry]:
    """Everything that ends on the enabled servers of a board, in the order of the board."""
    return [
        expiry
        for status in board.servers
        if status.server.enabled
        for expiry in server_expiries(status)
    ]


def server_expiries(status: ServerStatus) -> Iterator[Expiry]:
    """Everything that ends on one server, as last reported."""
    name, snapshot = status.server.name, status.snapshot
    for member in status.members or (status,):
        certificate = member.snapshot.certificate if member.snapshot else None
        if certificate is not None and certificate.expires is not None:
            yield Expiry(
                certificate.expires,
                ExpiryKind.CERTIFICATE,
                member.server.name,
                valid_from=certificate.valid_from,
            )
    if snapshot is None:
        return
    if snapshot.activation is not None and snapshot.activation.expires is not None:
        yield Expiry(snapshot.activation.expires, ExpiryKind.ACTIVATION, name)
    yield from _license_expiries(name, snapshot)


def license_end(pool: Pool) -> date | None:
    """The first day on which licenses of a pool expire; None if permanent or unknown."""
    return None if pool.permanent else pool.expires


def _license_expiries(server: str, snapshot: Snapshot) -> Iterator[Expiry]:
    pools = [pool for pool in snapshot.pools if pool.counted]
    newest: dict[str, date] = {}
    for pool in pools:
        if (day := pool.subscription_date) is not None:
            newest[pool.product] = max(day, newest.get(pool.product, day))
    for pool in pools:
        licenses_end = license_end(pool)
        if licenses_end is not None:
            yield Expiry(
                licenses_end,
                ExpiryKind.LICENSES,
                server,
                pool.product,
                pool.name,
                pool.expiring_count,
                pool.subscription_date,
            )
        if pool.subscription_date is not None:
            yield Expiry(
                pool.subscription_date,
                ExpiryKind.SUBSCRIPTION,
                server,
                pool.product,
                pool.name,
                pool.reading.installed,
                pool.subscription_date,
                renewed=pool.subscription_date != newest[pool.product],
                licenses_too=pool.subscription_date == licenses_end,
            )
