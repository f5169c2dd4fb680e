"""The application: which screen is shown, the board they all draw, and what every screen shares.

Owns the table of screens, theme, keymap and pause. Must not know how anything is drawn, nor
where figures come from: boards arrive from outside, questions go to the engine.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import on
from textual.app import App
from textual.reactive import reactive
from textual.screen import Screen

from lictui.config.settings import Settings
from lictui.monitor.board import Board
from lictui.tui import commands, symbols, themes
from lictui.tui.messages import BoardChanged

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.binding import BindingType

    from lictui.clock import Clock
    from lictui.tui.engine import Engine

SCREENS: Final = {
    "wall": "lictui.tui.screens.wall:WallScreen",
    "estate": "lictui.tui.screens.estate:EstateScreen",
    "product": "lictui.tui.screens.product:ProductScreen",
    "servers": "lictui.tui.screens.servers:ServersScreen",
    "alerts": "lictui.tui.screens.alerts:AlertsScreen",
    "help": "lictui.tui.screens.help:HelpScreen",
    "form": "lictui.tui.screens.form:FormScreen",
    "first_run": "lictui.tui.screens.first_run:FirstRunScreen",
    "watch": "lictui.tui.watch:WatchScreen",
}
STAY: Final = ("wall", "estate", "servers", "alerts")  # one of these is always at the bottom


class LictuiApp(App[int]):
    """The monitor on the screen. Exits with the code the process shall end with."""

    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings()]
    ENABLE_COMMAND_PALETTE = True

    board: reactive[Board] = reactive(Board, init=False)
    paused: reactive[bool] = reactive(bool, init=False)

    def __init__(  # noqa: PLR0913 - the seams between the program and its screen, each by name
        self,
        engine: Engine,
        clock: Clock,
        settings: Settings | None = None,
        *,
        board: Board | None = None,
        demo: bool = False,
        read_only: bool = False,
        group: str = "",
        filter: str = "",  # noqa: A002 - the option's name
        watch: Any = None,
        state: dict[str, str] | None = None,
        on_state: Callable[[dict[str, str]], None] | None = None,
    ) -> None:
        super().__init__()
        self.engine = engine
        self.clock = clock
        self.settings = settings or Settings()
        self.symbols = symbols.choose(ascii_only=self.settings.ascii)
        self.demo = demo
        self.read_only = read_only or self.settings.read_only
        self.group = group
        self.pattern = filter
        self.watching = watch
        self.remembered = dict(state or {})
        self.on_state = on_state
        self.set_reactive(LictuiApp.board, board or Board())
        self.animation_level = "none"
        themes.register(self)

    def on_mount(self) -> None:
        """Put up the first screen."""
        self.set_keymap(commands.checked(self.settings.keymap))
        self.show("wall")

    def show(self, name: str, **kwargs: Any) -> None:
        """Put up a screen by its name; the views take the place of one another."""
        if name not in STAY:
            self.push_screen(_screen(name, kwargs))
            return
        while len(self.screen_stack) > 2:  # noqa: PLR2004 - Textual's own blank screen and a view
            self.pop_screen()
        if name not in self._installed_screens:
            self.install_screen(_screen(name, kwargs), name)
        if len(self.screen_stack) == 1:
            self.push_screen(name)
        else:
            self.switch_screen(name)

    def open_product(self, servers: tuple[str, ...], product: str) -> None:
        """The chart of one product, summed over these servers."""
        self.show("product", servers=servers, product=product)

    def publish(self, board: Board) -> None:
        """Hand in a new board; may be called from any thread."""
        self.post_message(BoardChanged(board))

    @on(BoardChanged)
    def _take_board(self, message: BoardChanged) -> None:
        with self.batch_update():
            self.board = message.board

    def action_show(self, name: str) -> None:
        """Go to a view."""
        self.show(name)

    def action_poll_all(self) -> None:
        """Ask every server now."""
        self.engine.poll_now()
        self.notify("Polling every server", markup=False)

    def action_pause(self) -> None:
        """Hold the screen still, or let it go on."""
        self.paused = not self.paused

    def action_next_theme(self) -> None:
        """The next theme."""
        self.theme = themes.after(self.theme)


def _screen(name: str, kwargs: dict[str, Any]) -> Screen[Any]:
    """Make a screen; its module is imported when it is first wanted."""
    module, _, attribute = SCREENS[name].partition(":")
    made = getattr(import_module(module), attribute)(**kwargs)
    if not isinstance(made, Screen):
        raise TypeError(f"{attribute} is no screen")
    return made
