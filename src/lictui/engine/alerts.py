"""What deserves a word just now. Pure: a board, the thresholds and today's date, nothing else.

Owns which facts are an alert, their level and their sentence. Must not know who reads them, and
keeps no memory: an alert is true as long as its cause is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lictui.engine.board import Board, ServerStatus, is_incomplete, is_reporting, sum_readings
from lictui.model import (
    Acknowledgement,
    ActivationStatus,
    AlertKey,
    AlertKind,
    Level,
    Model,
    Pool,
    Reading,
    Snapshot,
    State,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from lictui.config.settings import AlertSettings, Thresholds


# What a calendar says of a server: licenses, subscriptions, activation and certificate that end


ABOUT_CERTIFICATE: Final = "certificate"  # what an alert about that of a server is about
_ELSEWHERE: Final = (State.DISABLED, State.UNTRUSTED)  # no word, or another one
_LATE: Final = 6  # what part of its time a certificate has left before that is a matter


@dataclass(frozen=True, slots=True)
class AlertCondition:
    """Something that deserves a word, before it is known whose it is."""

    kind: AlertKind
    level: Level
    message: str
    detail: str = ""
    ratio: float | None = None

    @property
    def rest(self) -> tuple[str, str, float | None]:
        """Message, about and ratio, as an alert has them."""
        return self.message, self.detail, self.ratio


def expiry_conditions(
    pools: list[Pool], limits: Thresholds, today: date
) -> Iterator[AlertCondition]:
    """Licenses and subscriptions of one product that end, or have."""
    newest = max((pool.subscription_date for pool in pools if pool.subscription_date), default=None)
    for pool in pools:
        about = f"{pool.subscription_date or ''}/{pool.expires or ''}"
        if pool.expires is not None and not pool.permanent:
            days = (pool.expires - today).days
            if (level := _soon(days, limits.expiry_warn, limits.expiry_critical)) is not Level.OK:
                said = f"{pool.name}: licenses {_when(days, 'expire')}"
                yield AlertCondition(AlertKind.EXPIRY, level, said, about)
        if pool.subscription_date is not None:
            days = (pool.subscription_date - today).days
            level = _soon(days, limits.expiry_warn, limits.expiry_critical)
            if days < 0:
                # Licenses outlive their subscription: no emergency, and no word if a newer
                # subscription covers the product.
                level = Level.WARN if pool.subscription_date == newest else Level.OK
            if level is not Level.OK:
                said = f"{pool.name}: subscription {_when(days, 'ends', 'ended')}"
                yield AlertCondition(
                    AlertKind.SUBSCRIPTION, level, said, str(pool.subscription_date)
                )


def certificate_condition(
    status: ServerStatus, limits: Thresholds, today: date
) -> AlertCondition | None:
    """That the certificate of TLS ends; that it is refused is the state of the server already.

    One that is good for a short time is renewed late, and by itself: 90 days at 30, say.
    """
    shown = status.snapshot.certificate if status.snapshot else None
    if shown is None or shown.expires is None or status.state in _ELSEWHERE:
        return None
    warn, critical = limits.certificate_warn, limits.certificate_critical
    if shown.valid_from is not None:
        length = (shown.expires - shown.valid_from).days
        warn, critical = min(warn, length // _LATE), min(critical, length // (2 * _LATE))
    days = (shown.expires - today).days
    if (level := _soon(days, warn, critical)) is Level.OK:
        return None
    said = f"the TLS certificate {_when(days, 'expires', 'expired')}"
    return AlertCondition(AlertKind.SERVER, level, said, ABOUT_CERTIFICATE)


def activation_conditions(
    snapshot: Snapshot, limits: Thresholds, today: date
) -> Iterator[AlertCondition]:
    """That licenses need the License Activation Service, and it has not, or soon will not have."""
    told = snapshot.activation
    if told is None:
        return
    if told.status is ActivationStatus.EXPIRED:
        said = "the license activation has expired"
        yield AlertCondition(AlertKind.ACTIVATION, Level.CRITICAL, said)
    elif told.status is ActivationStatus.NOT_ACTIVATED:
        yield AlertCondition(AlertKind.ACTIVATION, Level.CRITICAL, "licenses are not activated")
    elif told.expires is not None:
        days = (told.expires - today).days
        if (level := _soon(days, limits.las_warn, limits.las_critical)) is not Level.OK:
            said = f"the license activation {_when(days, 'expires', 'expired')}"
            yield AlertCondition(AlertKind.ACTIVATION, level, said)


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


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that deserves a word."""

    kind: AlertKind
    level: Level
    server: str
    product: str  # "" when the server as a whole is meant
    since: float | None  # UTC epoch seconds; the reading it rests on, when older is not known
    message: str
    detail: str = ""  # which of several: dates of a pool, the title of a notice
    ratio: float | None = None  # in use / installed, of usage alone

    @property
    def key(self) -> AlertKey:
        """What tells this alert from every other."""
        return AlertKey(self.server, self.kind, self.product, self.detail)


