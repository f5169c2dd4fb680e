"""When: one task per server, each with its own deadline, so that none delays another.

Owns the tasks and the open sources. Must not know what becomes of a poll.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from lictui.model import Failure, State
from lictui.monitor import schedule
from lictui.monitor.poll import poll

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lictui.clock import Clock
    from lictui.config.settings import Limits
    from lictui.model import Poll, Server
    from lictui.monitor.board import Board
    from lictui.sources.source import Source

    Open = Callable[[Server, Limits, Clock], Source]
    Report = Callable[[Server, Poll, float], None]  # the poll, and when the next one is due

# Seconds between polls from which on a connection is not worth keeping: servers drop idle ones
# after about two minutes, and 1,000 open ones cost both sides.
_IDLE: Final = 120.0


class Poller:
    """Polls every enabled server when its turn comes, and reports each poll as it ends."""

    def __init__(self, clock: Clock, open_source: Open, report: Report) -> None:
        self._clock = clock
        self._open = open_source
        self._report = report
        self._turns: dict[str, _Turns] = {}
        self._asked: set[str | None] = set()  # for servers whose turns had not begun
        self._places = asyncio.Semaphore(1)
        self._polling_allowed = asyncio.Event()

    async def serve(self, servers: Iterable[Server], limits: Limits, board: Board) -> None:
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
        status = board.of(server.name)
        fresh = status.polled_at if status and status.state is State.UP else None
        due = schedule.first_due(server, fresh, self._clock.now())
        turns = _Turns(server, limits)
        if self._asked & {server.name, None}:
            turns.now.set()
        turns.task = asyncio.create_task(self._take_turns(turns, due), name=f"poll {server.name}")
        return turns

    async def _take_turns(self, turns: _Turns, due: float) -> None:
        server, limits = turns.server, turns.limits
        failures = 0
        offset = schedule.jitter(server)
        while True:
            await self._until(turns, due)
            async with self._places:
                # Opened when first wanted: what it imports need not hold up the first screen.
                turns.source = source = turns.source or self._open(server, limits, self._clock)
                result = await poll(server, source, limits.timeout, self._clock)
                if server.every >= _IDLE:
                    await source.aclose()
            failures = failures + 1 if isinstance(result.result, Failure) else 0
            wait = schedule.pause(server, result.result, failures, limits.max_backoff)
            due = schedule.next_due(server, due, self._clock.now(), wait) + offset
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

    def allow(self, *, allowed: bool) -> None:
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
