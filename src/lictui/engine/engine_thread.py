"""An engine in a thread of its own, which continues whatever the terminal does."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

from lictui.engine.thread import LoopThread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from concurrent.futures import Future

    from lictui.config.settings import Settings
    from lictui.engine.board import MergedBoard
    from lictui.engine.engine import Engine
    from lictui.history.csv_reader import ImportedPool
    from lictui.model import Server, StepResult

_T = TypeVar("_T")
_log = logging.getLogger(__name__)
_CLOSE_TIMEOUT: Final = 2.5  # seconds for everything: a process that is asked to exit must exit


class EngineThread:
    """Runs an engine in its own thread. `start`, then `start_polling` when that may start."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._thread = LoopThread("engine")
        self._is_stopped = False

    def start(self) -> None:
        """Open everything; returns when the board of the last run is restored.

        Raises what opening raised.
        """
        self._thread.submit(self.engine.open()).result()

    def start_polling(self, publish: Callable[[MergedBoard, Settings], None]) -> None:
        """Begin to poll; `publish` is called in the engine's thread with every new board.

        Does not wait: the caller may have a frame to draw.
        """
        self._thread.submit(self.engine.start(publish)).add_done_callback(_log_failure)

    def stop(self) -> None:
        """End polling, close everything, end the thread. Safe to call twice."""
        if not self._is_stopped:
            self._is_stopped = True
            with suppress(TimeoutError):  # what hangs ends with the process
                self._thread.submit(self.engine.close()).result(_CLOSE_TIMEOUT)
            self._thread.stop()

    @property
    def board(self) -> MergedBoard:
        """The newest board."""
        return self.engine.board

    def poll_now(self, name: str | None = None) -> None:
        """Poll one server, or all enabled ones, without waiting for their turn."""
        self._thread.notify(self.engine.poll_now, name)

    def reload(self) -> None:
        """Apply a changed configuration now; does not wait for it."""
        self._thread.submit(self.engine.reload()).add_done_callback(_log_failure)

    def responds(self, seconds: float) -> bool:
        """Whether the event loop of the engine does something within this time."""
        answered = threading.Event()
        self._thread.notify(answered.set)
        return answered.wait(seconds)

    def import_readings(self, imported: ImportedPool) -> None:
        """Import readings of the past from another thread. Raises LictuiError."""
        self._thread.submit(self.engine.import_readings(imported)).result()

    async def ask(self, question: Callable[[Engine], Coroutine[Any, Any, _T]]) -> _T:
        """Run a question in the thread of the engine and return its answer.

        Raises what it raises: `await thread.ask(lambda engine: engine.history.events(100))`.
        """
        return await self._thread.call(question(self.engine))

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

        running = self._thread.submit(run())
        try:
            while (step := await steps.get()) is not None:
                yield step
        finally:
            running.cancel()


def _log_failure(start: Future[None]) -> None:
    if not start.cancelled() and (error := start.exception()):
        _log.error("polling could not be started, or changed", exc_info=error)
