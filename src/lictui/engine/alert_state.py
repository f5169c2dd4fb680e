"""When a word is said: alerts are raised once, get worse, are said again, and are cleared once.

Pure: what stood before, one server as its last poll left it, and the time go in; what stands now
and what there is to say come out. Owns the counting of polls, the clear margin and the silence that
people ask for. Must not know who keeps what stands, nor who is told.

Usage, missing figures and a server that does not answer must be true for `for` polls in a row, and
are cleared after `clear_for` polls; so is a rise or a fall of their level. What somebody has to
settle (credentials, TLS, no inventory) and what a calendar or the server itself says counts at
once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from lictui.clock import iso
from lictui.engine.alerts import (
    ABOUT_MEMBER,
    ABOUT_STATE,
    Alert,
    is_undetermined,
    last_poll_of,
    server_alerts,
    severity_rank,
)
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
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import date

    from lictui.config.settings import AlertSettings, Thresholds
    from lictui.engine.board import ServerStatus
    from lictui.history.store import History


_PATIENT: Final = (AlertKind.USAGE, AlertKind.DATA, AlertKind.UNUSUAL)
_PASSING: Final = (State.DOWN, State.ERROR)  # may be over at the next poll


@dataclass(frozen=True, slots=True)
class AlertContext:
    """What a decision rests on, beside the server itself. `now` in UTC epoch seconds."""

    alerts: AlertSettings
    today: date
    now: float
    acknowledgements: Mapping[AlertKey, Acknowledgement]
    anomalies: Mapping[str, str] | None  # by product of this server; None: nobody has looked yet


@dataclass(frozen=True, slots=True)
class AlertDecision:
    """What stands of one server now, and what there is to say."""

    states: tuple[AlertState, ...]
    events: tuple[AlertEvent, ...] = ()


def decide_alerts(
    before: Iterable[AlertState], status: ServerStatus, facts: AlertContext
) -> AlertDecision:
    """What a poll, or the time that passed, makes of a server's alerts.

    `before` is everything that stood of the servers that `status` stands for. The same poll is
    counted once, however often it is looked at.
    """
    old = {each.key: each for each in before}
    found = _by_identity(server_alerts(status, facts.alerts, facts.today))
    lasting = _by_identity(server_alerts(status, facts.alerts, facts.today, lasting=True))
    for alert in _unusual(status, facts.anomalies or {}):
        found[alert.key] = lasting[alert.key] = alert
    stands: list[AlertState] = []
    said: list[AlertEvent] = []
    for who in old.keys() | found.keys():
        step = _Step(who, status, facts)
        if (after := step.from_(old.get(who), found.get(who), lasting.get(who))) is not None:
            stands.append(after)
        said += step.said
    said.sort(key=lambda each: (severity_rank(each.alert.level), each.alert.key))
    return AlertDecision(tuple(sorted(stands, key=lambda each: each.key)), tuple(said))


def removed_server_events(gone: Iterable[AlertState], now: float) -> tuple[AlertEvent, ...]:
    """What there is to say of alerts whose server is watched no more."""
    return tuple(
        AlertEvent(AlertTransition.CLEARED, now, each)
        for each in gone
        if each.raised_at is not None
    )


def _by_identity(alerts: Iterable[Alert]) -> dict[AlertKey, Alert]:
    """Of two that cannot be told apart, the worse."""
    found: dict[AlertKey, Alert] = {}
    for alert in alerts:
        same = found.get(alert.key)
        if same is None or severity_rank(alert.level) < severity_rank(same.level):
            found[alert.key] = alert
    return found


def _unusual(status: ServerStatus, sentences: Mapping[str, str]) -> Iterator[Alert]:
    for product, sentence in sentences.items():
        yield Alert(
            AlertKind.UNUSUAL,
            Level.WARN,
            status.server.name,
            product,
            status.last_success_at,
            sentence,
        )


class _Step:
    """What becomes of one alert at one poll."""

    def __init__(self, who: AlertKey, status: ServerStatus, facts: AlertContext) -> None:
        self.said: list[AlertEvent] = []
        self._who = who
        self._facts = facts
        self._status = status
        self._poll = last_poll_of(status, who)
        server = status.server
        self._limits: Thresholds = facts.alerts.thresholds_for(
            group=server.group, server=server.name, product=who.product
        )

    def from_(
        self, old: AlertState | None, found: Alert | None, lasting: Alert | None
    ) -> AlertState | None:
        if old is None:
            return self._first(found) if found else None
        if found is None and self._open:
            return old
        new = old.last_poll is None or self._poll != old.last_poll or self._aged
        old = replace(old, group=self._status.server.group)
        if old.raised_at is None:
            return self._pending(old, found, new=new)
        if lasting is None:
            return self._over(old, new=new)
        return self._again(self._levelled(old, found, lasting, new=new))

    def _first(self, found: Alert) -> AlertState:
        now = self._facts.now
        since = now if found.since is None else found.since
        wanted = self._limits.for_polls if self._patient else 1
        standing = AlertState(
            self._who,
            found.level,
            found.message,
            since,
            found.ratio,
            self._status.server.group,
            polls_seen=1,
            polls_required=wanted,
            last_poll=self._poll,
        )
        return self._perhaps_raised(standing)

    def _pending(self, old: AlertState, found: Alert | None, *, new: bool) -> AlertState | None:
        if found is None:
            return None if new else old
        wanted = self._limits.for_polls if self._patient else 1
        return self._perhaps_raised(
            replace(
                old,
                level=found.level,
                message=found.message,
                ratio=found.ratio,
                polls_seen=old.polls_seen + new,
                polls_required=wanted,
                last_poll=self._poll,
            )
        )

    def _perhaps_raised(self, standing: AlertState) -> AlertState:
        if standing.polls_seen < standing.polls_required:
            return standing
        now = self._facts.now
        return self._say(AlertTransition.RAISED, replace(standing, raised_at=now, notified_at=now))

    def _over(self, old: AlertState, *, new: bool) -> AlertState | None:
        """Its cause was not found; after enough polls it is cleared."""
        counted = replace(
            old, polls_clear=old.polls_clear + new, polls_above=0, last_poll=self._poll
        )
        if counted.polls_clear < self._needed_to_end:
            return counted
        self._say(AlertTransition.CLEARED, old)
        return None

    def _levelled(
        self, old: AlertState, found: Alert | None, lasting: Alert, *, new: bool
    ) -> AlertState:
        """It lasts: is it worse, or better, and for how long already?"""
        worse = found is not None and severity_rank(found.level) < severity_rank(old.level)
        better = severity_rank(lasting.level) > severity_rank(old.level)
        after = replace(
            old,
            message=lasting.message,
            ratio=lasting.ratio,
            polls_clear=0,
            polls_above=old.polls_above + new if worse else 0,
            polls_below=old.polls_below + new if better else 0,
            last_poll=self._poll,
        )
        if (
            found
            and worse
            and after.polls_above >= (self._limits.for_polls if self._patient else 1)
        ):
            now = self._facts.now
            risen = replace(after, level=found.level, polls_above=0, notified_at=now)
            return self._say(AlertTransition.WORSE, risen, old.level)
        if better and after.polls_below >= self._needed_to_end:
            fallen = replace(after, level=lasting.level, polls_below=0)
            return self._say(AlertTransition.BETTER, fallen, old.level)
        return after

    def _again(self, standing: AlertState) -> AlertState:
        """Say it once more, if it lasts for long and nobody has answered; or a snooze is over."""
        now, said = self._facts.now, standing.notified_at
        answer = self._facts.acknowledgements.get(self._who)
        if answer is not None and answer.is_active(now):
            return standing
        due = (said or now) + self._limits.repeat
        if answer is not None and answer.until is not None and (said or 0) < answer.until:
            due = answer.until
        if now < due:
            return standing
        return self._say(AlertTransition.REPEATED, replace(standing, notified_at=now))

    def _say(
        self, what: AlertTransition, standing: AlertState, before: Level = Level.OK
    ) -> AlertState:
        self.said.append(AlertEvent(what, self._facts.now, standing, before))
        return standing

    @property
    def _open(self) -> bool:
        """Whether nobody can tell if its cause is gone."""
        unseen = self._who.kind is AlertKind.UNUSUAL and self._facts.anomalies is None
        return unseen or is_undetermined(self._status, self._who)

    @property
    def _aged(self) -> bool:
        """Whether time alone says something: that polls fail to come."""
        return self._who.detail == ABOUT_STATE and self._status.state is State.STALE

    @property
    def _patient(self) -> bool:
        """Whether it takes more than one poll to be believed."""
        if self._who.kind in _PATIENT or self._who.detail == ABOUT_MEMBER:
            return True
        return self._who.detail == ABOUT_STATE and self._status.state in _PASSING

    @property
    def _needed_to_end(self) -> int:
        lasting = self._who.kind in _PATIENT or self._who.detail in (ABOUT_STATE, ABOUT_MEMBER)
        return self._limits.clear_for if lasting else 1


# What happened to an alert, in words for the journal and as JSON for programs


EVENT_SCHEMA: Final = "lictui.event/1"
_TURNS: Final = (f"{AlertTransition.RAISED}: ", f"{AlertTransition.WORSE} (", "cleared after ")
_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def journal_lines(said: Iterable[AlertEvent]) -> Iterator[Event]:
    """The journal's lines.

    That a server is lost or found, and what it says itself for the first time, has a line already.
    """
    for each in said:
        if not _has_a_line(each):
            standing = each.alert
            level = Level.OK if each.transition is AlertTransition.CLEARED else standing.level
            yield _line(standing.key, each.time, _words(each), level)


def _has_a_line(said: AlertEvent) -> bool:
    who = said.alert.key
    if who.kind is AlertKind.SERVER and who.detail == "state":
        return said.transition in (AlertTransition.RAISED, AlertTransition.CLEARED)
    own = who.detail not in ("part", "certificate")
    notice = who.kind is AlertKind.GRACE or (who.kind is AlertKind.SERVER and own)
    return notice and said.transition is AlertTransition.RAISED


def _words(said: AlertEvent) -> str:
    standing = said.alert
    begun = standing.raised_at if standing.since is None else standing.since
    lasted = "" if begun is None else duration_text(said.time - begun)
    match said.transition:
        case AlertTransition.WORSE | AlertTransition.BETTER:
            return (
                f"{said.transition} ({said.previous_level} -> {standing.level}): {standing.message}"
            )
        case AlertTransition.REPEATED:
            return f"still, for {lasted}: {standing.message}"
        case AlertTransition.CLEARED:
            return f"cleared after {lasted}; it was: {standing.message}"
        case _:
            return f"{said.transition}: {standing.message}"


def is_transition(event: Event) -> bool:
    """Whether a line of the journal says that an alert was raised, rose, or was cleared."""
    return event.kind is EventKind.ALERT and event.message.startswith(_TURNS)


def acknowledgement_event(
    standing: AlertState, said: Acknowledgement | None, by: str, at: float
) -> Event:
    """The journal's line for what somebody said to an alert; None: it was taken back."""
    if said is None:
        word = f"{by} wants to hear of it again"
    elif said.until is None:
        word = f"acknowledged by {by}"
    else:
        word = f"snoozed by {by} until {iso(said.until)}"
    return _line(standing.key, at, f"{word}: {standing.message}", standing.level)


