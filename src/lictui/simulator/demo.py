"""The simulated estate inside this process: a thread that serves it, and a folder that goes again.

Owns the thread, the temporary folder and the order: history first, then the caller. Must not know
what looks at it.
"""

from __future__ import annotations

import asyncio
import tempfile
import threading
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from lictui.clock import SystemClock
from lictui.config.settings import Retention
from lictui.paths import Paths
from lictui.simulator.estate import Estate
from lictui.simulator.past import backfill
from lictui.simulator.serve import start

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from lictui.clock import Clock


def remember(estate: Estate, paths: Paths, clock: Clock) -> None:
    """Put the year before the estate's start into the history of `paths`. Raises LictuiError."""
    from lictui.history.store import History  # noqa: PLC0415 - without a past there is none

    with History.open(paths.history, Retention(), clock) as history:
        history.backfill(backfill(estate, estate.start))


class Demo:
    """The estate of `seed`, served while the `with` block lasts; leaves nothing behind."""

    def __init__(self, seed: int = 1, speed: float = 60.0, *, past: bool = True) -> None:
        self.clock = SystemClock(speed)
        self.estate = Estate(seed, self.clock.now())
        self._past = past
        self._stack = ExitStack()
        self._paths: Paths | None = None

    @property
    def paths(self) -> Paths:
        """Where its config dir and its data dir are, inside the `with` block."""
        if self._paths is None:
            raise RuntimeError("the demo has not been entered")
        return self._paths

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            folder = tempfile.TemporaryDirectory(prefix="lictui-demo-", ignore_cleanup_errors=True)
            root = Path(stack.enter_context(folder))
            self._paths = Paths(root / "config", root / "data")
            server = _Server(self.estate, self.clock, self._paths.config_dir)
            stack.callback(server.stop)
            server.start()
            if self._past:
                remember(self.estate, self._paths, self.clock)
            server.wait()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._paths = None
        self._stack.__exit__(kind, error, traceback)


class _Server:
    """The thread that the protocol servers live in, with a loop of its own."""

    def __init__(self, estate: Estate, clock: SystemClock, config_dir: Path) -> None:
        self._estate = estate
        self._clock = clock
        self._config_dir = config_dir
        self._stop: Future[None] = Future()
        self._started: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wait(self) -> None:
        """Wait until every port is open; raises what went wrong."""
        self._started.result()

    def stop(self) -> None:
        """Close every port and wait for the thread to end."""
        self._stop.set_result(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001 - handed to whoever waits
            if not self._started.done():
                self._started.set_exception(error)

    async def _serve(self) -> None:
        running = await start(self._estate, self._clock, self._config_dir, speed=self._clock.speed)
        try:
            self._started.set_result(None)
            await asyncio.wrap_future(self._stop)
        finally:
            await running.aclose()
