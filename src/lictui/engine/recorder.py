"""What a poll does: onto the board, into the history and, if it changed something, the journal.

Owns the board, and the polls that the history could not take yet. Must not know when to poll.
"""

from __future__ import annotations

import logging
from collections import deque
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from lictui.clock import local_day
from lictui.engine import board as boards
from lictui.engine.alert_state import Standings, answered, lines
from lictui.engine.board import STALE_AFTER, Board, ServerStatus
from lictui.engine.journal import changes
from lictui.engine.merge import Together, doubles
from lictui.errors import LictuiError
from lictui.model import (
    Answer,
    Event,
    Identity,
    Poll,
    Pool,
    PoolKey,
    Said,
    Server,
    Snapshot,
    SourceName,
    State,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from lictui.config.settings import Alerts
    from lictui.history.journal import Decided
    from lictui.history.store import History


_log = logging.getLogger(__name__)
_KEEP: Final = 100_000  # polls kept in memory while the history cannot be written
_LOOK: Final = 60.0  # seconds between two looks at servers of which no poll comes back


class Recorder:
    """Applies polls to the board and writes them down; never raises.

    Decides on alerts only where `decide` has allowed it: who looks at a server once, or follows
    another lictui, raises none. What happened to alerts goes to `heard`.
    """

    def __init__(
        self,
        board: Board,
        history: History | None,
        alerts: Alerts,
        heard: Callable[[tuple[Said, ...]], None] | None = None,
    ) -> None:
        self.board = board
        self.alerts = alerts
        self.timezone = ""
        self.standings = Standings()
        self._history = history
        self._heard = heard
        self._since: float | None = None  # when it began to decide on alerts
        self._looked = 0.0
        self._together = Together()
        self._waiting: deque[tuple[Server, Poll, tuple[Event, ...]]] = deque(maxlen=_KEEP)
        self._trouble = ""

    @property
    def decides(self) -> bool:
        """Whether alerts are decided on here."""
        return self._since is not None

    def decide(self, now: float, *, allowed: bool) -> None:
        """Decide on alerts from now on, or leave it to who does and follow what is recorded."""
        if allowed and not self.decides:
            self._restore(everything=True)
            self._since = now
        elif not allowed:
            self._since = None
        self._restore(everything=not allowed)

    def _restore(self, *, everything: bool) -> None:
        with suppress(LictuiError):  # then what is known here stands
            if self._history:
                (self.standings.restore if everything else self.standings.hear)(self._history)
        self._stand()

    def record(self, polls: Iterable[tuple[Server, Poll, float | None]]) -> None:
        """Take in polls that just ended, each with the time its server is due again."""
        said: list[Said] = []
        for server, poll, due in polls:
            before = self.board.of(server.name)
            if before is None:
                continue  # removed while it was being polled
            self.board = boards.apply(self.board, poll, due)
            after = self.board.of(server.name)
            apart = self._apart(server)
            levels = not self.decides
            events = changes(before, after, self.alerts, apart, levels=levels) if after else ()
            happened = self._look(after, poll.at) if after else ()
            said += happened
            self._waiting.append((server, poll, (*events, *lines(happened))))
        self._tell(said)

    def age(self, now: float) -> None:
        """Notice the servers of which no poll comes back any more."""
        before = {status.server.name: status for status in self.board.servers}
        self.board = boards.age(self.board, now)
        if self._since is None:
            return
        look = now - self._looked >= _LOOK
        said: list[Said] = []
        for status in self.board.servers:
            old = before[status.server.name]
            # That lictui itself was away is not the server's fault.
            away = now - self._since <= STALE_AFTER * status.server.every
            if status.state is State.STALE and not away and (look or old.state is not State.STALE):
                self._looked = now
                happened = self._look(status, now)
                self.standings.add(changes(old, status, self.alerts))
                self.standings.add(lines(happened))
                said += happened
        self._tell(said)

    def dismiss(self, servers: Iterable[Server], now: float) -> None:
        """Let go of the alerts of every server but these."""
        if self.decides:
            self._tell(self.standings.dismiss(servers, now))

    def answer(self, who: Identity, answer: Answer | None, by: str, now: float) -> None:
        """Note what somebody says to an alert; None takes it back. Raises LictuiError."""
        found = next((each for each in self.standings.everything if each.who == who), None)
        if found is None:
            return
        if self._history:
            self._history.answer(who, answer, (answered(found, answer, by, now),))
        if answer is None:
            self.standings.answers.pop(who, None)
        else:
            self.standings.answers[who] = answer
        self._stand()

    def renamed(self) -> None:
        """A server in the history has another name: what is remembered of it, too."""
        self._restore(everything=True)

    def add(self, event: Event) -> None:
        """One more line for the journal."""
        self.standings.add((event,))
        self._write()

    def _look(self, status: ServerStatus, now: float) -> tuple[Said, ...]:
        if not self.decides:
            return ()
        if any(each.server.same_as for each in self.board.servers):
            status = self._together.of(self.board).of(status.server.name) or status
        return self.standings.look(status, self.alerts, now, local_day(now, self.timezone))

    def _tell(self, said: Sequence[Said]) -> None:
        self._write()
        self._stand()
        if said and self._heard:
            self._heard(tuple(said))

    def _stand(self) -> None:
        if self.decides or self._history:
            stand = self.standings.everything
            answers = dict(self.standings.answers)
            if (stand, answers) != (self.board.standing, self.board.answers):
                self.board = replace(self.board, standing=stand, answers=answers)

    def _apart(self, server: Server) -> frozenset[PoolKey]:
        """The pools of a server that another way to read it stands for; seldom any."""
        if not any(status.server.same_as for status in self.board.servers):
            return frozenset()
        return doubles(self._together.of(self.board), server.name)

    def note(self, notices: Sequence[str]) -> None:
        """Put lasting notices on the board, beside the recorder's own trouble."""
        mine = (self._trouble,) if self._trouble else ()
        self.board = replace(self.board, notices=(*notices, *mine))

    def _write(self) -> None:
        if self._history is None:
            self.standings.written(lambda _: None)  # there is nowhere to
            return
        if not (self._waiting or self.standings.waiting):
            return
        others = [notice for notice in self.board.notices if notice != self._trouble]
        try:
            self.standings.written(self._append)
        except LictuiError as error:
            if not self._trouble:
                _log.error("%s (%s)", error.message, error.hint)
            self._trouble = f"{error.message}; {len(self._waiting)} polls wait to be written"
        else:
            self._waiting.clear()
            self._trouble = ""
        self.note(others)

    def _append(self, decided: Decided) -> None:
        if self._history:
            self._history.append_many(tuple(self._waiting), decided or None)


# What an idle feature was when it was last in use: lmstat tells dates only while one is held


def recalled(server: Server, before: Snapshot | None, now: Snapshot) -> Snapshot:
    """`now`, its pools that tell no dates completed by what `before` told of the same product.

    FlexNet's detail lines, which hold version, expiry and kind, are printed for features in use.
    """
    by_lmstat = server.source is SourceName.LMSTAT or server.format == SourceName.LMSTAT
    if before is None or not by_lmstat:
        return now
    known: dict[str, list[Pool]] = {}
    for pool in before.pools:
        if not _bare(pool):
            known.setdefault(pool.product, []).append(pool)
    pools = tuple(
        _completed(pool, known[pool.product][0])
        if _bare(pool) and len(known.get(pool.product, ())) == 1
        else pool
        for pool in now.pools
    )
    return now if pools == now.pools else replace(now, pools=pools)


def _bare(pool: Pool) -> bool:
    return pool.subscription_date is None and pool.expires is None and pool.permanent is None


def _completed(pool: Pool, told: Pool) -> Pool:
    # A feature that belongs to machines is printed like any other while nobody uses it.
    bound = told.reading.installed is None
    return replace(
        pool,
        model=told.model,
        reading=replace(pool.reading, installed=None) if bound else pool.reading,
        license_type=pool.license_type or told.license_type,
        subscription_date=told.subscription_date,
        expires=told.expires,
        permanent=told.permanent,
        partly=told.partly,
        counted=told.counted,
    )