def _line(who: AlertKey, at: float, message: str, level: Level) -> Event:
    return Event(at, EventKind.ALERT, who.server, message, who.product, level)


def event_json(said: AlertEvent) -> dict[str, Any]:
    """One happening as `lictui.event/1`: every key always there, times UTC."""
    standing = said.alert
    who = standing.key
    return {
        "schema": EVENT_SCHEMA,
        "event": said.transition.value,
        "at": iso(said.time),
        "kind": who.kind.value,
        "level": standing.level.value,
        "was": said.previous_level.value if said.transition is AlertTransition.WORSE else None,
        "server": who.server,
        "group": standing.group,
        "product": who.product or None,
        "about": who.detail or None,
        "since": None if standing.since is None else iso(standing.since),
        "raised": None if standing.raised_at is None else iso(standing.raised_at),
        "ratio": None if standing.ratio is None else round(standing.ratio, 4),
        "message": standing.message,
    }


def duration_text(seconds: float) -> str:
    """A length of time in its largest unit: `45 min`, `3 h`, `2 d`."""
    length, unit = next((each for each in _UNITS if seconds >= each[0]), (1, "s"))
    return f"{int(max(0.0, seconds) / length)} {unit}"


# The alerts that stand: what is remembered of each server's, and what of it is not written yet


