"""When: one task per server, each with its own deadline, so that none delays another.

Owns the tasks and the open sources. Must not know what becomes of a poll.
"""

from __future__ import annotations

import asyncio
import logging
import math
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from lictui.model import Failure, FailureKind, Poll, Pool, Server, Snapshot, State
from lictui.sources.source import Source, SourceError, ignore_steps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lictui.clock import Clock
    from lictui.config.settings import Limits
    from lictui.engine.board import Board


# One poll of one server: whatever happens becomes a value, within the deadline


_log = logging.getLogger(__name__)


async def poll_server(server: Server, source: Source, timeout: float, clock: Clock) -> Poll:  # noqa: ASYNC109 - the deadline is this function's whole point
    """Read `server` once through `source`, given up after `timeout` seconds; never raises.

    Latency and deadline are seconds of the wire, even where the clock is a simulated one.
    """
    loop = asyncio.get_running_loop()
    started = loop.time()
    result = _divided(await _fetch(server, source, timeout), server.quantity_divisor)
    return Poll(server.name, clock.now(), loop.time() - started, result)


def _divided(result: Snapshot | Failure, divisor: int) -> Snapshot | Failure:
    """A result with its quantities divided, rounded down; what is in use stays."""
    if divisor <= 1 or isinstance(result, Failure):
        return result
    return replace(result, pools=tuple(_divided_pool(pool, divisor) for pool in result.pools))


def _divided_pool(pool: Pool, divisor: int) -> Pool:
    reading = pool.reading
    formulas = dict(pool.formulas)
    for figure in ("installed", "overdraft"):
        formula = formulas.get(figure, figure)
        formulas[figure] = (
            f"({formula}) / {divisor}" if " " in formula else f"{formula} / {divisor}"
        )

    def divided(count: int | None) -> int | None:
        return None if count is None else count // divisor

    return replace(
        pool,
        reading=replace(
            reading, installed=divided(reading.installed), overdraft=divided(reading.overdraft)
        ),
        reported_expiring=divided(pool.reported_expiring),
        formulas=tuple(formulas.items()),
    )


async def _fetch(server: Server, source: Source, deadline: float) -> Snapshot | Failure:
    try:
        async with asyncio.timeout(deadline):
            return await source.fetch(ignore_steps)
    except SourceError as error:
        return error.failure
    except TimeoutError:
        return Failure(
            FailureKind.TIMEOUT,
            f"no complete answer within {deadline:g} s",
            "the server answers too slowly: look at its load, or raise [polling] timeout",
        )
    except Exception as error:  # noqa: BLE001 - a defect of one source must not stop the others
        _log.exception("poll of %s", server.name)
        return Failure(
            FailureKind.PROTOCOL,
            f"an answer lictui did not expect ({type(error).__name__})",
            "lictui.log has the details; please report them",
        )


# When a server's turn comes. Pure: must not know the clock, tasks or sockets. All in seconds


MAX_OFFSET_SHARE: Final = 0.1  # of the interval at most, …
MAX_OFFSET: Final = 30.0  # … and never more than this
MAX_DOUBLINGS: Final = 3  # a failing server is left alone for 2, 4, then 8 intervals


def start_offset(server: Server) -> float:
    """The server's own offset, so that 300 servers do not ask in the same second.

    The same server always gets the same one: two runs poll at the same distance.
    """
    share = zlib.crc32(server.name.encode()) / 2**32
    return share * min(server.effective_interval * MAX_OFFSET_SHARE, MAX_OFFSET)


def first_due(server: Server, polled_at: float | None, now: float) -> float:
    """The first poll after a start: at once, unless the last one is still fresh."""
    if polled_at is None or polled_at > now:
        return now
    return max(now, polled_at + server.effective_interval)


def next_due(server: Server, due: float, now: float, pause: float) -> float:
    """The turn after `due`: on the server's own grid, never in the past, `pause` ahead at least.

    A poll that took longer than an interval skips the turns it missed: no drift, no overlap.
    """
    every = server.effective_interval
    behind = max(0.0, now - due)
    after = due + every * (math.floor(behind / every) + 1)
    return max(after, due + pause)


def wait_after(server: Server, result: Snapshot | Failure, failures: int, cap: float) -> float:
    """How long to leave a server alone after `failures` polls in a row that failed.

    A refused password is tried ever more rarely, up to `cap`: a directory locks accounts.
    """
    every = server.effective_interval
    if not isinstance(result, Failure) or failures < 1:
        return every
    if result.kind is FailureKind.AUTH:
        return max(every, min(every * 2.0 ** min(failures - 1, 30), cap))
    return max(every, min(every * 2.0 ** min(failures - 1, MAX_DOUBLINGS), cap))


