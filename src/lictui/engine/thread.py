"""The background thread in which everything but drawing happens, whatever the terminal does.

It knows nothing of screens: boards go to a function that it is given, and other threads ask through
`EngineThread.ask`.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from lictui.sources.process import run_blocking

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from lictui.config.settings import Settings
    from lictui.engine.board import MergedBoard
    from lictui.engine.engine import Engine
    from lictui.model import Server, StepResult

_T = TypeVar("_T")


class EngineThread:
    """Runs an engine in its own thread. `start`, then `go` once polling may begin."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._loop = new_event_loop()
        self._thread = threading.Thread(target=self._run, name="monitor", daemon=True)

    def start(self) -> None:
        """Open everything; returns when the board of the last run is restored.

        Raises what opening raised.
        """
        self._thread.start()
        self._call(self.engine.open())

    def start_polling(self, publish: Callable[[MergedBoard, Settings], None]) -> None:
        """Begin to poll; `publish` is called in the monitor thread with every new board.

        Does not wait: the caller may have a frame to draw.
        """
        asyncio.run_coroutine_threadsafe(self.engine.start(publish), self._loop)

    def stop(self) -> None:
        """End polling, close everything, end the thread. Safe to call twice."""
        if not self._thread.is_alive():
            return
        self._call(self.engine.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def board(self) -> MergedBoard:
        """The newest board."""
        return self.engine.board

    def poll_now(self, name: str | None = None) -> None:
        """Poll one server, or all enabled ones, without waiting for their turn."""
        self._loop.call_soon_threadsafe(self.engine.poll_now, name)

    async def ask(self, question: Callable[[Engine], Coroutine[Any, Any, _T]]) -> _T:
        """Run a question in the thread of the engine and return its answer.

        Raises what it raises: `await thread.ask(lambda engine: engine.history.events(100))`.
        """
        return await asyncio.wrap_future(
            asyncio.run_coroutine_threadsafe(question(self.engine), self._loop)
        )

    async def test(self, server: Server) -> AsyncIterator[StepResult]:
        """Test the connection to a server; yield each step as it ends."""
        caller = asyncio.get_running_loop()
        steps: asyncio.Queue[StepResult | None] = asyncio.Queue()

        async def run() -> None:
            try:
                async for step in self.engine.test(server):
                    caller.call_soon_threadsafe(steps.put_nowait, step)
            finally:
                caller.call_soon_threadsafe(steps.put_nowait, None)

        running = asyncio.run_coroutine_threadsafe(run(), self._loop)
        try:
            while (step := await steps.get()) is not None:
                yield step
        finally:
            running.cancel()

    def _call(self, command: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(command, self._loop).result()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()


# The event loop


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return an event loop with one daemon thread for each name that DNS looks up.

    asyncio looks names up in a few threads that all tasks share and that the interpreter waits for
    at exit: one dead DNS server would delay the polls of 300 license servers, and the exit.
    """
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
