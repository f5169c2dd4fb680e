"""What a poll does: onto the board, into the history and, if it changed something, the journal.

Owns the board, and the polls that the history could not take yet. Must not know when to poll.
"""

from __future__ import annotations

import logging
from collections import deque
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from lictui.clock import local_date
from lictui.engine import board as boards
from lictui.engine.alert_state import AlertStore, acknowledgement_event, journal_lines
from lictui.engine.board import STALE_AFTER_POLLS, Board, MergedBoard, ServerStatus
from lictui.engine.journal import change_events
from lictui.engine.merge import BoardMerger, duplicate_pool_keys
from lictui.errors import LictuiError
from lictui.model import (
    Acknowledgement,
    AlertEvent,
    AlertKey,
    Event,
    Poll,
    Pool,
    PoolKey,
    Server,
    Snapshot,
    SourceName,
    State,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from lictui.config.settings import AlertSettings
    from lictui.history.journal import AlertChanges
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
        alerts: AlertSettings,
        heard: Callable[[tuple[AlertEvent, ...]], None] | None = None,
    ) -> None:
        self.board = board
        self.alerts = alerts
        self.timezone = ""
        self.alert_store = AlertStore()
        self._history = history
        self._heard = heard
        self._since: float | None = None  # when it began to decide on alerts
        self._looked = 0.0
        self._merger = BoardMerger()
        self._waiting: deque[tuple[Server, Poll, tuple[Event, ...]]] = deque(maxlen=_KEEP)
        self._trouble = ""

    @property
    def merged_board(self) -> MergedBoard:
        """The board with each license server once."""
        return self._merger.merge(self.board, self.alerts)

    @property
    def alerts_enabled(self) -> bool:
        """Whether alerts are decided on here."""
        return self._since is not None

    def enable_alerts(self, now: float, *, allowed: bool) -> None:
        """Decide on alerts from now on, or leave it to who does and follow what is recorded."""
        if allowed and not self.alerts_enabled:
            self._restore(everything=True)
            self._since = now
        elif not allowed:
            self._since = None
        self._restore(everything=not allowed)

    def _restore(self, *, everything: bool) -> None:
        with suppress(LictuiError):  # then what is known here stands
            if self._history:
                (self.alert_store.load if everything else self.alert_store.reload_acknowledgements)(
                    self._history
                )
        self._stand()

    def record(self, polls: Iterable[tuple[Server, Poll, float | None]]) -> None:
        """Take in polls that just ended, each with the time its server is due again."""
        said: list[AlertEvent] = []
        for server, poll, due in polls:
            before = self.board.find(server.name)
            if before is None:
                continue  # removed while it was being polled
            if isinstance(poll.result, Snapshot):
                completed = with_recalled_dates(server, before.snapshot, poll.result)
                poll = replace(poll, result=completed)  # noqa: PLW2901 - what is recorded
            self.board = boards.apply_poll(self.board, poll, due)
            after = self.board.find(server.name)
            apart = self._apart(server)
            levels = not self.alerts_enabled
            events = (
                change_events(before, after, self.alerts, apart, levels=levels) if after else ()
            )
            happened = self._look(after, poll.time) if after else ()
            said += happened
            self._waiting.append((server, poll, (*events, *journal_lines(happened))))
        self._tell(said)

    def mark_stale(self, now: float) -> None:
        """Notice the servers of which no poll comes back any more."""
        before = {status.server.name: status for status in self.board.servers}
        self.board = boards.mark_stale(self.board, now)
        if self._since is None:
            return
        look = now - self._looked >= _LOOK
        said: list[AlertEvent] = []
        for status in self.board.servers:
            old = before[status.server.name]
            # That lictui itself was away is not the server's fault.
            away = now - self._since <= STALE_AFTER_POLLS * status.server.effective_interval
            if status.state is State.STALE and not away and (look or old.state is not State.STALE):
                self._looked = now
                happened = self._look(status, now)
                self.alert_store.add_journal_lines(change_events(old, status, self.alerts))
                self.alert_store.add_journal_lines(journal_lines(happened))
                said += happened
        self._tell(said)

    def clear_removed(self, servers: Iterable[Server], now: float) -> None:
        """Let go of the alerts of every server but these."""
        if self.alerts_enabled:
            self._tell(self.alert_store.clear_removed(servers, now))

    def acknowledge(
        self, who: AlertKey, answer: Acknowledgement | None, by: str, now: float
    ) -> None:
        """Note what somebody says to an alert; None takes it back. Raises LictuiError."""
        found = next((each for each in self.alert_store.states if each.key == who), None)
        if found is None:
            return
        if self._history:
            self._history.set_acknowledgement(
                who, answer, (acknowledgement_event(found, answer, by, now),)
            )
        if answer is None:
            self.alert_store.acknowledgements.pop(who, None)
        else:
            self.alert_store.acknowledgements[who] = answer
        self._stand()

    def reload_alerts(self) -> None:
        """A server in the history has another name: what is remembered of it, too."""
        self._restore(everything=True)

    def add_event(self, event: Event) -> None:
        """One more line for the journal."""
        self.alert_store.add_journal_lines((event,))
        self._write()

    def _look(self, status: ServerStatus, now: float) -> tuple[AlertEvent, ...]:
        if not self.alerts_enabled:
            return ()
        if any(each.server.same_as for each in self.board.servers):
            status = self.merged_board.find(status.server.name) or status
        return self.alert_store.evaluate(status, self.alerts, now, local_date(now, self.timezone))

    def _tell(self, said: Sequence[AlertEvent]) -> None:
        self._write()
        self._stand()
        if said and self._heard:
            self._heard(tuple(said))

    def _stand(self) -> None:
        if self.alerts_enabled or self._history:
            stand = self.alert_store.states
            answers = dict(self.alert_store.acknowledgements)
            if (stand, answers) != (self.board.alert_states, self.board.acknowledgements):
                self.board = replace(self.board, alert_states=stand, acknowledgements=answers)

    def _apart(self, server: Server) -> frozenset[PoolKey]:
        """The pools of a server that another way to read it stands for; seldom any."""
        if not any(status.server.same_as for status in self.board.servers):
            return frozenset()
        return duplicate_pool_keys(self.merged_board, server.name)

    def set_notices(self, notices: Sequence[str]) -> None:
        """Put lasting notices on the board, beside the recorder's own trouble."""
        mine = (self._trouble,) if self._trouble else ()
        self.board = replace(self.board, notices=(*notices, *mine))

    def _write(self) -> None:
        if self._history is None:
            self.alert_store.flush(lambda _: None)  # there is nowhere to
            return
        if not (self._waiting or self.alert_store.has_pending_writes):
            return
        others = [notice for notice in self.board.notices if notice != self._trouble]
        try:
            self.alert_store.flush(self._append)
        except LictuiError as error:
            if not self._trouble:
                _log.error("%s (%s)", error.message, error.hint)
            self._trouble = f"{error.message}; {len(self._waiting)} polls wait to be written"
        else:
            self._waiting.clear()
            self._trouble = ""
        self.set_notices(others)

    def _append(self, decided: AlertChanges) -> None:
        if self._history:
            self._history.append_many(tuple(self._waiting), decided or None)


# What an idle feature was when it was last in use: lmstat tells dates only while one is held


def with_recalled_dates(server: Server, before: Snapshot | None, now: Snapshot) -> Snapshot:
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
        partial_expiry=told.partial_expiry,
        counted=told.counted,
    )
