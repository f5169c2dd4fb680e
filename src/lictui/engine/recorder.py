"""What a poll does: it changes the board, and goes into history, event log and alerts."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field
from msgspec.structs import replace

from lictui.clock import local_date
from lictui.engine import board as boards
from lictui.engine.alert_state import AlertStore, journal_lines
from lictui.engine.journal import change_events
from lictui.engine.merge import BoardMerger, duplicate_pool_keys
from lictui.history.journal import AlertChanges
from lictui.model import (
    AlertEvent,
    AlertState,
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
    from lictui.engine.board import Board, MergedBoard, ServerStatus

_MAX_WAITING: Final = 20_000  # polls kept in memory while the history cannot be written
_STALE_INTERVAL: Final = 60.0  # seconds between evaluations of servers that stay stale

ServerPoll = tuple[Server, Poll, tuple[Event, ...]]


class Unwritten(Struct, frozen=True):
    """What is not in the history yet."""

    polls: tuple[ServerPoll, ...] = ()
    changes: AlertChanges = field(default_factory=AlertChanges)

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.polls or self.changes)


class Recorder:
    """Applies polls to the board, and keeps what is to be written. Does no I/O, never raises.

    Alerts are evaluated only where `evaluates_alerts` is set: not by a single `lictui status`, nor
    by a lictui that follows another one. Their events are passed to `on_alert_events`.
    """

    def __init__(
        self,
        board: Board,
        alerts: AlertSettings,
        on_alert_events: Callable[[tuple[AlertEvent, ...]], None] = lambda _events: None,
    ) -> None:
        self.board = board
        self.alerts = alerts
        self.timezone = ""
        self.alert_store = AlertStore()
        self.evaluates_alerts = False
        self.running_since = 0.0  # UTC epoch seconds; polls missing before then were not made
        self.lost = 0  # polls that were never written, because too many waited
        self._on_alert_events = on_alert_events
        self._stale_checked_at = 0.0
        self._merger = BoardMerger()
        self._waiting: deque[ServerPoll] = deque()

    @property
    def merged_board(self) -> MergedBoard:
        """The board with each license server once."""
        return self._merger.merge(self.board, self.alerts)

    def record(self, polls: Iterable[tuple[Server, Poll, float | None]]) -> None:
        """Record polls that have just ended, each with the time its server is due again."""
        alert_events: list[AlertEvent] = []
        for server, result, due in polls:
            before = self.board.find(server.name)
            if before is None:
                continue  # removed while it was being polled
            poll = _with_earlier_dates(server, before.snapshot, result)
            if poll.result == before.snapshot:  # the same figures need memory once
                poll = replace(poll, result=before.snapshot)
            self.board = boards.apply_poll(self.board, poll, due)
            after = self.board.find(server.name) or before
            # Pools for which another data source is used; merging for nothing costs every poll.
            duplicates = (
                duplicate_pool_keys(self.merged_board, server.name)
                if self._has_aliases
                else frozenset()
            )
            levels = not self.evaluates_alerts
            changes = change_events(before, after, self.alerts, duplicates, levels=levels)
            events = self._evaluate(after, poll.time)
            alert_events += events
            self._waiting.append((server, poll, (*changes, *journal_lines(events))))
        self._limit_waiting()
        self._publish_alerts(alert_events)

    def mark_stale(self, now: float) -> None:
        """Mark servers whose polls are missing as stale, and evaluate their alerts."""
        before = {status.server.name: status for status in self.board.servers}
        self.board = boards.mark_stale(self.board, now, self.running_since)
        if not self.evaluates_alerts:
            return
        recheck = now - self._stale_checked_at >= _STALE_INTERVAL
        alert_events: list[AlertEvent] = []
        for status in self.board.servers:
            previous = before[status.server.name]
            if status.state is not State.STALE:
                continue
            if recheck or previous.state is not State.STALE:
                self._stale_checked_at = now
                events = self._evaluate(status, now)
                self.alert_store.add_journal_lines(change_events(previous, status, self.alerts))
                self.alert_store.add_journal_lines(journal_lines(events))
                alert_events += events
        self._publish_alerts(alert_events)

    def shift(self, seconds: float) -> None:
        """Follow a clock that was set forward by `seconds`: durations stay as they are."""
        self.board = boards.shifted(self.board, seconds)
        self.alert_store.shift(seconds)
        self.running_since += seconds
        self._stale_checked_at += seconds
        self._publish_alerts()

    def clear_removed(self, servers: Iterable[Server], now: float, elapsed: float) -> None:
        """Clear the alerts of every server but these, a few minutes after it was removed."""
        if self.evaluates_alerts:
            self._publish_alerts(self.alert_store.clear_removed(servers, now, elapsed))

    def clear(self, name: str, now: float) -> None:
        """Clear the alerts of a server immediately."""
        if self.evaluates_alerts:
            self._publish_alerts(self.alert_store.clear((name,), now))

    def take_unwritten(self) -> Unwritten:
        """Return what is to be written to the history; from now on it counts as written."""
        polls = tuple(self._waiting)
        self._waiting.clear()
        return Unwritten(polls, self.alert_store.take_changes())

    def put_back(self, unwritten: Unwritten) -> int:
        """Keep what could not be written; return how many polls are waiting."""
        self._waiting.extendleft(reversed(unwritten.polls))
        self.alert_store.put_back(unwritten.changes)
        self._limit_waiting()
        return len(self._waiting)

    def _limit_waiting(self) -> None:
        while len(self._waiting) > _MAX_WAITING:
            self._waiting.popleft()
            self.lost += 1

    @property
    def _has_aliases(self) -> bool:
        """Whether any server is a second data source."""
        return any(status.server.same_as for status in self.board.servers)

    def _evaluate(self, status: ServerStatus, now: float) -> tuple[AlertEvent, ...]:
        if not self.evaluates_alerts:
            return ()
        if self._has_aliases or status.server.entitlement:
            status = self.merged_board.find(status.server.name) or status
        today = local_date(now, self.timezone)
        return self.alert_store.evaluate(status, self.alerts, now, today)

    def _publish_alerts(self, events: Sequence[AlertEvent] = ()) -> None:
        if self.evaluates_alerts or self.board.alert_states is not None:
            self.show_alerts()
        if events:
            self._on_alert_events(tuple(events))

    def show_alerts(self) -> None:
        """Put the alerts on the board."""
        states: tuple[AlertState, ...] = self.alert_store.states
        acknowledgements = dict(self.alert_store.acknowledgements)
        if (states, acknowledgements) != (self.board.alert_states, self.board.acknowledgements):
            self.board = replace(self.board, alert_states=states, acknowledgements=acknowledgements)


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


_DATED: Final = "model subscription_date expires permanent partial_expiry counted".split()


def _completed(pool: Pool, earlier: Pool) -> Pool:
    # An idle node-locked feature is printed with a count like any other.
    node_locked = earlier.reading.installed is None
    return replace(
        pool,
        reading=replace(pool.reading, installed=None) if node_locked else pool.reading,
        license_type=pool.license_type or earlier.license_type,
        **{name: getattr(earlier, name) for name in _DATED},
    )