SourceFactory = Callable[[Server, "Limits", "Clock"], Source]
PollCallback = Callable[[Server, Poll, float], None]  # the poll, and when the next one is due

# Seconds between polls from which on a connection is not worth keeping: servers drop idle ones
# after about two minutes, and 1,000 open ones cost both sides.
_IDLE: Final = 120.0


class Poller:
    """Polls every enabled server when its turn comes, and reports each poll as it ends."""

    def __init__(self, clock: Clock, open_source: SourceFactory, report: PollCallback) -> None:
        self._clock = clock
        self._open = open_source
        self._report = report
        self._turns: dict[str, _Turns] = {}
        self._asked: set[str | None] = set()  # for servers whose turns had not begun
        self._places = asyncio.Semaphore(1)
        self._polling_allowed = asyncio.Event()

    async def update_servers(self, servers: Iterable[Server], limits: Limits, board: Board) -> None:
        """Poll these servers from now on; those that are unchanged keep their turn."""
        wanted = {server.name: server for server in servers if server.enabled}
        gone = [
            turns
            for name, turns in self._turns.items()
            if turns.server != wanted.get(name) or turns.limits != limits
        ]
        for turns in gone:
            del self._turns[turns.server.name]
        await asyncio.gather(*(turns.stop() for turns in gone))
        self._places = asyncio.Semaphore(limits.concurrency)
        for name, server in wanted.items():
            if name not in self._turns:
                self._turns[name] = self._begin(server, limits, board)
        self._asked.clear()

    def _begin(self, server: Server, limits: Limits, board: Board) -> _Turns:
        status = board.find(server.name)
        fresh = status.polled_at if status and status.state is State.UP else None
        due = first_due(server, fresh, self._clock.now())
        turns = _Turns(server, limits)
        if self._asked & {server.name, None}:
            turns.now.set()
        turns.task = asyncio.create_task(self._take_turns(turns, due), name=f"poll {server.name}")
        return turns

    async def _take_turns(self, turns: _Turns, due: float) -> None:
        server, limits = turns.server, turns.limits
        failures = 0
        offset = start_offset(server)
        while True:
            await self._until(turns, due)
            async with self._places:
                # Opened when first wanted: what it imports need not hold up the first screen.
                turns.source = source = turns.source or self._open(server, limits, self._clock)
                result = await poll_server(server, source, limits.timeout, self._clock)
                if server.effective_interval >= _IDLE:
                    await source.aclose()
            failures = failures + 1 if isinstance(result.result, Failure) else 0
            wait = wait_after(server, result.result, failures, limits.max_backoff)
            due = next_due(server, due, self._clock.now(), wait) + offset
            offset = 0.0  # once: from here on the grid is this server's own
            self._report(server, result, due)

    async def _until(self, turns: _Turns, due: float) -> None:
        """Wait for the turn, or for someone who wants a poll now."""
        alarm = asyncio.create_task(self._ring(turns, due))
        try:
            await turns.now.wait()
        finally:
            alarm.cancel()
            turns.now.clear()

    async def _ring(self, turns: _Turns, due: float) -> None:
        await self._clock.sleep(due - self._clock.now())
        await self._polling_allowed.wait()
        turns.now.set()

    def set_enabled(self, *, allowed: bool) -> None:
        """Take turns or not; a poll that is asked for happens either way."""
        if allowed:
            self._polling_allowed.set()
        else:
            self._polling_allowed.clear()

    def poll_now(self, name: str | None = None) -> None:
        """Poll one server now, or all of them; at once where polling has not begun yet."""
        wanted = [turns for turns in self._turns.values() if name in (None, turns.server.name)]
        for turns in wanted:
            turns.now.set()
        if not wanted:
            self._asked.add(name)

    async def stop(self) -> None:
        """End every task and let go of every connection."""
        turns = list(self._turns.values())
        self._turns.clear()
        await asyncio.gather(*(each.stop() for each in turns))


class _Turns:
    """One server's task, its open source, and the bell that calls it early."""

    def __init__(self, server: Server, limits: Limits) -> None:
        self.server = server
        self.limits = limits
        self.now = asyncio.Event()
        self.source: Source | None = None
        self.task: asyncio.Task[None] | None = None

    async def stop(self) -> None:
        if self.task:
            self.task.cancel()
            with suppress(asyncio.CancelledError):
                await self.task
        if self.source:
            await self.source.aclose()
