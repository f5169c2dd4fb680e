"""What deserves a word just now. Pure: a board, the thresholds and today's date, nothing else.

Owns which facts are an alert, their level and their sentence. Must not know who reads them, and
keeps no memory: an alert is true as long as its cause is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lictui.engine.board import Board, ServerStatus, answered, combined, missing
from lictui.model import (
    ActivationStatus,
    AlertKind,
    Answer,
    Identity,
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

    from lictui.config.settings import Alerts, Thresholds


# What a calendar says of a server: licenses, subscriptions, activation and certificate that end


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


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that deserves a word."""

    kind: AlertKind
    level: Level
    server: str
    product: str  # "" when the server as a whole is meant
    since: float | None  # UTC epoch seconds; the reading it rests on, when older is not known
    message: str
    about: str = ""  # which of several: dates of a pool, the title of a notice
    ratio: float | None = None  # in use / installed, of usage alone

    @property
    def who(self) -> Identity:
        """What tells this alert from every other."""
        return Identity(self.server, self.kind, self.product, self.about)


STATE: Final = "state"  # what an alert about the state of a whole server is about
PART: Final = "part"  # and about one of several ways to read it
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


def current(board: Board, alerts: Alerts, today: date) -> tuple[Alert, ...]:
    """Everything that is wrong or will be soon, the worst first, then in the board's order.

    On a board that `together` made, what is read in several ways is said once.
    """
    found = (alert for status in board.servers for alert in of_server(status, alerts, today))
    return tuple(sorted(found, key=lambda alert: severity(alert.level)))


def severity(level: Level) -> int:
    """The place of a level among all, the worst being 0."""
    return _SEVERITY[level]


