"""What deserves a word just now. Pure: a board, the thresholds and today's date, nothing else.

Owns which facts are an alert, their level and their sentence. Must not know who reads them, and
keeps no memory: an alert is true as long as its cause is.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from lictui.monitor.totals import answered, combined, missing
from lictui.words import ActivationStatus, Level, Model, State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from lictui.config.settings import Alerts, Thresholds
    from lictui.model import Pool, Reading
    from lictui.monitor.board import Board, ServerStatus


class AlertKind(StrEnum):
    """What an alert is about; the contract's words."""

    USAGE = "usage"
    EXPIRY = "expiry"
    SUBSCRIPTION = "subscription"
    ACTIVATION = "activation"
    GRACE = "grace"
    SERVER = "server"
    DATA = "data"


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that deserves a word."""

    kind: AlertKind
    level: Level
    server: str
    product: str  # "" when the server as a whole is meant
    since: float | None  # UTC epoch seconds; the reading it rests on, when older is not known
    message: str


_SEVERITY: Final = {
    Level.EXHAUSTED: 0,
    Level.OVERDRAFT: 1,
    Level.CRITICAL: 2,
    Level.WARN: 3,
    Level.UNKNOWN: 4,
    Level.OK: 5,
}
_QUIET: Final = (State.UP, State.WAITING, State.DISABLED)
_UNWELL: Final = {State.STALE: Level.WARN, State.NO_DATA: Level.WARN}
_FULL: Final = (Level.WARN, Level.CRITICAL, Level.OVERDRAFT, Level.EXHAUSTED)


def current(board: Board, alerts: Alerts, today: date) -> tuple[Alert, ...]:
    """Everything that is wrong or will be soon, the worst first, then in the board's order.

    On a board that `together` made, what is read in several ways is said once.
    """
    found = [
        alert
        for status in board.servers
        if status.state is not State.DISABLED
        for alert in _of_server(status, alerts, today)
    ]
    return tuple(sorted(found, key=lambda alert: _SEVERITY[alert.level]))


def _of_server(status: ServerStatus, alerts: Alerts, today: date) -> Iterator[Alert]:
    server = status.server
    if status.state not in _QUIET:
        level = _UNWELL.get(status.state, Level.CRITICAL)
        yield Alert(AlertKind.SERVER, level, server.name, "", status.since, _unwell(status))
    else:
        yield from _of_parts(status)
    if status.snapshot is None:
        return
    at = status.answered_at
    products: dict[str, list[Pool]] = {}
    known = {pool.product for pool in status.snapshot.pools if answered(status, pool)}
    for pool in status.snapshot.pools:
        if pool.counted:
            products.setdefault(pool.product, []).append(pool)
    for product, pools in products.items():
        limits = alerts.of(group=server.group, server=server.name, product=product)
        facts = list(_dates(pools, limits, today))
        if product in known:
            facts.extend(_usage([pool for pool in pools if answered(status, pool)], limits))
        for kind, level, message in facts:
            yield Alert(kind, level, server.name, product, at, message)
    limits = alerts.of(group=server.group, server=server.name)
    for kind, level, message in _of_the_server_itself(status, limits, today):
        yield Alert(kind, level, server.name, "", at, message)


def _of_parts(status: ServerStatus) -> Iterator[Alert]:
    """Ways to read a license server that fail while another answers: no emergency, but a word.

    That there is no inventory over WMI is what LAS is like.
    """
    for part in status.parts:
        if part.state not in _QUIET and part.state is not State.NO_DATA:
            said = f"{_unwell(part)}; its figures come from elsewhere"
            yield Alert(AlertKind.SERVER, Level.WARN, part.server.name, "", part.since, said)


_Fact = tuple[AlertKind, Level, str]


def _unwell(status: ServerStatus) -> str:
    if status.failure is not None:
        return status.failure.message
    return "no poll has come back for three intervals"


def _usage(pools: list[Pool], limits: Thresholds) -> Iterator[_Fact]:
    """Pools of one product stand in for one another, so their sum is what runs out."""
    if any(pool.reading.in_use is None for pool in pools):
        yield AlertKind.DATA, Level.WARN, f"{pools[0].name}: the figure in use could not be read"
    if any(missing(pool.reading) for pool in pools):
        return
    reading = combined(pools)
    level = reading.level(limits.warn, limits.critical)
    if level in _FULL:
        yield AlertKind.USAGE, level, _full(pools[0], reading, level)


def _full(pool: Pool, reading: Reading, level: Level) -> str:
    verb = "assigned" if pool.model is Model.USER_DEVICE else "in use"
    share = f" ({reading.ratio:.0%})" if reading.ratio is not None else ""
    said = f"{pool.name}: {reading.in_use:,} of {reading.installed:,} {verb}{share}"
    match level:
        case Level.EXHAUSTED:
            return f"{said}, none left"
        case Level.OVERDRAFT:
            return f"{said}, into the overdraft of {reading.overdraft:,}"
        case _:
            return f"{said}, {reading.free:,} free"


def _dates(pools: list[Pool], limits: Thresholds, today: date) -> Iterator[_Fact]:
    newest = max((pool.subscription_date for pool in pools if pool.subscription_date), default=None)
    for pool in pools:
        if pool.expires is not None and not pool.permanent:
            days = (pool.expires - today).days
            if (level := _soon(days, limits.expiry_warn, limits.expiry_critical)) is not Level.OK:
                yield AlertKind.EXPIRY, level, f"{pool.name}: licenses {_when(days, 'expire')}"
        if pool.subscription_date is not None:
            days = (pool.subscription_date - today).days
            level = _soon(days, limits.expiry_warn, limits.expiry_critical)
            if days < 0:
                # Licenses outlive their subscription: no emergency, and no word if a newer
                # subscription covers the product.
                level = Level.WARN if pool.subscription_date == newest else Level.OK
            if level is not Level.OK:
                said = f"{pool.name}: subscription {_when(days, 'ends', 'ended')}"
                yield AlertKind.SUBSCRIPTION, level, said


def _of_the_server_itself(status: ServerStatus, limits: Thresholds, today: date) -> Iterator[_Fact]:
    snapshot = status.snapshot
    if snapshot is None:
        return
    if answered(status):
        for notice in snapshot.notices:
            if notice.level is not Level.OK:
                kind = AlertKind.GRACE if notice.kind == "grace" else AlertKind.SERVER
                said = f"{notice.title}: {notice.detail}" if notice.detail else notice.title
                yield kind, notice.level, said
    activation = snapshot.activation
    if activation is None:
        return
    if activation.status is ActivationStatus.EXPIRED:
        yield AlertKind.ACTIVATION, Level.CRITICAL, "the license activation has expired"
    elif activation.status is ActivationStatus.NOT_ACTIVATED:
        yield AlertKind.ACTIVATION, Level.CRITICAL, "licenses are not activated"
    elif activation.expires is not None:
        days = (activation.expires - today).days
        if (level := _soon(days, limits.las_warn, limits.las_critical)) is not Level.OK:
            said = f"the license activation {_when(days, 'expires', 'expired')}"
            yield AlertKind.ACTIVATION, level, said


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