ABOUT_STATE: Final = "state"  # what an alert about the state of a whole server is about
ABOUT_MEMBER: Final = "part"  # and about one of several ways to read it
_ROUNDING: Final = 1e-9  # 0.9 - 0.2 is a little more than 0.7
_NUMBER: Final = re.compile(r"\d+")
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


def current_alerts(board: Board, alerts: AlertSettings, today: date) -> tuple[Alert, ...]:
    """Everything that is wrong or will be soon, the worst first, then in the board's order.

    On a board that `together` made, what is read in several ways is said once.
    """
    found = (alert for status in board.servers for alert in server_alerts(status, alerts, today))
    return tuple(sorted(found, key=lambda alert: severity_rank(alert.level)))


def severity_rank(level: Level) -> int:
    """The place of a level among all, the worst being 0."""
    return _SEVERITY[level]


def server_alerts(
    status: ServerStatus, alerts: AlertSettings, today: date, *, lasting: bool = False
) -> Iterator[Alert]:
    """What is wrong with one server or will be soon; nothing is, with one that is disabled.

    What is `lasting` is what an alert that was said before lives on: usage that is not below its
    threshold by the clear margin yet.
    """
    server = status.server
    if status.state is State.DISABLED:
        return
    if status.state not in _QUIET:
        level = _UNWELL.get(status.state, Level.CRITICAL)
        said = _unwell(status)
        yield Alert(AlertKind.SERVER, level, server.name, "", status.since, said, ABOUT_STATE)
    else:
        yield from _of_parts(status)
    yield from _certificates(status, alerts, today)
    if status.snapshot is None:
        return
    at = status.last_success_at
    products: dict[str, list[Pool]] = {}
    known = {pool.product for pool in status.snapshot.pools if is_reporting(status, pool)}
    for pool in status.snapshot.pools:
        if pool.counted:
            products.setdefault(pool.product, []).append(pool)
    for product, pools in products.items():
        limits = alerts.thresholds_for(group=server.group, server=server.name, product=product)
        facts = list(expiry_conditions(pools, limits, today))
        if product in known:
            mine = [pool for pool in pools if is_reporting(status, pool)]
            facts.extend(_usage(mine, limits, limits.clear_margin if lasting else 0.0))
        for fact in facts:
            yield Alert(fact.kind, fact.level, server.name, product, at, *fact.rest)
    limits = alerts.thresholds_for(group=server.group, server=server.name)
    for fact in (*_notices(status), *activation_conditions(status.snapshot, limits, today)):
        yield Alert(fact.kind, fact.level, server.name, "", at, *fact.rest)


def _of_parts(status: ServerStatus) -> Iterator[Alert]:
    """Ways to read a license server that fail while another answers: no emergency, but a word.

    That there is no inventory over WMI is what LAS is like.
    """
    for part in status.members:
        if part.state not in _QUIET and part.state is not State.NO_DATA:
            said = f"{_unwell(part)}; its figures come from elsewhere"
            yield Alert(
                AlertKind.SERVER, Level.WARN, part.server.name, "", part.since, said, ABOUT_MEMBER
            )


def _certificates(status: ServerStatus, alerts: AlertSettings, today: date) -> Iterator[Alert]:
    """The certificate that each way to read a server shows."""
    for part in status.members or (status,):
        name = part.server.name
        limits = alerts.thresholds_for(group=part.server.group, server=name)
        if fact := certificate_condition(part, limits, today):
            yield Alert(fact.kind, fact.level, name, "", part.last_success_at, *fact.rest)


def is_undetermined(status: ServerStatus, who: AlertKey) -> bool:
    """Whether the last poll cannot tell if the cause of this alert is gone.

    A poll that failed tells nothing of usage, nor does one that brought no figure; what of
    dates was told before stays true.
    """
    told = is_reporting(status)
    match who.kind:
        case AlertKind.SERVER if who.detail == ABOUT_STATE:
            return False
        case AlertKind.SERVER if who.detail == ABOUT_MEMBER:
            return status.state not in _QUIET  # then nothing is said of parts
        case AlertKind.SERVER | AlertKind.GRACE:
            return not told
        case AlertKind.USAGE | AlertKind.DATA | AlertKind.UNUSUAL:
            snapshot = status.snapshot if told else None
            return snapshot is None or any(
                not is_reporting(status, pool)
                or (who.kind is AlertKind.USAGE and is_incomplete(pool.reading))
                for pool in snapshot.pools
                if pool.product == who.product and pool.counted
            )
        case _:
            return status.snapshot is None


