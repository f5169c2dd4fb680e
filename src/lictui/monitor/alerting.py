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

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from lictui.model import AlertKind, Happening, Level, Said, Standing, State
from lictui.monitor.alerts import PART, STATE, Alert, of_server, open_question, rests_on, severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from lictui.config.settings import Alerts, Thresholds
    from lictui.model import Answer, Identity
    from lictui.monitor.board import ServerStatus

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
