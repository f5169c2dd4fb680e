"""The engine: registry, poller, recorder and history, tied together in one loop.

Owns what is open, and the round of small duties: configuration that changed, the lease, age,
retention. Runs with or without a screen. Must not know threads.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from lictui.config import registry
from lictui.config.reload import ConfigWatcher, LoadedConfig
from lictui.config.settings import Limits, Settings
from lictui.engine import board as boards
from lictui.engine.actions import ActionRunner
from lictui.engine.board import Board, MergedBoard
from lictui.engine.merge import same_as_warnings
from lictui.engine.poller import Poller, SourceFactory, poll_server
from lictui.engine.queries import HistoryQueries
from lictui.engine.recorder import Recorder
from lictui.engine.restore import open_history, with_last_polls
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
from lictui.sources.source import open_source

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from lictui.clock import Clock
    from lictui.engine.license_users import LicenseUsers
    from lictui.history.store import History


# Who polls, when several lictui share a data dir: one does, the others follow what it records


LEASE_SECONDS: Final = 30.0  # a holder that died is replaced after this long


class Lease:
    """This process's claim on polling; without a history there is nobody to share with."""

    def __init__(self, history: History | None, clock: Clock) -> None:
        self._history = history
        self._clock = clock
        self.holder = f"{socket.gethostname()}:{os.getpid()}:{id(self):x}"  # unique; see _is_dead
        self.is_held = False

    def renew(self) -> bool:
        """Claim or prolong; True while this process is the one that polls.

        A history that cannot be asked leaves things as they were.
        """
        if self._history is None:
            self.is_held = True
            return True
        try:
            self.is_held = self._claim(self._history)
        except LictuiError:
            self.is_held = True  # rather two that poll than none
        return self.is_held

    def _claim(self, history: History) -> bool:
        now = self._clock.now()
        if history.claim_lease(self.holder, until=now + LEASE_SECONDS, now=now):
            return True
        other = history.lease_holder()
        if not _is_dead(other):
            return False
        history.release_lease(other)
        return history.claim_lease(self.holder, until=now + LEASE_SECONDS, now=now)

    def release(self) -> None:
        """Let another one poll at once."""
        if self._history is not None and self.is_held:
            try:
                self._history.release_lease(self.holder)
            except LictuiError:
                return  # it runs out by itself
            finally:
                self.is_held = False


def _is_dead(holder: str) -> bool:
    """Whether `holder` was a process of this machine that is gone, so that nobody need wait."""
    host, _, rest = holder.rpartition(":")[0].rpartition(":")
    if host != socket.gethostname() or not rest.isdecimal() or os.name == "nt":
        return False
    try:
        os.kill(int(rest), 0)  # signal 0 asks, and does nothing
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False


# Which servers a run is about, and how often they are asked


@dataclass(frozen=True, slots=True)
class RunScope:
    """Which servers this run is about, and how often; "" and None leave things as they are."""

    group: str = ""
    interval: float | None = None  # seconds, over whatever the registry says

    def select(self, servers: tuple[Server, ...]) -> tuple[Server, ...]:
        """The servers in scope."""
        return tuple(server for server in servers if self.group in ("", server.group))

    def interval_warnings(self, servers: tuple[Server, ...]) -> tuple[str, ...]:
        """A warning, if what was asked for is more than a source's own default."""
        usual = max((DEFAULT_INTERVAL[server.source] for server in servers), default=0.0)
        if self.interval is None or self.interval >= usual:
            return ()
        return (f"polling every {self.interval:g} s, where {usual:g} s is the shortest advised",)

    def with_interval(self, server: Server, default: float | None) -> Server:
        """The same server, at the pace it is to be polled with."""
        return replace(server, interval=self.interval or server.interval or default)


_log = logging.getLogger(__name__)
_ROUND: Final = 3.0  # seconds between two looks at files, lease and age
_COMPACT_EVERY: Final = 600.0  # seconds
_HABITS_EVERY: Final = 60.0  # seconds between two looks for servers that are to be looked at
_FOLLOWS: Final = "another lictui polls these servers; this one shows what it records"


