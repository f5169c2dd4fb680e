"""What greets whoever has no server registered yet: three lines, three ways on.

Owns that choice. The demo is started by whoever started the application: it ends with `DEMO`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, cast

from textual import on
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import Button

from lictui.tui import commands
from lictui.tui.ink import Tone
from lictui.tui.widgets.prose import Prose

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from lictui.engine.board import Board
    from lictui.tui.app import LictuiApp

DEMO: Final = -1  # no exit code: the command line starts the demo in the application's place
_HELLO: Final = """\
See how many Citrix licenses are in use, on every license server and site: now, and over time.
lictui reads them over their own protocols, changes nothing there, and keeps what it reads here.
No server is registered yet.
"""


class FirstRunScreen(Screen[None]):
    """Add a server, look at the demo, or leave."""

    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("first_run")]
    CSS = """
    FirstRunScreen {
        align: center middle;
        & > Vertical { width: 64; max-width: 100%; height: auto; padding: 0 2; }
        & Prose { margin-bottom: 1; }
        & Button { width: 100%; text-align: left; content-align: left middle; }
    }
    """

    @property
    def lictui(self) -> LictuiApp:
        """The application, as what it is."""
        return cast("LictuiApp", self.app)

    def compose(self) -> ComposeResult:
        """Three lines, then the three ways on."""
        with Vertical():
            yield Prose((("lictui", Tone.ACCENT),))
            for sentence in _HELLO.splitlines():
                yield Prose(((sentence, Tone.TEXT),))
            if not self.lictui.read_only:
                yield Button("a  Add a server", id="add", compact=True, variant="primary")
            yield Button("d  Start the demo, a simulated estate", id="demo", compact=True)
            yield Button("q  Quit", id="quit", compact=True)

    def on_mount(self) -> None:
        """Make way as soon as there is a server to look at."""
        self.query(Button).first().focus()
        self.watch(self.app, "board", self._board_came, init=False)

    def _board_came(self, board: Board) -> None:
        if board.servers:
            self.lictui.show("wall")

    def on_screen_resume(self) -> None:
        """Back from the form, which may have registered one."""
        self._board_came(self.lictui.board)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing that writes with --read-only."""
        return not (self.lictui.read_only and commands.writes(action, parameters))

    def action_move(self, by: int) -> None:
        """To the next or the previous way on."""
        if by > 0:
            self.focus_next()
        else:
            self.focus_previous()

    @on(Button.Pressed, "#add")
    def action_add(self) -> None:
        """Register a server."""
        self.lictui.show("form")

    @on(Button.Pressed, "#demo")
    def action_demo(self) -> None:
        """End the application for the demo's sake."""
        self.app.exit(DEMO)

    @on(Button.Pressed, "#quit")
    def _quit(self) -> None:
        self.app.exit(0)
