"""The alerts that stand: what is remembered of each server's, and what of it is not written yet.

Owns that memory and what people answered. Must not know when a poll comes, nor SQL.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lictui.history.journal import Decided
from lictui.model import Happening
from lictui.monitor.saying import lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date

    from lictui.config.settings import Alerts
    from lictui.history.store import History
    from lictui.model import Answer, Event, Identity, Said, Server, Standing
    from lictui.monitor.board import ServerStatus

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
        from lictui.monitor.alerting import Facts, decide  # noqa: PLC0415 - the first frame waits for no poll

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
        from lictui.monitor.alerting import dismissed  # noqa: PLC0415 - most often nobody is gone

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