class Engine:
    """Opens everything, polls for ever, closes everything; all in the loop it is called in."""

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
        self._arrived: asyncio.Queue[tuple[Server, Poll, float]] = asyncio.Queue()
        self._poller = Poller(clock, open_source, self._take)
        self._duties: list[asyncio.Task[None]] = []
        self._publish: Callable[[MergedBoard, Settings], None] = _to_nobody
        self._history: History | None = None
        self.queries = HistoryQueries(None, clock)
        self._lease = Lease(None, clock)
        self._acting = ActionRunner(clock, self._note)
        self._recorder = Recorder(Board(), None, self.settings.alerts)
        self._registry: tuple[Server, ...] = ()
        self._notices: dict[str, tuple[str, ...]] = {}  # by what they are about
        self._compacted = clock.monotonic()

    @property
    def board(self) -> MergedBoard:
        """The newest board."""
        return self._recorder.merged_board

    async def open(self) -> None:
        """Read the configuration, open the history, restore the board of the last run.

        Never raises for what a user can mend: what is wrong becomes a notice on the board.
        """
        if found := self._watcher.reload_if_changed():
            self._configure(found)
        try:
            self._history = open_history(self._paths, self.settings, self._clock)
            self._notices["history"] = self._history.notices
            self.queries = HistoryQueries(self._history, self._clock)
        except LictuiError as error:
            self._notices["history"] = (f"{error.message}; nothing is recorded. {error.hint}",)
        self._lease = Lease(self._history, self._clock)
        board = boards.with_servers(Board(), self._scope.select(self._registry))
        self._recorder = Recorder(board, self._history, self.settings.alerts, self._acting.submit)
        self._recorder.timezone = self.settings.timezone
        self._restore()
        self._recorder.enable_alerts(
            self._clock.now(), allowed=False
        )  # so far: the lease is not asked
        self._show()

    async def start(self, publish: Callable[[MergedBoard, Settings], None]) -> None:
        """Poll from now on; every new board goes to `publish`, in this loop's thread."""
        self._publish = publish
        self._hold_lease()
        self._recorder.clear_removed(self._registry, self._clock.now())
        await self._serve()
        self._duties = [
            asyncio.create_task(self._record(), name="record"),
            asyncio.create_task(self._rounds(), name="rounds"),
            asyncio.create_task(self._habits(), name="habits"),
        ]

    async def close(self) -> None:
        """Stop polling, write what has arrived, let go of everything."""
        for duty in self._duties:
            duty.cancel()
        await asyncio.gather(*self._duties, return_exceptions=True)
        await self._poller.stop()
        await self.queries.aclose()
        self._write_arrived()
        await self._acting.close()
        self._lease.release()
        if self._history:
            self._history.close()
            self._history = None
            self.queries = HistoryQueries(None, self._clock)

    def poll_now(self, name: str | None = None) -> None:
        """Poll one server, or all enabled ones, without waiting for their turn."""
        self._poller.poll_now(name)

    async def acknowledge(self, who: AlertKey, answer: Acknowledgement | None) -> None:
        """Note what somebody says to an alert; None takes it back. Raises LictuiError."""
        self._recorder.acknowledge(who, answer, current_user(), self._clock.now())
        self._publish(self.board, self.settings)

    async def license_users(self, server: str, product: str) -> LicenseUsers:
        """Who holds `product` of a server now, as far as one may know; never raises."""
        from lictui.engine.queries import query_license_users  # noqa: PLC0415 - seldom asked

        return await query_license_users(
            self._registry,
            server,
            product,
            settings=self.settings,
            paths=self._paths,
            clock=self._clock,
        )

    async def test(self, server: Server) -> AsyncIterator[StepResult]:
        """Try `server` step by step; each finding as its step ends."""
        from lictui.sources.probe import probe  # noqa: PLC0415 - start-up does not test

        async for finding in probe(server, self.settings.limits, self._clock):
            yield finding

    async def save(self, server: Server, replacing: str | None = None) -> None:
        """Write `server` to the registry, in place of `replacing`; raises LictuiError."""
        if replacing is None:
            registry.add_server(self._paths, server)
        else:
            registry.edit_server(self._paths, replacing, server)
            if self._history and replacing != server.name:
                self._history.rename_server(replacing, server.name)
                self._recorder.reload_alerts()
                await self.queries.aclose()
                self.queries = HistoryQueries(self._history, self._clock)
        await self._reconfigure()

    async def remove(self, name: str) -> None:
        """Take a server out of the registry; its history stays. Raises LictuiError."""
        registry.remove_server(self._paths, name)
        await self._reconfigure()

    def _take(self, server: Server, poll: Poll, due: float) -> None:
        self._arrived.put_nowait((server, poll, due))

    async def _record(self) -> None:
        """Write what arrives; what arrives together goes into one transaction and one board."""
        while True:
            first = await self._arrived.get()
            self._arrived.put_nowait(first)
            self._write_arrived()
            self._publish(self.board, self.settings)

    def _write_arrived(self) -> None:
        polls = []
        while not self._arrived.empty():
            polls.append(self._arrived.get_nowait())
        self._recorder.record(polls)

    async def _rounds(self) -> None:
        while True:
            await self._clock.sleep(_ROUND)
            try:
                await self._round()
            except Exception:  # noqa: BLE001 - one bad round must not be the last
                _log.exception("a round of duties")

    async def _habits(self) -> None:
        """Look for what is unusual, long after the first frame, and only where alerts are made."""
        await self._clock.sleep(_HABITS_EVERY)
        if self._history is None:
            return
        from lictui.engine.anomalies import AnomalyChecker  # noqa: PLC0415 - start-up looks at no past

        habits = AnomalyChecker(self._history, self._clock)
        while True:
            try:
                if self._recorder.alerts_enabled:
                    found = self._recorder.alert_store.anomalies
                    await habits.check(self.board, self.settings, found)
            except Exception:  # noqa: BLE001 - one bad look must not be the last
                _log.exception("a look for what is unusual")
            await self._clock.sleep(_HABITS_EVERY)

    async def _round(self) -> None:
        before = self.board
        self._hold_lease()
        await self._reconfigure()
        if not self._lease.is_held:
            self._restore()
        self._recorder.mark_stale(self._clock.now())
        if self._clock.monotonic() - self._compacted >= _COMPACT_EVERY and self._history:
            self._compacted = self._clock.monotonic()
            self._history.compact()
        if self.board != before:
            self._publish(self.board, self.settings)

    def _hold_lease(self) -> None:
        held = self._lease.renew()
        self._poller.set_enabled(allowed=held)
        self._recorder.enable_alerts(self._clock.now(), allowed=held)
        self._notices["lease"] = () if held else (_FOLLOWS,)
        self._show()

    async def _reconfigure(self) -> None:
        found = self._watcher.reload_if_changed()
        if found is None:
            return
        self._configure(found)
        self._recorder.alerts = self.settings.alerts
        self._recorder.timezone = self.settings.timezone
        self._recorder.board = boards.with_servers(
            self._recorder.board, self._scope.select(self._registry)
        )
        self._recorder.clear_removed(self._registry, self._clock.now())
        self._restore()
        self._show()
        await self._serve()
        self._publish(self.board, self.settings)

    def _configure(self, found: LoadedConfig) -> None:
        self.settings, self._registry = found.settings, found.servers
        self._acting.actions = found.settings.actions
        self._notices["config"] = tuple(map(str, found.problems))
        self._notices["same_as"] = same_as_warnings(found.servers)
        self._notices["pace"] = self._scope.interval_warnings(self._scope.select(found.servers))

    async def _serve(self) -> None:
        paced = [
            self._scope.with_interval(server, self.settings.interval)
            for server in self._scope.select(self._registry)
        ]
        await self._poller.update_servers(paced, self.settings.limits, self._recorder.board)

    def _note(self, event: Event) -> None:
        self._recorder.add_event(event)

    def _restore(self) -> None:
        """Take over from the history what is newer there: the last run's, or another lictui's."""
        if self._history:
            self._recorder.board = with_last_polls(self._recorder.board, self._history.last_polls())

    def _show(self) -> None:
        notices = [notice for about in self._notices.values() for notice in about]
        self._recorder.set_notices(notices)


