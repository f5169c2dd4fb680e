"""An engine over real files, with sources that do what the test says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from tests.support.clock import FakeClock, settle
from tests.support.values import snapshot

from lictui.clock import Clock
from lictui.config.registry import save_servers
from lictui.config.settings import Limits, Settings
from lictui.engine.board import MergedBoard, ServerStatus
from lictui.engine.engine import Engine, RunScope
from lictui.model import Server, Snapshot, Step
from lictui.paths import Paths

_T = TypeVar("_T")


class ScriptedSource:
    """A source: gives the answer the harness has for its server, or raises it."""

    def __init__(self, harness: EngineHarness, name: str) -> None:
        self._desk = harness
        self._name = name

    async def fetch(self, found: Callable[[Step, str], None]) -> Snapshot:
        del found
        self._desk.polled_names.append(self._name)
        answer = self._desk.replies.get(self._name, snapshot())
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def aclose(self) -> None:
        """Nothing is held."""


class InlineThread:
    """What `LoopThread` does, without a thread: every call has ended when it returns."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def call(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        return await coroutine

    async def run(self, function: Callable[..., _T], *arguments: Any) -> _T:
        return function(*arguments)

    def notify(self, function: Callable[..., object], *arguments: Any) -> None:
        function(*arguments)

    def stop(self) -> None:
        """Nothing runs."""


class EngineHarness:
    """Engines over the files of one test, one after the other or side by side."""

    def __init__(self, folder: Path, clock: FakeClock) -> None:
        self.paths = Paths(folder / "config", folder / "data")
        self.clock = clock
        self.replies: dict[str, Snapshot | Exception] = {}
        self.polled_names: list[str] = []
        self.boards: list[MergedBoard] = []
        self.thread: Any = InlineThread
        self._engines: list[Engine] = []

    def register(self, *servers: Server) -> None:
        save_servers(self.paths, servers)

    def open_source(self, server: Server, limits: Limits, clock: Clock) -> ScriptedSource:
        del limits, clock
        return ScriptedSource(self, server.name)

    async def engine(self, scope: RunScope | None = None, *, begin: bool = True) -> Engine:
        engine = Engine(self.paths, self.clock, scope, self.open_source, self.thread)
        self._engines.append(engine)
        await engine.open()
        if begin:
            await engine.start(self.publish)
            await settle()
        return engine

    def publish(self, board: MergedBoard, settings: Settings) -> None:
        del settings
        self.boards.append(board)

    async def close(self, engine: Engine) -> None:
        self._engines.remove(engine)
        await engine.close()

    async def aclose(self) -> None:
        for engine in list(self._engines):
            await self.close(engine)


@pytest.fixture
async def harness(tmp_path: Path, clock: FakeClock) -> AsyncIterator[EngineHarness]:
    harness = EngineHarness(tmp_path, clock)
    yield harness
    await harness.aclose()


def status_of(engine: Engine, name: str = "lic-01") -> ServerStatus:
    """The status of one server."""
    found = engine.board.find(name)
    assert found is not None
    return found
