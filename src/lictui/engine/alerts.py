"""Alert rules: which conditions hold on a board, their level and their sentence.

Pure and without memory: a condition holds as long as its cause does. How often it must be seen
before it is reported is decided in `alert_state`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from lictui.engine.board import (
    MergedBoard,
    ServerStatus,
    can_report_usage,
    counted_pools,
    is_incomplete,
    is_reporting,
    sum_readings,
)
from lictui.engine.entitlements import Expiry, ExpiryKind, server_expiries
from lictui.engine.las import MISSED_LIMIT, last_renewal
from lictui.model import (
    ActivationStatus,
    AlertEvent,
    AlertKey,
    AlertKind,
    AlertState,
    AlertTransition,
    Level,
    Pool,
    Reading,
    State,
    percent_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from lictui.config.settings import AlertSettings, Thresholds

# Details of alerts of kind `server`: what of the server they concern.
ABOUT_STATE: Final = "state"
ABOUT_MEMBER: Final = "part"  # one of several data sources of the server
ABOUT_CERTIFICATE: Final = "certificate"

# Levels from the most to the least severe.
_BY_SEVERITY: Final = (
    Level.EXHAUSTED,
    Level.OVERDRAFT,
    Level.CRITICAL,
    Level.WARN,
    Level.UNKNOWN,
    Level.OK,
)
_QUIET_STATES: Final = (State.UP, State.WAITING, State.DISABLED)
_STATE_LEVELS: Final = {State.STALE: Level.WARN, State.NO_DATA: Level.WARN}  # others: critical
# A certificate is due when this fraction of its validity is left, if that is less than the
# thresholds: one of 90 days that renews itself at 30 needs no warning.
_CERTIFICATE_WARN: Final = 6
_CERTIFICATE_CRITICAL: Final = 12
_ACTIVATION_PROBLEMS: Final = {
    ActivationStatus.EXPIRED: "the license activation has expired",
    ActivationStatus.NOT_ACTIVATED: "licenses are not activated",
}
_UNKNOWN_PRODUCTS: Final = "licenses of unknown products"
_NUMBER: Final = re.compile(r"\d+")


def severity_rank(level: Level) -> int:
    """The place of a level among all, the most severe being 0."""
    return _BY_SEVERITY.index(level)


def current_alerts(board: MergedBoard, today: date) -> tuple[AlertState, ...]:
    """Every condition that holds, the most severe first, then in the order of the board."""
    conditions = (
        alert
        for status in board.servers
        for alert in server_alerts(status, board.alert_settings, today)
    )
    return tuple(sorted(conditions, key=lambda alert: severity_rank(alert.level)))


def server_alerts(status: ServerStatus, alerts: AlertSettings, today: date) -> Iterator[AlertState]:
    """Every condition that holds for one server; none for one that is disabled."""
    if status.state is State.DISABLED:
        return
    if status.state in _QUIET_STATES:
        yield from _failed_members(status)
    else:
        level = _STATE_LEVELS.get(status.state, Level.CRITICAL)
        message, name = _state_message(status), status.server.name
        key = AlertKey(name, AlertKind.SERVER, "", ABOUT_STATE)
        yield AlertState(key, level, message, status.since)
    yield from {
        alert.key: alert  # pools that end on one day are one event
        for expiry in server_expiries(status)
        for alert in _expiry(status, expiry, alerts, today)
    }.values()
    yield from usage_alerts(status, alerts)
    yield from _notices(status)
    if message := _activation_problem(status):
        name, since = status.server.name, status.last_success_at
        yield AlertState(AlertKey(name, AlertKind.ACTIVATION), Level.CRITICAL, message, since)


# The server itself: its state, and that of each of its data sources


def _state_message(status: ServerStatus) -> str:
    if status.failure is not None:
        return status.failure.message
    return "no response for three polling intervals"


def _failed_members(status: ServerStatus) -> Iterator[AlertState]:
    """Data sources that fail while another one delivers: a warning only.

    No inventory over WMI is normal under LAS, and no reason for one.
    """
    for member in status.members:
        if member.state not in _QUIET_STATES and member.state is not State.NO_DATA:
            message = f"{_state_message(member)}; data provided by another source"
            key = AlertKey(member.server.name, AlertKind.SERVER, "", ABOUT_MEMBER)
            yield AlertState(key, Level.WARN, message, member.since)


# What ends


def _expiry(
    status: ServerStatus, expiry: Expiry, alerts: AlertSettings, today: date
) -> Iterator[AlertState]:
    """Licenses, subscriptions (Customer Success Services, "SA"), activations and certificates."""
    days, member = (expiry.day - today).days, status.member(expiry.server)
    limits = alerts.thresholds_of(member.server, expiry.product)
    level = _date_level(days, limits.expiry_warn, limits.expiry_critical)
    since, verb, detail, note = status.last_success_at, "expires", str(expiry.day), ""
    match expiry.kind:
        case ExpiryKind.LICENSES:
            kind, verb = AlertKind.EXPIRY, "expire"
            subject = f"{expiry.name}: licenses" if expiry.product else _UNKNOWN_PRODUCTS
        case ExpiryKind.SUBSCRIPTION:
            kind, subject = AlertKind.SUBSCRIPTION, f"{expiry.name}: SA"
            if expiry.licenses_too:  # one event, one alert: that of the licenses
                return
            if days < 0:  # licenses stay valid without it, and a renewed product has a later one
                level = Level.OK if expiry.renewed else Level.WARN
        case ExpiryKind.ACTIVATION:
            kind, subject, detail = AlertKind.ACTIVATION, "the license activation", ""
            level, note = _activation_level(status, days, limits, today)
            if _activation_problem(status):
                return
        case _:
            kind, subject, detail = AlertKind.SERVER, "the TLS certificate", ABOUT_CERTIFICATE
            level, since = _certificate_level(days, expiry, limits), member.last_success_at
            if member.state in (State.DISABLED, State.UNTRUSTED):  # that is its state already
                return
    if level is not Level.OK:
        message = f"{subject} {_when(days, verb)}{note}"
        key = AlertKey(expiry.server, kind, expiry.product, detail)
        yield AlertState(key, level, message, since)


def _certificate_level(days: int, expiry: Expiry, limits: Thresholds) -> Level:
    warn, critical = limits.certificate_warn, limits.certificate_critical
    if expiry.valid_from is not None:
        validity = (expiry.day - expiry.valid_from).days
        warn = min(warn, validity // _CERTIFICATE_WARN)
        critical = min(critical, validity // _CERTIFICATE_CRITICAL)
    return _date_level(days, warn, critical)


def _activation_level(
    status: ServerStatus, days: int, limits: Thresholds, today: date
) -> tuple[Level, str]:
    """The level of an activation that ends in `days`, and a note about missed renewals."""
    level = _date_level(days, limits.las_warn, limits.las_critical)
    renewal = last_renewal(status.snapshot, today) if status.snapshot else None
    if renewal is None or renewal.missed < MISSED_LIMIT:
        return level, ""
    level = Level.WARN if level is Level.OK else level
    return level, f"; {renewal.missed_text}, if it is renewed online"


def _activation_problem(status: ServerStatus) -> str:
    """What is wrong with the License Activation Service, whenever the activation expires."""
    activation = status.snapshot.activation if status.snapshot else None
    return _ACTIVATION_PROBLEMS.get(activation.status, "") if activation else ""


def _date_level(days: int, warn: int, critical: int) -> Level:
    if days <= critical:
        return Level.CRITICAL
    return Level.WARN if days <= warn else Level.OK


def _when(days: int, verb: str = "expires") -> str:
    match days:
        case 0:
            return f"{verb} today"
        case 1:
            return f"{verb} tomorrow"
        case -1:
            return "expired yesterday"
        case _ if days < 0:
            return f"expired {-days} days ago"
        case _:
            return f"{verb} in {days} days"


# Usage


def usage_alerts(
    status: ServerStatus, alerts: AlertSettings, *, lasting: bool = False
) -> Iterator[AlertState]:
    """Usage by product: its pools stand in for one another, so their sum is what runs out.

    With `lasting`, usage counts until it is below its threshold by the clear margin: the condition
    on which an alert that is raised already stays raised.
    """
    name, since = status.server.name, status.last_success_at
    for product, pools in reporting_pools(status).items():
        is_unknown = any(pool.reading.in_use is None for pool in pools)
        if is_unknown and can_report_usage(status, product):
            message = f"{pools[0].name}: usage value unavailable"
            yield AlertState(AlertKey(name, AlertKind.DATA, product), Level.WARN, message, since)
        limits = alerts.thresholds_of(status.server, product)
        usage = product_usage(status, pools, limits, limits.clear_margin if lasting else 0.0)
        if usage and usage.level is not Level.OK:
            ratio = usage.reading.ratio
            key = AlertKey(name, AlertKind.USAGE, product)
            yield AlertState(key, usage.level, usage.text, since, ratio)


class ProductUsage(Struct, frozen=True):
    """Usage of one product on one server, as alerts and monitoring plugins judge it."""

    pool: Pool  # the first one of the product
    reading: Reading  # of an entitlement: in use on all of its servers
    level: Level
    limits: Thresholds
    note: str = ""

    @property
    def text(self) -> str:
        """The sentence of an alert about it."""
        return _usage_message(self.pool, self.reading, self.limits) + self.note


def product_usage(
    status: ServerStatus, pools: Sequence[Pool], limits: Thresholds, margin: float = 0.0
) -> ProductUsage | None:
    """The usage of the reporting pools of a product; None if a figure is missing."""
    if any(is_incomplete(pool.reading) for pool in pools):
        return None
    reading, note = sum_readings(pools), ""
    if elsewhere := status.used_elsewhere.get(pools[0].product, 0):
        reading = replace(reading, in_use=(reading.in_use or 0) + elsewhere)
        note = f"; {elsewhere:,} of them on other servers of {status.server.entitlement}"
    level = reading.level(limits.warn, limits.critical, margin)
    return ProductUsage(pools[0], reading, level, limits, note)


def reporting_pools(status: ServerStatus) -> dict[str, list[Pool]]:
    """The counted pools of each product whose figures are current."""
    products = {
        product: [pool for pool in pools if is_reporting(status, pool)]
        for product, pools in counted_pools(status).items()
    }
    return {product: pools for product, pools in products.items() if pools}


def _usage_message(pool: Pool, reading: Reading, limits: Thresholds) -> str:
    percent = percent_text(reading.ratio, limits.ratios)
    ratio = f" ({percent})" if reading.ratio is not None else ""
    message = f"{pool.name}: {reading.in_use:,} of {reading.installed:,} {pool.model.verb}{ratio}"
    match reading.level(limits.warn, limits.critical):
        case Level.EXHAUSTED:
            return f"{message}, 0 available"
        case Level.OVERDRAFT:
            return f"{message}, using {-(reading.free or 0):,} of {reading.overdraft:,} overdraft"
        case _:
            return f"{message}, {reading.free:,} free"


# What the server reports itself


def _notices(status: ServerStatus) -> Iterator[AlertState]:
    for notice in status.snapshot.notices if status.snapshot and is_reporting(status) else ():
        if notice.level is not Level.OK:
            kind = AlertKind.GRACE if notice.kind == "grace" else AlertKind.SERVER
            message = f"{notice.title}: {notice.detail}" if notice.detail else notice.title
            # A title may count days: it is the same alert tomorrow.
            detail = _NUMBER.sub("#", notice.title)
            name, since = status.server.name, status.last_success_at
            yield AlertState(AlertKey(name, kind, "", detail), notice.level, message, since)


# What the last poll shows about an alert


def is_undetermined(status: ServerStatus, key: AlertKey) -> bool:
    """Whether the last poll does not show if the cause of this alert is gone.

    A failed poll says nothing about usage, nor does one without a figure; known dates stay valid.
    """
    match key.kind:
        case AlertKind.SERVER if key.detail == ABOUT_STATE:
            return False
        case AlertKind.SERVER if key.detail == ABOUT_MEMBER:
            return status.state not in _QUIET_STATES  # members are not looked at then
        case AlertKind.SERVER | AlertKind.GRACE:
            return not is_reporting(status)
        case AlertKind.USAGE | AlertKind.DATA | AlertKind.UNUSUAL:
            return not is_reporting(status) or any(
                not is_reporting(status, pool)
                or (key.kind is AlertKind.USAGE and is_incomplete(pool.reading))
                for pool in counted_pools(status).get(key.product, ())
            )
        case _:
            return status.snapshot is None


def last_poll_of(status: ServerStatus, key: AlertKey) -> float | None:
    """The time of the poll that an alert rests on, in UTC epoch seconds.

    Figures of a server with several data sources have a time each: two sources that were polled
    once each have not confirmed anything twice.
    """
    if key.kind is AlertKind.SERVER and key.detail in (ABOUT_STATE, ABOUT_MEMBER):
        return status.member(key.server).polled_at
    pools = status.snapshot.pools if status.snapshot else ()
    members = {status.history_key(p.key)[0] for p in pools if p.product == key.product}
    polls = (status.member(member).last_success_at for member in members)
    return min((time for time in polls if time is not None), default=status.last_success_at)


# Alerts for display


def alert_views(board: MergedBoard, today: date, now: float) -> tuple[AlertState, ...]:
    """Every alert of the servers on the board, pending ones too, the most urgent first.

    A board without alert states, which nobody evaluates, shows the conditions that hold.
    """
    if board.alert_states is None:
        return tuple(
            replace(alert, raised_at=alert.since) for alert in current_alerts(board, today)
        )
    servers = {name for status in board.servers for name in status.member_names}
    active = {key: value for key, value in board.acknowledgements.items() if value.is_active(now)}
    alerts = [
        replace(state, acknowledgement=active.get(state.key))
        for state in board.alert_states
        if state.key.server in servers
    ]
    alerts.sort(key=lambda alert: (not alert.is_raised, severity_rank(alert.level)))
    return tuple(alerts)


def alert_events(before: MergedBoard, after: MergedBoard, now: float) -> list[AlertEvent]:
    """What was raised, escalated or repeated between two boards; nothing was before the first."""
    events: list[AlertEvent] = []
    if before.alert_states is None:
        return events
    previous = {state.key: state for state in before.alert_states}
    for state in after.alert_states or ():
        earlier = previous.get(state.key)
        if state.raised_at is None or (
            earlier and _notified_after(earlier) == _notified_after(state)
        ):
            continue
        if earlier is None or earlier.raised_at is None:
            events.append(AlertEvent(AlertTransition.RAISED, now, state))
        elif severity_rank(state.level) < severity_rank(earlier.level):
            events.append(AlertEvent(AlertTransition.WORSE, now, state, earlier.level))
        else:
            events.append(AlertEvent(AlertTransition.REPEATED, now, state))
    return events


def _notified_after(alert: AlertState) -> int | None:
    """From raising to the last notification: it stays the same when the clock is set."""
    if alert.raised_at is None or alert.notified_at is None:
        return None
    return round(alert.notified_at - alert.raised_at)
