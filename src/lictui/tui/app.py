"""The application: which screen is shown, the board they all draw, and what every screen shares.

Owns the table of screens and pause. Must not know how anything is drawn, nor where figures come
from: boards arrive from outside, questions go to the engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import on
from textual.app import App, SystemCommand
from textual.message import Message
from textual.reactive import var
from textual.screen import Screen

from lictui.config.settings import Settings
from lictui.engine.alerts import severity
from lictui.engine.board import Board, Filter
from lictui.engine.merge import Together
from lictui.model import Happening, Said
from lictui.tui import commands, theme_names
from lictui.tui import theme as symbols
from lictui.tui._terminal import Shadow
from lictui.tui.screens.wall_view import unanswered
from lictui.tui.text import clean
from lictui.tui.theme import SevenBit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rich.console import RenderableType
    from textual.binding import BindingType
    from textual.command import Provider
    from textual.filter import LineFilter

    from lictui.clock import Clock
    from lictui.tui.engine import Engine


# The terminal's bell and its notifications, where config.toml wants them of an alert


_LONGEST: Final = 200  # characters of a notification
_AT_ONCE: Final = 3  # notifications; of more it says how many


def ring(app: LictuiApp, before: Board, after: Board) -> None:
    """Ring and notify for what was said of alerts between two boards, if that is wanted."""
    actions = [action for action in app.settings.actions if action.bell or action.osc9]
    if not actions or before.standing is None or before.standing == after.standing:
        return
    said = list(_said(before, after, app.clock.now()))
    if any(action.bell and action.wants(each) for action in actions for each in said):
        app.bell()
    told = [each for each in said if any(it.osc9 and it.wants(each) for it in actions)]
    for each in told[:_AT_ONCE]:
        standing = each.standing
        _notify(app, f"{standing.level} {standing.who.server}: {standing.message}")
    if len(told) > _AT_ONCE:
        _notify(app, f"{len(told) - _AT_ONCE} more alerts")


def _said(before: Board, after: Board, now: float) -> Iterator[Said]:
    """What was raised, got worse or was said again; that something is over rings no bell."""
    known = {each.who: each for each in before.standing or ()}
    for each in after.standing or ():
        was = known.get(each.who)
        if each.raised is None or (was is not None and was.said == each.said):
            continue
        if was is None or was.raised is None:
            yield Said(Happening.RAISED, now, each)
        elif severity(each.level) < severity(was.level):
            yield Said(Happening.WORSE, now, each, was.level)
        else:
            yield Said(Happening.REPEATED, now, each)


def _notify(app: LictuiApp, text: str) -> None:
    """OSC 9, as iTerm2, WezTerm, Ghostty, Windows Terminal and others take it."""
    driver = app._driver  # noqa: SLF001 - as Textual's own copy_to_clipboard does
    if driver is not None:
        # With the name in front: a text that began with a digit would be another command of ConEmu.
        driver.write(f"\x1b]9;lictui: {clean(text)[:_LONGEST]}\x07")


# Theme and keys as config.toml wants them: at the start, and after each edit of the file


def heed(app: LictuiApp, before: Settings | None = None) -> None:
    """Put on what differs from the settings of `before`; at the start, when there are none, all.

    A theme that the file has not changed stays: the user may have chosen another with a key.
    """
    settings = app.settings
    if before is None or settings.theme != before.theme:
        _wear(app, settings.theme, starting=before is None)
    if before is None or settings.keymap != before.keymap:
        _bind(app, dict(settings.keymap))


def _wear(app: LictuiApp, theme: str, *, starting: bool) -> None:
    if wrong := theme_names.problem(theme):
        app.notify(wrong, title="config.toml", severity="warning", markup=False)
    elif not starting:  # the first theme was there before anything was drawn
        app.theme = theme
        app.remember(theme=theme)


def _bind(app: LictuiApp, keymap: dict[str, str]) -> None:
    if wrong := commands.problems(keymap):
        app.notify("\n".join(wrong), title="Default keys", severity="error", markup=False)
        keymap = {}
    app.keys = keymap
    app.set_keymap(keymap)


# What `lictui watch` was asked for. Needs no Textual: the command line makes one


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """How the console view behaves."""

    rotate: float = 15.0  # seconds a page stays
    beep: bool = False  # at an alert that was not there before
    exit_on: str | None = None  # "warn" or "critical": end with code 1 at such an alert


# Messages that more than one module needs. Must not know who sends or hears them


class BoardChanged(Message):
    """The monitor has a new board. Of several in the queue only the newest counts."""

    def __init__(self, board: Board, settings: Settings) -> None:
        super().__init__()
        self.board = board
        self.settings = settings

    def can_replace(self, message: Message) -> bool:
        """Whether this one makes `message` needless."""
        return isinstance(message, BoardChanged)


class FilterTyped(Message):
    """Another filter is wanted, as it was spelled."""

    def __init__(self, wanted: Filter, spelled: str) -> None:
        super().__init__()
        self.wanted = wanted
        self.spelled = spelled


class FilterClosed(Message):
    """Typing a filter has ended; the filter stays."""


# Every screen by its name. Owns that table; a screen's module is imported when first wanted


SCREENS: Final = {
    "wall": "lictui.tui.screens.wall:WallScreen",
    "estate": "lictui.tui.screens.estate:EstateScreen",
    "product": "lictui.tui.screens.product:ProductScreen",
    "servers": "lictui.tui.screens.servers:ServersScreen",
    "alerts": "lictui.tui.screens.alerts:AlertsScreen",
    "help": "lictui.tui.screens.dialogs:HelpScreen",
    "form": "lictui.tui.screens.server_form:FormScreen",
    "holders": "lictui.tui.screens.holders:HoldersScreen",
    "assistant": "lictui.tui.screens.cloud_assistant:AssistantScreen",
    "first_run": "lictui.tui.screens.dialogs:FirstRunScreen",
    "contract": "lictui.tui.screens.contract:ContractScreen",
    "why": "lictui.tui.screens.dialogs:WhyScreen",
    "watch": "lictui.tui.screens.watch:WatchScreen",
}
STAY: Final = ("wall", "estate", "servers", "alerts")  # one of these is always at the bottom


def make(name: str, **kwargs: Any) -> Screen[Any]:
    """The screen of that name, made with these arguments."""
    module, _, attribute = SCREENS[name].partition(":")
    made = getattr(import_module(module), attribute)(**kwargs)
    if not isinstance(made, Screen):
        raise TypeError(f"{attribute} is no screen")
    return made


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
        symbols.register(self)
        self.theme = theme_names.first(self.settings.theme, self.remembered.get("theme", ""))

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """What the drawing needs, for themes of other makers."""
        return dict(symbols.DEFAULTS)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """In ASCII mode everything drawn leaves in 7 bits, Textual's own frames too."""
        filters = super().get_line_filters()
        return [*filters, SevenBit()] if self.symbols is symbols.ASCII else filters

    def on_mount(self) -> None:
        """Put up the first screen."""
        if self._on_shown is not None:
            self.call_after_refresh(self._on_shown)
        heed(self)
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
            heed(self, before)
            ring(self, self.board, message.board)
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