def of_server(
    status: ServerStatus, alerts: Alerts, today: date, *, lasting: bool = False
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
        yield Alert(AlertKind.SERVER, level, server.name, "", status.since, said, STATE)
    else:
        yield from _of_parts(status)
    yield from _certificates(status, alerts, today)
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
        facts = list(dates(pools, limits, today))
        if product in known:
            mine = [pool for pool in pools if answered(status, pool)]
            facts.extend(_usage(mine, limits, limits.clear_margin if lasting else 0.0))
        for fact in facts:
            yield Alert(fact.kind, fact.level, server.name, product, at, *fact.rest)
    limits = alerts.of(group=server.group, server=server.name)
    for fact in (*_notices(status), *activation(status.snapshot, limits, today)):
        yield Alert(fact.kind, fact.level, server.name, "", at, *fact.rest)


def _of_parts(status: ServerStatus) -> Iterator[Alert]:
    """Ways to read a license server that fail while another answers: no emergency, but a word.

    That there is no inventory over WMI is what LAS is like.
    """
    for part in status.parts:
        if part.state not in _QUIET and part.state is not State.NO_DATA:
            said = f"{_unwell(part)}; its figures come from elsewhere"
            yield Alert(AlertKind.SERVER, Level.WARN, part.server.name, "", part.since, said, PART)


def _certificates(status: ServerStatus, alerts: Alerts, today: date) -> Iterator[Alert]:
    """The certificate that each way to read a server shows."""
    for part in status.parts or (status,):
        name = part.server.name
        limits = alerts.of(group=part.server.group, server=name)
        if fact := certificate(part, limits, today):
            yield Alert(fact.kind, fact.level, name, "", part.answered_at, *fact.rest)


def open_question(status: ServerStatus, who: Identity) -> bool:
    """Whether the last poll cannot tell if the cause of this alert is gone.

    A poll that failed tells nothing of usage, nor does one that brought no figure; what of
    dates was told before stays true.
    """
    told = answered(status)
    match who.kind:
        case AlertKind.SERVER if who.about == STATE:
            return False
        case AlertKind.SERVER if who.about == PART:
            return status.state not in _QUIET  # then nothing is said of parts
        case AlertKind.SERVER | AlertKind.GRACE:
            return not told
        case AlertKind.USAGE | AlertKind.DATA | AlertKind.UNUSUAL:
            snapshot = status.snapshot if told else None
            return snapshot is None or any(
                not answered(status, pool)
                or (who.kind is AlertKind.USAGE and missing(pool.reading))
                for pool in snapshot.pools
                if pool.product == who.product and pool.counted
            )
        case _:
            return status.snapshot is None


def rests_on(status: ServerStatus, who: Identity) -> float | None:
    """When the poll was that last said something of this alert, in UTC epoch seconds.

    Of a server that is read in several ways each figure has its own: two ways that are read once
    each have not said the same twice.
    """
    if who.kind is AlertKind.SERVER and who.about in (STATE, PART):
        return status.part(who.server).polled_at
    if not status.parts or status.snapshot is None or not who.product:
        return status.answered_at
    owners = {
        status.owner(pool.key)[0] for pool in status.snapshot.pools if pool.product == who.product
    }
    read = (status.part(owner).answered_at for owner in sorted(owners))
    return min((at for at in read if at is not None), default=status.answered_at)


def _unwell(status: ServerStatus) -> str:
    if status.failure is not None:
        return status.failure.message
    return "no poll has come back for three intervals"


def _usage(pools: list[Pool], limits: Thresholds, margin: float) -> Iterator[Fact]:
    """Pools of one product stand in for one another, so their sum is what runs out."""
    if any(pool.reading.in_use is None for pool in pools):
        said = f"{pools[0].name}: the figure in use could not be read"
        yield Fact(AlertKind.DATA, Level.WARN, said)
    if any(missing(pool.reading) for pool in pools):
        return
    reading = combined(pools)
    level = _level(reading, limits, margin)
    if level in _FULL:
        now = _level(reading, limits, 0.0)
        yield Fact(AlertKind.USAGE, level, _full(pools[0], reading, now), "", reading.ratio)


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


def _notices(status: ServerStatus) -> Iterator[Fact]:
    for notice in status.snapshot.notices if status.snapshot and answered(status) else ():
        if notice.level is not Level.OK:
            kind = AlertKind.GRACE if notice.kind == "grace" else AlertKind.SERVER
            said = f"{notice.title}: {notice.detail}" if notice.detail else notice.title
            # A title may count days: it is the same alert tomorrow.
            yield Fact(kind, notice.level, said, _NUMBER.sub("#", notice.title))


# Alerts as they are looked at: what stands and what was answered to it


@dataclass(frozen=True, slots=True)
class Shown:
    """One alert, and how far it has come. Times are UTC epoch seconds."""

    who: Identity
    level: Level
    message: str
    since: float | None
    raised: bool = True
    clearing: bool = False  # its cause was gone at the last poll
    to_come: int = 0  # polls until it is raised
    answer: Answer | None = None  # that silences it now
    group: str = ""

    @property
    def loud(self) -> bool:
        """Whether somebody should look at it."""
        return self.raised and self.answer is None


def shown(board: Board, alerts: Alerts, today: date, now: float) -> tuple[Shown, ...]:
    """Every alert of the servers on the board, also those that are not raised yet."""
    if board.standing is None:
        found = [
            Shown(each.who, each.level, each.message, each.since)
            for each in current(board, alerts, today)
        ]
    else:
        servers = {name for status in board.servers for name in status.names}
        found = []
        for each in board.standing:
            if each.who.server not in servers:
                continue
            answer = board.answers.get(each.who)
            found.append(
                Shown(
                    each.who,
                    each.level,
                    each.message,
                    each.since,
                    each.raised is not None,
                    each.clear > 0,
                    max(0, each.wanted - each.seen),
                    answer if answer and answer.holds(now) else None,
                    each.group,
                )
            )
    return tuple(sorted(found, key=_place))


def _place(each: Shown) -> tuple[int, int]:
    return (0 if each.loud else 1 if each.raised else 2), severity(each.level)
