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
from lictui.tui.palette import LictuiCommands

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from textual.app import SystemCommand
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

    TITLE = "lictui"
    CSS = ".-ascii Wall, .-ascii Estate { scrollbar-size: 0 0; }"
    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings()]
    COMMANDS = {LictuiCommands}  # noqa: RUF012 - Textual's own declaration of it

    board: reactive[Board] = reactive(Board, init=False)
    paused: reactive[bool] = reactive(bool, init=False)
    polling: reactive[frozenset[str]] = reactive(frozenset, init=False)  # asked for by hand

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
        self._on_state = on_state
        self.set_reactive(LictuiApp.board, board or Board())
        self.animation_level = "none"
        self.set_class(self.symbols is symbols.ASCII, "-ascii")
        themes.register(self)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """What the drawing needs, for themes of other makers."""
        return dict(themes.DEFAULTS)

    def on_mount(self) -> None:
        """Put up the first screen."""
        self.theme, said = themes.wanted(self.settings.theme, self.remembered.get("theme", ""))
        if said:
            self.notify(said, severity="warning", markup=False)
        if found := commands.problems(self.settings.keymap):
            self.notify("\n".join(found), title="Default keys", severity="error", markup=False)
        else:
            self.set_keymap(dict(self.settings.keymap))
        if self.watching is not None:
            self.show("watch", options=self.watching)
            return
        last = self.remembered.get("view", "")
        self.show(last if last in STAY else "wall")
        if not self.board.servers:
            self.show("first_run")

    # Screens

    def show(self, name: str, **kwargs: Any) -> None:
        """Put up a screen by its name; the views take the place of one another."""
        if name not in STAY:
            if name == "help":
                kwargs |= {"keymap": self.settings.keymap, "symbols": self.symbols}
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
        self.remember(view=name)

    def open_product(self, servers: tuple[str, ...], product: str) -> None:
        """The chart of one product, summed over these servers."""
        self.show("product", servers=servers, product=product)

    def remember(self, **state: str) -> None:
        """Keep what the next start shall begin with."""
        self.remembered.update(state)
        if self._on_state is not None:
            self._on_state(dict(self.remembered))

    # Boards

    def publish(self, board: Board) -> None:
        """Hand in a new board; may be called from any thread."""
        self.post_message(BoardChanged(board))

    @on(BoardChanged)
    def _take_board(self, message: BoardChanged) -> None:
        with self.batch_update():
            answered = (
                {
                    status.server.name
                    for status in message.board.servers
                    if (before := self.board.of(status.server.name)) is not None
                    and before.polled_at != status.polled_at
                }
                if self.polling
                else set()
            )
            self.polling -= answered
            self.board = message.board

    def poll(self, name: str | None = None) -> None:
        """Poll one server now, or all of them, and say so."""
        names = [s.server.name for s in self.board.servers if s.server.enabled]
        self.polling |= {name} if name else frozenset(names)
        self.engine.poll_now(name)
        self.notify(f"Polling {name or 'every server'}", timeout=2, markup=False)

    # Commands

    def action_show(self, name: str) -> None:
        """Go to a view."""
        self.show(name)

    def action_poll_all(self) -> None:
        """Ask every server now."""
        self.poll()

    def action_pause(self) -> None:
        """Hold the screen still, or let it go on."""
        self.paused = not self.paused

    def action_next_theme(self) -> None:
        """The next theme."""
        self.theme = themes.after(self.theme)
        self.remember(theme=self.theme)
        self.notify(f"Theme {self.theme}", timeout=2, markup=False)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:  # noqa: ARG002
        """Nothing: the palette offers the commands of the table alone."""
        return ()


def _screen(name: str, kwargs: dict[str, Any]) -> Screen[Any]:
    """Make a screen; its module is imported when it is first wanted."""
    module, _, attribute = SCREENS[name].partition(":")
    made = getattr(import_module(module), attribute)(**kwargs)
    if not isinstance(made, Screen):
        raise TypeError(f"{attribute} is no screen")
    return made
