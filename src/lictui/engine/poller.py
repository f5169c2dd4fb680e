"""Polling: one task per server with its own schedule, so that no server delays another."""

from __future__ import annotations

import asyncio
import logging
import math
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from lictui.model import Failure, FailureKind, Poll, Server, Snapshot, State
from lictui.sources.source import Source, SourceError, distinct_pools, ignore_steps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lictui.clock import Clock
    from lictui.config.settings import Limits
    from lictui.engine.board import Board


# One poll of one server; whatever goes wrong becomes a value


_log = logging.getLogger(__name__)


async def poll_server(server: Server, source: Source, timeout: float, clock: Clock) -> Poll:  # noqa: ASYNC109 - a timeout is a value here, not an exception
    """Poll a server once, for at most `timeout` seconds. Never raises.

    Latency and timeout are real seconds, even where the clock is a simulated one.
    """
    loop = asyncio.get_running_loop()
    started = loop.time()
    result = _divided(await _fetch(server, source, timeout), server.quantity_divisor)
    return Poll(server.name, clock.now(), loop.time() - started, result)


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


async def _fetch(server: Server, source: Source, deadline: float) -> Snapshot | Failure:
    try:
        async with asyncio.timeout(deadline):
            snapshot = await source.fetch(ignore_steps)
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


# Schedule of a server, in seconds


MAX_OFFSET_SHARE: Final = 0.1  # of the interval at most
MAX_OFFSET: Final = 30.0  # seconds, and never more than this
MAX_DOUBLINGS: Final = 3  # a failing server is polled after 2, 4, then 8 intervals


def start_offset(server: Server) -> float:
    """The offset of a server, so that 300 servers are not polled in the same second.

    It depends on the name only: every run polls at the same offsets.
    """
    share = zlib.crc32(server.name.encode()) / 2**32
    return share * min(server.effective_interval * MAX_OFFSET_SHARE, MAX_OFFSET)


def first_due(server: Server, polled_at: float | None, now: float) -> float:
    """The first poll after a start: immediately, unless the last one is recent."""
    if polled_at is None or polled_at > now:
        return now
    return max(now, polled_at + server.effective_interval)


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

    A rejected password is tried less and less often, up to `cap`: directories lock accounts.
    """
    every = server.effective_interval
    if not isinstance(result, Failure) or failures < 1:
        return every
    if result.kind is FailureKind.AUTH:
        return max(every, min(every * 2.0 ** min(failures - 1, 30), cap))
    return max(every, min(every * 2.0 ** min(failures - 1, MAX_DOUBLINGS), cap))


SourceFactory = Callable[[Server, "Limits", "Clock"], Source]
PollCallback = Callable[[Server, Poll, float], None]  # the poll, and when the next one is due

# Connections are closed between polls from this interval on (seconds): servers drop idle ones
# after about two minutes, and 1,000 open ones cost both sides.
_CLOSE_INTERVAL: Final = 120.0


class Poller:
    """Polls every enabled server by its schedule, and reports each poll as it ends."""

    def __init__(self, clock: Clock, open_source: SourceFactory, report: PollCallback) -> None:
        self._clock = clock
        self._open = open_source
        self._report = report
        self._schedules: dict[str, _Schedule] = {}
        # Polls requested before the servers were known; None: of all servers.
        self._requested: set[str | None] = set()
        self._slots = asyncio.Semaphore(1)
        self._polling_allowed = asyncio.Event()

    async def update_servers(self, servers: Iterable[Server], limits: Limits, board: Board) -> None:
        """Poll these servers from now on; unchanged ones keep their schedule."""
        enabled = {server.name: server for server in servers if server.enabled}
        outdated = [
            schedule
            for name, schedule in self._schedules.items()
            if schedule.server != enabled.get(name) or schedule.limits != limits
        ]
        for schedule in outdated:
            del self._schedules[schedule.server.name]
        await asyncio.gather(*(schedule.stop() for schedule in outdated))
        self._slots = asyncio.Semaphore(limits.concurrency)
        for name, server in enabled.items():
            if name not in self._schedules:
                self._schedules[name] = self._start(server, limits, board)
        self._requested.clear()

    def _start(self, server: Server, limits: Limits, board: Board) -> _Schedule:
        status = board.find(server.name)
        last_poll = status.polled_at if status and status.state is State.UP else None
        due = first_due(server, last_poll, self._clock.now())
        schedule = _Schedule(server, limits)
        if self._requested & {server.name, None}:
            schedule.poll_requested.set()
        schedule.task = asyncio.create_task(
            self._poll_loop(schedule, due), name=f"poll {server.name}"
        )
        return schedule

    async def _poll_loop(self, schedule: _Schedule, due: float) -> None:
        server, limits = schedule.server, schedule.limits
        failures = 0
        offset = start_offset(server)
        while True:
            await self._wait_for_turn(schedule, due)
            async with self._slots:
                # Opened at the first poll: its imports must not delay the first screen.
                schedule.source = source = schedule.source or self._open(
                    server, limits, self._clock
                )
                result = await poll_server(server, source, limits.timeout, self._clock)
                if server.effective_interval >= _CLOSE_INTERVAL:
                    await source.aclose()
            failures = failures + 1 if isinstance(result.result, Failure) else 0
            wait = wait_after(server, result.result, failures, limits.max_backoff)
            due = next_due(server, due, self._clock.now(), wait) + offset
            offset = 0.0  # only once: it shifts all later polls
            self._report(server, result, due)

    async def _wait_for_turn(self, schedule: _Schedule, due: float) -> None:
        """Wait until the poll is due, or requested."""
        alarm = asyncio.create_task(self._alarm(schedule, due))
        try:
            await schedule.poll_requested.wait()
        finally:
            alarm.cancel()
            schedule.poll_requested.clear()

    async def _alarm(self, schedule: _Schedule, due: float) -> None:
        await self._clock.sleep(due - self._clock.now())
        await self._polling_allowed.wait()
        schedule.poll_requested.set()

    def set_enabled(self, *, allowed: bool) -> None:
        """Enable or disable scheduled polls; requested ones happen either way."""
        if allowed:
            self._polling_allowed.set()
        else:
            self._polling_allowed.clear()

    def poll_now(self, name: str | None = None) -> None:
        """Poll one server now, or all of them; also before polling has started."""
        schedules = [
            schedule
            for schedule in self._schedules.values()
            if name in (None, schedule.server.name)
        ]
        for schedule in schedules:
            schedule.poll_requested.set()
        if not schedules:
            self._requested.add(name)

    async def stop(self) -> None:
        """End all tasks and close all connections."""
        schedules = list(self._schedules.values())
        self._schedules.clear()
        await asyncio.gather(*(schedule.stop() for schedule in schedules))


class _Schedule:
    """One server with its task, its open source, and the event that requests a poll."""

    def __init__(self, server: Server, limits: Limits) -> None:
        self.server = server
        self.limits = limits
        self.poll_requested = asyncio.Event()
        self.source: Source | None = None
        self.task: asyncio.Task[None] | None = None

    async def stop(self) -> None:
        if self.task:
            self.task.cancel()
            with suppress(asyncio.CancelledError):
                await self.task
        if self.source:
            await self.source.aclose()
