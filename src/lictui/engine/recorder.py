"""What a poll does: it changes the board, and goes into history, event log and alerts."""

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
    Server,
    Snapshot,
    SourceName,
    State,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from lictui.config.settings import AlertSettings
    from lictui.history.store import History

_log = logging.getLogger(__name__)
_MAX_WAITING: Final = 100_000  # polls kept in memory while the history cannot be written
_STALE_INTERVAL: Final = 60.0  # seconds between evaluations of servers that stay stale


class Recorder:
    """Applies polls to the board and writes them to the history. Never raises.

    Alerts are evaluated only while `enable_alerts` allows it: not by a single `lictui status`, nor
    by a lictui that follows another one. Their events are passed to `on_alert_events`.
    """

    def __init__(
        self,
        board: Board,
        history: History | None,
        alerts: AlertSettings,
        on_alert_events: Callable[[tuple[AlertEvent, ...]], None] | None = None,
    ) -> None:
        self.board = board
        self.alerts = alerts
        self.timezone = ""
        self.alert_store = AlertStore()
        self._history = history
        self._on_alert_events = on_alert_events
        self._alerts_since: float | None = None  # when the evaluation of alerts was enabled
        self._stale_checked_at = 0.0
        self._merger = BoardMerger()
        self._waiting: deque[tuple[Server, Poll, tuple[Event, ...]]] = deque(maxlen=_MAX_WAITING)
        self._write_error = ""

    @property
    def merged_board(self) -> MergedBoard:
        """The board with each license server once."""
        return self._merger.merge(self.board, self.alerts)

    @property
    def alerts_enabled(self) -> bool:
        """Whether alerts are evaluated here."""
        return self._alerts_since is not None

    def enable_alerts(self, now: float, *, allowed: bool) -> None:
        """Evaluate alerts from now on, or follow what another lictui records."""
        if not allowed:
            self._alerts_since = None
        if not self.alerts_enabled:
            self.reload_alerts()
        if allowed:
            self._alerts_since = now if self._alerts_since is None else self._alerts_since
            with suppress(LictuiError):  # keep the earlier ones
                if self._history:
                    self.alert_store.reload_acknowledgements(self._history)
            self._publish_alerts()

    def reload_alerts(self) -> None:
        """Take over all alerts from the history, for example after a server was renamed."""
        with suppress(LictuiError):  # keep the earlier ones
            if self._history:
                self.alert_store.load(self._history)
        self._publish_alerts()

    def record(self, polls: Iterable[tuple[Server, Poll, float | None]]) -> None:
        """Record polls that have just ended, each with the time its server is due again."""
        alert_events: list[AlertEvent] = []
        for server, result, due in polls:
            before = self.board.find(server.name)
            if before is None:
                continue  # removed while it was being polled
            poll = _with_earlier_dates(server, before.snapshot, result)
            self.board = boards.apply_poll(self.board, poll, due)
            after = self.board.find(server.name) or before
            # Pools for which another data source is used; merging for nothing costs every poll.
            duplicates = (
                duplicate_pool_keys(self.merged_board, server.name)
                if self._has_aliases
                else frozenset()
            )
            levels = not self.alerts_enabled
            changes = change_events(before, after, self.alerts, duplicates, levels=levels)
            events = self._evaluate(after, poll.time)
            alert_events += events
            self._waiting.append((server, poll, (*changes, *journal_lines(events))))
        self._flush(alert_events)

    def mark_stale(self, now: float) -> None:
        """Mark servers whose polls are missing as stale, and evaluate their alerts."""
        before = {status.server.name: status for status in self.board.servers}
        self.board = boards.mark_stale(self.board, now)
        if self._alerts_since is None:
            return
        recheck = now - self._stale_checked_at >= _STALE_INTERVAL
        alert_events: list[AlertEvent] = []
        for status in self.board.servers:
            previous = before[status.server.name]
            # Polls that are missing because lictui itself did not run are no fault of the server.
            interval = status.server.effective_interval
            just_started = now - self._alerts_since <= STALE_AFTER_POLLS * interval
            if status.state is not State.STALE or just_started:
                continue
            if recheck or previous.state is not State.STALE:
                self._stale_checked_at = now
                events = self._evaluate(status, now)
                self.alert_store.add_journal_lines(change_events(previous, status, self.alerts))
                self.alert_store.add_journal_lines(journal_lines(events))
                alert_events += events
        self._flush(alert_events)

    def clear_removed(self, servers: Iterable[Server], now: float) -> None:
        """Clear the alerts of every server but these."""
        if self.alerts_enabled:
            self._flush(self.alert_store.clear_removed(servers, now))

    def acknowledge(
        self, key: AlertKey, acknowledgement: Acknowledgement | None, by: str, now: float
    ) -> None:
        """Acknowledge or snooze an alert; None removes that. Raises LictuiError."""
        state = next((state for state in self.alert_store.states if state.key == key), None)
        if state is None:
            return
        if self._history:
            event = acknowledgement_event(state, acknowledgement, by, now)
            self._history.set_acknowledgement(key, acknowledgement, (event,))
        if acknowledgement is None:
            self.alert_store.acknowledgements.pop(key, None)
        else:
            self.alert_store.acknowledgements[key] = acknowledgement
        self._publish_alerts()

    def add_event(self, event: Event) -> None:
        """Add a line to the event log."""
        self.alert_store.add_journal_lines((event,))
        self._write()

    def set_notices(self, notices: Sequence[str]) -> None:
        """Put lasting problems on the board, next to the recorder's own."""
        own = (self._write_error,) if self._write_error else ()
        self.board = replace(self.board, notices=(*notices, *own))

    @property
    def _has_aliases(self) -> bool:
        """Whether any server is a second data source."""
        return any(status.server.same_as for status in self.board.servers)

    def _evaluate(self, status: ServerStatus, now: float) -> tuple[AlertEvent, ...]:
        if not self.alerts_enabled:
            return ()
        if self._has_aliases or status.server.entitlement:
            status = self.merged_board.find(status.server.name) or status
        today = local_date(now, self.timezone)
        return self.alert_store.evaluate(status, self.alerts, now, today)

    def _flush(self, alert_events: Sequence[AlertEvent]) -> None:
        self._write()
        self._publish_alerts()
        if alert_events and self._on_alert_events:
            self._on_alert_events(tuple(alert_events))

    def _publish_alerts(self) -> None:
        if self.alerts_enabled or self._history:
            states = self.alert_store.states
            acknowledgements = dict(self.alert_store.acknowledgements)
            shown = (self.board.alert_states, self.board.acknowledgements)
            if (states, acknowledgements) != shown:
                self.board = replace(
                    self.board, alert_states=states, acknowledgements=acknowledgements
                )

    def _write(self) -> None:
        history = self._history
        if history is None:
            self.alert_store.flush(lambda _: None)
            return
        if not (self._waiting or self.alert_store.has_pending_writes):
            return
        notices = [notice for notice in self.board.notices if notice != self._write_error]
        try:
            self.alert_store.flush(
                lambda changes: history.append_many(tuple(self._waiting), changes or None)
            )
        except LictuiError as error:
            if not self._write_error:
                _log.error("%s (%s)", error.message, error.hint)
            self._write_error = f"{error.message}; {len(self._waiting)} polls not written yet"
        else:
            self._waiting.clear()
            self._write_error = ""
        self.set_notices(notices)


