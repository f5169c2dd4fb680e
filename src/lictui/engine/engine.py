"""The engine: registry, poller, recorder and history, tied together in one event loop.

It opens and closes everything, and looks after configuration changes, the polling lease, stale
servers and retention. It runs with or without a screen.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from lictui.config import registry
from lictui.config.loader import ConfigWatcher, LoadedConfig
from lictui.config.settings import Limits, Settings
from lictui.engine import board as boards
from lictui.engine.actions import ActionRunner
from lictui.engine.board import Board, MergedBoard
from lictui.engine.merge import same_as_warnings
from lictui.engine.poller import Poller, SourceFactory, poll_server
from lictui.engine.queries import HistoryQueries, open_history, query_license_users, with_history
from lictui.engine.recorder import Recorder
from lictui.errors import LictuiError
from lictui.model import (
    DEFAULT_INTERVAL,
    Acknowledgement,
    AlertKey,
    Event,
    Poll,
    Server,
    StepResult,
)
from lictui.paths import Paths, current_user
from lictui.sources import open_source

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from lictui.clock import Clock
    from lictui.engine.license_users import LicenseUsers
    from lictui.history.store import History


# Which of several lictui that share a data dir polls: the others show what that one records


LEASE_SECONDS: Final = 30.0  # a process that died is replaced after this time


class Lease:
    """The right of this process to poll. Without a history there is nobody to share it with."""

    def __init__(self, history: History | None, clock: Clock) -> None:
        self._history = history
        self._clock = clock
        self.holder = f"{socket.gethostname()}:{os.getpid()}:{id(self):x}"  # unique; see _is_dead
        self.is_held = False

    def renew(self) -> bool:
        """Claim or prolong the lease; True while this process is the one that polls."""
        try:
            self.is_held = self._history is None or self._claim(self._history)
        except LictuiError:
            self.is_held = True  # two processes that poll are better than none
        return self.is_held

    def _claim(self, history: History) -> bool:
        now = self._clock.now()
        if history.claim_lease(self.holder, until=now + LEASE_SECONDS, now=now):
            return True
        holder = history.lease_holder()
        if not _is_dead(holder):
            return False
        history.release_lease(holder)
        return history.claim_lease(self.holder, until=now + LEASE_SECONDS, now=now)

    def release(self) -> None:
        """Let another process poll immediately."""
        if self._history is not None and self.is_held:
            with suppress(LictuiError):  # else it expires by itself
                self._history.release_lease(self.holder)
        self.is_held = False


def _is_dead(holder: str) -> bool:
    """Whether `holder` was a process of this machine that has ended."""
    host, _, process = holder.rpartition(":")[0].rpartition(":")
    if host != socket.gethostname() or not process.isdecimal() or os.name == "nt":
        return False
    try:
        os.kill(int(process), 0)  # signal 0 only checks
    except (ProcessLookupError, PermissionError, OverflowError) as error:
        return isinstance(error, ProcessLookupError)
    return False


# Which servers a run polls, and how often


@dataclass(frozen=True, slots=True)
class RunScope:
    """Limits of this run: one group, another interval; "" and None for none."""

    group: str = ""
    interval: float | None = None  # seconds; overrides the interval of every server

    def select(self, servers: tuple[Server, ...]) -> tuple[Server, ...]:
        """The servers of the group."""
        return tuple(server for server in servers if self.group in ("", server.group))

    def interval_warnings(self, servers: tuple[Server, ...]) -> tuple[str, ...]:
        """A warning if servers are polled more often than their sources recommend."""
        minimum = max((DEFAULT_INTERVAL[server.source] for server in servers), default=0.0)
        if self.interval is None or self.interval >= minimum:
            return ()
        advice = f"recommended minimum is {minimum:g} s (Citrix guidance)"
        return (f"polling every {self.interval:g} s; {advice}",)

    def with_interval(self, server: Server, default: float | None) -> Server:
        """The server with the interval that it is polled at."""
        return replace(server, interval=self.interval or server.interval or default)


_log = logging.getLogger(__name__)
_MAINTENANCE_INTERVAL: Final = 3.0  # seconds between checks of files, lease and age
_COMPACT_INTERVAL: Final = 600.0  # seconds
_ANOMALY_INTERVAL: Final = 60.0  # seconds between searches for servers that are due
_VIEWING_ONLY: Final = "Viewing only: another lictui instance is polling"


class Engine:
    """Opens everything, polls until it is closed, closes everything; all in one event loop."""

    def __init__(
        self,
        paths: Paths,
        clock: Clock,
        scope: RunScope | None = None,
        open_source: SourceFactory = open_source,
    ) -> None:
        self.settings = Settings()
        self._paths = paths
        self._clock = clock
        self._scope = scope or RunScope()
        self._watcher = ConfigWatcher(paths)
        self._polls: asyncio.Queue[tuple[Server, Poll, float]] = asyncio.Queue()
        self._poller = Poller(clock, open_source, lambda *poll: self._polls.put_nowait(poll))
        self._tasks: list[asyncio.Task[None]] = []
        self._publish: Callable[[MergedBoard, Settings], None] = lambda _board, _settings: None
        self._history: History | None = None
        self.history = self._history_queries()
        self._lease = Lease(None, clock)
        self._actions = ActionRunner(clock, self._log_event)
        self._recorder = Recorder(Board(), None, self.settings.alerts)
        self._registry: tuple[Server, ...] = ()
        self._notices: dict[str, tuple[str, ...]] = {}  # by subject
        self._compacted_at = clock.monotonic()

    @property
    def board(self) -> MergedBoard:
        """The newest board."""
        return self._recorder.merged_board

    def _history_queries(self) -> HistoryQueries:
        return HistoryQueries(self._history, self._clock, lambda: self.board, lambda: self.settings)

    async def open(self) -> None:
        """Read the configuration, open the history, restore the board of the last run.

        Never raises for what a user can fix: that becomes a notice on the board.
        """
        if config := self._watcher.reload_if_changed():
            self._configure(config)
        self._history, self._notices["history"] = _open(self._paths, self.settings, self._clock)
        self.history = self._history_queries()
        self._lease = Lease(self._history, self._clock)
        board = boards.with_servers(Board(), self._scope.select(self._registry))
        self._recorder = Recorder(board, self._history, self.settings.alerts, self._actions.submit)
        self._recorder.timezone = self.settings.timezone
        self._restore()
        # No alerts before the lease says that this process polls.
        self._recorder.enable_alerts(self._clock.now(), allowed=False)
        self._publish_notices()

    async def start(self, publish: Callable[[MergedBoard, Settings], None]) -> None:
        """Start polling; every new board is passed to `publish`, in this thread."""
        self._publish = publish
        self._renew_lease()
        self._recorder.clear_removed(self._registry, self._clock.now())
        await self._update_poller()
        self._tasks = [
            asyncio.create_task(self._record_loop(), name="record"),
            asyncio.create_task(self._maintenance_loop(), name="maintenance"),
            asyncio.create_task(self._anomaly_loop(), name="anomalies"),
        ]

    async def close(self) -> None:
        """Stop polling, record what has arrived, close everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._poller.stop()
        await self.history.aclose()
        self._record_queued()
        await self._actions.close()
        self._lease.release()
        if self._history:
            self._history.close()
            self._history = None
            self.history = self._history_queries()

    def poll_now(self, name: str | None = None) -> None:
        """Poll one server, or all enabled ones, without waiting for their turn."""
        self._poller.poll_now(name)

    async def acknowledge(self, key: AlertKey, acknowledgement: Acknowledgement | None) -> None:
        """Acknowledge or snooze an alert; None removes that. Raises LictuiError."""
        self._recorder.acknowledge(key, acknowledgement, current_user(), self._clock.now())
        self._publish(self.board, self.settings)

    async def query_license_users(self, server: str, product: str) -> LicenseUsers:
        """Query the users of licenses on a server, "" for every product; never raises."""
        return await query_license_users(
            self._registry,
            server,
            product,
            settings=self.settings,
            paths=self._paths,
            clock=self._clock,
        )

    async def test(self, server: Server) -> AsyncIterator[StepResult]:
        """Test the connection to a server; yield each step as it ends."""
        from lictui.sources.probe import probe

        async for step in probe(server, self.settings.limits, self._clock):
            yield step

    async def save(self, server: Server, replacing: Server | None = None) -> None:
        """Add a server to the registry, or make `replacing` into it. Raises LictuiError.

        Of the server as it is in the registry now, only what differs from `replacing` changes.
        """
        if replacing is None:
            await asyncio.to_thread(registry.add_server, self._paths, server)
        else:
            changes = registry.changed_keys(replacing, server)
            await asyncio.to_thread(registry.edit_server, self._paths, replacing.name, changes)
            if self._history and replacing.name != server.name:
                self._history.rename_server(replacing.name, server.name)
                self._recorder.reload_alerts()
                await self.history.aclose()
                self.history = self._history_queries()
        await self._reconfigure()

    async def remove(self, name: str) -> None:
        """Remove a server from the registry; its history is kept. Raises LictuiError."""
        await asyncio.to_thread(registry.remove_server, self._paths, name)
        await self._reconfigure()

    async def _record_loop(self) -> None:
        """Record polls; those that arrive together share a transaction and a board."""
        while True:
            first = await self._polls.get()
            self._polls.put_nowait(first)
            self._record_queued()
            self._publish(self.board, self.settings)

    def _record_queued(self) -> None:
        polls = []
        while not self._polls.empty():
            polls.append(self._polls.get_nowait())
        self._recorder.record(polls)

    async def _maintenance_loop(self) -> None:
        while True:
            await self._clock.sleep(_MAINTENANCE_INTERVAL)
            try:
                await self._maintain()
            except Exception:  # noqa: BLE001 - one failure must not end the loop
                _log.exception("maintenance")

    async def _anomaly_loop(self) -> None:
        """Check for unusual usage, long after the first frame, where alerts are evaluated."""
        await self._clock.sleep(_ANOMALY_INTERVAL)
        if self._history is None:
            return
        from lictui.engine.outlook import AnomalyChecker

        checker = AnomalyChecker(self._history, self._clock)
        while True:
            try:
                if self._recorder.alerts_enabled:
                    anomalies = self._recorder.alert_store.anomalies
                    await checker.check(self.board, self.settings, anomalies)
            except Exception:  # noqa: BLE001 - one failure must not end the loop
                _log.exception("anomaly check")
            await self._clock.sleep(_ANOMALY_INTERVAL)

    async def _maintain(self) -> None:
        before = self.board
        self._renew_lease()
        await self._reconfigure()
        if not self._lease.is_held:
            self._restore()
        self._recorder.mark_stale(self._clock.now())
        if self._clock.monotonic() - self._compacted_at >= _COMPACT_INTERVAL and self._history:
            self._compacted_at = self._clock.monotonic()
            self._history.compact()
        if self.board != before:
            self._publish(self.board, self.settings)

    def _renew_lease(self) -> None:
        allowed = self._lease.renew()
        self._poller.set_enabled(allowed=allowed)
        self._recorder.enable_alerts(self._clock.now(), allowed=allowed)
        self._notices["lease"] = () if allowed else (_VIEWING_ONLY,)
        self._publish_notices()

    async def _reconfigure(self) -> None:
        config = self._watcher.reload_if_changed()
        if config is None:
            return
        self._configure(config)
        self._recorder.alerts = self.settings.alerts
        self._recorder.timezone = self.settings.timezone
        self._recorder.board = boards.with_servers(
            self._recorder.board, self._scope.select(self._registry)
        )
        self._recorder.clear_removed(self._registry, self._clock.now())
        self._restore()
        self._publish_notices()
        await self._update_poller()
        self._publish(self.board, self.settings)

    def _configure(self, config: LoadedConfig) -> None:
        self.settings, self._registry = config.settings, config.servers
        self._actions.actions = config.settings.actions
        self._notices["config"] = tuple(map(str, config.problems))
        self._notices["same_as"] = same_as_warnings(config.servers)
        self._notices["interval"] = self._scope.interval_warnings(
            self._scope.select(config.servers)
        )

    async def _update_poller(self) -> None:
        servers = [
            self._scope.with_interval(server, self.settings.interval)
            for server in self._scope.select(self._registry)
        ]
        await self._poller.update_servers(servers, self.settings.limits, self._recorder.board)

    def _log_event(self, event: Event) -> None:
        self._recorder.add_event(event)

    def _restore(self) -> None:
        """Take over newer polls from the history: of the last run, or of another lictui."""
        if self._history:
            self._recorder.board = with_history(self._recorder.board, self._history)

    def _publish_notices(self) -> None:
        notices = [notice for notices in self._notices.values() for notice in notices]
        self._recorder.set_notices(notices)


