"""Event loops that nothing blocks, and tasks that do not end unnoticed.

A call that may never return (a name look-up, a file on a dead mount, a keyring, a locked database)
is left to a daemon thread: nobody else waits for it, and neither does the exit.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from lictui.sources.process import raise_file_limit, run_blocking

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Future

    from lictui.clock import Clock

_T = TypeVar("_T")
_JOIN_TIMEOUT: Final = 0.5  # seconds


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return an event loop for many connections, with a daemon thread for each DNS look-up.

    asyncio looks names up in a few threads that all tasks share and that the interpreter waits for
    at exit: one dead DNS server would delay the polls of 300 license servers, and the exit.
    """
    raise_file_limit()
    loop = asyncio.new_event_loop()

    async def getaddrinfo(host: Any, port: Any, **hints: int) -> list[Any]:
        look_up = partial(socket.getaddrinfo, host, port, **hints)
        return await run_blocking(f"look up {host!r} {port!r} {hints}", look_up)

    # asyncio has no setting for it, but calls this method of the loop.
    loop.getaddrinfo = getaddrinfo  # type: ignore[method-assign]
    return loop


def run(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Run `coroutine` in such a loop, as `asyncio.run` does."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(coroutine)


class LoopThread:
    """An event loop in a daemon thread of its own."""

    def __init__(self, name: str) -> None:
        self._runner = asyncio.Runner(loop_factory=new_event_loop)
        self._loop = self._runner.get_loop()
        self._stopped = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with self._runner:
            self._runner.run(self._stopped.wait())

    async def call(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        """Run a coroutine there, and wait for it here."""
        return await asyncio.wrap_future(self.submit(coroutine))

    async def run(self, function: Callable[..., _T], *arguments: Any) -> _T:
        """Call a function there, and wait for its result here."""

        async def call() -> _T:
            return function(*arguments)

        return await self.call(call())

    def submit(self, coroutine: Coroutine[Any, Any, _T]) -> Future[_T]:
        """Run a coroutine there; may be called from any thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def notify(self, function: Callable[..., object], *arguments: Any) -> None:
        """Call a function there, without waiting for it."""
        self._loop.call_soon_threadsafe(function, *arguments)

    def stop(self) -> None:
        """End the thread; one that is blocked is left behind."""
        if self._thread.is_alive():
            self.notify(self._stopped.set)
            self._thread.join(_JOIN_TIMEOUT)


class BackgroundTasks:
    """Tasks that run until they are stopped: one that ends is reported and started again."""

    def __init__(
        self, clock: Clock, report: Callable[[str, BaseException | None], None], pause: float
    ) -> None:
        self._clock = clock
        self._report = report
        self._pause = pause  # seconds before a task is started again
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(
        self,
        name: str,
        work: Callable[[], Coroutine[Any, Any, None]],
        every: float = 0.0,
        delay: float = 0.0,
    ) -> None:
        """Do `work` again and again, with a pause of `every` seconds, after `delay` seconds."""

        async def repeat() -> None:
            await self._clock.sleep(delay)
            while True:
                await work()
                await self._clock.sleep(every)

        def restart(task: asyncio.Task[None]) -> None:
            if self._tasks.get(name) is task:  # it was not stopped
                self.start(name, work, every, self._pause)
                self._report(name, None if task.cancelled() else task.exception())

        task = self._tasks[name] = asyncio.create_task(repeat(), name=name)
        task.add_done_callback(restart)

    async def stop(self, name: str | None = None) -> None:
        """Stop one task, or all of them; one that does not end is left behind."""
        names = list(self._tasks) if name is None else [name]
        tasks = [task for name in names if (task := self._tasks.pop(name, None))]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_JOIN_TIMEOUT)
