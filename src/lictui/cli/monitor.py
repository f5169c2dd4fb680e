"""`lictui` and `lictui watch`: the monitor thread and the screen, brought together and taken apart.

Owns the order: the files are opened, the screen is imported and drawn, then polling begins.
Must not know what is drawn.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import sys
import threading
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import click

from lictui.cli import context as options
from lictui.cli.context import CommandContext, MonitorOptions, configure_logging, load_configuration
from lictui.cli.context import select_servers as select_selection
from lictui.errors import LictuiError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lictui.clock import SystemClock
    from lictui.config.settings import Settings
    from lictui.engine.board import Board


# How the monitor ends when nobody presses `q`: by a signal, or with its terminal


EXIT_TIMEOUT: Final = 3.0  # seconds for the polite way


@contextmanager
def exit_on_signal(end: Callable[[], object], close: Callable[[], None]) -> Iterator[None]:
    """While inside, SIGTERM, SIGHUP or the end of the terminal call `end`, from any thread.

    If the block is not left within GRACE seconds, `close` is called and the process ends with 0;
    a second signal ends it at once.
    """
    left, asked = threading.Event(), threading.Event()

    def ask() -> None:
        if not asked.is_set():
            asked.set()
            threading.Thread(target=force, name="leave", daemon=True).start()
            end()

    def force() -> None:
        if not left.wait(EXIT_TIMEOUT):
            with suppress(Exception):
                close()
            os._exit(0)

    def received(number: int, _frame: object) -> None:
        if asked.is_set():
            os._exit(128 + number)  # whoever asks twice does not want to wait
        ask()

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, received) for number in numbers}
    threading.Thread(target=_await_hangup, args=(ask,), name="hangup", daemon=True).start()
    try:
        yield
    finally:
        left.set()
        for number, handler in before.items():
            signal.signal(number, handler)


def _await_hangup(ask: Callable[[], None]) -> None:
    """Call `ask` when the terminal is gone; not every process is sent a SIGHUP then."""
    if not hasattr(select, "poll"):
        return
    poll = select.poll()
    poll.register(sys.stdin.fileno(), 0)  # of nothing else than its end
    (_, events), *_ = poll.poll()
    if events & select.POLLHUP:
        ask()


_DEMO: Final = -1  # what the first-run screen ends with when the demo is wanted
_DEMO_SPEED: Final = 60.0  # a day in 24 minutes: something happens while one looks


def monitor(
    context: CommandContext, chosen: MonitorOptions, watch: dict[str, Any] | None = None
) -> None:
    """Run the monitor until it is quit; exits with its code."""
    from lictui.engine.board import Filter  # noqa: PLC0415 - `--help` runs nothing

    Filter.parse(chosen.filter)  # said before there is a screen to say it on
    _require_terminal()
    code = _demo(context, chosen, watch) if chosen.demo else _live(context, chosen, watch)
    if code == _DEMO:
        code = _demo(context, chosen, watch)
    raise click.exceptions.Exit(code)


@click.command()
@click.option(
    "--rotate",
    type=click.FloatRange(min=1.0),
    default=15.0,
    show_default=True,
    metavar="SECONDS",
    help="How long each group is shown.",
)
@click.option("--beep", is_flag=True, help="Ring the bell when there is a new alert.")
@click.option(
    "--exit-on", type=click.Choice(["warn", "critical"]), help="Exit with 1 at this level."
)
@options.monitor_options
@click.pass_obj
def watch(
    context: CommandContext, /, *, rotate: float, beep: bool, exit_on: str | None, **chosen: Any
) -> None:
    """Show the console view: no key needed, big figures, a group at a time."""
    wanted = {"rotate": rotate, "beep": beep, "exit_on": exit_on}
    monitor(context, options.MonitorOptions(**chosen), wanted)


def _demo(context: CommandContext, chosen: MonitorOptions, watch: dict[str, Any] | None) -> int:
    from lictui.simulator.demo import Demo  # noqa: PLC0415 - only the demo pays for it

    with ExitStack() as stack:
        demo = stack.enter_context(Demo(chosen.seed, chosen.speed or _DEMO_SPEED))
        context = replace(context, paths=demo.paths)
        return _run(stack, context, demo.clock, chosen, watch, demo=True)


def _live(context: CommandContext, chosen: MonitorOptions, watch: dict[str, Any] | None) -> int:
    from lictui.clock import SystemClock  # noqa: PLC0415 - late like everything of the monitor

    with ExitStack() as stack:
        return _run(stack, context, SystemClock(), chosen, watch, demo=False)


def _run(
    stack: ExitStack,
    context: CommandContext,
    clock: SystemClock,
    chosen: MonitorOptions,
    watch: dict[str, Any] | None,
    *,
    demo: bool,
) -> int:
    # What start-up makes stays: looking through it for garbage takes a tenth of the time to the
    # first frame, and finds none.
    gc.disable()
    from lictui.config.reload import load_state, save_state  # noqa: PLC0415 - late, as above
    from lictui.engine.engine import Engine, RunScope  # noqa: PLC0415 - late, as above
    from lictui.engine.thread import EngineThread  # noqa: PLC0415 - late, as above

    options.configure_logging(context.paths.log, context.log_level)
    stack.callback(gc.enable)
    engine = Engine(context.paths, clock, RunScope(chosen.group, chosen.interval))
    thread = EngineThread(engine)
    stack.callback(thread.stop)
    thread.start()
    if context.no_color:
        os.environ["NO_COLOR"] = "1"
    elif os.environ.get("NO_COLOR") == "":
        del os.environ["NO_COLOR"]  # an empty one asks for nothing
    from lictui.tui.app import LictuiApp, WatchOptions  # noqa: PLC0415 - after the thread has begun

    def shown() -> None:
        gc.freeze()
        gc.enable()
        thread.start_polling(lambda board, settings: app.publish(board, _drawn(settings, chosen)))

    app = LictuiApp(
        thread,
        clock,
        _drawn(engine.settings, chosen),
        board=thread.board,
        demo=demo,
        read_only=chosen.read_only,
        filter=chosen.filter,
        watch=WatchOptions(**watch) if watch is not None else None,
        state=load_state(context.paths),
        on_shown=shown,
    )
    with exit_on_signal(end=lambda: app.call_later(app.exit, 0), close=stack.close):
        result = app.run()
    with suppress(LictuiError):  # a view that is not remembered is no reason to complain
        save_state(context.paths, app.saved_state)
    return result if isinstance(result, int) else app.return_code or 0


def _drawn(settings: Settings, chosen: MonitorOptions) -> Settings:
    """The settings as the command line has them."""
    return replace(
        settings,
        theme=chosen.theme or settings.theme,
        ascii=chosen.ascii or settings.ascii or _needs_ascii(),
        read_only=chosen.read_only or settings.read_only,
    )


def _needs_ascii() -> bool:
    """Whether this is a Linux console that cannot show more than ASCII."""
    charset = next(
        (os.environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if os.environ.get(name)), ""
    )
    utf8 = charset.upper().replace("-", "").endswith("UTF8")
    return os.environ.get("TERM") == "linux" and not utf8


def _require_terminal() -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "the monitor needs a terminal, and this is none",
            "`lictui status` prints once; `lictui collect` runs without a screen",
        )
    if os.environ.get("TERM", "dumb") in ("dumb", "unknown", ""):
        raise UsageError(
            f"the monitor cannot draw on TERM={os.environ.get('TERM', '')!r}",
            "set TERM to what this terminal is, for example xterm-256color",
        )


# `lictui collect`: the engine alone, for ever; ends cleanly on SIGTERM


@click.command()
@click.option(
    "-n",
    "--interval",
    type=click.FloatRange(min=1.0),
    metavar="SECONDS",
    help="Poll every server this often, whatever its own interval says.",
)
@click.option("--group", default="", help="Only the servers of this group.")
@click.pass_obj
def collect(context: CommandContext, /, *, interval: float | None, group: str) -> int:
    """Poll for ever without a screen, and record."""
    from lictui.clock import SystemClock  # noqa: PLC0415 - `--help` does not need the engine
    from lictui.engine.engine import Engine, RunScope  # noqa: PLC0415 - nor this
    from lictui.engine.thread import EngineThread  # noqa: PLC0415 - nor this

    configure_logging(context.paths.log, context.log_level, also_stderr=True)
    _settings, servers = load_configuration(context)
    select_selection(servers, group=group)
    asked = threading.Event()
    received: list[int] = []

    def end(number: int, _frame: object) -> None:
        received.append(number)
        asked.set()

    previous = {each: signal.signal(each, end) for each in (signal.SIGTERM, signal.SIGINT)}
    monitor = EngineThread(Engine(context.paths, SystemClock(), RunScope(group, interval)))
    try:
        monitor.start()
        _say_notices(monitor.board)
        click.echo(f"lictui: {_begun(len(monitor.board.servers))}", err=True)
        monitor.start_polling(_Announcer(monitor.board))
        asked.wait()
    finally:
        monitor.stop()
        for each, handler in previous.items():
            signal.signal(each, handler)
    return 130 if signal.SIGINT in received else 0


def _begun(count: int) -> str:
    if count == 0:
        return "no server is registered yet; one that is added now will be polled"
    return f"collecting from {count} {'server' if count == 1 else 'servers'}"


def _say_notices(board: Board) -> None:
    for notice in board.notices:
        click.echo(f"lictui: {notice}", err=True)


class _Announcer:
    """Says a word on stderr when a server's state changes, and only then."""

    def __init__(self, board: Board) -> None:
        self._states = {status.server.name: status.state for status in board.servers}
        self._notices = board.notices

    def __call__(self, board: Board, _settings: Settings) -> None:
        for status in board.servers:
            name = status.server.name
            if self._states.get(name) is not status.state:
                self._states[name] = status.state
                why = f": {status.failure.message}" if status.failure else ""
                click.echo(f"lictui: {name} is {status.state.replace('_', ' ')}{why}", err=True)
        if board.notices != self._notices:
            self._notices = board.notices
            _say_notices(board)
