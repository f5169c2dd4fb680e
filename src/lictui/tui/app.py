"""The application: which screen is shown, the board they all draw, and what every screen shares.

Owns the table of screens and pause. Must not know how anything is drawn, nor where figures come
from: boards arrive from outside, questions go to the engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import App
from textual.reactive import var

from lictui.config.settings import Settings
from lictui.engine.board import Board
from lictui.engine.merge import Together
from lictui.tui import commands, ringing, symbols, theme_names, themes, wishes
from lictui.tui._textual import Shadow
from lictui.tui.messages import BoardChanged
from lictui.tui.screens.names import STAY, make
from lictui.tui.seven_bit import SevenBit
from lictui.tui.views import unanswered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rich.console import RenderableType
    from textual.app import SystemCommand
    from textual.binding import BindingType
    from textual.command import Provider
    from textual.filter import LineFilter
    from textual.screen import Screen

    from lictui.clock import Clock
    from lictui.tui.engine import Engine
    from lictui.tui.watching import WatchOptions


def _palette() -> type[Provider]:
    from lictui.tui.palette import LictuiCommands  # noqa: PLC0415 - when it is first opened

    return LictuiCommands


class LictuiApp(App[int]):
    """The monitor on the screen. Exits with the code the process shall end with."""

    TITLE = "lictui"
    CSS = ".-ascii Wall, .-ascii Estate { scrollbar-size: 0 0; }"
    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings()]
    COMMANDS = {_palette}  # noqa: RUF012 - Textual's own declaration of it

    # Not `reactive`: that would repaint the whole screen for every board.
    board: var[Board] = var(Board, init=False)
    paused: var[bool] = var(bool, init=False)
    keys: var[dict[str, str]] = var(dict, init=False)  # the keymap that holds
    polling: var[frozenset[str]] = var(frozenset, init=False)  # asked for by hand, not yet heard

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
        watch: WatchOptions | None = None,
        state: dict[str, str] | None = None,
        on_shown: Callable[[], None] | None = None,
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
        self._on_shown = on_shown
        self.together = Together()
        self._shadow = Shadow()
        self.set_reactive(LictuiApp.board, board or Board())
        self.animation_level = "none"
        self.set_class(self.symbols is symbols.ASCII, "-ascii")
        themes.register(self)
        self.theme = theme_names.first(self.settings.theme, self.remembered.get("theme", ""))

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """What the drawing needs, for themes of other makers."""
        return dict(themes.DEFAULTS)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """In ASCII mode everything drawn leaves in 7 bits, Textual's own frames too."""
        filters = super().get_line_filters()
        return [*filters, SevenBit()] if self.symbols is symbols.ASCII else filters

    def on_mount(self) -> None:
        """Put up the first screen."""
        if self._on_shown is not None:
            self.call_after_refresh(self._on_shown)
        wishes.heed(self)
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
            self.push_screen(make(name, **kwargs))
            return
        while len(self.screen_stack) > 2:  # noqa: PLR2004 - Textual's own blank screen and a view
            self.pop_screen()
        if name not in self._installed_screens:
            self.install_screen(make(name, **kwargs), name)
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

    # Boards

    def publish(self, board: Board, settings: Settings | None = None) -> None:
        """Hand in a new board, and the settings it is to be read by; from any thread."""
        self.post_message(BoardChanged(board, settings or self.settings))

    @on(BoardChanged)
    def _take_board(self, message: BoardChanged) -> None:
        with self.batch_update():
            self.polling = unanswered(self.polling, self.board, message.board)
            before, self.settings = self.settings, message.settings
            wishes.heed(self, before)
            ringing.ring(self, self.board, message.board)
            self.board = message.board

    def poll(self, name: str | None = None) -> None:
        """Poll one server now, or all of them, and say so."""
        names = [s.server.name for s in self.board.servers if s.server.enabled]
        self.polling |= {name} if name else frozenset(names)
        self.engine.poll_now(name)
        self.notify(f"Polling {name or 'every server'}", timeout=2, markup=False)

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        """Write what Textual drew, but only the cells that changed."""
        super()._display(screen, self._shadow.sparing(renderable))

    # Commands

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing that writes with --read-only."""
        return not (self.read_only and commands.writes(action, parameters))

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
        self.theme = theme_names.after(self.theme)
        self.remember(theme=self.theme)
        self.notify(f"Theme {self.theme}", timeout=2, markup=False)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:  # noqa: ARG002
        """Nothing: the palette offers the commands of the table alone."""
        return ()
