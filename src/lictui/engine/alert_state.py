"""State machine of an alert: raise, escalate, repeat and clear it, with hysteresis.

Usage, missing figures and a server that does not respond must hold for `for` consecutive polls
before they are raised, and be gone for `clear_for` polls before they are cleared; a change of level
takes as many polls. What somebody has to fix (credentials, TLS, no inventory), dates, and what a
server reports itself count immediately.

The decision is pure: states, one server as its last poll left it and the time go in, states and
events come out. `AlertStore` keeps the states and what is not written to the history yet.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from lictui.clock import iso
from lictui.engine.alerts import (
    ABOUT_CERTIFICATE,
    ABOUT_MEMBER,
    ABOUT_STATE,
    is_undetermined,
    last_poll_of,
    server_alerts,
    severity_rank,
    usage_alerts,
)
from lictui.engine.board import FUTURE
from lictui.history.journal import AlertChanges
from lictui.model import (
    Acknowledgement,
    AlertEvent,
    AlertKey,
    AlertKind,
    AlertState,
    AlertTransition,
    Event,
    EventKind,
    Level,
    Server,
    State,
    moved,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import date

    from lictui.config.settings import AlertSettings
    from lictui.engine.board import ServerStatus

_REPEATED_POLLS: Final = (AlertKind.USAGE, AlertKind.DATA, AlertKind.UNUSUAL)
_NOTIFYING: Final = (AlertTransition.RAISED, AlertTransition.WORSE)
_TRANSIENT_STATES: Final = (State.DOWN, State.ERROR)  # may be over at the next poll


# What a poll makes of the alerts of a server


class AlertContext(Struct, frozen=True):
    """What a decision rests on, apart from the server itself."""

    alerts: AlertSettings
    today: date
    now: float  # UTC epoch seconds
    acknowledgements: Mapping[AlertKey, Acknowledgement]
    anomalies: Mapping[str, str] | None  # by product of this server; None: not checked yet


def decide_alerts(
    states: Iterable[AlertState], status: ServerStatus, context: AlertContext
) -> tuple[list[AlertState], list[AlertEvent]]:
    """Return the alerts of a server after a poll, and what has just happened to them.

    `states` are all alerts of the servers that `status` was merged from. A poll is counted once,
    however often this is called.
    """
    before = {state.key: state for state in states}
    current = _by_key(server_alerts(status, context.alerts, context.today))
    lasting = current | _by_key(usage_alerts(status, context.alerts, lasting=True))
    for product, sentence in (context.anomalies or {}).items():
        name, since = status.server.name, status.last_success_at
        key = AlertKey(name, AlertKind.UNUSUAL, product)
        alert = AlertState(key, Level.WARN, sentence, since)
        current[alert.key] = lasting[alert.key] = alert
    after: list[AlertState] = []
    events: list[AlertEvent] = []
    for key in before.keys() | current.keys():
        transition = _Transition(key, status, context)
        state = transition.apply(before.get(key), current.get(key), lasting.get(key))
        if state is not None:
            after.append(state)
        events += transition.events
    after.sort(key=lambda state: state.key)
    events.sort(key=lambda event: (severity_rank(event.alert.level), event.alert.key))
    return after, events


def _by_key(alerts: Iterable[AlertState]) -> dict[AlertKey, AlertState]:
    """Alerts by their key; of two with the same key, the more severe."""
    by_severity = sorted(alerts, key=lambda alert: severity_rank(alert.level))
    return {alert.key: alert for alert in reversed(by_severity)}


class _Transition:
    """What becomes of one alert at one poll."""

    def __init__(self, key: AlertKey, status: ServerStatus, context: AlertContext) -> None:
        self.events: list[AlertEvent] = []
        self._key = key
        self._context = context
        self._status = status
        self._poll = last_poll_of(status, key)
        self._limits = context.alerts.thresholds_of(status.server, key.product)

    def apply(
        self, state: AlertState | None, current: AlertState | None, lasting: AlertState | None
    ) -> AlertState | None:
        """The next state; None if there is no alert any more.

        `current` is the condition that holds now, `lasting` the one that keeps a raised alert
        raised: usage within the clear margin below its threshold.
        """
        unchecked = self._key.kind is AlertKind.UNUSUAL and self._context.anomalies is None
        if current is None and (unchecked or is_undetermined(self._status, self._key)):
            return state
        # Of a stale server polls are missing: time alone counts.
        is_stale = self._key.detail == ABOUT_STATE and self._status.state is State.STALE
        new_poll = (
            state is None or state.last_poll is None or self._poll != state.last_poll or is_stale
        )
        change = _change(state, current, lasting)
        if state is not None and state.is_raised:
            after = (
                replace(state, message=lasting.message, ratio=lasting.ratio) if lasting else state
            )
        elif current is not None:
            since = state.since if state else current.since or self._context.now
            after = replace(current, since=since)
        else:
            return None if new_poll else state
        polls = state.polls if state and state.change is change else 0
        after = replace(
            after,
            group=self._status.server.group,
            change=change,
            polls=polls + new_poll if change else 0,
            polls_required=self._polls_required(change) if change else 1,
            last_poll=self._poll,
        )
        if change and after.polls >= after.polls_required:
            level = (lasting if change is AlertTransition.BETTER else current) or after
            return self._carry_out(change, after, level.level)
        return self._repeat_if_due(after) if lasting and after.is_raised else after

    def _carry_out(
        self, change: AlertTransition, state: AlertState, level: Level
    ) -> AlertState | None:
        """The state after a change that enough polls have confirmed."""
        now, before = self._context.now, state.level
        state = replace(state, level=level, change=None, polls=0, polls_required=1)
        if change in _NOTIFYING:
            state = replace(state, raised_at=state.raised_at or now, notified_at=now)
        self._record(change, state, Level.OK if before is level else before)
        if change is AlertTransition.CLEARED:
            return None
        return self._repeat_if_due(state)

    def _repeat_if_due(self, state: AlertState) -> AlertState:
        """Repeat an alert that lasts and is not acknowledged, and one whose snooze is over."""
        now, notified = self._context.now, state.notified_at
        due = (notified or now) + self._limits.repeat
        if acknowledgement := self._context.acknowledgements.get(self._key):
            if acknowledgement.is_active(now):
                return state
            if (notified or 0) < (acknowledgement.until or 0):
                due = acknowledgement.until or due
        if now < due:
            return state
        return self._record(AlertTransition.REPEATED, replace(state, notified_at=now))

    def _record(
        self, transition: AlertTransition, state: AlertState, previous_level: Level = Level.OK
    ) -> AlertState:
        self.events.append(AlertEvent(transition, self._context.now, state, previous_level))
        return state

    def _polls_required(self, change: AlertTransition) -> int:
        """How many consecutive polls have to confirm a change."""
        key, limits = self._key, self._limits
        repeated = key.kind in _REPEATED_POLLS or key.detail == ABOUT_MEMBER
        if change in _NOTIFYING:
            if key.detail == ABOUT_STATE:
                repeated = self._status.state in _TRANSIENT_STATES
            return limits.for_polls if repeated else 1
        return limits.clear_for if repeated or key.detail == ABOUT_STATE else 1


def _change(
    state: AlertState | None, current: AlertState | None, lasting: AlertState | None
) -> AlertTransition | None:
    """What a poll would make of an alert, if it is confirmed by others."""
    if state is None or not state.is_raised:
        return AlertTransition.RAISED
    if lasting is None:
        return AlertTransition.CLEARED
    rank = severity_rank(state.level)
    if current is not None and severity_rank(current.level) < rank:
        return AlertTransition.WORSE
    return AlertTransition.BETTER if severity_rank(lasting.level) > rank else None


# Events of alerts, as text for the event log and as JSON for programs


EVENT_SCHEMA: Final = "lictui.event/1"
_RAISED: Final = "raised"
_ESCALATED: Final = "escalated"
_RESOLVED: Final = "resolved after"
_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def journal_lines(events: Iterable[AlertEvent]) -> Iterator[Event]:
    """The lines of the event log; none for what has another line already.

    Changes of a server's state and new notices of a server are logged as such.
    """
    for event in events:
        if not _is_logged_otherwise(event):
            alert = event.alert
            level = Level.OK if event.transition is AlertTransition.CLEARED else alert.level
            yield _alert_line(alert.key, event.time, _event_text(event), level)


def _is_logged_otherwise(event: AlertEvent) -> bool:
    key = event.alert.key
    if key.kind is AlertKind.SERVER and key.detail == ABOUT_STATE:
        return event.transition in (AlertTransition.RAISED, AlertTransition.CLEARED)
    is_notice = key.kind is AlertKind.GRACE or (
        key.kind is AlertKind.SERVER and key.detail not in (ABOUT_MEMBER, ABOUT_CERTIFICATE)
    )
    return is_notice and event.transition is AlertTransition.RAISED


def _event_text(event: AlertEvent) -> str:
    alert = event.alert
    since = alert.raised_at if alert.since is None else alert.since
    duration = "" if since is None else duration_text(event.time - since)
    levels = f"{event.previous_level} -> {alert.level}"
    what = {
        AlertTransition.RAISED: _RAISED,
        AlertTransition.WORSE: f"{_ESCALATED} ({levels})",
        AlertTransition.BETTER: f"downgraded ({levels})",
        AlertTransition.REPEATED: f"ongoing for {duration}",
        AlertTransition.CLEARED: f"{_RESOLVED} {duration}",
    }[event.transition]
    return f"{what}: {alert.message}"


def is_transition(event: Event) -> bool:
    """Whether a line of the event log says that an alert was raised, escalated or resolved."""
    prefixes = (f"{_RAISED}: ", f"{_ESCALATED} (", f"{_RESOLVED} ")
    return event.kind is EventKind.ALERT and event.message.startswith(prefixes)


def acknowledgement_event(
    alert: AlertState, acknowledgement: Acknowledgement | None, by: str, time: float
) -> Event:
    """The line of the event log for an acknowledgement; None: it was removed."""
    if acknowledgement is None:
        text = f"unacknowledged by {by}"
    elif acknowledgement.until is None:
        text = f"acknowledged by {by}"
    else:
        text = f"snoozed by {by} until {iso(acknowledgement.until)}"
    return _alert_line(alert.key, time, f"{text}: {alert.message}", alert.level)


def _alert_line(key: AlertKey, time: float, message: str, level: Level) -> Event:
    return Event(time, EventKind.ALERT, key.server, message, key.product, level)


def event_json(event: AlertEvent) -> dict[str, Any]:
    """One event as `lictui.event/1`: every key is always there, times are UTC."""
    alert, key = event.alert, event.alert.key
    escalated = event.transition is AlertTransition.WORSE
    return {
        "schema": EVENT_SCHEMA,
        "event": event.transition.value,
        "at": iso(event.time),
        "kind": key.kind.value,
        "level": alert.level.value,
        "was": event.previous_level.value if escalated else None,
        "server": key.server,
        "group": alert.group,
        "product": key.product or None,
        "about": key.detail or None,
        "since": None if alert.since is None else iso(alert.since),
        "raised": None if alert.raised_at is None else iso(alert.raised_at),
        "ratio": None if alert.ratio is None else round(alert.ratio, 4),
        "message": alert.message,
    }


def duration_text(seconds: float) -> str:
    """A duration in its largest unit: `45 min`, `3 h`, `2 d`."""
    length, unit = next((unit for unit in _UNITS if seconds >= unit[0]), _UNITS[-1])
    return f"{int(max(0.0, seconds) / length)} {unit}"


# The alerts of all servers, and what of them is not written yet


_Dated = TypeVar("_Dated", AlertState, Acknowledgement)
_PAST: Final = ("since", "raised_at", "notified_at", "last_poll", "time")
_KEPT: Final = 300.0  # seconds that alerts of a server are kept after it was removed
_MAX_LINES: Final = 10_000  # of the event log, while it cannot be written
_ENDS_ACKNOWLEDGEMENT: Final = (AlertTransition.WORSE, AlertTransition.CLEARED)


class AlertStore(Struct):
    """All alerts. Change it through its methods only."""

    acknowledgements: dict[AlertKey, Acknowledgement] = field(default_factory=dict)
    anomalies: dict[str, dict[str, str]] = field(default_factory=dict)  # by server, then product
    _states: dict[AlertKey, AlertState] = field(default_factory=dict)
    # Not written yet: changed and removed states, ended acknowledgements and log lines.
    _changed: dict[AlertKey, None] = field(default_factory=dict)
    _unacknowledged: dict[AlertKey, None] = field(default_factory=dict)
    _lines: deque[Event] = field(default_factory=lambda: deque(maxlen=_MAX_LINES))
    _missing: dict[str, float] = field(default_factory=dict)  # since when, by server

    def load(
        self,
        states: Iterable[AlertState],
        acknowledgements: Mapping[AlertKey, Acknowledgement],
        now: float,
    ) -> None:
        """Replace everything with what the history contains."""
        for memory in (self._states, self._changed, self._unacknowledged):
            memory.clear()
        self._states.update((state.key, _no_later(state, now)) for state in states)
        self.acknowledgements = {k: _no_later(value, now) for k, value in acknowledgements.items()}

    def load_acknowledgements(self, acknowledgements: Mapping[AlertKey, Acknowledgement]) -> None:
        """Take over what users of any lictui acknowledged meanwhile."""
        self.acknowledgements = {
            key: acknowledgement
            for key, acknowledgement in acknowledgements.items()
            if key not in self._unacknowledged
        }

    def shift(self, seconds: float) -> None:
        """Follow a clock that was set forward by `seconds`: durations stay as they are."""
        for state in self.states:
            self._put(state.key, moved(state, seconds))
        self.acknowledgements = {k: moved(v, seconds) for k, v in self.acknowledgements.items()}

    def rewrite(self) -> None:
        """Write every alert again: the history is a new file."""
        self._changed = dict.fromkeys(self._states)

    @property
    def states(self) -> tuple[AlertState, ...]:
        """All alerts, by server."""
        return tuple(sorted(self._states.values(), key=lambda state: state.key.server))

    def evaluate(
        self, status: ServerStatus, alerts: AlertSettings, now: float, today: date
    ) -> tuple[AlertEvent, ...]:
        """Update the alerts of one server as it is now; return what happened to them."""
        before = self._of_servers(status.member_names)
        anomalies = self.anomalies.get(status.server.name)
        context = AlertContext(alerts, today, now, self.acknowledgements, anomalies)
        states, events = decide_alerts(before.values(), status, context)
        after = {state.key: state for state in states}
        for key in before.keys() | after.keys():
            if before.get(key) != after.get(key):
                self._put(key, after.get(key))
        self._end_acknowledgements(events)
        return tuple(events)

    def clear_removed(
        self, servers: Iterable[Server], now: float, elapsed: float
    ) -> tuple[AlertEvent, ...]:
        """Clear the alerts of disabled servers, and of those that are not registered any more.

        A server may be missing for a few minutes, at `elapsed` seconds of the monotonic clock: an
        editor or a copy writes servers.toml in steps.
        """
        enabled = {server.name: server.enabled for server in servers}
        self._missing = {
            key.server: self._missing.get(key.server, elapsed)
            for key in self._states
            if key.server not in enabled
        }
        cleared = {name for name, since in self._missing.items() if elapsed - since >= _KEPT}
        cleared |= {name for name, is_enabled in enabled.items() if not is_enabled}
        return self.clear(cleared, now)

    def clear(self, names: Collection[str], now: float) -> tuple[AlertEvent, ...]:
        """Clear the alerts of these servers."""
        removed = self._of_servers(names)
        for key in removed:
            self._put(key, None)
        events = tuple(
            AlertEvent(AlertTransition.CLEARED, now, state)
            for state in removed.values()
            if state.is_raised
        )
        self._end_acknowledgements(events)
        self.add_journal_lines(journal_lines(events))
        return events

    def _put(self, key: AlertKey, state: AlertState | None) -> None:
        self._changed[key] = None
        if state is not None:
            self._states[key] = state
        else:
            self._states.pop(key, None)

    def _of_servers(self, names: Collection[str]) -> dict[AlertKey, AlertState]:
        return {key: state for key, state in self._states.items() if key.server in names}

    def _end_acknowledgements(self, events: Iterable[AlertEvent]) -> None:
        for event in events:
            if event.transition in _ENDS_ACKNOWLEDGEMENT:
                self.acknowledgements.pop(event.alert.key, None)
                self._unacknowledged[event.alert.key] = None

    def add_journal_lines(self, lines: Iterable[Event]) -> None:
        """Add lines to the event log that belong to no poll."""
        self._lines.extend(lines)

    def take_changes(self) -> AlertChanges:
        """Return what is not written yet; from now on it counts as written."""
        changes = AlertChanges(
            tuple(self._states[key] for key in self._changed if key in self._states),
            tuple(key for key in self._changed if key not in self._states),
            tuple(self._unacknowledged),
            tuple(self._lines),
        )
        for memory in (self._changed, self._unacknowledged, self._lines):
            memory.clear()
        return changes

    def put_back(self, changes: AlertChanges) -> None:
        """Keep changes that could not be written."""
        updated = (state.key for state in changes.updated)
        self._changed = dict.fromkeys((*updated, *changes.removed)) | self._changed
        self._unacknowledged = dict.fromkeys(changes.unacknowledged) | self._unacknowledged
        self._lines.extendleft(reversed(changes.events))


def _no_later(value: _Dated, now: float) -> _Dated:
    """A state or acknowledgement of a future, from a clock that was wrong, as if it were of now."""
    newest = max(getattr(value, name, None) or 0.0 for name in _PAST)
    return value if newest <= now + FUTURE else moved(value, now - newest)
