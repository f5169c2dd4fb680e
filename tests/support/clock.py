"""A fake clock that moves only when told; sleepers wake in the order of their time."""

import asyncio
import heapq
import itertools
from datetime import UTC, datetime

START = datetime(2026, 11, 24, 6, 0, tzinfo=UTC).timestamp()


class FakeClock:
    """`lictui.clock.Clock` for tests; `advance` moves it and lets every sleeper run."""

    speed = 1.0

    def __init__(self, start: float = START) -> None:
        self._start = start
        self._now = start
        self._step = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = itertools.count()

    def now(self) -> float:
        return self._now + self._step

    def set_wall(self, seconds: float) -> None:
        """Set the wall clock forward, or back, without time passing."""
        self._step += seconds

    def stand_still(self, seconds: float) -> None:
        """Let time pass without a timer that ends: the machine is suspended."""
        self._now += seconds
        self._sleepers = [(at + seconds, count, end) for at, count, end in self._sleepers]

    def monotonic(self) -> float:
        return self._now - self._start

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._count), future))
        await future

    async def advance(self, seconds: float) -> None:
        until = self._now + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= until:
            self._now, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                future.set_result(None)
            await settle()
        self._now = until


async def settle(rounds: int = 20) -> None:
    for _ in range(rounds):
        await asyncio.sleep(0)
