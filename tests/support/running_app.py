"""The application on a virtual screen, with a fake engine and a fake clock.

Textual's pilot waits in real time, until the process seems to be idle: slow, and wrong on a loaded
machine. Here the screen is idle when the event loop has nothing left to run; it is drawn only then.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast
from unittest.mock import patch

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
        await self.idle()
        await self.app.workers.wait_for_complete()
        await self.idle()

    async def idle(self, *_: float) -> None:
        """Run what is ready, and draw, until nothing is left; a timer or a worker may be."""
        await _run_ready()
        for screen in self.app.screen_stack[:-1]:  # below a dialog
            if screen._update_timer._active.is_set():
                screen._on_timer_update()
        while self.app.is_running and (self.app._resize_timer or self._is_undrawn()):
            if self.app._resize_timer:
                await asyncio.sleep(0.01)  # Textual waits so long for the next change of the size
            else:
                self.app.screen._on_timer_update()
            await _run_ready()

    def _is_undrawn(self) -> bool:
        """Whether the screen has changes that are not drawn yet."""
        if not self.app.screen_stack or self.app._batch_count:
            return False
        screen = self.app.screen
        return bool(
            screen._layout_required
            or screen._scroll_required
            or screen._repaint_required
            or screen._recompose_required
            or screen._dirty_widgets
            or screen._callbacks
        )

    async def press(self, *keys: str) -> None:
        await self._pilot.press(*keys)
        await self.settle()

    async def type(self, text: str) -> None:
        """Paste a text into the focused field: typing it would be slow."""
        if isinstance(self.app.focused, Input):
            self.app.post_message(Paste(text))
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


async def _run_ready() -> None:
    """Let every task run that need not wait."""
    loop = cast("Any", asyncio.get_running_loop())
    await asyncio.sleep(0)
    while loop._ready:  # noqa: ASYNC110 - there is no event for it
        await asyncio.sleep(0)


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
    with patch("textual.screen.UPDATE_PERIOD", 3600.0):
        async with app.run_test(size=size, notifications=toasts) as pilot:
            run = RunningApp(app, pilot, engine)
            with (
                patch("textual.app.wait_for_idle", run.idle),
                patch("textual.pilot.wait_for_idle", run.idle),
            ):
                await run.settle()
                if screen != "dashboard":
                    app.show_view(screen, **kwargs)
                await run.settle()
                yield run
