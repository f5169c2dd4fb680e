"""The engine: registry, poller, recorder and history, tied together in one event loop.

It opens and closes everything, and looks after configuration changes, the polling lease, the clock
and retention. It runs with or without a screen. Whatever may block (the history, files of the
configuration) is called in threads of their own; what cannot be written waits in memory.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from lictui.clock import ClockWatch, PastClock, local_date
from lictui.config import registry
from lictui.config.loader import ConfigWatcher, LoadedConfig
from lictui.config.secrets import store_secret
from lictui.config.settings import Settings
from lictui.engine import board as boards
from lictui.engine.actions import ActionRunner
from lictui.engine.alert_state import acknowledgement_event, duration_text
from lictui.engine.alerts import current_alerts
from lictui.engine.board import Board, MergedBoard
from lictui.engine.long_term import EngineReader, PushWorker
from lictui.engine.merge import merge_board, same_as_warnings
from lictui.engine.poller import LEASE_SECONDS, Lease, Poller, SourceFactory, host_and_process
from lictui.engine.queries import HistoryQueries, open_history, query_license_users, with_history
from lictui.engine.recorder import Recorder
from lictui.engine.thread import BackgroundTasks, LoopThread
from lictui.errors import LictuiError
from lictui.history.errors import HistoryError
from lictui.model import (
    DEFAULT_INTERVAL,
    Acknowledgement,
    AlertKey,
    Event,
    EventKind,
    Level,
    Poll,
    Server,
    StepResult,
)
from lictui.paths import Paths, current_user
from lictui.sources import open_source

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from lictui.clock import Clock
    from lictui.engine.board import ServerStatus
    from lictui.engine.license_users import LicenseUsers
    from lictui.engine.outlook import AnomalyChecker
    from lictui.history.csv_reader import ImportedPool
    from lictui.history.polls import LastPoll
    from lictui.history.store import History

_T = TypeVar("_T")

# Which servers a run polls, and how often


class RunScope(Struct, frozen=True):
    """Limits of this run: one group, another interval; "" and None for none."""

    group: str = ""
    interval: float | None = None  # seconds; overrides the interval of every server
    read_only: bool = False  # polls nothing and writes nothing
    push: str = ""  # URL; overrides [history] push

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
_ROUND: Final = 3.0  # seconds between checks of files, lease, clock and age
_LATE: Final = 10.0  # real seconds; after such a delay, missing polls are not the servers' fault
_LATE_NOTICE: Final = 60.0  # real seconds of a delay that is worth a line of the event log
_COMPACT_INTERVAL: Final = 600.0  # seconds
_ANOMALY_INTERVAL: Final = 60.0  # seconds between searches for servers that are due
_PUSH_INTERVAL: Final = 15.0  # seconds between two looks for figures to push
_PATIENCE: Final = 1.0  # seconds that the start waits for a history that is slow, or locked


class Engine:
    """Opens everything, polls until it is closed, closes everything; all in one event loop."""

    def __init__(
        self,
        paths: Paths,
        clock: Clock,
        scope: RunScope | None = None,
        open_source: SourceFactory = open_source,
        thread: Callable[[str], LoopThread] = LoopThread,
    ) -> None:
        self.settings = Settings()
        self.board = MergedBoard()  # the newest one
        self._paths = paths
        self._clock = clock
        self._scope = scope or RunScope()
        self._watcher = ConfigWatcher(paths)
        self._doubted: LoadedConfig | None = None  # a configuration that has lost servers
        self._files, self._history_thread = thread("files"), thread("history")
        self._polls: asyncio.Queue[tuple[Server, Poll, float]] = asyncio.Queue()
        self._poller = Poller(
            clock, open_source, lambda *poll: self._polls.put_nowait(poll), self._report_restart
        )
        self._tasks = BackgroundTasks(clock, self._report_restart, _ROUND)
        self._publish: Callable[[MergedBoard, Settings], None] = lambda _board, _settings: None
        self._publish_error = ""
        self._history: History | None = None
        self.history = HistoryQueries(
            self._history_thread, clock, lambda: self.board, lambda: self.settings
        )
        self._reader = EngineReader(paths, clock, thread, self.history)
        self._lease = Lease(clock, read_only=self._scope.read_only)
        self._actions = ActionRunner(clock, self._log_event, file=paths.data_dir / "actions.json")
        self._push_worker = PushWorker(paths, clock, thread, self._notify, self._scope.push)
        self._recorder = Recorder(Board(), self.settings.alerts, self._actions.submit)
        self._registry: tuple[Server, ...] = ()
        self._notices: dict[str, tuple[str, ...]] = {}  # by subject
        self._compacted_at = self._watched_at = clock.monotonic()
        self._clock_watch = ClockWatch(clock)
        self._is_outdated = False  # acknowledgements in the history are: write them again
        self._unwritten = asyncio.Event()
        self._writing = asyncio.Lock()
        self._opening = asyncio.Lock()
        self._asked: dict[object, float] = {}  # what the history has not answered, and since when
        self._late_work: set[asyncio.Task[None]] = set()
        self._anomaly_checker: AnomalyChecker | None = None
        self._followed: dict[str, float] = {}  # by server: the last poll that another lictui wrote

    async def open(self) -> None:
        """Read the configuration, open the history, restore the board of the last run.

        Never raises for what a user can fix: that becomes a notice on the board.
        """
        if config := await self._files.run(self._watcher.reload_if_changed):
            self._configure(config)
        self._recorder.board = boards.with_servers(Board(), self._scope.select(self._registry))
        self._notices["history"] = (f"the history {self._paths.history} does not respond yet",)
        await self._wait_a_little(self._keep_history_open())
        self._show()

    async def start(self, publish: Callable[[MergedBoard, Settings], None]) -> None:
        """Start polling; every new board is passed to `publish`, in this thread."""
        self._publish = publish
        self._recorder.running_since = self._clock.now()
        await self._wait_a_little(self._renew_lease())
        self._recorder.evaluates_alerts = self._lease.is_held
        self._poller.set_enabled(allowed=self._lease.is_held)
        await self._update_poller()
        self._show()
        start = self._tasks.start
        start("recording", self._record)
        start("writing", self._write_when_needed)
        start("history", self._look_after_history, _ROUND, delay=_ROUND)
        if not isinstance(self._clock, PastClock):
            start("clock", self._watch, _ROUND, delay=_ROUND)
            start("questions", self._update_reader, _ROUND)
            start("pushing", self._push, _PUSH_INTERVAL, delay=_PUSH_INTERVAL)
        start("configuration", self._reconfigure, _ROUND, delay=_ROUND)
        start("anomalies", self._check_anomalies, _ANOMALY_INTERVAL, delay=_ANOMALY_INTERVAL)

    async def close(self) -> None:
        """Stop polling, record what has arrived, close everything: what hangs is left behind."""
        await self._tasks.stop()
        await self._poller.stop()
        self._record_queued()
        await self._wait_a_little(self._close_history())
        await self._actions.close()
        await self._wait_a_little(self._push_worker.close())
        await self._wait_a_little(self._reader.close())
        if unwritten := len(self._recorder.take_unwritten().polls):
            _log.error("the history cannot be written: %d polls are lost", unwritten)
        for task in self._late_work:
            task.cancel()
        self._history_thread.stop()
        self._files.stop()

    def poll_now(self, name: str | None = None) -> None:
        """Poll one server, or all enabled ones, without waiting for their turn."""
        if not self._scope.read_only:
            self._poller.poll_now(name)
        elif isinstance(self._clock, PastClock):  # it was moved: show that time
            task = asyncio.create_task(self._look_after_history())
            self._late_work.add(task)
            task.add_done_callback(self._late_work.discard)

    async def reload(self) -> None:
        """Apply the configuration now; servers that are missing in it were removed."""
        await self._reconfigure(trusted=True)

    async def acknowledge(self, key: AlertKey, acknowledgement: Acknowledgement | None) -> None:
        """Acknowledge or snooze an alert; None removes that. Raises LictuiError."""
        store = self._recorder.alert_store
        state = next((state for state in store.states if state.key == key), None)
        if state is None:
            return
        if self._history:
            event = acknowledgement_event(state, acknowledgement, current_user(), self._clock.now())
            await self._in_history(
                lambda history: history.set_acknowledgement(key, acknowledgement, (event,))
            )
        if acknowledgement is None:
            store.acknowledgements.pop(key, None)
        else:
            store.acknowledgements[key] = acknowledgement
        self._recorder.show_alerts()
        self._show()

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
            await self._files.run(registry.add_server, self._paths, server)
        else:
            changes = registry.changed_keys(replacing, server)
            await self._files.run(registry.edit_server, self._paths, replacing.name, changes)
            if self._history and replacing.name != server.name:
                await self._write()
                await self._in_history(
                    lambda history: history.rename_server(replacing.name, server.name)
                )
                await self._load_alerts()
                self._history_thread.notify(self._reader.use_local, self._history)
        await self._reconfigure(trusted=True)

    async def store_secret(self, name: str, secret: str) -> str:
        """Store a password in a private file; return the reference. Raises LictuiError."""
        return await self._files.run(store_secret, self._paths, name, secret)

    async def remove(self, name: str) -> None:
        """Remove a server from the registry; its history is kept. Raises LictuiError."""
        await self._files.run(registry.remove_server, self._paths, name)
        self._recorder.clear(name, self._clock.now())
        await self._reconfigure(trusted=True)

    async def import_readings(self, imported: ImportedPool) -> None:
        """Import readings of the past; questions are answered with them. Raises LictuiError."""

        def write(history: History) -> None:
            history.import_readings((imported,))
            self._reader.use_local(history)  # forgets what it had computed

        await self._in_history(write)

    # Polls

    async def _record(self) -> None:
        """Record polls; those that arrive together share a transaction and a board."""
        self._record_queued(await self._polls.get())
        self._unwritten.set()
        self._show()

    def _record_queued(self, *first: tuple[Server, Poll, float]) -> None:
        self._check_clock()
        polls = list(first)
        while not self._polls.empty():
            polls.append(self._polls.get_nowait())
        self._recorder.record(polls)

    async def _update_poller(self) -> None:
        servers = [
            self._scope.with_interval(server, self.settings.interval)
            for server in self._scope.select(self._registry)
        ]
        intervals = (server.effective_interval for server in servers if server.enabled)
        self._lease.interval = min(intervals, default=LEASE_SECONDS)
        await self._poller.update_servers(servers, self.settings.limits, self._recorder.board)

    def _show(self, *, always: bool = False) -> None:
        """Publish the board if it changed. What fails there must not end the recording."""
        notices = tuple(notice for notices in self._notices.values() for notice in notices)
        if notices != self._recorder.board.notices:
            self._recorder.board = replace(self._recorder.board, notices=notices)
        board = self._recorder.merged_board
        if board == self.board and not always:
            return
        self.board = board
        try:
            self._publish(board, self.settings)
        except Exception as error:  # noqa: BLE001 - a terminal that is gone, a full disk
            if str(error) != self._publish_error:
                self._publish_error = str(error)
                _log.warning("a change could not be reported: %r", error)

    # Background tasks and the clock

    def _log_event(self, event: Event) -> None:
        self._recorder.alert_store.add_journal_lines((event,))
        self._unwritten.set()

    def _notify(self, message: str, level: Level = Level.WARN) -> None:
        _log.warning("%s", message)
        self._log_event(Event(self._clock.now(), EventKind.NOTICE, "", message, "", level))

    def _report_restart(self, name: str, error: BaseException | None) -> None:
        _log.error("%s ended", name, exc_info=error)
        reason = type(error).__name__ if error else "canceled"
        self._notify(f"internal error in {name} ({reason}), started again: see lictui.log")

    def _check_clock(self) -> None:
        if step := self._clock_watch.step():
            self._recorder.shift(step)
            self._is_outdated = True
            direction = "forward" if step > 0 else "back"
            self._notify(f"the system clock was set {direction} by {duration_text(abs(step))}")

    async def _watch(self) -> None:
        """Look at the clock, and at servers whose polls are missing."""
        elapsed = self._clock.monotonic()
        late, self._watched_at = elapsed - self._watched_at - _ROUND, elapsed
        self._check_clock()
        now = self._clock.now()
        if late > _LATE * self._clock.speed:
            self._recorder.running_since = now
            self._poller.poll_overdue()
        if late > _LATE_NOTICE * self._clock.speed:
            self._notify(f"lictui did not run for {duration_text(late)}: suspended or stopped")
        self._recorder.mark_stale(now)
        self._recorder.clear_removed(self._registry, now, elapsed)
        future = [
            status.server.name
            for status in self._recorder.board.servers
            if status.polled_at is not None and status.polled_at > now + boards.FUTURE
        ]
        message = f"last poll dated in the future by a wrong clock: {', '.join(future)}"
        self._notices["clock"] = (message,) if future else ()
        blocked = elapsed - min(self._asked.values(), default=elapsed)
        message = f"the history {self._paths.history} does not respond; polls are kept in memory"
        self._notices["blocked"] = (message,) if blocked > _LATE * self._clock.speed else ()
        self._show()

    async def _check_anomalies(self) -> None:
        """Check for unusual usage, long after the first frame, where alerts are evaluated."""
        if self._history is None or not self._recorder.evaluates_alerts:
            return
        if self._anomaly_checker is None:
            from lictui.engine.outlook import AnomalyChecker

            self._anomaly_checker = AnomalyChecker(self._history, self._clock)
        anomalies = self._recorder.alert_store.anomalies
        await self._history_thread.call(
            self._anomaly_checker.check(self.board, self.settings, anomalies)
        )

    async def _push(self) -> None:
        if self._history is not None and self._lease.is_held:
            board = self._recorder.board
            notices = await self._push_worker.push(self.settings, self._registry, board)
            self._notices["push"] = notices
            self._show()

    async def _update_reader(self) -> None:
        notices = await self._reader.update(self.settings, self._registry, self._history)
        self._notices["engine"] = notices
        self._show()

    # Configuration

    async def _reconfigure(self, *, trusted: bool = False) -> None:
        """Apply a changed configuration; servers that are missing must be so at two looks."""
        config = await self._files.run(self._watcher.reload_if_changed) or self._doubted
        if config is None:
            return
        lost = {server.name for server in self._registry} - {s.name for s in config.servers}
        if lost and not trusted and config is not self._doubted:
            self._doubted = config
            return
        self._doubted = None
        self._configure(config)
        self._recorder.alerts = self.settings.alerts
        self._recorder.timezone = self.settings.timezone
        self._recorder.board = boards.with_servers(
            self._recorder.board, self._scope.select(self._registry)
        )
        with suppress(LictuiError):
            await self._restore()
        await self._update_poller()
        self._show(always=True)
        await self._write()

    def _configure(self, config: LoadedConfig) -> None:
        self.settings, self._registry = config.settings, config.servers
        self._actions.actions = config.settings.actions
        self._notices["config"] = tuple(map(str, config.problems))
        self._notices["same_as"] = same_as_warnings(config.servers)
        self._notices["interval"] = self._scope.interval_warnings(
            self._scope.select(config.servers)
        )

    # The history

    async def _in_history(self, function: Callable[[History], _T]) -> _T:
        """Call a function with the history, in its thread. Raises LictuiError."""

        async def call() -> _T:
            if self._history is None:
                raise HistoryError("the history is not open")
            result = function(self._history)
            if self._history.is_replaced():
                raise HistoryError("the history was deleted or replaced")
            return result

        question = call()
        self._asked[question] = self._clock.monotonic()
        try:
            return await self._history_thread.call(question)
        finally:
            del self._asked[question]

    async def _look_after_history(self) -> None:
        """Open it if that failed or it was replaced; write what waits; follow other lictui."""
        try:
            await self._keep_history_open()
            await self._renew_lease()
            await self._write()
            age = self._clock.monotonic() - self._compacted_at
            if age >= _COMPACT_INTERVAL and not self._scope.read_only:
                self._compacted_at = self._clock.monotonic()
                await self._in_history(lambda history: history.compact())
        except LictuiError as error:
            _log.info("%s", error.message)
        self._show()

    async def _keep_history_open(self) -> None:
        async with self._opening:
            before = self._history
            if before is None or await self._files.run(before.is_replaced):
                await self._open_history(before)

    async def _open_history(self, before: History | None) -> None:
        def reopen() -> History:
            if before:
                before.close()
                self._reader.use_local(None)
            read_only = self._scope.read_only
            after = open_history(self._paths, self.settings, self._clock, read_only=read_only)
            self._reader.use_local(after)
            return after

        try:
            self._history = await self._history_thread.run(reopen)
        except LictuiError as error:
            message = f"{error.message}; polls are kept in memory until it can be used"
            self._notices["history"] = (f"{message}. {error.hint}",)
            raise
        self._notices["history"] = self._history.notices
        self._anomaly_checker = None
        await self._restore()
        if before:
            self._recorder.alert_store.rewrite()
            self._is_outdated = True
            self._notify(f"{before.path} was deleted, moved or replaced: opened again")
        elif not self._recorder.alert_store.states:
            await self._load_alerts()

    async def _close_history(self) -> None:
        with suppress(LictuiError):
            await self._write()
            if self._lease.is_held:
                await self._in_history(lambda history: history.release_lease(self._lease.holder))
        with suppress(LictuiError):
            await self._in_history(lambda history: history.close())
        self._history = None
        self._history_thread.notify(self._reader.use_local, None)

    async def _renew_lease(self) -> None:
        """Poll and evaluate alerts, or show what another lictui records."""
        polled = self._recorder.evaluates_alerts
        await self._in_history(self._lease.renew)
        allowed = self._lease.is_held
        if allowed and polled:
            if self._is_outdated:
                await self._in_history(self._write_acknowledgements)
                self._is_outdated = False
            acknowledgements = await self._in_history(lambda history: history.acknowledgements())
            self._recorder.alert_store.load_acknowledgements(acknowledgements)
            self._recorder.show_alerts()
        else:
            await self._restore(follow=True)
            await self._load_alerts()
            if allowed:
                self._recorder.running_since = self._clock.now()
                self._actions.restore()
        self._recorder.evaluates_alerts = allowed
        self._poller.set_enabled(allowed=allowed)
        host, process = host_and_process(self._lease.poller)
        is_viewing = not allowed and not self._scope.read_only
        poller = f"{host} ({process})" if is_viewing else ""
        self._recorder.board = replace(self._recorder.board, poller=poller)

    def _write_acknowledgements(self, history: History) -> None:
        for key, acknowledgement in list(self._recorder.alert_store.acknowledgements.items()):
            history.set_acknowledgement(key, acknowledgement)

    async def _load_alerts(self) -> None:
        states, acknowledgements = await self._in_history(
            lambda history: (history.alert_states(), history.acknowledgements())
        )
        now = self._clock.now()
        if isinstance(self._clock, PastClock):  # as if all were raised together
            board = merge_board(self._recorder.board, self.settings.alerts)
            found = current_alerts(board, local_date(now, self.settings.timezone))
            states = tuple(replace(state, raised_at=state.since or now) for state in found)
        self._recorder.alert_store.load(states, acknowledgements, now)
        self._recorder.show_alerts()

    async def _restore(self, *, follow: bool = False) -> None:
        """Take over polls from the history: of servers not polled yet, or all newer ones."""

        def is_newer(status: ServerStatus, last: LastPoll) -> bool:
            known = self._followed.get(status.server.name)
            self._followed[status.server.name] = last.polled_at
            return status.polled_at is None or (follow and known != last.polled_at)

        before = self._recorder.board
        after = await self._in_history(lambda history: with_history(before, history, is_newer))
        restored = {id(old): new for old, new in zip(before.servers, after.servers, strict=True)}
        current = self._recorder.board
        servers = tuple(restored.get(id(status), status) for status in current.servers)
        self._recorder.board = replace(current, servers=servers)

    async def _write_when_needed(self) -> None:
        await self._unwritten.wait()
        self._unwritten.clear()
        await self._write()

    async def _write(self) -> None:
        """Write what waits; what cannot be written waits longer."""
        async with self._writing:
            unwritten = self._recorder.take_unwritten()
            if not unwritten:
                return
            try:
                await self._in_history(
                    lambda history: history.append_many(unwritten.polls, unwritten.changes)
                )
            except BaseException as error:
                waiting = self._recorder.put_back(unwritten)
                if not isinstance(error, LictuiError):
                    raise
                lost = f", {self._recorder.lost} are lost" if self._recorder.lost else ""
                reason = f"{error.message}; " if self._history else ""  # else it is shown already
                if reason and not self._notices.get("write"):
                    _log.error("%s (%s)", error.message, error.hint)
                self._notices["write"] = (f"{reason}{waiting} polls not written yet{lost}",)
            else:
                self._notices["write"] = ()
        self._show()

    async def _wait_a_little(self, work: Coroutine[Any, Any, None]) -> None:
        """Do some work, but continue without it when it takes long. Errors are notices."""

        async def attempt() -> None:
            with suppress(LictuiError):  # perhaps when nobody waits for it anymore
                await work

        task = asyncio.create_task(attempt())
        self._late_work.add(task)
        task.add_done_callback(self._late_work.discard)
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await asyncio.shield(task)