def _to_nobody(_board: MergedBoard, _settings: Settings) -> None:
    """Where boards go before anyone listens."""


# Every server polled once, recorded, and that is that: what `status` shows


async def poll_once(
    servers: tuple[Server, ...],
    settings: Settings,
    paths: Paths,
    clock: Clock,
    *,
    timeout: float | None = None,  # noqa: ASYNC109 - handed on to every poll
    contact: bool = True,
) -> Board:
    """The board after one poll of every enabled server, all at once; each within `timeout` s.

    Without `contact` nobody is asked, and the board is what was recorded last, at its age.
    A history that cannot be opened is a notice on the board.
    """
    history, notices = _open(paths, settings, clock)
    try:
        board = boards.with_servers(Board(), servers)
        if history:
            board = with_last_polls(board, history.last_polls())
        recorder = Recorder(board, history, settings.alerts)
        recorder.set_notices(notices)
        recorder.enable_alerts(clock.now(), allowed=False)
        if contact:
            limits = settings.limits if timeout is None else _within(settings.limits, timeout)
            enabled = [server for server in servers if server.enabled]
            polls = await _poll_all(enabled, limits, clock)
            recorder.record(
                (server, each, None) for server, each in zip(enabled, polls, strict=True)
            )
        return boards.mark_stale(recorder.board, clock.now())
    finally:
        if history:
            history.close()


def _open(paths: Paths, settings: Settings, clock: Clock) -> tuple[History | None, tuple[str, ...]]:
    try:
        history = open_history(paths, settings, clock)
    except LictuiError as error:
        return None, (f"{error.message}; nothing is recorded. {error.hint}",)
    return history, history.notices


def _within(limits: Limits, timeout: float) -> Limits:
    return replace(limits, timeout=timeout, connect_timeout=min(timeout, limits.connect_timeout))


async def _poll_all(servers: list[Server], limits: Limits, clock: Clock) -> list[Poll]:
    places = asyncio.Semaphore(limits.concurrency)

    async def one(server: Server) -> Poll:
        source = open_source(server, limits, clock)
        try:
            async with places:
                return await poll_server(server, source, limits.timeout, clock)
        finally:
            await source.aclose()

    return list(await asyncio.gather(*map(one, servers)))