# One poll of every server, as `lictui status` needs it


async def poll_once(
    servers: tuple[Server, ...],
    settings: Settings,
    paths: Paths,
    clock: Clock,
    *,
    timeout: float | None = None,  # noqa: ASYNC109 - passed to every poll
    contact: bool = True,
) -> Board:
    """Poll every enabled server once, concurrently, each within `timeout` seconds.

    Without `contact` no server is polled, and the board shows what was recorded last. A history
    that cannot be opened becomes a notice on the board.
    """
    history, notices = _open(paths, settings, clock)
    try:
        board = boards.with_servers(Board(), servers)
        if history:
            board = with_history(board, history)
        recorder = Recorder(board, history, settings.alerts)
        recorder.set_notices(notices)
        recorder.enable_alerts(clock.now(), allowed=False)
        if contact:
            limits = settings.limits
            if timeout is not None:
                connect_timeout = min(timeout, limits.connect_timeout)
                limits = replace(limits, timeout=timeout, connect_timeout=connect_timeout)
            recorder.record(await _poll_all(servers, limits, clock))
        return boards.mark_stale(recorder.board, clock.now())
    finally:
        if history:
            history.close()


def _open(paths: Paths, settings: Settings, clock: Clock) -> tuple[History | None, tuple[str, ...]]:
    try:
        history = open_history(paths, settings, clock)
    except LictuiError as error:
        return None, (f"{error.message}; recording is disabled. {error.hint}",)
    return history, history.notices


async def _poll_all(
    servers: tuple[Server, ...], limits: Limits, clock: Clock
) -> list[tuple[Server, Poll, None]]:
    slots = asyncio.Semaphore(limits.concurrency)

    async def poll(server: Server) -> tuple[Server, Poll, None]:
        source = open_source(server, limits, clock)
        try:
            async with slots:
                return server, await poll_server(server, source, limits.timeout, clock), None
        finally:
            await source.aclose()

    return await asyncio.gather(*(poll(server) for server in servers if server.enabled))