# Dates of idle features: lmstat prints them only while a license is in use


def _with_earlier_dates(server: Server, before: Snapshot | None, poll: Poll) -> Poll:
    """The poll, its undated pools completed from the snapshot before it.

    The detail lines of lmstat, with version, expiry and kind, are printed for features in use only.
    Without their dates the pools would get another key, and a series of their own, when idle.
    """
    by_lmstat = server.source is SourceName.LMSTAT or server.format == SourceName.LMSTAT
    if before is None or not by_lmstat or not isinstance(poll.result, Snapshot):
        return poll
    dated: dict[str, list[Pool]] = {}
    for pool in before.pools:
        if not _is_undated(pool):
            dated.setdefault(pool.product, []).append(pool)
    pools = tuple(
        _completed(pool, dated[pool.product][0])
        if _is_undated(pool) and len(dated.get(pool.product, ())) == 1
        else pool
        for pool in poll.result.pools
    )
    return replace(poll, result=replace(poll.result, pools=pools))


def _is_undated(pool: Pool) -> bool:
    return pool.subscription_date is None and pool.expires is None and pool.permanent is None


def _completed(pool: Pool, earlier: Pool) -> Pool:
    # An idle node-locked feature is printed with a count like any other.
    node_locked = earlier.reading.installed is None
    return replace(
        pool,
        model=earlier.model,
        reading=replace(pool.reading, installed=None) if node_locked else pool.reading,
        license_type=pool.license_type or earlier.license_type,
        subscription_date=earlier.subscription_date,
        expires=earlier.expires,
        permanent=earlier.permanent,
        partial_expiry=earlier.partial_expiry,
        counted=earlier.counted,
    )