_ANSWERED_NO_MORE = (AlertTransition.WORSE, AlertTransition.CLEARED)


@dataclass(frozen=True, slots=True)
class AlertStore:
    """What stands, by server. Everything is changed by its methods alone."""

    acknowledgements: dict[AlertKey, Acknowledgement] = field(default_factory=dict)
    anomalies: dict[str, dict[str, str]] = field(default_factory=dict)  # by server, then product
    _of: dict[str, dict[AlertKey, AlertState]] = field(default_factory=dict)
    _changed: dict[AlertKey, AlertState | None] = field(default_factory=dict)  # not written yet
    _unanswered: dict[AlertKey, None] = field(default_factory=dict)  # nor this
    _lines: list[Event] = field(default_factory=list)  # nor these

    def load(self, history: History) -> None:
        """Take over what the history has. Raises HistoryError, and then changes nothing."""
        stands, answers = history.alert_states(), history.acknowledgements()
        for memory in (self._of, self._changed, self._unanswered, self._lines):
            memory.clear()
        for each in stands:
            self._of.setdefault(each.key.server, {})[each.key] = each
        self._answered(answers)

    def reload_acknowledgements(self, history: History) -> None:
        """Take over what people answered meanwhile, wherever. Raises HistoryError."""
        answers = history.acknowledgements()
        self._answered({who: it for who, it in answers.items() if who not in self._unanswered})

    def _answered(self, answers: Mapping[AlertKey, Acknowledgement]) -> None:
        self.acknowledgements.clear()
        self.acknowledgements.update(answers)

    @property
    def states(self) -> tuple[AlertState, ...]:
        """All that stands, by server."""
        return tuple(each for name in sorted(self._of) for each in self._of[name].values())

    def evaluate(
        self, status: ServerStatus, alerts: AlertSettings, now: float, today: date
    ) -> tuple[AlertEvent, ...]:
        """Decide on one server as it is now."""
        before = [each for name in status.member_names for each in self._of.get(name, {}).values()]
        unusual = self.anomalies.get(status.server.name)
        decision = decide_alerts(
            before, status, AlertContext(alerts, today, now, self.acknowledgements, unusual)
        )
        old = {each.key: each for each in before}
        new = {each.key: each for each in decision.states}
        for who in old.keys() | new.keys():
            if old.get(who) != new.get(who):
                self._put(who, new.get(who))
        self._forget_answers(decision.events)
        return decision.events

    def clear_removed(self, servers: Iterable[Server], now: float) -> tuple[AlertEvent, ...]:
        """Let go of what stands of servers that are watched no more: of all but these."""
        wanted = tuple(server for server in servers if server.enabled)
        kept = {server.name for server in wanted}
        gone = [each for each in self.states if each.key.server not in kept]
        if not gone:
            return ()
        for each in gone:
            self._put(each.key, None)

        said = removed_server_events(gone, now)
        self._forget_answers(said)
        self._lines.extend(journal_lines(said))
        return said

    def _put(self, who: AlertKey, standing: AlertState | None) -> None:
        self._changed[who] = standing
        mine = self._of.setdefault(who.server, {})
        if standing is not None:
            mine[who] = standing
        elif mine.pop(who, None) is not None and not mine:
            del self._of[who.server]

    def _forget_answers(self, said: Iterable[AlertEvent]) -> None:
        for each in said:
            if each.transition in _ANSWERED_NO_MORE:
                self.acknowledgements.pop(each.alert.key, None)
                self._unanswered[each.alert.key] = None

    def add_journal_lines(self, lines_: Iterable[Event]) -> None:
        """Lines for the journal that no poll brings."""
        self._lines.extend(lines_)

    def flush(self, write: Callable[[AlertChanges], None]) -> None:
        """Hand what is not written yet to `write`; it stays so if that raises."""
        write(
            AlertChanges(
                tuple(each for each in self._changed.values() if each is not None),
                tuple(who for who, each in self._changed.items() if each is None),
                tuple(self._unanswered),
                tuple(self._lines),
            )
        )
        for memory in (self._changed, self._unanswered, self._lines):
            memory.clear()

    @property
    def has_pending_writes(self) -> bool:
        """Whether there is something to write."""
        return bool(self._changed or self._unanswered or self._lines)
