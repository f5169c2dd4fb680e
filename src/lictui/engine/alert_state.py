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
from lictui.engine.alerts import PART, STATE, Alert, of_server, open_question, rests_on, severity
from lictui.history.journal import Decided
from lictui.model import (
    AlertKind,
    Answer,
    Event,
    EventKind,
    Happening,
    Identity,
    Level,
    Said,
    Server,
    Standing,
    State,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import date

    from lictui.config.settings import Alerts, Thresholds
    from lictui.engine.board import ServerStatus
    from lictui.history.store import History


_PATIENT: Final = (AlertKind.USAGE, AlertKind.DATA, AlertKind.UNUSUAL)
_PASSING: Final = (State.DOWN, State.ERROR)  # may be over at the next poll


@dataclass(frozen=True, slots=True)
class Facts:
    """What a decision rests on, beside the server itself. `now` in UTC epoch seconds."""

    alerts: Alerts
    today: date
    now: float
    answers: Mapping[Identity, Answer]
    unusual: Mapping[str, str] | None  # by product of this server; None: nobody has looked yet


@dataclass(frozen=True, slots=True)
class Decision:
    """What stands of one server now, and what there is to say."""

    standing: tuple[Standing, ...]
    said: tuple[Said, ...] = ()


def decide(before: Iterable[Standing], status: ServerStatus, facts: Facts) -> Decision:
    """What a poll, or the time that passed, makes of a server's alerts.

    `before` is everything that stood of the servers that `status` stands for. The same poll is
    counted once, however often it is looked at.
    """
    old = {each.who: each for each in before}
    found = _by_identity(of_server(status, facts.alerts, facts.today))
    lasting = _by_identity(of_server(status, facts.alerts, facts.today, lasting=True))
    for alert in _unusual(status, facts.unusual or {}):
        found[alert.who] = lasting[alert.who] = alert
    stands: list[Standing] = []
    said: list[Said] = []
    for who in old.keys() | found.keys():
        step = _Step(who, status, facts)
        if (after := step.from_(old.get(who), found.get(who), lasting.get(who))) is not None:
            stands.append(after)
        said += step.said
    said.sort(key=lambda each: (severity(each.standing.level), each.standing.who))
    return Decision(tuple(sorted(stands, key=lambda each: each.who)), tuple(said))


def dismissed(gone: Iterable[Standing], now: float) -> tuple[Said, ...]:
    """What there is to say of alerts whose server is watched no more."""
    return tuple(Said(Happening.CLEARED, now, each) for each in gone if each.raised is not None)


def _by_identity(alerts: Iterable[Alert]) -> dict[Identity, Alert]:
    """Of two that cannot be told apart, the worse."""
    found: dict[Identity, Alert] = {}
    for alert in alerts:
        same = found.get(alert.who)
        if same is None or severity(alert.level) < severity(same.level):
            found[alert.who] = alert
    return found


def _unusual(status: ServerStatus, sentences: Mapping[str, str]) -> Iterator[Alert]:
    for product, sentence in sentences.items():
        yield Alert(
            AlertKind.UNUSUAL,
            Level.WARN,
            status.server.name,
            product,
            status.answered_at,
            sentence,
        )


class _Step:
    """What becomes of one alert at one poll."""

    def __init__(self, who: Identity, status: ServerStatus, facts: Facts) -> None:
        self.said: list[Said] = []
        self._who = who
        self._facts = facts
        self._status = status
        self._poll = rests_on(status, who)
        server = status.server
        self._limits: Thresholds = facts.alerts.of(
            group=server.group, server=server.name, product=who.product
        )

    def from_(
        self, old: Standing | None, found: Alert | None, lasting: Alert | None
    ) -> Standing | None:
        if old is None:
            return self._first(found) if found else None
        if found is None and self._open:
            return old
        new = old.counted is None or self._poll != old.counted or self._aged
        old = replace(old, group=self._status.server.group)
        if old.raised is None:
            return self._pending(old, found, new=new)
        if lasting is None:
            return self._over(old, new=new)
        return self._again(self._levelled(old, found, lasting, new=new))

    def _first(self, found: Alert) -> Standing:
        now = self._facts.now
        since = now if found.since is None else found.since
        wanted = self._limits.for_polls if self._patient else 1
        standing = Standing(
            self._who,
            found.level,
            found.message,
            since,
            found.ratio,
            self._status.server.group,
            seen=1,
            wanted=wanted,
            counted=self._poll,
        )
        return self._perhaps_raised(standing)

    def _pending(self, old: Standing, found: Alert | None, *, new: bool) -> Standing | None:
        if found is None:
            return None if new else old
        wanted = self._limits.for_polls if self._patient else 1
        return self._perhaps_raised(
            replace(
                old,
                level=found.level,
                message=found.message,
                ratio=found.ratio,
                seen=old.seen + new,
                wanted=wanted,
                counted=self._poll,
            )
        )

    def _perhaps_raised(self, standing: Standing) -> Standing:
        if standing.seen < standing.wanted:
            return standing
        now = self._facts.now
        return self._say(Happening.RAISED, replace(standing, raised=now, said=now))

    def _over(self, old: Standing, *, new: bool) -> Standing | None:
        """Its cause was not found; after enough polls it is cleared."""
        counted = replace(old, clear=old.clear + new, rising=0, counted=self._poll)
        if counted.clear < self._needed_to_end:
            return counted
        self._say(Happening.CLEARED, old)
        return None

    def _levelled(
        self, old: Standing, found: Alert | None, lasting: Alert, *, new: bool
    ) -> Standing:
        """It lasts: is it worse, or better, and for how long already?"""
        worse = found is not None and severity(found.level) < severity(old.level)
        better = severity(lasting.level) > severity(old.level)
        after = replace(
            old,
            message=lasting.message,
            ratio=lasting.ratio,
            clear=0,
            rising=old.rising + new if worse else 0,
            falling=old.falling + new if better else 0,
            counted=self._poll,
        )
        if found and worse and after.rising >= (self._limits.for_polls if self._patient else 1):
            now = self._facts.now
            risen = replace(after, level=found.level, rising=0, said=now)
            return self._say(Happening.WORSE, risen, old.level)
        if better and after.falling >= self._needed_to_end:
            fallen = replace(after, level=lasting.level, falling=0)
            return self._say(Happening.BETTER, fallen, old.level)
        return after

    def _again(self, standing: Standing) -> Standing:
        """Say it once more, if it lasts for long and nobody has answered; or a snooze is over."""
        now, said = self._facts.now, standing.said
        answer = self._facts.answers.get(self._who)
        if answer is not None and answer.holds(now):
            return standing
        due = (said or now) + self._limits.repeat
        if answer is not None and answer.until is not None and (said or 0) < answer.until:
            due = answer.until
        if now < due:
            return standing
        return self._say(Happening.REPEATED, replace(standing, said=now))

    def _say(self, what: Happening, standing: Standing, before: Level = Level.OK) -> Standing:
        self.said.append(Said(what, self._facts.now, standing, before))
        return standing

    @property
    def _open(self) -> bool:
        """Whether nobody can tell if its cause is gone."""
        unseen = self._who.kind is AlertKind.UNUSUAL and self._facts.unusual is None
        return unseen or open_question(self._status, self._who)

    @property
    def _aged(self) -> bool:
        """Whether time alone says something: that polls fail to come."""
        return self._who.about == STATE and self._status.state is State.STALE

    @property
    def _patient(self) -> bool:
        """Whether it takes more than one poll to be believed."""
        if self._who.kind in _PATIENT or self._who.about == PART:
            return True
        return self._who.about == STATE and self._status.state in _PASSING

    @property
    def _needed_to_end(self) -> int:
        lasting = self._who.kind in _PATIENT or self._who.about in (STATE, PART)
        return self._limits.clear_for if lasting else 1


# What happened to an alert, in words for the journal and as JSON for programs


SCHEMA: Final = "lictui.event/1"
_TURNS: Final = (f"{Happening.RAISED}: ", f"{Happening.WORSE} (", "cleared after ")
_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def lines(said: Iterable[Said]) -> Iterator[Event]:
    """The journal's lines.

    That a server is lost or found, and what it says itself for the first time, has a line already.
    """
    for each in said:
        if not _has_a_line(each):
            standing = each.standing
            level = Level.OK if each.what is Happening.CLEARED else standing.level
            yield _line(standing.who, each.at, _words(each), level)


def _has_a_line(said: Said) -> bool:
    who = said.standing.who
    if who.kind is AlertKind.SERVER and who.about == "state":
        return said.what in (Happening.RAISED, Happening.CLEARED)
    own = who.about not in ("part", "certificate")
    notice = who.kind is AlertKind.GRACE or (who.kind is AlertKind.SERVER and own)
    return notice and said.what is Happening.RAISED


def _words(said: Said) -> str:
    standing = said.standing
    begun = standing.raised if standing.since is None else standing.since
    lasted = "" if begun is None else span(said.at - begun)
    match said.what:
        case Happening.WORSE | Happening.BETTER:
            return f"{said.what} ({said.before} -> {standing.level}): {standing.message}"
        case Happening.REPEATED:
            return f"still, for {lasted}: {standing.message}"
        case Happening.CLEARED:
            return f"cleared after {lasted}; it was: {standing.message}"
        case _:
            return f"{said.what}: {standing.message}"


def is_turn(event: Event) -> bool:
    """Whether a line of the journal says that an alert was raised, rose, or was cleared."""
    return event.kind is EventKind.ALERT and event.message.startswith(_TURNS)


def answered(standing: Standing, said: Answer | None, by: str, at: float) -> Event:
    """The journal's line for what somebody said to an alert; None: it was taken back."""
    if said is None:
        word = f"{by} wants to hear of it again"
    elif said.until is None:
        word = f"acknowledged by {by}"
    else:
        word = f"snoozed by {by} until {iso(said.until)}"
    return _line(standing.who, at, f"{word}: {standing.message}", standing.level)


def _line(who: Identity, at: float, message: str, level: Level) -> Event:
    return Event(at, EventKind.ALERT, who.server, message, who.product, level)


def event(said: Said) -> dict[str, Any]:
    """One happening as `lictui.event/1`: every key always there, times UTC."""
    standing = said.standing
    who = standing.who
    return {
        "schema": SCHEMA,
        "event": said.what.value,
        "at": iso(said.at),
        "kind": who.kind.value,
        "level": standing.level.value,
        "was": said.before.value if said.what is Happening.WORSE else None,
        "server": who.server,
        "group": standing.group,
        "product": who.product or None,
        "about": who.about or None,
        "since": None if standing.since is None else iso(standing.since),
        "raised": None if standing.raised is None else iso(standing.raised),
        "ratio": None if standing.ratio is None else round(standing.ratio, 4),
        "message": standing.message,
    }


def span(seconds: float) -> str:
    """A length of time in its largest unit: `45 min`, `3 h`, `2 d`."""
    length, unit = next((each for each in _UNITS if seconds >= each[0]), (1, "s"))
    return f"{int(max(0.0, seconds) / length)} {unit}"


# The alerts that stand: what is remembered of each server's, and what of it is not written yet


_ANSWERED_NO_MORE = (Happening.WORSE, Happening.CLEARED)


@dataclass(frozen=True, slots=True)
class Standings:
    """What stands, by server. Everything is changed by its methods alone."""

    answers: dict[Identity, Answer] = field(default_factory=dict)
    unusual: dict[str, dict[str, str]] = field(default_factory=dict)  # by server, then product
    _of: dict[str, dict[Identity, Standing]] = field(default_factory=dict)
    _changed: dict[Identity, Standing | None] = field(default_factory=dict)  # not written yet
    _unanswered: dict[Identity, None] = field(default_factory=dict)  # nor this
    _lines: list[Event] = field(default_factory=list)  # nor these

    def restore(self, history: History) -> None:
        """Take over what the history has. Raises HistoryError, and then changes nothing."""
        stands, answers = history.alerts(), history.answers()
        for memory in (self._of, self._changed, self._unanswered, self._lines):
            memory.clear()
        for each in stands:
            self._of.setdefault(each.who.server, {})[each.who] = each
        self._answered(answers)

    def hear(self, history: History) -> None:
        """Take over what people answered meanwhile, wherever. Raises HistoryError."""
        answers = history.answers()
        self._answered({who: it for who, it in answers.items() if who not in self._unanswered})

    def _answered(self, answers: Mapping[Identity, Answer]) -> None:
        self.answers.clear()
        self.answers.update(answers)

    @property
    def everything(self) -> tuple[Standing, ...]:
        """All that stands, by server."""
        return tuple(each for name in sorted(self._of) for each in self._of[name].values())

    def look(
        self, status: ServerStatus, alerts: Alerts, now: float, today: date
    ) -> tuple[Said, ...]:
        """Decide on one server as it is now."""
        before = [each for name in status.names for each in self._of.get(name, {}).values()]
        unusual = self.unusual.get(status.server.name)
        decision = decide(before, status, Facts(alerts, today, now, self.answers, unusual))
        old = {each.who: each for each in before}
        new = {each.who: each for each in decision.standing}
        for who in old.keys() | new.keys():
            if old.get(who) != new.get(who):
                self._put(who, new.get(who))
        self._forget_answers(decision.said)
        return decision.said

    def dismiss(self, servers: Iterable[Server], now: float) -> tuple[Said, ...]:
        """Let go of what stands of servers that are watched no more: of all but these."""
        wanted = tuple(server for server in servers if server.enabled)
        kept = {server.name for server in wanted}
        gone = [each for each in self.everything if each.who.server not in kept]
        if not gone:
            return ()
        for each in gone:
            self._put(each.who, None)

        said = dismissed(gone, now)
        self._forget_answers(said)
        self._lines.extend(lines(said))
        return said

    def _put(self, who: Identity, standing: Standing | None) -> None:
        self._changed[who] = standing
        mine = self._of.setdefault(who.server, {})
        if standing is not None:
            mine[who] = standing
        elif mine.pop(who, None) is not None and not mine:
            del self._of[who.server]

    def _forget_answers(self, said: Iterable[Said]) -> None:
        for each in said:
            if each.what in _ANSWERED_NO_MORE:
                self.answers.pop(each.standing.who, None)
                self._unanswered[each.standing.who] = None

    def add(self, lines_: Iterable[Event]) -> None:
        """Lines for the journal that no poll brings."""
        self._lines.extend(lines_)

    def written(self, write: Callable[[Decided], None]) -> None:
        """Hand what is not written yet to `write`; it stays so if that raises."""
        write(
            Decided(
                tuple(each for each in self._changed.values() if each is not None),
                tuple(who for who, each in self._changed.items() if each is None),
                tuple(self._unanswered),
                tuple(self._lines),
            )
        )
        for memory in (self._changed, self._unanswered, self._lines):
            memory.clear()

    @property
    def waiting(self) -> bool:
        """Whether there is something to write."""
        return bool(self._changed or self._unanswered or self._lines)
