"""What deserves a word just now. Pure: a board, the thresholds and today's date, nothing else.

Owns which facts are an alert, their level and their sentence. Must not know who reads them, and
keeps no memory: an alert is true as long as its cause is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lictui.model import AlertKind, Identity, Level, Model, State
from lictui.monitor.endings import Fact, activation, certificate, dates
from lictui.monitor.totals import answered, combined, missing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from lictui.config.settings import Alerts, Thresholds
    from lictui.model import Pool, Reading
    from lictui.monitor.board import Board, ServerStatus


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