def last_poll_of(status: ServerStatus, who: AlertKey) -> float | None:
    """When the poll was that last said something of this alert, in UTC epoch seconds.

    Of a server that is read in several ways each figure has its own: two ways that are read once
    each have not said the same twice.
    """
    if who.kind is AlertKind.SERVER and who.detail in (ABOUT_STATE, ABOUT_MEMBER):
        return status.member(who.server).polled_at
    if not status.members or status.snapshot is None or not who.product:
        return status.last_success_at
    owners = {
        status.history_key(pool.key)[0]
        for pool in status.snapshot.pools
        if pool.product == who.product
    }
    read = (status.member(owner).last_success_at for owner in sorted(owners))
    return min((at for at in read if at is not None), default=status.last_success_at)


def _unwell(status: ServerStatus) -> str:
    if status.failure is not None:
        return status.failure.message
    return "no poll has come back for three intervals"


def _usage(pools: list[Pool], limits: Thresholds, margin: float) -> Iterator[AlertCondition]:
    """Pools of one product stand in for one another, so their sum is what runs out."""
    if any(pool.reading.in_use is None for pool in pools):
        said = f"{pools[0].name}: the figure in use could not be read"
        yield AlertCondition(AlertKind.DATA, Level.WARN, said)
    if any(is_incomplete(pool.reading) for pool in pools):
        return
    reading = sum_readings(pools)
    level = _level(reading, limits, margin)
    if level in _FULL:
        now = _level(reading, limits, 0.0)
        yield AlertCondition(
            AlertKind.USAGE, level, _full(pools[0], reading, now), "", reading.ratio
        )


def _level(reading: Reading, limits: Thresholds, margin: float) -> Level:
    """How full it is, if every threshold were lower by `margin` (a ratio)."""
    total, installed, in_use = reading.total, reading.installed, reading.in_use
    if not margin or not total or not installed or in_use is None:
        return reading.level(limits.warn, limits.critical)
    raised = in_use + margin * installed + _ROUNDING
    if raised >= total:
        return Level.EXHAUSTED
    if raised > installed + 2 * _ROUNDING:
        return Level.OVERDRAFT
    less = margin + _ROUNDING
    return reading.level(limits.warn - less, limits.critical - less)


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


def _notices(status: ServerStatus) -> Iterator[AlertCondition]:
    for notice in status.snapshot.notices if status.snapshot and is_reporting(status) else ():
        if notice.level is not Level.OK:
            kind = AlertKind.GRACE if notice.kind == "grace" else AlertKind.SERVER
            said = f"{notice.title}: {notice.detail}" if notice.detail else notice.title
            # A title may count days: it is the same alert tomorrow.
            yield AlertCondition(kind, notice.level, said, _NUMBER.sub("#", notice.title))


# Alerts as they are looked at: what stands and what was answered to it


@dataclass(frozen=True, slots=True)
class AlertView:
    """One alert, and how far it has come. Times are UTC epoch seconds."""

    key: AlertKey
    level: Level
    message: str
    since: float | None
    is_raised: bool = True
    is_clearing: bool = False  # its cause was gone at the last poll
    polls_until_raised: int = 0  # polls until it is raised
    acknowledgement: Acknowledgement | None = None  # that silences it now
    group: str = ""

    @property
    def needs_attention(self) -> bool:
        """Whether somebody should look at it."""
        return self.is_raised and self.acknowledgement is None


def alert_views(
    board: Board, alerts: AlertSettings, today: date, now: float
) -> tuple[AlertView, ...]:
    """Every alert of the servers on the board, also those that are not raised yet."""
    if board.alert_states is None:
        found = [
            AlertView(each.key, each.level, each.message, each.since)
            for each in current_alerts(board, alerts, today)
        ]
    else:
        servers = {name for status in board.servers for name in status.member_names}
        found = []
        for each in board.alert_states:
            if each.key.server not in servers:
                continue
            answer = board.acknowledgements.get(each.key)
            found.append(
                AlertView(
                    each.key,
                    each.level,
                    each.message,
                    each.since,
                    each.raised_at is not None,
                    each.polls_clear > 0,
                    max(0, each.polls_required - each.polls_seen),
                    answer if answer and answer.is_active(now) else None,
                    each.group,
                )
            )
    return tuple(sorted(found, key=_place))


def _place(each: AlertView) -> tuple[int, int]:
    return (0 if each.needs_attention else 1 if each.is_raised else 2), severity_rank(each.level)
