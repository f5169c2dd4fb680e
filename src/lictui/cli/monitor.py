"""`lictui` and `lictui watch`: the engine thread and the screen.

The order matters: the files are opened and the engine thread starts before Textual is imported,
and polling starts after the first frame.
"""

from __future__ import annotations

import asyncio
import gc
import os
import select
import sys
import threading
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime, time, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import click
from msgspec.structs import replace

from lictui.cli.context import configure_logging, handling_signals, resolve_timezone
from lictui.cli.options import CommandContext, MonitorOptions, monitor_options, option
from lictui.clock import PastClock, SystemClock, iso, local_date
from lictui.config.loader import load_settings, load_state, save_state
from lictui.date_input import parse_moment
from lictui.engine.board import Filter
from lictui.engine.engine import Engine, RunScope
from lictui.engine.engine_thread import EngineThread
from lictui.errors import ConfigError, LictuiError, UsageError
from lictui.paths import Paths
from lictui.tui.theme_names import THEME_NAMES, theme_problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lictui.config.settings import Settings
    from lictui.engine.board import MergedBoard
    from lictui.history.csv_reader import ImportedPool
    from lictui.tui.app import LictuiApp, ShownTime

EXIT_TIMEOUT: Final = 1.5  # seconds for an orderly exit of the screen
CLOSE_TIMEOUT: Final = 3.0  # seconds for everything: whatever hangs, the process ends
_START_DEMO: Final = -1  # result of the first-run screen
_DEMO_SPEED: Final = 60.0  # a day in 24 minutes
_WEEKEND: Final = (5, 6)
_HOLIDAYS: Final = ((1, 1), (5, 1), (12, 25), (12, 26))


def run_monitor(
    context: CommandContext, options: MonitorOptions, watch: dict[str, Any] | None = None
) -> None:
    """Run the monitor until the user quits; exits with its code."""
    Filter.parse(options.pattern)  # raises before there is a screen
    if options.theme and (problem := theme_problem(options.theme)):
        raise UsageError(problem)
    _require_terminal()
    _set_environment(no_color=context.no_color)
    code = _START_DEMO
    if not options.demo:
        with ExitStack() as stack:
            context, clock = _of_the_past(stack, context, options)
            code = _run(stack, context, clock, options, watch)
    if code == _START_DEMO:
        with ExitStack() as stack:
            temporary = TemporaryDirectory(prefix="lictui-demo-", ignore_cleanup_errors=True)
            folder = Path(stack.enter_context(temporary))
            context = replace(context, paths=Paths(folder / "config", folder / "data"))
            now = SystemClock().now()
            start = now if options.demo_now else _demo_start(now)
            clock = SystemClock(options.speed or _DEMO_SPEED, start)
            code = _run(stack, context, clock, options, watch, demo=True)
    raise click.exceptions.Exit(code)


def _demo_start(now: float) -> float:
    """Return 10:30 of today, local time, or of the last working day."""
    day = local_date(now)
    while day.weekday() in _WEEKEND or (day.month, day.day) in _HOLIDAYS:
        day -= timedelta(days=1)
    return datetime.combine(day, time(10, 30)).astimezone().timestamp()


def _start_demo(
    stack: ExitStack, app: LictuiApp, paths: Paths, seed: int, thread: EngineThread
) -> None:
    """Serve the demo, and write its past, in a thread of its own until the stack is closed."""
    stopped = threading.Event()

    def write(pool: ImportedPool, progress: float) -> None:
        thread.import_readings(pool)
        app.call_later(setattr, app, "progress", progress)

    def run() -> None:
        # Loading the simulator takes longer than the first frame.
        from lictui.simulator.demo import run_demo  # noqa: PLC0415
        from lictui.simulator.estate import SimulatedEstate  # noqa: PLC0415

        try:
            estate = SimulatedEstate(seed, app.clock.now())
            asyncio.run(run_demo(estate, app.clock, paths.config_dir, stopped, write))
        except LictuiError as error:
            app.call_later(partial(app.notify, str(error), severity="error"))

    demo = threading.Thread(target=run, name="demo", daemon=True)

    def stop() -> None:
        stopped.set()
        demo.join()

    stack.callback(stop)
    demo.start()


@click.command(epilog="Example: lictui watch --rotate 30 --exit-on critical")
@option(
    "--rotate",
    "Seconds per group.",
    "SECONDS",
    type=click.FloatRange(min=1.0),
    default=15.0,
)
@option("--beep", "Ring the terminal bell on a new alert.")
@option(
    "--exit-on",
    "Exit with code 1 on an alert of this level.",
    type=click.Choice(["warn", "critical"]),
)
@monitor_options
@click.pass_obj
def watch(
    context: CommandContext, /, *, rotate: float, beep: bool, exit_on: str | None, **options: Any
) -> None:
    """Full-screen view for wall displays, rotating through groups."""
    watch_options = {"rotate": rotate, "beep": beep, "exit_on": exit_on}
    run_monitor(context, MonitorOptions(**options), watch_options)


