"""The Textual application: the table of screens, the board they draw, and what all screens share.

Boards arrive from the engine thread as messages; questions go to the engine.
"""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import suppress
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple, Protocol, TypeVar, cast

from msgspec import Struct
from textual import events, on
from textual.app import App
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.message import Message
from textual.notifications import Notification, Notify
from textual.reactive import var

from lictui.clock import Clock, PastClock, SystemClock, time_zone
from lictui.config.settings import Settings
from lictui.date_input import parse_moment, parse_time_range
from lictui.engine.alerts import alert_events
from lictui.engine.board import MergedBoard
from lictui.errors import UsageError
from lictui.tui import _terminal, commands, theme_names
from lictui.tui import theme as symbols
from lictui.tui.text import strip_controls
from lictui.tui.theme import AsciiFilter
from lictui.tui.widgets.bars import applies
from lictui.tui.widgets.dashboard_view import pending_polls

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence

    from rich.console import RenderableType
    from textual.actions import ActionParseResult
    from textual.binding import BindingType
    from textual.filter import LineFilter
    from textual.notifications import SeverityLevel
    from textual.screen import Screen
    from textual.timer import Timer

    from lictui.clock import Clock
    from lictui.engine.answers import EngineAnswers
    from lictui.model import Server, StepResult
    from lictui.paths import Paths
    from lictui.time_range import TimeRange
    from lictui.tui.commands import Command

_LOG: Final = logging.getLogger(__name__)
_TRAVEL_STEP: Final = 300.0  # seconds
_TOASTS: Final = 2  # messages on the screen at a time
_LEAST_TIME: Final = 0.1  # seconds that a message is shown
_T = TypeVar("_T")


# Bell and desktop notifications (OSC 9) for alerts, as the actions of config.toml ask for them


_LONGEST: Final = 200  # characters of a notification
_AT_ONCE: Final = 3  # notifications per board; the rest is only counted


def notify_alerts(app: LictuiApp, before: MergedBoard, after: MergedBoard) -> None:
    """Ring and notify about the alert events between two boards, where an action asks for it."""
    actions = [action for action in app.settings.actions if action.bell or action.osc9]
    events = alert_events(before, after, app.clock.now()) if actions else []
    if any(action.bell and action.matches(event) for action in actions for event in events):
        app.bell()
    popups = [action for action in actions if action.osc9]
    notified = [event for event in events if any(action.matches(event) for action in popups)]
    for event in notified[:_AT_ONCE]:
        alert = event.alert
        _notify(app, f"{alert.level} {alert.key.server}: {alert.message}")
    if len(notified) > _AT_ONCE:
        _notify(app, f"{len(notified) - _AT_ONCE} more alerts")


def _notify(app: LictuiApp, text: str) -> None:
    """Send OSC 9, as iTerm2, WezTerm, Ghostty, Windows Terminal and others read it."""
    driver = app._driver  # noqa: SLF001 - as Textual's own copy_to_clipboard does
    if driver is not None:
        # The name comes first: a text that starts with a digit would be another command in ConEmu.
        driver.write(f"\x1b]9;lictui: {strip_controls(text)[:_LONGEST]}\x07")


# Theme and key bindings of config.toml: at the start, and after each edit of the file


def apply_settings(app: LictuiApp, before: Settings | None = None) -> None:
    """Apply what differs from the settings in `before`; without them, everything.

    A theme that the file did not change stays: the user may have chosen another one with a key.
    """
    theme, keymap = app.settings.theme, dict(app.settings.keymap)
    if before is None or theme != before.theme:
        if problem := theme_names.theme_problem(theme):
            app.notify(problem, title="config.toml", severity="warning")
        elif before is not None:  # the first theme is set before anything is drawn
            app.theme = theme
            app.save_state(theme=theme)
    if before is None or keymap != before.keymap:
        if problems := commands.keymap_problems(keymap) if keymap else ():
            app.notify("\n".join(problems), title="Default keys", severity="error")
            keymap = {}
        app.keymap = keymap
        app.set_keymap(keymap)


# Options of `lictui watch`, made by the command line


class WatchOptions(Struct, frozen=True):
    """How the wall console view behaves."""

    rotate: float = 15.0  # seconds that a page is shown
    beep: bool = False  # at every new alert
    exit_on: str | None = None  # "warn" or "critical": exit with code 1 at such an alert


# All screens by name; a screen's module is imported when it is first shown


