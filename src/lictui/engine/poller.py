"""Polling: a schedule for each server, and a task for each poll, by one lictui at a time."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import socket
import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from heapq import nsmallest
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from lictui.engine.thread import BackgroundTasks
from lictui.model import Failure, FailureKind, Poll, Server, Snapshot, State, Step
from lictui.sources.source import OnStep, Source, SourceError, distinct_pools

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lictui.clock import Clock
    from lictui.config.settings import Limits
    from lictui.engine.board import Board, ServerStatus
    from lictui.history.polls import LeaseRow
    from lictui.history.store import History


# One poll of one server; whatever goes wrong becomes a value


_log = logging.getLogger(__name__)


async def poll_server(server: Server, source: Source, timeout: float, clock: Clock) -> Poll:  # noqa: ASYNC109 - a timeout is a value here, not an exception
    """Poll a server once, for at most `timeout` seconds. Never raises.

    Latency and timeout are real seconds, even where the clock is a simulated one.
    """
    loop = asyncio.get_running_loop()
    started = step_started = loop.time()
    steps: list[tuple[Step, float]] = []

    def on_step(step: Step, _detail: str) -> None:
        nonlocal step_started
        steps.append((step, loop.time() - step_started))
        step_started = loop.time()

    result = _divided(await _fetch(server, source, timeout, on_step), server.quantity_divisor)
    return Poll(server.name, clock.now(), loop.time() - started, result, tuple(steps))


def _divided(result: Snapshot | Failure, divisor: int) -> Snapshot | Failure:
    """A result with its quantities divided, rounded down; what is in use stays."""
    if divisor <= 1 or isinstance(result, Failure):
        return result

    def divided(count: int | None) -> int | None:
        return None if count is None else count // divisor

    pools = []
    for pool in result.pools:
        formulas = dict(pool.formulas)
        for figure in ("installed", "overdraft"):
            formula = formulas.get(figure, figure)
            formulas[figure] = f"{f'({formula})' if ' ' in formula else formula} / {divisor}"
        reading = replace(
            pool.reading,
            installed=divided(pool.reading.installed),
            overdraft=divided(pool.reading.overdraft),
        )
        expiring, texts = divided(pool.reported_expiring), tuple(formulas.items())
        pools.append(replace(pool, reading=reading, reported_expiring=expiring, formulas=texts))
    return replace(result, pools=tuple(pools))


async def _fetch(
    server: Server, source: Source, deadline: float, on_step: OnStep
) -> Snapshot | Failure:
    try:
        async with asyncio.timeout(deadline):
            snapshot = await source.fetch(on_step)
        return replace(snapshot, pools=distinct_pools(snapshot.pools))
    except SourceError as error:
        return error.failure
    except TimeoutError:
        return Failure(
            FailureKind.TIMEOUT,
            f"no complete response within {deadline:g} s",
            "response too slow: check server load, or raise [polling] timeout",
        )
    except Exception as error:  # noqa: BLE001 - a defect of one source must not stop the others
        _log.exception("poll of %s", server.name)
        return Failure(
            FailureKind.PROTOCOL,
            f"unexpected response ({type(error).__name__})",
            "see lictui.log for details, and please report them",
        )


# Schedule of a server, in seconds of the monotonic clock


MAX_OFFSET_SHARE: Final = 0.1  # of the interval at most
MAX_OFFSET: Final = 30.0  # seconds, and never more than this
MAX_DOUBLINGS: Final = 3  # a failing server is polled after 2, 4, then 8 intervals


def start_offset(server: Server) -> float:
    """The offset of a server, so that 300 servers are not polled in the same second.

    It depends on the name only: every run polls at the same offsets.
    """
    share = zlib.crc32(server.name.encode()) / 2**32
    return share * min(server.effective_interval * MAX_OFFSET_SHARE, MAX_OFFSET)


def next_due(server: Server, due: float, now: float, pause: float) -> float:
    """The poll after `due`: a multiple of the interval later, at least `pause` after it.

    A poll that took longer than an interval skips the ones it missed: no drift, no overlap.
    """
    every = server.effective_interval
    behind = max(0.0, now - due)
    after = due + every * (math.floor(behind / every) + 1)
    return max(after, due + pause)


def wait_after(server: Server, result: Snapshot | Failure, failures: int, cap: float) -> float:
    """The pause before the next poll, after so many consecutive failures.

    A rejected password is tried less and less often, up to `cap`: directories lock accounts. An
    error of the configuration costs no server anything, and is not delayed.
    """
    every = server.effective_interval
    if not isinstance(result, Failure) or failures < 1 or result.kind is FailureKind.CONFIG:
        return every
    if result.kind is FailureKind.AUTH:
        return max(every, min(every * 2.0 ** min(failures - 1, 30), cap))
    return max(every, min(every * 2.0 ** min(failures - 1, MAX_DOUBLINGS), cap))


SourceFactory = Callable[[Server, "Limits", "Clock"], Source]
PollCallback = Callable[[Server, Poll, float], None]  # the poll, and the time of the next one

# Connections are closed between polls from this interval on (seconds): servers drop idle ones
# after about two minutes, and 1,000 open ones cost both sides.
_CLOSE_INTERVAL: Final = 120.0
_CLOSE_TIMEOUT: Final = 0.5  # seconds
_EARLY: Final = 0.001  # seconds that a timer may end too early
_RESTART_PAUSE: Final = 60.0  # seconds, after a defect of lictui


class Poller:
    """Polls every enabled server by its schedule, and reports each poll as it ends."""

    def __init__(
        self,
        clock: Clock,
        open_source: SourceFactory,
        report: PollCallback,
        report_restart: Callable[[str, BaseException | None], None] = lambda _name, _error: None,
    ) -> None:
        self._clock = clock
        self._open = open_source
        self._report = report
        self._report_restart = report_restart
        self._schedules: dict[str, _Schedule] = {}
        self._tasks = BackgroundTasks(clock, report_restart, _RESTART_PAUSE)
        self._is_started = False
        # Polls requested before the servers were known; None: of all servers.
        self._requested: set[str | None] = set()
        self._concurrency = 1
        self._is_enabled = False
        self._wake_up = asyncio.Event()  # something may be due now

    async def update_servers(self, servers: Iterable[Server], limits: Limits, board: Board) -> None:
        """Poll these servers from now on; unchanged ones keep their schedule."""
        enabled = {server.name: server for server in servers if server.enabled}
        outdated = [
            schedule
            for name, schedule in self._schedules.items()
            if schedule.server != enabled.get(name) or schedule.limits != limits
        ]
        await asyncio.gather(*map(self._stop, outdated))
        self._concurrency = limits.concurrency
        statuses = {status.server.name: status for status in board.servers}
        for name, server in enabled.items():
            if name not in self._schedules:
                due = self._first_due(server, statuses.get(name))
                is_requested = bool(self._requested & {name, None})
                self._schedules[name] = _Schedule(server, limits, due, is_requested)
        self._requested.clear()
        self._wake_up.set()
        if not self._is_started:
            self._is_started = True
            self._tasks.start("polling", self._start_polls)

    def _first_due(self, server: Server, status: ServerStatus | None) -> float:
        due = self._clock.monotonic()
        if status and status.state is State.UP and status.polled_at is not None:
            age = self._clock.now() - status.polled_at
            due += max(0.0, server.effective_interval - age) if age >= 0 else 0.0
        return due

    async def _start_polls(self) -> None:
        """Start the polls that are due or requested, as many as may run; wait for the next ones."""
        self._wake_up.clear()
        now = self._clock.monotonic() + _EARLY
        idle = [schedule for schedule in self._schedules.values() if schedule.poll is None]
        is_due = [s for s in idle if s.is_requested or (self._is_enabled and s.due <= now)]
        free = self._concurrency - (len(self._schedules) - len(idle))
        for schedule in nsmallest(free, is_due, key=attrgetter("due")):
            schedule.is_requested = False
            name = f"poll {schedule.server.name}"
            schedule.poll = asyncio.create_task(self._poll(schedule), name=name)
            schedule.poll.add_done_callback(partial(self._poll_ended, schedule))
        coming = (schedule.due for schedule in idle if schedule.due > now)
        await self._sleep_until(min(coming, default=math.inf))

    async def _sleep_until(self, due: float) -> None:
        """Wait until this time, or until something else may be due."""

        async def ring() -> None:
            await self._clock.sleep(due - self._clock.monotonic())
            self._wake_up.set()

        alarm = asyncio.create_task(ring()) if due < math.inf else None
        try:
            await self._wake_up.wait()
        finally:
            if alarm:
                alarm.cancel()

    async def _poll(self, schedule: _Schedule) -> None:
        """Poll a server, and report the poll."""
        server, limits = schedule.server, schedule.limits
        # Opened at the first poll: its imports must not delay the first screen.
        schedule.source = source = schedule.source or self._open(server, limits, self._clock)
        poll = await poll_server(server, source, limits.timeout, self._clock)
        if server.effective_interval >= _CLOSE_INTERVAL:
            await source.aclose()
        failed = isinstance(poll.result, Failure)
        schedule.failures = schedule.failures + 1 if failed else 0
        wait = wait_after(server, poll.result, schedule.failures, limits.max_backoff)
        now = self._clock.monotonic()
        # The offset counts only once: it shifts all later polls.
        offset = 0.0 if schedule.has_offset else start_offset(server)
        schedule.has_offset = True
        schedule.due = next_due(server, schedule.due, now, wait) + offset
        self._report(server, poll, self._clock.now() + schedule.due - now)

    def _poll_ended(self, schedule: _Schedule, poll: asyncio.Task[None]) -> None:
        schedule.poll = None
        error = None if poll.cancelled() else poll.exception()
        if (poll.cancelled() or error) and schedule in self._schedules.values():
            schedule.due = self._clock.monotonic() + _RESTART_PAUSE
            self._report_restart(poll.get_name(), error)
        self._wake_up.set()

    async def _stop(self, schedule: _Schedule) -> None:
        del self._schedules[schedule.server.name]
        if schedule.poll:
            schedule.poll.cancel()
            await asyncio.wait([schedule.poll], timeout=_CLOSE_TIMEOUT)
        if schedule.source:
            with suppress(Exception):  # a source that cannot be closed is not used any more
                async with asyncio.timeout(_CLOSE_TIMEOUT):
                    await schedule.source.aclose()

    def set_enabled(self, *, allowed: bool) -> None:
        """Enable or disable scheduled polls; requested ones happen either way."""
        self._is_enabled = allowed
        self._wake_up.set()

    def poll_now(self, name: str | None = None) -> None:
        """Poll one server now, or all of them; also before polling has started."""
        if not self._schedules:
            self._requested.add(name)
        for schedule in self._schedules.values():
            if name in (None, schedule.server.name):
                schedule.is_requested = True
        self._wake_up.set()

    def poll_overdue(self) -> None:
        """Poll what is due: timers do not count the time that the machine was suspended."""
        self._wake_up.set()

    async def stop(self) -> None:
        """End all polls and close all connections."""
        await self._tasks.stop()
        await asyncio.gather(*map(self._stop, list(self._schedules.values())))


class _Schedule(Struct, eq=False):
    """One server, when it is due, and its open source."""

    server: Server
    limits: Limits
    due: float  # monotonic seconds
    is_requested: bool
    has_offset: bool = False
    failures: int = 0  # consecutive ones
    source: Source | None = None
    poll: asyncio.Task[None] | None = None  # that is running


# Which of several lictui that share a data dir polls: the others show what that one records


LEASE_SECONDS: Final = 30.0  # a process that does not renew its lease for so long is replaced
_SHORTEST_LEASE: Final = 9.0  # seconds: it has failed to renew it three times
_OLD_LEASE: Final = 600.0  # seconds; a lease renewed earlier, or later, is of another time


class Lease:
    """The right of this process to poll. Without a history there is nobody to share it with.

    Whether another process still renews its lease is measured here, with the monotonic clock.
    """

    def __init__(self, clock: Clock, *, read_only: bool = False) -> None:
        self._clock = clock
        self._read_only = read_only  # never polls
        self.holder = f"{socket.gethostname()}:{os.getpid()}:{id(self):x}"  # unique; see _is_dead
        self.interval = LEASE_SECONDS  # the shortest one of a server, in seconds
        self.is_held = not read_only
        self.poller = self.holder  # who polls; another lictui unless the lease is held
        self._seen: LeaseRow | None = None
        self._seen_at = 0.0

    def renew(self, history: History) -> bool:
        """Claim or prolong the lease; whether it is held. Unchanged if that raises HistoryError."""
        if self._read_only:
            return False
        lease = self.holder, self._clock.now()
        current = history.claim_lease(lease)
        if current != lease and self._is_abandoned(current):
            current = history.claim_lease(lease, abandoned=current)
        self.is_held, self.poller = current == lease, current[0]
        return self.is_held

    def _is_abandoned(self, lease: LeaseRow) -> bool:
        holder, renewed_at = lease
        first, now = self._seen is None, self._clock.monotonic()
        if lease != self._seen:
            self._seen, self._seen_at = lease, now
        if first and abs(self._clock.now() - renewed_at) > _OLD_LEASE:
            return True
        # Two intervals: the first poll of another process is due within the third one.
        patience = min(max(2 * self.interval, _SHORTEST_LEASE), LEASE_SECONDS)
        return now - self._seen_at >= patience or _is_dead(holder)


def host_and_process(holder: str) -> tuple[str, str]:
    """Return the host of the holder of a lease, and the number of its process there."""
    host, _, process = holder.rpartition(":")[0].rpartition(":")
    return host, process


def _is_dead(holder: str) -> bool:
    """Whether `holder` was a process of this machine that has ended, or only waits to be reaped."""
    host, process = host_and_process(holder)
    if host != socket.gethostname() or not process.isdecimal() or os.name == "nt":
        return False
    try:
        os.kill(int(process), 0)  # signal 0 only checks
    except (ProcessLookupError, PermissionError, OverflowError) as error:
        return isinstance(error, ProcessLookupError)
    try:
        status = Path(f"/proc/{process}/stat").read_bytes()  # proc(5): number, name, state
    except OSError:
        return False
    return status.rpartition(b")")[2].split()[:1] == [b"Z"]