def _of_the_past(
    stack: ExitStack, context: CommandContext, options: MonitorOptions
) -> tuple[CommandContext, SystemClock]:
    """Return the folders and the clock of `--replay` and `--at`, if they are given."""
    if not (options.at or options.replay):
        return context, SystemClock()
    from lictui.cli.bundle import opened_bundle

    first, last = 0, int(SystemClock().now())
    if options.replay:
        paths, first, last = stack.enter_context(opened_bundle(options.replay))
        context = replace(context, paths=paths)
    zone = resolve_timezone(context)
    at = parse_moment(options.at, last, zone) if options.at else last
    if not first <= at <= last:
        raise UsageError(f"{options.at} is not between {iso(first)} and {iso(last)}")
    return context, PastClock(at, first, last)


def _require_terminal() -> None:
    if "TEXTUAL_DRIVER" in os.environ:  # the terminal is in a browser (`lictui serve`)
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "lictui needs an interactive terminal; standard input or output is not one",
            "`lictui status` prints once; `lictui collect` runs without a screen",
        )
    terminal = os.environ.get("TERM", "dumb")
    if terminal in ("dumb", "unknown", ""):
        raise UsageError(
            f"unsupported terminal type {terminal!r}",
            "set TERM to the type of this terminal, e.g. xterm-256color",
        )


def _run(
    stack: ExitStack,
    context: CommandContext,
    clock: SystemClock,
    options: MonitorOptions,
    watch: dict[str, Any] | None,
    *,
    demo: bool = False,
) -> int:
    # Start-up creates no garbage; looking for it takes a tenth of the time to the first frame.
    gc.disable()
    stack.callback(gc.enable)
    read_only = options.read_only or isinstance(clock, PastClock) or _is_read_only(context)
    configure_logging(None if read_only else context.paths.log, context.log_level)
    scope = RunScope(options.group, options.interval, read_only=read_only and not demo)
    thread = _started_engine(stack, context.paths, clock, scope)
    from lictui.tui.app import LictuiApp, WatchOptions  # noqa: PLC0415 - the engine starts first

    def publish(board: MergedBoard, settings: Settings, of: EngineThread = thread) -> None:
        app.publish(board, _with_options(settings, options), of)

    open_past = _past_opener(stack, context.paths, clock, scope, publish)

    def on_first_frame() -> None:
        gc.freeze()
        gc.enable()
        thread.start_polling(publish)
        if demo:
            _start_demo(stack, app, context.paths, options.seed, thread)

    state = _saved_state(context.paths, options)
    app = LictuiApp(
        thread,
        clock,
        _with_options(thread.engine.settings, options),
        board=thread.board,
        demo=demo,
        read_only=options.read_only,
        console=os.environ.get("TERM") == "linux" and options.ascii is None,
        filter=options.pattern,
        watch=WatchOptions(**watch) if watch is not None else None,
        state=state,
        on_shown=on_first_frame,
        paths=context.paths,
        open_past=None if isinstance(clock, PastClock) or watch else open_past,
    )
    with exit_on_signal(on_exit=lambda: app.call_later(app.exit, 0), close=stack.close):
        result = app.run()
        _save_changes(app, context.paths, state)
    return result if isinstance(result, int) else app.return_code or 0


def _started_engine(
    stack: ExitStack, paths: Paths, clock: SystemClock, scope: RunScope
) -> EngineThread:
    thread = EngineThread(Engine(paths, clock, scope))
    stack.callback(thread.stop)
    thread.start()
    return thread


def _past_opener(
    stack: ExitStack,
    paths: Paths,
    clock: SystemClock,
    scope: RunScope,
    publish: Callable[[MergedBoard, Settings, EngineThread], None],
) -> Callable[[float], ShownTime]:
    """Return a function that opens the same folders as they were at a time."""

    def open_past(at: float) -> ShownTime:
        from lictui.tui.app import ShownTime  # noqa: PLC0415 - loads Textual

        past_clock = PastClock(at, 0, clock.now())
        past = _started_engine(stack, paths, past_clock, replace(scope, read_only=True))

        def start() -> None:
            past.start_polling(lambda board, settings: publish(board, settings, past))

        return ShownTime(past, past_clock, past.board, start, past.stop)

    return open_past


def _saved_state(paths: Paths, options: MonitorOptions) -> dict[str, str]:
    given = {"theme"} if options.theme else set()  # counts, also if it is the default
    return {k: v for k, v in load_state(paths).items() if k not in given}


def _save_changes(app: LictuiApp, paths: Paths, before: Mapping[str, str]) -> None:
    changes = {k: v for k, v in app.saved_state.items() if v != before.get(k)}
    with suppress(LictuiError):  # the last view is not important enough for an error
        if changes and not (app.read_only or app.is_past):
            save_state(paths, changes)