SCREENS: Final = {
    "dashboard": "lictui.tui.screens.dashboard:DashboardScreen",
    "products": "lictui.tui.screens.products:ProductsScreen",
    "usage": "lictui.tui.screens.usage:UsageScreen",
    "servers": "lictui.tui.screens.servers:ServersScreen",
    "server": "lictui.tui.screens.server_detail:ServerScreen",
    "alerts": "lictui.tui.screens.alerts:AlertsScreen",
    "help": "lictui.tui.screens.dialogs:HelpScreen",
    "form": "lictui.tui.screens.server_form:FormScreen",
    "license_users": "lictui.tui.screens.license_users:LicenseUsersScreen",
    "cloud_assistant": "lictui.tui.screens.cloud_assistant:CloudAssistantScreen",
    "first_run": "lictui.tui.screens.dialogs:FirstRunScreen",
    "entitlements": "lictui.tui.screens.entitlements:EntitlementsScreen",
    "data_sources": "lictui.tui.screens.dialogs:DataSourcesScreen",
    "watch": "lictui.tui.screens.watch:WatchScreen",
}
MAIN_VIEWS: Final = ("dashboard", "products", "servers", "alerts")  # one is always at the bottom


# The command palette: the commands that apply to the current screen, and places to go to


class LictuiCommands(Provider):
    """Offers commands, servers, products, groups, themes and dates to Textual's palette."""

    async def discover(self) -> Hits:
        for command in self._offered():
            run = partial(self.screen.run_action, command.action)
            yield DiscoveryHit(Content(_title(command)), run, help=command.help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in self._offered():
            if (score := matcher.match(f"{command.title} {command.help}")) > 0:
                title, act = matcher.highlight(_title(command)), command.action
                yield Hit(score, title, partial(self.screen.run_action, act), help=command.help)
        for name, kind, run in self._places():
            if (score := matcher.match(name)) > 0:
                yield Hit(score, Content(strip_controls(name)), run, help=kind)
        app, text = cast("LictuiApp", self.app), strip_controls(query)
        with suppress(UsageError):  # it is not a date
            date = (query, app.clock.now(), time_zone(app.settings.timezone))
            go = partial(self._go_to_date, parse_time_range(*date))
            yield Hit(1.0, Content(f"Go to {text}"), go, help="Date")
            show = partial(app.show_past, parse_moment(*date))
            yield Hit(0.9, Content(f"Everything as it was: {text}"), show, help="Past")

    def _offered(self) -> Iterator[Command]:
        app, view = cast("LictuiApp", self.app), str(getattr(self.screen, "VIEW", ""))
        for command in app.available_commands(view):
            if command.id != "palette" and applies(self.screen, command):
                yield command

    def _places(self) -> Iterator[tuple[str, str, Callable[[], object]]]:
        """Yield what can be gone to by its name."""
        app = cast("LictuiApp", self.app)
        for status in app.board.servers:
            name = status.server.name
            yield name, "Server", partial(app.show_view, "server", server=name)
        for total in app.board.totals():
            place = {"servers": total.servers_expected, "product": total.product}
            yield total.name, "Product", partial(app.show_view, "usage", **place)
        for group in dict.fromkeys(status.server.group for status in app.board.servers):
            if group:
                yield group, "Group", partial(app.action_show_group, group)
        for theme in dict.fromkeys((*theme_names.THEME_NAMES, *sorted(app.available_themes))):
            yield theme, "Theme", partial(app.choose_theme, theme)

    def _go_to_date(self, period: TimeRange) -> None:
        """Show a period of the product that is shown or selected."""

        def go() -> None:
            if go_to := getattr(self.app.screen, "go_to", None):
                go_to(period)

        if not hasattr(self.screen, "go_to"):
            cast("Any", self.screen).action_product()
        self.app.call_after_refresh(go)


def _title(command: Command) -> str:
    return f"{command.title}  ({', '.join(command.key_list)})"


# The engine as the screens see it: `EngineThread` implements it, tests fake it


class EngineClient(Protocol):
    """The engine, as seen from another thread."""

    def poll_now(self, name: str | None = None) -> None: ...

    async def ask(self, question: Callable[[EngineAnswers], Coroutine[Any, Any, _T]]) -> _T:
        """Run a question in the thread of the engine: one hop, whatever it combines."""
        ...

    def test(self, server: Server) -> AsyncIterator[StepResult]: ...


class Popup(Notification):
    """A message whose time never ends while its toast is made.

    A timer of Textual with a negative time never ends and never lets another task run.
    """

    @property
    def time_left(self) -> float:
        return max(super().time_left, _LEAST_TIME)

    @property
    def has_expired(self) -> bool:
        return super().time_left <= 0


class BoardChanged(Message):
    """An engine published a new board. Of several in the queue only the newest is handled."""

    def __init__(self, board: MergedBoard, settings: Settings, engine: EngineClient) -> None:
        super().__init__()
        self.board = board
        self.settings = settings
        self.engine = engine

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, BoardChanged) and message.engine is self.engine


