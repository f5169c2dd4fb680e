"""One server that is polled again and again, and what is said of its alerts."""

from __future__ import annotations

from datetime import date
from typing import Any

from tests.support.clock import START
from tests.support.values import pool, server, snapshot

from lictui.config.settings import Alerts
from lictui.engine.alert_state import Facts, decide
from lictui.engine.board import Board, apply, register
from lictui.engine.merge import Together
from lictui.history.journal import dump, load
from lictui.model import (
    AlertKind,
    Answer,
    Failure,
    Happening,
    Identity,
    Level,
    Poll,
    Said,
    Snapshot,
    Standing,
)

EVERY = 900.0  # seconds between two polls
TODAY = date(2026, 11, 24)
USAGE = Identity("lic-01", AlertKind.USAGE, "XDT_PLT_UD")


class Watch:
    """One server that is polled again and again, and what was said of it."""

    def __init__(self, alerts: Alerts | None = None, *servers: Any) -> None:
        self.alerts = alerts or Alerts()
        self.now = START
        self.today = TODAY
        self.stands: tuple[Standing, ...] = ()
        self.said: list[Said] = []
        self.answers: dict[Identity, Answer] = {}
        self.unusual: dict[str, str] = {}
        self.board = register(Board(), servers or (server(),))
        self._together = Together()

    def poll(self, result: int | Snapshot | Failure | None = None, name: str = "lic-01") -> None:
        """One poll: a snapshot, a failure, or so many in use of 100."""
        self.now += EVERY
        if result is None or isinstance(result, int):
            result = snapshot(pool(in_use=result, installed=100, overdraft=10))
        self.board = apply(self.board, Poll(name, self.now, 0.1, result))
        self.look()

    def look(self) -> None:
        """What the time, or the last poll, makes of it."""
        status = self._together.of(self.board).servers[0]
        facts = Facts(self.alerts, self.today, self.now, self.answers, self.unusual)
        decision = decide(self.stands, status, facts)
        self.stands = decision.standing
        self.said += decision.said
        for each in decision.said:
            if each.what in (Happening.WORSE, Happening.CLEARED):
                self.answers.pop(each.standing.who, None)

    def restart(self) -> None:
        """Everything that is remembered goes into the history and comes back."""
        kept = [load(Standing, dump(each)) for each in self.stands]
        self.stands = tuple(each for each in kept if each is not None)
        assert len(self.stands) == len(kept)

    def heard(self) -> list[tuple[Happening, Level]]:
        """What happened, and the level after it."""
        return [(each.what, each.standing.level) for each in self.said]