def _is_read_only(context: CommandContext) -> bool:
    try:
        return load_settings(context.paths).read_only
    except ConfigError:  # the engine reports it
        return False


def _set_environment(*, no_color: bool) -> None:
    """Change the variables that Textual would misread."""
    if "TEXTUAL_DRIVER" not in os.environ:
        for variable in ("COLUMNS", "LINES"):  # it takes them for the size of the terminal
            os.environ.pop(variable, None)
    if no_color:
        os.environ["NO_COLOR"] = "1"
    elif os.environ.get("NO_COLOR") == "":
        del os.environ["NO_COLOR"]  # it takes an empty one for a request


def _with_options(settings: Settings, options: MonitorOptions) -> Settings:
    """Return the settings with the options of the command line applied."""
    return replace(
        settings,
        theme=options.theme or _theme_for_terminal(settings.theme),
        ascii=_needs_ascii(settings.ascii) if options.ascii is None else options.ascii,
        read_only=options.read_only or settings.read_only,
    )


def _theme_for_terminal(configured: str) -> str:
    """Return the theme for terminals of 16 colors there, unless config.toml names another one."""
    from rich.console import Console  # noqa: PLC0415 - as Textual, which knows colors from it

    has_few_colors = Console(file=sys.__stdout__).color_system == "standard"
    is_default = configured == THEME_NAMES[0]
    return "lictui-ansi" if has_few_colors and is_default else configured


def _needs_ascii(configured: bool) -> bool:
    encoding = sys.__stdout__.encoding if sys.__stdout__ else ""  # Textual replaces sys.stdout
    return configured or not encoding.lower().startswith("utf")


# Leaving the monitor by a signal, or because its terminal is gone


@contextmanager
def exit_on_signal(on_exit: Callable[[], object], close: Callable[[], None]) -> Iterator[None]:
    """Call `on_exit` on SIGTERM, on SIGHUP, or when the terminal is gone; `close` after the block.

    Another thread calls it: what a signal handler adds to an event loop does not wake the loop.
    If the block does not end within EXIT_TIMEOUT seconds, `close` is called by another thread, and
    the process exits with 0; so it does after CLOSE_TIMEOUT in any case. Further signals change
    nothing: they must not keep the terminal from being restored. A hangup is noticed several times
    anyway: by the thread that waits for it, by a SIGHUP from the terminal and one from the shell.
    """
    has_left = threading.Event()
    closing = threading.Lock()
    left = threading.Lock()  # never waited for: a handler may interrupt another one at any point
    restore_terminal = _terminal_restorer()

    def end() -> None:
        restore_terminal()
        os._exit(0)

    limit = threading.Timer(CLOSE_TIMEOUT, end)
    limit.daemon = True

    def leave() -> None:
        if left.acquire(blocking=False):
            limit.start()
            threading.Thread(target=end_in_time, name="force-exit", daemon=True).start()

    def end_in_time() -> None:
        if not has_left.is_set():
            with suppress(Exception):  # the screen may just have ended
                on_exit()
        has_left.wait(EXIT_TIMEOUT)
        with closing:
            if not has_left.is_set():
                with suppress(Exception):
                    close()
                end()

    with handling_signals(lambda _number, _frame: leave(), "SIGTERM", "SIGHUP"):
        threading.Thread(target=_wait_for_hangup, args=(leave,), name="hangup", daemon=True).start()
        try:
            yield
        finally:
            with (
                closing
            ):  # while `end_in_time` closes, wait: it ends the process when all is closed
                has_left.set()
                close()
            limit.cancel()


# Leaves the alternate screen, shows the cursor, ends mouse, paste and focus reports and colors.
_RESET: Final = b"\x1b[?1049l\x1b[?25h\x1b[?1000;1002;1003;1004;1006;2004l\x1b[<u\x1b[0m"


def _terminal_restorer() -> Callable[[], None]:
    """Return a function that gives the terminal back as it is now, after a forced exit."""
    try:
        import termios  # noqa: PLC0415 - not on Windows
    except ImportError:
        return lambda: None
    try:
        before = termios.tcgetattr(sys.stdin.fileno())
    except (OSError, ValueError, termios.error):
        return lambda: None

    def restore() -> None:
        with suppress(OSError, termios.error):
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, before)
        # A terminal that does not read must not hold up the exit.
        writing = threading.Thread(target=os.write, args=(sys.stdout.fileno(), _RESET), daemon=True)
        writing.start()
        writing.join(0.2)

    return restore


def _wait_for_hangup(on_hangup: Callable[[], None]) -> None:
    """Call `on_hangup` when the terminal is gone; not every process receives a SIGHUP then."""
    if not hasattr(select, "poll"):
        return
    poll = select.poll()
    poll.register(sys.stdin.fileno(), 0)  # POLLHUP is reported without being requested
    (_, events), *_ = poll.poll()
    if events & select.POLLHUP:
        on_hangup()