class ShownTime(NamedTuple):
    """What is shown: the present, or another time, with an engine of its own."""

    engine: EngineClient
    clock: Clock
    board: MergedBoard
    start: Callable[[], object] = bool  # starts to publish
    stop: Callable[[], object] = bool


class LictuiApp(App[int]):
    """The monitor. Its result is the exit code of the process."""

    TITLE = "lictui"
    CSS = """
    .-ascii PaneGrid, .-ascii ProductTable { scrollbar-size: 0 0; }
    Button:focus { background: $chosen; color: $on-chosen; text-style: bold; }
    ToastRack { margin-bottom: 0; scrollbar-size: 0 0; }
    Toast {
        width: 100%;
        max-width: 100%;
        margin: 0;
        padding: 0 1;
        background: $panel;
        border: none;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings()]
    COMMANDS = {LictuiCommands}  # noqa: RUF012 - in place of Textual's own commands

    # Not `reactive`: that would repaint the whole screen for every board.
    board: var[MergedBoard] = var(MergedBoard, init=False)
    clock: var[Clock] = var(SystemClock, init=False)  # another one shows another time
    paused: var[bool] = var(bool, init=False)
    keymap: var[dict[str, str]] = var(dict, init=False)  # the keymap in effect
    # Requested by hand, not answered yet:
    pending_polls: var[frozenset[str]] = var(frozenset, init=False)
    # Of the demo: the share of its past that is written, and the hint that is shown.
    progress: var[float] = var(0.0, init=False)
    hint: var[int] = var(0, init=False)

    def __init__(  # noqa: PLR0913 - the seams between the program and its screen, each by name
        self,
        engine: EngineClient,
        clock: Clock,
        settings: Settings | None = None,
        *,
        board: MergedBoard | None = None,
        demo: bool = False,
        read_only: bool = False,
        console: bool = False,
        filter: str = "",  # noqa: A002 - the option's name
        watch: WatchOptions | None = None,
        state: dict[str, str] | None = None,
        on_shown: Callable[[], None] | None = None,
        paths: Paths | None = None,
        open_past: Callable[[float], ShownTime] | None = None,
    ) -> None:
        # A web page (`lictui serve`) names the driver in the environment.
        driver = getattr(_terminal, "TerminalDriver", None)
        super().__init__(driver_class=None if "TEXTUAL_DRIVER" in os.environ else driver)
        self.engine = engine
        self.set_reactive(LictuiApp.clock, clock)
        self.started_at = clock.now()
        self.settings = settings or Settings()
        self.symbols = symbols.CONSOLE_SYMBOLS if console else symbols.UNICODE_SYMBOLS
        self.symbols = symbols.ASCII_SYMBOLS if self.settings.ascii else self.symbols
        self.demo = demo
        self.read_only = read_only or self.settings.read_only
        self.pattern = filter
        self.watch_options = watch
        self.saved_state = dict(state or {})
        self._on_shown = on_shown
        self._playing: Timer | None = None
        self._open_past = open_past  # blocks
        self.present: ShownTime | None = None  # while the monitor shows another time
        self._stop_past: Callable[[], object] = bool
        self.paths = paths
        self._terminal_buffer = _terminal.TerminalBuffer()
        self.set_reactive(LictuiApp.board, board or MergedBoard())
        self.animation_level = "none"
        self.set_class(self.symbols is not symbols.UNICODE_SYMBOLS, "-ascii")
        for theme in symbols.CONSOLE_THEMES if console else symbols.THEMES:
            self.register_theme(theme)
        self.theme = theme_names.initial_theme(
            self.settings.theme, self.saved_state.get("theme", "")
        )

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(symbols.DEFAULT_VARIABLES)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Convert what the terminal cannot draw, Textual's own frames too."""
        filters = super().get_line_filters()
        if self.symbols is symbols.UNICODE_SYMBOLS:
            return filters
        has_more = self.symbols is symbols.CONSOLE_SYMBOLS
        kept = symbols.CONSOLE_CHARACTERS if has_more else frozenset[str]()
        return [*filters, AsciiFilter(kept)]

    def on_mount(self) -> None:
        if self._on_shown is not None:
            self.call_after_refresh(self._on_shown)
        apply_settings(self)
        if self.watch_options is not None:
            self.show_view("watch", options=self.watch_options)
            return
        last = self.saved_state.get("view", "")
        self.show_view(last if last in MAIN_VIEWS else "dashboard")
        if not self.board.registered.servers and not self.board.notices and not self.demo:
            self.show_view("first_run")

    # Screens

    def show_view(self, name: str, **kwargs: Any) -> None:
        """Show a screen by its name; main views replace each other."""
        self.hint = commands.following_hint(self.hint, name)
        module, _, screen = SCREENS[name].partition(":")
        make = getattr(import_module(module), screen)
        if name not in MAIN_VIEWS:
            self.push_screen(make(**kwargs))
            return
        while len(self.screen_stack) > 2:  # noqa: PLR2004 - Textual's own blank screen and a view
            self.pop_screen()
        if name not in self._installed_screens:
            self.install_screen(make(**kwargs), name)
        if len(self.screen_stack) == 1:
            self.push_screen(name)
        else:
            self.switch_screen(name)
        self.save_state(view=name)

    def save_state(self, **state: str) -> None:
        self.saved_state.update(state)

    # Boards and polls

    def publish(
        self,
        board: MergedBoard,
        settings: Settings | None = None,
        engine: EngineClient | None = None,
    ) -> None:
        """Hand over a new board and its settings; may be called from any thread."""
        self.post_message(BoardChanged(board, settings or self.settings, engine or self.engine))

    @on(BoardChanged)
    def _take_board(self, message: BoardChanged) -> None:
        if message.engine is not self.engine:
            if self.present and message.engine is self.present.engine:
                self.present = self.present._replace(board=message.board)
            return
        with self.batch_update():
            self.pending_polls = pending_polls(
                self.pending_polls, self.board.registered, message.board.registered
            )
            before, self.settings = self.settings, message.settings
            apply_settings(self, before)
            notify_alerts(self, self.board, message.board)
            self.board = message.board

    def poll(self, name: str | None = None) -> None:
        names = [s.server.name for s in self.board.registered.servers if s.server.enabled]
        self.pending_polls |= {name} if name else frozenset(names)
        self.engine.poll_now(name)
        self.notify(f"Polling {name or 'every server'}", timeout=2)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Show a message as it is: text from servers and files is never markup."""
        del markup
        seconds = self.NOTIFICATION_TIMEOUT if timeout is None else timeout
        shown = Popup(strip_controls(message, "\n"), title, severity, seconds)
        self.post_message(Notify(shown))

    def _on_notify(self, event: Notify) -> None:
        """Make room before Textual adds the message: an equal one and old ones leave."""
        others = [n for n in self._notifications if n.message != event.notification.message]
        self._notifications.clear()
        for notification in others[1 - _TOASTS :]:
            self._notifications.add(notification)

    def copy_to_clipboard(self, text: str, what: str = "") -> None:
        """Send a text to the terminal's clipboard; no terminal confirms that it took it."""
        super().copy_to_clipboard(strip_controls(text, "\n"))
        self.notify(f"Sent to the terminal's clipboard{what and ': '}{what}", timeout=2)

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        super()._display(screen, self._terminal_buffer.diff(renderable))

    # Commands

    async def on_event(self, event: events.Event) -> None:
        """Finish opening or closing a screen before a key is handled: its widgets must be there.

        Textual does so after the next message if the screen was opened by another task.
        """
        if isinstance(event, events.Key):
            await self._flush_next_callbacks()
        await super().on_event(event)

    def _fatal_error(self) -> None:
        # Textual's report has the values of local variables, which may be secrets.
        error = self._exception
        _LOG.critical("the screen failed", exc_info=error)
        self.panic(
            f"lictui ended: an unexpected error ({type(error).__name__}).\n"
            "The log file has the details; please report them. lictui info shows where it is."
        )

    def available_commands(self, view: str) -> tuple[Command, ...]:
        """Return the commands of a view, and those that work everywhere, with their keys."""
        modes = ("", "past" * self.is_past, "demo" * self.demo)
        return tuple(
            command
            for command in commands.with_keymap(self.keymap)
            if (not command.screens or view in command.screens)
            and command.mode in modes
            and not self.refuses(command.action)
        )

    def key_of(self, name: str) -> str:
        """Return the first key of a command as it is written for people."""
        table = commands.with_keymap(self.keymap)
        return next(command.labels[0] for command in table if command.id == name)

    def refuses(self, action: str) -> bool:
        """Return whether an action is refused, because it belongs to a command that writes.

        What is shown of the past may be exported, unless the user is to read only.
        """
        if not self.read_only and (not self.is_past or action == "export"):
            return False
        return any(command.writes and command.action == action for command in commands.COMMANDS)

    async def run_action(self, action: str | ActionParseResult, *args: Any, **kwargs: Any) -> bool:
        if isinstance(action, str) and self.refuses(action):
            reason = "Read only" if self.read_only else "This is the past"
            self.notify(f"{reason}: nothing is written, polled or tested", timeout=3)
            return True
        return await super().run_action(action, *args, **kwargs)

    async def action_quit(self) -> None:
        """Quit; a form closes first, and asks before it discards anything."""
        if (close := getattr(self.screen, "action_cancel", None)) is not None:
            close()
        else:
            await super().action_quit()

    action_show = show_view
    action_poll_all = poll

    # Other times

    @property
    def is_past(self) -> bool:
        """Whether another time is shown (`--at`, `--replay`, or from the live monitor)."""
        return isinstance(self.clock, PastClock)

    def action_travel(self, steps: int) -> bool:
        """Show the time so many steps later, or earlier; return whether there is such a time."""
        return self.show_past(self.clock.now() + steps * _TRAVEL_STEP)

    def show_past(self, at: float) -> bool:
        """Show everything as it was; return whether there is such a time. After it is now."""
        if not isinstance(self.clock, PastClock):
            if self._open_past is None:
                self.notify("Other times are not available here", severity="warning")
            elif self.present is None:
                self.run_worker(self._leave_present(at), group="past")
            return self._open_past is not None
        moved = self.clock.move(at - self.clock.now())
        if moved:
            self.engine.poll_now()
        elif self.present and at > self.clock.now():
            self.show_present()
        else:
            self.notify("There is nothing beyond this time", timeout=2)
        return moved

    async def _leave_present(self, at: float) -> None:
        open_past = cast("Callable[[float], ShownTime]", self._open_past)
        self.present = ShownTime(self.engine, self.clock, self.board)
        past = await asyncio.to_thread(open_past, at)
        if self.present is None:  # the user returned meanwhile
            past.stop()
            return
        self._stop_past = past.stop
        self.call_later(self._show_time, past)
        past.start()

    def show_present(self) -> None:
        """Return from another time to the live monitor."""
        if self.present is not None:
            present, self.present = self.present, None
            self.call_later(self._show_time, present)
            self.call_later(self._close_past, self._stop_past)

    def _close_past(self, stop: Callable[[], None]) -> None:
        self.run_worker(asyncio.to_thread(stop), group="past")

    async def _show_time(self, shown: ShownTime) -> None:
        """Show its board on the main view, by the app's own task: no key meets a closed screen."""
        with self.batch_update():
            if self._playing is not None:
                self.action_play()
            self.engine = shown.engine
            self.pending_polls = frozenset()
            self.set_reactive(LictuiApp.board, shown.board)
            while len(self.screen_stack) > 2:  # noqa: PLR2004 - as in `show_view`
                await self.pop_screen()
            self.clock = shown.clock  # all screens forget what they know of the other time

    def action_play(self) -> None:
        """Show a step each second until the end, or stop."""
        if self._playing is not None:
            self._playing.stop()
            self._playing = None
        elif self.action_travel(1):
            self._playing = self.set_interval(1.0, self._play_on)

    def _play_on(self) -> None:
        if not self.action_travel(1):
            self.action_play()

    def action_repaint(self) -> None:
        """Write the whole screen again: something else may have written to the terminal."""
        self.post_message(events.Resize(self.size, self.size))

    def action_suspend_process(self) -> None:
        if _terminal.can_suspend():
            super().action_suspend_process()
        else:
            self.notify("No shell to return to", severity="warning")

    def action_next_hint(self) -> None:
        self.hint += 1

    def action_pause(self) -> None:
        self.paused = not self.paused

    def action_next_theme(self) -> None:
        self.choose_theme(theme_names.next_theme(self.theme))

    def choose_theme(self, name: str) -> None:
        self.theme = name
        self.save_state(theme=name)
        self.notify(f"Theme {name}", timeout=2)

    def action_show_group(self, group: str) -> None:
        self.show_view("dashboard")
        cast("Any", self.screen).show_group(group)
