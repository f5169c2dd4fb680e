"""The application on a virtual screen, with a fake engine and a fake clock."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.support.clock import FakeClock
from tests.support.example_board import example_board
from tests.support.fake_engine import FakeEngine
from textual.events import Paste
from textual.pilot import Pilot
from textual.widgets import Input

from lictui.clock import PastClock
from lictui.config.settings import Settings
from lictui.engine.board import Board
from lictui.engine.merge import BoardMerger, merge_board
from lictui.tui.app import LictuiApp


class RunningApp:
    """A running application, and what a test does with it."""

    def __init__(self, app: LictuiApp, pilot: Pilot[int], engine: FakeEngine) -> None:
        self.app = app
        self.engine = engine
        self._pilot = pilot
        self._merger = BoardMerger()

    async def settle(self) -> None:
        await self._pilot.pause()
        await self.app.workers.wait_for_complete()
        await self._pilot.pause()
        await self._pilot.pause()

    async def press(self, *keys: str) -> None:
        await self._pilot.press(*keys)
        await self.settle()

    async def type(self, text: str) -> None:
        """Paste a text into the focused field: typing it would be slow."""
        if isinstance(self.app.focused, Input):
            self.app.post_message(Paste(text))
            await self._pilot.pause()
        else:
            await self._pilot.press(*text)
        await self.settle()

    async def click(self, x: int, y: int) -> None:
        await self._pilot.click(offset=(x, y))
        await self.settle()

    async def publish(self, board: Board, settings: Settings | None = None) -> None:
        alerts = (settings or self.app.settings).alerts
        self.app.publish(self._merger.merge(board, alerts), settings)
        await self.settle()

    async def resize(self, width: int, height: int) -> None:
        await self._pilot.resize_terminal(width, height)
        await self.settle()


@asynccontextmanager
async def running_app(
    screen: str = "dashboard",
    size: tuple[int, int] = (80, 24),
    *,
    engine: FakeEngine | None = None,
    board: Board | None = None,
    settings: Settings | None = None,
    clock: FakeClock | PastClock | None = None,
    options: dict[str, Any] | None = None,
    toasts: bool = False,
    **kwargs: Any,
) -> AsyncIterator[RunningApp]:
    """Run the application, go to a screen, and wait until it is there."""
    engine = engine or FakeEngine()
    app = LictuiApp(
        engine,
        clock or FakeClock(),
        settings,
        board=merge_board(
            example_board() if board is None else board, settings.alerts if settings else None
        ),
        **(options or {}),
    )
    type(app).NOTIFICATION_TIMEOUT = 3600.0  # also on a loaded machine
    engine.board = lambda: app.board
    engine.settings = lambda: app.settings
    engine.clock = app.clock
    async with app.run_test(size=size, notifications=toasts) as pilot:
        run = RunningApp(app, pilot, engine)
        await run.settle()
        if screen != "dashboard":
            app.show_view(screen, **kwargs)
        await run.settle()
        yield run
